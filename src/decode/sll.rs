//! Linux cooked captures, both versions: what a capture of every interface begins with.
//!
//! ```text
//! version 1: | packet type 2 | ARPHRD 2 | length 2 | address 8 | protocol 2 |
//! version 2: | protocol 2 | reserved 2 | interface 4 | ARPHRD 2 | type 1 | length 1 | address 8 |
//! ```

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::ethernet::ethertype;
use super::spec::specs;
use super::{Claim, Cx, Layer, LinkType, Mac, Next, Packet, Proto, Sample, Show, Value};

specs! {
    PACKET_TYPE = "sll.pkttype", "Packet type", Show::Named(packet_type), "LINKTYPE_LINUX_SLL",
        "Which way the packet went, and to whom.";
    HARDWARE = "sll.hatype", "Hardware type", Show::Named(hardware), "LINKTYPE_LINUX_SLL",
        "Kind of interface, as the kernel numbers them (ARPHRD).";
    ADDRESS_LEN = "sll.halen", "Address length", Show::Unit("bytes"), "LINKTYPE_LINUX_SLL",
        "Length of the sender's hardware address.";
    ETH = "sll.src.eth", "Source", Show::Plain, "LINKTYPE_LINUX_SLL",
        "Hardware address of the sender.";
    IPV4 = "sll.src.ipv4", "Source", Show::Plain, "LINKTYPE_LINUX_SLL",
        "Hardware address of the sender, on a tunnel an IPv4 address.";
    OTHER = "sll.src.other", "Source", Show::Plain, "LINKTYPE_LINUX_SLL",
        "Hardware address of the sender, of another kind.";
    UNUSED = "sll.unused", "Unused", Show::Plain, "LINKTYPE_LINUX_SLL",
        "Bytes of the address field that are not used.";
    ETHERTYPE = "sll.etype", "Protocol", Show::Named(ethertype), "LINKTYPE_LINUX_SLL",
        "What the frame carries.";
    LTYPE = "sll.ltype", "Protocol", Show::Hex(4), "LINKTYPE_LINUX_SLL",
        "What the frame carries, as the kernel numbers frames without a type.";
    INTERFACE = "sll.ifindex", "Interface index", Show::Dec, "LINKTYPE_LINUX_SLL2",
        "Number of the interface on the capturing host.";
}

/// Version 1.
pub static PROTO: Proto = Proto {
    key: "sll",
    name: "Linux cooked capture",
    rfc: "LINKTYPE_LINUX_SLL",
    claims: &[Claim::Link(LinkType::LinuxSll)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0],
    }],
    decode: |cx| {
        let h = cx.head::<16>();
        cx.uint(&PACKET_TYPE, 0, 2, u16::from_be_bytes([h[0], h[1]]));
        let hardware = u16::from_be_bytes([h[2], h[3]]);
        cx.uint(&HARDWARE, 2, 2, hardware);
        let len = u16::from_be_bytes([h[4], h[5]]);
        cx.uint(&ADDRESS_LEN, 4, 2, len);
        address(cx, 6, hardware, len);
        protocol(cx, 14, u16::from_be_bytes([h[14], h[15]]), 16)
    },
    summary,
};

/// Version 2.
pub static PROTO_V2: Proto = Proto {
    key: "sll2",
    name: "Linux cooked capture v2",
    rfc: "LINKTYPE_LINUX_SLL2",
    claims: &[Claim::Link(LinkType::LinuxSll2)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
    }],
    decode: |cx| {
        let h = cx.head::<20>();
        let next = protocol(cx, 0, u16::from_be_bytes([h[0], h[1]]), 20);
        let interface = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
        cx.uint(&INTERFACE, 4, 4, interface);
        let hardware = u16::from_be_bytes([h[8], h[9]]);
        cx.uint(&HARDWARE, 8, 2, hardware);
        cx.uint(&PACKET_TYPE, 10, 1, h[10]);
        cx.uint(&ADDRESS_LEN, 11, 1, h[11]);
        address(cx, 12, hardware, h[11].into());
        next
    },
    summary,
};

/// packet(7), sll_pkttype.
fn packet_type(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "to us",
        1 => "broadcast",
        2 => "multicast",
        3 => "to another host",
        4 => "sent by us",
        _ => return None,
    })
}

/// linux/if_arp.h, those in common use.
fn hardware(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Ethernet",
        512 => "PPP",
        768 => "IPIP tunnel",
        769 => "IPv6 tunnel",
        772 => "loopback",
        776 => "SIT tunnel",
        778 => "GRE tunnel",
        803 => "802.11 with radiotap",
        823 => "GRE tunnel over IPv6",
        0xfffe => "none",
        _ => return None,
    })
}

/// The eight bytes of the address field.
fn address(cx: &mut Cx<'_>, at: u32, hardware: u16, len: u16) {
    let len = u32::from(len.min(8));
    match (hardware, len, cx.array::<8>(at)) {
        (1 | 772, 6, Some(_)) => {
            let mac = Mac(cx.array(at).unwrap_or_default());
            cx.add(&ETH, at, 6, Value::Mac(mac));
        }
        (_, 4, Some([a, b, c, d, ..])) => {
            cx.add(&IPV4, at, 4, Value::Ipv4(Ipv4Addr::new(a, b, c, d)));
        }
        _ => cx.raw(&OTHER, at, len),
    }
    cx.raw(&UNUSED, at.saturating_add(len), 8u32.saturating_sub(len));
}

fn protocol(cx: &mut Cx<'_>, at: u32, protocol: u16, header: u32) -> Next {
    cx.set_header(header);
    // Below 0x600 are the kernel's own numbers for frames without an EtherType.
    let typed = protocol >= 0x600;
    cx.uint(if typed { &ETHERTYPE } else { &LTYPE }, at, 2, protocol);
    if !cx.need(header) {
        return Next::Done;
    }
    if typed {
        Next::Proto(Claim::EtherType(protocol).into(), header..cx.len())
    } else {
        Next::data(header..cx.len())
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let value = |spec| packet.field(layer, spec).map(|field| field.value);
    if let Some(index) = value(&INTERFACE).and_then(Value::as_u64) {
        let _ = write!(out, "interface {index} ");
    }
    if let Some(Value::Mac(mac)) = value(&ETH) {
        let _ = write!(out, "{mac} ");
    }
    let kind = value(&PACKET_TYPE).and_then(Value::as_u64);
    out.push_str(kind.and_then(packet_type).unwrap_or("cooked"));
}
