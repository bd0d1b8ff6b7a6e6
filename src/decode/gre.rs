//! GRE: versions 0 and 1 (PPTP). Source routes are shown as bytes.
//!
//! ```text
//! +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
//! |C|R|K|S|s|recur|A| flags | ver |           protocol            |
//! +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
//! |      checksum (if C or R)     |       offset (if C or R)      |
//! |                        key (if K)                             |   version 1: length, call id
//! |                  sequence number (if S)                       |
//! |                acknowledgment number (if A)                   |
//! ```

use super::ethernet::ethertype;
use super::spec::specs;
use super::text::push_number;
use super::{
    Checksum, Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Spec, Value, checksum_status,
};

specs! {
    FLAGS = "gre.flags_and_version", "Flags and version", Show::Hex(4), "RFC 2784 2.1",
        "Which of the fields below are there.";
    HAS_CHECKSUM = "gre.flags.checksum", "Checksum bit", Show::Plain, "RFC 2784 2.2",
        "A checksum follows.";
    HAS_ROUTING = "gre.flags.routing", "Routing bit", Show::Plain, "RFC 1701",
        "A source route follows; nobody uses it any more.";
    HAS_KEY = "gre.flags.key", "Key bit", Show::Plain, "RFC 2890 2",
        "A key follows.";
    HAS_SEQUENCE = "gre.flags.sequence_number", "Sequence bit", Show::Plain, "RFC 2890 2",
        "A sequence number follows.";
    STRICT = "gre.flags.strict_source_route", "Strict route bit", Show::Plain, "RFC 1701",
        "The source route names every router; nobody uses it any more.";
    RECURSION = "gre.flags.recursion_control", "Recursion control", Show::Dec, "RFC 1701",
        "How many more tunnels may go inside; nobody uses it any more.";
    HAS_ACK = "gre.flags.ack", "Acknowledgment bit", Show::Plain, "RFC 2637 4.1",
        "An acknowledgment number follows; only in version 1.";
    RESERVED = "gre.flags.reserved", "Reserved", Show::Dec, "RFC 2784 2.3",
        "Must be zero.";
    VERSION = "gre.flags.version", "Version", Show::Dec, "RFC 2784 2.3.1",
        "0, or 1 for PPTP.";
    PROTOCOL = "gre.proto", "Protocol", Show::Named(ethertype), "RFC 2784 2.4",
        "What the tunnel carries, as an EtherType.";
    CHECKSUM = "gre.checksum", "Checksum", Show::Hex(4), "RFC 2784 2.5",
        "Guards the header and all that it carries.";
    CHECKSUM_CALCULATED = "gre.checksum_calculated", "Right checksum", Show::Hex(4),
        "RFC 2784 2.5", "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "gre.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 2784 2.5", "Outcome of computing the checksum again.";
    OFFSET = "gre.offset", "Offset", Show::Unit("bytes"), "RFC 1701",
        "Where in the source route the packet is; now zero.";
    KEY = "gre.key", "Key", Show::Hex(8), "RFC 2890 2.1",
        "Tells flows inside one tunnel apart.";
    PAYLOAD_LENGTH = "gre.key.payload_length", "Payload length", Show::Unit("bytes"),
        "RFC 2637 4.1", "Bytes behind this header, in version 1.";
    CALL_ID = "gre.key.call_id", "Call ID", Show::Dec, "RFC 2637 4.1",
        "Which call of the tunnel, in version 1.";
    SEQUENCE = "gre.sequence_number", "Sequence number", Show::Dec, "RFC 2890 2.2",
        "Counts the packets of the tunnel.";
    ACK = "gre.ack_number", "Acknowledgment number", Show::Dec, "RFC 2637 4.1",
        "Highest sequence number that arrived, in version 1.";
    ROUTING = "gre.routing", "Source route", Show::Plain, "RFC 1701",
        "A source route that we do not read, and all behind it.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "gre.checksum.bad",
    rfc: "RFC 2784 2.5",
    transport: true,
};

