//! Filters, in two ways. As text: nothing panics, what compiles is a program that the kernel takes,
//! and a fault lies inside the text. As a seed for a random expression and a packet: the program
//! selects what the reference evaluation of the syntax tree selects.

use std::sync::LazyLock;

use rawsock::filter::{self, Link, Options, Table, Target, View};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../filter/build.rs"]
mod build;
#[path = "../../filter/generate.rs"]
mod generate;
#[path = "../../filter/reference.rs"]
mod reference;
#[path = "../../filter/reference_arith.rs"]
mod reference_arith;
#[path = "../../filter/reference_ip.rs"]
mod reference_ip;

static NAMES: LazyLock<Table> = LazyLock::new(Table::builtin);

/// Flags, link and seed, then text or packet.
pub fn check(data: &[u8]) {
    let Some((&[flags, link, rest @ ..], data)) = data.split_first_chunk::<10>() else {
        return;
    };
    let links: Vec<Link> = Link::all().collect();
    let options = Options {
        target: if flags & 1 == 0 {
            Target::File
        } else {
            Target::Live
        },
        pcap_compat: flags & 2 != 0,
        netmask: (flags & 4 != 0).then_some(0xffff_ff00),
        ..Options::new(links[usize::from(link) % links.len()])
    };
    if flags & 8 == 0 {
        text(&String::from_utf8_lossy(data), &options);
    } else {
        compare(u64::from_le_bytes(rest), data, &options);
    }
}

fn text(text: &str, options: &Options) {
    match filter::compile(text, options, &*NAMES) {
        Ok(program) => {
            assert_eq!(filter::insn::check(program.insns()), Ok(()));
            let _ = filter::annotate::annotated(&program);
            let _ = program.matches(&View::new(text.as_bytes()));
        }
        Err(fault) => {
            assert!(fault.at.start <= fault.at.end && fault.at.end <= text.len());
            assert!(!fault.message.contains("bad program"), "{text}: {fault}");
            let shown = fault.caret(text);
            assert!(
                shown
                    .chars()
                    .all(|c| c == '\n' || c == ' ' || c.is_ascii_graphic())
            );
        }
    }
}

fn compare(seed: u64, packet: &[u8], options: &Options) {
    // The reference reads libpcap's offsets from files only.
    if options.pcap_compat && options.target == Target::Live {
        return;
    }
    let text = generate::expression(&mut build::Random::new(seed), 3);
    let parsed = filter::parse(&text, &*NAMES, options.pcap_compat);
    let Ok(Some(expr)) = parsed else {
        panic!("{text}: {parsed:?}");
    };
    let Ok(program) = filter::compile_ast(&expr, options) else {
        return;
    };
    assert_eq!(filter::insn::check(program.insns()), Ok(()));
    let terms = std::iter::once(&expr.first).chain(expr.rest.iter().map(|(_, term)| term));
    let tunnels = terms.into_iter().any(reference::has_tunnel);
    let view = View {
        packet_type: Some(0),
        ifindex: Some(1),
        vlan: (seed & 1 == 1).then_some((5, 0x8100)),
        ..View::new(packet)
    };
    // Ways through tunnels are tried in another order, which a read outside the packet can tell.
    if tunnels {
        return;
    }
    let matches = |view: View<'_>| {
        let reference = reference::Reference {
            options,
            packet: view,
        };
        reference.matches(&expr)
    };
    if program.matches(&view) == matches(view) {
        return;
    }
    // The program leaves out what can change nothing: `tcp[90] = 1 and arp` where no packet is ARP.
    // The reference reads it all the same, and a read outside the packet ends it. So its answer
    // must be the program's, whatever lies behind the packet.
    for fill in [0, 0x5a, 0xff] {
        let mut longer = packet.to_vec();
        longer.resize(packet.len() + 70_000, fill);
        let longer = View {
            bytes: &longer,
            ..view
        };
        assert!(program.matches(&view) && matches(longer), "{text}");
    }
}
