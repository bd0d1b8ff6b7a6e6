//! Our filters against libpcap's: both programs of every expression, over the same packets, must
//! select the same ones. tcpdump prints libpcap's programs; our interpreter runs both. It takes
//! also libpcap's loops (`protochain`), which the kernel does not.

#[path = "filter/mod.rs"]
mod common;

use rawsock::filter::{self, Link, View, interp};

use common::corpus;
use common::support::{self, names, tcpdump};

const EXPRESSIONS: &str = include_str!("filter/expressions.txt");

/// Packets on which we differ knowingly: libpcap steps over an authentication header to a wrong
/// place, and over a fragment header as if its reserved byte were a length; we follow at most six
/// headers.
fn left_out(expression: &str, link: Link, packet: &corpus::Packet) -> bool {
    if !expression.contains("protochain") {
        return false;
    }
    let start = if link == Link::Ethernet { 14 } else { 0 };
    let ip = packet.bytes.get(start..).unwrap_or_default();
    let (mut number, mut at) = (ip.get(6).copied(), 40);
    for _ in 0..6 {
        match number {
            Some(0 | 43 | 60) => {
                number = ip.get(at).copied();
                at += (usize::from(ip.get(at + 1).copied().unwrap_or(0)) + 1) * 8;
            }
            Some(44 | 51) => return true,
            _ => return ip.get(9) == Some(&51),
        }
    }
    true
}

#[test]
fn every_expression_selects_what_libpcap_selects() {
    if !support::have_tcpdump() {
        return;
    }
    let names = names();
    let mut links: Vec<Link> = Vec::new();
    let mut packets = std::collections::HashMap::new();
    let mut expressions = std::collections::HashSet::new();
    let (mut compared, mut reordered) = (0_u64, 0_u64);
    let mut lengths = (0, 0);
    let mut faults = Vec::new();
    for line in EXPRESSIONS.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(list) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let of_name = |name| Link::of_name(name).unwrap();
            links = list.split_whitespace().map(of_name).collect();
            continue;
        }
        expressions.insert(line);
        // Elsewhere than in CI, each line is tried on Ethernet and one more link, in turn.
        let turn = expressions.len() % links.len();
        for (at, link) in links.iter().enumerate() {
            if at != 0 && at != turn && !support::thorough() {
                continue;
            }
            let mut options = filter::Options::new(*link);
            options.pcap_compat = true;
            options.netmask = Some(0);
            let ours = filter::compile(line, &options, &names);
            let theirs = tcpdump(*link, line, true);
            let (ours, theirs) = match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                // A program that selects nothing: tcpdump prints none.
                (Ok(ours), Err(why)) if why.contains("rejects all packets") => {
                    assert!(ours.rejects_all(), "{line} on {link}: {why}");
                    continue;
                }
                (Err(_), Err(_)) => continue,
                (ours, theirs) => {
                    let ours = ours.map(|_| ()).map_err(|e| e.to_string());
                    let theirs = theirs.map(|_| ());
                    faults.push(format!("{line} on {link}: {ours:?}, tcpdump {theirs:?}"));
                    continue;
                }
            };
            // A longer program for the same is a graph that was not simplified. Header chains, which
            // libpcap loops over, are left out.
            if *link == Link::Ethernet && !line.contains("protochain") {
                lengths.0 += ours.insns().len();
                lengths.1 += theirs.len();
            }
            let mut plain = None;
            let all = packets
                .entry(*link)
                .or_insert_with(|| corpus::packets(*link, 1, 3));
            for packet in all.iter() {
                if left_out(line, *link, packet) {
                    continue;
                }
                let view = View {
                    wire_len: packet.wire_len,
                    packet_type: Some(if packet.wire_len % 2 == 0 { 4 } else { 0 }),
                    ..View::new(&packet.bytes)
                };
                compared += 1;
                let we = ours.matches(&view);
                let they = interp::run(&theirs, &view) != 0;
                if we == they {
                    continue;
                }
                // libpcap's optimiser reorders tests, which shows if one of them reads outside of
                // the packet. Then its program without the optimiser decides.
                let plain = plain.get_or_insert_with(|| tcpdump(*link, line, false).unwrap());
                let unoptimised = interp::run(plain, &view) != 0;
                if we == unoptimised {
                    reordered += 1;
                    continue;
                }
                faults.push(format!(
                    "{line} on {link}: we {we}, libpcap {they}: {}",
                    support::hex(&packet.bytes)
                ));
                break;
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(
        expressions.len() >= 150,
        "only {} expressions",
        expressions.len()
    );
    let (ours, theirs) = lengths;
    assert!(
        ours * 100 < theirs * 108,
        "{ours} instructions, libpcap {theirs}"
    );
    // A handful of cut packets, or something else is going on.
    assert!(reordered * 10_000 < compared, "{reordered} of {compared}");
}

#[test]
fn programs_are_printed_as_tcpdump_prints_them() {
    if !support::have_tcpdump() {
        return;
    }
    for text in [
        "tcp port 80 and host 10.0.0.1",
        "inbound and ifindex 3",
        "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
        "ip[ip[0] & 15] * 3 / ip[1] - 7 + 5 | 1 > len",
        "ip[8] % 5 = 1 or ip[8] ^ 3 = 1 or ip[8] >> 3 = ip[9] << 1",
        "-ip[8] < 1 << ip[9] or ip[2:2] - 1 >= 3",
        "ip protochain 6 or ip6 protochain 17",
        "geneve 5 and ether multicast",
        "net 128.0.0.0/1 or ether[5000] & 3 != 0",
    ] {
        let program = tcpdump(Link::Ethernet, text, true).unwrap();
        let dumped = |option| support::dump(Link::Ethernet, text, option);
        assert_eq!(filter::print::assembly(&program), dumped("-d"), "{text}");
        assert_eq!(filter::print::c_array(&program), dumped("-dd"), "{text}");
        assert_eq!(filter::print::decimal(&program), dumped("-ddd"), "{text}");
    }
}
