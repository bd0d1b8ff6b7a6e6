//! `rawsock explain` as its users meet it: every protocol, packets from text and files, pictures that
//! a parser of others accepts, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use rawsock::decode::PROTOS;

const SYN: &str = "4500003c123440004006a484c0000201c0000202c35001bbdeadbeef00000000\
                   a002faf084200000020405b40402080a0001e2400000000001030307";

fn rawsock(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rawsock"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn told(args: &[&str], input: &[u8]) -> String {
    let output = rawsock(args, input);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str], input: &[u8]) -> String {
    let output = rawsock(args, input);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// What xmllint says about an XML text; it must be there in CI.
fn xmllint(text: &str) {
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|value| value == "1");
        assert!(!required, "xmllint is not installed");
        std::io::stderr()
            .write_all(b"\n*** SKIPPED: xmllint is not installed ***\n")
            .unwrap();
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}

#[test]
fn every_protocol_has_a_box_a_picture_and_a_diagram() {
    let topics = told(&["explain"], b"");
    for proto in PROTOS {
        assert!(topics.contains(proto.name), "{}", proto.key);
        let text = told(&["explain", proto.key], b"");
        assert!(text.contains("+-") && text.contains(proto.rfc), "{text}");
        let svg = told(&["explain", proto.key, "--svg", "-"], b"");
        xmllint(&svg);
        assert!(svg.contains("<title>"), "{svg}");
        let mermaid = told(&["explain", proto.key, "--mermaid"], b"");
        // Bits follow each other without a gap, as Mermaid wants.
        let mut next = 0;
        for line in mermaid.lines() {
            if line == "packet-beta" {
                next = 0;
                continue;
            }
            let Some((bits, words)) = line.split_once(": \"") else {
                assert!(line.is_empty() || line.starts_with("title "), "{line}");
                continue;
            };
            let (from, to) = bits.split_once('-').unwrap_or((bits, bits));
            assert_eq!(from.parse::<u32>().unwrap(), next, "{mermaid}");
            next = to.parse::<u32>().unwrap() + 1;
            let words = words.strip_suffix('"').unwrap();
            assert!(!words.contains('"'), "{line}");
        }
        assert!(next > 0, "{mermaid}");
    }
}

