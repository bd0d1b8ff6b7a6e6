//! `rawsock compare` beside tcpdump's capture of the same run, and the matrix of
//! clients and servers. One thread: a lab is a fork.
#![expect(clippy::print_stderr, reason = "a test's report")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rawsock::cli::compare::play::play_in;
use rawsock::compare::{Experiment, Over, tally};
use rawsock::lab::{self, Options, Run};
use serde_json::Value;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let isolated = lab::enter_userns_if_needed();
    if let Err(error) = &isolated {
        eprintln!("SKIPPED: no network namespace of our own: {error}");
        let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some();
        return if required {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
    }
    let test = |name: &str, run: fn() -> Result<(), Box<dyn Error>>| {
        Trial::test(name, move || {
            run().map_err(|error| Failed::from(error.to_string()))
        })
    };
    let tests = vec![
        test(
            "packets_and_bytes_are_those_of_tcpdump",
            packets_and_bytes_are_those_of_tcpdump,
        ),
        test(
            "the_same_seed_gives_the_same_fates",
            the_same_seed_gives_the_same_fates,
        ),
        test("unix_sockets_need_no_wire", unix_sockets_need_no_wire),
        test(
            "every_client_against_every_server",
            every_client_against_every_server,
        ),
        test("nonsense_is_refused", nonsense_is_refused),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// tcpdump in h1, which is known to listen.
struct Tcpdump {
    child: Child,
    file: std::path::PathBuf,
}

impl Tcpdump {
    fn start(run: &Run) -> Result<Self, Box<dyn Error>> {
        let file =
            std::env::temp_dir().join(format!("rawsock-compare-{}.pcap", std::process::id()));
        let mut command = run.host("h1")?.command("tcpdump")?;
        command
            .args(["-i", "eth0", "-U", "--immediate-mode", "-w"])
            .arg(&file);
        // As root it would become a user who cannot write here.
        command.args(["-Z", "root"]);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = lines.find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("listening on"))
        });
        listens.ok_or("tcpdump does not listen")??;
        Ok(Self { child, file })
    }

    /// One row of these fields for each packet of the experiment, as tshark reads them.
    fn finish(mut self, fields: &[&str]) -> Result<Vec<Vec<u64>>, Box<dyn Error>> {
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGINT)?;
        self.child.wait()?;
        let mut tshark = Command::new("tshark");
        tshark
            .env("HOME", "/nonexistent")
            .args(["-n", "-T", "fields", "-r"])
            .arg(&self.file);
        tshark.args(["-Y", "ip"]);
        tshark.args(fields.iter().flat_map(|field| ["-e", field]));
        let output = tshark.output()?;
        std::fs::remove_file(&self.file)?;
        let number = |cell: &str| match cell {
            "True" => 1,
            "False" | "" => 0,
            digits => digits.parse().unwrap(),
        };
        let text = String::from_utf8(output.stdout)?;
        Ok(text
            .lines()
            .map(|line| line.split('\t').map(number).collect())
            .collect())
    }
}

fn packets_and_bytes_are_those_of_tcpdump() -> Result<(), Box<dyn Error>> {
    let experiment = Experiment {
        messages: 12,
        size: 10,
        interval: Duration::from_millis(3),
    };
    for over in [Over::Tcp, Over::Udp, Over::Raw] {
        let mut run = Run::start(&Options::pair())?;
        let tcpdump = Tcpdump::start(&run)?;
        let recorded = play_in(&mut run, over, &experiment, None, false)?;
        run.quiet(Duration::from_millis(20), Duration::from_secs(1))?;
        let fields = [
            "frame.len",
            "tcp.flags.syn",
            "tcp.flags.fin",
            "tcp.flags.reset",
            "tcp.len",
            "udp.length",
        ];
        let rows = tcpdump.finish(&fields)?;
        run.finish()?;
        let figures = tally(&recorded, &experiment);
        let wire = figures.wire.as_ref().unwrap();
        let count = |wanted: fn(&[u64]) -> bool| rows.iter().filter(|row| wanted(row)).count();
        let name = over.name();
        assert_eq!(wire.packets.total() as usize, rows.len(), "{name}");
        assert_eq!(
            wire.bytes,
            rows.iter().map(|row| row[0]).sum::<u64>(),
            "{name}"
        );
        assert_eq!(
            wire.packets.reset as usize,
            count(|row| row[3] == 1),
            "{name}"
        );
        assert_eq!(wire.packets.again, 0, "{name}");
        assert_eq!(wire.payload, 2 * 12 * 10, "{name}");
        if over == Over::Tcp {
            let data = count(|row| row[4] > 0);
            assert_eq!(wire.packets.data as usize, data);
            // SYN, SYN+ACK, and the ACK that tcpdump cannot tell from the others.
            assert_eq!(
                wire.packets.handshake as usize,
                count(|row| row[1] == 1) + 1
            );
            assert_eq!(
                wire.packets.end as usize,
                count(|row| row[2] == 1 && row[4] == 0)
            );
            let header = wire.header.unwrap();
            assert_eq!(
                (header.link, header.network, header.transport),
                (14, 20, 32)
            );
            assert_eq!(wire.before.unwrap().packets, 3);
        } else {
            assert_eq!(rows.len(), 24, "{name}");
            let udp = count(|row| row[5] == 18);
            assert_eq!(udp, if over == Over::Udp { 24 } else { 0 });
            assert_eq!(wire.before.unwrap().packets, 0, "{name}");
            assert_eq!((figures.server_receives, figures.client_receives), (12, 12));
        }
        assert_eq!(
            (figures.at_server.complete, figures.at_client.complete),
            (12, 12),
            "{name}"
        );
    }
    Ok(())
}

