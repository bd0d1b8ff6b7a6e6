//! Header chains as straight code: the kernel takes no loops, so that a walk over IPv6 extension
//! headers, and `protochain`, look at a fixed number of headers. RFC 8200 section 4.1 asks for at
//! most seven before the upper layer.

use super::emit::Emit;
use super::insn::op;
use super::ir::{Chain, LATER_FRAGMENT, Walk};
use super::layout::{Item, Label};
use super::parse::Parsed;

/// Extension headers that are followed. A packet with more has no upper layer for us.
pub(super) const MAX_HEADERS: u32 = 8;

const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const AUTHENTICATION: u32 = 51;
const NO_NEXT: u32 = 59;
const OPTIONS: u32 = 60;

/// How long an extension header says that it is.
#[derive(Clone, Copy)]
enum Length {
    /// (n + 1) * 8 bytes, RFC 8200 section 4.
    Eights,
    /// (n + 2) * 4 bytes: the authentication header, RFC 4302 section 2.2.
    Fours,
}

impl Emit<'_> {
    /// Fills the walk's cells. A chain that leaves the captured bytes drops the packet, as every
    /// such read does.
    pub(super) fn walk(&mut self, walk: Walk) -> Parsed<()> {
        let done = self.label();
        let k = walk.header.k;
        self.start(walk.header, 6, 40)?;
        for _ in 0..MAX_HEADERS {
            let (long, auth, fragment, next) =
                (self.label(), self.label(), self.label(), self.label());
            for number in [HOP_BY_HOP, OPTIONS, ROUTING] {
                self.if_equal(number, long);
            }
            self.if_equal(AUTHENTICATION, auth);
            self.branch(op::JEQ, FRAGMENT, fragment, done);

            self.items.push(Item::Label(long));
            self.advance(k, Length::Eights, walk.offset.into());
            self.items.push(Item::Goto(next));

            self.items.push(Item::Label(auth));
            self.advance(k, Length::Fours, walk.offset.into());
            self.items.push(Item::Goto(next));

            self.items.push(Item::Label(fragment));
            let (later, first) = (self.label(), self.label());
            self.op(op::LD_H_IND, k.wrapping_add(2), "fragment offset");
            self.branch(op::JSET, 0xfff8, later, first);
            self.items.push(Item::Label(later));
            self.op(op::LD_B_IND, k, "next header");
            self.op(op::OR, LATER_FRAGMENT, "a later fragment");
            self.items.push(Item::Goto(done));
            self.items.push(Item::Label(first));
            self.op(op::LD_B_IND, k, "next header");
            self.op(op::ST, walk.proto.into(), "");
            self.op(op::TXA, 0, "");
            self.op(op::ADD, 8, "behind the fragment header");
            self.op(op::TAX, 0, "");
            self.op(op::LD_MEM, walk.proto.into(), "");

            self.items.push(Item::Label(next));
        }
        self.items.push(Item::Label(done));
        self.op(op::ST, walk.proto.into(), "IPv6 upper protocol");
        self.op(op::STX, walk.offset.into(), "offset of the upper header");
        Ok(())
    }

    /// Goes to `yes` if a header of the chain, or what follows the last one, is of the protocol.
    pub(super) fn chain(&mut self, chain: Chain, yes: Label, no: Label) -> Parsed<()> {
        let temp = self.temp()?;
        self.temps_done();
        let k = chain.header.k;
        if chain.v6 {
            self.start(chain.header, 6, 40)?;
        } else {
            self.start_v4(chain.header)?;
        }
        for step in 0..=MAX_HEADERS {
            self.if_equal(chain.proto, yes);
            let last = step == MAX_HEADERS;
            if last {
                self.items.push(Item::Goto(no));
                break;
            }
            self.if_equal(NO_NEXT, no);
            let (long, auth, next) = (self.label(), self.label(), self.label());
            if chain.v6 {
                for number in [HOP_BY_HOP, OPTIONS, ROUTING] {
                    self.if_equal(number, long);
                }
                let (fragment, later, first) = (self.label(), self.label(), self.label());
                let other = self.label();
                self.branch(op::JEQ, FRAGMENT, fragment, other);
                self.items.push(Item::Label(fragment));
                self.op(op::LD_H_IND, k.wrapping_add(2), "fragment offset");
                self.branch(op::JSET, 0xfff8, later, first);
                // Nothing can be followed in a later fragment, but the number is there.
                self.items.push(Item::Label(later));
                self.op(op::LD_B_IND, k, "next header");
                self.branch(op::JEQ, chain.proto, yes, no);
                self.items.push(Item::Label(first));
                self.op(op::LD_B_IND, k, "next header");
                self.op(op::ST, temp, "");
                self.op(op::TXA, 0, "");
                self.op(op::ADD, 8, "behind the fragment header");
                self.op(op::TAX, 0, "");
                self.op(op::LD_MEM, temp, "");
                self.items.push(Item::Goto(next));
                self.items.push(Item::Label(long));
                self.advance(k, Length::Eights, temp);
                self.items.push(Item::Goto(next));
                self.items.push(Item::Label(other));
            }
            self.branch(op::JEQ, AUTHENTICATION, auth, no);
            self.items.push(Item::Label(auth));
            self.advance(k, Length::Fours, temp);
            self.items.push(Item::Label(next));
        }
        Ok(())
    }

    /// A = the number of what follows the header, X = offset of that, less the header's constant.
    fn start(&mut self, header: super::ir::Place, field: u32, length: u32) -> Parsed<()> {
        match header.base {
            None => {
                self.op(op::LD_B, header.k.wrapping_add(field), "next header");
                self.op(op::LDX_IMM, length, "");
            }
            Some(base) => {
                self.load_a(base)?;
                self.op(op::TAX, 0, "");
                self.op(op::ADD, length, "");
                let temp = self.temp()?;
                self.op(op::ST, temp, "");
                self.op(op::LD_B_IND, header.k.wrapping_add(field), "next header");
                self.op(op::LDX_MEM, temp, "");
                self.temps_done();
            }
        }
        Ok(())
    }

    fn start_v4(&mut self, header: super::ir::Place) -> Parsed<()> {
        let temp = self.temp()?;
        match header.base {
            None => {
                self.op(op::LD_B, header.k.wrapping_add(9), "IPv4 protocol");
                self.op(op::LDX_MSH, header.k, "IPv4 header length");
            }
            Some(base) => {
                self.load_a(base)?;
                self.op(op::TAX, 0, "");
                self.op(op::LD_B_IND, header.k, "");
                self.op(op::AND, 0xf, "");
                self.op(op::LSH, 2, "IPv4 header length");
                self.op(op::ADD | op::SRC_X, 0, "");
                self.op(op::ST, temp, "");
                self.op(op::LD_B_IND, header.k.wrapping_add(9), "IPv4 protocol");
                self.op(op::LDX_MEM, temp, "");
            }
        }
        self.temps_done();
        Ok(())
    }

    /// Steps over a header: A = its next header field, X = offset behind it.
    fn advance(&mut self, k: u32, length: Length, temp: u32) {
        self.op(op::LD_B_IND, k.wrapping_add(1), "header length");
        let (add, shift) = match length {
            Length::Eights => (1, 3),
            Length::Fours => (2, 2),
        };
        self.op(op::ADD, add, "");
        self.op(op::LSH, shift, "");
        self.op(op::ADD | op::SRC_X, 0, "");
        self.op(op::ST, temp, "");
        self.op(op::LD_B_IND, k, "next header");
        self.op(op::LDX_MEM, temp, "");
    }

    fn if_equal(&mut self, number: u32, yes: Label) {
        let next = self.label();
        self.branch(op::JEQ, number, yes, next);
        self.items.push(Item::Label(next));
    }

    fn branch(&mut self, code: u16, k: u32, yes: Label, no: Label) {
        self.items.push(Item::Jump {
            code,
            k,
            yes,
            no,
            value: None,
        });
    }

    fn label(&mut self) -> Label {
        self.labels = self.labels.wrapping_add(1);
        Label::Local(self.labels)
    }
}