#[test]
fn a_packet_from_digits_dumps_and_files_is_the_same() {
    let text = told(&["explain", "--hex", SYN], b"");
    for part in ["Sequence number 3735928559", "de ad be ef", "|S|"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let bytes: Vec<u8> = (0..SYN.len() / 2)
        .map(|at| u8::from_str_radix(&SYN[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let mut dump = String::new();
    for (number, line) in bytes.chunks(16).enumerate() {
        write!(dump, "\t0x{:04x}:  ", number * 16).unwrap();
        for pair in line.chunks(2) {
            for byte in pair {
                write!(dump, "{byte:02x}").unwrap();
            }
            dump.push(' ');
        }
        dump.push_str(" E..<.4@.\n");
    }
    assert_eq!(told(&["explain", "-"], dump.as_bytes()), text);
    // A pcap of LINKTYPE_RAW with the packet as its second.
    let mut pcap = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    pcap.extend(65535u32.to_le_bytes());
    pcap.extend(101u32.to_le_bytes());
    for packet in [&bytes[..20], &bytes[..]] {
        pcap.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
        pcap.extend(len);
        pcap.extend(len);
        pcap.extend(packet);
    }
    assert_eq!(told(&["explain", "--", "-:2"], &pcap), text);
    let dir = std::env::temp_dir().join(format!("rawsock-explain-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("x.pcap");
    std::fs::write(&file, &pcap).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(told(&["explain", &format!("{file}:2")], b""), text);
    assert!(refused(&["explain", &format!("{file}:3")], b"").contains("no packet 3, only 2"));
    // A pcapng begins with what could be blank lines of a dump.
    let pcapng = dir.join("x.pcapng");
    let pcapng = pcapng.to_str().unwrap();
    told(&["read", file, "-w", pcapng], b"");
    assert_eq!(told(&["explain", &format!("{pcapng}:2")], b""), text);
    let svg = dir.join("x.svg");
    let svg = svg.to_str().unwrap();
    told(&["explain", &format!("{file}:2"), "--svg", svg], b"");
    xmllint(&std::fs::read_to_string(svg).unwrap());
    assert!(refused(&["explain", "tcp", "--svg", svg], b"").contains("it exists"));
    told(&["explain", "tcp", "--svg", svg, "--force"], b"");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_checksum_is_added_up() {
    let text = told(&["explain", "--hex", SYN, "--checksum", "-q"], b"");
    for part in [
        "+4500 =   4500   byte 0",
        "and that is what the packet says: a484",
        "pseudo header: source 192.0.2.1",
        "and that is what the packet says: 8420",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let wrong = SYN.replacen("a484", "a485", 1);
    let text = told(&["explain", "--hex", &wrong, "--checksum", "-q"], b"");
    assert!(
        text.contains("but the packet says a485: it is wrong"),
        "{text}"
    );
}

#[test]
fn headers_are_compared_foretold_and_ruled() {
    let asked = "4500000000000000400100000000000000000000";
    let asked = format!("{}7f0000020800f7fd00010001", &asked[..32]);
    let sent = "4500001cd09b0000400173af7f0000017f0000020800f7fd00010001";
    let text = told(&["explain", "--hex", &asked, "--diff", sent], b"");
    for part in [
        "this packet, as you asked",
        "0xd09b",
        "127.0.0.1",
        "K written by the kernel",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = told(&["explain", "--hex", &asked, "--diff"], b"");
    assert!(text.contains("K 28 bytes"), "{text}");
    let text = told(&["explain", "--diff"], b"");
    assert!(text.contains("always overwritten"), "{text}");
    assert!(refused(&["explain", "--diff", sent], b"").contains("--hex ASKED"));
}

#[test]
fn the_glossary() {
    assert!(told(&["explain", "errno", "111"], b"").starts_with("ECONNREFUSED (111)"));
    assert!(told(&["explain", "errno", "econnrefused"], b"").starts_with("ECONNREFUSED (111)"));
    assert!(told(&["explain", "errno"], b"").contains("EMSGSIZE"));
    assert!(told(&["explain", "flags"], b"").contains("tcp.flags.syn"));
    assert!(told(&["explain", "sockets"], b"").contains("SOCK_SEQPACKET"));
    assert!(told(&["explain", "utf8", "你好"], b"").contains("e5 a5 bd"));
    let one = told(&["explain", "tcp.flags.syn"], b"");
    assert!(
        one.contains("Opens a connection.") && !one.contains("tcp.flags.fin"),
        "{one}"
    );
}

#[test]
fn what_is_not_known_is_refused_with_a_way_out() {
    for (args, part) in [
        (["explain", "nonsense"], "nothing is known of `nonsense`"),
        (
            ["explain", "/nowhere/x.pcap:1"],
            "cannot open /nowhere/x.pcap",
        ),
        (["explain", "--hex=45 0"], "the number of digits is odd"),
        (["explain", "--hex="], "there are no digits"),
    ] {
        let text = refused(&args, b"");
        assert!(text.contains(part), "{text}");
    }
    assert!(refused(&["explain", "tcp", "udp"], b"").contains("one word"));
    assert!(refused(&["explain", "errno", "4711"], b"").contains("4711"));
    assert!(refused(&["explain", "flags", "--mermaid"], b"").contains("protocols and packets"));
    let damaged = rawsock(&["explain", "-"], &[0xd4, 0xc3, 0xb2, 0xa1, 2]);
    assert_eq!(damaged.status.code(), Some(1), "{damaged:?}");
}

#[test]
fn hostile_bytes_steer_no_terminal() {
    // A captive portal option of a router advertisement holds text.
    let mut packet = String::from("8600000040000708000000000000000025 03");
    for byte in b"\x1b[31m<script>\xe2\x80\xaeabc\x07" {
        write!(packet, "{byte:02x}").unwrap();
    }
    packet.push_str("0000");
    let text = told(&["explain", "-y", "icmpv6", "--hex", &packet], b"");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    let svg = told(
        &["explain", "-y", "icmpv6", "--hex", &packet, "--svg", "-"],
        b"",
    );
    assert!(!svg.contains("<script"), "{svg}");
    xmllint(&svg);
}
