//! A program in words, one instruction a line, for a reader who does not know BPF.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::Program;
use super::insn::{Insn, op};
use super::print::{target, words};

/// tcpdump's line, then what it does.
pub fn annotated(program: &Program) -> String {
    let mut out = String::new();
    for (at, line) in program.lines().enumerate() {
        let Insn { jt, jf, .. } = line.insn;
        let (name, operand) = words(line.insn, at);
        let code = if line.insn.is_branch() {
            let (yes, no) = (target(at, jt.into()), target(at, jf.into()));
            format!("{name:<5} {operand} jt {yes} jf {no}")
        } else {
            format!("{name:<5} {operand}")
        };
        let explained = explain(line.insn, line.note, at);
        let _ = writeln!(out, "({at:03}) {:<36} {explained}", code.trim_end());
    }
    out
}

fn explain(insn: Insn, note: &str, at: usize) -> String {
    let k = insn.k;
    let what = |text: &str| match note {
        "" => text.to_owned(),
        note => format!("{text}: {note}"),
    };
    let bytes = |size: u32| match size {
        1 => format!("byte {k}"),
        _ => format!("bytes {k}..{}", k.saturating_add(size)),
    };
    let behind = |size: u32| match size {
        1 => format!("the byte at X + {k}"),
        _ => format!("{size} bytes at X + {k}"),
    };
    match insn.code {
        op::LD_B | op::LD_H | op::LD_W if k >= super::insn::ANCILLARY => {
            what("A = a fact beside the packet")
        }
        op::LD_B => what(&format!("A = {}", bytes(1))),
        op::LD_H => what(&format!("A = {}", bytes(2))),
        op::LD_W => what(&format!("A = {}", bytes(4))),
        op::LD_B_IND => what(&format!("A = {}", behind(1))),
        op::LD_H_IND => what(&format!("A = {}", behind(2))),
        op::LD_W_IND => what(&format!("A = {}", behind(4))),
        op::LD_LEN => "A = length on the wire".to_owned(),
        op::LDX_LEN => "X = length on the wire".to_owned(),
        op::LD_IMM => format!("A = {k}"),
        op::LDX_IMM => format!("X = {k}"),
        op::LD_MEM => what(&format!("A = cell {k}")),
        op::LDX_MEM => what(&format!("X = cell {k}")),
        op::ST => what(&format!("cell {k} = A")),
        op::STX => what(&format!("cell {k} = X")),
        op::LDX_MSH => what(&format!("X = 4 * (byte {k} & 15)")),
        op::TAX => "X = A".to_owned(),
        op::TXA => "A = X".to_owned(),
        op::NEG => what("A = -A"),
        op::JA => format!("go to {}", target(at, k)),
        op::RET if k == 0 => "drop the packet".to_owned(),
        op::RET => format!("keep the packet, at most {k} bytes"),
        op::RET_A => "keep A bytes".to_owned(),
        _ if insn.is_branch() => branch(insn, note, at),
        code => match operator(code & !op::SRC_X) {
            Some(sign) if code & op::SRC_X != 0 => what(&format!("A = A {sign} X")),
            Some(sign) => what(&format!("A = A {sign} {}", number(code, k))),
            None => String::new(),
        },
    }
}

fn branch(insn: Insn, note: &str, at: usize) -> String {
    let subject = if note.is_empty() { "A" } else { note };
    let with = if insn.code & op::SRC_X != 0 {
        "X".to_owned()
    } else {
        named(note, insn.k)
    };
    let test = match insn.code & !op::SRC_X {
        op::JEQ => format!("{subject} is {with}"),
        op::JGT => format!("{subject} > {with}"),
        op::JGE => format!("{subject} >= {with}"),
        _ => format!("{subject} has a bit of {:#x}", insn.k),
    };
    let (yes, no) = (target(at, insn.jt.into()), target(at, insn.jf.into()));
    format!("if {test}: go to {yes}, else {no}")
}

fn operator(code: u16) -> Option<&'static str> {
    Some(match code {
        op::ADD => "+",
        op::SUB => "-",
        op::MUL => "*",
        op::DIV => "/",
        op::MOD => "%",
        op::AND => "&",
        op::OR => "|",
        op::XOR => "^",
        op::LSH => "<<",
        op::RSH => ">>",
        _ => return None,
    })
}

/// Masks are easier to read in hex.
fn number(code: u16, k: u32) -> String {
    match code {
        op::AND | op::OR | op::XOR => format!("{k:#x}"),
        _ => k.to_string(),
    }
}

/// A number with its name, where the field has names; addresses in their own form.
fn named(field: &str, k: u32) -> String {
    let name = match field {
        "EtherType" | "Geneve protocol type" => ether_type(k),
        "IPv4 protocol" | "IPv6 next header" | "IPv6 upper protocol" | "next header" => {
            ip_protocol(k)
        }
        "IPv4 source" | "IPv4 destination" => return Ipv4Addr::from(k).to_string(),
        "source port" | "destination port" | "length on the wire" => return k.to_string(),
        _ => None,
    };
    match name {
        Some(name) => format!("{k:#x} ({name})"),
        None if k < 10 => k.to_string(),
        None => format!("{k:#x}"),
    }
}

fn ether_type(k: u32) -> Option<&'static str> {
    Some(match k {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x8035 => "RARP",
        0x86dd => "IPv6",
        0x8100 | 0x9100 => "VLAN",
        0x88a8 => "service VLAN",
        0x8847 => "MPLS",
        0x8863 => "PPPoE discovery",
        0x8864 => "PPPoE session",
        0x6558 => "Ethernet",
        _ => return None,
    })
}

fn ip_protocol(k: u32) -> Option<&'static str> {
    Some(match k {
        0 => "hop-by-hop options",
        1 => "ICMP",
        2 => "IGMP",
        6 => "TCP",
        17 => "UDP",
        43 => "routing",
        44 => "fragment",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        59 => "nothing",
        60 => "destination options",
        103 => "PIM",
        132 => "SCTP",
        _ => return None,
    })
}
