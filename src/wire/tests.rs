//! The wire in virtual time: every impairment and exact fate, without a socket.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::time::Duration;

use super::*;
use crate::event::{Fate, Host, Kind, Mono, Reason, Timestamp};

const MS: Duration = Duration::from_millis(1);

/// A wire between h1 and h2 with its clock.
struct Bench {
    engine: Engine,
    now: Mono,
    /// What arrived: when, in which direction, the last byte of the payload.
    arrived: Vec<(Duration, Way, u8)>,
}

fn bench(config: Config) -> Bench {
    let cable = Cable {
        ends: [Host(0), Host(1)],
        impaired: true,
    };
    let hosts = vec!["h1".to_owned(), "h2".to_owned()];
    Bench {
        engine: Engine::new(hosts, vec![cable], config).unwrap(),
        now: Mono::default(),
        arrived: Vec::new(),
    }
}

fn both(impairment: Impairment) -> Config {
    Config {
        ways: Ways {
            up: impairment.clone(),
            down: impairment,
        },
        ..Config::default()
    }
}

/// A UDP datagram in an Ethernet frame; the mark is its last byte.
fn udp(mark: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 10, 5, 0, 2, 2, 0, 10, 5, 0, 1, 8, 0];
    let total = u16::try_from(28 + len).unwrap().to_be_bytes();
    frame.extend([0x45, 0, total[0], total[1], 0, 1, 0x40, 0, 64, 17, 0, 0]);
    frame.extend([10, 5, 0, 1, 10, 5, 0, 2]);
    let length = u16::try_from(8 + len).unwrap().to_be_bytes();
    frame.extend([0x10, 0, 0x20, 0, length[0], length[1], 0, 0]);
    frame.extend(vec![mark; len]);
    frame
}

/// A TCP segment with these flags.
fn tcp(flags: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 10, 5, 0, 2, 2, 0, 10, 5, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend([10, 5, 0, 1, 10, 5, 0, 2]);
    frame.extend([0x10, 0, 0x20, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags]);
    frame.extend([0, 0, 0, 0, 0, 0]);
    frame
}

