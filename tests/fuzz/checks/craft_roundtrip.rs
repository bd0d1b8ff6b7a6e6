//! What craft writes, decode reads: an echo request of any payload, with a right checksum.

use rawsock::craft::{icmp::Echo, ipv4::Header};
use rawsock::decode::{Decoder, LinkType, Packet, icmp};

use super::frame;

/// Ident, sequence number, TTL and payload come from the bytes.
pub fn check(data: &[u8]) {
    let [_, _, ident, seq, ttl, payload @ ..] = data else {
        return;
    };
    let echo = Echo {
        ident: (*ident).into(),
        seq: (*seq).into(),
        ..Echo::default()
    };
    let header = Header {
        ttl: (*ttl).max(1),
        ..Header::default()
    };
    let payload = &payload[..payload.len().min(60_000)];
    let mut bytes = data[..2].to_vec();
    header.craft(8 + payload.len(), &mut bytes);
    echo.craft_v4(payload, &mut bytes).expect("short");
    let Some(frame) = frame::frame(&bytes, &[LinkType::Raw]) else {
        return;
    };
    let mut packet = Packet::new();
    Decoder::new().decode(&frame, &mut packet);
    assert_eq!(packet.number(&icmp::IDENT), Some((*ident).into()));
    assert!(packet.problems().is_empty(), "{:?}", packet.problems());
}
