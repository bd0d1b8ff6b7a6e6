//! From opened sockets to a run: what stays open, the drop of all rights, and the first lines.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, IsTerminal};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use super::open::Opened;
use super::output::{Out, Output, View};
use super::plan::Plan;
use super::run::{Lane, Run};
use super::source::SourceWatch;
use super::stdout::Patient;
use super::values::ColorChoice;
use super::wish::OutputWish;
use crate::decode::LinkType;
use crate::error::Error;
use crate::event::Mono;
use crate::net::Wire;
use crate::net::icmp::Kind;
use crate::net::resolve::Names;
use crate::net::tap::Tap;
use crate::ping::{Payload, Sizes};
use crate::privilege::{self, Report, table};
use crate::sys::clock::Clock;
use crate::sys::signal::Signals;
use crate::view::json::Json;
use crate::view::ping::{Options, Text};
use crate::view::start::{Socket, Start};

/// Buffer of standard output: a flood writes a few bytes for each probe.
const BUFFER: usize = 64 * 1024;

/// What the output of all lanes has in common.
#[derive(Clone, Copy)]
struct Screen {
    terminal: bool,
    /// More than one address is pinged.
    several: bool,
}

/// Drops all rights and writes the first lines.
pub fn build(
    plan: &Plan,
    opened: Vec<Opened>,
    clock: Clock,
    signals: Signals,
    names: Option<Names>,
) -> Result<Run, Error> {
    // Asks the terminal driver, which the sandbox forbids.
    let terminal = io::stdout().is_terminal();
    let report = drop_rights(plan, &opened, &signals, names.as_ref())?;
    let signals = Rc::new(RefCell::new(signals));
    let ended = Rc::new(Cell::new(None));
    let stdout = Patient::new(Rc::clone(&signals), Rc::clone(&ended));
    let out: Out = Rc::new(RefCell::new(BufWriter::with_capacity(BUFFER, stdout)));
    let mut lanes = Vec::with_capacity(opened.len());
    let screen = Screen {
        terminal,
        several: opened.len() > 1,
    };
    for one in opened {
        let (_, now) = clock.now();
        let mut output = output(plan, &one, &report, Rc::clone(&out), screen);
        let said = plan.notes.iter().filter(|_| lanes.is_empty());
        let missing = report.missing.iter().filter(|_| lanes.is_empty());
        let verbose = plan.output.verbose > 0 && lanes.is_empty();
        let more = report.notes.iter().filter(|_| verbose);
        output.start(now)?;
        let state = verbose.then(|| sandbox(&report));
        let said = said.chain(missing).chain(&state).chain(more);
        for note in said.chain(&one.notes) {
            output.remark(note)?;
        }
        let mut session = one.session;
        if one.shows_options {
            session.keep_answers();
        }
        output.tap = one.tap;
        lanes.push(Lane {
            session,
            output,
            source: one.source,
            failed: None,
            paused: Mono::default(),
            done: false,
        });
    }
    Ok(Run {
        lanes,
        clock,
        signals,
        ended,
        names,
    })
}

/// What `-v` tells of the rights that are left.
fn sandbox(report: &Report) -> String {
    let state = if report.sandboxed() { "on" } else { "off" };
    format!(
        "sandbox: {state}, running as user {} without capabilities",
        report.uid
    )
}

fn drop_rights(
    plan: &Plan,
    opened: &[Opened],
    signals: &Signals,
    names: Option<&Names>,
) -> Result<Report, Error> {
    let mut keep: Vec<BorrowedFd<'_>> = vec![signals.as_fd()];
    keep.extend(names.map(AsFd::as_fd));
    for one in opened {
        keep.push(one.session.wire().as_fd());
        keep.extend(one.tap.as_ref().map(Tap::as_fd));
        keep.extend(one.source.as_ref().map(SourceWatch::as_fd));
    }
    let options = privilege::Options {
        require_sandbox: plan.require_sandbox,
        keep: &keep,
    };
    privilege::drop(&table::PING, &options)
}

fn output(plan: &Plan, one: &Opened, report: &Report, out: Out, screen: Screen) -> Output {
    let start = Start {
        target: plan.host.clone(),
        address: one.target.address,
        zone: one.zone.clone(),
        source: plan.header.source.or(plan.wire.bind).or(one
            .target
            .route_source
            .filter(|_| plan.wire.device.is_some())),
        interface: plan.wire.device.clone(),
        socket: match one.kind {
            Kind::Hdrincl => Socket::Hdrincl,
            Kind::Raw => Socket::Raw,
            Kind::Dgram => Socket::Dgram,
        },
        size: match (&plan.schedule.payload, plan.schedule.sizes) {
            (Payload::Data(data), _) => data.len(),
            (_, Sizes::Fixed(size)) => size,
            (_, Sizes::Sweep { min, .. }) => min,
        },
        header_len: one.aim.header.len(),
        flow_label: plan.header.flow_label,
        pattern: match &plan.schedule.payload {
            Payload::Pattern(pattern) => Some(pattern.clone()),
            Payload::Default | Payload::Data(_) => None,
        },
        ids: one.ids.clone(),
        sandbox: report.sandboxed(),
    };
    let wish = &plan.output;
    let view = if wish.json {
        View::Json(Json::new(
            start,
            wish.quiet,
            wish.outstanding,
            screen.several,
        ))
    } else {
        View::Text(Text::new(start, text_options(plan, wish, one, screen)))
    };
    Output {
        view,
        out,
        tap: None,
        asked: Vec::new(),
        header: match one.target.address {
            IpAddr::V4(_) => LinkType::Other(228),
            IpAddr::V6(_) => LinkType::Other(229),
        },
        scope: one.query.device,
    }
}

fn text_options(plan: &Plan, wish: &OutputWish, one: &Opened, screen: Screen) -> Options {
    Options {
        quiet: wish.quiet,
        verbose: wish.verbose > 0,
        timestamps: wish.timestamps,
        outstanding: wish.outstanding,
        audible: wish.audible,
        flood: wish.flood,
        precise: wish.precise,
        numeric: wish.numeric,
        group: one.aim.any_address,
        paced_by_answers: plan.schedule.flood
            || plan.schedule.adaptive
            || plan.schedule.interval.is_zero(),
        color: match wish.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                screen.terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        },
        several: screen.several,
        width: None,
    }
}
