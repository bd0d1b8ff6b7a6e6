//! What a packet is, in the few words that fit on an arrow; for TCP with numbers counted from the
//! stream's start, and whether it was sent before. No streams are put together.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Tone, addresses};
use crate::decode::{Packet, Spec, tcp, udp};
use crate::event::Mono;
use crate::view::calls::time;
use crate::view::escape::escape;

/// Streams that are remembered; later ones have no relative numbers.
const MAX_STREAMS: usize = 4096;
/// Segments of a stream that are remembered, to know one that comes again.
const MAX_SEGMENTS: usize = 16_384;

/// A packet in words.
#[derive(Clone, Debug)]
pub struct Words {
    /// `PSH,ACK 1:11`.
    pub label: String,
    /// What is special.
    pub marks: Vec<String>,
    /// What kind.
    pub tone: Tone,
    /// Sent before.
    pub again: bool,
}

/// One direction of a TCP connection.
#[derive(Debug, Default)]
struct Stream {
    /// The sequence number that is shown as 0.
    start: u32,
    /// Behind the last number that was sent.
    end: u32,
    /// Segments by their number, and when each was sent last.
    sent: HashMap<(u32, u32), Mono>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Way {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
}

impl Way {
    fn back(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }
}

/// All streams of a ladder.
#[derive(Debug, Default)]
pub struct Streams {
    streams: HashMap<Way, Stream>,
}

impl Streams {
    /// The packet in words.
    pub fn read(&mut self, packet: &Packet, at: Mono) -> Words {
        let ends = addresses(packet).zip(super::ports(packet));
        match (packet.layer("tcp"), ends) {
            (Some(_), Some(((from, to), (source, destination)))) => {
                let way = Way {
                    from: (from, source),
                    to: (to, destination),
                };
                self.segment(packet, way, at)
            }
            _ => plain(packet),
        }
    }

    fn segment(&mut self, packet: &Packet, way: Way, at: Mono) -> Words {
        let set = |spec: &'static Spec| packet.number(spec) == Some(1);
        let word = |spec: &'static Spec| {
            let number = packet.number(spec).unwrap_or(0);
            u32::try_from(number).unwrap_or(0)
        };
        let (syn, fin, rst) = (set(&tcp::SYN), set(&tcp::FIN), set(&tcp::RST));
        let (seq, ack, len) = (word(&tcp::SEQ), word(&tcp::ACK), word(&tcp::LEN));
        let covers = len
            .saturating_add(u32::from(syn))
            .saturating_add(u32::from(fin));
        let names = [
            (syn, "SYN"),
            (fin, "FIN"),
            (rst, "RST"),
            (set(&tcp::PSH), "PSH"),
            (set(&tcp::URG), "URG"),
            (set(&tcp::ACK_FLAG), "ACK"),
        ];
        let names: Vec<&str> = names
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| *name)
            .collect();
        let mut marks = Vec::new();
        let mut again = false;
        let known = self.streams.len() < MAX_STREAMS || self.streams.contains_key(&way);
        let mut start = 0;
        if known {
            let stream = self.streams.entry(way).or_insert_with(|| Stream {
                start: seq,
                end: seq,
                sent: HashMap::new(),
            });
            // A new connection between the same ports.
            if syn && stream.start != seq {
                *stream = Stream {
                    start: seq,
                    end: seq,
                    sent: HashMap::new(),
                };
            }
            start = stream.start;
            if covers > 0 {
                let behind = stream.end.wrapping_sub(seq.wrapping_add(covers));
                let old = behind < 1 << 31 && !stream.sent.is_empty();
                let before = stream.sent.get(&(seq, covers)).copied();
                if let Some(before) = before {
                    again = true;
                    marks.push(format!("retransmission after {}", time(at.since(before))));
                } else if old && stream.sent.keys().any(|(known, _)| *known == seq) {
                    again = true;
                    marks.push("retransmission".into());
                } else if old {
                    marks.push("out of order".into());
                }
                if stream.sent.len() < MAX_SEGMENTS {
                    stream.sent.insert((seq, covers), at);
                }
                if !old {
                    stream.end = seq.wrapping_add(covers);
                }
            }
        }
        let other = self.streams.get(&way.back()).map(|stream| stream.start);
        let relative = seq.wrapping_sub(start);
        let mut label = names.join(",");
        if len > 0 {
            let end = relative.wrapping_add(len);
            let _ = write!(label, " {relative}:{end}");
        } else if covers > 0 || rst {
            let _ = write!(label, " seq {relative}");
        }
        if set(&tcp::ACK_FLAG) && (len == 0 || syn) {
            let ack = other.map_or(ack, |start| ack.wrapping_sub(start));
            let _ = write!(label, " ack {ack}");
        }
        if let Some(mss) = packet.number(&tcp::MSS) {
            let _ = write!(label, " mss {mss}");
        }
        if packet.number(&tcp::WINDOW) == Some(0) && !rst {
            marks.push("window 0".into());
        }
        let tone = match (syn, fin, rst, len) {
            (.., true, _) => Tone::Error,
            (true, ..) => Tone::Open,
            (_, true, ..) => Tone::Close,
            (.., 0) => Tone::Ack,
            _ => Tone::Data,
        };
        Words {
            label,
            marks,
            tone,
            again,
        }
    }
}

/// A packet that is not TCP: the words of its innermost header that has some.
fn plain(packet: &Packet) -> Words {
    let mut label = String::new();
    let mut error = false;
    for layer in packet.layers() {
        if layer.quoted {
            break;
        }
        if layer.proto.key == "data" {
            continue;
        }
        let mut words = String::new();
        (layer.proto.summary)(packet, layer, &mut words);
        if !words.is_empty() {
            label = words;
        }
        error = match layer.proto.key {
            "icmp" => matches!(
                packet.number(&crate::decode::icmp::TYPE),
                Some(3 | 4 | 5 | 11 | 12)
            ),
            "icmpv6" => packet
                .number(&crate::decode::icmpv6::TYPE)
                .is_some_and(|kind| kind < 128),
            _ => false,
        };
    }
    if let Some(length) = packet
        .number(&udp::LENGTH)
        .filter(|_| label.starts_with("UDP "))
    {
        label = format!("UDP {} bytes", length.saturating_sub(8));
    }
    let tone = match (error, packet.layer("udp")) {
        (true, _) => Tone::Error,
        (false, Some(_)) => Tone::Data,
        (false, None) => Tone::Other,
    };
    let mut marks = Vec::new();
    let fragment = packet.number(&crate::decode::ipv4::FRAG_OFFSET);
    let more = packet.number(&crate::decode::ipv4::MF) == Some(1);
    if more || fragment.is_some_and(|offset| offset > 0) {
        marks.push(format!("fragment at {}", fragment.unwrap_or(0) * 8));
    }
    if label.is_empty() {
        label = "packet".into();
    }
    Words {
        label: escape(&label).into_owned(),
        marks,
        tone,
        again: false,
    }
}
