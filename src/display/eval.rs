//! A display filter against a decoded packet.

use std::cmp::Ordering;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::decode::{Field, Layer, Spec, Value};

use super::Seen;
use super::keys::{Source, What};
use super::lex::Compare;
use super::literal::Literal;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    /// An odd number of them holds.
    Odd(Vec<Node>),
    Not(Box<Node>),
    /// A key alone: there is such a layer or field; a boolean field or bit test also must be set.
    Is(Operand),
    Compare(Operand, Compare, Side),
    Contains(Operand, Literal),
    In(Operand, Vec<(Literal, Option<Literal>)>),
}

/// A key with what is done to its values.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub source: Source,
    /// `[from..to]` of the value's bytes, to the end without `to`. Negative from the end.
    pub slice: Option<(i64, Option<i64>)>,
    /// `& number`.
    pub mask: Option<u64>,
}

/// The right side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Side {
    Literal(Literal),
    Field(Operand),
}

/// One value of a key in a packet.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A group of fields, without a value of its own.
    Group,
    /// A flag.
    Bool(bool),
    /// A number, and the field that it belongs to.
    Uint(u64, Option<&'static Spec>),
    /// A signed number.
    Int(i64),
    /// Nanoseconds since 1970, to be shown as seconds.
    Epoch(i64),
    /// Nanoseconds since 1970, to be shown as a date.
    Date(i64),
    /// A MAC address.
    Mac([u8; 6]),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// Text from the packet, unescaped.
    Text(&'a str),
    /// Bytes as they are.
    Bytes(&'a [u8]),
}

impl Node {
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(seen)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(seen)),
            Self::Odd(nodes) => {
                let count = nodes.iter().filter(|node| node.holds(seen)).count();
                count % 2 == 1
            }
            Self::Not(node) => !node.holds(seen),
            Self::Is(operand) => operand.any(seen, &mut |item| match item {
                Item::Bool(set) => set,
                Item::Uint(number, _) => operand.mask.is_none() || number != 0,
                _ => true,
            }),
            Self::Compare(left, compare, right) => comparison(left, *compare, right, seen),
            Self::Contains(operand, part) => {
                let Some(part) = part.as_bytes() else {
                    return false;
                };
                operand.any_bytes(seen, &mut |bytes| contains(bytes, part))
            }
            Self::In(operand, set) => operand.any(seen, &mut |item| {
                set.iter()
                    .any(|(from, to)| match (from.compare(&item), to) {
                        (Some(order), None) => order == Ordering::Equal,
                        (Some(Ordering::Equal | Ordering::Greater), Some(to)) => {
                            to.compare(&item).is_some_and(Ordering::is_le)
                        }
                        _ => false,
                    })
            }),
        }
    }
}

fn comparison(left: &Operand, compare: Compare, right: &Side, seen: &Seen<'_>) -> bool {
    // `None`: of different kinds, so neither equal nor less.
    let fits = |order: Option<Ordering>| match compare {
        Compare::Equal | Compare::AllEqual => order == Some(Ordering::Equal),
        Compare::NotEqual | Compare::AnyNotEqual => order != Some(Ordering::Equal),
        Compare::Less => order.is_some_and(Ordering::is_lt),
        Compare::LessEqual => order.is_some_and(Ordering::is_le),
        Compare::Greater => order.is_some_and(Ordering::is_gt),
        Compare::GreaterEqual => order.is_some_and(Ordering::is_ge),
    };
    let all = matches!(compare, Compare::AllEqual | Compare::NotEqual);
    // Every pair must fit, or one; without any there is nothing to hold.
    let (mut pairs, mut missed) = (false, false);
    let mut pair = |order| {
        pairs = true;
        if all {
            missed |= !fits(order);
            missed
        } else {
            fits(order)
        }
    };
    let ended = match right {
        Side::Literal(literal) => left.any(seen, &mut |item| pair(literal.compare(&item))),
        Side::Field(right) => left.any(seen, &mut |one| {
            right.any(seen, &mut |other| pair(order(&one, &other)))
        }),
    };
    if all { pairs && !missed } else { ended }
}

