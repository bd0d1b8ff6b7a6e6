//! PPP: the header before the packet, also without the parts that the ends agreed to leave out.
//! Escapes and checksums of a serial line are the card's; the control protocols stay data.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! | address 0xff  | control 0x03  |           protocol            |
//! +---------------+---------------+-------------------------------+
//! ```

use super::spec::specs;
use super::{Claim, Cx, Layer, LinkType, Next, Packet, Proto, Sample, Show};

specs! {
    ADDRESS = "ppp.address", "Address", Show::Hex(2), "RFC 1662 3.1",
        "Always 0xff, all stations; may be left out.";
    CONTROL = "ppp.control", "Control", Show::Hex(2), "RFC 1662 3.1",
        "Always 0x03, unnumbered information; may be left out.";
    PROTOCOL = "ppp.protocol", "Protocol", Show::Named(protocol_name), "RFC 1661 2",
        "What follows; one byte if the ends agreed on that.";
}

/// Point-to-Point Protocol; its links with and without HDLC framing, and inside GRE (RFC 2637).
pub static PROTO: Proto = Proto {
    key: "ppp",
    name: "Point-to-Point Protocol",
    rfc: "RFC 1661",
    claims: &[
        Claim::Link(LinkType::Other(9)),
        Claim::Link(LinkType::Other(50)),
        Claim::EtherType(0x880b),
    ],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "",
            bytes: &[0xff, 3, 0, 0x21],
        },
        Sample {
            name: "with compressed fields",
            bytes: &[0x21],
        },
    ],
    decode,
    summary,
};

/// IANA "PPP DLL Protocol Numbers", those in use.
fn protocol_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0021 => "IPv4",
        0x002b => "IPX",
        0x002d => "Van Jacobson compressed TCP",
        0x002f => "Van Jacobson uncompressed TCP",
        0x003d => "multilink",
        0x0057 => "IPv6",
        0x00fd => "compressed datagram",
        0x0281 => "MPLS",
        0x8021 => "IP control (IPCP)",
        0x8057 => "IPv6 control (IPV6CP)",
        0x80fd => "compression control (CCP)",
        0xc021 => "link control (LCP)",
        0xc023 => "password authentication (PAP)",
        0xc025 => "link quality report",
        0xc223 => "challenge handshake (CHAP)",
        0xc227 => "extensible authentication (EAP)",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let mut at = 0;
    // RFC 1661 6.6: both bytes or none.
    if cx.u16(0) == Some(0xff03) {
        cx.uint(&ADDRESS, 0, 1, 0xffu8);
        cx.uint(&CONTROL, 1, 1, 3u8);
        at = 2;
    }
    // RFC 1661 6.5: the first byte of two is even, one byte alone is odd.
    let short = cx.u8(at).filter(|byte| byte & 1 == 1);
    let (protocol, len) = match short {
        Some(byte) => (byte.into(), 1),
        None => (cx.u16(at).unwrap_or(0), 2),
    };
    cx.uint(&PROTOCOL, at, len, protocol);
    let header = len.saturating_add(at);
    cx.set_header(header);
    if !cx.need(header) {
        return Next::Done;
    }
    let ether_type = match protocol {
        0x0021 => 0x0800,
        0x0057 => 0x86dd,
        0x0281 => 0x8847,
        _ => return Next::data(header..cx.len()),
    };
    Next::Proto(Claim::EtherType(ether_type).into(), header..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let protocol = packet
        .field(layer, &PROTOCOL)
        .and_then(|f| f.value.as_u64());
    out.push_str("PPP");
    if let Some(name) = protocol.and_then(protocol_name) {
        out.extend([" ", name]);
    }
}
