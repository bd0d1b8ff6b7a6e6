//! A packet as one JSON object in one line.
//!
//! Layers stand in an array, outermost first; each holds its fields by key. Numbers are numbers,
//! bytes are hexadecimal text. A field that only groups others (a record, an option) is an object;
//! the children of a field with a value of its own (flags) stand beside it. A key that occurs more
//! than once in one object becomes an array.

use crate::decode::text::{
    Text, push_dec, push_hex, push_hex_byte, push_ipv4, push_ipv6, push_mac, push_number,
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
pub fn render_json(about: &About<'_>, frame: &Frame<'_>, packet: &Packet, out: &mut impl Text) {
    out.put_str(r#"{"type":"packet""#);
    if about.number != 0 {
        push_number(r#","number":"#, about.number, out);
    }
    out.put_str(r#","time":""#);
    frame.at.push_rfc3339(out);
    out.put_str(r#"","link":""#);
    out.put_str(link_name(frame.link));
    out.put([b'"']);
    for (key, text) in [("interface", about.interface), ("file", about.file)] {
        if !text.is_empty() {
            out.put_str(",\"");
            out.put_str(key);
            out.put_str("\":");
            push_string(text, out);
        }
    }
    match frame.dir {
        Direction::Unknown => {}
        Direction::In => out.put_str(r#","direction":"in""#),
        Direction::Out => out.put_str(r#","direction":"out""#),
    }
    let captured = frame.bytes.len();
    let wire_len = captured.max(frame.wire_len as usize);
    push_number(r#","wire_len":"#, wire_len as u64, out);
    push_number(r#","cap_len":"#, captured as u64, out);
    if !about.comments.is_empty() {
        out.put_str(r#","comments":["#);
        for (index, comment) in about.comments.iter().enumerate() {
            comma(index, out);
            push_string(&String::from_utf8_lossy(comment), out);
        }
        out.put([b']']);
    }
    out.put_str(r#","layers":["#);
    for (index, layer) in packet.layers().iter().enumerate() {
        comma(index, out);
        out.put_str(r#"{"proto":""#);
        out.put_str(layer.proto.key);
        push_number(r#"","at":"#, layer.at, out);
        push_number(r#","len":"#, layer.len, out);
        if layer.quoted {
            out.put_str(r#","quoted":true"#);
        }
        if layer.buf != 0 {
            push_number(r#","reassembled":"#, layer.buf, out);
        }
        let frame = &packet.within(frame, layer);
        out.put_str(r#","fields":{"#);
        members(frame, packet, packet.fields_of(layer), out);
        out.put_str("}}");
    }
    out.put_str(r#"],"problems":["#);
    for (index, problem) in packet.problems().iter().enumerate() {
        comma(index, out);
        push_problem(packet, problem, out);
    }
    out.put_str("]}");
}

fn push_problem(packet: &Packet, problem: &Problem, out: &mut impl Text) {
    let severity = match problem.severity {
        Severity::Truncated => "truncated",
        Severity::Rule => "rule",
        Severity::Checksum => "checksum",
        Severity::Invalid => "invalid",
        Severity::Limit => "limit",
    };
    for (before, text) in [
        (r#"{"kind":""#, problem.key),
        (r#"","severity":""#, severity),
    ] {
        out.put_str(before);
        out.put_str(text);
    }
    out.put_str("\"");
    if let Some(layer) = packet.layers().get(problem.layer as usize) {
        out.put_str(r#","layer":""#);
        out.put_str(layer.proto.key);
        out.put_str("\"");
        // The narrowest field that holds all of the bytes.
        let holds = |field: &&Field| {
            field.len > 0
                && field.at <= problem.range.start
                && field.at.saturating_add(field.len) >= problem.range.end
        };
        let fields = packet.fields_of(layer).iter().filter(holds);
        if let Some(field) = fields.min_by_key(|field| field.len) {
            out.put_str(r#","field":""#);
            out.put_str(field.spec.key);
            out.put_str("\"");
        }
    }
    let at = problem.range.start;
    let len = problem.range.end.saturating_sub(at);
    push_number(r#","at":"#, at, out);
    push_number(r#","len":"#, len, out);
    out.put_str(r#","text":"#);
    push_string(&problem.text, out);
    if !problem.rfc.is_empty() {
        out.put_str(r#","rfc":""#);
        out.put_str(problem.rfc);
        out.put_str("\"");
    }
    out.put([b'}']);
}

fn comma(index: usize, out: &mut impl Text) {
    if index > 0 {
        out.put([b',']);
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

/// Keys of an object: which one may occur more than once. Says "no" for sure, "yes" to be checked.
#[derive(Default)]
struct Repeated {
    seen: [u64; 8],
    again: [u64; 8],
}

impl Repeated {
    /// Looks at the members of an object.
    fn of(fields: &[Field]) -> Self {
        let mut keys = Self::default();
        walk(fields, |_, field| {
            let (word, bit) = Self::place(field.spec);
            if let (Some(seen), Some(again)) = (keys.seen.get_mut(word), keys.again.get_mut(word)) {
                *again |= *seen & bit;
                *seen |= bit;
            }
            true
        });
        keys
    }

    #[inline]
    fn may_be(&self, spec: &'static Spec) -> bool {
        let (word, bit) = Self::place(spec);
        self.again.get(word).is_none_or(|again| again & bit != 0)
    }

    /// One of 512 places. The specs of a protocol lie side by side, an odd number of 8 bytes each, so
    /// that they have places of their own.
    #[inline]
    fn place(spec: &'static Spec) -> (usize, u64) {
        let number = std::ptr::from_ref(spec).addr() / 8;
        (number / 64 % 8, 1 << (number % 64))
    }
}

/// The members of one object: every field of the run that is not inside a group, until `each` says
/// that it is enough.
#[inline]
fn walk(fields: &[Field], mut each: impl FnMut(usize, &Field) -> bool) {
    let mut index = 0;
    while let Some(field) = fields.get(index) {
        if !each(index, field) {
            return;
        }
        index = match field.value {
            Value::None => skip(fields, index),
            _ => index + 1,
        };
    }
}

fn members(frame: &Frame<'_>, packet: &Packet, fields: &[Field], out: &mut impl Text) {
    let repeated = Repeated::of(fields);
    let mut first = true;
    // The last key that was written as an array.
    let mut array_of = None;
    walk(fields, |index, field| {
        let mut array = false;
        if repeated.may_be(field.spec) {
            let known = array_of.is_some_and(|spec| std::ptr::eq(spec, field.spec));
            let several = if known {
                None
            } else {
                several(fields, index, field)
            };
            let Some(several) = several else {
                // It stands in the array of the first of its key.
                return true;
            };
            array = several;
        }
        // Two pushes of known length rather than one of either.
        if std::mem::take(&mut first) {
            out.put([b'"']);
        } else {
            out.put_str(",\"");
        }
        out.put_str(field.spec.key);
        out.put_str("\":");
        if array {
            array_of = Some(field.spec);
            values(frame, packet, fields, field.spec, out);
        } else {
            value(frame, packet, fields, index, field, out);
        }
        true
    });
}

/// Whether others with its key follow; `None` if one came before.
#[cold]
fn several(fields: &[Field], at: usize, field: &Field) -> Option<bool> {
    let (mut first, mut count) = (None, 0);
    walk(fields, |index, other| {
        if std::ptr::eq(other.spec, field.spec) {
            count += 1;
            first = first.or(Some(index));
        }
        // Not the first, or known to be several: enough.
        first.is_none_or(|first| first == at) && count < 2
    });
    (first == Some(at)).then_some(count > 1)
}

/// All values of one key, as an array.
#[cold]
fn values(
    frame: &Frame<'_>,
    packet: &Packet,
    fields: &[Field],
    spec: &'static Spec,
    out: &mut impl Text,
) {
    let mut written = 0;
    out.put([b'[']);
    walk(fields, |index, field| {
        if std::ptr::eq(field.spec, spec) {
            comma(written, out);
            written += 1;
            value(frame, packet, fields, index, field, out);
        }
        true
    });
    out.put([b']']);
}

#[inline]
fn value(
    frame: &Frame<'_>,
    packet: &Packet,
    fields: &[Field],
    index: usize,
    field: &Field,
    out: &mut impl Text,
) {
    match field.value {
        Value::Uint(number) => push_dec(number, out),
        Value::Bool(true) => out.put_str("true"),
        Value::Bool(false) => out.put_str("false"),
        Value::None => {
            let inside = fields.get(index + 1..skip(fields, index)).unwrap_or(&[]);
            group(frame, packet, inside, out);
        }
        other => longer(frame, packet, field, other, out),
    }
}

#[inline(never)]
fn group(frame: &Frame<'_>, packet: &Packet, inside: &[Field], out: &mut impl Text) {
    out.put([b'{']);
    members(frame, packet, inside, out);
    out.put([b'}']);
}

/// The values that are worth a call.
#[inline(never)]
fn longer(frame: &Frame<'_>, packet: &Packet, field: &Field, value: Value, out: &mut impl Text) {
    if let Value::Text(from, to) = value {
        return push_string(packet.text(from, to), out);
    }
    if let Value::Int(number) = value {
        if number < 0 {
            out.put([b'-']);
        }
        return push_dec(number.unsigned_abs(), out);
    }
    out.put([b'"']);
    match value {
        Value::Mac(mac) => push_mac(mac, out),
        Value::Ipv4(address) => push_ipv4(address, out),
        Value::Ipv6(address) => push_ipv6(address, out),
        _ => push_hex(field_bytes(frame, field), out),
    }
    out.put([b'"']);
}

/// A JSON string. Everything outside ASCII is escaped too, so that no direction mark or C1 control
/// reaches a terminal through JSON.
fn push_string(text: &str, out: &mut impl Text) {
    out.put([b'"']);
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    // Without an early end, so that the compiler makes vector instructions of it.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        out.put_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(c, out));
    }
    out.put([b'"']);
}

fn push_escaped(c: char, out: &mut impl Text) {
    match c {
        '"' => out.put_str("\\\""),
        '\\' => out.put_str("\\\\"),
        ' '..='~' => out.put_str(c.encode_utf8(&mut [0; 4])),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.put_str("\\u");
                let [high, low] = unit.to_be_bytes();
                push_hex_byte(high, out);
                push_hex_byte(low, out);
            }
        }
    }
}
