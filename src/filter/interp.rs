//! Runs a classic BPF program over a packet: the side for files, and the oracle's judge. Takes any
//! list of instructions, also one that the kernel would refuse: every access is checked and the
//! number of steps is bounded.

use crate::decode::{Direction, Frame};

use super::insn::{
    AD_IFINDEX, AD_PKTTYPE, AD_VLAN_PRESENT, AD_VLAN_TAG, AD_VLAN_TPID, ANCILLARY, Insn, MEM_WORDS,
    op,
};

/// linux/if_packet.h.
const PACKET_HOST: u8 = 0;
const PACKET_OUTGOING: u8 = 4;

/// Steps after which a program is given up: only one with a jump backwards gets there.
const MAX_STEPS: u32 = 100_000;

/// A packet as a program sees it: bytes, and what the kernel knows beside them.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length on the wire: what `len` gives.
    pub wire_len: u32,
    /// PACKET_HOST (0) to PACKET_OUTGOING (4), if known (linux/if_packet.h).
    pub packet_type: Option<u8>,
    /// Interface index, if known.
    pub ifindex: Option<u32>,
    /// VLAN tag (control information, EtherType) that the kernel took out of the frame.
    pub vlan: Option<(u16, u16)>,
}

impl<'a> View<'a> {
    /// Whole packet, nothing known beside it.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            ..Self::default()
        }
    }

    /// As a capture has it. Which way a frame went is known of some only.
    pub fn of_frame(frame: &Frame<'a>) -> Self {
        Self {
            bytes: frame.bytes,
            wire_len: frame.wire_len,
            packet_type: match frame.dir {
                Direction::Unknown => None,
                Direction::In => Some(PACKET_HOST),
                Direction::Out => Some(PACKET_OUTGOING),
            },
            ifindex: (frame.iface != 0).then_some(frame.iface),
            vlan: None,
        }
    }

    fn byte(&self, at: u32) -> Option<u32> {
        self.bytes
            .get(usize::try_from(at).ok()?)
            .map(|b| u32::from(*b))
    }

    fn half(&self, at: u32) -> Option<u32> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?;
        bytes
            .first_chunk()
            .map(|b| u32::from(u16::from_be_bytes(*b)))
    }

    fn word(&self, at: u32) -> Option<u32> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?;
        bytes.first_chunk().map(|b| u32::from_be_bytes(*b))
    }

    /// A fact beside the packet; unknown facts end the program as a short packet does.
    fn beside(&self, at: u32) -> Option<u32> {
        match at {
            AD_PKTTYPE => self.packet_type.map(u32::from),
            AD_IFINDEX => self.ifindex,
            AD_VLAN_PRESENT => Some(u32::from(self.vlan.is_some())),
            AD_VLAN_TAG => Some(self.vlan.map_or(0, |(tci, _)| u32::from(tci))),
            AD_VLAN_TPID => Some(self.vlan.map_or(0, |(_, tpid)| u32::from(tpid))),
            _ => None,
        }
    }

    fn load(&self, size: u16, at: u32) -> Option<u32> {
        if at >= ANCILLARY {
            return self.beside(at);
        }
        match size {
            op::LD_B => self.byte(at),
            op::LD_H => self.half(at),
            _ => self.word(at),
        }
    }
}

/// Bytes of the packet to keep; 0 means that it does not match. A load outside the packet, a
/// division by zero and anything malformed return 0 at once, as in the kernel and in libpcap.
pub fn run(program: &[Insn], packet: &View<'_>) -> u32 {
    try_run(program, packet).unwrap_or(0)
}

fn try_run(program: &[Insn], packet: &View<'_>) -> Option<u32> {
    let mut a = 0_u32;
    let mut x = 0_u32;
    let mut mem = [0_u32; MEM_WORDS];
    let mut pc = 0_usize;
    for _ in 0..MAX_STEPS {
        let insn = program.get(pc)?;
        pc = pc.wrapping_add(1);
        let k = insn.k;
        match insn.code {
            op::LD_W | op::LD_H | op::LD_B => a = packet.load(insn.code, k)?,
            // X + k must not wrap: libpcap's rule. The kernel lets a sum that wraps through.
            op::LD_W_IND => a = packet.word(x.checked_add(k)?)?,
            op::LD_H_IND => a = packet.half(x.checked_add(k)?)?,
            op::LD_B_IND => a = packet.byte(x.checked_add(k)?)?,
            op::LD_IMM => a = k,
            op::LD_LEN => a = packet.wire_len,
            op::LD_MEM => a = *mem.get(usize::try_from(k).ok()?)?,
            op::LDX_IMM => x = k,
            op::LDX_LEN => x = packet.wire_len,
            op::LDX_MEM => x = *mem.get(usize::try_from(k).ok()?)?,
            op::LDX_MSH => x = (packet.byte(k)? & 0xf) << 2,
            op::ST => *mem.get_mut(usize::try_from(k).ok()?)? = a,
            op::STX => *mem.get_mut(usize::try_from(k).ok()?)? = x,
            op::TAX => x = a,
            op::TXA => a = x,
            op::NEG => a = a.wrapping_neg(),
            op::RET => return Some(k),
            op::RET_A => return Some(a),
            // The offset of `ja` is signed in libpcap's own loops (protochain).
            op::JA => pc = pc.wrapping_add_signed(isize::try_from(k.cast_signed()).ok()?),
            code if code & 7 == 5 => {
                let with = if code & op::SRC_X == 0 { k } else { x };
                let holds = compare(code, a, with)?;
                let skip = if holds { insn.jt } else { insn.jf };
                pc = pc.wrapping_add(usize::from(skip));
            }
            code => {
                let by = if code & op::SRC_X == 0 { k } else { x };
                a = alu(code & !op::SRC_X, a, by)?;
            }
        }
    }
    None
}

