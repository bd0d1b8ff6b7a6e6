//! The ping engine against a simulated link in virtual time.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rawsock::event::{Mono, Timestamp};
use rawsock::ping::{Arrival, Config, Echo, Message, Pinger, Step, Verdict};

#[test]
fn answers_are_replies() {
    let target = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut config = Config::new(target, vec![77], 42);
    config.count = Some(3);
    let mut pinger = Pinger::new(config);
    let mut now = Mono::default();
    let mut payload = Vec::new();
    let mut replies = 0;
    loop {
        let wall = Timestamp(i64::try_from(now.0.as_nanos()).unwrap());
        match pinger.poll(now) {
            Step::Send(probe) => {
                pinger.payload(&probe, &mut payload);
                pinger.sent(&probe, now, wall, None);
                let at = now.plus(Duration::from_millis(1));
                pinger.input(&Arrival {
                    at,
                    wall: Timestamp(wall.0 + 1_000_000),
                    stamp: None,
                    from: target,
                    ttl: Some(64),
                    overflow: None,
                    message: Message::EchoReply(Echo {
                        id: probe.id,
                        seq: probe.seq,
                        payload: &payload,
                        icmp_len: payload.len() + 8,
                        bad_checksum: None,
                    }),
                });
            }
            Step::WaitUntil(at) => now = at,
            Step::Done => break,
        }
        let new = pinger.drain_events();
        replies += new
            .filter(|(_, verdict)| matches!(verdict, Verdict::Reply { .. }))
            .count();
    }
    let summary = pinger.summary(now);
    assert_eq!((summary.sent, summary.received, replies), (3, 3, 3));
    assert!(pinger.success());
    assert_eq!(now, Mono(Duration::from_millis(2000)));
}
