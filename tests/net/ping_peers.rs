//! `rawsock ping` beside iputils ping: the same lines for the same network, and the parsers that
//! scripts use on them.

use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use rawsock::lab::Lab;
use serde_json::Value;

use crate::harness::Outcome;
use crate::program::{RAWSOCK, Run, ping, run};
use crate::responder::{Mode, Responder};

crate::tests![
    the_same_lines_as_iputils: "ping",
    the_same_lines_when_all_is_lost: "ping",
    the_same_lines_for_an_error: "ping",
    the_same_dots_in_a_flood: "ping",
    the_same_exit_codes: "ping",
    jc_reads_the_text: "jc",
    pingparsing_reads_the_text: "pingparsing",
];

/// Text with every number as `N`, so that two runs can be compared.
fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in text.chars() {
        let number = c.is_ascii_digit() || (in_number && c == '.');
        if number && !in_number {
            out.push('N');
        }
        if !number {
            out.push(c);
        }
        in_number = number;
    }
    out
}

/// Both programs' lines as shapes, without what only we print: the lines directly before `---`.
fn lines(run: &Run) -> Vec<String> {
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    if let Some(end) = lines.iter().position(|line| line.starts_with("--- "))
        && let Some(blank) = lines[..end].iter().rposition(|line| line.is_empty())
    {
        lines.drain(blank + 1..end);
    }
    lines.into_iter().map(shape).collect()
}

fn both(lab: &Lab, args: &[&str]) -> Result<(Run, Run), Failed> {
    Ok((ping(lab.h1(), args)?, run(lab.h1(), "ping", args)?))
}

fn the_same_lines_as_iputils() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for target in ["10.5.0.2", "fd00:5::2", "127.0.0.1"] {
        for options in [
            &[][..],
            &["-q"],
            &["-D"],
            // Below 16 bytes iputils has no room for its time stamp and prints no time; we do.
            &["-s16"],
            &["-t7"],
            &["-p", "ff00"],
            &["-O"],
            &["-a"],
            &["-W1"],
            &["-w3"],
        ] {
            let common = ["-n", "-c3", "-i0.02", target];
            let (ours, theirs) = both(&lab, &[options, &common].concat())?;
            assert_eq!(
                lines(&ours),
                lines(&theirs),
                "{options:?} {target}\n{ours}{theirs}"
            );
            // The first line has no number that may differ.
            assert_eq!(ours.stdout.lines().next(), theirs.stdout.lines().next());
        }
    }
    Ok(())
}

fn the_same_lines_when_all_is_lost() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), Mode::Silent)?;
    for target in ["10.5.0.2", "fd00:5::2"] {
        let args = ["-n", "-c3", "-i0.05", "-W0.2", target];
        let (ours, theirs) = both(&lab, &args)?;
        // iputils ends with an empty line, which parsers expect.
        let last = |run: &Run| -> Vec<String> {
            let lines = lines(run);
            let at = lines.iter().position(|line| line.starts_with("---"));
            lines[at.unwrap_or(0)..].to_vec()
        };
        assert_eq!(last(&ours), last(&theirs), "{ours}{theirs}");
        assert_eq!(ours.code(), theirs.code());
    }
    Ok(())
}

fn the_same_lines_for_an_error() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let mut compared = 0;
    for (icmp_type, code, rest) in [
        (3, 0, [0; 4]),
        (3, 1, [0; 4]),
        (3, 3, [0; 4]),
        (3, 4, [0, 0, 5, 20]),
        (3, 10, [0; 4]),
        (3, 13, [0; 4]),
        (11, 0, [0; 4]),
        (11, 1, [0; 4]),
        (12, 0, [20, 0, 0, 0]),
        (4, 0, [0; 4]),
        (5, 1, [10, 5, 0, 9]),
    ] {
        let mode = Mode::error(icmp_type, code, rest);
        let _responder = Responder::start(lab.h2(), [(2, mode)])?;
        let (ours, theirs) = both(&lab, &["-n", "-c3", "-i0.05", "-W1", "10.5.0.2"])?;
        let from = |run: &Run| -> Vec<String> {
            let text = format!("{}{}", run.stdout, run.stderr);
            let lines = text.lines().filter(|line| line.starts_with("From "));
            // For some iputils writes `From 10.5.0.2: icmp_seq`, for others it does not.
            lines
                .map(|line| line.replacen(": icmp", " icmp", 1))
                .collect()
        };
        let (mine, iputils) = (from(&ours), from(&theirs));
        assert_eq!(mine.len(), 1, "{icmp_type}/{code}: {ours}");
        // iputils is silent about some. We may say more behind its words, never other words.
        let same = |words: &String| mine[0].starts_with(words.trim_end());
        assert!(iputils.iter().all(same), "{iputils:?}: {ours}");
        compared += iputils.len();
    }
    assert!(compared > 5, "iputils said {compared}");
    Ok(())
}

