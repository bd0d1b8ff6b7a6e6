//! `rawsock ping` when its own side refuses: "not sent: reason" is no loss, and each change of state
//! is one line.

use std::net::IpAddr;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::{Lab, Route, RouteKind};
use serde_json::Value;

use crate::expect::{counts, sane};
use crate::harness::Outcome;
use crate::program::{Run, must, ping, ping_json, start_json};

crate::tests![
    a_firewall_that_refuses_is_eperm: "nft",
    a_firewall_that_comes_and_goes: "nft",
    routes_that_refuse_name_their_errno,
    a_route_that_comes_back,
    no_route_at_all_is_an_error_at_once,
    a_full_queue_is_not_a_loss: "tc",
    losses_at_the_far_end_end_the_run_in_time: "nft",
    a_dead_neighbour_uses_the_whole_deadline,
    an_interface_that_goes_down_and_comes_back,
    an_interface_that_is_deleted,
];

const BOTH: [&str; 2] = ["10.5.0.2", "fd00:5::2"];

fn lab() -> Result<Lab, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    Ok(lab)
}

fn nft(lab: &Lab, rules: &str) -> Outcome {
    must(lab.h1(), "nft", &[rules])?;
    Ok(())
}

const DROP_OUT: &str = "add table inet t; \
    add chain inet t out { type filter hook output priority 0; policy drop; }";

fn errno(event: &Value) -> Option<i64> {
    event["errno"].as_i64()
}

/// The changes of state, in order: `sends_fail`, `sends_work`.
fn states(run: &Run) -> Result<Vec<String>, Failed> {
    let states = run.of_type("state")?.into_iter();
    let words = states.filter_map(|state| Some(state["state"].as_str()?.to_owned()));
    Ok(words.filter(|word| word.starts_with("sends_")).collect())
}

fn a_firewall_that_refuses_is_eperm() -> Outcome {
    let lab = lab()?;
    nft(&lab, DROP_OUT)?;
    for target in BOTH {
        for socket in ["hdrincl", "raw"] {
            let args = ["-c4", "-i0.01", "-W0.3", "--socket", socket, target];
            let run = ping_json(lab.h1(), &args)?;
            let zero = [
                ("sent", 0),
                ("received", 0),
                ("lost", 0),
                ("loss_percent", 0),
            ];
            counts(&run, &[&zero[..], &[("not_sent", 4)]].concat())?;
            for event in run.of_type("not_sent")? {
                assert_eq!(errno(&event), Some(libc::EPERM.into()), "{run}");
            }
            // One line for the change, not one for each probe.
            assert_eq!(states(&run)?, ["sends_fail"], "{run}");
            assert_eq!(run.code(), Some(1), "{run}");
        }
    }
    let run = ping(lab.h1(), &["-c4", "-i0.01", "-W0.3", "10.5.0.2"])?;
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("Operation not permitted"), "{run}");
    assert!(
        text.contains("4 not sent") || text.contains("not sent: 4"),
        "{run}"
    );
    assert!(
        run.stdout.contains("0 packets transmitted, 0 received"),
        "{run}"
    );
    Ok(())
}

fn a_firewall_that_comes_and_goes() -> Outcome {
    let lab = lab()?;
    for target in BOTH {
        let running = start_json(lab.h1(), &["-i0.02", "-W1", target])?;
        running.wait_events("reply", 2)?;
        nft(&lab, DROP_OUT)?;
        running.wait_events("not_sent", 2)?;
        nft(&lab, "delete table inet t")?;
        let replies = running.count("reply");
        running.wait_events("reply", replies + 2)?;
        running.signal(nix::sys::signal::SIGINT)?;
        let run = running.finish()?;
        let summary = sane(&run)?;
        assert_eq!(summary["lost"], 0, "{run}");
        assert_eq!(states(&run)?, ["sends_fail", "sends_work"], "{run}");
        assert_eq!(run.code(), Some(0), "{run}");
    }
    Ok(())
}

