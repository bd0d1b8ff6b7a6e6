//! Geneve: a tunnel in UDP with options. The options' data are each vendor's, and stay bytes.
//!
//! ```text
//! +---+-----------+-+-+-----------+-------------------------------+
//! |ver|  opt len  |O|C|   rsvd    |         protocol type         |
//! +---+-----------+-+-+-----------+---------------+---------------+
//! |        virtual network identifier             |   reserved    |
//! +-------------------------------+-+-------------+-----+---------+
//! |         option class          |C|    type     |rsvd | len / 4 |   options
//! ```

use super::ethernet::ethertype;
use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Value};

specs! {
    VERSION = "geneve.version", "Version", Show::Dec, "RFC 8926 3.4",
        "0; others are dropped.";
    FLAGS = "geneve.flags", "Flags", Show::Hex(2), "RFC 8926 3.4",
        "Control message, critical options, and six reserved bits.";
    OAM = "geneve.flags.oam", "Control packet", Show::Plain, "RFC 8926 3.4",
        "For the ends of the tunnel, not for a host behind them.";
    CRITICAL = "geneve.flags.critical", "Critical options", Show::Plain, "RFC 8926 3.4",
        "Who does not know every critical option must drop the packet.";
    PROTOCOL = "geneve.proto_type", "Protocol type", Show::Named(ethertype), "RFC 8926 3.4",
        "What the tunnel carries, as an EtherType; 0x6558 is Ethernet.";
    VNI = "geneve.vni", "Network identifier", Show::Dec, "RFC 8926 3.4",
        "Which virtual network it belongs to.";
    RESERVED = "geneve.reserved", "Reserved", Show::Dec, "RFC 8926 3.4",
        "Must be zero.";
    OPTION = "geneve.opt", "Option", Show::Plain, "RFC 8926 3.5",
        "One option of the tunnel.";
    CLASS = "geneve.option.class", "Class", Show::Hex(4), "RFC 8926 3.5",
        "Who defines the option's type.";
    TYPE = "geneve.option.type", "Type", Show::Hex(2), "RFC 8926 3.5",
        "What kind of option this is.";
    TYPE_CRITICAL = "geneve.option.type.critical", "Critical", Show::Plain, "RFC 8926 3.5",
        "Who does not know the option must drop the packet.";
    LENGTH = "geneve.option.length", "Length", Show::Unit("bytes"), "RFC 8926 3.5",
        "Length of the option with its four bytes of header.";
    DATA = "geneve.option.unknown.data", "Data", Show::Plain, "RFC 8926 3.5",
        "The option's data.";
}

/// Generic Network Virtualization Encapsulation.
pub static PROTO: Proto = Proto {
    key: "geneve",
    name: "Generic Network Virtualization Encapsulation",
    rfc: "RFC 8926",
    claims: &[Claim::UdpPort(6081)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[2, 0, 0x65, 0x58, 0, 0, 0x64, 0, 1, 0, 0, 1, 0, 0, 0, 1],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let header = u32::from(h[0] & 0x3f).saturating_mul(4).saturating_add(8);
    let protocol = u16::from_be_bytes([h[2], h[3]]);
    cx.set_header(header);
    cx.uint(&VERSION, 0, 1, h[0] >> 6);
    let group = cx.open(&FLAGS, 1, 1, Value::Uint(h[1].into()));
    cx.add(&OAM, 1, 1, Value::Bool(h[1] & 0x80 != 0));
    cx.add(&CRITICAL, 1, 1, Value::Bool(h[1] & 0x40 != 0));
    cx.close(group);
    cx.uint(&PROTOCOL, 2, 2, protocol);
    cx.uint(&VNI, 4, 3, u32::from_be_bytes([0, h[4], h[5], h[6]]));
    cx.uint(&RESERVED, 7, 1, h[7]);
    if !cx.need(8) {
        return Next::Done;
    }
    if h[0] >> 6 != 0 {
        let text = format!("version is {}, must be 0", h[0] >> 6);
        cx.invalid(0, 1, "geneve.version", "RFC 8926 3.4", text);
        return Next::data(8..cx.len());
    }
    options(cx, header);
    if !cx.need(header) {
        return Next::Done;
    }
    Next::Proto(Claim::EtherType(protocol).into(), header..cx.len())
}

fn options(cx: &mut Cx<'_>, header: u32) {
    let mut at: u32 = 8;
    while let (true, Some([high, low, kind, units])) = (at < header, cx.array(at)) {
        let place = |offset: u32| at.saturating_add(offset);
        let len = u32::from(units & 0x1f).saturating_mul(4).saturating_add(4);
        let group = cx.open(&OPTION, at, len, Value::None);
        cx.uint(&CLASS, at, 2, u16::from_be_bytes([high, low]));
        cx.uint(&TYPE, place(2), 1, kind);
        cx.add(&TYPE_CRITICAL, place(2), 1, Value::Bool(kind & 0x80 != 0));
        cx.uint(&LENGTH, place(3), 1, len);
        if place(len) > header {
            let left = header.saturating_sub(at);
            let text = format!("an option of {len} bytes, the header leaves {left}");
            cx.invalid(at, 4, "geneve.option.length", "RFC 8926 3.5", text);
        } else {
            cx.raw(&DATA, place(4), len.saturating_sub(4));
        }
        cx.close(group);
        at = place(len);
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let vni = packet.field(layer, &VNI).and_then(|f| f.value.as_u64());
    if let Some(vni) = vni {
        push_number("Geneve vni ", vni, out);
    }
}
