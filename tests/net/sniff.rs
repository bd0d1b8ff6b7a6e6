//! `rawsock sniff` on a veth pair: every packet counted once, whatever ends it, and shown as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::capture::{FileSource, Next, Source};
use rawsock::decode::Direction;
use rawsock::lab::{Host, Lab};
use serde_json::Value;

use crate::harness::{Outcome, wait_for};
use crate::link::FrameSocket as Link;
use crate::program::{RAWSOCK, Run, Running, must, start, start_command};

crate::tests![
    counts_are_exact_at_full_speed,
    counts_are_exact_without_a_ring,
    a_signal_20_ms_after_the_last_packet_loses_none,
    max_packets_and_time_end_it,
    directions_are_told_and_chosen,
    a_vlan_tag_is_put_back,
    any_names_interfaces_and_shows_loopback_once,
    several_interfaces_each_named,
    the_usual_is_shown_without_a_filter,
    filters_choose_in_the_kernel: "ping",
    a_killed_capture_leaves_a_whole_file: "tcpdump",
    a_full_disk_ends_it_with_a_whole_file: "unshare",
    a_deleted_interface_ends_it_with_all_saved,
    a_link_that_goes_down_and_up_is_told,
    no_right_is_left,
    signals_print_counts_and_sync,
    files_turn_over_on_time_and_in_size,
    a_refused_socket_says_what_is_missing: "setpriv",
];

const MS: Duration = Duration::from_millis(1);

/// EtherType for local experiments (IEEE 802 9.2.3): nobody else sends it.
const OURS: u16 = 0x88b5;
const FILTER: &str = "ether proto 0x88b5";

/// A frame of `len` bytes with a number in it.
fn frame(number: u32, len: usize) -> Vec<u8> {
    let mut frame = [Lab::mac(2), Lab::mac(1)].concat();
    frame.extend(OURS.to_be_bytes());
    frame.extend(number.to_be_bytes());
    frame.resize(len, 0x5a);
    frame
}

/// Sends frames numbered from 0 out of h1, with a pause between two.
fn send(lab: &Lab, count: u32, pause: Duration) -> Outcome {
    let link = Link::open(lab.h1(), "eth0")?;
    for number in 0..count {
        link.send(&frame(number, 60))?;
        if !pause.is_zero() {
            sleep(pause);
        }
    }
    Ok(())
}

/// A directory of this test, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Result<Self, Failed> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rawsock-sniff-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a capture, and waits until it listens.
fn sniff(host: &Host, args: &[&str]) -> Result<Running, Failed> {
    listening(start(host, RAWSOCK, &[&["sniff"], args].concat())?)
}

fn listening(running: Running) -> Result<Running, Failed> {
    wait_for("it listens", 10_000 * MS, || {
        running.stderr().contains("listening on ").then_some(())
    })
    .map_err(|_| running.stderr())?;
    Ok(running)
}

/// The three counts of the end: captured, received by filter, dropped by kernel.
fn counts(run: &Run) -> Result<[u64; 3], Failed> {
    let find = |what: &str| -> Result<u64, Failed> {
        let line = run.stderr.lines().find(|line| line.ends_with(what));
        let line = line.ok_or_else(|| format!("no line `{what}`: {run}"))?;
        Ok(line.split(' ').next().unwrap_or_default().parse()?)
    };
    Ok([
        find(" captured")?,
        find(" received by filter")?,
        find(" dropped by kernel")?,
    ])
}

struct Saved {
    /// Numbers of our frames.
    numbers: Vec<u32>,
    frames: Vec<Vec<u8>>,
    interfaces: Vec<String>,
    directions: Vec<Direction>,
    drops: Option<u64>,
}

