//! The letters of tcpdump: each means the same or is refused by its name; and what the newer ones do.

use std::collections::BTreeSet;

use clap::CommandFactory;
use libtest_mimic::Failed;
use rawsock::cli::{Cli, peer};
use serde_json::Value;

use crate::build::{Order, Pcap, Pcapng};
use crate::dir::Dir;
use crate::golden;
use crate::harness::Outcome;

crate::tests![
    every_letter_of_tcpdump_is_here_or_refused: "tcpdump",
    a_refused_letter_names_itself,
    checksums_are_not_verified_with_k,
    numbers_of_tcp_are_relative_without_s,
    quiet_lines_are_short,
    the_precision_of_times_and_files,
    interfaces_are_listed_by_every_command,
    the_program_for_a_file: "tcpdump",
    a_filter_runs_over_files: "tcpdump",
    a_filter_over_damaged_files_tells_what_came_before,
];

/// Letters and long names that `sniff` and `read` take together.
fn known() -> BTreeSet<String> {
    let definition = Cli::command();
    let mut known = BTreeSet::new();
    for name in ["sniff", "read"] {
        let command = definition.find_subcommand(name).unwrap();
        for argument in command.get_arguments() {
            known.extend(argument.get_short().map(|short| format!("-{short}")));
            let longs = argument.get_long().into_iter();
            let aliases = argument.get_all_aliases().unwrap_or_default();
            known.extend(longs.chain(aliases).map(|long| format!("--{long}")));
        }
    }
    known
}

fn every_letter_of_tcpdump_is_here_or_refused() -> Outcome {
    let dir = Dir::new("letters");
    let usage = dir.shell("tcpdump --help 2>&1")?.stdout;
    // `[-AbdDe...#]`, then `[ -B size ]` and `[ --count ]`.
    let mut letters = BTreeSet::new();
    for word in usage.split_whitespace() {
        let word = word.trim_start_matches('[').trim_end_matches(']');
        if let Some(long) = word.strip_prefix("--") {
            letters.insert(format!("--{long}"));
        } else if let Some(cluster) = word.strip_prefix('-') {
            letters.extend(cluster.chars().map(|letter| format!("-{letter}")));
        }
    }
    assert!(letters.len() > 50, "{usage}");
    let mut known = known();
    known.extend(peer::REFUSED.iter().map(|(name, ..)| (*name).to_owned()));
    // Every command of rawsock has its help; the version is `rawsock --version`.
    known.extend(["-h", "--version"].map(str::to_owned));
    let missing: Vec<_> = letters.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
    Ok(())
}

fn a_refused_letter_names_itself() -> Outcome {
    let dir = Dir::new("refused");
    let known = known();
    for (name, ..) in peer::REFUSED {
        assert!(!known.contains(*name), "{name} is here and refused");
        for command in ["read", "sniff"] {
            let ran = dir.shell(&format!("$RAWSOCK {command} -n {name} x.pcap"))?;
            assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
            let told = format!("rawsock: {name} of tcpdump is not here (");
            assert!(ran.stderr.starts_with(&told), "{ran:?}");
            assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
        }
    }
    // In a cluster, and with a value.
    for words in ["-nZ root", "-Zroot", "--relinquish-privileges=root"] {
        let ran = dir.shell(&format!("$RAWSOCK sniff {words}"))?;
        assert!(ran.stderr.contains(" of tcpdump is not here"), "{ran:?}");
    }
    Ok(())
}

/// A pcap file of raw IP with these golden captures.
fn raw(names: &[&str]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        file.extend(word.to_le_bytes());
    }
    for (second, name) in (1..).zip(names) {
        let golden = golden::all().into_iter().find(|one| one.name == *name);
        let bytes = golden.expect(name).bytes;
        let len = u32::try_from(bytes.len()).unwrap();
        for word in [second, 0, len, len] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend(bytes);
    }
    file
}

