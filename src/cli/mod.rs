//! The command line: one definition, from which parser, help, man page and completions come.

pub mod call;
pub mod caps;
pub mod compare;
pub mod completions;
pub mod echo;
pub mod explain;
pub mod filter;
pub mod gather;
pub mod igmp;
pub mod input;
pub mod interfaces;
pub mod lab;
pub mod ladder;
pub mod lesson;
pub mod look;
pub mod man;
pub mod page;
pub mod parse;
pub mod peer;
pub mod ping;
pub mod read;
pub mod saving;
pub mod show;
pub mod sniff;
pub mod wanted;
pub mod wire;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::view::escape::escape;

/// Exit code of an error of use.
const USAGE: u8 = 2;

/// Raw sockets on Linux; COMMAND --help explains a command and has examples
#[derive(Debug, Parser)]
#[command(
    name = "rawsock",
    version,
    propagate_version = true,
    max_term_width = 80,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// [`Cli`] with `ping` alone. To build the options of all commands takes clap longer than a whole
/// ping of 127.0.0.1; a test holds the two to the same help.
#[derive(Debug, Parser)]
#[command(
    name = "rawsock",
    version,
    propagate_version = true,
    max_term_width = 80,
    disable_help_subcommand = true
)]
struct PingAlone {
    #[command(subcommand)]
    command: AlonePing,
}

#[derive(Debug, Subcommand)]
enum AlonePing {
    /// Send ICMP echo requests in an IP header built by hand
    Ping(Box<ping::Args>),
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send ICMP echo requests in an IP header built by hand
    Ping(Box<ping::Args>),
    /// Capture packets of interfaces: show them or save them
    Sniff(Box<sniff::Args>),
    /// Show, count or save the packets of pcap and pcapng files
    Read(Box<read::Args>),
    /// Compile a packet filter and show its program
    Filter(filter::Args),
    /// Plain echo over every kind of socket, each call shown
    Echo(Box<echo::Args>),
    /// Make socket calls, one a line, and see what they cause
    Call(call::Args),
    /// Build hosts and a wire of your own, without root
    Lab(Box<lab::Args>),
    /// Join multicast groups, ask for their members, list them
    Igmp(igmp::Args),
    /// Lay TCP, UDP, raw and unix sockets side by side
    Compare(Box<compare::Args>),
    /// Draw who sent what to whom and when, from capture files
    Ladder(Box<ladder::Args>),
    /// Explain a protocol, a packet, a checksum, an error number
    Explain(Box<explain::Args>),
    /// Learn about sockets and packets by running them
    Lesson(lesson::Args),
    /// Show which rights this process has, and how to get the others
    Caps(caps::Args),
    /// Print the manual page of rawsock or of one command
    Man(man::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// Parses a command line and runs its command; gives the exit code.
pub fn start(words: &[OsString]) -> Result<u8, Error> {
    let ping = words.get(1).is_some_and(|word| word == "ping");
    let parsed = if ping {
        PingAlone::try_parse_from(words).map(|PingAlone { command }| match command {
            AlonePing::Ping(args) => Cli {
                command: Command::Ping(args),
            },
        })
    } else {
        Cli::try_parse_from(words)
    };
    match parsed {
        Ok(cli) => run(cli),
        Err(told) => match ping::hops(&told).filter(|_| ping) {
            Some(refusal) => Err(refusal),
            None => match peer::refusal(words, &told) {
                Some(refusal) => Err(refusal),
                None => tell(&told),
            },
        },
    }
}

/// Help and version, and errors of use in clap's words. Those repeat what was typed.
fn tell(told: &clap::Error) -> Result<u8, Error> {
    if !told.use_stderr() {
        told.print().map_err(lost_output)?;
        return Ok(0);
    }
    let text = told.to_string().replacen("error: ", "rawsock: ", 1);
    let lines: Vec<_> = text.lines().map(escape).collect();
    // Nothing is left to tell an error of stderr to.
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
    Ok(USAGE)
}

fn run(cli: Cli) -> Result<u8, Error> {
    match cli.command {
        Command::Ping(args) => ping::run(&args),
        Command::Call(args) => call::run(&args),
        Command::Caps(args) => caps::run(&args),
        Command::Sniff(args) => sniff::run(&args),
        Command::Read(args) => read::run(&args),
        Command::Igmp(args) => igmp::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Echo(args) => echo::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Ladder(args) => ladder::run(&args),
        Command::Lesson(args) => lesson::run(&args),
        Command::Filter(args) => filter::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Standard output failed: a full disk, or a reader that went away.
pub fn lost_output(source: io::Error) -> Error {
    Error::Output {
        object: "standard output".to_owned(),
        source,
    }
}

/// Writes everything to standard output at once.
fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(lost_output)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn ping_alone_is_ping() {
        let long = |mut command: clap::Command| {
            command.build();
            let ping = command.find_subcommand_mut("ping").unwrap();
            (
                ping.render_help().to_string(),
                ping.render_long_help().to_string(),
            )
        };
        assert_eq!(long(PingAlone::command()), long(Cli::command()));
    }
}
