//! The typed syntax tree: what an expression says, names already looked up, no link type yet.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// A whole expression: conditions joined from left to right, `and` and `or` binding equally, as
/// pcap-filter(7) says.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// The first condition.
    pub first: Term,
    /// What is joined to everything before it.
    pub rest: Vec<(Join, Term)>,
}

/// How a condition is joined to what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Both must hold.
    And,
    /// One is enough.
    Or,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// The opposite.
    Not(Box<Term>),
    /// An expression in brackets.
    Group(Box<Expr>),
    /// A primitive and its byte range in the expression.
    Prim(Prim, Range<usize>),
}

/// Which address or port of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dir {
    /// The source.
    Src,
    /// The destination.
    Dst,
    /// Source or destination; also if nothing is said.
    #[default]
    Either,
    /// Source and destination.
    Both,
}

/// A protocol name, as qualifier, as primitive or before `[`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the keyword of pcap-filter(7)")]
pub enum Protocol {
    Ether,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
    Igmp,
    Igrp,
    Pim,
    Vrrp,
    Carp,
    Ah,
    Esp,
    Atalk,
    Aarp,
    Decnet,
    Lat,
    Sca,
    Moprc,
    Mopdl,
    Iso,
    Esis,
    Isis,
    Clnp,
    IsisL1,
    IsisL2,
    IsisIih,
    IsisLsp,
    IsisSnp,
    IsisCsnp,
    IsisPsnp,
    Stp,
    Ipx,
    Netbeui,
    /// Multicast listener discovery: ours.
    Mld,
    /// Neighbour discovery: ours.
    Ndp,
}

/// An address to compare with, and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// IPv4 address and mask.
    V4(Ipv4Addr, u32),
    /// IPv6 address and mask.
    V6(Ipv6Addr, u128),
}

/// Kind of an LLC frame, for `llc KIND`: a mask and a value of the control byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Llc {
    /// Any LLC frame.
    Any,
    /// Information frames: bit 0 of the control byte is clear.
    Information,
    /// Control byte under this mask has this value.
    Control(u8, u8),
}

/// Family of a `proto` or `protochain` condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `ether proto`: an EtherType, or an LLC service access point up to 1500.
    Ether,
    /// `ip proto`.
    Ip,
    /// `ip6 proto`.
    Ip6,
    /// `proto`: IPv4 or IPv6.
    AnyIp,
    /// `iso proto`: the network layer protocol identifier of an OSI packet.
    Iso,
    /// `isis proto`: the PDU type of an IS-IS packet.
    Isis,
}

/// A primitive of pcap-filter(7).
#[derive(Clone, Debug, PartialEq)]
pub enum Prim {
    /// `tcp`, `arp`, `stp`: the packet is of that protocol.
    Is(Protocol),
    /// `host`, `net`: one of the addresses is the source or destination. The protocol is None, Ip,
    /// Ip6, Arp or Rarp.
    Host(Option<Protocol>, Dir, Vec<Address>),
    /// `ether host`.
    EtherHost(Dir, [u8; 6]),
    /// `decnet host`.
    DecnetHost(Dir, u16),
    /// `port`, `portrange`: transport (None: TCP, UDP or SCTP), lowest and highest port.
    Port(Option<Protocol>, Dir, u16, u16),
    /// `proto`.
    Proto(Layer, u32),
    /// `protochain`: the layer is Ip, Ip6 or AnyIp.
    Protochain(Layer, u32),
    /// `ether broadcast`.
    EtherBroadcast,
    /// `ip broadcast`.
    IpBroadcast,
    /// `ether multicast`.
    EtherMulticast,
    /// `ip multicast`.
    IpMulticast,
    /// `ip6 multicast`.
    Ip6Multicast,
    /// `less`: at most so many bytes.
    Less(u32),
    /// `greater`: at least so many bytes.
    Greater(u32),
    /// `byte AT OP VALUE`: a byte of the link header on.
    Byte(u32, ByteOp, u32),
    /// `inbound`.
    Inbound,
    /// `outbound`.
    Outbound,
    /// `ifindex`.
    Ifindex(u32),
    /// `vlan [ID]`.
    Vlan(Option<u16>),
    /// `mpls [LABEL]`.
    Mpls(Option<u32>),
    /// `pppoed`.
    Pppoed,
    /// `pppoes [SESSION]`.
    Pppoes(Option<u16>),
    /// `geneve [VNI]`.
    Geneve(Option<u32>),
    /// `vxlan [VNI]`: ours, and libpcap's after 1.10.
    Vxlan(Option<u32>),
    /// `llc [KIND]`.
    Llc(Llc),
    /// `tcp[13] & 2 != 0`.
    Relation(Relop, Box<Arith>, Box<Arith>),
}

