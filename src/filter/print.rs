//! A program as tcpdump prints it: `-d` assembly, `-dd` C, `-ddd` decimal numbers. The same text to
//! the letter, so that scripts and other tools can read it. In words: `annotate`.

use std::fmt::Write as _;

use super::insn::{ANCILLARY, ANCILLARY_NAMES, Insn, op};

/// Text of `tcpdump -d`: one instruction a line, jump targets as line numbers.
pub fn assembly(program: &[Insn]) -> String {
    let mut out = String::new();
    for (at, insn) in program.iter().enumerate() {
        let (name, operand) = words(*insn, at);
        let _ = if insn.is_branch() {
            let jt = target(at, u32::from(insn.jt));
            let jf = target(at, u32::from(insn.jf));
            writeln!(out, "({at:03}) {name:<8} {operand:<16} jt {jt}\tjf {jf}")
        } else {
            writeln!(out, "({at:03}) {name:<8} {operand}")
        };
    }
    out
}

/// Text of `tcpdump -dd`: initialisers of `struct sock_filter`.
pub fn c_array(program: &[Insn]) -> String {
    let mut out = String::new();
    for Insn { code, jt, jf, k } in program {
        let _ = writeln!(out, "{{ {code:#x}, {jt}, {jf}, 0x{k:08x} }},");
    }
    out
}

/// Text of `tcpdump -ddd`: the count, then the four numbers of each instruction.
pub fn decimal(program: &[Insn]) -> String {
    let mut out = format!("{}\n", program.len());
    for Insn { code, jt, jf, k } in program {
        let _ = writeln!(out, "{code} {jt} {jf} {k}");
    }
    out
}

/// Line number that a jump from `at` over `skip` instructions reaches.
pub(super) fn target(at: usize, skip: u32) -> u32 {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    at.wrapping_add(1).wrapping_add(skip)
}

/// Mnemonic and operand, in tcpdump's spelling.
pub(super) fn words(insn: Insn, at: usize) -> (&'static str, String) {
    let k = insn.k;
    // tcpdump prints offsets and sums as signed numbers.
    let signed = k.cast_signed();
    let number = || format!("#{signed}");
    let hex = || format!("#{k:#x}");
    let cell = || format!("M[{k}]");
    match insn.code {
        op::RET => ("ret", number()),
        op::RET_A => ("ret", String::new()),
        op::LD_W => ("ld", place(k)),
        op::LD_H => ("ldh", place(k)),
        op::LD_B => ("ldb", place(k)),
        op::LD_W_IND => ("ld", format!("[x + {signed}]")),
        op::LD_H_IND => ("ldh", format!("[x + {signed}]")),
        op::LD_B_IND => ("ldb", format!("[x + {signed}]")),
        op::LD_IMM => ("ld", hex()),
        op::LD_LEN => ("ld", "#pktlen".to_owned()),
        op::LD_MEM => ("ld", cell()),
        op::LDX_IMM => ("ldx", hex()),
        op::LDX_MEM => ("ldx", cell()),
        op::LDX_LEN => ("ldx", "#pktlen".to_owned()),
        op::LDX_MSH => ("ldxb", format!("4*([{signed}]&0xf)")),
        op::ST => ("st", cell()),
        op::STX => ("stx", cell()),
        op::JA => ("ja", target(at, k).to_string()),
        op::NEG => ("neg", String::new()),
        op::TAX => ("tax", String::new()),
        op::TXA => ("txa", String::new()),
        code => {
            let Some((name, in_hex)) = operation(code & !op::SRC_X) else {
                return ("unimp", format!("{code:#x}"));
            };
            let operand = match (code & op::SRC_X != 0, in_hex) {
                (true, _) => "x".to_owned(),
                (false, true) => hex(),
                (false, false) => number(),
            };
            (name, operand)
        }
    }
}

/// Name of a comparison or an arithmetic operation, and whether its constant is shown in hex.
fn operation(code: u16) -> Option<(&'static str, bool)> {
    Some(match code {
        op::JEQ => ("jeq", true),
        op::JGT => ("jgt", true),
        op::JGE => ("jge", true),
        op::JSET => ("jset", true),
        op::ADD => ("add", false),
        op::SUB => ("sub", false),
        op::MUL => ("mul", false),
        op::DIV => ("div", false),
        op::MOD => ("mod", false),
        op::AND => ("and", true),
        op::OR => ("or", true),
        op::XOR => ("xor", true),
        op::LSH => ("lsh", false),
        op::RSH => ("rsh", false),
        _ => return None,
    })
}

fn place(k: u32) -> String {
    let name = k
        .checked_sub(ANCILLARY)
        .and_then(|off| ANCILLARY_NAMES.iter().find(|(known, _)| *known == off));
    match name {
        Some((_, name)) => format!("[{name}]"),
        None => format!("[{}]", k.cast_signed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: [Insn; 4] = [
        Insn::new(op::LD_H, 0xffff_f004),
        Insn {
            code: op::JEQ,
            jt: 0,
            jf: 1,
            k: 4,
        },
        Insn::new(op::RET, 0),
        Insn::new(op::RET, 0x40000),
    ];

    // What tcpdump 4.99.3 prints for `-y EN10MB inbound`.
    #[test]
    fn prints_as_tcpdump_prints() {
        let text = "(000) ldh      [type]\n\
                    (001) jeq      #0x4             jt 2\tjf 3\n\
                    (002) ret      #0\n\
                    (003) ret      #262144\n";
        assert_eq!(assembly(&PROGRAM), text);
        let c = "{ 0x28, 0, 0, 0xfffff004 },\n{ 0x15, 0, 1, 0x00000004 },\n\
                 { 0x6, 0, 0, 0x00000000 },\n{ 0x6, 0, 0, 0x00040000 },\n";
        assert_eq!(c_array(&PROGRAM), c);
        let numbers = "4\n40 0 0 4294963204\n21 0 1 4\n6 0 0 0\n6 0 0 262144\n";
        assert_eq!(decimal(&PROGRAM), numbers);
    }
}
