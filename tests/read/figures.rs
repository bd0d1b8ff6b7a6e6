//! `--stats` against Wireshark's `-z io,phs` and `-z conv`, and its limits.

use std::collections::BTreeMap;

use crate::dir::Dir;
use crate::harness::Outcome;
use crate::wireshark;

crate::tests![
    conversations_are_tsharks: "python3" "tshark",
    the_hierarchy_is_tsharks: "tshark",
    text_and_json_say_the_same: "python3",
    many_conversations_cost_little: "python3",
];

pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read/talk.py");

/// Two ends, the smaller first, and packets and bytes from each.
type Rows = BTreeMap<(String, String), [u64; 4]>;

fn lines(text: &str, kind: &str) -> Result<Vec<serde_json::Value>, libtest_mimic::Failed> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if line["type"] == kind {
            found.push(line);
        }
    }
    Ok(found)
}

fn row(ends: (String, String), forth: [u64; 2], back: [u64; 2], rows: &mut Rows) {
    let turned = ends.0 > ends.1;
    let (ends, forth, back) = if turned {
        ((ends.1, ends.0), back, forth)
    } else {
        (ends, forth, back)
    };
    // Wireshark gives a connection with ports of an earlier one a row of its own.
    let sum = rows.entry(ends).or_default();
    for (sum, more) in sum.iter_mut().zip([forth[0], forth[1], back[0], back[1]]) {
        *sum += more;
    }
}

fn tshark(dir: &Dir, kind: &str) -> Result<Rows, libtest_mimic::Failed> {
    let text = dir.must(
        "tshark",
        &["-n", "-q", "-r", "a.pcap", "-z", &format!("conv,{kind}")],
    )?;
    let mut rows = Rows::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A <-> B frames bytes "bytes" frames bytes "bytes" ...: first from B to A.
        if let [a, "<->", b, f1, b1, "bytes", f2, b2, "bytes", ..] = words[..] {
            let number = |text: &str| text.parse::<u64>();
            let back = [number(f1)?, number(b1)?];
            let forth = [number(f2)?, number(b2)?];
            row((a.to_owned(), b.to_owned()), forth, back, &mut rows);
        }
    }
    Ok(rows)
}

