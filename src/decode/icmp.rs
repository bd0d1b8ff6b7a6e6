//! ICMP for IPv4: header and body of each type. Names are in `icmp_names`.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     type      |     code      |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |        rest of the header: depends on the type                |
//! +---------------------------------------------------------------+
//! ```

use std::fmt::Write as _;

use super::spec::specs;
use super::{Checksum, Claim, Cx, Layer, LinkType, Next, Packet, Proto, Show, checksum_status};

pub use super::icmp_names::{code_name, describe, type_name};

specs! {
    TYPE = "icmp.type", "Type", Show::Named(type_name), "RFC 792",
        "What kind of message this is.";
    CODE = "icmp.code", "Code", Show::NamedBy(&TYPE, code_name), "RFC 792",
        "What kind within the type; its meaning depends on the type.";
    CHECKSUM = "icmp.checksum", "Checksum", Show::Hex(4), "RFC 792",
        "Guards the whole ICMP message.";
    CHECKSUM_CALCULATED = "icmp.checksum_calculated", "Right checksum", Show::Hex(4), "RFC 1071",
        "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "icmp.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 1071", "Outcome of computing the checksum again.";
    IDENT = "icmp.ident", "Identifier", Show::Dec, "RFC 792",
        "Tells one ping program's requests from another's; the reply repeats it.";
    SEQ = "icmp.seq", "Sequence number", Show::Dec, "RFC 792",
        "Counts the requests of one ping; the reply repeats it.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "icmp.checksum.bad",
    rfc: "RFC 792",
};

/// Internet Control Message Protocol.
pub static PROTO: Proto = Proto {
    key: "icmp",
    name: "Internet Control Message Protocol",
    rfc: "RFC 792",
    claims: &[Claim::IpProtocol(1), Claim::Link(LinkType::IcmpMessage)],
    specs: SPECS,
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    cx.set_header(8);
    cx.uint(&TYPE, 0, 1, h[0]);
    cx.uint(&CODE, 1, 1, h[1]);
    cx.uint(&CHECKSUM, 2, 2, u16::from_be_bytes([h[2], h[3]]));
    if cx.have() >= 4 {
        cx.verify(&SUM, 2, cx.len(), None);
    }
    match h[0] {
        0 | 8 => {
            cx.uint(&IDENT, 4, 2, u16::from_be_bytes([h[4], h[5]]));
            cx.uint(&SEQ, 6, 2, u16::from_be_bytes([h[6], h[7]]));
        }
        3 | 4 | 5 | 11 | 12 => {
            if !cx.need(8) {
                return Next::Done;
            }
            return Next::Quoted(8..cx.len());
        }
        _ => {}
    }
    if !cx.need(8) {
        return Next::Done;
    }
    Next::data(8..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    let (Some(kind), Some(code)) = (number(&TYPE), number(&CODE)) else {
        return;
    };
    let _ = write!(out, "ICMP {}", describe(kind, code));
    if let (Some(id), Some(seq)) = (number(&IDENT), number(&SEQ)) {
        let _ = write!(out, ", id {id}, seq {seq}");
    }
    let _ = write!(out, ", length {}", layer.end.saturating_sub(layer.at));
}
