//! Links, addresses, routes and neighbours of one namespace by rtnetlink(7); no `ip` program.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use crate::error::Error;

/// One end of a veth pair.
#[derive(Clone, Copy, Debug)]
pub struct VethEnd<'a> {
    /// Link name, at most 15 bytes.
    pub name: &'a str,
    /// MAC address.
    pub mac: [u8; 6],
}

/// What a link is right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Interface number.
    pub index: u32,
    /// Switched on by its owner.
    pub up: bool,
    /// On, and its queue is ready to send.
    pub running: bool,
    /// Largest IP packet in bytes.
    pub mtu: u32,
}

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteKind {
    /// Send it on.
    #[default]
    Unicast,
    /// Drop it; the sender gets EINVAL.
    Blackhole,
    /// ICMP unreachable; the sender gets EHOSTUNREACH.
    Unreachable,
    /// ICMP administratively prohibited; the sender gets EACCES.
    Prohibit,
}

/// A route of the main table.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Destination network and prefix length; 0.0.0.0/0 or ::/0 is the default route.
    pub to: (IpAddr, u8),
    /// What it does.
    pub kind: RouteKind,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Outgoing link.
    pub link: Option<&'a str>,
    /// Preferred source address.
    pub source: Option<IpAddr>,
    /// Path MTU in bytes.
    pub mtu: Option<u32>,
}

impl Route<'_> {
    /// A route of this kind to `to`, with nothing else set.
    pub fn new(to: (IpAddr, u8), kind: RouteKind) -> Self {
        Self {
            to,
            kind,
            via: None,
            link: None,
            source: None,
            mtu: None,
        }
    }

    /// The default route of `via`'s family.
    pub fn default_via(via: IpAddr) -> Self {
        let any = match via {
            IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        };
        Self {
            via: Some(via),
            ..Self::new((any, 0), RouteKind::Unicast)
        }
    }
}

/// An rtnetlink socket of one namespace. It works from every thread.
#[derive(Debug)]
pub struct Netlink {
    socket: Mutex<Socket>,
}

impl Netlink {
    /// Opens it in the calling thread's namespace.
    pub fn open() -> Result<Self, Error> {
        let opened = Socket::new(NETLINK_ROUTE).and_then(|mut socket| {
            socket.bind_auto()?;
            Ok(socket)
        });
        let socket = Mutex::new(opened.map_err(|e| named("open", "a netlink socket", e))?);
        Ok(Self { socket })
    }

