//! `rawsock lab`: hosts of our own with a wire of our own between them.

mod keep;
mod start;

use clap::Subcommand;

use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  rawsock lab pair -- ping -c 3 h2             from h1, by rawsock's own ping
  rawsock lab pair --delay 20ms --loss 10% -- bash
  rawsock lab pair --drop 'tcp.flags.syn#1' -- python3 client.py
  rawsock lab route -- ping -c 1 -s 1400 h2    over a small MTU";

/// Build hosts and a wire of your own, without root
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Two hosts: h1 - h2
    Pair(start::Pair),
    /// Three hosts on a switch: h1, h2, h3
    Lan(start::Lan),
    /// Two hosts with two routers between them: h1 - r1 - r2 - h2
    Route(start::Route),
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    match &args.what {
        What::Pair(args) => keep::run(&args.options()?, &args.start),
        What::Lan(args) => keep::run(&args.options()?, &args.start),
        What::Route(args) => keep::run(&args.options()?, &args.start),
    }
}
