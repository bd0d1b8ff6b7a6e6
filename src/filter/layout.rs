//! Items with labels to instructions with counted jumps. A conditional jump reaches 255 instructions
//! on; for one that must go further, a `ja` right behind it does the rest.

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

/// How an item is laid out: which of its ways out need a `ja`.
#[derive(Clone, Copy, Default, PartialEq)]
struct Far {
    yes: bool,
    no: bool,
}

/// Counts out the jumps. Every label lies behind the jumps to it.
pub(super) fn lay_out(items: &[Item]) -> Parsed<Vec<Line>> {
    let too_long = || {
        let message = "the program would be longer than the kernel's 4096 instructions";
        FilterError::new(0..0, message)
    };
    if items.len() > MAX_INSNS.saturating_mul(4) {
        return Err(too_long());
    }
    let mut far = vec![Far::default(); items.len()];
    // Each round makes at least one more jump long, so that this ends; three rounds are many.
    loop {
        let (places, labels) = place(items, &far);
        let mut grown = false;
        for ((item, far), at) in items.iter().zip(&mut far).zip(&places) {
            if let Item::Jump { yes, no, .. } = item {
                let reach = |label| skip(labels.get(label).copied().unwrap_or(*at), *at) > 252;
                let now = Far {
                    yes: far.yes || reach(yes),
                    no: far.no || reach(no),
                };
                grown |= now != *far;
                *far = now;
            }
        }
        if !grown {
            let lines = write(items, &far, &places, &labels);
            return if lines.len() > MAX_INSNS {
                Err(too_long())
            } else {
                Ok(lines)
            };
        }
    }
}

/// Instructions between a jump and its target.
fn skip(to: usize, from: usize) -> usize {
    to.saturating_sub(from).saturating_sub(1)
}

fn place(items: &[Item], far: &[Far]) -> (Vec<usize>, HashMap<Label, usize>) {
    let mut at = 0_usize;
    let mut places = Vec::with_capacity(items.len());
    let mut labels = HashMap::new();
    for (index, (item, far)) in items.iter().zip(far).enumerate() {
        places.push(at);
        let size = match item {
            Item::Label(label) => {
                labels.insert(*label, at);
                0
            }
            Item::Op(..) => 1,
            Item::Jump { .. } => 1_usize
                .saturating_add(far.yes.into())
                .saturating_add(far.no.into()),
            Item::Goto(label) => usize::from(!follows(items, index, *label)),
        };
        at = at.saturating_add(size);
    }
    (places, labels)
}

/// Do only labels, this one among them, stand between here and the next instruction?
fn follows(items: &[Item], index: usize, label: Label) -> bool {
    let rest = items.iter().skip(index.saturating_add(1));
    rest.map_while(|item| match item {
        Item::Label(label) => Some(*label),
        _ => None,
    })
    .any(|found| found == label)
}

fn write(
    items: &[Item],
    far: &[Far],
    places: &[usize],
    labels: &HashMap<Label, usize>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let target = |label: &Label| labels.get(label).copied().unwrap_or(usize::MAX);
    let word = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    for (index, ((item, far), at)) in items.iter().zip(far).zip(places).enumerate() {
        match item {
            Item::Label(_) => {}
            Item::Op(insn, note) => lines.push(Line { insn: *insn, note }),
            Item::Goto(label) => {
                if !follows(items, index, *label) {
                    let k = word(skip(target(label), *at));
                    lines.push(Line {
                        insn: Insn::new(op::JA, k),
                        note: "",
                    });
                }
            }
            Item::Jump {
                code,
                k,
                yes,
                no,
                value,
            } => {
                let jt = if far.yes { 0 } else { skip(target(yes), *at) };
                let no_ja = usize::from(far.yes);
                let jf = if far.no { no_ja } else { skip(target(no), *at) };
                lines.push(Line {
                    insn: Insn {
                        code: *code,
                        jt: byte(jt),
                        jf: byte(jf),
                        k: *k,
                    },
                    note: value.unwrap_or(""),
                });
                let mut from = at.saturating_add(1);
                for (long, label) in [(far.yes, yes), (far.no, no)] {
                    if long {
                        let k = word(skip(target(label), from));
                        lines.push(Line {
                            insn: Insn::new(op::JA, k),
                            note: "",
                        });
                        from = from.saturating_add(1);
                    }
                }
            }
        }
    }
    lines
}
