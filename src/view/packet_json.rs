//! A packet as one JSON object in one line.
//!
//! Layers stand in an array, outermost first; each holds its fields by key. Numbers are numbers,
//! bytes are hexadecimal text. A field that only groups others (a record, an option) is an object;
//! the children of a field with a value of its own (flags) stand beside it. A key that occurs more
//! than once in one object becomes an array.

use std::fmt::Write as _;

use crate::decode::text::{
    push_dec, push_hex, push_hex_byte, push_ipv4, push_ipv6, push_mac, push_number,
};
use crate::decode::{Direction, Field, Frame, LinkType, Packet, Problem, Severity, Spec, Value};
use crate::view::value::field_bytes;

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
        push_number(r#","number":"#, about.number, out);
    }
    out.push_str(r#","time":""#);
    frame.at.push_rfc3339(out);
    out.push_str(r#"","link":""#);
    out.push_str(link_name(frame.link));
    out.push('"');
    for (key, text) in [("interface", about.interface), ("file", about.file)] {
        if !text.is_empty() {
            out.push_str(",\"");
            out.push_str(key);
            out.push_str("\":");
            push_string(text, out);
        }
    }
    match frame.dir {
        Direction::Unknown => {}
        Direction::In => out.push_str(r#","direction":"in""#),
        Direction::Out => out.push_str(r#","direction":"out""#),
    }
    let captured = frame.bytes.len();
    let wire_len = captured.max(frame.wire_len as usize);
    push_number(r#","wire_len":"#, wire_len as u64, out);
    push_number(r#","cap_len":"#, captured as u64, out);
    if !about.comments.is_empty() {
        out.push_str(r#","comments":["#);
        for (index, comment) in about.comments.iter().enumerate() {
            comma(index, out);
            push_string(&String::from_utf8_lossy(comment), out);
        }
        out.push(']');
    }
    out.push_str(r#","layers":["#);
    let mut all = Vec::with_capacity(64);
    for (index, layer) in packet.layers().iter().enumerate() {
        comma(index, out);
        out.push_str(r#"{"proto":""#);
        out.push_str(layer.proto.key);
        push_number(r#"","at":"#, layer.at, out);
        push_number(r#","len":"#, layer.len, out);
        if layer.quoted {
            out.push_str(r#","quoted":true"#);
        }
        if layer.buf != 0 {
            push_number(r#","reassembled":"#, layer.buf, out);
        }
        let frame = &packet.within(frame, layer);
        out.push_str(r#","fields":{"#);
        members(frame, packet, packet.fields_of(layer), &mut all, out);
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

/// No place in a list.
const NONE: usize = usize::MAX;

/// A field that is a member of an object, and the chain of those with the same key.
#[derive(Clone, Copy)]
struct Member {
    spec: &'static Spec,
    /// Its place in the run of fields.
    index: usize,
    /// The next one with the same key, as a place in the list of members, or [`NONE`].
    next: usize,
    /// Of the first of a chain: the last one. Of the others: [`NONE`].
    last: usize,
}

/// Keys of an object that were seen: a set that says "no" for sure, and "yes" to be checked.
#[derive(Default)]
struct Seen([u64; 8]);

impl Seen {
    /// Adds a key; false if it is new.
    fn insert(&mut self, spec: &'static Spec) -> bool {
        // A protocol's specs lie side by side: the address divided by their size numbers them.
        let number = std::ptr::from_ref(spec).addr() / size_of::<Spec>();
        let bit = 1 << (number % 64);
        let Some(word) = self.0.get_mut(number / 64 % 8) else {
            return true;
        };
        let known = *word & bit != 0;
        *word |= bit;
        known
    }
}

/// Lists the members of one object behind those that `all` holds: every field of the run that is not
/// inside a group.
fn gather(fields: &[Field], all: &mut Vec<Member>) {
    let base = all.len();
    let mut seen = Seen::default();
    let mut index = 0;
    while let Some(field) = fields.get(index) {
        let place = all.len();
        let mut last = place;
        if seen.insert(field.spec) {
            let mut known = all.iter_mut().skip(base);
            if let Some(first) = known.find(|member| std::ptr::eq(member.spec, field.spec)) {
                let before = std::mem::replace(&mut first.last, place);
                if let Some(before) = all.get_mut(before) {
                    before.next = place;
                }
                last = NONE;
            }
        }
        all.push(Member {
            spec: field.spec,
            index,
            next: NONE,
            last,
        });
        index = match field.value {
            Value::None => skip(fields, index),
            _ => index + 1,
        };
    }
}

/// Writes the members of one object. `all` is a list to work with, left as it was.
fn members(
    frame: &Frame<'_>,
    packet: &Packet,
    fields: &[Field],
    all: &mut Vec<Member>,
    out: &mut String,
) {
    let base = all.len();
    gather(fields, all);
    let end = all.len();
    for place in base..end {
        let Some(&member) = all.get(place) else {
            break;
        };
        if member.last == NONE {
            continue;
        }
        out.push_str(if place == base { "\"" } else { ",\"" });
        out.push_str(member.spec.key);
        out.push_str("\":");
        if member.next == NONE {
            value(frame, packet, fields, member.index, all, out);
            continue;
        }
        out.push('[');
        value(frame, packet, fields, member.index, all, out);
        let mut next = member.next;
        while let Some(&member) = all.get(next) {
            out.push(',');
            value(frame, packet, fields, member.index, all, out);
            next = member.next;
        }
        out.push(']');
    }
    all.truncate(base);
}

fn value(
    frame: &Frame<'_>,
    packet: &Packet,
    fields: &[Field],
    index: usize,
    all: &mut Vec<Member>,
    out: &mut String,
) {
    let Some(field) = fields.get(index) else {
        return;
    };
    match field.value {
        Value::None => {
            out.push('{');
            let inside = fields.get(index + 1..skip(fields, index)).unwrap_or(&[]);
            members(frame, packet, inside, all, out);
            out.push('}');
        }
        Value::Bool(set) => out.push_str(if set { "true" } else { "false" }),
        Value::Uint(number) => push_dec(number, out),
        Value::Int(number) => {
            if number < 0 {
                out.push('-');
            }
            push_dec(number.unsigned_abs(), out);
        }
        Value::Mac(mac) => {
            out.push('"');
            push_mac(mac, out);
            out.push('"');
        }
        Value::Ipv4(address) => {
            out.push('"');
            push_ipv4(address, out);
            out.push('"');
        }
        Value::Ipv6(address) => {
            out.push('"');
            push_ipv6(address, out);
            out.push('"');
        }
        Value::Text(from, to) => push_string(packet.text(from, to), out),
        Value::Bytes => {
            out.push('"');
            push_hex(field_bytes(frame, field), out);
            out.push('"');
        }
    }
}

/// A JSON string. Everything outside ASCII is escaped too, so that no direction mark or C1 control
/// reaches a terminal through JSON.
fn push_string(text: &str, out: &mut String) {
    out.push('"');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    // Without an early end, so that the compiler makes vector instructions of it.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        out.push_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(c, out));
    }
    out.push('"');
}

fn push_escaped(c: char, out: &mut String) {
    match c {
        '"' | '\\' => {
            out.push('\\');
            out.push(c);
        }
        ' '..='~' => out.push(c),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str("\\u");
                let [high, low] = unit.to_be_bytes();
                push_hex_byte(high, out);
                push_hex_byte(low, out);
            }
        }
    }
}
