//! What a command line means, and what it may not mean: a pure function of options and user.
//! What depends on the address (family, size limits, broadcast, spoofing) is `aim`'s business.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Args;
use super::values::{Bytes, IpOption, SocketChoice};
use super::wish::{Family, HeaderWish, Lifted, OutputWish, SocketWish};
use crate::craft::TooLong;
use crate::craft::ipv4_options::Options;
use crate::error::Error;
use crate::ping::{Config, Payload, Sizes};

/// Shortest interval for users other than root, as in iputils.
pub const USER_INTERVAL: Duration = Duration::from_millis(2);
/// Most probes ahead of the first answer for users other than root, as in iputils.
const USER_PRELOAD: u32 = 3;
/// Root may send faster than this only for a bounded time.
const FAST_INTERVAL: Duration = Duration::from_millis(1);
/// How long an unbounded fast run lasts.
const FAST_RUN: Duration = Duration::from_secs(10);
/// `-W 0`: longer than any span that a command line can name.
const FOR_EVER: Duration = Duration::from_hours(400 * 24);
/// Payload bytes behind the ICMP header.
const DEFAULT_SIZE: usize = 56;

/// What the plan must know of the process.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The real user id: limits bind everybody but 0.
    pub uid: u32,
}

/// Everything that the command line says, checked as far as it can be without an address.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent option"
)]
#[derive(Clone, Debug)]
pub struct Plan {
    /// As typed.
    pub host: String,
    /// `-4` or `-6`
    pub family: Option<Family>,
    /// Every address of the name, one after the other.
    pub all: bool,
    /// The real user is root: no limits of use.
    pub root: bool,
    /// `Auto` is Hdrincl already where a header field asks for it.
    pub socket: SocketChoice,
    /// IP header fields.
    pub header: HeaderWish,
    /// Socket options.
    pub wire: SocketWish,
    /// The engine's configuration; target, ids, nonce and the facts about the target come later.
    pub schedule: Config,
    /// `-e`
    pub id: Option<u16>,
    /// `-U`: time with our own clock only.
    pub user_clock: bool,
    /// What to show.
    pub output: OutputWish,
    /// Guards that are off.
    pub lifted: Lifted,
    /// An incomplete sandbox is an error.
    pub require_sandbox: bool,
    /// Lines for stderr (JSON: notes) before the first probe.
    pub notes: Vec<String>,
}

impl Plan {
    /// Checks `args`; `data` is the content that `--data` names.
    pub fn new(args: &Args, facts: Facts, data: Option<Vec<u8>>) -> Result<Self, Error> {
        refused_letters(args)?;
        let host = args.host.clone().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| usage("a HOST is missing", "rawsock ping 127.0.0.1"))?;
        let root = facts.uid == 0;
        let header = header(args)?;
        let socket = socket(args, &header)?;
        let (schedule, notes) = schedule(args, root, data)?;
        let names = args.names && !args.numeric;
        Ok(Self {
            host,
            family: match (args.ipv4, args.ipv6) {
                (true, _) => Some(Family::V4),
                (_, true) => Some(Family::V6),
                _ => None,
            },
            all: args.all,
            root,
            socket,
            header,
            wire: wire(args)?,
            schedule,
            id: args.id,
            user_clock: args.user_clock,
            output: OutputWish {
                json: args.json,
                show_headers: args.show_headers,
                quiet: args.quiet,
                verbose: args.verbose,
                timestamps: args.timestamps,
                outstanding: args.outstanding,
                audible: args.audible,
                flood: args.flood,
                names,
                numeric: args.numeric,
                precise: args.precise,
                color: args.color,
            },
            lifted: Lifted {
                broadcast: args.broadcast,
                spoof: args.spoof,
                yes: args.yes,
            },
            require_sandbox: args.require_sandbox,
            notes,
        })
    }
}

/// An error of use with a line to paste.
pub fn usage(message: impl Into<String>, fix: impl Into<String>) -> Error {
    Error::Usage {
        message: message.into(),
        fix: Some(fix.into()),
    }
}

