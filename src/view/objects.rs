//! The objects that a router added to an ICMP error (RFC 4884): a line each, and one for each label
//! of an MPLS stack.

use super::value::render_value;
use crate::decode::{Frame, Layer, Packet};

/// Fields that only say how an object is built.
const BUILT: [&str; 7] = [
    "icmp.ext.length",
    "icmp.int_info.ifindex",
    "icmp.int_info.ipaddr",
    "icmp.int_info.name_present",
    "icmp.int_info.mtu_present",
    "icmp.int_info.name_length",
    "icmp.int_info.afi",
];

/// One line for each object of the message in `packet`, which was decoded from `frame`.
pub fn lines(frame: &Frame<'_>, packet: &Packet) -> Vec<String> {
    let layers = packet.layers().iter().filter(|layer| !layer.quoted);
    layers
        .flat_map(|layer| of_layer(frame, packet, layer))
        .collect()
}

fn of_layer(frame: &Frame<'_>, packet: &Packet, layer: &Layer) -> Vec<String> {
    let fields = packet.fields_of(layer);
    let mut lines = Vec::new();
    for (index, group) in fields.iter().enumerate() {
        if !["icmp.ext.object", "icmp.mpls"].contains(&group.spec.key) {
            continue;
        }
        let behind = fields.get(index.saturating_add(1)..).unwrap_or(&[]);
        let inside = behind.iter().take_while(|field| field.depth > group.depth);
        // A label stack is one object with several labels, each a group of its own.
        if inside.clone().any(|field| field.spec.key == "icmp.mpls") {
            continue;
        }
        let words: Vec<String> = inside
            .enumerate()
            .filter(|(_, field)| !BUILT.contains(&field.spec.key))
            .map(|(offset, field)| {
                let mut words = format!("{} ", field.spec.label);
                let index = index.saturating_add(1).saturating_add(offset);
                render_value(frame, packet, layer, index, &mut words);
                words
            })
            .collect();
        lines.push(format!("{}: {}", group.spec.label, words.join(", ")));
    }
    lines
}
