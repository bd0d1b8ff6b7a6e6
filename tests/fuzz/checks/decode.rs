//! Any bytes decode, whatever they begin with: every range lies inside the frame, the tables keep
//! their limits, and fields come in pre-order.

use std::cell::RefCell;

use rawsock::decode::{Decoder, LinkType, MAX_FIELDS, MAX_LAYERS, Packet};

use super::frame::{self, LINKS};

thread_local! {
    /// Made once: a fuzzer makes as many runs as it can, and a capture reuses them as well.
    static KIT: RefCell<(Decoder, Packet)> = RefCell::new((Decoder::new(), Packet::new()));
}

/// Ethernet frames.
pub fn ethernet(data: &[u8]) {
    check(data, &[LinkType::Ethernet]);
}

/// IPv4 and IPv6 packets.
pub fn ip(data: &[u8]) {
    check(data, &[LinkType::Raw]);
}

/// Frames with one of Linux's cooked headers.
pub fn cooked(data: &[u8]) {
    check(data, &[LinkType::LinuxSll, LinkType::LinuxSll2]);
}

/// Bare ICMP and ICMPv6 messages, as sockets deliver them.
pub fn message(data: &[u8]) {
    check(data, &[LinkType::IcmpMessage, LinkType::Icmpv6Message]);
}

/// Loopback, PPP, and what is not known.
pub fn other(data: &[u8]) {
    check(data, LINKS.get(6..).unwrap_or(LINKS));
}

fn check(data: &[u8], links: &[LinkType]) {
    let Some(frame) = frame::frame(data, links) else {
        return;
    };
    let captured = frame.bytes.len();
    KIT.with_borrow_mut(|(decoder, packet)| {
        decoder.decode(&frame, packet);
        assert!(packet.layers().len() <= MAX_LAYERS);
        let mut fields = 0;
        for layer in packet.layers() {
            assert!(layer.at as usize + layer.len as usize <= captured);
            let mut depth = 0;
            for field in packet.fields_of(layer) {
                let end = field.at as usize + field.len as usize;
                assert!(end <= captured, "{field:?} in {captured} bytes");
                assert!(field.depth <= depth + 1, "{field:?}: pre-order");
                depth = field.depth;
                fields += 1;
            }
        }
        assert!(fields <= MAX_FIELDS);
        for problem in packet.problems() {
            assert!(problem.range.start <= problem.range.end);
            assert!(problem.range.end as usize <= captured, "{problem:?}");
            assert!((problem.layer as usize) < packet.layers().len().max(1));
        }
    });
}
