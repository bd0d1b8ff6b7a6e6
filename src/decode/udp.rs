//! UDP headers.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |          source port          |       destination port        |
//! +-------------------------------+-------------------------------+
//! |            length             |           checksum            |
//! +-------------------------------+-------------------------------+
//! ```

use std::net::IpAddr;

use etherparse::UdpHeaderSlice;

use super::cx::fixed;
use super::spec::specs;
use super::text::{Short, push_number};
use super::{
    Checksum, Claim, Claims, Cx, Layer, Next, Packet, Proto, Sample, Show, Value, checksum_status,
};

specs! {
    SRC_PORT = "udp.srcport", "Source port", Show::Dec, "RFC 768",
        "Which program on the sending host; 0 if no answer is wanted.";
    DST_PORT = "udp.dstport", "Destination port", Show::Dec, "RFC 768",
        "Which program on the receiving host.";
    LENGTH = "udp.length", "Length", Show::Unit("bytes"), "RFC 768",
        "Header and data of the datagram.";
    CHECKSUM = "udp.checksum", "Checksum", Show::Hex(4), "RFC 768",
        "Guards the datagram and the addresses; 0 in IPv4 means that none was computed.";
    CHECKSUM_CALCULATED = "udp.checksum_calculated", "Right checksum", Show::Hex(4), "RFC 768",
        "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "udp.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 768", "Outcome of computing the checksum again.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "udp.checksum.bad",
    rfc: "RFC 768",
    transport: true,
};

/// User Datagram Protocol.
pub static PROTO: Proto = Proto {
    key: "udp",
    name: "User Datagram Protocol",
    rfc: "RFC 768",
    claims: &[Claim::IpProtocol(17)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0xc3, 0x50, 0, 0x35, 0, 8, 0, 0],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let head = cx.head::<8>();
    let Ok(udp) = UdpHeaderSlice::from_slice(&head) else {
        return Next::Done;
    };
    let (source, destination) = (udp.source_port(), udp.destination_port());
    let length = u32::from(udp.length());
    cx.set_header(8);
    fixed!(
        cx,
        8,
        (0, &SRC_PORT, 0, 2, Value::Uint(source.into())),
        (0, &DST_PORT, 2, 2, Value::Uint(destination.into())),
        (0, &LENGTH, 4, 2, Value::Uint(length.into())),
        (0, &CHECKSUM, 6, 2, Value::Uint(udp.checksum().into())),
    );
    let v6 = cx
        .net
        .is_some_and(|net| matches!(net.source, IpAddr::V6(_)));
    if udp.checksum() != 0 {
        cx.verify(&SUM, 6, 0..length, Some(17));
    } else {
        cx.uint(&CHECKSUM_STATUS, 6.min(cx.have()), 0, 3u8);
        if v6 && cx.have() >= 8 {
            let text = "checksum is 0: IPv6 allows that only for some tunnels".to_owned();
            cx.rule(6, 2, "udp.checksum.zero", "RFC 8200 8.1", text);
        }
    }
    if !cx.need(8) {
        return Next::Done;
    }
    let part = cx.net.is_some_and(|net| net.fragment);
    if !part && (length < 8 || length > cx.len()) {
        let text = format!("length {length}, but the IP packet leaves {}", cx.len());
        cx.invalid(4, 2, "udp.length", "RFC 768", text);
    }
    let end = if length < 8 { cx.len() } else { length };
    let claims = Claims(
        Some(Claim::UdpPort(destination)),
        Some(Claim::UdpPort(source)),
    );
    Next::Proto(claims, 8..end)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let fields = packet.reader(layer);
    let (source, destination) = (fields.number(0, &SRC_PORT), fields.number(1, &DST_PORT));
    let mut text = Short::default();
    if let (Some(source), Some(destination)) = (source, destination) {
        push_number("UDP ", source, &mut text);
        push_number(" > ", destination, &mut text);
    }
    if let Some(length) = fields.number(2, &LENGTH) {
        push_number(", length ", length.saturating_sub(8), &mut text);
    }
    text.push_to(out);
}
