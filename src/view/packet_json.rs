//! A packet as one JSON object in one line.
//!
//! Layers stand in an array, outermost first; each holds its fields by key. Numbers are numbers,
//! bytes are hexadecimal text. A field that only groups others (a record, an option) is an object;
//! the children of a field with a value of its own (flags) stand beside it. A key that occurs more
//! than once in one object becomes an array.

use std::fmt::Write as _;

use crate::decode::text::{push_dec, push_ipv4, push_number};
use crate::decode::{Direction, Field, Frame, LinkType, Packet, Problem, Severity, Spec, Value};
use crate::view::value::{field_bytes, push_hex};

/// What a packet's bytes do not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The packet's number, from 1; 0 leaves it out.
    pub number: u64,
    /// Name of its interface; empty leaves it out.
    pub interface: &'a str,
    /// The file that it was read from, where there are several; empty leaves it out.
    pub file: &'a str,
    /// What people wrote about it.
    pub comments: &'a [&'a [u8]],
}

/// Appends the object, without a line feed.
pub fn render_json(about: &About<'_>, frame: &Frame<'_>, packet: &Packet, out: &mut String) {
    out.push_str(r#"{"type":"packet""#);
    if about.number != 0 {
        let _ = write!(out, r#","number":{}"#, about.number);
    }
    let _ = write!(
        out,
        r#","time":"{}","link":"{}""#,
        frame.at,
        link_name(frame.link)
    );
    for (key, text) in [("interface", about.interface), ("file", about.file)] {
        if !text.is_empty() {
            let _ = write!(out, r#","{key}":"#);
            push_string(text, out);
        }
    }
    match frame.dir {
        Direction::Unknown => {}
        Direction::In => out.push_str(r#","direction":"in""#),
        Direction::Out => out.push_str(r#","direction":"out""#),
    }
    let captured = frame.bytes.len();
    let _ = write!(
        out,
        r#","wire_len":{},"cap_len":{captured}"#,
        captured.max(frame.wire_len as usize)
    );
    if !about.comments.is_empty() {
        out.push_str(r#","comments":["#);
        for (index, comment) in about.comments.iter().enumerate() {
            comma(index, out);
            push_string(&String::from_utf8_lossy(comment), out);
        }
        out.push(']');
    }
    out.push_str(r#","layers":["#);
    for (index, layer) in packet.layers().iter().enumerate() {
        comma(index, out);
        out.push_str(r#"{"proto":""#);
        out.push_str(layer.proto.key);
        push_number(r#"","at":"#, layer.at, out);
        push_number(r#","len":"#, layer.len, out);
        if layer.quoted {
            out.push_str(r#","quoted":true"#);
        }
        out.push_str(r#","fields":{"#);
        members(frame, packet, packet.fields_of(layer), out);
        out.push_str("}}");
    }
    out.push_str(r#"],"problems":["#);
    for (index, problem) in packet.problems().iter().enumerate() {
        comma(index, out);
        push_problem(packet, problem, out);
    }
    out.push_str("]}");
}

fn push_problem(packet: &Packet, problem: &Problem, out: &mut String) {
    let severity = match problem.severity {
        Severity::Truncated => "truncated",
        Severity::Rule => "rule",
        Severity::Checksum => "checksum",
        Severity::Invalid => "invalid",
        Severity::Limit => "limit",
    };
    let _ = write!(out, r#"{{"kind":"{}","severity":"{severity}""#, problem.key);
    if let Some(layer) = packet.layers().get(problem.layer as usize) {
        let _ = write!(out, r#","layer":"{}""#, layer.proto.key);
        // The narrowest field that holds all of the bytes.
        let holds = |field: &&Field| {
            field.len > 0
                && field.at <= problem.range.start
                && field.at.saturating_add(field.len) >= problem.range.end
        };
        let fields = packet.fields_of(layer).iter().filter(holds);
        if let Some(field) = fields.min_by_key(|field| field.len) {
            let _ = write!(out, r#","field":"{}""#, field.spec.key);
        }
    }
    let at = problem.range.start;
    let len = problem.range.end.saturating_sub(at);
    let _ = write!(out, r#","at":{at},"len":{len},"text":"#);
    push_string(&problem.text, out);
    if !problem.rfc.is_empty() {
        let _ = write!(out, r#","rfc":"{}""#, problem.rfc);
    }
    out.push('}');
}

fn comma(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn link_name(link: LinkType) -> &'static str {
    match link {
        LinkType::Ethernet => "ethernet",
        LinkType::Raw => "raw",
        LinkType::LinuxSll => "linux-sll",
        LinkType::LinuxSll2 => "linux-sll2",
        LinkType::IcmpMessage => "icmp",
        LinkType::Icmpv6Message => "icmpv6",
        LinkType::Other(_) => "other",
    }
}

/// Index behind a group's descendants.
fn skip(fields: &[Field], index: usize) -> usize {
    let Some(group) = fields.get(index) else {
        return index;
    };
    let rest = fields.get(index + 1..).unwrap_or(&[]);
    let inside = rest.iter().take_while(|field| field.depth > group.depth);
    index + 1 + inside.count()
}

/// The members of one object: every field of the run that is not inside a group.
fn walk(fields: &[Field], mut each: impl FnMut(usize, &Field)) {
    let mut index = 0;
    while let Some(field) = fields.get(index) {
        each(index, field);
        index = match field.value {
            Value::None => skip(fields, index),
            _ => index + 1,
        };
    }
}

fn members(frame: &Frame<'_>, packet: &Packet, fields: &[Field], out: &mut String) {
    // Few keys are distinct, so a list is quicker than a map: key, first index, count.
    let mut keys: Vec<(&'static Spec, usize, usize)> = Vec::with_capacity(fields.len().min(64));
    walk(fields, |index, field| {
        let mut known = keys.iter_mut();
        match known.find(|(spec, ..)| std::ptr::eq(*spec, field.spec)) {
            Some((.., count)) => *count += 1,
            None => keys.push((field.spec, index, 1)),
        }
    });
    for (number, &(spec, first, count)) in keys.iter().enumerate() {
        comma(number, out);
        out.push('"');
        out.push_str(spec.key);
        out.push_str("\":");
        if count == 1 {
            value(frame, packet, fields, first, out);
            continue;
        }
        out.push('[');
        let mut written = 0;
        walk(fields, |index, field| {
            if std::ptr::eq(field.spec, spec) {
                comma(written, out);
                written += 1;
                value(frame, packet, fields, index, out);
            }
        });
        out.push(']');
    }
}

fn value(frame: &Frame<'_>, packet: &Packet, fields: &[Field], index: usize, out: &mut String) {
    let Some(field) = fields.get(index) else {
        return;
    };
    let _ = match field.value {
        Value::None => {
            out.push('{');
            let inside = fields.get(index + 1..skip(fields, index)).unwrap_or(&[]);
            members(frame, packet, inside, out);
            out.write_char('}')
        }
        Value::Bool(set) => {
            out.push_str(if set { "true" } else { "false" });
            Ok(())
        }
        Value::Uint(number) => {
            push_dec(number, out);
            Ok(())
        }
        Value::Int(number) => write!(out, "{number}"),
        Value::Mac(mac) => write!(out, "\"{mac}\""),
        Value::Ipv4(address) => {
            out.push('"');
            push_ipv4(address, out);
            out.write_char('"')
        }
        Value::Ipv6(address) => write!(out, "\"{address}\""),
        Value::Text(from, to) => {
            push_string(packet.text(from, to), out);
            Ok(())
        }
        Value::Bytes => {
            out.push('"');
            push_hex(field_bytes(frame, field), out);
            out.write_char('"')
        }
    };
}

/// A JSON string. Everything outside ASCII is escaped too, so that no direction mark or C1 control
/// reaches a terminal through JSON.
fn push_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            ' '..='~' => out.write_char(c),
            _ => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(out, "\\u{unit:04x}")),
        };
    }
    out.push('"');
}
