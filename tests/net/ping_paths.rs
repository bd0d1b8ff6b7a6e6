//! `rawsock ping` and the shape of the network: MTU, broadcast, link-local scopes, sizes, floods.

use std::collections::HashSet;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::Lab;

use crate::expect::{counts, sane};
use crate::harness::{Outcome, wait_for};
use crate::link::FrameSocket;
use crate::program::{Running, ping, ping_json, start_json};
use crate::responder::{Mode, Responder, Script};
use crate::tap::Tap;
use crate::topology::{lan, routed};

crate::tests![
    every_size_has_an_rtt,
    one_byte_too_many_is_an_error_with_the_limit,
    a_smaller_mtu_on_the_way_is_named,
    a_ttl_that_runs_out_names_the_router,
    every_host_answers_a_broadcast,
    every_host_answers_a_multicast,
    a_broadcast_needs_b,
    link_local_addresses_with_a_scope,
    link_local_addresses_without_one,
    flood_wraps_the_sequence_without_duplicates,
    a_hundred_thousand_outstanding,
    held_answers_all_count,
    a_full_receive_queue_is_lost_by_us,
    two_runs_with_one_id,
    two_hundred_runs_at_once,
];

const BOTH: [&str; 2] = ["10.5.0.2", "fd00:5::2"];

fn every_size_has_an_rtt() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for target in BOTH {
        for size in [0, 1, 7, 8, 15, 16, 17, 1000, 1452, 8000] {
            let size = size.to_string();
            let args = ["-c1", "-W2", "-s", &size, target];
            let run = ping_json(lab.h1(), &args)?;
            counts(&run, &[("received", 1)]).map_err(|e| format!("-s {size}: {e:?}"))?;
        }
    }
    // The largest packets: as fragments through the cable, whole on loopback they do not fit either.
    for (target, size) in [
        ("10.5.0.2", "65507"),
        ("fd00:5::2", "65527"),
        ("127.0.0.1", "65507"),
    ] {
        let run = ping_json(lab.h1(), &["-c1", "-W2", "-s", size, target])?;
        counts(&run, &[("received", 1)])?;
        let bytes = size.parse::<u64>()? + 8;
        assert_eq!(run.of_type("reply")?[0]["bytes"], bytes, "{run}");
    }
    Ok(())
}

fn one_byte_too_many_is_an_error_with_the_limit() -> Outcome {
    let lab = Lab::pair()?;
    for (target, size, limit) in [
        ("10.5.0.2", "65508", "65507"),
        ("fd00:5::2", "65528", "65527"),
    ] {
        let run = ping(lab.h1(), &["-c1", "-s", size, target])?;
        assert_eq!(run.code(), Some(2), "{run}");
        assert!(run.stderr.contains(limit), "{run}");
        assert_eq!(run.stdout, "", "{run}");
    }
    Ok(())
}

fn a_smaller_mtu_on_the_way_is_named() -> Outcome {
    let net = routed(1300)?;
    for (target, router) in [("10.6.2.2", "10.6.1.254"), ("fd00:6:2::2", "fd00:6:1::fe")] {
        let small = ping_json(&net.near, &["-c2", "-i0.02", "-W1", target])?;
        counts(&small, &[("received", 2)])?;
        // IPv6 routers never cut a packet up; IPv4 ones need the bit.
        let args = ["-c3", "-i0.05", "-W1", "-s1400", "-Mprobe", target];
        let run = ping_json(&net.near, &args)?;
        let summary = sane(&run)?;
        assert_eq!(summary["received"], 0, "{run}");
        let error = &run.of_type("error")?[0];
        assert_eq!(error["mtu"], 1300, "{run}");
        assert_eq!(error["from"], router, "{run}");
        assert_eq!(error["seq"], 1, "{run}");
        // The kernel has learned the MTU: a socket that heeds it is refused locally.
        let args = [
            "-c2", "-i0.02", "-W1", "-s1400", "--socket", "raw", "-Mdo", target,
        ];
        let run = ping_json(&net.near, &args)?;
        let refused = run.of_type("not_sent")?;
        let last = refused
            .last()
            .ok_or_else(|| format!("nothing refused: {run}"))?;
        assert_eq!(last["errno"], libc::EMSGSIZE, "{run}");
        assert_eq!(last["mtu"], 1300, "{run}");
    }
    Ok(())
}

