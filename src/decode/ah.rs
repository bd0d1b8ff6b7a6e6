//! The authentication header of IPsec, in IPv4 and IPv6. The integrity value is not verified.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |  next header  | words minus 2 |           reserved            |
//! +---------------+---------------+-------------------------------+
//! |                   security parameters index                   |
//! |                        sequence number                        |
//! |                  integrity check value ...                    |
//! ```

use super::ipv6_ext::after;
use super::spec::specs;
use super::{Claim, Cx, Next, Proto, Sample, Show, ipv4};

specs! {
    NXT = "ah.next_header", "Next header", Show::Named(ipv4::protocol), "RFC 4302 2.1",
        "Which protocol follows.";
    LENGTH = "ah.length", "Length", Show::Unit("words of 4 bytes"), "RFC 4302 2.2",
        "Length of this header in words, minus 2.";
    RESERVED = "ah.reserved", "Reserved", Show::Plain, "RFC 4302 2.3",
        "Must be zero.";
    SPI = "ah.spi", "Security parameters index", Show::Hex(8), "RFC 4302 2.4",
        "Names the security association.";
    SEQUENCE = "ah.sequence", "Sequence number", Show::Dec, "RFC 4302 2.5",
        "Counts the packets of the association, against replays.";
    ICV = "ah.icv", "Integrity check value", Show::Plain, "RFC 4302 2.6",
        "Proves who sent the packet and that it is unchanged.";
}

/// Authentication header.
pub static PROTO: Proto = Proto {
    key: "ah",
    name: "Authentication header",
    rfc: "RFC 4302",
    claims: &[Claim::IpProtocol(51)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            0x11, 4, 0, 0, 0, 0, 0, 0x64, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b,
        ],
    }],
    decode,
    summary: |_, _, out| out.push_str("AH"),
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<12>();
    let end = u32::from(h[1]).saturating_add(2).saturating_mul(4);
    cx.set_header(end.max(12));
    cx.uint(&NXT, 0, 1, h[0]);
    cx.uint(&LENGTH, 1, 1, h[1]);
    cx.raw(&RESERVED, 2, 2);
    cx.uint(&SPI, 4, 4, u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    let sequence = u32::from_be_bytes([h[8], h[9], h[10], h[11]]);
    cx.uint(&SEQUENCE, 8, 4, sequence);
    cx.raw(&ICV, 12, end.saturating_sub(12));
    after(cx, h[0], end.max(12))
}