fn compare(code: u16, a: u32, with: u32) -> Option<bool> {
    match code & !op::SRC_X {
        op::JEQ => Some(a == with),
        op::JGT => Some(a > with),
        op::JGE => Some(a >= with),
        op::JSET => Some(a & with != 0),
        _ => None,
    }
}

/// 32-bit arithmetic, wrapping. A shift by 32 or more gives 0, as in libpcap; the kernel masks the
/// amount, so the compiler never emits such a shift.
pub(super) fn alu(code: u16, a: u32, by: u32) -> Option<u32> {
    Some(match code {
        op::ADD => a.wrapping_add(by),
        op::SUB => a.wrapping_sub(by),
        op::MUL => a.wrapping_mul(by),
        op::DIV => a.checked_div(by)?,
        op::MOD => a.checked_rem(by)?,
        op::AND => a & by,
        op::OR => a | by,
        op::XOR => a ^ by,
        op::LSH => a.checked_shl(by).unwrap_or(0),
        op::RSH => a.checked_shr(by).unwrap_or(0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(insns: &[(u16, u8, u8, u32)], bytes: &[u8]) -> u32 {
        let program: Vec<Insn> = insns
            .iter()
            .map(|&(code, jt, jf, k)| Insn { code, jt, jf, k })
            .collect();
        run(&program, &View::new(bytes))
    }

    #[test]
    fn loads_are_big_endian_and_end_the_program_outside_the_packet() {
        let ret = (op::RET_A, 0, 0, 0);
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!(go(&[(op::LD_W, 0, 0, 1), ret], &bytes), 0x0203_0405);
        assert_eq!(go(&[(op::LD_H, 0, 0, 3), ret], &bytes), 0x0405);
        assert_eq!(go(&[(op::LD_B, 0, 0, 4), ret], &bytes), 5);
        for (code, at) in [
            (op::LD_W, 2),
            (op::LD_H, 4),
            (op::LD_B, 5),
            (op::LDX_MSH, 5),
        ] {
            assert_eq!(go(&[(code, 0, 0, at), (op::RET, 0, 0, 7)], &bytes), 0);
        }
        let far = [
            (op::LDX_IMM, 0, 0, u32::MAX),
            (op::LD_B_IND, 0, 0, 2),
            (op::RET, 0, 0, 7),
        ];
        assert_eq!(go(&far, &bytes), 0);
    }

    #[test]
    fn arithmetic_wraps_and_division_by_zero_matches_nothing() {
        assert_eq!(alu(op::SUB, 1, 2), Some(u32::MAX));
        assert_eq!(alu(op::LSH, 1, 32), Some(0));
        assert_eq!(alu(op::DIV, 1, 0), None);
        assert_eq!(alu(op::MOD, 7, 4), Some(3));
        let div = [
            (op::LDX_IMM, 0, 0, 0),
            (op::DIV | op::SRC_X, 0, 0, 0),
            (op::RET, 0, 0, 7),
        ];
        assert_eq!(go(&div, &[]), 0);
    }

    #[test]
    fn an_endless_loop_and_nonsense_end() {
        assert_eq!(go(&[(op::JA, 0, 0, u32::MAX)], &[]), 0);
        assert_eq!(go(&[(0xffff, 0, 0, 0)], &[]), 0);
        assert_eq!(go(&[(op::ST, 0, 0, 99), (op::RET, 0, 0, 1)], &[]), 0);
        assert_eq!(go(&[], &[1]), 0);
    }

    #[test]
    fn facts_beside_the_packet() {
        let program = [Insn::new(op::LD_B, AD_VLAN_TAG), Insn::new(op::RET_A, 0)];
        let mut view = View::new(&[]);
        assert_eq!(run(&program, &view), 0);
        view.vlan = Some((0x2005, 0x8100));
        assert_eq!(run(&program, &view), 0x2005);
        let unknown = [Insn::new(op::LD_H, AD_PKTTYPE), Insn::new(op::RET, 1)];
        assert_eq!(run(&unknown, &view), 0);
        view.packet_type = Some(4);
        assert_eq!(run(&unknown, &view), 1);
    }
}
