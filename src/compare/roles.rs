//! What a packet is for: handshake, data, acknowledgement, end. Read from the field tree.

use std::collections::HashSet;

use serde::Serialize;

use crate::decode::{Packet, tcp};
use crate::event::Host;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// SYN, SYN+ACK, and the acknowledgement that ends the handshake.
    Handshake,
    /// It carries bytes for the first time.
    Data,
    /// It carries bytes that this host sent before.
    Again,
    /// It only acknowledges.
    Ack,
    /// FIN.
    End,
    /// RST.
    Reset,
    /// An ICMP message.
    Icmp,
    /// Anything else.
    Other,
}

/// How many packets had each role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// See [`Role::Handshake`].
    pub handshake: u32,
    /// See [`Role::Data`].
    pub data: u32,
    /// See [`Role::Again`].
    pub again: u32,
    /// See [`Role::Ack`].
    pub ack: u32,
    /// See [`Role::End`].
    pub end: u32,
    /// See [`Role::Reset`].
    pub reset: u32,
    /// See [`Role::Icmp`].
    pub icmp: u32,
    /// See [`Role::Other`].
    pub other: u32,
}

impl Roles {
    /// Counts one.
    pub fn count(&mut self, role: Role) {
        let counter = match role {
            Role::Handshake => &mut self.handshake,
            Role::Data => &mut self.data,
            Role::Again => &mut self.again,
            Role::Ack => &mut self.ack,
            Role::End => &mut self.end,
            Role::Reset => &mut self.reset,
            Role::Icmp => &mut self.icmp,
            Role::Other => &mut self.other,
        };
        *counter = counter.saturating_add(1);
    }

    /// All.
    pub fn total(&self) -> u32 {
        [
            self.handshake,
            self.data,
            self.again,
            self.ack,
            self.end,
            self.reset,
            self.icmp,
            self.other,
        ]
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Header bytes of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeaderBytes {
    /// Ethernet.
    pub link: u32,
    /// IP.
    pub network: u32,
    /// TCP or UDP; 0 where there is none.
    pub transport: u32,
}

impl HeaderBytes {
    /// All three.
    pub fn total(&self) -> u32 {
        self.link + self.network + self.transport
    }
}

/// A packet as the roles see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its role.
    pub role: Role,
    /// Bytes that it carries for the programs, as its lengths say.
    pub payload: u32,
    /// Its headers.
    pub headers: HeaderBytes,
}

/// Tells roles apart; remembers what of a connection is needed for that.
#[derive(Debug, Default)]
pub struct Sorter {
    /// First sequence numbers of segments with data, by sender.
    sent: HashSet<(Host, u64)>,
    /// Hosts whose handshake waits for their acknowledgement.
    shaking: HashSet<Host>,
}

impl Sorter {
    /// The role of a packet that `from` put on the wire.
    pub fn sort(&mut self, from: Host, packet: &Packet) -> Seen {
        let mut headers = HeaderBytes {
            link: 0,
            network: 0,
            transport: 0,
        };
        let mut payload = 0;
        let mut role = Role::Other;
        for layer in packet.layers().iter().filter(|layer| !layer.quoted) {
            let carried = layer.end.saturating_sub(layer.at.saturating_add(layer.len));
            match layer.proto.key {
                "eth" => headers.link = layer.len,
                "ip" | "ipv6" => {
                    headers.network = layer.len;
                    payload = carried;
                    role = Role::Data;
                }
                "udp" => {
                    headers.transport = layer.len;
                    payload = carried;
                    role = Role::Data;
                }
                "tcp" => {
                    headers.transport = layer.len;
                    payload = carried;
                    role = self.segment(from, packet, carried);
                }
                "icmp" | "icmpv6" => role = Role::Icmp,
                _ => {}
            }
        }
        Seen {
            role,
            payload,
            headers,
        }
    }

    fn segment(&mut self, from: Host, packet: &Packet, carried: u32) -> Role {
        let is = |spec| packet.number(spec) == Some(1);
        if is(&tcp::RST) {
            return Role::Reset;
        }
        if is(&tcp::SYN) {
            if !is(&tcp::ACK_FLAG) {
                self.shaking.insert(from);
            }
            return Role::Handshake;
        }
        let shaking = self.shaking.remove(&from);
        if carried > 0 {
            let first = packet.number(&tcp::SEQ).unwrap_or(0);
            return if self.sent.insert((from, first)) {
                Role::Data
            } else {
                Role::Again
            };
        }
        if is(&tcp::FIN) {
            return Role::End;
        }
        if shaking { Role::Handshake } else { Role::Ack }
    }
}
