//! IPv6 routing headers: the old source route, mobile IPv6 and segment routing; others stay bytes.
//!
//! ```text
//! +---------------+---------------+---------------+---------------+
//! |  next header  | length / 8-1  |     type      | segments left |
//! +---------------+---------------+---------------+---------------+
//! |  type-specific: 4 bytes, then mostly addresses ...            |
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use super::ipv6_ext::{after, header};
use super::spec::specs;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Spec, Value, ipv4};

specs! {
    NXT = "ipv6.routing.nxt", "Next header", Show::Named(ipv4::protocol), "RFC 8200 4.4",
        "Which protocol or extension header follows.";
    LEN = "ipv6.routing.len", "Length", Show::Dec, "RFC 8200 4.4",
        "Length of this header in units of 8 bytes, the first not counted.";
    TYPE = "ipv6.routing.type", "Type", Show::Named(kind), "RFC 8200 4.4",
        "What kind of route this is.";
    SEGMENTS_LEFT = "ipv6.routing.segleft", "Segments left", Show::Dec, "RFC 8200 4.4",
        "How many of the listed stops are still to come.";
    SOURCE = "ipv6.routing.src.addr", "Address", Show::Plain, "RFC 2460 4.4",
        "A stop of the old source route.";
    HOME = "ipv6.routing.mipv6.home_address", "Home address", Show::Plain, "RFC 6275 6.4",
        "Permanent address of the mobile node.";
    LAST_ENTRY = "ipv6.routing.srh.last_entry", "Last entry", Show::Dec, "RFC 8754 2",
        "Index of the last segment of the list.";
    FLAGS = "ipv6.routing.srh.flags", "Flags", Show::Hex(2), "RFC 8754 2",
        "No flag is defined yet.";
    TAG = "ipv6.routing.srh.tag", "Tag", Show::Plain, "RFC 8754 2",
        "Marks packets of one class.";
    SEGMENT = "ipv6.routing.srh.addr", "Segment", Show::Plain, "RFC 8754 2",
        "A stop of the route; the list is in reverse, the first entry is the last stop.";
    UNKNOWN = "ipv6.routing.unknown_data", "Type-specific data", Show::Plain, "RFC 8200 4.4",
        "The rest of a routing header that we cannot read further.";
}

/// Routing header.
pub static PROTO: Proto = Proto {
    key: "ipv6.routing",
    name: "IPv6 routing header",
    rfc: "RFC 8200 4.4",
    claims: &[Claim::IpProtocol(43)],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "segment routing",
            bytes: &[
                0x11, 2, 4, 1, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
            ],
        },
        Sample {
            name: "home address of mobile IPv6",
            bytes: &[
                0x11, 2, 2, 1, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
            ],
        },
    ],
    decode,
    summary,
};

/// IANA "Routing Types".
fn kind(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "source route (deprecated by RFC 5095)",
        1 => "Nimrod (deprecated)",
        2 => "type 2, mobile IPv6",
        3 => "RPL source route",
        4 => "segment routing",
        5 => "CRH-16",
        6 => "CRH-32",
        253 | 254 => "experiment",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let end = header(cx, &NXT, &LEN, h[0], h[1]);
    cx.uint(&TYPE, 2, 1, h[2]);
    cx.uint(&SEGMENTS_LEFT, 3, 1, h[3]);
    let last_stop = match h[2] {
        0 => stops(cx, &SOURCE, end).1,
        2 => stops(cx, &HOME, end).1,
        4 => {
            cx.uint(&LAST_ENTRY, 4, 1, h[4]);
            cx.uint(&FLAGS, 5, 1, h[5]);
            cx.raw(&TAG, 6, 2);
            let list = u32::from(h[4]).saturating_add(1).saturating_mul(16);
            stops(cx, &SEGMENT, end.min(list.saturating_add(8))).0
        }
        _ => {
            cx.raw(&UNKNOWN, 4, end.min(cx.have()).saturating_sub(4));
            None
        }
    };
    if h[2] == 0 {
        let text = "routing type 0 is deprecated: hosts must drop it".to_owned();
        cx.rule(2, 1, "ipv6.routing.deprecated", "RFC 5095 3", text);
    }
    if let (1.., Some(net)) = (h[3], &mut cx.net) {
        match last_stop {
            Some(stop) => net.destination = IpAddr::V6(stop),
            None => net.detour = true,
        }
    }
    after(cx, h[0], end)
}

/// Adds the listed addresses; returns the first and the last.
fn stops(cx: &mut Cx<'_>, spec: &'static Spec, end: u32) -> (Option<Ipv6Addr>, Option<Ipv6Addr>) {
    let (mut at, mut first, mut last) = (8u32, None, None);
    while let (true, Some(bytes)) = (at.saturating_add(16) <= end, cx.array::<16>(at)) {
        let address = Ipv6Addr::from(bytes);
        cx.add(spec, at, 16, Value::Ipv6(address));
        first = first.or(Some(address));
        last = Some(address);
        at = at.saturating_add(16);
    }
    (first, last)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    if let (Some(kind), Some(left)) = (number(&TYPE), number(&SEGMENTS_LEFT)) {
        let _ = write!(out, "routing type {kind}, {left} segments left");
    }
}
