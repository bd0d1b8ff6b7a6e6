//! Signals, pipes, terminals and descriptors: what a shell does to a capture.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::Lab;

use super::{Dir, FILTER, MS, counts, listening, read, send, shell, sniff};
use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, start_command};

crate::tests![
    an_ignored_hangup_stays_ignored,
    quit_prints_the_counts,
    a_stopped_capture_counts_what_it_missed,
    a_closed_pipe_ends_it_quietly,
    lost_output_is_74_in_every_mode,
    closed_descriptors_are_not_written_into,
    few_descriptors_are_enough,
    interrupted_calls_lose_nothing: "strace",
    a_terminal_has_a_status_line: "script",
];

fn an_ignored_hangup_stays_ignored() -> Outcome {
    let lab = Lab::pair()?;
    let script = format!("trap '' HUP; exec {RAWSOCK} sniff -i eth0 --count '{FILTER}'");
    let running = listening(shell(lab.h2(), &script)?)?;
    running.signal(Signal::SIGHUP)?;
    send(&lab, 5, Duration::ZERO)?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    assert_eq!((run.code(), counts(&run)?[0]), (Some(0), 5), "{run}");
    Ok(())
}

fn quit_prints_the_counts() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["-i", "eth0", "--count", FILTER])?;
    running.signal(Signal::SIGQUIT)?;
    let line = "0 packets captured, 0 packets received by filter, 0 packets dropped by kernel\n";
    wait_for("the counts", 5000 * MS, || {
        running.stderr().contains(line).then_some(())
    })?;
    running.signal(Signal::SIGINT)?;
    assert_eq!(running.finish()?.code(), Some(0));
    Ok(())
}

fn a_stopped_capture_counts_what_it_missed() -> Outcome {
    const SENT: u32 = 20_000;
    let lab = Lab::pair()?;
    for ring in [&[][..], &["--no-ring"]] {
        let dir = Dir::new("stopped")?;
        let file = dir.path("x.pcapng");
        let args = [&["-i", "eth0", "-B", "512", "-w", &file], ring, &[FILTER]].concat();
        let running = sniff(lab.h2(), &args)?;
        running.signal(Signal::SIGSTOP)?;
        send(&lab, SENT, Duration::ZERO)?;
        running.signal(Signal::SIGCONT)?;
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let [captured, filtered, dropped] = counts(&run)?;
        assert_eq!(filtered, u64::from(SENT), "{run}");
        assert_eq!(captured + dropped, u64::from(SENT), "{run}");
        assert!(dropped > 1000 && captured > 100, "{run}");
        let saved = read(&file)?;
        assert_eq!(saved.numbers.len() as u64, captured, "{run}");
        assert_eq!(saved.drops, Some(dropped), "{run}");
    }
    Ok(())
}

fn a_closed_pipe_ends_it_quietly() -> Outcome {
    let lab = Lab::pair()?;
    for flags in ["-l", "-l --json", "-U -w -"] {
        let script = format!(
            "{RAWSOCK} sniff -i eth0 {flags} '{FILTER}' | head -c 30 >/dev/null; echo code ${{PIPESTATUS[0]}}"
        );
        let mut command = lab.h2().command("bash")?;
        command.args(["-c", &script]).stdin(Stdio::null());
        let running = listening(start_command(command)?)?;
        // Until it is noticed.
        wait_for("it ends", 10_000 * MS, || {
            send(&lab, 20, MS).ok()?;
            running.stdout().contains("code ").then_some(())
        })?;
        let run = running.finish()?;
        assert_eq!(run.stdout, "code 0\n", "{flags}: {run}");
        assert!(!run.stderr.contains("rawsock:"), "{flags}: {run}");
        assert!(!run.stderr.contains("panic"), "{flags}: {run}");
    }
    Ok(())
}

fn lost_output_is_74_in_every_mode() -> Outcome {
    let lab = Lab::pair()?;
    for flags in [
        "",
        "-l",
        "--json",
        "-w -",
        "--count",
        "-vv",
        "--fields frame.number",
    ] {
        let script =
            format!("{RAWSOCK} sniff -i eth0 -c 5 {flags} '{FILTER}' >/dev/full; echo code $?");
        let mut command = lab.h2().command("sh")?;
        command.args(["-c", &script]).stdin(Stdio::null());
        let running = start_command(command)?;
        // The header of a file is written before it listens.
        let _ = wait_for("it listens or ends", 10_000 * MS, || {
            let told = running.stderr().contains("listening on ");
            (told || running.stdout().contains("code ")).then_some(())
        });
        send(&lab, 5, Duration::ZERO)?;
        let run = running.finish()?;
        assert_eq!(run.stdout, "code 74\n", "{flags}: {run}");
        assert!(
            run.stderr.contains("No space left on device"),
            "{flags}: {run}"
        );
    }
    Ok(())
}

