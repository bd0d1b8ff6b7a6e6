//! Display filters against Wireshark's: the same expression chooses the same captures of
//! `tests/golden`. Where the languages differ the table has both spellings.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use rawsock::decode::{Decoder, Packet};
use rawsock::display::{Seen, Where};

#[path = "golden/mod.rs"]
mod golden;
#[path = "golden/oracle.rs"]
mod oracle;

/// Expressions that mean the same in both.
const SAME: &[&str] = &[
    "icmp",
    "igmp",
    "icmpv6",
    "ip && !icmp",
    "not ip",
    "vlan",
    "tcp || udp",
    "icmp.type == 8",
    "icmp.type eq 8 and ip.ttl gt 5",
    "icmp.type != 8",
    "icmp.type !== 8",
    "ip.ttl === 64",
    "ip.ttl != 64",
    "!(ip.ttl == 64)",
    "icmp.type > 8",
    "icmp.type >= 8 && icmp.type <= 12",
    "icmp.type lt 8",
    "ip.ttl == 0x01",
    "ip.ttl in {1 .. 64}",
    "igmp.type in {17, 22, 34}",
    "not igmp.type in {17, 22}",
    "ip.src == 192.0.2.1",
    "ip.src == 192.0.2.0/24",
    "ip.dst == 224.0.0.0/4",
    "ip.addr == 203.0.113.9",
    "ip.addr != 203.0.113.9",
    "ip.addr !== 203.0.113.9",
    "ip.src > 192.0.2.1",
    "ip.src == ip.dst",
    "ip.src in {10.0.0.0 .. 200.0.0.0}",
    "ipv6.dst == ff00::/8",
    "ipv6.addr == fe80::/10",
    "ipv6.dst == ff02::16",
    "eth.src == 02:00:00:00:00:01",
    "eth.addr == ff:ff:ff:ff:ff:ff",
    "eth.dst[0] == 33",
    "eth.dst[0:2] == 33:33",
    "eth.dst[0-1] == 01:00",
    "eth.dst[-2:2] == ff:ff",
    "eth.src[3:] == 00:00:01",
    "tcp.port == 443",
    "tcp.port != 443",
    "tcp.dstport == tcp.srcport",
    "udp.dstport == 33434",
    "udp.srcport < udp.dstport",
    "tcp.flags & 0x02",
    "tcp.flags & 0x12 == 0x02",
    "tcp.flags.syn == 1",
    "tcp.options.mss_val == 1460",
    "ip.flags.df == 1",
    "ip.frag_offset > 0 || ip.flags.mf == 1",
    "data.data contains \"abc\"",
    "data contains 61:62",
    "icmp contains \"\\x61\\x62\"",
    "frame contains 02:00:00",
    "ip[9] == 01",
    "ip[8:2] == 40:01",
    "icmp.ext",
    "icmp.mpls.label == 24001",
    "igmp.maddr == 224.0.0.251",
    "igmp.record_type",
    "igmp.saddr",
    "icmpv6.type == 143",
    "icmpv6.nd.ns.target_address",
    "icmpv6.opt.type == 1",
    "arp.opcode == 1",
    "arp.src.proto_ipv4 == 192.0.2.1",
    "frame.len < 60",
    "frame.len != frame.cap_len",
    "frame.number in {1, 5, 10 .. 20}",
    "frame.time_epoch >= 20 && frame.time_epoch < 30.5",
    "icmp or igmp and ip.ttl == 64",
    "(icmp or igmp) and ip.ttl == 64",
    "!icmp && !(igmp) && ip",
];

/// Ours, theirs, and why they are spelled otherwise.
const OTHER: &[(&str, &str, &str)] = &[
    (
        "tcp.flags.syn",
        "tcp.flags.syn == 1",
        "a flag alone asks whether it is set",
    ),
    (
        "ip.flags.df",
        "ip.flags.df == 1",
        "a flag alone asks whether it is set",
    ),
    (
        "not tcp.flags.ack",
        "not tcp.flags.ack == 1",
        "a flag alone asks whether it is set",
    ),
    (
        "udp xor icmp",
        "(udp or icmp) and not (udp and icmp)",
        "Wireshark 4.0 has no xor yet",
    ),
    (
        "8 == icmp.type",
        "icmp.type == 8",
        "a value may stand first",
    ),
    (
        "3 < icmp.type < 12",
        "icmp.type > 3 && icmp.type < 12",
        "a value may stand first",
    ),
    (
        "tcp.flags bitand 0x18",
        "tcp.flags & 0x18",
        "newer Wiresharks have the word",
    ),
    (
        "tcp.flags.syn == true and tcp.flags.ack == false",
        "tcp.flags.syn == 1 and tcp.flags.ack == 0",
        "older Wiresharks want True and False in capitals, or a number",
    ),
    (
        "ip.proto == ICMP",
        "ip.proto == \"ICMP\"",
        "names of values need no quotes",
    ),
    (
        "ip.proto == tcp",
        "ip.proto == 6",
        "names of values need no quotes",
    ),
];

