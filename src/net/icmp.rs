//! The sockets that ping talks over: raw with our own IP header, raw with the kernel's, and the
//! unprivileged datagram socket. Which one to take is decided in `choose.rs`.
//!
//! One socket sends and receives and is never connected: a connected one hears only its peer, so
//! routers' errors would be lost, and its source address goes stale.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd};

use libc::{MSG_DONTWAIT, MSG_ERRQUEUE, MSG_TRUNC};
use socket2::{Domain, MsgHdr, Protocol, SockAddr, Socket, Type};

use super::filter::{self, Want};
use super::options::{self, Options};
use super::queue::{self, Origin};
use super::{Outgoing, Queued, Received, Wire, bpf};
use crate::decode::LinkType;
use crate::error::Error;
use crate::event::Stamp;
use crate::sys::cmsg::{self, Scratch, recvmsg};
use crate::sys::stamp::{self, Stamps};

/// How a wire builds its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Raw ICMP socket, IP header by us. Needs CAP_NET_RAW.
    Hdrincl,
    /// Raw ICMP socket, IP header by the kernel. Needs CAP_NET_RAW.
    Raw,
    /// ICMP datagram socket: the kernel owns header, id and checksum. Needs a group inside
    /// `net.ipv4.ping_group_range`. In IPv6 a packet that a full queue or a firewall of this host
    /// dropped counts as sent (`ping_v6_sendmsg` forgets the outcome).
    Dgram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hdrincl => "hdrincl",
            Self::Raw => "raw",
            Self::Dgram => "dgram",
        })
    }
}

/// The version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and ICMP.
    V4,
    /// IPv6 and ICMPv6.
    V6,
}

impl Family {
    /// Family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Who numbers the transmit stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbering {
    /// We, by SCM_TS_OPT_ID (Linux 6.13), if the first try works.
    Untried,
    /// We.
    Ours,
    /// The kernel, which counts stamped packets; its 0 is our `base`.
    Kernel { base: u32 },
    /// The kernel, and a send failed, so that nobody knows whether it was counted.
    Lost,
}

/// One open ICMP socket and its target.
#[derive(Debug)]
pub struct IcmpWire {
    socket: Socket,
    kind: Kind,
    family: Family,
    target: Option<SockAddr>,
    flow_label: u32,
    /// Nothing is handed out before [`IcmpWire::listen`].
    listening: bool,
    numbering: Numbering,
    next_stamp: u32,
    /// Transmit stamps come from the card, so receive stamps are taken from it too.
    hardware: bool,
    request: Vec<u8>,
    scratch: Scratch,
    quote: Box<[u8; 576]>,
}

impl IcmpWire {
    /// socket(2) alone, which is where a privilege may be missing.
    pub fn socket(kind: Kind, family: Family) -> io::Result<Socket> {
        let ty = if kind == Kind::Dgram {
            Type::DGRAM
        } else {
            Type::RAW
        };
        match family {
            Family::V4 => Socket::new(Domain::IPV4, ty, Some(Protocol::ICMPV4)),
            Family::V6 => Socket::new(Domain::IPV6, ty, Some(Protocol::ICMPV6)),
        }
    }

    /// Opens a wire that hears nothing yet: the target and the ids come later.
    pub fn open(kind: Kind, family: Family, options: &Options) -> Result<Self, Error> {
        let socket = Self::socket(kind, family).map_err(|source| Error::Io {
            operation: "open",
            object: format!("{family} {kind} socket"),
            source,
        })?;
        Self::from_socket(socket, kind, family, options)
    }

    /// The same with a socket from [`IcmpWire::socket`].
    pub fn from_socket(
        socket: Socket,
        kind: Kind,
        family: Family,
        options: &Options,
    ) -> Result<Self, Error> {
        let wire = Self {
            socket,
            kind,
            family,
            target: None,
            flow_label: options.flow_label.unwrap_or(0) & 0xf_ffff,
            listening: kind == Kind::Dgram,
            numbering: Numbering::Untried,
            next_stamp: 0,
            hardware: false,
            request: Vec::with_capacity(64),
            scratch: Scratch::default(),
            quote: Box::new([0; 576]),
        };
        options::apply(&wire.socket, kind, family, options)?;
        Ok(wire)
    }

    /// How it builds packets.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its version of IP.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The id that the kernel writes into every message of a dgram socket; `None` for raw ones.
    pub fn kernel_id(&self) -> io::Result<Option<u16>> {
        if self.kind != Kind::Dgram {
            return Ok(None);
        }
        let address = self.socket.local_addr()?;
        Ok(address.as_socket().map(|address| address.port()))
    }

