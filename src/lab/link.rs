//! Links of one namespace: veth pairs, bridges, up and down, MTU.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

use super::netlink::{Netlink, named};
use crate::error::Error;

/// One end of a veth pair.
#[derive(Clone, Copy, Debug)]
pub struct VethEnd<'a> {
    /// Link name, at most 15 bytes.
    pub name: &'a str,
    /// MAC address.
    pub mac: [u8; 6],
}

/// What a bridge does with multicast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// It learns from IGMP and MLD who wants which group, once there is a querier.
    pub snooping: bool,
    /// It asks for members itself.
    pub querier: bool,
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

impl Netlink {
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
        self.add_switch(name, Switch::default())
    }

    /// Makes a bridge.
    pub fn add_switch(&self, name: &str, switch: Switch) -> Result<(), Error> {
        let mut bridge = LinkMessage::default();
        bridge.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Bridge),
                LinkInfo::Data(InfoData::Bridge(vec![
                    InfoBridge::MulticastSnooping(switch.snooping),
                    // Members answer within this time, in hundredths of a second, and so long a
                    // bridge with a querier floods all the same. The default is ten seconds.
                    InfoBridge::MulticastQueryResponseInterval(100),
                ])),
            ]),
        ];
        self.change(
            RouteNetlinkMessage::NewLink(bridge),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(|e| named("create", format!("bridge {name}"), e))
    }

    /// Lets a bridge ask for members; it does so at once.
    pub fn set_querier(&self, name: &str) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name)?.index;
        message.attributes = vec![LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Bridge),
            LinkInfo::Data(InfoData::Bridge(vec![InfoBridge::MulticastQuerier(true)])),
        ])];
        // RTM_SETLINK would leave this out (do_setlink in net/core/rtnetlink.c).
        self.change(RouteNetlinkMessage::NewLink(message), 0)
            .map_err(|e| named("make a querier of", format!("bridge {name}"), e))
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
}
