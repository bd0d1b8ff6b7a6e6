//! The send table: every probe of the last 262,144, open or closed, in 32 bytes each.
//!
//! It is a ring indexed by the probe's number. Identifier and sequence follow from the number, so
//! neither a hash nor a list is needed, and a closed entry stays as history until the ring comes
//! round: that is what tells a duplicate or late answer from a sequence that was never sent.

use std::time::Duration;

use crate::event::{Mono, Stamp, Timestamp};

/// Sequences of one identifier.
const SEQS: u64 = 1 << 16;
/// Entries of a full-grown ring: 8 MiB.
const MOST: u64 = 4 * SEQS;
const FIRST: u64 = 512;

/// What became of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Did not leave this host.
    #[default]
    NotSent,
    /// Did not leave because it is too big: that says nothing about the path.
    TooBig,
    /// Waits for its answer.
    Open,
    /// Answered in time.
    Answered,
    /// Answered after its timeout.
    Late,
    /// Its timeout has passed.
    TimedOut,
    /// An ICMP error said that it did not get there.
    Failed,
}

impl State {
    /// The probe left this host.
    pub fn left(self) -> bool {
        !matches!(self, Self::NotSent | Self::TooBig)
    }
}

/// What is remembered of one probe. The payload is computed again, not stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    /// Nanoseconds of [`Mono`].
    sent: u64,
    pub wall: Timestamp,
    tx: Timestamp,
    /// Microseconds from sending to the answer; saturates after 71 minutes.
    answer_us: u32,
    size: u16,
    pub state: State,
    tx_stamp: Tx,
}

/// Whether there is a transmit stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tx {
    #[default]
    NotAsked,
    Asked,
    Kernel,
    Hardware,
}

impl Entry {
    pub fn new(sent: Mono, wall: Timestamp, size: usize, state: State) -> Self {
        Self {
            sent: nanos(sent.0),
            wall,
            size: u16::try_from(size).unwrap_or(u16::MAX),
            state,
            ..Self::default()
        }
    }

    pub fn sent(&self) -> Mono {
        Mono(Duration::from_nanos(self.sent))
    }

    pub fn size(&self) -> usize {
        usize::from(self.size)
    }

    /// A transmit stamp was asked for, if so.
    pub fn asking(mut self, asked: bool) -> Self {
        self.tx_stamp = if asked { Tx::Asked } else { Tx::NotAsked };
        self
    }

    /// Whether a transmit stamp was asked for.
    pub fn asked(&self) -> bool {
        self.tx_stamp != Tx::NotAsked
    }

    /// Kernel's or card's transmit stamp.
    pub fn tx(&self) -> Option<(Timestamp, Stamp)> {
        match self.tx_stamp {
            Tx::NotAsked | Tx::Asked => None,
            Tx::Kernel => Some((self.tx, Stamp::Kernel)),
            Tx::Hardware => Some((self.tx, Stamp::Hardware)),
        }
    }

    pub fn set_tx(&mut self, at: Timestamp, stamp: Stamp) {
        self.tx_stamp = match stamp {
            Stamp::User => return,
            // A card's stamp is not given up for the kernel's, which comes beside it.
            Stamp::Kernel if self.tx_stamp == Tx::Hardware => return,
            Stamp::Kernel => Tx::Kernel,
            Stamp::Hardware => Tx::Hardware,
        };
        self.tx = at;
    }

    pub fn set_answer(&mut self, after: Duration) {
        self.answer_us = u32::try_from(after.as_micros()).unwrap_or(u32::MAX);
    }

    /// When the answer came.
    pub fn answer_moment(&self) -> (Mono, Timestamp) {
        let after = Duration::from_micros(u64::from(self.answer_us));
        let wall = i64::from(self.answer_us).saturating_mul(1000);
        let wall = Timestamp(self.wall.0.saturating_add(wall));
        (self.sent().plus(after), wall)
    }
}

