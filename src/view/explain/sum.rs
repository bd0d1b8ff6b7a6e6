//! The Internet checksum (RFC 1071) added up before the reader's eyes: which words, the carries, the
//! inversion. What is covered comes from the decoder.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::decode::{Frame, Packet, Sum};
use crate::view::wrap::push_wrapped;

/// Words that are shown one by one; of more only the first and the last.
const SHOWN: usize = 40;
/// Words at the end that are shown then.
const TAIL: usize = 4;

/// A 16-bit word and what it is.
struct Word {
    value: u16,
    what: String,
}

/// Appends the sum.
pub fn render(frame: &Frame<'_>, packet: &Packet, sum: &Sum, out: &mut String) {
    let Some(layer) = packet.layers().get(sum.layer as usize) else {
        return;
    };
    let _ = writeln!(
        out,
        "\n Checksum of {} in bytes {} and {}, step by step (RFC 1071):",
        layer.proto.key,
        sum.at,
        sum.at.saturating_add(1)
    );
    let (from, to) = (sum.covered.start as usize, sum.covered.end as usize);
    let Some(bytes) = frame.bytes.get(from..to) else {
        push_wrapped(
            "  ",
            "it covers bytes that were not captured, so it cannot be added up",
            2,
            out,
        );
        return;
    };
    let stated = frame
        .bytes
        .get(sum.at as usize..(sum.at as usize).saturating_add(2));
    let Some(&[high, low]) = stated else { return };
    let stated = u16::from_be_bytes([high, low]);
    let mut words = pseudo(sum);
    for (number, pair) in bytes.chunks(2).enumerate() {
        let at = from.saturating_add(number.saturating_mul(2));
        let (value, what) = match pair {
            _ if at == sum.at as usize => {
                (0, format!("byte {at:<5} the checksum itself counts as 0"))
            }
            [high, low] => (u16::from_be_bytes([*high, *low]), format!("byte {at}")),
            [last] => (
                u16::from_be_bytes([*last, 0]),
                format!("byte {at:<5} the last, filled up with 00"),
            ),
            _ => continue,
        };
        words.push(Word { value, what });
    }
    let mut total: u32 = 0;
    let count = words.len();
    let mut left_out: u32 = 0;
    for (number, word) in words.iter().enumerate() {
        total = total.saturating_add(u32::from(word.value));
        let shown = count <= SHOWN || number < SHOWN - TAIL || number + TAIL >= count;
        if !shown {
            left_out = left_out.saturating_add(1);
            continue;
        }
        if left_out > 0 {
            let _ = writeln!(out, "   ... {left_out} more words ...");
            left_out = 0;
        }
        let line = format!("  +{:04x} = {total:>6x}   {}", word.value, word.what);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let mut folded = total;
    while folded > 0xffff {
        let (carry, low) = (folded >> 16, folded & 0xffff);
        let _ = writeln!(
            out,
            "  carry {carry:x} added: {low:04x} + {carry:x} = {:04x}",
            low.saturating_add(carry)
        );
        folded = low.saturating_add(carry);
    }
    let right = !u16::try_from(folded).unwrap_or(0);
    let udp_zero = right == 0 && layer.proto.key == "udp";
    let sent = if udp_zero { 0xffff } else { right };
    let _ = writeln!(out, "  inverted: {right:04x}");
    if udp_zero {
        out.push_str("  UDP sends ffff for 0000: 0 would mean that there is none (RFC 768)\n");
    }
    let verdict = if sent == stated {
        format!("  and that is what the packet says: {stated:04x}")
    } else if frame.flags.checksum_not_ready {
        format!("  the packet says {stated:04x}: the card had yet to compute it (offload)")
    } else {
        format!("  but the packet says {stated:04x}: it is wrong")
    };
    let _ = writeln!(out, "{verdict}");
}

fn pseudo(sum: &Sum) -> Vec<Word> {
    let mut words = Vec::new();
    let Some(pseudo) = sum.pseudo else {
        return words;
    };
    let mut add = |bytes: &[u8], what: &str| {
        for (number, pair) in bytes.chunks_exact(2).enumerate() {
            let value = pair
                .iter()
                .fold(0, |word, byte| word << 8 | u16::from(*byte));
            let what = if number == 0 {
                format!("pseudo header: {what}")
            } else {
                String::new()
            };
            words.push(Word { value, what });
        }
    };
    for (address, what) in [
        (pseudo.source, "source"),
        (pseudo.destination, "destination"),
    ] {
        match address {
            IpAddr::V4(address) => add(&address.octets(), &format!("{what} {address}")),
            IpAddr::V6(address) => add(&address.octets(), &format!("{what} {address}")),
        }
    }
    let number = u16::from(pseudo.protocol);
    match pseudo.source {
        // RFC 768, RFC 9293 3.1: zero and protocol, then 16 bits of length.
        IpAddr::V4(_) => {
            add(&number.to_be_bytes(), &format!("protocol {number}"));
            let length = u16::try_from(pseudo.length).unwrap_or(u16::MAX);
            add(&length.to_be_bytes(), &format!("length {length}"));
        }
        // RFC 8200 8.1: 32 bits of length, then the protocol in 32.
        IpAddr::V6(_) => {
            let length = pseudo.length;
            add(&length.to_be_bytes(), &format!("length {length}"));
            let next = u32::from(pseudo.protocol);
            add(&next.to_be_bytes(), &format!("next header {next}"));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, LinkType, PROTOS};
    use crate::view::boxes::sample;

    fn summed(bytes: &[u8], link: LinkType) -> (String, u64) {
        let mut packet = Packet::with_sums();
        let mut frame = sample(PROTOS[0], bytes, &mut packet);
        frame.link = link;
        Decoder::new().decode(&frame, &mut packet);
        let sum = packet.sums().last().unwrap().clone();
        let mut out = String::new();
        render(&frame, &packet, &sum, &mut out);
        (out, sum.status)
    }

    #[test]
    fn the_sum_of_a_real_header() {
        let mut header = vec![
            0x45, 0, 0, 0x1c, 0xd0, 0x9b, 0, 0, 0x40, 0xfd, 0x95, 0x3d, 0x0a, 5, 0, 1, 0x0a, 5, 0,
            2,
        ];
        header.extend([0; 8]);
        let (text, status) = summed(&header, LinkType::Raw);
        assert_eq!(status, 1);
        for part in [
            "+4500 =   4500   byte 0",
            "carry 1 added: 6ac1 + 1 = 6ac2",
            "inverted: 953d",
            "what the packet says: 953d",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn udp_over_ipv6_has_its_pseudo_header_and_an_odd_end() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 9, 17, 64];
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        packet.extend([0, 1, 0, 2, 0, 9, 0, 0, b'x']);
        // The checksum is missing: the tool says what it should be.
        packet[46] = 1;
        let (text, status) = summed(&packet, LinkType::Raw);
        assert_eq!(status, 0);
        assert!(text.contains("pseudo header: next header 17"), "{text}");
        assert!(text.contains("filled up with 00"), "{text}");
        let right = text.split("inverted: ").nth(1).unwrap();
        let right = u16::from_str_radix(&right[..4], 16).unwrap();
        packet[46..48].copy_from_slice(&right.to_be_bytes());
        let (text, status) = summed(&packet, LinkType::Raw);
        assert_eq!(status, 1, "{text}");
        assert!(text.contains("what the packet says"), "{text}");
    }
}
