//! The options of `rawsock echo`.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ValueEnum};

use crate::cli::parse;
use crate::net::echo::Kind;

const ADDRESSES: &str = "Addresses";
const SENDING: &str = "Client";
const SERVING: &str = "Server";
const SOCKET: &str = "Socket";
const PACKETS: &str = "Packets of our own (raw, icmp)";
const SHOWING: &str = "Showing";

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Answers.
    Server,
    /// Asks.
    Client,
    /// A server and a client in one process
    Both,
}

/// Over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// A stream of bytes, in order, all of them
    Tcp,
    /// Messages, some of them
    Udp,
    /// IP packets of a protocol of our own
    Raw,
    /// ICMP echo messages
    Icmp,
    /// As TCP, on this machine
    UnixStream,
    /// As UDP, on this machine
    UnixDgram,
    /// Connections with messages, on this machine
    UnixSeqpacket,
}

impl From<Over> for Kind {
    fn from(over: Over) -> Self {
        match over {
            Over::Tcp => Self::Tcp,
            Over::Udp => Self::Udp,
            Over::Raw => Self::Raw,
            Over::Icmp => Self::Icmp,
            Over::UnixStream => Self::UnixStream,
            Over::UnixDgram => Self::UnixDgram,
            Over::UnixSeqpacket => Self::UnixSeqpacket,
        }
    }
}

/// Borders between messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Frame {
    /// None: what one receive gives
    #[default]
    None,
    /// A line feed behind each
    Line,
    /// Four bytes of length before each
    Len,
}

/// What a trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trace {
    /// The socket calls
    Calls,
    /// The packets
    Packets,
    /// Both: packets below the call that ran
    All,
}

