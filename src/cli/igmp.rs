//! `rawsock igmp`: be a member of a group, ask who is, see what the kernel thinks. Groups of IPv6
//! make the same of MLD.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use socket2::Socket;

use super::parse;
use crate::craft::membership::Query as Craft;
use crate::error::Error;
use crate::event::Mono;
use crate::net::groups;
use crate::net::ifaces::Interfaces;
use crate::privilege::{self, table};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};
use crate::view::escape::escape;

const EXAMPLES: &str = "\
Examples, in a lab with a switch (rawsock lab lan):
  h2 igmp join 239.1.2.3 --for 1m &         be a member
  h3 sniff -i eth0 igmp                     watch
  h1 igmp query --v 3                       ask all: who is a member of what?
  h1 igmp query --v 2 --group 239.1.2.3
  h2 igmp groups
  h1 igmp query --mld                       the same for IPv6
IGMP reports and leaves are the kernel's: it sends them when a socket joins or
leaves. Exit code: 0, or 2 for an error; 143 and 129 ended by TERM and HUP.";

/// Join multicast groups, ask for their members, list them
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Be a member of a group until Ctrl-C
    Join(Join),
    /// Ask for members, as a router does
    Query(Query),
    /// Show the groups that this host listens to
    Groups(Groups),
}

/// `igmp join`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Join {
    /// The group: 239.1.2.3, ff05::123
    pub group: IpAddr,
    /// Only what this sender sends (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    pub source: Vec<IpAddr>,
    /// Interface [default: the only one that can]
    #[arg(long, value_name = "NAME")]
    pub dev: Option<String>,
    /// Leave after this time
    #[arg(long = "for", value_name = "TIME", value_parser = parse::duration)]
    pub run_for: Option<Duration>,
}

/// `igmp query`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Query {
    /// Version: IGMP 1 to 3, MLD 1 or 2 [default: the newest]
    #[arg(long = "v", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub version: Option<u8>,
    /// Ask about this group only
    #[arg(long, value_name = "GROUP")]
    pub group: Option<IpAddr>,
    /// Ask about this sender of the group only (may be repeated)
    #[arg(long, value_name = "ADDRESS", requires = "group")]
    pub source: Vec<IpAddr>,
    /// MLD, the same for IPv6; a group of IPv6 says so too
    #[arg(long)]
    pub mld: bool,
    /// Interface [default: the only one that can]
    #[arg(long, value_name = "NAME")]
    pub dev: Option<String>,
    /// Members answer within this time [default: 10s; 1s about a group]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub max_response: Option<Duration>,
    /// Ask again every so often, until Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub interval: Option<Duration>,
    /// Ask so many times
    #[arg(short = 'c', long, value_name = "N", requires = "interval",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// `igmp groups`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Groups {
    /// Only of this interface
    #[arg(long, value_name = "NAME")]
    pub dev: Option<String>,
    /// Only IPv4 or only IPv6
    #[arg(long, value_enum, value_name = "FAMILY")]
    pub family: Option<Family>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// A family by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// IPv4 (IGMP)
    Ipv4,
    /// IPv6 (MLD)
    Ipv6,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    match &args.what {
        What::Join(args) => join(args),
        What::Query(args) => query(args),
        What::Groups(args) => show_groups(args),
    }
}

fn join(args: &Join) -> Result<u8, Error> {
    check_group(args.group)?;
    same_family(args.group, &args.source)?;
    let (name, index) = interface(args.dev.as_deref())?;
    let mut signals = take_signals()?;
    let joined = groups::join(args.group, &args.source, index);
    let socket = joined.map_err(|source| Error::Io {
        operation: "join",
        object: format!("{} on {name}", args.group),
        source,
    })?;
    let keep = [socket.as_fd(), signals.as_fd()];
    drop_rights(&keep)?;
    let from: Vec<String> = args.source.iter().map(ToString::to_string).collect();
    let from = if from.is_empty() {
        String::new()
    } else {
        format!(", only from {}", from.join(" "))
    };
    tell(&format!(
        "member of {} on {}{from}",
        args.group,
        escape(&name)
    ));
    let until = args.run_for.map(|span| Clock::start().mono().plus(span));
    let code = wait(&mut signals, until)?;
    drop(socket);
    tell(&format!("left {}", args.group));
    Ok(code.unwrap_or(0))
}

