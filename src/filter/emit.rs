//! The graph to instructions: which value is in A and X on the way, scratch cells for the rest.
//! Jumps still name blocks; `layout` counts them out. Header walks are in `unroll`.

use std::collections::HashMap;

use super::ast::{BinOp, Size};
use super::error::FilterError;
use super::graph::{Act, Block, BlockId, Graph};
use super::insn::{Insn, KEEP, MEM_WORDS, op};
use super::ir::{Ir, Place, Rel, Value, ValueId, opcode};
use super::layout::{Item, Label};
use super::parse::Parsed;

/// What the registers hold, if it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Regs {
    a: Option<ValueId>,
    x: Option<ValueId>,
}

pub(super) struct Emit<'a> {
    pub(super) ir: &'a Ir,
    pub(super) items: Vec<Item>,
    regs: Regs,
    /// Registers on arrival at a block, common to all edges into it so far.
    arriving: HashMap<BlockId, Regs>,
    /// Arithmetic's scratch cells in use, from the top down.
    temps: u8,
    pub(super) labels: u32,
}

/// Emits the blocks in order, then the two ends.
pub(super) fn emit(ir: &Ir, graph: &Graph) -> Parsed<Vec<Item>> {
    let mut emit = Emit {
        ir,
        items: Vec::new(),
        regs: Regs::default(),
        arriving: HashMap::new(),
        temps: 0,
        labels: 0,
    };
    let order = graph.order();
    let entry = graph.entry;
    emit.arrive(entry);
    for id in order {
        emit.regs = emit.arriving.remove(&id).unwrap_or_default();
        emit.items.push(Item::Label(Label::Block(id)));
        emit.block(graph.get(id))?;
    }
    for (end, keep) in [(super::graph::KEEP, KEEP), (super::graph::DROP, 0)] {
        if !emit.arriving.contains_key(&end) {
            continue;
        }
        emit.items.push(Item::Label(Label::Block(end)));
        let note = if keep > 0 { "match" } else { "no match" };
        emit.items.push(Item::Op(Insn::new(op::RET, keep), note));
    }
    Ok(emit.items)
}

