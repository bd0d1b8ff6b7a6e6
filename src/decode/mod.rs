//! Bytes to a field tree. The only place that names etherparse. Never fails, never panics.
//!
//! A new protocol is one file and one line in [`PROTOS`].

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod ah;
pub mod arp;
mod checksum;
mod cx;
pub mod data;
pub mod dhcp;
pub mod dhcp_options;
pub mod dns;
pub mod dns_data;
mod dns_name;
pub mod dns_types;
mod dvmrp;
pub mod ethernet;
mod fragment;
pub mod geneve;
pub mod gre;
pub mod http;
pub mod icmp;
pub mod icmp_ext;
mod icmp_names;
pub mod icmpv6;
mod icmpv6_more;
mod icmpv6_names;
mod icmpv6_table;
pub mod igmp;
mod igmp_rules;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod ipv6_fragment;
pub mod ipv6_options;
pub mod ipv6_routing;
pub mod membership;
pub mod mld;
pub mod mpls;
pub mod mtrace;
pub mod ndp;
mod ndp_rules;
pub mod ntp;
pub mod null;
mod packet;
mod path;
mod pim1;
pub mod ppp;
mod relative;
mod samples;
pub mod sll;
mod slots;
mod spec;
pub mod tcp;
pub mod text;
pub mod tls;
pub mod tls_hello;
pub mod tls_names;
pub mod udp;
pub mod vlan;
pub mod vxlan;

use std::ops::Range;

pub use checksum::{Checksum, checksum_status};
pub use cx::{Cx, Group, Net};
pub use fragment::{Fragment, MAX_BUFS};
pub use packet::{
    Direction, Field, Flags, Frame, Layer, LinkType, MAX_FIELDS, MAX_LAYERS, Mac, Packet, Problem,
    Pseudo, Reader, Severity, Show, Spec, Sum, Value,
};
pub use path::{Sample, decode_path};
pub use relative::Relative;

/// Every protocol that a [`Decoder`] starts with.
pub static PROTOS: &[&Proto] = &[
    &ah::PROTO,
    &arp::PROTO,
    &data::PROTO,
    &dhcp::PROTO,
    &dns::MULTICAST,
    &dns::PROTO,
    &ethernet::PROTO,
    &geneve::PROTO,
    &gre::PROTO,
    &http::PROTO,
    &icmp::PROTO,
    &icmpv6::PROTO,
    &igmp::PROTO,
    &ipv4::PROTO,
    &ipv6::PROTO,
    &ipv6_ext::DESTINATION,
    &ipv6_ext::HOP_BY_HOP,
    &ipv6_fragment::PROTO,
    &ipv6_routing::PROTO,
    &mpls::PROTO,
    &ntp::PROTO,
    &null::LOOP,
    &null::PROTO,
    &ppp::PROTO,
    &sll::PROTO,
    &sll::PROTO_V2,
    &tcp::PROTO,
    &tls::PROTO,
    &udp::PROTO,
    &vlan::PROTO,
    &vxlan::PROTO,
];

