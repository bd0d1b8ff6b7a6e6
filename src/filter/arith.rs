//! Parses comparisons and arithmetic: `ip[2:2] - ((ip[0] & 0xf) << 2) > 576`.

use super::ast::{Arith, BinOp, Prim, Protocol, Relop, Size};
use super::error::FilterError;
use super::lex::Kind;
use super::parse::{Parsed, Parser};

/// Operators in one comparison. Bounds the recursion over the tree that they make.
const MAX_OPERATORS: u32 = 256;

impl Parser<'_> {
    /// `ARITH RELOP ARITH`.
    pub(super) fn relation(&mut self) -> Parsed<Prim> {
        let mut left = MAX_OPERATORS;
        let a = self.arith(0, &mut left)?;
        let relop = match self.kind() {
            Kind::Op("=") => Relop::Eq,
            Kind::Op("!=") => Relop::Ne,
            Kind::Op("<") => Relop::Lt,
            Kind::Op("<=") => Relop::Le,
            Kind::Op(">") => Relop::Gt,
            Kind::Op(">=") => Relop::Ge,
            _ => {
                let err = self.expected("a comparison");
                return Err(err.hint("one of `=` `!=` `<` `<=` `>` `>=`"));
            }
        };
        self.step();
        let b = self.arith(0, &mut left)?;
        Ok(Prim::Relation(relop, Box::new(a), Box::new(b)))
    }

    /// Operators that bind at least as tightly as `least`, left to right.
    fn arith(&mut self, least: u8, left: &mut u32) -> Parsed<Arith> {
        let mut value = self.operand(left)?;
        while let Some((op, binds)) = self.operator() {
            // libpcap's grammar gives `%` and `^` no precedence, so that they take everything to
            // their right. We follow C, except for compatibility.
            let greedy = self.compat && matches!(op, BinOp::Mod | BinOp::Xor);
            if binds < least && !greedy {
                break;
            }
            let at = self.step().at;
            *left = left.checked_sub(1).ok_or_else(|| {
                FilterError::new(at.clone(), "more than 256 operators in one comparison")
            })?;
            let tighter = if greedy { 0 } else { binds.saturating_add(1) };
            let from = self.here();
            let right = self.arith(tighter, left)?;
            let fault = match (op, &right) {
                (BinOp::Div | BinOp::Mod, Arith::Num(0)) => Some("division by zero"),
                (BinOp::Lsh | BinOp::Rsh, Arith::Num(n)) if *n > 31 => {
                    Some("a shift by more than 31 bits leaves nothing")
                }
                _ => None,
            };
            if let Some(message) = fault {
                return Err(FilterError::new(self.since(&from), message));
            }
            value = Arith::Bin(op, Box::new(value), Box::new(right));
        }
        Ok(value)
    }

    /// The operator here and how tightly it binds, as in C.
    fn operator(&self) -> Option<(BinOp, u8)> {
        let Kind::Op(op) = self.kind() else {
            return None;
        };
        Some(match *op {
            "|" => (BinOp::Or, 1),
            "^" => (BinOp::Xor, 2),
            "&" => (BinOp::And, 3),
            "<<" => (BinOp::Lsh, 4),
            ">>" => (BinOp::Rsh, 4),
            "+" => (BinOp::Add, 5),
            "-" => (BinOp::Sub, 5),
            "*" => (BinOp::Mul, 6),
            "/" => (BinOp::Div, 6),
            "%" => (BinOp::Mod, 6),
            _ => return None,
        })
    }

    fn operand(&mut self, left: &mut u32) -> Parsed<Arith> {
        match *self.kind() {
            Kind::Num(number) => {
                self.step();
                Ok(Arith::Num(number))
            }
            Kind::Key("len") => {
                self.step();
                Ok(Arith::Len)
            }
            Kind::Op("-") => self.deeper(|p| {
                p.step();
                // Tighter than any operator, except the greedy two of libpcap.
                let value = p.arith(7, left)?;
                Ok(match value {
                    Arith::Num(n) => Arith::Num(n.wrapping_neg()),
                    value => Arith::Neg(Box::new(value)),
                })
            }),
            Kind::Op("(") => self.deeper(|p| {
                p.step();
                let value = p.arith(0, left)?;
                if !p.take_op(")") {
                    return Err(p.expected("an operator or `)`"));
                }
                Ok(value)
            }),
            Kind::Key(key) => match Protocol::of_key(key) {
                Some(proto) if self.kind_after(1) == &Kind::Op("[") => self.load(proto, key, left),
                _ => Err(self.expected("a number, `len` or `PROTOCOL[OFFSET]`")),
            },
            _ => Err(self.expected("a number, `len` or `PROTOCOL[OFFSET]`")),
        }
    }

    /// `PROTOCOL[OFFSET:SIZE]`.
    fn load(&mut self, proto: Protocol, key: &str, left: &mut u32) -> Parsed<Arith> {
        let from = self.here();
        let known = matches!(
            proto,
            Protocol::Ether
                | Protocol::Ip
                | Protocol::Ip6
                | Protocol::Arp
                | Protocol::Rarp
                | Protocol::Atalk
                | Protocol::Decnet
                | Protocol::Sca
                | Protocol::Lat
                | Protocol::Moprc
                | Protocol::Mopdl
                | Protocol::Sctp
                | Protocol::Tcp
                | Protocol::Udp
                | Protocol::Icmp
                | Protocol::Igmp
                | Protocol::Igrp
                | Protocol::Pim
                | Protocol::Vrrp
                | Protocol::Carp
                | Protocol::Icmp6
        );
        if !known {
            let message = format!("the bytes of `{key}` cannot be addressed");
            return Err(FilterError::new(from, message));
        }
        self.step();
        self.step();
        let index = self.deeper(|p| p.arith(0, left))?;
        let size = if self.take_op(":") {
            let size = match self.kind() {
                Kind::Num(1) => Size::Byte,
                Kind::Num(2) => Size::Half,
                Kind::Num(4) => Size::Word,
                _ => return Err(self.expected("a size of 1, 2 or 4 bytes")),
            };
            self.step();
            size
        } else {
            Size::Byte
        };
        if !self.take_op("]") {
            return Err(self.expected("`:` or `]`"));
        }
        Ok(Arith::Load(proto, Box::new(index), size, self.since(&from)))
    }
}
