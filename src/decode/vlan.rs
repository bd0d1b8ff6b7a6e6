//! VLAN tags: 802.1Q and, stacked, 802.1ad (QinQ).
//!
//! ```text
//! +-----+-+-----------------------+-------------------------------+
//! | PCP |D|        VLAN id        |             type              |
//! +-----+-+-----------------------+-------------------------------+
//! ```

use std::fmt::Write as _;

use etherparse::SingleVlanHeaderSlice;

use super::ethernet::ethertype;
use super::spec::specs;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Value};

specs! {
    PRIORITY = "vlan.priority", "Priority", Show::Dec, "IEEE 802.1Q 9.6",
        "Class of service, 0 to 7.";
    DEI = "vlan.dei", "Drop eligible", Show::Plain, "IEEE 802.1Q 9.6",
        "The frame may be dropped first when a link is full.";
    ID = "vlan.id", "VLAN", Show::Dec, "IEEE 802.1Q 9.6",
        "Which virtual network the frame belongs to; 0 is none, only a priority.";
    TYPE = "vlan.etype", "Type", Show::Named(ethertype), "IEEE 802.1Q 9.6",
        "What follows the tag.";
    LEN = "vlan.len", "Length", Show::Unit("bytes"), "IEEE 802.1Q 9.6",
        "Length of the payload in an 802.3 frame without a type.";
}

/// One VLAN tag.
pub static PROTO: Proto = Proto {
    key: "vlan",
    name: "VLAN tag",
    rfc: "IEEE 802.1Q 9.6",
    claims: &[
        Claim::EtherType(0x8100),
        Claim::EtherType(0x88a8),
        Claim::EtherType(0x9100),
    ],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0, 0x64, 8, 0],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let head = cx.head::<4>();
    let Ok(tag) = SingleVlanHeaderSlice::from_slice(&head) else {
        return Next::Done;
    };
    cx.set_header(4);
    cx.uint(&PRIORITY, 0, 1, tag.priority_code_point().value());
    cx.add(&DEI, 0, 1, Value::Bool(tag.drop_eligible_indicator()));
    cx.uint(&ID, 0, 2, tag.vlan_identifier().value());
    let ether_type = tag.ether_type().0;
    if ether_type < 0x600 {
        cx.uint(&LEN, 2, 2, ether_type);
    } else {
        cx.uint(&TYPE, 2, 2, ether_type);
    }
    if !cx.need(4) {
        return Next::Done;
    }
    if ether_type < 0x600 {
        return Next::data(4..u32::from(ether_type).saturating_add(4));
    }
    Next::Proto(Claim::EtherType(ether_type).into(), 4..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    if let Some(id) = packet.field(layer, &ID).and_then(|f| f.value.as_u64()) {
        let _ = write!(out, "vlan {id}");
    }
}
