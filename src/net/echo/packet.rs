//! Messages in packets that the program builds or takes apart itself: an own IP protocol, with the
//! kernel's IP header or with one by hand, and ICMP echo messages.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Kind, Wrap};
use crate::craft::icmp::Echo;
use crate::craft::ipv4::Header;
use crate::net::traced::Address;

/// Most own copies that are waited for.
const COPIES: usize = 4096;

/// ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443 4.1), request and reply.
const ECHO_V4: (u8, u8) = (8, 0);
const ECHO_V6: (u8, u8) = (128, 129);

/// What a received packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The message.
    pub message: &'a [u8],
    /// Identifier and sequence number of an ICMP echo message.
    pub echo: Option<(u16, u16)>,
}

/// The packet for a message to `to`.
pub fn wrap(
    kind: Kind,
    wrap: &Wrap,
    to: &Address,
    echo: Option<(u16, u16)>,
    reply: bool,
    message: &[u8],
) -> Vec<u8> {
    let mut packet = Vec::new();
    match (kind, to.ip()) {
        (Kind::Raw, Some(IpAddr::V4(destination))) => {
            if let Some(wish) = wrap.header {
                let header = Header {
                    id: wish.id,
                    source: wish.source.unwrap_or(Ipv4Addr::UNSPECIFIED),
                    ttl: wish.ttl.unwrap_or(64),
                    tos: wish.tos,
                    df: wish.df,
                    fragment_offset: wish.fragment_offset,
                    protocol: wrap.protocol,
                    destination,
                    ..Header::default()
                };
                header.craft(message.len(), &mut packet);
            }
            packet.extend(message);
        }
        (Kind::Icmp, Some(ip)) => {
            let (ident, seq) = echo.unwrap_or((wrap.ident, wrap.seq));
            let header = Echo {
                reply,
                ident,
                seq,
                checksum: None,
            };
            let none = Ipv6Addr::UNSPECIFIED;
            // What is too long for a packet stays empty; the length was checked with the options.
            let _ = match ip {
                IpAddr::V4(_) => header.craft_v4(message, &mut packet),
                // The kernel computes the checksum of ICMPv6 in any case (raw(7), ipv6(7)).
                IpAddr::V6(_) => header.craft_v6(message, none, none, &mut packet),
            };
        }
        _ => packet.extend(message),
    }
    packet
}

/// The message in what a raw socket gave; `None` if it is not meant for this end. `replies`: the
/// end waits for ICMP replies, not requests.
pub fn open(kind: Kind, v6: bool, replies: bool, packet: &[u8]) -> Option<Opened<'_>> {
    // A raw IPv4 socket gives the IP header along, an IPv6 one does not (raw(7), ipv6(7)).
    let body = match kind {
        Kind::Raw | Kind::Icmp if !v6 => {
            let words = packet.first()? & 15;
            packet.get(usize::from(words).checked_mul(4)?..)?
        }
        _ => packet,
    };
    if kind != Kind::Icmp {
        return Some(Opened {
            message: body,
            echo: None,
        });
    }
    let (request, reply) = if v6 { ECHO_V6 } else { ECHO_V4 };
    let (header, message) = body.split_first_chunk::<8>()?;
    let wanted = if replies { reply } else { request };
    if header[0] != wanted || header[1] != 0 {
        return None;
    }
    let word = |at: usize| Some(u16::from_be_bytes(*header.get(at..)?.first_chunk()?));
    Some(Opened {
        message,
        echo: Some((word(4)?, word(6)?)),
    })
}

/// Copies of our own packets that will come back to us: the kernel gives a packet to every raw
/// socket of its protocol, also to the one that sent it, when it stays on this host (raw(7)).
/// Without this a raw echo server would answer itself for ever.
#[derive(Debug, Default)]
pub struct OwnCopies {
    waiting: VecDeque<(Option<IpAddr>, Vec<u8>)>,
}

impl OwnCopies {
    /// A message went out to an address of this host; its copy has this source.
    pub fn expect(&mut self, source: Option<IpAddr>, message: &[u8]) {
        if self.waiting.len() >= COPIES {
            self.waiting.pop_front();
        }
        self.waiting.push_back((source, message.to_vec()));
    }

    /// Is this such a copy? Each is recognized once.
    pub fn is_own(&mut self, from: Option<IpAddr>, message: &[u8]) -> bool {
        let mut waiting = self.waiting.iter();
        let found = waiting.position(|(source, own)| {
            own == message && (source.is_none() || from.is_none() || *source == from)
        });
        // The ones before it were thrown away by a full queue.
        found.is_some_and(|at| self.waiting.drain(..=at).count() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(ip: &str) -> Address {
        Address::Inet((ip.parse::<IpAddr>().unwrap(), 0).into())
    }

    #[test]
    fn an_icmp_message_is_for_one_end_only() {
        let options = Wrap {
            ident: 7,
            seq: 9,
            ..Wrap::default()
        };
        let mut packet = vec![0x45];
        packet.resize(20, 0);
        packet.extend(wrap(
            Kind::Icmp,
            &options,
            &to("127.0.0.1"),
            None,
            false,
            b"hi",
        ));
        let opened = open(Kind::Icmp, false, false, &packet).unwrap();
        assert_eq!((opened.message, opened.echo), (&b"hi"[..], Some((7, 9))));
        assert_eq!(open(Kind::Icmp, false, true, &packet), None);
        let reply = wrap(Kind::Icmp, &options, &to("::1"), Some((1, 2)), true, b"");
        let opened = open(Kind::Icmp, true, true, &reply).unwrap();
        assert_eq!((opened.message, opened.echo), (&b""[..], Some((1, 2))));
    }

    #[test]
    fn every_cut_packet_is_no_message_or_a_shorter_one() {
        let mut packet = vec![0x46];
        packet.resize(40, 1);
        for cut in 0..packet.len() {
            for (kind, v6) in [(Kind::Raw, false), (Kind::Icmp, false), (Kind::Icmp, true)] {
                let opened = open(kind, v6, false, &packet[..cut]);
                assert!(opened.is_none_or(|opened| opened.message.len() <= cut));
            }
        }
        assert_eq!(open(Kind::Raw, false, false, &[0x4f; 30]), None);
    }

    #[test]
    fn a_header_by_hand_stands_in_front() {
        let options = Wrap {
            protocol: 253,
            header: Some(super::super::HeaderWish {
                id: 0x1234,
                ttl: Some(9),
                ..Default::default()
            }),
            ..Wrap::default()
        };
        let packet = wrap(Kind::Raw, &options, &to("127.0.0.1"), None, false, b"hi");
        assert_eq!(packet.len(), 22);
        assert_eq!(
            (packet[4], packet[5], packet[8], packet[9]),
            (0x12, 0x34, 9, 253)
        );
        assert_eq!(
            open(Kind::Raw, false, false, &packet).unwrap().message,
            b"hi"
        );
    }

    #[test]
    fn own_copies_are_known_once() {
        let mut copies = OwnCopies::default();
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        copies.expect(here, b"a");
        copies.expect(here, b"b");
        assert!(!copies.is_own(Some(IpAddr::from([10, 0, 0, 1])), b"a"));
        // The copy of "a" was lost.
        assert!(copies.is_own(here, b"b"));
        assert!(!copies.is_own(here, b"b") && !copies.is_own(here, b"a"));
    }
}
