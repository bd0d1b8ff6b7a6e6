//! `call --lab`: the sides of a script are hosts of a lab, and the frames on the wire between them are
//! what stands under a call, with what became of each.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::packets::{Ours, Under};
use crate::cli::wire::WireArgs;
use crate::decode::{Decoder, Direction, Frame, Packet};
use crate::error::Error;
use crate::event::{Event, Fate, Host, Id, Kind, List, Mono};
use crate::lab::{self, Options, Run, enter_userns_if_needed};
use crate::sys::clock::Clock;
use crate::view::fate::reason_words;
use crate::view::line::{Style, render_line};
use crate::wire::{Act, Request, Rule, What};

/// How long the wire must be idle until a call's frames are shown, and the longest wait for that.
const IDLE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_millis(200);

/// A running lab and what was told of its events.
pub struct Lab {
    run: Run,
    /// Number of the first event that was not told.
    next: usize,
    decoder: Decoder,
    packet: Packet,
}

impl Lab {
    /// h1 - h2 with this wire. Call it with one thread.
    pub fn start(wire: &WireArgs, require_sandbox: bool) -> Result<Self, Error> {
        enter_userns_if_needed()?;
        let mut options = Options::pair();
        options.config = wire.config();
        options.require_sandbox = require_sandbox;
        let run = Run::start(&options)?;
        Ok(Self {
            run,
            next: 0,
            decoder: Decoder::new(),
            packet: Packet::new(),
        })
    }

    /// The hosts.
    pub fn hosts(&self) -> &[lab::Host] {
        self.run.hosts()
    }

    /// Their addresses by name.
    pub fn names(&self) -> HashMap<String, Vec<IpAddr>> {
        let names = self.run.names().hosts();
        names
            .map(|(name, addresses)| (name.to_owned(), addresses.to_vec()))
            .collect()
    }

    /// The clock of its events.
    pub fn clock(&self) -> Clock {
        self.run.clock()
    }

    /// The wire loses the next frame that matches; those before it that came are forgotten.
    pub fn drop_next(&self, expression: &str) -> Result<(), Error> {
        let wire = self.run.wire();
        let status = wire.status(&Request::Status)?;
        let mut config = status.config;
        let acted = status.acted.iter().chain(std::iter::repeat(&0));
        let rules = config.rules.into_iter().zip(acted);
        let once = |rule: &Rule| matches!(rule.what, What::Match(_, Some(_)));
        config.rules = rules
            .filter(|(rule, acted)| !(once(rule) && **acted > 0))
            .map(|(rule, _)| rule)
            .collect();
        config.rules.push(Rule {
            act: Act::Drop,
            way: None,
            what: What::Match(expression.to_owned(), Some(1)),
        });
        wire.done(&Request::Set(Box::new(config)))
    }

    /// The frames that hosts sent since the last call.
    pub fn under(&mut self, began: Mono) -> Result<Under, Error> {
        let clock = Clock::start();
        loop {
            // Time for the wire to take what was sent, then for what is under way to arrive.
            std::thread::sleep(IDLE);
            let left = PATIENCE.saturating_sub(clock.mono().0);
            self.run.quiet(IDLE, left)?;
            let new = self.run.events()?.events().get(self.next..).unwrap_or(&[]);
            if left.is_zero() || new.iter().all(|event| is_told(event, new)) {
                break;
            }
        }
        let (next, decoder, packet) = (self.next, &self.decoder, &mut self.packet);
        let list = self.run.events()?;
        let new = list.events().get(next..).unwrap_or(&[]);
        let mut under = Under::default();
        for event in new {
            let Kind::Packet(sent) = &event.kind else {
                continue;
            };
            if sent.dir != Direction::Out {
                continue;
            }
            let frame = Frame {
                dir: Direction::Unknown,
                ..sent.frame()
            };
            decoder.decode(&frame, packet);
            let mut text = String::new();
            render_line(&frame, packet, Style::default(), &mut text);
            let ours = Ours {
                at: sent.wall,
                wire_len: sent.wire_len,
                arrow: arrow(list, event, new),
                sent: true,
                text,
            };
            if event.at < began {
                under.before.push(ours);
            } else {
                under.during.push(ours);
            }
        }
        self.next = list.events().len();
        Ok(under)
    }

    /// The end of the wire.
    pub fn close(self) -> Result<(), Error> {
        self.run.close().map(drop)
    }
}

/// What became of a frame that was sent is known; other events have nothing to wait for.
fn is_told(event: &Event, new: &[Event]) -> bool {
    let sent = matches!(&event.kind, Kind::Packet(packet) if packet.dir == Direction::Out);
    !sent || fates_of(event.id, new).next().is_some()
}

/// `h1 --> h2 (5.1 ms):`, `h1 --X lost by a rule:`.
fn arrow(list: &List, event: &Event, new: &[Event]) -> String {
    let name = |host: Host| list.host_name(host).to_owned();
    let mut arrow = name(event.host);
    let mut fates = 0;
    for fate in fates_of(event.id, new) {
        fates += 1;
        match fate {
            Fate::Delivered { at, to } => {
                let flight = at.since(event.at).as_secs_f64() * 1e3;
                let _ = write!(arrow, " --> {} ({flight:.1} ms)", name(*to));
            }
            Fate::Dropped(reason) => {
                let _ = write!(arrow, " --X {}", reason_words(*reason));
            }
            Fate::Duplicated => arrow.push_str(", twice"),
            Fate::Corrupted { bit } => {
                let _ = write!(arrow, ", bit {bit} flipped");
            }
            Fate::Overtaken => arrow.push_str(", overtaken"),
            Fate::Held => arrow.push_str(", held"),
        }
    }
    if fates == 0 {
        arrow.push_str(" --> (under way)");
    }
    arrow.push(':');
    arrow
}

/// What became of a frame.
fn fates_of(id: Id, events: &[Event]) -> impl Iterator<Item = &Fate> {
    events.iter().filter_map(move |event| match &event.kind {
        Kind::Fate(fate) if event.cause == Some(id) => Some(fate),
        _ => None,
    })
}