fn a_ttl_that_runs_out_names_the_router() -> Outcome {
    let net = routed(1500)?;
    for (target, router) in [("10.6.2.2", "10.6.1.254"), ("fd00:6:2::2", "fd00:6:1::fe")] {
        let run = ping_json(&net.near, &["-c2", "-i0.02", "-W1", "-t1", target])?;
        counts(&run, &[("received", 0), ("lost", 2), ("errors", 2)])?;
        for error in run.of_type("error")? {
            assert_eq!(error["from"], router, "{run}");
        }
        let run = ping_json(&net.near, &["-c1", "-W1", "-t2", target])?;
        assert_eq!(run.of_type("reply")?[0]["ttl"], 63, "{run}");
    }
    Ok(())
}

fn answering(target: &str, options: &[&str]) -> Result<HashSet<String>, Failed> {
    let lan = lan()?;
    for host in &lan.hosts {
        host.set_sysctl("net/ipv4/icmp_echo_ignore_broadcasts", "0")?;
    }
    let run = ping_json(&lan.hosts[0], &[options, &[target]].concat())?;
    sane(&run)?;
    let mut answers = run.of_type("reply")?;
    answers.extend(run.of_type("duplicate")?);
    let from = answers.iter().filter_map(|a| a["from"].as_str());
    Ok(from.map(str::to_owned).collect())
}

fn every_host_answers_a_broadcast() -> Outcome {
    let answers = answering("10.5.0.255", &["-b", "-c2", "-i0.2", "-W1"])?;
    for host in ["10.5.0.2", "10.5.0.3"] {
        assert!(answers.contains(host), "{answers:?}");
    }
    Ok(())
}

fn every_host_answers_a_multicast() -> Outcome {
    let options = ["-b", "-c2", "-i0.2", "-W1", "-I", "eth0"];
    let answers = answering("224.0.0.1", &options)?;
    for host in ["10.5.0.2", "10.5.0.3"] {
        assert!(answers.contains(host), "{answers:?}");
    }
    let answers = answering("ff02::1%eth0", &["-b", "-c2", "-i0.2", "-W1"])?;
    for number in [2, 3] {
        let host = Lab::link_local(number).to_string();
        assert!(answers.iter().any(|a| a.starts_with(&host)), "{answers:?}");
    }
    Ok(())
}

fn a_broadcast_needs_b() -> Outcome {
    let lan = lan()?;
    let run = ping(&lan.hosts[0], &["-c1", "10.5.0.255"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(run.stderr.contains("-b 10.5.0.255"), "{run}");
    Ok(())
}

fn link_local_addresses_with_a_scope() -> Outcome {
    let lab = Lab::pair()?;
    let far = Lab::link_local(2);
    let index = lab.h1().netlink().link("eth0")?.index;
    for scope in ["eth0".to_owned(), index.to_string()] {
        for socket in ["hdrincl", "raw"] {
            let target = format!("{far}%{scope}");
            let args = ["-c2", "-i0.02", "-W1", "--socket", socket, &target];
            let run = ping_json(lab.h1(), &args)?;
            counts(&run, &[("received", 2)])?;
        }
    }
    Ok(())
}

fn link_local_addresses_without_one() -> Outcome {
    let lab = Lab::pair()?;
    let far = Lab::link_local(2).to_string();
    let run = ping(lab.h1(), &["-c1", "-W1", &far])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(
        run.stderr.contains("%eth0"),
        "the interface is not named: {run}"
    );
    let run = ping(lab.h1(), &["-c1", "-W1", &format!("{far}%nosuch")])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(run.stderr.contains("nosuch"), "{run}");
    Ok(())
}

fn flood_wraps_the_sequence_without_duplicates() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let args = ["-f", "-c70000", "-W2", "-s16", "-q", "10.5.0.2"];
    let run = ping_json(lab.h1(), &args)?;
    let summary = run.summary()?;
    for (key, value) in [
        ("sent", 70_000),
        ("received", 70_000),
        ("lost", 0),
        ("duplicates", 0),
        ("unknown_seq", 0),
        ("corrupt", 0),
    ] {
        assert_eq!(summary[key], value, "{key}: {run}");
    }
    Ok(())
}

/// 100,000 probes open at once; the first 1,000 of each identifier are answered after all were sent.
fn a_hundred_thousand_outstanding() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let script = Script {
        by_seq: vec![(1..=1000, Mode::Late(Duration::from_secs(8)))],
        otherwise: Mode::Silent,
    };
    let _responder = Responder::start(lab.h2(), script)?;
    let args = ["-i0.00003", "-c100000", "-W60", "-s16", "10.5.0.2"];
    let running = start_json(lab.h1(), &args)?;
    // The responder's own queue may drop some of so many: which ones are answered is left open.
    let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    let second = |text: &str| text.split("\"n\":").skip(1).any(|rest| digits(rest) == 5);
    wait_for("answers of the second id", Duration::from_secs(25), || {
        second(&running.stdout()).then_some(())
    })?;
    let peak = peak_kib(&running)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let summary = sane(&run)?;
    assert_eq!(summary["sent"], 100_000, "{run}");
    assert_eq!(summary["duplicates"], 0, "{run}");
    assert_eq!(summary["unknown_seq"], 0, "{run}");
    for reply in run.of_type("reply")? {
        let n = reply["n"].as_u64().ok_or("no n")?;
        let turn = (n - 1) / 65_536 * 65_536;
        assert!(n - turn <= 1000, "an answer to {n}");
        assert!(reply["rtt_ms"].as_f64() >= Some(8000.0), "{reply}");
    }
    assert!(peak < 32 * 1024, "{peak} KiB at the peak");
    Ok(())
}