fn routes_that_refuse_name_their_errno() -> Outcome {
    let lab = lab()?;
    for far in ["192.0.2.1", "2001:db8::1"] {
        let far: IpAddr = far.parse()?;
        let (prefix, gateway) = match far {
            IpAddr::V4(_) => (32, Lab::v4(2).into()),
            IpAddr::V6(_) => (128, Lab::v6(2).into()),
        };
        // The route exists at the start and turns bad during the run, or ping would not start.
        let netlink = lab.h1().netlink();
        let good = Route {
            via: Some(gateway),
            ..Route::new((far, prefix), RouteKind::Unicast)
        };
        lab.h2().netlink().add_address("lo", far, prefix)?;
        lab.h2().wait_address(far)?;
        for (kind, errno_v4, errno_v6) in [
            (RouteKind::Prohibit, libc::EACCES, libc::EACCES),
            (RouteKind::Blackhole, libc::EINVAL, libc::EINVAL),
            (
                RouteKind::Unreachable,
                libc::EHOSTUNREACH,
                libc::EHOSTUNREACH,
            ),
        ] {
            let expected = if far.is_ipv4() { errno_v4 } else { errno_v6 };
            let bad = Route::new((far, prefix), kind);
            netlink.set_route(&good)?;
            let running = start_json(lab.h1(), &["-i0.02", "-W1", &far.to_string()])?;
            running.wait_events("reply", 2)?;
            // A replaced IPv6 route of another kind is a second route: take the old one away.
            netlink.delete_route(&good)?;
            netlink.set_route(&bad)?;
            running.wait_events("not_sent", 3)?;
            netlink.delete_route(&bad)?;
            netlink.set_route(&good)?;
            let replies = running.count("reply");
            running.wait_events("reply", replies + 2)?;
            running.signal(nix::sys::signal::SIGINT)?;
            let run = running.finish()?;
            sane(&run)?;
            let errnos = run.of_type("not_sent")?;
            let last = errnos.last().and_then(errno);
            assert_eq!(last, Some(expected.into()), "{far} {kind:?}: {run}");
            assert_eq!(run.summary()?["lost"], 0, "{far} {kind:?}: {run}");
            netlink.delete_route(&good)?;
        }
    }
    Ok(())
}

fn a_route_that_comes_back() -> Outcome {
    let lab = lab()?;
    for (far, gateway) in [
        ("192.0.2.1", IpAddr::from(Lab::v4(2))),
        ("2001:db8::1", Lab::v6(2).into()),
    ] {
        let netlink = lab.h1().netlink();
        let default = Route::default_via(gateway);
        let prefix = if gateway.is_ipv4() { 32 } else { 128 };
        let address = far.parse()?;
        lab.h2().netlink().add_address("lo", address, prefix)?;
        lab.h2().wait_address(address)?;
        netlink.set_route(&default)?;
        let running = start_json(lab.h1(), &["-i0.02", "-W1", far])?;
        running.wait_events("reply", 2)?;
        netlink.delete_route(&default)?;
        running.wait_events("not_sent", 2)?;
        netlink.set_route(&default)?;
        let replies = running.count("reply");
        running.wait_events("reply", replies + 2)?;
        running.signal(nix::sys::signal::SIGINT)?;
        let run = running.finish()?;
        sane(&run)?;
        let errors = run.of_type("not_sent")?;
        assert!(
            errors
                .iter()
                .all(|e| errno(e) == Some(libc::ENETUNREACH.into())),
            "{run}"
        );
        netlink.delete_route(&default)?;
    }
    Ok(())
}

fn no_route_at_all_is_an_error_at_once() -> Outcome {
    let lab = lab()?;
    for far in ["192.0.2.1", "2001:db8::1"] {
        let run = ping(lab.h1(), &["-c3", "-i0.01", "-W1", far])?;
        assert!(matches!(run.code(), Some(1 | 2)), "{run}");
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(text.contains("Network is unreachable"), "{run}");
    }
    Ok(())
}

