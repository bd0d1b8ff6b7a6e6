//! The text and JSON views of ping against golden files, one event list for both.
//!
//! `RAWSOCK_BLESS=1 cargo test --test ping_views` writes the files anew.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]
#![expect(clippy::too_many_lines, reason = "a list of everything is long")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rawsock::event::{Stamp, Timestamp};
use rawsock::ping::{IcmpError, NotSent, Outage, Probe, RttStats, StateChange, Summary, Verdict};
use rawsock::view::json::Json;
use rawsock::view::ping::{Options, Text};
use rawsock::view::start::{Socket, Start};

/// 2026-11-22 16:50:00 UTC.
const EPOCH: i64 = 1_795_366_200_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp(EPOCH + millis * 1_000_000 + 123_456)
}

fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn start(target: &str, address: &str) -> Start {
    Start {
        target: target.into(),
        address: ip(address),
        zone: None,
        source: None,
        interface: None,
        socket: Socket::Hdrincl,
        size: 56,
        header_len: 20,
        flow_label: None,
        pattern: None,
        ids: vec![4711, 4712, 4713, 4714],
        sandbox: true,
    }
}

fn probe(n: u64) -> Probe {
    Probe {
        id: 4711,
        seq: u16::try_from(n).unwrap(),
        n,
        size: 56,
        want_stamp: true,
    }
}

fn reply(n: u64, from: &str, micros: u64) -> Verdict {
    Verdict::Reply {
        seq: u16::try_from(n).unwrap(),
        n,
        from: ip(from),
        bytes: 64,
        ttl: Some(64),
        rtt: us(micros),
        stamp: Stamp::Kernel,
        reordered: false,
    }
}

fn icmp(from: &str, icmp_type: u8, code: u8, rest: u32) -> IcmpError {
    IcmpError {
        from: ip(from),
        icmp_type,
        code,
        rest,
        message: None,
        unmatched: false,
    }
}

/// Time exceeded with an MPLS label stack (RFC 4950) behind a quote of 128 bytes.
fn mpls() -> Arc<[u8]> {
    let mut message = vec![11, 0, 0, 0, 0, 32, 0, 0];
    let mut quote = vec![
        0x45, 0, 0, 84, 0, 0, 0x40, 0, 1, 1, 0, 0, 10, 0, 0, 1, 10, 0, 9, 9, 8, 0, 0, 0, 0x12,
        0x67, 0, 2,
    ];
    quote.resize(128, 0);
    message.extend(quote);
    message.extend([0x20, 0, 0, 0]); // version 2; checksum 0: none computed
    message.extend([0, 12, 1, 1]);
    message.extend([0x03, 0xe8, 0xc0, 0x01]); // label 16012, exp 0, more follow, ttl 1
    message.extend([0x00, 0x01, 0x91, 0xff]); // label 25, exp 0, bottom, ttl 255
    message.into()
}