/// Captures, by how their names begin, that Wireshark reads otherwise: see `tests/agree.rs`.
const LEFT_OUT: &[&str] = &[
    "header_length_lies",
    "igmp_dvmrp",
    "igmp_pim1",
    "igmp_rgmp",
    "loose_source_route",
    "photuris",
    "v6_lies",
];

#[test]
fn the_same_captures_are_chosen() {
    if oracle::tshark().is_none() {
        return;
    }
    let mut captures = oracle::of_first_protocols(LEFT_OUT);
    // The table's last interval also counts a packet at its end: that is the last one once more.
    let last = |one: &golden::Golden| one.name == captures[captures.len() - 1].name;
    let again = oracle::of_first_protocols(LEFT_OUT)
        .into_iter()
        .find(|one| last(one));
    captures.extend(again);
    let file = oracle::write_pcapng(&captures, "display.pcapng");
    let pairs: Vec<(&str, &str)> = SAME
        .iter()
        .map(|text| (*text, *text))
        .chain(OTHER.iter().map(|(ours, theirs, _)| (*ours, *theirs)))
        .collect();
    captures.pop();
    let theirs = tshark_chooses(&file, &pairs, captures.len());
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut wrong = String::new();
    let mut empty = 0;
    for ((ours, _), theirs) in pairs.iter().zip(theirs) {
        let compiled = match Where::compile(ours, &decoder) {
            Ok(compiled) => compiled,
            Err(fault) => {
                let _ = writeln!(wrong, "{ours}: {}", fault.message);
                continue;
            }
        };
        let mut chosen = BTreeSet::new();
        for (index, capture) in captures.iter().enumerate() {
            let mut frame = capture.frame();
            frame.at =
                rawsock::event::Timestamp(i64::try_from(index).expect("small") * 1_000_000_000);
            decoder.decode(&frame, &mut packet);
            let seen = Seen {
                number: index as u64 + 1,
                ..Seen::new(&frame, &packet)
            };
            if compiled.matches(&seen) {
                chosen.insert(index);
            }
        }
        empty += usize::from(chosen.is_empty());
        let names = |only: &BTreeSet<usize>, other: &BTreeSet<usize>| -> Vec<&str> {
            let names = only.difference(other);
            names.map(|index| captures[*index].name.as_str()).collect()
        };
        let (more, less) = (names(&chosen, &theirs), names(&theirs, &chosen));
        if !more.is_empty() || !less.is_empty() {
            let _ = writeln!(
                wrong,
                "{ours}: we choose {more:?} and Wireshark does not; it {less:?}, and we do not"
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(
        empty * 4 < pairs.len(),
        "{empty} expressions choose nothing"
    );
}

/// What tshark chooses: packet numbers from 0, for each pair's second expression. One run counts
/// all in intervals of a second, which hold one packet each; `-z io,stat` splits its argument at
/// commas, so an expression with one gets a run of its own.
fn tshark_chooses(
    file: &std::path::Path,
    pairs: &[(&str, &str)],
    packets: usize,
) -> Vec<BTreeSet<usize>> {
    let (alone, together): (Vec<_>, Vec<_>) = pairs
        .iter()
        .map(|(_, theirs)| *theirs)
        .enumerate()
        .partition(|(_, theirs)| theirs.contains(','));
    let mut chosen = vec![BTreeSet::new(); pairs.len()];
    for (index, text) in alone {
        let mut command = tshark(file);
        command.args(["-Y", text, "-T", "fields", "-e", "frame.number"]);
        let output = oracle::run(command);
        let numbers = output.lines().map(str::parse::<usize>);
        let numbers = numbers.map(|number| number.expect("a number") - 1);
        chosen[index].extend(numbers.filter(|number| *number < packets));
    }
    let texts: Vec<&str> = together.iter().map(|(_, text)| *text).collect();
    let mut command = tshark(file);
    command.args(["-q", "-z", &format!("io,stat,1,{}", texts.join(","))]);
    let output = oracle::run(command);
    let mut rows = 0;
    // | 12 <> 13 | frames | bytes | frames | bytes ...
    for line in output.lines().filter(|line| line.contains(" <> ")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let from = cells.next().and_then(|cell| cell.split(" <> ").next());
        let second: usize = from.expect("an interval").parse().expect("a number");
        let counts: Vec<&str> = cells.step_by(2).collect();
        assert_eq!(counts.len(), together.len(), "{line}");
        rows += 1;
        for ((index, _), count) in together.iter().zip(counts) {
            if count != "0" {
                chosen[*index].insert(second);
            }
        }
    }
    assert_eq!(rows, packets, "one row a packet");
    chosen
}

fn tshark(file: &std::path::Path) -> Command {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file);
    // A fragment stays a fragment, as with us.
    command.args(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    command
}
