//! Random answers at random times: the counters add up, the figures are sound, nothing panics.

use std::time::Duration;

use proptest::prelude::*;
use rawsock::ping::{Config, Payload, Sizes, Verdict};

use crate::link::{Kind, Link, Packet, Rng, Send, check, config, ms, other};

fn plan() -> impl Strategy<Value = Config> {
    let interval = prop_oneof![Just(0_u64), 1_u64..5, 1000_u64..50_000, Just(1_000_000)];
    let timeout = prop::option::of(0_u64..1_000);
    let sizes = prop_oneof![
        (0_usize..100).prop_map(Sizes::Fixed),
        (0_usize..50, 0_usize..80, 0_usize..9).prop_map(|(min, max, step)| Sizes::Sweep {
            min,
            max,
            step
        }),
    ];
    let payload = prop_oneof![
        Just(Payload::Default),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Payload::Pattern),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Payload::Data),
    ];
    let limits = (
        prop::option::of(1_u64..200),
        prop::option::of(1_u64..500),
        prop::option::of(1_u64..50),
        prop::option::of(1_u64..20),
    );
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (
        interval,
        timeout,
        sizes,
        payload,
        limits,
        switches,
        1_u32..20,
    )
        .prop_map(
            |(interval, timeout, sizes, payload, limits, switches, preload)| {
                let mut plan = config(0);
                plan.interval = Duration::from_micros(interval);
                plan.timeout = timeout.map(ms);
                plan.sizes = sizes;
                plan.payload = payload;
                plan.preload = preload;
                plan.count = limits.0;
                plan.deadline = limits.1.map(ms);
                plan.until = limits.2;
                plan.fail_after = limits.3;
                plan.run_for = Some(ms(400));
                plan.adaptive = switches.0;
                plan.any_address = switches.1;
                plan.local_target = switches.2;
                plan.stamp_every = switches.3;
                plan
            },
        )
}

/// A number below `limit`, which must fit.
fn small<T: TryFrom<u64> + Default>(rng: &mut Rng, limit: u64) -> T {
    T::try_from(rng.below(limit)).unwrap_or_default()
}

/// One answer, ruined in any way or not at all.
fn spoil(rng: &mut Rng, packet: &mut Packet) {
    match rng.below(16) {
        0 => packet.from = other(),
        1 => packet.seq = packet.seq.wrapping_add(small(rng, 9)),
        2 => packet.bad_checksum = Some((1, 2)),
        3 => packet.icmp_len = small(rng, 100),
        4 => packet.kind = Kind::Request,
        5 => {
            packet.kind = Kind::Error {
                icmp_type: small(rng, 256),
                code: small(rng, 256),
                to: (rng.below(2) == 0).then(other),
                readable: rng.below(3) > 0,
            };
        }
        6 => packet.payload.truncate(small(rng, 60)),
        7 => packet.overflow = Some(small(rng, 1 << 31)),
        8 => packet.stamped = false,
        9 => {
            for byte in packet.payload.iter_mut().take(20) {
                *byte = small(rng, 256);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn counters_add_up_and_figures_are_sound(plan in plan(), seed in 1_u64.., stall in 0_u64..500) {
        let mut rng = Rng(seed);
        let mut fails = Rng(seed ^ 0xff);
        let mut link = Link::new(plan, |probe, payload| {
            let mut answers = Vec::new();
            for _ in 0..rng.below(4) {
                let mut packet = Packet::reply(probe, payload);
                spoil(&mut rng, &mut packet);
                let scale = rng.below(32).max(1);
                let delay = 100_000 + rng.below(1 << scale);
                answers.push((Duration::from_nanos(delay), packet));
            }
            answers
        });
        link.send = Box::new(move |_, _| match fails.below(30) {
            0 => Send::Fails([1, 90, 101][small::<usize>(&mut fails, 3)]),
            1 => Send::Full,
            _ => Send::Works,
        });
        link.run_until(crate::link::at(stall));
        // Held up for a while, and the wall clock stepped meanwhile.
        link.now = link.now.plus(ms(stall % 170 * 10));
        link.wall_step = i64::try_from(seed % 5).unwrap() * 700_000_000 - 1_400_000_000;
        link.run_until(crate::link::at(20_000));
        link.pinger.interrupt(link.now);
        let summary = link.run();
        check(&summary);
        let seen = |wanted: fn(&Verdict) -> bool| link.count(wanted) as u64;
        prop_assert_eq!(summary.received, seen(|v| matches!(v, Verdict::Reply { .. })));
        prop_assert_eq!(summary.late, seen(|v| matches!(v, Verdict::Late { .. })));
        prop_assert_eq!(summary.duplicates, seen(|v| matches!(v, Verdict::Duplicate { .. })));
        prop_assert_eq!(summary.corrupt, seen(|v| matches!(v, Verdict::Corrupt { .. })));
        prop_assert_eq!(summary.truncated, seen(|v| matches!(v, Verdict::Truncated { .. })));
        prop_assert_eq!(summary.longer, seen(|v| matches!(v, Verdict::Longer { .. })));
        prop_assert_eq!(summary.bad_checksum, seen(|v| matches!(v, Verdict::BadChecksum { .. })));
        prop_assert_eq!(summary.other_address, seen(|v| matches!(v, Verdict::OtherAddress { .. })));
        prop_assert_eq!(summary.unknown_seq, seen(|v| matches!(v, Verdict::UnknownSeq { .. })));
        prop_assert_eq!(summary.not_sent, seen(|v| matches!(v, Verdict::NotSent { .. })));
        prop_assert_eq!(summary.requests, seen(|v| matches!(v, Verdict::Request { .. })));
        prop_assert_eq!(
            summary.errors + summary.notices,
            seen(|v| matches!(v, Verdict::Error { .. }))
        );
        let rtts = link.log.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Reply { rtt, .. } | Verdict::Late { rtt, .. } => Some(*rtt),
            _ => None,
        });
        prop_assert!(rtts.into_iter().all(|rtt| rtt < Duration::from_mins(1)));
    }
}