/// Generic Routing Encapsulation.
pub static PROTO: Proto = Proto {
    key: "gre",
    name: "Generic Routing Encapsulation",
    rfc: "RFC 2784",
    claims: &[Claim::IpProtocol(47)],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "",
            bytes: &[0, 0, 8, 0],
        },
        Sample {
            name: "with checksum, key and sequence number",
            bytes: &[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1],
        },
        Sample {
            name: "version 1, of PPTP",
            bytes: &[0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1],
        },
    ],
    decode,
    summary,
};

static BITS: [(&Spec, u16); 5] = [
    (&HAS_CHECKSUM, 0x8000),
    (&HAS_ROUTING, 0x4000),
    (&HAS_KEY, 0x2000),
    (&HAS_SEQUENCE, 0x1000),
    (&STRICT, 0x0800),
];

fn decode(cx: &mut Cx<'_>) -> Next {
    let flags = cx.u16(0).unwrap_or(0);
    let protocol = cx.u16(2).unwrap_or(0);
    let version = flags & 7;
    let group = cx.open(&FLAGS, 0, 2, Value::Uint(flags.into()));
    for (spec, bit) in BITS {
        cx.add(spec, 0, 2, Value::Bool(flags & bit != 0));
    }
    cx.uint(&RECURSION, 0, 2, flags >> 8 & 7);
    if version == 1 {
        cx.add(&HAS_ACK, 0, 2, Value::Bool(flags & 0x80 != 0));
        cx.uint(&RESERVED, 0, 2, flags >> 3 & 15);
    } else {
        cx.uint(&RESERVED, 0, 2, flags >> 3 & 31);
    }
    cx.uint(&VERSION, 0, 2, version);
    cx.close(group);
    cx.uint(&PROTOCOL, 2, 2, protocol);
    let mut at = 4;
    cx.set_header(at);
    if !cx.need(at) {
        return Next::Done;
    }
    if version > 1 {
        let text = format!("version is {version}, must be 0 or 1");
        cx.invalid(0, 2, "gre.version", "RFC 2784 2.3.1", text);
        return Next::data(at..cx.len());
    }
    if flags & 0xc000 != 0 {
        let checksum = cx.u16(at).unwrap_or(0);
        cx.uint(&CHECKSUM, at, 2, checksum);
        if flags & 0x8000 != 0 {
            cx.verify(&SUM, at, 0..cx.len(), None);
        }
        let offset = cx.u16(at.saturating_add(2)).unwrap_or(0);
        cx.uint(&OFFSET, at.saturating_add(2), 2, offset);
        at = at.saturating_add(4);
    }
    if flags & 0x2000 != 0 {
        let key = cx.u32(at).unwrap_or(0);
        if version == 1 {
            cx.uint(&PAYLOAD_LENGTH, at, 2, key >> 16);
            cx.uint(&CALL_ID, at.saturating_add(2), 2, key & 0xffff);
        } else {
            cx.uint(&KEY, at, 4, key);
        }
        at = at.saturating_add(4);
    }
    for (spec, bit) in [(&SEQUENCE, 0x1000), (&ACK, 0x80)] {
        if flags & bit != 0 && (bit != 0x80 || version == 1) {
            let number = cx.u32(at).unwrap_or(0);
            cx.uint(spec, at, 4, number);
            at = at.saturating_add(4);
        }
    }
    cx.set_header(at);
    if !cx.need(at) {
        return Next::Done;
    }
    if flags & 0x4000 != 0 {
        cx.raw(&ROUTING, at, cx.have().saturating_sub(at));
        return Next::Done;
    }
    // A keep-alive or an acknowledgment has no payload.
    if at >= cx.len() {
        return Next::Done;
    }
    Next::Proto(Claim::EtherType(protocol).into(), at..cx.len())
}

/// `GRE key 0x1, seq 2`.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    out.push_str("GRE");
    if let Some(call) = number(&CALL_ID) {
        push_number(" call ", call, out);
    } else if let Some(key) = number(&KEY) {
        push_number(" key ", key, out);
    }
    if let Some(sequence) = number(&SEQUENCE) {
        push_number(", seq ", sequence, out);
    }
    if let Some(ack) = number(&ACK) {
        push_number(", ack ", ack, out);
    }
    if layer.at.saturating_add(layer.len) >= layer.end {
        out.push_str(", empty");
    }
}
