//! Any bytes as a capture file, plain or gzip: reading ends, claims no byte that is not there, and
//! tells the same story in pieces of any size.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};

use rawsock::capture::{FileSource, Next, Source};

/// Hands out bytes in pieces whose sizes repeat.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<u8>,
    next: usize,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.at..];
        let size = match self.sizes.get(self.next) {
            Some(size) => usize::from(*size) + 1,
            None => left.len(),
        };
        self.next = (self.next + 1) % self.sizes.len().max(1);
        let size = size.min(left.len()).min(room.len());
        room[..size].copy_from_slice(&left[..size]);
        self.at += size;
        Ok(size)
    }
}

/// Packets, what they add up to, and the damage.
#[derive(Debug, PartialEq)]
struct Story {
    packets: u64,
    digest: u64,
    damage: Option<String>,
}

/// The first bytes are sizes of pieces, up to a zero; the file follows.
pub fn check(data: &[u8]) {
    let end = data.iter().take(8).position(|size| *size == 0);
    let (sizes, bytes) = data.split_at(end.unwrap_or(0));
    let bytes = bytes.get(usize::from(end.is_some())..).unwrap_or(&[]);
    let whole = read(bytes, &[]);
    let pieces = read(bytes, sizes);
    // How much of a broken gzip stream is unpacked may depend on the pieces; nothing else may.
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        assert_eq!(pieces, whole);
    }
}

fn read(bytes: &[u8], sizes: &[u8]) -> Story {
    let pieces = Pieces {
        bytes: bytes.to_vec(),
        at: 0,
        sizes: sizes.to_vec(),
        next: 0,
    };
    let mut source = FileSource::new(Box::new(pieces), "x");
    let mut digest = DefaultHasher::new();
    let mut packets = 0;
    let mut damage = None;
    // Deflate makes at most 1032 bytes of one (zlib's technical notes), a record has 8 at least.
    for _ in 0..bytes.len() * 1100 + 100 {
        match source.next() {
            Ok(Next::Wait) => {
                if let Err(error) = source.fill() {
                    damage = Some(error.to_string());
                }
            }
            Err(error) => damage = Some(error.to_string()),
            Ok(Next::End) => {
                return Story {
                    packets,
                    digest: digest.finish(),
                    damage,
                };
            }
            Ok(Next::Frame) => {
                packets += 1;
                let frame = source.frame();
                let interface = source.interface(frame.iface).expect("it is known");
                (frame.at.0, frame.wire_len, frame.link, frame.dir).hash(&mut digest);
                (frame.bytes, source.comments()).hash(&mut digest);
                interface.hash(&mut digest);
            }
        }
    }
    panic!("the source does not end after {packets} packets");
}
