//! Pace, stamps and clocks.

use std::cell::Cell;
use std::time::Duration;

use rawsock::event::{Mono, Stamp, Timestamp};
use rawsock::ping::{Config, StateChange, Step, Verdict};

use crate::link::{Link, Packet, Send, at, config, flood, ms, us};

fn times(link: &Link<'_>) -> Vec<Duration> {
    link.probes.iter().map(|(time, _)| time.0).collect()
}

#[test]
fn the_interval_is_an_absolute_schedule() {
    let mut config = config(50);
    config.interval = ms(200);
    let mut link = Link::new(config, |probe, payload| {
        vec![(ms(probe.n % 150), Packet::reply(probe, payload))]
    });
    link.run();
    let expected: Vec<_> = (0..50).map(|k| ms(200 * k)).collect();
    assert_eq!(times(&link), expected);
}

#[test]
fn preload_goes_at_once() {
    let mut config = config(6);
    config.preload = 4;
    let mut link = Link::new(config, |probe, payload| {
        vec![(ms(50), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    assert_eq!(
        times(&link),
        [ms(0), ms(0), ms(0), ms(0), ms(1000), ms(2000)]
    );
    assert_eq!((summary.received, summary.pipe), (6, 4));
}

#[test]
fn flood_sends_as_answers_come_or_a_hundred_a_second() {
    let mut link = Link::new(flood(6), |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if probe.n == 3 {
            vec![]
        } else {
            vec![(us(70), reply)]
        }
    });
    link.run();
    let expected = [0, 70, 140, 10_140, 10_210, 10_280].map(us);
    assert_eq!(times(&link), expected);
}

#[test]
fn adaptive_follows_the_round_trip() {
    let mut config = config(8);
    config.adaptive = true;
    config.min_interval = ms(2);
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        match probe.n {
            1 | 2 => vec![(us(300), reply)],
            5 => vec![],
            _ => vec![(ms(30), reply)],
        }
    });
    link.run();
    let times = times(&link);
    assert_eq!(times[1], ms(2), "the users' least interval");
    assert_eq!(times[2], ms(4));
    // No answer within ten milliseconds: the average is still short.
    assert_eq!(times[3], ms(14));
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + ms(2)));
    assert!(times.windows(2).all(|pair| pair[1] <= pair[0] + ms(31)));
}

#[test]
fn a_stopped_process_makes_no_timeouts_of_answers_that_are_here() {
    // Stopped for a minute while answers wait in the socket, then continued.
    for kernel in [true, false] {
        let mut config = config(3);
        config.preload = 3;
        let mut link = Link::new(config, |probe, payload| {
            vec![(ms(20), Packet::reply(probe, payload))]
        });
        link.kernel = kernel;
        link.run_until(at(10));
        link.now = at(60_000);
        let summary = link.run();
        assert_eq!(link.count(|v| matches!(v, Verdict::Timeout { .. })), 0);
        assert_eq!(summary.lost, 0);
        // Only the kernel knows that they were in time.
        let expected = if kernel { (3, 0) } else { (0, 3) };
        assert_eq!((summary.received, summary.late), expected);
    }
}

#[test]
fn after_a_stall_real_losses_are_still_found() {
    let mut config = config(100);
    config.timeout = Some(ms(500));
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if probe.n == 2 {
            vec![]
        } else {
            vec![(ms(20), reply)]
        }
    });
    link.run_until(at(1400));
    link.now = at(30_000);
    link.run_until(at(32_500));
    let summary = link.pinger.summary(link.now);
    assert_eq!((summary.lost, summary.open), (1, 0));
    // One probe at once, the next in phase.
    assert_eq!(times(&link), [0, 1000, 30_000, 31_000, 32_000].map(ms));
}

#[test]
fn a_clock_that_stands_still_makes_no_burst_and_no_loop() {
    let mut link = Link::new(config(0), |_, _| vec![]);
    link.run_until(at(0));
    for _ in 0..10_000 {
        assert_eq!(link.pinger.poll(at(0)), Step::WaitUntil(at(1000)));
    }
    // One that goes back counts as standing still.
    link.now = at(5000);
    link.run_until(at(5000));
    assert_eq!(link.pinger.poll(at(3)), Step::WaitUntil(at(6000)));
    assert_eq!(link.probes.len(), 2);
}

#[test]
fn a_stepped_wall_clock_is_told_once_and_spoils_no_round_trip() {
    for step in [
        -3_600_000_000_000_i64,
        -40_000_000,
        40_000_000,
        3_600_000_000_000,
    ] {
        let mut config = config(20);
        config.interval = ms(20);
        let steps = Cell::new(0);
        let mut link = Link::new(config, |probe, payload| {
            steps.set(probe.n);
            vec![(ms(100), Packet::reply(probe, payload))]
        });
        link.run_until(at(205));
        assert_eq!(steps.get(), 11);
        link.wall_step = step;
        let summary = link.run();
        let told = link.states();
        assert_eq!(told, [StateChange::ClockStep], "{step}");
        assert_eq!(summary.received, 20);
        let user = link.count(|v| {
            matches!(
                v,
                Verdict::Reply {
                    stamp: Stamp::User,
                    ..
                }
            )
        });
        assert_eq!(user, 5, "those that were under way");
        let rtt = summary.rtt.unwrap();
        assert_eq!((rtt.stamp, rtt.count), (Stamp::Kernel, 15));
        assert_eq!((rtt.min, rtt.max), (us(99_998), us(99_998)));
        let bad = link.count(|v| matches!(v, Verdict::Reply { rtt, .. } if *rtt > ms(101)));
        assert_eq!(bad, 0);
    }
}

