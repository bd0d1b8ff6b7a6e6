//! What the ladder says of runs and captures.

use std::time::Duration;

use rawsock::decode::Decoder;
use rawsock::event::{Fate, Host, Kind, List, Mono, Timestamp};
use rawsock::view::ladder::text::{Style, render};
use rawsock::view::ladder::{Clock, End, Ladder, script};

use crate::run::{at, call, lossy_run, segment, sent};

/// The drawing is the one in the file; RAWSOCK_BLESS=1 writes it.
fn is_golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ladder");
    let path = path.join(name);
    if std::env::var_os("RAWSOCK_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap(), "\n{text}");
}

fn drawn(list: &List, clock: Clock, style: Style) -> (Ladder, String) {
    let ladder = Ladder::new(list, &Decoder::new(), "a run", clock);
    let mut out = String::new();
    render(&ladder, style, &mut out);
    (ladder, out)
}

#[test]
fn a_lossy_run_is_drawn_as_it_was() {
    let (ladder, text) = drawn(&lossy_run(), Clock::One, Style::default());
    assert_eq!(ladder.arrows.len(), 6);
    is_golden("lossy.txt", &text);
}

#[test]
fn ascii_is_ascii_but_for_what_people_sent() {
    let style = Style {
        ascii: true,
        ..Style::default()
    };
    let (_, text) = drawn(&lossy_run(), Clock::One, style);
    is_golden("lossy_ascii.txt", &text);
    let drawing: String = text.chars().filter(|c| !"你好".contains(*c)).collect();
    assert!(drawing.is_ascii(), "{drawing}");
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for width in [60, 80, 120] {
        let style = Style {
            width,
            ascii: false,
        };
        let (_, text) = drawn(&lossy_run(), Clock::One, style);
        for line in text.lines().skip(3) {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= width, "{columns} {line}");
        }
    }
}

#[test]
fn one_capture_knows_one_place_only() {
    let mut list = List::new(vec!["x.pcap".into()], Timestamp(0), 99, 99_999);
    for (micros, packet) in [
        (0, segment(true, 2, 1, 0, b"")),
        (10_000, segment(false, 0x12, 9, 2, b"")),
        (1_010_000, segment(false, 0x12, 9, 2, b"")),
    ] {
        list.push(at(micros), Host(0), Kind::Packet(packet), None);
    }
    let (ladder, text) = drawn(&list, Clock::SeenAt("x.pcap".into()), Style::default());
    assert!(ladder.arrows.iter().all(|arrow| arrow.end == End::Seen));
    assert_eq!(
        ladder
            .lanes
            .iter()
            .map(|lane| &*lane.name)
            .collect::<Vec<_>>(),
        ["10.5.0.1", "10.5.0.2"]
    );
    assert!(text.contains("seen at x.pcap"), "{text}");
    assert_eq!(ladder.arrows[2].marks, ["retransmission after 1.00 s"]);
    assert!(ladder.arrows[2].again);
    assert!(!text.contains('╮'), "{text}");
}

#[test]
fn overtaken_frames_cross() {
    let mut list = List::new(vec!["h1".into(), "h2".into()], Timestamp(0), 99, 99_999);
    let first = segment(true, 0x18, 1, 1, b"one");
    let id = list.push(at(0), Host(0), Kind::Packet(first), None);
    let fate = |micros| {
        Kind::Fate(Fate::Delivered {
            at: at(micros),
            to: Host(1),
        })
    };
    list.push(at(10), Host(0), Kind::Fate(Fate::Overtaken), id);
    list.push(at(9_000), Host(0), fate(9_000), id);
    let second = segment(true, 0x18, 4, 1, b"two");
    let id = list.push(at(1_000), Host(0), Kind::Packet(second), None);
    list.push(at(5_000), Host(0), Kind::Fate(Fate::Duplicated), id);
    list.push(at(5_000), Host(0), fate(5_000), id);
    list.push(at(6_000), Host(0), fate(6_000), id);
    let (ladder, text) = drawn(&list, Clock::One, Style::default());
    assert_eq!(ladder.arrows.len(), 3);
    let marks: Vec<String> = ladder
        .arrows
        .iter()
        .map(|arrow| arrow.marks.join())
        .collect();
    assert_eq!(marks, ["overtaken", "", "duplicate"]);
    assert!(text.contains('┊') && text.contains('┼'), "{text}");
}

trait Join {
    fn join(&self) -> String;
}

impl Join for Vec<String> {
    fn join(&self) -> String {
        self.as_slice().join(",")
    }
}

