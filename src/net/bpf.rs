//! A small assembler for classic BPF (Documentation/networking/filter.rst): instructions with
//! named jump targets. What to filter is in `filter.rs`.

use std::io;

use socket2::{SockFilter, Socket};

/// One instruction, as `struct sock_filter` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Operation code: the sum of `BPF_*` constants.
    pub code: u16,
    /// Instructions to skip when the comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Constant.
    pub k: u32,
}

/// A place to jump to.
pub type Label = &'static str;

/// `A` gets the byte at `k`.
pub const LD_B: u16 = code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS);
/// `A` gets the 16-bit word at `k`.
pub const LD_H: u16 = code(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS);
/// `A` gets the 32-bit word at `k`.
pub const LD_W: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
/// `A` gets the byte at `X + k`.
pub const LD_B_X: u16 = code(libc::BPF_LD | libc::BPF_B | libc::BPF_IND);
/// `A` gets the 16-bit word at `X + k`.
pub const LD_H_X: u16 = code(libc::BPF_LD | libc::BPF_H | libc::BPF_IND);
/// `A` gets the packet's length.
pub const LD_LEN: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_LEN);
/// `A` gets `k`.
pub const LD_IMM: u16 = code(libc::BPF_LD | libc::BPF_IMM);
/// `A` gets `M[k]`.
pub const LD_MEM: u16 = code(libc::BPF_LD | libc::BPF_MEM);
/// `X` gets 4 times the low half of the byte at `k`: the length of an IPv4 header.
pub const LDX_MSH: u16 = code(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH);
/// `X` gets `k`.
pub const LDX_IMM: u16 = code(libc::BPF_LDX | libc::BPF_IMM);
/// `X` gets `M[k]`.
pub const LDX_MEM: u16 = code(libc::BPF_LDX | libc::BPF_MEM);
/// `M[k]` gets `A`.
pub const ST: u16 = code(libc::BPF_ST);
/// `M[k]` gets `X`.
pub const STX: u16 = code(libc::BPF_STX);
/// `A += k`.
pub const ADD: u16 = code(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_K);
/// `A += X`.
pub const ADD_X: u16 = code(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X);
/// `A &= k`.
pub const AND: u16 = code(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K);
/// `A <<= k`.
pub const LSH: u16 = code(libc::BPF_ALU | libc::BPF_LSH | libc::BPF_K);
/// Jump by `A == k`.
pub const JEQ: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
/// Jump by `A >= k`.
pub const JGE: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
/// Jump by `A >= X`.
pub const JGE_X: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_X);
/// Jump always.
pub const JA: u16 = code(libc::BPF_JMP | libc::BPF_JA);
/// Accept `k` bytes of the packet; 0 drops it.
pub const RET: u16 = code(libc::BPF_RET | libc::BPF_K);
/// `X = A`.
pub const TAX: u16 = code(libc::BPF_MISC | libc::BPF_TAX);
/// `A = X`.
pub const TXA: u16 = code(libc::BPF_MISC | libc::BPF_TXA);

const fn code(bits: u32) -> u16 {
    // BPF codes are below 256.
    (bits & 0xffff) as u16
}

/// Collects instructions; [`Assembler::finish`] turns labels into distances.
#[derive(Debug, Default)]
pub struct Assembler {
    lines: Vec<(u16, u32, Option<Label>, Option<Label>)>,
    labels: Vec<(Label, usize)>,
}

impl Assembler {
    /// Adds an instruction that does not jump.
    pub fn op(&mut self, code: u16, k: u32) {
        self.lines.push((code, k, None, None));
    }

    /// Adds a comparison: to `yes` if it holds, else to `no`; `None` is the next instruction.
    pub fn jump(&mut self, code: u16, k: u32, yes: Option<Label>, no: Option<Label>) {
        self.lines.push((code, k, yes, no));
    }

    /// Adds a jump without a condition.
    pub fn goto(&mut self, to: Label) {
        self.lines.push((JA, 0, Some(to), None));
    }

    /// The next instruction is `label`.
    pub fn label(&mut self, label: Label) {
        self.labels.push((label, self.lines.len()));
    }

