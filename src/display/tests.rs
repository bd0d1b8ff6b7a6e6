//! Expressions against packets by hand, and what is said of wrong ones.

use super::*;
use crate::decode::LinkType;
use crate::decode::testing::decoded;
use crate::event::{Stamp, Timestamp};

/// TTL 64, protocol 1, 10.0.0.1 > 10.0.0.2, echo request, identifier 1, sequence 7, `abcd`.
const PING: [u8; 32] = [
    0x45, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0x66, 0xdb, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0x33, 0x2c, 0,
    1, 0, 7, b'a', b'b', b'c', b'd',
];

fn holds(text: &str, bytes: &[u8]) -> bool {
    let packet = decoded(LinkType::Raw, bytes, bytes.len());
    let frame = Frame {
        at: Timestamp(1_700_000_000_500_000_000),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Raw,
        dir: crate::decode::Direction::Unknown,
        flags: crate::decode::Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    };
    let compiled = Where::compile(text, &Decoder::new());
    let compiled = compiled.unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
    let seen = Seen {
        number: 3,
        interface: "eth0",
        ..Seen::new(&frame, &packet)
    };
    compiled.matches(&seen)
}

#[test]
fn each_form_of_a_condition() {
    for (text, expected) in [
        ("icmp", true),
        ("tcp", false),
        ("not tcp", true),
        ("icmp.type == 8", true),
        ("icmp.type eq 8 && ip.ttl < 5", false),
        ("icmp.type == 8 and ip.ttl >= 64", true),
        ("8 == icmp.type", true),
        ("5 < ip.ttl", true),
        ("63 < ip.ttl <= 64", true),
        ("64 < ip.ttl <= 70", false),
        ("ip.ttl == 0x40", true),
        ("ip.ttl in {1, 2, 60..70}", true),
        ("ip.ttl in {1 2 70..80}", false),
        ("ip.ttl not in {1,2}", true),
        ("ip.src == 10.0.0.0/8", true),
        ("ip.src == 11.0.0.0/8", false),
        ("ip.src in {192.168.0.0/16, 10.0.0.1..10.0.0.9}", true),
        ("ip.addr == 10.0.0.2", true),
        ("ip.addr != 10.0.0.2", false),
        ("ip.addr !== 10.0.0.2", true),
        ("ip.addr === 10.0.0.2", false),
        ("ip.addr === 10.0.0.0/8", true),
        ("ip.src == ip.dst", false),
        ("ip.src < ip.dst", true),
        ("ip.proto == ICMP", true),
        ("ip.proto == \"icmp\"", true),
        ("ip.proto == icmp", true),
        ("ip.proto == tcp", false),
        ("ip.proto in {tcp, udp}", false),
        ("ip.flags.df", false),
        ("ip.flags.df == 0", true),
        ("ip.flags.df == false", true),
        ("ip.proto & 1", true),
        ("ip.proto & 0x2", false),
        ("ip.ttl & 0x60 == 0x40", true),
        ("data.data contains \"bc\"", true),
        ("data contains 62:63", true),
        ("icmp contains \"xy\"", false),
        ("frame contains 0a:00:00:02", true),
        ("data.data == 61:62:63:64", true),
        ("data.data == 61626364", true),
        ("data.data[1:2] == 62:63", true),
        ("data.data[1-2] == 62:63", true),
        ("data.data[-1] == 64", true),
        ("data.data[3] == \"d\"", true),
        ("data.data[4] == \"d\"", false),
        ("ip.src[0] == 0a", true),
        ("ip[8] == 40", true),
        ("frame.len == 32", true),
        ("frame.number == 3", true),
        ("frame.interface_name == \"eth0\"", true),
        ("frame.time_epoch > 1700000000.25", true),
        ("frame.time_epoch < \"2023-11-14T22:13:20Z\"", false),
        ("tcp.srcport != 80", false),
        ("!(tcp.srcport == 80)", true),
        ("icmp xor tcp xor ip", false),
        ("tcp or icmp && ip.ttl == 1", false),
        ("(tcp or icmp) && ip.ttl == 64", true),
        ("NOT tcp AND icmp", true),
    ] {
        assert_eq!(holds(text, &PING), expected, "{text}");
    }
}

