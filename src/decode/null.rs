//! The loopback links of BSD and its kin: an address family of four bytes before each packet, in the
//! capturing host's byte order (NULL), or in network order (LOOP).

use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, LinkType, Next, Packet, Proto, Sample, Show};

specs! {
    FAMILY = "null.family", "Family", Show::Named(family_name), "LINKTYPE_NULL",
        "What follows, as the capturing system numbers address families.";
}

/// LINKTYPE_NULL: the byte order is that of the host that captured.
pub static PROTO: Proto = Proto {
    key: "null",
    name: "BSD loopback",
    rfc: "LINKTYPE_NULL",
    claims: &[Claim::Link(LinkType::Other(0))],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[2, 0, 0, 0],
    }],
    decode: |cx| {
        let family = cx.u32(0).unwrap_or(0);
        // Families are small: if the high half is used, the order is the other one.
        let swapped = family > 0xffff;
        decode(cx, if swapped { family.swap_bytes() } else { family })
    },
    summary,
};

/// LINKTYPE_LOOP: OpenBSD writes network byte order.
pub static LOOP: Proto = Proto {
    key: "loop",
    name: "OpenBSD loopback",
    rfc: "LINKTYPE_LOOP",
    claims: &[Claim::Link(LinkType::Other(108))],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0, 0, 0, 2],
    }],
    decode: |cx| {
        let family = cx.u32(0).unwrap_or(0);
        decode(cx, family)
    },
    summary,
};

/// The families of the systems that write such files: IPv6 has a number on each.
fn family_name(value: u64) -> Option<&'static str> {
    Some(match value {
        2 => "IPv4",
        7 => "OSI",
        10 => "IPv6 (Linux)",
        23 => "IPX",
        24 => "IPv6 (NetBSD, OpenBSD)",
        28 => "IPv6 (FreeBSD)",
        30 => "IPv6 (macOS)",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>, family: u32) -> Next {
    cx.set_header(4);
    cx.uint(&FAMILY, 0, 4, family);
    if !cx.need(4) {
        return Next::Done;
    }
    match family {
        2 => Next::Proto(Claim::EtherType(0x0800).into(), 4..cx.len()),
        10 | 24 | 28 | 30 => Next::Proto(Claim::EtherType(0x86dd).into(), 4..cx.len()),
        _ => Next::data(4..cx.len()),
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let family = packet.field(layer, &FAMILY).and_then(|f| f.value.as_u64());
    if let Some(family) = family {
        push_number("family ", family, out);
    }
}
