//! Links that go down, away, by another name, or come while it captures.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};

use super::{Dir, FILTER, MS, OURS, counts, frame, read, send, sniff};
use crate::harness::{Outcome, wait_for};
use crate::link::FrameSocket as Link;
use crate::program::must;

crate::tests![
    a_deleted_interface_ends_it_with_all_saved,
    a_link_that_goes_down_and_up_is_told,
    a_renamed_link_is_followed_and_large_frames_are_whole: "ip",
    interfaces_that_come_while_any_is_captured_are_named: "ip",
    a_link_that_is_down_from_the_start_is_told,
    a_network_that_nobody_else_holds_goes_on,
];

fn a_deleted_interface_ends_it_with_all_saved() -> Outcome {
    let dir = Dir::new("deleted")?;
    for round in 0..8 {
        let lab = Lab::pair()?;
        let file = dir.path(&format!("{round}.pcap"));
        let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
        let witness = Link::open(lab.h2(), "eth0")?;
        send(&lab, 25, Duration::ZERO)?;
        // Deleted when they have come in, before the ring hands them over.
        let (mut seen, mut buffer) = (0, [0; 2048]);
        wait_for("the frames come in", 5000 * MS, || {
            while let Ok(Some((frame, _))) = witness.receive(&mut buffer) {
                seen += u32::from(frame.get(12..14) == Some(&OURS.to_be_bytes()));
            }
            (seen >= 25).then_some(())
        })?;
        lab.h2().netlink().delete_link("eth0")?;
        let run = running.finish()?;
        assert_eq!(run.code(), Some(1), "{run}");
        assert!(run.stderr.contains("eth0 is no more\n"), "{run}");
        assert_eq!(counts(&run)?, [25, 25, 0], "{run}");
        assert_eq!(read(&file)?.numbers.len(), 25);
    }
    Ok(())
}

fn a_link_that_goes_down_and_up_is_told() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["-i", "eth0", "--count", FILTER])?;
    send(&lab, 5, Duration::ZERO)?;
    lab.h2().netlink().set_up("eth0", false)?;
    let said = |what: &str| {
        wait_for(what, 10_000 * MS, || {
            running.stderr().contains(what).then_some(())
        })
    };
    said("eth0 is down\n")?;
    lab.h2().netlink().set_up("eth0", true)?;
    said("eth0 is up again\n")?;
    lab.h2().netlink().wait_running("eth0")?;
    send(&lab, 5, Duration::ZERO)?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?[0]), (Some(0), 10), "{run}");
    Ok(())
}

fn a_renamed_link_is_followed_and_large_frames_are_whole() -> Outcome {
    let dir = Dir::new("renamed")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcap");
    let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
    send(&lab, 5, Duration::ZERO)?;
    lab.h2().netlink().set_up("eth0", false)?;
    must(
        lab.h2(),
        "ip",
        &["link", "set", "eth0", "name", "other", "mtu", "9000"],
    )?;
    lab.h2().netlink().set_up("other", true)?;
    lab.h1().netlink().set_mtu("eth0", 9000)?;
    lab.h2().netlink().wait_running("other")?;
    lab.h1().netlink().wait_running("eth0")?;
    let large = frame(5, 9000 + 14);
    Link::open(lab.h1(), "eth0")?.send(&large)?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    let saved = read(&file)?;
    assert_eq!(saved.numbers, [0, 1, 2, 3, 4, 5], "{run}");
    assert_eq!(saved.frames.last(), Some(&large), "{run}");
    Ok(())
}

fn interfaces_that_come_while_any_is_captured_are_named() -> Outcome {
    let dir = Dir::new("come")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcapng");
    let running = sniff(lab.h2(), &["-i", "any", "-w", &file, FILTER])?;
    for round in 0..3 {
        let (near, far) = (format!("near{round}"), format!("far{round}"));
        must(
            lab.h2(),
            "ip",
            &["link", "add", &near, "type", "veth", "peer", "name", &far],
        )?;
        for name in [&near, &far] {
            lab.h2().netlink().set_up(name, true)?;
        }
        for name in [&near, &far] {
            lab.h2().netlink().wait_running(name)?;
        }
        Link::open(lab.h2(), &near)?.send(&frame(round, 60))?;
        // Before its interface goes, a packet must be here.
        let total = u64::from(round + 1) * 2;
        wait_for("both sights are saved", 5000 * MS, || {
            let saved = read(&file).ok()?;
            (saved.frames.len() as u64 >= total).then_some(())
        })?;
        lab.h2().netlink().delete_link(&near)?;
    }
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    let expected = ["near0", "far0", "near1", "far1", "near2", "far2"];
    assert_eq!(read(&file)?.interfaces, expected, "{run}");
    Ok(())
}

fn a_link_that_is_down_from_the_start_is_told() -> Outcome {
    let host = Host::new("h")?;
    host.netlink().set_up("lo", false)?;
    let running = sniff(&host, &["-i", "lo", "--count"])?;
    wait_for("it is told", 5000 * MS, || {
        running.stderr().contains("lo is down\n").then_some(())
    })?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?), (Some(0), [0, 0, 0]), "{run}");
    Ok(())
}

/// As after `ip netns del`: the capture holds it.
fn a_network_that_nobody_else_holds_goes_on() -> Outcome {
    let host = Host::new("h")?;
    let running = sniff(&host, &["-i", "lo", "--count"])?;
    drop(host);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?), (Some(0), [0, 0, 0]), "{run}");
    Ok(())
}
