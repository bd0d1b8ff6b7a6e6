//! The kernel takes every program that we compile, and runs it as our interpreter does. A filter on
//! one end of a UNIX datagram pair sees exactly the bytes that the other end sends, so that no right
//! and no network is needed.

#[path = "filter/mod.rs"]
mod common;

use std::io::ErrorKind;
use std::mem::MaybeUninit;

use rawsock::filter::{self, Link, Options, Program, Target, View};
use socket2::{Domain, SockFilter, Socket, Type};

use common::corpus;
use common::support;

fn attach(socket: &Socket, program: &Program) -> std::io::Result<()> {
    let insns = program.insns().iter();
    let kernel: Vec<SockFilter> = insns
        .map(|insn| SockFilter::new(insn.code, insn.jt, insn.jf, insn.k))
        .collect();
    socket.attach_filter(&kernel)
}

fn expressions() -> impl Iterator<Item = &'static str> {
    let both = [
        include_str!("filter/expressions.txt"),
        include_str!("filter/additions.txt"),
    ];
    let lines = both.into_iter().flat_map(str::lines).map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '[']))
}

#[test]
fn the_kernel_accepts_every_program() {
    let names = support::names();
    let (_here, there) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    let mut attached = 0;
    for text in expressions() {
        for link in Link::all() {
            for (target, pcap_compat) in [
                (Target::File, false),
                (Target::File, true),
                (Target::Live, false),
            ] {
                let options = Options {
                    target,
                    pcap_compat,
                    netmask: Some(0xffff_ff00),
                    ..Options::new(link)
                };
                let Ok(program) = filter::compile(text, &options, &names) else {
                    continue;
                };
                let done = attach(&there, &program);
                assert!(done.is_ok(), "{text} on {link}: {done:?}");
                attached += 1;
            }
        }
    }
    assert!(attached > 5000, "only {attached}");
}

#[test]
fn the_kernel_runs_programs_as_we_do() {
    let names = support::names();
    let (here, there) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    there.set_nonblocking(true).unwrap();
    let packets = corpus::packets(Link::Ethernet, 5, 0);
    let packets: Vec<_> = packets.iter().step_by(7).collect();
    let mut selected = 0;
    for text in expressions() {
        // What is beside a packet, a UNIX socket does not have.
        if text.contains("bound") || text.contains("ifindex") {
            continue;
        }
        let mut options = Options::new(Link::Ethernet);
        options.netmask = Some(0xffff_ff00);
        let Ok(program) = filter::compile(text, &options, &names) else {
            continue;
        };
        attach(&there, &program).unwrap();
        for packet in &packets {
            here.send(&packet.bytes).unwrap();
            let mut room = [MaybeUninit::<u8>::uninit(); 4096];
            let came = match there.recv(&mut room) {
                Ok(len) => len == packet.bytes.len(),
                Err(err) if err.kind() == ErrorKind::WouldBlock => false,
                Err(err) => panic!("{err}"),
            };
            let ours = program.matches(&View::new(&packet.bytes));
            assert_eq!(came, ours, "{text}: {}", support::hex(&packet.bytes));
            selected += u32::from(came);
        }
    }
    assert!(selected > 1000, "only {selected}");
}

#[test]
fn the_longest_program_is_taken_and_a_longer_one_refused() {
    let names = support::names();
    let options = Options::new(Link::Ethernet);
    let ports = |count: u32| {
        let list: Vec<String> = (0..count).map(|n| (n * 2 + 1).to_string()).collect();
        format!("udp src port {}", list.join(" or "))
    };
    let (_here, there) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    let program = filter::compile(&ports(1200), &options, &names).unwrap();
    assert!(program.insns().len() > 2400, "{}", program.insns().len());
    attach(&there, &program).unwrap();
    let err = filter::compile(&ports(3000), &options, &names).unwrap_err();
    assert!(err.message.contains("4096"), "{err}");
}