fn checksums_are_not_verified_with_k() -> Outcome {
    let dir = Dir::new("checksums");
    dir.write("a.pcap", &raw(&["bad_checksum"]));
    let ran = dir.read(&["a.pcap"])?;
    assert!(ran.stdout.contains("[checksum 0x"), "{}", ran.stdout);
    let ran = dir.read(&["a.pcap", "-K"])?;
    assert!(!ran.stdout.contains("checksum 0x"), "{}", ran.stdout);
    let ran = dir.read(&["a.pcap", "-K", "--json"])?;
    let packet: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(packet["problems"], serde_json::json!([]));
    let text = packet.to_string();
    assert!(text.contains("checksum.status\":2"), "{text}");
    Ok(())
}

fn numbers_of_tcp_are_relative_without_s() -> Outcome {
    let dir = Dir::new("relative");
    dir.write("a.pcap", &raw(&["http_request", "tls_alert"]));
    let ran = dir.read(&["a.pcap"])?;
    assert!(ran.stdout.contains(", seq 1, ack 1, win"), "{}", ran.stdout);
    let ran = dir.read(&[
        "a.pcap",
        "--where",
        "tcp.seq == 1 && tcp.seq_raw == 1000",
        "--json",
    ])?;
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    let ran = dir.read(&["a.pcap", "-S"])?;
    assert!(
        ran.stdout.contains(", seq 1000, ack 2000, win"),
        "{}",
        ran.stdout
    );
    Ok(())
}

fn quiet_lines_are_short() -> Outcome {
    let dir = Dir::new("quiet");
    dir.write("a.pcap", &raw(&["echo_request", "bad_checksum"]));
    let ran = dir.read(&["a.pcap", "-t", "-c", "1"])?;
    let long = "    1  IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id ";
    assert!(ran.stdout.starts_with(long), "{}", ran.stdout);
    let ran = dir.read(&["a.pcap", "-tq"])?;
    for (number, line) in (1..).zip(ran.stdout.lines()) {
        let start = format!("    {number}  IP 192.0.2.1 > 192.0.2.2: ICMP echo request, length ");
        let length = line.strip_prefix(&*start).ok_or(line)?;
        length.parse::<u32>()?;
    }
    assert_eq!(ran.stdout.lines().count(), 2);
    Ok(())
}

fn the_precision_of_times_and_files() -> Outcome {
    let dir = Dir::new("precision");
    dir.write("ns.pcap", &Pcap::new(Order::Little, 0xa1b2_3c4d).packets());
    let time = |flags: &[&str]| -> Result<String, Failed> {
        let ran = dir.read(&[&["ns.pcap", "-tt", "-c", "1"], flags].concat())?;
        let words = ran.stdout.split_whitespace().nth(1);
        Ok(words.unwrap_or_default().to_owned())
    };
    let (micro, nano) = ("1700000000.000123", "1700000000.000123456");
    assert_eq!(time(&[])?, micro);
    assert_eq!(time(&["--micro"])?, micro);
    assert_eq!(time(&["--time-stamp-precision", "micro"])?, micro);
    assert_eq!(time(&["--nano"])?, nano);
    assert_eq!(time(&["--time-stamp-precision=nano"])?, nano);
    let ran = dir.read(&["ns.pcap", "--nano", "--micro"])?;
    assert_eq!(ran.code, 2);
    let magic = |name: &str, flags: &[&str]| -> Result<Vec<u8>, Failed> {
        let ran = dir.read(&[&["ns.pcap", "-w", name], flags].concat())?;
        assert_eq!(ran.code, 0, "{ran:?}");
        Ok(std::fs::read(dir.path(name))?[..4].to_vec())
    };
    let (micro, nano) = (0xa1b2_c3d4_u32.to_le_bytes(), 0xa1b2_3c4d_u32.to_le_bytes());
    assert_eq!(magic("kept.pcap", &[])?, nano);
    assert_eq!(magic("micro.pcap", &["--micro"])?, micro);
    assert_eq!(magic("nano.pcap", &["--nano"])?, nano);
    Ok(())
}

fn interfaces_are_listed_by_every_command() -> Outcome {
    let dir = Dir::new("interfaces");
    for command in ["sniff", "read", "filter"] {
        let ran = dir.shell(&format!("$RAWSOCK {command} -D"))?;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains(".lo ["), "{ran:?}");
        let ran = dir.shell(&format!("$RAWSOCK {command} -D --json"))?;
        let mut objects = ran.stdout.lines().map(serde_json::from_str::<Value>);
        let lo = objects.find(|one| one.as_ref().is_ok_and(|one| one["name"] == "lo"));
        let lo = lo.ok_or("no lo")??;
        assert_eq!(
            (&lo["type"], &lo["index"]),
            (&"interface".into(), &1.into())
        );
    }
    Ok(())
}

