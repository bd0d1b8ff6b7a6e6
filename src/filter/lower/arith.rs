//! Comparisons of arithmetic: what `tcp[13] & 2 != 0` reads, and the protocol checks that go before.

use crate::filter::ast::{Arith, BinOp, ByteOp, Protocol, Relop, Size};
use crate::filter::ir::{CondId, Place, Value, ValueId};
use crate::filter::parse::Parsed;

use super::ip::{IPV4, IPV6, Transport};
use super::{Lower, State};

/// Parts of a value. Well above what fits into a program.
const MAX_SIZE: u32 = 4096;

/// Version of IP under a transport protocol, when both are possible.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// A value and the condition that its parts exist.
struct Checked {
    there: CondId,
    value: ValueId,
}

impl Lower<'_> {
    /// The protocol checks of both sides, then the comparison. A transport protocol of IPv4 and IPv6
    /// is tried in both, except in libpcap's reading, where it is IPv4's.
    pub(super) fn relation(
        &mut self,
        relop: Relop,
        a: &Arith,
        b: &Arith,
        state: &State,
    ) -> Parsed<CondId> {
        let both = !self.compat() && (in_both(a) || in_both(b));
        let families: &[Family] = if both {
            &[Family::V4, Family::V6]
        } else {
            &[Family::V4]
        };
        let mut any = self.ir.never();
        for family in families {
            let left = self.arith(a, *family, state)?;
            let right = self.arith(b, *family, state)?;
            let holds = self.ir.compare(relop, left.value, right.value);
            let one = self.ir.all([left.there, right.there, holds]);
            any = self.ir.or(any, one);
        }
        Ok(any)
    }

    fn arith(&mut self, arith: &Arith, family: Family, state: &State) -> Parsed<Checked> {
        let always = self.ir.always();
        Ok(match arith {
            Arith::Num(number) => Checked {
                there: always,
                value: self.ir.num(*number),
            },
            Arith::Len => {
                let value = self.ir.value(Value::Len);
                self.ir.note(value, "length on the wire");
                Checked {
                    there: always,
                    value,
                }
            }
            Arith::Neg(inner) => {
                let inner = self.arith(inner, family, state)?;
                let value = match self.ir.constant(inner.value) {
                    Some(number) => self.ir.num(number.wrapping_neg()),
                    None => self.ir.value(Value::Neg(inner.value)),
                };
                Checked { value, ..inner }
            }
            Arith::Bin(op, a, b) => {
                let a = self.arith(a, family, state)?;
                let b = self.arith(b, family, state)?;
                // libpcap forgets the checks of the right side.
                let there = if self.compat() {
                    a.there
                } else {
                    self.ir.and(a.there, b.there)
                };
                let divides = matches!(op, BinOp::Div | BinOp::Mod);
                if divides && self.ir.constant(b.value) == Some(0) {
                    return self.fail("division by zero");
                }
                let value = self.operation(*op, a.value, b.value);
                // A shift by a value uses it twice: nested ones grow without bound.
                if self.ir.size(value) > MAX_SIZE {
                    return self.fail("this arithmetic is too large");
                }
                Checked { there, value }
            }
            Arith::Load(proto, index, size, at) => {
                self.at = at.clone();
                self.field(*proto, index, *size, family, state)?
            }
        })
    }

    /// An operation. A shift by a value that can be above 31 gives 0 then, as in libpcap's
    /// interpreter: the kernel would use its low five bits only.
    fn operation(&mut self, op: BinOp, a: ValueId, b: ValueId) -> ValueId {
        let shift = matches!(op, BinOp::Lsh | BinOp::Rsh);
        if !shift || self.ir.most(b) <= 31 {
            return self.ir.bin(op, a, b);
        }
        let mut with = |op, a, number| {
            let number = self.ir.num(number);
            self.ir.bin(op, a, number)
        };
        // 1 if b < 32, else 0: (b / 32 - 1) has its top bit set only if b / 32 is 0.
        let blocks = with(BinOp::Rsh, b, 5);
        let less = with(BinOp::Sub, blocks, 1);
        let fits = with(BinOp::Rsh, less, 31);
        let low = with(BinOp::And, b, 31);
        let shifted = self.ir.bin(op, a, low);
        self.ir.bin(BinOp::Mul, shifted, fits)
    }

    /// `PROTOCOL[INDEX:SIZE]`.
    fn field(
        &mut self,
        proto: Protocol,
        index: &Arith,
        size: Size,
        family: Family,
        state: &State,
    ) -> Parsed<Checked> {
        let at = self.at.clone();
        let index = self.arith(index, family, state)?;
        self.at = at;
        let header = self.header(proto, family, state)?;
        let place = if let Some(number) = self.ir.constant(index.value) {
            self.fixed_index(header.at, number)?
        } else {
            let base = match header.at.base {
                Some(base) => self.ir.bin(BinOp::Add, index.value, base),
                None => index.value,
            };
            Place {
                base: Some(base),
                k: header.at.k,
            }
        };
        let there = match header.checked_first {
            Some(first) => self.ir.all([first, index.there, header.there]),
            None => self.ir.and(index.there, header.there),
        };
        Ok(Checked {
            there,
            value: self.ir.load(size, place, ""),
        })
    }

    /// A place so many bytes on. The sum must not wrap: a program cannot read before the packet, and
    /// offsets from 0xfffff000 on mean facts beside it.
    pub(super) fn fixed_index(&mut self, at: Place, index: u32) -> Parsed<Place> {
        let sum = i64::from(at.k).saturating_add(i64::from(index.cast_signed()));
        if let Ok(k) = u32::try_from(sum)
            && k.cast_signed() >= 0
        {
            return Ok(Place { k, ..at });
        }
        let Some(base) = at.base else {
            return self.fail("this offset is outside of any packet");
        };
        let index = self.ir.num(index);
        let base = self.ir.bin(BinOp::Add, base, index);
        Ok(Place {
            base: Some(base),
            ..at
        })
    }

    /// Where the header of a protocol is, and the condition that it is there.
    fn header(&mut self, proto: Protocol, family: Family, state: &State) -> Parsed<Header> {
        if proto == Protocol::Ether {
            return Ok(Header {
                checked_first: None,
                there: self.ir.always(),
                at: state.header,
            });
        }
        if let Some(number) = proto.link_number() {
            return Ok(Header {
                checked_first: None,
                there: self.link_type(number, state)?,
                at: state.net(0),
            });
        }
        let Some((number, _, _)) = proto.ip_number() else {
            return self.fail("the bytes of this protocol cannot be addressed");
        };
        let v6 = proto == Protocol::Icmp6 || (in_both_families(proto) && family == Family::V6);
        let (ether_type, Transport { there, at }) = if v6 {
            (IPV6, self.transport_v6(number.into(), state)?)
        } else {
            (IPV4, self.transport_v4(number.into(), state)?)
        };
        Ok(Header {
            checked_first: Some(self.link_type(ether_type, state)?),
            there,
            at,
        })
    }
}