/// An ARP request.
fn arp() -> Vec<u8> {
    let mut frame = vec![255; 6];
    frame.extend([2, 0, 10, 5, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend([
        2, 0, 10, 5, 0, 1, 10, 5, 0, 1, 0, 0, 0, 0, 0, 0, 10, 5, 0, 2,
    ]);
    frame
}

impl Bench {
    fn put(&mut self, way: Way, frame: &[u8]) {
        self.engine.input(0, way, frame, self.now, Timestamp(0));
    }

    /// Lets time pass, taking out what is due at the moment it is due.
    fn run(&mut self, span: Duration) {
        let end = self.now.plus(span);
        loop {
            while let Some(due) = self.engine.due(self.now) {
                assert!(due.at() <= self.now);
                let mark = due.bytes().last().copied().unwrap();
                self.arrived.push((self.now.0, due.way(), mark));
                self.engine.sent(&due, self.now, Timestamp(0), true);
            }
            match self.engine.deadline() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
        }
        self.now = end;
    }

    fn marks(&self) -> Vec<u8> {
        self.arrived.iter().map(|(_, _, mark)| *mark).collect()
    }

    fn fates(&self) -> Vec<Fate> {
        let entries = self.engine.log().since(0);
        let fates = entries.filter_map(|entry| match &entry.kind {
            Kind::Fate(fate) => Some(fate.clone()),
            _ => None,
        });
        fates.collect()
    }
}

fn rule(act: Act, what: What) -> Config {
    Config {
        rules: vec![Rule {
            act,
            way: Some(Way::Up),
            what,
        }],
        ..Config::default()
    }
}

#[test]
fn nothing_asked_nothing_done() {
    let mut bench = bench(Config::default());
    for mark in 0..10 {
        bench.put(Way::Up, &udp(mark, 10));
    }
    bench.run(Duration::ZERO);
    assert_eq!(bench.marks(), (0..10).collect::<Vec<_>>());
    let counts = bench.engine.counts(0).up;
    assert_eq!(
        (counts.frames, counts.delivered, counts.dropped),
        (10, 10, 0)
    );
}

#[test]
fn delay_is_exact_and_for_each_direction() {
    let mut config = Config::default();
    config.ways.up.delay = 20 * MS;
    config.ways.down.delay = 5 * MS;
    let mut bench = bench(config);
    bench.put(Way::Up, &udp(1, 10));
    bench.put(Way::Down, &udp(2, 10));
    bench.put(Way::Up, &arp());
    bench.run(100 * MS);
    assert_eq!(
        bench.arrived,
        [
            (5 * MS, Way::Down, 2),
            (20 * MS, Way::Up, 1),
            (20 * MS, Way::Up, 2)
        ]
    );
}

#[test]
fn jitter_stays_in_its_bounds_and_keeps_the_order() {
    let mut bench = bench(both(Impairment {
        delay: 20 * MS,
        jitter: 5 * MS,
        ..Impairment::default()
    }));
    let mut spread = Vec::new();
    for mark in 0..200 {
        let sent = bench.now.0;
        bench.put(Way::Up, &udp(mark, 10));
        bench.run(50 * MS);
        let (at, _, got) = *bench.arrived.last().unwrap();
        assert_eq!(got, mark);
        spread.push(Mono(at).since(Mono(sent)));
    }
    assert!(spread.iter().all(|d| (15 * MS..=25 * MS).contains(d)));
    assert!(*spread.iter().min().unwrap() < 16 * MS);
    assert!(*spread.iter().max().unwrap() > 24 * MS);
    bench.arrived.clear();
    for mark in 0..200 {
        bench.put(Way::Up, &udp(mark, 10));
        bench.run(MS);
    }
    bench.run(100 * MS);
    assert_eq!(bench.marks(), (0..200).collect::<Vec<_>>());
}

/// 10,000 draws of 10 %: the bound of five standard deviations is missed once in two million.
#[test]
fn loss_is_binomial_and_the_same_for_the_same_seed() {
    let run = |seed, dup| {
        let mut config = both(Impairment {
            loss: Share(100_000),
            dup: Share(dup),
            ..Impairment::default()
        });
        config.seed = seed;
        let mut bench = bench(config);
        let mut lost = Vec::new();
        for n in 0..10_000 {
            let before = bench.engine.counts(0).up.dropped;
            bench.put(Way::Up, &udp(0, 10));
            bench.run(Duration::ZERO);
            if bench.engine.counts(0).up.dropped > before {
                lost.push(n);
            }
        }
        lost
    };
    let first = run(7, 0);
    assert!((850..=1150).contains(&first.len()), "{}", first.len());
    assert_eq!(first, run(7, 0));
    assert_eq!(first, run(7, 500_000), "dup moves the losses");
    assert_ne!(first, run(8, 0));
}

#[test]
fn arp_and_what_is_not_ip_is_neither_counted_nor_lost() {
    let mut bench = bench(both(Impairment {
        loss: Share(Share::ALL),
        ..Impairment::default()
    }));
    bench.put(Way::Up, &arp());
    bench.put(Way::Up, &udp(1, 10));
    bench.run(Duration::ZERO);
    let counts = bench.engine.counts(0).up;
    assert_eq!((counts.frames, counts.counted, counts.delivered), (2, 1, 1));
}

#[test]
fn exact_fates_hit_their_frame() {
    let send = |config| {
        let mut bench = bench(config);
        for mark in 1..=6 {
            bench.put(Way::Up, &udp(mark, 10));
            bench.put(Way::Down, &udp(100 + mark, 10));
            bench.run(MS);
        }
        bench.run(Duration::from_secs(20));
        bench.arrived.retain(|(_, way, _)| *way == Way::Up);
        bench
    };
    assert_eq!(
        send(rule(Act::Drop, What::Number(3))).marks(),
        [1, 2, 4, 5, 6]
    );
    assert_eq!(
        send(rule(Act::Dup, What::Number(5))).marks(),
        [1, 2, 3, 4, 5, 5, 6]
    );
    assert_eq!(
        send(rule(Act::Swap, What::Number(4))).marks(),
        [1, 2, 3, 5, 4, 6]
    );
    // Nothing overtakes the last one: it goes on after its patience.
    let last = send(rule(Act::Swap, What::Number(6)));
    assert_eq!(last.marks(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        last.arrived[5].0,
        Duration::from_millis(5) + Duration::from_secs(10)
    );
    let corrupt = send(rule(Act::Corrupt, What::Number(6)));
    let fates = corrupt.fates();
    let flipped: Vec<_> = fates
        .iter()
        .filter(|f| matches!(f, Fate::Corrupted { .. }))
        .collect();
    assert_eq!(flipped.len(), 1);
    let Fate::Corrupted { bit } = flipped[0] else {
        panic!()
    };
    assert!((112..8 * 52).contains(bit), "{bit}");
}

#[test]
fn a_condition_counts_its_matches() {
    let what = |text: &str, nth| What::Match(text.to_owned(), nth);
    let mut bench = bench(rule(Act::Drop, what("tcp.flags.syn", Some(1))));
    for flags in [0x10, 0x02, 0x02, 0x10] {
        bench.put(Way::Up, &tcp(flags));
    }
    bench.run(MS);
    assert_eq!(bench.engine.acted(), [1]);
    let dropped = bench
        .fates()
        .iter()
        .position(|f| *f == Fate::Dropped(Reason::Rule));
    assert_eq!(dropped, Some(0), "{:?}", bench.fates());
    assert_eq!(bench.engine.counts(0).up.delivered, 3);
}

#[test]
fn a_condition_for_both_directions_acts_once_with_a_number() {
    let mut config = rule(Act::Drop, What::Match("tcp.flags.syn".into(), Some(1)));
    config.rules[0].way = None;
    let mut bench = bench(config);
    for (way, flags) in [(Way::Up, 0x02), (Way::Up, 0x02), (Way::Down, 0x12)] {
        bench.put(way, &tcp(flags));
    }
    bench.run(MS);
    assert_eq!(bench.engine.counts(0).up.dropped, 1);
    assert_eq!(bench.engine.counts(0).down.dropped, 0);
}

#[test]
fn a_wrong_condition_is_refused() {
    let config = rule(Act::Drop, What::Match("tcp.nonsense".into(), None));
    let engine = Engine::new(Vec::new(), Vec::new(), config);
    assert_eq!(engine.unwrap_err().0, "tcp.nonsense");
}

#[test]
fn muted_resets_do_not_arrive() {
    let config = Config {
        mute_resets: vec!["h1".into()],
        ..Config::default()
    };
    let mut bench = bench(config);
    bench.put(Way::Up, &tcp(0x04));
    bench.put(Way::Up, &tcp(0x10));
    bench.put(Way::Down, &tcp(0x14));
    bench.run(MS);
    assert_eq!(bench.engine.counts(0).up.delivered, 1);
    assert_eq!(bench.engine.counts(0).down.delivered, 1);
    assert!(bench.fates().contains(&Fate::Dropped(Reason::MutedReset)));
}

#[test]
fn a_rate_spaces_frames_and_its_queue_ends() {
    let mut bench = bench(both(Impairment {
        rate: Some(1_000_000),
        queue: Some(4000),
        ..Impairment::default()
    }));
    // 1,000 bytes at 1 Mbit/s: 8 ms each.
    for mark in 0..10 {
        bench.put(Way::Up, &udp(mark, 1000 - 42));
    }
    bench.run(Duration::from_secs(1));
    let times: Vec<_> = bench.arrived.iter().map(|(at, _, _)| *at).collect();
    assert_eq!(times, [8 * MS, 16 * MS, 24 * MS, 32 * MS, 40 * MS]);
    assert_eq!(bench.engine.counts(0).up.dropped, 5);
    assert!(bench.fates().contains(&Fate::Dropped(Reason::Queue)));
}

#[test]
fn longer_than_the_mtu_is_dropped() {
    let mut bench = bench(both(Impairment {
        mtu: Some(1000),
        ..Impairment::default()
    }));
    bench.put(Way::Up, &udp(1, 1000 - 28));
    bench.put(Way::Up, &udp(2, 1001 - 28));
    bench.run(MS);
    assert_eq!(bench.marks(), [1]);
    assert!(bench.fates().contains(&Fate::Dropped(Reason::Mtu)));
}

#[test]
fn reordered_frames_arrive_behind_the_next() {
    let mut config = both(Impairment {
        reorder: Share(200_000),
        ..Impairment::default()
    });
    config.seed = 3;
    let mut bench = bench(config);
    for mark in 0..200 {
        bench.put(Way::Up, &udp(mark, 10));
        bench.run(MS);
    }
    bench.run(Duration::from_secs(1));
    let marks = bench.marks();
    assert_eq!(marks.len(), 200);
    let late = marks.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert_eq!(late as u64, bench.engine.counts(0).up.overtaken);
    assert!((20..=50).contains(&late), "{late}");
}

#[test]
fn keys_decide_about_held_frames() {
    let config = Config {
        hold: Hold::Counted,
        ..Config::default()
    };
    let mut bench = bench(config);
    for mark in 1..=7 {
        bench.put(Way::Up, &udp(mark, 10));
    }
    bench.put(Way::Up, &arp());
    bench.run(Duration::from_secs(1));
    assert_eq!(bench.arrived.len(), 1, "only ARP passes");
    bench.arrived.clear();
    assert_eq!(bench.engine.held_count(), 7);
    for key in [
        Key::Deliver,        // 1
        Key::Drop,           // 2
        Key::Duplicate,      // 3 3
        Key::Swap,           // 5 before 4
        Key::Deliver,        // 5
        Key::After(30 * MS), // 4, later
        Key::Flip,           // 6, changed
    ] {
        assert!(bench.engine.press(key, bench.now), "{key:?}");
        bench.run(MS);
    }
    bench.run(100 * MS);
    assert_eq!(bench.arrived.len(), 6);
    assert_eq!(bench.marks()[..4], [1, 3, 3, 5]);
    assert!(bench.engine.press(Key::Run, bench.now));
    bench.put(Way::Up, &udp(9, 10));
    bench.run(MS);
    assert_eq!(bench.marks()[6..], [7, 9]);
    assert!(!bench.engine.press(Key::Deliver, bench.now));
}

#[test]
fn the_first_held_frame_lets_one_that_is_not_there_yet_past() {
    let config = Config {
        hold: Hold::Counted,
        ..Config::default()
    };
    let mut bench = bench(config);
    bench.put(Way::Up, &udp(1, 10));
    assert!(bench.engine.press(Key::Swap, bench.now));
    assert!(bench.engine.held().is_none());
    bench.put(Way::Down, &udp(100, 10));
    assert!(bench.engine.held().is_none());
    bench.put(Way::Up, &udp(2, 10));
    assert_eq!(bench.engine.held().unwrap().3.last(), Some(&2));
    for _ in 0..3 {
        bench.engine.press(Key::Deliver, bench.now);
    }
    bench.run(MS);
    assert_eq!(bench.marks(), [2, 1, 100]);
}

#[test]
fn a_cable_that_is_not_impaired_passes_everything() {
    let cable = |impaired| Cable {
        ends: [Host(0), Host(1)],
        impaired,
    };
    let config = both(Impairment {
        loss: Share(Share::ALL),
        ..Impairment::default()
    });
    let hosts = vec!["h1".into(), "h2".into()];
    let mut engine = Engine::new(hosts, vec![cable(false), cable(true)], config).unwrap();
    for cable in 0..2 {
        engine.input(cable, Way::Up, &udp(1, 10), Mono::default(), Timestamp(0));
    }
    assert_eq!(engine.due(Mono::default()).unwrap().cable(), 0);
    assert!(engine.due(Mono::default()).is_none());
}

#[test]
fn events_travel_and_keep_their_causes() {
    let mut config = rule(Act::Corrupt, What::Number(2));
    config.ways.up.delay = 3 * MS;
    let mut bench = bench(config);
    bench.put(Way::Up, &udp(1, 10));
    bench.put(Way::Up, &udp(2, 10));
    bench.engine.note("said".into(), bench.now);
    bench.run(10 * MS);
    let mut bytes = Vec::new();
    let next = encode_entries(bench.engine.log().since(0), usize::MAX, &mut bytes);
    assert_eq!(next, Some(bench.engine.log().next()));
    let mut list = crate::event::List::new(vec!["h1".into()], Timestamp(0), 100, 10_000);
    assert!(Reader::default().read(&bytes, &mut list));
    let arrived = list.events().iter().filter_map(|event| match &event.kind {
        Kind::Packet(packet) if event.cause.is_some() => Some((event, packet)),
        _ => None,
    });
    let arrived: Vec<_> = arrived.collect();
    assert_eq!(arrived.len(), 2);
    let (event, packet) = arrived[1];
    let fate = list.get(event.cause.unwrap()).unwrap();
    assert!(matches!(fate.kind, Kind::Fate(Fate::Delivered { .. })));
    let sent = list.get(fate.cause.unwrap()).unwrap();
    let Kind::Packet(sent) = &sent.kind else {
        panic!()
    };
    assert_ne!(sent.bytes, packet.bytes, "a bit is flipped");
    assert_eq!(packet.bytes.len(), sent.bytes.len());
    for cut in 1..bytes.len() {
        // Never panics; what is cut at a border is a shorter list.
        let _ = decode_entries(&bytes[..cut]);
    }
}

#[test]
fn requests_and_replies_travel() {
    let request = Request::Set(Box::new(rule(
        Act::Drop,
        What::Match("icmp".into(), Some(2)),
    )));
    assert_eq!(Request::decode(&request.encode()), Some(request));
    for reply in [
        Reply::Ready(Box::default()),
        Reply::Done,
        Reply::Refused("no".into()),
        Reply::Status(Box::default()),
        Reply::Entries(vec![1, 2]),
        Reply::Text("x".into()),
        Reply::Held(String::new()),
    ] {
        assert_eq!(Reply::decode(&reply.encode()), Some(reply));
    }
    assert_eq!((Reply::decode(b""), Reply::decode(b"?")), (None, None));
}

#[test]
fn the_log_lets_the_oldest_go() {
    let mut log = Log::new(3, 1000);
    for _ in 0..5 {
        log.push(Mono::default(), Host(0), Kind::Note("x".into()), None, None);
    }
    let kept: Vec<u64> = log.since(0).map(|entry| entry.number).collect();
    assert_eq!((kept, log.evicted(), log.next()), (vec![2, 3, 4], 2, 5));
    assert_eq!(log.since(4).count(), 1);
}
