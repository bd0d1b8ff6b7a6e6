//! What a network does to a probe: loss, duplicates, reordering, delay, errors, failing sends.

use std::time::Duration;

use rawsock::event::Stamp;
use rawsock::ping::{NotSent, StateChange, Verdict};

use crate::link::{Kind, Link, Packet, Rng, Send, config, flood, ms, other, target, us};

#[test]
fn all_answered() {
    let mut link = Link::new(config(5), |probe, payload| {
        vec![(us(300), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    assert_eq!((summary.sent, summary.received, summary.lost), (5, 5, 0));
    assert_eq!(summary.sending, ms(4000));
    assert_eq!(summary.elapsed, ms(4000) + us(300));
    assert_eq!(summary.pipe, 1);
    let rtt = summary.rtt.unwrap();
    assert_eq!((rtt.stamp, rtt.count), (Stamp::Kernel, 5));
    assert_eq!((rtt.min, rtt.max, rtt.mdev), (us(298), us(298), ms(0)));
    assert!(link.pinger.success());
    for (k, (time, verdict)) in link.log.iter().enumerate() {
        let k = u64::try_from(k).unwrap();
        let Verdict::Reply {
            seq,
            n,
            from,
            bytes,
            ttl,
            rtt,
            stamp,
            reordered,
        } = *verdict
        else {
            panic!("{verdict:?}");
        };
        assert_eq!((u64::from(seq), n), (k + 1, k + 1));
        assert_eq!(
            (from, bytes, ttl, reordered),
            (target(), 64, Some(64), false)
        );
        assert_eq!((rtt, stamp), (us(298), Stamp::Kernel));
        let came = link.wall(rawsock::event::Mono(ms(1000 * k) + us(300)));
        assert_eq!(*time, came);
    }
}

#[test]
fn every_fifth_is_lost() {
    let mut config = config(20);
    config.interval = ms(100);
    config.timeout = Some(ms(1000));
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if probe.n % 5 == 0 {
            vec![]
        } else {
            vec![(ms(7), reply)]
        }
    });
    let summary = link.run();
    assert_eq!((summary.sent, summary.received, summary.lost), (20, 16, 4));
    assert!((summary.loss_percent() - 20.0).abs() < 1e-9);
    assert_eq!(summary.outage_count, 0, "single losses are no outage");
    let lost = link.log.iter().filter_map(|(_, verdict)| match verdict {
        Verdict::Timeout {
            n, closed_early, ..
        } => Some((*n, *closed_early)),
        _ => None,
    });
    // The last one is given up when the linger of a counted run is over.
    let expected = [(5, false), (10, false), (15, true), (20, true)];
    assert_eq!(lost.collect::<Vec<_>>(), expected);
}

#[test]
fn random_loss_is_counted_exactly() {
    let mut rng = Rng(7);
    let mut answered = 0_u64;
    let mut link = Link::new(flood(20_000), |probe, payload| {
        if rng.below(4) == 0 {
            return vec![];
        }
        answered += 1;
        vec![(us(40), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    drop(link);
    assert_eq!(summary.received, answered);
    assert_eq!(summary.lost, 20_000 - answered);
    assert_eq!(summary.outage_count, 0, "two lost in 20 ms are no outage");
}

#[test]
fn duplicates_are_apart_and_leave_the_statistics_alone() {
    let mut link = Link::new(config(3), |probe, payload| {
        let reply = Packet::reply(probe, payload);
        vec![
            (ms(1), reply.clone()),
            (ms(400), reply.clone()),
            (ms(500), reply),
        ]
    });
    let summary = link.run();
    // The run ends with the third reply, before its duplicates.
    assert_eq!((summary.received, summary.duplicates), (3, 4));
    let rtt = summary.rtt.unwrap();
    assert_eq!((rtt.count, rtt.max), (3, us(998)));
}

#[test]
fn reordered_replies_are_received() {
    let mut config = config(4);
    config.interval = ms(10);
    let mut link = Link::new(config, |probe, payload| {
        let delay = if probe.n == 2 { 25 } else { 1 };
        vec![(ms(delay), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    assert_eq!(
        (summary.received, summary.reordered, summary.lost),
        (4, 1, 0)
    );
    let order = link.log.iter().filter_map(|(_, verdict)| match verdict {
        Verdict::Reply { n, reordered, .. } => Some((*n, *reordered)),
        _ => None,
    });
    assert_eq!(
        order.collect::<Vec<_>>(),
        [(1, false), (3, false), (4, false), (2, true)]
    );
}

#[test]
fn a_late_answer_takes_the_loss_back() {
    let mut config = config(4);
    config.timeout = Some(ms(500));
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        match probe.n {
            2 => vec![(ms(1500), reply.clone()), (ms(1600), reply)],
            _ => vec![(ms(1), reply)],
        }
    });
    let summary = link.run();
    assert_eq!((summary.sent, summary.received, summary.late), (4, 3, 1));
    assert_eq!((summary.lost, summary.duplicates), (0, 1));
    assert_eq!(
        summary.rtt.unwrap().max,
        us(998),
        "late ones are no RTT sample"
    );
    let seen: Vec<_> = link.log.iter().map(|(_, verdict)| verdict).collect();
    assert!(matches!(
        seen[1],
        Verdict::Timeout {
            n: 2,
            closed_early: false,
            ..
        }
    ));
    let late = seen.iter().find_map(|verdict| match verdict {
        Verdict::Late { n, rtt, .. } => Some((*n, *rtt)),
        _ => None,
    });
    assert_eq!(late, Some((2, us(1_499_998))));
}

#[test]
fn an_error_settles_its_probe_and_a_reply_settles_it_better() {
    let mut link = Link::new(config(3), |probe, payload| {
        let error = Packet::error(probe, payload, 3, 1);
        match probe.n {
            1 => vec![
                (ms(1), error.clone()),
                (ms(5), Packet::reply(probe, payload)),
            ],
            _ => vec![(ms(1), error)],
        }
    });
    let summary = link.run();
    assert_eq!((summary.received, summary.lost, summary.errors), (1, 2, 3));
    assert_eq!(
        summary.elapsed,
        ms(2001),
        "an error is waited for, not the timeout"
    );
    assert_eq!(link.count(|v| matches!(v, Verdict::Timeout { .. })), 0);
    let Verdict::Error { seq, error } = &link.log[0].1 else {
        panic!("{:?}", link.log[0]);
    };
    assert_eq!(*seq, Some(1));
    assert_eq!((error.from, error.icmp_type, error.code), (other(), 3, 1));
    assert!(!error.unmatched && error.message.is_some());
}

#[test]
fn redirect_and_source_quench_are_notices() {
    let mut link = Link::new(config(2), |probe, payload| {
        let icmp_type = if probe.n == 1 { 5 } else { 4 };
        vec![
            (ms(1), Packet::error(probe, payload, icmp_type, 1)),
            (ms(2), Packet::reply(probe, payload)),
        ]
    });
    let summary = link.run();
    assert_eq!(
        (summary.received, summary.errors, summary.notices),
        (2, 0, 2)
    );
}

#[test]
fn an_outage_has_a_begin_and_an_end() {
    let mut config = config(10);
    config.timeout = Some(ms(1500));
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if (4..=6).contains(&probe.n) {
            vec![]
        } else {
            vec![(ms(10), reply)]
        }
    });
    let summary = link.run();
    let from = link.wall(crate::link::at(3000));
    let until = link.wall(crate::link::at(6010));
    assert_eq!(summary.outage_count, 1);
    assert_eq!(summary.outages[0].from, from);
    assert_eq!(summary.outages[0].until, Some(until));
    let states = link.states();
    assert_eq!(states[0], StateChange::OutageBegan);
    assert_eq!(states[1], StateChange::OutageEnded { lasted: ms(3010) });
    assert_eq!(states.len(), 2);
}

#[test]
fn an_outage_is_found_although_later_probes_were_answered_first() {
    // The default timeout is ten seconds: by then all is well again.
    let mut link = Link::new(config(30), |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if matches!(probe.n, 3 | 4 | 10) {
            vec![]
        } else {
            vec![(ms(10), reply)]
        }
    });
    let summary = link.run();
    assert_eq!((summary.lost, summary.outage_count), (3, 1));
    assert_eq!(summary.outages[0].from, link.wall(crate::link::at(2000)));
    assert_eq!(
        summary.outages[0].until,
        Some(link.wall(crate::link::at(4010)))
    );
}

#[test]
fn an_outage_until_the_end_stays_open() {
    let mut link = Link::new(config(3), |_, _| vec![]);
    let summary = link.run();
    assert_eq!((summary.lost, summary.received), (3, 0));
    assert_eq!(summary.outages.len(), 1);
    assert_eq!(summary.outages[0].until, None);
    assert_eq!(summary.elapsed, ms(12_000));
    assert!(!link.pinger.success());
}

#[test]
fn failing_sends_are_not_lost_but_an_outage() {
    let mut link = Link::new(config(10), |probe, payload| {
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    link.send = Box::new(|_, probe| match probe.n {
        3..=5 => Send::Fails(101),
        6 => Send::Fails(1),
        _ => Send::Works,
    });
    let summary = link.run();
    assert_eq!((summary.sent, summary.not_sent), (6, 4));
    assert_eq!((summary.lost, summary.received), (0, 6));
    assert!(summary.loss_percent().abs() < f64::EPSILON);
    assert_eq!(summary.outages[0].from, link.wall(crate::link::at(2000)));
    assert_eq!(
        summary.outages[0].until,
        Some(link.wall(crate::link::at(6001)))
    );
    let fail = |errno| StateChange::SendsFail(NotSent { errno, mtu: None });
    let expected = [
        fail(101),
        StateChange::OutageBegan,
        fail(1),
        StateChange::SendsWork { not_sent: 4 },
        StateChange::OutageEnded { lasted: ms(4001) },
    ];
    assert_eq!(link.states(), expected);
    assert_eq!(link.count(|v| matches!(v, Verdict::NotSent { .. })), 4);
}

#[test]
fn too_big_is_no_outage() {
    let mut link = Link::new(config(9), |probe, payload| {
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    link.send = Box::new(|_, probe| {
        if probe.n > 5 {
            Send::Fails(90)
        } else {
            Send::Works
        }
    });
    let summary = link.run();
    assert_eq!(
        (summary.received, summary.not_sent, summary.outage_count),
        (5, 4, 0)
    );
}

#[test]
fn a_full_queue_is_waited_for() {
    let mut link = Link::new(config(5), |probe, payload| {
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    let mut full = 0;
    link.send = Box::new(move |_, probe| {
        full += 1;
        if probe.n == 2 && full < 5 {
            Send::Full
        } else {
            Send::Works
        }
    });
    let summary = link.run();
    assert_eq!(
        (summary.sent, summary.received, summary.not_sent),
        (5, 5, 0)
    );
    assert_eq!(summary.retries, 3);
    let waited = StateChange::SendsWaited {
        errno: 105,
        waited: ms(7),
    };
    assert_eq!(link.states(), [waited]);
    assert_eq!(
        link.probes[2].0,
        crate::link::at(2000),
        "the schedule is kept"
    );
}

#[test]
fn a_queue_that_stays_full_is_given_up() {
    let mut link = Link::new(config(3), |probe, payload| {
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    link.send = Box::new(|_, probe| {
        if probe.n == 2 {
            Send::Full
        } else {
            Send::Works
        }
    });
    let summary = link.run();
    assert_eq!((summary.sent, summary.not_sent, summary.lost), (2, 1, 0));
    let given_up = link.log.iter().find_map(|(_, verdict)| match verdict {
        Verdict::NotSent { n, reason, .. } => Some((*n, reason.errno)),
        _ => None,
    });
    assert_eq!(given_up, Some((2, 105)));
}

#[test]
fn packets_lost_by_us_are_counted_over_the_wrap() {
    let counters = [u32::MAX - 4, u32::MAX, 5, 5];
    let mut link = Link::new(config(4), |probe, payload| {
        let mut reply = Packet::reply(probe, payload);
        let index = usize::try_from(probe.n - 1).unwrap();
        reply.overflow = Some(counters[index].wrapping_sub(u32::MAX - 4));
        vec![(ms(1), reply)]
    });
    let summary = link.run();
    assert_eq!(summary.lost_by_us, 10);
    let lost: Vec<_> = link.states();
    let by_us = |count| StateChange::LostByUs { count };
    assert_eq!(lost, [by_us(4), by_us(6)]);
}

#[test]
fn bounced_requests_are_news_unless_the_target_is_local() {
    for local in [false, true] {
        let mut config = config(2);
        config.local_target = local;
        let mut link = Link::new(config, |probe, payload| {
            let mut request = Packet::reply(probe, payload);
            request.kind = Kind::Request;
            let mut foreign = request.clone();
            foreign.payload[0] ^= 0xff;
            vec![
                (us(1), request),
                (us(2), foreign),
                (us(3), Packet::reply(probe, payload)),
            ]
        });
        let summary = link.run();
        assert_eq!(summary.requests, if local { 0 } else { 2 });
        assert_eq!((summary.received, summary.duplicates), (2, 0));
        assert_eq!(summary.errors + summary.corrupt, 0);
    }
}

#[test]
fn a_day_of_pinging() {
    let mut rng = Rng(99);
    let mut link = Link::new(config(86_400), |probe, payload| {
        let delay = Duration::from_nanos(10_000_000 + rng.below(5_000_000));
        let reply = Packet::reply(probe, payload);
        if rng.below(1000) == 0 {
            vec![]
        } else {
            vec![(delay, reply)]
        }
    });
    link.keep = false;
    let summary = link.run();
    assert_eq!(summary.sent, 86_400);
    assert_eq!(summary.sending, Duration::from_secs(86_399));
    assert!(summary.lost > 40 && summary.lost < 140, "{}", summary.lost);
}
