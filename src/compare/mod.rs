//! The same messages over several kinds of sockets: what was asked, and what calls, packets and
//! receipts say of it. Who runs it is the shell's business; every number here is counted from the
//! events of a run.

mod message;
pub mod mismatch;
mod roles;
mod tally;

use std::time::Duration;

use serde::Serialize;

pub use message::{Arrived, Message};
pub use roles::{HeaderBytes, Role, Roles};
pub use tally::{Before, Figures, OnWire, Quantiles, WireCounts, tally};

use crate::event::{Call, List, Mono};

/// IP protocol of raw messages: for experiments (RFC 3692).
pub const RAW_PROTOCOL: u8 = 253;

/// A kind of socket that messages go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// TCP: one stream of bytes.
    Tcp,
    /// UDP: datagrams with ports.
    Udp,
    /// An IP protocol of our own on raw sockets: datagrams without ports.
    Raw,
    /// A unix stream.
    UnixStream,
    /// Unix datagrams.
    UnixDgram,
    /// Unix sequenced packets.
    UnixSeqpacket,
}

impl Over {
    /// All, in the order of columns.
    pub const ALL: [Self; 6] = [
        Self::Tcp,
        Self::Udp,
        Self::Raw,
        Self::UnixStream,
        Self::UnixDgram,
        Self::UnixSeqpacket,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Raw => "raw",
            Self::UnixStream => "unix-stream",
            Self::UnixDgram => "unix-dgram",
            Self::UnixSeqpacket => "unix-seqpacket",
        }
    }

    /// The name as a column's head.
    pub fn title(self) -> String {
        match self {
            Self::Tcp | Self::Udp => self.name().to_uppercase(),
            Self::Raw => format!("RAW (proto {RAW_PROTOCOL})"),
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket => self.name().to_owned(),
        }
    }

    /// By name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|over| over.name() == name)
    }

    /// A stream, which has no messages.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::UnixStream)
    }

    /// Stays inside one kernel: no packets.
    pub fn is_unix(self) -> bool {
        matches!(
            self,
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket
        )
    }

    /// Has listen, connect and accept.
    pub fn connects(self) -> bool {
        matches!(self, Self::Tcp | Self::UnixStream | Self::UnixSeqpacket)
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// How many messages, 1 to 9,999.
    pub messages: u32,
    /// Bytes of each, 5 to 1,400: one packet each.
    pub size: usize,
    /// From one send to the next.
    pub interval: Duration,
}

/// One receive that brought something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// When the call returned.
    pub at: Mono,
    /// What it brought.
    pub bytes: Vec<u8>,
}

/// What one program did and saw.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// When each message was sent, in their order.
    pub sends: Vec<Mono>,
    /// What was received.
    pub receives: Vec<Chunk>,
    /// Its socket calls.
    pub calls: Vec<(Mono, Call)>,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Over what.
    pub over: Over,
    /// The program that sends first.
    pub client: Side,
    /// The program that answers.
    pub server: Side,
    /// Everything that the wire saw.
    pub wire: Option<List>,
    /// How many receives three sends at once became, where that was tried.
    pub burst: Option<usize>,
}
