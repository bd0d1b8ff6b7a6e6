//! What the kernel would do with a packet to a target: kind of route, source address, interface.
//! One rtnetlink(7) question, on a socket that can be asked again during the run.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteMetric, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::sys::iface;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Destination.
    pub to: IpAddr,
    /// Interface to leave by, 0 for the routes' choice. Needed for link-local targets.
    pub device: u32,
    /// Source address; it must be ours. `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Routing mark, 0 for none.
    pub mark: u32,
    /// TOS or traffic class.
    pub tos: u8,
}

impl Query {
    /// The plain question.
    pub fn to(to: IpAddr) -> Self {
        Self {
            to,
            device: 0,
            source: None,
            mark: 0,
            tos: 0,
        }
    }
}

/// What kind of target it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of our own addresses.
    Local,
    /// Another host.
    Unicast,
    /// All hosts of a network.
    Broadcast,
    /// A group.
    Multicast,
    /// Something else, by its RTN number in rtnetlink(7).
    Other(u8),
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Kind of target.
    pub kind: Kind,
    /// Source address that the kernel would choose, or the one that was asked with.
    pub source: Option<IpAddr>,
    /// Interface to leave by, 0 if not told.
    pub device: u32,
    /// Next hop; `None` on a directly attached network.
    pub gateway: Option<IpAddr>,
    /// MTU of the path, where the kernel has learned or been told one.
    pub mtu: Option<u32>,
}

impl Route {
    /// Whether the target is on a network that we are on, or ourselves.
    pub fn is_attached(&self) -> bool {
        self.gateway.is_none()
    }
}

/// A socket to ask on.
#[derive(Debug)]
pub struct Routes {
    socket: Socket,
}

impl Routes {
    /// Opens an rtnetlink socket in this network namespace. Needs no privilege.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket })
    }

    /// The route of a packet. A target without one fails with the errno that a send would give:
    /// ENETUNREACH, EHOSTUNREACH (unreachable), EACCES (prohibit), EINVAL (blackhole).
    pub fn lookup(&self, query: &Query) -> io::Result<Route> {
        match self.ask(RouteNetlinkMessage::GetRoute(question(query)))? {
            RouteNetlinkMessage::NewRoute(message) => answer(&message),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// MTU of an interface in bytes. By ioctl: rtnetlink answers with all that it knows of the
    /// interface, which takes longer than the rest of a start.
    pub fn link_mtu(&self, index: u32) -> io::Result<u32> {
        iface::mtu(&self.socket, &iface::name(&self.socket, index)?)
    }

    fn ask(&self, question: RouteNetlinkMessage) -> io::Result<RouteNetlinkMessage> {
        let mut request = NetlinkMessage::from(question);
        request.header.flags = NLM_F_REQUEST;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        // The kernel answers before send returns; one datagram.
        let (reply, _) = self.socket.recv_from_full()?;
        let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&reply)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        match reply.payload {
            NetlinkPayload::InnerMessage(message) => Ok(message),
            NetlinkPayload::Error(error) => Err(error.to_io()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl AsFd for Routes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn question(query: &Query) -> RouteMessage {
    let mut message = RouteMessage::default();
    let (family, prefix) = match query.to {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    message.header.address_family = family;
    message.header.destination_prefix_length = prefix;
    message.header.tos = query.tos;
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Destination(query.to.into()));
    if let Some(source) = query.source {
        message.header.source_prefix_length = prefix;
        attributes.push(RouteAttribute::Source(source.into()));
    }
    if query.device != 0 {
        attributes.push(RouteAttribute::Oif(query.device));
    }
    if query.mark != 0 {
        attributes.push(RouteAttribute::Mark(query.mark));
    }
    message
}

fn answer(message: &RouteMessage) -> io::Result<Route> {
    let errno = |number| Err(io::Error::from_raw_os_error(number));
    let kind = match message.header.kind {
        RouteType::Local | RouteType::Anycast => Kind::Local,
        RouteType::Unicast => Kind::Unicast,
        RouteType::Broadcast => Kind::Broadcast,
        RouteType::Multicast => Kind::Multicast,
        // IPv6 answers with the route itself where IPv4 answers with its errno.
        RouteType::Unreachable => return errno(libc::EHOSTUNREACH),
        RouteType::Prohibit => return errno(libc::EACCES),
        RouteType::BlackHole => return errno(libc::EINVAL),
        other => Kind::Other(other.into()),
    };
    let mut route = Route {
        kind,
        source: None,
        device: 0,
        gateway: None,
        mtu: None,
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::PrefSource(address) => route.source = ip(address),
            // Comes back where it was asked with, and then stands for the source.
            RouteAttribute::Source(address) => route.source = route.source.or(ip(address)),
            RouteAttribute::Oif(index) => route.device = *index,
            RouteAttribute::Gateway(address) => route.gateway = ip(address),
            RouteAttribute::Metrics(metrics) => {
                route.mtu = metrics.iter().find_map(|metric| match metric {
                    RouteMetric::Mtu(mtu) => Some(*mtu),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok(route)
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}
