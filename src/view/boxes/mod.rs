//! Header boxes: which bits of a header hold which field. Nothing here knows a protocol: the place
//! of a field is measured, by flipping each bit and decoding again. So a box cannot disagree with
//! the decoder, and a new protocol has its box at once. How boxes look is in the files beside.

pub mod mermaid;
pub mod rows;
pub mod svg;
pub mod text;

use std::collections::HashMap;

use crate::decode::{Field, Frame, Layer, Packet, Proto, Spec, Value, decode_path};

/// A run of bits in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Index of the field in [`Packet::fields_of`]; `None`: bits that the decoder does not look at.
    pub field: Option<usize>,
    /// First bit, counted from the header's first.
    pub from: u32,
    /// The bit behind the last.
    pub to: u32,
}

impl Cell {
    /// How many bits.
    pub fn bits(&self) -> u32 {
        self.to.saturating_sub(self.from)
    }
}

/// Bytes that are measured bit by bit; behind them a field has all its bytes.
const MEASURED_BYTES: u32 = 512;
/// Shapes that are remembered.
const MAX_SHAPES: usize = 512;

/// What decides where fields are: the protocol, and each field's spec, place, length and depth.
#[derive(PartialEq, Eq, Hash)]
struct Shape(usize, u32, Vec<(usize, u32, u32, u8)>);

/// Measures headers, and remembers those of the same shape.
#[derive(Default)]
pub struct Measure {
    known: HashMap<Shape, Vec<Cell>>,
    scratch: Packet,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Measure({} shapes)", self.known.len())
    }
}

impl Measure {
    /// The header of layer `index`, cell by cell, without a gap. `packet` is `frame` decoded.
    pub fn cells(&mut self, frame: &Frame<'_>, packet: &Packet, index: usize) -> Vec<Cell> {
        let Some(layer) = packet.layers().get(index) else {
            return Vec::new();
        };
        let shape = shape(packet, layer);
        if let Some(cells) = self.known.get(&shape) {
            return cells.clone();
        }
        let owners = self.owners(frame, packet, index, layer);
        let cells = runs(&owners);
        if self.known.len() < MAX_SHAPES {
            self.known.insert(shape, cells.clone());
        }
        cells
    }

    /// For each bit of the header the index of its field.
    fn owners(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet,
        index: usize,
        layer: &Layer,
    ) -> Vec<Option<usize>> {
        let fields = packet.fields_of(layer);
        let bits = layer.len.saturating_mul(8);
        let path: Vec<&'static Proto> = packet
            .layers()
            .iter()
            .take(index.saturating_add(1))
            .map(|layer| layer.proto)
            .collect();
        self.bytes.clear();
        self.bytes.extend_from_slice(frame.bytes);
        // Bits on which a field changes, and bits on which it gives way to another reading of the
        // same bytes.
        let mut changing: Vec<Vec<u32>> = vec![Vec::new(); fields.len()];
        let mut going: Vec<Vec<u32>> = vec![Vec::new(); fields.len()];
        for bit in 0..bits {
            let place = layer.at.saturating_add(bit / 8);
            let numbers = fields
                .iter()
                .any(|field| covers(field, place) && !is_plain(field) && bit / 8 <= MEASURED_BYTES);
            if numbers {
                self.flip(frame, &path, place, 0x80 >> (bit % 8));
            }
            let flipped = self.scratch.layers().get(index);
            let now = flipped.map_or(&[][..], |layer| self.scratch.fields_of(layer));
            for (at, field) in fields.iter().enumerate() {
                if !covers(field, place) || field.value == Value::None {
                    continue;
                }
                let list = if is_plain(field) || bit / 8 > MEASURED_BYTES {
                    changing.get_mut(at)
                } else {
                    let twin = now
                        .iter()
                        .find(|now| std::ptr::eq(now.spec, field.spec) && now.at == field.at);
                    match twin {
                        Some(now) if now.value == field.value => None,
                        Some(_) => changing.get_mut(at),
                        None => going.get_mut(at),
                    }
                };
                if let Some(bits) = list {
                    bits.push(bit);
                }
            }
        }
        // The innermost first, and of those the shortest: what contains others gets the rest.
        let mut order: Vec<(bool, u8, usize, usize)> = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let depth = u8::MAX.saturating_sub(field.depth);
            for (gone, bits) in [(false, &changing), (true, &going)] {
                let bits = bits.get(at).map_or(0, Vec::len);
                order.push((gone, depth, bits, at));
            }
        }
        order.sort_unstable();
        let mut owners = vec![None; bits as usize];
        for (gone, _, _, at) in order {
            let bits = if gone { &going } else { &changing };
            for &bit in bits.get(at).into_iter().flatten() {
                if let Some(owner) = owners.get_mut(bit as usize) {
                    *owner = owner.or(Some(at));
                }
            }
        }
        owners
    }

    /// Decodes the frame with some bits of one byte flipped.
    fn flip(&mut self, frame: &Frame<'_>, path: &[&'static Proto], place: u32, mask: u8) {
        let place = place as usize;
        if let Some(byte) = self.bytes.get_mut(place) {
            *byte ^= mask;
        }
        let flipped = Frame {
            bytes: &self.bytes,
            ..*frame
        };
        decode_path(path, &flipped, &mut self.scratch);
        if let Some(byte) = self.bytes.get_mut(place) {
            *byte ^= mask;
        }
    }
}