/// Two hundred in flight, then all answers in one burst.
fn held_answers_all_count() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), Mode::HoldUntil(200))?;
    for target in BOTH {
        let run = ping_json(lab.h1(), &["-l200", "-c200", "-W5", target])?;
        counts(&run, &[("sent", 200), ("received", 200), ("lost", 0)])?;
    }
    Ok(())
}

fn peak_kib(running: &Running) -> Result<u64, Failed> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmHWM")?.parse()?)
}

/// Stopped by a signal while 20,000 copies of an answer come in.
fn a_full_receive_queue_is_lost_by_us() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for target in BOTH {
        let tap = Tap::start(lab.h2(), "eth0")?;
        let running = start_json(lab.h1(), &["-i0.05", "-W5", target])?;
        running.wait_events("reply", 2)?;
        let request = tap.wait_requests(2)?.remove(0);
        running.signal(Signal::SIGSTOP)?;
        let socket = FrameSocket::open(lab.h2(), "eth0")?;
        let frame = request.frame(request.to, &request.reply());
        let copies = 20_000;
        for _ in 0..copies {
            socket.send(&frame)?;
        }
        running.signal(Signal::SIGCONT)?;
        running.wait_events("state", 1)?;
        let replies = running.count("reply");
        running.wait_events("reply", replies + 2)?;
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let summary = sane(&run)?;
        let lost_by_us = summary["lost_by_us"].as_u64().ok_or("no lost_by_us")?;
        let duplicates = summary["duplicates"].as_u64().ok_or("no duplicates")?;
        assert!(lost_by_us > 0, "{run}");
        // The kernel may have dropped an answer of its own among them.
        let counted = lost_by_us + duplicates;
        assert!((copies..copies + 10).contains(&counted), "{counted} {run}");
    }
    Ok(())
}

fn two_runs_with_one_id() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    lab.h2()
        .netlink()
        .add_address("eth0", Lab::v4(3).into(), 24)?;
    let args = ["-e777", "-c20", "-i0.02", "-W1"];
    let one = start_json(lab.h1(), &[&args[..], &["10.5.0.2"]].concat())?;
    let two = start_json(lab.h1(), &[&args[..], &["10.5.0.3"]].concat())?;
    for run in [one.finish()?, two.finish()?] {
        counts(&run, &[("sent", 20), ("received", 20), ("lost", 0)])?;
        assert!(run.of_type("state")?.len() <= 1, "{run}");
    }
    Ok(())
}

fn two_hundred_runs_at_once() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let args = ["-c2", "-i0.3", "-W10", "10.5.0.2"];
    let started = (0..200).map(|_| start_json(lab.h1(), &args));
    let started: Result<Vec<_>, _> = started.collect();
    for running in started? {
        let run = running.finish()?;
        let summary = sane(&run)?;
        assert_eq!(summary["received"], 2, "{run}");
        assert_eq!(summary["lost"], 0, "{run}");
    }
    Ok(())
}
