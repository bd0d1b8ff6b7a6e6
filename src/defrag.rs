//! IPv4 and IPv6 fragments to datagrams, in bounded memory. Time is the packets' own.
//!
//! A datagram whose fragments overlap is given up with all that still comes of it (RFC 5722 4; Linux
//! does so for IPv4 too); only an exact copy of a fragment is passed over. What is not whole after
//! [`Limits::age`], or must give way to others, is let go and counted.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic
)]

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::decode::{Decoder, Fragment, Frame, Packet};
use crate::event::Timestamp;

/// What an incomplete datagram costs besides its fragments.
const ENTRY: usize = 256;
/// What a fragment costs besides its data.
const PIECE: usize = 48;
/// Longest data of a datagram.
const MAX_LEN: u32 = 65_535;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Incomplete datagrams.
    pub entries: usize,
    /// Bytes of them, with what it takes to manage them.
    pub bytes: usize,
    /// From a datagram's first fragment on (RFC 8200 4.5: 60 seconds).
    pub age: Duration,
}

impl Counts {
    /// Something was not put together: worth a word at the end.
    pub fn is_lossy(&self) -> bool {
        let lost = [
            self.unusable,
            self.contradictory,
            self.expired,
            self.evicted,
            self.waiting,
        ];
        lost.iter().any(|count| *count > 0)
    }
}

/// `3 fragments made 1 datagram; not whole: 1 let go for room`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        write!(
            f,
            "{} fragment{} made {} datagram{}",
            self.fragments,
            plural(self.fragments),
            self.whole,
            plural(self.whole)
        )?;
        let mut mark = "; not whole: ";
        for (count, what) in [
            (self.waiting, "incomplete at the end"),
            (self.expired, "not completed in time"),
            (self.evicted, "let go to make room"),
            (self.contradictory, "given up for contradictions"),
        ] {
            if count > 0 {
                write!(f, "{mark}{count} {what}")?;
                mark = ", ";
            }
        }
        if self.unusable > 0 {
            let (count, s) = (self.unusable, plural(self.unusable));
            write!(f, "; {count} fragment{s} cut or with a wrong length")?;
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4096,
            bytes: 8 << 20,
            age: Duration::from_mins(1),
        }
    }
}

/// What became of the fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams put together.
    pub whole: u64,
    /// Fragments that were a copy of another one.
    pub copies: u64,
    /// Fragments that could not be used: cut by the capture, or lengths that lie.
    pub unusable: u64,
    /// Datagrams given up because their fragments contradict each other.
    pub contradictory: u64,
    /// Datagrams let go because they were not whole in time.
    pub expired: u64,
    /// Datagrams let go to make room.
    pub evicted: u64,
    /// Datagrams that are not whole yet.
    pub waiting: u64,
}

/// What the fragments of one datagram have in common (RFC 791 3.2, RFC 8200 4.5), on one interface:
/// with `any` the same fragment is seen on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// IPv4 only.
    protocol: u8,
    iface: u32,
}

#[derive(Debug)]
struct Piece {
    at: u32,
    packet: u64,
    bytes: Box<[u8]>,
}

impl Piece {
    fn end(&self) -> u32 {
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.at.saturating_add(len)
    }
}

/// A datagram that is not whole.
#[derive(Debug)]
struct Entry {
    /// Tells it from an earlier one with the same key.
    serial: u64,
    first: Timestamp,
    /// By place; no two overlap.
    pieces: Vec<Piece>,
    /// Where the last fragment ends.
    total: Option<u32>,
    /// Bytes of all pieces.
    have: u32,
    /// Of the fragment at 0, which counts (RFC 8200 4.5).
    protocol: u8,
    /// Given up: what still comes is dropped.
    bad: bool,
}

impl Entry {
    fn cost(&self) -> usize {
        let pieces = self.pieces.len().saturating_mul(PIECE);
        ENTRY
            .saturating_add(pieces)
            .saturating_add(self.have as usize)
    }
}

