//! `rawsock sniff`: shows or saves the packets of interfaces. Opens, drops, then reads.

mod args;
mod run;
mod stamps;
mod status;

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use args::{CaptureArgs, Sockets, Way};
use run::{Run, Views};
use stamps::StampKind;
use status::Status;

use super::filter::dump;
use super::gather::{Gather, GatherArgs};
use super::interfaces;
use super::look::{Look, LookArgs};
use super::parse;
use super::saving::{self, SaveArgs};
use super::show::{Printer, ShowArgs};
use super::wanted::Wanted;
use crate::capture::live::{Device, Live, Options};
use crate::capture::{Series, link_type_name};
use crate::decode::LinkType;
use crate::error::Error;
use crate::filter::Target;
use crate::privilege::{self, Creates, table};
use crate::sys::clock::Clock;
use crate::sys::signal::Signals;

const ENDING: &str = "Ending";

const EXAMPLES: &str = "\
Examples:
  rawsock sniff                        ICMP, IGMP, ICMPv6, MLD
  rawsock sniff -i eth0 all            every packet of one
  rawsock sniff tcp port 80 -A         a filter, and payload as text
  rawsock sniff --for 10s all --count  how many in ten seconds
  rawsock sniff -i eth0 all -w x.pcapng
  rawsock sniff -w - all | wireshark -k -i -
  rawsock sniff --json igmp | jq .

Exit code: 0, also after Ctrl-C; 1 an interface went away, 2 error, 74 output
lost, 143 and 129 ended by TERM and HUP. USR1 and QUIT print the counts, USR2
writes the file to the disk.";

/// Capture packets of interfaces: show them or save them
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Examples and exit codes: rawsock sniff --help",
    after_long_help = EXAMPLES
)]
pub struct Args {
    /// What to capture, as pcap-filter(7) has it; `all` for every packet
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// What is captured, and how.
    #[command(flatten)]
    pub capture: CaptureArgs,

    /// Stop after so many packets
    #[arg(short = 'c', long = "max-packets", value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..), help_heading = ENDING)]
    pub max_packets: Option<u64>,
    /// Stop after this time, packets or not
    #[arg(long = "for", value_name = "TIME", value_parser = parse::duration, help_heading = ENDING)]
    pub run_for: Option<Duration>,

    /// Stop when so many bytes of packets were captured: 500k, 10M
    #[arg(long, value_name = "SIZE", value_parser = saving::bytes, help_heading = ENDING)]
    pub max_bytes: Option<u64>,