#[test]
fn outer_leaves_out_what_an_error_quotes() {
    // Time exceeded from 10.0.0.9 with TTL 250, about our ping with TTL 1.
    let mut error = vec![
        0x45, 0, 0, 60, 0, 0, 0, 0, 250, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1,
    ];
    error.extend([11, 0, 0, 0, 0, 0, 0, 0]);
    error.extend(PING);
    error[36] = 1;
    for (text, expected) in [
        ("ip.ttl == 1", true),
        ("outer.ip.ttl == 1", false),
        ("outer.ip.ttl == 250", true),
        ("icmp.seq == 7", true),
        ("outer.icmp.type == 8", false),
        ("outer.icmp.type == 11", true),
    ] {
        assert_eq!(holds(text, &error), expected, "{text}");
    }
}

fn fault(text: &str) -> (std::ops::Range<usize>, String, String) {
    let fault = Where::compile(text, &Decoder::new()).expect_err(text);
    (fault.at, fault.message, fault.hint.unwrap_or_default())
}

#[test]
fn faults_are_named_where_they_are() {
    for (text, at, message, hint) in [
        ("", 0..0, "the expression is empty", "icmp.type == 8"),
        (
            "ip.tll == 5",
            0..6,
            "no field or protocol `ip.tll`",
            "`ip.ttl`",
        ),
        (
            "icmp && ttl < 5",
            8..11,
            "no field or protocol `ttl`",
            "`ip.ttl`",
        ),
        ("ip.src == foo", 10..13, "is no number", "\"foo\""),
        ("ip.ttl == 10.0.0.1", 10..18, "is a number", ""),
        ("ip.ttl = 5", 7..8, "single `=`", "=="),
        ("ip.ttl == 5 5", 12..13, "expected `and`", ""),
        ("(ip.ttl == 5", 0..1, "is missing", ""),
        ("ip.ttl == 5)", 11..12, "no `(`", ""),
        ("ip.ttl ==", 9..9, "expected a field or a value", ""),
        ("ip.ttl in {1", 10..11, "is missing", ""),
        ("ip.ttl in {}", 11..12, "empty", ""),
        ("ip.ttl in 5", 10..11, "expected `{`", "{1, 2"),
        ("ip.ttl contains \"x\"", 0..6, "contains nothing", "=="),
        ("5 == 6", 0..6, "two values", ""),
        ("5", 0..1, "not a condition", ""),
        ("data ~ \"x\"", 5..6, "regular expressions", "contains"),
        ("data contains \"x", 14..16, "closing", ""),
        ("data contains \"\\q\"", 15..17, "unknown escape", ""),
        ("data[z] == 1", 4..7, "range of bytes", "offset"),
        ("ip.proto < tcp", 11..14, "only numbers", ""),
        ("ip.ttl == 5 and", 15..15, "expected a field", ""),
        ("é", 0..2, "no meaning", ""),
    ] {
        let (where_, said, hinted) = fault(text);
        assert_eq!(where_, at, "{text}: {said}");
        assert!(said.contains(message), "{text}: {said}");
        assert!(hinted.contains(hint), "{text}: {hinted}");
    }
}

#[test]
fn long_and_deep_expressions_are_refused_or_run() {
    let deep = format!("{}icmp{}", "(".repeat(500), ")".repeat(500));
    assert!(fault(&deep).1.contains("deeper"));
    assert!(fault(&"!".repeat(500)).1.contains("deeper"));
    let long = "x".repeat(MAX_EXPRESSION + 1);
    assert!(fault(&long).1.contains("longer"));
    let many = format!("tcp{} || icmp", " || tcp".repeat(5000));
    assert!(holds(&many, &PING));
}

#[test]
fn no_text_panics() {
    // Every prefix and every one-byte change of a long expression compiles or names a fault
    // inside the text.
    let text =
        "!(ip.src == 10.0.0.0/8 && data[1:-2] contains \"\\x41é\") || tcp.flags & 0x12 in {1..2}";
    let decoder = Decoder::new();
    let check = |text: &str| {
        if let Err(fault) = Where::compile(text, &decoder) {
            assert!(fault.at.end <= text.len(), "{text}: {fault:?}");
            fault.caret(text);
        }
    };
    for (at, _) in text.char_indices() {
        check(&text[..at]);
        for c in ['"', '[', ']', '{', '.', '-', '9', '\\', '\u{0}', 'é', ' '] {
            let mut changed = text.to_owned();
            changed.insert(at, c);
            check(&changed);
        }
    }
}
