//! A bounded, seeded walk through mutations of the golden captures: the fuzz targets' properties on
//! stable Rust, in every test run. The real fuzzers are in `tests/fuzz`.

use rawsock::decode::{Decoder, Frame, LinkType, MAX_FIELDS, MAX_LAYERS, Packet};
use rawsock::defrag::Defrag;
use rawsock::view::line::{self, render_line};
use rawsock::view::packet_json::{About, render_json};
use rawsock::view::tree::{self, render_tree};

#[path = "golden/mod.rs"]
mod golden;

/// xorshift64*: repeatable without a dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        // Often a border value: lengths and counts break there.
        match self.below(4) {
            0 => [0, 1, 4, 5, 7, 8, 0x45, 0x60, 0x7f, 0x80, 0xff][self.below(11)],
            _ => self.next().to_be_bytes()[0],
        }
    }
}

/// What must hold for any bytes.
fn check(decoder: &Decoder, packet: &mut Packet, frame: &Frame<'_>, views: bool) {
    decoder.decode(frame, packet);
    let captured = frame.bytes.len();
    assert!(packet.layers().len() <= MAX_LAYERS);
    let mut fields = 0;
    for layer in packet.layers() {
        assert!(
            layer.at as usize + layer.len as usize <= captured,
            "{layer:?}"
        );
        let mut depth = 0;
        for field in packet.fields_of(layer) {
            let (at, len) = (field.at as usize, field.len as usize);
            assert!(at + len <= captured, "{field:?} in {captured} bytes");
            assert!(field.depth <= depth + 1, "{field:?}: pre-order");
            depth = field.depth;
            fields += 1;
        }
    }
    assert!(fields <= MAX_FIELDS);
    for problem in packet.problems() {
        assert!(problem.range.start <= problem.range.end, "{problem:?}");
        assert!(problem.range.end as usize <= captured, "{problem:?}");
        assert!(
            (problem.layer as usize) < packet.layers().len().max(1),
            "{problem:?}"
        );
    }
    if views {
        check_views(packet, frame);
    }
}

fn check_views(packet: &Packet, frame: &Frame<'_>) {
    let mut out = String::new();
    render_line(
        frame,
        packet,
        line::Style {
            time: true,
            link: true,
            quiet: false,
        },
        &mut out,
    );
    assert!(!out.chars().any(char::is_control), "{out:?}");
    out.clear();
    render_tree(
        frame,
        packet,
        tree::Style {
            keys: true,
            ranges: true,
        },
        &mut out,
    );
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    out.clear();
    render_json(&About::default(), frame, packet, &mut out);
    assert!(
        out.is_ascii() && !out.chars().any(char::is_control),
        "{out:?}"
    );
    let parsed: serde_json::Value = serde_json::from_str(&out).expect("JSON parses");
    let layers = parsed["layers"].as_array().expect("an array of layers");
    assert_eq!(layers.len(), packet.layers().len());
}

fn with<'a>(frame: Frame<'a>, bytes: &'a [u8], wire_len: usize) -> Frame<'a> {
    let wire_len = u32::try_from(wire_len).expect("small");
    Frame {
        bytes,
        wire_len,
        ..frame
    }
}

#[test]
fn every_prefix_decodes() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    for golden in golden::all() {
        let frame = golden.frame();
        for end in 0..=frame.bytes.len() {
            let prefix = &frame.bytes[..end];
            // Once cut by the capture, once as if the wire had no more.
            check(
                &decoder,
                &mut packet,
                &with(frame, prefix, frame.bytes.len()),
                true,
            );
            check(&decoder, &mut packet, &with(frame, prefix, end), true);
        }
    }
}

#[test]
fn a_cut_capture_is_never_called_invalid() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    for golden in golden::all() {
        let frame = golden.frame();
        decoder.decode(&frame, &mut packet);
        let whole: Vec<_> = packet
            .problems()
            .iter()
            .map(|problem| problem.key)
            .collect();
        for end in 0..frame.bytes.len() {
            let wire_len = frame.wire_len as usize;
            decoder.decode(&with(frame, &frame.bytes[..end], wire_len), &mut packet);
            for problem in packet.problems() {
                let known = problem.key == "truncated" || whole.contains(&problem.key);
                assert!(known, "{} cut at {end}: {problem:?}", golden.name);
            }
        }
    }
}