/// A header that arithmetic reads from.
struct Header {
    /// What libpcap checks before the index.
    checked_first: Option<CondId>,
    there: CondId,
    at: Place,
}

/// Protocols that both versions of IP carry.
fn in_both_families(proto: Protocol) -> bool {
    matches!(proto.ip_number(), Some((_, true, true)))
}

/// Does the arithmetic read a protocol that both versions of IP carry?
fn in_both(arith: &Arith) -> bool {
    match arith {
        Arith::Num(_) | Arith::Len => false,
        Arith::Neg(inner) => in_both(inner),
        Arith::Bin(_, a, b) => in_both(a) || in_both(b),
        Arith::Load(proto, index, ..) => in_both_families(*proto) || in_both(index),
    }
}

impl Lower<'_> {
    /// A byte of the link header on, in the old `byte` syntax.
    pub(super) fn byte(
        &mut self,
        at: u32,
        op: ByteOp,
        value: u32,
        state: &State,
    ) -> Parsed<CondId> {
        let place = self.fixed_index(state.header, at)?;
        let byte = self.ir.load(Size::Byte, place, "");
        let number = self.ir.num(value);
        Ok(match op {
            ByteOp::Eq => self.ir.compare(Relop::Eq, byte, number),
            ByteOp::Lt => self.ir.compare(Relop::Lt, byte, number),
            ByteOp::Gt => self.ir.compare(Relop::Gt, byte, number),
            ByteOp::And => self.ir.any_bit(byte, value),
            ByteOp::Or => {
                let either = self.ir.bin(BinOp::Or, byte, number);
                let zero = self.ir.num(0);
                self.ir.compare(Relop::Ne, either, zero)
            }
        })
    }
}
