//! Link types as files number them (LINKTYPE_, <https://www.tcpdump.org/linktypes.html>), and the
//! direction that cooked headers tell.

use crate::decode::{Direction, LinkType};

/// The link type of a file's LINKTYPE number.
pub fn link_type(number: u16) -> LinkType {
    match number {
        1 => LinkType::Ethernet,
        // 12 is what BSD and old libpcap wrote for raw IP (pcap-common.c, DLT_RAW); 228 and 229 say
        // which version, which the packet says itself.
        12 | 101 | 228 | 229 => LinkType::Raw,
        113 => LinkType::LinuxSll,
        276 => LinkType::LinuxSll2,
        other => LinkType::Other(other),
    }
}

/// The LINKTYPE number for a file; `None` for what no file can hold.
pub fn link_type_number(link: LinkType) -> Option<u16> {
    Some(match link {
        LinkType::Ethernet => 1,
        LinkType::Raw => 101,
        LinkType::LinuxSll => 113,
        LinkType::LinuxSll2 => 276,
        LinkType::Other(number) => number,
        LinkType::IcmpMessage | LinkType::Icmpv6Message => return None,
    })
}

/// tcpdump's name and description of a link type (libpcap's pcap.c, `dlt_choices`).
pub fn link_type_name(link: LinkType) -> Option<(&'static str, &'static str)> {
    Some(match link_type_number(link)? {
        0 => ("NULL", "BSD loopback"),
        1 => ("EN10MB", "Ethernet"),
        9 => ("PPP", "PPP"),
        50 => ("PPP_SERIAL", "PPP over serial"),
        51 => ("PPP_ETHER", "PPPoE"),
        101 => ("RAW", "Raw IP"),
        105 => ("IEEE802_11", "802.11"),
        108 => ("LOOP", "OpenBSD loopback"),
        113 => ("LINUX_SLL", "Linux cooked v1"),
        127 => ("IEEE802_11_RADIO", "802.11 plus radiotap header"),
        276 => ("LINUX_SLL2", "Linux cooked v2"),
        _ => return None,
    })
}

/// Packet type 4 of a cooked header is "sent by us" (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2).
pub(super) fn cooked_direction(link: LinkType, bytes: &[u8]) -> Direction {
    let kind = match link {
        LinkType::LinuxSll => bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)),
        LinkType::LinuxSll2 => bytes.get(10).map(|byte| u16::from(*byte)),
        _ => None,
    };
    match kind {
        Some(4) => Direction::Out,
        // To us, broadcast, multicast, to another host.
        Some(0..=3) => Direction::In,
        _ => Direction::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in 0..=400 {
            let back = link_type_number(link_type(number));
            let raw = matches!(number, 12 | 228 | 229);
            assert_eq!(back, Some(if raw { 101 } else { number }));
        }
    }
}
