//! `--follow` against Wireshark's `-z follow`, and `--explain`.

use std::fs;

use crate::dir::Dir;
use crate::figures::SCRIPT;
use crate::harness::Outcome;

crate::tests![
    bytes_are_tsharks: "python3" "tshark",
    each_form_says_what_is_missing_and_what_came_again: "python3",
    numbers_that_are_not_there: "python3",
    a_packet_is_explained_field_by_field: "python3",
];

/// What tshark gives for each node, and the name of node 0.
fn tshark(
    dir: &Dir,
    kind: &str,
    number: u32,
) -> Result<(String, [Vec<u8>; 2]), libtest_mimic::Failed> {
    let follow = format!("follow,{kind},raw,{number}");
    let text = dir.must("tshark", &["-n", "-q", "-r", "a.pcap", "-z", &follow])?;
    let mut nodes = [Vec::new(), Vec::new()];
    let first = text
        .lines()
        .find_map(|line| line.strip_prefix("Node 0: "))
        .ok_or("no node 0")?;
    let data = text
        .lines()
        .skip_while(|line| !line.starts_with("Node 1: "))
        .skip(1);
    for line in data.take_while(|line| !line.starts_with("====")) {
        let node = usize::from(line.starts_with('\t'));
        let digits = line.trim();
        for at in (0..digits.len()).step_by(2) {
            nodes[node].push(u8::from_str_radix(&digits[at..at + 2], 16)?);
        }
    }
    Ok((first.to_owned(), nodes))
}

fn raw(dir: &Dir, kind: &str, number: u32, way: &str) -> Result<Vec<u8>, libtest_mimic::Failed> {
    let line = format!(
        "$RAWSOCK read a.pcap --follow {kind} {number} --follow-as raw --follow-way {way} > out"
    );
    let ran = dir.shell(&line)?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    Ok(fs::read(dir.path("out"))?)
}

fn bytes_are_tsharks() -> Outcome {
    let dir = Dir::new("follow");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    let all = [("tcp", 0), ("tcp", 2), ("tcp", 3), ("udp", 0), ("udp", 1)];
    for (kind, number) in all {
        let (first, [node0, node1]) = tshark(&dir, kind, number)?;
        let said = dir
            .read(&["a.pcap", "--follow", kind, &number.to_string()])?
            .stderr;
        let ours_first = said.contains(&format!("conversation {number}: {first} > "));
        let ways = if ours_first {
            ["first", "other"]
        } else {
            ["other", "first"]
        };
        assert_eq!(raw(&dir, kind, number, ways[0])?, node0, "{kind} {number}");
        assert_eq!(raw(&dir, kind, number, ways[1])?, node1, "{kind} {number}");
        assert!(!node0.is_empty() || !node1.is_empty());
    }
    // It puts a remark among the bytes where some are missing.
    let (_, [node0, _]) = tshark(&dir, "tcp", 1)?;
    let text = String::from_utf8_lossy(&node0).into_owned();
    assert!(text.starts_with("first part, [20 bytes missing"), "{text}");
    assert_eq!(raw(&dir, "tcp", 1, "first")?, b"first part, third part");
    Ok(())
}

fn each_form_says_what_is_missing_and_what_came_again() -> Outcome {
    let dir = Dir::new("forms");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    let ran = dir.read(&["a.pcap", "--follow", "tcp", "0"])?;
    assert_eq!(
        ran.stdout,
        "10.0.0.1:40000 > 10.0.0.2:8080\n  GET / HTTP/1.0\n  \n10.0.0.2:8080 > 10.0.0.1:40000\n  \
         HTTP/1.0 200 OK\n  A: b\n  \\x1b[31mred\\x1b[0m \\xff\n"
    );
    let told = "tcp conversation 0: 10.0.0.1:40000 > 10.0.0.2:8080; sent 18 bytes in 1 packet; \
                received 37 bytes in 4 packets (6 bytes sent again, left out, 1 packet too early, \
                put in order)\n";
    assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
    let ran = dir.read(&["a.pcap", "--follow", "tcp", "1"])?;
    assert_eq!(
        ran.stdout,
        "[2001:db8::1]:40001 > [2001:db8::2]:9\n  first part, \n\
         -- 20 bytes missing: sent, but not captured\n  third part\n\
         [2001:db8::2]:9 > [2001:db8::1]:40001\n  ok\n"
    );
    assert!(
        ran.stderr
            .contains("(1 packet too early, put in order, 20 bytes missing)"),
        "{}",
        ran.stderr
    );
    let ran = dir.read(&["a.pcap", "--follow", "udp", "0", "--follow-as", "hex"])?;
    assert_eq!(
        ran.stdout,
        "10.0.0.1:5000 > 10.0.0.9:7\n  0x0000:  6563 686f 206d 65                        echo me\n\
         10.0.0.9:7 > 10.0.0.1:5000\n  0x0000:  6563 686f 206d 65                        echo me\n\
         10.0.0.1:5000 > 10.0.0.9:7\n  0x0007:  6d6f 7265                                more\n"
    );
    let ran = dir.read(&["a.pcap", "--follow", "tcp", "1", "--json"])?;
    let pieces: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let kinds: Vec<&str> = pieces
        .iter()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert_eq!(kinds, ["data", "missing", "data", "data"]);
    assert_eq!(pieces[1]["len"], 20);
    assert_eq!(
        (&pieces[2]["at"], &pieces[2]["bytes"]),
        (&32.into(), &"746869726420706172 74".replace(' ', "").into())
    );
    Ok(())
}

fn numbers_that_are_not_there() -> Outcome {
    let dir = Dir::new("nowhere");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    let ran = dir.read(&["a.pcap", "--follow", "tcp", "9"])?;
    assert!(
        ran.stderr
            .ends_with("there is no tcp conversation 9 here: the last one is 3\n"),
        "{}",
        ran.stderr
    );
    let ran = dir.read(&["a.pcap", "--explain", "999"])?;
    assert!(
        ran.stderr
            .ends_with("the packet to explain is not among these\n"),
        "{}",
        ran.stderr
    );
    for wrong in [&["sctp", "0"], &["tcp", "x"]] {
        let ran = dir.read(&[&["a.pcap", "--follow"], &wrong[..]].concat())?;
        assert_eq!(ran.code, 2);
    }
    Ok(())
}

fn a_packet_is_explained_field_by_field() -> Outcome {
    let dir = Dir::new("explain");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    let ran = dir.read(&["a.pcap", "--explain", "2"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in [
        "Packet 2: 54 bytes\n\nEthernet",
        "\nInternet Protocol version 4 (RFC 791): bytes 14..34\n",
        "\n  Time to live: 64  {ip.ttl} [22..23]\n      How many more routers may pass it on",
        "(RFC 791 3.1)\n",
        "\n    SYN: set  {tcp.flags.syn} [47..48]\n        Opens a connection. (RFC 9293 3.1)\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("Packet 3"));
    // As many explanations as the tree has fields.
    let tree = dir.read(&["a.pcap", "--tree", "-c", "2"])?.stdout;
    let tree = &tree[tree.rfind("Frame: ").ok_or("no second packet")?..];
    let fields = tree
        .lines()
        .filter(|line| line.starts_with("    ") && line.contains('{'))
        .count();
    assert_eq!(ran.stdout.matches("  {").count(), fields);
    Ok(())
}