    /// The program. `None` if a label is missing, behind its jump, or more than 255 away: a mistake
    /// in the writer of the program, which the tests of `filter.rs` would show.
    pub fn finish(self) -> Option<Vec<Insn>> {
        let distance = |from: usize, label: Option<Label>| -> Option<usize> {
            let Some(label) = label else { return Some(0) };
            let found = self.labels.iter().find(|(name, _)| *name == label);
            found?.1.checked_sub(from + 1)
        };
        let mut program = Vec::with_capacity(self.lines.len());
        for (at, &(code, k, yes, no)) in self.lines.iter().enumerate() {
            program.push(if code == JA {
                let k = u32::try_from(distance(at, yes)?).ok()?;
                Insn {
                    code,
                    jt: 0,
                    jf: 0,
                    k,
                }
            } else {
                let jt = u8::try_from(distance(at, yes)?).ok()?;
                let jf = u8::try_from(distance(at, no)?).ok()?;
                Insn { code, jt, jf, k }
            });
        }
        Some(program)
    }
}

/// Puts `program` on a socket (SO_ATTACH_FILTER in socket(7)); one that is there is replaced.
pub fn attach(socket: &Socket, program: &[Insn]) -> io::Result<()> {
    let program: Vec<SockFilter> = program
        .iter()
        .map(|i| SockFilter::new(i.code, i.jt, i.jf, i.k))
        .collect();
    socket.attach_filter(&program)
}

/// Runs `program` over `packet` as the kernel would; `ancillary` answers the loads at
/// `SKF_AD_OFF`. The tests' referee.
#[cfg(test)]
pub(super) fn run(program: &[Insn], packet: &[u8], ancillary: &dyn Fn(u32) -> u32) -> u32 {
    let (mut a, mut x, mut m, mut pc) = (0u32, 0u32, [0u32; 16], 0);
    let load = |at: u32, size: u32| -> Option<u32> {
        let ad = u32::MAX - 0xfff; // SKF_AD_OFF = -0x1000
        if at >= ad {
            return Some(ancillary(at - ad));
        }
        let bytes = packet.get(at as usize..(at as usize).checked_add(size as usize)?)?;
        Some(bytes.iter().fold(0, |v, b| v << 8 | u32::from(*b)))
    };
    loop {
        let Insn { code, jt, jf, k } = program[pc];
        pc += 1;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        // A load outside the packet ends the program with 0.
        let mut get = |value: Option<u32>| value.map(|v| a = v).is_none();
        let outside = match code {
            LD_B => get(load(k, 1)),
            LD_H => get(load(k, 2)),
            LD_W => get(load(k, 4)),
            LD_B_X => get(load(x.wrapping_add(k), 1)),
            LD_H_X => get(load(x.wrapping_add(k), 2)),
            LDX_MSH => load(k, 1).map(|b| x = (b & 0xf) * 4).is_none(),
            _ => false,
        };
        if outside {
            return 0;
        }
        match code {
            LD_B | LD_H | LD_W | LD_B_X | LD_H_X | LDX_MSH => {}
            LD_LEN => a = u32::try_from(packet.len()).unwrap(),
            LD_IMM => a = k,
            LD_MEM => a = m[k as usize],
            LDX_IMM => x = k,
            LDX_MEM => x = m[k as usize],
            ST => m[k as usize] = a,
            STX => m[k as usize] = x,
            ADD => a = a.wrapping_add(k),
            ADD_X => a = a.wrapping_add(x),
            AND => a &= k,
            LSH => a <<= k,
            JEQ => pc += jump(a == k),
            JGE => pc += jump(a >= k),
            JGE_X => pc += jump(a >= x),
            JA => pc += k as usize,
            RET => return k,
            TAX => x = a,
            TXA => a = x,
            other => panic!("instruction {other:#x} is not one of ours"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_distances() {
        let mut asm = Assembler::default();
        asm.op(LD_B, 0);
        asm.jump(JEQ, 7, Some("yes"), None);
        asm.goto("no");
        asm.label("yes");
        asm.op(RET, 1);
        asm.label("no");
        asm.op(RET, 0);
        let program = asm.finish().unwrap();
        assert_eq!((program[1].jt, program[1].jf, program[2].k), (1, 0, 1));
        assert_eq!(run(&program, &[7], &|_| 0), 1);
        assert_eq!(run(&program, &[8], &|_| 0), 0);
        assert_eq!(run(&program, &[], &|_| 0), 0);
    }

    #[test]
    fn a_backward_or_missing_label_is_refused() {
        for label in ["behind", "nowhere"] {
            let mut asm = Assembler::default();
            asm.label("behind");
            asm.op(LD_B, 0);
            asm.goto(label);
            assert_eq!(asm.finish(), None);
        }
    }
}