fn closed_descriptors_are_not_written_into() -> Outcome {
    let dir = Dir::new("closed")?;
    let lab = Lab::pair()?;
    let file = dir.path("x.pcap");
    let script = format!(
        "{RAWSOCK} sniff -i eth0 -c 5 -w {file} --print '{FILTER}' <&- >&- ; echo code $? >&2"
    );
    let running = listening(shell(lab.h2(), &script)?)?;
    send(&lab, 5, Duration::ZERO)?;
    let run = running.finish()?;
    assert!(run.stderr.contains("code 0\n"), "{run}");
    assert_eq!(read(&file)?.numbers, [0, 1, 2, 3, 4]);
    Ok(())
}

fn few_descriptors_are_enough() -> Outcome {
    let dir = Dir::new("few")?;
    let lab = Lab::pair()?;
    for limit in [8, 5, 4, 3] {
        let file = dir.path(&format!("{limit}.pcap"));
        let script = format!(
            "ulimit -n {limit}; exec {RAWSOCK} sniff -i eth0 --for 100ms -w {file} '{FILTER}'"
        );
        let run = shell(lab.h2(), &script)?.finish()?;
        if limit == 8 {
            assert_eq!(run.code(), Some(0), "{run}");
        }
        // 127: not even the libraries can be loaded.
        if ![Some(0), Some(127)].contains(&run.code()) {
            assert_eq!(run.code(), Some(2), "{limit}: {run}");
            let lines = run
                .stderr
                .lines()
                .filter(|line| line.starts_with("rawsock: "));
            assert_eq!(lines.count(), 1, "{limit}: {run}");
            assert!(run.stderr.contains("Too many open files"), "{limit}: {run}");
        }
    }
    Ok(())
}

fn interrupted_calls_lose_nothing() -> Outcome {
    let dir = Dir::new("interrupted")?;
    let lab = Lab::pair()?;
    for (call, ring) in [
        ("ppoll", ""),
        ("recvmsg", "--no-ring"),
        ("ppoll", "--no-ring"),
    ] {
        let name = format!("{call}{ring}.pcap");
        let file = dir.path(&name);
        let running = listening(shell(
            lab.h2(),
            &format!(
                "exec strace -f -o {trace} -e inject={call}:error=EINTR:when=2+3 {RAWSOCK} sniff \
                 -i eth0 {ring} -c 40 -w {file} '{FILTER}'",
                trace = dir.path("trace"),
            ),
        )?)?;
        send(&lab, 40, MS)?;
        let run = running.finish()?;
        assert_eq!(run.code(), Some(0), "{call} {ring}: {run}");
        assert_eq!(read(&file)?.numbers, (0..40).collect::<Vec<_>>(), "{run}");
        let trace = fs::read_to_string(dir.path("trace"))?;
        assert!(
            trace.contains("EINTR"),
            "{call} {ring}: nothing was injected"
        );
    }
    Ok(())
}

fn a_terminal_has_a_status_line() -> Outcome {
    let lab = Lab::pair()?;
    // script(1) gives it a terminal, whose text is on our pipe.
    let script = format!(
        "script -qec \"{RAWSOCK} sniff -i eth0 --count --for 2500ms '{FILTER}'\" /dev/null"
    );
    let running = shell(lab.h2(), &script)?;
    wait_for("it listens", 10_000 * MS, || {
        running.stdout().contains("listening on ").then_some(())
    })?;
    send(&lab, 5, Duration::ZERO)?;
    let run = running.finish()?;
    let text = run.stdout.replace("\r\n", "\n");
    for line in [
        "\r5 packets captured, 0 dropped by kernel, 1 s",
        "\r5 packets captured, 0 dropped by kernel, 2 s",
    ] {
        assert!(text.contains(line), "{text:?}");
    }
    // It is gone before the counts come.
    let rest = text.rsplit(" by kernel, 2 s\r").next().unwrap_or("");
    let (blanks, counts) = rest.split_once('\r').ok_or("it is not cleared")?;
    assert!(blanks.bytes().all(|byte| byte == b' '), "{text:?}");
    assert!(counts.starts_with("5 packets\n"), "{text:?}");
    Ok(())
}