fn the_same_dots_in_a_flood() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), [(2, Mode::Silent), (4, Mode::Silent)])?;
    let (ours, theirs) = both(&lab, &["-n", "-f", "-c5", "-W0.2", "10.5.0.2"])?;
    let dots = |run: &Run| run.stdout.matches('.').count();
    let shape_of = |run: &Run| shape(&run.stdout.replace(['.', '\x08', ' '], ""));
    assert!(
        shape_of(&ours).contains("Npacketstransmitted,Nreceived"),
        "{ours}"
    );
    assert!(
        shape_of(&theirs).contains("Npacketstransmitted,Nreceived"),
        "{theirs}"
    );
    assert!(dots(&ours) > 0 && dots(&theirs) > 0);
    Ok(())
}

fn the_same_exit_codes() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let _responder = Responder::start(lab.h2(), [(2, Mode::Silent)])?;
    for (args, code) in [
        (&["-c1", "-W2", "10.5.0.2"][..], 0),
        (&["-c2", "-i0.05", "-W1", "10.5.0.2"], 0),
        // -w with -c waits for that many answers.
        (&["-c2", "-w1", "-i0.9", "10.5.0.2"], 1),
        (&["-c1", "-W0.2", "10.5.0.9"], 1),
        (&["-c1", "-s", "65508", "10.5.0.2"], 2),
    ] {
        let (ours, theirs) = both(&lab, args)?;
        assert_eq!(ours.code(), Some(code), "{args:?}: {ours}");
        if args[2] != "65508" {
            assert_eq!(theirs.code(), Some(code), "{args:?}: {theirs}");
        }
    }
    Ok(())
}

/// Runs both pings through a parser that reads stdin and writes JSON.
fn parsed(lab: &Lab, parser: &[&str], args: &[&str]) -> Result<[Value; 2], Failed> {
    let parse = |program: &str, args: &[&str]| -> Result<Value, Failed> {
        let text = run(lab.h1(), program, args)?;
        let mut child = Command::new(parser[0])
            .args(&parser[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        {
            use std::io::Write;
            let mut stdin = child.stdin.take().ok_or("no stdin")?;
            stdin.write_all(text.stdout.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout)
            .map_err(|e| format!("{parser:?}: {e}: {error}\nof {text}").into())
    };
    let ours = parse(RAWSOCK, &[&["ping"], args].concat())?;
    Ok([ours, parse("ping", args)?])
}

/// What a network may give: all answered, some lost, all lost, one doubled.
fn networks() -> [(&'static str, Mode); 4] {
    [
        ("answers", Mode::Normal),
        ("a loss", Mode::Silent),
        ("a double", Mode::Times(2)),
        ("an error", Mode::error(3, 1, [0; 4])),
    ]
}

fn jc_reads_the_text() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for (network, mode) in networks() {
        for target in ["10.5.0.2", "fd00:5::2"] {
            let mode = match (&mode, target.contains(':')) {
                (Mode::Error(_), true) => Mode::error(1, 3, [0; 4]),
                _ => mode.clone(),
            };
            let _responder = Responder::start(lab.h2(), [(2, mode)])?;
            let args = ["-n", "-c3", "-i0.02", "-W1", target];
            let [ours, theirs] = parsed(&lab, &["jc", "--ping"], &args)?;
            for key in [
                "destination_ip",
                "data_bytes",
                "pattern",
                "destination",
                "packets_transmitted",
                "packets_received",
                "packet_loss_percent",
                "duplicates",
            ] {
                assert_eq!(
                    ours[key], theirs[key],
                    "{network} {target} {key}: {ours}\n{theirs}"
                );
            }
            for key in [
                "round_trip_ms_min",
                "round_trip_ms_avg",
                "round_trip_ms_max",
            ] {
                assert!(ours[key].is_number(), "{network} {target} {key}: {ours}");
            }
            let answers = |value: &Value| -> Vec<Value> {
                let all = value["responses"].as_array().cloned().unwrap_or_default();
                let key = |answer: &Value| answer["icmp_seq"].clone();
                all.iter()
                    .filter(|a| a["type"] == "reply")
                    .map(key)
                    .collect()
            };
            assert_eq!(
                answers(&ours),
                answers(&theirs),
                "{network} {target}: {ours}\n{theirs}"
            );
        }
    }
    Ok(())
}

fn pingparsing_reads_the_text() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for (network, mode) in networks() {
        let _responder = Responder::start(lab.h2(), [(2, mode)])?;
        let args = ["-n", "-c3", "-i0.02", "-W1", "10.5.0.2"];
        let [ours, theirs] = parsed(&lab, &["pingparsing", "-", "--no-color"], &args)?;
        for key in [
            "destination",
            "packet_transmit",
            "packet_receive",
            "packet_loss_count",
            "packet_loss_rate",
            "packet_duplicate_count",
        ] {
            assert_eq!(ours[key], theirs[key], "{network} {key}: {ours}\n{theirs}");
        }
        for key in ["rtt_min", "rtt_avg", "rtt_max", "rtt_mdev"] {
            assert!(ours[key].is_number(), "{network} {key}: {ours}");
        }
    }
    Ok(())
}