impl Emit<'_> {
    fn block(&mut self, block: Block) -> Parsed<()> {
        match block.act {
            Act::Test(rel, a, b) => self.test(rel, a, b, block)?,
            Act::Define(cell, value) => {
                self.load_a(value)?;
                self.op(op::ST, cell.into(), "");
                // The cell is this value now, and so is A.
                self.goto(block.yes);
            }
            Act::Walk(walk) => {
                self.walk(walk)?;
                self.regs = Regs::default();
                self.goto(block.yes);
            }
            Act::Chain(chain) => {
                self.chain(chain, Label::Block(block.yes), Label::Block(block.no))?;
                self.regs = Regs::default();
                self.arrive(block.yes);
                self.arrive(block.no);
            }
            Act::End => {}
        }
        Ok(())
    }

    fn test(&mut self, rel: Rel, a: ValueId, b: ValueId, block: Block) -> Parsed<()> {
        let code = match rel {
            Rel::Eq => op::JEQ,
            Rel::Gt => op::JGT,
            Rel::Ge => op::JGE,
            Rel::Set => op::JSET,
        };
        let (source, k) = if let Some(k) = self.ir.constant(b) {
            self.load_a(a)?;
            (0, k)
        } else {
            self.load_both(a, b)?;
            (op::SRC_X, 0)
        };
        self.items.push(Item::Jump {
            code: code | source,
            k,
            yes: Label::Block(block.yes),
            no: Label::Block(block.no),
            value: self.ir.note_of(a).or_else(|| self.inner_note(a)),
        });
        self.arrive(block.yes);
        self.arrive(block.no);
        Ok(())
    }

    /// The note of what a mask or a shift is applied to.
    fn inner_note(&self, id: ValueId) -> Option<&'static str> {
        match self.ir.get(id) {
            Value::Bin(_, a, b) if self.ir.constant(b).is_some() => self.ir.note_of(a),
            _ => None,
        }
    }

    fn goto(&mut self, to: BlockId) {
        self.items.push(Item::Goto(Label::Block(to)));
        self.arrive(to);
    }

    fn arrive(&mut self, to: BlockId) {
        let now = self.regs;
        let common = self.arriving.entry(to).or_insert(now);
        if common.a != now.a {
            common.a = None;
        }
        if common.x != now.x {
            common.x = None;
        }
    }

    pub(super) fn op(&mut self, code: u16, k: u32, note: &'static str) {
        self.items.push(Item::Op(Insn::new(code, k), note));
    }

    fn note(&self, id: ValueId) -> &'static str {
        self.ir.note_of(id).unwrap_or("")
    }

    /// Emits what puts the value into A.
    pub(super) fn load_a(&mut self, id: ValueId) -> Parsed<()> {
        if self.regs.a == Some(id) {
            return Ok(());
        }
        if self.regs.x == Some(id) {
            self.op(op::TXA, 0, self.note(id));
            self.regs.a = Some(id);
            return Ok(());
        }
        let note = self.note(id);
        match self.ir.get(id) {
            Value::Num(number) => self.op(op::LD_IMM, number, note),
            Value::Len => self.op(op::LD_LEN, 0, note),
            Value::Cell(cell) => self.op(op::LD_MEM, cell.into(), note),
            Value::Beside(offset) => self.op(op::LD_H, offset, note),
            Value::Load(size, place) => self.load(size, place, note)?,
            Value::HeaderLen(place) => self.header_len(id, place)?,
            Value::Neg(inner) => {
                self.load_a(inner)?;
                self.op(op::NEG, 0, note);
            }
            Value::Bin(binop, a, b) => self.operation(binop, a, b, note)?,
        }
        self.regs.a = Some(id);
        Ok(())
    }

    fn operation(
        &mut self,
        binop: BinOp,
        a: ValueId,
        b: ValueId,
        note: &'static str,
    ) -> Parsed<()> {
        if let Some(k) = self.ir.constant(b) {
            self.load_a(a)?;
            self.op(opcode(binop), k, note);
            return Ok(());
        }
        let swaps = matches!(
            binop,
            BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor
        );
        if swaps && self.loads_x(a) && !self.loads_x(b) {
            self.load_both(b, a)?;
        } else {
            self.load_both(a, b)?;
        }
        self.op(opcode(binop) | op::SRC_X, 0, note);
        Ok(())
    }

    /// Puts one value into A and the other into X.
    fn load_both(&mut self, a: ValueId, b: ValueId) -> Parsed<()> {
        if self.loads_x(b) {
            self.load_a(a)?;
            return self.load_x(b);
        }
        if self.regs.x == Some(b) && !self.needs_x(a) {
            return self.load_a(a);
        }
        // The side that needs more scratch cells goes first (Sethi and Ullman).
        let first = self.cells_for(a) > self.cells_for(b);
        self.load_a(if first { a } else { b })?;
        if first {
            let temp = self.temp()?;
            self.op(op::ST, temp, "");
            self.load_a(b)?;
            self.op(op::TAX, 0, "");
            self.op(op::LD_MEM, temp, "");
            self.regs.a = Some(a);
            self.temp_done();
        } else if self.needs_x(a) {
            let temp = self.temp()?;
            self.op(op::ST, temp, "");
            self.load_a(a)?;
            self.op(op::LDX_MEM, temp, "");
            self.temp_done();
        } else {
            self.op(op::TAX, 0, "");
            self.regs.x = Some(b);
            self.load_a(a)?;
        }
        self.regs.x = Some(b);
        Ok(())
    }

    /// Emits what puts the value into X. A may be lost, unless the value loads into X directly.
    fn load_x(&mut self, id: ValueId) -> Parsed<()> {
        if self.regs.x == Some(id) {
            return Ok(());
        }
        let note = self.note(id);
        match self.ir.get(id) {
            Value::Num(number) => self.op(op::LDX_IMM, number, note),
            Value::Len => self.op(op::LDX_LEN, 0, note),
            Value::Cell(cell) => self.op(op::LDX_MEM, cell.into(), note),
            Value::HeaderLen(Place { base: None, k }) => self.op(op::LDX_MSH, k, note),
            _ => {
                self.load_a(id)?;
                self.op(op::TAX, 0, "");
            }
        }
        self.regs.x = Some(id);
        Ok(())
    }

    /// Can X be loaded with this value without A?
    fn loads_x(&self, id: ValueId) -> bool {
        matches!(
            self.ir.get(id),
            Value::Num(_)
                | Value::Len
                | Value::Cell(_)
                | Value::HeaderLen(Place { base: None, .. })
        )
    }

    /// Scratch cells that computing the value takes, at most.
    fn cells_for(&self, id: ValueId) -> u8 {
        match self.ir.get(id) {
            Value::Num(_) | Value::Len | Value::Cell(_) | Value::Beside(_) => 0,
            Value::Load(_, place) | Value::HeaderLen(place) => {
                place.base.map_or(0, |base| self.cells_for(base))
            }
            Value::Neg(inner) => self.cells_for(inner),
            Value::Bin(_, a, b) => {
                let (a, b) = (self.cells_for(a), self.cells_for(b));
                let held = a.min(b).saturating_add(1);
                a.max(b).max(held)
            }
        }
    }

    /// Does computing the value into A change X?
    fn needs_x(&self, id: ValueId) -> bool {
        if self.regs.a == Some(id) {
            return false;
        }
        match self.ir.get(id) {
            Value::Num(_) | Value::Len | Value::Cell(_) | Value::Beside(_) => false,
            Value::Load(_, place) => place.base.is_some(),
            Value::HeaderLen(_) => true,
            Value::Neg(inner) => self.needs_x(inner),
            Value::Bin(_, a, b) => self.ir.constant(b).is_none() || self.needs_x(a),
        }
    }

    fn load(&mut self, size: Size, place: Place, note: &'static str) -> Parsed<()> {
        let (fixed, indexed) = match size {
            Size::Byte => (op::LD_B, op::LD_B_IND),
            Size::Half => (op::LD_H, op::LD_H_IND),
            Size::Word => (op::LD_W, op::LD_W_IND),
        };
        match place.base {
            None => self.op(fixed, place.k, note),
            Some(base) => {
                self.load_x(base)?;
                self.op(indexed, place.k, note);
            }
        }
        Ok(())
    }

    fn header_len(&mut self, id: ValueId, place: Place) -> Parsed<()> {
        if place.base.is_none() {
            self.load_x(id)?;
            self.op(op::TXA, 0, "");
            return Ok(());
        }
        self.load(Size::Byte, place, "")?;
        self.op(op::AND, 0xf, "");
        self.op(op::LSH, 2, self.note(id));
        Ok(())
    }

    /// A scratch cell for the time of one computation.
    pub(super) fn temp(&mut self) -> Parsed<u32> {
        let top = u8::try_from(MEM_WORDS).unwrap_or(u8::MAX);
        self.temps = self.temps.saturating_add(1);
        match top.checked_sub(self.temps) {
            Some(cell) if cell >= self.ir.cells_taken() => Ok(cell.into()),
            _ => {
                let message = "the arithmetic needs more than the scratch cells of BPF";
                Err(FilterError::new(0..0, message).hint("split it into several comparisons"))
            }
        }
    }

    /// Gives the last one back.
    pub(super) fn temp_done(&mut self) {
        self.temps = self.temps.saturating_sub(1);
    }
}
