//! DNS and multicast DNS messages: header, questions, records. Names are in `dns_name`, what each
//! type of record holds in `dns_data`, names of numbers in `dns_types`.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |              id               |Q|opcode |A|T|R|R|Z|A|C| rcode |   in TCP a length of 2 bytes
//! +-------------------------------+-------------------------------+   comes before it
//! |           questions           |            answers            |
//! +-------------------------------+-------------------------------+
//! |          authorities          |          additionals          |
//! +-------------------------------+-------------------------------+
//! |   questions: name, type, class                                |
//! |   records: name, type, class, time to live, length, data      |
//! ```

use std::fmt::Write as _;

use super::dns_data;
use super::dns_name::{Message, name};
use super::dns_types::{class_name, opcode_name, rcode_name, type_name};
use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Spec, Value};

specs! {
    LENGTH = "dns.length", "Length", Show::Unit("bytes"), "RFC 1035 4.2.2",
        "Length of the message in a TCP stream.";
    ID = "dns.id", "Identifier", Show::Hex(4), "RFC 1035 4.1.1",
        "Chosen at random by who asks; the response repeats it.";
    FLAGS = "dns.flags", "Flags", Show::Hex(4), "RFC 1035 4.1.1",
        "What kind of message this is, and how the answer was got.";
    RESPONSE = "dns.flags.response", "Response", Show::Plain, "RFC 1035 4.1.1",
        "Set in a response, not in a query.";
    OPCODE = "dns.flags.opcode", "Opcode", Show::Named(opcode_name), "RFC 1035 4.1.1",
        "What is asked for.";
    AUTHORITATIVE = "dns.flags.authoritative", "Authoritative", Show::Plain, "RFC 1035 4.1.1",
        "The server owns the name: the answer is from the source.";
    TRUNCATED = "dns.flags.truncated", "Truncated", Show::Plain, "RFC 1035 4.1.1",
        "The answer did not fit; ask again with TCP.";
    DESIRED = "dns.flags.recdesired", "Recursion desired", Show::Plain, "RFC 1035 4.1.1",
        "The server should ask other servers if it does not know.";
    AVAILABLE = "dns.flags.recavail", "Recursion available", Show::Plain, "RFC 1035 4.1.1",
        "The server would ask other servers.";
    Z = "dns.flags.z", "Reserved", Show::Plain, "RFC 1035 4.1.1",
        "Must be zero.";
    AUTHENTICATED = "dns.flags.authenticated", "Authentic data", Show::Plain, "RFC 4035 3.2.3",
        "The server has verified the DNSSEC signatures.";
    CHECK_DISABLED = "dns.flags.checkdisable", "Checking disabled", Show::Plain,
        "RFC 4035 3.2.2", "The server should not verify the DNSSEC signatures.";
    RCODE = "dns.flags.rcode", "Response code", Show::Named(rcode_name), "RFC 1035 4.1.1",
        "Whether the question could be answered.";
    QUESTIONS = "dns.count.queries", "Questions", Show::Dec, "RFC 1035 4.1.1",
        "How many questions follow.";
    ANSWERS = "dns.count.answers", "Answers", Show::Dec, "RFC 1035 4.1.1",
        "How many records answer them.";
    AUTHORITIES = "dns.count.auth_rr", "Authorities", Show::Dec, "RFC 1035 4.1.1",
        "How many records name the servers that know.";
    ADDITIONALS = "dns.count.add_rr", "Additionals", Show::Dec, "RFC 1035 4.1.1",
        "How many records are there besides.";
    QUESTION = "dns.question", "Question", Show::Plain, "RFC 1035 4.1.2",
        "What is asked.";
    QUERY_NAME = "dns.qry.name", "Name", Show::Plain, "RFC 1035 4.1.2",
        "The name that is asked about.";
    QUERY_TYPE = "dns.qry.type", "Type", Show::Named(type_name), "RFC 1035 4.1.2",
        "Which kind of record is wanted.";
    QUERY_CLASS = "dns.qry.class", "Class", Show::Named(class_name), "RFC 1035 4.1.2",
        "Which network; always IN, the Internet.";
    UNICAST = "dns.qry.qu", "Unicast wanted", Show::Plain, "RFC 6762 5.4",
        "The answer may go to the asking host alone.";
    ANSWER = "dns.answer", "Answer", Show::Plain, "RFC 1035 4.1.3",
        "A record that answers a question.";
    AUTHORITY = "dns.authority", "Authority", Show::Plain, "RFC 1035 4.1.3",
        "A record that names a server that knows.";
    ADDITIONAL = "dns.additional", "Additional", Show::Plain, "RFC 1035 4.1.3",
        "A record that is likely to be asked for next, or EDNS.";
    NAME = "dns.resp.name", "Name", Show::Plain, "RFC 1035 4.1.3",
        "The name that the record is about.";
    TYPE = "dns.resp.type", "Type", Show::Named(type_name), "RFC 1035 4.1.3",
        "Which kind of record this is.";
    CLASS = "dns.resp.class", "Class", Show::Named(class_name), "RFC 1035 4.1.3",
        "Which network; always IN, the Internet.";
    CACHE_FLUSH = "dns.resp.cache_flush", "Cache flush", Show::Plain, "RFC 6762 10.2",
        "Older records of this name and type are to be forgotten.";
    TTL = "dns.resp.ttl", "Time to live", Show::Unit("s"), "RFC 1035 4.1.3",
        "How long the record may be remembered.";
    DATA_LEN = "dns.resp.len", "Data length", Show::Unit("bytes"), "RFC 1035 4.1.3",
        "Length of the record's data.";
}

