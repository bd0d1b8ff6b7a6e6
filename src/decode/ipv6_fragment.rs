//! IPv6 fragment headers. Fragments are shown, not put together.
//!
//! ```text
//! +---------------+---------------+-----------------------------+---+-+
//! |  next header  |   reserved    |     fragment offset / 8     |res|M|
//! +---------------+---------------+-----------------------------+---+-+
//! |                           identification                          |
//! ```

use std::fmt::Write as _;

use super::ipv6_ext::after;
use super::spec::specs;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Value, ipv4};

specs! {
    NXT = "ipv6.fraghdr.nxt", "Next header", Show::Named(ipv4::protocol), "RFC 8200 4.5",
        "Which protocol or extension header the datagram continues with.";
    RESERVED = "ipv6.fraghdr.reserved_octet", "Reserved", Show::Hex(2), "RFC 8200 4.5",
        "Must be zero.";
    OFFSET = "ipv6.fraghdr.offset", "Offset", Show::Words(ipv4::fragment_offset), "RFC 8200 4.5",
        "Where this fragment's data belong in the datagram, in units of 8 bytes.";
    MORE = "ipv6.fraghdr.more", "More fragments", Show::Plain, "RFC 8200 4.5",
        "This is not the last fragment of its datagram.";
    IDENT = "ipv6.fraghdr.ident", "Identification", Show::Hex(8), "RFC 8200 4.5",
        "The same in all fragments of one datagram.";
    PART = "ipv6.fragment", "Fragment in packet", Show::Dec, "RFC 8200 4.5",
        "Number of a packet that brought a part of the datagram.";
    PARTS = "ipv6.fragment.count", "Fragments", Show::Dec, "RFC 8200 4.5",
        "How many fragments the datagram came in.";
    REASSEMBLED = "ipv6.reassembled.length", "Reassembled length", Show::Unit("bytes"),
        "RFC 8200 4.5", "Bytes of the datagram's data, put together from its fragments.";
}

/// Fragment header.
pub static PROTO: Proto = Proto {
    key: "ipv6.fraghdr",
    name: "IPv6 fragment header",
    rfc: "RFC 8200 4.5",
    claims: &[Claim::IpProtocol(44)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0x11, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 8, 0, 0],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let word = u16::from_be_bytes([h[2], h[3]]);
    let (offset, more) = (word >> 3, word & 1 != 0);
    cx.set_header(8);
    cx.uint(&NXT, 0, 1, h[0]);
    cx.uint(&RESERVED, 1, 1, h[1]);
    cx.uint(&OFFSET, 2, 2, offset);
    cx.add(&MORE, 2, 2, Value::Bool(more));
    cx.uint(&IDENT, 4, 4, u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    if let Some(net) = &mut cx.net {
        // RFC 6946: offset 0 and no more is an "atomic" fragment, the whole datagram.
        net.fragment |= more || offset > 0;
    }
    if (more || offset > 0) && cx.have() >= 8 {
        let id = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
        let offset = u32::from(offset).saturating_mul(8);
        cx.fragment(id, h[0], offset, more, 8, cx.len());
    }
    if offset > 0 {
        if !cx.need(8) {
            return Next::Done;
        }
        return Next::data(8..cx.len());
    }
    after(cx, h[0], 8)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    if let (Some(id), Some(offset), Some(more)) = (number(&IDENT), number(&OFFSET), number(&MORE)) {
        let last = if more == 1 { "" } else { ", last" };
        let offset = offset.saturating_mul(8);
        let _ = write!(out, "fragment id 0x{id:08x} offset {offset}{last}");
    }
}
