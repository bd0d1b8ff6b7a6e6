//! A note on each field: where it is, what it is, what it means and which document says so.

use std::fmt::Write as _;

use crate::decode::{Field, Proto, Spec, Value};
use crate::view::boxes::Cell;
use crate::view::boxes::rows::whole_value;
use crate::view::boxes::text::Content;
use crate::view::wrap::push_wrapped;

/// Columns that notes hang behind.
const INDENT: usize = 4;

/// A field that a box shows: its spec and its bits.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    spec: &'static Spec,
    bits: u32,
}

impl Drawn {
    /// What it is.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }
}

/// Adds the fields of a box to those that are drawn already.
pub fn gather(content: &Content<'_>, drawn: &mut Vec<Drawn>) {
    let fields = content.packet.fields_of(content.layer);
    gather_cells(fields, content.cells, drawn);
}

/// Adds the fields of some cells.
pub fn gather_cells(fields: &[Field], cells: &[Cell], drawn: &mut Vec<Drawn>) {
    for cell in cells {
        let field = cell.field.and_then(|index| fields.get(index));
        let Some(spec) = field.map(|field| field.spec) else {
            continue;
        };
        if !drawn.iter().any(|one| std::ptr::eq(one.spec, spec)) {
            drawn.push(Drawn {
                spec,
                bits: cell.bits(),
            });
        }
    }
}

/// Every field of a protocol: first those of its boxes, then those without bits of their own in
/// them. `only` one of them, if given.
pub fn of_protocol(proto: &Proto, drawn: &[Drawn], only: Option<&Spec>, out: &mut String) {
    let wanted = |spec: &Spec| only.is_none_or(|only| std::ptr::eq(only, spec));
    for one in drawn.iter().filter(|one| wanted(one.spec)) {
        let bits = match one.bits {
            1 => "1 bit".to_owned(),
            bits if bits > 64 => format!("{} bytes", bits / 8),
            bits => format!("{bits} bits"),
        };
        note(one.spec, &bits, out);
    }
    let rest = proto.specs.iter().copied().flatten();
    let rest: Vec<&Spec> = rest
        .filter(|spec| wanted(spec) && !drawn.iter().any(|one| std::ptr::eq(one.spec, **spec)))
        .copied()
        .collect();
    if rest.is_empty() {
        return;
    }
    if only.is_none() {
        out.push_str("\nIn other messages, in options, or computed from what is there:\n");
    }
    for spec in rest {
        note(spec, "", out);
    }
}

fn note(spec: &Spec, bits: &str, out: &mut String) {
    let comma = if bits.is_empty() { "" } else { ", " };
    let head = format!(" {} ({}{comma}{bits}): ", spec.label, spec.key);
    let text = format!("{} [{}]", spec.explain, spec.rfc);
    push_wrapped(&head, &text, INDENT, out);
}

/// The fields of one header with their values. Flags that are not set are left out.
pub fn of_packet(content: &Content<'_>, out: &mut String) {
    let fields = content.packet.fields_of(content.layer);
    let width = fields
        .iter()
        .map(|field| field.spec.label.len() + usize::from(field.depth) * 2)
        .max()
        .unwrap_or(0)
        .min(28);
    for (index, field) in fields.iter().enumerate() {
        if field.value == Value::Bool(false) {
            continue;
        }
        let place = place(content, index);
        let value = whole_value(content.frame, content.packet, content.layer, index);
        let depth = usize::from(field.depth) * 2;
        let mut head = String::new();
        let _ = write!(
            head,
            " {place:<9}{:depth$}{:<label$} ",
            "",
            field.spec.label,
            label = width.saturating_sub(depth)
        );
        let mark = if value.is_empty() { "" } else { ". " };
        let text = format!("{value}{mark}{}", field.spec.explain);
        let indent = head.len().min(40);
        push_wrapped(&head, &text, indent, out);
    }
}

/// `12`, `12-13`, `13.6` for bit 6 of byte 13, `12.4-7`; empty for what is computed.
fn place(content: &Content<'_>, index: usize) -> String {
    let Some(field) = content.packet.fields_of(content.layer).get(index) else {
        return String::new();
    };
    if field.len == 0 {
        return String::new();
    }
    let mut cells = content.cells.iter();
    let cell = cells.find(|cell| cell.field == Some(index));
    let at = |bit: u32| content.layer.at.saturating_add(bit / 8);
    match cell {
        Some(cell) if !cell.from.is_multiple_of(8) || !cell.to.is_multiple_of(8) => {
            let last = cell.to.saturating_sub(1);
            let (first, end) = (at(cell.from), at(last));
            match (cell.bits(), first == end) {
                (1, _) => format!("{first}.{}", cell.from % 8),
                (_, true) => format!("{first}.{}-{}", cell.from % 8, last % 8),
                _ => format!("{first}-{end}"),
            }
        }
        _ if field.len == 1 => field.at.to_string(),
        _ => format!(
            "{}-{}",
            field.at,
            field.at.saturating_add(field.len).saturating_sub(1)
        ),
    }
}
