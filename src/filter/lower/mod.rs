//! Syntax tree to conditions over packet bytes. A tunnel keyword such as `vlan` moves the offsets
//! of what follows, so a condition is lowered to ways: each a condition, and how to read on where
//! it holds.

mod arith;
mod host;
mod ip;
mod linktype;
mod tunnel;

use std::ops::Range;

use super::ast::{Expr, Join, Llc, Prim, Size, Term};
use super::error::FilterError;
use super::insn::{AD_IFINDEX, AD_PKTTYPE};
use super::ir::{CondId, Ir, Place, Value, ValueId};
use super::link::{Link, Options, Target};
use super::parse::Parsed;

/// Ways that are followed at once. Nested tunnels in nested `or`s can make more.
const MAX_WAYS: usize = 32;

/// How to read the packet from here on: where its layers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State {
    link: Link,
    /// Start of the link header.
    header: Place,
    /// The field that says what the link header carries.
    link_type: Place,
    /// What follows the link header: LLC, or the payload.
    payload: Place,
    /// MPLS labels between there and the network layer, in bytes.
    labels: u32,
    /// VLAN tags passed.
    vlans: u8,
    /// A Geneve packet without an inner Ethernet header.
    headless: bool,
}

impl State {
    fn new(link: Link) -> Self {
        // link_type and payload, in bytes. A raw packet has no link header; its link_type is unused.
        let (link_type, payload) = match link {
            Link::Ethernet => (12, 14),
            Link::Sll => (14, 16),
            Link::Sll2 => (0, 20),
            Link::Null | Link::Loop => (0, 4),
            Link::Ppp => (2, 4),
            Link::Raw | Link::Ipv4 | Link::Ipv6 => (0, 0),
        };
        Self {
            link,
            header: Place::fixed(0),
            link_type: Place::fixed(link_type),
            payload: Place::fixed(payload),
            labels: 0,
            vlans: 0,
            headless: false,
        }
    }

    /// Place in the network layer header.
    fn net(&self, offset: u32) -> Place {
        self.payload.plus(self.labels).plus(offset)
    }
}

/// One way on: its condition, and how to read where it holds.
#[derive(Clone, Copy, Debug)]
struct Way {
    cond: CondId,
    state: State,
}

pub(super) struct Lower<'a> {
    options: &'a Options,
    pub(super) ir: Ir,
    /// Place of the current primitive, for messages.
    at: Range<usize>,
}

/// Lowers a whole expression to one condition.
pub(super) fn lower(expr: &Expr, options: &Options) -> Parsed<(Ir, CondId)> {
    let mut lower = Lower {
        options,
        ir: Ir::default(),
        at: 0..0,
    };
    let ways = lower.expr(expr, &State::new(options.link))?;
    let cond = lower.ir.any(ways.iter().map(|way| way.cond));
    Ok((lower.ir, cond))
}

