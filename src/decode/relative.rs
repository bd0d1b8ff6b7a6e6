//! TCP numbers counted from the start of their connection: what a run of packets knows and one packet
//! does not. The table of connections is limited; the oldest makes room.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::{Packet, Value, ipv4, ipv6, tcp};

/// Most connections that are remembered.
const MAX_STREAMS: usize = 32_768;

/// The two ends of a connection, the lower one first.
type Key = [(IpAddr, u16); 2];

/// The first sequence numbers of the connections seen so far.
#[derive(Debug, Default)]
pub struct Relative {
    /// What to subtract from the numbers of each end.
    streams: HashMap<Key, [Option<u32>; 2]>,
    /// Oldest first.
    order: VecDeque<Key>,
    forgotten: u64,
}

/// What a segment says.
struct Segment {
    layer: usize,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    seq: u32,
    ack: u32,
    flags: u64,
}

impl Relative {
    /// Adds `tcp.seq` and `tcp.ack` to the TCP layers of a decoded packet. A connection whose
    /// beginning was not seen counts from the first segment that was, beginning with 1.
    pub fn note(&mut self, packet: &mut Packet) {
        // Most packets have one; behind each tunnel there can be another.
        for from in 0..packet.layers().len() {
            let is_tcp = |layer: &super::Layer| {
                std::ptr::eq(layer.proto, &raw const tcp::PROTO) && !layer.quoted
            };
            if packet.layers().get(from).is_some_and(is_tcp)
                && let Some(segment) = segment(packet, from)
            {
                let (seq, ack) = self.count(&segment);
                packet.add_relative(segment.layer, seq, ack);
            }
        }
    }

    /// Connections that were forgotten to make room: their numbers began anew if they went on.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn count(&mut self, segment: &Segment) -> (u32, Option<u32>) {
        const SYN: u64 = 2;
        const ACK: u64 = 0x10;
        let (syn, acks) = (segment.flags & SYN != 0, segment.flags & ACK != 0);
        let swapped = segment.from > segment.to;
        let key = if swapped {
            [segment.to, segment.from]
        } else {
            [segment.from, segment.to]
        };
        if !self.streams.contains_key(&key) {
            self.make_room();
            self.order.push_back(key);
        }
        let bases = self.streams.entry(key).or_default();
        let [mine, theirs] = bases;
        let (mine, theirs) = if swapped {
            (theirs, mine)
        } else {
            (mine, theirs)
        };
        if syn && *mine != Some(segment.seq) {
            // The ports are used again.
            *mine = Some(segment.seq);
            if !acks {
                *theirs = None;
            }
        }
        let base = *mine.get_or_insert(segment.seq.wrapping_sub(1));
        let seq = segment.seq.wrapping_sub(base);
        let ack = acks.then(|| {
            let base = *theirs.get_or_insert(segment.ack.wrapping_sub(1));
            segment.ack.wrapping_sub(base)
        });
        (seq, ack)
    }

    fn make_room(&mut self) {
        if self.streams.len() >= MAX_STREAMS
            && let Some(oldest) = self.order.pop_front()
        {
            self.streams.remove(&oldest);
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }
}

