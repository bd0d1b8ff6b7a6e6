//! ARP and RARP, with readable addresses for Ethernet and IPv4.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |         hardware type         |         protocol type         |
//! +---------------+---------------+-------------------------------+
//! | hardware size | protocol size |           operation           |
//! +---------------+---------------+-------------------------------+
//! | sender hardware, sender protocol, target hardware, target protocol
//! ```

use std::net::Ipv4Addr;

use super::ethernet::ethertype;
use super::spec::specs;
use super::text::{push_ipv4, push_mac, push_number};
use super::{Claim, Cx, Layer, Mac, Next, Packet, Proto, Sample, Show, Spec, Value};

specs! {
    HW_TYPE = "arp.hw.type", "Hardware type", Show::Named(hardware), "RFC 826",
        "Kind of network.";
    PROTO_TYPE = "arp.proto.type", "Protocol type", Show::Named(ethertype), "RFC 826",
        "Kind of protocol address, as an EtherType.";
    HW_SIZE = "arp.hw.size", "Hardware size", Show::Unit("bytes"), "RFC 826",
        "Length of a hardware address.";
    PROTO_SIZE = "arp.proto.size", "Protocol size", Show::Unit("bytes"), "RFC 826",
        "Length of a protocol address.";
    OPCODE = "arp.opcode", "Operation", Show::Named(operation), "RFC 826",
        "A question or an answer.";
    SRC_MAC = "arp.src.hw_mac", "Sender MAC address", Show::Plain, "RFC 826",
        "Hardware address of the sender; receivers remember it.";
    SRC_IP = "arp.src.proto_ipv4", "Sender IP address", Show::Plain, "RFC 826",
        "IPv4 address of the sender; all zeros when it only probes for an address (RFC 5227).";
    DST_MAC = "arp.dst.hw_mac", "Target MAC address", Show::Plain, "RFC 826",
        "Hardware address of the target; in a question it is not known yet.";
    DST_IP = "arp.dst.proto_ipv4", "Target IP address", Show::Plain, "RFC 826",
        "IPv4 address that is asked for or answered to.";
    SRC_HW = "arp.src.hw", "Sender hardware address", Show::Plain, "RFC 826",
        "Hardware address of the sender, of another kind.";
    SRC_PROTO = "arp.src.proto", "Sender protocol address", Show::Plain, "RFC 826",
        "Protocol address of the sender, of another kind.";
    DST_HW = "arp.dst.hw", "Target hardware address", Show::Plain, "RFC 826",
        "Hardware address of the target, of another kind.";
    DST_PROTO = "arp.dst.proto", "Target protocol address", Show::Plain, "RFC 826",
        "Protocol address of the target, of another kind.";
}

/// Address Resolution Protocol.
pub static PROTO: Proto = Proto {
    key: "arp",
    name: "Address Resolution Protocol",
    rfc: "RFC 826",
    claims: &[Claim::EtherType(0x0806), Claim::EtherType(0x8035)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0xc0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0, 2,
            2,
        ],
    }],
    decode,
    summary,
};

/// IANA "Hardware Types", those in common use.
fn hardware(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Ethernet",
        6 => "IEEE 802",
        24 => "IEEE 1394",
        32 => "InfiniBand",
        _ => return None,
    })
}

fn operation(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "request",
        2 => "reply",
        3 => "reverse request",
        4 => "reverse reply",
        8 => "inverse request",
        9 => "inverse reply",
        10 => "NAK",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let (mac, ip) = (u32::from(h[4]), u32::from(h[5]));
    let end = mac.saturating_add(ip).saturating_mul(2).saturating_add(8);
    cx.set_header(end);
    cx.uint(&HW_TYPE, 0, 2, u16::from_be_bytes([h[0], h[1]]));
    let protocol = u16::from_be_bytes([h[2], h[3]]);
    cx.uint(&PROTO_TYPE, 2, 2, protocol);
    cx.uint(&HW_SIZE, 4, 1, mac);
    cx.uint(&PROTO_SIZE, 5, 1, ip);
    cx.uint(&OPCODE, 6, 2, u16::from_be_bytes([h[6], h[7]]));
    if !cx.need(8) {
        return Next::Done;
    }
    let is_ip = protocol == 0x0800;
    let mut at = 8;
    hardware_address(cx, &SRC_MAC, &SRC_HW, &mut at, mac);
    protocol_address(cx, &SRC_IP, &SRC_PROTO, &mut at, ip, is_ip);
    hardware_address(cx, &DST_MAC, &DST_HW, &mut at, mac);
    protocol_address(cx, &DST_IP, &DST_PROTO, &mut at, ip, is_ip);
    let _ = cx.need(end);
    Next::Done
}

fn hardware_address(
    cx: &mut Cx<'_>,
    known: &'static Spec,
    other: &'static Spec,
    at: &mut u32,
    len: u32,
) {
    match (len, cx.array(*at)) {
        (6, Some(bytes)) => cx.add(known, *at, 6, Value::Mac(Mac(bytes))),
        _ => cx.raw(other, *at, len),
    }
    *at = at.saturating_add(len);
}

fn protocol_address(
    cx: &mut Cx<'_>,
    known: &'static Spec,
    other: &'static Spec,
    at: &mut u32,
    len: u32,
    is_ip: bool,
) {
    match (is_ip, len, cx.array::<4>(*at)) {
        (true, 4, Some(bytes)) => cx.add(known, *at, 4, Value::Ipv4(Ipv4Addr::from(bytes))),
        _ => cx.raw(other, *at, len),
    }
    *at = at.saturating_add(len);
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let value = |spec| packet.field(layer, spec).map(|field| field.value);
    let code = value(&OPCODE).and_then(Value::as_u64);
    out.push_str("ARP ");
    match (code, value(&SRC_IP), value(&DST_IP), value(&SRC_MAC)) {
        (Some(1), Some(Value::Ipv4(from)), Some(Value::Ipv4(to)), _) if from == to => {
            out.push_str("announcement of ");
            push_ipv4(to, out);
        }
        (Some(1), Some(Value::Ipv4(from)), Some(Value::Ipv4(to)), _) if from.is_unspecified() => {
            out.push_str("probe for ");
            push_ipv4(to, out);
        }
        (Some(1), Some(Value::Ipv4(from)), Some(Value::Ipv4(to)), _) => {
            out.push_str("who has ");
            push_ipv4(to, out);
            out.push_str(", tell ");
            push_ipv4(from, out);
        }
        (Some(2), Some(Value::Ipv4(from)), _, Some(Value::Mac(mac))) => {
            push_ipv4(from, out);
            out.push_str(" is at ");
            push_mac(mac, out);
        }
        (Some(code), ..) => match operation(code) {
            Some(name) => out.push_str(name),
            None => push_number("operation ", code, out),
        },
        _ => {}
    }
}
