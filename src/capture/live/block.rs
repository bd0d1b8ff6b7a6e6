//! What a block of a TPACKET_V3 ring holds (linux/if_packet.h): safe code on bytes, with every
//! offset checked as if the kernel were hostile.

use crate::decode::{Direction, Flags};
use crate::event::{Stamp, Timestamp};

/// `sizeof(struct tpacket3_hdr)`, which is aligned; the link-layer address follows.
const HEADER: usize = 48;
/// `offsetof(struct tpacket_block_desc, hdr.bh1)`: version, offset to the private area.
const PACKETS: usize = 12;
const FIRST: usize = 16;

const CHECKSUM_NOT_READY: u32 = 1 << 3;
const VLAN_VALID: u32 = 1 << 4;
const TPID_VALID: u32 = 1 << 6;
const HARDWARE: u32 = 1 << 31;

/// One packet of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// When the kernel or the card saw it.
    pub at: Timestamp,
    /// Who took `at`.
    pub stamp: Stamp,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Where its bytes begin in the block.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// What its address says.
    pub link: Link,
    /// VLAN tag that the kernel took out of the frame: control information and EtherType.
    pub vlan: Option<(u16, u16)>,
    /// What the status says.
    pub flags: Flags,
}

/// What `struct sockaddr_ll` tells of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// EtherType.
    pub protocol: u16,
    /// Interface number.
    pub interface: u32,
    /// ARPHRD number.
    pub hardware: u16,
    /// PACKET_HOST, PACKET_OUTGOING and the like.
    pub kind: u8,
    /// How much of `address` counts.
    pub address_len: u8,
    /// The sender's link-layer address.
    pub address: [u8; 8],
}

impl Link {
    /// Reads a `struct sockaddr_ll`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 20] = bytes.first_chunk()?;
        let [
            _,
            _,
            p0,
            p1,
            i0,
            i1,
            i2,
            i3,
            h0,
            h1,
            kind,
            address_len,
            address @ ..,
        ] = *bytes;
        Some(Self {
            protocol: u16::from_be_bytes([p0, p1]),
            interface: u32::from_ne_bytes([i0, i1, i2, i3]),
            hardware: u16::from_ne_bytes([h0, h1]),
            kind,
            address_len,
            address,
        })
    }

    /// Which way the packet went.
    pub fn direction(self) -> Direction {
        if self.kind == libc::PACKET_OUTGOING {
            Direction::Out
        } else {
            Direction::In
        }
    }
}

/// Where the walk over a block stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Packets left.
    left: u32,
    /// Where the next one's header begins.
    at: usize,
}

impl Walk {
    /// At the first packet of a block.
    pub fn new(block: &[u8]) -> Self {
        Self {
            left: u32_at(block, PACKETS).unwrap_or(0),
            at: u32_at(block, FIRST).map_or(0, size),
        }
    }

    /// The next packet; `None` at the end of the block, and where an offset lies outside of it.
    pub fn next(&mut self, block: &[u8]) -> Option<Item> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        let item = item(block, at);
        let step = u32_at(block, at).map_or(0, size);
        match at.checked_add(step) {
            // The last packet of a block has offset 0 or one to behind it.
            Some(next) if step >= HEADER => self.at = next,
            _ => self.left = 0,
        }
        if item.is_none() {
            self.left = 0;
        }
        item
    }
}

/// The packet whose header begins at `at`, if all of it lies inside the block.
fn item(block: &[u8], at: usize) -> Option<Item> {
    let header: &[u8; HEADER] = block.get(at..)?.first_chunk()?;
    let word = |at: usize| u32_at(header, at).unwrap_or(0);
    let half = |at: usize| {
        let two = header.get(at..).and_then(<[u8]>::first_chunk);
        two.map_or(0, |two| u16::from_ne_bytes(*two))
    };
    let status = word(20);
    let start = at.checked_add(usize::from(half(24)))?;
    let end = start.checked_add(size(word(12)))?;
    // The bytes lie behind the headers and inside the block.
    if start < at.checked_add(HEADER)? || end > block.len() {
        return None;
    }
    // Only 16 of the 32 bits are the tag's.
    let tci = u16::try_from(word(32) & 0xffff).unwrap_or(0);
    Some(Item {
        at: Timestamp::from_parts(i64::from(word(4)), i64::from(word(8))),
        stamp: if status & HARDWARE != 0 {
            Stamp::Hardware
        } else {
            Stamp::Kernel
        },
        wire_len: word(16),
        start,
        end,
        link: Link::parse(block.get(at.checked_add(HEADER)?..)?)?,
        vlan: tag(status, tci, half(36)),
        flags: flags(status),
    })
}

