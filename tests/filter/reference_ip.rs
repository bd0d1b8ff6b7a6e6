//! The reference's reading of links, addresses, ports and protocols.

use rawsock::filter::Link;
use rawsock::filter::ast::{Address, Dir, Layer, Protocol};

use super::reference::{Answer, At, Dropped, Reference, either};

/// Extension headers that are followed.
const HEADERS: usize = 6;

impl Reference<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], Dropped> {
        let rest = self.packet.bytes.get(at..).ok_or(Dropped)?;
        rest.first_chunk().copied().ok_or(Dropped)
    }

    pub fn byte(&self, at: usize) -> Result<u32, Dropped> {
        self.bytes(at).map(|[b]| b.into())
    }

    pub fn half(&self, at: usize) -> Result<u32, Dropped> {
        self.bytes(at).map(|b| u16::from_be_bytes(b).into())
    }

    pub fn word(&self, at: usize) -> Result<u32, Dropped> {
        self.bytes(at).map(u32::from_be_bytes)
    }

    /// EtherType above 1500, LLC service access point up to there.
    pub fn link_is(&self, number: u32, at: At) -> Answer {
        if at.labels > 0 {
            let net = at.payload + at.labels;
            let version = if number == 0x800 { 4 } else { 6 };
            return Ok(self.byte(net - 2)? & 1 == 1 && self.byte(net)? >> 4 == version);
        }
        let family = |wanted: &[u32]| -> Answer { Ok(wanted.contains(&self.word(at.header)?)) };
        let (v4, v6, compat) = (number == 0x800, number == 0x86dd, self.compat());
        match at.link {
            Link::Ipv4 => Ok(v4),
            Link::Ipv6 => Ok(v6),
            Link::Raw if v4 || v6 => Ok(self.byte(at.header)? >> 4 == if v4 { 4 } else { 6 }),
            Link::Null if v4 && compat => family(&[2_u32.to_be()]),
            Link::Null if v6 && compat => family(&[10_u32.to_be()]),
            Link::Null if v4 => family(&[2, 2_u32.swap_bytes()]),
            Link::Null if v6 => {
                let order = |n: u32| [n, n.swap_bytes()];
                family(&[10, 24, 28, 30].map(order).concat())
            }
            Link::Loop if v4 => family(&[2]),
            Link::Loop if v6 && compat => family(&[10]),
            Link::Loop if v6 => family(&[24, 10]),
            Link::Raw | Link::Null | Link::Loop => Ok(false),
            Link::Ppp => Ok(self.half(at.link_type)?
                == match number {
                    0x800 => 0x21,
                    0x86dd => 0x57,
                    0x6003 => 0x27,
                    0x809b => 0x29,
                    0x600 => 0x25,
                    0xfe => 0x23,
                    0x42 => 0x31,
                    0xe0 => 0x2b,
                    other => other,
                }),
            Link::Sll2 if compat => Ok(self.half(at.link_type)? == number),
            Link::Ethernet | Link::Sll | Link::Sll2 => self.ether_or_llc(number, at),
        }
    }

    fn ether_or_llc(&self, number: u32, at: At) -> Answer {
        let field = self.half(at.link_type)?;
        let cooked = at.link != Link::Ethernet;
        let llc = if cooked { field == 4 } else { field <= 1500 };
        let snap = |owner: u32, kind: u32| -> Answer {
            Ok(self.word(at.payload + 4)? == (owner & 0xffff) << 16 | kind
                && self.word(at.payload)? == 0xaaaa_0300 | owner >> 16)
        };
        let saps = || self.half(at.payload);
        match number {
            0xfe | 0x06 | 0xf0 => Ok(llc && saps()? == number << 8 | number),
            0xe0 if cooked => Ok(field == 0x8137
                || field == 1
                || (llc && (self.byte(at.payload)? == 0xe0 || snap(0, 0x8137)?))),
            0xe0 => Ok(field == 0x8137
                || (llc
                    && (snap(0, 0x8137)? || self.byte(at.payload)? == 0xe0 || saps()? == 0xffff))),
            0x809b => Ok(field == number || (llc && snap(0x08_0007, number)?)),
            0x80f3 => Ok(field == number || (llc && snap(0, number)?)),
            _ if number > 1500 => Ok(field == number),
            _ if cooked => Ok(llc && self.byte(at.payload)? == number),
            _ => Ok(llc && self.byte(at.link_type + 2)? == number),
        }
    }

    /// What the extension headers lead to: protocol, whether it is a later fragment, offset.
    pub fn walk(&self, net: usize) -> Result<(u32, bool, usize), Dropped> {
        let (mut number, mut at) = (self.byte(net + 6)?, net + 40);
        for _ in 0..HEADERS {
            let length = match number {
                0 | 43 | 60 => (self.byte(at + 1)? + 1) * 8,
                51 => (self.byte(at + 1)? + 2) * 4,
                44 if self.half(at + 2)? & 0xfff8 != 0 => return Ok((self.byte(at)?, true, at)),
                44 => 8,
                _ => break,
            };
            number = self.byte(at)?;
            at += usize::try_from(length).unwrap_or(0);
        }
        Ok((number, false, at))
    }

    /// Where the transport header of that protocol is, if it is there.
    pub fn transport(&self, number: u32, v6: bool, at: At) -> Result<Option<usize>, Dropped> {
        let net = at.payload + at.labels;
        if !self.link_is(if v6 { 0x86dd } else { 0x800 }, at)? {
            return Ok(None);
        }
        if v6 && self.compat() {
            return Ok((self.byte(net + 6)? == number).then_some(net + 40));
        }
        if v6 {
            let (found, later, at) = self.walk(net)?;
            return Ok((found == number && !later).then_some(at));
        }
        if self.byte(net + 9)? != number || self.half(net + 6)? & 0x1fff != 0 {
            return Ok(None);
        }
        // The length is read when the header is: not if nothing is read from it.
        let length = self.byte(net).unwrap_or(0) & 15;
        Ok(Some(net + usize::try_from(length).unwrap_or(0) * 4))
    }

    pub fn is(&self, proto: Protocol, at: At) -> Answer {
        use Protocol as P;
        let any = |layer, numbers: &[u32]| -> Answer {
            for number in numbers {
                if self.proto(layer, *number, at)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match proto {
            P::Tcp => self.carries(6, at),
            P::Udp => self.carries(17, at),
            P::Sctp => self.carries(132, at),
            P::Pim => self.carries(103, at),
            P::Esp => self.carries(50, at),
            P::Ah if self.compat() => self.carries(51, at),
            P::Ah => Ok(any(Layer::Ip, &[51])? || self.protochain(Layer::Ip6, 51, at)?),
            P::Icmp6 if self.compat() => any(Layer::Ip6, &[58]),
            P::Icmp6 => self.carries_v6(58, at),
            P::Icmp => any(Layer::Ip, &[1]),
            P::Igmp => any(Layer::Ip, &[2]),
            P::Igrp => any(Layer::Ip, &[9]),
            P::Vrrp | P::Carp => any(Layer::Ip, &[112]),
            P::Clnp => any(Layer::Iso, &[0x81]),
            P::Esis => any(Layer::Iso, &[0x82]),
            P::Isis => any(Layer::Iso, &[0x83]),
            P::IsisL1 => any(Layer::Isis, &[15, 17, 18, 24, 26]),
            P::IsisL2 => any(Layer::Isis, &[16, 17, 20, 25, 27]),
            P::IsisIih => any(Layer::Isis, &[15, 16, 17]),
            P::IsisLsp => any(Layer::Isis, &[18, 20]),
            P::IsisSnp => any(Layer::Isis, &[24, 25, 26, 27]),
            P::IsisCsnp => any(Layer::Isis, &[24, 25]),
            P::IsisPsnp => any(Layer::Isis, &[26, 27]),
            P::Mld => self.icmp6_type(&[130, 131, 132, 143], at),
            P::Ndp => self.icmp6_type(&[133, 134, 135, 136, 137], at),
            P::Ip => self.link_is(0x800, at),
            P::Ip6 => self.link_is(0x86dd, at),
            P::Arp => self.link_is(0x806, at),
            P::Rarp => self.link_is(0x8035, at),
            P::Atalk => self.link_is(0x809b, at),
            P::Aarp => self.link_is(0x80f3, at),
            P::Decnet => self.link_is(0x6003, at),
            P::Lat => self.link_is(0x6004, at),
            P::Sca => self.link_is(0x6007, at),
            P::Moprc => self.link_is(0x6002, at),
            P::Mopdl => self.link_is(0x6001, at),
            P::Iso => self.link_is(0xfe, at),
            P::Stp => self.link_is(0x42, at),
            P::Ipx => self.link_is(0xe0, at),
            P::Netbeui => self.link_is(0xf0, at),
            P::Ether => Ok(false),
        }
    }

    fn carries(&self, number: u32, at: At) -> Answer {
        let v6 = || {
            if self.compat() {
                self.proto(Layer::Ip6, number, at)
            } else {
                self.carries_v6(number, at)
            }
        };
        Ok(self.proto(Layer::Ip, number, at)? || v6()?)
    }

    fn carries_v6(&self, number: u32, at: At) -> Answer {
        let net = at.payload + at.labels;
        Ok(self.link_is(0x86dd, at)? && self.walk(net)?.0 == number)
    }

    fn icmp6_type(&self, types: &[u32], at: At) -> Answer {
        Ok(match self.transport(58, true, at)? {
            Some(icmp) => types.contains(&self.byte(icmp)?),
            None => false,
        })
    }

    pub fn proto(&self, layer: Layer, number: u32, at: At) -> Answer {
        let net = at.payload + at.labels;
        let llc = match at.link {
            Link::Ethernet => 3,
            Link::Sll | Link::Sll2 if !self.compat() => 3,
            _ => 0,
        };
        match layer {
            Layer::Ether => self.link_is(number, at),
            Layer::Ip => Ok(self.link_is(0x800, at)? && self.byte(net + 9)? == number),
            Layer::Ip6 => Ok(self.link_is(0x86dd, at)? && {
                let next = self.byte(net + 6)?;
                next == number || (next == 44 && self.byte(net + 40)? == number)
            }),
            Layer::AnyIp => {
                Ok(self.proto(Layer::Ip, number, at)? || self.proto(Layer::Ip6, number, at)?)
            }
            Layer::Iso => Ok(self.link_is(0xfe, at)? && self.byte(net + llc)? == number),
            Layer::Isis => {
                Ok(self.proto(Layer::Iso, 0x83, at)? && self.byte(net + llc + 4)? == number)
            }
        }
    }

    pub fn protochain(&self, layer: Layer, number: u32, at: At) -> Answer {
        let net = at.payload + at.labels;
        if layer != Layer::Ip6 && self.link_is(0x800, at)? {
            let (mut found, mut here) = (self.byte(net + 9)?, self.byte(net)? & 15);
            here *= 4;
            for _ in 0..HEADERS {
                if found == number || found != 51 {
                    break;
                }
                let start = net + usize::try_from(here).unwrap_or(0);
                let length = (self.byte(start + 1)? + 2) * 4;
                found = self.byte(start)?;
                here += length;
            }
            return Ok(found == number);
        }
        if layer == Layer::Ip || !self.link_is(0x86dd, at)? {
            return Ok(false);
        }
        let (mut found, mut here) = (self.byte(net + 6)?, net + 40);
        for _ in 0..HEADERS {
            if found == number {
                return Ok(true);
            }
            let length = match found {
                0 | 43 | 60 => (self.byte(here + 1)? + 1) * 8,
                51 => (self.byte(here + 1)? + 2) * 4,
                44 if self.half(here + 2)? & 0xfff8 != 0 => {
                    return Ok(self.byte(here)? == number);
                }
                44 => 8,
                _ => return Ok(false),
            };
            found = self.byte(here)?;
            here += usize::try_from(length).unwrap_or(0);
        }
        Ok(found == number)
    }

    pub fn host(&self, proto: Option<Protocol>, dir: Dir, address: Address, at: At) -> Answer {
        let net = at.payload + at.labels;
        match address {
            Address::V6(address, mask) => {
                let same = |start: usize| -> Answer {
                    for n in 0..4 {
                        let shift = 96 - 32 * n;
                        let part = |of: u128| u32::try_from(of >> shift & 0xffff_ffff).unwrap_or(0);
                        let mask = part(mask);
                        let here = start + n * 4;
                        if mask != 0 && self.word(here)? & mask != part(address.to_bits()) {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                };
                Ok(self.link_is(0x86dd, at)? && either(dir, || same(net + 8), || same(net + 24))?)
            }
            Address::V4(address, mask) => {
                let same = |start: usize| -> Answer {
                    Ok(mask == 0 || self.word(start)? & mask == address.to_bits())
                };
                for (family, number, src, dst) in [
                    (Protocol::Ip, 0x800, 12, 16),
                    (Protocol::Arp, 0x806, 14, 24),
                    (Protocol::Rarp, 0x8035, 14, 24),
                ] {
                    let wanted = match proto {
                        Some(proto) => proto == family,
                        None => family == Protocol::Ip || at.labels == 0,
                    };
                    if wanted
                        && self.link_is(number, at)?
                        && either(dir, || same(net + src), || same(net + dst))?
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    pub fn port(&self, proto: Option<Protocol>, dir: Dir, low: u16, high: u16, at: At) -> Answer {
        let numbers: &[u32] = match proto {
            Some(Protocol::Tcp) => &[6],
            Some(Protocol::Udp) => &[17],
            Some(_) => &[132],
            None => &[6, 17, 132],
        };
        for v6 in [true, false] {
            for number in numbers {
                let Some(start) = self.transport(*number, v6, at)? else {
                    continue;
                };
                let fits = |start: usize| -> Answer {
                    Ok((u32::from(low)..=u32::from(high)).contains(&self.half(start)?))
                };
                if either(dir, || fits(start), || fits(start + 2))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
