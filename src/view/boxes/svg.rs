//! A header box as SVG: drawn with attributes and one style sheet, readable in light and dark, on
//! paper and on a projector. Every field says in its title what it is.

use std::fmt::Write as _;

use super::rows::{BITS, label, rows, value, whole_value};
use super::text::Content;
use crate::view::xml::push_text;

/// Width of a bit.
const BIT: u32 = 26;
/// Height of a row.
const ROW: u32 = 52;
/// Left of the box: the offsets.
const LEFT: u32 = 48;
/// Right of it: the bytes.
const RIGHT: u32 = 132;
/// Above it: title and ruler.
const TOP: u32 = 62;

/// The style of a file that stands alone.
pub const STYLE: &str = "\
.bg{fill:#fff}.cell{fill:#f4f7fb;stroke:#33475b;stroke-width:1.2}.gap{fill:#e3e7ec;stroke:#33475b}\
.label{fill:#14202b;font:600 13px system-ui,sans-serif}.value{fill:#0b5cad;font:13px ui-monospace,monospace}\
.ruler{fill:#5b6b7b;font:11px ui-monospace,monospace}.title{fill:#14202b;font:700 17px system-ui,sans-serif}\
@media(prefers-color-scheme:dark){.bg{fill:#10161d}.cell{fill:#1b2631;stroke:#8ba3bb}\
.gap{fill:#2a3540;stroke:#8ba3bb}.label,.title{fill:#e8eef4}.value{fill:#7cc0ff}.ruler{fill:#9aaaba}}\
@media print{.bg{fill:#fff}.cell{fill:#fff;stroke:#000}.gap{fill:#eee;stroke:#000}\
.label,.title,.value{fill:#000}.ruler{fill:#333}}";

/// How tall the picture of these cells is.
pub fn height(content: &Content<'_>) -> u32 {
    let rows = u32::try_from(rows(content.cells).len()).unwrap_or(u32::MAX);
    TOP.saturating_add(rows.saturating_mul(ROW))
        .saturating_add(12)
}

/// How wide every picture is.
pub fn width(values: bool) -> u32 {
    LEFT + BITS * BIT + if values { RIGHT } else { 12 }
}

/// Appends a whole SVG file with these headers, one below the other.
pub fn render_file(headers: &[Content<'_>], out: &mut String) {
    let values = headers.iter().any(|content| content.values);
    let tall: u32 = headers.iter().map(height).fold(0, u32::saturating_add);
    let wide = width(values);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {tall}\" \
         width=\"{wide}\" height=\"{tall}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <rect class=\"bg\" width=\"{wide}\" height=\"{tall}\"/>"
    );
    let mut y = 0;
    for content in headers {
        render_group(content, y, out);
        y = y.saturating_add(height(content));
    }
    out.push_str("</svg>\n");
}

/// Appends one header as a group, `y` down.
pub fn render_group(content: &Content<'_>, y: u32, out: &mut String) {
    let _ = write!(out, "<g transform=\"translate({LEFT} {y})\">");
    text(out, "title", 0, 24, "start", content.layer.proto.name);
    for bit in 0..BITS {
        if bit % 8 == 0 || bit % 8 == 7 {
            let x = bit.saturating_mul(BIT).saturating_add(BIT / 2);
            text(out, "ruler", x, TOP - 8, "middle", &bit.to_string());
        }
    }
    for (number, row) in rows(content.cells).iter().enumerate() {
        let top = u32::try_from(number)
            .unwrap_or(u32::MAX)
            .saturating_mul(ROW)
            .saturating_add(TOP);
        if content.values {
            let at = content.layer.at.saturating_add(row.at);
            text_end(out, top + ROW / 2 + 4, &at.to_string());
            let from = at as usize;
            let end = content.layer.at.saturating_add(content.layer.len) as usize;
            let bytes = content
                .frame
                .bytes
                .get(from..end.min(from.saturating_add(4)));
            let hex: Vec<String> = bytes
                .unwrap_or(&[])
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let x = BITS * BIT + 12;
            text(out, "value", x, top + ROW / 2 + 4, "start", &hex.join(" "));
        }
        for segment in &row.segments {
            let x = segment.from.saturating_mul(BIT);
            let wide = segment.to.saturating_sub(segment.from).saturating_mul(BIT);
            let cell = content.cells.get(segment.cell);
            let index = cell.and_then(|cell| cell.field);
            let class = if index.is_some() { "cell" } else { "gap" };
            out.push_str("<g>");
            let fields = content.packet.fields_of(content.layer);
            let field = index.and_then(|index| Some((index, fields.get(index)?)));
            if let Some((index, field)) = field {
                out.push_str("<title>");
                push_text(field.spec.label, out);
                if content.values {
                    out.push_str(" = ");
                    let value = whole_value(content.frame, content.packet, content.layer, index);
                    push_text(&value, out);
                }
                out.push_str(". ");
                push_text(field.spec.explain, out);
                let _ = write!(out, " ({})</title>", field.spec.rfc);
            }
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{ROW}\"/>"
            );
            if let Some((index, field)) = field.filter(|_| segment.words) {
                words(content, index, field.spec, (x, top, wide), out);
            }
            out.push_str("</g>");
        }
    }
    out.push_str("</g>\n");
}

fn words(
    content: &Content<'_>,
    index: usize,
    spec: &crate::decode::Spec,
    (x, top, wide): (u32, u32, u32),
    out: &mut String,
) {
    // 13 pixels: a letter is about 7.6 wide.
    let columns = (wide as usize).saturating_sub(4) * 10 / 76;
    let value = content
        .values
        .then(|| {
            value(
                content.frame,
                content.packet,
                content.layer,
                index,
                columns.max(1),
            )
        })
        .flatten();
    let room = if value.is_some() { 2 } else { 3 };
    let mut lines = label(spec.label, spec.key, columns.max(1), room);
    let labels = lines.len();
    lines.extend(value);
    let count = u32::try_from(lines.len()).unwrap_or(1);
    let middle = x.saturating_add(wide / 2);
    let first = (top + ROW / 2 + 5).saturating_sub(count.saturating_sub(1) * 15 / 2);
    for (number, line) in lines.iter().enumerate() {
        let class = if number < labels { "label" } else { "value" };
        let y = first + u32::try_from(number).unwrap_or(0) * 15;
        text(out, class, middle, y, "middle", line);
    }
}

fn text(out: &mut String, class: &str, x: u32, y: u32, anchor: &str, words: &str) {
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">"
    );
    push_text(words, out);
    out.push_str("</text>");
}

/// The offset left of a row.
fn text_end(out: &mut String, y: u32, words: &str) {
    let _ = write!(
        out,
        "<text class=\"ruler\" x=\"-8\" y=\"{y}\" text-anchor=\"end\">{words}</text>"
    );
}