/// Everything of a file, which must be whole.
fn read(path: &str) -> Result<Saved, Failed> {
    let mut source = FileSource::new(Box::new(fs::File::open(Path::new(path))?), path);
    let mut saved = Saved {
        numbers: Vec::new(),
        frames: Vec::new(),
        interfaces: Vec::new(),
        directions: Vec::new(),
        drops: None,
    };
    loop {
        match source.next()? {
            Next::Wait => source.fill()?,
            Next::End => {
                saved.drops = source.drops();
                return Ok(saved);
            }
            Next::Frame => {
                let frame = source.frame();
                let number = frame.bytes.get(14..).and_then(|rest| rest.first_chunk());
                saved.numbers.extend(number.map(|n| u32::from_be_bytes(*n)));
                saved.frames.push(frame.bytes.to_vec());
                saved.directions.push(frame.dir);
                let interface = source.interface(frame.iface);
                saved
                    .interfaces
                    .extend(interface.map(|face| face.name.clone()));
            }
        }
    }
}

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

fn objects(run: &Run) -> Result<Vec<Value>, Failed> {
    run.of_type("packet")
}

fn directions_are_told_and_chosen() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let there = Lab::v4(2).to_string();
    let filter = "icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply";
    for (way, expected) in [
        ("inout", &["in", "out"][..]),
        ("in", &["in"]),
        ("out", &["out"]),
    ] {
        let args = ["-i", "eth0", "--json", "-Q", way, filter];
        let running = sniff(lab.h2(), &args)?;
        must(lab.h1(), RAWSOCK, &["ping", "-c", "1", &there])?;
        sleep(50 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let seen: Vec<Value> = objects(&run)?
            .iter()
            .map(|o| o["direction"].clone())
            .collect();
        assert_eq!(seen, expected, "{way}: {run}");
        assert_eq!(counts(&run)?[1], expected.len() as u64, "{way}: {run}");
    }
    Ok(())
}

fn a_vlan_tag_is_put_back() -> Outcome {
    let dir = Dir::new("vlan")?;
    let lab = Lab::pair()?;
    // 802.1Q with priority 5, VLAN 42; and two tags, of which the kernel takes the outer one.
    let (plain, tagged) = (frame(7, 60), |tags: &[u8]| {
        let plain = frame(7, 60);
        [&plain[..12], tags, &plain[12..]].concat()
    });
    let frames = [
        plain.clone(),
        tagged(&[0x81, 0x00, 0xa0, 42]),
        tagged(&[0x88, 0xa8, 0x00, 100, 0x81, 0x00, 0x00, 42]),
    ];
    for ring in [&[][..], &["--no-ring"]] {
        let file = dir.path("x.pcap");
        let _ = fs::remove_file(&file);
        let args = [&["-i", "eth0", "-c", "3", "-w", &file], ring, &["not ip6"]].concat();
        let running = sniff(lab.h2(), &args)?;
        let link = Link::open(lab.h1(), "eth0")?;
        for frame in &frames {
            link.send(frame)?;
        }
        let run = running.finish()?;
        assert_eq!(read(&file)?.frames, frames, "{run}");
    }
    // A filter sees the tag that the kernel took out.
    for (filter, expected) in [
        ("vlan 42", 1),
        ("vlan 100 and vlan 42", 1),
        ("vlan", 2),
        ("not vlan and not ip6", 1),
        ("vlan 42 and ether proto 0x88b5", 1),
    ] {
        let running = sniff(lab.h2(), &["-i", "eth0", "--count", filter])?;
        let link = Link::open(lab.h1(), "eth0")?;
        for frame in &frames {
            link.send(frame)?;
        }
        sleep(30 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        assert_eq!(counts(&run)?[0], expected, "{filter}: {run}");
    }
    // The device any has no Ethernet header; the tag is there all the same.
    let running = sniff(lab.h2(), &["--json", "-c", "1", "vlan 42"])?;
    Link::open(lab.h1(), "eth0")?.send(&frames[1])?;
    let run = running.finish()?;
    let packet = objects(&run)?.pop().ok_or("no packet")?;
    let layers = packet["layers"].as_array().ok_or("no layers")?;
    let vlan = layers.iter().find(|layer| layer["proto"] == "vlan");
    let vlan = vlan.ok_or_else(|| format!("no tag: {run}"))?;
    assert_eq!(vlan["fields"]["vlan.id"], 42, "{run}");
    assert_eq!(vlan["fields"]["vlan.etype"], OURS, "{run}");
    Ok(())
}

fn any_names_interfaces_and_shows_loopback_once() -> Outcome {
    let dir = Dir::new("any")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let file = dir.path("x.pcapng");
    let running = sniff(lab.h2(), &["-w", &file, "--print", "icmp"])?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "2", "-i", "0.2", "127.0.0.1"],
    )?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "1", &Lab::v4(1).to_string()],
    )?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let starts: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            line.split(' ')
                .skip(1)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let expected = ["lo in", "lo in", "lo in", "lo in", "eth0 out", "eth0 in"];
    assert_eq!(starts, expected, "{run}");
    // The second sights of loopback packets are in no count.
    assert_eq!(counts(&run)?, [6, 6, 0], "{run}");
    let saved = read(&file)?;
    assert_eq!(saved.interfaces, ["lo", "lo", "lo", "lo", "eth0", "eth0"]);
    let (in_, out) = (Direction::In, Direction::Out);
    assert_eq!(saved.directions, [in_, in_, in_, in_, out, in_]);
    Ok(())
}