/// Every verdict that there is, and every change of state.
fn everything() -> Vec<Verdict> {
    let from = ip("10.0.0.2");
    let reason = NotSent {
        errno: 101,
        mtu: None,
    };
    vec![
        reply(1, "10.0.0.2", 41),
        Verdict::Reply {
            seq: 3,
            n: 3,
            from,
            bytes: 64,
            ttl: None,
            rtt: us(12_340),
            stamp: Stamp::User,
            reordered: true,
        },
        Verdict::Duplicate {
            seq: 1,
            from,
            bytes: 64,
            ttl: Some(64),
            rtt: us(1_234),
            stamp: Stamp::Hardware,
        },
        Verdict::Late {
            seq: 2,
            n: 2,
            from,
            bytes: 64,
            ttl: Some(63),
            rtt: us(1_234_567),
            stamp: Stamp::Kernel,
        },
        Verdict::Corrupt {
            seq: 4,
            from,
            bytes: 64,
            at: 20,
            sent: 0x14,
            got: 0xff,
        },
        Verdict::Truncated {
            seq: 5,
            from,
            bytes: 20,
            expected: 64,
        },
        Verdict::Longer {
            seq: 6,
            from,
            bytes: 70,
            expected: 64,
        },
        Verdict::BadChecksum {
            seq: 7,
            from,
            bytes: 64,
            got: 0x12,
            computed: 0xabcd,
        },
        Verdict::OtherAddress {
            seq: 8,
            from: ip("10.0.0.3"),
            bytes: 64,
            ttl: Some(64),
            rtt: us(99),
            stamp: Stamp::Kernel,
        },
        Verdict::UnknownSeq {
            seq: 4000,
            from,
            bytes: 64,
        },
        Verdict::Request {
            seq: 9,
            from,
            bytes: 64,
        },
        Verdict::Error {
            seq: Some(10),
            error: icmp("10.0.0.1", 3, 1, 0),
        },
        Verdict::Error {
            seq: Some(11),
            error: IcmpError {
                message: Some(mpls()),
                ..icmp("10.0.0.1", 11, 0, 0)
            },
        },
        Verdict::Error {
            seq: None,
            error: IcmpError {
                unmatched: true,
                ..icmp("10.0.0.1", 3, 200, 0)
            },
        },
        Verdict::NotSent {
            seq: 12,
            n: 12,
            reason: reason.clone(),
        },
        Verdict::NotSent {
            seq: 13,
            n: 13,
            reason: NotSent {
                errno: 90,
                mtu: Some(1400),
            },
        },
        Verdict::Timeout {
            seq: 14,
            n: 14,
            closed_early: false,
        },
        Verdict::Timeout {
            seq: 15,
            n: 15,
            closed_early: true,
        },
        Verdict::State(StateChange::SendsFail(reason)),
        Verdict::State(StateChange::SendsWork { not_sent: 2 }),
        Verdict::State(StateChange::SendsWaited {
            errno: 105,
            waited: us(2_500),
        }),
        Verdict::State(StateChange::OutageBegan),
        Verdict::State(StateChange::OutageEnded {
            lasted: Duration::from_millis(2_350),
        }),
        Verdict::State(StateChange::LostByUs { count: 399 }),
        Verdict::State(StateChange::ClockStep),
        Verdict::State(StateChange::TableFull),
        Verdict::State(StateChange::IdClash { id: 4711 }),
    ]
}

fn stats() -> RttStats {
    RttStats {
        stamp: Stamp::Kernel,
        count: 2,
        min: us(27),
        avg: us(193),
        max: us(359),
        mdev: us(166),
        p50: us(27),
        p90: us(359),
        p99: us(359),
        jitter: us(20),
    }
}

fn clean() -> Summary {
    Summary {
        sent: 2,
        received: 2,
        elapsed: Duration::from_millis(15),
        sending: us(14_400),
        rtt: Some(stats()),
        pipe: 1,
        ewma: Some(us(317)),
        ..Summary::default()
    }
}

fn messy() -> Summary {
    Summary {
        sent: 15,
        not_sent: 2,
        received: 2,
        late: 1,
        lost: 11,
        open: 1,
        duplicates: 1,
        reordered: 1,
        corrupt: 1,
        truncated: 1,
        longer: 1,
        bad_checksum: 1,
        other_address: 1,
        unknown_seq: 1,
        requests: 1,
        errors: 3,
        notices: 1,
        lost_by_us: 399,
        retries: 4,
        pipe: 12,
        outages: vec![
            Outage {
                from: at(1000),
                until: Some(at(3350)),
            },
            Outage {
                from: at(5000),
                until: None,
            },
        ],
        outage_count: 2,
        ..clean()
    }
}

