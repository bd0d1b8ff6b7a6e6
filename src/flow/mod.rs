//! Packets to conversations: who talks with whom, how much, and what the streams carry. Reads only
//! the field tree; every table has a limit, and what had to give way to it is counted.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic
)]

pub mod follow;
pub mod hierarchy;
pub mod lru;
pub mod stats;
pub mod streams;

use std::fmt;
use std::net::IpAddr;

use crate::decode::{Layer, Mac, Packet, Value, ethernet, ipv4, ipv6, tcp, udp};

/// A party of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// By its hardware address.
    Mac([u8; 6]),
    /// By its IP address.
    Ip(IpAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => Mac(*mac).fmt(f),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// An address, and a port where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Who.
    pub address: Address,
    /// Which of its programs; `None` below TCP and UDP.
    pub port: Option<u16>,
}

/// `10.0.0.1:80`, `[2001:db8::1]:80`, `10.0.0.1`.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.port) {
            (address, None) => address.fmt(f),
            (Address::Ip(IpAddr::V6(address)), Some(port)) => write!(f, "[{address}]:{port}"),
            (address, Some(port)) => write!(f, "{address}:{port}"),
        }
    }
}

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Between hardware addresses.
    Ethernet,
    /// Between IP addresses.
    Ip,
    /// Between TCP ports.
    Tcp,
    /// Between UDP ports.
    Udp,
}

impl Kind {
    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ethernet => "eth",
            Self::Ip => "ip",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One layer's word on who sent it to whom.
#[derive(Clone, Copy, Debug)]
pub struct Talk<'a> {
    /// What kind.
    pub kind: Kind,
    /// Who sent it.
    pub source: End,
    /// To whom.
    pub destination: End,
    /// The layer that says so.
    pub layer: &'a Layer,
}

/// Every layer of a packet that tells ends, outermost first. Quoted layers are left out, and the
/// ports of a fragment whose datagram is not whole: they come again with the whole.
pub fn talks(packet: &Packet) -> impl Iterator<Item = Talk<'_>> {
    let partly = packet.fragment().map(|fragment| fragment.layer);
    let mut outer: Option<(IpAddr, IpAddr)> = None;
    let layers = packet.layers().iter().enumerate();
    layers.filter_map(move |(index, layer)| {
        if layer.quoted {
            return None;
        }
        let whole = partly.is_none_or(|fragment| index <= fragment as usize);
        talk(packet, layer, &mut outer, whole)
    })
}

fn talk<'a>(
    packet: &Packet,
    layer: &'a Layer,
    outer: &mut Option<(IpAddr, IpAddr)>,
    whole: bool,
) -> Option<Talk<'a>> {
    let value = |spec| packet.field(layer, spec).map(|field| field.value);
    let ip = |spec| match value(spec)? {
        Value::Ipv4(address) => Some(IpAddr::V4(address)),
        Value::Ipv6(address) => Some(IpAddr::V6(address)),
        _ => None,
    };
    let mac = |spec| match value(spec)? {
        Value::Mac(mac) => Some(Address::Mac(mac.0)),
        _ => None,
    };
    let port = |spec| u16::try_from(value(spec)?.as_u64()?).ok();
    let end = |address, port| End { address, port };
    let (kind, source, destination) = match layer.proto.key {
        "eth" => {
            let ends = (mac(&ethernet::SRC)?, mac(&ethernet::DST)?);
            (Kind::Ethernet, end(ends.0, None), end(ends.1, None))
        }
        "ip" | "ipv6" => {
            let ends = if layer.proto.key == "ip" {
                (ip(&ipv4::SRC)?, ip(&ipv4::DST)?)
            } else {
                (ip(&ipv6::SRC)?, ip(&ipv6::DST)?)
            };
            *outer = Some(ends);
            let [source, destination] = [ends.0, ends.1].map(Address::Ip);
            (Kind::Ip, end(source, None), end(destination, None))
        }
        "tcp" | "udp" if whole => {
            let (source, destination) = (*outer)?;
            let (kind, from, to) = if layer.proto.key == "tcp" {
                (Kind::Tcp, port(&tcp::SRC_PORT)?, port(&tcp::DST_PORT)?)
            } else {
                (Kind::Udp, port(&udp::SRC_PORT)?, port(&udp::DST_PORT)?)
            };
            (
                kind,
                end(Address::Ip(source), Some(from)),
                end(Address::Ip(destination), Some(to)),
            )
        }
        _ => return None,
    };
    Some(Talk {
        kind,
        source,
        destination,
        layer,
    })
}

/// Both ends of a conversation, the smaller first: the same whoever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    ends: (End, End),
}

impl Pair {
    /// The pair, and whether the source is its first end.
    pub fn of(source: End, destination: End) -> (Self, bool) {
        let forward = source <= destination;
        let ends = if forward {
            (source, destination)
        } else {
            (destination, source)
        };
        (Self { ends }, forward)
    }

    /// Both, the smaller first.
    pub fn ends(&self) -> (End, End) {
        self.ends
    }
}
