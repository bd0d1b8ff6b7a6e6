//! IPv6 headers with every field settable, right or wrong. Extension headers are in `ipv6_ext`.

use std::net::Ipv6Addr;

use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv6::MutableIpv6Packet;

use super::grow;
use super::ipv6_ext::Extension;

/// What an IPv6 header should say (RFC 8200 3). `None` means: the right value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// 6; only the low four bits are sent.
    pub version: u8,
    /// Traffic class: DSCP times 4, plus ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Bytes after the 40 of this header: extension headers and payload.
    pub payload_length: Option<u16>,
    /// Protocol number of the payload, behind all extension headers.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Extension headers in the order they are sent; their next header fields are filled in.
    pub extensions: Vec<Extension>,
}

impl Default for Header {
    /// An ICMPv6 packet with hop limit 64 and no addresses.
    fn default() -> Self {
        Self {
            version: 6,
            traffic_class: 0,
            flow_label: 0,
            payload_length: None,
            next_header: 58,
            hop_limit: 64,
            source: Ipv6Addr::UNSPECIFIED,
            destination: Ipv6Addr::UNSPECIFIED,
            extensions: Vec::new(),
        }
    }
}

impl Header {
    /// Length of this header and its extension headers in bytes.
    pub fn len(&self) -> usize {
        let extensions = self.extensions.iter().map(|one| one.bytes().len());
        MutableIpv6Packet::minimum_packet_size() + extensions.sum::<usize>()
    }

    /// A header is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the headers for a payload of `payload_len` bytes, which the caller appends after
    /// them.
    pub fn craft(&self, payload_len: usize, out: &mut Vec<u8>) {
        let fixed = MutableIpv6Packet::minimum_packet_size();
        let after = self.len() - fixed + payload_len;
        // What each header must name as the next one.
        let mut chain = self.extensions.iter().map(Extension::protocol);
        let first = chain.next().unwrap_or(self.next_header);
        let bytes = grow(out, fixed);
        if let Some(mut ip) = MutableIpv6Packet::new(bytes) {
            ip.set_version(self.version & 15);
            ip.set_traffic_class(self.traffic_class);
            ip.set_flow_label(self.flow_label & 0xf_ffff);
            let after = u16::try_from(after).unwrap_or(u16::MAX);
            ip.set_payload_length(self.payload_length.unwrap_or(after));
            ip.set_next_header(IpNextHeaderProtocol(first));
            ip.set_hop_limit(self.hop_limit);
            ip.set_source(self.source);
            ip.set_destination(self.destination);
        }
        for extension in &self.extensions {
            let next = chain.next().unwrap_or(self.next_header);
            let start = out.len();
            out.extend_from_slice(extension.bytes());
            out[start] = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_byte_exact() {
        let header = Header {
            traffic_class: 0xb9,
            flow_label: 0xf_0f0f,
            hop_limit: 9,
            source: Ipv6Addr::LOCALHOST,
            ..Header::default()
        };
        let mut out = vec![];
        header.craft(8, &mut out);
        assert_eq!(out[..8], [0x6b, 0x9f, 0x0f, 0x0f, 0, 8, 58, 9]);
        assert_eq!(out[8..24], Ipv6Addr::LOCALHOST.octets());
        assert_eq!(out[24..], [0; 16]);
    }

    #[test]
    fn extension_headers_are_chained() {
        let mut header = Header::default();
        header
            .extensions
            .push(Extension::hop_by_hop(&[5, 2, 0, 0]).unwrap());
        header.extensions.push(Extension::fragment(0, false, 7));
        let mut out = vec![];
        header.craft(4, &mut out);
        assert_eq!(out[4..7], [0, 20, 0]);
        assert_eq!(out[40..48], [44, 0, 5, 2, 0, 0, 1, 0]);
        assert_eq!(out[48..56], [58, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(out.len(), header.len());
    }

    #[test]
    fn wrong_values_go_out_as_asked() {
        let header = Header {
            version: 0,
            payload_length: Some(1),
            ..Header::default()
        };
        let mut out = vec![];
        header.craft(100, &mut out);
        assert_eq!(out[..6], [0, 0, 0, 0, 0, 1]);
    }
}
