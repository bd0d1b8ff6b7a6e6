//! The receiving side: each arrival gets one verdict. Nothing in a payload is believed: it is only
//! compared with what the send table expects.
//!
//! Order of checks for an echo reply: our identifier, our nonce, checksum, known sequence, length,
//! payload, source, and last whether the probe is open, answered or past its timeout.

use std::net::IpAddr;
use std::time::Duration;

use super::arrival::ECHO_HEADER as HEADER;
use super::engine::Pinger;
use super::measure::Measured;
use super::payload::COOKIE_LEN;
use super::table::{Entry, State};
use super::{Arrival, Echo, Message, StateChange, Verdict};
use crate::event::Mono;

/// Lost-by-us lines are at least this far apart.
const OVERFLOW_GAP: Duration = Duration::from_secs(1);

impl Pinger {
    /// Judges one arrival.
    pub fn input(&mut self, arrival: &Arrival<'_>) {
        self.saw_clocks(arrival.at, arrival.wall);
        self.heard = true;
        if let Some(count) = arrival.overflow {
            self.overflowed(count);
        }
        match arrival.message {
            Message::EchoReply(echo) => self.reply(arrival, &echo),
            Message::EchoRequest(echo) => self.request(arrival, &echo),
            Message::Error { quoted, .. } => self.error(arrival, quoted),
            Message::Other => {}
        }
    }

    fn is_target(&self, from: IpAddr) -> bool {
        let target = self.config.target;
        from == target
            || self.config.any_address
            // The kernel takes 0.0.0.0 and :: as this host.
            || (target.is_unspecified() && from.is_loopback())
    }

    fn reply(&mut self, arrival: &Arrival<'_>, echo: &Echo<'_>) {
        let (seq, from, bytes) = (echo.seq, arrival.from, echo.icmp_len);
        if !self.table.ours(echo.id) {
            return;
        }
        let time = arrival.stamp.map_or(arrival.wall, |(time, _)| time);
        let found = self.find(echo);
        let cookie = found.is_none_or(|(_, entry)| entry.size() >= COOKIE_LEN);
        let is_target = self.is_target(from);
        if cookie && self.filling.foreign(seq, echo.payload, is_target) {
            if !std::mem::replace(&mut self.clash_told, true) {
                self.tell(time, StateChange::IdClash { id: echo.id });
            }
            return;
        }
        if let Some((got, computed)) = echo.bad_checksum {
            bump(&mut self.counts.bad_checksum);
            let verdict = Verdict::BadChecksum {
                seq,
                from,
                bytes,
                got,
                computed,
            };
            self.events.push((time, verdict));
            return;
        }
        let Some((n, entry)) = found else {
            bump(&mut self.counts.unknown_seq);
            self.events
                .push((time, Verdict::UnknownSeq { seq, from, bytes }));
            return;
        };
        if let Some(verdict) = self.damaged(echo, from, n, &entry) {
            self.events.push((time, verdict));
            return;
        }
        let measured = self.measure(arrival, &entry);
        let (rtt, stamp) = measured.best();
        let ttl = arrival.ttl;
        if !is_target {
            bump(&mut self.counts.other_address);
            let verdict = Verdict::OtherAddress {
                seq,
                from,
                bytes,
                ttl,
                rtt,
                stamp,
            };
            self.events.push((time, verdict));
            return;
        }
        if matches!(entry.state, State::Answered | State::Late) {
            bump(&mut self.counts.duplicates);
            let verdict = Verdict::Duplicate {
                seq,
                from,
                bytes,
                ttl,
                rtt,
                stamp,
            };
            self.events.push((time, verdict));
            return;
        }
        let late = entry.state == State::TimedOut || rtt >= self.config.patience();
        let reordered = self.answer(n, &entry, measured, late);
        let verdict = if late {
            Verdict::Late {
                seq,
                n,
                from,
                bytes,
                ttl,
                rtt,
                stamp,
            }
        } else {
            Verdict::Reply {
                seq,
                n,
                from,
                bytes,
                ttl,
                rtt,
                stamp,
                reordered,
            }
        };
        self.events.push((time, verdict));
        if !late && !self.outages.calm() {
            let ended = self.outages.answered(n, (arrival.at, time));
            self.tell_all([ended, None]);
        }
    }

    /// The probe that this is an answer to. Where several that are remembered had this identifier
    /// and sequence, it is the newest whose payload this is, else the newest.
    fn find(&self, echo: &Echo<'_>) -> Option<(u64, Entry)> {
        let newest = self.table.newest(echo.id, echo.seq)?;
        let entry = *self.table.get(newest)?;
        if self.table.previous(newest).is_none() {
            return entry.state.left().then_some((newest, entry));
        }
        let known = |n: u64| {
            let entry = self.table.get(n)?;
            entry.state.left().then_some((n, *entry))
        };
        let fits = |(n, entry): &(u64, Entry)| {
            let size = entry.size();
            size.saturating_add(HEADER) == echo.icmp_len
                && self.filling.difference(*n, size, echo.payload).is_none()
        };
        let candidates = || self.table.candidates(echo.id, echo.seq).filter_map(known);
        candidates().find(fits).or_else(|| candidates().next())
    }

