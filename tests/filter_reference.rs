//! Compiled filters against a plain evaluation of the syntax tree, packet by packet: our own
//! meaning, libpcap's, and live capture with the VLAN tag beside the frame.

#[path = "filter/mod.rs"]
mod common;

use rawsock::filter::{self, Link, Options, Table, Target, View};

use common::build::Random;
use common::corpus::{self, Packet};
use common::reference::{Reference, has_tunnel};
use common::{generate, support};

/// Compiles and compares; false if the expression does not compile for this link.
fn agree(text: &str, options: &Options, names: &Table, packets: &[Packet]) -> bool {
    let Ok(Some(expr)) = filter::parse(text, names, options.pcap_compat) else {
        panic!(
            "cannot parse {text}: {:?}",
            filter::parse(text, names, options.pcap_compat)
        );
    };
    let program = match filter::compile_ast(&expr, options) {
        Ok(program) => program,
        Err(err) => {
            assert!(!err.message.contains("bad program"), "{text}: {err}");
            return false;
        }
    };
    assert_eq!(filter::insn::check(program.insns()), Ok(()), "{text}");
    let tunnels = expr.rest.iter().any(|(_, t)| has_tunnel(t)) || has_tunnel(&expr.first);
    for packet in packets {
        let mut view = View {
            wire_len: packet.wire_len,
            packet_type: Some((packet.wire_len % 5) as u8),
            ifindex: Some(packet.wire_len % 3),
            ..View::new(&packet.bytes)
        };
        let tci = packet.wire_len % 9;
        if options.target == Target::Live && tci < 8 {
            view.vlan = Some((0xa000 | tci as u16, 0x8100));
        }
        let reference = Reference {
            options,
            packet: view,
        };
        let want = reference.matches(&expr);
        let got = program.matches(&view);
        // Ways through tunnels are tried in another order, which only a cut packet can tell.
        let cut = tunnels && packet.bytes.len() < packet.wire_len as usize;
        assert!(
            got == want || cut,
            "{text} on {}, compat {}: program {got}, reference {want}: {}\n{}",
            options.link,
            options.pcap_compat,
            support::hex(&packet.bytes),
            filter::print::assembly(program.insns())
        );
    }
    true
}

fn options(link: Link, compat: bool) -> Options {
    Options {
        pcap_compat: compat,
        netmask: Some(0xffff_ff00),
        ..Options::new(link)
    }
}

/// Lines of a list, each with the links of its heading.
fn listed(text: &'static str) -> Vec<(Link, &'static str)> {
    let mut links: Vec<Link> = Vec::new();
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            links = list.split_whitespace().filter_map(Link::of_name).collect();
        } else if !line.is_empty() && !line.starts_with('#') {
            all.extend(links.iter().map(|link| (*link, line)));
        }
    }
    all
}

#[test]
fn every_listed_expression_means_what_the_tree_says() {
    let names = support::names();
    let theirs = listed(include_str!("filter/expressions.txt"));
    let ours = listed(include_str!("filter/additions.txt"));
    let mut compiled = 0;
    for link in Link::all() {
        let mut packets = corpus::packets(link, 2, 1);
        if !support::thorough() {
            packets = packets.into_iter().step_by(5).collect();
        }
        for (_, text) in theirs.iter().filter(|(on, _)| *on == link) {
            for compat in [false, true] {
                compiled += i32::from(agree(text, &options(link, compat), &names, &packets));
            }
        }
        for (_, text) in ours.iter().filter(|(on, _)| *on == link) {
            assert!(
                agree(text, &options(link, false), &names, &packets),
                "{text} on {link}"
            );
            compiled += 1;
        }
    }
    assert!(compiled > 3000, "only {compiled}");
}

#[test]
fn live_the_outer_vlan_tag_is_beside_the_frame() {
    let names = support::names();
    let packets = corpus::packets(Link::Ethernet, 3, 1);
    let live = Options {
        target: Target::Live,
        ..options(Link::Ethernet, false)
    };
    for text in [
        "vlan",
        "vlan 5",
        "vlan 5 and tcp",
        "vlan 5 and vlan 7 and ip",
        "vlan 5 or tcp",
        "(vlan 5 or vlan 3) and udp",
        "not vlan and ip",
        "not vlan 5",
        "vlan and mpls and ip",
        "vlan and pppoes and tcp",
        "tcp or vlan and tcp port 80",
        "ifindex 2 and tcp",
        "inbound and ifindex 1",
    ] {
        assert!(agree(text, &live, &names, &packets), "{text}");
    }
}

#[test]
fn random_expressions_mean_what_the_tree_says() {
    let names = support::names();
    let links: Vec<Link> = Link::all().collect();
    let mut compiled = [0, 0];
    let corpora: Vec<Vec<Packet>> = links.iter().map(|l| corpus::packets(*l, 4, 1)).collect();
    for seed in 0..4000 {
        let mut random = Random::new(seed);
        let text = generate::expression(&mut random, 3);
        let at = random.below(links.len() * 2).min(links.len() - 1) % links.len();
        let link = if random.below(2) == 0 {
            Link::Ethernet
        } else {
            links[at]
        };
        let which = links.iter().position(|l| *l == link).unwrap();
        let corpus = &corpora[which];
        let start = random.below(corpus.len());
        let some: Vec<Packet> = corpus
            .iter()
            .cycle()
            .skip(start)
            .take(60)
            .cloned()
            .collect();
        for compat in [false, true] {
            let done = agree(&text, &options(link, compat), &names, &some);
            compiled[usize::from(done)] += 1;
        }
    }
    assert!(compiled[1] > compiled[0], "{compiled:?}");
}
