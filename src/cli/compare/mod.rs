//! `rawsock compare`: the same messages over TCP, UDP, raw and unix sockets, side by side.

mod args;
mod pairs;
pub mod play;
mod sides;

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;

pub use args::Args;

use crate::compare::mismatch::Outcomes;
use crate::compare::{Figures, Recorded, tally};
use crate::error::Error;
use crate::lab;
use crate::privilege::{self, table};
use crate::view::compare::{Part, render};
use crate::view::mismatch as pairs_view;

/// The runs on one kind of wire, for JSON.
#[derive(Serialize)]
struct Stretch {
    #[serde(rename = "type")]
    what: &'static str,
    messages: u32,
    size: usize,
    interval_ms: f64,
    wire: String,
    results: Vec<Figures>,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    if args.mismatch {
        return mismatch(args);
    }
    let plan = args.plan()?;
    lab::enter_userns_if_needed()?;
    let mut recorded: Vec<(usize, Vec<Recorded>)> = Vec::new();
    for (number, stage) in plan.stages.iter().enumerate() {
        let mut runs = Vec::with_capacity(plan.over.len());
        for over in &plan.over {
            let burst = stage.part == Part::Costs;
            let one = play::play(
                *over,
                &stage.options,
                &plan.experiment,
                plan.patience,
                burst,
            )?;
            runs.push(one);
        }
        recorded.push((number, runs));
    }
    // Nothing that was on the wire has been looked at so far.
    let report = privilege::drop(&table::COMPARE, &privilege::Options::default())?;
    let mut out = String::new();
    for (number, runs) in &recorded {
        let Some(stage) = plan.stages.get(*number) else {
            continue;
        };
        let figures = runs
            .iter()
            .map(|run| tally(run, &plan.experiment))
            .collect();
        let runs = Stretch {
            what: "compare",
            messages: plan.experiment.messages,
            size: plan.experiment.size,
            interval_ms: plan.experiment.interval.as_secs_f64() * 1e3,
            wire: stage.wire.clone(),
            results: figures,
        };
        if args.json {
            out.push_str(&serde_json::to_string(&runs).unwrap_or_default());
            out.push('\n');
            continue;
        }
        if *number == 0 {
            let _ = writeln!(
                out,
                "{} messages of {} bytes, one each {}, echoed; client h1, server h2",
                runs.messages,
                runs.size,
                args::span(plan.experiment.interval)
            );
        }
        let _ = writeln!(out, "\n-- {} --", stage.wire);
        render(stage.part, &runs.results, &mut out);
    }
    for missing in &report.missing {
        let _ = writeln!(io::stderr(), "warning: {missing}");
    }
    super::print(out.as_bytes())?;
    Ok(0)
}

/// Every kind of client against every kind of server.
fn mismatch(args: &Args) -> Result<u8, Error> {
    lab::enter_userns_if_needed()?;
    let tries = pairs::all()?;
    privilege::drop(&table::COMPARE, &privilege::Options::default())?;
    let outcomes: Vec<Outcomes> = tries.iter().map(Outcomes::of).collect();
    let mut out = String::new();
    if args.json {
        for one in &outcomes {
            out.push_str(&serde_json::to_string(one).unwrap_or_default());
            out.push('\n');
        }
    } else {
        out.push_str("One message of 5 bytes from each kind of client to each kind of server.\n");
        pairs_view::render(&outcomes, &mut out);
    }
    super::print(out.as_bytes())?;
    Ok(0)
}