#[test]
fn impossible_stamps_are_not_used() {
    for shift in [-1_000_000_000_i64, 2_000_000] {
        let mut link = Link::new(config(0), |_, _| vec![]);
        link.kernel = false;
        let Step::Send(probe) = link.pinger.poll(at(0)) else {
            panic!("nothing to send");
        };
        let wall = link.wall(at(0));
        link.pinger.sent(&probe, at(0), wall, Some(0));
        link.pinger.tx_stamp(0, wall, Stamp::Kernel);
        let mut payload = Vec::new();
        link.pinger.payload(&probe, &mut payload);
        let echo = rawsock::ping::Echo {
            id: probe.id,
            seq: probe.seq,
            payload: &payload,
            icmp_len: payload.len() + 8,
            bad_checksum: None,
        };
        link.pinger.input(&rawsock::ping::Arrival {
            at: at(1),
            wall: link.wall(at(1)),
            stamp: Some((Timestamp(link.wall(at(1)).0 + shift), Stamp::Kernel)),
            from: crate::link::target(),
            ttl: None,
            overflow: None,
            message: rawsock::ping::Message::EchoReply(echo),
        });
        let events: Vec<_> = link.pinger.drain_events().map(|(_, v)| v).collect();
        assert_eq!(events[0], Verdict::State(StateChange::ClockStep));
        let Verdict::Reply { rtt, stamp, .. } = events[1] else {
            panic!("{events:?}");
        };
        assert_eq!((rtt, stamp), (ms(1), Stamp::User));
    }
}

#[test]
fn in_a_flood_a_thousand_stamps_a_second_are_asked_for() {
    let mut config = flood(0);
    config.run_for = Some(ms(2000));
    let mut link = Link::new(config.clone(), |probe, payload| {
        vec![(us(10), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    let stamped = link
        .probes
        .iter()
        .filter(|(_, probe)| probe.want_stamp)
        .count();
    assert!((1990..=2000).contains(&stamped), "{stamped}");
    assert!(summary.received > 190_000);
    let rtt = summary.rtt.unwrap();
    assert_eq!((rtt.stamp, rtt.count), (Stamp::Kernel, stamped as u64));
    config.stamp_every = true;
    config.run_for = Some(ms(100));
    let mut link = Link::new(config, |probe, payload| {
        vec![(us(10), Packet::reply(probe, payload))]
    });
    link.run();
    assert!(link.probes.iter().all(|(_, probe)| probe.want_stamp));
}

#[test]
fn one_missing_stamp_falls_back_for_that_probe() {
    let mut link = Link::new(config(5), |probe, payload| {
        let mut reply = Packet::reply(probe, payload);
        reply.stamped = probe.n != 1;
        vec![(ms(1), reply)]
    });
    let summary = link.run();
    let user = link.count(|v| {
        matches!(
            v,
            Verdict::Reply {
                n: 1,
                stamp: Stamp::User,
                ..
            }
        )
    });
    assert_eq!(user, 1);
    let rtt = summary.rtt.unwrap();
    assert_eq!(
        (rtt.stamp, rtt.count, summary.received),
        (Stamp::Kernel, 4, 5)
    );
}

#[test]
fn without_kernel_stamps_all_figures_are_the_users() {
    let mut config: Config = config(5);
    config.tx_stamps = false;
    let mut link = Link::new(config, |probe, payload| {
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    link.kernel = false;
    let summary = link.run();
    assert!(link.probes.iter().all(|(_, probe)| !probe.want_stamp));
    let rtt = summary.rtt.unwrap();
    assert_eq!((rtt.stamp, rtt.count, rtt.max), (Stamp::User, 5, ms(1)));
    assert!(link.states().is_empty());
}

#[test]
fn failing_sends_do_not_spin() {
    let mut config = flood(0);
    config.run_for = Some(ms(1000));
    let mut link = Link::new(config, |_, _| vec![]);
    link.send = Box::new(|_, _| Send::Fails(1));
    let summary = link.run();
    assert_eq!((summary.sent, summary.not_sent), (0, 100));
    assert_eq!(summary.elapsed, ms(1000));
    assert_eq!(link.now, Mono(ms(1000)));
}

#[test]
fn a_probe_that_the_host_holds_back_is_told_once_a_row() {
    let mut link = Link::new(config(5), |probe, payload| {
        vec![(ms(500), Packet::reply(probe, payload))]
    });
    link.held = |n| if n <= 2 || n == 5 { ms(300) } else { ms(1) };
    let summary = link.run();
    let held: Vec<_> = link.states();
    let expected: Vec<_> = [1, 5]
        .map(|seq| StateChange::HeldBack {
            seq,
            held: ms(300) + us(2),
        })
        .into();
    assert_eq!(held, expected);
    let rtt = summary.rtt.unwrap();
    assert_eq!(rtt.min + us(2), ms(200), "the time counts from leaving");
}
