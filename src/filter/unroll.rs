//! Header chains as straight code: the kernel takes no loops, so that a walk over IPv6 extension
//! headers, and `protochain`, look at a fixed number of headers.

use super::emit::Emit;
use super::insn::op;
use super::ir::{Chain, LATER_FRAGMENT, Place, Walk};
use super::layout::{Item, Label};
use super::parse::Parsed;

/// Extension headers that are followed. RFC 8200 section 4.1 orders at most six that can be read
/// before the upper layer: hop-by-hop, destination options, routing, fragment, authentication,
/// destination options. A packet with more has no upper layer for us.
const MAX_HEADERS: u32 = 6;

const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const AUTHENTICATION: u32 = 51;
const NO_NEXT: u32 = 59;
const OPTIONS: u32 = 60;
/// The bits of a fragment header's second half-word that are the offset (RFC 8200 section 4.5).
const OFFSET_BITS: u32 = 0xfff8;

const NEXT: &str = "next header";

impl Emit<'_> {
    /// Fills the walk's cells. A chain that leaves the captured bytes drops the packet, as every
    /// such read does.
    pub(super) fn walk(&mut self, walk: Walk) -> Parsed<()> {
        let (later, done) = (self.label(), self.label());
        self.start_v6(walk.header)?;
        for _ in 0..MAX_HEADERS {
            self.header(walk.header.k, true, walk.offset.into(), later, done);
        }
        self.items.push(Item::Goto(done));
        self.items.push(Item::Label(later));
        self.op(op::LD_B_IND, walk.header.k, NEXT);
        self.op(op::OR, LATER_FRAGMENT, "a later fragment");
        self.items.push(Item::Label(done));
        self.op(op::ST, walk.proto.into(), "IPv6 upper protocol");
        self.op(op::STX, walk.offset.into(), "offset of the upper header");
        Ok(())
    }

    /// Goes to `yes` if a header of the chain, or what follows the last one, is of the protocol.
    pub(super) fn chain(&mut self, chain: Chain, yes: Label, no: Label) -> Parsed<()> {
        let later = self.label();
        if chain.v6 {
            self.start_v6(chain.header)?;
        } else {
            self.start_v4(chain.header)?;
        }
        let temp = self.temp()?;
        for _ in 0..MAX_HEADERS {
            self.if_equal(chain.proto, yes);
            self.if_equal(NO_NEXT, no);
            self.header(chain.header.k, chain.v6, temp, later, no);
        }
        self.temp_done();
        self.branch(op::JEQ, chain.proto, yes, no);
        if chain.v6 {
            // Nothing can be followed in a later fragment, but the number is there.
            self.items.push(Item::Label(later));
            self.op(op::LD_B_IND, chain.header.k, NEXT);
            self.branch(op::JEQ, chain.proto, yes, no);
        }
        Ok(())
    }

    /// A = the number of what follows the IPv6 header, X = offset of that, less the constant.
    fn start_v6(&mut self, header: Place) -> Parsed<()> {
        let at = header.k.wrapping_add(6);
        let Some(base) = header.base else {
            self.op(op::LD_B, at, NEXT);
            self.op(op::LDX_IMM, 40, "");
            return Ok(());
        };
        self.load_a(base)?;
        self.op(op::TAX, 0, "");
        self.op(op::ADD, 40, "");
        let temp = self.temp()?;
        self.op(op::ST, temp, "");
        self.op(op::LD_B_IND, at, NEXT);
        self.op(op::LDX_MEM, temp, "");
        self.temp_done();
        Ok(())
    }

    /// The same for IPv4.
    fn start_v4(&mut self, header: Place) -> Parsed<()> {
        let at = header.k.wrapping_add(9);
        let Some(base) = header.base else {
            self.op(op::LD_B, at, "IPv4 protocol");
            self.op(op::LDX_MSH, header.k, "IPv4 header length");
            return Ok(());
        };
        self.load_a(base)?;
        self.op(op::TAX, 0, "");
        self.op(op::LD_B_IND, header.k, "");
        self.op(op::AND, 0xf, "");
        self.op(op::LSH, 2, "IPv4 header length");
        self.op(op::ADD | op::SRC_X, 0, "");
        let temp = self.temp()?;
        self.op(op::ST, temp, "");
        self.op(op::LD_B_IND, at, "IPv4 protocol");
        self.op(op::LDX_MEM, temp, "");
        self.temp_done();
        Ok(())
    }

    /// One header: A is its number, X its offset. Steps over it, so that they are those of what
    /// follows; goes to `other` if it is not a header that can be stepped over, and to `later` in a
    /// fragment that is not the first. IPv4 has the authentication header only.
    fn header(&mut self, k: u32, v6: bool, temp: u32, later: Label, other: Label) {
        let (long, auth, step) = (self.label(), self.label(), self.label());
        let length = k.wrapping_add(1);
        if v6 {
            let fragment = self.label();
            for number in [HOP_BY_HOP, OPTIONS, ROUTING] {
                self.if_equal(number, long);
            }
            self.if_equal(AUTHENTICATION, auth);
            self.branch(op::JEQ, FRAGMENT, fragment, other);
            self.items.push(Item::Label(fragment));
            self.op(op::LD_H_IND, k.wrapping_add(2), "fragment offset");
            let first = self.label();
            self.branch(op::JSET, OFFSET_BITS, later, first);
            self.items.push(Item::Label(first));
            self.op(op::LD_IMM, 8, "");
            self.items.push(Item::Goto(step));
            // RFC 8200 section 4: length in 8 bytes, less the first.
            self.items.push(Item::Label(long));
            self.op(op::LD_B_IND, length, "header length");
            self.op(op::ADD, 1, "");
            self.op(op::LSH, 3, "in bytes");
            self.items.push(Item::Goto(step));
        } else {
            self.branch(op::JEQ, AUTHENTICATION, auth, other);
        }
        // RFC 4302 section 2.2: length in 4 bytes, less two.
        self.items.push(Item::Label(auth));
        self.op(op::LD_B_IND, length, "header length");
        self.op(op::ADD, 2, "");
        self.op(op::LSH, 2, "in bytes");
        self.items.push(Item::Label(step));
        self.op(op::ADD | op::SRC_X, 0, "offset behind this header");
        self.op(op::ST, temp, "");
        self.op(op::LD_B_IND, k, NEXT);
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
            value: (code == op::JEQ).then_some(NEXT),
        });
    }

    fn label(&mut self) -> Label {
        self.labels = self.labels.wrapping_add(1);
        Label::Local(self.labels)
    }
}
