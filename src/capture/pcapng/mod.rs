//! The pcapng format (draft-ietf-opsawg-pcapng): a walk over blocks, no reading.
//!
//! Read: sections of either byte order, interfaces with name, filter, `if_tsresol` and
//! `if_tsoffset`, enhanced, simple and obsolete packet blocks, packet comments, drop counts. Passed
//! over: name resolution, secrets, journal and custom blocks.

mod block;
mod ticks;

use std::collections::HashMap;
use std::ops::Range;

use block::{Block, text};
use ticks::{Clock, Unit};

use super::link::{cooked_direction, link_type};
use super::walk::{Fault, Order, Record, Step, size};
use super::{Interface, MAX_BLOCK, MAX_INTERFACES};
use crate::decode::Direction;
use crate::event::Timestamp;

/// Type of the section header block, a palindrome: it is read before the byte order is known.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Comments kept of one packet.
const MAX_COMMENTS: usize = 64;

/// One interface of the current section.
#[derive(Clone, Copy, Debug)]
struct Local {
    /// Its number among all interfaces of the file, from 1.
    number: u32,
    clock: Clock,
}

/// An open pcapng file.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    section: Vec<Local>,
    /// All different interfaces of the file, in order, and where each stands.
    interfaces: Vec<Interface>,
    numbers: HashMap<Interface, u32>,
    /// Last drop count that an interface statistics block gave, by interface.
    drops: HashMap<u32, u64>,
    /// Comments of the packet found last, from the head of its block.
    comments: Vec<Range<usize>>,
}

impl Pcapng {
    pub fn new() -> Self {
        Self {
            order: Order::Little,
            section: Vec::new(),
            interfaces: Vec::new(),
            numbers: HashMap::new(),
            drops: HashMap::new(),
            comments: Vec::new(),
        }
    }

    /// The interface of this number, from 1.
    pub fn interface(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(size(number).checked_sub(1)?)
    }

    /// Comments of the packet found last, from the head of its block.
    pub fn comments(&self) -> &[Range<usize>] {
        &self.comments
    }

    /// Packets that the writer's kernel or interface dropped, as statistics blocks say; `None` if
    /// there was none yet.
    pub fn drops(&self) -> Option<u64> {
        let all = self.drops.values().copied();
        all.reduce(u64::saturating_add)
    }

    /// Looks at the block at the head of the window.
    pub fn step(&mut self, window: &[u8]) -> Step {
        if window.len() < 12 {
            return Step::Need(12);
        }
        let is_section = window.starts_with(&SECTION);
        let order = if is_section {
            match [Order::Little, Order::Big].map(|order| order.u32(window, 8)) {
                [BYTE_ORDER, _] => Order::Little,
                [_, BYTE_ORDER] => Order::Big,
                [other, _] => {
                    let reason = format!("byte-order magic 0x{other:08x} is not known");
                    return Step::Damaged(Fault::new(8, reason));
                }
            }
        } else {
            self.order
        };
        let claimed = order.u32(window, 4);
        if claimed < 12 || claimed % 4 != 0 {
            let reason = format!("a block claims {claimed} bytes, not a multiple of 4 from 12 up");
            return Step::Damaged(Fault::new(4, reason));
        }
        if claimed > MAX_BLOCK {
            let reason = format!(
                "a block claims {claimed} bytes, more than the {MAX_BLOCK} that one may have"
            );
            return Step::Damaged(Fault::new(4, reason));
        }
        let len = size(claimed);
        let Some(block) = window.get(..len) else {
            return Step::Need(len);
        };
        let body = len.saturating_sub(4);
        let again = order.u32(block, body);
        if again != claimed {
            let reason =
                format!("a block claims {claimed} bytes at its start and {again} at its end");
            return Step::Damaged(Fault::new(body, reason));
        }
        if is_section {
            self.order = order;
        }
        let block = Block {
            order,
            bytes: block.get(..body).unwrap_or(&[]),
            len,
        };
        let step = match order.u32(block.bytes, 0) {
            _ if is_section => self.section(&block),
            1 => self.describe(&block),
            2 => self.packet(&block, block.u16(8).into()),
            3 => self.simple(&block),
            5 => self.statistics(&block),
            6 => self.packet(&block, block.u32(8)),
            _ => Ok(Step::Skip(len)),
        };
        step.unwrap_or_else(Step::Damaged)
    }

    fn section(&mut self, block: &Block<'_>) -> Result<Step, Fault> {
        block.at_least(24)?;
        let (major, minor) = (block.u16(12), block.u16(14));
        // 1.2 was written for a while and is the same (draft-ietf-opsawg-pcapng 4.1).
        if major != 1 || !matches!(minor, 0 | 2) {
            let reason = format!("pcapng version {major}.{minor} is not known");
            return Err(Fault::new(12, reason));
        }
        self.section.clear();
        Ok(Step::Skip(block.len))
    }

