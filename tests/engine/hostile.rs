//! Answers that are wrong on purpose. None of them counts as a reply, each has its own counter, and
//! the figures stay sound.

use rawsock::ping::{Payload, Sizes, StateChange, Summary, Verdict};

use crate::link::{Kind, Link, NONCE, Packet, config, ms, other, us};

/// Three probes; what `make` returns comes back 1 ms later, and a right reply to the third probe.
fn against(make: impl Fn(Packet) -> Packet) -> (Summary, Vec<Verdict>) {
    let mut link = Link::new(config(3), |probe, payload| {
        let reply = Packet::reply(probe, payload);
        let mut answers = vec![(ms(1), make(reply.clone()))];
        if probe.n == 3 {
            answers.push((ms(2), reply));
        }
        answers
    });
    let summary = link.run();
    assert_eq!((summary.received, summary.lost), (1, 2));
    assert_eq!(summary.rtt.map(|rtt| rtt.count), Some(1));
    let verdicts = link.log.drain(..).map(|(_, verdict)| verdict);
    let strange = verdicts.filter(|verdict| {
        !matches!(
            verdict,
            Verdict::Reply { .. }
                | Verdict::Timeout { .. }
                | Verdict::State(StateChange::OutageBegan | StateChange::OutageEnded { .. })
        )
    });
    (summary, strange.collect())
}

#[test]
fn a_flipped_byte_is_corrupt_wherever_it_is() {
    for place in 0..56 {
        let (summary, verdicts) = against(|mut reply| {
            reply.payload[place] ^= 1;
            reply
        });
        assert_eq!(summary.corrupt, 3);
        let Verdict::Corrupt {
            seq: 1,
            at,
            sent,
            got,
            bytes: 64,
            ..
        } = verdicts[0]
        else {
            panic!("{:?}", verdicts[0]);
        };
        assert_eq!((at, sent ^ 1), (place, got));
    }
}

#[test]
fn a_payload_of_zeros_is_corrupt() {
    let (summary, verdicts) = against(|reply| reply.with_payload(vec![0; 56]));
    assert_eq!((summary.corrupt, verdicts.len()), (3, 3));
}

#[test]
fn wrong_lengths() {
    for length in [0, 7, 8, 15, 16, 55] {
        let (summary, verdicts) = against(|reply| {
            let cut = reply.payload[..length].to_vec();
            reply.with_payload(cut)
        });
        assert_eq!(summary.truncated, 3);
        let Verdict::Truncated {
            bytes,
            expected: 64,
            ..
        } = verdicts[0]
        else {
            panic!("{:?}", verdicts[0]);
        };
        assert_eq!(bytes, length + 8);
    }
    let (summary, verdicts) = against(|reply| {
        let mut long = reply.payload.clone();
        long.push(0);
        reply.with_payload(long)
    });
    assert_eq!(summary.longer, 3);
    assert!(matches!(
        verdicts[0],
        Verdict::Longer {
            bytes: 65,
            expected: 64,
            ..
        }
    ));
}

#[test]
fn what_our_buffer_cut_is_not_called_right() {
    let (summary, _) = against(|mut reply| {
        reply.payload.truncate(40);
        reply
    });
    assert_eq!(summary.truncated, 3);
}

#[test]
fn a_bad_checksum() {
    let (summary, verdicts) = against(|mut reply| {
        reply.bad_checksum = Some((1, 2));
        reply
    });
    assert_eq!(summary.bad_checksum, 3);
    assert!(matches!(
        verdicts[0],
        Verdict::BadChecksum {
            got: 1,
            computed: 2,
            ..
        }
    ));
}

#[test]
fn another_source() {
    let (summary, verdicts) = against(|mut reply| {
        reply.from = other();
        reply
    });
    assert_eq!(summary.other_address, 3);
    let Verdict::OtherAddress { from, rtt, .. } = verdicts[0] else {
        panic!("{:?}", verdicts[0]);
    };
    assert_eq!((from, rtt), (other(), us(998)));
}

#[test]
fn a_sequence_that_was_never_sent() {
    for jump in [1, 100, 0x7fff, 0x8000, 0xffff] {
        let (summary, verdicts) = against(|mut reply| {
            reply.seq = reply.seq.wrapping_add(jump).wrapping_add(3);
            reply
        });
        // 0xffff + 3 is two ahead: the third is the sixth.
        assert_eq!(summary.unknown_seq, 3, "{jump}");
        assert!(matches!(verdicts[0], Verdict::UnknownSeq { .. }));
    }
}

#[test]
fn another_runs_reply_with_our_id_is_nobodys() {
    let (summary, verdicts) = against(|mut reply| {
        for byte in &mut reply.payload[..8] {
            *byte = !*byte;
        }
        reply
    });
    let id = 0x1234;
    assert_eq!(
        verdicts,
        [Verdict::State(StateChange::IdClash { id })],
        "once"
    );
    let strange =
        summary.corrupt + summary.unknown_seq + summary.duplicates + summary.other_address;
    assert_eq!(strange, 0);
}

#[test]
fn another_id_is_nothing() {
    let (_, verdicts) = against(|mut reply| {
        reply.id ^= 1;
        reply
    });
    assert_eq!(verdicts, []);
}

