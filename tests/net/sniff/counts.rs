//! Every packet is counted once, whatever ends the capture.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::Lab;

use super::{Dir, FILTER, MS, counts, read, send, sniff};
use crate::harness::{Outcome, wait_for};

crate::tests![
    counts_are_exact_at_full_speed,
    counts_are_exact_without_a_ring,
    a_signal_20_ms_after_the_last_packet_loses_none,
    max_packets_and_time_end_it,
    signals_print_counts_and_sync,
];

/// captured + dropped == sent, and the file holds what was captured, in order, each once.
fn exact(flags: &[&str], count: u32) -> Outcome {
    let dir = Dir::new("exact")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcapng");
    let args = [&["-i", "eth0", "-w", &file, FILTER], flags].concat();
    let running = sniff(lab.h2(), &args)?;
    send(&lab, count, Duration::ZERO)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    let [captured, filtered, dropped] = counts(&run)?;
    assert_eq!(captured + dropped, u64::from(count), "{run}");
    assert_eq!(filtered, u64::from(count), "{run}");
    let saved = read(&file)?;
    assert_eq!(saved.numbers.len() as u64, captured, "{run}");
    assert!(
        saved.numbers.is_sorted_by(|a, b| a < b),
        "each once, in order"
    );
    assert_eq!(saved.drops, Some(dropped), "the file says it too");
    Ok(())
}

fn counts_are_exact_at_full_speed() -> Outcome {
    // A ring that cannot lose here, the smallest ring, and text, which in a debug build is slow.
    exact(&[], 50_000)?;
    exact(&["-B", "512"], 50_000)?;
    exact(&["-B", "512", "--print", "-vv"], 50_000)?;
    exact(&["-s", "20"], 20_000)
}

fn counts_are_exact_without_a_ring() -> Outcome {
    exact(&["--no-ring", "-B", "512"], 20_000)
}

fn a_signal_20_ms_after_the_last_packet_loses_none() -> Outcome {
    let lab = Lab::pair()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for pause in [2, 20, 300] {
            let dir = Dir::new("tail")?;
            let file = dir.path("x.pcap");
            let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
            send(&lab, 400, Duration::ZERO)?;
            sleep(pause * MS);
            running.signal(signal)?;
            let run = running.finish()?;
            let code = match signal {
                Signal::SIGTERM => 143,
                Signal::SIGHUP => 129,
                _ => 0,
            };
            assert_eq!(run.code(), Some(code), "{signal} {run}");
            assert_eq!(counts(&run)?, [400, 400, 0], "{signal} after {pause} ms");
            assert_eq!(read(&file)?.numbers, (0..400).collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn max_packets_and_time_end_it() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["-i", "eth0", "-c", "3", "--count", FILTER])?;
    send(&lab, 10, MS)?;
    let run = running.finish()?;
    assert_eq!(
        (run.code(), &*run.stdout),
        (Some(0), "3 packets\n"),
        "{run}"
    );
    assert_eq!(counts(&run)?[0], 3);
    // Also when nothing comes.
    let running = sniff(lab.h2(), &["-i", "eth0", "--for", "300ms", FILTER])?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?), (Some(0), [0, 0, 0]), "{run}");
    assert!(run.took >= 300 * MS && run.took < 5000 * MS, "{run}");
    Ok(())
}

fn signals_print_counts_and_sync() -> Outcome {
    let dir = Dir::new("signals")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcap");
    let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
    send(&lab, 7, Duration::ZERO)?;
    sleep(50 * MS);
    running.signal(Signal::SIGUSR2)?;
    wait_for("the file is written", 5000 * MS, || {
        read(&file).ok().filter(|saved| saved.numbers.len() == 7)
    })?;
    running.signal(Signal::SIGUSR1)?;
    let line = "7 packets captured, 7 packets received by filter, 0 packets dropped by kernel\n";
    wait_for("the counts", 5000 * MS, || {
        running.stderr().contains(line).then_some(())
    })?;
    running.signal(Signal::SIGINT)?;
    assert_eq!(running.finish()?.code(), Some(0));
    Ok(())
}