fn refused_letters(args: &Args) -> Result<(), Error> {
    if args.refused_sticky {
        return Err(usage(
            "-B is refused: the source address follows the routing table during a run",
            "pin the source with `-I ADDRESS`",
        ));
    }
    if args.refused_connect {
        return Err(usage(
            "-C is refused: a connected socket hears its peer only, and the errors of routers are lost",
            "leave `-C` out",
        ));
    }
    if args.refused_debug {
        return Err(usage(
            "-d is refused: Linux does nothing with SO_DEBUG on ICMP sockets",
            "leave `-d` out; `-v` shows more",
        ));
    }
    if args.refused_node_info.is_some() {
        return Err(usage(
            "-N is refused: rawsock sends no ICMPv6 Node Information Queries (RFC 4620)",
            "`ping -N help` of iputils has them",
        ));
    }
    Ok(())
}

/// The refusal of intermediate hops, where that is why `told` did not like a command line.
pub fn hops(told: &clap::Error) -> Option<Error> {
    let context = (told.kind(), told.get(ContextKind::InvalidArg));
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(extra))) = context else {
        return None;
    };
    (!extra.starts_with('-')).then(|| {
        usage(
            "more than one HOST given: hops on the way to the last (source routes, RFC 791) are \
             refused, for hosts and routers drop them (RFC 7126)",
            format!("rawsock ping {extra}"),
        )
    })
}

fn header(args: &Args) -> Result<HeaderWish, Error> {
    let tos = match (args.tos, args.dscp, args.ecn) {
        (Some(tos), ..) => Some(tos),
        (None, None, None) => None,
        (None, dscp, ecn) => Some(dscp.unwrap_or(0) << 2 | ecn.unwrap_or(0)),
    };
    let ip_options = ip_options(args).map_err(|error| {
        usage(
            format!("{error} (RFC 791 3.1)"),
            "leave one of `--ip-option`, `-R`, `-T` out",
        )
    })?;
    let bytes = |wish: &Option<Bytes>| wish.as_ref().map(|bytes| bytes.0.clone());
    Ok(HeaderWish {
        ttl: args.ttl,
        tos,
        ip_id: args.ip_id,
        df: args.df,
        mf: args.mf,
        reserved: args.reserved_bit,
        frag_offset: args.frag_offset,
        proto: args.proto,
        version: args.ip_version,
        ihl: args.ihl,
        length: args.ip_length,
        checksum: args.ip_checksum,
        source: args.source,
        ip_options,
        flow_label: args.flow_label,
        hop_by_hop: bytes(&args.hop_by_hop),
        dest_options: bytes(&args.dest_options),
    })
}

fn ip_options(args: &Args) -> Result<Options, TooLong> {
    let mut options = Options::default();
    if args.record_route {
        // As iputils: one NOP, so that the 39 bytes of the option fill the header.
        options.nop()?;
        IpOption::RecordRoute.append(&mut options)?;
    }
    if let Some(kind) = args.ip_timestamp {
        kind.append(&mut options)?;
    }
    let mut asked = args.ip_option.iter();
    asked.try_for_each(|option| option.append(&mut options))?;
    Ok(options)
}

fn socket(args: &Args, header: &HeaderWish) -> Result<SocketChoice, Error> {
    let kind = match args.socket {
        SocketChoice::Auto
            if header.by_hand_only().is_some() || args.show_headers || args.id == Some(0) =>
        {
            SocketChoice::Hdrincl
        }
        other => other,
    };
    let builder = match kind {
        SocketChoice::Raw => "--socket raw",
        SocketChoice::Dgram => "--socket dgram",
        SocketChoice::Auto | SocketChoice::Hdrincl => return Ok(kind),
    };
    if let Some(option) = header.by_hand_only() {
        return Err(usage(
            format!(
                "{option} needs an IP header built by hand, and with {builder} the kernel builds it"
            ),
            "use `--socket hdrincl`, or leave `--socket` out",
        ));
    }
    if args.show_headers {
        return Err(usage(
            format!(
                "--show-headers shows an IP header built by hand, and with {builder} the kernel builds it"
            ),
            "use `--socket hdrincl`, or leave `--socket` out",
        ));
    }
    if kind == SocketChoice::Dgram && args.id == Some(0) {
        return Err(usage(
            "-e 0 needs a raw socket: on a dgram socket 0 lets the kernel choose the identifier",
            "leave `--socket dgram` out, or choose another identifier",
        ));
    }
    Ok(kind)
}

