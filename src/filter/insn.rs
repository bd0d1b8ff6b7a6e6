//! Classic BPF instructions, and the rules that the kernel checks before it takes a program. Runs
//! nothing: that is `interp`.

use std::fmt;

/// Most instructions that the kernel takes in one program (BPF_MAXINSNS, linux/bpf_common.h).
pub const MAX_INSNS: usize = 4096;
/// Scratch cells M[0] to M[15] (BPF_MEMWORDS, linux/filter.h).
pub const MEM_WORDS: usize = 16;
/// Loads at or above this offset read facts beside the packet (SKF_AD_OFF, linux/filter.h).
pub const ANCILLARY: u32 = 0xffff_f000;
/// What a matching program returns: keep this many bytes. tcpdump's own default snapshot length.
pub const KEEP: u32 = 262_144;

/// Opcodes, linux/bpf_common.h. The low three bits are the class.
pub mod op {
    /// `ld #k`
    pub const LD_IMM: u16 = 0x00;
    /// `ld [k]`
    pub const LD_W: u16 = 0x20;
    /// `ldh [k]`
    pub const LD_H: u16 = 0x28;
    /// `ldb [k]`
    pub const LD_B: u16 = 0x30;
    /// `ld [x + k]`
    pub const LD_W_IND: u16 = 0x40;
    /// `ldh [x + k]`
    pub const LD_H_IND: u16 = 0x48;
    /// `ldb [x + k]`
    pub const LD_B_IND: u16 = 0x50;
    /// `ld M[k]`
    pub const LD_MEM: u16 = 0x60;
    /// `ld #pktlen`
    pub const LD_LEN: u16 = 0x80;
    /// `ldx #k`
    pub const LDX_IMM: u16 = 0x01;
    /// `ldx M[k]`
    pub const LDX_MEM: u16 = 0x61;
    /// `ldx #pktlen`
    pub const LDX_LEN: u16 = 0x81;
    /// `ldxb 4*([k]&0xf)`
    pub const LDX_MSH: u16 = 0xb1;
    /// `st M[k]`
    pub const ST: u16 = 0x02;
    /// `stx M[k]`
    pub const STX: u16 = 0x03;
    /// `neg`
    pub const NEG: u16 = 0x84;
    /// `ja k`
    pub const JA: u16 = 0x05;
    /// `jeq #k`
    pub const JEQ: u16 = 0x15;
    /// `jgt #k`
    pub const JGT: u16 = 0x25;
    /// `jge #k`
    pub const JGE: u16 = 0x35;
    /// `jset #k`
    pub const JSET: u16 = 0x45;
    /// Added to a jump or an arithmetic opcode: the operand is X, not k.
    pub const SRC_X: u16 = 0x08;
    /// `ret #k`
    pub const RET: u16 = 0x06;
    /// `ret a`
    pub const RET_A: u16 = 0x16;
    /// `tax`
    pub const TAX: u16 = 0x07;
    /// `txa`
    pub const TXA: u16 = 0x87;
    /// Arithmetic class; the operation is in bits 4 to 7.
    pub const ALU: u16 = 0x04;
    /// `add`
    pub const ADD: u16 = 0x04;
    /// `sub`
    pub const SUB: u16 = 0x14;
    /// `mul`
    pub const MUL: u16 = 0x24;
    /// `div`
    pub const DIV: u16 = 0x34;
    /// `or`
    pub const OR: u16 = 0x44;
    /// `and`
    pub const AND: u16 = 0x54;
    /// `lsh`
    pub const LSH: u16 = 0x64;
    /// `rsh`
    pub const RSH: u16 = 0x74;
    /// `mod`
    pub const MOD: u16 = 0x94;
    /// `xor`
    pub const XOR: u16 = 0xa4;
}

/// One instruction, as `struct sock_filter` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Opcode, see [`op`].
    pub code: u16,
    /// Instructions to skip if the comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand: constant, offset or cell.
    pub k: u32,
}

