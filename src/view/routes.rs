//! What routers wrote into the IPv4 options of an answer, in iputils' words (`RR:`, `TS:`).

use std::fmt::Write;

use crate::decode::{Field, Packet, Value};

/// The lines of all recorded routes and times, or nothing; ends with an empty line as iputils does.
pub fn render(answer: &Packet) -> String {
    let mut text = String::new();
    let Some(layer) = answer.layer("ip") else {
        return text;
    };
    let mut rest = answer.fields_of(layer);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if first.spec.key == "ip.opt" {
            let inside = behind
                .iter()
                .take_while(|field| field.depth > first.depth)
                .count();
            option(first, behind.get(..inside).unwrap_or(&[]), &mut text);
        }
    }
    text
}

fn option(group: &Field, fields: &[Field], text: &mut String) {
    let number = |key: &str| {
        let field = fields.iter().find(|field| field.spec.key == key);
        field.and_then(|field| field.value.as_u64())
    };
    // The pointer counts from 1 and shows the first slot that nobody wrote yet.
    let pointer = number("ip.opt.ptr").and_then(|pointer| u32::try_from(pointer).ok());
    let end = pointer.map(|pointer| group.at.saturating_add(pointer).saturating_sub(1));
    let written = |field: &&Field| end.is_none_or(|end| field.at < end);
    let fields: Vec<&Field> = fields.iter().filter(written).collect();
    let lines: Vec<String> = match number("ip.opt.type") {
        Some(7) => fields
            .iter()
            .filter(|f| f.spec.key == "ip.rec_rt")
            .map(|f| address(f))
            .collect(),
        Some(68) => stamps(&fields),
        _ => return,
    };
    if lines.is_empty() {
        return;
    }
    let name = if number("ip.opt.type") == Some(7) {
        "RR"
    } else {
        "TS"
    };
    let _ = writeln!(text, "{name}: \t{}\n", lines.join("\n\t"));
}

fn address(field: &Field) -> String {
    match field.value {
        Value::Ipv4(address) => address.to_string(),
        _ => String::new(),
    }
}

/// Milliseconds since midnight: the first absolute, the others as steps from the one before.
fn stamps(fields: &[&Field]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut who = None;
    let mut before: Option<i64> = None;
    for field in fields {
        match field.spec.key {
            "ip.opt.time_stamp_addr" => who = Some(address(field)),
            "ip.opt.time_stamp" => {
                let ms = field.value.as_u64().unwrap_or(0);
                let nonstandard = ms & 0x8000_0000 != 0;
                let ms = i64::try_from(ms & 0x7fff_ffff).unwrap_or(0);
                let time = match before {
                    Some(before) => (ms - before).to_string(),
                    None => format!("{ms} absolute"),
                };
                before = Some(ms);
                let mark = if nonstandard { " not-standard" } else { "" };
                let who = who.take().map(|who| who + "\t").unwrap_or_default();
                lines.push(format!("{who}{time}{mark}"));
            }
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::craft::ipv4::Header;
    use crate::craft::ipv4_options::Options;
    use crate::decode::{Decoder, Direction, Flags, Frame, LinkType};
    use crate::event::{Stamp, Timestamp};

    fn rendered(option: &[u8]) -> String {
        let mut options = Options::default();
        options.raw(option).unwrap();
        let mut bytes = Vec::new();
        let header = Header {
            options,
            ..Header::default()
        };
        header.craft(8, &mut bytes);
        bytes.extend([0; 8]);
        let frame = Frame {
            at: Timestamp::default(),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Raw,
            dir: Direction::In,
            flags: Flags::default(),
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
        };
        let mut packet = Packet::new();
        Decoder::new().decode(&frame, &mut packet);
        render(&packet)
    }

    #[test]
    fn written_slots_are_shown_as_iputils_does() {
        let route = [7, 15, 12, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0];
        assert_eq!(rendered(&route), "RR: \t10.0.0.1\n\t10.0.0.2\n\n");
        let empty = [7, 7, 4, 0, 0, 0, 0];
        assert_eq!(rendered(&empty), "");
    }

    #[test]
    fn times_are_absolute_then_steps() {
        let only = [68, 16, 13, 0, 0, 0, 1, 0, 0, 0, 1, 7, 0, 0, 0, 0];
        assert_eq!(rendered(&only), "TS: \t256 absolute\n\t7\n\n");
        let pairs = [
            68, 20, 13, 1, 10, 0, 0, 1, 0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(
            rendered(&pairs),
            "TS: \t10.0.0.1\t5 absolute not-standard\n\n"
        );
    }

    #[test]
    fn lying_pointers_are_harmless() {
        for pointer in 0..=255 {
            rendered(&[7, 7, pointer, 10, 0, 0, 1]);
            rendered(&[68, 8, pointer, 0, 0, 0, 0, 1]);
        }
    }
}