/// Reads the TCP layer at this index; `None` if it or its addresses are not whole.
fn segment(packet: &Packet, index: usize) -> Option<Segment> {
    let layer = packet.layers().get(index)?;
    let tcp = packet.reader(layer);
    let number = |place, spec| tcp.number(place, spec);
    let word = |place, spec| number(place, spec).and_then(|value| u32::try_from(value).ok());
    let port = |place, spec| number(place, spec).and_then(|value| u16::try_from(value).ok());
    let outside = packet.layers().get(..index)?.iter().rev();
    let addresses = outside.clone().find_map(|layer| {
        let ip = packet.reader(layer);
        let address = |value| match value {
            Value::Ipv4(address) => Some(IpAddr::V4(address)),
            Value::Ipv6(address) => Some(IpAddr::V6(address)),
            _ => None,
        };
        let (from, to) = if std::ptr::eq(layer.proto, &raw const ipv4::PROTO) {
            (ip.value(16, &ipv4::SRC)?, ip.value(17, &ipv4::DST)?)
        } else if std::ptr::eq(layer.proto, &raw const ipv6::PROTO) {
            (ip.value(8, &ipv6::SRC)?, ip.value(9, &ipv6::DST)?)
        } else {
            return None;
        };
        Some((address(from)?, address(to)?))
    })?;
    // Without the length, its last field, the header was cut.
    number(usize::MAX, &tcp::LEN)?;
    Some(Segment {
        layer: index,
        from: (addresses.0, port(0, &tcp::SRC_PORT)?),
        to: (addresses.1, port(1, &tcp::DST_PORT)?),
        seq: word(2, &tcp::SEQ)?,
        ack: word(3, &tcp::ACK)?,
        flags: number(5, &tcp::FLAGS)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::LinkType;
    use crate::decode::testing::decoded;

    /// One end, its port; the other, its port; flags, sequence and acknowledgment number.
    fn noted(
        relative: &mut Relative,
        ends: [(u8, u16); 2],
        flags: u8,
        seq: u32,
        ack: u32,
    ) -> Packet {
        let [(from, from_port), (to, to_port)] = ends;
        let mut bytes = vec![
            0x45, 0, 0, 41, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to,
        ];
        bytes.extend(from_port.to_be_bytes());
        bytes.extend(to_port.to_be_bytes());
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([0x50, flags, 1, 0, 0, 0, 0, 0, b'x']);
        let mut packet = decoded(LinkType::Raw, &bytes, bytes.len());
        relative.note(&mut packet);
        packet
    }

    fn numbers(packet: &Packet) -> (Option<u64>, Option<u64>) {
        (
            packet.number(&tcp::RELATIVE_SEQ),
            packet.number(&tcp::RELATIVE_ACK),
        )
    }

    const THERE: [(u8, u16); 2] = [(1, 5000), (2, 80)];
    const BACK: [(u8, u16); 2] = [(2, 80), (1, 5000)];

    #[test]
    fn a_connection_counts_from_its_syns_also_over_the_end_of_the_numbers() {
        let mut relative = Relative::default();
        let mut step =
            |ends, flags, seq, ack| numbers(&noted(&mut relative, ends, flags, seq, ack));
        assert_eq!(step(THERE, 2, u32::MAX, 0), (Some(0), None));
        assert_eq!(step(BACK, 0x12, 900, 0), (Some(0), Some(1)));
        assert_eq!(step(THERE, 0x10, 0, 901), (Some(1), Some(1)));
        assert_eq!(step(THERE, 0x18, 0, 901), (Some(1), Some(1)));
        assert_eq!(step(BACK, 0x10, 901, 10), (Some(1), Some(11)));
        // The same ports again.
        assert_eq!(step(THERE, 2, 77, 0), (Some(0), None));
        assert_eq!(step(BACK, 0x12, 5, 78), (Some(0), Some(1)));
    }

    #[test]
    fn a_connection_that_was_running_counts_from_one() {
        let mut relative = Relative::default();
        let first = noted(&mut relative, THERE, 0x18, 1000, 2000);
        assert_eq!(numbers(&first), (Some(1), Some(1)));
        let next = noted(&mut relative, BACK, 0x10, 2000, 1001);
        assert_eq!(numbers(&next), (Some(1), Some(2)));
    }

    #[test]
    fn the_fields_stand_in_their_layer_and_the_data_behind_it() {
        let packet = noted(&mut Relative::default(), THERE, 0x18, 1, 1);
        let tcp = packet.layer("tcp").unwrap();
        let keys: Vec<&str> = packet
            .fields_of(tcp)
            .iter()
            .map(|field| field.spec.key)
            .collect();
        assert!(
            keys.ends_with(&["tcp.seq", "tcp.ack", "tcp.len"]),
            "{keys:?}"
        );
        let data = packet.layer("data").unwrap();
        assert_eq!(packet.fields_of(data)[0].spec.key, "data.data");
    }

    #[test]
    fn the_oldest_connection_makes_room() {
        let mut relative = Relative::default();
        for port in 0..u16::try_from(MAX_STREAMS).unwrap() {
            let end = |last, port| (IpAddr::from([10, 0, 0, last]), port);
            relative.count(&Segment {
                layer: 0,
                from: end(1, port),
                to: end(2, 80),
                seq: 7,
                ack: 0,
                flags: 2,
            });
        }
        assert_eq!(relative.forgotten(), 0);
        noted(&mut relative, [(1, 60_000), (2, 80)], 2, 7, 0);
        assert_eq!(
            (relative.forgotten(), relative.streams.len()),
            (1, MAX_STREAMS)
        );
        let again = noted(&mut relative, [(1, 0), (2, 80)], 0x10, 500, 1);
        assert_eq!(numbers(&again).0, Some(1));
    }
}