fn text(start: Start, options: Options, verdicts: &[Verdict], summary: &Summary) -> String {
    let mut out = Vec::new();
    let mut view = Text::new(start, options);
    view.start(&mut out).unwrap();
    for (n, verdict) in (1..).zip(verdicts) {
        let time = at(i64::try_from(n).unwrap() * 100);
        view.sent(time, &probe(n), &mut out).unwrap();
        view.event(time, verdict, &mut out).unwrap();
    }
    view.finish(summary, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(start: Start, verdicts: &[Verdict], summary: &Summary) -> String {
    let mut out = Vec::new();
    let mut view = Json::new(start, false, true, false);
    view.start(at(0), &mut out).unwrap();
    view.remark(at(0), "flood \"x\" \x1b", &mut out).unwrap();
    for (n, verdict) in (1..).zip(verdicts) {
        let time = at(i64::try_from(n).unwrap() * 100);
        view.sent(time, &probe(n), &mut out).unwrap();
        view.event(time, verdict, &mut out).unwrap();
    }
    view.interim(at(9000), summary, &mut out).unwrap();
    view.finish(at(9000), summary, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Compares with `tests/golden/ping/NAME`.
fn golden(name: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/ping")
        .join(name);
    if std::env::var_os("RAWSOCK_BLESS").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expected, "{}", path.display());
}

#[test]
fn clean_run_is_iputils_text() {
    let replies = [reply(1, "127.0.0.1", 359), reply(2, "127.0.0.1", 27)];
    let got = text(
        start("127.0.0.1", "127.0.0.1"),
        Options::default(),
        &replies,
        &clean(),
    );
    golden("clean.txt", &got);
}

#[test]
fn everything_that_can_happen_has_its_line() {
    let options = Options {
        verbose: true,
        timestamps: true,
        outstanding: true,
        audible: true,
        precise: true,
        ..Options::default()
    };
    let start = || start("router.example", "10.0.0.2");
    golden(
        "everything.txt",
        &text(start(), Options::default(), &everything(), &messy()),
    );
    golden(
        "everything-options.txt",
        &text(start(), options, &everything(), &messy()),
    );
    golden("everything.json", &json(start(), &everything(), &messy()));
}

#[test]
fn each_verdict_is_one_json_object() {
    for verdict in everything() {
        let lines = json(
            start("x", "10.0.0.2"),
            std::slice::from_ref(&verdict),
            &clean(),
        );
        assert_eq!(lines.lines().count(), 5, "{verdict:?}");
        for line in lines.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["type"].is_string());
            assert!(value["time"].is_string());
        }
    }
}

#[test]
fn dead_host_has_no_times() {
    let summary = Summary {
        sent: 3,
        lost: 3,
        errors: 3,
        pipe: 3,
        sending: us(629_000),
        ..Summary::default()
    };
    let error = |seq| Verdict::Error {
        seq: Some(seq),
        error: icmp("10.0.0.1", 3, 1, 0),
    };
    let got = text(
        start("10.0.0.2", "10.0.0.2"),
        Options::default(),
        &[error(1), error(2), error(3)],
        &summary,
    );
    golden("dead.txt", &got);
    let silent = Summary {
        errors: 0,
        pipe: 1,
        ..summary
    };
    golden(
        "silent.txt",
        &text(
            start("10.0.0.2", "10.0.0.2"),
            Options::default(),
            &[],
            &silent,
        ),
    );
}

#[test]
fn nothing_sent_has_no_loss() {
    let reason = NotSent {
        errno: 90,
        mtu: Some(1500),
    };
    let verdicts = [
        Verdict::State(StateChange::SendsFail(reason.clone())),
        Verdict::NotSent {
            seq: 1,
            n: 1,
            reason,
        },
    ];
    let summary = Summary {
        not_sent: 1,
        ..Summary::default()
    };
    let start = start("10.0.0.2", "10.0.0.2");
    golden(
        "not-sent.txt",
        &text(start, Options::default(), &verdicts, &summary),
    );
}

#[test]
fn ipv6_lines() {
    let start = Start {
        zone: Some("eth0".into()),
        source: Some(ip("fe80::9")),
        interface: Some("eth0".into()),
        flow_label: Some(0x12345),
        pattern: Some(vec![0xff, 0]),
        header_len: 40,
        ..start("fe80::1%eth0", "fe80::1")
    };
    let errors = [(1, 3), (2, 0), (3, 0), (4, 1), (1, 77), (99, 2)];
    let mut verdicts = vec![reply(1, "fe80::1", 41)];
    verdicts.extend(errors.map(|(kind, code)| Verdict::Error {
        seq: Some(2),
        error: icmp("2001:db8::1", kind, code, 1280),
    }));
    golden(
        "ipv6.txt",
        &text(start.clone(), Options::default(), &verdicts, &clean()),
    );
    golden("ipv6.json", &json(start, &verdicts, &clean()));
    let named = self::start("ip6.example", "2001:db8::2");
    golden(
        "ipv6-name.txt",
        &text(
            named,
            Options::default(),
            &[reply(1, "2001:db8::2", 41)],
            &clean(),
        ),
    );
}

#[test]
fn flood_shows_dots_and_backspaces() {
    let options = Options {
        flood: true,
        paced_by_answers: true,
        ..Options::default()
    };
    let verdicts = [
        reply(1, "127.0.0.1", 41),
        Verdict::Timeout {
            seq: 2,
            n: 2,
            closed_early: false,
        },
        reply(3, "127.0.0.1", 41),
        everything()[7].clone(),
        everything()[11].clone(),
        everything()[14].clone(),
    ];
    let got = text(
        start("127.0.0.1", "127.0.0.1"),
        options,
        &verdicts,
        &clean(),
    );
    golden("flood.txt", &got);
}

#[test]
fn flood_of_lost_probes_shows_no_more_than_a_row_of_dots() {
    let options = Options {
        flood: true,
        width: Some(10),
        ..Options::default()
    };
    let mut view = Text::new(start("h", "10.0.0.2"), options);
    let mut out = Vec::new();
    for n in 1..=100 {
        view.sent(at(0), &probe(n), &mut out).unwrap();
    }
    assert_eq!(out, b"..........");
    for n in 1..=100 {
        view.event(at(0), &reply(n, "10.0.0.2", 1), &mut out)
            .unwrap();
    }
    assert_eq!(out.len(), 10 + 30);
}

#[test]
fn quiet_shows_start_and_end_only() {
    let options = Options {
        quiet: true,
        outstanding: true,
        ..Options::default()
    };
    let got = text(start("h", "10.0.0.2"), options, &everything(), &clean());
    assert_eq!(got.lines().nth(1), Some(""));
    let mut out = Vec::new();
    let mut view = Json::new(start("h", "10.0.0.2"), true, true, false);
    view.sent(at(0), &probe(1), &mut out).unwrap();
    view.sent(at(0), &probe(2), &mut out).unwrap();
    view.event(at(0), &reply(1, "10.0.0.2", 1), &mut out)
        .unwrap();
    assert!(out.is_empty());
}

#[test]
fn interim_line_is_that_of_sigquit() {
    let view = Text::new(start("h", "10.0.0.2"), Options::default());
    let mut err = Vec::new();
    view.interim(&clean(), &mut err).unwrap();
    assert_eq!(
        String::from_utf8(err).unwrap(),
        "\r2/2 packets, 0% loss, min/avg/ewma/max = 0.027/0.193/0.317/0.359 ms\n"
    );
}

#[test]
fn hostile_names_steer_no_terminal_and_break_no_json() {
    let name = "a\"b\x1b[2J\u{202e}\nc";
    let start = Start {
        interface: Some(name.into()),
        source: Some(ip("10.0.0.1")),
        ..start(name, "10.0.0.2")
    };
    let mut view = Text::new(start.clone(), Options::default());
    view.name(ip("10.0.0.3"), name.into());
    let mut out = Vec::new();
    view.start(&mut out).unwrap();
    view.event(at(0), &reply(1, "10.0.0.3", 1), &mut out)
        .unwrap();
    view.remark(name, &mut out).unwrap();
    view.finish(&clean(), &mut out).unwrap();
    let got = String::from_utf8(out).unwrap();
    assert!(!got.contains(['\x1b', '\u{202e}']), "{got}");
    assert!(got.contains("a\"b\\x1b[2J"));
    let mut out = Vec::new();
    let mut view = Json::new(start, false, false, false);
    view.name(ip("10.0.0.3"), name.into());
    view.start(at(0), &mut out).unwrap();
    view.event(at(0), &reply(1, "10.0.0.3", 1), &mut out)
        .unwrap();
    for line in String::from_utf8(out).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["target"] == name || value["name"] == name);
    }
}

#[test]
fn colour_is_only_round_what_is_odd() {
    let options = Options {
        color: true,
        ..Options::default()
    };
    let verdicts = [
        reply(1, "10.0.0.2", 1),
        everything()[2].clone(),
        everything()[4].clone(),
    ];
    let got = text(start("h", "10.0.0.2"), options, &verdicts, &clean());
    assert_eq!(got.matches("\x1b[33m").count(), 1);
    assert_eq!(got.matches("\x1b[31m").count(), 1);
    assert_eq!(got.matches("\x1b[0m").count(), 2);
}
