//! `rawsock ping` and answers that err: only a right answer is a reply, everything else has its own
//! name and counter. IPv4 and IPv6.

use std::net::IpAddr;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::Lab;

use crate::expect::{counts, sane};
use crate::harness::Outcome;
use crate::program::{Run, ping, ping_json};
use crate::responder::{Mode, Responder, Script};

crate::tests![
    right_answers_are_replies,
    late_answers_are_late_and_not_lost,
    late_answers_in_text,
    answers_that_overtake_are_reordered,
    duplicates_are_counted_apart,
    another_source_is_no_success,
    truncated_and_longer_answers,
    flipped_bytes_are_named,
    a_bad_checksum_is_no_reply,
    a_wrong_sequence_is_unknown_or_a_duplicate,
    a_foreign_id_is_not_heard,
    a_forged_timestamp_gives_no_rtt,
    a_foreign_payload_under_our_id_is_a_clash,
    bounced_requests_are_named,
    every_mode_alone_never_succeeds,
    silence_is_loss_and_exit_code_1,
];

/// 10.5.0.2 or fd00:5::2, which the responder is.
const TARGETS: [&str; 2] = ["10.5.0.2", "fd00:5::2"];

/// Runs ping against a scripted responder, once for each family.
fn both(script: &Script, args: &[&str]) -> Result<Vec<(IpAddr, Run)>, Failed> {
    let mut runs = Vec::new();
    for target in TARGETS {
        runs.push((target.parse()?, one(script, target, args)?));
    }
    Ok(runs)
}

fn one(script: &Script, target: &str, args: &[&str]) -> Result<Run, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), script.clone())?;
    ping_json(lab.h1(), &[args, &[target]].concat())
}

const THREE: [&str; 3] = ["-c3", "-i0.02", "-W1"];

fn right_answers_are_replies() -> Outcome {
    for (target, run) in both(&Mode::Normal.into(), &THREE)? {
        counts(
            &run,
            &[
                ("sent", 3),
                ("received", 3),
                ("lost", 0),
                ("loss_percent", 0),
            ],
        )?;
        let replies = run.of_type("reply")?;
        for (seq, reply) in (1..).zip(&replies) {
            assert_eq!(reply["seq"], seq, "{run}");
            assert_eq!(reply["from"], target.to_string(), "{run}");
            assert_eq!(reply["bytes"], 64, "{run}");
            assert_eq!(reply["ttl"], 64, "{run}");
            // The kernel switches receive stamps on in the background: the first may have none.
            let stamp = &reply["stamp"];
            assert!(stamp == "kernel" || (stamp == "user" && seq == 1), "{run}");
        }
        assert_eq!(run.code(), Some(0));
        assert_eq!(run.stderr, "");
    }
    Ok(())
}

fn late_answers_are_late_and_not_lost() -> Outcome {
    let script = [(2, Mode::Late(Duration::from_millis(250)))].into();
    for (_, run) in both(&script, &["-c8", "-i0.1", "-W0.1"])? {
        counts(
            &run,
            &[("sent", 8), ("received", 7), ("late", 1), ("lost", 0)],
        )?;
        let timeouts = run.of_type("timeout")?;
        assert_eq!(timeouts.len(), 1, "{run}");
        assert_eq!(timeouts[0]["seq"], 2);
        let late = &run.of_type("late")?[0];
        assert_eq!(late["seq"], 2);
        assert!(late["rtt_ms"].as_f64() >= Some(250.0), "{run}");
    }
    Ok(())
}

fn late_answers_in_text() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let script = [(2, Mode::Late(Duration::from_millis(250)))];
    let _responder = Responder::start(lab.h2(), script)?;
    let run = ping(lab.h1(), &["-c8", "-i0.1", "-W0.1", "10.5.0.2"])?;
    let late = run.stdout.lines().find(|line| line.contains("late"));
    let late = late.ok_or_else(|| format!("no line about the late answer: {run}"))?;
    assert!(late.contains("icmp_seq=2"), "{late}");
    assert!(
        run.stdout.contains("8 packets transmitted, 7 received"),
        "{run}"
    );
    assert!(run.stdout.contains(" 0% packet loss"), "{run}");
    Ok(())
}

