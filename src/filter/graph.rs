//! Conditions to a graph of blocks without cycles, and its simplification: an edge whose outcome is
//! already known on the way there goes on to where it would lead (jump threading), and blocks that
//! do the same are one. What a program rejects by reading outside the packet stays rejected.

use std::collections::HashMap;

use super::error::FilterError;
use super::facts::{Facts, decide};
use super::ir::{Chain, Cond, CondId, Ir, Rel, ValueId, Walk};
use super::parse::Parsed;

/// Blocks that are built before anything is simplified.
const MAX_BLOCKS: usize = 60_000;

/// A block, by its index. A block's index is greater than those that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct BlockId(u32);

impl BlockId {
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The end that keeps the packet, and the one that does not.
pub(super) const KEEP: BlockId = BlockId(1);
pub(super) const DROP: BlockId = BlockId(0);

/// What a block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// An end.
    End,
    Test(Rel, ValueId, ValueId),
    Chain(Chain),
    /// These two have one way out.
    Define(u8, ValueId),
    Walk(Walk),
}

/// What a block does, and where it leads if that holds and if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) act: Act,
    pub(super) yes: BlockId,
    pub(super) no: BlockId,
}

#[derive(Debug)]
pub(super) struct Graph {
    blocks: Vec<Block>,
    known: HashMap<Block, BlockId>,
    pub(super) entry: BlockId,
}

impl Graph {
    /// The graph of a condition, simplified.
    pub(super) fn new(ir: &Ir, cond: CondId) -> Parsed<Self> {
        let end = |id| Block {
            act: Act::End,
            yes: id,
            no: id,
        };
        let mut graph = Self {
            blocks: vec![end(DROP), end(KEEP)],
            known: HashMap::new(),
            entry: DROP,
        };
        graph.entry = graph.build(ir, cond, KEEP, DROP)?;
        graph.thread(ir);
        graph.share();
        // Sharing brings ways together that were told apart before.
        graph.thread(ir);
        graph.share();
        Ok(graph)
    }

    pub(super) fn get(&self, id: BlockId) -> Block {
        let drop = Block {
            act: Act::End,
            yes: DROP,
            no: DROP,
        };
        self.blocks.get(id.index()).copied().unwrap_or(drop)
    }

    fn add(&mut self, block: Block) -> Parsed<BlockId> {
        if let Some(id) = self.known.get(&block) {
            return Ok(*id);
        }
        if self.blocks.len() >= MAX_BLOCKS {
            let message = "the expression is too large to compile";
            return Err(FilterError::new(0..0, message));
        }
        let id = BlockId(u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        self.blocks.push(block);
        self.known.insert(block, id);
        Ok(id)
    }

    /// The block that tests the condition and leads to `yes` or `no`. Built from the end; recursive
    /// to the right only, where nesting is bounded by the parser.
    fn build(&mut self, ir: &Ir, cond: CondId, yes: BlockId, no: BlockId) -> Parsed<BlockId> {
        let (mut cond, mut yes, mut no) = (cond, yes, no);
        loop {
            let act = match ir.cond_of(cond) {
                Cond::And(left, right) => {
                    yes = self.build(ir, right, yes, no)?;
                    cond = left;
                    continue;
                }
                Cond::Or(left, right) => {
                    no = self.build(ir, right, yes, no)?;
                    cond = left;
                    continue;
                }
                Cond::Not(inner) => {
                    std::mem::swap(&mut yes, &mut no);
                    cond = inner;
                    continue;
                }
                Cond::Const(holds) => return Ok(if holds { yes } else { no }),
                Cond::Test(rel, a, b) => Act::Test(rel, a, b),
                Cond::Chain(chain) => Act::Chain(chain),
                Cond::Define(cell, value) => Act::Define(cell, value),
                Cond::Walk(walk) => Act::Walk(walk),
            };
            let single = matches!(act, Act::Define(..) | Act::Walk(_));
            let no = if single { yes } else { no };
            return self.add(Block { act, yes, no });
        }
    }

    /// Sends every edge past the blocks whose outcome is known on it.
    fn thread(&mut self, ir: &Ir) {
        let mut arriving: Vec<Option<Facts>> = vec![None; self.blocks.len()];
        self.entry = self.pass(ir, self.entry, &Facts::default());
        if let Some(facts) = arriving.get_mut(self.entry.index()) {
            *facts = Some(Facts::default());
        }
        // Blocks lead to lower indices only, so that all edges into a block are settled before it.
        for index in (2..self.blocks.len()).rev() {
            let Some(facts) = arriving.get_mut(index).and_then(Option::take) else {
                continue;
            };
            let Some(block) = self.blocks.get(index).copied() else {
                continue;
            };
            let mut ways = [(block.yes, true), (block.no, false)].map(|(to, holds)| {
                let mut after = facts.clone();
                after.learn(ir, block.act, holds);
                let to = self.pass(ir, to, &after);
                (to, after)
            });
            if let Some(block) = self.blocks.get_mut(index) {
                let [(yes, _), (no, _)] = &ways;
                (block.yes, block.no) = (*yes, *no);
            }
            for (to, after) in &mut ways {
                match arriving.get_mut(to.index()) {
                    Some(Some(known)) => known.keep_common(after),
                    Some(empty) => *empty = Some(std::mem::take(after)),
                    None => {}
                }
            }
        }
    }

    /// Where an edge to `to` leads, as far as the facts decide it.
    fn pass(&self, ir: &Ir, to: BlockId, facts: &Facts) -> BlockId {
        let mut to = to;
        // Each step goes to a lower index, so that this ends.
        loop {
            let block = self.get(to);
            to = match decide(ir, facts, block.act, block.yes == block.no) {
                Some(true) => block.yes,
                Some(false) => block.no,
                None => return to,
            };
        }
    }

    /// Joins blocks that do the same and lead to the same, from the ends up; leaves out those that
    /// only lead to the drop.
    fn share(&mut self) {
        let mut same: HashMap<Block, BlockId> = HashMap::new();
        let mut now: Vec<BlockId> = vec![DROP, KEEP];
        for index in 2..self.blocks.len() {
            let Some(block) = self.blocks.get_mut(index) else {
                break;
            };
            let target = |id: BlockId| now.get(id.index()).copied().unwrap_or(id);
            block.yes = target(block.yes);
            block.no = target(block.no);
            // Whatever it reads: the packet is dropped either way, and if it cannot be read too.
            if block.yes == DROP && block.no == DROP {
                now.push(DROP);
                continue;
            }
            let own = BlockId(u32::try_from(index).unwrap_or(u32::MAX));
            now.push(*same.entry(*block).or_insert(own));
        }
        if let Some(entry) = now.get(self.entry.index()) {
            self.entry = *entry;
        }
    }

    /// The blocks that are reached, each before those that it leads to, the ends not among them.
    pub(super) fn order(&self) -> Vec<BlockId> {
        let mut finished: Vec<BlockId> = Vec::new();
        let mut seen = vec![false; self.blocks.len()];
        let mut stack = vec![(self.entry, 0_u8)];
        while let Some((id, stage)) = stack.pop() {
            let block = self.get(id);
            if stage == 0 {
                match seen.get_mut(id.index()) {
                    Some(seen) if !*seen && block.act != Act::End => *seen = true,
                    _ => continue,
                }
            }
            // The way on that is finished last is placed right behind the block.
            match stage {
                0 => stack.extend([(id, 1), (block.no, 0)]),
                1 => stack.extend([(id, 2), (block.yes, 0)]),
                _ => finished.push(id),
            }
        }
        finished.reverse();
        finished
    }
}
