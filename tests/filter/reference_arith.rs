//! The reference's reading of comparisons and arithmetic.

use rawsock::filter::ast::{Arith, BinOp, Protocol, Relop, Size};

use super::reference::{Answer, At, Dropped, Reference};

impl Reference<'_> {
    pub fn relation(&self, relop: Relop, a: &Arith, b: &Arith, at: At) -> Answer {
        for v6 in [false, true] {
            if v6 && (self.compat() || !(in_both(a) || in_both(b))) {
                break;
            }
            if !self.there(a, v6, at)? || !self.there(b, v6, at)? {
                continue;
            }
            let (a, b) = (self.value(a, v6, at)?, self.value(b, v6, at)?);
            let holds = match relop {
                Relop::Eq => a == b,
                Relop::Ne => a != b,
                Relop::Lt => a < b,
                Relop::Le => a <= b,
                Relop::Gt => a > b,
                Relop::Ge => a >= b,
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Are the headers there that the arithmetic reads?
    fn there(&self, arith: &Arith, v6: bool, at: At) -> Answer {
        match arith {
            Arith::Num(_) | Arith::Len => Ok(true),
            Arith::Neg(inner) => self.there(inner, v6, at),
            Arith::Bin(_, a, _) if self.compat() => self.there(a, v6, at),
            Arith::Bin(_, a, b) => Ok(self.there(a, v6, at)? && self.there(b, v6, at)?),
            Arith::Load(Protocol::Ether, index, ..) => self.there(index, v6, at),
            Arith::Load(proto, index, ..) => {
                let Some(number) = transport_number(*proto) else {
                    return Ok(self.there(index, v6, at)? && self.is(*proto, at)?);
                };
                let v6 = *proto == Protocol::Icmp6 || (v6 && carried_by_both(*proto));
                Ok(self.link_is(if v6 { 0x86dd } else { 0x800 }, at)?
                    && self.there(index, v6, at)?
                    && self.transport(number, v6, at)?.is_some())
            }
        }
    }

    fn value(&self, arith: &Arith, v6: bool, at: At) -> Result<u32, Dropped> {
        Ok(match arith {
            Arith::Num(number) => *number,
            Arith::Len => self.packet.wire_len,
            Arith::Neg(inner) => self.value(inner, v6, at)?.wrapping_neg(),
            Arith::Bin(op, a, b) => {
                let (a, b) = (self.value(a, v6, at)?, self.value(b, v6, at)?);
                match op {
                    BinOp::Add => a.wrapping_add(b),
                    BinOp::Sub => a.wrapping_sub(b),
                    BinOp::Mul => a.wrapping_mul(b),
                    BinOp::Div => a.checked_div(b).ok_or(Dropped)?,
                    BinOp::Mod => a.checked_rem(b).ok_or(Dropped)?,
                    BinOp::And => a & b,
                    BinOp::Or => a | b,
                    BinOp::Xor => a ^ b,
                    BinOp::Lsh => a.checked_shl(b).unwrap_or(0),
                    BinOp::Rsh => a.checked_shr(b).unwrap_or(0),
                }
            }
            Arith::Load(proto, index, size, _) => {
                let index = self.value(index, v6, at)?;
                let net = u32::try_from(at.payload + at.labels).unwrap_or(0);
                let header = u32::try_from(at.header).unwrap_or(0);
                // A constant behind a sum that may wrap: as X + k is formed.
                let (sum, k) = match transport_number(*proto) {
                    None if *proto == Protocol::Ether => (index, header),
                    None => (index, net),
                    Some(_) if *proto == Protocol::Icmp6 || (v6 && carried_by_both(*proto)) => {
                        let offset = if self.compat() {
                            40
                        } else {
                            let net = at.payload + at.labels;
                            u32::try_from(self.walk(net)?.2 - net).unwrap_or(0)
                        };
                        (index.wrapping_add(offset), net)
                    }
                    Some(_) => {
                        let length = (self.byte(at.payload + at.labels)? & 15) * 4;
                        (index.wrapping_add(length), net)
                    }
                };
                let place =
                    usize::try_from(sum.checked_add(k).ok_or(Dropped)?).map_err(|_| Dropped)?;
                match size {
                    Size::Byte => self.byte(place)?,
                    Size::Half => self.half(place)?,
                    Size::Word => self.word(place)?,
                }
            }
        })
    }
}

fn transport_number(proto: Protocol) -> Option<u32> {
    Some(match proto {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
        Protocol::Pim => 103,
        Protocol::Icmp => 1,
        Protocol::Igmp => 2,
        Protocol::Igrp => 9,
        Protocol::Vrrp | Protocol::Carp => 112,
        Protocol::Icmp6 => 58,
        _ => return None,
    })
}

fn carried_by_both(proto: Protocol) -> bool {
    matches!(
        proto,
        Protocol::Tcp | Protocol::Udp | Protocol::Sctp | Protocol::Pim
    )
}

fn in_both(arith: &Arith) -> bool {
    match arith {
        Arith::Num(_) | Arith::Len => false,
        Arith::Neg(inner) => in_both(inner),
        Arith::Bin(_, a, b) => in_both(a) || in_both(b),
        Arith::Load(proto, index, ..) => carried_by_both(*proto) || in_both(index),
    }
}
