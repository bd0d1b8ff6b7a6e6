//! Datagrams in pieces: in every order, twice, overlapping, for ever.

use super::*;
use crate::decode::{Direction, Flags, LinkType, udp};
use crate::event::Stamp;

/// A UDP datagram with `len` bytes of payload.
fn udp(len: usize) -> Vec<u8> {
    let mut bytes = vec![0x30, 0x39, 0, 7];
    bytes.extend(u16::try_from(len + 8).unwrap().to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((0..len).map(|index| u8::try_from(index % 251).unwrap()));
    bytes
}

/// An IPv4 fragment from 10.0.0.1 to 10.0.0.2.
fn v4(id: u16, data: &[u8], at: usize, more: bool) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend(u16::try_from(data.len() + 20).unwrap().to_be_bytes());
    bytes.extend(id.to_be_bytes());
    let word = u16::try_from(at / 8).unwrap() | u16::from(more) << 13;
    bytes.extend(word.to_be_bytes());
    bytes.extend([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(data);
    bytes
}

/// The same in IPv6, from ::1 to ::2.
fn v6(id: u32, data: &[u8], at: usize, more: bool) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(u16::try_from(data.len() + 8).unwrap().to_be_bytes());
    bytes.extend([44, 64]);
    for last in [1, 2] {
        bytes.extend([0; 15]);
        bytes.push(last);
    }
    bytes.extend([17, 0]);
    let word = u16::try_from(at).unwrap() | u16::from(more);
    bytes.extend(word.to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(data);
    bytes
}

struct Bench {
    decoder: Decoder,
    defrag: Defrag,
    packet: Packet,
    number: u64,
    now: i64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(),
            defrag: Defrag::new(limits),
            packet: Packet::new(),
            number: 0,
            now: 0,
        }
    }

    /// Length of the UDP datagram that a packet makes whole.
    fn input(&mut self, bytes: &[u8], wire_len: usize) -> Option<u64> {
        self.number += 1;
        let frame = Frame {
            at: Timestamp(self.now),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Raw,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: u32::try_from(wire_len).unwrap(),
            bytes,
        };
        self.decoder.decode(&frame, &mut self.packet);
        self.defrag
            .input(&self.decoder, &frame, self.number, &mut self.packet);
        if self.packet.reassembled() == 0 {
            return None;
        }
        let udp = self.packet.layer("udp").unwrap();
        assert_eq!((udp.buf, udp.at), (1, 0));
        let layers: Vec<_> = self
            .packet
            .layers()
            .iter()
            .map(|one| one.proto.key)
            .collect();
        assert!(
            !layers.contains(&"data") || layers.ends_with(&["udp", "data"]),
            "{layers:?}"
        );
        self.packet.number(&udp::LENGTH)
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<u64> {
        self.input(bytes, bytes.len())
    }

    fn problems(&self) -> Vec<&'static str> {
        let problems = self.packet.problems().iter();
        problems.map(|problem| problem.key).collect()
    }
}

type Make = fn(&[u8], usize, bool) -> Vec<u8>;
const MAKES: [Make; 2] = [
    |data, at, more| v4(7, data, at, more),
    |data, at, more| v6(7, data, at, more),
];

#[test]
fn every_order_of_three_fragments_gives_the_datagram() {
    let data = udp(100);
    let cuts = [0..48, 48..64, 64..108];
    for make in MAKES {
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut bench = Bench::new(Limits::default());
            for (turn, index) in order.iter().enumerate() {
                let cut = cuts[*index].clone();
                let bytes = make(&data[cut.clone()], cut.start, *index < 2);
                let expected = (turn == 2).then_some(108);
                assert_eq!(bench.whole(&bytes), expected, "{order:?}");
            }
            let bytes = bench.packet.bufs_for_test();
            assert_eq!(bytes, std::slice::from_ref(&data));
            let counts = bench.defrag.counts();
            assert_eq!((counts.whole, counts.fragments, counts.waiting), (1, 3, 0));
            assert_eq!(bench.defrag.bytes, 0);
        }
    }
}

#[test]
fn the_tree_says_which_packets_brought_the_parts() {
    let data = udp(8);
    let mut bench = Bench::new(Limits::default());
    bench.whole(&v4(1, &data[8..], 8, false));
    assert_eq!(bench.whole(&v4(1, &data[..8], 0, true)), Some(16));
    let ip = bench.packet.layer("ip").unwrap();
    let fields = bench.packet.fields_of(ip).iter();
    let tail: Vec<_> = fields
        .skip_while(|field| field.spec.key != "ip.fragment")
        .map(|field| (field.spec.key, field.value.as_u64().unwrap()))
        .collect();
    assert_eq!(
        tail,
        [
            ("ip.fragment", 2),
            ("ip.fragment", 1),
            ("ip.fragment.count", 2),
            ("ip.reassembled.length", 16)
        ]
    );
}

