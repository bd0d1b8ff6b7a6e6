//! A frame of any bytes: the first chooses the link, the second how much the capture cut off.

use rawsock::decode::{Direction, Flags, Frame, LinkType};
use rawsock::event::{Stamp, Timestamp};

pub fn frame(data: &[u8]) -> Option<Frame<'_>> {
    let [link, cut, bytes @ ..] = data else {
        return None;
    };
    let links = [
        LinkType::Ethernet,
        LinkType::Raw,
        LinkType::LinuxSll,
        LinkType::LinuxSll2,
        LinkType::IcmpMessage,
        LinkType::Icmpv6Message,
    ];
    Some(Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: links[usize::from(*link) % links.len()],
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len())
            .ok()?
            .saturating_add(u32::from(*cut) * 8),
        bytes,
    })
}
