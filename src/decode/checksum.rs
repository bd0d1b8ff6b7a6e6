//! The Internet checksum (RFC 1071): verified where all covered bytes are here, with the pseudo header
//! where the protocol has one.

use std::net::IpAddr;
use std::ops::Range;

use etherparse::checksum::Sum16BitWords;

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
            let status = self.checksum(sum, at, covered, pseudo);
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
        if self.quoted || fragment {
            return UNVERIFIED;
        }
        let (Some(bytes), Some(sum)) = (
            self.bytes(covered.start, len),
            self.pseudo_header(pseudo, len),
        ) else {
            return UNVERIFIED;
        };
        if sum.add_slice(bytes).ones_complement() == 0 {
            return GOOD;
        }
        if names.transport && (self.flags.checksum_not_ready || self.clipped) {
            return UNVERIFIED;
        }
        let split = at.saturating_sub(covered.start) as usize;
        let (Some(sum), Some(before), Some(after)) = (
            self.pseudo_header(pseudo, len),
            bytes.get(..split),
            bytes.get(split.saturating_add(2)..),
        ) else {
            return UNVERIFIED;
        };
        let computed = sum.add_slice(before).add_slice(after).ones_complement();
        let computed = u16::from_be(computed);
        let stated = self.u16(at).unwrap_or(0);
        self.uint(names.calculated, at, 2, computed);
        let text = format!("checksum 0x{stated:04x} is wrong, should be 0x{computed:04x}");
        self.problem(Severity::Checksum, at, 2, names.problem, names.rfc, text);
        BAD
    }

    /// The sum to start from; RFC 768, RFC 9293 3.1 and RFC 8200 8.1. `None` if addresses are
    /// needed and not known.
    fn pseudo_header(&self, protocol: Option<u8>, length: u32) -> Option<Sum16BitWords> {
        let mut sum = Sum16BitWords::new();
        let Some(protocol) = protocol else {
            return Some(sum);
        };
        let net = self.net.filter(|net| !net.detour)?;
        for address in [net.source, net.destination] {
            sum = match address {
                IpAddr::V4(address) => sum.add_4bytes(address.octets()),
                IpAddr::V6(address) => sum.add_16bytes(address.octets()),
            };
        }
        Some(
            sum.add_4bytes(length.to_be_bytes())
                .add_2bytes([0, protocol]),
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{decoded, problems};
    use crate::decode::{LinkType, udp};

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