fn the_program_for_a_file() -> Outcome {
    let dir = Dir::new("program");
    dir.write("raw.pcap", &raw(&["echo_request"]));
    dir.write("ether.pcap", &Pcap::new(Order::Big, 0xa1b2_c3d4).packets());
    dir.write("ether.pcapng", &Pcapng::new().enhanced_only(Order::Little));
    for file in ["raw.pcap", "ether.pcap", "ether.pcapng"] {
        for letter in ["-d", "-dd", "-ddd"] {
            let theirs = dir.must("tcpdump", &["-r", file, letter, "icmp"])?;
            let ran = dir.read(&[file, letter, "icmp"])?;
            assert_eq!(ran.stdout, theirs, "{file} {letter}");
        }
    }
    Ok(())
}

fn a_filter_runs_over_files() -> Outcome {
    let dir = Dir::new("run");
    let names = [
        "echo_request",
        "bad_checksum",
        "igmp_bad_checksum",
        "echo_request",
    ];
    dir.write("a.pcap", &raw(&names));
    dir.write("b.pcapng", &Pcapng::new().enhanced_only(Order::Big));
    let ran = dir.shell("$RAWSOCK filter icmp -r a.pcap -r b.pcapng")?;
    let told = "a.pcap: 1-2 4\na.pcap: 3 of 4 packets\nb.pcapng: none\nb.pcapng: 0 of ";
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with(told), "{ran:?}");
    let ran = dir.shell("$RAWSOCK filter --json 'not icmp' -r a.pcap")?;
    let object: Value = serde_json::from_str(&ran.stdout)?;
    let expected = serde_json::json!({
        "type": "filter_run", "file": "a.pcap", "expression": "not icmp",
        "numbers": [[3, 3]], "matches": 1, "packets": 4,
    });
    assert_eq!(object, expected);
    for filter in ["icmp", "igmp", "ip", "icmp[0] == 8", "greater 40"] {
        let theirs = dir.must("tcpdump", &["-r", "a.pcap", "--count", filter])?;
        let ran = dir.shell(&format!("$RAWSOCK filter '{filter}' -r a.pcap"))?;
        let theirs = theirs.split(' ').next().unwrap_or_default();
        let told = format!("a.pcap: {theirs} of 4 packets\n");
        assert!(ran.stdout.ends_with(&told), "{filter} {theirs}: {ran:?}");
    }
    // A pipe, and what cannot be asked together.
    let ran = dir.shell("$RAWSOCK filter icmp -r - <a.pcap")?;
    assert!(ran.stdout.ends_with("input: 3 of 4 packets\n"), "{ran:?}");
    for wrong in [
        "-d icmp -r a.pcap",
        "--live icmp -r a.pcap",
        "icmp -r no",
        "foo -r a.pcap",
    ] {
        let ran = dir.shell(&format!("$RAWSOCK filter {wrong}"))?;
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
    }
    let ran = dir.shell("$RAWSOCK filter icmp -r a.pcap >/dev/full")?;
    assert_eq!(ran.code, 74, "{ran:?}");
    Ok(())
}

fn a_filter_over_damaged_files_tells_what_came_before() -> Outcome {
    let dir = Dir::new("cut");
    let whole = raw(&["echo_request", "echo_request", "bad_checksum"]);
    dir.write("cut.pcap", &whole[..whole.len() - 3]);
    dir.write("whole.pcap", &whole);
    let ran = dir.shell("$RAWSOCK filter icmp -r cut.pcap -r whole.pcap")?;
    let told =
        "cut.pcap: 1-2\ncut.pcap: 2 of 2 packets\nwhole.pcap: 1-3\nwhole.pcap: 3 of 3 packets\n";
    assert_eq!((ran.code, &*ran.stdout), (1, told), "{ran:?}");
    assert!(ran.stderr.contains("cut short"), "{ran:?}");
    Ok(())
}