    /// Where to send. `scope` is the interface number of a link-local address, else 0.
    pub fn set_target(&mut self, address: IpAddr, scope: u32) {
        self.target = Some(match address {
            IpAddr::V4(_) => SocketAddr::new(address, 0).into(),
            // The port stays 0: raw(7) refuses another one than the protocol. The kernel takes
            // the flow label in network order; std passes it as it is.
            IpAddr::V6(ip) => SocketAddrV6::new(ip, 0, self.flow_label.to_be(), scope).into(),
        });
    }

    /// Lets answers to `want` in from now on. A dgram socket needs nothing: the kernel sorts by id.
    ///
    /// What was queued before is thrown away, so nothing that the filter has not seen is ever read.
    pub fn listen(&mut self, want: &Want<'_>) -> Result<(), Error> {
        match (self.kind, self.family) {
            (Kind::Dgram, _) => return Ok(()),
            (_, Family::V4) => self.attach(filter::icmp4(want).as_deref())?,
            (_, Family::V6) => self.attach(filter::icmp6(want).as_deref())?,
        }
        if !self.listening {
            self.discard();
            self.listening = true;
        }
        Ok(())
    }

    /// Numbers stamps the way of kernels before 6.13, whatever this one can do.
    pub fn let_kernel_number_stamps(&mut self) {
        self.numbering = Numbering::Lost;
    }

    fn attach(&self, program: Option<&[bpf::Insn]>) -> Result<(), Error> {
        let attached = match program {
            Some(program) => bpf::attach(&self.socket, program),
            None => Err(io::Error::from_raw_os_error(libc::E2BIG)),
        };
        attached.map_err(|source| Error::Io {
            operation: "attach",
            object: format!("the filter to the {} {} socket", self.family, self.kind),
            source,
        })
    }

    /// Takes what was queued before the filter; at most what a receive buffer can hold.
    fn discard(&mut self) {
        for _ in 0..100_000 {
            if recvmsg(&self.socket, &mut [], &mut self.scratch, MSG_DONTWAIT).is_err() {
                return;
            }
        }
    }

    fn send_plain(&self, bytes: &[u8]) -> io::Result<()> {
        let target = self.target()?;
        let sent = self
            .socket
            .send_to_with_flags(bytes, target, MSG_DONTWAIT)?;
        whole(sent, bytes)
    }

    fn send_stamped(&mut self, bytes: &[u8], id: Option<u32>) -> io::Result<()> {
        stamp::request(&mut self.request, id);
        let target = self.target()?;
        let buffers = [IoSlice::new(bytes)];
        let message = MsgHdr::new().with_addr(target).with_buffers(&buffers);
        let message = message.with_control(&self.request);
        whole(self.socket.sendmsg(&message, MSG_DONTWAIT)?, bytes)
    }

    /// Sends with a transmit stamp asked for, and returns its number.
    fn send_numbered(&mut self, bytes: &[u8]) -> io::Result<u32> {
        let id = self.next_stamp;
        if self.numbering == Numbering::Lost {
            stamp::restart_count(&self.socket)?;
            self.numbering = Numbering::Kernel { base: id };
        }
        let sent = match self.numbering {
            Numbering::Ours => self.send_stamped(bytes, Some(id)),
            Numbering::Untried => match self.send_stamped(bytes, Some(id)) {
                Ok(()) => {
                    self.numbering = Numbering::Ours;
                    Ok(())
                }
                // Either the kernel does not know the control message, and looked at it before
                // anything else, or the packet itself is bad: then this fails in the same way.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                    let sent = self.send_stamped(bytes, None);
                    if sent.is_ok() {
                        self.numbering = Numbering::Kernel { base: id };
                    }
                    sent
                }
                Err(error) => Err(error),
            },
            Numbering::Kernel { .. } | Numbering::Lost => {
                let sent = self.send_stamped(bytes, None);
                if sent.is_err() {
                    self.numbering = Numbering::Lost;
                }
                sent
            }
        };
        self.next_stamp = self.next_stamp.wrapping_add(1);
        sent.map(|()| id)
    }

    fn send_once(&mut self, outgoing: Outgoing<'_>) -> io::Result<u32> {
        if outgoing.want_stamp {
            self.send_numbered(outgoing.bytes)
        } else {
            self.send_plain(outgoing.bytes).map(|()| self.next_stamp)
        }
    }

    fn target(&self) -> io::Result<&SockAddr> {
        self.target
            .as_ref()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }

    /// Our number of the stamp that the kernel calls `key`; `None` if we never asked for it.
    fn stamp_number(&self, key: u32) -> Option<u32> {
        match self.numbering {
            Numbering::Kernel { base } => {
                let asked = self.next_stamp.wrapping_sub(base);
                (key < asked).then(|| base.wrapping_add(key))
            }
            Numbering::Lost => None,
            Numbering::Untried | Numbering::Ours => Some(key),
        }
    }

    fn describe<'b>(&self, bytes: &'b [u8], full_len: usize) -> Received<'b> {
        let mut received = Received {
            link: match (self.kind, self.family) {
                (_, Family::V6) => LinkType::Icmpv6Message,
                (Kind::Dgram, Family::V4) => LinkType::IcmpMessage,
                (_, Family::V4) => LinkType::Raw,
            },
            bytes,
            full_len,
            from: cmsg::parse_ip(self.scratch.name()).unwrap_or(match self.family {
                Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
                Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            }),
            ttl: None,
            stamp: None,
            overflow: None,
            // Only link-local senders have one; a PKTINFO control message for the others would
            // cost on every packet.
            iface: cmsg::parse_scope(self.scratch.name()),
        };
        if received.link == LinkType::Raw {
            received.ttl = bytes.get(8).copied();
        }
        for item in self.scratch.items() {
            match (item.level, item.kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING) => {
                    let stamps = Stamps::parse(&item);
                    received.stamp = stamps.and_then(|stamps| stamps.pick(self.hardware));
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    received.overflow = item.int().map(i32::cast_unsigned);
                }
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    received.ttl = item.byte();
                }
                _ => {}
            }
        }
        received
    }
}