/// A protocol: one file, one of these, one line in the table.
#[derive(Debug)]
pub struct Proto {
    /// Wireshark's protocol abbreviation: `icmp`.
    pub key: &'static str,
    /// Full name: `Internet Control Message Protocol`.
    pub name: &'static str,
    /// Where it is defined.
    pub rfc: &'static str,
    /// What announces it in the layer outside.
    pub claims: &'static [Claim],
    /// Every field that it can add, as tables; two protocols may share a table.
    pub specs: &'static [&'static [&'static Spec]],
    /// Typical messages, for the header boxes of `explain`: at least one.
    pub samples: &'static [Sample],
    /// Reads one layer and says what follows.
    pub decode: fn(&mut Cx<'_>) -> Next,
    /// Appends a few words on the layer, as a one-line listing shows it; text from the packet
    /// stays unescaped. Nothing for a layer not worth a word there.
    pub summary: fn(&Packet, &Layer, &mut String),
}

/// How a layer names the protocol that it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The frame begins with it.
    Link(LinkType),
    /// EtherType, also of VLAN tags and cooked captures.
    EtherType(u16),
    /// IPv4 protocol or IPv6 next header.
    IpProtocol(u8),
    /// UDP port, either side.
    UdpPort(u16),
    /// TCP port, either side.
    TcpPort(u16),
    /// An IPv4 or IPv6 packet, told apart by its version.
    Ip,
}

impl Claim {
    /// A number that orders claims, for the dispatch table.
    fn rank(self) -> u32 {
        let (kind, value) = match self {
            Self::Link(link) => match link {
                LinkType::Ethernet => (1, 1),
                LinkType::Raw => (1, 101),
                LinkType::LinuxSll => (1, 113),
                LinkType::LinuxSll2 => (1, 276),
                LinkType::Other(number) => (1, number),
                LinkType::IcmpMessage => (2, 4),
                LinkType::Icmpv6Message => (2, 6),
            },
            Self::EtherType(number) => (3, number),
            Self::IpProtocol(number) => (4, u16::from(number)),
            Self::UdpPort(port) => (5, port),
            Self::TcpPort(port) => (6, port),
            Self::Ip => (7, 0),
        };
        kind << 16 | u32::from(value)
    }

