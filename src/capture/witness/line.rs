//! One packet as a line between the child and us: written by the child, read without trust.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::decode::{Frame, Packet, Value};
use crate::event::Timestamp;
use crate::view::escape::escape_into;
use crate::view::line::{Style, render_line};

/// Most ends of one packet: its own two, and those of the packet that an ICMP error quotes.
const MOST_ENDS: usize = 4;
/// Longest text of a packet.
const LONGEST: usize = 1000;

/// Where a packet came from or went: the protocol's number, address, port (0 where there is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Number of the protocol above IP: 6 for TCP.
    pub protocol: u8,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// A packet that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Bytes on the wire, without the link layer's header.
    pub wire_len: u32,
    /// Source and destination; then those of the quoted packet.
    pub ends: Vec<End>,
    /// The packet in one line, escaped.
    pub text: String,
}

impl Seen {
    /// Of a decoded frame; `None` if it is no IP packet.
    pub(super) fn of(frame: &Frame<'_>, packet: &Packet) -> Option<Self> {
        let ends = ends(packet);
        if ends.is_empty() {
            return None;
        }
        let mut text = String::new();
        render_line(frame, packet, Style::default(), &mut text);
        if text.len() > LONGEST {
            let cut = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(cut.unwrap_or(0));
        }
        let header = packet.layers().first().map_or(0, |layer| layer.len);
        Some(Self {
            at: frame.at,
            wire_len: frame.wire_len.saturating_sub(header),
            ends,
            text,
        })
    }

    /// As a line, with its end.
    pub(super) fn write(&self, out: &mut String) {
        let _ = write!(out, "{} {} ", self.at.0, self.wire_len);
        for end in &self.ends {
            let _ = write!(out, "{},{},{};", end.protocol, end.ip, end.port);
        }
        let _ = writeln!(out, " {}", self.text);
    }

    /// Of a line without its end; `None` if it is none.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?;
        let mut parts = line.splitn(4, ' ');
        let at = Timestamp(parts.next()?.parse().ok()?);
        let wire_len = parts.next()?.parse().ok()?;
        let ends = parts.next()?.split_terminator(';').take(MOST_ENDS);
        let ends = ends.map(|end| {
            let mut parts = end.split(',');
            Some(End {
                protocol: parts.next()?.parse().ok()?,
                ip: parts.next()?.parse().ok()?,
                port: parts.next()?.parse().ok()?,
            })
        });
        let ends = ends.collect::<Option<Vec<End>>>()?;
        let mut text = String::new();
        escape_into(parts.next()?, &mut text);
        Some(Self {
            at,
            wire_len,
            ends,
            text,
        })
    }
}

/// The ends of the packet and of the one that it quotes.
fn ends(packet: &Packet) -> Vec<End> {
    let mut ends = Vec::new();
    for quoted in [false, true] {
        let (mut addresses, mut protocol, mut ports) = ((None, None), None, (0, 0));
        for layer in packet
            .layers()
            .iter()
            .filter(|layer| layer.quoted == quoted)
        {
            // The innermost IP header of a tunnel, and the first of a quotation.
            match layer.proto.key {
                "ip" | "ipv6" => addresses = (None, None),
                "tcp" => protocol = Some(6),
                "udp" => protocol = Some(17),
                "icmp" => protocol = Some(1),
                "igmp" => protocol = Some(2),
                "icmpv6" => protocol = Some(58),
                _ => {}
            }
            for field in packet
                .fields_of(layer)
                .iter()
                .filter(|field| field.depth == 0)
            {
                let ip = match field.value {
                    Value::Ipv4(ip) => Some(IpAddr::from(ip)),
                    Value::Ipv6(ip) => Some(IpAddr::from(ip)),
                    _ => None,
                };
                let port = field
                    .value
                    .as_u64()
                    .and_then(|port| u16::try_from(port).ok());
                match field.spec.key {
                    "ip.src" | "ipv6.src" => addresses.0 = ip,
                    "ip.dst" | "ipv6.dst" => addresses.1 = ip,
                    "ip.proto" | "ipv6.nxt" if protocol.is_none() => {
                        protocol = field
                            .value
                            .as_u64()
                            .and_then(|number| u8::try_from(number).ok());
                    }
                    "tcp.srcport" | "udp.srcport" => ports.0 = port.unwrap_or(0),
                    "tcp.dstport" | "udp.dstport" => ports.1 = port.unwrap_or(0),
                    _ => {}
                }
            }
        }
        if let ((Some(from), Some(to)), Some(protocol)) = (addresses, protocol) {
            let end = |ip, port| End { protocol, ip, port };
            ends.extend([end(from, ports.0), end(to, ports.1)]);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, Direction, Flags, LinkType};
    use crate::event::Stamp;

    /// IPv4 and UDP, 127.0.0.1:1000 to 127.0.0.1:2000, two bytes.
    const UDP: &str = "4500001e000040004011000\
                       07f0000017f00000103e807d0000a00006869";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    fn seen(bytes: &[u8]) -> Option<Seen> {
        let frame = Frame {
            at: Timestamp(7),
            stamp: Stamp::Kernel,
            iface: 1,
            link: LinkType::Raw,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes,
        };
        let mut packet = Packet::new();
        Decoder::new().decode(&frame, &mut packet);
        Seen::of(&frame, &packet)
    }

    #[test]
    fn a_packet_crosses_the_pipe() {
        let seen = seen(&bytes(UDP)).unwrap();
        let ports: Vec<u16> = seen.ends.iter().map(|end| end.port).collect();
        assert_eq!(ports, [1000, 2000]);
        let mut line = String::new();
        seen.write(&mut line);
        let line = line.strip_suffix('\n').unwrap();
        assert_eq!(Seen::parse(line.as_bytes()), Some(seen));
    }

    #[test]
    fn the_quoted_packet_of_an_error_has_ends_too() {
        // ICMP 3/3 about it, to its sender.
        let error = format!("4500003a000040004001000007f000001 7f000001 0303000000000000 {UDP}");
        let error = error.replacen("000007f", "00007f", 1);
        let seen = seen(&bytes(&error)).unwrap();
        let ends: Vec<(u8, u16)> = seen
            .ends
            .iter()
            .map(|end| (end.protocol, end.port))
            .collect();
        assert_eq!(ends, [(1, 0), (1, 0), (17, 1000), (17, 2000)]);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in [
            "",
            "1",
            "1 2",
            "x 2 6,127.0.0.1,1; t",
            "1 2 6,127.0.0.1; t",
            "1 2 6,h,1; t",
        ] {
            assert_eq!(Seen::parse(line.as_bytes()), None, "{line}");
        }
        let hostile = Seen::parse(b"1 2 6,127.0.0.1,1; \x1b[2J").unwrap();
        assert_eq!(hostile.text, "\\x1b[2J");
        assert_eq!(Seen::parse(b"\xff"), None);
    }
}
