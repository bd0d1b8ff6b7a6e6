//! Saving: what was written reads the same, and nobody else's file is touched.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rawsock::capture::{FileSource, Format, Interface, Next, Saved, Saver, Source, Target};
use rawsock::decode::{Direction, Flags, Frame, LinkType};
use rawsock::event::{Mono, Stamp, Timestamp};

/// An empty directory of this test, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rawsock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn interface(name: &str, link: LinkType) -> Interface {
    Interface {
        name: name.into(),
        description: "a cable".into(),
        filter: "icmp or igmp".into(),
        link,
        snaplen: 262_144,
        nanos: true,
    }
}

fn frame(n: u8, iface: u32, link: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp(1_700_000_000_123_456_789 + i64::from(n) * 1_000_000_007),
        stamp: Stamp::Kernel,
        iface,
        link,
        dir: [Direction::Unknown, Direction::In, Direction::Out][usize::from(n % 3)],
        flags: Flags::default(),
        wire_len: 1514,
        bytes,
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    at: i64,
    wire_len: u32,
    dir: Direction,
    bytes: Vec<u8>,
    comments: Vec<Vec<u8>>,
    interface: Interface,
}

fn read(path: &Path) -> (Vec<Seen>, Option<u64>) {
    let file = Box::new(fs::File::open(path).unwrap());
    let mut source = FileSource::new(file, "x");
    let mut packets = Vec::new();
    loop {
        match source.next().unwrap() {
            Next::Wait => source.fill().unwrap(),
            Next::End => return (packets, source.drops()),
            Next::Frame => {
                let frame = source.frame();
                packets.push(Seen {
                    at: frame.at.0,
                    wire_len: frame.wire_len,
                    dir: frame.dir,
                    bytes: frame.bytes.to_vec(),
                    comments: source.comments().iter().map(|c| c.to_vec()).collect(),
                    interface: source.interface(frame.iface).unwrap().clone(),
                });
            }
        }
    }
}

#[test]
fn pcapng_keeps_everything() {
    let dir = Dir::new("pcapng");
    for name in ["x.pcapng", "x.pcapng.gz"] {
        let path = dir.path(name);
        let target = Target::from_path(&path);
        assert_eq!(target.format, Format::Pcapng);
        let mut saver = Saver::create(target).unwrap();
        let faces = [
            interface("eth0", LinkType::Ethernet),
            interface("any", LinkType::LinuxSll2),
        ];
        let comments: [&[u8]; 2] = [b"first", b"second \xff"];
        for n in 0..200_u8 {
            let which = usize::from(n % 2);
            let bytes = vec![n; usize::from(n) * 5];
            let number = [7, 3][which];
            let link = faces[which].link;
            let comments = &comments[..usize::from(n % 3)];
            let frame = frame(n, number, link, &bytes);
            saver
                .packet(&frame, &faces[which], comments, Mono::default())
                .unwrap();
        }
        saver.statistics(7, Timestamp(1), 100, 17).unwrap();
        let (saved, closed) = saver.finish();
        closed.unwrap();
        assert_eq!(
            saved,
            Saved {
                packets: 200,
                lost: 0
            }
        );
        let (packets, drops) = read(&path);
        assert_eq!(drops, Some(17));
        assert_eq!(packets.len(), 200);
        for (n, seen) in (0..200_u8).zip(packets) {
            let bytes = vec![n; usize::from(n) * 5];
            let which = usize::from(n % 2);
            let told = frame(n, 0, faces[which].link, &bytes);
            let expected = Seen {
                at: told.at.0,
                wire_len: 1514,
                dir: match (told.dir, which, &bytes[..]) {
                    // A cooked header tells it too.
                    (Direction::Unknown, 1, [.., 0..=3]) if bytes.len() > 10 => Direction::In,
                    (Direction::Unknown, 1, [.., 4]) if bytes.len() > 10 => Direction::Out,
                    (dir, ..) => dir,
                },
                bytes: bytes.clone(),
                comments: comments[..usize::from(n % 3)]
                    .iter()
                    .map(|c| c.to_vec())
                    .collect(),
                interface: faces[which].clone(),
            };
            assert_eq!(seen, expected);
        }
    }
}

#[test]
fn pcap_keeps_time_and_bytes() {
    let dir = Dir::new("pcap");
    for (name, nanos) in [("us.pcap", false), ("ns.pcap", true), ("us.pcap.gz", false)] {
        let path = dir.path(name);
        let mut saver = Saver::create(Target::from_path(&path)).unwrap();
        let face = Interface {
            nanos,
            ..interface("", LinkType::Raw)
        };
        for n in 0..100_u8 {
            let bytes = vec![n; usize::from(n)];
            let frame = frame(n, 1, LinkType::Raw, &bytes);
            saver.packet(&frame, &face, &[], Mono::default()).unwrap();
        }
        saver.finish().1.unwrap();
        let (packets, _) = read(&path);
        assert_eq!(packets.len(), 100);
        for (n, seen) in (0..100_u8).zip(packets) {
            let at = frame(n, 1, LinkType::Raw, &[]).at.0;
            let at = if nanos { at } else { at / 1000 * 1000 };
            assert_eq!((seen.at, seen.bytes), (at, vec![n; usize::from(n)]));
            assert_eq!(seen.interface.link, LinkType::Raw);
        }
    }
}

#[test]
fn times_outside_the_format_are_its_ends() {
    let dir = Dir::new("times");
    let path = dir.path("x.pcap");
    let mut saver = Saver::create(Target::from_path(&path)).unwrap();
    let face = interface("", LinkType::Raw);
    for at in [i64::MIN, -1, i64::MAX] {
        let frame = Frame {
            at: Timestamp(at),
            ..frame(0, 1, LinkType::Raw, b"x")
        };
        saver.packet(&frame, &face, &[], Mono::default()).unwrap();
    }
    saver.finish().1.unwrap();
    let seconds: Vec<i64> = read(&path).0.iter().map(|p| p.at / 1_000_000_000).collect();
    assert_eq!(seconds, [0, 0, i64::from(u32::MAX)]);
}

