//! Fragments of scapy, put together by us and by Wireshark.

use crate::dir::Dir;
use crate::harness::Outcome;

crate::tests![
    the_datagrams_are_tsharks: "python3" "tshark",
    fragments_stay_fragments_where_that_is_wanted: "python3" "tshark",
    many_lone_fragments_cost_little: "python3",
];

const KEYS: &[&str] = &[
    "ip.id",
    "ip.fragment",
    "ip.fragment.count",
    "ip.reassembled.length",
    "ipv6.fragment",
    "ipv6.fragment.count",
    "ipv6.reassembled.length",
    "udp.srcport",
    "udp.length",
    "udp.checksum.status",
    "dns.qry.name",
    "dns.count.answers",
    "icmp.seq",
    "icmp.checksum.status",
    "icmpv6.echo.sequence_number",
    "icmpv6.checksum.status",
];

/// Run by the system's Python, which is the one that Debian's scapy belongs to.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read/fragments.py");

fn compare(dir: &Dir, defragment: &str, ours: &[&str]) -> Result<String, libtest_mimic::Failed> {
    let mut args = vec!["-n", "-r", "f.pcap", "-T", "fields"];
    let options = [
        format!("ip.defragment:{defragment}"),
        format!("ipv6.defragment:{defragment}"),
        "udp.check_checksum:TRUE".into(),
    ];
    args.extend(options.iter().flat_map(|option| ["-o", option]));
    args.extend(KEYS.iter().flat_map(|key| ["-e", key]));
    let theirs = dir.must("tshark", &args)?;
    let list = KEYS.join(",");
    let args = [&["f.pcap", "--tsv", "--fields", &list], ours].concat();
    let ran = dir.read(&args)?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let plain = |cell: &str| match cell.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).map_or_else(|_| cell.into(), |n| n.to_string()),
        None => cell.to_owned(),
    };
    let lines = ran.stdout.lines().zip(theirs.lines()).enumerate();
    for (index, (ours, theirs)) in lines {
        let cells = ours.split('\t').zip(theirs.split('\t'));
        let mut whole = false;
        for (key, (ours, theirs)) in KEYS.iter().zip(cells) {
            whole |= key.ends_with("reassembled.length") && !ours.is_empty();
            if !key.starts_with("ip") && !whole {
                // The first fragment has the next header: we show it, Wireshark waits for the rest.
                continue;
            }
            // Packet 17 is a copy of packet 16: Wireshark counts it as a part.
            let theirs = match (*key, theirs) {
                ("ip.fragment", "16,17,18") => "16,18",
                ("ip.fragment.count", "3") if index == 17 => "2",
                _ => theirs,
            };
            assert_eq!(plain(ours), plain(theirs), "{key} of packet {}", index + 1);
        }
    }
    assert_eq!(ran.stdout.lines().count(), theirs.lines().count());
    Ok(ran.stderr)
}

fn the_datagrams_are_tsharks() -> Outcome {
    let dir = Dir::new("fragments");
    dir.must("/usr/bin/python3", &[SCRIPT, "f.pcap"])?;
    let told = compare(&dir, "TRUE", &[])?;
    assert!(
        told.contains(" made 5 datagrams; not whole: 1 incomplete at the end\n"),
        "{told}"
    );
    // The bytes of a field in a datagram are the datagram's, in every view.
    let ran = dir.read(&[
        "f.pcap",
        "--json",
        "--where",
        "icmp.seq == 7 && ip.fragment",
    ])?;
    let packet: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    let layers = packet["layers"].as_array().ok_or("no layers")?;
    let data = layers
        .iter()
        .find(|layer| layer["proto"] == "data")
        .ok_or("no data")?;
    assert_eq!(data["fields"]["data.data"], "65".repeat(2000));
    assert_eq!(data["reassembled"], 1);
    let ran = dir.read(&[
        "f.pcap",
        "-x",
        "--where",
        "data contains 65:65:65 && ip.fragment",
    ])?;
    assert!(
        ran.stdout
            .contains("\treassembled: 2008 bytes\n\t0x0000:  0800 "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\t0x07d0:  6565 6565 6565 6565\n"),
        "{}",
        ran.stdout
    );
    Ok(())
}

fn fragments_stay_fragments_where_that_is_wanted() -> Outcome {
    let dir = Dir::new("no-defrag");
    dir.must("/usr/bin/python3", &[SCRIPT, "f.pcap"])?;
    let args = [
        "f.pcap",
        "--no-defrag",
        "--count",
        "--where",
        "ip.fragment.count",
    ];
    assert_eq!(dir.read(&args)?.stdout, "0 packets\n");
    Ok(())
}

/// Each is the first part of another datagram: 200,000 of them took another tool two minutes.
fn many_lone_fragments_cost_little() -> Outcome {
    let dir = Dir::new("lone");
    let script = "import struct,sys\n\
        out = sys.stdout.buffer\n\
        out.write(struct.pack('<IIIIII', 0xa1b2c3d4, 0x40002, 0, 0, 262144, 101))\n\
        for n in range(200000):\n \
        ip = struct.pack('>BBHHHBBHII', 0x45, 0, 44, n & 0xffff, 0x2000, 64, 17, 0, n, 1)\n \
        out.write(struct.pack('<IIII', 1700000000 + n // 100000, 0, 44, 44) + ip + bytes(24))\n";
    dir.write("lone.py", script.as_bytes());
    // 200 MB of address space hold program, stacks and tables, and would not hold all fragments.
    let line = "python3 lone.py > lone.pcap && ulimit -v 200000 && \
                timeout 120 $RAWSOCK read lone.pcap --count --where udp.srcport==1";
    let ran = dir.shell(line)?;
    assert_eq!(
        (ran.code, &*ran.stdout),
        (0, "0 packets\n"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("200000 fragments made 0 datagrams; not whole: 4096"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("195904 let go to make room"),
        "{}",
        ran.stderr
    );
    Ok(())
}
