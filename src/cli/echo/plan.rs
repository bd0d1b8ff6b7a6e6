//! From options to what is done: defaults, limits, and what does not go together.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::args::{Args, Frame, Limit, Role, Trace};
use super::report::Style;
use super::words;
use crate::error::Error;
use crate::net::echo::{Asking, Framing, HeaderWish, Kind, Messages, Opening, Serving, Wrap};
use crate::net::traced::{Address, SocketOption, find_option};

/// Silence and age at which connections are closed (those who type slowly get more time).
const IDLE: Duration = Duration::from_secs(30);
const IDLE_TUTORIAL: Duration = Duration::from_mins(10);
const LIFE: Duration = Duration::from_mins(10);
/// Answers a second.
const RATE: u32 = 1000;
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a generated message.
const SIZE: usize = 10;

/// Everything but addresses.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub struct Plan {
    /// Over what.
    pub kind: Kind,
    /// A server is ours.
    pub serves: bool,
    /// A client is ours.
    pub asks: bool,
    /// The server's socket.
    pub server: Opening,
    /// The client's socket.
    pub client: Opening,
    /// What the server does.
    pub serving: Serving,
    /// What the client does.
    pub asking: Asking,
    /// How it is shown.
    pub style: Style,
    /// The calls are wanted, for whatever is shown of them.
    pub traces: bool,
    /// The packets are wanted.
    pub packets: bool,
}

/// An error of use.
pub fn usage(message: impl Into<String>, fix: Option<&str>) -> Error {
    Error::Usage {
        message: message.into(),
        fix: fix.map(str::to_owned),
    }
}

impl Plan {
    /// Reads the options. `prompt`: standard input is a terminal. `process`: our process id.
    pub fn new(args: &Args, prompt: bool, process: u32) -> Result<Self, Error> {
        let kind = Kind::from(args.over);
        check(args, kind)?;
        let serves = args.role != Role::Client;
        let asks = args.role != Role::Server;
        let calls = matches!(args.trace, Some(Trace::Calls | Trace::All)) || args.tcpinfo;
        let packets = matches!(args.trace, Some(Trace::Packets | Trace::All));
        let traces = calls || packets || args.steps;
        let wrap = wrap(args, process);
        let server = Opening {
            kind,
            protocol: args.proto,
            header_included: args.hdrincl,
            options: options(args)?,
            v6only: args.v6only,
            backlog: args.backlog.into(),
            timeout: None,
            kernel_timeout: None,
            linger: None,
        };
        let timeout = limit(args.timeout, (!args.tutorial).then_some(TIMEOUT));
        let client = Opening {
            timeout: timeout.filter(|_| args.kernel_timeout.is_none()),
            kernel_timeout: args.kernel_timeout,
            linger: args.linger,
            v6only: false,
            ..server.clone()
        };
        Ok(Self {
            kind,
            serves,
            asks,
            server,
            client,
            serving: serving(args, kind, traces && !asks, wrap.clone()),
            asking: asking(args, kind, wrap),
            style: Style {
                kind,
                tutorial: args.tutorial,
                json: args.json,
                bytes: args.bytes,
                text: args.text,
                quiet: args.quiet > 0,
                silent: args.quiet > 1,
                both: serves && asks,
                steps: args.steps,
                calls,
                prompt,
            },
            traces,
            packets,
        })
    }
}

fn limit(typed: Option<Limit>, default: Option<Duration>) -> Option<Duration> {
    match typed {
        Some(limit) => limit.0,
        None => default,
    }
}

fn wrap(args: &Args, process: u32) -> Wrap {
    Wrap {
        protocol: args.proto,
        header: args.hdrincl.then(|| HeaderWish {
            id: args.ip_id.unwrap_or(0),
            source: args.ip_src,
            ttl: args.ttl,
            tos: args.tos.unwrap_or(0),
            df: args.df,
            fragment_offset: args.frag.unwrap_or(0),
        }),
        // The low half is what ping programs take, too.
        ident: args
            .id
            .unwrap_or_else(|| u16::try_from(process & 0xffff).unwrap_or(0)),
        seq: args.seq.unwrap_or(0),
    }
}

fn framing(args: &Args) -> Framing {
    match args.frame {
        Frame::None => Framing::None,
        Frame::Line => Framing::Line,
        Frame::Len => Framing::Len,
    }
}

fn read_size(args: &Args) -> usize {
    usize::try_from(args.read_size).unwrap_or(1024)
}

fn serving(args: &Args, kind: Kind, traced: bool, wrap: Wrap) -> Serving {
    let idle = if args.tutorial { IDLE_TUTORIAL } else { IDLE };
    Serving {
        kind,
        framing: framing(args),
        read_size: read_size(args),
        reply: reply(args, kind),
        max_connections: args.max_conn.into(),
        serial: args.serial,
        accepts: !args.no_accept,
        slow: args.slow.unwrap_or_default(),
        pause_accept: args.pause_accept.unwrap_or_default(),
        idle: limit(args.idle, Some(idle)),
        life: limit(args.life, Some(LIFE)),
        // With a client of ours, it counts the client's messages.
        count: args.count.filter(|_| args.role == Role::Server),
        max_rate: match args.max_rate {
            Some(rate) => rate.0,
            None if kind.is_unix() => None,
            None => Some(RATE),
        },
        spin: args.spin,
        traced,
        wrap,
    }
}

