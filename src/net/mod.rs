//! Sockets of the shell: the wire that ping talks over, name resolution, interfaces.

pub mod bpf;
pub mod build;
pub mod choose;
pub mod echo;
pub mod filter;
pub mod filter_names;
pub mod groups;
pub mod icmp;
pub mod ifaces;
pub mod options;
pub mod queue;
pub mod resolve;
pub mod route;
pub mod session;
pub mod tap;
pub mod traced;

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use crate::decode::LinkType;
use crate::event::{Stamp, Timestamp};

/// What one send should do.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Header and message for a HDRINCL wire, else the ICMP message.
    pub bytes: &'a [u8],
    /// Ask the kernel for a transmit time stamp of this packet.
    pub want_stamp: bool,
}

/// One datagram that a wire delivered.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// What `bytes` begin with: [`LinkType::Raw`], [`LinkType::IcmpMessage`] or [`LinkType::Icmpv6Message`].
    pub link: LinkType,
    /// The datagram.
    pub bytes: &'a [u8],
    /// Its length before our buffer cut it; a ping socket that cut tells one more than `bytes`.
    pub full_len: usize,
    /// Sender.
    pub from: IpAddr,
    /// TTL or hop limit, where a control message or the header told it.
    pub ttl: Option<u8>,
    /// Receive time stamp of the kernel or the card.
    pub stamp: Option<(Timestamp, Stamp)>,
    /// Running count of packets that the full receive queue dropped (SO_RXQ_OVFL).
    pub overflow: Option<u32>,
    /// Interface that a link-local sender is on, else 0.
    pub iface: u32,
}

/// One item of a wire's error queue.
#[derive(Clone, Debug)]
pub enum Queued {
    /// Transmit stamp of the packet that `send` numbered `id`.
    TxStamp {
        /// Number from [`Wire::send`].
        id: u32,
        /// When it left.
        at: Timestamp,
        /// Who saw it leave.
        stamp: Stamp,
    },
    /// The kernel refused or shortened something locally (EMSGSIZE with an MTU).
    Local {
        /// The errno that the send got; the same refusal may be queued twice.
        errno: i32,
        /// The MTU of EMSGSIZE.
        info: u32,
    },
    /// An ICMP error about `quoted`, our own message as sent (from its ICMP header on).
    Icmp {
        /// Who sent the error.
        from: Option<IpAddr>,
        /// ICMP or ICMPv6 type.
        icmp_type: u8,
        /// Its code.
        code: u8,
        /// Next-hop MTU or pointer, where the type has one.
        info: u32,
        /// Our message, perhaps cut.
        quoted: Vec<u8>,
    },
}

/// A way to send ICMP messages and to hear the answers: HDRINCL, raw and dgram sockets, and the
/// fault-injecting wrapper of the tests.
pub trait Wire {
    /// Sends one message to the target; the returned number names it in [`Queued::TxStamp`]
    /// (meaningful only where a stamp was wanted).
    fn send(&mut self, outgoing: Outgoing<'_>) -> io::Result<u32>;
    /// Takes one datagram, or `None` when there is none now. Never blocks.
    fn recv<'b>(&mut self, buf: &'b mut [u8]) -> io::Result<Option<Received<'b>>>;
    /// Takes one item of the error queue, or `None`. Never blocks.
    fn recv_queued(&mut self) -> io::Result<Option<Queued>>;
    /// What to poll(2).
    fn as_fd(&self) -> BorrowedFd<'_>;
}
