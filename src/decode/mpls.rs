//! MPLS: one layer for each label of the stack. What follows the last label is told by its first
//! bits, as IP versions are; pseudowires stay data.
//!
//! ```text
//! +---------------------------------------+-----+-+---------------+
//! |                 label                 | TC  |S|      TTL      |
//! +---------------------------------------+-----+-+---------------+
//! ```

use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show};

specs! {
    LABEL = "mpls.label", "Label", Show::Named(label_name), "RFC 3032 2.1",
        "Where the next router sends the packet; it has a meaning only there.";
    EXP = "mpls.exp", "Traffic class", Show::Dec, "RFC 5462 3",
        "Class of service, 0 to 7.";
    BOTTOM = "mpls.bottom", "Bottom of stack", Show::Dec, "RFC 3032 2.1",
        "1 in the last label.";
    TTL = "mpls.ttl", "Time to live", Show::Dec, "RFC 3032 2.1",
        "How many more routers may pass the packet on.";
}

/// One label. In UDP (RFC 7510) and IP (RFC 4023) too.
pub static PROTO: Proto = Proto {
    key: "mpls",
    name: "Multiprotocol Label Switching",
    rfc: "RFC 3032 2.1",
    claims: &[
        Claim::EtherType(0x8847),
        Claim::EtherType(0x8848),
        Claim::IpProtocol(137),
        Claim::UdpPort(6635),
    ],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0, 6, 0x41, 0x40, 0, 0, 0, 0],
    }],
    decode,
    summary,
};

/// IANA "Special-Purpose MPLS Label Values".
fn label_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "IPv4 explicit null",
        1 => "router alert",
        2 => "IPv6 explicit null",
        3 => "implicit null",
        7 => "entropy label indicator",
        13 => "generic associated channel",
        14 => "OAM alert",
        15 => "extension",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let entry = cx.u32(0).unwrap_or(0);
    cx.set_header(4);
    cx.uint(&LABEL, 0, 3, entry >> 12);
    cx.uint(&EXP, 2, 1, entry >> 9 & 7);
    cx.uint(&BOTTOM, 2, 1, entry >> 8 & 1);
    cx.uint(&TTL, 3, 1, entry & 0xff);
    if !cx.need(4) {
        return Next::Done;
    }
    if entry & 0x100 == 0 {
        return Next::Proto(Claim::EtherType(0x8847).into(), 4..cx.len());
    }
    match cx.u8(4).map(|byte| byte >> 4) {
        // RFC 4385 1: what is no IP packet begins with other bits.
        Some(4 | 6) => Next::Proto(Claim::Ip.into(), 4..cx.len()),
        _ => Next::data(4..cx.len()),
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    if let (Some(label), Some(ttl)) = (number(&LABEL), number(&TTL)) {
        push_number("MPLS label ", label, out);
        push_number(", ttl ", ttl, out);
    }
}