/// How two fields' values compare.
fn order(one: &Item<'_>, other: &Item<'_>) -> Option<Ordering> {
    let number = |item: &Item<'_>| match *item {
        Item::Bool(set) => Some(i128::from(set)),
        Item::Uint(number, _) => Some(i128::from(number)),
        Item::Int(number) => Some(i128::from(number)),
        _ => None,
    };
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return Some(one.cmp(&other));
    }
    match (one, other) {
        (Item::Epoch(one) | Item::Date(one), Item::Epoch(other) | Item::Date(other)) => {
            Some(one.cmp(other))
        }
        (Item::Mac(one), Item::Mac(other)) => Some(one.cmp(other)),
        (Item::Ipv4(one), Item::Ipv4(other)) => Some(one.cmp(other)),
        (Item::Ipv6(one), Item::Ipv6(other)) => Some(one.cmp(other)),
        (Item::Text(one), Item::Text(other)) => Some(one.cmp(other)),
        (Item::Bytes(one), Item::Bytes(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

impl Operand {
    /// Hands each value to `hit` until that says `true`.
    fn any(&self, seen: &Seen<'_>, hit: &mut dyn FnMut(Item<'_>) -> bool) -> bool {
        if self.slice.is_some() {
            return self.any_bytes(seen, &mut |bytes| hit(Item::Bytes(bytes)));
        }
        let Some(mask) = self.mask else {
            return self.source.any(seen, &mut |item, _| hit(item));
        };
        self.source.any(seen, &mut |item, _| match item {
            Item::Uint(number, _) => hit(Item::Uint(number & mask, None)),
            Item::Bool(set) => hit(Item::Uint(u64::from(set) & mask, None)),
            _ => false,
        })
    }

    /// Hands the bytes of each value, or the slice of them, to `hit` until that says `true`.
    fn any_bytes(&self, seen: &Seen<'_>, hit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.source.any(seen, &mut |item, wire| {
            let bytes = match &item {
                Item::Mac(mac) => mac.as_slice(),
                Item::Text(text) => text.as_bytes(),
                Item::Bytes(bytes) => bytes,
                _ => wire,
            };
            match self.slice {
                Some((from, to)) => slice(bytes, from, to).is_some_and(&mut *hit),
                None => hit(bytes),
            }
        })
    }
}

/// Part of a value, if it is that long.
fn slice(bytes: &[u8], from: i64, to: Option<i64>) -> Option<&[u8]> {
    let len = i64::try_from(bytes.len()).ok()?;
    let index = |at: i64| {
        let at = if at < 0 { len.checked_add(at)? } else { at };
        usize::try_from(at).ok()
    };
    let from = index(from)?;
    let part = match to {
        Some(to) => bytes.get(from..index(to)?),
        None => bytes.get(from..),
    };
    part.filter(|part| !part.is_empty())
}

impl Source {
    /// Hands each value, and the bytes that it stands for, to `hit` until that says `true`.
    pub fn any<'a>(
        &self,
        seen: &Seen<'a>,
        hit: &mut dyn FnMut(Item<'a>, &'a [u8]) -> bool,
    ) -> bool {
        let (specs, protos) = match &self.what {
            What::Frame => return hit(Item::Bytes(seen.frame.bytes), seen.frame.bytes),
            What::Whole(whole, _) => {
                return whole.item(seen).is_some_and(|item| hit(item, &[]));
            }
            What::Layer(protos) => (&[][..], protos),
            What::Fields { specs, protos } => (specs.as_slice(), protos),
        };
        let is_mine = |layer: &&Layer| {
            let mine = protos.iter().any(|known| std::ptr::eq(*known, layer.proto));
            mine && !(self.outer && layer.quoted)
        };
        let most = if self.outer { 1 } else { usize::MAX };
        let mut layers = seen.packet.layers().iter().filter(is_mine).take(most);
        if let What::Layer(_) = self.what {
            return layers.any(|layer| {
                let bytes = bytes_of(seen, layer, layer.at, layer.end.saturating_sub(layer.at));
                hit(Item::Bytes(bytes), bytes)
            });
        }
        layers.any(|layer| {
            let mut fields = seen.packet.fields_of(layer).iter();
            fields.any(|field| {
                let mine = specs.iter().any(|spec| std::ptr::eq(*spec, field.spec));
                mine && {
                    let bytes = bytes_of(seen, layer, field.at, field.len);
                    hit(item(seen, field, bytes), bytes)
                }
            })
        })
    }
}

fn item<'a>(seen: &Seen<'a>, field: &Field, bytes: &'a [u8]) -> Item<'a> {
    match field.value {
        Value::None => Item::Group,
        Value::Bool(set) => Item::Bool(set),
        Value::Uint(number) => Item::Uint(number, Some(field.spec)),
        Value::Int(number) => Item::Int(number),
        Value::Mac(mac) => Item::Mac(mac.0),
        Value::Ipv4(address) => Item::Ipv4(address),
        Value::Ipv6(address) => Item::Ipv6(address),
        Value::Text(from, to) => Item::Text(seen.packet.text(from, to)),
        Value::Bytes => Item::Bytes(bytes),
    }
}

/// Captured bytes, as far as they go.
fn bytes_of<'a>(seen: &Seen<'a>, layer: &Layer, at: u32, len: u32) -> &'a [u8] {
    let all = seen.packet.buffer(seen.frame, layer.buf);
    let from = (at as usize).min(all.len());
    let to = from.saturating_add(len as usize).min(all.len());
    all.get(from..to).unwrap_or(&[])
}