impl Insn {
    /// An instruction that does not jump.
    pub const fn new(code: u16, k: u32) -> Self {
        Self {
            code,
            jt: 0,
            jf: 0,
            k,
        }
    }

    /// Is it a comparison with two ways out?
    pub const fn is_branch(self) -> bool {
        self.code & 7 == 5 && self.code != op::JA
    }
}

/// Facts beside the packet that Linux lets a program load, by offset from [`ANCILLARY`]
/// (linux/filter.h), with tcpdump's names.
pub const ANCILLARY_NAMES: [(u32, &str); 16] = [
    (0, "proto"),
    (4, "type"),
    (8, "ifidx"),
    (12, "nla"),
    (16, "nlan"),
    (20, "mark"),
    (24, "queue"),
    (28, "hatype"),
    (32, "rxhash"),
    (36, "cpu"),
    (40, "xor_x"),
    (44, "vlan_tci"),
    (48, "vlanp"),
    (52, "poff"),
    (56, "random"),
    (60, "vlan_tpid"),
];

/// Ancillary offset of the packet type: sent by this host, to it, broadcast.
pub const AD_PKTTYPE: u32 = ANCILLARY + 4;
/// Ancillary offset of the interface index.
pub const AD_IFINDEX: u32 = ANCILLARY + 8;
/// Ancillary offset of the VLAN tag control information that the kernel took out of the frame.
pub const AD_VLAN_TAG: u32 = ANCILLARY + 44;
/// Ancillary offset of "is there such a tag": 1 or 0.
pub const AD_VLAN_PRESENT: u32 = ANCILLARY + 48;
/// Ancillary offset of that tag's EtherType.
pub const AD_VLAN_TPID: u32 = ANCILLARY + 60;

/// Why a list of instructions is not a program that the kernel would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadProgram {
    /// The instruction at fault.
    pub at: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for BadProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.at, self.why)
    }
}

impl std::error::Error for BadProgram {}

/// Checks what `bpf_check_classic` and `check_load_and_stores` of the kernel's net/core/filter.c
/// check: length, opcodes, forward jumps inside the program, cells written before they are read,
/// no constant division by zero, a return at the end.
pub fn check(insns: &[Insn]) -> Result<(), BadProgram> {
    let bad = |at, why| Err(BadProgram { at, why });
    if insns.is_empty() {
        return bad(0, "the program is empty");
    }
    if insns.len() > MAX_INSNS {
        return bad(MAX_INSNS, "the program is longer than 4096 instructions");
    }
    // Cells that are certainly written when an instruction is reached.
    let mut written = vec![u16::MAX; insns.len()];
    let mut here = 0_u16;
    for (at, insn) in insns.iter().enumerate() {
        if let Some(reached) = written.get(at) {
            here &= reached;
        }
        let mut follow = |skip: usize, cells: u16| {
            let to = at.saturating_add(1).saturating_add(skip);
            match written.get_mut(to) {
                Some(w) => {
                    *w &= cells;
                    Ok(())
                }
                None => bad(at, "a jump leaves the program"),
            }
        };
        match insn.code {
            op::LD_IMM
            | op::LD_W_IND
            | op::LD_H_IND
            | op::LD_B_IND
            | op::LD_LEN
            | op::LDX_IMM
            | op::LDX_LEN
            | op::LDX_MSH
            | op::NEG
            | op::TAX
            | op::TXA => {}
            op::LD_W | op::LD_H | op::LD_B => {
                let known = |(off, _): &(u32, _)| insn.k == ANCILLARY.saturating_add(*off);
                if insn.k >= ANCILLARY && !ANCILLARY_NAMES.iter().any(known) {
                    return bad(at, "an unknown ancillary load");
                }
            }
            op::LD_MEM | op::LDX_MEM => match cell(insn.k) {
                Some(bit) if here & bit != 0 => {}
                Some(_) => return bad(at, "a scratch cell is read before it is written"),
                None => return bad(at, "there are only 16 scratch cells"),
            },
            op::ST | op::STX => match cell(insn.k) {
                Some(bit) => here |= bit,
                None => return bad(at, "there are only 16 scratch cells"),
            },
            op::JA => {
                // A jump backwards has a huge k, so this refuses loops too.
                follow(usize::try_from(insn.k).unwrap_or(usize::MAX), here)?;
                here = u16::MAX;
            }
            op::RET | op::RET_A => here = u16::MAX,
            _ if is_compare(insn.code) => {
                follow(usize::from(insn.jt), here)?;
                follow(usize::from(insn.jf), here)?;
                here = u16::MAX;
            }
            _ if is_alu(insn.code) => {
                let by_k = insn.code & op::SRC_X == 0;
                if by_k && matches!(insn.code, op::DIV | op::MOD) && insn.k == 0 {
                    return bad(at, "division by zero");
                }
                if by_k && matches!(insn.code, op::LSH | op::RSH) && insn.k > 31 {
                    return bad(at, "a shift by more than 31 bits");
                }
            }
            _ => return bad(at, "an unknown opcode"),
        }
    }
    match insns.last() {
        Some(last) if matches!(last.code, op::RET | op::RET_A) => Ok(()),
        _ => bad(insns.len().saturating_sub(1), "the end is not a return"),
    }
}