fn answers_that_overtake_are_reordered() -> Outcome {
    let script = [(2, Mode::Late(Duration::from_millis(50)))].into();
    for (_, run) in both(&script, &["-c4", "-i0.02", "-W1"])? {
        counts(
            &run,
            &[("sent", 4), ("received", 4), ("lost", 0), ("reordered", 1)],
        )?;
        let replies = run.of_type("reply")?;
        let last = replies.last().ok_or("no replies")?;
        let seqs: Vec<_> = replies.iter().map(|reply| &reply["seq"]).collect();
        assert_ne!(seqs, [1, 2, 3, 4], "{run}");
        assert_ne!(last["seq"], 1);
    }
    Ok(())
}

fn duplicates_are_counted_apart() -> Outcome {
    for (_, run) in both(&[(2, Mode::Times(3))].into(), &THREE)? {
        counts(
            &run,
            &[("sent", 3), ("received", 3), ("lost", 0), ("duplicates", 2)],
        )?;
        for duplicate in run.of_type("duplicate")? {
            assert_eq!(duplicate["seq"], 2, "{run}");
        }
        assert_eq!(run.code(), Some(0));
    }
    Ok(())
}

fn another_source_is_no_success() -> Outcome {
    for (target, other) in TARGETS.into_iter().zip(["10.5.0.7", "fd00:5::7"]) {
        let script = [(2, Mode::From(other.parse()?))].into();
        let run = one(&script, target, &THREE)?;
        counts(
            &run,
            &[
                ("sent", 3),
                ("received", 2),
                ("lost", 1),
                ("other_address", 1),
            ],
        )?;
        let odd = &run.of_type("other_address")?[0];
        assert_eq!(
            (&odd["seq"], &odd["from"]),
            (&2.into(), &other.into()),
            "{run}"
        );
    }
    Ok(())
}

fn truncated_and_longer_answers() -> Outcome {
    let script = [
        (1, Mode::Truncated(1)),
        (2, Mode::Truncated(56)),
        (3, Mode::Longer(1)),
    ]
    .into();
    for (_, run) in both(&script, &["-c4", "-i0.02", "-W1"])? {
        let expected = [
            ("received", 1),
            ("lost", 3),
            ("truncated", 2),
            ("longer", 1),
        ];
        counts(&run, &expected)?;
        let bytes = |kind| -> Result<Vec<u64>, Failed> {
            let events = run.of_type(kind)?;
            Ok(events.iter().filter_map(|e| e["bytes"].as_u64()).collect())
        };
        assert_eq!(bytes("truncated")?, [63, 8], "{run}");
        assert_eq!(bytes("longer")?, [65], "{run}");
    }
    Ok(())
}

fn flipped_bytes_are_named() -> Outcome {
    // Byte 3 is in the run's nonce, 12 in the probe's number, 55 the last.
    let flips = [(1, 3), (2, 12), (3, 16), (4, 55)];
    let script = flips.map(|(seq, at)| (seq, Mode::Flip(at))).into();
    for (_, run) in both(&script, &["-c5", "-i0.02", "-W1"])? {
        counts(&run, &[("received", 1), ("lost", 4), ("corrupt", 4)])?;
        for ((seq, at), corrupt) in flips.into_iter().zip(run.of_type("corrupt")?) {
            assert_eq!(corrupt["seq"], seq, "{run}");
            assert_eq!(corrupt["at"], at, "{run}");
        }
    }
    Ok(())
}

fn a_bad_checksum_is_no_reply() -> Outcome {
    let script: Script = [(2, Mode::BadChecksum)].into();
    let run = one(&script, TARGETS[0], &THREE)?;
    counts(&run, &[("received", 2), ("lost", 1), ("bad_checksum", 1)])?;
    assert_eq!(run.of_type("bad_checksum")?[0]["seq"], 2, "{run}");
    // The kernel drops a bad ICMPv6 checksum before any socket, and counts it where it counts what a
    // full queue drops (SO_RXQ_OVFL; rawv6_rcv in net/ipv6/raw.c).
    let run = one(&script, TARGETS[1], &THREE)?;
    let dropped = ("lost_by_us", 1);
    counts(
        &run,
        &[("received", 2), ("lost", 1), ("bad_checksum", 0), dropped],
    )?;
    let state = &run.of_type("state")?[0];
    let message = state["message"].as_str().ok_or("no message")?;
    assert!(
        message.contains("checksum"),
        "the queue was not full: {run}"
    );
    Ok(())
}

