//! `rawsock lab` as a program: hosts, the wire's fates on both ends, prompt, other terminals, and
//! what is left when it is killed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, Run, Running, start_command, start_with_input};

crate::tests![
    a_command_runs_in_its_host_and_gives_its_exit_code,
    names_and_both_families_work_in_every_lab,
    exact_fates_are_seen_at_both_ends: "tshark",
    a_dropped_syn_costs_a_second: "python3",
    delay_and_jitter_are_measured,
    losses_follow_from_the_seed,
    a_muted_reset_does_not_arrive: "python3",
    a_small_mtu_is_told_by_the_router,
    the_prompt_obeys_lines_and_goes_on_after_errors,
    another_terminal_reaches_the_lab,
    a_switch_with_a_querier_keeps_the_stream_from_those_who_did_not_join: "python3",
    queries_are_answered_by_the_kernel: "tshark",
    a_killed_keeper_leaves_nothing,
    a_killed_wire_ends_the_lab,
    labs_side_by_side_and_inside_each_other,
    saved_files_are_never_overwritten,
    keys_of_a_file_decide_about_frames,
    keys_of_a_terminal_decide_about_frames,
    a_user_without_rights_has_the_same: "root" "setpriv",
];

/// `rawsock lab ARGS`, to the end.
fn lab(args: &[&str]) -> Result<Run, Failed> {
    start(args)?.finish()
}

fn start(args: &[&str]) -> Result<Running, Failed> {
    let mut command = Command::new(RAWSOCK);
    command.arg("lab").args(args);
    start_command(command)
}

/// `rawsock lab ARGS` with lines for its prompt.
fn prompted(args: &[&str], lines: &str) -> Result<Run, Failed> {
    let folder = Folder::new("prompt")?;
    let file = folder.path.join("lines");
    fs::write(&file, lines)?;
    // `start_command` closes standard input.
    let mut command = Command::new("sh");
    let script = "lines=$1; shift; exec \"$@\" < \"$lines\"";
    command.args(["-c", script, "sh"]).arg(&file).arg(RAWSOCK);
    command.arg("lab").args(args);
    start_command(command)?.finish()
}

