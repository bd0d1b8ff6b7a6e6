//! IPv6 headers. Extension headers are layers of their own, in `ipv6_ext`.
//!
//! ```text
//! +-------+---------------+---------------------------------------+
//! |version| traffic class |              flow label               |
//! +-------+---------------+-------+---------------+---------------+
//! |        payload length         |  next header  |   hop limit   |
//! +-------------------------------+---------------+---------------+
//! |                    source, 16 bytes                           |
//! |                    destination, 16 bytes                      |
//! ```

use std::net::{IpAddr, Ipv6Addr};

use super::spec::specs;
use super::text::{Short, Text as _, push_ipv6};
use super::{Claim, Cx, Layer, Net, Next, Packet, Proto, Sample, Severity, Show, Value, ipv4};

specs! {
    VERSION = "ipv6.version", "Version", Show::Dec, "RFC 8200 3",
        "IP version: 6.";
    TCLASS = "ipv6.tclass", "Traffic class", Show::Hex(2), "RFC 8200 3",
        "Six bits of DSCP and two of ECN.";
    DSCP = "ipv6.tclass.dscp", "DSCP", Show::Named(ipv4::dscp), "RFC 2474 3",
        "Which treatment the packet asks routers for.";
    ECN = "ipv6.tclass.ecn", "ECN", Show::Named(ipv4::ecn), "RFC 3168 5",
        "Whether routers may mark congestion instead of dropping, and whether one did.";
    FLOW = "ipv6.flow", "Flow label", Show::Hex(5), "RFC 6437",
        "The same in all packets of one flow, so that routers keep them on one path.";
    PLEN = "ipv6.plen", "Payload length", Show::Unit("bytes"), "RFC 8200 3",
        "Bytes after this header, extension headers included.";
    NXT = "ipv6.nxt", "Next header", Show::Named(ipv4::protocol), "RFC 8200 3",
        "Which protocol or extension header follows.";
    HLIM = "ipv6.hlim", "Hop limit", Show::Dec, "RFC 8200 3",
        "How many more routers may pass it on; each takes one off, and drops it at zero.";
    SRC = "ipv6.src", "Source", Show::Plain, "RFC 8200 3",
        "Address that the packet claims to come from; nothing proves it.";
    DST = "ipv6.dst", "Destination", Show::Plain, "RFC 8200 3",
        "Address that it goes to; with a routing header only the next stop.";
}

/// Internet Protocol version 6.
pub static PROTO: Proto = Proto {
    key: "ipv6",
    name: "Internet Protocol version 6",
    rfc: "RFC 8200",
    claims: &[Claim::EtherType(0x86dd), Claim::IpProtocol(41)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            0x60, 0, 0, 0, 0, 8, 0x11, 0x40, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 2, 0, 8, 0, 0,
        ],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<40>();
    let word = u32::from_be_bytes([h[0], h[1], h[2], h[3]]);
    let class = h[0] << 4 | h[1] >> 4;
    let payload = u32::from(u16::from_be_bytes([h[4], h[5]]));
    let source = address(&h, 8);
    let destination = address(&h, 24);
    cx.set_header(40);
    cx.uint(&VERSION, 0, 1, h[0] >> 4);
    let group = cx.open(&TCLASS, 0, 2, Value::Uint(class.into()));
    cx.uint(&DSCP, 0, 2, class >> 2);
    cx.uint(&ECN, 1, 1, class & 3);
    cx.close(group);
    cx.uint(&FLOW, 1, 3, word & 0xf_ffff);
    cx.uint(&PLEN, 4, 2, payload);
    cx.uint(&NXT, 6, 1, h[6]);
    cx.uint(&HLIM, 7, 1, h[7]);
    cx.add(&SRC, 8, 16, Value::Ipv6(source));
    cx.add(&DST, 24, 16, Value::Ipv6(destination));
    if !cx.need(40) {
        return Next::Done;
    }
    if h[0] >> 4 != 6 {
        let text = format!("version is {}, must be 6", h[0] >> 4);
        cx.problem(Severity::Invalid, 0, 1, "ipv6.version", "RFC 8200 3", text);
    }
    let there = cx.len().saturating_sub(40);
    if payload > there {
        let text = format!("payload length {payload}, but there are only {there} bytes");
        cx.invalid(4, 2, "ipv6.plen", "RFC 8200 3", text);
    }
    if source.is_multicast() {
        let text = format!("source {source} is a multicast address");
        cx.rule(8, 16, "ipv6.src.multicast", "RFC 4291 2.7", text);
    }
    cx.net = Some(Net {
        source: IpAddr::V6(source),
        destination: IpAddr::V6(destination),
        hops: h[7],
        router_alert: None,
        fragment: false,
        detour: false,
    });
    // RFC 2675 3: with a jumbo payload option, in hop-by-hop options, the field is zero.
    let end = if payload == 0 && h[6] == 0 {
        cx.len()
    } else {
        payload.saturating_add(40)
    };
    Next::Proto(Claim::IpProtocol(h[6]).into(), 40..end)
}

fn address(header: &[u8; 40], at: usize) -> Ipv6Addr {
    let bytes = header.get(at..).and_then(|rest| rest.first_chunk::<16>());
    bytes.map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from(*bytes))
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let fields = packet.reader(layer);
    let mut text = Short::default();
    text.put_str("IP6 ");
    push_address(fields.value(8, &SRC), &mut text);
    text.put_str(" > ");
    push_address(fields.value(9, &DST), &mut text);
    text.push_to(out);
}

fn push_address(value: Option<Value>, out: &mut Short) {
    match value {
        Some(Value::Ipv6(address)) => push_ipv6(address, out),
        _ => out.put_str("?"),
    }
}
