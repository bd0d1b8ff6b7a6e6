//! What the link header says: the protocol that it carries, and MAC addresses.

use crate::filter::ast::{Dir, Relop, Size};
use crate::filter::ir::{CondId, Place};
use crate::filter::link::Link;
use crate::filter::parse::Parsed;

use super::{Lower, State};

/// Greatest length in an Ethernet type field; above it is an EtherType. Also the greatest number
/// that `ether proto` takes as an LLC service access point.
const MAX_LENGTH: u32 = 1500;
const IPX: u32 = 0xe0;
const IPX_TYPE: u32 = 0x8137;
const ATALK: u32 = 0x809b;
const AARP: u32 = 0x80f3;

impl Lower<'_> {
    /// Does the link carry this EtherType, or LLC service access point?
    pub(super) fn link_type(&mut self, number: u32, state: &State) -> Parsed<CondId> {
        if state.labels > 0 {
            return self.under_mpls(number, state);
        }
        Ok(match state.link {
            Link::Ethernet => self.ethernet_type(number, state),
            // libpcap compares LLC access points with the type field of v2, where they never are.
            Link::Sll2 if self.compat() => self.type_is(number, state),
            Link::Sll | Link::Sll2 => self.cooked_type(number, state),
            Link::Raw => match number {
                0x0800 => self.ip_version(4, state.header),
                0x86dd => self.ip_version(6, state.header),
                _ => self.ir.never(),
            },
            Link::Ipv4 if number == 0x0800 => self.ir.always(),
            Link::Ipv6 if number == 0x86dd => self.ir.always(),
            Link::Ipv4 | Link::Ipv6 => self.ir.never(),
            Link::Ppp => self.type_is(ppp_number(number), state),
            Link::Null => self.null_type(number, state),
            Link::Loop => {
                // AF_INET, and AF_INET6 as OpenBSD and as Linux number it.
                let families: &[u32] = match (number, self.compat()) {
                    (0x0800, _) => &[2],
                    (0x86dd, true) => &[10],
                    (0x86dd, false) => &[24, 10],
                    _ => &[],
                };
                self.family_is(families, state)
            }
        })
    }

    /// The address family of BSD's loopback is in the byte order of the host that captured, and
    /// every system has its own AF_INET6: 10 Linux, 24 NetBSD, 28 FreeBSD, 30 Darwin.
    fn null_type(&mut self, number: u32, state: &State) -> CondId {
        let families: &[u32] = match (number, self.compat()) {
            (0x0800, true) => &[2_u32.to_be()],
            (0x86dd, true) => &[10_u32.to_be()],
            (0x0800, false) => &[2, 2 << 24],
            (0x86dd, false) => &[10 << 24, 24 << 24, 28 << 24, 30 << 24, 10, 24, 28, 30],
            _ => &[],
        };
        self.family_is(families, state)
    }

    fn family_is(&mut self, families: &[u32], state: &State) -> CondId {
        let family = self.ir.load(Size::Word, state.header, "address family");
        let each: Vec<CondId> = families.iter().map(|f| self.ir.is(family, *f)).collect();
        self.ir.any(each)
    }

    fn ip_version(&mut self, version: u32, at: Place) -> CondId {
        let byte = self.ir.load(Size::Byte, at, "IP version and header length");
        self.ir.masked_is(byte, 0xf0, version << 4)
    }

    /// MPLS does not say what it carries: the last label must be the bottom of the stack, and the
    /// first nibble after it tells IPv4 from IPv6.
    fn under_mpls(&mut self, number: u32, state: &State) -> Parsed<CondId> {
        let version = match number {
            0x0800 => 4,
            0x86dd => 6,
            _ => return self.fail("inside MPLS only IPv4 and IPv6 can be told apart"),
        };
        let before = state.net(0_u32.wrapping_sub(2));
        let flags = self.ir.load(Size::Byte, before, "MPLS bottom of stack");
        let bottom = self.ir.masked_is(flags, 1, 1);
        let version = self.ip_version(version, state.net(0));
        Ok(self.ir.and(bottom, version))
    }

    fn type_is(&mut self, number: u32, state: &State) -> CondId {
        let what = match state.link {
            Link::Ppp => "PPP protocol",
            _ => "EtherType",
        };
        let field = self.ir.load(Size::Half, state.link_type, what);
        self.ir.is(field, number)
    }

    /// Is the Ethernet type field a length (IEEE 802.3)?
    pub(super) fn is_length(&mut self, state: &State) -> CondId {
        let field = self.ir.load(Size::Half, state.link_type, "EtherType");
        let most = self.ir.num(MAX_LENGTH);
        self.ir.compare(Relop::Le, field, most)
    }

    fn ethernet_type(&mut self, number: u32, state: &State) -> CondId {
        match number {
            // ISO, IP over LLC and NetBEUI: both service access points.
            0xfe | 0x06 | 0xf0 => {
                let is_length = self.is_length(state);
                let saps = self.both_saps(number, state);
                self.ir.and(is_length, saps)
            }
            IPX => {
                let by_type = self.type_is(IPX_TYPE, state);
                let is_length = self.is_length(state);
                let snap = self.snap(0, IPX_TYPE, state);
                let dsap = self.dsap(IPX, state);
                let raw = self.both_saps(0xff, state);
                let inner = self.ir.any([snap, dsap, raw]);
                let by_llc = self.ir.and(is_length, inner);
                self.ir.or(by_type, by_llc)
            }
            ATALK | AARP => {
                let by_type = self.type_is(number, state);
                let is_length = self.is_length(state);
                let snap = self.snap(snap_owner(number), number, state);
                let by_snap = self.ir.and(is_length, snap);
                self.ir.or(by_type, by_snap)
            }
            _ if number <= MAX_LENGTH => {
                let is_length = self.is_length(state);
                let at = state.link_type.plus(2);
                let dsap = self.ir.load(Size::Byte, at, "LLC DSAP");
                let dsap = self.ir.is(dsap, number);
                self.ir.and(is_length, dsap)
            }
            _ => self.type_is(number, state),
        }
    }

    /// Cooked captures say 4 (LINUX_SLL_P_802_2) for LLC and 1 for Novell's raw 802.3.
    fn cooked_type(&mut self, number: u32, state: &State) -> CondId {
        match number {
            0xfe | 0x06 | 0xf0 => {
                let llc = self.type_is(4, state);
                let saps = self.both_saps(number, state);
                self.ir.and(llc, saps)
            }
            IPX => {
                let by_type = self.type_is(IPX_TYPE, state);
                let raw = self.type_is(1, state);
                let llc = self.type_is(4, state);
                let snap = self.snap(0, IPX_TYPE, state);
                let dsap = self.dsap(IPX, state);
                let inner = self.ir.or(dsap, snap);
                let by_llc = self.ir.and(llc, inner);
                self.ir.any([by_type, raw, by_llc])
            }
            ATALK | AARP => {
                let by_type = self.type_is(number, state);
                let llc = self.type_is(4, state);
                let snap = self.snap(snap_owner(number), number, state);
                let by_snap = self.ir.and(llc, snap);
                self.ir.or(by_type, by_snap)
            }
            _ if number <= MAX_LENGTH => {
                let llc = self.type_is(4, state);
                let dsap = self.dsap(number, state);
                self.ir.and(llc, dsap)
            }
            _ => self.type_is(number, state),
        }
    }

    fn dsap(&mut self, sap: u32, state: &State) -> CondId {
        let dsap = self.ir.load(Size::Byte, state.payload, "LLC DSAP");
        self.ir.is(dsap, sap)
    }

    fn both_saps(&mut self, sap: u32, state: &State) -> CondId {
        let saps = self.ir.load(Size::Half, state.payload, "LLC DSAP and SSAP");
        self.ir.is(saps, sap << 8 | sap)
    }

    /// An LLC header with SNAP: AA AA 03, owner, type. Read from the end, as libpcap does.
    fn snap(&mut self, owner: u32, ether_type: u32, state: &State) -> CondId {
        let low = self.ir.load(Size::Word, state.payload.plus(4), "SNAP type");
        let low = self.ir.is(low, (owner & 0xffff) << 16 | ether_type);
        let high = self
            .ir
            .load(Size::Word, state.payload, "LLC and SNAP header");
        let high = self.ir.is(high, 0xaaaa_0300 | owner >> 16);
        self.ir.and(low, high)
    }

    pub(super) fn ether_host(&mut self, dir: Dir, mac: [u8; 6], state: &State) -> Parsed<CondId> {
        if state.link != Link::Ethernet {
            let message = format!("{} links have no MAC addresses to compare", state.link);
            return self.fail(message);
        }
        if state.headless {
            return Ok(self.ir.never());
        }
        let src = self.mac_is(mac, state.header.plus(6), "source MAC address");
        let dst = self.mac_is(mac, state.header, "destination MAC address");
        Ok(match dir {
            Dir::Src => src,
            Dir::Dst => dst,
            Dir::Either => self.ir.or(src, dst),
            Dir::Both => self.ir.and(src, dst),
        })
    }

    fn mac_is(&mut self, mac: [u8; 6], at: Place, what: &'static str) -> CondId {
        let all = mac.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let part = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
        let low = self.ir.load(Size::Word, at.plus(2), what);
        let low = self.ir.is(low, part(all));
        let high = self.ir.load(Size::Half, at, what);
        let high = self.ir.is(high, part(all >> 32));
        self.ir.and(low, high)
    }

    pub(super) fn ether_broadcast(&mut self, state: &State) -> Parsed<CondId> {
        if state.link != Link::Ethernet {
            return self.fail(format!("{} links have no broadcast address", state.link));
        }
        self.ether_host(Dir::Dst, [0xff; 6], state)
    }

    pub(super) fn ether_multicast(&mut self, state: &State) -> Parsed<CondId> {
        if state.link != Link::Ethernet {
            let message = format!("{} links have no multicast addresses", state.link);
            return self.fail(message);
        }
        if state.headless {
            return Ok(self.ir.never());
        }
        let first = self
            .ir
            .load(Size::Byte, state.header, "destination MAC address");
        Ok(self.ir.any_bit(first, 1))
    }
}

/// Organisation of a SNAP type: Apple's for AppleTalk, Ethernet's for AppleTalk ARP.
const fn snap_owner(number: u32) -> u32 {
    if number == ATALK { 0x08_0007 } else { 0 }
}

/// PPP protocol number of an EtherType or LLC service access point (IANA, ppp-numbers).
const fn ppp_number(number: u32) -> u32 {
    match number {
        0x0800 => 0x21,
        0x86dd => 0x57,
        0x6003 => 0x27,
        0x809b => 0x29,
        0x0600 => 0x25,
        0xfe => 0x23,
        0x42 => 0x31,
        0xe0 => 0x2b,
        other => other,
    }
}