/// A folder that goes with the test.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Result<Self, Failed> {
        let own = format!(
            "rawsock-lab-{name}-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let own: String = own
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let path = std::env::temp_dir().join(own);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What tshark reads in a capture: one value a frame.
fn fields(file: &Path, filter: &str, field: &str) -> Result<Vec<String>, Failed> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-Y", filter, "-T", "fields", "-e", field])
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn expect_code(run: &Run, code: i32) -> Outcome {
    if run.code() == Some(code) {
        return Ok(());
    }
    Err(format!("not {code}: {run}").into())
}

fn a_command_runs_in_its_host_and_gives_its_exit_code() -> Outcome {
    expect_code(&lab(&["pair", "--", "sh", "-c", "exit 7"])?, 7)?;
    expect_code(&lab(&["pair", "--", "sh", "-c", "kill -TERM $$"])?, 143)?;
    let links = lab(&[
        "pair",
        "--at",
        "h2",
        "--",
        "cat",
        "/proc/thread-self/net/fib_trie",
    ])?;
    expect_code(&links, 0)?;
    assert!(links.stdout.contains("10.5.0.2"), "{links}");
    let wrong = lab(&["pair", "--at", "h9", "--", "true"])?;
    expect_code(&wrong, 2)?;
    assert!(
        wrong.stderr.contains("there is no host h9: h1, h2"),
        "{wrong}"
    );
    let missing = lab(&["pair", "--", "no-such-program"])?;
    expect_code(&missing, 2)?;
    assert!(
        missing.stderr.contains("cannot run no-such-program"),
        "{missing}"
    );
    Ok(())
}

fn names_and_both_families_work_in_every_lab() -> Outcome {
    for (shape, far) in [("pair", "h2"), ("lan", "h3"), ("route", "h2")] {
        for family in ["-4", "-6"] {
            let run = lab(&[shape, "--", "ping", family, "-c", "1", "-W", "5", far])?;
            expect_code(&run, 0)?;
        }
    }
    // Only there: outside, the name is asked for as any other.
    let inside = lab(&["route", "--", "ping", "-c", "1", "-W", "5", "r2"])?;
    expect_code(&inside, 0)?;
    Ok(())
}

fn exact_fates_are_seen_at_both_ends() -> Outcome {
    let folder = Folder::new("fates")?;
    let save = folder.path.join("captures");
    let save = save.to_str().ok_or("a path in UTF-8")?;
    let run = lab(&[
        "pair",
        "--drop",
        "3",
        "--dup",
        "5",
        "--swap",
        "7",
        "--corrupt",
        "10",
        "--save",
        save,
        "--",
        "ping",
        "--json",
        "-c",
        "12",
        "-i",
        "0.05",
        "-W",
        "1",
        "h2",
    ])?;
    expect_code(&run, 0)?;
    let sent = fields(
        &folder.path.join("captures/h1.pcapng"),
        "icmp.type == 8",
        "icmp.seq",
    )?;
    let numbers: Vec<String> = (1..=12).map(|seq: u32| seq.to_string()).collect();
    assert_eq!(sent, numbers);
    let arrived = fields(
        &folder.path.join("captures/h2.pcapng"),
        "icmp.type == 8",
        "icmp.seq",
    )?;
    // Which bit of the tenth flips follows from the seed, and it is not one of the sequence number.
    let expected = [
        "1", "2", "4", "5", "5", "6", "8", "7", "9", "10", "11", "12",
    ];
    assert_eq!(arrived, expected);
    let comments = fields(
        &folder.path.join("captures/h1.pcapng"),
        "icmp.type == 8",
        "frame.comment",
    )?;
    let at = |seq: usize| comments[seq - 1].as_str();
    assert_eq!(at(3), "dropped: by a rule (--drop)");
    assert!(
        at(5).starts_with("duplicated, delivered to h2 after"),
        "{}",
        at(5)
    );
    assert!(
        at(7).starts_with("overtaken by the next, delivered to h2"),
        "{}",
        at(7)
    );
    assert!(at(10).contains(" flipped, delivered to h2"), "{}", at(10));
    let log = fs::read_to_string(folder.path.join("captures/wire.log"))?;
    assert_eq!(log.matches("# dropped: by a rule").count(), 1, "{log}");
    // The prober's view of the same.
    let summary = run.summary()?;
    assert_eq!(summary["sent"], 12);
    assert_eq!(summary["duplicates"], 1, "{summary}");
    Ok(())
}

/// A program for python3 that connects and says how long that took.
const CONNECT: &str = "
import socket, sys, time
began = time.monotonic()
try:
    socket.create_connection(('10.5.0.2', 9), timeout=3)
except OSError as error:
    print(type(error).__name__, time.monotonic() - began)
";

fn a_dropped_syn_costs_a_second() -> Outcome {
    let connect = |args: &[&str]| -> Result<(String, f64), Failed> {
        let run = lab(&[&["pair"], args, &["--", "python3", "-c", CONNECT]].concat())?;
        let mut words = run.stdout.split_whitespace();
        let name = words.next().ok_or_else(|| format!("{run}"))?.to_owned();
        Ok((name, words.next().ok_or("a time")?.parse()?))
    };
    let (name, took) = connect(&[])?;
    assert_eq!(name, "ConnectionRefusedError");
    assert!(took < 0.5, "{took}");
    // RFC 6298 2.1: the first retransmission comes after a second.
    let (name, took) = connect(&["--drop", "tcp.flags.syn#1"])?;
    assert_eq!(name, "ConnectionRefusedError");
    assert!((1.0..1.9).contains(&took), "{took}");
    let (name, _) = connect(&["--drop", "tcp.flags.syn"])?;
    assert_eq!(name, "TimeoutError");
    Ok(())
}

fn delay_and_jitter_are_measured() -> Outcome {
    let rtts = |args: &[&str]| -> Result<Vec<f64>, Failed> {
        let probe = [
            "--", "ping", "--json", "-c", "20", "-i", "0.02", "-W", "5", "h2",
        ];
        let run = lab(&[&["pair"], args, &probe].concat())?;
        expect_code(&run, 0)?;
        let replies = run.of_type("reply")?;
        Ok(replies
            .iter()
            .filter_map(|reply| reply["rtt_ms"].as_f64())
            .collect())
    };
    let both = rtts(&["--delay", "20ms"])?;
    assert_eq!(both.len(), 20);
    assert!(both.iter().all(|rtt| *rtt >= 40.0), "{both:?}");
    let least = both.iter().copied().fold(f64::MAX, f64::min);
    assert!(least < 45.0, "{both:?}");
    let one = rtts(&["--delay-down", "30ms"])?;
    assert!(one.iter().all(|rtt| (30.0..60.0).contains(rtt)), "{one:?}");
    let jitter = rtts(&["--delay", "20ms", "--jitter", "10ms"])?;
    assert!(jitter.iter().all(|rtt| *rtt >= 20.0), "{jitter:?}");
    let least = jitter.iter().copied().fold(f64::MAX, f64::min);
    let most = jitter.iter().copied().fold(0.0, f64::max);
    assert!(most - least > 5.0, "{jitter:?}");
    Ok(())
}

fn losses_follow_from_the_seed() -> Outcome {
    let lost = |seed: &str| -> Result<BTreeSet<u64>, Failed> {
        let run = lab(&[
            "pair",
            "--loss-up",
            "10%",
            "--seed",
            seed,
            "--",
            "ping",
            "--json",
            "-c",
            "500",
            "-i",
            "0.002",
            "-W",
            "0.5",
            "h2",
        ])?;
        let replies = run.of_type("reply")?;
        let came: BTreeSet<u64> = replies
            .iter()
            .filter_map(|reply| reply["seq"].as_u64())
            .collect();
        Ok((1..=500).filter(|seq| !came.contains(seq)).collect())
    };
    let first = lost("7")?;
    // 50 are expected; five standard deviations are 33.5.
    assert!((17..=83).contains(&first.len()), "{first:?}");
    assert_eq!(first, lost("7")?);
    assert_ne!(first, lost("8")?);
    Ok(())
}

fn a_muted_reset_does_not_arrive() -> Outcome {
    let run = lab(&["pair", "--mute-rst=h2", "--", "python3", "-c", CONNECT])?;
    assert!(run.stdout.starts_with("TimeoutError"), "{run}");
    Ok(())
}

fn a_small_mtu_is_told_by_the_router() -> Outcome {
    let probe = [
        "--", "ping", "--json", "-c", "1", "-M", "do", "-s", "1400", "h2",
    ];
    let run = lab(&[&["route", "--small-mtu", "1300"], &probe[..]].concat())?;
    let errors = run.of_type("error")?;
    let error: &Value = errors.first().ok_or_else(|| format!("{run}"))?;
    assert_eq!(error["from"], "10.5.1.254", "{error}");
    Ok(())
}

fn the_prompt_obeys_lines_and_goes_on_after_errors() -> Outcome {
    let lines = "\
# a comment
h1 ping -c 1 -W 5 h2
set --drop-down 'icmp.type == 0'
h1 ping -c 1 -W 0.2 h2
set --drop nonsense.key
h9 true
h1 'not closed
status
log
clear
h2 ping -c 1 -W 5 h1
h1 sh -c 'exit 3'
";
    let run = prompted(&["pair"], lines)?;
    expect_code(&run, 3)?;
    assert_eq!(run.stdout.matches(" 0% packet loss").count(), 2, "{run}");
    assert_eq!(run.stdout.matches(" 100% packet loss").count(), 1, "{run}");
    assert!(
        run.stdout
            .contains("rule: --drop-down icmp.type == 0, acted 1 times"),
        "{run}"
    );
    assert!(run.stdout.contains("ICMP echo reply"), "{run}");
    assert!(
        run.stdout.contains("# dropped: by a rule (--drop)"),
        "{run}"
    );
    for told in ["nonsense.key", "there is no host h9", "is not closed"] {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
    Ok(())
}

fn another_terminal_reaches_the_lab() -> Outcome {
    let keeper = start(&["pair", "--", "sh", "-c", "echo up; sleep 1000"])?;
    keeper.wait_stdout("the lab", |text| text.contains("up"))?;
    let number = keeper.pid().to_string();
    let ask = |args: &[&str]| lab(&[&args[..1], &["--lab", &number], &args[1..]].concat());
    expect_code(
        &ask(&["exec", "h2", "--", "ping", "-c", "1", "-W", "5", "h1"])?,
        0,
    )?;
    expect_code(&ask(&["exec", "h1", "--", "sh", "-c", "exit 9"])?, 9)?;
    expect_code(&ask(&["exec", "h7", "--", "true"])?, 2)?;
    expect_code(&ask(&["set", "--delay", "25ms", "--seed", "3"])?, 0)?;
    expect_code(&ask(&["set", "--loss-down", "0%"])?, 0)?;
    let status = ask(&["status", "--json"])?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    assert_eq!(status["config"]["seed"], 3);
    assert_eq!(status["config"]["ways"]["up"]["delay"]["nanos"], 25_000_000);
    assert_eq!(status["counts"][0]["down"]["counted"], 1, "{status}");
    let ping = ask(&[
        "exec", "h1", "--", "ping", "--json", "-c", "1", "-W", "5", "h2",
    ])?;
    assert!(
        ping.of_type("reply")?[0]["rtt_ms"].as_f64() > Some(50.0),
        "{ping}"
    );
    let log = ask(&["log"])?;
    assert_eq!(log.stdout.matches("echo request").count(), 2, "{log}");
    let stranger = ask(&["set", "--drop", "tcp.nonsense"])?;
    expect_code(&stranger, 2)?;
    // What runs in the lab ends with it, whoever started it.
    let inside = start(&[
        "exec",
        "--lab",
        &number,
        "h2",
        "--",
        "sh",
        "-c",
        "echo in; sleep 1000",
    ])?;
    inside.wait_stdout("the program", |text| text.contains("in"))?;
    expect_code(&ask(&["down"])?, 0)?;
    expect_code(&keeper.finish()?, 0)?;
    expect_code(&inside.finish()?, 137)?;
    let gone = ask(&["status"])?;
    expect_code(&gone, 2)?;
    assert!(gone.stderr.contains("no lab of yours"), "{gone}");
    Ok(())
}

/// Five datagrams to the group, from h1.
const STREAM: &str = "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('10.5.0.1'))
for number in range(5):
    s.sendto(b'stream', ('239.1.2.3', 5000))
";

fn a_switch_with_a_querier_keeps_the_stream_from_those_who_did_not_join() -> Outcome {
    let heard = |args: &[&str], ask: &str| -> Result<[usize; 2], Failed> {
        let folder = Folder::new("snooping")?;
        let program = folder.path.join("stream.py");
        fs::write(&program, STREAM)?;
        let save = folder.path.join("captures");
        let save = save.to_str().ok_or("a path in UTF-8")?.to_owned();
        // The switch filters once the time for answers is over: a second, by its own clock.
        let lines = format!(
            "h2 igmp join 239.1.2.3 &\nh1 sleep 0.3\n{ask}h1 sleep 2.5\nh1 python3 {}\n",
            program.display()
        );
        let run = prompted(&[&["lan", "--save", &save], args].concat(), &lines)?;
        expect_code(&run, 0)?;
        let count = |host: &str| -> Result<usize, Failed> {
            let file = folder.path.join(format!("captures/{host}.pcapng"));
            let mut read = Command::new(RAWSOCK);
            read.args(["read", "--count"])
                .arg(file)
                .arg("udp port 5000");
            let output = String::from_utf8(read.output()?.stdout)?;
            Ok(output.split_whitespace().next().unwrap_or("").parse()?)
        };
        Ok([count("h2")?, count("h3")?])
    };
    // Nobody asks, so the switch does not know who listens: it floods.
    assert_eq!(heard(&[], "")?, [5, 5]);
    assert_eq!(heard(&["--querier"], "")?, [5, 0]);
    // Our own querier does as well as the switch's.
    let ask = "h1 igmp query --v 3 --max-response 1s\n";
    assert_eq!(heard(&[], ask)?, [5, 0]);
    assert_eq!(heard(&["--no-snooping"], ask)?, [5, 5]);
    Ok(())
}

fn queries_are_answered_by_the_kernel() -> Outcome {
    let folder = Folder::new("queries")?;
    let save = folder.path.join("captures");
    let save = save.to_str().ok_or("a path in UTF-8")?;
    let lines = "\
h2 igmp join 239.1.2.3 &
h2 igmp join 232.1.2.3 --source 10.5.0.1 &
h2 igmp join ff05::77 &
h1 sleep 0.5
h2 igmp groups
h1 igmp query --v 3 --max-response 100ms
h1 igmp query --mld --max-response 100ms
h1 igmp query --v 3 --group 239.1.2.3 --max-response 100ms
h1 sleep 1
h1 igmp query --v 2 --group 239.1.2.3 --max-response 200ms
h1 sleep 1
";
    let run = prompted(&["pair", "--save", save], lines)?;
    expect_code(&run, 0)?;
    for group in ["239.1.2.3", "232.1.2.3", "ff05::77"] {
        assert!(run.stdout.contains(group), "{run}");
    }
    assert!(
        run.stdout
            .lines()
            .any(|l| l.contains("232.1.2.3") && l.ends_with("10.5.0.1")),
        "{run}"
    );
    let file = folder.path.join("captures/h1.pcapng");
    let bad = fields(
        &file,
        "igmp.checksum.status == 0 or icmpv6.checksum.status == 0",
        "frame.number",
    )?;
    assert!(bad.is_empty(), "{bad:?}");
    let queries = fields(&file, "igmp.type == 0x11", "igmp.version")?;
    assert_eq!(queries, ["3", "3", "2"]);
    let facts = fields(
        &file,
        "igmp.type == 0x11 and ip.ttl == 1 and ip.opt.ra == 0",
        "ip.dst",
    )?;
    assert_eq!(facts, ["224.0.0.1", "239.1.2.3", "239.1.2.3"]);
    let answers = fields(
        &file,
        "igmp.version == 3 and igmp.record_type == 2",
        "igmp.maddr",
    )?;
    assert!(
        answers.iter().any(|groups| groups.contains("239.1.2.3")),
        "{answers:?}"
    );
    let old = fields(&file, "igmp.type == 0x16", "igmp.maddr")?;
    assert!(old.contains(&"239.1.2.3".to_owned()), "{old:?}");
    let mld = fields(
        &file,
        "icmpv6.type == 130 and ipv6.hlim == 1 and ipv6.opt.router_alert == 0",
        "ipv6.dst",
    )?;
    assert_eq!(mld, ["ff02::1"]);
    let reports = fields(
        &file,
        "icmpv6.type == 143",
        "icmpv6.mldr.mar.multicast_address",
    )?;
    assert!(
        reports.iter().any(|groups| groups.contains("ff05::77")),
        "{reports:?}"
    );
    Ok(())
}

/// The network namespaces that some process is in.
fn networks() -> BTreeSet<u64> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let inode = |entry: fs::DirEntry| fs::metadata(entry.path().join("ns/net")).ok();
    processes
        .filter_map(inode)
        .map(|facts| facts.ino())
        .collect()
}

/// A lab in which a program holds a network: what it says is the network's number.
fn holding(args: &[&str]) -> Result<(Running, u64), Failed> {
    // The program's child outlives it, as daemons do.
    let script = "(sleep 1000 &) ; stat -L -c %i /proc/self/ns/net; sleep 1000";
    let keeper = start(&[args, &["--", "sh", "-c", script]].concat())?;
    keeper.wait_stdout("the lab", |text| text.ends_with('\n'))?;
    let number: u64 = keeper.stdout().trim().parse()?;
    assert!(networks().contains(&number));
    Ok((keeper, number))
}

fn gone(number: u64) -> Outcome {
    wait_for("the lab's network goes", Duration::from_secs(10), || {
        (!networks().contains(&number)).then_some(())
    })
}

fn a_killed_keeper_leaves_nothing() -> Outcome {
    for shape in ["pair", "lan", "route"] {
        let (keeper, number) = holding(&[shape])?;
        keeper.signal(Signal::SIGKILL)?;
        gone(number)?;
    }
    let (keeper, number) = holding(&["pair"])?;
    keeper.signal(Signal::SIGTERM)?;
    expect_code(&keeper.finish()?, 143)?;
    gone(number)
}

fn a_killed_wire_ends_the_lab() -> Outcome {
    let (keeper, number) = holding(&["pair"])?;
    let own = format!("/proc/{0}/task/{0}/children", keeper.pid());
    let children = fs::read_to_string(own)?;
    let wire: i32 = children
        .split_whitespace()
        .next()
        .ok_or("a wire")?
        .parse()?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(wire), Signal::SIGKILL)?;
    let run = keeper.finish()?;
    expect_code(&run, 2)?;
    assert!(
        run.stderr.contains("cannot reach the wire process"),
        "{run}"
    );
    gone(number)
}

