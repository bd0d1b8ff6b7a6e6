//! The socket options of a ping, as plain fields, and putting them on a socket. Opening and talking
//! is in `icmp.rs`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use libc::{IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET};
use socket2::Socket;

use super::icmp::{Family, Kind};
use crate::error::Error;
use crate::sys::{sockopt, stamp};

/// Path MTU discovery (`-M`; IP_MTU_DISCOVER in ip(7), IPV6_MTU_DISCOVER in ipv6(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MtuDiscover {
    /// Never set DF; let routers fragment.
    Dont = 0,
    /// Fragment here by the path MTU once it is known.
    Want = 1,
    /// Set DF, refuse what is over the known path MTU.
    Do = 2,
    /// Set DF, ignore the known path MTU.
    Probe = 3,
    /// Do not set DF, ignore path MTU news, refuse what is over the interface's MTU.
    Interface = 4,
    /// As `Interface`, but let the kernel fragment.
    Omit = 5,
}

/// An interface by name and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name, for messages.
    pub name: String,
    /// Its number in this namespace.
    pub index: u32,
}

/// What a ping socket shall do. Fields that a HDRINCL header holds itself are ignored there.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address to bind: one of ours. A spoofed one is never bound, it only stands in the header.
    pub source: Option<IpAddr>,
    /// Interface to leave by, whatever the routes say.
    pub device: Option<Device>,
    /// Id of a dgram socket; `None` lets the kernel choose a free one.
    pub id: Option<u16>,
    /// TTL or hop limit, unicast and multicast.
    pub ttl: Option<u8>,
    /// TOS or traffic class.
    pub tos: Option<u8>,
    /// Path MTU discovery; always `Probe` with HDRINCL. `None`: the kernel's default (`Want`), which
    /// sends messages over the MTU in fragments as iputils does.
    pub mtu_discover: Option<MtuDiscover>,
    /// Allow broadcast targets.
    pub broadcast: bool,
    /// Whether this host hears its own multicast; the kernel's default is yes.
    pub multicast_loop: bool,
    /// Only hosts on attached networks (`-r`, SO_DONTROUTE).
    pub bypass_routing: bool,
    /// Routing mark (`-m`); needs CAP_NET_RAW or CAP_NET_ADMIN.
    pub mark: Option<u32>,
    /// Send buffer in bytes (`-S`).
    pub send_buffer: Option<usize>,
    /// Receive buffer in bytes, a wish: the kernel cuts it at `net.core.rmem_max`.
    pub receive_buffer: usize,
    /// IPv4 options for raw and dgram sockets, a multiple of 4 bytes.
    pub ip_options: Vec<u8>,
    /// IPv6 flow label for raw and dgram sockets, 20 bits.
    pub flow_label: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: None,
            device: None,
            id: None,
            ttl: None,
            tos: None,
            mtu_discover: None,
            broadcast: false,
            multicast_loop: true,
            bypass_routing: false,
            mark: None,
            send_buffer: None,
            // Room for some 1,300 small replies while we write to a slow terminal.
            receive_buffer: 1 << 20,
            ip_options: Vec::new(),
            flow_label: None,
        }
    }
}

/// Sets everything on a new socket. Stops at the first refusal, which is named.
pub fn apply(socket: &Socket, kind: Kind, family: Family, options: &Options) -> Result<(), Error> {
    let new = NewSocket {
        socket,
        kind,
        family,
    };
    new.hear()?;
    new.header(options)?;
    new.path(options)?;
    bind(socket, kind, family, options)
}

struct NewSocket<'a> {
    socket: &'a Socket,
    kind: Kind,
    family: Family,
}

