//! Transport and protocols: ports, `proto`, `protochain`. Fragments other than the first have no
//! transport header. In IPv6 the transport header is behind the extension headers, unless libpcap's
//! reading is asked for, which looks right after the fixed header only.

use crate::filter::ast::{BinOp, Dir, Layer, Protocol, Relop, Size};
use crate::filter::ir::{Chain, Cond, CondId, LATER_FRAGMENT, Place, Value, Walk};
use crate::filter::link::Link;
use crate::filter::parse::Parsed;

use super::{Lower, State};

pub(super) const IPV4: u32 = 0x0800;
pub(super) const IPV6: u32 = 0x86dd;
/// Length of the fixed IPv6 header.
const V6_HEADER: u32 = 40;
const FRAGMENT: u32 = 44;
const ICMPV6: u32 = 58;

/// Where the transport header is: a place, and the condition that it is of that protocol and there.
pub(super) struct Transport {
    pub(super) there: CondId,
    pub(super) at: Place,
}

impl Lower<'_> {
    /// `tcp`, `arp`, `stp`, `l1`: a protocol's name alone.
    pub(super) fn is_protocol(&mut self, proto: Protocol, state: &State) -> Parsed<CondId> {
        if let Some(number) = proto.link_number() {
            return self.link_type(number, state);
        }
        if let Some(types) = proto.isis_types() {
            let mut any = self.ir.never();
            for number in types {
                let one = self.proto(Layer::Isis, *number, state)?;
                any = self.ir.or(any, one);
            }
            return Ok(any);
        }
        match proto {
            // MLD: RFC 2710, RFC 9777. Neighbour discovery: RFC 4861.
            Protocol::Mld => self.icmp6_types(&[130, 131, 132, 143], state),
            Protocol::Ndp => self.icmp6_types(&[133, 134, 135, 136, 137], state),
            Protocol::Clnp => self.proto(Layer::Iso, 0x81, state),
            Protocol::Esis => self.proto(Layer::Iso, 0x82, state),
            Protocol::Isis => self.proto(Layer::Iso, 0x83, state),
            _ => {
                let Some((number, v4, v6)) = proto.ip_number() else {
                    return self.fail("this is not a protocol that a packet can be of");
                };
                let number = u32::from(number);
                let mut four = self.ir.never();
                if v4 {
                    four = self.proto(Layer::Ip, number, state)?;
                }
                let mut six = self.ir.never();
                if v6 {
                    six = self.carries_v6(proto, number, state)?;
                }
                Ok(self.ir.or(four, six))
            }
        }
    }

    /// Does an IPv6 packet carry the protocol, fragments included?
    fn carries_v6(&mut self, proto: Protocol, number: u32, state: &State) -> Parsed<CondId> {
        if self.compat() {
            return self.proto(Layer::Ip6, number, state);
        }
        if proto == Protocol::Ah {
            // A walk goes through this header to what it protects.
            return self.protochain(Layer::Ip6, number, state);
        }
        let v6 = self.link_type(IPV6, state)?;
        let (walked, walk) = self.walk(state)?;
        let found = self.ir.value(Value::Cell(walk.proto));
        let same = self.ir.masked_is(found, 0xff, number);
        Ok(self.ir.all([v6, walked, same]))
    }

    fn icmp6_types(&mut self, types: &[u32], state: &State) -> Parsed<CondId> {
        let icmp6 = self.transport_v6(ICMPV6, state)?;
        let field = self.ir.load(Size::Byte, icmp6.at, "ICMPv6 type");
        let each: Vec<CondId> = types.iter().map(|t| self.ir.is(field, *t)).collect();
        let any = self.ir.any(each);
        Ok(self.ir.and(icmp6.there, any))
    }

    /// Walks the extension headers, once for each IPv6 header that an expression looks at.
    fn walk(&mut self, state: &State) -> Parsed<(CondId, Walk)> {
        let header = state.net(0);
        let cells = (
            self.ir.cell("IPv6 protocol", header),
            self.ir.cell("IPv6 transport offset", header),
        );
        let (Some(proto), Some(offset)) = cells else {
            return self.fail("too many tunnels: there are only 16 scratch cells");
        };
        let walk = Walk {
            header,
            proto,
            offset,
        };
        let found = self.ir.value(Value::Cell(proto));
        self.ir.note(found, "IPv6 upper protocol");
        let at = self.ir.value(Value::Cell(offset));
        self.ir.note(at, "offset of the upper header");
        Ok((self.ir.cond(Cond::Walk(walk)), walk))
    }

    /// The transport header of an IPv4 packet.
    pub(super) fn transport_v4(&mut self, number: u32, state: &State) -> Parsed<Transport> {
        let v4 = self.link_type(IPV4, state)?;
        let proto = self.ir.load(Size::Byte, state.net(9), "IPv4 protocol");
        let same = self.ir.is(proto, number);
        let whole = self.first_fragment(state);
        Ok(Transport {
            there: self.ir.all([v4, same, whole]),
            at: self.behind_v4(state),
        })
    }

    /// Not a fragment other than the first (RFC 791 section 3.1: the fragment offset).
    fn first_fragment(&mut self, state: &State) -> CondId {
        let field = self
            .ir
            .load(Size::Half, state.net(6), "fragment flags and offset");
        let later = self.ir.any_bit(field, 0x1fff);
        self.ir.not(later)
    }

    fn behind_v4(&mut self, state: &State) -> Place {
        let header = state.net(0);
        let len = self.ir.value(Value::HeaderLen(header));
        self.ir.note(len, "IPv4 header length");
        let base = match header.base {
            Some(base) => self.ir.bin(BinOp::Add, len, base),
            None => len,
        };
        Place {
            base: Some(base),
            k: header.k,
        }
    }

    /// The transport header of an IPv6 packet.
    pub(super) fn transport_v6(&mut self, number: u32, state: &State) -> Parsed<Transport> {
        let v6 = self.link_type(IPV6, state)?;
        if self.compat() {
            let next = self.ir.load(Size::Byte, state.net(6), "IPv6 next header");
            let same = self.ir.is(next, number);
            return Ok(Transport {
                there: self.ir.and(v6, same),
                at: state.net(V6_HEADER),
            });
        }
        let (walked, walk) = self.walk(state)?;
        // The cell holds more than the number in a fragment other than the first.
        let found = self.ir.value(Value::Cell(walk.proto));
        let same = self.ir.is(found, number);
        Ok(Transport {
            there: self.ir.all([v6, walked, same]),
            at: Place {
                base: Some(self.ir.value(Value::Cell(walk.offset))),
                k: walk.header.k,
            },
        })
    }

    pub(super) fn port(
        &mut self,
        proto: Option<Protocol>,
        dir: Dir,
        low: u16,
        high: u16,
        state: &State,
    ) -> Parsed<CondId> {
        let numbers: &[u32] = match proto {
            Some(Protocol::Tcp) => &[6],
            Some(Protocol::Udp) => &[17],
            Some(Protocol::Sctp) => &[132],
            _ => &[6, 17, 132],
        };
        let mut ways = [self.ir.never(), self.ir.never()];
        for number in numbers {
            let both = [
                self.transport_v6(*number, state)?,
                self.transport_v4(*number, state)?,
            ];
            for (way, Transport { there, at }) in ways.iter_mut().zip(both) {
                let src = self.port_between(at, low, high, "source port");
                let dst = self.port_between(at.plus(2), low, high, "destination port");
                let ports = match dir {
                    Dir::Src => src,
                    Dir::Dst => dst,
                    Dir::Either => self.ir.or(src, dst),
                    Dir::Both => self.ir.and(src, dst),
                };
                let one = self.ir.and(there, ports);
                *way = self.ir.or(*way, one);
            }
        }
        Ok(self.ir.any(ways))
    }

    fn port_between(&mut self, at: Place, low: u16, high: u16, what: &'static str) -> CondId {
        let port = self.ir.load(Size::Half, at, what);
        if low == high {
            return self.ir.is(port, low.into());
        }
        let low = self.ir.num(low.into());
        let high = self.ir.num(high.into());
        let least = self.ir.compare(Relop::Ge, port, low);
        let most = self.ir.compare(Relop::Le, port, high);
        self.ir.and(least, most)
    }

    pub(super) fn proto(&mut self, layer: Layer, number: u32, state: &State) -> Parsed<CondId> {
        match layer {
            Layer::Ether => self.link_type(number, state),
            Layer::AnyIp => {
                let four = self.proto(Layer::Ip, number, state)?;
                let six = self.proto(Layer::Ip6, number, state)?;
                Ok(self.ir.or(four, six))
            }
            Layer::Ip => {
                let v4 = self.link_type(IPV4, state)?;
                let proto = self.ir.load(Size::Byte, state.net(9), "IPv4 protocol");
                let same = self.ir.is(proto, number);
                Ok(self.ir.and(v4, same))
            }
            // Only the fixed header, and one fragment header: what the manual says.
            Layer::Ip6 => {
                let v6 = self.link_type(IPV6, state)?;
                let next = self.ir.load(Size::Byte, state.net(6), "IPv6 next header");
                let same = self.ir.is(next, number);
                let fragment = self.ir.is(next, FRAGMENT);
                let at = state.net(V6_HEADER);
                let inner = self
                    .ir
                    .load(Size::Byte, at, "next header of the fragment header");
                let inner = self.ir.is(inner, number);
                let inner = self.ir.and(fragment, inner);
                let either = self.ir.or(same, inner);
                Ok(self.ir.and(v6, either))
            }
            Layer::Iso => {
                let iso = self.link_type(0xfe, state)?;
                let at = self.osi(0, state);
                let field = self.ir.load(Size::Byte, at, "OSI network protocol");
                let same = self.ir.is(field, number);
                Ok(self.ir.and(iso, same))
            }
            Layer::Isis => {
                let isis = self.proto(Layer::Iso, 0x83, state)?;
                let at = self.osi(4, state);
                let field = self.ir.load(Size::Byte, at, "IS-IS PDU type");
                let same = self.ir.is(field, number);
                Ok(self.ir.and(isis, same))
            }
        }
    }

    /// Place in an OSI header: behind the three bytes of LLC, where the link has LLC. libpcap
    /// forgets LLC in cooked captures.
    fn osi(&self, offset: u32, state: &State) -> Place {
        let llc = match state.link {
            Link::Ethernet => 3,
            Link::Sll | Link::Sll2 if !self.compat() => 3,
            _ => 0,
        };
        state.payload.plus(llc).plus(state.labels).plus(offset)
    }

    pub(super) fn protochain(
        &mut self,
        layer: Layer,
        number: u32,
        state: &State,
    ) -> Parsed<CondId> {
        let mut families = Vec::new();
        if layer != Layer::Ip6 {
            families.push((IPV4, false));
        }
        if layer != Layer::Ip {
            families.push((IPV6, true));
        }
        let mut any = self.ir.never();
        for (ether_type, v6) in families {
            let family = self.link_type(ether_type, state)?;
            let chain = self.ir.cond(Cond::Chain(Chain {
                header: state.net(0),
                v6,
                proto: number,
            }));
            let one = self.ir.and(family, chain);
            any = self.ir.or(any, one);
        }
        Ok(any)
    }
}

const _: () = assert!(LATER_FRAGMENT > 0xff, "a flag beside an 8-bit number");
