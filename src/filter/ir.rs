//! The intermediate form: values read from a packet, each stored once, and conditions over them.
//! Knows no protocol and no register.

use std::collections::HashMap;

use super::ast::{BinOp, Relop, Size};
use super::insn::op;
use super::interp::alu;

/// Most scratch cells that can hold offsets found in the packet. The others are for arithmetic.
const NAMED_CELLS: u8 = 14;

/// A value, by its index: equal values have equal indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(u32);

/// A place in the packet: a constant, plus a value if the place depends on the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) base: Option<ValueId>,
    pub(super) k: u32,
}

impl Place {
    pub(super) const fn fixed(k: u32) -> Self {
        Self { base: None, k }
    }

    pub(super) const fn plus(self, more: u32) -> Self {
        Self {
            base: self.base,
            k: self.k.wrapping_add(more),
        }
    }
}

/// A 32-bit value. The same packet always gives the same value, also for a cell: a cell is only a
/// value that was computed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Num(u32),
    /// Length on the wire.
    Len,
    /// A scratch cell, defined on every way that leads here.
    Cell(u8),
    /// A fact beside the packet, by its ancillary offset.
    Beside(u32),
    Load(Size, Place),
    /// `4 * (byte & 15)`: an IPv4 header's length.
    HeaderLen(Place),
    Bin(BinOp, ValueId, ValueId),
    Neg(ValueId),
}

/// A comparison that classic BPF has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rel {
    Eq,
    Gt,
    Ge,
    /// `a & b` is not 0.
    Set,
}

/// A condition, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CondId(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cond {
    Const(bool),
    Test(Rel, ValueId, ValueId),
    Not(CondId),
    And(CondId, CondId),
    Or(CondId, CondId),
    /// Always holds; on the way it computes a cell.
    Define(u8, ValueId),
    /// Always holds; on the way it walks an IPv6 header chain.
    Walk(Walk),
    /// Does the header chain hold this protocol?
    Chain(Chain),
}

/// A walk over IPv6 extension headers: where the header is, and the cells for what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Walk {
    pub(super) header: Place,
    /// Gets the last header's protocol, plus [`LATER_FRAGMENT`].
    pub(super) proto: u8,
    /// Gets that header's offset, less `header.k`.
    pub(super) offset: u8,
}

/// Set in a walk's protocol if the packet is a fragment other than the first: the header is not
/// there.
pub(super) const LATER_FRAGMENT: u32 = 0x100;

/// `protochain`: the place of the IP header, its version, and the protocol looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Chain {
    pub(super) header: Place,
    pub(super) v6: bool,
    pub(super) proto: u32,
}

/// Everything that one expression compiles to.
#[derive(Debug, Default)]
pub(super) struct Ir {
    values: Vec<Value>,
    /// Parts of each value, counted each time they are used.
    sizes: Vec<u32>,
    value_ids: HashMap<Value, ValueId>,
    notes: HashMap<ValueId, &'static str>,
    conds: Vec<Cond>,
    cond_ids: HashMap<Cond, CondId>,
    cells: HashMap<(&'static str, Place), u8>,
}

impl Ir {
    pub(super) fn value(&mut self, value: Value) -> ValueId {
        if let Some(id) = self.value_ids.get(&value) {
            return *id;
        }
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        let parts = match value {
            Value::Bin(_, a, b) => [Some(a), Some(b)],
            Value::Neg(a) => [Some(a), None],
            Value::Load(_, place) | Value::HeaderLen(place) => [place.base, None],
            Value::Num(_) | Value::Len | Value::Cell(_) | Value::Beside(_) => [None, None],
        };
        let size = parts.into_iter().flatten().map(|part| self.size(part));
        self.sizes.push(size.fold(1, u32::saturating_add));
        self.values.push(value);
        self.value_ids.insert(value, id);
        id
    }

    pub(super) fn get(&self, id: ValueId) -> Value {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.values.get(at).copied().unwrap_or(Value::Num(0))
    }

    /// How many parts a value has: as many instructions, or more.
    pub(super) fn size(&self, id: ValueId) -> u32 {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.sizes.get(at).copied().unwrap_or(1)
    }

    pub(super) fn num(&mut self, number: u32) -> ValueId {
        self.value(Value::Num(number))
    }

