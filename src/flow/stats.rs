//! The figures of a capture: protocols, conversations, talkers. Limits are in entries; an entry has
//! a fixed size, so they are limits in bytes too.

use super::hierarchy::Hierarchy;
use super::lru::Lru;
use super::{Address, End, Kind, Pair, talks};
use crate::decode::{Frame, Packet};
use crate::event::Timestamp;

/// Most conversations of each kind, about 200 bytes each, and most talkers, about 100 bytes each.
pub const MAX_ENTRIES: usize = 32_768;

/// Packets and their bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub packets: u64,
    /// Of the whole frames.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(other.packets),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// A conversation of two ends.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// Who sent the first packet.
    pub opener: End,
    /// To whom.
    pub other: End,
    /// From the opener.
    pub sent: Amount,
    /// To the opener.
    pub received: Amount,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
}

/// An address, with what it sent and got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Talker {
    /// What it sent.
    pub sent: Amount,
    /// What was sent to it.
    pub received: Amount,
}

/// All figures.
#[derive(Debug)]
pub struct Stats {
    /// Every packet.
    pub all: Amount,
    /// Earliest and latest time.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Protocols.
    pub hierarchy: Hierarchy,
    tables: [(Kind, Lru<Pair, Conversation>); 4],
    talkers: Lru<Address, Talker>,
}

impl Default for Stats {
    fn default() -> Self {
        Self::new(MAX_ENTRIES)
    }
}

impl Stats {
    /// Tables of at most so many entries each. Takes random hash keys, so it comes before a sandbox.
    pub fn new(most: usize) -> Self {
        let kinds = [Kind::Ethernet, Kind::Ip, Kind::Tcp, Kind::Udp];
        Self {
            all: Amount::default(),
            times: None,
            hierarchy: Hierarchy::default(),
            tables: kinds.map(|kind| (kind, Lru::new(most))),
            talkers: Lru::new(most),
        }
    }

    /// Counts a packet.
    pub fn add(&mut self, frame: &Frame<'_>, packet: &Packet) {
        let captured = frame.bytes.len() as u64;
        let bytes = captured.max(frame.wire_len.into());
        self.all.add(bytes);
        let (from, to) = self.times.unwrap_or((frame.at, frame.at));
        self.times = Some((from.min(frame.at), to.max(frame.at)));
        self.hierarchy.add(packet, bytes);
        for talk in talks(packet) {
            let tables = self.tables.iter_mut();
            for (_, table) in tables.filter(|(kind, _)| *kind == talk.kind) {
                count(table, talk.source, talk.destination, frame.at, bytes);
            }
            if talk.kind == Kind::Ip {
                self.talker(talk.source.address).sent.add(bytes);
                self.talker(talk.destination.address).received.add(bytes);
            }
        }
    }

    fn talker(&mut self, address: Address) -> &mut Talker {
        // Looked up twice, because a borrow that is handed out cannot be given up again.
        if self.talkers.get(&address).is_none() {
            self.talkers.put(address, Talker::default());
        }
        self.talkers.get(&address).expect("it was put in")
    }

    /// The conversations of a kind, those with most bytes first, and how many were let go.
    pub fn conversations(&self, kind: Kind) -> (Vec<Conversation>, u64) {
        let mut all = Vec::new();
        let mut let_go = 0;
        for (_, table) in self.tables.iter().filter(|(known, _)| *known == kind) {
            all.extend(table.iter().map(|(_, one)| *one));
            let_go = table.let_go();
        }
        let size = |one: &Conversation| {
            let both = one.sent.plus(one.received);
            (both.bytes, both.packets)
        };
        all.sort_by(|a, b| {
            let ends = (a.opener, a.other).cmp(&(b.opener, b.other));
            size(b).cmp(&size(a)).then(a.first.cmp(&b.first)).then(ends)
        });
        (all, let_go)
    }

    /// The talkers, those with most bytes first, and how many were let go.
    pub fn talkers(&self) -> (Vec<(Address, Talker)>, u64) {
        let all = self.talkers.iter().map(|(address, one)| (*address, *one));
        let mut all: Vec<_> = all.collect();
        let size = |one: &Talker| {
            let both = one.sent.plus(one.received);
            (both.bytes, both.packets)
        };
        all.sort_by(|a, b| size(&b.1).cmp(&size(&a.1)).then(a.0.cmp(&b.0)));
        (all, self.talkers.let_go())
    }
}

fn count(
    table: &mut Lru<Pair, Conversation>,
    source: End,
    destination: End,
    at: Timestamp,
    bytes: u64,
) {
    let (pair, _) = Pair::of(source, destination);
    if table.get(&pair).is_none() {
        let new = Conversation {
            opener: source,
            other: destination,
            sent: Amount::default(),
            received: Amount::default(),
            first: at,
            last: at,
        };
        table.put(pair, new);
    }
    if let Some(one) = table.get(&pair) {
        let side = if one.opener == source {
            &mut one.sent
        } else {
            &mut one.received
        };
        side.add(bytes);
        one.first = one.first.min(at);
        one.last = one.last.max(at);
    }
}
