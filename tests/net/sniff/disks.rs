//! Disks that are full or broken, files that are moved, kill -9: what is in the file is whole.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::Lab;

use super::{Dir, FILTER, MS, counts, listening, read, send, shell, sniff};
use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, must, start_command};

crate::tests![
    a_killed_capture_leaves_a_whole_file: "tcpdump",
    a_full_disk_ends_it_with_a_whole_file: "unshare",
    a_disk_that_fails_is_74_and_what_is_there_is_whole: "strace",
    a_moved_file_is_written_on,
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
    for (size, name) in [
        ("4k", "x.pcap"),
        ("4k", "x.pcapng"),
        ("12k", "x.pcap"),
        ("64k", "x.pcapng"),
        ("68k", "x.pcap"),
        ("4k", "x.pcap.gz"),
    ] {
        full(size, name)?;
    }
    Ok(())
}

/// A disk of this size, and what is on it in the end.
fn full(size: &str, name: &str) -> Outcome {
    let dir = Dir::new("full")?;
    let lab = Lab::pair()?;
    fs::create_dir(dir.path("small"))?;
    let script = format!(
        "mount -t tmpfs -o size={size} none {small} || exit 99
         {RAWSOCK} sniff -i eth0 -w {small}/{name} '{FILTER}'; echo code $?
         cp {small}/{name} {kept}",
        small = dir.path("small"),
        kept = dir.path(&format!("kept-{name}")),
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
    let saved = read(&dir.path(&format!("kept-{name}")))?.numbers.len();
    // A gzip member is whole or not there.
    assert!(saved > 20 || name.ends_with("gz"), "{run}");
    let told = format!(
        "{saved} packets written to {}/{name}, {} lost",
        dir.path("small"),
        captured - saved as u64
    );
    assert!(run.stderr.contains(&told), "{told}: {run}");
    assert!(run.stderr.contains("No space left on device"), "{run}");
    Ok(())
}

/// The n-th write to the file, its closing, and its fdatasync fail.
fn a_disk_that_fails_is_74_and_what_is_there_is_whole() -> Outcome {
    let lab = Lab::pair()?;
    for (call, when, error) in [
        ("write", "3+", "EIO"),
        ("write", "2", "ENOSPC"),
        ("close", "1", "EIO"),
        ("fdatasync", "1", "EIO"),
    ] {
        let dir = Dir::new("fails")?;
        let file = dir.path("x.pcap");
        let running = listening(shell(
            lab.h2(),
            &format!(
                "touch {file}; strace -o {trace} -P {file} -e inject={call}:error={error}:when={when} \
                 {RAWSOCK} sniff -i eth0 --force -U -w {file} '{FILTER}'; echo code $?",
                trace = dir.path("trace"),
            ),
        )?)?;
        send(&lab, 20, Duration::ZERO)?;
        sleep(100 * MS);
        // The program is a child of strace, which is a child of the shell.
        let pid = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
            .find(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line.starts_with(RAWSOCK.as_bytes()) && contains(&line, file.as_bytes())
            });
        let pid = pid.map(nix::unistd::Pid::from_raw);
        if let Some(pid) = pid {
            let signals = match call {
                "fdatasync" => &[Signal::SIGUSR2][..],
                "close" => &[Signal::SIGINT],
                _ => &[],
            };
            for signal in signals {
                nix::sys::signal::kill(pid, *signal)?;
            }
        }
        let run = running.finish()?;
        assert_eq!(run.stdout, "code 74\n", "{call} {error}: {run}");
        let told = format!("rawsock: cannot write {file}: ");
        assert!(run.stderr.contains(&told), "{call} {error}: {run}");
        let saved = read(&file)?.numbers;
        assert!(
            saved.is_sorted() && saved.len() <= 20,
            "{call} {error}: {run}"
        );
        if call != "write" {
            assert_eq!(saved.len(), 20, "{call}: {run}");
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn a_moved_file_is_written_on() -> Outcome {
    let dir = Dir::new("moved")?;
    let lab = Lab::pair()?;
    let (file, moved) = (dir.path("x.pcap"), dir.path("moved.pcap"));
    let running = sniff(lab.h2(), &["-i", "eth0", "-w", &file, FILTER])?;
    send(&lab, 5, Duration::ZERO)?;
    fs::rename(&file, &moved)?;
    send(&lab, 5, Duration::ZERO)?;
    wait_for("it is written on", 5000 * MS, || {
        (read(&moved).ok()?.numbers.len() == 10).then_some(())
    })?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?[0]), (Some(0), 10), "{run}");
    assert!(!fs::exists(&file)?);
    Ok(())
}
