//! What the shell tells the engine about a datagram: times, sender and the ICMP message in it.

use std::net::IpAddr;

use crate::event::{Mono, Stamp, Timestamp};

/// One datagram from the wire or one ICMP error from its error queue.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Monotonic time at which we read it.
    pub at: Mono,
    /// Wall-clock time, read together with `at`.
    pub wall: Timestamp,
    /// Receive stamp of the kernel or the card.
    pub stamp: Option<(Timestamp, Stamp)>,
    /// Sender.
    pub from: IpAddr,
    /// TTL or hop limit, where known.
    pub ttl: Option<u8>,
    /// Running count of packets that the full receive queue dropped (SO_RXQ_OVFL); it wraps.
    pub overflow: Option<u32>,
    /// What it says.
    pub message: Message<'a>,
}

/// An ICMP message, as far as the engine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Echo reply (ICMP type 0, ICMPv6 type 129).
    EchoReply(Echo<'a>),
    /// Echo request (ICMP type 8, ICMPv6 type 128).
    EchoRequest(Echo<'a>),
    /// An error message, or a redirect or source quench.
    Error {
        /// ICMP type; the family is that of the sender.
        icmp_type: u8,
        /// ICMP code.
        code: u8,
        /// The second 32-bit word of the message.
        rest: u32,
        /// The echo header in the quoted datagram; `None` if the quote is too short or no echo.
        quoted: Option<Quoted>,
        /// The whole ICMP message, where the socket delivered it, else empty.
        bytes: &'a [u8],
    },
    /// Nothing that can be about a probe.
    Other,
}

/// An echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
    /// What follows the 8 header bytes, as far as it was received.
    pub payload: &'a [u8],
    /// Bytes of the whole ICMP message on the wire.
    pub icmp_len: usize,
    /// Checksum as received and as computed, where they differ.
    pub bad_checksum: Option<(u16, u16)>,
}

/// Identifier and sequence of the probe that an error message quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
}
