//! What an expression means, read off its syntax tree over one packet: slow, simple, and without
//! anything of the compiler. A read outside the packet drops it, as classic BPF does.

use rawsock::filter::ast::{ByteOp, Dir, Expr, Join, Llc, Prim, Term};
use rawsock::filter::{Link, Options, Target, View};

/// The packet ended, or a division by zero: no match, whatever else is asked.
#[derive(Debug, PartialEq)]
pub struct Dropped;

pub type Answer = Result<bool, Dropped>;

/// Where the layers are.
#[derive(Clone, Copy, PartialEq)]
pub struct At {
    pub link: Link,
    pub header: usize,
    pub link_type: usize,
    pub payload: usize,
    pub labels: usize,
    outermost: bool,
    headless: bool,
    /// Which tunnel's payload the places count from; 0 for none.
    base: usize,
}

pub struct Reference<'a> {
    pub options: &'a Options,
    pub packet: View<'a>,
}

/// What is joined to a condition: asked where that holds.
type Then<'t> = &'t mut dyn FnMut(At) -> Answer;

impl Reference<'_> {
    /// Does the packet match?
    pub fn matches(&self, expr: &Expr) -> bool {
        let (link_type, payload) = match self.options.link {
            Link::Ethernet => (12, 14),
            Link::Sll => (14, 16),
            Link::Sll2 => (0, 20),
            Link::Null | Link::Loop => (0, 4),
            Link::Ppp => (2, 4),
            Link::Raw | Link::Ipv4 | Link::Ipv6 => (0, 0),
        };
        let at = At {
            link: self.options.link,
            header: 0,
            link_type,
            payload,
            labels: 0,
            outermost: true,
            headless: false,
            base: 0,
        };
        self.joined(expr, expr.rest.len(), at, &mut |_| Ok(true)) == Ok(true)
    }

    pub fn compat(&self) -> bool {
        self.options.pcap_compat
    }

    /// The first conditions of a chain, so many of those after the first.
    fn joined(&self, expr: &Expr, count: usize, at: At, then: Then) -> Answer {
        let Some((before, (join, term))) = count.checked_sub(1).map(|n| (n, &expr.rest[n])) else {
            return self.term(&expr.first, at, then);
        };
        match join {
            Join::And => self.joined(expr, before, at, &mut |at| self.term(term, at, then)),
            Join::Or if self.compat() => {
                // libpcap: what was written before moves the offsets, whether it held or not.
                let left = known(moved(expr, before, at), at);
                let holds = self.joined(expr, before, at, &mut |_| Ok(true))?
                    || self.term(term, left, &mut |_| Ok(true))?;
                Ok(holds && then(known(moved_by(term, left), left))?)
            }
            Join::Or => {
                let mut held = false;
                let mut also = |to: At| {
                    held |= to == at;
                    then(to)
                };
                if self.joined(expr, before, at, &mut also)? {
                    return Ok(true);
                }
                // The right side would read on in the same way, and that did not hold.
                let settled = held && !has_tunnel(term);
                Ok(!settled && self.term(term, at, then)?)
            }
        }
    }

    fn term(&self, term: &Term, at: At, then: Then) -> Answer {
        match term {
            Term::Group(expr) => self.joined(expr, expr.rest.len(), at, then),
            Term::Not(inner) => {
                let holds = self.term(inner, at, &mut |_| Ok(true))?;
                let after = if self.compat() {
                    moved_by(inner, at)
                } else {
                    at
                };
                Ok(!holds && then(after)?)
            }
            Term::Prim(prim, _) => match prim {
                Prim::Vlan(id) => self.vlan(*id, at, then),
                Prim::Mpls(label) => self.mpls(*label, at, then),
                Prim::Pppoes(session) => {
                    let here = at.payload + at.labels;
                    let fits = self.link_is(0x8864, at)?
                        && match session {
                            Some(id) => self.word(here)? & 0xffff == u32::from(*id),
                            None => true,
                        };
                    Ok(fits && then(through(prim, at))?)
                }
                Prim::Geneve(vni) => self.geneve(*vni, at, then),
                Prim::Vxlan(vni) => self.vxlan(*vni, at, then),
                _ => Ok(self.prim(prim, at)? && then(at)?),
            },
        }
    }

    fn vlan(&self, id: Option<u16>, at: At, then: Then) -> Answer {
        let fits = |tag: u32| id.is_none_or(|id| tag & 0xfff == u32::from(id));
        let inside = At {
            outermost: false,
            ..at
        };
        let live = self.options.target == Target::Live && at.outermost && at.header == 0;
        if live && let Some((tci, _)) = self.packet.vlan {
            return Ok(fits(tci.into()) && then(inside)?);
        }
        let tagged =
            self.link_is(0x8100, at)? || self.link_is(0x88a8, at)? || self.link_is(0x9100, at)?;
        let holds = tagged && (id.is_none() || fits(self.half(at.payload)?));
        Ok(holds && then(through(&Prim::Vlan(id), at))?)
    }

    fn mpls(&self, label: Option<u32>, at: At, then: Then) -> Answer {
        let here = at.payload + at.labels;
        let follows = match (at.labels, at.link) {
            (0, Link::Ppp) => self.link_is(0x281, at)?,
            (0, _) => self.link_is(0x8847, at)?,
            _ => self.byte(here - 2)? & 1 == 0,
        };
        let holds = follows
            && match label {
                Some(label) => self.word(here)? >> 12 == label,
                None => true,
            };
        Ok(holds && then(through(&Prim::Mpls(label), at))?)
    }

    fn geneve(&self, vni: Option<u32>, at: At, then: Then) -> Answer {
        for v6 in [false, true] {
            let Some(udp) = self.transport(17, v6, at)? else {
                continue;
            };
            let g = udp + 8;
            if self.half(udp + 2)? != 6081 || self.byte(g)? & 0xc0 != 0 || !self.vni(g, vni)? {
                continue;
            }
            let inner = g + 8 + usize::try_from(self.byte(g)? & 0x3f).unwrap_or(0) * 4;
            let ethernet = self.half(g + 2)? == 0x6558;
            return then(At {
                link: Link::Ethernet,
                header: inner,
                link_type: if ethernet { inner + 12 } else { g + 2 },
                payload: if ethernet { inner + 14 } else { inner },
                labels: 0,
                outermost: false,
                headless: !ethernet,
                base: inner,
            });
        }
        Ok(false)
    }

    fn vxlan(&self, vni: Option<u32>, at: At, then: Then) -> Answer {
        for v6 in [false, true] {
            let Some(udp) = self.transport(17, v6, at)? else {
                continue;
            };
            let x = udp + 8;
            if self.half(udp + 2)? == 4789 && self.byte(x)? & 8 != 0 && self.vni(x, vni)? {
                return then(At {
                    link: Link::Ethernet,
                    header: x + 8,
                    link_type: x + 20,
                    payload: x + 22,
                    labels: 0,
                    outermost: false,
                    headless: false,
                    base: x + 8,
                });
            }
        }
        Ok(false)
    }

    fn vni(&self, header: usize, vni: Option<u32>) -> Answer {
        Ok(match vni {
            Some(vni) => self.word(header + 4)? >> 8 == vni,
            None => true,
        })
    }

    fn prim(&self, prim: &Prim, at: At) -> Answer {
        let net = at.payload + at.labels;
        let len = self.packet.wire_len;
        match prim {
            Prim::Is(proto) => self.is(*proto, at),
            Prim::Host(proto, dir, addresses) => {
                for address in addresses {
                    if self.host(*proto, *dir, *address, at)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Prim::EtherHost(dir, mac) => {
                if at.headless {
                    return Ok(false);
                }
                let same = |start: usize| -> Answer {
                    let word = u32::from_be_bytes([mac[2], mac[3], mac[4], mac[5]]);
                    let half = u32::from_be_bytes([0, 0, mac[0], mac[1]]);
                    Ok(self.word(start + 2)? == word && self.half(start)? == half)
                };
                either(*dir, || same(at.header + 6), || same(at.header))
            }
            Prim::DecnetHost(dir, address) => {
                let wanted = u32::from(address.swap_bytes());
                let found = |short: usize, long: usize| -> Answer {
                    for (kind, offset) in [(2, short), (6, long)] {
                        if self.byte(net + 2)? & 7 == kind && self.half(net + 2 + offset)? == wanted
                        {
                            return Ok(true);
                        }
                        if self.half(net + 2)? & 0xff07 == 0x8100 | kind
                            && self.half(net + 3 + offset)? == wanted
                        {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                };
                Ok(self.link_is(0x6003, at)? && either(*dir, || found(3, 15), || found(1, 7))?)
            }
            Prim::Port(proto, dir, low, high) => self.port(*proto, *dir, *low, *high, at),
            Prim::Proto(layer, number) => self.proto(*layer, *number, at),
            Prim::Protochain(layer, number) => self.protochain(*layer, *number, at),
            Prim::EtherBroadcast => self.prim(&Prim::EtherHost(Dir::Dst, [0xff; 6]), at),
            Prim::EtherMulticast => Ok(!at.headless && self.byte(at.header)? & 1 != 0),
            Prim::IpBroadcast => {
                let host = !self.options.netmask.unwrap_or(0);
                Ok(self.link_is(0x800, at)?
                    && (host == 0 || [0, host].contains(&(self.word(net + 16)? & host))))
            }
            Prim::IpMulticast => Ok(self.link_is(0x800, at)? && self.byte(net + 16)? >= 224),
            Prim::Ip6Multicast => Ok(self.link_is(0x86dd, at)? && self.byte(net + 24)? == 255),
            Prim::Less(most) => Ok(len <= *most),
            Prim::Greater(least) => Ok(len >= *least),
            Prim::Byte(index, op, value) => {
                let byte = self.byte(at.header + usize::try_from(*index).unwrap_or(usize::MAX))?;
                Ok(match op {
                    ByteOp::Eq => byte == *value,
                    ByteOp::Lt => byte < *value,
                    ByteOp::Gt => byte > *value,
                    ByteOp::And => byte & value != 0,
                    ByteOp::Or => byte | value != 0,
                })
            }
            Prim::Inbound => Ok(!self.outgoing()?),
            Prim::Outbound => self.outgoing(),
            Prim::Ifindex(index) => Ok(match self.options.link {
                Link::Sll2 => self.word(4)?,
                _ => self.packet.ifindex.ok_or(Dropped)?,
            } == *index),
            Prim::Pppoed => self.link_is(0x8863, at),
            Prim::Llc(kind) => {
                let frame = self.half(at.link_type)? <= 1500 && self.half(at.payload)? != 0xffff;
                Ok(frame
                    && match kind {
                        Llc::Any => true,
                        Llc::Information => self.byte(at.payload + 2)? & 1 == 0,
                        Llc::Control(mask, value) => {
                            self.byte(at.payload + 2)? & u32::from(*mask) == u32::from(*value)
                        }
                    })
            }
            Prim::Relation(relop, a, b) => self.relation(*relop, a, b, at),
            Prim::Vlan(_) | Prim::Mpls(_) | Prim::Pppoes(_) | Prim::Geneve(_) | Prim::Vxlan(_) => {
                unreachable!("a tunnel is a term")
            }
        }
    }

    fn outgoing(&self) -> Answer {
        Ok(match self.options.link {
            Link::Sll => self.half(0)?,
            Link::Sll2 => self.byte(10)?,
            _ => self.packet.packet_type.ok_or(Dropped)?.into(),
        } == 4)
    }
}

/// One side or both, the source first.
pub fn either(dir: Dir, src: impl Fn() -> Answer, dst: impl Fn() -> Answer) -> Answer {
    match dir {
        Dir::Src => src(),
        Dir::Dst => dst(),
        Dir::Either => Ok(src()? || dst()?),
        Dir::Both => Ok(src()? && dst()?),
    }
}

/// Where to read on behind a tunnel header of fixed length.
fn through(prim: &Prim, at: At) -> At {
    let ppp = at.payload + at.labels + 6;
    match prim {
        Prim::Vlan(_) => At {
            link_type: at.payload + 2,
            payload: at.payload + 4,
            outermost: false,
            ..at
        },
        Prim::Mpls(_) => At {
            labels: at.labels + 4,
            ..at
        },
        Prim::Pppoes(_) => At {
            link: Link::Ppp,
            header: ppp,
            link_type: ppp,
            payload: ppp + 2,
            ..at
        },
        // Somewhere else.
        Prim::Geneve(_) | Prim::Vxlan(_) => At {
            base: usize::MAX,
            ..at
        },
        _ => at,
    }
}

/// libpcap: where what is written after a condition is read.
fn moved_by(term: &Term, at: At) -> At {
    match term {
        Term::Not(inner) => known(moved_by(inner, at), at),
        Term::Group(expr) => moved(expr, expr.rest.len(), at),
        Term::Prim(prim, _) => through(prim, at),
    }
}

fn moved(expr: &Expr, count: usize, at: At) -> At {
    let mut to = moved_by(&expr.first, at);
    for (join, term) in expr.rest.iter().take(count) {
        to = match join {
            Join::And => moved_by(term, to),
            Join::Or => {
                let left = known(to, at);
                known(moved_by(term, left), left)
            }
        };
    }
    to
}

/// An offset that is only known where a condition holds is not moved outside of it.
fn known(to: At, before: At) -> At {
    if to.base == before.base { to } else { before }
}

/// Is there a tunnel in the term?
pub fn has_tunnel(term: &Term) -> bool {
    any_prim(term, &|prim| {
        let near = matches!(prim, Prim::Vlan(_) | Prim::Mpls(_) | Prim::Pppoes(_));
        near || matches!(prim, Prim::Geneve(_) | Prim::Vxlan(_))
    })
}

fn any_prim(term: &Term, is: &dyn Fn(&Prim) -> bool) -> bool {
    match term {
        Term::Not(inner) => any_prim(inner, is),
        Term::Prim(prim, _) => is(prim),
        Term::Group(expr) => {
            let rest = expr.rest.iter().any(|(_, term)| any_prim(term, is));
            rest || any_prim(&expr.first, is)
        }
    }
}
