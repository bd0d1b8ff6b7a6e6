//! Link types that can be filtered, and what a filter is compiled for.

use std::fmt;

use crate::decode::LinkType;

use super::error::FilterError;

/// What the bytes of a packet begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// Ethernet.
    Ethernet,
    /// A bare IPv4 or IPv6 packet.
    Raw,
    /// A bare IPv4 packet.
    Ipv4,
    /// A bare IPv6 packet.
    Ipv6,
    /// Linux cooked capture v1.
    Sll,
    /// Linux cooked capture v2.
    Sll2,
    /// BSD loopback: an address family in the capturing host's byte order.
    Null,
    /// OpenBSD loopback: an address family in network byte order.
    Loop,
    /// PPP in HDLC-like framing.
    Ppp,
}

/// LINKTYPE number (0 for none), tcpdump's name, our name.
const LINKS: [(Link, u16, &str, &str); 9] = [
    (Link::Ethernet, 1, "EN10MB", "ethernet"),
    (Link::Raw, 101, "RAW", "raw"),
    (Link::Ipv4, 228, "IPV4", "ipv4"),
    (Link::Ipv6, 229, "IPV6", "ipv6"),
    (Link::Sll, 113, "LINUX_SLL", "sll"),
    (Link::Sll2, 276, "LINUX_SLL2", "sll2"),
    (Link::Null, 0, "NULL", "null"),
    (Link::Loop, 108, "LOOP", "loop"),
    (Link::Ppp, 9, "PPP", "ppp"),
];

impl Link {
    /// Every link type that can be filtered.
    pub fn all() -> impl Iterator<Item = Self> {
        LINKS.into_iter().map(|(link, ..)| link)
    }

    /// The link type of that name: ours or tcpdump's, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        LINKS
            .into_iter()
            .find(|(_, _, theirs, ours)| same(theirs) || same(ours))
            .map(|(link, ..)| link)
    }

    /// Our name.
    pub fn name(self) -> &'static str {
        let row = LINKS.into_iter().find(|(link, ..)| *link == self);
        row.map_or("", |(.., name)| name)
    }

    /// tcpdump's name, as its `-y` takes it.
    pub fn dlt_name(self) -> &'static str {
        let row = LINKS.into_iter().find(|(link, ..)| *link == self);
        row.map_or("", |(_, _, name, _)| name)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<LinkType> for Link {
    type Error = FilterError;

    fn try_from(link: LinkType) -> Result<Self, FilterError> {
        let number = match link {
            LinkType::Ethernet => 1,
            LinkType::LinuxSll => 113,
            LinkType::LinuxSll2 => 276,
            LinkType::IcmpMessage | LinkType::Icmpv6Message => {
                let message = "bare ICMP messages have no headers to filter by";
                return Err(FilterError::new(0..0, message));
            }
            // LINKTYPE_PPP_HDLC has the same layout; 12 and 14 are raw IP in files of some systems.
            LinkType::Other(50) => 9,
            LinkType::Raw | LinkType::Other(12 | 14) => 101,
            LinkType::Other(number) => number,
        };
        let row = LINKS.into_iter().find(|(_, known, ..)| *known == number);
        row.map(|(link, ..)| link).ok_or_else(|| {
            let message = format!("packets of link type {number} cannot be filtered");
            FilterError::new(0..0, message)
        })
    }
}

/// Where the program will run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Over the bytes of a capture file. VLAN tags are in the frame.
    #[default]
    File,
    /// In the kernel, on a packet socket: it takes the outer VLAN tag out of the frame and keeps it
    /// beside it.
    Live,
}

/// What to compile for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Link type of the packets.
    pub link: Link,
    /// Where the program will run.
    pub target: Target,
    /// Netmask of the interface, for `ip broadcast`.
    pub netmask: Option<u32>,
    /// Exactly libpcap's meaning: without our additions.
    pub pcap_compat: bool,
}

impl Options {
    /// For files of that link type, with our additions.
    pub const fn new(link: Link) -> Self {
        Self {
            link,
            target: Target::File,
            netmask: None,
            pcap_compat: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_by_name_and_number() {
        for link in Link::all() {
            assert_eq!(Link::of_name(link.name()), Some(link));
            assert_eq!(Link::of_name(link.dlt_name()), Some(link));
        }
        assert_eq!(Link::of_name("en10mb"), Some(Link::Ethernet));
        assert_eq!(Link::try_from(LinkType::Other(0)), Ok(Link::Null));
        assert_eq!(Link::try_from(LinkType::Other(50)), Ok(Link::Ppp));
        assert!(Link::try_from(LinkType::Other(105)).is_err());
        assert!(Link::try_from(LinkType::IcmpMessage).is_err());
    }
}
