//! A header box as a packet diagram of Mermaid (<https://mermaid.js.org/syntax/packet.html>), for
//! Markdown.

use std::fmt::Write as _;

use super::rows::whole_value;
use super::text::Content;

/// Appends the diagram, every line with its line feed.
pub fn render_mermaid(content: &Content<'_>, out: &mut String) {
    out.push_str("packet-beta\n");
    let _ = writeln!(out, "title {}", quoted(content.layer.proto.name));
    let fields = content.packet.fields_of(content.layer);
    for cell in content.cells {
        let field = cell
            .field
            .and_then(|index| Some((index, fields.get(index)?)));
        let words = match field {
            Some((index, field)) if content.values => format!(
                "{}: {}",
                field.spec.label,
                whole_value(content.frame, content.packet, content.layer, index)
            ),
            Some((_, field)) => field.spec.label.to_owned(),
            None => "(not read)".to_owned(),
        };
        let last = cell.to.saturating_sub(1);
        let words = quoted(&words);
        let _ = match cell.bits() {
            1 => writeln!(out, "{last}: \"{words}\""),
            _ => writeln!(out, "{}-{last}: \"{words}\"", cell.from),
        };
    }
}

/// Mermaid has no escape inside quotes; a semicolon ends a statement in titles.
fn quoted(text: &str) -> String {
    let plain = |c| match c {
        '"' => '\'',
        ';' => ',',
        '#' | '%' | '<' | '>' | '`' | '\\' => '_',
        other => other,
    };
    text.chars().map(plain).collect()
}