fn cell(k: u32) -> Option<u16> {
    (k < 16).then(|| 1_u16 << k)
}

fn is_compare(code: u16) -> bool {
    matches!(code & !op::SRC_X, op::JEQ | op::JGT | op::JGE | op::JSET)
}

fn is_alu(code: u16) -> bool {
    matches!(
        code & !op::SRC_X,
        op::ADD
            | op::SUB
            | op::MUL
            | op::DIV
            | op::OR
            | op::AND
            | op::LSH
            | op::RSH
            | op::MOD
            | op::XOR
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(insns: &[Insn]) -> &'static str {
        check(insns).unwrap_err().why
    }

    #[test]
    fn takes_what_the_kernel_takes() {
        let jeq = Insn {
            code: op::JEQ,
            jt: 0,
            jf: 1,
            k: 0x800,
        };
        let program = [
            Insn::new(op::LD_H, 12),
            jeq,
            Insn::new(op::RET, KEEP),
            Insn::new(op::RET, 0),
        ];
        assert_eq!(check(&program), Ok(()));
    }

    #[test]
    fn refuses_what_the_kernel_refuses() {
        let ret = Insn::new(op::RET, 0);
        assert_eq!(why(&[]), "the program is empty");
        assert_eq!(why(&[Insn::new(op::LD_IMM, 0)]), "the end is not a return");
        assert_eq!(why(&[Insn::new(0xff, 0), ret]), "an unknown opcode");
        assert_eq!(
            why(&[Insn::new(op::JA, 5), ret]),
            "a jump leaves the program"
        );
        let back = Insn::new(op::JA, u32::MAX);
        assert_eq!(why(&[back, ret]), "a jump leaves the program");
        assert_eq!(why(&[Insn::new(op::DIV, 0), ret]), "division by zero");
        assert_eq!(
            why(&[Insn::new(op::ST, 16), ret]),
            "there are only 16 scratch cells"
        );
        let unknown = Insn::new(op::LD_W, ANCILLARY + 1);
        assert_eq!(why(&[unknown, ret]), "an unknown ancillary load");
        assert!(check(&vec![ret; MAX_INSNS + 1]).is_err());
    }

    #[test]
    fn a_cell_must_be_written_on_every_way() {
        let jump = Insn {
            code: op::JEQ,
            jt: 0,
            jf: 1,
            k: 1,
        };
        let half = [
            jump,
            Insn::new(op::ST, 3),
            Insn::new(op::LD_MEM, 3),
            Insn::new(op::RET_A, 0),
        ];
        assert_eq!(why(&half), "a scratch cell is read before it is written");
        let [_, st, ld, ret] = half;
        assert_eq!(check(&[st, jump, ld, ld, ret]), Ok(()));
    }
}
