//! What the shell tells the engine about a datagram: times, sender and the ICMP message in it,
//! which `read_message` finds by the field tree. No judgement here.

use std::net::IpAddr;

use crate::decode::{Layer, Packet};
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
        /// The echo request in the quoted datagram; `None` if the quote is too short or no datagram.
        quoted: Option<Quoted<'a>>,
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

/// The echo request that an error message quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
    /// Destination of the quoted datagram, where its IP header is quoted too.
    pub to: Option<IpAddr>,
    /// As much as was quoted of what follows the 8 header bytes.
    pub payload: &'a [u8],
}

impl Quoted<'_> {
    /// Only the echo header is known, as from the error queue.
    pub fn header(id: u16, seq: u16) -> Self {
        Self {
            id,
            seq,
            to: None,
            payload: &[],
        }
    }
}

/// Bytes of an ICMP echo header.
pub(super) const ECHO_HEADER: usize = 8;

/// The ICMP message of a decoded datagram; `bytes` is what it was decoded from.
pub fn read_message<'a>(packet: &Packet, bytes: &'a [u8]) -> Message<'a> {
    let v4 = packet.layer("icmp").map(|layer| (layer, true));
    let Some((layer, v4)) = v4.or_else(|| packet.layer("icmpv6").map(|layer| (layer, false)))
    else {
        return Message::Other;
    };
    let icmp_len = layer.end.saturating_sub(layer.at) as usize;
    let message = bytes.get(layer.at as usize..).unwrap_or(&[]);
    let message = message.get(..icmp_len).unwrap_or(message);
    let Some((&[icmp_type, code, _, _, a, b, c, d], rest)) = message.split_first_chunk() else {
        return Message::Other;
    };
    let echo = || Echo {
        id: u16::from_be_bytes([a, b]),
        seq: u16::from_be_bytes([c, d]),
        payload: rest,
        icmp_len,
        bad_checksum: bad_checksum(packet, layer),
    };
    let quoted = || quoted(packet, bytes, rest);
    let error = |quoted| Message::Error {
        icmp_type,
        code,
        rest: u32::from_be_bytes([a, b, c, d]),
        quoted,
        bytes: message,
    };
    match (v4, icmp_type) {
        (true, 0) | (false, 129) => Message::EchoReply(echo()),
        (true, 8) | (false, 128) => Message::EchoRequest(echo()),
        // RFC 792 errors; ICMPv6 has its errors below 128 (RFC 4443 2.1). An unreadable quote may
        // still be ours, one that is readable and no echo request is not.
        (true, 3 | 4 | 5 | 11 | 12) | (false, 0..128) => match quoted() {
            Quote::Request(quoted) => error(Some(quoted)),
            Quote::Unreadable => error(None),
            Quote::Foreign => Message::Other,
        },
        // Redirect need not quote (RFC 4861 4.5), and its quote is in an option.
        (false, 137) => error(None),
        // Types that we do not know count if they quote our request.
        _ => match quoted() {
            Quote::Request(quoted) => error(Some(quoted)),
            Quote::Unreadable | Quote::Foreign => Message::Other,
        },
    }
}

/// Checksum as received and as it should be, if the tree says that it is wrong.
fn bad_checksum(packet: &Packet, layer: &Layer) -> Option<(u16, u16)> {
    let number = |key: &str| {
        let fields = packet.fields_of(layer).iter();
        let mut found = fields.filter(|field| field.spec.key == key);
        found.next().and_then(|field| field.value.as_u64())
    };
    let names = match layer.proto.key {
        "icmp" => ["icmp.checksum", "icmp.checksum_calculated"],
        _ => ["icmpv6.checksum", "icmpv6.checksum_calculated"],
    };
    // Only a wrong checksum has the right one beside it.
    let [got, computed] = names.map(number);
    let (got, computed) = got.zip(computed)?;
    Some((u16::try_from(got).ok()?, u16::try_from(computed).ok()?))
}

/// What an error message quotes.
enum Quote<'a> {
    Request(Quoted<'a>),
    /// Too short, or no IP datagram.
    Unreadable,
    /// Not an echo request.
    Foreign,
}

/// Finds the quoted request behind the quoted IP header, whatever protocol number that names (the
/// user can set it). `rest` is the message from its ninth byte on.
fn quoted<'a>(packet: &Packet, bytes: &'a [u8], rest: &'a [u8]) -> Quote<'a> {
    let mut layers = packet.layers().iter().filter(|layer| layer.quoted);
    let header = layers
        .next()
        .filter(|layer| matches!(layer.proto.key, "ip" | "ipv6"));
    // Extension headers of IPv6 are layers of their own.
    let extensions = layers.take_while(|layer| layer.proto.key.starts_with("ipv6."));
    let (start, header) = if let Some(layer) = header {
        let last = extensions.last().unwrap_or(layer);
        let end = last.at.saturating_add(last.len) as usize;
        (bytes.get(end..), bytes.get(layer.at as usize..))
    } else {
        // A type that the decoder does not know to quote.
        let length = match rest.first().map_or(0, |byte| byte >> 4) {
            4 => rest.first().map(|byte| usize::from(byte & 0xf) * 4),
            6 => Some(40),
            _ => None,
        };
        let length = length.filter(|&length| length >= 20);
        (length.and_then(|length| rest.get(length..)), Some(rest))
    };
    let Some((&[icmp_type, _, _, _, a, b, c, d], payload)) =
        start.and_then(<[u8]>::split_first_chunk)
    else {
        return Quote::Unreadable;
    };
    if !matches!(icmp_type, 8 | 128) {
        return Quote::Foreign;
    }
    Quote::Request(Quoted {
        id: u16::from_be_bytes([a, b]),
        seq: u16::from_be_bytes([c, d]),
        to: header.and_then(destination),
        payload,
    })
}

