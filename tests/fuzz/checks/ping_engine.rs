//! Any calls in any order at any times: the engine's counters add up and its figures stay sound.
//! Each byte pair is one call; times only as the operation says, also backwards.

use std::net::IpAddr;
use std::time::Duration;

use rawsock::event::{Mono, Stamp, Timestamp};
use rawsock::ping::{
    Arrival, Config, Echo, Message, NotSent, Payload, Pinger, Probe, Quoted, Sizes, Step,
};

/// Four bytes of options, then the script.
pub fn check(data: &[u8]) {
    let Some((&[limits, pace, fill, wait], script)) = data.split_first_chunk() else {
        return;
    };
    let mut pinger = Pinger::new(config(limits, pace, fill, wait));
    let mut now = Mono(Duration::from_secs(1));
    let mut probes: Vec<Probe> = Vec::new();
    let mut payload = Vec::new();
    for pair in script.chunks_exact(2) {
        let (op, arg) = (pair[0], pair[1]);
        let wall = Timestamp(
            i64::try_from(now.0.as_nanos()).unwrap_or(i64::MAX / 2)
                + i64::from(op >> 6) * 1_000_000_000,
        );
        match op % 8 {
            0 | 1 => {
                if let Step::Send(probe) = pinger.poll(now) {
                    match arg % 8 {
                        0 => pinger.retry(&probe, now, 105),
                        1 => pinger.not_sent(
                            &probe,
                            now,
                            wall,
                            NotSent {
                                errno: i32::from(arg),
                                mtu: None,
                            },
                        ),
                        _ => pinger.sent(&probe, now, wall, Some(u32::from(arg))),
                    }
                    probes.push(probe);
                }
            }
            2 => now = now.plus(Duration::from_nanos(1 << (arg % 40))),
            3 => now = Mono(now.0.saturating_sub(Duration::from_micros(u64::from(arg)))),
            4 => pinger.tx_stamp(
                u32::from(arg),
                wall,
                [Stamp::Kernel, Stamp::Hardware, Stamp::User][usize::from(op) / 8 % 3],
            ),
            5 if arg == 0 => pinger.interrupt(now),
            _ => {
                let Some(probe) = probes.iter().rev().nth(usize::from(arg) % 16) else {
                    continue;
                };
                pinger.payload(probe, &mut payload);
                arrive(&mut pinger, probe, &mut payload, (op, arg), now, wall);
            }
        }
        pinger.drain_events().for_each(drop);
        sound(&pinger, now);
    }
}

fn arrive(
    pinger: &mut Pinger,
    probe: &Probe,
    payload: &mut Vec<u8>,
    (op, arg): (u8, u8),
    at: Mono,
    wall: Timestamp,
) {
    let size = payload.len();
    match op >> 3 & 7 {
        1 => payload.truncate(usize::from(arg)),
        2 => payload.push(arg),
        3 if size > 0 => payload[usize::from(arg) % size] ^= arg,
        4 => payload.fill(arg),
        _ => {}
    }
    let seq = probe.seq.wrapping_add(u16::from(arg == 255));
    let echo = Echo {
        id: probe.id,
        seq,
        payload,
        icmp_len: payload.len() + 8,
        bad_checksum: (arg == 254).then_some((1, 2)),
    };
    let message = match op >> 6 {
        0 => Message::EchoRequest(echo),
        1 => Message::Error {
            icmp_type: arg,
            code: arg,
            rest: 0,
            quoted: (arg % 3 > 0).then_some(Quoted {
                id: probe.id,
                seq,
                to: None,
                payload,
            }),
            bytes: payload,
        },
        _ => Message::EchoReply(echo),
    };
    pinger.input(&Arrival {
        at,
        wall,
        stamp: (arg & 1 == 0).then_some((Timestamp(wall.0 - i64::from(arg) * 1000), Stamp::Kernel)),
        from: IpAddr::from([192, 0, 2, 1 + u8::from(arg == 253)]),
        ttl: None,
        overflow: (arg == 252).then_some(u32::from(op) << 24),
        message,
    });
}

fn config(limits: u8, pace: u8, fill: u8, wait: u8) -> Config {
    let ids = (0..u16::from(limits >> 6)).collect();
    let mut config = Config::new(IpAddr::from([192, 0, 2, 1]), ids, 0x5a5a);
    config.count = (limits & 1 > 0).then_some(u64::from(limits));
    config.until = (limits & 2 > 0).then_some(u64::from(limits >> 2));
    config.fail_after = (limits & 4 > 0).then_some(u64::from(limits >> 3));
    config.deadline = (limits & 8 > 0).then_some(Duration::from_millis(u64::from(wait) * 8));
    config.interval = Duration::from_micros(1 << (pace % 24)) * u32::from(pace > 31);
    config.adaptive = pace & 32 > 0;
    config.preload = u32::from(pace);
    config.timeout = (wait & 1 > 0).then_some(Duration::from_millis(u64::from(wait)));
    config.any_address = wait & 2 > 0;
    config.sizes = Sizes::Sweep {
        min: usize::from(fill),
        max: 200,
        step: usize::from(fill % 9),
    };
    config.payload = match fill % 3 {
        0 => Payload::Default,
        1 => Payload::Pattern(vec![fill]),
        _ => Payload::Data(vec![fill; usize::from(fill)]),
    };
    config
}

fn sound(pinger: &Pinger, now: Mono) {
    let s = pinger.summary(now);
    assert_eq!(s.sent, s.received + s.late + s.lost + s.open);
    assert!((0.0..=100.0).contains(&s.loss_percent()));
    if let Some(rtt) = s.rtt {
        assert!(rtt.min <= rtt.avg && rtt.avg <= rtt.max && rtt.mdev <= rtt.max);
        assert!(
            rtt.min <= rtt.p50 && rtt.p50 <= rtt.p90 && rtt.p90 <= rtt.p99 && rtt.p99 <= rtt.max
        );
    }
}
