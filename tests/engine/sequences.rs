//! Identifiers and sequences: the wrap at 65,536, many outstanding probes, what is remembered.

use rawsock::ping::{Config, Sizes, StateChange, Verdict};

use crate::link::{Link, Packet, config, flood, ms, us};

#[test]
fn wrap_with_one_id_makes_no_false_duplicate() {
    for size in [56, 8] {
        let mut config = flood(140_000);
        config.ids = vec![77];
        config.sizes = Sizes::Fixed(size);
        let mut seqs = Vec::new();
        let mut link = Link::new(config, |probe, payload| {
            seqs.push(probe.seq);
            vec![(us(5), Packet::reply(probe, payload))]
        });
        link.keep = false;
        let summary = link.run();
        drop(link);
        assert_eq!((summary.received, summary.duplicates), (140_000, 0));
        assert_eq!((summary.unknown_seq, summary.reordered), (0, 0));
        assert_eq!(seqs[..2], [1, 2]);
        assert_eq!(seqs[65_533..65_538], [65_534, 65_535, 0, 1, 2]);
    }
}

#[test]
fn each_full_round_takes_the_next_id() {
    let mut names = Vec::new();
    let mut link = Link::new(flood(300_000), |probe, payload| {
        names.push((probe.id, probe.seq));
        vec![(us(5), Packet::reply(probe, payload))]
    });
    link.keep = false;
    let summary = link.run();
    drop(link);
    assert_eq!(summary.received, 300_000);
    let name = |n: usize| names[n - 1];
    assert_eq!(
        (name(1), name(65_535), name(65_536)),
        ((10, 1), (10, 65_535), (20, 0))
    );
    assert_eq!((name(131_072), name(196_608)), ((30, 0), (40, 0)));
    assert_eq!((name(262_143), name(262_144)), ((40, 65_535), (10, 0)));
    let mut sorted = names[..262_144].to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 262_144);
}

fn slow(count: u64, ids: Vec<u16>) -> Config {
    let mut config = config(count);
    config.ids = ids;
    config.preload = u32::try_from(count).unwrap_or(u32::MAX);
    config.timeout = Some(ms(20_000));
    config
}

#[test]
fn a_hundred_thousand_outstanding() {
    let mut most = 0;
    let mut link = Link::new(slow(100_000, vec![1, 2, 3, 4]), |probe, payload| {
        vec![(ms(10_000), Packet::reply(probe, payload))]
    });
    link.keep = false;
    link.run_until(crate::link::at(9_999));
    most = most.max(link.pinger.summary(link.now).open);
    let summary = link.run();
    assert_eq!(most, 100_000);
    assert_eq!(
        (summary.received, summary.lost, summary.late),
        (100_000, 0, 0)
    );
    assert_eq!(summary.pipe, 100_000);
    assert!(link.states().is_empty());
}

#[test]
fn one_id_closes_the_oldest_early_and_says_so_once() {
    let mut link = Link::new(slow(100_000, vec![9]), |probe, payload| {
        vec![(ms(10_000), Packet::reply(probe, payload))]
    });
    let summary = link.run();
    let early = 100_000 - 65_536;
    // Their answers come all the same, and are told apart by the cookie.
    assert_eq!((summary.late, summary.received), (early, 65_536));
    assert_eq!(
        (summary.lost, summary.duplicates, summary.corrupt),
        (0, 0, 0)
    );
    let closed = link.count(|v| {
        matches!(
            v,
            Verdict::Timeout {
                closed_early: true,
                ..
            }
        )
    });
    assert_eq!(closed as u64, early);
    let full = |change: &&StateChange| **change == StateChange::TableFull;
    assert_eq!(link.states().iter().filter(full).count(), 1);
}

#[test]
fn an_old_duplicate_is_known_for_262_144_probes() {
    let mut saved = None;
    let mut link = Link::new(flood(300_000), |probe, payload| {
        let reply = Packet::reply(probe, payload);
        let mut answers = vec![(us(5), reply.clone())];
        match probe.n {
            1000 => saved = Some(reply),
            // Still remembered, and then just not any more.
            263_143 | 263_144 => answers.push((us(1), saved.clone().unwrap())),
            _ => {}
        }
        answers
    });
    link.keep = false;
    let summary = link.run();
    assert_eq!((summary.received, summary.duplicates), (300_000, 1));
    // Then its identifier and sequence are those of another probe, whose payload it has not.
    assert_eq!((summary.corrupt, summary.unknown_seq), (1, 0));
}

#[test]
fn an_old_duplicate_does_not_answer_a_new_probe_of_the_same_name() {
    let mut saved = None;
    let mut config = flood(70_000);
    config.ids = vec![5];
    let mut link = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        match probe.n {
            1000 => {
                saved = Some(reply.clone());
                vec![(us(5), reply)]
            }
            // The same id and sequence, one round later: the old answer comes first.
            66_536 => vec![(us(1), saved.take().unwrap()), (us(9), reply)],
            _ => vec![(us(5), reply)],
        }
    });
    link.keep = false;
    let summary = link.run();
    assert_eq!((summary.received, summary.duplicates), (70_000, 1));
    assert_eq!((summary.corrupt, summary.lost), (0, 0));
}

#[test]
fn ids_may_be_few_many_or_repeated() {
    for ids in [vec![], vec![3, 3], vec![1, 2, 3], (0..9).collect()] {
        let mut config = flood(70_000);
        config.ids = ids;
        let mut link = Link::new(config, |probe, payload| {
            vec![(us(5), Packet::reply(probe, payload))]
        });
        link.keep = false;
        let summary = link.run();
        assert_eq!((summary.received, summary.duplicates), (70_000, 0));
    }
}