/// Nanoseconds of a time; saturates after 584 years.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The ring.
#[derive(Debug)]
pub(super) struct Table {
    ids: Vec<u16>,
    ring: Vec<Entry>,
    /// Number of the newest entry, 0 before the first.
    last: u64,
    /// Entries that are open.
    open: u64,
}

impl Table {
    pub fn new(ids: &[u16]) -> Self {
        let mut own: Vec<u16> = Vec::new();
        for &id in ids {
            if !own.contains(&id) {
                own.push(id);
            }
        }
        if own.is_empty() {
            own.push(0);
        }
        Self {
            ids: own,
            ring: Vec::new(),
            last: 0,
            open: 0,
        }
    }

    /// Number of the newest probe, 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Probes that wait for their answer.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Identifier and sequence of probe `n`: sequences count from 1 as iputils' do, and each full
    /// round of 65,536 takes the next identifier.
    pub fn name(&self, n: u64) -> (u16, u16) {
        let round = (n / SEQS) % self.ids.len() as u64;
        let id = usize::try_from(round).ok().and_then(|i| self.ids.get(i));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the sequence wraps by definition"
        )]
        let seq = n as u16;
        (id.copied().unwrap_or(0), seq)
    }

    /// Probes after which identifier and sequence repeat.
    fn span(&self) -> u64 {
        SEQS.saturating_mul(self.ids.len() as u64)
    }

    pub fn ours(&self, id: u16) -> bool {
        self.ids.contains(&id)
    }

    /// The newest probe that had this identifier and sequence, if it is remembered.
    pub fn newest(&self, id: u16, seq: u16) -> Option<u64> {
        let round = self.ids.iter().position(|&own| own == id)? as u64;
        let place = round.saturating_mul(SEQS).saturating_add(u64::from(seq));
        let span = self.span();
        let last = self.last % span;
        let lap = if last >= place { 0 } else { span };
        let back = last.saturating_add(lap).saturating_sub(place);
        let newest = self.last.checked_sub(back)?;
        (newest >= self.oldest()).then_some(newest)
    }

    /// The probe before this one that had the same identifier and sequence, if it is remembered.
    pub fn previous(&self, n: u64) -> Option<u64> {
        let previous = n.checked_sub(self.span())?;
        (previous >= self.oldest()).then_some(previous)
    }

    /// All that had this identifier and sequence and are remembered, newest first.
    pub fn candidates(&self, id: u16, seq: u16) -> impl Iterator<Item = u64> {
        std::iter::successors(self.newest(id, seq), |&n| self.previous(n))
    }

    /// Number of the oldest probe that is remembered, at least 1.
    pub fn oldest(&self) -> u64 {
        let kept = self.ring.len() as u64;
        self.last.saturating_sub(kept).saturating_add(1)
    }

    fn index(&self, n: u64) -> Option<usize> {
        if n == 0 || n > self.last || n < self.oldest() {
            return None;
        }
        self.place(n)
    }

    fn place(&self, n: u64) -> Option<usize> {
        // The length is a power of two.
        let mask = (self.ring.len() as u64).checked_sub(1)?;
        usize::try_from(n & mask).ok()
    }

    pub fn get(&self, n: u64) -> Option<&Entry> {
        self.ring.get(self.index(n)?)
    }

    /// For everything but the state: see [`Table::set_state`].
    pub fn get_mut(&mut self, n: u64) -> Option<&mut Entry> {
        let index = self.index(n)?;
        self.ring.get_mut(index)
    }

    /// Changes what became of probe `n`.
    pub fn set_state(&mut self, n: u64, state: State) {
        let Some(entry) = self.get_mut(n) else { return };
        let was = std::mem::replace(&mut entry.state, state);
        self.open = self
            .open
            .saturating_sub(u64::from(was == State::Open))
            .saturating_add(u64::from(state == State::Open));
    }

    /// The open probe that must be closed before the next one can be entered: it has the same
    /// identifier and sequence, or its place.
    pub fn in_the_way(&self) -> Option<u64> {
        let next = self.last.saturating_add(1);
        let other = next.checked_sub(self.span().min(MOST))?;
        (self.get(other)?.state == State::Open).then_some(other)
    }

    /// Enters the next probe, whose number is [`Table::last`] + 1.
    pub fn push(&mut self, entry: Entry) {
        let full = self.ring.len() as u64;
        if self.last >= full && full < MOST {
            self.grow();
        }
        self.last = self.last.saturating_add(1);
        let Some(slot) = self.place(self.last).and_then(|at| self.ring.get_mut(at)) else {
            return;
        };
        let was = std::mem::replace(slot, entry);
        self.open = self
            .open
            .saturating_sub(u64::from(was.state == State::Open))
            .saturating_add(u64::from(entry.state == State::Open));
    }

    fn grow(&mut self) {
        let length = (self.ring.len() as u64)
            .saturating_mul(2)
            .clamp(FIRST, MOST);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bigger = Self {
            ids: Vec::new(),
            ring: vec![Entry::default(); length],
            last: self.last,
            open: 0,
        };
        for n in self.oldest()..=self.last {
            if let (Some(entry), Some(at)) = (self.get(n), bigger.place(n))
                && let Some(slot) = bigger.ring.get_mut(at)
            {
                *slot = *entry;
            }
        }
        self.ring = bigger.ring;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(ids: &[u16], count: u64) -> Table {
        let mut table = Table::new(ids);
        for n in 1..=count {
            assert_eq!(table.in_the_way(), None);
            let sent = Mono(Duration::from_nanos(n));
            table.push(Entry::new(sent, Timestamp(0), 56, State::Open));
            table.set_state(n, State::Answered);
        }
        table
    }

    #[test]
    fn memory_is_bounded() {
        assert_eq!(size_of::<Entry>(), 32);
        let bytes = |table: &Table| table.ring.capacity() * size_of::<Entry>();
        assert!(bytes(&filled(&[1], 100)) <= 16 << 10);
        assert!(bytes(&filled(&[1, 2, 3, 4], 100_000)) <= 4 << 20);
        assert!(bytes(&filled(&[1, 2, 3, 4], 1_000_000)) <= 8 << 20);
    }

    #[test]
    fn growing_keeps_what_was_entered() {
        let table = filled(&[1, 2, 3, 4], 5000);
        assert_eq!(table.oldest(), 1);
        for n in 1..=5000 {
            assert_eq!(table.get(n).unwrap().sent, n);
        }
        assert!(table.get(0).is_none() && table.get(5001).is_none());
    }

    #[test]
    fn a_full_ring_forgets_the_oldest() {
        let table = filled(&[1, 2, 3, 4], MOST + 10);
        assert_eq!(table.oldest(), 11);
        assert!(table.get(10).is_none());
        assert_eq!(table.get(11).unwrap().sent, 11);
    }

    #[test]
    fn candidates_are_the_probes_of_that_name_newest_first() {
        let table = filled(&[7, 9], 200_000);
        for n in [1, 65_535, 65_536, 131_071, 131_072, 199_999, 200_000] {
            let (id, seq) = table.name(n);
            let found: Vec<_> = table.candidates(id, seq).collect();
            assert!(found.contains(&n), "{n}: {found:?}");
            assert!(found.iter().all(|&n| table.name(n) == (id, seq)));
            assert!(found.is_sorted_by(|a, b| a > b));
        }
        assert_eq!(table.candidates(8, 1).count(), 0);
        assert_eq!(filled(&[7], 3).candidates(7, 4).count(), 0);
        assert_eq!(filled(&[7], 0).candidates(7, 0).count(), 0);
    }

    #[test]
    fn an_open_probe_of_the_same_name_is_in_the_way() {
        let mut table = Table::new(&[7]);
        let entry = Entry::new(Mono::default(), Timestamp(0), 56, State::Open);
        for _ in 0..SEQS {
            assert_eq!(table.in_the_way(), None);
            table.push(entry);
        }
        assert_eq!((table.in_the_way(), table.open()), (Some(1), SEQS));
    }
}
