//! IPv4 headers with every field settable, right or wrong. Options are in `ipv4_options`.

use std::net::Ipv4Addr;

use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::MutableIpv4Packet;
use pnet::packet::util::checksum;

use super::grow;
use super::ipv4_options::Options;

/// What an IPv4 header should say (RFC 791 3.1). `None` means: the right value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 4; only the low four bits are sent.
    pub version: u8,
    /// Header length in 32-bit words, 0..=15.
    pub ihl: Option<u8>,
    /// The whole type of service byte: DSCP times 4, plus ECN.
    pub tos: u8,
    /// Header and payload in bytes.
    pub total_length: Option<u16>,
    /// Identification; a kernel replaces 0 unless `df` is set (raw(7) leaves the exception out).
    pub id: u16,
    /// The reserved bit (RFC 3514 calls it evil).
    pub reserved: bool,
    /// Don't fragment.
    pub df: bool,
    /// More fragments.
    pub mf: bool,
    /// Fragment offset in units of 8 bytes, 0..=8191.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Header checksum; the kernel overwrites it on a raw socket.
    pub checksum: Option<u16>,
    /// Source address; the kernel fills in 0.0.0.0.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Options, padded.
    pub options: Options,
}

impl Default for Header {
    /// An ICMP packet with TTL 64 and no addresses.
    fn default() -> Self {
        Self {
            version: 4,
            ihl: None,
            tos: 0,
            total_length: None,
            id: 0,
            reserved: false,
            df: false,
            mf: false,
            fragment_offset: 0,
            ttl: 64,
            protocol: 1,
            checksum: None,
            source: Ipv4Addr::UNSPECIFIED,
            destination: Ipv4Addr::UNSPECIFIED,
            options: Options::default(),
        }
    }
}

impl Header {
    /// Length of the header in bytes as it is sent, 20..=60, whatever `ihl` says.
    pub fn len(&self) -> usize {
        MutableIpv4Packet::minimum_packet_size() + self.options.as_bytes().len()
    }

    /// A header is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the header for a payload of `payload_len` bytes, which the caller appends after it.
    pub fn craft(&self, payload_len: usize, out: &mut Vec<u8>) {
        let len = self.len();
        let bytes = grow(out, len);
        bytes[MutableIpv4Packet::minimum_packet_size()..].copy_from_slice(self.options.as_bytes());
        if let Some(mut ip) = MutableIpv4Packet::new(bytes) {
            let words = u8::try_from(len / 4).unwrap_or(15);
            let total = u16::try_from(len + payload_len).unwrap_or(u16::MAX);
            ip.set_version(self.version & 15);
            ip.set_header_length(self.ihl.unwrap_or(words) & 15);
            ip.set_dscp(self.tos >> 2);
            ip.set_ecn(self.tos & 3);
            ip.set_total_length(self.total_length.unwrap_or(total));
            ip.set_identification(self.id);
            let flags = [(self.reserved, 4), (self.df, 2), (self.mf, 1)];
            let flags = flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit);
            ip.set_flags(flags.sum());
            ip.set_fragment_offset(self.fragment_offset & 0x1fff);
            ip.set_ttl(self.ttl);
            ip.set_next_level_protocol(IpNextHeaderProtocol(self.protocol));
            ip.set_source(self.source);
            ip.set_destination(self.destination);
        }
        // Over the header as it is, not as a lying `ihl` claims: a receiver that believes the lie
        // shall see a checksum that is wrong for it.
        let start = out.len() - len;
        let sum = self.checksum.unwrap_or_else(|| checksum(&out[start..], 5));
        if let Some(mut ip) = MutableIpv4Packet::new(&mut out[start..]) {
            ip.set_checksum(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crafted(header: &Header, payload_len: usize) -> Vec<u8> {
        let mut out = vec![0xee];
        header.craft(payload_len, &mut out);
        assert_eq!(out[0], 0xee, "appends");
        out.split_off(1)
    }

    #[test]
    fn header_is_byte_exact() {
        let header = Header {
            tos: 0xb9,
            id: 0x1234,
            df: true,
            ttl: 7,
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            ..Header::default()
        };
        let bytes = crafted(&header, 64);
        assert_eq!(
            bytes,
            [
                0x45, 0xb9, 0, 84, 0x12, 0x34, 0x40, 0, 7, 1, 0x4c, 0xba, 10, 0, 0, 1, 10, 0, 0, 2
            ]
        );
    }

    #[test]
    fn wrong_values_go_out_as_asked() {
        let header = Header {
            version: 6,
            ihl: Some(15),
            total_length: Some(3),
            reserved: true,
            mf: true,
            fragment_offset: 0x1fff,
            checksum: Some(0xdead),
            ..Header::default()
        };
        let bytes = crafted(&header, 0);
        assert_eq!(bytes.len(), 20);
        assert_eq!(bytes[0], 0x6f);
        assert_eq!(bytes[2..4], [0, 3]);
        assert_eq!(bytes[6..8], [0xbf, 0xff]);
        assert_eq!(bytes[10..12], [0xde, 0xad]);
    }

    #[test]
    fn a_payload_that_cannot_fit_saturates_the_length() {
        assert_eq!(crafted(&Header::default(), 70_000)[2..4], [0xff, 0xff]);
    }

    #[test]
    fn options_lengthen_the_header() {
        let mut options = Options::default();
        options.router_alert(0).unwrap();
        let bytes = crafted(
            &Header {
                options,
                ..Header::default()
            },
            0,
        );
        assert_eq!(bytes.len(), 24);
        assert_eq!(bytes[0], 0x46);
        assert_eq!(bytes[20..], [148, 4, 0, 0]);
    }
}