const RFC: &str = "RFC 1035 4.1";

/// Domain Name System.
pub static PROTO: Proto = Proto {
    key: "dns",
    name: "Domain Name System",
    rfc: "RFC 1035",
    claims: &[Claim::UdpPort(53), Claim::TcpPort(53)],
    specs: &[SPECS, dns_data::SPECS],
    samples: &[
        Sample {
            name: "query",
            bytes: &[
                0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x77, 0x77, 0x77, 7, 0x65, 0x78, 0x61,
                0x6d, 0x70, 0x6c, 0x65, 3, 0x63, 0x6f, 0x6d, 0, 0, 1, 0, 1,
            ],
        },
        Sample {
            name: "response",
            bytes: &[
                0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 3, 0x77, 0x77, 0x77, 7, 0x65, 0x78,
                0x61, 0x6d, 0x70, 0x6c, 0x65, 3, 0x63, 0x6f, 0x6d, 0, 0, 1, 0, 1, 0xc0, 0x0c, 0, 1,
                0, 1, 0, 0, 0x0e, 0x10, 0, 4, 0xc0, 0, 2, 1,
            ],
        },
    ],
    decode: |cx| decode(cx, false),
    summary,
};

/// Multicast DNS: the same messages, with the highest bit of a class used otherwise.
pub static MULTICAST: Proto = Proto {
    key: "mdns",
    name: "Multicast Domain Name System",
    rfc: "RFC 6762",
    claims: &[Claim::UdpPort(5353)],
    specs: &[SPECS, dns_data::SPECS],
    samples: &[Sample {
        name: "query",
        bytes: &[
            0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 0x70, 0x72, 0x69, 0x6e, 0x74, 0x65, 0x72, 5,
            0x6c, 0x6f, 0x63, 0x61, 0x6c, 0, 0, 0xff, 0x80, 1,
        ],
    }],
    decode: |cx| decode(cx, true),
    summary,
};

fn decode(cx: &mut Cx<'_>, multicast: bool) -> Next {
    let tcp = cx.outer().is_some_and(|outer| outer.key != "udp");
    let mut message = Message {
        base: 0,
        end: cx.len(),
    };
    if tcp {
        cx.partial();
        let length = u32::from(cx.u16(0).unwrap_or(0));
        if length < 12 {
            // In the middle of a message.
            return Next::Decline;
        }
        cx.uint(&LENGTH, 0, 2, length);
        message.base = 2;
        message.end = length.saturating_add(2);
    }
    cx.set_header(message.end);
    let counts = header(cx, message.base);
    if !cx.need(message.base.saturating_add(12)) {
        return Next::Done;
    }
    sections(cx, message, counts, multicast);
    if tcp && message.end < cx.len() {
        return Next::Proto(Claim::TcpPort(53).into(), message.end..cx.len());
    }
    Next::Done
}