    fn describe(&mut self, block: &Block<'_>) -> Result<Step, Fault> {
        block.at_least(16)?;
        let mut interface = Interface {
            name: String::new(),
            description: String::new(),
            filter: String::new(),
            link: link_type(block.u16(8)),
            snaplen: block.u32(12),
            nanos: false,
        };
        let mut clock = Clock {
            unit: Unit::Micro,
            offset: 0,
        };
        for (code, range) in block.options(16) {
            let value = block.bytes.get(range).unwrap_or(&[]);
            match (code, value) {
                (2, _) => interface.name = text(value),
                (3, _) => interface.description = text(value),
                (9, [resolution]) => {
                    clock.unit = Unit::from_resolution(*resolution);
                    interface.nanos = clock.unit != Unit::Micro;
                }
                // The first byte says which kind of filter; 0 is the text.
                (11, [0, words @ ..]) => interface.filter = text(words),
                (14, [_, _, _, _, _, _, _, _]) => {
                    clock.offset = block.order.u64(value, 0).cast_signed();
                }
                _ => {}
            }
        }
        let number = self.number(interface)?;
        if self.section.len() >= MAX_INTERFACES {
            return Err(too_many());
        }
        self.section.push(Local { number, clock });
        Ok(Step::Skip(block.len))
    }

    /// Sections that describe the same interface again share its number.
    fn number(&mut self, interface: Interface) -> Result<u32, Fault> {
        if let Some(number) = self.numbers.get(&interface) {
            return Ok(*number);
        }
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(too_many());
        }
        self.interfaces.push(interface.clone());
        let number = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        self.numbers.insert(interface, number);
        Ok(number)
    }

    fn local(&self, id: u32, at: usize) -> Result<Local, Fault> {
        let known = self.section.len();
        let found = self.section.get(size(id)).copied();
        found.ok_or_else(|| {
            let reason = format!("a block names interface {id}, its section describes {known}");
            Fault::new(at, reason)
        })
    }

    /// An enhanced packet block, or an obsolete one: there the interface is a 16-bit number and a
    /// drop count fills its place.
    fn packet(&mut self, block: &Block<'_>, interface: u32) -> Result<Step, Fault> {
        const DATA: usize = 28;
        block.at_least(DATA)?;
        let local = self.local(interface, 8)?;
        let ticks = u64::from(block.u32(12)) << 32 | u64::from(block.u32(16));
        let captured = block.u32(20);
        let data = block.packet(DATA, captured)?;
        let options = data.end.saturating_add(3) & !3;
        let mut dir = Direction::Unknown;
        self.comments.clear();
        for (code, range) in block.options(options) {
            match (code, block.bytes.get(range.clone())) {
                (1, _) if self.comments.len() < MAX_COMMENTS => self.comments.push(range),
                // epb_flags, bits 0 and 1 (draft-ietf-opsawg-pcapng 4.3.1).
                (2, Some(flags @ [_, _, _, _])) => {
                    dir = match block.order.u32(flags, 0) & 3 {
                        1 => Direction::In,
                        2 => Direction::Out,
                        _ => Direction::Unknown,
                    }
                }
                _ => {}
            }
        }
        let record = self.record(block, data, local, block.u32(24), dir);
        Ok(Step::Packet(Record {
            at: local.clock.time(ticks),
            ..record
        }))
    }

    /// A simple packet block has no time and no interface: it is interface 0's.
    fn simple(&mut self, block: &Block<'_>) -> Result<Step, Fault> {
        const DATA: usize = 12;
        block.at_least(DATA)?;
        let local = self.local(0, 0)?;
        let wire_len = block.u32(8);
        let snaplen = self.interface(local.number).map_or(0, |face| face.snaplen);
        // "SHOULD NOT be used if the snaplen is 0", where it means no limit.
        let captured = if snaplen == 0 {
            wire_len
        } else {
            wire_len.min(snaplen)
        };
        let data = block.packet(DATA, captured)?;
        self.comments.clear();
        Ok(Step::Packet(self.record(
            block,
            data,
            local,
            wire_len,
            Direction::Unknown,
        )))
    }

    fn record(
        &self,
        block: &Block<'_>,
        data: Range<usize>,
        local: Local,
        wire_len: u32,
        dir: Direction,
    ) -> Record {
        let interface = self.interface(local.number);
        let link = interface.map_or(link_type(0), |interface| interface.link);
        let bytes = block.bytes.get(data.clone()).unwrap_or(&[]);
        Record {
            len: block.len,
            data,
            at: Timestamp::default(),
            wire_len,
            link,
            dir: match dir {
                Direction::Unknown => cooked_direction(link, bytes),
                told => told,
            },
            iface: local.number,
        }
    }

    fn statistics(&mut self, block: &Block<'_>) -> Result<Step, Fault> {
        block.at_least(20)?;
        let local = self.local(block.u32(8), 8)?;
        // isb_ifdrop and isb_osdrop: the kernel counts the second one with the first or not at
        // all, so the larger one is told.
        let drops = block
            .options(20)
            .filter(|(code, range)| matches!(code, 5 | 7) && range.len() == 8)
            .map(|(_, range)| block.order.u64(block.bytes, range.start))
            .max();
        if let Some(drops) = drops {
            self.drops.insert(local.number, drops);
        }
        Ok(Step::Skip(block.len))
    }
}

fn too_many() -> Fault {
    let reason = format!("more than {MAX_INTERFACES} interfaces");
    Fault::new(0, reason)
}