    /// A verdict on an answer that is not what was sent.
    fn damaged(&mut self, echo: &Echo<'_>, from: IpAddr, n: u64, entry: &Entry) -> Option<Verdict> {
        // What our buffer cut off cannot be called right either.
        let received = echo.payload.len().saturating_add(HEADER);
        let (seq, bytes) = (echo.seq, echo.icmp_len.min(received));
        let expected = entry.size().saturating_add(HEADER);
        if bytes < expected {
            bump(&mut self.counts.truncated);
            return Some(Verdict::Truncated {
                seq,
                from,
                bytes,
                expected,
            });
        }
        if bytes > expected {
            bump(&mut self.counts.longer);
            return Some(Verdict::Longer {
                seq,
                from,
                bytes,
                expected,
            });
        }
        let found = self.filling.difference(n, entry.size(), echo.payload)?;
        bump(&mut self.counts.corrupt);
        Some(Verdict::Corrupt {
            seq,
            from,
            bytes,
            at: found.at,
            sent: found.sent,
            got: found.got,
        })
    }

    /// Books the first answer to probe `n`; whether it came after that of a later probe.
    fn answer(&mut self, n: u64, entry: &Entry, measured: Measured, late: bool) -> bool {
        if matches!(entry.state, State::TimedOut | State::Failed) {
            self.counts.lost = self.counts.lost.saturating_sub(1);
        }
        let state = if late { State::Late } else { State::Answered };
        self.table.set_state(n, state);
        if let Some(entry) = self.table.get_mut(n) {
            entry.set_answer(measured.user);
        }
        self.failures = 0;
        self.acknowledge(n);
        if late {
            bump(&mut self.counts.late);
            return false;
        }
        bump(&mut self.counts.received);
        let asked = entry.asked();
        self.meters.add(measured.user, measured.better, asked);
        let reordered = n < self.answered;
        self.counts.reordered = self.counts.reordered.saturating_add(u64::from(reordered));
        self.answered = self.answered.max(n);
        reordered
    }

    /// Something came back about probe `n`: it and those before it are no longer in flight.
    pub(super) fn acknowledge(&mut self, n: u64) {
        let span = self.table.last().saturating_sub(n).saturating_add(1);
        self.counts.pipe = self.counts.pipe.max(span);
        self.acked = self.acked.max(n);
    }

    fn request(&mut self, arrival: &Arrival<'_>, echo: &Echo<'_>) {
        let (seq, from, bytes) = (echo.seq, arrival.from, echo.icmp_len);
        let copies = self.config.local_target || self.config.any_address;
        if copies || !self.table.ours(echo.id) {
            return;
        }
        // A request that is not what we sent is somebody's ping of this host.
        let Some((n, entry)) = self.find(echo) else {
            return;
        };
        let size = entry.size();
        let same = size.saturating_add(HEADER) == bytes
            && self.filling.difference(n, size, echo.payload).is_none();
        if same {
            bump(&mut self.counts.requests);
            let time = arrival.stamp.map_or(arrival.wall, |(time, _)| time);
            self.events
                .push((time, Verdict::Request { seq, from, bytes }));
        }
    }

    /// The counter runs from 0 at the socket's opening and wraps at 2^32.
    fn overflowed(&mut self, count: u32) {
        let more = count.wrapping_sub(self.overflow);
        // Half the range ahead is a step back, which no kernel does.
        if more == 0 || more > u32::MAX / 2 {
            return;
        }
        self.overflow = count;
        self.counts.lost_by_us = self.counts.lost_by_us.saturating_add(u64::from(more));
        self.tell_overflow(false);
    }

    /// Reports what was lost by us since the last such line, unless that is too short ago.
    pub(super) fn tell_overflow(&mut self, at_end: bool) {
        let (last, told) = self.overflow_told.unwrap_or((Mono::default(), 0));
        let count = self.counts.lost_by_us.saturating_sub(told);
        let due = at_end || self.overflow_told.is_none() || self.now.since(last) >= OVERFLOW_GAP;
        if count > 0 && due {
            self.overflow_told = Some((self.now, self.counts.lost_by_us));
            self.tell(self.wall_now(), StateChange::LostByUs { count });
        }
    }
}

pub(super) fn bump(count: &mut u64) {
    *count = count.saturating_add(1);
}
