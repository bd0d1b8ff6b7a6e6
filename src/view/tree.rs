//! A packet as a tree of layers and fields, one field a line, problems at the layer they belong to.

use std::fmt::Write as _;

use crate::decode::{Frame, Layer, Packet, Severity};
use crate::view::escape::escape_into;
use crate::view::value::render_value;

/// What each field shows besides label and value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// The field's key, as filters and JSON name it.
    pub keys: bool,
    /// The bytes it stands for, as offsets into the frame.
    pub ranges: bool,
}

/// Appends the tree, each line with its line feed.
pub fn render_tree(frame: &Frame<'_>, packet: &Packet, style: Style, out: &mut String) {
    let captured = frame.bytes.len();
    let _ = write!(
        out,
        "Frame: {} bytes",
        frame.wire_len.max(captured.try_into().unwrap_or(0))
    );
    if captured < frame.wire_len as usize {
        let _ = write!(out, ", {captured} captured");
    }
    out.push('\n');
    let mut buf = 0;
    for (index, layer) in packet.layers().iter().enumerate() {
        let frame = &packet.within(frame, layer);
        if layer.buf != buf {
            buf = layer.buf;
            let _ = writeln!(out, "Reassembled: {} bytes", frame.bytes.len());
        }
        let quoted = if layer.quoted { "quoted: " } else { "" };
        let _ = write!(out, "{quoted}{}", layer.proto.name);
        if style.keys {
            let _ = write!(out, " {{{}}}", layer.proto.key);
        }
        if style.ranges {
            let end = layer.at.saturating_add(layer.len);
            let _ = write!(out, " [{}..{end}]", layer.at);
        }
        out.push('\n');
        fields(frame, packet, layer, style, out);
        let mine = packet.problems().iter();
        for problem in mine.filter(|problem| problem.layer as usize == index) {
            let word = match problem.severity {
                Severity::Truncated => "truncated",
                Severity::Rule => "rule broken",
                Severity::Checksum => "wrong checksum",
                Severity::Invalid => "invalid",
                Severity::Limit => "limit",
            };
            let _ = write!(out, "    ! {word}: ");
            escape_into(&problem.text, out);
            if !problem.rfc.is_empty() {
                let _ = write!(out, " ({})", problem.rfc);
            }
            out.push('\n');
        }
    }
}

fn fields(frame: &Frame<'_>, packet: &Packet, layer: &Layer, style: Style, out: &mut String) {
    for (index, field) in packet.fields_of(layer).iter().enumerate() {
        for _ in 0..=field.depth {
            out.push_str("    ");
        }
        let start = out.len();
        let _ = write!(out, "{}: ", field.spec.label);
        let empty = out.len();
        render_value(frame, packet, layer, index, out);
        if out.len() == empty {
            out.truncate(start + field.spec.label.len());
        }
        if style.keys {
            let _ = write!(out, " {{{}}}", field.spec.key);
        }
        if style.ranges && field.len > 0 {
            let end = field.at.saturating_add(field.len);
            let _ = write!(out, " [{}..{end}]", field.at);
        }
        out.push('\n');
    }
}
