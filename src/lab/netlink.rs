//! One namespace's rtnetlink(7) socket, its addresses and neighbours; no `ip` program. Links and
//! routes have files of their own.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use crate::error::Error;

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

    fn neighbour(&self, link: &str, address: IpAddr) -> Result<NeighbourMessage, Error> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = self.link(link)?.index;
        let destination = NeighbourAttribute::Destination(address.into());
        message.attributes = vec![destination];
        Ok(message)
    }

    pub(super) fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.ask(message, NLM_F_REQUEST | NLM_F_ACK | flags)
            .map(|_| ())
    }

    /// One question, one answer: a message, or the kernel's verdict on a change.
    pub(super) fn ask(
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

pub(super) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

pub(super) fn named(
    operation: &'static str,
    object: impl Into<String>,
    source: io::Error,
) -> Error {
    Error::Io {
        operation,
        object: object.into(),
        source,
    }
}