/// Returns the four counts.
fn header(cx: &mut Cx<'_>, base: u32) -> [u16; 4] {
    let mut words = [0u16; 6];
    let place = |index: u32| base.saturating_add(index.saturating_mul(2));
    for (word, index) in words.iter_mut().zip(0u32..) {
        *word = cx.u16(place(index)).unwrap_or(0);
    }
    let [id, flags, counts @ ..] = words;
    let at = place(1);
    cx.uint(&ID, base, 2, id);
    let group = cx.open(&FLAGS, at, 2, Value::Uint(flags.into()));
    let response = flags & 0x8000 != 0;
    cx.add(&RESPONSE, at, 2, Value::Bool(response));
    cx.uint(&OPCODE, at, 2, flags >> 11 & 15);
    for (spec, bit, in_query) in FLAG_BITS {
        if response || in_query {
            cx.add(spec, at, 2, Value::Bool(flags & bit != 0));
        }
    }
    if response {
        cx.uint(&RCODE, at, 2, flags & 15);
    }
    cx.close(group);
    let names = [&QUESTIONS, &ANSWERS, &AUTHORITIES, &ADDITIONALS];
    for ((spec, count), index) in names.into_iter().zip(counts).zip(2u32..) {
        cx.uint(spec, place(index), 2, count);
    }
    counts
}

/// The third column: has a meaning in queries too.
static FLAG_BITS: [(&Spec, u16, bool); 7] = [
    (&AUTHORITATIVE, 0x400, false),
    (&TRUNCATED, 0x200, true),
    (&DESIRED, 0x100, true),
    (&AVAILABLE, 0x80, false),
    (&Z, 0x40, true),
    (&AUTHENTICATED, 0x20, true),
    (&CHECK_DISABLED, 0x10, true),
];

fn sections(cx: &mut Cx<'_>, message: Message, counts: [u16; 4], multicast: bool) {
    let groups = [&QUESTION, &ANSWER, &AUTHORITY, &ADDITIONAL];
    let words = ["questions", "answers", "authorities", "additionals"];
    let mut at = message.base.saturating_add(12);
    for (index, ((group, count), words)) in (0u32..).zip(groups.into_iter().zip(counts).zip(words))
    {
        for number in 0..count {
            // The shortest question has 5 bytes, the shortest record 11.
            let least = if index == 0 { 5 } else { 11 };
            if at.saturating_add(least) > message.end {
                let text = format!("{count} {words} announced, there are {number}");
                let field = message.base.saturating_add(4).saturating_add(index << 1);
                cx.invalid(field, 2, "dns.count", RFC, text);
                return;
            }
            let open = cx.open(group, at, 0, Value::None);
            let end = if index == 0 {
                question(cx, message, at, multicast)
            } else {
                record(cx, message, at, multicast)
            };
            cx.close_at(open, end.unwrap_or_else(|| cx.have().min(message.end)));
            match end {
                Some(end) => at = end,
                None => return,
            }
        }
    }
    if at < message.end {
        let left = message.end.saturating_sub(at);
        let text = format!("{left} bytes follow the last record");
        cx.rule(at, left, "dns.trailing", RFC, text);
    }
}

/// The class, of which multicast DNS takes the highest bit; returns it without that bit.
fn class(cx: &mut Cx<'_>, spec: &'static Spec, bit: Option<&'static Spec>, at: u32) {
    let class = cx.u16(at).unwrap_or(0);
    match bit {
        Some(bit) => {
            cx.uint(spec, at, 2, class & 0x7fff);
            cx.add(bit, at, 2, Value::Bool(class & 0x8000 != 0));
        }
        None => cx.uint(spec, at, 2, class),
    }
}

/// Returns where it ends.
fn question(cx: &mut Cx<'_>, message: Message, at: u32, multicast: bool) -> Option<u32> {
    let at = name(cx, message, &QUERY_NAME, at)?;
    let kind = cx.u16(at).unwrap_or(0);
    cx.uint(&QUERY_TYPE, at, 2, kind);
    let bit = multicast.then_some(&UNICAST);
    class(cx, &QUERY_CLASS, bit, at.saturating_add(2));
    let end = at.saturating_add(4);
    (cx.need(end) && end <= message.end).then_some(end)
}