/// What a fragment did.
enum Step {
    /// Kept, or passed over.
    Kept,
    /// It contradicts what is there.
    Against(&'static str, String),
    /// The datagram is whole.
    Whole,
}

/// Puts fragments together.
#[derive(Debug)]
pub struct Defrag {
    limits: Limits,
    entries: HashMap<Key, Entry>,
    /// Every entry by age, and some that are gone.
    order: VecDeque<(u64, Key)>,
    next_serial: u64,
    bytes: usize,
    counts: Counts,
}

impl Default for Defrag {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Defrag {
    /// Takes the hash table's random keys, so it comes before a sandbox.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            order: VecDeque::new(),
            next_serial: 0,
            bytes: 0,
            counts: Counts::default(),
        }
    }

    /// What became of the fragments so far.
    pub fn counts(&self) -> Counts {
        let waiting = self.entries.values().filter(|entry| !entry.bad).count();
        Counts {
            waiting: waiting as u64,
            ..self.counts
        }
    }

    /// Looks at a packet that was just decoded. If it makes a datagram whole, the decoder goes on in
    /// that. `number` is the packet's, 0 if it has none.
    pub fn input(
        &mut self,
        decoder: &Decoder,
        frame: &Frame<'_>,
        number: u64,
        packet: &mut Packet,
    ) {
        // Bounded by the decoder's MAX_BUFS: each turn takes a fragment and may bring another one.
        while let Some(&fragment) = packet.fragment() {
            let Some((datagram, protocol, packets)) = self.add(&fragment, frame, number, packet)
            else {
                return;
            };
            decoder.go_on(frame.flags, packet, datagram, protocol, &packets);
        }
    }

    fn add(
        &mut self,
        fragment: &Fragment,
        frame: &Frame<'_>,
        number: u64,
        packet: &mut Packet,
    ) -> Option<(Vec<u8>, u8, Vec<u64>)> {
        self.counts.fragments = self.counts.fragments.saturating_add(1);
        self.expire(frame.at);
        let end = fragment.offset.saturating_add(fragment.len);
        let fault = if fragment.more && !fragment.len.is_multiple_of(8) {
            let len = fragment.len;
            Some((
                "ip.fragment.length",
                format!("{len} bytes of a fragment that is not the last: no multiple of 8"),
            ))
        } else if end > MAX_LEN {
            Some((
                "ip.fragment.long",
                format!("the fragment would end at byte {end}, a datagram has at most {MAX_LEN}"),
            ))
        } else {
            None
        };
        let from = fragment.at as usize;
        let to = from.saturating_add(fragment.len as usize);
        let bytes = packet.buffer(frame, fragment.buf).get(from..to);
        let bytes: Option<Box<[u8]>> = bytes.map(Box::from);
        let unusable = !fragment.whole || fragment.len == 0 || fault.is_some();
        if let Some((key, text)) = fault {
            packet.fragment_problem(key, text);
        }
        let Some(bytes) = bytes.filter(|_| !unusable) else {
            self.counts.unusable = self.counts.unusable.saturating_add(1);
            return None;
        };
        let v6 = fragment.net.source.is_ipv6();
        let key = Key {
            source: fragment.net.source,
            destination: fragment.net.destination,
            id: fragment.id,
            protocol: if v6 { 0 } else { fragment.protocol },
            iface: frame.iface,
        };
        let (entries, order) = (&mut self.entries, &mut self.order);
        let serial = self.next_serial;
        let entry = entries.entry(key).or_insert_with(|| {
            order.push_back((serial, key));
            Entry {
                serial,
                first: frame.at,
                pieces: Vec::new(),
                total: None,
                have: 0,
                protocol: fragment.protocol,
                bad: false,
            }
        });
        let mut before = 0;
        if entry.serial == serial {
            self.next_serial = self.next_serial.saturating_add(1);
        } else {
            before = entry.cost();
        }
        let piece = Piece {
            at: fragment.offset,
            packet: number,
            bytes,
        };
        let step = entry.step(piece, fragment, &mut self.counts.copies);
        let after = entry.cost();
        self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
        match step {
            Step::Kept => {
                self.make_room();
                None
            }
            Step::Against(key, text) => {
                self.counts.contradictory = self.counts.contradictory.saturating_add(1);
                packet.fragment_problem(key, text);
                self.make_room();
                None
            }
            Step::Whole => {
                let entry = self.entries.remove(&key)?;
                self.bytes = self.bytes.saturating_sub(entry.cost());
                self.counts.whole = self.counts.whole.saturating_add(1);
                let mut datagram = Vec::with_capacity(entry.have as usize);
                for piece in &entry.pieces {
                    datagram.extend_from_slice(&piece.bytes);
                }
                let packets = entry.pieces.iter().map(|piece| piece.packet).collect();
                Some((datagram, entry.protocol, packets))
            }
        }
    }

