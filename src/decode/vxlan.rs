//! VXLAN: an Ethernet frame in UDP, with the number of its virtual network.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |G . . . I . . . . D . . A . . .|         group policy          |
//! +-------------------------------+---------------+---------------+
//! |            VXLAN network identifier           |   reserved    |
//! +-----------------------------------------------+---------------+
//! ```

use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, LinkType, Next, Packet, Proto, Sample, Show, Spec, Value};

specs! {
    FLAGS = "vxlan.flags", "Flags", Show::Hex(4), "RFC 7348 5",
        "Which of the fields below have a meaning.";
    G = "vxlan.flag_g", "Group policy", Show::Plain, "draft-smith-vxlan-group-policy",
        "The group policy field counts.";
    I = "vxlan.flag_i", "Network identifier", Show::Plain, "RFC 7348 5",
        "The network identifier counts; must be set.";
    D = "vxlan.flag_d", "Don't learn", Show::Plain, "draft-smith-vxlan-group-policy",
        "The tunnel's end must not learn where the address is.";
    A = "vxlan.flag_a", "Policy applied", Show::Plain, "draft-smith-vxlan-group-policy",
        "The group's rules were applied already.";
    GROUP = "vxlan.gbp", "Group policy ID", Show::Dec, "draft-smith-vxlan-group-policy",
        "The group that the sender belongs to.";
    VNI = "vxlan.vni", "Network identifier", Show::Dec, "RFC 7348 5",
        "Which virtual network the frame belongs to.";
    RESERVED = "vxlan.reserved8", "Reserved", Show::Dec, "RFC 7348 5",
        "Must be zero.";
}

/// Virtual eXtensible LAN; 8472 is what Linux used before a port was assigned.
pub static PROTO: Proto = Proto {
    key: "vxlan",
    name: "Virtual eXtensible LAN",
    rfc: "RFC 7348",
    claims: &[Claim::UdpPort(4789), Claim::UdpPort(8472)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[8, 0, 0, 0, 0, 0, 0x64, 0],
    }],
    decode,
    summary,
};

static BITS: [(&Spec, u16); 4] = [(&G, 0x8000), (&I, 0x0800), (&D, 0x0040), (&A, 0x0008)];

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let flags = u16::from_be_bytes([h[0], h[1]]);
    cx.set_header(8);
    let group = cx.open(&FLAGS, 0, 2, Value::Uint(flags.into()));
    for (spec, bit) in BITS {
        cx.add(spec, 0, 2, Value::Bool(flags & bit != 0));
    }
    cx.close(group);
    cx.uint(&GROUP, 2, 2, u16::from_be_bytes([h[2], h[3]]));
    cx.uint(&VNI, 4, 3, u32::from_be_bytes([0, h[4], h[5], h[6]]));
    cx.uint(&RESERVED, 7, 1, h[7]);
    if !cx.need(8) {
        return Next::Done;
    }
    if flags & 0x0800 == 0 {
        let text = "the I flag is not set: the network identifier is not valid".to_owned();
        cx.rule(0, 2, "vxlan.flags", "RFC 7348 5", text);
    }
    Next::Proto(Claim::Link(LinkType::Ethernet).into(), 8..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let vni = packet.field(layer, &VNI).and_then(|f| f.value.as_u64());
    if let Some(vni) = vni {
        push_number("VXLAN vni ", vni, out);
    }
}
