//! What is known about a packet on the way to a block: which numbers a value can still be, which
//! cells are filled. A value that anything is known about was read, so that reading it again cannot
//! fail.

use std::collections::BTreeMap;

use super::ast::{BinOp, Relop};
use super::graph::Act;
use super::ir::{Ir, Rel, Value, ValueId, holds};

/// Values that are followed at once, and excluded numbers of one value: enough for what people
/// write, and a bound on the work for what they do not.
const MAX_VALUES: usize = 48;
const MAX_EXCLUDED: usize = 32;

/// What a value can be: in a range, without some numbers, with some bit sets known.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    low: u32,
    high: u32,
    excluded: Vec<u32>,
    /// Mask, and whether any bit of it is set.
    bits: Vec<(u32, bool)>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            low: 0,
            high: u32::MAX,
            excluded: Vec::new(),
            bits: Vec::new(),
        }
    }
}

impl Known {
    fn learn(&mut self, rel: Rel, with: u32, holds: bool) {
        match (rel, holds) {
            (Rel::Eq, true) => (self.low, self.high) = (with, with),
            (Rel::Eq, false) => {
                if self.excluded.len() < MAX_EXCLUDED && !self.excluded.contains(&with) {
                    self.excluded.push(with);
                }
            }
            (Rel::Gt, true) => self.low = self.low.max(with.saturating_add(1)),
            (Rel::Gt, false) => self.high = self.high.min(with),
            (Rel::Ge, true) => self.low = self.low.max(with),
            (Rel::Ge, false) => self.high = self.high.min(with.saturating_sub(1)),
            (Rel::Set, _) => {
                if self.bits.len() < MAX_EXCLUDED {
                    self.bits.push((with, holds));
                }
            }
        }
    }

    fn decide(&self, rel: Rel, with: u32) -> Option<bool> {
        let by_range = |relop| {
            let (low, high) = (holds(relop, self.low, with), holds(relop, self.high, with));
            (low == high).then_some(low)
        };
        let single = self.low == self.high;
        match rel {
            Rel::Eq if single => Some(self.low == with),
            Rel::Eq if with < self.low || with > self.high || self.excluded.contains(&with) => {
                Some(false)
            }
            Rel::Eq => None,
            Rel::Gt => by_range(Relop::Gt),
            Rel::Ge => by_range(Relop::Ge),
            Rel::Set if single => Some(self.low & with != 0),
            Rel::Set => self.bits.iter().find_map(|(mask, set)| match set {
                true => (mask & !with == 0).then_some(true),
                false => (with & !mask == 0).then_some(false),
            }),
        }
    }

    /// What is known either way.
    fn keep_common(&mut self, other: &Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        let outside = |of: &Self, number: &u32| {
            of.excluded.contains(number) || *number < of.low || *number > of.high
        };
        self.excluded.retain(|number| outside(other, number));
        self.bits.retain(|bits| other.bits.contains(bits));
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    values: BTreeMap<ValueId, Known>,
    /// Bit n: cell n is filled.
    cells: u16,
}

impl Facts {
    /// Adds what a block tells when it is left on that side.
    pub(super) fn learn(&mut self, ir: &Ir, act: Act, holds: bool) {
        match act {
            Act::Test(rel, a, b) => {
                let Some(with) = ir.constant(b) else { return };
                if self.values.len() < MAX_VALUES || self.values.contains_key(&a) {
                    self.values.entry(a).or_default().learn(rel, with, holds);
                }
            }
            Act::Define(cell, _) => self.cells |= bit(cell),
            Act::Walk(walk) => self.cells |= bit(walk.proto) | bit(walk.offset),
            Act::Chain(_) | Act::End => {}
        }
    }

    /// Forgets what the other side does not know too.
    pub(super) fn keep_common(&mut self, other: &Self) {
        self.cells &= other.cells;
        self.values.retain(|id, known| match other.values.get(id) {
            Some(theirs) => {
                known.keep_common(theirs);
                true
            }
            None => false,
        });
    }

    /// Is the value certainly readable?
    fn readable(&self, ir: &Ir, id: ValueId) -> bool {
        if self.values.contains_key(&id) {
            return true;
        }
        match ir.get(id) {
            Value::Num(_) | Value::Len | Value::Cell(_) => true,
            Value::Bin(op, a, b) => {
                let divides = matches!(op, BinOp::Div | BinOp::Mod) && ir.constant(b).is_none();
                !divides && self.readable(ir, a) && self.readable(ir, b)
            }
            Value::Neg(a) => self.readable(ir, a),
            Value::Beside(_) | Value::Load(..) | Value::HeaderLen(_) => false,
        }
    }
}

/// The outcome of a block, if it is known and the block need not run. `same` says that both ways
/// out lead to the same block.
pub(super) fn decide(ir: &Ir, facts: &Facts, act: Act, same: bool) -> Option<bool> {
    match act {
        Act::Test(rel, a, b) => {
            if same && facts.readable(ir, a) && facts.readable(ir, b) {
                return Some(true);
            }
            facts.values.get(&a)?.decide(rel, ir.constant(b)?)
        }
        Act::Define(cell, _) => (facts.cells & bit(cell) != 0).then_some(true),
        Act::Walk(walk) => (facts.cells & bit(walk.proto) != 0).then_some(true),
        Act::Chain(_) | Act::End => None,
    }
}

/// Named cells are below 16.
fn bit(cell: u8) -> u16 {
    1_u16.checked_shl(cell.into()).unwrap_or(0)
}