#[test]
fn copies_are_passed_over_and_overlaps_give_the_datagram_up() {
    let data = udp(40);
    for make in MAKES {
        let mut bench = Bench::new(Limits::default());
        bench.whole(&make(&data[..24], 0, true));
        bench.whole(&make(&data[..24], 0, true));
        assert_eq!(bench.defrag.counts().copies, 1);
        assert_eq!(bench.whole(&make(&data[24..], 24, false)), Some(48));

        let mut bench = Bench::new(Limits::default());
        bench.whole(&make(&data[..24], 0, true));
        bench.whole(&make(&data[16..32], 16, true));
        assert_eq!(bench.problems().last(), Some(&"ip.fragment.overlap"));
        // What is left of it does not become a datagram.
        assert_eq!(bench.whole(&make(&data[24..], 24, false)), None);
        assert_eq!(bench.whole(&make(&data[..24], 0, true)), None);
        assert_eq!(bench.defrag.counts().contradictory, 1);
        // Other bytes at the same place are no copy.
        let mut bench = Bench::new(Limits::default());
        bench.whole(&make(&data[..24], 0, true));
        bench.whole(&make(&[9; 24], 0, true));
        assert_eq!(bench.problems().last(), Some(&"ip.fragment.overlap"));
    }
}

#[test]
fn ends_and_lengths_that_lie_are_refused() {
    let data = udp(40);
    for make in MAKES {
        let mut bench = Bench::new(Limits::default());
        bench.whole(&make(&data[24..], 24, false));
        bench.whole(&make(&data[..24], 48, true));
        assert_eq!(bench.problems().last(), Some(&"ip.fragment.end"));
        let mut bench = Bench::new(Limits::default());
        bench.whole(&make(&data[..23], 0, true));
        assert_eq!(bench.problems().last(), Some(&"ip.fragment.length"));
        bench.whole(&make(&data[..24], 65_528, false));
        assert_eq!(bench.problems().last(), Some(&"ip.fragment.long"));
        bench.whole(&make(&[], 0, true));
        assert_eq!(bench.defrag.counts().unusable, 3);
        // Cut by the capture.
        let bytes = make(&data[..24], 0, true);
        bench.input(&bytes[..bytes.len() - 1], bytes.len());
        assert_eq!(bench.defrag.counts().unusable, 4);
        assert_eq!(bench.defrag.bytes, 0);
    }
}

#[test]
fn time_and_room_are_limits_and_what_they_cost_is_counted() {
    let data = udp(16);
    let mut bench = Bench::new(Limits::default());
    bench.whole(&v4(1, &data[..8], 0, true));
    bench.now = 60_000_000_000;
    assert_eq!(bench.whole(&v4(1, &data[8..], 8, false)), None);
    assert_eq!(bench.defrag.counts().expired, 1);
    assert_eq!(bench.defrag.counts().waiting, 1);
    // A clock that went back expires nothing.
    bench.now = -60_000_000_000;
    assert_eq!(bench.whole(&v4(1, &data[..8], 0, true)), Some(24));

    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    for id in 0..1000 {
        bench.whole(&v4(id, &data[..8], 0, true));
        assert!(bench.defrag.entries.len() <= 10);
        assert!(bench.defrag.order.len() <= 100);
    }
    assert_eq!(bench.defrag.counts().evicted, 990);
    assert_eq!(bench.whole(&v4(999, &data[8..], 8, false)), Some(24));
    assert_eq!(bench.whole(&v4(0, &data[8..], 8, false)), None);

    let limits = Limits {
        bytes: 10_000,
        ..Limits::default()
    };
    let mut bench = Bench::new(limits);
    for id in 0..1000 {
        bench.whole(&v6(id, &udp(1024)[..1024], 0, true));
        assert!(bench.defrag.bytes <= 10_000);
    }
    let counts = bench.defrag.counts();
    assert_eq!(counts.evicted + counts.waiting, 1000);
    // Nothing left behind by thousands of whole ones behind one that waits.
    let mut bench = Bench::new(Limits::default());
    bench.whole(&v4(65_535, &data[..8], 0, true));
    for id in 0..2000 {
        bench.whole(&v4(id, &data[..8], 0, true));
        assert_eq!(bench.whole(&v4(id, &data[8..], 8, false)), Some(24));
    }
    assert!(bench.defrag.order.len() < 100);
}

#[test]
fn fragments_in_fragments_come_out_and_end() {
    // An IPv4 fragment in an IPv4 tunnel, itself in two fragments.
    let data = udp(40);
    let mut inner = v4(5, &data[..24], 0, true);
    let outer = |data: &[u8], at, more| {
        let mut bytes = v4(6, data, at, more);
        bytes[9] = 4;
        bytes
    };
    let mut bench = Bench::new(Limits::default());
    assert_eq!(bench.whole(&v4(5, &data[24..], 24, false)), None);
    bench.whole(&outer(&inner[..24], 0, true));
    inner.extend([0; 0]);
    let bytes = outer(&inner[24..], 24, false);
    bench.number += 1;
    let frame = Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes: &bytes,
    };
    bench.decoder.decode(&frame, &mut bench.packet);
    bench
        .defrag
        .input(&bench.decoder, &frame, 4, &mut bench.packet);
    let bufs: Vec<u8> = bench
        .packet
        .layers()
        .iter()
        .map(|layer| layer.buf)
        .collect();
    assert_eq!(bufs, [0, 1, 2, 2], "{:?}", bench.packet.layers());
    assert_eq!(bench.packet.number(&udp::LENGTH), Some(48));
}