fn several_interfaces_each_named() -> Outcome {
    let dir = Dir::new("several")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let file = dir.path("x.pcapng");
    let args = [
        "-i", "lo", "-i", "eth0", "-w", &file, "--print", "-t", "icmp",
    ];
    let running = sniff(lab.h2(), &args)?;
    must(lab.h2(), RAWSOCK, &["ping", "-c", "1", "127.0.0.1"])?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "1", &Lab::v4(1).to_string()],
    )?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let starts: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split(" IP ").next())
        .collect();
    assert_eq!(starts, ["lo in", "lo in", "eth0 out", "eth0 in"], "{run}");
    assert_eq!(read(&file)?.interfaces, ["lo", "lo", "eth0", "eth0"]);
    Ok(())
}

fn the_usual_is_shown_without_a_filter() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["-i", "eth0", "--json"])?;
    let first = running
        .stderr()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let told = "showing ICMP, IGMP, ICMPv6 and MLD; for every packet: rawsock sniff all";
    assert_eq!(first, told);
    send(&lab, 5, Duration::ZERO)?;
    // Joins make the kernel send an IGMP and an MLD report.
    lab.h1().run(|| -> std::io::Result<()> {
        let v4 = std::net::UdpSocket::bind((Lab::v4(1), 0))?;
        v4.join_multicast_v4(&[239, 1, 2, 3].into(), &Lab::v4(1))?;
        let v6 = std::net::UdpSocket::bind("[::]:0")?;
        v6.join_multicast_v6(&"ff05::77".parse().map_err(std::io::Error::other)?, 0)?;
        sleep(100 * MS);
        Ok(())
    })??;
    running.wait_events("packet", 2)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let mut protocols: Vec<String> = Vec::new();
    for packet in objects(&run)? {
        let last = packet["layers"]
            .as_array()
            .and_then(|layers| layers.last().cloned());
        let last = last.ok_or("no layers")?["proto"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        protocols.push(last);
    }
    assert!(protocols.iter().any(|proto| proto == "igmp"), "{run}");
    assert!(
        protocols
            .iter()
            .any(|proto| proto.starts_with("icmpv6") || proto == "mld"),
        "{run}"
    );
    assert!(
        !run.stdout.contains(&format!("\"eth.type\":{OURS}")),
        "{run}"
    );
    Ok(())
}

fn filters_choose_in_the_kernel() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for (device, filter) in [
        ("eth0", "icmp6"),
        ("any", "icmp6"),
        ("any", "ip6 and inbound"),
    ] {
        let running = sniff(lab.h2(), &["-i", device, "--json", filter])?;
        must(
            lab.h1(),
            "ping",
            &["-c", "1", "-W", "2", &Lab::v4(2).to_string()],
        )?;
        must(
            lab.h1(),
            "ping",
            &["-c", "1", "-W", "2", &Lab::v6(2).to_string()],
        )?;
        sleep(50 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let packets = objects(&run)?;
        assert!(!packets.is_empty(), "{run}");
        for packet in packets {
            let v6 = packet["layers"]
                .as_array()
                .is_some_and(|l| l.iter().any(|l| l["proto"] == "ipv6"));
            assert!(v6, "{device} {filter}: {packet}");
        }
    }
    Ok(())
}

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
