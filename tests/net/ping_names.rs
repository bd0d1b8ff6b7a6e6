//! `rawsock ping` and names: several addresses, hostile bytes, slow servers.

use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};

use crate::dns::{Server, Zone};
use crate::etc::Etc;
use crate::expect::{counts, sane};
use crate::harness::{Outcome, now, wait_for};
use crate::program::{RAWSOCK, Run, must, start_command};
use crate::responder::{Mode, Responder};
use crate::tap::Tap;

crate::tests![
    a_name_from_the_hosts_file: "unshare",
    all_addresses_of_a_name: "unshare",
    a_family_without_a_route_falls_back: "unshare",
    four_and_six_choose: "unshare",
    an_unknown_name_is_an_error: "unshare",
    hostile_names_are_escaped: "unshare" "getent",
    a_hostile_pointer_record_is_escaped: "unshare",
    a_slow_name_server_delays_no_probe: "unshare",
    an_interrupt_during_a_slow_lookup_ends_it: "unshare",
    no_question_is_asked_by_default: "unshare",
    a_name_from_a_server: "unshare",
];

const NSSWITCH: (&str, &[u8]) = ("nsswitch.conf", b"hosts: files dns\n");
const HOSTS: &[u8] =
    b"127.0.0.1 localhost\n10.5.0.2 two.test four.test\nfd00:5::2 two.test six.test\n";

fn etc(files: &[(&'static str, &[u8])]) -> Result<Etc, Failed> {
    let resolver: (&str, &[u8]) = ("resolv.conf", b"nameserver 10.5.0.2\noptions attempts:1\n");
    let mut all = vec![NSSWITCH, resolver];
    all.retain(|(name, _)| files.iter().all(|(given, _)| given != name));
    all.extend(files);
    Etc::new(&all)
}

fn ping_in(etc: &Etc, host: &Host, args: &[&str]) -> Result<Run, Failed> {
    let args = [&["ping"], args].concat();
    start_command(etc.command(host, RAWSOCK, &args)?)?.finish()
}

fn a_name_from_the_hosts_file() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", HOSTS)])?);
    let run = ping_in(&etc, lab.h1(), &["-c2", "-i0.02", "-W1", "four.test"])?;
    assert!(
        run.stdout
            .starts_with("PING four.test (10.5.0.2) 56(84) bytes of data."),
        "{run}"
    );
    assert!(
        run.stdout.contains("--- four.test ping statistics ---"),
        "{run}"
    );
    let run = ping_in(
        &etc,
        lab.h1(),
        &["--json", "-c2", "-i0.02", "-W1", "six.test"],
    )?;
    let start = &run.of_type("start")?[0];
    assert_eq!(start["target"], "six.test", "{run}");
    assert_eq!(start["address"], "fd00:5::2", "{run}");
    counts(&run, &[("received", 2)])?;
    Ok(())
}

fn all_addresses_of_a_name() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", HOSTS)])?);
    let args = ["--json", "--all", "-c2", "-i0.02", "-W1", "two.test"];
    let run = ping_in(&etc, lab.h1(), &args)?;
    let starts = run.of_type("start")?;
    let mut addresses: Vec<_> = starts
        .iter()
        .filter_map(|s| s["address"].as_str())
        .collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["10.5.0.2", "fd00:5::2"], "{run}");
    let summaries = run.of_type("summary")?;
    assert_eq!(summaries.len(), 2, "{run}");
    for summary in summaries {
        assert_eq!(summary["received"], 2, "{run}");
    }
    Ok(())
}

fn a_family_without_a_route_falls_back() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", HOSTS)])?);
    lab.h1()
        .netlink()
        .delete_address("eth0", Lab::v6(1).into(), 64)?;
    let run = ping_in(&etc, lab.h1(), &["-c2", "-i0.02", "-W1", "two.test"])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("PING two.test (10.5.0.2)"), "{run}");
    Ok(())
}

