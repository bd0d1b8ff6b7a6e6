//! Reading capture files: every variant, every truncation, mutations, and a second implementation.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::{self, Read, Write};

use rawsock::capture::{FileSource, Next, Source};
use rawsock::decode::{Direction, LinkType};
use rawsock::error::Error;

#[path = "files/build.rs"]
mod build;

use build::{Order, Pcap, Pcapng};

/// What was read of a file, and how it ended.
#[derive(Debug, Default, PartialEq)]
struct Story {
    packets: Vec<Seen>,
    damage: Option<(u64, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    nanos: i64,
    wire_len: u32,
    link: LinkType,
    dir: Direction,
    interface: String,
    comments: Vec<Vec<u8>>,
    bytes: Vec<u8>,
}

/// Hands out bytes in pieces of changing size, 1 to `most`.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    most: usize,
    seed: u64,
}

/// xorshift64: enough to vary sizes and places.
fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed >> 11).unwrap()
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.at..];
        let size = 1 + random(&mut self.seed) % self.most;
        let size = size.min(left.len()).min(room.len());
        room[..size].copy_from_slice(&left[..size]);
        self.at += size;
        Ok(size)
    }
}

fn read_in_pieces(bytes: &[u8], most: usize) -> Story {
    let pieces = Pieces {
        bytes: bytes.to_vec(),
        at: 0,
        most,
        seed: 0x9e37_79b9_7f4a_7c15 ^ most as u64,
    };
    let mut source = FileSource::new(Box::new(pieces), "x");
    let mut story = Story::default();
    // Every call consumes a byte of the file at least or ends; a file without end fails here.
    for _ in 0..bytes.len() * 4000 + 100 {
        match source.next() {
            Ok(Next::Frame) => {}
            Ok(Next::Wait) => {
                if let Err(error) = source.fill() {
                    story.damage = Some(damage(&error));
                }
                continue;
            }
            Ok(Next::End) => return story,
            Err(error) => {
                story.damage = Some(damage(&error));
                continue;
            }
        }
        let frame = source.frame();
        let interface = source.interface(frame.iface);
        story.packets.push(Seen {
            nanos: frame.at.0,
            wire_len: frame.wire_len,
            link: frame.link,
            dir: frame.dir,
            interface: interface.expect("it is known").name.clone(),
            comments: source.comments().iter().map(|c| c.to_vec()).collect(),
            bytes: frame.bytes.to_vec(),
        });
    }
    panic!("the source does not end: {story:?}");
}

fn read(bytes: &[u8]) -> Story {
    read_in_pieces(bytes, 1 << 20)
}