impl Item {
    /// Reads a `struct tpacket_auxdata`, which recvmsg(2) gives: status, two lengths, two offsets,
    /// the tag.
    pub fn read_auxdata(&mut self, data: &[u8]) {
        let Some(data) = data.first_chunk::<20>() else {
            return;
        };
        let half = |at: usize| {
            let two = data.get(at..).and_then(<[u8]>::first_chunk);
            two.map_or(0, |two| u16::from_ne_bytes(*two))
        };
        let status = u32_at(data, 0).unwrap_or(0);
        self.vlan = tag(status, half(16), half(18));
        self.flags = flags(status);
    }
}

fn tag(status: u32, tci: u16, tpid: u16) -> Option<(u16, u16)> {
    // Kernels before 3.14 give no EtherType.
    let known = status & TPID_VALID != 0;
    (status & VLAN_VALID != 0).then_some((tci, if known { tpid } else { 0x8100 }))
}

fn flags(status: u32) -> Flags {
    Flags {
        checksum_not_ready: status & CHECKSUM_NOT_READY != 0,
        vlan_restored: false,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*four))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test's own numbers")]
mod tests {
    use super::*;

    /// A block as the kernel lays it out, with these packets.
    fn block(packets: &[&[u8]]) -> Vec<u8> {
        let mut block = vec![0; 4096];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        let word = |n: usize| u32::try_from(n).unwrap().to_ne_bytes();
        put(PACKETS, &word(packets.len()));
        put(FIRST, &word(48));
        let mut at = 48;
        for (n, bytes) in packets.iter().enumerate() {
            let step = (HEADER + 20 + 14 + bytes.len()).next_multiple_of(16);
            put(at, &word(step));
            put(at + 4, &word(1_700_000_000));
            put(at + 8, &word(n));
            put(at + 12, &word(bytes.len()));
            put(at + 16, &word(1514));
            put(
                at + 20,
                &(CHECKSUM_NOT_READY | VLAN_VALID | 1).to_ne_bytes(),
            );
            put(at + 24, &82_u16.to_ne_bytes());
            put(at + 32, &word(5));
            put(at + 48, &17_u16.to_ne_bytes());
            put(at + 50, &[8, 6]);
            put(at + 52, &word(3));
            put(at + 58, &[4, 6, 2, 0, 0, 0, 0, 1]);
            put(at + 82, bytes);
            at += step;
        }
        block
    }

    fn walk(block: &[u8]) -> Vec<Item> {
        let mut walk = Walk::new(block);
        let mut items = Vec::new();
        while let Some(item) = walk.next(block) {
            assert!(item.start <= item.end && item.end <= block.len());
            items.push(item);
            assert!(items.len() < 200, "no end");
        }
        items
    }

    #[test]
    fn packets_with_all_that_the_kernel_tells() {
        let block = block(&[b"first packet", b"", b"third"]);
        let items = walk(&block);
        assert_eq!(items.len(), 3);
        let bytes: Vec<&[u8]> = items.iter().map(|i| &block[i.start..i.end]).collect();
        assert_eq!(bytes, [b"first packet", &b""[..], b"third"]);
        let first = items[0];
        assert_eq!(first.at, Timestamp(1_700_000_000_000_000_000));
        assert_eq!(items[2].at, Timestamp(1_700_000_000_000_000_002));
        assert_eq!(first.vlan, Some((5, 0x8100)));
        assert!(first.flags.checksum_not_ready);
        assert_eq!((first.wire_len, first.stamp), (1514, Stamp::Kernel));
        assert_eq!((first.link.interface, first.link.protocol), (3, 0x0806));
        assert_eq!(first.link.direction(), Direction::Out);
        assert_eq!(first.link.address, [2, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_hostile_block_ends_and_stays_inside() {
        let good = block(&[b"first packet", b"second", b"third"]);
        for cut in 0..good.len().min(600) {
            walk(&good[..cut]);
        }
        // Every byte of the headers, with the values that break walks.
        for at in 0..600 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                walk(&bad);
            }
        }
        // Every number at once.
        for at in (0..600).step_by(2) {
            for value in [0, 1, 15, 47, 48, 4095, 4096, u32::MAX - 47, u32::MAX] {
                let mut bad = good.clone();
                bad[at..at + 4].copy_from_slice(&value.to_ne_bytes());
                bad[PACKETS..PACKETS + 4].copy_from_slice(&100_u32.to_ne_bytes());
                walk(&bad);
            }
        }
    }
}