/// Destination address of an IP header.
fn destination(header: &[u8]) -> Option<IpAddr> {
    if header.first()? >> 4 == 4 {
        let octets = header.get(16..)?.first_chunk::<4>()?;
        Some(IpAddr::from(*octets))
    } else {
        let octets = header.get(24..)?.first_chunk::<16>()?;
        Some(IpAddr::from(*octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, Direction, Flags, Frame, LinkType};

    fn ipv4(protocol: u8, to: u8, message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(20 + message.len()).unwrap().to_be_bytes();
        let mut bytes = vec![
            0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2,
            to,
        ];
        bytes.extend(message);
        bytes
    }

    fn icmp(head: [u8; 8], rest: &[u8]) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes.extend(rest);
        let sum: u32 = bytes
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
            .sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let sum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    fn read(link: LinkType, bytes: &[u8], wire_len: usize) -> Message<'_> {
        let mut packet = Packet::new();
        let frame = Frame {
            at: Timestamp(0),
            stamp: Stamp::User,
            iface: 0,
            link,
            dir: Direction::In,
            flags: Flags::default(),
            wire_len: u32::try_from(wire_len).unwrap(),
            bytes,
        };
        Decoder::new().decode(&frame, &mut packet);
        read_message(&packet, bytes)
    }

    fn reply() -> Vec<u8> {
        icmp([0, 0, 0, 0, 0x12, 0x34, 0, 7], b"payload")
    }

    #[test]
    fn a_reply_with_and_without_its_ip_header() {
        let bare = reply();
        let whole = ipv4(1, 2, &bare);
        for (link, bytes) in [(LinkType::IcmpMessage, &bare), (LinkType::Raw, &whole)] {
            let expected = Echo {
                id: 0x1234,
                seq: 7,
                payload: b"payload",
                icmp_len: 15,
                bad_checksum: None,
            };
            let got = read(link, bytes, bytes.len());
            assert_eq!(got, Message::EchoReply(expected));
        }
    }

    #[test]
    fn a_wrong_checksum_comes_with_the_right_one() {
        let mut bytes = reply();
        let right = u16::from_be_bytes([bytes[2], bytes[3]]);
        bytes[2] ^= 0x80;
        let Message::EchoReply(echo) = read(LinkType::IcmpMessage, &bytes, bytes.len()) else {
            panic!("no reply");
        };
        assert_eq!(echo.bad_checksum, Some((right ^ 0x8000, right)));
    }

    #[test]
    fn a_cut_reply_keeps_its_length() {
        let bytes = reply();
        let got = read(LinkType::IcmpMessage, &bytes[..12], 15);
        let Message::EchoReply(echo) = got else {
            panic!("{got:?}");
        };
        assert_eq!((echo.icmp_len, echo.payload), (15, &b"payl"[..]));
        assert_eq!(echo.bad_checksum, None);
    }

    #[test]
    fn every_cut_header_is_nothing() {
        for length in 0..8 {
            let bytes = &reply()[..length];
            assert_eq!(read(LinkType::IcmpMessage, bytes, length), Message::Other);
        }
        for length in 0..28 {
            let bytes = &ipv4(1, 2, &reply())[..length];
            assert_eq!(read(LinkType::Raw, bytes, 35), Message::Other);
        }
    }

    fn quote_of(icmp_type: u8, quoted: &[u8]) -> Message<'static> {
        let message = icmp([icmp_type, 1, 0, 0, 0, 0, 5, 0xdc], quoted).leak();
        read(LinkType::IcmpMessage, message, message.len())
    }

    #[test]
    fn an_error_quotes_its_probe_whatever_the_protocol_number() {
        let request = [8, 0, 0, 0, 0x12, 0x34, 0, 7, b'p', b'a'];
        for protocol in [1, 17, 6, 253] {
            let got = quote_of(3, &ipv4(protocol, 9, &request));
            let Message::Error {
                icmp_type,
                code,
                rest,
                quoted: Some(quoted),
                bytes,
            } = got
            else {
                panic!("{got:?}");
            };
            assert_eq!((icmp_type, code, rest, bytes.len()), (3, 1, 1500, 38));
            assert_eq!((quoted.id, quoted.seq), (0x1234, 7));
            assert_eq!(quoted.to, Some(IpAddr::from([192, 0, 2, 9])));
            assert_eq!(quoted.payload, b"pa");
        }
    }

    #[test]
    fn a_short_quote_is_unmatched_and_a_foreign_one_is_nothing() {
        let request = [8, 0, 0, 0, 0x12, 0x34, 0, 7];
        let datagram = ipv4(1, 2, &request);
        for length in [0, 1, 19, 20, 22, 27] {
            let got = quote_of(3, &datagram[..length]);
            assert!(
                matches!(got, Message::Error { quoted: None, .. }),
                "{length}: {got:?}"
            );
        }
        let reply = ipv4(1, 2, &[0, 0, 0, 0, 0x12, 0x34, 0, 7]);
        assert_eq!(quote_of(3, &reply), Message::Other);
    }

    #[test]
    fn an_unknown_type_counts_only_with_our_quote() {
        let request = [8, 0, 0, 0, 0x12, 0x34, 0, 7];
        let got = quote_of(77, &ipv4(1, 2, &request));
        assert!(matches!(
            got,
            Message::Error {
                icmp_type: 77,
                quoted: Some(_),
                ..
            }
        ));
        assert_eq!(quote_of(77, &[1, 2, 3]), Message::Other);
        assert_eq!(quote_of(13, &[0; 12]), Message::Other);
    }
}
