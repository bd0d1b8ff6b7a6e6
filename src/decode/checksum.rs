//! The Internet checksum (RFC 1071): verified where all covered bytes are here, with the pseudo header
//! where the protocol has one.

use std::net::IpAddr;
use std::ops::Range;

use super::{Cx, Severity, Spec};

/// Names a checksum's fields and its problem.
#[derive(Debug)]
pub struct Checksum {
    /// Field for the outcome, see [`checksum_status`].
    pub status: &'static Spec,
    /// Field for what it should be, added when it is wrong.
    pub calculated: &'static Spec,
    /// Key of the problem.
    pub problem: &'static str,
    /// Where the rule stands.
    pub rfc: &'static str,
    /// Covers whole datagrams: a fragment cannot be verified, and offload leaves it to the card.
    pub transport: bool,
}

/// Wireshark's names for a checksum's outcome.
pub fn checksum_status(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "bad",
        1 => "good",
        2 => "unverified",
        3 => "not present",
        _ => return None,
    })
}

impl Cx<'_> {
    /// Verifies the Internet checksum (RFC 1071) over `covered`, with the 16 bits themselves at
    /// `at`, and adds its status. `pseudo`: protocol number for the pseudo header.
    pub fn verify(
        &mut self,
        sum: &'static Checksum,
        at: u32,
        covered: Range<u32>,
        pseudo: Option<u8>,
    ) {
        // A checksum that was not captured has no status.
        if self.u16(at).is_some() {
            let status = self.checksum(sum, at, covered.clone(), pseudo);
            self.note_sum(at, &covered, pseudo, status);
            self.uint(sum.status, at, 0, status);
        }
    }

    fn checksum(
        &mut self,
        names: &'static Checksum,
        at: u32,
        covered: Range<u32>,
        pseudo: Option<u8>,
    ) -> u64 {
        const BAD: u64 = 0;
        const GOOD: u64 = 1;
        const UNVERIFIED: u64 = 2;
        let len = covered.end.saturating_sub(covered.start);
        let fragment = self.net.is_some_and(|net| net.fragment) && names.transport;
        if self.quoted || fragment || !self.verifies {
            return UNVERIFIED;
        }
        let (Some(bytes), Some(sum)) = (
            self.bytes(covered.start, len),
            self.pseudo_header(pseudo, len),
        ) else {
            return UNVERIFIED;
        };
        // RFC 1071 1 (3): the sum over everything, the checksum included, is all ones.
        if sum.add(bytes).fold() == 0xffff {
            return GOOD;
        }
        if names.transport && (self.flags.checksum_not_ready || self.clipped) {
            return UNVERIFIED;
        }
        let split = at.saturating_sub(covered.start) as usize;
        let (Some(before), Some(after)) =
            (bytes.get(..split), bytes.get(split.saturating_add(2)..))
        else {
            return UNVERIFIED;
        };
        let computed = u16::from_be(!sum.add(before).add(after).fold());
        let stated = self.u16(at).unwrap_or(0);
        self.uint(names.calculated, at, 2, computed);
        let text = format!("checksum 0x{stated:04x} is wrong, should be 0x{computed:04x}");
        self.problem(Severity::Checksum, at, 2, names.problem, names.rfc, text);
        BAD
    }

    /// The sum to start from; RFC 768, RFC 9293 3.1 and RFC 8200 8.1. `None` if addresses are
    /// needed and not known.
    fn pseudo_header(&self, protocol: Option<u8>, length: u32) -> Option<Sum> {
        let sum = Sum(0);
        let Some(protocol) = protocol else {
            return Some(sum);
        };
        let net = self.net.as_ref().filter(|net| !net.detour)?;
        let sum = match (net.source, net.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => sum.add(&from.octets()).add(&to.octets()),
            (IpAddr::V6(from), IpAddr::V6(to)) => sum.add(&from.octets()).add(&to.octets()),
            // An IP header has two of one kind.
            _ => return None,
        };
        Some(sum.add(&length.to_be_bytes()).add(&[0, 0, 0, protocol]))
    }
}

/// The one's complement sum in the making, not folded yet. In the machine's byte order: the folded
/// sum's bytes are the same in both (RFC 1071 2 (B)).
#[derive(Clone, Copy, Debug)]
struct Sum(u64);

impl Sum {
    /// Adds bytes that begin at an even offset. Words of 32 bits in 64: a packet cannot overflow
    /// it, and the compiler makes vector instructions of the loop (RFC 1071 2 (C), deferred
    /// carries).
    #[inline]
    fn add(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        let words = words
            .iter()
            .map(|word| u64::from(u32::from_ne_bytes(*word)));
        let mut last = [0; 4];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let sum = words.fold(self.0, u64::wrapping_add);
        Self(sum.wrapping_add(u32::from_ne_bytes(last).into()))
    }

    /// The sum in 16 bits: each carry is added at the low end.
    #[inline]
    fn fold(self) -> u16 {
        let sum = (self.0 & 0xffff_ffff).wrapping_add(self.0 >> 32);
        let carried = |sum: u64| (sum & 0xffff).wrapping_add(sum >> 16);
        let sum = carried(carried(carried(sum)));
        (sum & 0xffff) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;
    use crate::decode::testing::{decoded, problems};
    use crate::decode::{LinkType, udp};

    #[test]
    fn sums_are_those_of_etherparse_for_every_length_and_carry() {
        let noise = |n: usize| u8::try_from(n.wrapping_mul(2_654_435_761) >> 7 & 255).unwrap();
        let noise: Vec<u8> = (0..300).map(noise).collect();
        for bytes in [noise, vec![255; 300], vec![0; 300]] {
            for len in 0..bytes.len() {
                let theirs = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes[..len]);
                let ours = Sum(0).add(&bytes[..len]).fold();
                assert_eq!(!ours, theirs.ones_complement(), "{len}");
            }
        }
        assert_eq!(Sum(u64::MAX).fold(), 0xffff);
    }

    #[test]
    fn the_checksum_of_an_odd_length_is_computed() {
        // RFC 768 over 192.0.2.1 > 192.0.2.2, one byte of data.
        let mut packet = vec![
            0x45, 0, 0, 29, 0, 0, 0, 0, 1, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2, 0, 9,
            0, 0, b'x',
        ];
        let sum: u32 = 0xc000 + 0x0201 + 0xc000 + 0x0202 + 17 + 9 + 1 + 2 + 9 + 0x7800;
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        packet[26..28].copy_from_slice(&sum.to_be_bytes());
        let good = decoded(LinkType::Raw, &packet, 29);
        assert_eq!(good.number(&udp::CHECKSUM_STATUS), Some(1));
        packet[28] = b'y';
        let bad = decoded(LinkType::Raw, &packet, 29);
        assert_eq!(bad.number(&udp::CHECKSUM_STATUS), Some(0));
        assert!(problems(&bad).contains(&"udp.checksum.bad"));
    }
}