    /// Lets go what is too old.
    fn expire(&mut self, now: Timestamp) {
        while let Some((serial, key)) = self.order.front().copied() {
            let entry = self.entries.get(&key);
            let entry = entry.filter(|entry| entry.serial == serial);
            let old = |entry: &Entry| {
                now.since(entry.first)
                    .is_some_and(|age| age >= self.limits.age)
            };
            match entry {
                // Gone already.
                None => {}
                Some(entry) if old(entry) => {
                    let unfinished = u64::from(!entry.bad);
                    self.counts.expired = self.counts.expired.saturating_add(unfinished);
                    self.remove(key);
                }
                Some(_) => return,
            }
            self.order.pop_front();
        }
    }

    /// Lets the oldest go until the rest fits.
    fn make_room(&mut self) {
        while self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes {
            let Some((serial, key)) = self.order.pop_front() else {
                return;
            };
            let entry = self.entries.get(&key);
            if let Some(entry) = entry.filter(|entry| entry.serial == serial) {
                let unfinished = u64::from(!entry.bad);
                self.counts.evicted = self.counts.evicted.saturating_add(unfinished);
                self.remove(key);
            }
        }
        // Those that are gone, behind one that stays.
        if self.order.len() > self.entries.len().saturating_mul(2).saturating_add(64) {
            let entries = &self.entries;
            let stays = |(serial, key): &(u64, Key)| {
                entries
                    .get(key)
                    .is_some_and(|entry| entry.serial == *serial)
            };
            self.order.retain(stays);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes = self.bytes.saturating_sub(entry.cost());
        }
    }
}

impl Entry {
    fn step(&mut self, piece: Piece, fragment: &Fragment, copies: &mut u64) -> Step {
        if self.bad {
            return Step::Kept;
        }
        let (at, end) = (piece.at, piece.end());
        let index = self.pieces.partition_point(|known| known.at < at);
        if let Some(known) = self.pieces.get(index)
            && known.at == at
            && known.bytes == piece.bytes
        {
            *copies = copies.saturating_add(1);
            return Step::Kept;
        }
        let before = index
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index));
        let overlaps = before.is_some_and(|known| known.end() > at)
            || self.pieces.get(index).is_some_and(|known| known.at < end);
        if overlaps {
            let text =
                "the fragment overlaps an earlier one: the datagram is given up (RFC 5722 4)";
            return self.give_up("ip.fragment.overlap", text.to_owned());
        }
        let last = self.pieces.last().map_or(0, Piece::end);
        let (total, fits) = match (self.total, fragment.more) {
            (None, true) => (None, true),
            (None, false) => (Some(end), last <= end),
            (Some(total), true) => (Some(total), end <= total),
            (Some(total), false) => (Some(total), end == total),
        };
        if !fits {
            let text = "the fragments disagree where the datagram ends: it is given up";
            return self.give_up("ip.fragment.end", text.to_owned());
        }
        self.total = total;
        if at == 0 {
            self.protocol = fragment.protocol;
        }
        self.have = self.have.saturating_add(end.saturating_sub(at));
        self.pieces.insert(index, piece);
        if self.total == Some(self.have) {
            Step::Whole
        } else {
            Step::Kept
        }
    }

    fn give_up(&mut self, key: &'static str, text: String) -> Step {
        self.bad = true;
        self.pieces = Vec::new();
        self.have = 0;
        Step::Against(key, text)
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "numbers of a test, which overflow checks watch"
)]
mod tests;