impl Lower<'_> {
    fn compat(&self) -> bool {
        self.options.pcap_compat
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(FilterError::new(self.at.clone(), message))
    }

    fn expr(&mut self, expr: &Expr, state: &State) -> Parsed<Vec<Way>> {
        let mut ways = self.term(&expr.first, state)?;
        for (join, term) in &expr.rest {
            ways = match join {
                Join::And => {
                    let mut both = Vec::new();
                    for way in ways {
                        for next in self.term(term, &way.state)? {
                            let cond = self.ir.and(way.cond, next.cond);
                            both.push(Way { cond, ..next });
                        }
                    }
                    both
                }
                Join::Or if self.compat() => {
                    let left = self.textual(&ways, state);
                    let right = self.term(term, &left.state)?;
                    let right = self.textual(&right, &left.state);
                    let cond = self.ir.or(left.cond, right.cond);
                    vec![Way { cond, ..right }]
                }
                // Each side reads the packet as it is before the `or`.
                Join::Or => {
                    let right = self.term(term, state)?;
                    ways.into_iter().chain(right).collect()
                }
            };
            ways = self.merged(ways)?;
        }
        Ok(ways)
    }

    fn term(&mut self, term: &Term, state: &State) -> Parsed<Vec<Way>> {
        match term {
            Term::Group(expr) => self.expr(expr, state),
            Term::Not(inner) => {
                let ways = self.term(inner, state)?;
                let after = if self.compat() {
                    self.textual(&ways, state).state
                } else {
                    *state
                };
                let any = self.ir.any(ways.iter().map(|way| way.cond));
                let cond = self.ir.not(any);
                Ok(vec![Way { cond, state: after }])
            }
            Term::Prim(prim, at) => {
                self.at = at.clone();
                self.prim(prim, state)
            }
        }
    }

    /// libpcap's reading: a tunnel keyword moves the offsets of everything that is written after
    /// it, whether it holds or not. An offset that is only known where it holds is not moved.
    fn textual(&mut self, ways: &[Way], before: &State) -> Way {
        let cond = self.ir.any(ways.iter().map(|way| way.cond));
        let last = ways.last().map_or(*before, |way| way.state);
        let known = last.payload.base == before.payload.base;
        let state = if known { last } else { *before };
        Way { cond, state }
    }

    /// Joins ways that read on in the same way.
    fn merged(&mut self, ways: Vec<Way>) -> Parsed<Vec<Way>> {
        let mut merged: Vec<Way> = Vec::new();
        for way in ways {
            match merged.iter_mut().find(|known| known.state == way.state) {
                Some(known) => known.cond = self.ir.or(known.cond, way.cond),
                None => merged.push(way),
            }
        }
        if merged.len() > MAX_WAYS {
            return self.fail("too many combinations of tunnels: more than 32");
        }
        Ok(merged)
    }

    fn prim(&mut self, prim: &Prim, state: &State) -> Parsed<Vec<Way>> {
        let cond = match prim {
            Prim::Vlan(id) => return self.vlan(*id, state),
            Prim::Mpls(label) => return self.mpls(*label, state),
            Prim::Pppoes(session) => return self.pppoes(*session, state),
            Prim::Geneve(vni) => return self.geneve(*vni, state),
            Prim::Vxlan(vni) => return self.vxlan(*vni, state),
            Prim::Is(proto) => self.is_protocol(*proto, state)?,
            Prim::Host(proto, dir, addresses) => self.host(*proto, *dir, addresses, state)?,
            Prim::DecnetHost(dir, address) => self.decnet_host(*dir, *address, state)?,
            Prim::EtherHost(dir, mac) => self.ether_host(*dir, *mac, state)?,
            Prim::Port(proto, dir, low, high) => self.port(*proto, *dir, *low, *high, state)?,
            Prim::Proto(layer, number) => self.proto(*layer, *number, state)?,
            Prim::Protochain(layer, number) => self.protochain(*layer, *number, state)?,
            Prim::EtherBroadcast => self.ether_broadcast(state)?,
            Prim::EtherMulticast => self.ether_multicast(state)?,
            Prim::IpBroadcast => self.ip_broadcast(state)?,
            Prim::IpMulticast => self.ip_multicast(state)?,
            Prim::Ip6Multicast => self.ip6_multicast(state)?,
            Prim::Less(most) => {
                let len = self.ir.value(Value::Len);
                let most = self.ir.num(*most);
                self.ir.compare(super::ast::Relop::Le, len, most)
            }
            Prim::Greater(least) => {
                let len = self.ir.value(Value::Len);
                let least = self.ir.num(*least);
                self.ir.compare(super::ast::Relop::Ge, len, least)
            }
            Prim::Byte(at, op, value) => self.byte(*at, *op, *value, state)?,
            Prim::Inbound => {
                let out = self.outbound();
                self.ir.not(out)
            }
            Prim::Outbound => self.outbound(),
            Prim::Ifindex(index) => self.ifindex(*index)?,
            Prim::Pppoed => self.link_type(0x8863, state)?,
            Prim::Llc(kind) => self.llc(*kind, state)?,
            Prim::Relation(relop, a, b) => self.relation(*relop, a, b, state)?,
        };
        Ok(vec![Way {
            cond,
            state: *state,
        }])
    }

    /// Sent by the capturing host? Cooked captures say it in their header, other links beside it.
    fn outbound(&mut self) -> CondId {
        // PACKET_OUTGOING, linux/if_packet.h.
        let outgoing = 4;
        let value = match self.options.link {
            Link::Sll => self.ir.load(Size::Half, Place::fixed(0), "packet type"),
            Link::Sll2 => self.ir.load(Size::Byte, Place::fixed(10), "packet type"),
            _ => self.beside(AD_PKTTYPE, "packet type"),
        };
        self.ir.is(value, outgoing)
    }

    fn ifindex(&mut self, index: u32) -> Parsed<CondId> {
        let value = match (self.options.link, self.options.target) {
            (Link::Sll2, _) => self.ir.load(Size::Word, Place::fixed(4), "interface index"),
            (_, Target::Live) => self.beside(AD_IFINDEX, "interface index"),
            (link, Target::File) => {
                let message = format!("files of link type {link} do not hold interface indices");
                return self.fail(message);
            }
        };
        Ok(self.ir.is(value, index))
    }

    fn beside(&mut self, offset: u32, what: &'static str) -> ValueId {
        let value = self.ir.value(Value::Beside(offset));
        self.ir.note(value, what);
        value
    }

    /// IEEE 802.2 LLC frames on Ethernet: a length, not an EtherType, and not Novell's raw 802.3.
    fn llc(&mut self, kind: Llc, state: &State) -> Parsed<CondId> {
        if state.link != Link::Ethernet || state.headless {
            return self.fail(format!("`llc` does not exist on {} links", state.link));
        }
        let is_length = self.is_length(state);
        let saps = self.ir.load(Size::Half, state.payload, "LLC DSAP and SSAP");
        let novell = self.ir.is(saps, 0xffff);
        let not_novell = self.ir.not(novell);
        let frame = self.ir.and(is_length, not_novell);
        let control = self
            .ir
            .load(Size::Byte, state.payload.plus(2), "LLC control");
        let fits = match kind {
            Llc::Any => self.ir.always(),
            Llc::Information => {
                let supervisory = self.ir.any_bit(control, 1);
                self.ir.not(supervisory)
            }
            Llc::Control(mask, value) => self.ir.masked_is(control, mask.into(), value.into()),
        };
        Ok(self.ir.and(frame, fits))
    }
}
