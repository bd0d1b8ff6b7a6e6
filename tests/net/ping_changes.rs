//! `rawsock ping` while the host changes beneath it: addresses, routes, limits, missing pieces.

use std::net::IpAddr;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};

use crate::expect::{counts, sane};
use crate::frames::Request;
use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, must, ping, ping_json, run, start_json};
use crate::responder::{Mode, Responder};
use crate::tap::Tap;

crate::tests![
    the_source_follows_an_address_change,
    a_pinned_source_stays,
    the_network_doubles_a_packet: "nft",
    loopback_that_is_down: "unshare",
    ipv6_that_is_switched_off,
    few_descriptors: "bash",
    until_fail_after_and_for_end_the_run,
    an_answer_between_two_losses_is_an_outage_apart,
];

fn lab() -> Result<Lab, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    Ok(lab)
}

/// Our address of one family, a second one, and whom we ping.
const FAMILIES: [(&str, &str, &str, u8); 2] = [
    ("10.5.0.1", "10.5.0.11", "10.5.0.2", 24),
    ("fd00:5::1", "fd00:5::11", "fd00:5::2", 64),
];

fn wait_source(tap: &Tap, source: IpAddr) -> Outcome {
    wait_for(
        format!("requests from {source}"),
        std::time::Duration::from_secs(5),
        || {
            let last = tap.requests().last().map(|request: &Request| request.from);
            (last == Some(source)).then_some(())
        },
    )
}

fn the_source_follows_an_address_change() -> Outcome {
    for (old, new, target, prefix) in FAMILIES {
        for socket in ["hdrincl", "raw"] {
            let lab = lab()?;
            // Else the first address of a network takes the others along.
            lab.h1()
                .set_sysctl("net/ipv4/conf/all/promote_secondaries", "1")?;
            let tap = Tap::start(lab.h2(), "eth0")?;
            let args = ["-i0.05", "-W2", "--socket", socket, target];
            let running = start_json(lab.h1(), &args)?;
            running.wait_events("reply", 2)?;
            let (old, new) = (old.parse()?, new.parse()?);
            wait_source(&tap, old)?;
            let netlink = lab.h1().netlink();
            netlink.add_address("eth0", new, prefix)?;
            lab.h1().wait_address(new)?;
            netlink.delete_address("eth0", old, prefix)?;
            wait_source(&tap, new).map_err(|e| format!("{socket} {target}: {e:?}"))?;
            let replies = running.count("reply");
            running.wait_events("reply", replies + 2)?;
            running.signal(Signal::SIGINT)?;
            let run = running.finish()?;
            sane(&run)?;
        }
    }
    Ok(())
}

fn a_pinned_source_stays() -> Outcome {
    for (_, new, target, prefix) in FAMILIES {
        let lab = lab()?;
        let tap = Tap::start(lab.h2(), "eth0")?;
        let new: IpAddr = new.parse()?;
        let netlink = lab.h1().netlink();
        netlink.add_address("eth0", new, prefix)?;
        lab.h1().wait_address(new)?;
        let args = ["-c5", "-i0.02", "-W2", "-I", &new.to_string(), target];
        let run = ping_json(lab.h1(), &args)?;
        counts(&run, &[("received", 5)])?;
        let requests = tap.wait_requests(5)?;
        assert!(requests.iter().all(|request| request.from == new), "{run}");
    }
    Ok(())
}

/// The far end's firewall doubles each answer on its way out.
fn the_network_doubles_a_packet() -> Outcome {
    let lab = lab()?;
    let rules = "add table netdev t; \
        add chain netdev t out { type filter hook egress device eth0 priority 0; }; \
        add rule netdev t out icmp type echo-reply meta mark 0 meta mark set 1 dup to eth0; \
        add rule netdev t out icmpv6 type echo-reply meta mark 0 meta mark set 1 dup to eth0";
    must(lab.h2(), "nft", &[rules])?;
    for target in ["10.5.0.2", "fd00:5::2"] {
        let run = ping_json(lab.h1(), &["-c3", "-i0.05", "-W1", target])?;
        counts(&run, &[("received", 3), ("lost", 0), ("duplicates", 3)])?;
    }
    Ok(())
}

/// In a fresh namespace `lo` is down and has no address.
fn loopback_that_is_down() -> Outcome {
    let host = Host::new("h")?;
    for target in ["127.0.0.1", "::1"] {
        let args = ["--net", RAWSOCK, "ping", "-c2", "-i0.01", "-W1", target];
        let run = run(&host, "unshare", &args)?;
        assert!(matches!(run.code(), Some(1 | 2)), "{run}");
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(text.contains("Network is unreachable"), "{run}");
    }
    Ok(())
}

fn ipv6_that_is_switched_off() -> Outcome {
    let lab = lab()?;
    lab.h1().set_sysctl("net/ipv6/conf/all/disable_ipv6", "1")?;
    let run = ping(lab.h1(), &["-c1", "-W1", "fd00:5::2"])?;
    assert!(matches!(run.code(), Some(1 | 2)), "{run}");
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("Network is unreachable"), "{run}");
    let run = ping(lab.h1(), &["-c1", "-W2", "10.5.0.2"])?;
    assert_eq!(run.code(), Some(0), "{run}");
    Ok(())
}

/// Eight descriptors are enough; with fewer it says so, or the loader does.
fn few_descriptors() -> Outcome {
    let lab = lab()?;
    for limit in 3..=8 {
        let script = format!("ulimit -n {limit}; exec '{RAWSOCK}' ping -c1 -W2 10.5.0.2");
        let run = run(lab.h1(), "bash", &["-c", &script])?;
        let good = run.code() == Some(0);
        assert!(good || limit < 8, "{limit}: {run}");
        if !good {
            let first = run.stderr.lines().next().unwrap_or("");
            let words = ["Too many open files", "cannot open shared object file"];
            assert!(
                words.iter().any(|words| first.contains(words)),
                "{limit}: {run}"
            );
            assert!(matches!(run.code(), Some(2 | 127)), "{limit}: {run}");
        }
    }
    Ok(())
}

fn until_fail_after_and_for_end_the_run() -> Outcome {
    let lab = lab()?;
    for (args, code, sent) in [
        (&["--until", "3", "-i0.02", "10.5.0.2"][..], 0, 3..=3),
        (&["--for", "300ms", "-i0.05", "10.5.0.2"], 0, 5..=7),
        (
            &["--fail-after", "3", "-i0.02", "-W0.1", "10.5.0.9"],
            1,
            3..=30,
        ),
    ] {
        let run = ping_json(lab.h1(), args)?;
        let summary = sane(&run)?;
        assert_eq!(run.code(), Some(code), "{args:?} {run}");
        let count = summary["sent"].as_u64().ok_or("no count")?;
        assert!(sent.contains(&count), "{args:?} {run}");
    }
    Ok(())
}

fn an_answer_between_two_losses_is_an_outage_apart() -> Outcome {
    let lab = lab()?;
    let script = crate::responder::Script {
        by_seq: vec![(5..=8, Mode::Silent), (12..=16, Mode::Silent)],
        otherwise: Mode::Normal,
    };
    let _responder = Responder::start(lab.h2(), script)?;
    let args = ["-c20", "-i0.05", "-W0.5", "10.5.0.2"];
    let run = ping_json(lab.h1(), &args)?;
    let summary = counts(&run, &[("received", 11), ("lost", 9)])?;
    let outages = summary["outages"].as_array().ok_or("no outages")?;
    assert_eq!(outages.len(), 2, "{run}");
    assert!(
        outages.iter().all(|outage| outage["until"].is_string()),
        "{run}"
    );
    Ok(())
}
