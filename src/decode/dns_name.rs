//! Domain names as text, through compression pointers (RFC 1035 4.1.4). Nothing loops: a pointer
//! must lead back before the name that holds it, and hops and length are limited.

use super::{Cx, Spec};

/// Most labels, and so most pointers, that 255 bytes can hold (RFC 1035 3.1).
const MAX_HOPS: u32 = 127;

/// Where a message lies in its layer: pointers count from `base`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// First byte: 0, or 2 behind the length of a message in TCP.
    pub base: u32,
    /// One past its last byte, as the lengths claim.
    pub end: u32,
}

/// Why a name cannot be read, at `.0`.
#[derive(Debug)]
enum Fault {
    /// Bytes up to here are needed.
    Short(u32),
    /// A label of a kind that was never defined.
    Label(u32),
    /// A pointer that does not lead back.
    Pointer(u32),
    /// More than 255 bytes, or too many pointers.
    Long(u32),
}

/// Adds the name at `at`; returns where it ends, or `None` after saying what is wrong.
pub(super) fn name(cx: &mut Cx<'_>, message: Message, spec: &'static Spec, at: u32) -> Option<u32> {
    const RFC: &str = "RFC 1035 4.1.4";
    let (value, read) = cx.composed(|cx, out| read(cx, message, at, out));
    match read {
        Ok(end) => {
            cx.add(spec, at, end.saturating_sub(at), value);
            return Some(end);
        }
        Err(Fault::Short(need)) => {
            if need <= message.end || cx.have() < message.end.min(cx.len()) {
                let _ = cx.need(need);
            } else {
                let text = "a name goes past the message".to_owned();
                cx.invalid(at, 1, "dns.name", "RFC 1035 3.1", text);
            }
        }
        Err(Fault::Label(at)) => {
            let text = format!("label type {} is not defined", cx.u8(at).unwrap_or(0) >> 6);
            cx.invalid(at, 1, "dns.label", RFC, text);
        }
        Err(Fault::Pointer(at)) => {
            let target = cx.u16(at).unwrap_or(0) & 0x3fff;
            let text = format!("a name's pointer to {target} does not lead back");
            cx.invalid(at, 2, "dns.pointer", RFC, text);
        }
        Err(Fault::Long(at)) => {
            let text = "a name is longer than 255 bytes".to_owned();
            cx.invalid(at, 1, "dns.name.long", "RFC 1035 3.1", text);
        }
    }
    None
}

fn read(cx: &Cx<'_>, message: Message, from: u32, out: &mut String) -> Result<u32, Fault> {
    let start = out.len();
    let (mut at, mut chunk, mut end) = (from, from, None);
    let (mut total, mut hops) = (1u32, 0u32);
    loop {
        let length = u32::from(byte(cx, message, at)?);
        let after = at.saturating_add(1);
        match length >> 6 {
            0 if length == 0 => {
                if out.len() == start {
                    out.push('.');
                }
                return Ok(end.unwrap_or(after));
            }
            0 => {
                total = total.saturating_add(length).saturating_add(1);
                if total > 255 {
                    return Err(Fault::Long(at));
                }
                let next = after.saturating_add(length);
                let label = cx.bytes(after, length).filter(|_| next <= message.end);
                if out.len() > start {
                    out.push('.');
                }
                push_label(label.ok_or(Fault::Short(next))?, out);
                at = next;
            }
            3 => {
                let low = byte(cx, message, after)?;
                let target = message
                    .base
                    .saturating_add((length & 0x3f) << 8)
                    .saturating_add(low.into());
                if target >= chunk {
                    return Err(Fault::Pointer(at));
                }
                hops = hops.saturating_add(1);
                if hops > MAX_HOPS {
                    return Err(Fault::Long(at));
                }
                end = end.or(Some(after.saturating_add(1)));
                (at, chunk) = (target, target);
            }
            _ => return Err(Fault::Label(at)),
        }
    }
}

fn byte(cx: &Cx<'_>, message: Message, at: u32) -> Result<u8, Fault> {
    let byte = cx.u8(at).filter(|_| at < message.end);
    byte.ok_or(Fault::Short(at.saturating_add(1)))
}

/// RFC 1035 5.1: a dot or a backslash of the label itself is escaped, what is no text is `\DDD`.
fn push_label(label: &[u8], out: &mut String) {
    for piece in label.utf8_chunks() {
        for c in piece.valid().chars() {
            match c {
                '.' | '\\' => out.extend(['\\', c]),
                _ if c.is_control() => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                    push_byte(byte, out);
                }),
                _ => out.push(c),
            }
        }
        for &byte in piece.invalid() {
            push_byte(byte, out);
        }
    }
}

fn push_byte(byte: u8, out: &mut String) {
    out.push('\\');
    let digits = [byte / 100, byte / 10 % 10, byte % 10];
    out.extend(digits.map(|digit| char::from(b'0'.saturating_add(digit))));
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{decoded, problems};
    use crate::decode::{LinkType, Packet, Value, dns};

    /// A query in UDP with this behind its header.
    fn query(body: &[u8]) -> Packet {
        let length = u16::try_from(body.len().saturating_add(40)).unwrap();
        let mut bytes = vec![0x45, 0];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend([0xc3, 0x50, 0, 53]);
        bytes.extend(length.saturating_sub(20).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend(body);
        decoded(LinkType::Raw, &bytes, bytes.len())
    }

    fn name_of(packet: &Packet) -> &str {
        match packet.value(&dns::QUERY_NAME) {
            Some(Value::Text(from, to)) => packet.text(from, to),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn labels_become_text_that_can_be_told_apart() {
        for (label, text) in [
            (&b"\x01.\0"[..], "\\."),
            (b"\x02\\\n\0", "\\\\\\010"),
            (b"\x02\xc3\xbc\0", "\u{fc}"),
            (b"\x01\xff\x01a\0", "\\255.a"),
            (b"\0", "."),
        ] {
            let mut body = label.to_vec();
            body.extend([0, 1, 0, 1]);
            assert_eq!(name_of(&query(&body)), text);
        }
    }

    #[test]
    fn pointers_forward_to_themselves_and_in_a_circle_are_refused() {
        // The name begins 12 bytes into the message.
        for body in [
            &[0xc0, 12, 0, 1, 0, 1][..],
            &[0xc0, 14, 0, 0, 1, 0, 1],
            &[1, b'a', 0xc0, 12, 0, 1, 0, 1],
            &[0xff, 0xff, 0, 1, 0, 1],
        ] {
            let found = problems(&query(body));
            assert!(found.contains(&"dns.pointer"), "{body:?}: {found:?}");
        }
        assert!(problems(&query(&[0x40, 0, 0, 1, 0, 1])).contains(&"dns.label"));
    }

    #[test]
    fn a_name_is_at_most_255_bytes() {
        let mut body = Vec::new();
        for _ in 0..3 {
            body.push(50);
            body.extend([b'x'; 50]);
        }
        body.extend([0, 0, 1, 0, 1]);
        assert_eq!(name_of(&query(&body)).len(), 152);
        let end = [0, 0, 1, 0, 1];
        let fits = query(&[&[1, b'a'].repeat(127)[..], &end].concat());
        assert_eq!(name_of(&fits).len(), 253);
        let long = query(&[&[1, b'a'].repeat(128)[..], &end].concat());
        assert!(problems(&long).contains(&"dns.name.long"));
        assert!(long.value(&dns::QUERY_NAME).is_none());
    }
}
