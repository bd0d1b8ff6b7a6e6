//! IPv6 hop-by-hop and destination options, and what all extension headers share. Each extension
//! header is a layer; ESP stays data: it is encrypted.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |  next header  |  length / 8-1 |  options, or a route ...      |
//! +---------------+---------------+-------------------------------+
//! ```

use super::spec::specs;
use super::{Claim, Cx, Next, Proto, Sample, Show, Spec, ipv4, ipv6_options};

specs! {
    HOP_NXT = "ipv6.hopopts.nxt", "Next header", Show::Named(ipv4::protocol), "RFC 8200 4.3",
        "Which protocol or extension header follows.";
    HOP_LEN = "ipv6.hopopts.len", "Length", Show::Dec, "RFC 8200 4.3",
        "Length of this header in units of 8 bytes, the first not counted.";
    DST_NXT = "ipv6.dstopts.nxt", "Next header", Show::Named(ipv4::protocol), "RFC 8200 4.6",
        "Which protocol or extension header follows.";
    DST_LEN = "ipv6.dstopts.len", "Length", Show::Dec, "RFC 8200 4.6",
        "Length of this header in units of 8 bytes, the first not counted.";
}

/// Hop-by-hop options.
pub static HOP_BY_HOP: Proto = Proto {
    key: "ipv6.hopopts",
    name: "IPv6 hop-by-hop options",
    rfc: "RFC 8200 4.3",
    claims: &[Claim::IpProtocol(0)],
    specs: &[SPECS, ipv6_options::SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0x3a, 0, 5, 2, 0, 0, 1, 0],
    }],
    decode: |cx| options(cx, &HOP_NXT, &HOP_LEN),
    summary: |_, _, out| out.push_str("hop-by-hop options"),
};

/// Destination options.
pub static DESTINATION: Proto = Proto {
    key: "ipv6.dstopts",
    name: "IPv6 destination options",
    rfc: "RFC 8200 4.6",
    claims: &[Claim::IpProtocol(60)],
    specs: &[SPECS, ipv6_options::SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0x11, 0, 1, 4, 0, 0, 0, 0],
    }],
    decode: |cx| options(cx, &DST_NXT, &DST_LEN),
    summary: |_, _, out| out.push_str("destination options"),
};

fn options(cx: &mut Cx<'_>, next: &'static Spec, len: &'static Spec) -> Next {
    let [protocol, units] = cx.head::<2>();
    let end = header(cx, next, len, protocol, units);
    if !cx.need(2) {
        return Next::Done;
    }
    if std::ptr::eq(next, &raw const HOP_NXT) && cx.outer().is_some_and(|outer| outer.key != "ipv6")
    {
        let text = "hop-by-hop options must follow the IPv6 header directly".to_owned();
        cx.rule(0, 1, "ipv6.hopopts.not_first", "RFC 8200 4.1", text);
    }
    ipv6_options::decode(cx, end);
    after(cx, protocol, end)
}

/// Adds the two fields that every extension header begins with; returns where it ends.
pub(super) fn header(
    cx: &mut Cx<'_>,
    next: &'static Spec,
    len: &'static Spec,
    n: u8,
    units: u8,
) -> u32 {
    let end = u32::from(units).saturating_add(1).saturating_mul(8);
    cx.set_header(end);
    cx.uint(next, 0, 1, n);
    cx.uint(len, 1, 1, units);
    end
}

/// What follows an extension header that ends at `end`.
pub(super) fn after(cx: &mut Cx<'_>, protocol: u8, end: u32) -> Next {
    if !cx.need(end) {
        return Next::Done;
    }
    Next::Proto(Claim::IpProtocol(protocol).into(), end..cx.len())
}
