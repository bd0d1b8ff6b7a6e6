//! IPv6 extension headers: hop-by-hop and destination options, routing, fragment, any bytes.

use pnet::packet::Packet;
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::{MutableFragmentPacket, MutableRoutingPacket};

use super::TooLong;

/// Longest extension header: its length field counts 8-byte units after the first (RFC 8200 4.3).
pub const MAX: usize = 256 * 8;

/// One extension header; its first byte (next header) is filled in when the packet is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    protocol: u8,
    bytes: Vec<u8>,
}

impl Extension {
    /// Any header: its protocol number and all its bytes, of which the first is replaced.
    pub fn raw(protocol: u8, mut bytes: Vec<u8>) -> Result<Self, TooLong> {
        check(bytes.len())?;
        if bytes.is_empty() {
            bytes.push(0);
        }
        Ok(Self { protocol, bytes })
    }

    /// Hop-by-hop options (RFC 8200 4.3): every router may look at them.
    pub fn hop_by_hop(options: &[u8]) -> Result<Self, TooLong> {
        Self::options(IpNextHeaderProtocols::Hopopt.0, options)
    }

    /// Destination options (RFC 8200 4.6).
    pub fn destination(options: &[u8]) -> Result<Self, TooLong> {
        Self::options(IpNextHeaderProtocols::Ipv6Opts.0, options)
    }

    /// Options, padded to whole 8-byte units with Pad1 or PadN (RFC 8200 4.2).
    fn options(protocol: u8, options: &[u8]) -> Result<Self, TooLong> {
        let len = (2 + options.len()).next_multiple_of(8);
        check(len)?;
        let mut bytes = vec![0, units(len)];
        bytes.extend_from_slice(options);
        match len - bytes.len() {
            0 => {}
            1 => bytes.push(0),
            padding => {
                bytes.extend([1, u8::try_from(padding - 2).unwrap_or(0)]);
                bytes.resize(len, 0);
            }
        }
        Ok(Self { protocol, bytes })
    }

    /// Routing header (RFC 8200 4.4) with `data` after the segments left, padded with zeros.
    pub fn routing(kind: u8, segments_left: u8, data: &[u8]) -> Result<Self, TooLong> {
        let len = (4 + data.len()).next_multiple_of(8);
        check(len)?;
        let mut bytes = vec![0; len];
        bytes[4..4 + data.len()].copy_from_slice(data);
        if let Some(mut header) = MutableRoutingPacket::new(&mut bytes) {
            header.set_hdr_ext_len(units(len));
            header.set_routing_type(kind);
            header.set_segments_left(segments_left);
        }
        let protocol = IpNextHeaderProtocols::Ipv6Route.0;
        Ok(Self { protocol, bytes })
    }

    /// Fragment header (RFC 8200 4.5); `offset` in units of 8 bytes, 0..=8191.
    pub fn fragment(offset: u16, more: bool, id: u32) -> Self {
        let mut bytes = vec![0; MutableFragmentPacket::minimum_packet_size()];
        if let Some(mut header) = MutableFragmentPacket::new(&mut bytes) {
            header.set_fragment_offset_with_flags(offset << 3 | u16::from(more));
            header.set_id(id);
            debug_assert_eq!(header.packet().len(), 8);
        }
        let protocol = IpNextHeaderProtocols::Ipv6Frag.0;
        Self { protocol, bytes }
    }

    /// Its protocol number, as the header before it names it.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// All its bytes; the first is not final.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn check(len: usize) -> Result<(), TooLong> {
    let what = "IPv6 extension header";
    let too_long = TooLong {
        what,
        len,
        max: MAX,
    };
    if len > MAX { Err(too_long) } else { Ok(()) }
}

/// Length in 8-byte units after the first.
fn units(len: usize) -> u8 {
    u8::try_from((len / 8).saturating_sub(1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_padded_to_eight() {
        for (options, padded) in [
            (&[][..], &[0, 0, 1, 4, 0, 0, 0, 0][..]),
            (&[5, 2, 0, 0], &[0, 0, 5, 2, 0, 0, 1, 0]),
            (&[5, 3, 0, 0, 0], &[0, 0, 5, 3, 0, 0, 0, 0]),
            (&[5, 4, 0, 0, 0, 9], &[0, 0, 5, 4, 0, 0, 0, 9]),
            (
                &[5, 5, 1, 1, 1, 1, 1],
                &[0, 1, 5, 5, 1, 1, 1, 1, 1, 1, 5, 0, 0, 0, 0, 0],
            ),
        ] {
            assert_eq!(Extension::hop_by_hop(options).unwrap().bytes(), padded);
        }
        assert_eq!(Extension::destination(&[]).unwrap().protocol(), 60);
    }

    #[test]
    fn routing_and_fragment_are_byte_exact() {
        let routing = Extension::routing(2, 1, &[0xaa; 20]).unwrap();
        assert_eq!(routing.bytes()[..5], [0, 2, 2, 1, 0xaa]);
        assert_eq!(routing.bytes().len(), 24);
        let fragment = Extension::fragment(185, true, 0xabcd);
        assert_eq!(fragment.bytes(), [0, 0, 5, 0xc9, 0, 0, 0xab, 0xcd]);
    }

    #[test]
    fn too_long_is_refused() {
        assert!(Extension::destination(&[0; MAX - 2]).is_ok());
        assert!(Extension::destination(&[0; MAX - 1]).is_err());
        assert!(Extension::raw(51, vec![0; MAX + 1]).is_err());
    }
}
