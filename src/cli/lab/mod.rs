//! `rawsock lab`: hosts of our own with a wire of our own between them.

mod keep;
mod prompt;
mod remote;
mod start;
mod step;
mod words;

use clap::Subcommand;

use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  rawsock lab pair -- ping -c 3 h2             from h1, by rawsock's own ping
  rawsock lab pair --delay 20ms --loss 10% -- bash
  rawsock lab pair --drop 'tcp.flags.syn#1' -- python3 client.py
  rawsock lab route -- ping -c 1 -s 1400 h2    over a small MTU
  rawsock lab lan                              a prompt: h1 ping h2
  rawsock lab exec h2 -- sniff -i eth0 all     from another terminal
  rawsock lab set --loss 30%
  rawsock lab log";

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
    /// Run a program in a host of a running lab
    Exec(remote::Exec),
    /// Change what the wire of a running lab does
    Set(remote::Set),
    /// Show every frame of a running lab and what became of it
    Log(remote::Only),
    /// Show counts and settings of a running lab
    Status(remote::Ask),
    /// End a running lab
    Down(remote::Only),
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    match &args.what {
        What::Pair(args) => keep::run(&args.options()?, &args.start),
        What::Lan(args) => keep::run(&args.options()?, &args.start),
        What::Route(args) => keep::run(&args.options()?, &args.start),
        What::Exec(args) => remote::exec(args),
        What::Set(args) => remote::set(args),
        What::Log(args) => remote::log(args),
        What::Status(args) => remote::status(args),
        What::Down(args) => remote::down(args),
    }
}
