//! What goes wrong while it captures: disks, links, rights, kill.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};

use super::{Dir, FILTER, MS, counts, listening, read, send, sniff};
use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, must, start_command};

crate::tests![
    a_killed_capture_leaves_a_whole_file: "tcpdump",
    a_full_disk_ends_it_with_a_whole_file: "unshare",
    a_deleted_interface_ends_it_with_all_saved,
    a_link_that_goes_down_and_up_is_told,
    a_refused_socket_says_what_is_missing: "setpriv",
    no_right_is_left,
];

/// All but the last 100 ms are in the file, whole.
fn a_killed_capture_leaves_a_whole_file() -> Outcome {
    let lab = Lab::pair()?;
    for (round, name) in ["a.pcap", "b.pcapng", "c.pcap.gz", "d.pcap", "e.pcapng"]
        .iter()
        .enumerate()
    {
        let dir = Dir::new("killed")?;
        let file = dir.path(name);
        let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
        send(&lab, 300, MS)?;
        // What is older than the flush time and the ring's 10 ms must be there.
        sleep(Duration::from_millis(150 + 7 * round as u64));
        send(&lab, 20, Duration::ZERO)?;
        running.signal(Signal::SIGKILL)?;
        let run = running.finish()?;
        let saved =
            read(&file).map_err(|error| format!("{name}: {}", error.message().unwrap_or("")))?;
        assert!(
            saved.numbers.len() >= 300,
            "{name}: {} of 320: {run}",
            saved.numbers.len()
        );
        if !name.ends_with("gz") {
            let told = must(lab.h2(), "tcpdump", &["-r", &file, "--count"])?;
            assert!(!told.stderr.contains("truncated"), "{told}");
        }
    }
    Ok(())
}

fn a_full_disk_ends_it_with_a_whole_file() -> Outcome {
    let dir = Dir::new("full")?;
    let lab = Lab::pair()?;
    fs::create_dir(dir.path("small"))?;
    let script = format!(
        "mount -t tmpfs -o size=64k none {small} || exit 99
         {RAWSOCK} sniff -i eth0 -w {small}/x.pcap '{FILTER}'; echo code $?
         cp {small}/x.pcap {kept}",
        small = dir.path("small"),
        kept = dir.path("kept.pcap"),
    );
    let mut command = lab.h2().command("unshare")?;
    command
        .args(["--mount", "sh", "-c", &script])
        .stdin(Stdio::null());
    let running = listening(start_command(command)?)?;
    send(&lab, 2000, Duration::ZERO)?;
    let run = running.finish()?;
    assert_eq!(run.stdout, "code 74\n", "{run}");
    let [captured, ..] = counts(&run)?;
    let saved = read(&dir.path("kept.pcap"))?.numbers.len();
    assert!(saved > 500, "{run}");
    let told = format!(
        "{saved} packets written to {}/x.pcap, {} lost",
        dir.path("small"),
        captured - saved as u64
    );
    assert!(run.stderr.contains(&told), "{told}: {run}");
    assert!(run.stderr.contains("No space left on device"), "{run}");
    Ok(())
}

fn a_deleted_interface_ends_it_with_all_saved() -> Outcome {
    let dir = Dir::new("deleted")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcap");
    let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
    send(&lab, 25, Duration::ZERO)?;
    lab.h2().netlink().delete_link("eth0")?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.contains("eth0 is no more\n"), "{run}");
    assert_eq!(counts(&run)?[0], 25, "{run}");
    assert_eq!(read(&file)?.numbers.len(), 25);
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

fn no_right_is_left() -> Outcome {
    let dir = Dir::new("rights")?;
    let lab = Lab::pair()?;
    for args in [&["--count"][..], &["-w", &dir.path("x.pcap")]] {
        let running = sniff(lab.h2(), &[args, &["-i", "eth0", "all"]].concat())?;
        let status = fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.map(|rest| rest.trim_start_matches(':').trim().to_owned())
        };
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(value(set).as_deref(), Some("0000000000000000"), "{set}");
        }
        assert_eq!(value("NoNewPrivs").as_deref(), Some("1"));
        assert_eq!(value("Seccomp").as_deref(), Some("2"));
        running.signal(Signal::SIGINT)?;
        assert_eq!(running.finish()?.code(), Some(0));
    }
    Ok(())
}

fn a_refused_socket_says_what_is_missing() -> Outcome {
    let host = Host::new("h")?;
    let args = [
        "--bounding-set",
        "-net_raw",
        "--inh-caps",
        "-net_raw",
        RAWSOCK,
        "sniff",
    ];
    let run = crate::program::run(&host, "setpriv", &args)?;
    assert_eq!(run.code(), Some(2), "{run}");
    let told = "rawsock: cannot capture on any: Operation not permitted (os error 1)\n\nhint: ";
    assert!(run.stderr.starts_with(told), "{run}");
    Ok(())
}
