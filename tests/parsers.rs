//! The programs that scripts use on ping's text must read ours: jc and pingparsing, run on the
//! golden files. Without them the tests are ignored with a banner, and an error in CI.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// What both programs must find in a file, as the file itself says.
struct Expected {
    file: &'static str,
    destination: &'static str,
    sent: u64,
    received: u64,
    loss_percent: Option<f64>,
    duplicates: u64,
    /// min, avg, max, mdev in ms.
    rtt: Option<[f64; 4]>,
    /// Lines that are taken for answers, by jc and by pingparsing.
    answers: [usize; 2],
}

const RTT: Option<[f64; 4]> = Some([0.027, 0.193, 0.359, 0.166]);

const FILES: [Expected; 8] = [
    Expected {
        file: "clean.txt",
        destination: "127.0.0.1",
        sent: 2,
        received: 2,
        loss_percent: Some(0.0),
        duplicates: 0,
        rtt: RTT,
        answers: [2; 2],
    },
    Expected {
        file: "everything.txt",
        destination: "router.example",
        sent: 15,
        received: 2,
        loss_percent: Some(73.3333),
        duplicates: 1,
        rtt: RTT,
        // Reply, duplicate, late and other address; the other reply has no TTL to read, and jc
        // wants a name in each line once there is one in the first.
        answers: [3, 4],
    },
    Expected {
        file: "dead.txt",
        destination: "10.0.0.2",
        sent: 3,
        received: 0,
        loss_percent: Some(100.0),
        duplicates: 0,
        rtt: None,
        answers: [0; 2],
    },
    Expected {
        file: "silent.txt",
        destination: "10.0.0.2",
        sent: 3,
        received: 0,
        loss_percent: Some(100.0),
        duplicates: 0,
        rtt: None,
        answers: [0; 2],
    },
    Expected {
        file: "not-sent.txt",
        destination: "10.0.0.2",
        sent: 0,
        received: 0,
        loss_percent: None,
        duplicates: 0,
        rtt: None,
        answers: [0; 2],
    },
    Expected {
        file: "ipv6.txt",
        destination: "fe80::1%eth0",
        sent: 2,
        received: 2,
        loss_percent: Some(0.0),
        duplicates: 0,
        rtt: RTT,
        answers: [1; 2],
    },
    Expected {
        file: "ipv6-name.txt",
        destination: "ip6.example",
        sent: 2,
        received: 2,
        loss_percent: Some(0.0),
        duplicates: 0,
        rtt: RTT,
        answers: [1; 2],
    },
    Expected {
        file: "flood.txt",
        destination: "127.0.0.1",
        sent: 2,
        received: 2,
        loss_percent: Some(0.0),
        duplicates: 0,
        rtt: RTT,
        answers: [0; 2],
    },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for (tool, check) in [
        ("jc", jc as fn(&Expected) -> _),
        ("pingparsing", pingparsing),
    ] {
        let missing = Command::new(tool)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_err();
        if missing && !required {
            banner(tool);
        }
        trials.extend(FILES.iter().map(|expected| {
            let name = format!("{tool}::{}", expected.file);
            Trial::test(name, move || check(expected)).with_ignored_flag(missing && !required)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn banner(tool: &str) {
    eprintln!(
        "\n*** SKIPPED: the tests of {tool}, which is not installed (pip install {tool}) ***\n"
    );
}

fn path(expected: &Expected) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/ping")
        .join(expected.file)
}

fn run(command: &mut Command) -> Result<Value, Failed> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn same(what: &str, got: &Value, expected: &Value) -> Result<(), Failed> {
    let equal = match (got.as_f64(), expected.as_f64()) {
        (Some(got), Some(expected)) => (got - expected).abs() < 1e-9,
        _ => got == expected,
    };
    if equal {
        return Ok(());
    }
    Err(format!("{what}: {got}, not {expected}").into())
}

/// jc chooses its parser by the last three lines, so our own lines must stand before them.
fn jc(expected: &Expected) -> Result<(), Failed> {
    let got = run(Command::new("jc")
        .arg("--ping")
        .stdin(File::open(path(expected))?))?;
    same(
        "destination",
        &got["destination"],
        &expected.destination.into(),
    )?;
    same("sent", &got["packets_transmitted"], &expected.sent.into())?;
    same(
        "received",
        &got["packets_received"],
        &expected.received.into(),
    )?;
    same(
        "loss",
        &got["packet_loss_percent"],
        &expected.loss_percent.into(),
    )?;
    same(
        "duplicates",
        &got["duplicates"],
        &expected.duplicates.into(),
    )?;
    let keys = ["min", "avg", "max", "stddev"].map(|key| format!("round_trip_ms_{key}"));
    for (index, key) in keys.iter().enumerate() {
        let time = expected.rtt.map(|rtt| rtt[index]);
        same(key, &got[key], &time.into())?;
    }
    let responses = got["responses"].as_array().ok_or("no responses")?;
    let answers = responses.iter().filter(|answer| {
        answer["type"] == "reply" && answer["time_ms"].is_f64() && answer["ttl"].is_u64()
    });
    same(
        "answers",
        &answers.count().into(),
        &expected.answers[0].into(),
    )
}

/// pingparsing dies on a line between `packets` and `rtt`.
fn pingparsing(expected: &Expected) -> Result<(), Failed> {
    let path = path(expected);
    let got = run(Command::new("pingparsing").arg("--icmp-reply").arg(&path))?;
    let got = &got[path.to_string_lossy().as_ref()];
    same(
        "destination",
        &got["destination"],
        &expected.destination.into(),
    )?;
    same("sent", &got["packet_transmit"], &expected.sent.into())?;
    same(
        "received",
        &got["packet_receive"],
        &expected.received.into(),
    )?;
    same(
        "duplicates",
        &got["packet_duplicate_count"],
        &expected.duplicates.into(),
    )?;
    for (index, key) in ["rtt_min", "rtt_avg", "rtt_max", "rtt_mdev"]
        .iter()
        .enumerate()
    {
        let time = expected.rtt.map(|rtt| rtt[index]);
        same(key, &got[key], &time.into())?;
    }
    let answers = got["icmp_replies"].as_array().map_or(0, Vec::len);
    same("answers", &answers.into(), &expected.answers[1].into())
}