#[test]
fn the_payload_is_never_a_time() {
    // A forged timeval, as the hostile responder sends it, is plain corruption.
    let (summary, _) = against(|mut reply| {
        reply.payload[..16].fill(0xff);
        reply.payload[20] = 0;
        reply
    });
    assert_eq!(summary.corrupt, 3);
}

#[test]
fn errors_that_cannot_be_matched() {
    type Edit = fn(&mut Packet);
    let edits: [(Edit, u64); 5] = [
        // The quote is too short.
        (
            |p| {
                p.kind = Kind::Error {
                    icmp_type: 3,
                    code: 200,
                    to: None,
                    readable: false,
                }
            },
            3,
        ),
        // It quotes a sequence that we never sent.
        (|p| p.seq += 100, 3),
        // It quotes another id, or another run's nonce.
        (|p| p.id ^= 1, 0),
        (|p| p.payload[..8].fill(0xee), 0),
        // It quotes another destination and no payload to tell.
        (
            |p| {
                p.payload.clear();
                p.kind = Kind::Error {
                    icmp_type: 3,
                    code: 1,
                    to: Some(other()),
                    readable: true,
                };
            },
            3,
        ),
    ];
    for (edit, errors) in edits {
        let (summary, verdicts) = against(|reply| {
            let mut error = reply;
            error.from = other();
            error.kind = Kind::Error {
                icmp_type: 3,
                code: 1,
                to: None,
                readable: true,
            };
            edit(&mut error);
            error
        });
        assert_eq!(summary.errors, errors);
        for verdict in verdicts {
            let Verdict::Error { seq: None, error } = verdict else {
                panic!("{verdict:?}");
            };
            assert!(error.unmatched);
        }
    }
}

#[test]
fn an_unknown_type_that_quotes_us_ends_nothing() {
    let (summary, verdicts) = against(|mut reply| {
        reply.kind = Kind::Error {
            icmp_type: 77,
            code: 9,
            to: None,
            readable: true,
        };
        reply
    });
    assert_eq!((summary.notices, summary.errors, verdicts.len()), (3, 0, 3));
}

#[test]
fn every_size_has_a_round_trip() {
    for size in [0, 1, 7, 8, 15, 16, 17, 1472, 65_507, 65_527] {
        let mut config = config(3);
        config.sizes = Sizes::Fixed(size);
        let mut link = Link::new(config, |probe, payload| {
            assert_eq!(payload.len(), size);
            vec![(ms(1), Packet::reply(probe, payload))]
        });
        let summary = link.run();
        assert_eq!(summary.received, 3, "{size}");
        assert_eq!(summary.rtt.unwrap().count, 3);
    }
}

#[test]
fn a_sweep_checks_each_size() {
    let mut config = config(30);
    config.sizes = Sizes::Sweep {
        min: 0,
        max: 40,
        step: 4,
    };
    let mut sizes = Vec::new();
    let mut link = Link::new(config, |probe, payload| {
        sizes.push(payload.len());
        // Each answer has the length of the probe after it.
        let cut = payload[..payload.len().min(20)].to_vec();
        vec![(ms(1), Packet::reply(probe, payload).with_payload(cut))]
    });
    let summary = link.run();
    drop(link);
    assert_eq!(sizes[..12], [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 0]);
    let long = sizes.iter().filter(|&&size| size > 20).count() as u64;
    assert_eq!((summary.truncated, summary.received), (long, 30 - long));
}

#[test]
fn data_and_patterns_come_back_or_are_corrupt() {
    let payloads = [
        Payload::Data(b"hello, world, this is data".to_vec()),
        Payload::Data(vec![]),
        Payload::Pattern(vec![0xff]),
    ];
    for payload in payloads {
        let mut config = config(4);
        config.payload = payload;
        let mut link = Link::new(config, |probe, payload| {
            let mut reply = Packet::reply(probe, payload);
            if probe.n == 2
                && let Some(last) = reply.payload.last_mut()
            {
                *last ^= 0x10;
            }
            vec![(ms(1), reply)]
        });
        let summary = link.run();
        assert_eq!(summary.received + summary.corrupt, 4);
    }
}

#[test]
fn the_nonce_leads_the_payload() {
    let mut link = Link::new(config(1), |probe, payload| {
        assert_eq!(payload[..8], NONCE.to_be_bytes());
        assert_eq!(payload[8..16], probe.n.to_be_bytes());
        assert_eq!(payload[16..20], [16, 17, 18, 19]);
        vec![(ms(1), Packet::reply(probe, payload))]
    });
    assert_eq!(link.run().received, 1);
}

#[test]
fn in_a_broadcast_everybody_may_answer() {
    let mut config = config(2);
    config.any_address = true;
    let mut link = Link::new(config, |probe, payload| {
        let mut second = Packet::reply(probe, payload);
        second.from = other();
        let mut copy = second.clone();
        copy.kind = Kind::Request;
        let first = Packet::reply(probe, payload);
        vec![
            (us(1), copy),
            (ms(1), second),
            (ms(2), first.clone()),
            (ms(3), first),
        ]
    });
    link.run_until(crate::link::at(1000));
    link.pinger.interrupt(link.now);
    let summary = link.run();
    assert_eq!((summary.received, summary.duplicates), (1, 2));
    assert_eq!((summary.other_address, summary.requests), (0, 0));
    assert!(matches!(link.log[0].1, Verdict::Reply { from, .. } if from == other()));
}
