//! Ethernet II frames. 802.3 length frames show their length; what they carry stays data.
//!
//! ```text
//! +--------+--------+---------+
//! | dst 6  | src 6  | type 2  |
//! +--------+--------+---------+
//! ```

use std::fmt::Write as _;

use etherparse::Ethernet2HeaderSlice;

use super::cx::fixed;
use super::spec::specs;
use super::{Claim, Cx, Layer, LinkType, Mac, Next, Packet, Proto, Sample, Show, Value};

specs! {
    DST = "eth.dst", "Destination", Show::Plain, "IEEE 802.3 3.2.3",
        "Hardware address of the next station; all ones is everybody on the link.";
    SRC = "eth.src", "Source", Show::Plain, "IEEE 802.3 3.2.3",
        "Hardware address of the station that sent the frame on this link.";
    TYPE = "eth.type", "Type", Show::Named(ethertype), "IEEE 802.3 3.2.6",
        "What the frame carries; values below 1536 are a length instead.";
    LEN = "eth.len", "Length", Show::Unit("bytes"), "IEEE 802.3 3.2.6",
        "Length of the payload in an 802.3 frame without a type.";
}

/// Ethernet II.
pub static PROTO: Proto = Proto {
    key: "eth",
    name: "Ethernet II",
    rfc: "IEEE 802.3 3.1",
    // 0x6558: a whole frame inside GRE or Geneve (RFC 1701, RFC 8926 3.4).
    claims: &[Claim::Link(LinkType::Ethernet), Claim::EtherType(0x6558)],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "",
            bytes: &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
        },
        Sample {
            name: "802.3 with a length",
            bytes: &[
                1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 3, 0x42, 0x42, 3,
            ],
        },
    ],
    decode,
    summary,
};

/// Names of EtherTypes, from the IEEE registry.
pub fn ethertype(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x0842 => "Wake-on-LAN",
        0x6558 => "Ethernet",
        0x8035 => "RARP",
        0x8100 => "802.1Q VLAN",
        0x86dd => "IPv6",
        0x8808 => "Ethernet flow control",
        0x8809 => "slow protocols (LACP)",
        0x880b => "PPP",
        0x8847 => "MPLS",
        0x8848 => "MPLS with upstream label",
        0x8863 => "PPPoE discovery",
        0x8864 => "PPPoE session",
        0x888e => "802.1X",
        0x88a8 => "802.1ad QinQ",
        0x88cc => "LLDP",
        0x88e5 => "MACsec",
        0x88f7 => "PTP",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let head = cx.head::<14>();
    let Ok(eth) = Ethernet2HeaderSlice::from_slice(&head) else {
        return Next::Done;
    };
    cx.set_header(14);
    fixed!(
        cx,
        14,
        (0, &DST, 0, 6, Value::Mac(Mac(eth.destination()))),
        (0, &SRC, 6, 6, Value::Mac(Mac(eth.source()))),
    );
    let ether_type = eth.ether_type().0;
    if !cx.need(14) {
        return Next::Done;
    }
    // Below 0x600 the field is a length (IEEE 802.3 3.2.6).
    if ether_type < 0x600 {
        cx.uint(&LEN, 12, 2, ether_type);
        return Next::data(14..u32::from(ether_type).saturating_add(14));
    }
    cx.uint(&TYPE, 12, 2, ether_type);
    Next::Proto(Claim::EtherType(ether_type).into(), 14..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let mac = |spec| match packet.field(layer, spec).map(|field| field.value) {
        Some(Value::Mac(mac)) => mac,
        _ => Mac::default(),
    };
    let _ = write!(out, "{} > {}", mac(&SRC), mac(&DST));
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    if let Some(kind) = number(&TYPE) {
        let _ = match ethertype(kind) {
            Some(name) => write!(out, " {name}"),
            None => write!(out, " type 0x{kind:04x}"),
        };
    }
}
