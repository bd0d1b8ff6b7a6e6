//! `rawsock ping` and ICMP errors: all in words with their numbers, each matched to its probe by
//! the quoted header, none taken for an answer.

use libtest_mimic::Failed;
use rawsock::lab::Lab;
use serde_json::Value;

use crate::expect::{counts, sane};
use crate::harness::Outcome;
use crate::program::{Run, ping, ping_json};
use crate::responder::{Fault, Mode, Quote, Responder, Script};

crate::tests![
    unreachables_end_their_probe,
    every_type_and_code_has_its_numbers,
    time_exceeded_names_the_router_and_its_labels,
    fragmentation_needed_tells_the_mtu,
    redirects_and_quenches_end_nothing,
    parameter_problems_point,
    quotes_too_short_or_foreign_match_nothing,
    an_error_about_another_id_is_not_ours,
    an_error_and_then_the_answer,
];

const THREE: [&str; 3] = ["-c3", "-i0.02", "-W1"];

fn run(script: impl Into<Script>, v6: bool, args: &[&str]) -> Result<Run, Failed> {
    with(script, |lab| {
        let target = if v6 { "fd00:5::2" } else { "10.5.0.2" };
        ping_json(lab.h1(), &[args, &[target]].concat())
    })
}

fn with<T>(
    script: impl Into<Script>,
    run: impl FnOnce(&Lab) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), script)?;
    run(&lab)
}

fn numbers(error: &Value) -> (u64, u64) {
    let number = |key: &str| error[key].as_u64().unwrap_or(u64::MAX);
    (number("icmp_type"), number("icmp_code"))
}

fn unreachables_end_their_probe() -> Outcome {
    for (v6, icmp_type, code) in [(false, 3, 1), (true, 1, 3)] {
        let script = [(2, Mode::error(icmp_type, code, [0; 4]))];
        let run = run(script, v6, &["-c3", "-i0.02", "-W5"])?;
        counts(
            &run,
            &[("sent", 3), ("received", 2), ("lost", 1), ("errors", 1)],
        )?;
        let error = &run.of_type("error")?[0];
        assert_eq!(error["seq"], 2, "{run}");
        assert_eq!(numbers(error), (icmp_type.into(), code.into()), "{run}");
        // The error is the answer: nobody waits five seconds for another.
        assert!(run.took.as_secs() < 3, "{run}");
    }
    Ok(())
}

fn every_type_and_code_has_its_numbers() -> Outcome {
    let v4 = (0..=16).map(|code| (3, code));
    let v4 = v4.chain([
        (3, 200),
        (11, 0),
        (11, 1),
        (11, 77),
        (12, 0),
        (12, 1),
        (12, 2),
    ]);
    let v4: Vec<(u8, u8)> = v4.collect();
    let v6 = (0..=9)
        .map(|code| (1, code))
        .chain([(1, 200), (2, 0), (3, 0), (3, 1)]);
    let v6: Vec<(u8, u8)> = v6.chain((0..=10).map(|code| (4, code))).collect();
    for (v6, pairs) in [(false, v4), (true, v6)] {
        let modes = (1..).zip(&pairs).map(|(seq, (icmp_type, code))| {
            // An MTU below the IPv6 minimum would make the kernel add a fragment header.
            let rest = [0, 0, 5, 220];
            (seq..=seq, Mode::error(*icmp_type, *code, rest))
        });
        let script = Script {
            by_seq: modes.collect(),
            otherwise: Mode::Silent,
        };
        let count = format!("-c{}", pairs.len());
        let run = run(script, v6, &[&count, "-i0.01", "-W2"])?;
        let sent = pairs.len() as u64;
        counts(&run, &[("sent", sent), ("lost", sent), ("errors", sent)])?;
        let errors = run.of_type("error")?;
        let found: Vec<_> = errors.iter().map(numbers).collect();
        let wanted = pairs.iter().map(|&(t, c)| (u64::from(t), u64::from(c)));
        assert_eq!(found, wanted.collect::<Vec<_>>(), "{run}");
        for (seq, error) in (1..).zip(&errors) {
            assert_eq!(error["seq"], seq, "{run}");
        }
    }
    Ok(())
}

fn from_router(icmp_type: u8, rest: [u8; 4], quote: Quote, v6: bool) -> Result<Mode, Failed> {
    let router = if v6 { "fd00:5::fe" } else { "10.5.0.254" };
    let from = Some(router.parse()?);
    Ok(Mode::Error(Fault {
        icmp_type,
        code: 0,
        rest,
        quote,
        from,
    }))
}

fn time_exceeded_names_the_router_and_its_labels() -> Outcome {
    for (v6, icmp_type, router) in [(false, 11, "10.5.0.254"), (true, 3, "fd00:5::fe")] {
        let mode = || from_router(icmp_type, [0; 4], Quote::Mpls, v6);
        let run = run([(2, mode()?)], v6, &THREE)?;
        counts(&run, &[("received", 2), ("lost", 1), ("errors", 1)])?;
        let error = &run.of_type("error")?[0];
        assert_eq!(error["seq"], 2, "{run}");
        assert_eq!(error["from"], router, "{run}");
        let text = with([(2, mode()?)], |lab| {
            let target = if v6 { "fd00:5::2" } else { "10.5.0.2" };
            ping(lab.h1(), &[&THREE[..], &[target]].concat())
        })?;
        let line = text.stdout.lines().find(|line| line.contains(router));
        let line = line.ok_or_else(|| format!("no line about {router}: {text}"))?;
        assert!(line.contains("icmp_seq=2"), "{line}");
        // The label stack has a line of its own.
        assert!(text.stdout.contains("16004"), "{text}");
        let objects = error["objects"].as_array().ok_or("no objects")?;
        let label = |object: &Value| object.as_str().is_some_and(|text| text.contains("16004"));
        assert!(objects.iter().any(label), "{run}");
    }
    Ok(())
}

