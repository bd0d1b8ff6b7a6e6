//! One conversation as the two streams of bytes that its programs saw: TCP segments in order, what
//! came again left out, what is missing named. UDP is passed on datagram by datagram.
//!
//! Bytes go out as soon as they are in order. Only segments from behind a hole wait, in bounded
//! memory; a hole is given up when the receiver acknowledges what lies behind it, when there is no
//! more room, and at the end.

use std::collections::BTreeMap;

use super::streams::{Stream, Streams};
use super::{End, Kind, Talk, talks};
use crate::decode::{Frame, Packet, tcp};

/// Most bytes that wait behind holes, for each direction.
pub const MAX_WAITING: usize = 1 << 20;
/// Most segments that wait, for each direction.
const MAX_SEGMENTS: usize = 4096;
/// Furthest that a segment can lie ahead: twice the largest window (RFC 7323 2.3).
const MAX_AHEAD: i64 = 1 << 31;

/// Why bytes are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The receiver acknowledged them, so they were sent; the capture does not have them.
    NotCaptured,
    /// Nobody knows whether they were sent: the capture ends before they are acknowledged.
    NotSeen,
    /// The capture keeps only the first bytes of each packet.
    Cut,
    /// More waited behind the hole than is kept.
    NoRoom,
}

/// A part of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes; `forward` from the one who sent first.
    Data {
        /// Which way.
        forward: bool,
        /// What.
        bytes: &'a [u8],
    },
    /// Bytes that are missing here.
    Missing {
        /// Which way.
        forward: bool,
        /// How many.
        len: u64,
        /// Why.
        why: Why,
    },
}

/// What was noticed in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes passed on.
    pub bytes: u64,
    /// Segments or datagrams with data.
    pub packets: u64,
    /// Bytes that came again and were left out.
    pub again: u64,
    /// Segments that came before one that belongs in front of them.
    pub early: u64,
    /// Bytes that are missing.
    pub missing: u64,
    /// Segments far outside any window, left out.
    pub strange: u64,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    /// Bytes behind those that the capture cut off.
    cut: u64,
}

/// One direction. Places count in bytes from the first one that was seen.
#[derive(Debug, Default)]
struct Side {
    /// Sequence number at place `next`.
    seq: Option<u32>,
    next: u64,
    /// Up to where the receiver has everything.
    acked: u64,
    waiting: BTreeMap<u64, Waiting>,
    held: usize,
    tally: Tally,
}

/// Follows one conversation.
#[derive(Debug)]
pub struct Follow {
    kind: Kind,
    number: u64,
    streams: Streams,
    ends: Option<(End, End)>,
    forward: Side,
    back: Side,
    seen: Option<u64>,
}

impl Follow {
    /// The conversation with this number, TCP or UDP.
    pub fn new(kind: Kind, number: u64) -> Self {
        Self {
            kind,
            number,
            streams: Streams::default(),
            ends: None,
            forward: Side::default(),
            back: Side::default(),
            seen: None,
        }
    }

    /// Who sent first, and to whom; `None` if it was not there.
    pub fn ends(&self) -> Option<(End, End)> {
        self.ends
    }

    /// What was noticed, forward and back.
    pub fn tallies(&self) -> [Tally; 2] {
        [self.forward.tally, self.back.tally]
    }

    /// The highest number of a conversation of this kind so far.
    pub fn highest(&self) -> Option<u64> {
        self.seen
    }

    /// Conversations that had to be forgotten, so that numbers may be wrong.
    pub fn let_go(&self) -> u64 {
        self.streams.let_go()
    }