fn a_wrong_sequence_is_unknown_or_a_duplicate() -> Outcome {
    // 1 answers as 1001, never sent; 3 answers as 65,538 = 2, which is answered already.
    let script = [(1, Mode::WrongSeq(1000)), (3, Mode::WrongSeq(u16::MAX))].into();
    for (_, run) in both(&script, &["-c4", "-i0.02", "-W1"])? {
        let summary = sane(&run)?;
        assert_eq!(summary["received"], 2, "{run}");
        assert_eq!(summary["lost"], 2, "{run}");
        assert_eq!(summary["unknown_seq"], 1, "{run}");
        assert_eq!(run.of_type("unknown_seq")?[0]["seq"], 1001, "{run}");
        // Its payload still says 3, so it is no right answer to 2 either.
        assert_eq!(summary["corrupt"], 1, "{run}");
    }
    Ok(())
}

fn a_foreign_id_is_not_heard() -> Outcome {
    for (_, run) in both(&[(2, Mode::WrongId(0x1234))].into(), &THREE)? {
        counts(&run, &[("received", 2), ("lost", 1)])?;
        assert!(
            run.of_type("state")?
                .iter()
                .all(|s| s["state"] != "id_clash"),
            "{run}"
        );
    }
    Ok(())
}

/// What makes iputils print a time of 80 years, or of 2^63 microseconds.
fn a_forged_timestamp_gives_no_rtt() -> Outcome {
    for (_, run) in both(&[(2, Mode::ForgedTimestamp)].into(), &THREE)? {
        let summary = sane(&run)?;
        assert_eq!(summary["received"], 2, "{run}");
        assert_eq!(summary["lost"], 1, "{run}");
        assert!(summary["rtt_ms"]["max"].as_f64() < Some(1000.0), "{run}");
    }
    Ok(())
}

/// The first 16 payload bytes are another run's: it is not counted, and said once.
fn a_foreign_payload_under_our_id_is_a_clash() -> Outcome {
    let before = || Mode::Before(Mode::ForgedTimestamp.into());
    for (_, run) in both(&[(2, before()), (3, before())].into(), &THREE)? {
        counts(&run, &[("received", 3), ("lost", 0)])?;
        let states = run.of_type("state")?;
        assert_eq!(states.len(), 1, "{run}");
        assert_eq!(states[0]["state"], "id_clash", "{run}");
    }
    Ok(())
}

fn bounced_requests_are_named() -> Outcome {
    for (target, run) in both(&[(2, Mode::Bounced)].into(), &THREE)? {
        counts(&run, &[("received", 2), ("lost", 1), ("requests", 1)])?;
        let request = &run.of_type("request")?[0];
        assert_eq!(request["seq"], 2, "{run}");
        assert_eq!(request["from"], target.to_string(), "{run}");
    }
    Ok(())
}

fn every_mode_alone_never_succeeds() -> Outcome {
    for mode in [
        Mode::Truncated(1),
        Mode::Truncated(41),
        Mode::Truncated(56),
        Mode::Longer(1),
        Mode::Longer(1000),
        Mode::Flip(0),
        Mode::Flip(40),
        Mode::BadChecksum,
        Mode::WrongSeq(7),
        Mode::WrongSeq(0x8000),
        Mode::WrongId(0x1234),
        Mode::ForgedTimestamp,
        Mode::Bounced,
    ] {
        for (_, run) in both(&mode.clone().into(), &["-c3", "-i0.01", "-W0.1"])? {
            let summary = sane(&run).map_err(|e| format!("{mode:?}: {e:?}"))?;
            assert_eq!(run.code(), Some(1), "{mode:?} {run}");
            assert_eq!(summary["received"], 0, "{mode:?} {run}");
            assert_eq!(summary["lost"], 3, "{mode:?} {run}");
        }
    }
    Ok(())
}

fn silence_is_loss_and_exit_code_1() -> Outcome {
    for (_, run) in both(&Mode::Silent.into(), &["-c2", "-i0.02", "-W0.1"])? {
        counts(
            &run,
            &[
                ("sent", 2),
                ("received", 0),
                ("lost", 2),
                ("loss_percent", 100),
            ],
        )?;
        assert_eq!(run.of_type("timeout")?.len(), 2, "{run}");
        assert_eq!(run.code(), Some(1));
    }
    Ok(())
}