#[test]
fn mutations_keep_the_properties() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut random = Random(0x7261_7773_6f63_6b21);
    let links = [
        LinkType::Ethernet,
        LinkType::Raw,
        LinkType::LinuxSll,
        LinkType::LinuxSll2,
        LinkType::IcmpMessage,
        LinkType::Icmpv6Message,
        LinkType::Other(147),
    ];
    let all = golden::all();
    for round in 0..15_000 {
        let golden = &all[random.below(all.len())];
        let mut bytes = golden.bytes.clone();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                1 => bytes.insert(at, random.byte()),
                2 => {
                    let donor = &all[random.below(all.len())].bytes;
                    let from = random.below(donor.len());
                    bytes.truncate(at);
                    bytes.extend(&donor[from..]);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.byte();
                    }
                }
            }
        }
        let mut frame = golden.frame();
        if random.below(8) == 0 {
            frame.link = links[random.below(links.len())];
        }
        let more = if random.below(3) == 0 {
            random.below(2000)
        } else {
            0
        };
        let wire_len = bytes.len() + more;
        check(
            &decoder,
            &mut packet,
            &with(frame, &bytes, wire_len),
            round % 4 == 0,
        );
    }
}

#[test]
fn limits_hold_against_hostile_bytes() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let all = golden::all();
    let frame = all[0].frame();
    // VLAN tags for ever.
    let mut tags = vec![0; 12];
    tags.extend([0x81, 0, 0, 1].repeat(1000));
    let tower = Frame {
        link: LinkType::Ethernet,
        ..with(frame, &tags, tags.len())
    };
    check(&decoder, &mut packet, &tower, true);
    assert!(
        packet
            .problems()
            .iter()
            .any(|problem| problem.key == "limit.layers")
    );
    // One MPLS stack that fills an ICMP error.
    let mut labels = vec![11, 0, 0, 0, 0, 32, 0, 0];
    labels.extend([0; 128]);
    labels.extend([0x20, 0, 0, 0, 0xea, 0x64, 1, 1]);
    labels.resize(labels.len() + 60_000, 0);
    let stack = Frame {
        link: LinkType::IcmpMessage,
        ..with(frame, &labels, labels.len())
    };
    check(&decoder, &mut packet, &stack, true);
    assert!(
        packet
            .problems()
            .iter()
            .any(|problem| problem.key == "limit.fields")
    );
}

#[test]
fn fragments_in_any_order_keep_the_tree_whole() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut defrag = Defrag::default();
    let mut random = Random(0x6672_6167_6d65_6e74);
    // Pieces of an ICMP error and of an IGMP report in IPv4, some bytes of them changed.
    let payloads: Vec<Vec<u8>> = golden::all()
        .into_iter()
        .filter(|one| one.link == LinkType::Raw && one.bytes[0] == 0x45)
        .map(|one| one.bytes)
        .collect();
    let first = golden::all();
    let mut whole = 0;
    let (mut payload, mut cut, mut last) = (&payloads[0], 24, false);
    for round in 0..20_000u16 {
        // Both parts of one after the other, in either order.
        if round % 2 == 0 {
            payload = &payloads[random.below(payloads.len())];
            cut = (random.below(payload.len()) & !7).max(32);
            last = random.below(2) == 1;
        } else {
            last = !last;
        }
        let (from, to) = if last {
            ((cut - 24).min(payload.len() - 20), payload.len() - 20)
        } else {
            (0, cut - 24)
        };
        let mut bytes = payload[..20].to_vec();
        bytes.extend(&payload[20 + from.min(to)..20 + to]);
        let offset = u16::try_from(from / 8).expect("small") | if last { 0 } else { 0x2000 };
        bytes[6..8].copy_from_slice(&offset.to_be_bytes());
        let len = u16::try_from(bytes.len()).expect("small");
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes[4..6].copy_from_slice(&(round / 2 % 5000).to_be_bytes());
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] = random.byte();
        }
        let frame = Frame {
            link: LinkType::Raw,
            at: rawsock::event::Timestamp(round.into()),
            ..with(first[0].frame(), &bytes, bytes.len())
        };
        decoder.decode(&frame, &mut packet);
        defrag.input(&decoder, &frame, 1, &mut packet);
        whole += usize::from(packet.reassembled() > 0);
        for layer in packet.layers() {
            let room = packet.buffer(&frame, layer.buf).len();
            assert!(layer.at as usize + layer.len as usize <= room, "{layer:?}");
            for field in packet.fields_of(layer) {
                assert!(field.at as usize + field.len as usize <= room, "{field:?}");
            }
        }
        check_views(&packet, &frame);
    }
    assert!(whole > 1000, "{whole} datagrams were whole");
    let counts = defrag.counts();
    assert!(counts.contradictory > 0, "{counts:?}");
}
