//! Echo messages for ICMP and ICMPv6. Other types are not sent by us, except by tests as bytes.

use std::net::Ipv6Addr;

use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::icmp::{IcmpCode, IcmpType, IcmpTypes};
use pnet::packet::icmpv6::{self, Icmpv6Code, Icmpv6Type, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::util::{checksum, ipv6_checksum};

use super::{TooLong, grow};

/// Bytes before an echo message's payload.
pub const HEADER: usize = MutableEchoRequestPacket::minimum_packet_size();

/// What fits behind a 20-byte IPv4 header (RFC 791 3.1); IPv6 has a little more room.
pub const MAX_PAYLOAD: usize = 65_535 - HEADER;

/// An echo request or reply (RFC 792, RFC 4443 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// A reply, not a request.
    pub reply: bool,
    /// Identifier.
    pub ident: u16,
    /// Sequence number.
    pub seq: u16,
    /// `None` means: the right one.
    pub checksum: Option<u16>,
}

impl Echo {
    /// Appends the ICMP message.
    pub fn craft_v4(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
        let message = start(payload, out)?;
        let kind = if self.reply {
            IcmpTypes::EchoReply
        } else {
            IcmpTypes::EchoRequest
        };
        if let Some(mut echo) = MutableEchoRequestPacket::new(message) {
            echo.set_icmp_type(IcmpType(kind.0));
            echo.set_icmp_code(IcmpCode(0));
            echo.set_identifier(self.ident);
            echo.set_sequence_number(self.seq);
        }
        let sum = self.checksum.unwrap_or_else(|| checksum(message, 1));
        if let Some(mut echo) = MutableEchoRequestPacket::new(message) {
            echo.set_checksum(sum);
        }
        Ok(())
    }

    /// Appends the ICMPv6 message; its checksum covers the addresses (RFC 8200 8.1).
    pub fn craft_v6(
        &self,
        payload: &[u8],
        source: Ipv6Addr,
        destination: Ipv6Addr,
        out: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        use icmpv6::echo_request::MutableEchoRequestPacket;
        let message = start(payload, out)?;
        let kind = if self.reply {
            Icmpv6Types::EchoReply
        } else {
            Icmpv6Types::EchoRequest
        };
        if let Some(mut echo) = MutableEchoRequestPacket::new(message) {
            echo.set_icmpv6_type(Icmpv6Type(kind.0));
            echo.set_icmpv6_code(Icmpv6Code(0));
            echo.set_identifier(self.ident);
            echo.set_sequence_number(self.seq);
        }
        let protocol = IpNextHeaderProtocols::Icmpv6;
        let sum = self
            .checksum
            .unwrap_or_else(|| ipv6_checksum(message, 1, &[], &source, &destination, protocol));
        if let Some(mut echo) = MutableEchoRequestPacket::new(message) {
            echo.set_checksum(sum);
        }
        Ok(())
    }
}

/// Room for the header, and the payload behind it.
fn start<'a>(payload: &[u8], out: &'a mut Vec<u8>) -> Result<&'a mut [u8], TooLong> {
    if payload.len() > MAX_PAYLOAD {
        return Err(TooLong {
            what: "echo payload",
            len: payload.len(),
            max: MAX_PAYLOAD,
        });
    }
    let message = grow(out, HEADER + payload.len());
    message[HEADER..].copy_from_slice(payload);
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Echo = Echo {
        reply: false,
        ident: 0x1234,
        seq: 2,
        checksum: None,
    };

    #[test]
    fn request_is_byte_exact() {
        let mut out = Vec::new();
        ECHO.craft_v4(b"abc", &mut out).unwrap();
        assert_eq!(out, [8, 0, 0x21, 0x67, 0x12, 0x34, 0, 2, b'a', b'b', b'c']);
        out.clear();
        Echo {
            reply: true,
            ..ECHO
        }
        .craft_v4(b"", &mut out)
        .unwrap();
        assert_eq!(out, [0, 0, 0xed, 0xc9, 0x12, 0x34, 0, 2]);
    }

    #[test]
    fn v6_checksum_covers_the_addresses() {
        let (a, b) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
        let mut out = Vec::new();
        ECHO.craft_v6(b"", a, b, &mut out).unwrap();
        // 0x8000 + 0x1234 + 2 + 1 (address) + 8 (length) + 58 (next header) = 0x9279
        assert_eq!(out, [128, 0, 0x6d, 0x86, 0x12, 0x34, 0, 2]);
    }

    #[test]
    fn a_wrong_checksum_goes_out_as_asked() {
        let mut out = Vec::new();
        let wrong = Echo {
            checksum: Some(0xbad),
            ..ECHO
        };
        wrong.craft_v4(b"x", &mut out).unwrap();
        assert_eq!(out[2..4], [0x0b, 0xad]);
    }

    #[test]
    fn largest_payload_fits_and_one_more_does_not() {
        let mut out = Vec::new();
        ECHO.craft_v4(&vec![0xff; MAX_PAYLOAD], &mut out).unwrap();
        assert_eq!(out.len(), 65_535);
        assert!(ECHO.craft_v4(&vec![0; MAX_PAYLOAD + 1], &mut out).is_err());
    }
}