    /// Takes a packet, and hands out what it brings in order; with the ends, as [`Follow::ends`].
    pub fn add(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet,
        out: &mut dyn FnMut((End, End), Piece<'_>),
    ) {
        let kind = self.kind;
        for talk in talks(packet).filter(|talk| talk.kind == kind) {
            let Some(stream) = self.streams.place(packet, &talk) else {
                continue;
            };
            self.seen = self.seen.max(Some(stream.number));
            if stream.number == self.number {
                self.take(frame, packet, &talk, stream, out);
            }
        }
    }

    /// The end: hands out what still waits behind holes.
    pub fn finish(&mut self, out: &mut dyn FnMut((End, End), Piece<'_>)) {
        let Some(ends) = self.ends else {
            return;
        };
        let out: &mut dyn FnMut(Piece<'_>) = &mut |piece| out(ends, piece);
        for (side, forward) in [(&mut self.forward, true), (&mut self.back, false)] {
            while let Some(first) = side.waiting.keys().next().copied() {
                let why = side.why(first, Why::NotSeen);
                side.skip_to(first, why, forward, out);
                side.drain(forward, out);
            }
        }
    }

    fn take(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet,
        talk: &Talk<'_>,
        stream: Stream,
        out: &mut dyn FnMut((End, End), Piece<'_>),
    ) {
        let ends = *self.ends.get_or_insert((talk.source, talk.destination));
        let out: &mut dyn FnMut(Piece<'_>) = &mut |piece| out(ends, piece);
        let layer = talk.layer;
        let from = layer.at.saturating_add(layer.len);
        let buffer = packet.buffer(frame, layer.buf);
        let end = (layer.end as usize).min(buffer.len());
        let bytes = buffer.get(from as usize..end).unwrap_or(&[]);
        let claimed = u64::from(layer.end.saturating_sub(from));
        let cut = claimed.saturating_sub(bytes.len() as u64);
        let (side, other) = if stream.forward {
            (&mut self.forward, &mut self.back)
        } else {
            (&mut self.back, &mut self.forward)
        };
        if talk.kind == Kind::Udp {
            side.tally.packets = side.tally.packets.saturating_add(1);
            side.emit(bytes, cut, stream.forward, out);
            return;
        }
        let number = |spec| packet.field(layer, spec)?.value.as_u64();
        // Without it the header itself was cut.
        if number(&tcp::LEN).is_none() {
            return;
        }
        let word = |spec| number(spec).and_then(|number| u32::try_from(number).ok());
        let Some(seq) = word(&tcp::SEQ) else {
            return;
        };
        let flag = |spec| number(spec) == Some(1);
        if !flag(&tcp::RST) {
            side.segment(seq, flag(&tcp::SYN), bytes, cut, stream.forward, out);
        }
        if flag(&tcp::ACK_FLAG)
            && let Some(ack) = word(&tcp::ACK)
        {
            other.acknowledged(ack, !stream.forward, out);
        }
    }
}

impl Side {
    /// Place of a sequence number; `None` if it lies far away.
    fn place(&self, seq: u32) -> Option<i64> {
        let known = self.seq?;
        // Distances are less than half of all numbers (RFC 9293 3.4).
        let ahead = i64::from(seq.wrapping_sub(known).cast_signed());
        let place = i64::try_from(self.next).ok()?.checked_add(ahead)?;
        (ahead < MAX_AHEAD).then_some(place)
    }

    fn segment(
        &mut self,
        seq: u32,
        syn: bool,
        bytes: &[u8],
        cut: u64,
        forward: bool,
        out: &mut dyn FnMut(Piece<'_>),
    ) {
        // The SYN takes a number of its own, before the data.
        let seq = if syn { seq.wrapping_add(1) } else { seq };
        if self.seq.is_none() {
            self.seq = Some(seq);
        }
        let len = (bytes.len() as u64).saturating_add(cut);
        if len == 0 {
            return;
        }
        self.tally.packets = self.tally.packets.saturating_add(1);
        let Some(place) = self.place(seq) else {
            self.tally.strange = self.tally.strange.saturating_add(1);
            return;
        };
        let start = u64::try_from(place).unwrap_or(0);
        // What lies before the first byte that we know is old too.
        let before = u64::try_from(place.saturating_neg()).unwrap_or(0);
        let old = self
            .next
            .saturating_sub(start)
            .saturating_add(before)
            .min(len);
        self.tally.again = self.tally.again.saturating_add(old);
        if old == len {
            return;
        }
        if start > self.next {
            self.tally.early = self.tally.early.saturating_add(1);
            self.wait(start, bytes, cut, forward, out);
        } else {
            let (bytes, cut) = behind(bytes, cut, old);
            self.emit(bytes, cut, forward, out);
            self.drain(forward, out);
        }
        self.give_up_acknowledged(forward, out);
    }

    fn wait(
        &mut self,
        start: u64,
        bytes: &[u8],
        cut: u64,
        forward: bool,
        out: &mut dyn FnMut(Piece<'_>),
    ) {
        let size = |one: &Waiting| (one.bytes.len() as u64).saturating_add(one.cut);
        let new = Waiting {
            bytes: bytes.to_vec(),
            cut,
        };
        match self.waiting.get(&start) {
            Some(known) if size(known) >= size(&new) => {
                self.tally.again = self.tally.again.saturating_add(size(&new));
                return;
            }
            _ => {}
        }
        self.held = self.held.saturating_add(bytes.len());
        if let Some(known) = self.waiting.insert(start, new) {
            self.held = self.held.saturating_sub(known.bytes.len());
            self.tally.again = self.tally.again.saturating_add(size(&known));
        }
        while self.held > MAX_WAITING || self.waiting.len() > MAX_SEGMENTS {
            let Some(first) = self.waiting.keys().next().copied() else {
                return;
            };
            let why = self.why(first, Why::NoRoom);
            self.skip_to(first, why, forward, out);
            self.drain(forward, out);
        }
    }

    /// The receiver has everything before this number.
    fn acknowledged(&mut self, ack: u32, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        if let Some(place) = self.place(ack)
            && let Ok(place) = u64::try_from(place)
        {
            self.acked = self.acked.max(place);
        }
        self.give_up_acknowledged(forward, out);
    }

    /// A hole that the receiver does not have will not be filled.
    fn give_up_acknowledged(&mut self, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        while let Some(first) = self.waiting.keys().next().copied()
            && self.acked > first
        {
            self.skip_to(first, Why::NotCaptured, forward, out);
            self.drain(forward, out);
        }
    }

    fn why(&self, first: u64, otherwise: Why) -> Why {
        if self.acked >= first {
            Why::NotCaptured
        } else {
            otherwise
        }
    }

    fn skip_to(&mut self, place: u64, why: Why, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        let len = place.saturating_sub(self.next);
        if len > 0 {
            self.missing(len, why, forward, out);
        }
    }

    fn missing(&mut self, len: u64, why: Why, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        self.tally.missing = self.tally.missing.saturating_add(len);
        out(Piece::Missing { forward, len, why });
        self.advance(len);
    }

    /// Hands out what waits and is in order now.
    fn drain(&mut self, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > self.next {
                return;
            }
            let (start, one) = entry.remove_entry();
            self.held = self.held.saturating_sub(one.bytes.len());
            let len = (one.bytes.len() as u64).saturating_add(one.cut);
            let old = self.next.saturating_sub(start).min(len);
            self.tally.again = self.tally.again.saturating_add(old);
            let (bytes, cut) = behind(&one.bytes, one.cut, old);
            self.emit(bytes, cut, forward, out);
        }
    }

    fn emit(&mut self, bytes: &[u8], cut: u64, forward: bool, out: &mut dyn FnMut(Piece<'_>)) {
        if !bytes.is_empty() {
            let len = bytes.len() as u64;
            self.tally.bytes = self.tally.bytes.saturating_add(len);
            out(Piece::Data { forward, bytes });
            self.advance(len);
        }
        if cut > 0 {
            self.missing(cut, Why::Cut, forward, out);
        }
    }

    fn advance(&mut self, len: u64) {
        self.next = self.next.saturating_add(len);
        // The low 32 bits are what the header counts.
        let step = u32::try_from(len & u64::from(u32::MAX)).unwrap_or(0);
        self.seq = self.seq.map(|seq| seq.wrapping_add(step));
    }
}

/// What is left of a segment behind its first `old` bytes.
fn behind(bytes: &[u8], cut: u64, old: u64) -> (&[u8], u64) {
    let skip = usize::try_from(old).unwrap_or(usize::MAX);
    let rest = bytes.get(skip.min(bytes.len())..).unwrap_or(&[]);
    let more = old.saturating_sub(bytes.len() as u64);
    (rest, cut.saturating_sub(more))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// What a side hands out: `abc` for data, `<3>` for three missing bytes.
    #[derive(Default)]
    struct Bench {
        side: Side,
        text: String,
    }

    impl Bench {
        fn new(first: u32) -> Self {
            let mut bench = Self::default();
            bench.with(|side, out| side.segment(first, true, b"", 0, true, out));
            bench
        }

        fn with(&mut self, turn: impl FnOnce(&mut Side, &mut dyn FnMut(Piece<'_>))) -> &str {
            let text = &mut self.text;
            turn(&mut self.side, &mut |piece| match piece {
                Piece::Data { bytes, .. } => text.push_str(&String::from_utf8_lossy(bytes)),
                Piece::Missing { len, why, .. } => {
                    let _ = write!(text, "<{len} {why:?}>");
                }
            });
            &self.text
        }

        fn put(&mut self, seq: u32, data: &str) -> &str {
            self.with(|side, out| side.segment(seq, false, data.as_bytes(), 0, true, out))
        }

        fn ack(&mut self, ack: u32) -> &str {
            self.with(|side, out| side.acknowledged(ack, true, out))
        }
    }

    #[test]
    fn every_order_and_repetition_gives_the_same_bytes() {
        // Around the end of the numbers, in every order of four parts, some of which overlap.
        let first = u32::MAX.wrapping_sub(4);
        let parts = [(1, "abc"), (3, "cdef"), (7, "gh"), (9, "ijkl")];
        for order in 0..256u32 {
            let mut bench = Bench::new(first);
            let order = [order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3];
            for index in order.into_iter().chain(0..4) {
                let (at, data) = parts[index as usize];
                bench.put(first.wrapping_add(at), data);
            }
            assert_eq!(bench.text, "abcdefghijkl", "{order:?}");
            assert_eq!(bench.side.held, 0);
            assert!(bench.side.waiting.is_empty());
            // Every byte was passed on once; the others came again.
            let sent: u64 = order
                .into_iter()
                .chain(0..4)
                .map(|index| parts[index as usize].1.len() as u64)
                .sum();
            assert_eq!(bench.side.tally.again, sent - 12, "{order:?}");
        }
    }

    #[test]
    fn a_hole_is_given_up_when_what_is_behind_it_is_acknowledged() {
        let mut bench = Bench::new(0);
        assert_eq!(bench.put(1, "ab"), "ab");
        assert_eq!(bench.put(5, "ef"), "ab");
        assert_eq!(bench.ack(3), "ab");
        assert_eq!(bench.ack(7), "ab<2 NotCaptured>ef");
        // The other way round: acknowledged before it is seen.
        bench.ack(20);
        assert_eq!(bench.put(10, "z"), "ab<2 NotCaptured>ef<3 NotCaptured>z");
        // What came too late came again.
        bench.put(3, "cd");
        assert_eq!(bench.side.tally.again, 2);
        assert_eq!(bench.side.tally.missing, 5);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut bench = Bench::new(0);
        let long = "x".repeat(1400);
        for n in 0..1000 {
            bench.put(10 + n * 1400, &long);
            assert!(bench.side.held <= MAX_WAITING);
        }
        assert!(
            bench.text.starts_with("<9 NoRoom>x"),
            "{}",
            &bench.text[..20]
        );
        let mut bench = Bench::new(0);
        for n in 0..10_000 {
            bench.put(10 + n * 2, "y");
            assert!(bench.side.waiting.len() <= MAX_SEGMENTS);
        }
    }

    #[test]
    fn strange_numbers_are_left_out() {
        let mut bench = Bench::new(1000);
        bench.put(1001, "ab");
        bench.put(900, "old");
        assert_eq!(bench.put(1003, "c"), "abc");
        // Before the very first byte, reaching into what is new.
        let mut bench = Bench::new(1000);
        assert_eq!(bench.put(999, "xxab"), "ab");
        assert_eq!(bench.side.tally.again, 2);
    }

    #[test]
    fn what_the_capture_cut_is_missing_and_the_rest_fits() {
        let mut bench = Bench::new(0);
        bench.with(|side, out| side.segment(1, false, b"ab", 3, true, out));
        assert_eq!(bench.put(6, "f"), "ab<3 Cut>f");
        bench.with(|side, out| side.segment(9, false, b"i", 2, true, out));
        assert_eq!(bench.put(7, "gh"), "ab<3 Cut>fghi<2 Cut>");
    }
}