fn asking(args: &Args, kind: Kind, wrap: Wrap) -> Asking {
    Asking {
        kind,
        framing: framing(args),
        read_size: read_size(args),
        interval: args.interval.unwrap_or_default(),
        burst: args.burst,
        reconnect: args.reconnect,
        half_close: args.half_close,
        no_wait: args.no_wait,
        one_receive: args.tutorial,
        nonblock: args.nonblock,
        connect_ex: args.connect_ex,
        connect: connects(args, kind),
        ends_on_empty: args.tutorial,
        wrap,
    }
}

/// A client's messages.
pub fn messages(args: &Args) -> Messages {
    let listed = !args.message.is_empty();
    match (listed, args.count, args.size) {
        (true, count, _) => Messages::Given {
            left: count.unwrap_or(args.message.len() as u64),
            list: bytes_of(&args.message),
            next: 0,
        },
        (false, None, None) => Messages::lines(),
        _ if args.stdin => Messages::lines(),
        (false, count, size) => Messages::Pattern {
            size: size.unwrap_or(SIZE),
            left: count.unwrap_or(1),
            next: 0,
        },
    }
}

fn bytes_of(list: &[OsString]) -> Vec<Vec<u8>> {
    let bytes = list.iter().map(|text| text.as_bytes().to_vec());
    bytes.collect()
}

/// A socket that has messages is connected: on request, and where only that lets answers through
/// the sandbox (unix-dgram).
fn connects(args: &Args, kind: Kind) -> bool {
    args.connect || (kind == Kind::UnixDgram && !args.no_connect)
}

fn reply(args: &Args, kind: Kind) -> Option<Vec<u8>> {
    if args.tutorial {
        let text = if kind.is_connected() {
            words::TCP_REPLY
        } else {
            words::UDP_REPLY
        };
        return Some(text.as_bytes().to_vec());
    }
    args.reply.as_ref().map(|text| text.as_bytes().to_vec())
}

fn check(args: &Args, kind: Kind) -> Result<(), Error> {
    let only = |given: bool, allowed: bool, option: &str, where_: &str| {
        if given && !allowed {
            return Err(usage(format!("{option} is for {where_}"), None));
        }
        Ok(())
    };
    let raw = kind == Kind::Raw;
    only(
        args.hdrincl,
        raw && !args.ipv6,
        "--hdrincl",
        "raw over IPv4",
    )?;
    only(
        args.frame != Frame::None,
        kind.is_stream(),
        "--frame",
        "tcp and unix-stream",
    )?;
    only(args.tcpinfo, kind == Kind::Tcp, "--tcpinfo", "tcp")?;
    only(
        args.mute_kernel,
        kind == Kind::Icmp,
        "--mute-kernel",
        "icmp",
    )?;
    only(
        args.path.is_some(),
        kind.is_unix(),
        "--path",
        "the unix kinds",
    )?;
    only(
        args.from_port.is_some(),
        kind.has_ports(),
        "--from-port",
        "tcp and udp",
    )?;
    only(
        args.half_close,
        kind.is_connected(),
        "--half-close",
        "connections",
    )?;
    let text = kind.is_connected() || matches!(kind, Kind::Udp | Kind::UnixDgram);
    only(
        args.tutorial,
        text,
        "--tutorial",
        "tcp, udp and unix sockets",
    )?;
    // In one thread: while the kernel waits for the client, nobody would serve.
    only(
        args.kernel_timeout.is_some(),
        args.role == Role::Client,
        "--kernel-timeout",
        "a client alone",
    )?;
    if args.role == Role::Server {
        for (given, option) in [
            (!args.message.is_empty(), "-m"),
            (args.stdin, "--stdin"),
            (args.burst, "--burst"),
            (args.reconnect, "--reconnect"),
            (args.connect, "--connect"),
            (args.size.is_some(), "-s"),
        ] {
            only(given, false, option, "the client")?;
        }
    }
    let most = match kind {
        Kind::Udp | Kind::Raw | Kind::Icmp => 65_507,
        _ => usize::MAX,
    };
    if args.size.is_some_and(|size| size > most) && args.role != Role::Server {
        return Err(usage(
            format!(
                "{} carries at most {most} bytes in one message",
                kind.name()
            ),
            None,
        ));
    }
    Ok(())
}

fn options(args: &Args) -> Result<Vec<(&'static SocketOption, String)>, Error> {
    let mut options = Vec::new();
    for typed in &args.option {
        let Some((name, value)) = typed.split_once('=') else {
            let message = format!("`--opt {typed}` has no value");
            return Err(usage(message, Some("--opt SO_RCVBUF=10000")));
        };
        let Some(option) = find_option(name) else {
            let message = format!("no socket option `{name}` is known (or several end so)");
            return Err(usage(
                message,
                Some("rawsock echo server tcp --show-opts --for 0"),
            ));
        };
        options.push((option, value.to_owned()));
    }
    if let Some(bytes) = args.rcvbuf
        && let Some(option) = find_option("SO_RCVBUF")
    {
        options.push((option, bytes.to_string()));
    }
    Ok(options)
}

/// `--max-rate none` would make a reflector of a server that strangers reach.
pub fn check_rate(plan: &Plan, at: &Address, alone: bool) -> Result<(), Error> {
    let free = plan.serving.max_rate.is_none() && !plan.kind.is_connected();
    if free && plan.serves && !at.is_loopback() && !alone {
        return Err(usage(
            "--max-rate none is for the loopback and for networks that lead nowhere",
            Some("rawsock echo server udp --max-rate 10000"),
        ));
    }
    Ok(())
}

/// What was typed as the server's or the client's place.
pub fn typed(args: &Args) -> Option<&OsStr> {
    let path = args.path.as_ref().map(|path| path.as_os_str());
    path.or(args.address.as_deref())
}
