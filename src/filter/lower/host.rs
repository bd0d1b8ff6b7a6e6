//! Addresses of the network layer: hosts, networks, broadcast and multicast. MAC addresses are in
//! `linktype`.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::filter::ast::{Address, Dir, Protocol, Relop, Size};
use crate::filter::ir::{CondId, Place};
use crate::filter::parse::Parsed;

use super::ip::{IPV4, IPV6};
use super::{Lower, State};

const ARP: u32 = 0x0806;
const RARP: u32 = 0x8035;
const DECNET: u32 = 0x6003;

impl Lower<'_> {
    pub(super) fn host(
        &mut self,
        proto: Option<Protocol>,
        dir: Dir,
        addresses: &[Address],
        state: &State,
    ) -> Parsed<CondId> {
        let mut any = self.ir.never();
        for address in addresses {
            let one = match *address {
                Address::V6(address, mask) => self.host_v6(dir, address, mask, state)?,
                Address::V4(address, mask) => {
                    let mut one = self.ir.never();
                    // ARP for IPv4 over Ethernet (RFC 826) has the addresses at 14 and 24.
                    let families = [
                        (Protocol::Ip, IPV4, 12, 16),
                        (Protocol::Arp, ARP, 14, 24),
                        (Protocol::Rarp, RARP, 14, 24),
                    ];
                    for (family, ether_type, src, dst) in families {
                        let wanted = match proto {
                            None => family == Protocol::Ip || state.labels == 0,
                            Some(proto) => proto == family,
                        };
                        if wanted {
                            let at = (state.net(src), state.net(dst));
                            let link = self.link_type(ether_type, state)?;
                            let here = self.address_v4(dir, address, mask, at);
                            let here = self.ir.and(link, here);
                            one = self.ir.or(one, here);
                        }
                    }
                    one
                }
            };
            any = self.ir.or(any, one);
        }
        Ok(any)
    }

    fn address_v4(
        &mut self,
        dir: Dir,
        address: Ipv4Addr,
        mask: u32,
        (src, dst): (Place, Place),
    ) -> CondId {
        let number = address.to_bits();
        let src = self.ir.load(Size::Word, src, "IPv4 source");
        let src = self.ir.masked_is(src, mask, number);
        let dst = self.ir.load(Size::Word, dst, "IPv4 destination");
        let dst = self.ir.masked_is(dst, mask, number);
        self.directed(dir, src, dst)
    }

    fn directed(&mut self, dir: Dir, src: CondId, dst: CondId) -> CondId {
        match dir {
            Dir::Src => src,
            Dir::Dst => dst,
            Dir::Either => self.ir.or(src, dst),
            Dir::Both => self.ir.and(src, dst),
        }
    }

    fn host_v6(
        &mut self,
        dir: Dir,
        address: Ipv6Addr,
        mask: u128,
        state: &State,
    ) -> Parsed<CondId> {
        let v6 = self.link_type(IPV6, state)?;
        let mut side = |at: u32, what: &'static str| {
            let mut all = self.ir.always();
            for (shift, offset) in [(96, 0), (64, 4), (32, 8), (0, 12)] {
                let word = |bits: u128| u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or(0);
                let place = state.net(at).plus(offset);
                let field = self.ir.load(Size::Word, place, what);
                let same = self
                    .ir
                    .masked_is(field, word(mask), word(address.to_bits()));
                all = self.ir.and(all, same);
            }
            all
        };
        let src = side(8, "IPv6 source");
        let dst = side(24, "IPv6 destination");
        let either = self.directed(dir, src, dst);
        Ok(self.ir.and(v6, either))
    }

    pub(super) fn ip_broadcast(&mut self, state: &State) -> Parsed<CondId> {
        let Some(netmask) = self.options.netmask else {
            return self.fail("`ip broadcast` needs the netmask of an interface");
        };
        let v4 = self.link_type(IPV4, state)?;
        let dst = self.ir.load(Size::Word, state.net(16), "IPv4 destination");
        let zeros = self.ir.masked_is(dst, !netmask, 0);
        let ones = self.ir.masked_is(dst, !netmask, !netmask);
        let either = self.ir.or(zeros, ones);
        Ok(self.ir.and(v4, either))
    }

    pub(super) fn ip_multicast(&mut self, state: &State) -> Parsed<CondId> {
        let v4 = self.link_type(IPV4, state)?;
        let first = self.ir.load(Size::Byte, state.net(16), "IPv4 destination");
        let least = self.ir.num(224);
        let multicast = self.ir.compare(Relop::Ge, first, least);
        Ok(self.ir.and(v4, multicast))
    }

    pub(super) fn ip6_multicast(&mut self, state: &State) -> Parsed<CondId> {
        let v6 = self.link_type(IPV6, state)?;
        let first = self.ir.load(Size::Byte, state.net(24), "IPv6 destination");
        let multicast = self.ir.is(first, 0xff);
        Ok(self.ir.and(v6, multicast))
    }

    /// DECnet phase IV: a long or a short header, either with or without a byte of padding. Numbers
    /// are little-endian there.
    pub(super) fn decnet_host(&mut self, dir: Dir, address: u16, state: &State) -> Parsed<CondId> {
        let link = self.link_type(DECNET, state)?;
        let swapped = u32::from(address.swap_bytes());
        let mut side = |long: u32, short: u32| {
            let flags = self.ir.load(Size::Byte, state.net(2), "DECnet flags");
            let padded = self
                .ir
                .load(Size::Half, state.net(2), "DECnet padding and flags");
            let mut any = self.ir.never();
            for (kind, offset) in [(0x02, short), (0x06, long)] {
                for (start, padding) in [
                    (self.ir.masked_is(flags, 0x07, kind), 0),
                    (self.ir.masked_is(padded, 0xff07, 0x8100 | kind), 1),
                ] {
                    let at = state.net(2).plus(padding).plus(offset);
                    let field = self.ir.load(Size::Half, at, "DECnet address");
                    let same = self.ir.is(field, swapped);
                    let one = self.ir.and(start, same);
                    any = self.ir.or(any, one);
                }
            }
            any
        };
        let dst = side(7, 1);
        let src = side(15, 3);
        let either = self.directed(dir, src, dst);
        Ok(self.ir.and(link, either))
    }
}