impl NewSocket<'_> {
    /// What to tell us, and when.
    fn hear(&self) -> Result<(), Error> {
        // Without it a full device queue is a silent success (measured: 40 of 40), and a dgram
        // socket hears no ICMP error at all.
        self.int("RECVERR", libc::IP_RECVERR, libc::IPV6_RECVERR, 1)?;
        // A raw IPv4 socket delivers the whole header and needs no control message for its TTL.
        if self.family == Family::V6 || self.kind == Kind::Dgram {
            let (v4, v6) = (libc::IP_RECVTTL, libc::IPV6_RECVHOPLIMIT);
            self.int("RECVTTL", v4, v6, 1)?;
        }
        let overflow = sockopt::set_int(self.socket, SOL_SOCKET, libc::SO_RXQ_OVFL, 1);
        self.named("RXQ_OVFL", overflow)?;
        self.named("TIMESTAMPING", stamp::enable(self.socket))
    }

    /// The IP header.
    fn header(&self, options: &Options) -> Result<(), Error> {
        let (socket, v4) = (self.socket, self.family == Family::V4);
        if self.kind == Kind::Hdrincl {
            let included = match self.family {
                Family::V4 => socket.set_header_included_v4(true),
                Family::V6 => socket.set_header_included_v6(true),
            };
            self.named("HDRINCL", included)?;
        }
        // A header built by hand has its own, which may be 0; the option refuses that (ip(7)).
        if let Some(ttl) = options.ttl.filter(|_| self.kind != Kind::Hdrincl) {
            let (v4, v6) = (libc::IP_TTL, libc::IPV6_UNICAST_HOPS);
            self.int("TTL", v4, v6, ttl.into())?;
            let (v4, v6) = (libc::IP_MULTICAST_TTL, libc::IPV6_MULTICAST_HOPS);
            self.int("MULTICAST_TTL", v4, v6, ttl.into())?;
        }
        if let Some(tos) = options.tos {
            self.int("TOS", libc::IP_TOS, libc::IPV6_TCLASS, tos.into())?;
        }
        // The kernel refuses to send with both (EINVAL).
        if v4 && self.kind != Kind::Hdrincl && !options.ip_options.is_empty() {
            let bytes = &options.ip_options;
            let set = sockopt::set_bytes(socket, IPPROTO_IP, libc::IP_OPTIONS, bytes);
            self.named("OPTIONS", set)?;
        }
        // A header by hand holds its label, and the kernel would ask for a lease of it (EINVAL) once
        // anybody here has taken a label for himself alone (net/ipv6/ip6_flowlabel.c).
        let by_hand = self.kind == Kind::Hdrincl;
        if !v4 && !by_hand && options.flow_label.is_some() {
            let set = sockopt::set_int(socket, IPPROTO_IPV6, libc::IPV6_FLOWINFO_SEND, 1);
            self.named("FLOWINFO_SEND", set)?;
        }
        Ok(())
    }

    /// Which way packets go, and what may stop them here.
    fn path(&self, options: &Options) -> Result<(), Error> {
        let socket = self.socket;
        // By hand: DF stands in the header, and with any other setting the kernel cuts up or refuses
        // what a path MTU that it has heard of does not fit.
        let discover = match self.kind {
            Kind::Hdrincl => Some(MtuDiscover::Probe),
            Kind::Raw | Kind::Dgram => options.mtu_discover,
        };
        if let Some(discover) = discover {
            let (v4, v6) = (libc::IP_MTU_DISCOVER, libc::IPV6_MTU_DISCOVER);
            self.int("MTU_DISCOVER", v4, v6, discover as i32)?;
        }
        if !options.multicast_loop {
            let (v4, v6) = (libc::IP_MULTICAST_LOOP, libc::IPV6_MULTICAST_LOOP);
            self.int("MULTICAST_LOOP", v4, v6, 0)?;
        }
        if options.broadcast && self.family == Family::V4 {
            self.named("BROADCAST", socket.set_broadcast(true))?;
        }
        if options.bypass_routing {
            let set = sockopt::set_int(socket, SOL_SOCKET, libc::SO_DONTROUTE, 1);
            self.named("DONTROUTE", set)?;
        }
        if let Some(mark) = options.mark {
            self.named("MARK", socket.set_mark(mark))?;
        }
        if let Some(device) = &options.device {
            self.named("UNICAST_IF", leave_by(socket, self.family, device.index))?;
        }
        if let Some(bytes) = options.send_buffer {
            self.named("SNDBUF", socket.set_send_buffer_size(bytes))?;
        }
        self.named(
            "RCVBUF",
            grow_receive_buffer(socket, options.receive_buffer),
        )
    }

    fn int(&self, name: &str, v4: i32, v6: i32, value: i32) -> Result<(), Error> {
        let (level, option) = match self.family {
            Family::V4 => (IPPROTO_IP, v4),
            Family::V6 => (IPPROTO_IPV6, v6),
        };
        self.named(name, sockopt::set_int(self.socket, level, option, value))
    }

    fn named(&self, name: &str, result: io::Result<()>) -> Result<(), Error> {
        result.map_err(|source| Error::Io {
            operation: "set",
            object: format!("{name} on the {} {} socket", self.family, self.kind),
            source,
        })
    }
}

