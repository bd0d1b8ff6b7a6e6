//! `rawsock ladder` as its users meet it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rawsock::event::{self, Timestamp};

use crate::run::segment;

/// A folder of the test's own, gone at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rawsock-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A pcap of LINKTYPE_RAW.
fn pcap(path: &Path, packets: &[(i64, event::Packet)]) {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(65535u32.to_le_bytes());
    bytes.extend(101u32.to_le_bytes());
    for (micros, packet) in packets {
        let at = Timestamp(micros * 1000).0 / 1000;
        bytes.extend(u32::try_from(at / 1_000_000).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(at % 1_000_000).unwrap().to_le_bytes());
        let len = u32::try_from(packet.bytes.len()).unwrap().to_le_bytes();
        bytes.extend(len);
        bytes.extend(len);
        bytes.extend(&*packet.bytes);
    }
    fs::write(path, bytes).unwrap();
}

fn rawsock(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rawsock"))
        .args(args)
        .output()
        .unwrap()
}

fn told(args: &[&str]) -> String {
    let output = rawsock(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn handshake() -> Vec<(i64, event::Packet)> {
    vec![
        (1_000_000, segment(true, 2, 100, 0, b"")),
        (1_010_000, segment(false, 0x12, 900, 101, b"")),
        (1_010_100, segment(true, 0x10, 101, 901, b"")),
    ]
}

#[test]
fn a_capture_in_every_form() {
    let folder = Folder::new("ladder");
    let file = folder.file("x.pcap");
    pcap(&file, &handshake());
    let file = file.to_str().unwrap();
    let text = told(&["ladder", file]);
    assert!(text.starts_with("x, 3 packets\n  seen at x:"), "{text}");
    assert!(text.contains("SYN,ACK seq 0 ack 1"), "{text}");
    assert!(!told(&["ladder", file, "--ascii"]).contains('▶'));
    assert!(told(&["ladder", file, "tcp[13] == 2"]).starts_with("x, 1 packet\n"));
    assert!(told(&["ladder", file, "-c", "2"]).contains("and 1 more, not drawn"));
    assert!(told(&["ladder", file, "--mermaid"]).starts_with("sequenceDiagram\n"));
    assert!(told(&["ladder", file, "--plantuml"]).ends_with("@enduml\n"));
    assert!(told(&["ladder", file, "--svg", "-"]).starts_with("<svg"));
    let page = folder.file("x.html");
    let page = page.to_str().unwrap();
    assert_eq!(told(&["ladder", file, "--html", page]), "");
    assert!(fs::read_to_string(page).unwrap().contains("</html>"));
    let again = rawsock(&["ladder", file, "--html", page]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

#[test]
fn two_captures_make_slants() {
    let folder = Folder::new("join");
    let (a, b) = (folder.file("h1.pcap"), folder.file("h2.pcap"));
    pcap(&a, &handshake());
    // The second clock is 5 s ahead, ways take 5 ms, the last segment is lost.
    let mut there = handshake();
    there.truncate(2);
    there[0].0 += 5_005_000;
    there[1].0 += 4_995_000;
    pcap(&b, &there);
    let text = told(&["ladder", "--join", a.to_str().unwrap(), b.to_str().unwrap()]);
    for part in [
        "h1 and h2, 2 of 3 and 2 packets in both",
        "estimated",
        "╮",
        "✗",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.contains("-5.00 s"), "{text}");
}

#[test]
fn a_damaged_file_shows_what_is_before_the_damage() {
    let folder = Folder::new("damaged");
    let file = folder.file("x.pcap");
    pcap(&file, &handshake());
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&file, bytes).unwrap();
    let output = rawsock(&["ladder", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("2 packets"));
    let missing = rawsock(&["ladder", "/nowhere/x.pcap"]);
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(rawsock(&["ladder"]).status.code(), Some(2));
}
