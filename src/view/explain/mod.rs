//! `explain`: header boxes with a note on every field, from the specs of the tree; the sum of a
//! checksum step by step; and a small glossary. Boxes themselves are `view::boxes`.

pub mod diff;
pub mod glossary;
pub mod notes;
pub mod sum;
pub mod utf8;

use std::fmt::Write as _;

use crate::decode::{Decoder, Frame, PROTOS, Packet, Proto, Spec};
use crate::view::boxes::text::{Content, render_box};
use crate::view::boxes::{Measure, sample};
use crate::view::escape::escape_into;
use crate::view::hex::render_hex;

/// Other words for protocols.
const ALIASES: &[(&str, &str)] = &[
    ("ipv4", "ip"),
    ("ip4", "ip"),
    ("ip6", "ipv6"),
    ("ethernet", "eth"),
    ("ether", "eth"),
    ("icmp6", "icmpv6"),
    ("mld", "icmpv6"),
    ("ndp", "icmpv6"),
    ("802.1q", "vlan"),
];

/// What a word means.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// A protocol.
    Protocol(&'static Proto),
    /// One field of a protocol.
    Field(&'static Proto, &'static Spec),
}

/// The protocol or field that `word` names: a key, or another usual word, in any case.
pub fn find(word: &str) -> Option<Found> {
    let word = word.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == word);
    let key = alias.map_or(word.as_str(), |(_, key)| key);
    if let Some(proto) = PROTOS.iter().find(|proto| proto.key == key) {
        return Some(Found::Protocol(proto));
    }
    PROTOS.iter().find_map(|proto| {
        let mut specs = proto.specs.iter().copied().flatten();
        specs
            .find(|spec| spec.key == key)
            .map(|spec| Found::Field(proto, spec))
    })
}

/// What a protocol's header looks like: a box for each of its messages, and its fields.
pub fn protocol(proto: &'static Proto, only: Option<&Spec>, out: &mut String) {
    let _ = writeln!(out, "{} ({}), {}", proto.name, proto.key, proto.rfc);
    let mut measure = Measure::default();
    let mut packet = Packet::new();
    let mut drawn = Vec::new();
    for message in proto.samples {
        let frame = sample(proto, message.bytes, &mut packet);
        let Some(layer) = packet.layers().first().copied() else {
            continue;
        };
        let fields = packet.fields_of(&layer);
        if only.is_some_and(|only| !fields.iter().any(|field| std::ptr::eq(field.spec, only))) {
            continue;
        }
        let cells = measure.cells(&frame, &packet, 0);
        out.push('\n');
        if !message.name.is_empty() {
            let _ = writeln!(out, " {}", message.name);
        }
        let content = Content {
            frame: &frame,
            packet: &packet,
            layer: &layer,
            cells: &cells,
            values: false,
        };
        render_box(&content, out);
        notes::gather(&content, &mut drawn);
        if only.is_some() {
            break;
        }
    }
    out.push('\n');
    notes::of_protocol(proto, &drawn, only, out);
}

/// How [`packet`] tells of a packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// The sum of each checksum, step by step.
    pub checksum: bool,
    /// No notes on the fields.
    pub brief: bool,
}