    /// A wrong guess is possible, so an empty payload is not an error.
    fn is_guess(self) -> bool {
        matches!(self, Self::UdpPort(_) | Self::TcpPort(_))
    }
}

/// Up to two claims, tried in turn: the destination and the source port.
#[derive(Clone, Copy, Debug)]
pub struct Claims(pub Option<Claim>, pub Option<Claim>);

impl From<Claim> for Claims {
    fn from(claim: Claim) -> Self {
        Self(Some(claim), None)
    }
}

/// What follows a layer. Ranges count from the layer's first byte and end where its length field
/// says, also past the captured bytes.
#[derive(Clone, Debug)]
pub enum Next {
    /// Nothing.
    Done,
    /// A protocol, or plain data if nobody claims it.
    Proto(Claims, Range<u32>),
    /// The datagram inside an ICMP error: no checksum or TTL problems from here on.
    Quoted(Range<u32>),
    /// Not this protocol after all: a port only hints at what it carries. The layer is taken back,
    /// then the claim on the other port is asked, or it stays plain data.
    Decline,
}

impl Next {
    /// Plain data.
    pub fn data(range: Range<u32>) -> Self {
        Self::Proto(Claims(None, None), range)
    }
}

/// The dispatch: which protocol answers to which claim.
#[derive(Debug)]
pub struct Decoder {
    /// By IP protocol number: the step that every packet takes.
    by_protocol: Box<[Option<&'static Proto>; 256]>,
    /// All other claims: a hash table with open addressing, at most half full, its length a power of
    /// two. Ports are looked up for every packet and mostly found to be nobody's.
    table: Vec<Option<(u32, &'static Proto)>>,
    /// Claims in `table`.
    claims: usize,
    /// Every protocol, in the order in which they were added.
    protos: Vec<&'static Proto>,
    /// Checksums are verified.
    verifies: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder of all [`PROTOS`].
    pub fn new() -> Self {
        let claims = PROTOS.iter().map(|proto| proto.claims.len()).sum::<usize>();
        let empty = Self {
            by_protocol: Box::new([None; 256]),
            table: vec![None; claims.saturating_mul(2).next_power_of_two()],
            claims: 0,
            protos: Vec::with_capacity(PROTOS.len()),
            verifies: true,
        };
        PROTOS.iter().fold(empty, |all, proto| all.with(proto))
    }

    /// Adds a protocol; its claims win over earlier ones.
    #[must_use]
    pub fn with(mut self, proto: &'static Proto) -> Self {
        self.protos.push(proto);
        for claim in proto.claims {
            if let Claim::IpProtocol(number) = claim {
                let slot = self.by_protocol.get_mut(usize::from(*number));
                if let Some(slot) = slot {
                    *slot = Some(proto);
                }
                continue;
            }
            if self.claims.saturating_mul(2) >= self.table.len() {
                let room = self.table.len().saturating_mul(2);
                let old = std::mem::replace(&mut self.table, vec![None; room]);
                old.into_iter()
                    .flatten()
                    .for_each(|(rank, proto)| self.insert(rank, proto));
            }
            let known = self.lookup(*claim).is_some();
            self.claims = self.claims.saturating_add(usize::from(!known));
            self.insert(claim.rank(), proto);
        }
        self
    }

    fn insert(&mut self, rank: u32, proto: &'static Proto) {
        let mut slots = slots(rank, self.table.len());
        let free = slots.find(|at| {
            let slot = self.table.get(*at).copied().flatten();
            slot.is_none_or(|(known, _)| known == rank)
        });
        if let Some(slot) = free.and_then(|at| self.table.get_mut(at)) {
            *slot = Some((rank, proto));
        }
    }

    /// Verifies no checksum: all of them are "unverified".
    #[must_use]
    pub fn without_checksums(mut self) -> Self {
        self.verifies = false;
        self
    }

    /// Every protocol that it may decode, in the order in which they were added.
    pub fn protos(&self) -> &[&'static Proto] {
        &self.protos
    }

    /// Who answers to a claim.
    #[inline]
    pub fn lookup(&self, claim: Claim) -> Option<&'static Proto> {
        if let Claim::IpProtocol(number) = claim {
            return self.by_protocol.get(usize::from(number)).copied().flatten();
        }
        let rank = claim.rank();
        for at in slots(rank, self.table.len()) {
            match self.table.get(at)? {
                Some((known, proto)) if *known == rank => return Some(proto),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// Decodes one frame into `packet`, which is cleared first. Never fails: what is wrong is in
    /// [`Packet::problems`].
    pub fn decode(&self, frame: &Frame<'_>, packet: &mut Packet) {
        packet.clear();
        let mut cx = Cx::new(frame.flags, frame.bytes, frame.wire_len, packet);
        cx.verifies = self.verifies;
        let claim = match frame.link {
            LinkType::Raw => Claim::Ip,
            // LINKTYPE_IPV4 and LINKTYPE_IPV6: whatever the version field says.
            LinkType::Other(228) => Claim::EtherType(0x0800),
            LinkType::Other(229) => Claim::EtherType(0x86dd),
            link => Claim::Link(link),
        };
        let next = Next::Proto(claim.into(), 0..cx.len());
        self.run(&mut cx, next);
    }

    /// Decodes layer after layer.
    fn run(&self, cx: &mut Cx<'_>, mut next: Next) {
        loop {
            let (claims, range) = match next {
                Next::Done | Next::Decline => break,
                Next::Proto(claims, range) => (claims, range),
                Next::Quoted(range) => {
                    cx.begin_quote();
                    (Claim::Ip.into(), range)
                }
            };
            let found = self.find(claims, cx, &range);
            if range.is_empty() && found.is_none() {
                break;
            }
            if cx.layer_count() >= MAX_LAYERS {
                let text = format!("more than {MAX_LAYERS} layers: the rest is not shown");
                cx.problem(Severity::Limit, 0, 0, "limit.layers", "", text);
                break;
            }
            let proto = found.unwrap_or(&data::PROTO);
            cx.enter(proto, range.start, range.end);
            if let (None, Claims(Some(Claim::Ip), _), Some(first)) = (found, claims, cx.u8(0)) {
                let text = format!("IP version is {}, must be 4 or 6", first >> 4);
                cx.problem(Severity::Invalid, 0, 1, "ip.version", "RFC 8200 3", text);
            }
            next = (proto.decode)(cx);
            if let Next::Decline = next {
                cx.retract();
                let Claims(first, second) = claims;
                let first = first.and_then(|claim| self.lookup(claim));
                let second = second.filter(|_| first.is_some_and(|p| std::ptr::eq(p, proto)));
                next = Next::Proto(Claims(second, None), 0..cx.len());
                continue;
            }
            cx.leave();
        }
    }

    fn find(&self, claims: Claims, cx: &Cx<'_>, range: &Range<u32>) -> Option<&'static Proto> {
        let Claims(first, second) = claims;
        [first, second].into_iter().flatten().find_map(|claim| {
            if range.is_empty() && (claim.is_guess() || cx.quoted()) {
                return None;
            }
            if claim != Claim::Ip {
                return self.lookup(claim);
            }
            match cx.u8(range.start)? >> 4 {
                4 => self.lookup(Claim::EtherType(0x0800)),
                6 => self.lookup(Claim::EtherType(0x86dd)),
                _ => None,
            }
        })
    }
}

/// Where to look for a claim in a hash table of `len` slots, a power of two.
#[inline]
fn slots(rank: u32, len: usize) -> impl Iterator<Item = usize> {
    // Fibonacci hashing: ranks are neighbouring numbers.
    let start = (rank.wrapping_mul(0x9e37_79b9) >> 16) as usize;
    let mask = len.wrapping_sub(1);
    (0..len).map(move |step| start.wrapping_add(step) & mask)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A packet from bytes, for the tests beside each protocol.

    use super::*;
    use crate::event::{Stamp, Timestamp};

    /// Decodes bytes of which `wire_len` were on the wire.
    pub fn decoded(link: LinkType, bytes: &[u8], wire_len: usize) -> Packet {
        let frame = Frame {
            at: Timestamp(0),
            stamp: Stamp::User,
            iface: 0,
            link,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: u32::try_from(wire_len).expect("small"),
            bytes,
        };
        let mut packet = Packet::new();
        Decoder::new().decode(&frame, &mut packet);
        packet
    }

    /// The keys of all problems.
    pub fn problems(packet: &Packet) -> Vec<&'static str> {
        packet
            .problems()
            .iter()
            .map(|problem| problem.key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_and_claims_are_unique_and_everything_is_explained() {
        let mut keys = HashSet::new();
        let mut claims = HashSet::new();
        for proto in PROTOS {
            assert!(keys.insert(proto.key), "protocol {} twice", proto.key);
            assert!(
                !proto.name.is_empty() && !proto.rfc.is_empty(),
                "{}",
                proto.key
            );
            for claim in proto.claims {
                assert!(claims.insert(claim.rank()), "{claim:?} claimed twice");
            }
        }
        let mut seen = HashSet::new();
        let tables = PROTOS.iter().flat_map(|proto| proto.specs.iter().copied());
        // Two protocols may share a table, but it is one table.
        let tables = tables.filter(|table| seen.insert(&raw const *table[0]));
        for spec in tables.flatten() {
            assert!(keys.insert(spec.key), "field {} twice", spec.key);
            assert!(!spec.label.is_empty(), "{}", spec.key);
            assert!(!spec.rfc.is_empty(), "{}", spec.key);
            assert!(
                spec.explain.ends_with('.'),
                "{}: explain is a sentence",
                spec.key
            );
        }
    }

    #[test]
    fn a_protocol_of_the_user_wins() {
        static MINE: Proto = Proto {
            key: "mine",
            name: "Mine",
            rfc: "none",
            claims: &[Claim::IpProtocol(1), Claim::UdpPort(7)],
            specs: &[],
            samples: &[],
            decode: |_| Next::Done,
            summary: |_, _, _| {},
        };
        let decoder = Decoder::new().with(&MINE);
        for claim in MINE.claims {
            assert_eq!(decoder.lookup(*claim).map(|proto| proto.key), Some("mine"));
        }
        assert_eq!(
            Decoder::new().lookup(Claim::IpProtocol(1)).unwrap().key,
            "icmp"
        );
        assert!(Decoder::new().lookup(Claim::UdpPort(7)).is_none());
    }

    #[test]
    fn one_arena_serves_packet_after_packet() {
        let mut packet = testing::decoded(LinkType::IcmpMessage, &[77, 0, 0, 0, 1, 2, 3, 4], 8);
        assert!(!packet.layers().is_empty());
        packet.clear();
        assert!(packet.layers().is_empty() && packet.problems().is_empty());
    }
}