fn rawsock(args: &[&str]) -> Result<std::process::Output, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rawsock"));
    Ok(command
        .arg("compare")
        .args(args)
        .stdin(Stdio::null())
        .output()?)
}

fn json(args: &[&str]) -> Result<Vec<Value>, Box<dyn Error>> {
    let output = rawsock(&[&["--json"], args].concat())?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect())
}

fn the_same_seed_gives_the_same_fates() -> Result<(), Box<dyn Error>> {
    let args = [
        "--over", "udp,raw", "-n", "40", "-i", "4ms", "--loss", "20%", "--dup", "10%", "--seed",
        "9",
    ];
    let fates = |lines: &[Value]| -> Vec<Value> {
        let results = lines[1]["results"].as_array().unwrap();
        results
            .iter()
            .map(|run| serde_json::json!([run["at_server"], run["wire"]["fates"]["dropped"]]))
            .collect()
    };
    let (one, two) = (json(&args)?, json(&args)?);
    assert_eq!(one.len(), 2, "a wire that loses nothing, and one that does");
    assert_eq!(fates(&one), fates(&two));
    let other = json(&[&args[..11], &["10"]].concat())?;
    assert_ne!(fates(&one), fates(&other));
    // UDP and raw sent the same number of packets, so chance treated them alike.
    assert_eq!(fates(&one)[0], fates(&one)[1]);
    for run in one[1]["results"].as_array().unwrap() {
        let lost = 40 - run["at_server"]["complete"].as_u64().unwrap();
        assert!(lost > 0 && lost < 40, "{run}");
        assert!(
            run["wire"]["fates"]["dropped"].as_u64().unwrap() >= lost,
            "{run}"
        );
    }
    Ok(())
}

fn unix_sockets_need_no_wire() -> Result<(), Box<dyn Error>> {
    let kinds = "unix-stream,unix-dgram,unix-seqpacket";
    let lines = json(&["--over", kinds, "-n", "5", "-i", "2ms", "--delay", "1ms"])?;
    assert_eq!(
        lines.len(),
        1,
        "nothing is lost, so there is no second part"
    );
    let bursts: Vec<u64> = lines[0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            assert!(run["wire"].is_null(), "{run}");
            assert_eq!(run["at_client"]["complete"], 5, "{run}");
            run["burst_receives"].as_u64().unwrap()
        })
        .collect();
    // A stream sticks together; messages stay apart.
    assert_eq!(bursts, [1, 3, 3]);
    Ok(())
}

fn every_client_against_every_server() -> Result<(), Box<dyn Error>> {
    let lines = json(&["--mismatch"])?;
    assert_eq!(lines.len(), 4 * 4 + 3 * 4);
    let find = |client: &str, server: &str| {
        let is = |line: &&Value| line["client"] == client && line["server"] == server;
        lines.iter().find(is).unwrap().clone()
    };
    let refused = serde_json::json!(["connect", libc::ECONNREFUSED]);
    for server in ["udp", "raw", "nobody"] {
        let tcp = find("tcp", server);
        assert_eq!(tcp["failed"], refused, "{tcp}");
        assert_eq!(tcp["packets"], serde_json::json!(["SYN", "RST"]), "{tcp}");
        let raw = find("raw", if server == "raw" { "tcp" } else { server });
        assert_eq!(
            raw["packets"],
            serde_json::json!(["data", "ICMP 3/2"]),
            "{raw}"
        );
    }
    for server in ["tcp", "raw", "nobody"] {
        let udp = find("udp", server);
        assert_eq!(
            udp["failed"],
            serde_json::json!(["recvfrom", libc::EAGAIN]),
            "{udp}"
        );
        assert_eq!(
            udp["packets"],
            serde_json::json!(["data", "ICMP 3/3"]),
            "{udp}"
        );
        let connected = find("udp-connected", server);
        assert_eq!(
            connected["failed"],
            serde_json::json!(["recv", libc::ECONNREFUSED])
        );
    }
    for kind in [
        "tcp",
        "udp",
        "raw",
        "unix-stream",
        "unix-dgram",
        "unix-seqpacket",
    ] {
        let pair = find(kind, kind);
        assert_eq!(
            (&pair["answered"], &pair["served"]),
            (&true.into(), &5.into()),
            "{pair}"
        );
    }
    let unix = ["unix-stream", "unix-dgram", "unix-seqpacket"];
    for client in unix {
        for server in unix.iter().filter(|server| **server != client) {
            let pair = find(client, server);
            assert_eq!(pair["failed"][1], libc::EPROTOTYPE, "{pair}");
        }
        assert_eq!(find(client, "nobody")["failed"][1], libc::ENOENT);
    }
    Ok(())
}

fn nonsense_is_refused() -> Result<(), Box<dyn Error>> {
    for (args, told) in [
        (&["--over", "tcp,tcp"][..], "names tcp twice"),
        (&["--over", "sctp"], "one of tcp, udp, raw"),
        (&["-n", "0"], "from 1 to 9999"),
        (&["--size", "2000"], "from 5 to 1400"),
        (&["--mismatch", "-n", "3"], "cannot be used with"),
    ] {
        let output = rawsock(args)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(told), "{args:?}: {text}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    Ok(())
}
