//! Wireshark as the other opinion: finds tshark, and writes the captures to files for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rawsock::decode::{Decoder, LinkType, Packet};

use crate::golden;

/// Looks for tshark. Without it the test is skipped aloud, or fails where skipping is not allowed.
pub fn tshark() -> Option<Command> {
    let found = Command::new("tshark").arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(Command::new("tshark"));
    }
    assert!(
        std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_none_or(|value| value != "1"),
        "tshark is not installed: `apt-get install tshark`"
    );
    // Straight to the terminal: the harness swallows what tests print.
    let _ = std::fs::write("/dev/stderr", "SKIPPED: tshark is not installed\n");
    None
}

pub fn run(mut command: Command) -> String {
    let output = command.output().expect("tshark starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The LINKTYPE number of a file.
fn number(link: LinkType) -> u16 {
    match link {
        LinkType::Ethernet => 1,
        LinkType::Raw => 101,
        LinkType::LinuxSll => 113,
        LinkType::LinuxSll2 => 276,
        LinkType::Other(number) => number,
        LinkType::IcmpMessage | LinkType::Icmpv6Message => panic!("no file holds {link:?}"),
    }
}

/// Captures of every link type that a file can hold in one pcapng file (draft-ietf-opsawg-pcapng),
/// one a second from 1970 on.
pub fn write_pcapng(captures: &[golden::Golden], name: &str) -> PathBuf {
    fn block(kind: u32, body: &[u8], file: &mut Vec<u8>) {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = u32::try_from(body.len() + padding + 12).expect("small");
        file.extend(kind.to_le_bytes());
        file.extend(len.to_le_bytes());
        file.extend(body);
        file.resize(file.len() + padding, 0);
        file.extend(len.to_le_bytes());
    }
    let mut file = Vec::new();
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    block(0x0a0d_0d0a, &section, &mut file);
    let mut links: Vec<LinkType> = Vec::new();
    for capture in captures {
        if !links.contains(&capture.link) {
            links.push(capture.link);
            let [low, high] = number(capture.link).to_le_bytes();
            block(1, &[low, high, 0, 0, 0, 0, 4, 0], &mut file);
        }
    }
    for (second, capture) in captures.iter().enumerate() {
        let frame = capture.frame();
        let interface = links.iter().position(|link| *link == frame.link);
        let interface = interface.expect("listed above");
        let micros = second as u64 * 1_000_000;
        let mut body = Vec::new();
        for word in [
            u32::try_from(interface).expect("small"),
            u32::try_from(micros >> 32).expect("small"),
            (micros & 0xffff_ffff) as u32,
            u32::try_from(frame.bytes.len()).expect("small"),
            frame.wire_len,
        ] {
            body.extend(word.to_le_bytes());
        }
        body.extend(frame.bytes);
        block(6, &body, &mut file);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, file).expect("target is writable");
    path
}

/// Captures that a file can hold, as [`write_pcapng`] takes them.
pub fn fileable() -> Vec<golden::Golden> {
    let message = |link| matches!(link, LinkType::IcmpMessage | LinkType::Icmpv6Message);
    let all = golden::all().into_iter();
    all.filter(|one| !message(one.link)).collect()
}

/// Those of [`fileable`] of which every layer is of the first protocols, but for names that begin so: what
/// later protocols do is held against Wireshark's elsewhere.
pub fn of_first_protocols(but: &[&str]) -> Vec<golden::Golden> {
    const PROTOCOLS: &[&str] = &[
        "arp", "data", "eth", "icmp", "icmpv6", "igmp", "ip", "ipv6", "sll", "tcp", "udp", "vlan",
    ];
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut all = fileable();
    all.retain(|one| {
        decoder.decode(&one.frame(), &mut packet);
        let mut layers = packet.layers().iter().map(|layer| layer.proto.key);
        let known = layers.all(|key| PROTOCOLS.contains(&key) || key.starts_with("ipv6."));
        known && !but.iter().any(|start| one.name.starts_with(start))
    });
    all
}