#[test]
fn talking_to_oneself_has_two_ends() {
    let mut list = List::new(vec!["lo".into()], Timestamp(0), 99, 99_999);
    let mut packet = segment(true, 2, 1, 0, b"");
    let mut bytes = packet.bytes.to_vec();
    bytes.copy_within(12..16, 16);
    packet.bytes = bytes.into();
    list.push(at(0), Host(0), Kind::Packet(packet), None);
    let (ladder, _) = drawn(&list, Clock::SeenAt("lo".into()), Style::default());
    let names: Vec<&str> = ladder.lanes.iter().map(|lane| &*lane.name).collect();
    assert_eq!(names, ["10.5.0.1:41802", "10.5.0.1:9000"]);
}

#[test]
fn several_conversations_with_oneself_share_two_ends() {
    let mut list = List::new(vec!["lo".into()], Timestamp(0), 99, 99_999);
    for (client, port) in [(true, 41802u16), (true, 41803), (false, 41803)] {
        let mut packet = segment(client, if client { 2 } else { 0x14 }, 1, 0, b"");
        let mut bytes = packet.bytes.to_vec();
        bytes[12..20].copy_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
        let at = if client { 20 } else { 22 };
        bytes[at..at + 2].copy_from_slice(&port.to_be_bytes());
        packet.bytes = bytes.into();
        list.push(at_next(&list), Host(0), Kind::Packet(packet), None);
    }
    let (ladder, _) = drawn(&list, Clock::SeenAt("lo".into()), Style::default());
    assert_eq!(ladder.lanes.len(), 2);
    assert_eq!(ladder.lanes[1].address, "who answers");
    let labels: Vec<&str> = ladder.arrows.iter().map(|arrow| &*arrow.label).collect();
    assert_eq!(
        labels,
        [
            "SYN seq 0, 41802 > 9000",
            "SYN seq 0, 41803 > 9000",
            "RST,ACK seq 0 ack 4294967295"
        ]
    );
    assert_eq!((ladder.arrows[2].from, ladder.arrows[2].to), (1, 0));
}

/// A millisecond after the last event.
fn at_next(list: &List) -> Mono {
    at(1000 * u64::try_from(list.events().len()).unwrap())
}

#[test]
fn hostile_names_and_calls_stay_text() {
    let mut list = List::new(
        vec!["\x1b[31m".into(), "h2".into()],
        Timestamp(0),
        99,
        99_999,
    );
    sent(&mut list, 0, 0, segment(true, 2, 1, 0, b""));
    call(&mut list, 0, 0, "send", "'\x1b]0;x\x07'", "1\u{202e}", 10);
    list.push(at(1), Host(0), Kind::Note("\x1b[2J".into()), None);
    let (ladder, text) = drawn(&list, Clock::One, Style::default());
    for out in [text, mermaid(&ladder), plantuml(&ladder)] {
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{out:?}");
    }
}

fn mermaid(ladder: &Ladder) -> String {
    let mut out = String::new();
    script::render_mermaid(ladder, &mut out);
    out
}

fn plantuml(ladder: &Ladder) -> String {
    let mut out = String::new();
    script::render_plantuml(ladder, &mut out);
    out
}

#[test]
fn scripts_of_others() {
    let (ladder, _) = drawn(&lossy_run(), Clock::One, Style::default());
    let text = mermaid(&ladder);
    for part in [
        "sequenceDiagram\n    participant L0 as h1 10.5.0.1\n",
        "L0->>L1: SYN seq 0 [0.020 ms]",
        "L0-xL1: PSH,ACK 1#58;13 [10.310 ms] (lost on the wire)",
        "L0-->>L1: PSH,ACK 1#58;13 [214.900 ms] (retransmission after 205 ms)",
        "Note over L0: connect(10.5.0.2#58;9000) = 0",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = plantuml(&ladder);
    for part in [
        "@startuml",
        "L0 ->x L1 : PSH,ACK",
        "participant \"h1 10.5.0.1\" as L0",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn the_clock_is_told() {
    let clock = Clock::Estimated {
        offset: -1_500_000,
        error: Duration::from_micros(80),
    };
    let (ladder, _) = drawn(&lossy_run(), clock, Style::default());
    let words = ladder.clock_words();
    assert!(
        words.contains("-1.5 ms") && words.contains("estimated"),
        "{words}"
    );
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let list = List::new(Vec::new(), Timestamp(0), 9, 9);
    let (_, text) = drawn(&list, Clock::One, Style::default());
    assert!(text.contains("no packet and no call"), "{text}");
}
