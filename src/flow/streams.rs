//! Numbers for TCP and UDP conversations, from 0 in the order of their first packets: Wireshark's
//! `tcp.stream` and `udp.stream`. A SYN with another sequence number on known ports opens a new one.

use super::lru::Lru;
use super::{Kind, Pair, Talk};
use crate::decode::{Packet, tcp};

/// Most conversations that are known at a time, about 100 bytes each.
pub const MAX_STREAMS: usize = 65_536;

/// Which conversation a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// TCP or UDP.
    pub kind: Kind,
    /// Its number, counted for each kind.
    pub number: u64,
    /// It goes the way of the conversation's first packet.
    pub forward: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    number: u64,
    /// The first packet went from the pair's first end.
    forward: bool,
    /// First sequence number of each direction of the pair.
    first: [Option<u32>; 2],
}

/// The conversations so far.
#[derive(Debug)]
pub struct Streams {
    tcp: Lru<Pair, Known>,
    udp: Lru<Pair, Known>,
    next: [u64; 2],
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(MAX_STREAMS)
    }
}

impl Streams {
    /// Takes random hash keys, so it comes before a sandbox.
    pub fn new(most: usize) -> Self {
        Self {
            tcp: Lru::new(most),
            udp: Lru::new(most),
            next: [0, 0],
        }
    }

    /// Conversations that were forgotten; a later packet of one gets a new number.
    pub fn let_go(&self) -> u64 {
        self.tcp.let_go().saturating_add(self.udp.let_go())
    }

    /// The conversation of a TCP or UDP layer; `None` for the others.
    pub fn place(&mut self, packet: &Packet, talk: &Talk<'_>) -> Option<Stream> {
        let (table, next) = match (talk.kind, &mut self.next) {
            (Kind::Tcp, [next, _]) => (&mut self.tcp, next),
            (Kind::Udp, [_, next]) => (&mut self.udp, next),
            _ => return None,
        };
        let (pair, forward) = Pair::of(talk.source, talk.destination);
        let number = |spec| packet.field(talk.layer, spec)?.value.as_u64();
        let seq = || number(&tcp::SEQ).and_then(|seq| u32::try_from(seq).ok());
        let seq = if talk.kind == Kind::Tcp { seq() } else { None };
        let opens = talk.kind == Kind::Tcp
            && number(&tcp::SYN) == Some(1)
            && number(&tcp::ACK_FLAG) == Some(0);
        let side = usize::from(!forward);
        if let Some(known) = table.get(&pair) {
            let first = known.first.get_mut(side)?;
            let other = opens && first.is_some() && *first != seq;
            if !other {
                if first.is_none() {
                    *first = seq;
                }
                return Some(Stream {
                    kind: talk.kind,
                    number: known.number,
                    forward: known.forward == forward,
                });
            }
        }
        let mut known = Known {
            number: *next,
            forward,
            first: [None, None],
        };
        *next = next.saturating_add(1);
        if let Some(first) = known.first.get_mut(side) {
            *first = seq;
        }
        match table.get(&pair) {
            Some(place) => *place = known,
            None => {
                table.put(pair, known);
            }
        }
        Some(Stream {
            kind: talk.kind,
            number: known.number,
            forward: true,
        })
    }
}