/// Comparison in `byte AT OP VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOp {
    /// Equal.
    Eq,
    /// Less.
    Lt,
    /// Greater.
    Gt,
    /// `byte & value` is not 0.
    And,
    /// `byte | value` is not 0.
    Or,
}

/// Comparison of unsigned 32-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the usual six")]
pub enum Relop {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Arithmetic on unsigned 32-bit numbers, wrapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Arith {
    /// A constant.
    Num(u32),
    /// Length of the packet on the wire.
    Len,
    /// `PROTOCOL[INDEX:SIZE]`, with its byte range in the expression.
    Load(Protocol, Box<Arith>, Size, Range<usize>),
    /// An operation.
    Bin(BinOp, Box<Arith>, Box<Arith>),
    /// The negative.
    Neg(Box<Arith>),
}

/// Bytes that a load takes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// One byte.
    Byte,
    /// Two bytes.
    Half,
    /// Four bytes.
    Word,
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the usual ten")]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    Lsh,
    Rsh,
}

impl Protocol {
    /// The protocol that a keyword names.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "ether" => Self::Ether,
            "ip" => Self::Ip,
            "ip6" => Self::Ip6,
            "arp" => Self::Arp,
            "rarp" => Self::Rarp,
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "sctp" => Self::Sctp,
            "icmp" => Self::Icmp,
            "icmp6" => Self::Icmp6,
            "igmp" => Self::Igmp,
            "igrp" => Self::Igrp,
            "pim" => Self::Pim,
            "vrrp" => Self::Vrrp,
            "carp" => Self::Carp,
            "ah" => Self::Ah,
            "esp" => Self::Esp,
            "atalk" => Self::Atalk,
            "aarp" => Self::Aarp,
            "decnet" => Self::Decnet,
            "lat" => Self::Lat,
            "sca" => Self::Sca,
            "moprc" => Self::Moprc,
            "mopdl" => Self::Mopdl,
            "iso" => Self::Iso,
            "esis" => Self::Esis,
            "isis" => Self::Isis,
            "clnp" => Self::Clnp,
            "l1" => Self::IsisL1,
            "l2" => Self::IsisL2,
            "iih" => Self::IsisIih,
            "lsp" => Self::IsisLsp,
            "snp" => Self::IsisSnp,
            "csnp" => Self::IsisCsnp,
            "psnp" => Self::IsisPsnp,
            "stp" => Self::Stp,
            "ipx" => Self::Ipx,
            "netbeui" => Self::Netbeui,
            "mld" => Self::Mld,
            "ndp" => Self::Ndp,
            _ => return None,
        })
    }

    /// EtherType or LLC service access point of a protocol that the link header names.
    pub(super) const fn link_number(self) -> Option<u32> {
        Some(match self {
            Self::Ip => 0x0800,
            Self::Ip6 => 0x86dd,
            Self::Arp => 0x0806,
            Self::Rarp => 0x8035,
            Self::Atalk => 0x809b,
            Self::Aarp => 0x80f3,
            Self::Decnet => 0x6003,
            Self::Lat => 0x6004,
            Self::Sca => 0x6007,
            Self::Moprc => 0x6002,
            Self::Mopdl => 0x6001,
            Self::Iso => 0xfe,
            Self::Stp => 0x42,
            Self::Ipx => 0xe0,
            Self::Netbeui => 0xf0,
            _ => return None,
        })
    }

    /// IP protocol number, and whether IPv4 and IPv6 carry it.
    pub(super) const fn ip_number(self) -> Option<(u8, bool, bool)> {
        Some(match self {
            Self::Tcp => (6, true, true),
            Self::Udp => (17, true, true),
            Self::Sctp => (132, true, true),
            Self::Icmp => (1, true, false),
            Self::Igmp => (2, true, false),
            Self::Igrp => (9, true, false),
            Self::Pim => (103, true, true),
            Self::Vrrp | Self::Carp => (112, true, false),
            Self::Ah => (51, true, true),
            Self::Esp => (50, true, true),
            Self::Icmp6 => (58, false, true),
            _ => return None,
        })
    }

    /// PDU types of a group of IS-IS packets (ISO 10589), in libpcap's grouping.
    pub(super) const fn isis_types(self) -> Option<&'static [u32]> {
        Some(match self {
            Self::IsisL1 => &[15, 17, 18, 24, 26],
            Self::IsisL2 => &[16, 17, 20, 25, 27],
            Self::IsisIih => &[15, 16, 17],
            Self::IsisLsp => &[18, 20],
            Self::IsisSnp => &[24, 25, 26, 27],
            Self::IsisCsnp => &[24, 25],
            Self::IsisPsnp => &[26, 27],
            _ => return None,
        })
    }
}