fn labs_side_by_side_and_inside_each_other() -> Outcome {
    let first = start(&[
        "pair", "--delay", "30ms", "--", "ping", "-c", "3", "-i", "0.1", "h2",
    ])?;
    let second = start(&["lan", "--", "ping", "-c", "3", "-i", "0.1", "h3"])?;
    expect_code(&first.finish()?, 0)?;
    expect_code(&second.finish()?, 0)?;
    let inner = lab(&[
        "pair", "--", "lab", "route", "--", "ping", "-c", "1", "-W", "5", "h2",
    ])?;
    expect_code(&inner, 0)
}

fn saved_files_are_never_overwritten() -> Outcome {
    let folder = Folder::new("save")?;
    fs::write(folder.path.join("h2.pcapng"), "mine")?;
    let save = folder.path.to_str().ok_or("a path in UTF-8")?;
    let run = lab(&["pair", "--save", save, "--", "true"])?;
    expect_code(&run, 2)?;
    assert!(run.stderr.contains("it exists"), "{run}");
    assert_eq!(fs::read_to_string(folder.path.join("h2.pcapng"))?, "mine");
    Ok(())
}

/// Request 1 and its reply pass, request 2 is dropped, 3 comes twice, its replies pass.
fn keys_of_a_file_decide_about_frames() -> Outcome {
    let folder = Folder::new("keys")?;
    let file = folder.path.join("keys");
    fs::write(&file, "h  xd20\n a")?;
    let mut command = Command::new("sh");
    command.args(["-c", "keys=$1; shift; exec \"$@\" < \"$keys\"", "sh"]);
    command.arg(&file).arg(RAWSOCK);
    command.args([
        "lab", "pair", "--step", "--", "ping", "-c", "3", "-i", "0.2", "-W", "2", "h2",
    ]);
    let run = start_command(command)?.finish()?;
    expect_code(&run, 0)?;
    assert!(run.stderr.contains("held "), "{run}");
    assert!(
        run.stderr.contains("Internet Control Message Protocol"),
        "{run}"
    );
    for told in [
        "     deliver",
        "     drop",
        "     duplicate",
        "delivered after 20 ms",
    ] {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
    assert!(
        run.stdout.contains("3 packets transmitted, 2 received"),
        "{run}"
    );
    Ok(())
}

fn keys_of_a_terminal_decide_about_frames() -> Outcome {
    let pty = nix::pty::openpty(None, None)?;
    let before = nix::sys::termios::tcgetattr(&pty.slave)?;
    let mut command = Command::new(RAWSOCK);
    command.args(["lab", "pair", "--step", "--"]);
    command.args(["ping", "-c", "2", "-i", "0.3", "-W", "2", "h2"]);
    let running = start_with_input(command, Stdio::from(pty.slave.try_clone()?))?;
    let keyboard = fs::File::from(pty.master);
    // Request and reply pass, the second request does not.
    for (held, key) in [(1, b" "), (2, b" "), (3, b"x")] {
        let limit = Duration::from_secs(5);
        wait_for(format!("held frame {held}"), limit, || {
            (running.stderr().matches("held ").count() >= held).then_some(())
        })?;
        assert_eq!(running.stdout().matches("bytes from").count(), held / 3);
        io::Write::write_all(&mut &keyboard, key)?;
    }
    let run = running.finish()?;
    expect_code(&run, 0)?;
    assert!(
        run.stdout.contains("2 packets transmitted, 1 received"),
        "{run}"
    );
    assert!(run.stderr.contains("space deliver"), "{run}");
    let after = nix::sys::termios::tcgetattr(&pty.slave)?;
    assert_eq!(
        before.local_flags, after.local_flags,
        "the terminal is as it was"
    );
    Ok(())
}

fn a_user_without_rights_has_the_same() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("nobody")?;
    let program = folder.path.join("rawsock");
    fs::copy(RAWSOCK, &program)?;
    for path in [&folder.path, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    // By exec: after a bare setresuid the files under /proc/self are root's.
    let nobody = |args: &[&str]| -> Result<Running, Failed> {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(&program).arg("lab").args(args);
        start_command(command)
    };
    for (shape, far) in [("pair", "h2"), ("lan", "h3"), ("route", "h2")] {
        let run = nobody(&[
            shape, "--loss", "0%", "--", "ping", "-c", "1", "-W", "5", far,
        ])?;
        expect_code(&run.finish()?, 0)?;
    }
    let inner = nobody(&[
        "pair", "--", "lab", "pair", "--", "ping", "-c", "1", "-W", "5", "h2",
    ])?;
    expect_code(&inner.finish()?, 0)?;
    let keeper = nobody(&["pair", "--", "sh", "-c", "echo up; id -u; sleep 1000"])?;
    keeper.wait_stdout("the lab", |text| text.contains("up\n0\n"))?;
    let number = keeper.pid().to_string();
    let exec = nobody(&[
        "exec", "--lab", &number, "h2", "--", "ping", "-c", "1", "-W", "5", "h1",
    ])?;
    expect_code(&exec.finish()?, 0)?;
    // Root is another user.
    let stranger = lab(&["status", "--lab", &number])?;
    expect_code(&stranger, 2)?;
    let down = nobody(&["down", "--lab", &number])?;
    expect_code(&down.finish()?, 0)?;
    expect_code(&keeper.finish()?, 0)
}
