//! Other programs read what we write, and we read what they write.

use std::fs;

use crate::build::{Order, Pcap, Pcapng};
use crate::dir::Dir;
use crate::harness::Outcome;

crate::tests![
    tshark_reads_what_we_write: "tshark" "capinfos",
    tcpdump_reads_what_we_write: "tcpdump",
    files_of_tcpdump_and_editcap_read_the_same: "tcpdump" "editcap" "tshark",
];

/// Number, time, captured and wire length, and bytes of each packet, as tshark tells them.
const FIELDS: &[&str] = &[
    "-T",
    "fields",
    "-e",
    "frame.number",
    "-e",
    "frame.time_epoch",
    "-e",
    "frame.cap_len",
    "-e",
    "frame.len",
    "-e",
    "frame.interface_name",
    "-e",
    "frame.comment",
];

fn tshark(dir: &Dir, file: &str) -> Result<String, libtest_mimic::Failed> {
    let told = dir.must("tshark", &[&["-n", "-r", file], FIELDS].concat())?;
    // Its word for a pcapng interface without a name.
    Ok(told.replace("\tunknown\t", "\t\t"))
}

/// The same of ours.
fn ours(dir: &Dir, file: &str) -> Result<String, libtest_mimic::Failed> {
    let ran = dir.read(&[file, "--json"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut text = String::new();
    for line in ran.stdout.lines() {
        let packet: serde_json::Value = serde_json::from_str(line)?;
        let time = packet["time"].as_str().unwrap_or_default();
        let time = chrono::DateTime::parse_from_rfc3339(time)?;
        let comments = packet["comments"].as_array().cloned().unwrap_or_default();
        let comments: Vec<&str> = comments.iter().filter_map(|c| c.as_str()).collect();
        let interface = packet["interface"].as_str().unwrap_or_default();
        let row = [
            packet["number"].to_string(),
            format!("{}.{:09}", time.timestamp(), time.timestamp_subsec_nanos()),
            packet["cap_len"].to_string(),
            packet["wire_len"].to_string(),
            interface.to_owned(),
            comments.join(","),
        ];
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    Ok(text)
}

fn tshark_reads_what_we_write() -> Outcome {
    let dir = Dir::new("tshark");
    dir.write("us.pcap", &Pcap::new(Order::Big, 0xa1b2_c3d4).packets());
    dir.write("ns.pcap", &Pcap::new(Order::Little, 0xa1b2_3c4d).packets());
    dir.write("old.pcap", &Pcap::with_version(Order::Little, 2).packets());
    dir.write("all.pcapng", &Pcapng::new().everything(Order::Big));
    let files = ["us.pcap", "ns.pcap", "all.pcapng"];
    let outputs = ["x.pcapng", "x.pcapng.gz", "x.pcap", "x.pcap.gz"];
    for from in files {
        for to in outputs {
            if from == "all.pcapng" && matches!(to, "x.pcap" | "x.pcap.gz") {
                // Two link types.
                continue;
            }
            let ran = dir.read(&[from, "-w", to, "--force"])?;
            assert_eq!(ran.code, 0, "{from} to {to}: {}", ran.stderr);
            assert_eq!(tshark(&dir, to)?, ours(&dir, to)?, "{from} to {to}");
            let infos = dir.must("capinfos", &["-c", "-M", "-T", "-r", to])?;
            let count = if from == "all.pcapng" { 5 } else { 3 };
            assert_eq!(infos.trim_end(), format!("{to}\t{count}"));
        }
    }
    // The names and the filter of the interfaces are there.
    dir.read(&["all.pcapng", "-w", "x.pcapng", "--force"])?;
    let infos = dir.must("capinfos", &["-I", "x.pcapng"])?;
    for line in ["Name = eth0", "Description = cable", "Filter string = icmp"] {
        assert!(infos.contains(line), "{line}: {infos}");
    }
    Ok(())
}

fn tcpdump_reads_what_we_write() -> Outcome {
    let dir = Dir::new("tcpdump");
    dir.write("a.pcap", &Pcap::new(Order::Little, 0xa1b2_c3d4).packets());
    let args = ["-n", "-tt", "-xx", "-r"];
    let expected = dir.must("tcpdump", &[&args[..], &["a.pcap"]].concat())?;
    for to in ["b.pcap", "b.pcapng"] {
        let ran = dir.read(&["a.pcap", "-w", to])?;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let told = dir.must("tcpdump", &[&args[..], &[to]].concat())?;
        assert_eq!(told, expected, "{to}");
    }
    // The same format back and forth is the same file, byte for byte, but for the snaplen.
    let (a, b) = (fs::read(dir.path("a.pcap"))?, fs::read(dir.path("b.pcap"))?);
    assert_eq!((&a[..16], &a[20..]), (&b[..16], &b[20..]));
    Ok(())
}

fn files_of_tcpdump_and_editcap_read_the_same() -> Outcome {
    let dir = Dir::new("theirs");
    dir.write("a.pcap", &Pcap::new(Order::Big, 0xa1b2_c3d4).packets());
    dir.must("tcpdump", &["-r", "a.pcap", "-w", "b.pcap"])?;
    // modpcap: Kuznetzov's records; rh6_1pcap and suse6_3pcap: what Linux distributions of 1999
    // made of them, which nothing in the file tells apart, is left out.
    let forms = ["pcap", "nsecpcap", "pcapng", "modpcap"];
    for form in forms {
        let to = format!("c.{form}");
        dir.must("editcap", &["-F", form, "a.pcap", &to])?;
        assert_eq!(tshark(&dir, &to)?, ours(&dir, &to)?, "{form}");
    }
    assert_eq!(tshark(&dir, "b.pcap")?, ours(&dir, "b.pcap")?);
    Ok(())
}