#[test]
fn a_pcap_file_refuses_a_second_link_type() {
    let dir = Dir::new("links");
    let mut saver = Saver::create(Target::from_path(&dir.path("x.pcap"))).unwrap();
    for (link, fits) in [(LinkType::Ethernet, true), (LinkType::Raw, false)] {
        let face = interface("", link);
        let frame = frame(0, 1, link, b"x");
        let told = saver.packet(&frame, &face, &[], Mono::default());
        assert_eq!(told.is_ok(), fits);
        if let Err(error) = told {
            let text = error.to_string();
            assert!(
                text.ends_with("holds Ethernet, this packet is Raw IP"),
                "{text}"
            );
            assert_eq!(error.exit_code(), 2);
        }
    }
    // What was accepted is saved.
    assert_eq!(saver.finish().0.packets, 1);
    assert_eq!(read(&dir.path("x.pcap")).0.len(), 1);
}

#[test]
fn records_reach_the_file_whole_and_within_100_ms() {
    let dir = Dir::new("flush");
    for name in ["x.pcap", "x.pcapng", "x.pcap.gz"] {
        let path = dir.path(name);
        let mut saver = Saver::create(Target::from_path(&path)).unwrap();
        let face = interface("", LinkType::Raw);
        saver.describe(1, &face).unwrap();
        // The header is there before any packet.
        assert_eq!(read(&path).0.len(), 0);
        let ms = |n| Mono(std::time::Duration::from_millis(n));
        let one = frame(0, 1, LinkType::Raw, b"one");
        saver.packet(&one, &face, &[], ms(1000)).unwrap();
        assert_eq!(saver.deadline(), Some(ms(1100)));
        saver.tick(ms(1099)).unwrap();
        assert_eq!(read(&path).0.len(), 0);
        saver.tick(ms(1100)).unwrap();
        assert_eq!(read(&path).0.len(), 1);
        assert_eq!(saver.deadline(), None);
        // Much data goes out without waiting, in whole records.
        let bytes = [7; 999];
        let big = frame(0, 1, LinkType::Raw, &bytes);
        let mut on_disk = Vec::new();
        for _ in 0..200 {
            saver.packet(&big, &face, &[], ms(1200)).unwrap();
            on_disk.push(read(&path).0.len());
        }
        assert!(*on_disk.last().unwrap() > 120, "{on_disk:?}");
        saver.finish().1.unwrap();
        assert_eq!(read(&path).0.len(), 201);
    }
}

fn refusal(path: &Path, force: bool) -> String {
    let mut target = Target::from_path(path);
    target.force = force;
    match Saver::create(target) {
        Ok(_) => "created".into(),
        Err(error) => {
            let text = error.to_string();
            let quoted = path.display().to_string();
            text.replace(&quoted, "X")
        }
    }
}

#[test]
fn only_a_new_file_or_with_force_an_own_regular_one() {
    let dir = Dir::new("create");
    let path = dir.path("x.pcap");
    assert_eq!(refusal(&path, false), "created");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(refusal(&path, false), "cannot create X: it exists");
    fs::write(&path, [7; 1000]).unwrap();
    assert_eq!(refusal(&path, false), "cannot create X: it exists");
    assert_eq!(fs::read(&path).unwrap().len(), 1000);
    assert_eq!(refusal(&path, true), "created");
    assert_eq!(fs::read(&path).unwrap().len(), 0);

    let target = dir.path("target");
    fs::write(&target, b"precious").unwrap();
    let link = dir.path("link");
    symlink(&target, &link).unwrap();
    assert_eq!(refusal(&link, false), "cannot create X: it exists");
    assert_eq!(
        refusal(&link, true),
        "cannot write X: it is a symbolic link"
    );
    let dangling = dir.path("dangling");
    symlink(dir.path("nothing"), &dangling).unwrap();
    assert_eq!(refusal(&dangling, false), "cannot create X: it exists");
    assert_eq!(
        refusal(&dangling, true),
        "cannot write X: it is a symbolic link"
    );
    assert!(!dir.path("nothing").exists());

    let hard = dir.path("hard");
    fs::hard_link(&target, &hard).unwrap();
    let told = refusal(&hard, true);
    assert_eq!(told, "cannot write X: it has a second name (hard link)");
    let told = refusal(&dir.0, true);
    assert!(
        told.starts_with("cannot create X: Is a directory"),
        "{told}"
    );
    let fifo = dir.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(refusal(&fifo, false), "cannot create X: it exists");
    // Nobody reads it: ENXIO at once, no wait.
    let told = refusal(&fifo, true);
    assert!(
        told.starts_with("cannot create X: No such device"),
        "{told}"
    );
    let told = refusal(Path::new("/dev/null"), true);
    assert_eq!(told, "cannot write X: it is not a regular file");
    let told = refusal(&dir.path("no/such/dir"), false);
    assert!(told.starts_with("cannot create X: No such file"), "{told}");
    assert_eq!(fs::read(&target).unwrap(), b"precious");
}

#[test]
fn two_captures_never_write_one_file() {
    let dir = Dir::new("lock");
    let path = dir.path("x.pcap");
    let first = Saver::create(Target::from_path(&path)).unwrap();
    assert_eq!(
        refusal(&path, true),
        "cannot write X: another capture is writing it"
    );
    first.finish().1.unwrap();
    assert_eq!(refusal(&path, true), "created");
}
