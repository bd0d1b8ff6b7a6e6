//! Everything that a run reports, as one ordered list: the calls of our sockets, the packets, what
//! the wire did to each, and notes. Times here are values: the shell reads the clocks
//! (`sys::clock`) and passes them in. Events own their bytes; views decode them on demand.

mod list;
mod time;

pub use list::List;
pub use time::{Mono, Stamp, Timestamp};

use std::sync::Arc;
use std::time::Duration;

use crate::decode::{Direction, Flags, Frame, LinkType};

/// Which host of a run: an index into [`List::hosts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(pub u8);

/// Which event of a run: its place in the order of reporting, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the order of reporting.
    pub id: Id,
    /// When it happened; a call, when it began.
    pub at: Mono,
    /// Where it happened.
    pub host: Host,
    /// What it was.
    pub kind: Kind,
    /// The event that brought it about, where that is known: the call behind a packet, the packet
    /// behind a fate.
    pub cause: Option<Id>,
}

/// What an event was.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A socket call of our own, with its outcome.
    Call(Call),
    /// A packet that passed the host's end of the wire.
    Packet(Packet),
    /// What the wire did to the packet in `cause`.
    Fate(Fate),
    /// A sentence for the reader.
    Note(String),
}

/// One socket call, finished.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method's name as Python's and C's manuals have it: `connect`, `recvfrom`.
    pub method: &'static str,
    /// The descriptor it was made on; `None` for `socket` and `socketpair`.
    pub fd: Option<i32>,
    /// The arguments as text, without the descriptor: `127.0.0.1:9000`.
    pub args: String,
    /// What came back.
    pub outcome: Outcome,
    /// How long the caller waited inside it.
    pub blocked: Duration,
    /// Payload bytes that it moved: sent or received.
    pub bytes: usize,
}

/// What a socket call gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded: the value as text, `0`, `5`, `'hello'`.
    Value(String),
    /// It failed with this errno (errno(3)).
    Errno(i32),
}

/// A frame that was seen, with its bytes.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Wall time of the sighting.
    pub wall: Timestamp,
    /// Who took the time.
    pub stamp: Stamp,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Which way it went, as the host sees it.
    pub dir: Direction,
    /// What the capture said about it.
    pub flags: Flags,
    /// Bytes on the wire; more than `bytes` holds if the capture was cut.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: Arc<[u8]>,
}

impl Packet {
    /// An owned copy of `frame`.
    pub fn of(frame: &Frame<'_>) -> Self {
        Self {
            wall: frame.at,
            stamp: frame.stamp,
            link: frame.link,
            dir: frame.dir,
            flags: frame.flags,
            wire_len: frame.wire_len,
            bytes: frame.bytes.into(),
        }
    }

    /// The frame for the decoder.
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            at: self.wall,
            stamp: self.stamp,
            iface: 0,
            link: self.link,
            dir: self.dir,
            flags: self.flags,
            wire_len: self.wire_len,
            bytes: &self.bytes,
        }
    }
}

/// What became of a frame on the wire. A frame can have several: corrupted, duplicated, delivered
/// twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It left the wire at the other end at this time; the packet event there has it as cause.
    Delivered {
        /// When it was written to the far end.
        at: Mono,
        /// Which host got it.
        to: Host,
    },
    /// It was not passed on.
    Dropped(Reason),
    /// A second copy was made.
    Duplicated,
    /// This bit of the frame was flipped, counted from 0 at the first bit of the link header.
    Corrupted {
        /// Bit number.
        bit: u32,
    },
    /// A later frame was let past it.
    Overtaken,
    /// It waits for a key or a rule.
    Held,
}

/// Why the wire did not pass a frame on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// By chance (`--loss`).
    Loss,
    /// By an exact rule (`--drop`).
    Rule,
    /// By a key in step mode.
    Key,
    /// It is longer than the wire's MTU.
    Mtu,
    /// The queue in front of a limited rate was full.
    Queue,
    /// A reset of the host's kernel, swallowed by `--mute-rst`.
    MutedReset,
    /// The far end refused it (interface down).
    Refused,
}