    /// The number, if the value is constant.
    pub(super) fn constant(&self, id: ValueId) -> Option<u32> {
        match self.get(id) {
            Value::Num(number) => Some(number),
            _ => None,
        }
    }

    /// Says what a value is, for the annotated listing.
    pub(super) fn note(&mut self, id: ValueId, what: &'static str) {
        self.notes.entry(id).or_insert(what);
    }

    pub(super) fn note_of(&self, id: ValueId) -> Option<&'static str> {
        self.notes.get(&id).copied()
    }

    pub(super) fn load(&mut self, size: Size, at: Place, what: &'static str) -> ValueId {
        let id = self.value(Value::Load(size, at));
        if !what.is_empty() {
            self.note(id, what);
        }
        id
    }

    /// An operation, computed here if both sides are constant.
    pub(super) fn bin(&mut self, op: BinOp, a: ValueId, b: ValueId) -> ValueId {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            return match alu(opcode(op), x, y) {
                Some(number) => self.num(number),
                None => self.value(Value::Bin(op, a, b)),
            };
        }
        let swaps = matches!(
            op,
            BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor
        );
        if swaps && self.constant(a).is_some() {
            return self.bin(op, b, a);
        }
        let neutral = match op {
            BinOp::Add | BinOp::Sub | BinOp::Or | BinOp::Xor | BinOp::Lsh | BinOp::Rsh => Some(0),
            BinOp::Mul | BinOp::Div => Some(1),
            BinOp::And => Some(u32::MAX),
            BinOp::Mod => None,
        };
        if neutral.is_some() && self.constant(b) == neutral {
            return a;
        }
        self.value(Value::Bin(op, a, b))
    }

    /// The sum of a place's parts as a value.
    pub(super) fn place_value(&mut self, place: Place) -> ValueId {
        let k = self.num(place.k);
        match place.base {
            Some(base) => self.bin(BinOp::Add, base, k),
            None => k,
        }
    }

    /// The greatest number that a value can be.
    pub(super) fn most(&self, id: ValueId) -> u32 {
        match self.get(id) {
            Value::Num(number) => number,
            Value::Load(Size::Byte, _) => 0xff,
            Value::Load(Size::Half, _) => 0xffff,
            Value::HeaderLen(_) => 60,
            Value::Bin(BinOp::And, a, b) => {
                let of = |id| self.constant(id).unwrap_or(u32::MAX);
                of(a).min(of(b))
            }
            Value::Bin(BinOp::Mod, _, b) => match self.constant(b) {
                Some(divisor) => divisor.saturating_sub(1),
                None => u32::MAX,
            },
            _ => u32::MAX,
        }
    }

    pub(super) fn cond(&mut self, cond: Cond) -> CondId {
        if let Some(id) = self.cond_ids.get(&cond) {
            return *id;
        }
        let id = CondId(u32::try_from(self.conds.len()).unwrap_or(u32::MAX));
        self.conds.push(cond);
        self.cond_ids.insert(cond, id);
        id
    }

    pub(super) fn cond_of(&self, id: CondId) -> Cond {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.conds.get(at).copied().unwrap_or(Cond::Const(false))
    }

    pub(super) fn always(&mut self) -> CondId {
        self.cond(Cond::Const(true))
    }

    pub(super) fn never(&mut self) -> CondId {
        self.cond(Cond::Const(false))
    }

    pub(super) fn not(&mut self, cond: CondId) -> CondId {
        match self.cond_of(cond) {
            Cond::Const(b) => self.cond(Cond::Const(!b)),
            Cond::Not(inner) => inner,
            _ => self.cond(Cond::Not(cond)),
        }
    }

    pub(super) fn and(&mut self, a: CondId, b: CondId) -> CondId {
        match (self.cond_of(a), self.cond_of(b)) {
            (Cond::Const(true), _) => b,
            (Cond::Const(false), _) | (_, Cond::Const(true)) => a,
            _ => self.cond(Cond::And(a, b)),
        }
    }

    pub(super) fn or(&mut self, a: CondId, b: CondId) -> CondId {
        match (self.cond_of(a), self.cond_of(b)) {
            (Cond::Const(false), _) => b,
            (Cond::Const(true), _) | (_, Cond::Const(false)) => a,
            _ => self.cond(Cond::Or(a, b)),
        }
    }

    pub(super) fn all(&mut self, conds: impl IntoIterator<Item = CondId>) -> CondId {
        let start = self.always();
        conds.into_iter().fold(start, |a, b| self.and(a, b))
    }

    pub(super) fn any(&mut self, conds: impl IntoIterator<Item = CondId>) -> CondId {
        let start = self.never();
        conds.into_iter().fold(start, |a, b| self.or(a, b))
    }

    /// `value == number`.
    pub(super) fn is(&mut self, value: ValueId, number: u32) -> CondId {
        let number = self.num(number);
        self.compare(Relop::Eq, value, number)
    }

    /// `(value & mask) == number`; nothing is read if no bit counts.
    pub(super) fn masked_is(&mut self, value: ValueId, mask: u32, number: u32) -> CondId {
        if mask == 0 {
            return self.cond(Cond::Const(number == 0));
        }
        let mask = self.num(mask);
        let masked = self.bin(BinOp::And, value, mask);
        self.is(masked, number)
    }

    /// `value & bits` is not 0.
    pub(super) fn any_bit(&mut self, value: ValueId, bits: u32) -> CondId {
        let bits = self.num(bits);
        self.cond(Cond::Test(Rel::Set, value, bits))
    }

    /// A comparison in the forms that BPF has, the constant on the right.
    pub(super) fn compare(&mut self, relop: Relop, a: ValueId, b: ValueId) -> CondId {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            return self.cond(Cond::Const(holds(relop, x, y)));
        }
        if self.constant(a).is_some() {
            return self.compare(mirrored(relop), b, a);
        }
        if self.constant(b) == Some(0)
            && matches!(relop, Relop::Eq | Relop::Ne)
            && let Value::Bin(BinOp::And, value, bits) = self.get(a)
            && let Some(bits) = self.constant(bits)
        {
            let set = self.any_bit(value, bits);
            return if relop == Relop::Ne {
                set
            } else {
                self.not(set)
            };
        }
        let (rel, negated) = match relop {
            Relop::Eq => (Rel::Eq, false),
            Relop::Ne => (Rel::Eq, true),
            Relop::Gt => (Rel::Gt, false),
            Relop::Le => (Rel::Gt, true),
            Relop::Ge => (Rel::Ge, false),
            Relop::Lt => (Rel::Ge, true),
        };
        let test = self.cond(Cond::Test(rel, a, b));
        if negated { self.not(test) } else { test }
    }

    /// The cell for a purpose at a place: the same one each time. None if all are taken.
    pub(super) fn cell(&mut self, purpose: &'static str, at: Place) -> Option<u8> {
        let next = u8::try_from(self.cells.len()).ok()?;
        let cell = *self.cells.entry((purpose, at)).or_insert(next);
        (cell < NAMED_CELLS).then_some(cell)
    }

    /// Scratch cells that have a purpose: from 0 up.
    pub(super) fn cells_taken(&self) -> u8 {
        u8::try_from(self.cells.len()).unwrap_or(u8::MAX)
    }
}

/// Does the comparison hold?
pub(super) fn holds(relop: Relop, a: u32, b: u32) -> bool {
    match relop {
        Relop::Eq => a == b,
        Relop::Ne => a != b,
        Relop::Lt => a < b,
        Relop::Le => a <= b,
        Relop::Gt => a > b,
        Relop::Ge => a >= b,
    }
}

fn mirrored(relop: Relop) -> Relop {
    match relop {
        Relop::Lt => Relop::Gt,
        Relop::Le => Relop::Ge,
        Relop::Gt => Relop::Lt,
        Relop::Ge => Relop::Le,
        same => same,
    }
}

/// The BPF operation of an operator.
pub(super) const fn opcode(binop: BinOp) -> u16 {
    match binop {
        BinOp::Add => op::ADD,
        BinOp::Sub => op::SUB,
        BinOp::Mul => op::MUL,
        BinOp::Div => op::DIV,
        BinOp::Mod => op::MOD,
        BinOp::And => op::AND,
        BinOp::Or => op::OR,
        BinOp::Xor => op::XOR,
        BinOp::Lsh => op::LSH,
        BinOp::Rsh => op::RSH,
    }
}