fn fragmentation_needed_tells_the_mtu() -> Outcome {
    for (v6, icmp_type, rest) in [(false, 3, [0, 0, 5, 20]), (true, 2, [0, 0, 5, 20])] {
        let mut mode = from_router(icmp_type, rest, Quote::Whole, v6)?;
        if let Mode::Error(fault) = &mut mode
            && !v6
        {
            fault.code = 4;
        }
        let run = run([(2, mode)], v6, &THREE)?;
        counts(&run, &[("received", 2), ("lost", 1), ("errors", 1)])?;
        assert_eq!(run.of_type("error")?[0]["mtu"], 1300, "{run}");
    }
    Ok(())
}

fn redirects_and_quenches_end_nothing() -> Outcome {
    let gateway = [10, 5, 0, 9];
    let modes = [Mode::error(5, 1, gateway), Mode::error(4, 0, [0; 4])];
    let modes = modes.map(|mode| Mode::Before(mode.into()));
    let [redirect, quench] = modes;
    let run = run([(1, redirect), (2, quench)], false, &THREE)?;
    counts(&run, &[("received", 3), ("lost", 0)])?;
    let errors = run.of_type("error")?;
    let found: Vec<_> = errors.iter().map(numbers).collect();
    assert_eq!(found, [(5, 1), (4, 0)], "{run}");
    assert_eq!(errors[0]["gateway"], "10.5.0.9", "{run}");
    Ok(())
}

fn parameter_problems_point() -> Outcome {
    for (v6, icmp_type, rest) in [(false, 12, [20, 0, 0, 0]), (true, 4, [0, 0, 0, 40])] {
        let pointer = if v6 { 40 } else { 20 };
        let run = run([(1, Mode::error(icmp_type, 0, rest))], v6, &THREE)?;
        counts(&run, &[("received", 2), ("lost", 1), ("errors", 1)])?;
        assert_eq!(run.of_type("error")?[0]["pointer"], pointer, "{run}");
    }
    Ok(())
}

fn quotes_too_short_or_foreign_match_nothing() -> Outcome {
    for v6 in [false, true] {
        let icmp_type = if v6 { 1 } else { 3 };
        let header = if v6 { 40 } else { 20 };
        // From no quote at all to one byte short of the sequence number.
        for len in [0, 1, 8, header - 1, header, header + 4, header + 7] {
            let mode = Mode::quoting(icmp_type, 1, Quote::Bytes(len));
            let run = run([(2, Mode::Before(mode.into()))], v6, &THREE)?;
            let summary = sane(&run)?;
            assert_eq!(summary["received"], 3, "{len}: {run}");
            assert_eq!(summary["lost"], 0, "{len}: {run}");
            for error in run.of_type("error")? {
                assert!(error["seq"].is_null(), "{len}: {run}");
            }
        }
        let edits: [fn(&mut Vec<u8>); 6] = [
            |ip| ip[0] = 0x9f,
            |ip| ip[0] |= 0x0f,
            |ip| ip.fill(0xff),
            |ip| ip.fill(0),
            |ip| ip.truncate(21),
            |ip| {
                // Another protocol, as far as each family says so.
                let at = if ip[0] >> 4 == 4 { 9 } else { 6 };
                ip[at] = 17;
            },
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let mode = Mode::quoting(icmp_type, 1, Quote::Edited(edit));
            let run = run([(2, Mode::Before(mode.into()))], v6, &THREE)?;
            let summary = sane(&run)?;
            assert_eq!(summary["sent"], 3, "edit {number}: {run}");
            let answered = summary["received"].as_u64();
            assert_eq!(answered, Some(3), "edit {number}: {run}");
        }
    }
    Ok(())
}

fn an_error_about_another_id_is_not_ours() -> Outcome {
    for v6 in [false, true] {
        let quote = Quote::Edited(|ip| {
            let icmp = if ip[0] >> 4 == 4 { 20 } else { 40 };
            ip[icmp + 4] ^= 0x12;
        });
        let mode = Mode::quoting(if v6 { 1 } else { 3 }, 1, quote);
        let run = run([(2, Mode::Before(mode.into()))], v6, &THREE)?;
        counts(&run, &[("received", 3), ("lost", 0), ("errors", 0)])?;
    }
    Ok(())
}

fn an_error_and_then_the_answer() -> Outcome {
    let mode = Mode::Before(Mode::error(3, 1, [0; 4]).into());
    let run = run([(2, mode)], false, &THREE)?;
    // An answer is the better witness: the probe is not lost.
    counts(
        &run,
        &[("sent", 3), ("received", 3), ("lost", 0), ("errors", 1)],
    )?;
    Ok(())
}
