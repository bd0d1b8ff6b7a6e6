//! What happened on the wire, the newest part of it: bounded in count and bytes, evictions counted.

use std::collections::VecDeque;

use crate::event::{Host, Kind, Mono};

/// One event with its number, which never repeats.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts from 0 over the whole life of the wire.
    pub number: u64,
    /// When it happened.
    pub at: Mono,
    /// Where.
    pub host: Host,
    /// What.
    pub kind: Kind,
    /// The number of the event that brought it about.
    pub cause: Option<u64>,
    /// The packet event that holds the same bytes, so that they travel once.
    pub same: Option<u64>,
}

/// The events.
#[derive(Debug)]
pub struct Log {
    entries: VecDeque<Entry>,
    next: u64,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    evicted: u64,
}

impl Log {
    /// An empty log.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            bytes: 0,
            max_entries,
            max_bytes,
            evicted: 0,
        }
    }

    /// Adds an event and gives its number.
    pub fn push(
        &mut self,
        at: Mono,
        host: Host,
        kind: Kind,
        cause: Option<u64>,
        same: Option<u64>,
    ) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let entry = Entry {
            number,
            at,
            host,
            kind,
            cause,
            same,
        };
        self.bytes = self.bytes.saturating_add(own_bytes(&entry));
        self.entries.push_back(entry);
        while self.entries.len() > self.max_entries || self.bytes > self.max_bytes {
            let Some(old) = self.entries.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(own_bytes(&old));
            self.evicted = self.evicted.saturating_add(1);
        }
        number
    }

    /// The events from this number on, as far as they are still here.
    pub fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        let first = self.entries.front().map_or(self.next, |entry| entry.number);
        let skip = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip)
    }

    /// The number that the next event will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many old events were let go.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// Bytes that are counted for an entry. Shared ones are counted again: an upper bound.
fn own_bytes(entry: &Entry) -> usize {
    match &entry.kind {
        Kind::Packet(packet) => packet.bytes.len(),
        Kind::Note(text) => text.len(),
        Kind::Call(_) | Kind::Fate(_) => 0,
    }
}
