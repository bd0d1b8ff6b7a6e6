//! `rawsock ping` as a process: signals, exit codes, broken outputs, and what it holds while it runs.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::{Isolation, Lab};

use crate::expect::sane;
use crate::harness::{Outcome, isolation, now};
use crate::program::{RAWSOCK, Running, ping, run, start, start_json};
use crate::responder::{Mode, Responder};

crate::tests![
    an_interrupt_prints_the_summary_at_once,
    an_interrupt_without_an_answer_is_1,
    terminate_and_hang_up_print_the_summary,
    quit_prints_an_interim_line_and_goes_on,
    a_second_interrupt_ends_at_once,
    a_closed_pipe_ends_quietly: "bash" "head",
    a_full_disk_is_an_error: "bash",
    nothing_privileged_is_held_while_it_runs,
    without_rights_the_remedy_is_named: "setpriv",
    closed_descriptors_are_survived: "bash",
];

const BOTH: [&str; 2] = ["10.5.0.2", "fd00:5::2"];

fn signalled(signal: Signal) -> Result<(crate::program::Run, Duration), Failed> {
    let lab = Lab::pair()?;
    let running = start_json(lab.h1(), &["-i0.2", "-W5", "10.5.0.2"])?;
    running.wait_events("reply", 2)?;
    let at = now();
    running.signal(signal)?;
    let run = running.finish()?;
    Ok((run, at.elapsed()))
}

/// The promise is 100 ms; a debug build on a busy machine gets more.
const SOON: Duration = Duration::from_millis(500);

fn an_interrupt_prints_the_summary_at_once() -> Outcome {
    let (run, after) = signalled(Signal::SIGINT)?;
    sane(&run)?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(after < SOON, "{after:?}");
    Ok(())
}

fn an_interrupt_without_an_answer_is_1() -> Outcome {
    let lab = Lab::pair()?;
    let _responder = Responder::start(lab.h2(), Mode::Silent)?;
    let tap = crate::tap::Tap::start(lab.h2(), "eth0")?;
    let running = start_json(lab.h1(), &["-i0.2", "-W5", "10.5.0.2"])?;
    tap.wait_requests(2)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let summary = sane(&run)?;
    assert!(summary["sent"].as_u64() >= Some(2), "{run}");
    assert_eq!(run.code(), Some(1), "{run}");
    Ok(())
}

fn terminate_and_hang_up_print_the_summary() -> Outcome {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let (run, after) = signalled(signal)?;
        sane(&run)?;
        assert_eq!(run.code(), Some(code), "{run}");
        assert!(after < SOON, "{after:?}");
    }
    Ok(())
}

fn quit_prints_an_interim_line_and_goes_on() -> Outcome {
    let lab = Lab::pair()?;
    let args = ["ping", "-i0.05", "-W5", "10.5.0.2"];
    let running = start(lab.h1(), RAWSOCK, &args)?;
    let replies = |text: &str| text.matches("icmp_seq=").count();
    running.wait_stdout("two replies", |text| replies(text) >= 2)?;
    running.signal(Signal::SIGQUIT)?;
    crate::harness::wait_for("an interim line", Duration::from_secs(5), || {
        running.stderr().contains("packets").then_some(())
    })?;
    let before = replies(&running.stdout());
    running.wait_stdout("more replies", |text| replies(text) >= before + 2)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    // iputils' words, in one line on stderr: `2/2 packets, 0% loss, min/avg/ewma/max = ...`.
    let line = run.stderr.lines().find(|line| line.contains("packets"));
    let line = line.ok_or_else(|| format!("no interim line: {run}"))?;
    assert!(line.contains("min/avg/ewma/max"), "{run}");
    assert!(run.stdout.contains("ping statistics"), "{run}");
    Ok(())
}

fn a_second_interrupt_ends_at_once() -> Outcome {
    let lab = Lab::pair()?;
    let running = start_json(lab.h1(), &["-i0.2", "-W5", "10.5.0.2"])?;
    running.wait_events("reply", 1)?;
    running.signal(Signal::SIGINT)?;
    // It may be gone already.
    let _ = running.signal(Signal::SIGINT);
    let run = running.finish()?;
    let killed = run.status.signal() == Some(Signal::SIGINT as i32);
    assert!(killed || run.code() == Some(0), "{run}");
    Ok(())
}

fn a_closed_pipe_ends_quietly() -> Outcome {
    let lab = Lab::pair()?;
    for json in ["", "--json"] {
        let script = format!(
            "'{RAWSOCK}' ping {json} -i0.02 -w20 10.5.0.2 | head -1; echo \"code ${{PIPESTATUS[0]}}\""
        );
        let run = run(lab.h1(), "bash", &["-c", &script])?;
        assert_eq!(run.stderr, "", "{run}");
        assert_eq!(run.stdout.lines().count(), 2, "{run}");
        let code = run.stdout.lines().last().unwrap_or("");
        assert!(matches!(code, "code 0" | "code 141"), "{run}");
        assert!(run.took < Duration::from_secs(5), "{run}");
    }
    Ok(())
}