    /// Makes a veth pair: `end` here, `peer` in the namespace `peer_namespace`. Both are down.
    pub fn add_veth(
        &self,
        end: VethEnd<'_>,
        peer: VethEnd<'_>,
        peer_namespace: BorrowedFd<'_>,
    ) -> Result<(), Error> {
        let mut there = LinkMessage::default();
        there.attributes = vec![
            LinkAttribute::IfName(peer.name.to_owned()),
            LinkAttribute::Address(peer.mac.to_vec()),
            LinkAttribute::NetNsFd(peer_namespace.as_raw_fd()),
        ];
        let mut here = LinkMessage::default();
        here.attributes = vec![
            LinkAttribute::IfName(end.name.to_owned()),
            LinkAttribute::Address(end.mac.to_vec()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(there))),
            ]),
        ];
        self.change(
            RouteNetlinkMessage::NewLink(here),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(|e| named("create", format!("veth {}", end.name), e))
    }

    /// Makes a bridge without multicast snooping, so that it floods as a plain switch does.
    pub fn add_bridge(&self, name: &str) -> Result<(), Error> {
        let mut bridge = LinkMessage::default();
        bridge.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Bridge),
                LinkInfo::Data(InfoData::Bridge(vec![InfoBridge::MulticastSnooping(false)])),
            ]),
        ];
        self.change(
            RouteNetlinkMessage::NewLink(bridge),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(|e| named("create", format!("bridge {name}"), e))
    }

    /// Plugs a link into a bridge.
    pub fn set_bridge(&self, name: &str, bridge: &str) -> Result<(), Error> {
        let bridge = self.link(bridge)?.index;
        self.set_link("plug in", name, |link| {
            link.attributes.push(LinkAttribute::Controller(bridge));
        })
    }

    /// Switches a link on or off.
    pub fn set_up(&self, name: &str, up: bool) -> Result<(), Error> {
        let operation = if up { "switch on" } else { "switch off" };
        self.set_link(operation, name, |link| {
            link.header.change_mask = LinkFlags::Up;
            link.header.flags = if up {
                LinkFlags::Up
            } else {
                LinkFlags::empty()
            };
        })
    }

    /// Sets a link's MTU in bytes.
    pub fn set_mtu(&self, name: &str, mtu: u32) -> Result<(), Error> {
        self.set_link("set the MTU of", name, |link| {
            link.attributes.push(LinkAttribute::Mtu(mtu));
        })
    }

    /// Deletes a link; of a veth pair both ends go.
    pub fn delete_link(&self, name: &str) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        self.change(RouteNetlinkMessage::DelLink(message), 0)
            .map_err(|e| named("delete", format!("link {name}"), e))
    }

    /// The state of a link.
    pub fn link(&self, name: &str) -> Result<Link, Error> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
        let found = self
            .ask(RouteNetlinkMessage::GetLink(message), NLM_F_REQUEST)
            .map_err(|e| named("find", format!("link {name}"), e))?;
        let Some(RouteNetlinkMessage::NewLink(link)) = found else {
            let odd = io::Error::from(io::ErrorKind::InvalidData);
            return Err(named("find", format!("link {name}"), odd));
        };
        let mtu = link.attributes.iter().find_map(|a| match a {
            LinkAttribute::Mtu(mtu) => Some(*mtu),
            _ => None,
        });
        Ok(Link {
            index: link.header.index,
            up: link.header.flags.contains(LinkFlags::Up),
            running: link
                .header
                .flags
                .contains(LinkFlags::Up | LinkFlags::Running),
            mtu: mtu.unwrap_or(0),
        })
    }

    /// Waits until a link can send. The kernel readies the queue of a veth end in the background
    /// after its peer came up; what is sent before that fails or is lost. At most two seconds.
    pub fn wait_running(&self, name: &str) -> Result<(), Error> {
        for _ in 0..2000 {
            if self.link(name)?.running {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        let late = io::Error::from(io::ErrorKind::TimedOut);
        Err(named("bring up", format!("link {name}"), late))
    }

    /// Adds an address, without duplicate address detection; v4 gets the network's broadcast address.
    pub fn add_address(&self, link: &str, address: IpAddr, prefix: u8) -> Result<(), Error> {
        let mut message = self.address(link, address, prefix)?;
        message
            .attributes
            .push(AddressAttribute::Flags(AddressFlags::Nodad));
        if let IpAddr::V4(v4) = address
            && prefix < 31
        {
            let hosts = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            let broadcast = (v4.to_bits() | hosts).into();
            let attribute = AddressAttribute::Broadcast(broadcast);
            message.attributes.push(attribute);
        }
        self.change(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(|e| named("add", format!("address {address}/{prefix} to {link}"), e))
    }

    /// Deletes an address.
    pub fn delete_address(&self, link: &str, address: IpAddr, prefix: u8) -> Result<(), Error> {
        let message = self.address(link, address, prefix)?;
        self.change(RouteNetlinkMessage::DelAddress(message), 0)
            .map_err(|e| named("delete", format!("address {address}/{prefix}"), e))
    }

    /// Adds a route, or replaces the one to the same network.
    pub fn set_route(&self, route: &Route<'_>) -> Result<(), Error> {
        let message = self.route(route)?;
        self.change(
            RouteNetlinkMessage::NewRoute(message),
            NLM_F_CREATE | NLM_F_REPLACE,
        )
        .map_err(|e| named("set", format!("route to {}/{}", route.to.0, route.to.1), e))
    }

    /// Deletes a route.
    pub fn delete_route(&self, route: &Route<'_>) -> Result<(), Error> {
        let message = self.route(route)?;
        self.change(RouteNetlinkMessage::DelRoute(message), 0)
            .map_err(|e| {
                named(
                    "delete",
                    format!("route to {}/{}", route.to.0, route.to.1),
                    e,
                )
            })
    }

    /// Adds or replaces a permanent neighbour, so that no ARP or ND question is asked for it.
    pub fn set_neighbour(&self, link: &str, address: IpAddr, mac: [u8; 6]) -> Result<(), Error> {
        let mut message = self.neighbour(link, address)?;
        message.header.state = NeighbourState::Permanent;
        let lladdr = NeighbourAttribute::LinkLayerAddress(mac.to_vec());
        message.attributes.push(lladdr);
        self.change(
            RouteNetlinkMessage::NewNeighbour(message),
            NLM_F_CREATE | NLM_F_REPLACE,
        )
        .map_err(|e| named("set", format!("neighbour {address} on {link}"), e))
    }

    /// Forgets a neighbour.
    pub fn delete_neighbour(&self, link: &str, address: IpAddr) -> Result<(), Error> {
        let message = self.neighbour(link, address)?;
        self.change(RouteNetlinkMessage::DelNeighbour(message), 0)
            .map_err(|e| named("delete", format!("neighbour {address} on {link}"), e))
    }

    fn set_link(
        &self,
        operation: &'static str,
        name: &str,
        edit: impl FnOnce(&mut LinkMessage),
    ) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        edit(&mut message);
        self.change(RouteNetlinkMessage::SetLink(message), 0)
            .map_err(|e| named(operation, format!("link {name}"), e))
    }

    fn address(&self, link: &str, address: IpAddr, prefix: u8) -> Result<AddressMessage, Error> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix;
        message.header.scope = AddressScope::Universe;
        message.header.index = self.link(link)?.index;
        message.attributes = vec![
            AddressAttribute::Local(address),
            AddressAttribute::Address(address),
        ];
        Ok(message)
    }

    fn route(&self, route: &Route<'_>) -> Result<RouteMessage, Error> {
        let (to, prefix) = route.to;
        let mut message = RouteMessage::default();
        message.header.address_family = family(to);
        message.header.destination_prefix_length = prefix;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = if route.via.is_none() && route.link.is_some() && to.is_ipv4() {
            RouteScope::Link
        } else {
            RouteScope::Universe
        };
        message.header.kind = match route.kind {
            RouteKind::Unicast => RouteType::Unicast,
            RouteKind::Blackhole => RouteType::BlackHole,
            RouteKind::Unreachable => RouteType::Unreachable,
            RouteKind::Prohibit => RouteType::Prohibit,
        };
        let mut attributes = vec![RouteAttribute::Destination(to.into())];
        attributes.extend(route.via.map(|via| RouteAttribute::Gateway(via.into())));
        attributes.extend(route.source.map(|s| RouteAttribute::PrefSource(s.into())));
        let metrics = route.mtu.map(|mtu| vec![RouteMetric::Mtu(mtu)]);
        attributes.extend(metrics.map(RouteAttribute::Metrics));
        if let Some(link) = route.link {
            attributes.push(RouteAttribute::Oif(self.link(link)?.index));
        }
        message.attributes = attributes;
        Ok(message)
    }

    fn neighbour(&self, link: &str, address: IpAddr) -> Result<NeighbourMessage, Error> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = self.link(link)?.index;
        let destination = NeighbourAttribute::Destination(address.into());
        message.attributes = vec![destination];
        Ok(message)
    }

    fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.ask(message, NLM_F_REQUEST | NLM_F_ACK | flags)
            .map(|_| ())
    }

    /// One question, one answer: a message, or the kernel's verdict on a change.
    fn ask(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Option<RouteNetlinkMessage>> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = flags;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.send(&bytes, 0)?;
        let (reply, _) = socket.recv_from_full()?;
        let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&reply)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        match reply.payload {
            NetlinkPayload::Error(verdict) if verdict.code.is_some() => Err(verdict.to_io()),
            NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
            _ => Ok(None),
        }
    }
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn named(operation: &'static str, object: impl Into<String>, source: io::Error) -> Error {
    Error::Io {
        operation,
        object: object.into(),
        source,
    }
}