fn ours(dir: &Dir, kind: &str) -> Result<Rows, libtest_mimic::Failed> {
    let ran = dir.read(&["a.pcap", "--stats", "--json"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut rows = Rows::new();
    for line in lines(&ran.stdout, "conversation")? {
        let v6 = |address: &str| address.contains(':') && kind != "eth";
        let is_kind = match kind {
            "ip" => line["kind"] == "ip" && !v6(line["opener"].as_str().unwrap_or("")),
            "ipv6" => line["kind"] == "ip" && v6(line["opener"].as_str().unwrap_or("")),
            _ => line["kind"] == kind,
        };
        if !is_kind {
            continue;
        }
        let end = |name: &str| {
            let address = line[name].as_str().unwrap_or_default().to_owned();
            match line[format!("{name}_port")].as_u64() {
                Some(port) => format!("{address}:{port}"),
                None => address,
            }
        };
        let figures = |name: &str| {
            let one = &line[name];
            [&one["packets"], &one["bytes"]].map(|number| number.as_u64().unwrap_or(u64::MAX))
        };
        let ends = (end("opener"), end("other"));
        row(ends, figures("sent"), figures("received"), &mut rows);
    }
    Ok(rows)
}

fn conversations_are_tsharks() -> Outcome {
    let dir = Dir::new("stats");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    for (kind, count) in [("eth", 1), ("ip", 4), ("ipv6", 1), ("tcp", 3), ("udp", 2)] {
        let theirs = tshark(&dir, kind)?;
        assert_eq!(theirs.len(), count, "{kind}");
        assert_eq!(ours(&dir, kind)?, theirs, "{kind}");
    }
    Ok(())
}

fn the_hierarchy_is_tsharks() -> Outcome {
    let dir = Dir::new("phs");
    let but = [
        "header_length_lies",
        "igmp_dvmrp",
        "igmp_rgmp",
        "photuris",
        "v6_lies",
        "qinq",
        "ethernet_length",
        "tls_middle",
        "raw_unknown_version",
        "igmp_router_advertisement",
    ];
    let file = wireshark::write_pcapng(&wireshark::of_first_protocols(&but), "phs.pcapng");
    std::fs::copy(file, dir.path("a.pcapng"))?;
    let mut args = vec!["-n", "-q", "-r", "a.pcapng", "-z", "io,phs"];
    args.extend(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    let text = dir.must("tshark", &args)?;
    // What Wireshark files elsewhere in its own tree does not appear in its table: payload bytes.
    // Its root for raw IP is no protocol of ours, and "tapa" is its guess at some UDP payload.
    let guess = |name: &str| name.starts_with("_ws.") || name == "tapa";
    // It gives IGMP's types of PIM version 1 a protocol of their own.
    let same = |name: &str| {
        if name == "pim" {
            "igmp".to_owned()
        } else {
            name.to_owned()
        }
    };
    let known = |name: &str| !guess(name) && !matches!(name, "data" | "raw");
    let mut theirs = BTreeMap::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    for line in text.lines().filter(|line| line.contains(" frames:")) {
        let indent = line.len() - line.trim_start().len();
        let (name, figures) = line.trim().split_once(" frames:").ok_or("no frames")?;
        let (frames, bytes) = figures.split_once(" bytes:").ok_or("no bytes")?;
        path.retain(|(before, _)| *before < indent);
        path.push((indent, same(name.trim())));
        let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
        let shown = names
            .iter()
            .copied()
            .filter(|name| *name != "raw")
            .collect::<Vec<_>>();
        if known(name.trim()) {
            let sum: &mut [u64; 2] = theirs.entry(shown.join("/")).or_default();
            sum[0] += frames.parse::<u64>()?;
            sum[1] += bytes.parse::<u64>()?;
        }
    }
    let ran = dir.read(&["a.pcapng", "--no-defrag", "--stats", "--json"])?;
    let mut ours = BTreeMap::new();
    for line in lines(&ran.stdout, "protocol")? {
        let names = line["path"].as_array().ok_or("no path")?;
        let names: Vec<&str> = names.iter().filter_map(|name| name.as_str()).collect();
        if known(names.last().copied().unwrap_or_default()) {
            let figures = ["packets", "bytes"].map(|key| line[key].as_u64().unwrap_or(u64::MAX));
            ours.insert(names.join("/"), figures);
        }
    }
    assert!(ours.len() > 12, "{ours:?}");
    assert_eq!(ours, theirs);
    Ok(())
}

fn text_and_json_say_the_same() -> Outcome {
    let dir = Dir::new("text");
    dir.must("/usr/bin/python3", &[SCRIPT, "a.pcap"])?;
    let text = dir.read(&["a.pcap", "--stats"])?.stdout;
    let json = dir.read(&["a.pcap", "--stats", "--json"])?.stdout;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let number = |value: &serde_json::Value| value.to_string();
    for line in lines(&json, "conversation")? {
        let end = |name: &str| {
            let address = line[name].as_str().unwrap_or_default();
            match line[format!("{name}_port")].as_u64() {
                Some(port) if address.contains(':') => format!("[{address}]:{port}"),
                Some(port) => format!("{address}:{port}"),
                None => address.to_owned(),
            }
        };
        let (from, to) = (end("opener"), end("other"));
        let figures = [
            number(&line["sent"]["packets"]),
            number(&line["sent"]["bytes"]),
            number(&line["received"]["packets"]),
            number(&line["received"]["bytes"]),
        ];
        let found = rows.iter().any(|row| {
            let starts = row.starts_with(&[from.as_str(), ">", to.as_str()]);
            starts
                && row
                    .iter()
                    .skip(3)
                    .zip(&figures)
                    .all(|(cell, figure)| cell == figure)
        });
        assert!(found, "{line}: {text}");
    }
    // Only what was chosen counts.
    let ran = dir.read(&[
        "a.pcap", "--stats", "--json", "--where", "udp", "port", "53",
    ])?;
    assert_eq!(lines(&ran.stdout, "stats")?[0]["packets"], 1);
    assert_eq!(
        dir.read(&["a.pcap", "--stats", "tcp", "port", "1"])?.stdout,
        "no packets\n"
    );
    Ok(())
}

fn many_conversations_cost_little() -> Outcome {
    let dir = Dir::new("flows");
    let script = "import struct,sys\n\
        out = sys.stdout.buffer\n\
        out.write(struct.pack('<IIIIII', 0xa1b2c3d4, 0x40002, 0, 0, 262144, 101))\n\
        for n in range(200000):\n \
        ip = struct.pack('>BBHHHBBHII', 0x45, 0, 28, 0, 0, 64, 17, 0, 0x0a000000 + n, 1)\n \
        udp = struct.pack('>HHHH', 1, 2, 8, 0)\n \
        out.write(struct.pack('<IIII', 1700000000, 0, 28, 28) + ip + udp)\n";
    dir.write("flows.py", script.as_bytes());
    let line = "python3 flows.py > flows.pcap && ulimit -v 200000 && \
                timeout 120 $RAWSOCK read flows.pcap --stats";
    let ran = dir.shell(line)?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for line in [
        "\nIP conversations: 32768 kept, 167232 let go to make room\n",
        "\nUDP conversations: 32768 kept, 167232 let go to make room\n",
        "\nTop talkers: 32768 addresses kept, ",
        "\n  and 32748 more, which --json lists\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    Ok(())
}
