//! Decoding along a fixed path of protocols, and the example messages that each protocol brings.
//! Header boxes are measured with these (`view::boxes`): one bit is flipped, and who changes?

use super::{Cx, Frame, MAX_LAYERS, Next, Packet, Proto};

/// A typical message of a protocol: its header box shows where the fields are.
#[derive(Debug)]
pub struct Sample {
    /// What it is, in lower case: `echo request`. Empty where the protocol has one form only.
    pub name: &'static str,
    /// The bytes, from the header's first.
    pub bytes: &'static [u8],
}

/// Decodes with these protocols, outermost first, whatever the bytes announce, and stops behind the
/// last. So a changed type or version field changes nothing else.
pub fn decode_path(path: &[&'static Proto], frame: &Frame<'_>, packet: &mut Packet) {
    packet.clear();
    let mut cx = Cx::new(frame.flags, frame.bytes, frame.wire_len, packet);
    let mut range = 0..cx.len();
    for proto in path.iter().take(MAX_LAYERS) {
        cx.enter(proto, range.start, range.end);
        let next = (proto.decode)(&mut cx);
        cx.leave();
        range = match next {
            Next::Done | Next::Decline => return,
            Next::Proto(_, range) => range,
            Next::Quoted(range) => {
                cx.begin_quote();
                range
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::decode::{Direction, Flags, LinkType, PROTOS, Severity};
    use crate::event::{Stamp, Timestamp};

    #[test]
    fn every_protocol_brings_samples_that_decode() {
        let mut packet = Packet::new();
        for proto in PROTOS {
            assert!(!proto.samples.is_empty(), "{}: no sample", proto.key);
            let names: HashSet<&str> = proto.samples.iter().map(|sample| sample.name).collect();
            assert_eq!(
                names.len(),
                proto.samples.len(),
                "{}: a name twice",
                proto.key
            );
            for sample in proto.samples {
                let frame = Frame {
                    at: Timestamp(0),
                    stamp: Stamp::User,
                    iface: 0,
                    link: LinkType::Raw,
                    dir: Direction::Unknown,
                    flags: Flags::default(),
                    wire_len: u32::try_from(sample.bytes.len()).unwrap(),
                    bytes: sample.bytes,
                };
                decode_path(&[proto], &frame, &mut packet);
                let bad = packet.problems().iter().find(|problem| {
                    matches!(problem.severity, Severity::Truncated | Severity::Invalid)
                });
                assert!(bad.is_none(), "{} {}: {bad:?}", proto.key, sample.name);
                let layer = packet.layers()[0];
                assert!(layer.len > 0, "{} {}", proto.key, sample.name);
            }
        }
    }

    #[test]
    fn the_path_is_taken_whatever_the_bytes_say() {
        // Version 9, protocol 200: still IPv4 and UDP.
        let bytes = [
            0x95, 0, 0, 28, 0, 0, 0, 0, 64, 200, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2, 0, 8,
            0, 0,
        ];
        let path = [&super::super::ipv4::PROTO, &super::super::udp::PROTO];
        let frame = Frame {
            at: Timestamp(0),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Ethernet,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: 28,
            bytes: &bytes,
        };
        let mut packet = Packet::new();
        decode_path(&path, &frame, &mut packet);
        let keys: Vec<&str> = packet
            .layers()
            .iter()
            .map(|layer| layer.proto.key)
            .collect();
        assert_eq!(keys, ["ip", "udp"]);
        assert_eq!(packet.number(&super::super::udp::DST_PORT), Some(2));
    }
}