fn query(args: &Query) -> Result<u8, Error> {
    let v6 = args.mld || args.group.is_some_and(|group| group.is_ipv6());
    let newest = if v6 { 2 } else { 3 };
    let version = args.version.unwrap_or(newest);
    let usage = |message: String| Err(Error::Usage { message, fix: None });
    if version > newest {
        return usage("there are versions 1 and 2 of MLD".into());
    }
    if let Some(group) = args.group {
        check_group(group)?;
        same_family(group, &args.source)?;
        if group.is_ipv6() != v6 {
            return usage(format!("{group} is no group of IPv6"));
        }
        if version == 1 && !v6 {
            return usage("IGMPv1 has no query about a group (RFC 1112)".into());
        }
    }
    if !args.source.is_empty() && version < newest {
        return usage(format!("only version {newest} has queries about senders"));
    }
    let (name, index) = interface(args.dev.as_deref())?;
    let mut message = Vec::new();
    craft(args, version, v6, &mut message)?;
    let mut signals = take_signals()?;
    let opened = groups::querier(v6, index);
    let socket = opened.map_err(|source| match source.raw_os_error() {
        Some(libc::EPERM) => Error::Capture {
            interface: name.clone(),
            source,
        },
        _ => Error::Io {
            operation: "open",
            object: "a raw socket for queries".into(),
            source,
        },
    })?;
    drop_rights(&[socket.as_fd(), signals.as_fd()])?;
    let to = groups::destination(args.group, v6, index);
    let what = match (args.group, v6) {
        (Some(group), _) => format!("about {group}"),
        (None, true) => "about all groups to ff02::1".into(),
        (None, false) => "about all groups to 224.0.0.1".into(),
    };
    let protocol = if v6 { "MLD" } else { "IGMP" };
    let clock = Clock::start();
    let most = args
        .count
        .unwrap_or(if args.interval.is_some() { u64::MAX } else { 1 });
    let mut next = clock.mono();
    for number in 1..=most {
        send(&socket, &message, &to, &name)?;
        tell(&format!(
            "{protocol}v{version} query {what} on {}",
            escape(&name)
        ));
        let Some(interval) = args.interval.filter(|_| number < most) else {
            break;
        };
        next = next.plus(interval.max(Duration::from_millis(10)));
        let until = Clock::start().mono().plus(next.since(clock.mono()));
        if let Some(code) = wait(&mut signals, Some(until))? {
            return Ok(code);
        }
    }
    Ok(0)
}

fn send(socket: &Socket, message: &[u8], to: &socket2::SockAddr, name: &str) -> Result<(), Error> {
    let sent = socket.send_to(message, to);
    sent.map(drop).map_err(|source| Error::Io {
        operation: "send",
        object: format!("a query on {name}"),
        source,
    })
}