fn covers(field: &Field, place: u32) -> bool {
    (field.at..field.at.saturating_add(field.len)).contains(&place)
}

/// Every bit of its bytes is the value.
fn is_plain(field: &Field) -> bool {
    matches!(
        field.value,
        Value::Bytes | Value::Mac(_) | Value::Ipv4(_) | Value::Ipv6(_) | Value::Text(..)
    )
}

fn shape(packet: &Packet, layer: &Layer) -> Shape {
    let fields = packet.fields_of(layer).iter();
    let fields = fields.map(|field| {
        let spec = std::ptr::from_ref::<Spec>(field.spec).addr();
        let at = field.at.saturating_sub(layer.at);
        (spec, at, field.len, field.depth)
    });
    let proto = std::ptr::from_ref::<Proto>(layer.proto).addr();
    Shape(proto, layer.len, fields.collect())
}

/// Bits in a row of the same owner become one cell.
fn runs(owners: &[Option<usize>]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for (bit, &field) in owners.iter().enumerate() {
        let bit = u32::try_from(bit).unwrap_or(u32::MAX);
        match cells.last_mut() {
            Some(cell) if cell.field == field => cell.to = bit.saturating_add(1),
            _ => cells.push(Cell {
                field,
                from: bit,
                to: bit.saturating_add(1),
            }),
        }
    }
    cells
}