    /// Only say how many packets there were
    #[arg(long, conflicts_with_all = ["write", "json", "tree", "verbose", "fields"])]
    pub count: bool,
    /// Number the packets
    #[arg(short = '#', long)]
    pub number: bool,
    /// How packets are shown.
    #[command(flatten)]
    pub show: ShowArgs,
    /// How packets are decoded, and which of them count.
    #[command(flatten)]
    pub look: LookArgs,
    /// What is shown of all packets together.
    #[command(flatten)]
    pub gather: GatherArgs,
    /// What is saved.
    #[command(flatten)]
    pub save: SaveArgs,
    /// Fail rather than go on with an incomplete sandbox
    #[arg(long)]
    pub require_sandbox: bool,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    if args.capture.list {
        return interfaces::run(args.show.json);
    }
    privilege::close_gaps()?;
    let (text, usual) = args.capture.expression(&args.filter)?;
    let wanted = Wanted::parse(&text, args.capture.pcap_compat)?;
    let look = Look::new(&args.look)?;
    let devices = args.capture.devices()?;
    if args.capture.list_stamps {
        return stamps::list(&devices);
    }
    let raw = args.capture.socket == Sockets::Raw;
    if raw && args.capture.direction == Way::Out {
        return Err(Error::Usage {
            message: "raw sockets do not see what this host sends".into(),
            fix: Some("rawsock sniff -Q out".into()),
        });
    }
    let program = |device: &Device| match args.capture.socket {
        Sockets::Packet => wanted.program(device.link, Target::Live),
        Sockets::Raw => wanted.program(LinkType::Raw, Target::File),
    };
    if args.capture.dump > 0 {
        let device = devices.first().map_or_else(Device::any, Clone::clone);
        return dump(args.capture.dump, &program(&device)?);
    }
    let options = Options {
        snaplen: args.capture.snaplen,
        buffer: args.capture.buffer.saturating_mul(1024),
        promiscuous: !args.capture.not_promiscuous,
        ring: !args.capture.no_ring,
        card_stamps: card_stamps(args, &devices),
    };
    let gather = Gather::new(&args.gather, args.show.json)?;
    let single = !args.count && gather.is_none();
    let shows = args.save.print || (args.save.write.is_none() && single);
    let printer = shows
        .then(|| Printer::new(&args.show, args.save.unbuffered))
        .transpose()?;
    let status = Status::new(shows);
    let signals = Signals::take().map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })?;
    let mut live = Live::new(options, &text);
    for device in devices {
        let program = program(&device)?;
        if raw {
            live.open_raw(&device, &program)?;
        } else {
            live.open(device, program.insns())?;
        }
    }
    let mut keep: Vec<BorrowedFd<'_>> = live.descriptors().collect();
    keep.push(signals.as_fd());
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    let series = args.save.series(args.show.precision())?;
    let directory = series
        .as_ref()
        .and_then(Series::directory)
        .map(Path::to_owned);
    let need = if directory.is_some() {
        &table::SNIFF_SERIES
    } else {
        &table::SNIFF
    };
    let clock = Clock::start();
    let creates = series.map(|mut series| Creates {
        open: || series.start(Some(clock.now().1)).map(|()| series),
        beneath: directory.as_deref(),
    });
    let (report, saver) = privilege::drop_and_create(need, &options, creates)?;
    for missing in &report.missing {
        tell(&format!("warning: {missing}"));
    }
    if raw {
        tell(BLIND);
    }
    if usual {
        tell("showing ICMP, IGMP, ICMPv6 and MLD; for every packet: rawsock sniff all");
    }
    introduce(&live, args);
    let views = Views {
        look,
        gather,
        printer,
        saver,
        status,
    };
    let ended = Run::new(args, live, views, signals, clock).go();
    if args.show.verbose > 0 {
        tell_refused();
    }
    ended
}

/// What the sandbox refused: nothing, unless a library uses calls that we do not know of.
fn tell_refused() {
    if let Some(calls) = privilege::refused_calls() {
        tell(&format!("the sandbox refused system calls: {calls}"));
    }
}

/// What `--socket raw` cannot show.
const BLIND: &str = "raw sockets do not see link-layer and IPv6 extension headers, what this host sends, unicast to \
    others, and groups that nobody here has joined";

/// The cards' time stamps were asked for, and all devices have them.
fn card_stamps(args: &Args, devices: &[Device]) -> bool {
    let kind = args.capture.stamps;
    if kind == StampKind::Host {
        return false;
    }
    match stamps::switch_on(kind, devices) {
        Ok(()) => true,
        Err(why) => {
            tell(&format!("warning: {why}"));
            false
        }
    }
}

/// What tcpdump says of each interface.
fn introduce(live: &Live, args: &Args) {
    let snaplen = args.capture.snaplen;
    for device in live.devices() {
        let (name, link) = (&device.name, device.link);
        let (short, long) = link_type_name(link).unwrap_or(("?", "unknown"));
        tell(&format!(
            "listening on {name}, link-type {short} ({long}), snapshot length {snaplen} bytes"
        ));
    }
    if !live.has_rings() && args.capture.socket == Sockets::Packet {
        tell("packets come by recvmsg(2), without a ring");
    }
}

/// A line on stderr. Nothing can be done if that is gone.
fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