fn craft(args: &Query, version: u8, v6: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    // RFC 9776 8.3 and 8.8: query response interval, last member query interval.
    let usual = Duration::from_secs(if args.group.is_some() { 1 } else { 10 });
    let max_response = args.max_response.unwrap_or(usual);
    // RFC 9776 8.1 and 8.2.
    let interval = args.interval.unwrap_or(Duration::from_secs(125));
    let crafted = if v6 {
        let only = |address: &IpAddr| match address {
            IpAddr::V6(v6) => *v6,
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        };
        Craft {
            version,
            group: args.group.as_ref().map_or(Ipv6Addr::UNSPECIFIED, only),
            sources: args.source.iter().map(only).collect(),
            max_response,
            robustness: 2,
            interval,
        }
        .craft(out)
    } else {
        let only = |address: &IpAddr| match address {
            IpAddr::V4(v4) => *v4,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        Craft {
            version,
            group: args.group.as_ref().map_or(Ipv4Addr::UNSPECIFIED, only),
            sources: args.source.iter().map(only).collect(),
            max_response,
            robustness: 2,
            interval,
        }
        .craft(out)
    };
    crafted.map_err(|error| Error::Usage {
        message: error.to_string(),
        fix: None,
    })
}

fn show_groups(args: &Groups) -> Result<u8, Error> {
    let all = groups::list().map_err(|source| Error::Io {
        operation: "read",
        object: "/proc/thread-self/net/igmp".into(),
        source,
    })?;
    let mut text = String::new();
    if !args.json {
        text.push_str("interface       group                            users  querier  sources\n");
    }
    for one in all {
        let wanted = args.dev.as_ref().is_none_or(|dev| *dev == one.interface);
        let family = match args.family {
            None => true,
            Some(Family::Ipv4) => one.group.is_ipv4(),
            Some(Family::Ipv6) => one.group.is_ipv6(),
        };
        if !wanted || !family {
            continue;
        }
        if args.json {
            let sources = |including: bool| -> Vec<String> {
                let fitting = one
                    .sources
                    .iter()
                    .filter(|(_, wanted)| *wanted == including);
                fitting.map(|(address, _)| address.to_string()).collect()
            };
            let object = json!({
                "type": "group", "interface": one.interface, "group": one.group,
                "users": one.users, "querier": one.querier,
                "include": sources(true), "exclude": sources(false),
            });
            let _ = writeln!(text, "{object}");
            continue;
        }
        let source = |(address, wanted): &(IpAddr, bool)| {
            format!("{}{address}", if *wanted { "" } else { "not " })
        };
        let sources: Vec<String> = one.sources.iter().map(source).collect();
        let line = format!(
            "{:<15} {:<32} {:>5}  {:<7}  {}",
            escape(&one.interface),
            one.group.to_string(),
            one.users,
            one.querier.as_deref().unwrap_or("-"),
            sources.join(" ")
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    super::print(text.as_bytes())?;
    Ok(0)
}

fn check_group(group: IpAddr) -> Result<(), Error> {
    if group.is_multicast() {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("{group} is no multicast group: those are 224.0.0.0/4 and ff00::/8"),
        fix: Some("rawsock igmp join 239.1.2.3".into()),
    })
}

fn same_family(group: IpAddr, sources: &[IpAddr]) -> Result<(), Error> {
    match sources
        .iter()
        .find(|source| source.is_ipv6() != group.is_ipv6())
    {
        None => Ok(()),
        Some(source) => Err(Error::Usage {
            message: format!("{source} is not of the family of {group}"),
            fix: None,
        }),
    }
}

/// The interface of that name, or the only one that is up, no loopback, and does multicast.
fn interface(name: Option<&str>) -> Result<(String, u32), Error> {
    let usage = |message: String| Error::Usage {
        message,
        fix: Some("rawsock igmp join 239.1.2.3 --dev eth0".into()),
    };
    let interfaces = Interfaces::list();
    if let Some(name) = name {
        let found = interfaces.find(name);
        let found = found.ok_or_else(|| usage(format!("there is no interface {name}")))?;
        return Ok((name.to_owned(), found.index));
    }
    let able = interfaces.multicast();
    match able.as_slice() {
        [(name, index)] => Ok((name.clone(), *index)),
        [] => Err(usage("no interface that is up does multicast".into())),
        many => {
            let names: Vec<&str> = many.iter().map(|(name, _)| name.as_str()).collect();
            Err(usage(format!(
                "say on which interface: {}",
                names.join(", ")
            )))
        }
    }
}

fn take_signals() -> Result<Signals, Error> {
    Signals::take().map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })
}

fn drop_rights(keep: &[std::os::fd::BorrowedFd<'_>]) -> Result<(), Error> {
    let options = privilege::Options {
        require_sandbox: false,
        keep,
    };
    let report = privilege::drop(&table::IGMP, &options)?;
    for missing in report.missing {
        tell(&format!("warning: {missing}"));
    }
    Ok(())
}

/// Waits for a signal or the time; gives the exit code that a signal asks for.
fn wait(signals: &mut Signals, until: Option<Mono>) -> Result<Option<u8>, Error> {
    let failed = |source| Error::Io {
        operation: "wait for",
        object: "signals".into(),
        source,
    };
    let clock = Clock::start();
    loop {
        let left = until.map(|until| until.since(clock.mono()));
        if left == Some(Duration::ZERO) {
            return Ok(None);
        }
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        ppoll(&mut fds, left, None).map_err(failed)?;
        match signals.take_next().map_err(failed)? {
            Some(Signal::Interrupt) => return Ok(Some(0)),
            Some(Signal::Terminate) => return Ok(Some(143)),
            Some(Signal::Hangup) => return Ok(Some(129)),
            Some(Signal::Quit | Signal::User1 | Signal::User2) | None => {}
        }
    }
}

/// A line on stderr. Nothing can be done if that is gone.
fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