/// Plain echo over every kind of socket, each call shown
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Examples and exit codes: rawsock echo --help",
    after_long_help = super::help::EXAMPLES
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag is one bool of the command line"
)]
pub struct Args {
    /// Which end
    #[arg(
        value_enum,
        value_name = "server|client|both",
        hide_possible_values = true
    )]
    pub role: Role,
    /// Over what
    #[arg(value_enum, value_name = "KIND")]
    pub over: Over,
    /// Or a path, or @name [default: 127.0.0.1:9000]
    #[arg(value_name = "ADDR[:PORT]")]
    pub address: Option<OsString>,

    /// IPv4 only
    #[arg(short = '4', long = "ipv4", conflicts_with = "ipv6", help_heading = ADDRESSES, hide_short_help = true)]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long = "ipv6", help_heading = ADDRESSES, hide_short_help = true)]
    pub ipv6: bool,
    /// Address of our own: where the server listens, where the client sends from
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = ADDRESSES, hide_short_help = true)]
    pub bind: Option<OsString>,
    /// The client's own port
    #[arg(long, value_name = "PORT", help_heading = ADDRESSES, hide_short_help = true)]
    pub from_port: Option<u16>,
    /// File of a unix socket
    #[arg(long, value_name = "FILE", conflicts_with = "address", help_heading = ADDRESSES, hide_short_help = true)]
    pub path: Option<PathBuf>,
    /// No IPv4 on an IPv6 server
    #[arg(long, help_heading = ADDRESSES, hide_short_help = true)]
    pub v6only: bool,

    /// Message to send; may be repeated
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    pub message: Vec<OsString>,
    /// Send lines of standard input (also without any message)
    #[arg(long, conflicts_with = "message", help_heading = SENDING, hide_short_help = true)]
    pub stdin: bool,
    /// Send so many messages; a server ends after so many
    #[arg(short = 'c', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Bytes of each message [default: 10]
    #[arg(short = 's', long, value_name = "BYTES", value_parser = size, conflicts_with = "message",
        help_heading = SENDING, hide_short_help = true)]
    pub size: Option<usize>,
    /// Time between messages
    #[arg(short = 'i', long, value_name = "TIME", value_parser = parse::duration)]
    pub interval: Option<Duration>,
    /// Send all, then read the answers
    #[arg(long, help_heading = SENDING, hide_short_help = true)]
    pub burst: bool,
    /// A new connection for each message
    #[arg(long, help_heading = SENDING, hide_short_help = true)]
    pub reconnect: bool,
    /// Do not wait for answers
    #[arg(long, conflicts_with = "burst", help_heading = SENDING, hide_short_help = true)]
    pub no_wait: bool,
    /// Connect a socket that sends messages: errors come back (udp, raw, unix-dgram)
    #[arg(long, conflicts_with = "no_connect", help_heading = SENDING, hide_short_help = true)]
    pub connect: bool,
    /// Do not connect it [default for udp and raw]
    #[arg(long, help_heading = SENDING, hide_short_help = true)]
    pub no_connect: bool,
    /// Connect by connect_ex, which gives a number
    #[arg(long, help_heading = SENDING, hide_short_help = true)]
    pub connect_ex: bool,
    /// At the end close our side only, and read to the end
    #[arg(long, help_heading = SENDING, hide_short_help = true)]
    pub half_close: bool,
    /// Close waits so many seconds; 0 resets the connection
    #[arg(long, value_name = "SECONDS", help_heading = SENDING, hide_short_help = true)]
    pub linger: Option<u16>,

    /// Answer with this text
    #[arg(long, value_name = "TEXT")]
    pub reply: Option<OsString>,
    /// Connections that may wait to be accepted; one more fits
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = SERVING, hide_short_help = true)]
    pub backlog: u16,
    /// Listen, and accept nobody
    #[arg(long, help_heading = SERVING, hide_short_help = true)]
    pub no_accept: bool,
    /// Wait before each accept
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = SERVING, hide_short_help = true)]
    pub pause_accept: Option<Duration>,
    /// Wait before each receive
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = SERVING, hide_short_help = true)]
    pub slow: Option<Duration>,
    /// One client at a time, as the tutorial's server
    #[arg(long, help_heading = SERVING, hide_short_help = true)]
    pub serial: bool,
    /// Most connections at once
    #[arg(long, value_name = "N", default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = SERVING, hide_short_help = true)]
    pub max_conn: u16,
    /// Close a connection on which nothing comes for so long, or none [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = limit, help_heading = SERVING, hide_short_help = true)]
    pub idle: Option<Limit>,
    /// Close a connection at this age, or none [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = limit, help_heading = SERVING, hide_short_help = true)]
    pub life: Option<Limit>,
    /// Most datagrams answered in a second, or none (loopback and labs) [default: 1000]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = SERVING, hide_short_help = true)]
    pub max_rate: Option<Rate>,

    /// Most bytes of one receive
    #[arg(long, value_name = "BYTES", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=1_048_576), help_heading = SOCKET, hide_short_help = true)]
    pub read_size: u32,
    /// How messages are told apart in a stream
    #[arg(long, value_enum, default_value_t, value_name = "HOW", help_heading = SOCKET, hide_short_help = true)]
    pub frame: Frame,
    /// Wait so long for an answer, or none [default: 5s]
    #[arg(short = 'W', long, value_name = "TIME", value_parser = limit)]
    pub timeout: Option<Limit>,
    /// Let the kernel wait (SO_RCVTIMEO)
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = SOCKET, hide_short_help = true)]
    pub kernel_timeout: Option<Duration>,
    /// Never wait: ask again and again, and count how often
    #[arg(long, help_heading = SOCKET, hide_short_help = true)]
    pub nonblock: bool,
    /// Ask again and again in place of sleeping: fastest, and keeps a processor busy
    #[arg(long, help_heading = SOCKET, hide_short_help = true)]
    pub spin: bool,
    /// Set a socket option; may be repeated
    #[arg(long = "opt", value_name = "NAME=VALUE", help_heading = SOCKET, hide_short_help = true)]
    pub option: Vec<String>,
    /// Receive buffer, as --opt SO_RCVBUF=BYTES
    #[arg(long, value_name = "BYTES", help_heading = SOCKET, hide_short_help = true)]
    pub rcvbuf: Option<i32>,
    /// Show every option of the socket
    #[arg(long, help_heading = SOCKET, hide_short_help = true)]
    pub show_opts: bool,

    /// IP protocol of raw (253 and 254 are for experiments, RFC 3692)
    #[arg(long, value_name = "N", default_value_t = 253, value_parser = proto, help_heading = PACKETS, hide_short_help = true)]
    pub proto: u8,
    /// Build the IPv4 header ourselves
    #[arg(long, help_heading = PACKETS, hide_short_help = true)]
    pub hdrincl: bool,
    /// Identification of that header; 0: the kernel's
    #[arg(long, value_name = "N", value_parser = parse::unsigned::<u16>, requires = "hdrincl",
        help_heading = PACKETS, hide_short_help = true)]
    pub ip_id: Option<u16>,
    /// Its source address [default: the kernel's]
    #[arg(long, value_name = "ADDR", requires = "hdrincl", help_heading = PACKETS, hide_short_help = true)]
    pub ip_src: Option<Ipv4Addr>,
    /// Its time to live [default: 64]
    #[arg(long, value_name = "N", value_parser = parse::unsigned::<u8>, requires = "hdrincl",
        help_heading = PACKETS, hide_short_help = true)]
    pub ttl: Option<u8>,
    /// Its type of service byte
    #[arg(long, value_name = "N", value_parser = parse::unsigned::<u8>, requires = "hdrincl",
        help_heading = PACKETS, hide_short_help = true)]
    pub tos: Option<u8>,
    /// Its don't-fragment bit
    #[arg(long, requires = "hdrincl", help_heading = PACKETS, hide_short_help = true)]
    pub df: bool,
    /// Its fragment offset, in units of 8 bytes
    #[arg(long, value_name = "N", value_parser = offset, requires = "hdrincl", help_heading = PACKETS, hide_short_help = true)]
    pub frag: Option<u16>,
    /// ICMP identifier [default: of the process]
    #[arg(long, value_name = "N", value_parser = parse::unsigned::<u16>, help_heading = PACKETS, hide_short_help = true)]
    pub id: Option<u16>,
    /// First ICMP sequence number
    #[arg(long, value_name = "N", value_parser = parse::unsigned::<u16>, help_heading = PACKETS, hide_short_help = true)]
    pub seq: Option<u16>,
    /// Keep the kernel from answering pings; only in a network of our own
    #[arg(long, help_heading = PACKETS, hide_short_help = true)]
    pub mute_kernel: bool,

    /// Prompt, answers and layout of the tutorial
    #[arg(long, conflicts_with_all = ["json", "bytes", "text", "frame", "reply"])]
    pub tutorial: bool,
    /// Show calls, packets or all below
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "all")]
    pub trace: Option<Trace>,
    /// Number the steps, as the tutorial's lists do
    #[arg(long)]
    pub steps: bool,
    /// Show the state of the TCP connection after each call
    #[arg(long, help_heading = SHOWING, hide_short_help = true)]
    pub tcpinfo: bool,
    /// Show messages as bytes
    #[arg(long, hide_short_help = true)]
    pub bytes: bool,
    /// Show the text of messages and nothing else
    #[arg(long, conflicts_with = "bytes", help_heading = SHOWING, hide_short_help = true)]
    pub text: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Only the summary; twice: nothing
    #[arg(short = 'q', long, action = ArgAction::Count)]
    pub quiet: u8,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", value_parser = parse::duration, help_heading = SHOWING, hide_short_help = true)]
    pub run_for: Option<Duration>,
    /// Fail rather than go on with an incomplete sandbox
    #[arg(long, help_heading = SHOWING, hide_short_help = true)]
    pub require_sandbox: bool,
}

/// A time, or none.
pub type Limit = MaybeNone<Duration>;
/// Answers a second, or none.
pub type Rate = MaybeNone<u32>;

/// `none`, or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaybeNone<T>(pub Option<T>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(MaybeNone(None));
    }
    parse::duration(text).map(|span| MaybeNone(Some(span)))
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "none" {
        return Ok(MaybeNone(None));
    }
    let number = parse::number(text, 1, 1_000_000)?;
    let number = u32::try_from(number).map_err(|error| error.to_string())?;
    Ok(MaybeNone(Some(number)))
}

fn size(text: &str) -> Result<usize, String> {
    let number = parse::number(text, 0, 100_000_000)?;
    usize::try_from(number).map_err(|error| error.to_string())
}

fn proto(text: &str) -> Result<u8, String> {
    let number = parse::number(text, 1, 255)?;
    u8::try_from(number).map_err(|error| error.to_string())
}

fn offset(text: &str) -> Result<u16, String> {
    let number = parse::number(text, 0, 8191)?;
    u16::try_from(number).map_err(|error| error.to_string())
}