fn four_and_six_choose() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", HOSTS)])?);
    for (family, address) in [("-4", "10.5.0.2"), ("-6", "fd00:5::2")] {
        let args = ["--json", family, "-c1", "-W1", "two.test"];
        let run = ping_in(&etc, lab.h1(), &args)?;
        assert_eq!(run.of_type("start")?[0]["address"], address, "{run}");
        counts(&run, &[("received", 1)])?;
    }
    let run = ping_in(&etc, lab.h1(), &["-6", "-c1", "four.test"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(run.stderr.contains("four.test"), "{run}");
    Ok(())
}

fn an_unknown_name_is_an_error() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", HOSTS)])?);
    let address = Lab::v4(2).into();
    let _server = Server::start(lab.h2(), address, Zone::default())?;
    let run = ping_in(&etc, lab.h1(), &["-c1", "nowhere.test"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(run.stderr.contains("cannot resolve nowhere.test"), "{run}");
    assert_eq!(run.stdout, "", "{run}");
    Ok(())
}

/// No byte below space but the newline, no DEL, no C1 control as UTF-8 or raw.
fn harmless(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{run}");
        assert!(!text.contains('\u{fffd}'), "bytes that are no UTF-8: {run}");
    }
}

const HOSTILE: &[u8] = b"ev\x1b[31mil\"quo\\te\xff\xc2\x9b<b>";

fn hostile_names_are_escaped() -> Outcome {
    let lab = Lab::pair()?;
    let hosts = [b"10.5.0.2 ", HOSTILE, b"\nfd00:5::2 ", HOSTILE, b"\n"].concat();
    let etc = etc(&[("hosts", &hosts)])?;
    // The test's own premise: the C library does hand these bytes out.
    let getent = etc.command(lab.h1(), "getent", &["hosts", "10.5.0.2"])?;
    let getent = start_command(getent)?.finish()?;
    assert!(getent.stdout.contains("\x1b[31m"), "{getent}");
    for target in ["10.5.0.2", "fd00:5::2"] {
        let args = ["--names", "-c4", "-i0.2", "-W1", target];
        let text = ping_in(&etc, lab.h1(), &args)?;
        harmless(&text);
        assert!(
            text.stdout.contains("31mil"),
            "the name is not shown: {text}"
        );
        let json = ping_in(&etc, lab.h1(), &[&["--json"], &args[..]].concat())?;
        harmless(&json);
        sane(&json)?;
    }
    Ok(())
}

fn a_hostile_pointer_record_is_escaped() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", b"127.0.0.1 localhost\n")])?);
    let zone = Zone {
        label: HOSTILE.to_vec(),
        ..Zone::default()
    };
    let server = Server::start(lab.h2(), Lab::v4(2).into(), zone)?;
    for json in [&["--json"][..], &[]] {
        let args = [json, &["-H", "-c4", "-i0.2", "-W1", "10.5.0.2"]].concat();
        let run = ping_in(&etc, lab.h1(), &args)?;
        harmless(&run);
        assert_eq!(run.code(), Some(0), "{run}");
    }
    assert!(server.questions() > 0, "nobody asked");
    Ok(())
}

fn a_slow_name_server_delays_no_probe() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", b"127.0.0.1 localhost\n")])?);
    let zone = Zone {
        delay: Duration::from_secs(5),
        label: b"slow".to_vec(),
        ..Zone::default()
    };
    let server = Server::start(lab.h2(), Lab::v4(2).into(), zone)?;
    let args = ["--json", "--names", "-c10", "-i0.05", "-W1", "10.5.0.2"];
    let run = ping_in(&etc, lab.h1(), &args)?;
    let summary = counts(&run, &[("received", 10)])?;
    assert!(server.questions() > 0, "nobody asked");
    assert!(run.took < Duration::from_secs(3), "{run}");
    assert!(summary["rtt_ms"]["max"].as_f64() < Some(100.0), "{run}");
    Ok(())
}

fn an_interrupt_during_a_slow_lookup_ends_it() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", b"127.0.0.1 localhost\n")])?);
    let zone = Zone {
        delay: Duration::from_secs(20),
        ..Zone::default()
    };
    let server = Server::start(lab.h2(), Lab::v4(2).into(), zone)?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let asked = server.questions();
        let args = ["ping", "-c1", "slow.test"];
        let running = start_command(etc.command(lab.h1(), RAWSOCK, &args)?)?;
        wait_for("a question", Duration::from_secs(5), || {
            (server.questions() > asked).then_some(())
        })?;
        let at = now();
        running.signal(signal)?;
        let run = running.finish()?;
        assert!(
            at.elapsed() < Duration::from_millis(500),
            "{:?} {run}",
            at.elapsed()
        );
        assert!(!run.status.success(), "{run}");
    }
    Ok(())
}

fn no_question_is_asked_by_default() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", b"127.0.0.1 localhost\n")])?);
    let tap = Tap::start(lab.h2(), "eth0")?;
    let _responder = Responder::start(lab.h2(), [(1, Mode::error(3, 1, [0; 4]))])?;
    let run = ping_in(&etc, lab.h1(), &["-c3", "-i0.05", "-W1", "10.5.0.2"])?;
    assert_eq!(run.code(), Some(0), "{run}");
    for frame in tap.frames().iter().filter(|frame| !frame.outgoing) {
        assert_ne!(
            frame.bytes.get(36..38),
            Some(&[0, 53][..]),
            "{:02x?}",
            frame.bytes
        );
    }
    Ok(())
}

fn a_name_from_a_server() -> Outcome {
    let (lab, etc) = (Lab::pair()?, etc(&[("hosts", b"127.0.0.1 localhost\n")])?);
    let zone = Zone {
        addresses: vec![Lab::v4(2).into(), Lab::v6(2).into()],
        ..Zone::default()
    };
    let _server = Server::start(lab.h2(), Lab::v4(2).into(), zone)?;
    // The kernel needs a neighbour for the first question; that is no part of the test.
    must(lab.h1(), "ping", &["-c1", "-W1", "10.5.0.2"])?;
    let run = ping_in(
        &etc,
        lab.h1(),
        &["--json", "-c2", "-i0.02", "-W1", "some.test"],
    )?;
    counts(&run, &[("received", 2)])?;
    assert_eq!(run.of_type("start")?[0]["target"], "some.test", "{run}");
    Ok(())
}
