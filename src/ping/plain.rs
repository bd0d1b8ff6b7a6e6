//! The usual answer, read without a field tree: in a flood the tree would cost more than all the
//! rest of the core. Everything that is in any way unusual is left to [`read_message`].
//!
//! [`read_message`]: super::read_message

use super::arrival::ECHO_HEADER;
use super::{Echo, Message};
use crate::decode::LinkType;

/// A whole echo reply with a right checksum, in an unfragmented IPv4 packet or bare; `None` for
/// anything else. It says what `read_message` would say.
pub fn plain_reply(link: LinkType, bytes: &[u8], full_len: usize) -> Option<Message<'_>> {
    if bytes.len() != full_len {
        return None;
    }
    let (message, reply) = match link {
        LinkType::Raw => (behind_ipv4(bytes)?, 0),
        LinkType::IcmpMessage => (bytes, 0),
        // The kernel has verified the checksum, which covers addresses that are not here.
        LinkType::Icmpv6Message => (bytes, 129),
        _ => return None,
    };
    let (&[icmp_type, code, _, _, a, b, c, d], payload) =
        message.split_first_chunk::<ECHO_HEADER>()?;
    if (icmp_type, code) != (reply, 0) || (reply == 0 && !sums_up(message)) {
        return None;
    }
    Some(Message::EchoReply(Echo {
        id: u16::from_be_bytes([a, b]),
        seq: u16::from_be_bytes([c, d]),
        payload,
        icmp_len: message.len(),
        bad_checksum: None,
    }))
}

/// The ICMP message of a packet whose IPv4 header is consistent and whole.
fn behind_ipv4(bytes: &[u8]) -> Option<&[u8]> {
    let &[
        version,
        _,
        length0,
        length1,
        _,
        _,
        part0,
        part1,
        _,
        protocol,
        ..,
    ] = bytes.first_chunk::<20>()?;
    let header = usize::from(version & 0xf) * 4;
    let length = usize::from(u16::from_be_bytes([length0, length1]));
    // More fragments, or an offset.
    let fragment = u16::from_be_bytes([part0, part1]) & 0x3fff != 0;
    let plain = version >> 4 == 4 && header >= 20 && length == bytes.len() && !fragment;
    if !plain || protocol != 1 {
        return None;
    }
    bytes.get(header..)
}

/// RFC 1071: with a right checksum the sum of all words is all ones, in any byte order.
fn sums_up(message: &[u8]) -> bool {
    let (words, odd) = message.as_chunks::<2>();
    let last = odd.first().map_or(0, |&byte| u16::from_ne_bytes([byte, 0]));
    let words = words
        .iter()
        .map(|&word| u64::from(u16::from_ne_bytes(word)));
    let mut sum = words.sum::<u64>() + u64::from(last);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, Direction, Flags, Frame, Packet};
    use crate::event::{Stamp, Timestamp};
    use crate::ping::read_message;

    fn by_tree(link: LinkType, bytes: &[u8], full_len: usize) -> Message<'_> {
        let mut packet = Packet::new();
        let frame = Frame {
            at: Timestamp(0),
            stamp: Stamp::User,
            iface: 0,
            link,
            dir: Direction::In,
            flags: Flags::default(),
            wire_len: u32::try_from(full_len).unwrap(),
            bytes,
        };
        Decoder::new().decode(&frame, &mut packet);
        read_message(&packet, bytes)
    }

    /// A reply of `size` payload bytes behind `options` bytes of IP options.
    fn packet(size: u8, options: usize) -> Vec<u8> {
        let length = u8::try_from(28 + options).unwrap() + size;
        let words = u8::try_from(options / 4).unwrap();
        let mut bytes = vec![
            0x45 + words,
            0,
            0,
            length,
            0,
            1,
            0x40,
            0,
            64,
            1,
            0,
            0,
            192,
            0,
            2,
            1,
            192,
            0,
            2,
            2,
        ];
        bytes.extend(vec![1; options]);
        let at = bytes.len();
        bytes.extend([0, 0, 0, 0, 0x12, 0x34, 0, 9]);
        bytes.extend(0..size);
        let sum: u64 = bytes[at..]
            .chunks(2)
            .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)))
            .sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        bytes[at + 2..at + 4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    #[test]
    fn the_usual_answer_is_read() {
        for (size, options) in [(0, 0), (7, 0), (56, 0), (56, 8), (55, 40)] {
            let bytes = packet(size, options);
            let got = plain_reply(LinkType::Raw, &bytes, bytes.len());
            assert_eq!(got, Some(by_tree(LinkType::Raw, &bytes, bytes.len())));
            let bare = &bytes[20 + options..];
            let got = plain_reply(LinkType::IcmpMessage, bare, bare.len());
            assert!(matches!(got, Some(Message::EchoReply(echo)) if echo.seq == 9));
            let mut bare = bare.to_vec();
            bare[0] = 129;
            let got = plain_reply(LinkType::Icmpv6Message, &bare, bare.len());
            assert_eq!(
                got,
                Some(by_tree(LinkType::Icmpv6Message, &bare, bare.len()))
            );
        }
    }

    #[test]
    fn what_it_reads_the_tree_reads_too() {
        let mut read = 0;
        for (size, options) in [(0, 0), (9, 0), (9, 4)] {
            let good = packet(size, options);
            let cut = good.len();
            for place in 0..good.len() {
                for value in 0..=255 {
                    let mut bytes = good.clone();
                    bytes[place] = value;
                    for link in [
                        LinkType::Raw,
                        LinkType::IcmpMessage,
                        LinkType::Icmpv6Message,
                    ] {
                        let got = plain_reply(link, &bytes, cut);
                        let Some(got) = got else { continue };
                        read += 1;
                        assert_eq!(got, by_tree(link, &bytes, cut), "{place} {value}");
                    }
                }
            }
            for length in 0..cut {
                let short = &good[..length];
                assert_eq!(plain_reply(LinkType::Raw, short, cut), None);
                assert_eq!(plain_reply(LinkType::Raw, short, length), None);
            }
        }
        assert!(read > 1000, "{read}");
    }
}