/// A packet, header by header: boxes with values, offsets into the frame and bytes.
pub fn packet(decoder: &Decoder, frame: &Frame<'_>, wish: Wish, out: &mut String) {
    let mut packet = Packet::with_sums();
    decoder.decode(frame, &mut packet);
    let mut measure = Measure::default();
    for (index, layer) in packet.layers().iter().enumerate() {
        let quoted = if layer.quoted { "Quoted: " } else { "" };
        let end = layer.at.saturating_add(layer.len);
        let _ = match layer.len {
            0 => writeln!(out, "{quoted}{}, nothing captured", layer.proto.name),
            1 => writeln!(out, "{quoted}{}, byte {}", layer.proto.name, layer.at),
            _ => writeln!(
                out,
                "{quoted}{}, bytes {} to {}",
                layer.proto.name,
                layer.at,
                end.saturating_sub(1)
            ),
        };
        let cells = measure.cells(frame, &packet, index);
        let content = Content {
            frame,
            packet: &packet,
            layer,
            cells: &cells,
            values: true,
        };
        // Plain data are better seen as a dump.
        if layer.proto.key == "data" {
            let from = layer.at as usize;
            render_hex(frame.bytes.get(from..end as usize).unwrap_or(&[]), out);
        } else if !cells.is_empty() {
            render_box(&content, out);
        }
        let mine = packet.problems().iter();
        for problem in mine.filter(|problem| problem.layer as usize == index) {
            out.push_str(" ! ");
            escape_into(&problem.text, out);
            if !problem.rfc.is_empty() {
                let _ = write!(out, " ({})", problem.rfc);
            }
            out.push('\n');
        }
        if !wish.brief {
            notes::of_packet(&content, out);
        }
        if wish.checksum {
            for sum in packet.sums() {
                if sum.layer as usize == index {
                    sum::render(frame, &packet, sum, out);
                }
            }
        }
        out.push('\n');
    }
}

/// The words that `explain` knows, in columns.
pub fn topics(out: &mut String) {
    out.push_str("Protocols:\n");
    for proto in PROTOS {
        let _ = writeln!(out, "  {:<14}{}", proto.key, proto.name);
    }
    out.push_str("\nOne field of them, by its name: tcp.flags.syn, ip.ttl, icmp.code\n");
    out.push_str("\nGlossary:\n");
    for (word, what) in glossary::TOPICS {
        let _ = writeln!(out, "  {word:<14}{what}");
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_protocol_and_field_is_found_and_explained() {
        for proto in PROTOS {
            assert!(
                matches!(find(proto.key), Some(Found::Protocol(found)) if found.key == proto.key)
            );
            let mut text = String::new();
            protocol(proto, None, &mut text);
            for spec in proto.specs.iter().copied().flatten() {
                assert!(text.contains(spec.key), "{}: {}", proto.key, spec.key);
                assert!(find(spec.key).is_some(), "{}", spec.key);
                let mut one = String::new();
                protocol(proto, Some(spec), &mut one);
                assert!(one.contains(spec.key), "{}", spec.key);
            }
            assert!(text.contains("0 1 2 3 4 5 6 7"), "{text}");
            for line in text.lines() {
                assert!(line.width() <= 80, "{line}");
            }
        }
        assert!(matches!(find("IPv4"), Some(Found::Protocol(proto)) if proto.key == "ip"));
        assert!(find("nonsense").is_none());
    }

    #[test]
    fn aliases_lead_somewhere() {
        for (alias, _) in ALIASES {
            assert!(find(alias).is_some(), "{alias}");
        }
    }

    #[test]
    fn a_packet_shows_its_values_and_offsets() {
        let bytes = [
            0x45, 0, 0, 28, 0xd0, 0x9b, 0, 0, 64, 1, 0x95, 0x3d, 10, 5, 0, 1, 10, 5, 0, 2, 8, 0,
            0xf7, 0xfd, 0, 1, 0, 1,
        ];
        let mut arena = Packet::new();
        let frame = sample(&crate::decode::ipv4::PROTO, &bytes, &mut arena);
        let mut out = String::new();
        let wish = Wish {
            checksum: true,
            brief: false,
        };
        packet(&Decoder::new(), &frame, wish, &mut out);
        for part in [
            "Internet Protocol version 4, bytes 0 to 19",
            "|Version|Header |",
            "45 00 00 1c",
            " 20 |",
            "d09b",
            "10.5.0.2",
            "bytes 20 to 27",
            "953d",
        ] {
            assert!(out.contains(part), "{part}\n{out}");
        }
        for line in out.lines() {
            assert!(line.width() <= 81, "{line}");
        }
    }
}
