//! Routes of one namespace's main table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteProtocol, RouteScope, RouteType,
};

use super::netlink::{Netlink, family, named};
use crate::error::Error;

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
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Self {
            via: Some(via),
            ..Self::new((any, 0), RouteKind::Unicast)
        }
    }
}

impl Netlink {
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
}
