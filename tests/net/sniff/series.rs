//! One file after the other.

use std::fs;
use std::time::Duration;

use rawsock::lab::Lab;

use super::{Dir, FILTER, MS, read, send, sniff};
use crate::harness::Outcome;

crate::tests![files_turn_over_on_time_and_in_size,];

fn files_turn_over_on_time_and_in_size() -> Outcome {
    let dir = Dir::new("turn")?;
    let lab = Lab::pair()?;
    // 12 packets a file: 24 + 12 * (16 + 60). None is lost between two files.
    let file = dir.path("x.pcap");
    let args = ["-i", "eth0", "-w", &file, "-C", "1k", "-c", "130", FILTER];
    let running = sniff(lab.h2(), &args)?;
    send(&lab, 130, Duration::ZERO)?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    let mut numbers = Vec::new();
    for n in 0..11 {
        let name = if n == 0 {
            file.clone()
        } else {
            format!("{file}{n}")
        };
        assert!(fs::metadata(&name)?.len() <= 1000, "{name}");
        numbers.extend(read(&name)?.numbers);
    }
    assert_eq!(numbers, (0..130).collect::<Vec<_>>());
    // By time, also when no packet comes; -W ends it.
    let template = dir.path("t-%s.pcapng");
    let args = ["-i", "eth0", "-w", &template, "-G", "1", "-W", "2", FILTER];
    let run = sniff(lab.h2(), &args)?.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.took >= 2000 * MS && run.took < 6000 * MS, "{run}");
    let made = fs::read_dir(&dir.0)?.filter_map(Result::ok);
    let names: Vec<_> = made.map(|entry| entry.file_name()).collect();
    let timed = names
        .iter()
        .filter(|name| name.to_string_lossy().starts_with("t-"));
    assert_eq!(timed.count(), 2, "{names:?}");
    Ok(())
}