fn wire(args: &Args) -> Result<SocketWish, Error> {
    let mut wish = SocketWish {
        mark: args.mark,
        no_loopback: args.no_loopback,
        bypass_routing: args.bypass_routing,
        send_buffer: args.send_buffer,
        mtu_discovery: args.mtu_discovery,
        ..SocketWish::default()
    };
    for interface in &args.interface {
        let twice = match interface.parse::<IpAddr>() {
            Ok(address) => wish.bind.replace(address).is_some(),
            Err(_) => wish.device.replace(interface.clone()).is_some(),
        };
        if twice {
            return Err(usage(
                "-I takes one interface and one address",
                "rawsock ping -I eth0 -I 192.0.2.1 HOST",
            ));
        }
    }
    if wish.bind.is_some() && args.source.is_some() {
        return Err(usage(
            "-I ADDRESS and --source both set the source address",
            "use `--source` alone",
        ));
    }
    Ok(wish)
}

fn schedule(
    args: &Args,
    root: bool,
    data: Option<Vec<u8>>,
) -> Result<(Config, Vec<String>), Error> {
    let default = if args.flood {
        Duration::ZERO
    } else {
        Duration::from_secs(1)
    };
    let interval = args.interval.unwrap_or(default);
    let preload = args.preload.unwrap_or(1);
    if !root && interval < USER_INTERVAL {
        return Err(usage(
            "cannot flood: the shortest interval for a user is 2 ms",
            "use `-i 2ms`, or `sudo rawsock ping ...`",
        ));
    }
    if !root && preload > USER_PRELOAD {
        return Err(usage(
            format!("cannot preload {preload} probes: a user may send {USER_PRELOAD} ahead"),
            "use `-l 3`, or `sudo rawsock ping ...`",
        ));
    }
    // As in iputils: -w 0 is no deadline.
    let deadline = args.deadline.filter(|time| !time.is_zero());
    let bounded = args.count.is_some() || deadline.is_some() || args.run_for.is_some();
    let mut notes = Vec::new();
    let mut run_for = args.run_for;
    if !bounded && interval < FAST_INTERVAL {
        run_for = Some(FAST_RUN);
        let what = if args.flood {
            "flood"
        } else {
            "more than 1000 probes a second"
        };
        notes.push(format!("{what} without -c, -w or --for: ends after 10 s"));
    }
    let min_interval = match (root, bounded) {
        (false, _) => USER_INTERVAL,
        // Adaptive alone has no clock of its own that would end it: at most 1000 a second.
        (true, false) if args.adaptive && interval >= FAST_INTERVAL => FAST_INTERVAL,
        _ => Duration::ZERO,
    };
    let sizes = match (args.sweep, &data) {
        (Some(sweep), _) => sweep,
        (None, Some(data)) => Sizes::Fixed(data.len()),
        (None, None) => Sizes::Fixed(args.size.unwrap_or(DEFAULT_SIZE)),
    };
    let payload = match (data, &args.pattern) {
        (Some(data), _) => Payload::Data(data),
        (None, Some(pattern)) => Payload::Pattern(pattern.0.clone()),
        (None, None) => Payload::Default,
    };
    let config = Config {
        interval,
        min_interval,
        adaptive: args.adaptive,
        flood: args.flood,
        preload,
        count: args.count,
        deadline,
        run_for,
        timeout: args
            .timeout
            .map(|time| if time.is_zero() { FOR_EVER } else { time }),
        until: args.until,
        fail_after: args.fail_after,
        sizes,
        payload,
        tx_stamps: !args.user_clock,
        ..Config::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), vec![0], 0)
    };
    Ok((config, notes))
}
