//! Captures and what each view makes of them: `NAME.hex` gives `.line`, `.tree` and `.json`.
//!
//! After a wanted change run with `RAWSOCK_UPDATE_GOLDEN=1`, and read the diff.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use rawsock::decode::{Decoder, PROTOS, Packet};
use rawsock::view::hex::render_hex;
use rawsock::view::line::{self, render_line};
use rawsock::view::packet_json::{About, render_json};
use rawsock::view::tree::{self, render_tree};

#[path = "golden/mod.rs"]
mod golden;

#[test]
fn every_view_of_every_capture_is_as_expected() {
    let update = std::env::var_os("RAWSOCK_UPDATE_GOLDEN").is_some();
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut wrong = String::new();
    for golden in golden::all() {
        let frame = golden.frame();
        decoder.decode(&frame, &mut packet);
        let (mut one, mut all, mut json) = (String::new(), String::new(), String::new());
        let style = line::Style {
            time: true,
            link: true,
            quiet: false,
        };
        render_line(&frame, &packet, style, &mut one);
        one.push('\n');
        let style = tree::Style {
            keys: true,
            ranges: true,
        };
        render_tree(&frame, &packet, style, &mut all);
        render_hex(frame.bytes, &mut all);
        render_json(&About::default(), &frame, &packet, &mut json);
        json.push('\n');
        for (view, text) in [("line", one), ("tree", all), ("json", json)] {
            let path = golden::directory().join(format!("{}.{view}", golden.name));
            if update {
                fs::write(&path, &text).expect("tests/golden is writable");
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if expected != text {
                let _ = write!(
                    wrong,
                    "\n{}.{view}\n--- expected\n{expected}--- is\n{text}",
                    golden.name
                );
            }
        }
    }
    assert!(wrong.is_empty(), "views differ:{wrong}");
}

#[test]
fn every_protocol_has_a_capture() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    let mut seen = HashSet::new();
    for golden in golden::all() {
        decoder.decode(&golden.frame(), &mut packet);
        seen.extend(packet.layers().iter().map(|layer| layer.proto.key));
    }
    for proto in PROTOS {
        assert!(
            seen.contains(proto.key),
            "no capture of {} in tests/golden",
            proto.key
        );
    }
}

#[test]
fn only_captures_that_are_about_it_have_problems() {
    let decoder = Decoder::new();
    let mut packet = Packet::new();
    for golden in golden::all() {
        decoder.decode(&golden.frame(), &mut packet);
        let keys: Vec<_> = packet
            .problems()
            .iter()
            .map(|problem| problem.key)
            .collect();
        let expected: &[&str] = match golden.name.as_str() {
            "bad_checksum" => &["icmp.checksum.bad"],
            "cut_capture" => &["truncated"],
            "dhcp_option_lies" => &["dhcp.option.length"],
            "dns_counts_lie" => &["dns.count"],
            "dns_pointer_loop" => &["dns.pointer"],
            "geneve_option_lies" => &["geneve.option.length"],
            "vxlan_no_vni" => &["vxlan.flags"],
            "igmp_bad_checksum" => &["igmp.checksum.bad"],
            "igmp_breaks_rules" => &[
                "igmp.maddr",
                "igmp.ttl",
                "igmp.router_alert",
                "igmp.dst",
                "igmp.reserved",
            ],
            "igmp_rgmp_breaks_rules" => &["igmp.ttl", "igmp.dst"],
            "igmp_router_no_alert" => &["igmp.router_alert"],
            "igmp_trailing" => &["igmp.trailing"],
            "v6_router_asked" => &["mld.router_alert"],
            "igmp_counts_lie" => &["igmp.num_src"],
            "mld_breaks_rules" => &[
                "mld.multicast_address",
                "mld.hop_limit",
                "mld.router_alert",
                "mld.source",
                "mld.dst",
            ],
            "length_lies" => &["ip.len.long"],
            "header_length_lies" => &["ip.checksum.bad", "ip.version", "ip.hdr_len", "ip.ttl.zero"],
            "option_overruns_header" => &["ip.opt.len"],
            "raw_unknown_version" => &["ip.version"],
            "v6_lies" => &["ipv6.version", "ipv6.plen", "ipv6.src.multicast"],
            "v6_renumbering_lies" => &["icmpv6.rr.oplength"],
            "v6_neighbor_advertisement" => &["ndp.hop_limit"],
            _ => &[],
        };
        assert_eq!(keys, expected, "{}: {:?}", golden.name, packet.problems());
    }
}