/// A packet of one layer from a protocol's example, decoded.
pub fn sample<'a>(proto: &'static Proto, bytes: &'a [u8], packet: &mut Packet) -> Frame<'a> {
    let frame = Frame {
        at: crate::event::Timestamp(0),
        stamp: crate::event::Stamp::User,
        iface: 0,
        link: crate::decode::LinkType::Raw,
        dir: crate::decode::Direction::Unknown,
        flags: crate::decode::Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        bytes,
    };
    decode_path(&[proto], &frame, packet);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{PROTOS, icmp, ipv4, ipv6, ipv6_fragment, tcp, vlan};

    /// `key:from-to` of each cell.
    fn boxed(proto: &'static Proto, number: usize) -> Vec<String> {
        let mut packet = Packet::new();
        let frame = sample(proto, proto.samples[number].bytes, &mut packet);
        let cells = Measure::default().cells(&frame, &packet, 0);
        let fields = packet.fields_of(&packet.layers()[0]);
        cells
            .iter()
            .map(|cell| {
                let key = cell.field.map_or("-", |field| fields[field].spec.key);
                format!("{key} {}-{}", cell.from, cell.to - 1)
            })
            .collect()
    }

    #[test]
    fn the_pictures_of_the_rfcs_come_out() {
        assert_eq!(
            boxed(&ipv4::PROTO, 0),
            [
                "ip.version 0-3",
                "ip.hdr_len 4-7",
                "ip.dsfield.dscp 8-13",
                "ip.dsfield.ecn 14-15",
                "ip.len 16-31",
                "ip.id 32-47",
                "ip.flags.rb 48-48",
                "ip.flags.df 49-49",
                "ip.flags.mf 50-50",
                "ip.frag_offset 51-63",
                "ip.ttl 64-71",
                "ip.proto 72-79",
                "ip.checksum 80-95",
                "ip.src 96-127",
                "ip.dst 128-159",
            ]
        );
        assert_eq!(
            boxed(&ipv6::PROTO, 0)[..4],
            [
                "ipv6.version 0-3",
                "ipv6.tclass.dscp 4-9",
                "ipv6.tclass.ecn 10-11",
                "ipv6.flow 12-31"
            ]
        );
        assert_eq!(
            boxed(&vlan::PROTO, 0),
            [
                "vlan.priority 0-2",
                "vlan.dei 3-3",
                "vlan.id 4-15",
                "vlan.etype 16-31"
            ]
        );
        // Two bits between offset and flag that nobody reads.
        assert_eq!(
            boxed(&ipv6_fragment::PROTO, 0)[2..5],
            [
                "ipv6.fraghdr.offset 16-28",
                "- 29-30",
                "ipv6.fraghdr.more 31-31"
            ]
        );
        assert_eq!(
            boxed(&tcp::PROTO, 0)[4..15],
            [
                "tcp.hdr_len 96-99",
                "tcp.flags.res 100-102",
                "tcp.flags.ae 103-103",
                "tcp.flags.cwr 104-104",
                "tcp.flags.ece 105-105",
                "tcp.flags.urg 106-106",
                "tcp.flags.ack 107-107",
                "tcp.flags.push 108-108",
                "tcp.flags.reset 109-109",
                "tcp.flags.syn 110-110",
                "tcp.flags.fin 111-111",
            ]
        );
        assert_eq!(
            boxed(&icmp::PROTO, 0),
            [
                "icmp.type 0-7",
                "icmp.code 8-15",
                "icmp.checksum 16-31",
                "icmp.ident 32-47",
                "icmp.seq 48-63"
            ]
        );
    }

    /// The table test: for every sample of every protocol, a bit changes the value of the field
    /// that the box gives it to, no two fields share a bit, and every field has its bits.
    #[test]
    fn every_box_of_every_protocol_is_the_decoders() {
        let mut measure = Measure::default();
        for proto in PROTOS {
            for example in proto.samples {
                let about = format!("{} {}", proto.key, example.name);
                let mut packet = Packet::new();
                let frame = sample(proto, example.bytes, &mut packet);
                let layer = packet.layers()[0];
                let fields = packet.fields_of(&layer);
                let cells = measure.cells(&frame, &packet, 0);
                assert_eq!(cells[0].from, 0, "{about}");
                assert_eq!(cells[cells.len() - 1].to, layer.len * 8, "{about}");
                assert!(cells.windows(2).all(|pair| pair[0].to == pair[1].from));
                for (index, field) in fields.iter().enumerate() {
                    let group = fields
                        .get(index + 1)
                        .is_some_and(|next| next.depth > field.depth);
                    let inside = field.at + field.len <= layer.len;
                    if group || field.len == 0 || !inside || field.spec.key.ends_with("calculated")
                    {
                        continue;
                    }
                    assert!(
                        cells.iter().any(|cell| cell.field == Some(index)),
                        "{about}: {} has no bits: {cells:?}",
                        field.spec.key
                    );
                }
                for cell in &cells {
                    let Some(field) = cell.field else { continue };
                    for bit in cell.from..cell.to {
                        let mut bytes = example.bytes.to_vec();
                        bytes[bit as usize / 8] ^= 0x80 >> (bit % 8);
                        let mut other = Packet::new();
                        sample(proto, &bytes, &mut other);
                        let now = other.fields_of(&other.layers()[0]);
                        let spec = fields[field].spec;
                        let same = now
                            .iter()
                            .find(|now| std::ptr::eq(now.spec, spec) && now.at == fields[field].at);
                        let before = fields[field].value;
                        let changed = same.is_none_or(|now| match now.value {
                            // Text has all its bytes, also where it is coarser than they (a time).
                            Value::Bytes | Value::Text(..) => true,
                            now => now != before,
                        });
                        assert!(changed, "{about}: bit {bit} is not of {}", spec.key);
                    }
                }
            }
        }
    }

    #[test]
    fn a_box_inside_a_packet_is_the_same_as_alone() {
        let mut packet = Packet::new();
        let mut bytes = ipv4::PROTO.samples[0].bytes[..20].to_vec();
        bytes[9] = 6;
        bytes[3] = 40;
        bytes.extend_from_slice(tcp::PROTO.samples[0].bytes);
        let frame = Frame {
            bytes: &bytes,
            wire_len: 40,
            ..sample(&ipv4::PROTO, &[], &mut packet)
        };
        crate::decode::Decoder::new().decode(&frame, &mut packet);
        let inside = Measure::default().cells(&frame, &packet, 1);
        let mut alone = Packet::new();
        let frame = sample(&tcp::PROTO, tcp::PROTO.samples[0].bytes, &mut alone);
        let bits = |cells: Vec<Cell>| -> Vec<(u32, u32)> {
            cells.iter().map(|cell| (cell.from, cell.to)).collect()
        };
        assert_eq!(
            bits(inside),
            bits(Measure::default().cells(&frame, &alone, 0))
        );
    }
}
