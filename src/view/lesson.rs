//! A packet for a student: every field with its value, what it means, and where that is written.

use std::fmt::Write as _;

use crate::decode::{Frame, Packet};
use crate::view::escape::escape_into;
use crate::view::value::render_value;

/// Appends the packet, layer by layer, each line with its line feed.
pub fn render_lesson(frame: &Frame<'_>, packet: &Packet, out: &mut String) {
    for (index, layer) in packet.layers().iter().enumerate() {
        let frame = &packet.within(frame, layer);
        let quoted = if layer.quoted { "Quoted: " } else { "" };
        let whole = if layer.buf > 0 {
            " of the reassembled datagram"
        } else {
            ""
        };
        let end = layer.at.saturating_add(layer.len);
        let _ = writeln!(
            out,
            "{quoted}{} ({}): bytes {}..{end}{whole}",
            layer.proto.name, layer.proto.rfc, layer.at
        );
        for (number, field) in packet.fields_of(layer).iter().enumerate() {
            let indent = "  ".repeat(usize::from(field.depth).saturating_add(1));
            let _ = write!(out, "{indent}{}", field.spec.label);
            let empty = out.len();
            out.push_str(": ");
            let start = out.len();
            render_value(frame, packet, layer, number, out);
            if out.len() == start {
                out.truncate(empty);
            }
            let _ = write!(out, "  {{{}}}", field.spec.key);
            if field.len > 0 {
                let end = field.at.saturating_add(field.len);
                let _ = write!(out, " [{}..{end}]", field.at);
            }
            let _ = writeln!(
                out,
                "\n{indent}    {} ({})",
                field.spec.explain, field.spec.rfc
            );
        }
        let mine = packet.problems().iter();
        for problem in mine.filter(|problem| problem.layer as usize == index) {
            out.push_str("  ! ");
            escape_into(&problem.text, out);
            if !problem.rfc.is_empty() {
                let _ = write!(out, " ({})", problem.rfc);
            }
            out.push('\n');
        }
        out.push('\n');
    }
}