fn damage(error: &Error) -> (u64, String) {
    match error {
        Error::Damaged { offset, reason, .. } => (*offset, reason.clone()),
        other => panic!("{other}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// One small file of each kind, by name.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let both = [Order::Little, Order::Big];
    let mut all = Vec::new();
    for order in both {
        let (micro, nano, modified) = (0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34);
        all.push(("pcap", Pcap::new(order, micro).packets()));
        all.push(("pcap ns", Pcap::new(order, nano).packets()));
        all.push(("pcap modified", Pcap::new(order, modified).packets()));
        all.push(("pcap 2.2", Pcap::with_version(order, 2).packets()));
        all.push(("pcap 2.3", Pcap::with_version(order, 3).packets()));
        all.push(("pcapng", Pcapng::new().everything(order)));
    }
    let first = Pcapng::new().everything(Order::Little);
    let second = Pcapng::new().everything(Order::Big);
    all.push(("two sections", [first, second].concat()));
    all
}

#[test]
fn every_pcap_variant_reads_the_same() {
    for order in [Order::Little, Order::Big] {
        let micro = read(&Pcap::new(order, 0xa1b2_c3d4).packets());
        assert_eq!(micro.damage, None);
        let [first, second, empty] = &micro.packets[..] else {
            panic!("{micro:?}");
        };
        assert_eq!(first.nanos, 1_700_000_000_123_456_000);
        assert_eq!(first.bytes, build::ETHERNET);
        assert_eq!(first.wire_len, 1514);
        assert_eq!(
            (first.link, first.dir),
            (LinkType::Ethernet, Direction::Unknown)
        );
        assert_eq!(second.nanos, 4_294_967_295_999_999_000);
        assert_eq!((empty.bytes.len(), empty.wire_len), (0, 60));
        let nano = read(&Pcap::new(order, 0xa1b2_3c4d).packets());
        assert_eq!(nano.packets[0].nanos, 1_700_000_000_000_123_456);
        let modified = read(&Pcap::new(order, 0xa1b2_cd34).packets());
        assert_eq!(modified.packets[0].bytes, build::ETHERNET);
        assert_eq!(modified.packets[0].dir, Direction::Out);
        assert_eq!(modified.packets[1].nanos, second.nanos);
        for minor in [2, 3] {
            let old = read(&Pcap::with_version(order, minor).packets());
            assert_eq!(old, micro, "version 2.{minor}");
        }
    }
}

#[test]
fn pcapng_sections_interfaces_and_comments() {
    for order in [Order::Little, Order::Big] {
        let story = read(&Pcapng::new().everything(order));
        assert_eq!(story.damage, None);
        let nanos: Vec<i64> = story.packets.iter().map(|p| p.nanos).collect();
        let second = 1_000_000_000;
        let expected = [
            1_700_000_000 * second + 123_456_000, // microseconds, the default
            1_700_000_000 * second + 7,           // if_tsresol 9
            1_700_000_000 * second + 500_000_000, // 2^-10, and if_tsoffset 1,600,000,000
            0,                                    // a simple packet block has no time
            1_700_000_000 * second + 123_456_000, // obsolete packet block
        ];
        assert_eq!(nanos, expected);
        let names: Vec<&str> = story.packets.iter().map(|p| &*p.interface).collect();
        assert_eq!(names, ["eth0", "lo\u{1b}[31m", "", "eth0", "eth0"]);
        let dirs: Vec<Direction> = story.packets.iter().map(|p| p.dir).collect();
        let (in_, out, unknown) = (Direction::In, Direction::Out, Direction::Unknown);
        assert_eq!(dirs, [in_, out, out, unknown, unknown]);
        assert_eq!(
            story.packets[0].comments,
            [b"one".to_vec(), b"two".to_vec()]
        );
        assert_eq!(story.packets[1].comments, Vec::<Vec<u8>>::new());
        assert_eq!(story.packets[2].link, LinkType::LinuxSll2);
        assert_eq!(story.packets[0].bytes, build::ETHERNET);
        assert_eq!(story.packets[3].bytes, build::ETHERNET[..54]);
    }
}

#[test]
fn the_size_of_the_pieces_changes_nothing() {
    for (name, bytes) in samples() {
        let whole = read(&bytes);
        assert_eq!(whole.damage, None, "{name}");
        for most in [1, 2, 7, 64, 1000] {
            assert_eq!(read_in_pieces(&bytes, most), whole, "{name}");
            assert_eq!(read_in_pieces(&gzip(&bytes), most), whole, "{name}, gzip");
        }
    }
}

#[test]
fn every_truncation_shows_what_came_before_it() {
    for (name, bytes) in samples() {
        let whole = read(&bytes);
        for cut in 0..bytes.len() {
            let story = read(&bytes[..cut]);
            assert!(
                whole.packets.starts_with(&story.packets),
                "{name} cut at {cut}"
            );
            // Whole packets end before the cut; the damage begins at or before it.
            if let Some((offset, reason)) = &story.damage {
                assert!(
                    *offset <= cut as u64,
                    "{name} cut at {cut}: {offset} {reason}"
                );
                let words = ["cut short", "the file is empty"];
                assert!(words.iter().any(|w| reason.contains(w)), "{reason}");
            }
        }
        // A cut inside the last packet leaves all others.
        let story = read(&bytes[..bytes.len() - 1]);
        assert!(story.damage.is_some(), "{name}");
        assert!(story.packets.len() + 1 >= whole.packets.len(), "{name}");
        // A cut gzip stream too shows what came before it.
        let packed = gzip(&bytes);
        for cut in 2..packed.len() {
            let story = read(&packed[..cut]);
            assert!(story.damage.is_some(), "{name}, gzip cut at {cut}");
            assert!(
                whole.packets.starts_with(&story.packets),
                "{name} cut at {cut}"
            );
        }
    }
}

#[test]
fn a_damaged_record_names_its_byte() {
    let mut bytes = Pcap::new(Order::Little, 0xa1b2_c3d4).packets();
    let second = 24 + 16 + build::ETHERNET.len();
    bytes[second + 8..second + 12].copy_from_slice(&70_000_000_u32.to_le_bytes());
    let story = read(&bytes);
    assert_eq!(story.packets.len(), 1);
    let (offset, reason) = story.damage.unwrap();
    assert_eq!(offset, second as u64 + 8);
    assert_eq!(
        reason,
        "a packet claims 70000000 captured bytes, more than the 262144 that one may have"
    );
    let story = read(b"\x7fELF and more");
    let (offset, reason) = story.damage.unwrap();
    assert_eq!(offset, 0);
    assert_eq!(
        reason,
        "not a pcap or pcapng file, it begins with 7f 45 4c 46"
    );
}

/// Single bytes and runs of bytes changed at places from a fixed seed: no panic, an end, and
/// everything before the first changed byte as it was.
#[test]
fn mutated_files_end_and_keep_their_beginning() {
    let mut seed = 0x0123_4567_89ab_cdef;
    for (name, bytes) in samples() {
        let whole = read(&bytes);
        let before: Vec<usize> = (0..bytes.len())
            .map(|at| read(&bytes[..at]).packets.len())
            .collect();
        let mut mutants = Vec::new();
        for at in 0..bytes.len() {
            for value in [0x00, 0xff, bytes[at].wrapping_add(1)] {
                let mut mutant = bytes.clone();
                mutant[at] = value;
                mutants.push((at, mutant));
            }
        }
        for _ in 0..400 {
            let at = random(&mut seed) % bytes.len();
            let end = bytes.len().min(at + 1 + random(&mut seed) % 16);
            let mut mutant = bytes.clone();
            for byte in &mut mutant[at..end] {
                *byte = random(&mut seed).to_le_bytes()[0];
            }
            if random(&mut seed).is_multiple_of(4) {
                mutant.truncate(end);
            }
            mutants.push((at, mutant));
        }
        for (at, mutant) in mutants {
            let story = read_in_pieces(&mutant, 4096);
            // Packets that lie whole before the change are the same.
            let kept = story.packets.get(..before[at]);
            assert_eq!(kept, Some(&whole.packets[..before[at]]), "{name} at {at}");
        }
    }
}

/// What pcap-parser makes of a file, where it gets to the end of it: captured bytes in order.
fn second_opinion(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    use pcap_parser::{Block, PcapBlockOwned, PcapError};
    let mut reader = pcap_parser::create_reader(1 << 16, bytes).ok()?;
    let mut packets = Vec::new();
    // Each turn consumes a block or ends.
    for _ in 0..bytes.len() {
        let (offset, block) = match reader.next() {
            Ok(found) => found,
            Err(PcapError::Eof) => return Some(packets),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().ok()?;
                continue;
            }
            Err(_) => return None,
        };
        match block {
            PcapBlockOwned::Legacy(packet) => packets.push(packet.data.to_vec()),
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                packets.push(packet.data[..packet.caplen as usize].to_vec());
            }
            // It hands out padding and does not know the obsolete packet block: see samples used.
            _ => {}
        }
        reader.consume(offset);
    }
    None
}

#[test]
fn pcap_parser_reads_the_same_packets() {
    let mut agreed = 0;
    for order in [Order::Little, Order::Big] {
        let files = [
            Pcap::new(order, 0xa1b2_c3d4).packets(),
            Pcap::new(order, 0xa1b2_3c4d).packets(),
            Pcapng::new().enhanced_only(order),
        ];
        for bytes in files {
            for at in 0..bytes.len() {
                let mut mutant = bytes.clone();
                mutant[at] ^= 1;
                let ours = read(&mutant);
                let (None, Some(theirs)) = (&ours.damage, second_opinion(&mutant)) else {
                    continue;
                };
                let ours: Vec<Vec<u8>> = ours.packets.into_iter().map(|p| p.bytes).collect();
                assert_eq!(ours, theirs, "byte {at}");
                agreed += 1;
            }
        }
    }
    assert!(agreed > 500, "only {agreed} files were compared");
}
