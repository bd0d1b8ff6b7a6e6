//! Items with labels to instructions with counted jumps. A conditional jump reaches 255 instructions
//! on; one that must go further goes to a `ja`, which several share. All jumps go forward, so that
//! the program is laid out from its end.

use std::collections::HashMap;

use super::error::FilterError;
use super::graph::BlockId;
use super::insn::{Insn, MAX_INSNS, op};
use super::parse::Parsed;

/// A place that can be jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Label {
    Block(BlockId),
    Local(u32),
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    Label(Label),
    /// An instruction that does not jump, and what it loads or computes, in words.
    Op(Insn, &'static str),
    Jump {
        code: u16,
        k: u32,
        yes: Label,
        no: Label,
        /// What is compared, in words.
        value: Option<&'static str>,
    },
    /// Nothing, if the label follows.
    Goto(Label),
}

/// An instruction and what it is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The instruction.
    pub insn: Insn,
    /// What it loads, computes or compares, in words; empty if nothing needs saying.
    pub note: &'static str,
}

/// How far a conditional jump is taken without a `ja`: two more can come between.
const REACH: usize = 253;

/// What is laid out so far, in reverse: an instruction is known by how many stand from it to the end.
#[derive(Default)]
struct Layout {
    lines: Vec<Line>,
    labels: HashMap<Label, usize>,
    /// The nearest `ja` to each label.
    islands: HashMap<Label, usize>,
}

impl Layout {
    fn place(&self, label: Label) -> usize {
        self.labels.get(&label).copied().unwrap_or(0)
    }

    /// Instructions that an instruction put here would skip.
    fn skip(&self, place: usize) -> usize {
        self.lines.len().saturating_sub(place)
    }

    fn push(&mut self, insn: Insn, note: &'static str) {
        self.lines.push(Line { insn, note });
    }

    fn jump_always(&mut self, label: Label) {
        let skip = self.skip(self.place(label));
        let k = u32::try_from(skip).unwrap_or(u32::MAX);
        self.push(Insn::new(op::JA, k), "");
    }

    /// A place within reach that leads to the label. Nothing falls into a `ja` put here: what comes
    /// before it is a jump with two ways out.
    fn reachable(&mut self, label: Label) -> usize {
        let place = self.place(label);
        if self.skip(place) <= REACH {
            return place;
        }
        match self.islands.get(&label) {
            Some(island) if self.skip(*island) <= REACH => *island,
            _ => {
                self.jump_always(label);
                self.islands.insert(label, self.lines.len());
                self.lines.len()
            }
        }
    }
}

/// Counts out the jumps. Every label lies behind the jumps to it.
pub(super) fn lay_out(items: &[Item]) -> Parsed<Vec<Line>> {
    let mut layout = Layout::default();
    for item in items.iter().rev() {
        match item {
            Item::Label(label) => {
                layout.labels.insert(*label, layout.lines.len());
            }
            Item::Op(insn, note) => layout.push(*insn, note),
            Item::Goto(label) => {
                if layout.skip(layout.place(*label)) > 0 {
                    layout.jump_always(*label);
                }
            }
            Item::Jump {
                code,
                k,
                yes,
                no,
                value,
            } => {
                let (yes, no) = (layout.reachable(*yes), layout.reachable(*no));
                let byte = |place| u8::try_from(layout.skip(place)).unwrap_or(u8::MAX);
                let insn = Insn {
                    code: *code,
                    jt: byte(yes),
                    jf: byte(no),
                    k: *k,
                };
                layout.push(insn, value.unwrap_or(""));
            }
        }
        if layout.lines.len() > MAX_INSNS {
            let message = "the program would be longer than the kernel's 4096 instructions";
            return Err(FilterError::new(0..0, message));
        }
    }
    layout.lines.reverse();
    Ok(layout.lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::insn::check;
    use crate::filter::interp::{View, run};

    #[test]
    fn far_jumps_share_a_ja() {
        let ends = [Label::Local(0), Label::Local(1)];
        let mut items = Vec::new();
        for k in 0..1000 {
            items.push(Item::Op(Insn::new(op::LD_B, 0), ""));
            items.push(Item::Jump {
                code: op::JEQ,
                k,
                yes: ends[usize::from(k % 2 == 0)],
                no: Label::Local(k + 10),
                value: None,
            });
            items.push(Item::Label(Label::Local(k + 10)));
        }
        for (label, keep) in [(ends[0], 1), (ends[1], 2)] {
            items.push(Item::Label(label));
            items.push(Item::Op(Insn::new(op::RET, keep), ""));
        }
        let lines = lay_out(&items).unwrap();
        let program: Vec<Insn> = lines.iter().map(|line| line.insn).collect();
        assert_eq!(check(&program), Ok(()));
        let islands = program.iter().filter(|insn| insn.code == op::JA).count();
        assert!((14..40).contains(&islands), "{islands}");
        for byte in 0..=255 {
            let keep = if byte % 2 == 0 { 2 } else { 1 };
            assert_eq!(run(&program, &View::new(&[byte])), keep);
        }
    }
}