impl Wire for IcmpWire {
    /// One system call, two if an ICMP error was pending: with IP_RECVERR the kernel hands a pending
    /// error to the next call on the socket whatever that call is about (`sock_alloc_send_skb`
    /// returns `sk_err`), and nothing was sent then. A second failure is about this packet.
    fn send(&mut self, outgoing: Outgoing<'_>) -> io::Result<u32> {
        match self.send_once(outgoing) {
            Err(error) if may_be_pending(&error) => self.send_once(outgoing),
            result => result,
        }
    }

    fn recv<'b>(&mut self, buf: &'b mut [u8]) -> io::Result<Option<Received<'b>>> {
        if !self.listening {
            return Ok(None);
        }
        // Each failure below takes one pending error away; more than a few in a row can wait.
        for _ in 0..4 {
            let flags = MSG_DONTWAIT | MSG_TRUNC;
            match recvmsg(&self.socket, buf, &mut self.scratch, flags) {
                Ok(got) => {
                    let bytes = buf.get(..got.len).unwrap_or(buf);
                    let cut = got.flags & MSG_TRUNC != 0;
                    // A ping socket tells that it cut, not how much (ping_recvmsg).
                    let full_len = got.len.max(bytes.len() + usize::from(cut));
                    return Ok(Some(self.describe(bytes, full_len)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if may_be_pending(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// On raw sockets an ICMP error is queued here and also delivered as a packet, so here it is
    /// passed over; taking it clears the socket's pending error.
    fn recv_queued(&mut self) -> io::Result<Option<Queued>> {
        // Errors about everybody's ICMP come here (`raw_v4_match` knows no id): a bounded look.
        for _ in 0..256 {
            let flags = MSG_DONTWAIT | MSG_ERRQUEUE;
            let got = match recvmsg(&self.socket, &mut self.quote[..], &mut self.scratch, flags) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if may_be_pending(&error) => continue,
                Err(error) => return Err(error),
            };
            let Some(item) = queue::read(&self.scratch) else {
                continue;
            };
            match item.origin {
                Origin::Stamp => {
                    let stamp = item.stamps.pick(true);
                    let (Some((at, stamp)), Some(id)) = (stamp, self.stamp_number(item.data))
                    else {
                        continue;
                    };
                    self.hardware = stamp == Stamp::Hardware;
                    return Ok(Some(Queued::TxStamp { id, at, stamp }));
                }
                Origin::Local => {
                    let (errno, info) = (item.errno, item.info);
                    return Ok(Some(Queued::Local { errno, info }));
                }
                Origin::Icmp if self.kind == Kind::Dgram => {
                    return Ok(Some(Queued::Icmp {
                        from: item.offender,
                        icmp_type: item.icmp_type,
                        code: item.code,
                        info: item.info,
                        quoted: self.quote.get(..got.len).unwrap_or_default().to_vec(),
                    }));
                }
                Origin::Icmp | Origin::Other => {}
            }
        }
        Ok(None)
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether an errno can be an ICMP error about an earlier packet (`icmp_err_convert` in
/// net/ipv4/icmp.c, `tab_unreach` in net/ipv6/icmp.c), or a signal.
fn may_be_pending(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EINTR
                | libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::ENOPROTOOPT
                | libc::ECONNREFUSED
                | libc::EMSGSIZE
                | libc::EOPNOTSUPP
                | libc::EHOSTDOWN
                | libc::ENONET
                | libc::EACCES
                | libc::EPROTO
                | libc::EREMOTEIO
        )
    )
}

/// A datagram goes out whole or not at all; anything else is a kernel that we do not know.
fn whole(sent: usize, bytes: &[u8]) -> io::Result<()> {
    if sent == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}