fn a_full_disk_is_an_error() -> Outcome {
    let lab = Lab::pair()?;
    for options in ["-c2 -i0.01", "--json -c2 -i0.01", "-q -c2 -i0.01", "-f -c5"] {
        let script = format!("'{RAWSOCK}' ping {options} 10.5.0.2 >/dev/full");
        let run = run(lab.h1(), "bash", &["-c", &script])?;
        assert_eq!(run.code(), Some(74), "{options}: {run}");
        assert!(
            run.stderr.contains("No space left on device"),
            "{options}: {run}"
        );
    }
    Ok(())
}

fn closed_descriptors_are_survived() -> Outcome {
    let lab = Lab::pair()?;
    let tap = crate::tap::Tap::start(lab.h2(), "eth0")?;
    let script = format!("'{RAWSOCK}' ping -c2 -i0.01 -W1 10.5.0.2 <&- >&- 2>&-");
    let run = run(lab.h1(), "bash", &["-c", &script])?;
    // No descriptor 1: either nothing was lost, for nobody listens, or lost output is said by 74.
    assert!(matches!(run.code(), Some(0 | 74)), "{run}");
    // No text went into a socket that took the number 1.
    for frame in tap.frames().iter().filter(|frame| !frame.outgoing) {
        let text = String::from_utf8_lossy(&frame.bytes);
        assert!(!text.contains("PING"), "{text}");
    }
    Ok(())
}

fn status(running: &Running) -> Result<HashMap<String, String>, Failed> {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
    let lines = status.lines().filter_map(|line| line.split_once(':'));
    Ok(lines
        .map(|(key, value)| (key.into(), value.trim().into()))
        .collect())
}

fn nothing_privileged_is_held_while_it_runs() -> Outcome {
    let lab = Lab::pair()?;
    for target in BOTH {
        for socket in ["hdrincl", "raw"] {
            let args = ["-i0.05", "-W5", "--socket", socket, target];
            let running = start_json(lab.h1(), &args)?;
            running.wait_events("reply", 1)?;
            let status = status(&running)?;
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                assert_eq!(status[set], "0000000000000000", "{set} {socket} {target}");
            }
            assert_eq!(status["NoNewPrivs"], "1");
            assert_eq!(status["Seccomp"], "2", "seccomp is no filter");
            assert_eq!(status["Threads"], "1");
            let uids: Vec<&str> = status["Uid"].split_whitespace().collect();
            let gids: Vec<&str> = status["Gid"].split_whitespace().collect();
            match isolation() {
                Some(Isolation::Net) => {
                    assert!(!uids.contains(&"0"), "{uids:?}");
                    assert!(!gids.contains(&"0"), "{gids:?}");
                    assert!(!status["Groups"].split_whitespace().any(|g| g == "0"));
                }
                // One mapped uid: there is no other to become.
                _ => assert_eq!(uids, ["0"; 4]),
            }
            let fds = fs::read_dir(format!("/proc/{}/fd", running.pid()))?.count();
            assert!(fds <= 8, "{fds} descriptors");
            running.signal(Signal::SIGINT)?;
            sane(&running.finish()?)?;
        }
    }
    Ok(())
}

/// The bounding set without CAP_NET_RAW: root in a namespace, and still no raw socket.
fn without_rights_the_remedy_is_named() -> Outcome {
    let lab = Lab::pair()?;
    let args = [
        "--bounding-set=-net_raw",
        RAWSOCK,
        "ping",
        "-c2",
        "-i0.05",
        "-W1",
        "10.5.0.2",
    ];
    let denied = run(lab.h1(), "setpriv", &args)?;
    assert_eq!(denied.code(), Some(2), "{denied}");
    assert!(denied.stderr.contains("hint:"), "{denied}");
    // Outside containers `setcap cap_net_raw+ep`, inside `--cap-add NET_RAW`.
    assert!(denied.stderr.to_lowercase().contains("net_raw"), "{denied}");
    assert!(denied.stderr.contains("ping_group_range"), "{denied}");
    lab.h1().set_sysctl("net/ipv4/ping_group_range", "0 0")?;
    let dgram = run(lab.h1(), "setpriv", &args)?;
    assert_eq!(dgram.code(), Some(0), "{dgram}");
    assert!(
        dgram.stdout.contains("2 packets transmitted, 2 received"),
        "{dgram}"
    );
    // One line says what that takes away.
    assert_eq!(dgram.stderr.lines().count(), 1, "{dgram}");
    let version = ping(lab.h1(), &["-c1", "-W1", "10.5.0.2"])?;
    assert_eq!(version.stderr, "", "{version}");
    Ok(())
}
