//! `--fields` as Wireshark writes it, for every capture of `tests/golden`.

use std::fs;

use crate::dir::Dir;
use crate::harness::Outcome;
use crate::wireshark;

crate::tests![
    tables_are_tsharks: "tshark",
    tables_of_python_are_ours: "python3",
    a_header_and_wrong_keys,
];

const KEYS: &[&str] = &[
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "eth.src",
    "eth.addr",
    "ip.src",
    "ip.addr",
    "ip.ttl",
    "ip.id",
    "ip.flags.df",
    "ipv6.dst",
    "icmp.type",
    "icmp.seq",
    "igmp.maddr",
    "igmp.saddr",
    "icmpv6.type",
    "tcp.port",
    "tcp.flags",
    "tcp.option_kind",
    "udp.dstport",
    "arp.src.hw_mac",
    "data.data",
    "data.len",
];

/// Captures that Wireshark reads otherwise in these fields, with reasons in `tests/tshark.rs`.
const LEFT_OUT: &[&str] = &[
    "ethernet_length",
    "extended_echo_request",
    "first_fragment",
    "header_length_lies",
    "igmp_dvmrp",
    "igmp_rgmp",
    "igmp_router_advertisement",
    "loose_source_route",
    "option_overruns_header",
    "photuris",
    "raw_unknown_version",
    "security_options",
    "tls_middle",
    "unknown_type",
    "v6_lies",
    "v6_redirect",
];

fn golden(dir: &Dir) -> Result<(), libtest_mimic::Failed> {
    let captures = wireshark::of_first_protocols(LEFT_OUT);
    let file = wireshark::write_pcapng(&captures, "columns.pcapng");
    fs::copy(file, dir.path("golden.pcapng"))?;
    Ok(())
}

/// tshark writes hexadecimal numbers and truth values in forms of its own.
fn plain(cell: &str) -> String {
    let one = |value: &str| match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).map_or_else(|_| value.into(), |n| n.to_string()),
        None => match value {
            "True" | "true" => "1".to_owned(),
            "False" | "false" => "0".to_owned(),
            _ => value.to_owned(),
        },
    };
    let values: Vec<String> = cell.split(',').map(one).collect();
    values.join(",")
}

fn tables_are_tsharks() -> Outcome {
    let dir = Dir::new("columns");
    golden(&dir)?;
    let mut args = vec!["-n", "-r", "golden.pcapng", "-T", "fields"];
    args.extend(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    args.extend(KEYS.iter().flat_map(|key| ["-e", key]));
    let theirs = dir.must("tshark", &args)?;
    let ran = dir.read(&["golden.pcapng", "--tsv", "--fields", &KEYS.join(",")])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), theirs.lines().count());
    let mut cells = 0;
    for (ours, theirs) in ran.stdout.lines().zip(theirs.lines()) {
        let [ours, theirs] = [ours, theirs].map(|line| line.split('\t').map(plain));
        for ((key, ours), theirs) in KEYS.iter().zip(ours).zip(theirs) {
            assert_eq!(ours, theirs, "{key} in {}", ran.stdout);
            cells += usize::from(!ours.is_empty());
        }
    }
    assert!(cells > 500, "{cells} cells compared");
    Ok(())
}

/// A reader that we did not write finds the same cells in our CSV and in our tabs.
fn tables_of_python_are_ours() -> Outcome {
    let dir = Dir::new("python");
    golden(&dir)?;
    let list = KEYS.join(",");
    let csv = dir.read(&["golden.pcapng", "--header", "--fields", &list])?;
    let tsv = dir.read(&["golden.pcapng", "--header", "--tsv", "--fields", &list])?;
    dir.write("a.csv", csv.stdout.as_bytes());
    let script = "import csv\nfor row in csv.reader(open('a.csv', newline='')):\n \
                  print('\\t'.join(row))";
    let read = dir.must("python3", &["-c", script])?;
    assert_eq!(read, tsv.stdout);
    assert!(csv.stdout.contains('"'), "some cell needs quotes");
    Ok(())
}

fn a_header_and_wrong_keys() -> Outcome {
    let dir = Dir::new("header");
    golden(&dir)?;
    let args = [
        "golden.pcapng",
        "-c",
        "1",
        "--header",
        "--fields",
        "frame.number,frame.len",
    ];
    let ran = dir.read(&[&args[..], &["--separator", ";"]].concat())?;
    let mut lines = ran.stdout.lines();
    assert_eq!(lines.next(), Some("frame.number;frame.len"));
    assert_eq!(
        lines.next().and_then(|line| line.split(';').next()),
        Some("1")
    );
    let ran = dir.read(&["golden.pcapng", "--fields", "ip.src,ip.dts"])?;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("\n  ip.src,ip.dts\n         ^^^^^^\n"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`ip.dst`"), "{}", ran.stderr);
    let ran = dir.read(&["golden.pcapng", "--fields", "ip.src", "--separator", "\""])?;
    assert_eq!(ran.code, 2);
    Ok(())
}
