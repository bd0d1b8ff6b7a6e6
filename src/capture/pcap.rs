//! The pcap format (draft-ietf-opsawg-pcap) and its variants: a walk over bytes, no reading.
//!
//! Read: both byte orders, micro- and nanoseconds, Kuznetzov's longer record header, the length
//! fields that versions before 2.4 swapped. Left out: the private magics of single vendors.

use super::link::{cooked_direction, link_type};
use super::walk::{Fault, Order, Record, Step, size};
use super::{Interface, MAX_PACKET};
use crate::decode::{Direction, LinkType};
use crate::event::Timestamp;

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetzov's libpcap of 1999: interface, protocol and packet type follow the lengths.
const MODIFIED: u32 = 0xa1b2_cd34;

/// Which of the two lengths of a record comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, then wire.
    Normal,
    /// Wire, then captured (libpcap before 0.4 wrote version 2.2 so).
    Swapped,
    /// Version 2.3 came both ways: the captured length is the smaller one.
    Either,
}

/// An open pcap file.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    nanos: bool,
    modified: bool,
    lengths: Lengths,
    link: LinkType,
}

/// Byte order and magic of a pcap file that begins with these four bytes.
fn magic(bytes: [u8; 4]) -> Option<(Order, u32)> {
    let known = |magic: &u32| matches!(*magic, MICRO | NANO | MODIFIED);
    let little = Some(u32::from_le_bytes(bytes)).filter(known);
    let big = Some(u32::from_be_bytes(bytes)).filter(known);
    little
        .map(|magic| (Order::Little, magic))
        .or(big.map(|magic| (Order::Big, magic)))
}

/// A pcap file begins with these bytes.
pub(super) fn is_magic(bytes: [u8; 4]) -> bool {
    magic(bytes).is_some()
}

impl Pcap {
    /// Reads the file header, which is whole ([`HEADER`] bytes).
    pub fn open(bytes: &[u8]) -> Result<(Self, Interface), Fault> {
        let Some((order, magic)) = bytes.first_chunk().and_then(|four| magic(*four)) else {
            return Err(Fault::new(0, "no pcap file header"));
        };
        let (major, minor) = (order.u16(bytes, 4), order.u16(bytes, 6));
        let lengths = match (major, minor) {
            (2, 4) => Lengths::Normal,
            (2, 3) => Lengths::Either,
            // 543.0 is DG/UX tcpdump (libpcap's sf-pcap.c).
            (2, 0..=2) | (543, 0) => Lengths::Swapped,
            _ => {
                let reason = format!("pcap version {major}.{minor} is not known");
                return Err(Fault::new(4, reason));
            }
        };
        // The upper bits tell the length of a frame check sequence, which stays in the bytes.
        let number = order.u32(bytes, 20) & 0x03ff_ffff;
        let Ok(number) = u16::try_from(number) else {
            let reason = format!("link type {number} is not known");
            return Err(Fault::new(20, reason));
        };
        let pcap = Self {
            order,
            nanos: magic == NANO,
            modified: magic == MODIFIED,
            lengths,
            link: link_type(number),
        };
        let interface = Interface {
            name: String::new(),
            description: String::new(),
            filter: String::new(),
            link: pcap.link,
            snaplen: order.u32(bytes, 16),
            nanos: pcap.nanos,
        };
        Ok((pcap, interface))
    }

    /// Looks at the record at the head of the window.
    pub fn step(&self, window: &[u8]) -> Step {
        let header = if self.modified { 24 } else { 16 };
        if window.len() < header {
            return Step::Need(header);
        }
        let (first, second) = (self.order.u32(window, 8), self.order.u32(window, 12));
        let swap = match self.lengths {
            Lengths::Normal => false,
            Lengths::Swapped => true,
            Lengths::Either => first > second,
        };
        let (captured, wire_len) = if swap {
            (second, first)
        } else {
            (first, second)
        };
        if captured > MAX_PACKET {
            let reason = format!(
                "a packet claims {captured} captured bytes, more than the {MAX_PACKET} that one may have"
            );
            return Step::Damaged(Fault::new(8, reason));
        }
        let len = header.saturating_add(size(captured));
        let Some(bytes) = window.get(header..len) else {
            return Step::Need(len);
        };
        let seconds = self.order.u32(window, 0);
        let fraction = i64::from(self.order.u32(window, 4));
        let nanos = if self.nanos {
            fraction
        } else {
            fraction.saturating_mul(1000)
        };
        Step::Packet(Record {
            len,
            data: header..len,
            at: Timestamp::from_parts(i64::from(seconds), nanos),
            wire_len,
            link: self.link,
            dir: match window.get(22) {
                // `PACKET_OUTGOING` of linux/if_packet.h.
                Some(4) if self.modified => Direction::Out,
                Some(0..=3) if self.modified => Direction::In,
                _ => cooked_direction(self.link, bytes),
            },
            iface: 1,
        })
    }
}
