//! The options of `rawsock ping`, as typed. What they mean together is `plan`'s business.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::values::{
    self, Bytes, ColorChoice, Data, IpOption, IpTimestamp, MtuDiscovery, SocketChoice,
};
use crate::cli::parse;
use crate::ping::Sizes;

const HEADER: &str = "Header fields";
const PAYLOAD: &str = "Payload";
const SENDING: &str = "Sending";
const OUTPUT: &str = "Output";
const SOCKET: &str = "Target and socket";
const GUARDS: &str = "Guards";

/// Send ICMP echo requests in an IP header built by hand, and report what really came back
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag of ping is one bool of the command line"
)]
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(
    after_help = "All options, with examples: `rawsock ping --help`",
    after_long_help = super::help::EXAMPLES,
    override_usage = "rawsock ping [OPTIONS] HOST",
    args_override_self = true
)]
pub struct Args {
    /// A name or an address, such as 192.0.2.1 or fe80::1%eth0
    #[arg(value_name = "HOST")]
    pub host: Option<String>,

    // -- Everyday options, all that -h shows ----------------------------------------------------
    /// Stop after N probes
    #[arg(short = 'c', long, value_parser = count, value_name = "N")]
    pub count: Option<u64>,
    /// Time between probes: 0.2, 500ms [default: 1s]
    #[arg(short = 'i', long, value_parser = parse::duration, value_name = "TIME")]
    pub interval: Option<Duration>,
    /// End after this time; with -c, at N answers at most
    ///
    /// With -c it ends at the Nth answer, or at this time with exit code 1.
    #[arg(short = 'w', long, value_parser = parse::duration, value_name = "TIME")]
    pub deadline: Option<Duration>,
    /// Wait so long for each answer [default: 10s]
    ///
    /// 0 waits for ever. An answer that comes later is shown as late. After the last probe two of
    /// the longest round trips are enough, once there was an answer (as in iputils).
    #[arg(short = 'W', long, value_parser = parse::duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
    /// Payload bytes [default: 56]
    ///
    /// The bytes behind the ICMP header of 8 bytes: at most 65507, in IPv6 65527.
    #[arg(short = 's', long, value_parser = size, value_name = "BYTES")]
    pub size: Option<usize>,
    /// Time to live; --hop-limit is the same
    ///
    /// 0 to 255; in IPv6 it is the hop limit. Default 64, for multicast 1.
    #[arg(short = 't', long, alias = "hop-limit", value_parser = parse::unsigned::<u8>, value_name = "N")]
    pub ttl: Option<u8>,
    /// Send from this interface or address of ours
    ///
    /// May be given twice, for both.
    #[arg(short = 'I', long = "interface", value_name = "IFACE")]
    pub interface: Vec<String>,
    /// auto, hdrincl, raw or dgram
    ///
    /// auto takes hdrincl where CAP_NET_RAW allows, else dgram, and says so. hdrincl is a raw
    /// socket with the IP header built by hand. With raw the kernel builds the IP header. dgram
    /// is the unprivileged ICMP socket: the kernel owns the IP header and the ICMP identifier.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "KIND",
        hide_possible_values = true
    )]
    pub socket: SocketChoice,
    /// First line and summary only
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Show the IP header as asked and as it went out
    ///
    /// For the first probe, before the first answer: each field as you asked for it, what the
    /// kernel changed, and what went out on the wire, seen by a capture of the probe itself.
    #[arg(long)]
    pub show_headers: bool,
    /// One JSON object a line
    ///
    /// For everything that happens; numbers are numbers, times RFC 3339 strings.
    #[arg(long)]
    pub json: bool,

    // -- Target and socket -----------------------------------------------------------------------
    /// IPv4 only
    #[arg(short = '4', long = "ipv4", help_heading = SOCKET, hide_short_help = true, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long = "ipv6", help_heading = SOCKET, hide_short_help = true)]
    pub ipv6: bool,
    /// Ping every address that the name has, all at once
    #[arg(long, help_heading = SOCKET, hide_short_help = true)]
    pub all: bool,
    /// Firewall mark of the packets (SO_MARK), for policy routing
    #[arg(short = 'm', long, value_parser = parse::unsigned::<u32>, help_heading = SOCKET, hide_short_help = true)]
    pub mark: Option<u32>,
    /// Do not send a copy of multicast packets back to this host
    #[arg(short = 'L', long = "no-loopback", help_heading = SOCKET, hide_short_help = true)]
    pub no_loopback: bool,
    /// Send straight to a host on an attached network, around the routing table
    #[arg(short = 'r', long = "bypass-routing", help_heading = SOCKET, hide_short_help = true)]
    pub bypass_routing: bool,
    /// Size of the socket's send buffer in bytes
    #[arg(short = 'S', long = "send-buffer", value_name = "BYTES", value_parser = parse::unsigned::<u32>, help_heading = SOCKET, hide_short_help = true)]
    pub send_buffer: Option<u32>,

    // -- Sending ---------------------------------------------------------------------------------
    /// Send for this long, then wait for the last answers
    #[arg(long = "for", value_parser = parse::duration, value_name = "TIME", help_heading = SENDING, hide_short_help = true)]
    pub run_for: Option<Duration>,
    /// End at the Nth answer
    #[arg(long, value_parser = count, value_name = "N", help_heading = SENDING, hide_short_help = true)]
    pub until: Option<u64>,
    /// End after N probes in a row without an answer, with exit code 1
    #[arg(long, value_parser = count, value_name = "N", help_heading = SENDING, hide_short_help = true)]
    pub fail_after: Option<u64>,
    /// Flood: send as answers come back, at least 100 a second; a dot each
    #[arg(short = 'f', long, help_heading = SENDING, hide_short_help = true)]
    pub flood: bool,
    /// Adaptive: send as fast as answers come back
    #[arg(short = 'A', long, help_heading = SENDING, hide_short_help = true)]
    pub adaptive: bool,
    /// Send so many probes before waiting for any answer
    #[arg(short = 'l', long, value_parser = preload, value_name = "N", help_heading = SENDING, hide_short_help = true)]
    pub preload: Option<u32>,
    /// ICMP identifier; 0 needs a raw socket
    #[arg(short = 'e', long = "id", value_parser = parse::unsigned::<u16>, value_name = "ID", help_heading = SENDING, hide_short_help = true)]
    pub id: Option<u16>,

    // -- Payload ---------------------------------------------------------------------------------
    /// Go through payload sizes: 64:1472:64
    #[arg(long, value_parser = values::sweep, value_name = "MIN:MAX:STEP", help_heading = PAYLOAD, hide_short_help = true, conflicts_with_all = ["size", "data"])]
    pub sweep: Option<Sizes>,
    /// Fill the payload with up to 16 bytes: ff00
    #[arg(short = 'p', long, value_parser = values::pattern, value_name = "HEX", help_heading = PAYLOAD, hide_short_help = true)]
    pub pattern: Option<Bytes>,
    /// The whole payload: TEXT, @FILE or hex:FF00
    #[arg(long, value_parser = values::data, value_name = "TEXT|@FILE|hex:HEX", help_heading = PAYLOAD, hide_short_help = true, conflicts_with_all = ["size", "pattern"])]
    pub data: Option<Data>,

    // -- Header fields ---------------------------------------------------------------------------
    /// The whole type of service byte; --traffic-class is the same
    #[arg(short = 'Q', long, alias = "traffic-class", value_parser = parse::unsigned::<u8>, value_name = "BYTE", help_heading = HEADER, hide_short_help = true, conflicts_with_all = ["dscp", "ecn"])]
    pub tos: Option<u8>,
    /// DSCP, the upper six bits: 0 to 63, ef, af11, cs1, le
    #[arg(long, value_parser = values::dscp, value_name = "DSCP", help_heading = HEADER, hide_short_help = true)]
    pub dscp: Option<u8>,
    /// ECN, the lower two bits: not-ect, ect0, ect1, ce
    #[arg(long, value_parser = values::ecn, value_name = "ECN", help_heading = HEADER, hide_short_help = true)]
    pub ecn: Option<u8>,
    /// Path MTU discovery: do, want, dont, probe
    ///
    /// do sets DF and never fragments. want sets DF, but what is larger than the MTU is cut up
    /// here. dont clears DF and cuts up here. probe sets DF and ignores what the kernel knows of
    /// the path. Without -M, DF is clear and what is larger than the MTU is cut up here.
    #[arg(short = 'M', long = "mtu-discovery", value_enum, value_name = "HOW", hide_possible_values = true, help_heading = HEADER, hide_short_help = true)]
    pub mtu_discovery: Option<MtuDiscovery>,
    /// Identification; IPv4: the kernel replaces 0 unless --df is set; IPv6: adds a fragment header
    #[arg(long, value_parser = parse::unsigned::<u32>, value_name = "ID", help_heading = HEADER, hide_short_help = true)]
    pub ip_id: Option<u32>,
    /// Don't Fragment bit, set or (`--df=0`, the default) clear
    #[arg(long, value_parser = values::bit, value_name = "0|1", num_args = 0..=1, require_equals = true, default_missing_value = "1", help_heading = HEADER, hide_short_help = true, conflicts_with = "mtu_discovery")]
    pub df: Option<bool>,
    /// More Fragments bit
    #[arg(long, value_parser = values::bit, value_name = "0|1", num_args = 0..=1, require_equals = true, default_missing_value = "1", help_heading = HEADER, hide_short_help = true)]
    pub mf: Option<bool>,
    /// The reserved bit beside DF and MF
    #[arg(long, value_parser = values::bit, value_name = "0|1", num_args = 0..=1, require_equals = true, default_missing_value = "1", help_heading = HEADER, hide_short_help = true)]
    pub reserved_bit: Option<bool>,
    /// Fragment offset in units of 8 bytes: 0 to 8191
    #[arg(long, value_parser = fragment_offset, value_name = "UNITS", help_heading = HEADER, hide_short_help = true)]
    pub frag_offset: Option<u16>,
    /// Protocol number, in IPv6 the next header [default: ICMP]
    #[arg(long, value_parser = parse::unsigned::<u8>, value_name = "N", help_heading = HEADER, hide_short_help = true)]
    pub proto: Option<u8>,
    /// Version field: 0 to 15, right or wrong
    #[arg(long, value_parser = nibble, value_name = "N", help_heading = HEADER, hide_short_help = true)]
    pub ip_version: Option<u8>,
    /// IPv4 header length in words of 4 bytes, right or wrong
    #[arg(long, value_parser = nibble, value_name = "WORDS", help_heading = HEADER, hide_short_help = true)]
    pub ihl: Option<u8>,
    /// Total length (IPv6: payload length); the IPv4 kernel overwrites it
    #[arg(long, value_parser = parse::unsigned::<u16>, value_name = "BYTES", help_heading = HEADER, hide_short_help = true)]
    pub ip_length: Option<u16>,
    /// IPv4 header checksum; the kernel overwrites it
    #[arg(long, value_parser = parse::unsigned::<u16>, value_name = "SUM", help_heading = HEADER, hide_short_help = true)]
    pub ip_checksum: Option<u16>,
    /// Source address in the header; one that is not ours needs --spoof
    #[arg(long, value_name = "ADDR", help_heading = HEADER, hide_short_help = true)]
    pub source: Option<IpAddr>,
    /// Add an IPv4 option: rr, ts, ra, nop or its bytes; may be repeated
    #[arg(long, value_parser = values::ip_option, value_name = "rr|ts|ra|nop|HEX", help_heading = HEADER, hide_short_help = true)]
    pub ip_option: Vec<IpOption>,
    /// Record the route: the IPv4 option with nine slots
    ///
    /// The first slot is the first router. Behind a header built by hand the kernel does not enter
    /// our own address; with `--socket raw` it does, as in iputils.
    #[arg(short = 'R', long = "record-route", help_heading = HEADER, hide_short_help = true)]
    pub record_route: bool,
    /// Collect times of routers in an IPv4 option: tsonly, tsandaddr
    #[arg(short = 'T', long = "ip-timestamp", value_parser = values::ip_timestamp, value_name = "tsonly|tsandaddr", help_heading = HEADER, hide_short_help = true, conflicts_with = "record_route")]
    pub ip_timestamp: Option<IpTimestamp>,
    /// IPv6 flow label, 20 bits; 0 chooses one at random
    #[arg(short = 'F', long = "flow-label", value_parser = flow_label, value_name = "LABEL", help_heading = HEADER, hide_short_help = true)]
    pub flow_label: Option<u32>,
    /// IPv6 hop-by-hop options: ra or their bytes
    #[arg(long, value_parser = values::ipv6_options, value_name = "ra|HEX", help_heading = HEADER, hide_short_help = true)]
    pub hop_by_hop: Option<Bytes>,
    /// IPv6 destination options: their bytes
    #[arg(long, value_parser = values::ipv6_options, value_name = "HEX", help_heading = HEADER, hide_short_help = true)]
    pub dest_options: Option<Bytes>,

    // -- Output ----------------------------------------------------------------------------------
    /// More: identifier and time stamp kind in each line, ICMP numbers, sandbox
    #[arg(short = 'v', long, action = clap::ArgAction::Count, help_heading = OUTPUT, hide_short_help = true)]
    pub verbose: u8,
    /// Unix time before each line
    #[arg(short = 'D', long, help_heading = OUTPUT, hide_short_help = true)]
    pub timestamps: bool,
    /// Say before each probe if the one before is still open
    #[arg(short = 'O', long, help_heading = OUTPUT, hide_short_help = true)]
    pub outstanding: bool,
    /// Beep at each answer
    #[arg(short = 'a', long, help_heading = OUTPUT, hide_short_help = true)]
    pub audible: bool,
    /// Look up names of the addresses that answer, in the background
    #[arg(short = 'H', long, help_heading = OUTPUT, hide_short_help = true)]
    pub names: bool,
    /// Addresses alone, not even the name that was typed; wins over -H
    #[arg(short = 'n', long, help_heading = OUTPUT, hide_short_help = true)]
    pub numeric: bool,
    /// Three decimals in every time
    #[arg(short = '3', long, help_heading = OUTPUT, hide_short_help = true)]
    pub precise: bool,
    /// Time with our own clock around the calls instead of the kernel's stamps
    #[arg(short = 'U', long, help_heading = OUTPUT, hide_short_help = true)]
    pub user_clock: bool,
    /// Colour: auto, always, never; NO_COLOR is obeyed
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true, hide_default_value = true, help_heading = OUTPUT, hide_short_help = true)]
    pub color: ColorChoice,

    // -- Guards ----------------------------------------------------------------------------------
    /// Allow a broadcast address, and multicast faster than once a second
    #[arg(short = 'b', long, help_heading = GUARDS, hide_short_help = true)]
    pub broadcast: bool,
    /// Allow a --source that is not ours
    #[arg(long, requires = "source", help_heading = GUARDS, hide_short_help = true)]
    pub spoof: bool,
    /// Allow --spoof beyond the networks that this host is attached to
    #[arg(long, help_heading = GUARDS, hide_short_help = true)]
    pub yes: bool,
    /// End with an error where the sandbox is not complete
    #[arg(long, help_heading = GUARDS, hide_short_help = true)]
    pub require_sandbox: bool,

    // -- Letters of iputils that are refused by name (plan.rs says why) -------------------------
    /// `-B`
    #[arg(short = 'B', hide = true)]
    pub refused_sticky: bool,
    /// `-C`
    #[arg(short = 'C', hide = true)]
    pub refused_connect: bool,
    /// `-d`
    #[arg(short = 'd', hide = true)]
    pub refused_debug: bool,
    /// `-N`
    #[arg(short = 'N', value_name = "OPTION", hide = true)]
    pub refused_node_info: Option<String>,
}

fn count(text: &str) -> Result<u64, String> {
    parse::number(text, 1, u64::MAX)
}

fn preload(text: &str) -> Result<u32, String> {
    let n = parse::number(text, 1, 65_536)?;
    u32::try_from(n).map_err(|e| e.to_string())
}

/// Any size that some kind of packet can carry; `plan` knows the limit of each.
fn size(text: &str) -> Result<usize, String> {
    let n = parse::number(text, 0, u64::from(u32::MAX))?;
    usize::try_from(n).map_err(|e| e.to_string())
}

fn nibble(text: &str) -> Result<u8, String> {
    let n = parse::number(text, 0, 15)?;
    u8::try_from(n).map_err(|e| e.to_string())
}

fn fragment_offset(text: &str) -> Result<u16, String> {
    let n = parse::number(text, 0, 8191)?;
    u16::try_from(n).map_err(|e| e.to_string())
}

fn flow_label(text: &str) -> Result<u32, String> {
    let n = parse::number(text, 0, 0xf_ffff)?;
    u32::try_from(n).map_err(|e| e.to_string())
}
