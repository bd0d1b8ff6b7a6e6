//! What a walk over a capture file's bytes finds: shared by the two formats. No reading here.

use std::ops::Range;

use crate::decode::{Direction, LinkType};
use crate::event::Timestamp;

/// What stands at the head of the window.
#[derive(Debug)]
pub(super) enum Step {
    /// Not whole yet: at least this many bytes must be in the window.
    Need(usize),
    /// This many bytes hold no packet.
    Skip(usize),
    /// A packet.
    Packet(Record),
    /// The file is damaged here; nothing behind it can be trusted.
    Damaged(Fault),
}

/// One packet. Ranges count from the head of the window.
#[derive(Debug)]
pub(super) struct Record {
    /// Bytes of the whole record.
    pub len: usize,
    pub data: Range<usize>,
    pub at: Timestamp,
    pub wire_len: u32,
    pub link: LinkType,
    pub dir: Direction,
    /// Interface number, counted from 1.
    pub iface: u32,
}

impl Record {
    /// No packet.
    pub fn none() -> Self {
        Self {
            len: 0,
            data: 0..0,
            at: Timestamp::default(),
            wire_len: 0,
            link: LinkType::Other(0),
            dir: Direction::Unknown,
            iface: 0,
        }
    }
}

/// Why the walk cannot go on, `at` bytes behind the head of the window.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: usize,
    pub reason: String,
}

impl Fault {
    pub fn new(at: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { at, reason }
    }
}

/// Byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// Two bytes at `at`; 0 where there are none: callers look at the length first.
    pub fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let two = array(bytes, at);
        match self {
            Self::Little => u16::from_le_bytes(two),
            Self::Big => u16::from_be_bytes(two),
        }
    }

    /// Four bytes at `at`, as [`Order::u16`].
    pub fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = array(bytes, at);
        match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        }
    }

    /// Eight bytes at `at`, as [`Order::u16`].
    pub fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let eight = array(bytes, at);
        match self {
            Self::Little => u64::from_le_bytes(eight),
            Self::Big => u64::from_be_bytes(eight),
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.copied().unwrap_or([0; N])
}

/// A number of a file as a size in memory. Both are 32 bits at least (Linux).
pub(super) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