/// A token bucket of 64 kbit/s that holds two packets: the third gets ENOBUFS.
fn a_full_queue_is_not_a_loss() -> Outcome {
    for target in BOTH {
        let lab = lab()?;
        let tbf = "qdisc add dev eth0 root tbf rate 64kbit burst 1600 limit 1600";
        let tbf: Vec<&str> = tbf.split(' ').collect();
        must(lab.h1(), "tc", &tbf)?;
        let args = ["-c20", "-i0.002", "-W5", "-s", "500", target];
        let run = ping_json(lab.h1(), &args)?;
        let summary = sane(&run)?;
        assert_eq!(summary["lost"], 0, "{run}");
        let not_sent = summary["not_sent"].as_u64().ok_or("no count")?;
        let retries = summary["retries"].as_u64().unwrap_or(0);
        assert!(not_sent + retries > 0, "the queue was never full: {run}");
        for event in run.of_type("not_sent")? {
            assert_eq!(errno(&event), Some(libc::ENOBUFS.into()), "{run}");
        }
    }
    Ok(())
}

/// `-s0 -i0` hangs some pings when answers are lost.
fn losses_at_the_far_end_end_the_run_in_time() -> Outcome {
    let lab = lab()?;
    let rules = "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
        add rule inet t in meta l4proto { icmp, ipv6-icmp } numgen random mod 100 < 25 drop";
    must(lab.h2(), "nft", &[rules])?;
    for target in BOTH {
        let run = ping_json(lab.h1(), &["-s0", "-i0", "-c200", "-W0.3", target])?;
        let summary = sane(&run)?;
        assert_eq!(summary["sent"], 200, "{run}");
        let lost = summary["lost"].as_u64().ok_or("no count")?;
        // 50 expected; 20 and 80 are five standard deviations away.
        assert!((20..=80).contains(&lost), "{run}");
        assert!(run.took < Duration::from_secs(10), "{run}");
    }
    Ok(())
}

/// iputils ends early there, on the host-unreachable errors of its own kernel.
fn a_dead_neighbour_uses_the_whole_deadline() -> Outcome {
    let lab = lab()?;
    for target in ["10.5.0.9", "fd00:5::9"] {
        let run = ping_json(lab.h1(), &["-c1", "-w2", "-i0.2", target])?;
        let summary = sane(&run)?;
        assert_eq!(summary["received"], 0, "{run}");
        assert_eq!(run.code(), Some(1), "{run}");
        let elapsed = summary["elapsed_ms"].as_f64().ok_or("no elapsed_ms")?;
        assert!((1990.0..2600.0).contains(&elapsed), "{run}");
    }
    Ok(())
}

fn an_interface_that_goes_down_and_comes_back() -> Outcome {
    for target in BOTH {
        let lab = lab()?;
        // Else the kernel forgets our IPv6 address with the link, which is the next test's matter.
        lab.h1()
            .set_sysctl("net/ipv6/conf/eth0/keep_addr_on_down", "1")?;
        let running = start_json(lab.h1(), &["-i0.02", "-W2", target])?;
        running.wait_events("reply", 3)?;
        let netlink = lab.h1().netlink();
        netlink.set_up("eth0", false)?;
        // An outage is at least 100 ms long.
        running.wait_events("not_sent", 10)?;
        netlink.set_up("eth0", true)?;
        netlink.wait_running("eth0")?;
        lab.know_neighbours()?;
        let replies = running.count("reply");
        running.wait_events("reply", replies + 3)?;
        running.signal(nix::sys::signal::SIGINT)?;
        let run = running.finish()?;
        let summary = sane(&run)?;
        assert_eq!(run.code(), Some(0), "{run}");
        assert!(summary["not_sent"].as_u64() >= Some(10), "{run}");
        let outages = summary["outages"].as_array().ok_or("no outages")?;
        assert_eq!(outages.len(), 1, "{run}");
        assert!(
            outages[0]["from"].is_string() && outages[0]["until"].is_string(),
            "{run}"
        );
    }
    Ok(())
}

fn an_interface_that_is_deleted() -> Outcome {
    let lab = lab()?;
    let running = start_json(lab.h1(), &["-i0.02", "-W2", "-I", "eth0", "10.5.0.2"])?;
    running.wait_events("reply", 2)?;
    lab.h1().netlink().delete_link("eth0")?;
    // No signal: it ends by itself, and says why.
    let run = running.finish()?;
    let summary = sane(&run)?;
    assert!(summary["not_sent"].as_u64() >= Some(1), "{run}");
    Ok(())
}