/// Returns where it ends.
fn record(cx: &mut Cx<'_>, message: Message, at: u32, multicast: bool) -> Option<u32> {
    let at = name(cx, message, &NAME, at)?;
    let place = |offset: u32| at.saturating_add(offset);
    let kind = cx.u16(at).unwrap_or(0);
    cx.uint(&TYPE, at, 2, kind);
    if kind == 41 {
        dns_data::edns(cx, place(2));
    } else {
        let bit = multicast.then_some(&CACHE_FLUSH);
        class(cx, &CLASS, bit, place(2));
        let ttl = cx.u32(place(4)).unwrap_or(0);
        cx.uint(&TTL, place(4), 4, ttl);
    }
    let length = cx.u16(place(8)).unwrap_or(0);
    cx.uint(&DATA_LEN, place(8), 2, length);
    if !cx.need(place(10)) {
        return None;
    }
    let (from, end) = (place(10), place(10).saturating_add(length.into()));
    if end > message.end {
        let left = message.end.saturating_sub(from);
        let text = format!("data length {length}, but the message leaves {left}");
        cx.invalid(place(8), 2, "dns.resp.len", "RFC 1035 4.1.3", text);
        return None;
    }
    dns_data::decode(cx, message, kind, from..end);
    cx.need(end).then_some(end)
}

/// `DNS response, id 4660, A example.com: CNAME www.example.com, A 192.0.2.1`.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    const SHOWN: u32 = 4;
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    let (Some(id), Some(response)) = (number(&ID), number(&RESPONSE)) else {
        return;
    };
    out.push_str(if layer.proto.key == "mdns" {
        "mDNS "
    } else {
        "DNS "
    });
    match number(&OPCODE) {
        Some(0) | None => {}
        Some(opcode) => {
            let _ = write!(out, "{} ", opcode_name(opcode).unwrap_or("opcode?"));
        }
    }
    out.push_str(if response == 1 { "response" } else { "query" });
    // RFC 6762 18.1: in multicast DNS it is 0.
    if id != 0 {
        push_number(", id ", id, out);
    }
    if number(&TRUNCATED) == Some(1) {
        out.push_str(", truncated");
    }
    if let Some(code) = number(&RCODE).filter(|code| *code != 0) {
        match rcode_name(code) {
            Some(name) => out.extend([", ", name]),
            None => push_number(", code ", code, out),
        }
    }
    let fields = packet.fields_of(layer);
    let text = |value| match value {
        Value::Text(from, to) => packet.text(from, to),
        _ => "?",
    };
    let (mut asked, mut name, mut shown, mut section) = (0u32, "?", 0u32, 0u8);
    for (index, field) in fields.iter().enumerate() {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        if is(&QUERY_NAME) {
            name = text(field.value);
        } else if is(&ANSWER) {
            section = 1;
        } else if is(&AUTHORITY) || is(&ADDITIONAL) {
            section = 2;
        } else if let (true, Value::Uint(kind)) = (is(&QUERY_TYPE), field.value) {
            asked = asked.saturating_add(1);
            if asked <= SHOWN {
                push_type(", ", kind, out);
                out.extend([" ", name]);
            }
        } else if let (true, 1, Value::Uint(kind)) = (is(&TYPE), section, field.value) {
            shown = shown.saturating_add(1);
            if shown <= SHOWN {
                push_type(if shown == 1 { ": " } else { ", " }, kind, out);
                let data = fields.get(index..).unwrap_or(&[]).iter().skip(1);
                dns_data::summary(packet, data, out);
            }
        }
    }
    let more = shown.saturating_sub(SHOWN);
    if more > 0 {
        push_number(" and ", more, out);
        out.push_str(" more");
    }
}

fn push_type(before: &str, kind: u64, out: &mut String) {
    out.push_str(before);
    match type_name(kind) {
        Some(name) => out.push_str(name),
        None => push_number("TYPE", kind, out),
    }
}
