//! One field's value as text, the same in every view. JSON has its own form, in `packet_json`.

use std::fmt::Write as _;

pub use crate::decode::text::push_hex;
use crate::decode::{Field, Frame, Layer, Packet, Show, Value};
use crate::view::escape::escape_into;

/// How many bytes of a plain field are spelled out.
const SHOWN_BYTES: usize = 24;

/// Appends the value of field `index` of `layer`: words, unit and number, outside text escaped.
/// A group shows the value of its first child.
pub fn render_value(
    frame: &Frame<'_>,
    packet: &Packet,
    layer: &Layer,
    index: usize,
    out: &mut String,
) {
    let fields = packet.fields_of(layer);
    let Some(field) = fields.get(index) else {
        return;
    };
    let _ = match field.value {
        Value::None => {
            let child = fields.get(index + 1);
            if child.is_some_and(|child| child.depth > field.depth) {
                render_value(frame, packet, layer, index + 1, out);
            }
            Ok(())
        }
        Value::Bool(set) => write!(out, "{}", if set { "set" } else { "not set" }),
        Value::Uint(number) => {
            render_number(fields, index, number, out);
            Ok(())
        }
        Value::Int(number) => write!(out, "{number}"),
        Value::Mac(mac) => write!(out, "{mac}"),
        Value::Ipv4(address) => write!(out, "{address}"),
        Value::Ipv6(address) => write!(out, "{address}"),
        Value::Text(from, to) => {
            escape_into(packet.text(from, to), out);
            Ok(())
        }
        Value::Bytes => {
            render_bytes(field_bytes(frame, field), out);
            Ok(())
        }
    };
}

fn render_number(fields: &[Field], index: usize, number: u64, out: &mut String) {
    let show = fields.get(index).map_or(Show::Dec, |field| field.spec.show);
    let name = match show {
        Show::Named(name) => name(number),
        Show::NamedBy(other, name) => {
            let before = fields.get(..index).unwrap_or(&[]);
            let mut other = before.iter().rev().filter(|f| std::ptr::eq(f.spec, other));
            let kind = other.next().and_then(|field| field.value.as_u64());
            kind.and_then(|kind| name(number, kind))
        }
        _ => None,
    };
    let _ = match (show, name) {
        (_, Some(name)) => write!(out, "{name} ({number})"),
        (Show::Hex(digits), _) => write!(out, "0x{number:0width$x}", width = digits.into()),
        (Show::Unit(unit), _) => write!(out, "{number} {unit}"),
        (Show::Words(words), _) => {
            words(number, out);
            Ok(())
        }
        _ => write!(out, "{number}"),
    };
}

fn render_bytes(bytes: &[u8], out: &mut String) {
    let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    push_hex(shown, out);
    if bytes.len() > shown.len() {
        let _ = write!(out, "... ({} bytes)", bytes.len());
    }
}

/// The bytes that a field stands for.
pub fn field_bytes<'a>(frame: &Frame<'a>, field: &Field) -> &'a [u8] {
    let start = field.at as usize;
    let range = start..start.saturating_add(field.len as usize);
    frame.bytes.get(range).unwrap_or(&[])
}
