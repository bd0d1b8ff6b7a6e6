//! A frame of any bytes: the first chooses the link, the second how much the capture cut off.

use rawsock::decode::{Direction, Flags, Frame, LinkType};
use rawsock::event::{Stamp, Timestamp};

/// Every link type that is decoded, and one that is not.
pub const LINKS: &[LinkType] = &[
    LinkType::Ethernet,
    LinkType::Raw,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::IcmpMessage,
    LinkType::Icmpv6Message,
    // LINKTYPE_NULL, LINKTYPE_PPP, LINKTYPE_PPP_HDLC, LINKTYPE_LOOP, LINKTYPE_USER0.
    LinkType::Other(0),
    LinkType::Other(9),
    LinkType::Other(50),
    LinkType::Other(108),
    LinkType::Other(147),
];

/// Reads a frame off the bytes of the fuzzer, with one of these links.
pub fn frame<'a>(data: &'a [u8], links: &[LinkType]) -> Option<Frame<'a>> {
    let [link, cut, bytes @ ..] = data else {
        return None;
    };
    Some(Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: links[usize::from(*link) % links.len()],
        dir: Direction::Unknown,
        flags: Flags {
            checksum_not_ready: cut & 1 != 0,
            vlan_restored: false,
        },
        wire_len: u32::try_from(bytes.len())
            .ok()?
            .saturating_add(u32::from(*cut / 2) * 8),
        bytes,
    })
}