/// Chooses the interface that packets leave by. Not SO_BINDTODEVICE: a socket so bound never gets
/// the host-unreachable that our own kernel makes when ARP fails (it comes in by `lo`), nor an
/// answer that takes another way back (iputils#339).
fn leave_by(socket: &Socket, family: Family, index: u32) -> io::Result<()> {
    let host_order = i32::try_from(index).map_err(io::Error::other)?;
    // IP_UNICAST_IF and its IPv6 twin take network byte order (ip(7)).
    let network_order = host_order.to_be();
    match family {
        Family::V4 => {
            sockopt::set_int(socket, IPPROTO_IP, libc::IP_UNICAST_IF, network_order)?;
            // struct ip_mreqn: group, address, interface number.
            let mut request = [0; 12];
            request[8..].copy_from_slice(&host_order.to_ne_bytes());
            sockopt::set_bytes(socket, IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
        }
        Family::V6 => {
            sockopt::set_int(socket, IPPROTO_IPV6, libc::IPV6_UNICAST_IF, network_order)?;
            socket.set_multicast_if_v6(index)
        }
    }
}

/// Past `rmem_max` where CAP_NET_ADMIN of the first user namespace allows it.
fn grow_receive_buffer(socket: &Socket, bytes: usize) -> io::Result<()> {
    let value = i32::try_from(bytes).unwrap_or(i32::MAX / 2);
    sockopt::set_int(socket, SOL_SOCKET, libc::SO_RCVBUFFORCE, value)
        .or_else(|_| socket.set_recv_buffer_size(bytes))
}

fn bind(socket: &Socket, kind: Kind, family: Family, options: &Options) -> Result<(), Error> {
    let address = match (options.source, kind, family) {
        (Some(source), ..) => source,
        // The kernel chooses the id of a dgram socket when it is bound; raw sockets have none.
        (None, Kind::Dgram, Family::V4) => Ipv4Addr::UNSPECIFIED.into(),
        (None, Kind::Dgram, Family::V6) => Ipv6Addr::UNSPECIFIED.into(),
        (None, ..) => return Ok(()),
    };
    let port = if kind == Kind::Dgram {
        options.id.unwrap_or(0)
    } else {
        0
    };
    let scope = options.device.as_ref().map_or(0, |device| device.index);
    let at = match address {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, port, 0, scope).into()
        }
        other => SocketAddr::new(other, port),
    };
    let bound = if kind == Kind::Dgram {
        // Ping sockets share ids by default: two may bind the same one without an error, and then
        // only one of them gets the replies (net/ipv4/ping.c ping_get_port).
        socket
            .set_reuse_address(false)
            .and_then(|()| socket.bind(&at.into()))
    } else {
        socket.bind(&at.into())
    };
    bound.map_err(|source| Error::Io {
        operation: "bind",
        object: match options.id {
            Some(id) if kind == Kind::Dgram => format!("{address} with ICMP id {id}"),
            _ => address.to_string(),
        },
        source,
    })
}
