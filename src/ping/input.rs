//! The receiving side: each arrival gets one verdict. Nothing in a payload is believed: it is only
//! compared with what the send table expects.
//!
//! Order of checks for an echo reply: our identifier, our nonce, checksum, known sequence, length,
//! payload, source, and last whether the probe is open, answered or past its timeout.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::arrival::ECHO_HEADER as HEADER;
use super::config::COOKIE_LEN;
use super::engine::Pinger;
use super::table::{Entry, State};
use super::{Arrival, Echo, IcmpError, Message, Quoted, StateChange, Verdict};
use crate::event::{Mono, Stamp, Timestamp};

/// Two clocks read one after the other may disagree by this, and by 1/1000 of the time between.
const CLOCK_SLACK: Duration = Duration::from_millis(10);
/// A kernel round trip may be longer than ours by this: clocks are slewed by up to 500 ppm.
const STAMP_SLACK: Duration = Duration::from_millis(1);
/// Lost-by-us lines are at least this far apart.
const OVERFLOW_GAP: Duration = Duration::from_secs(1);

/// A round trip by our clock and, where stamps exist and are sound, by a better one.
#[derive(Clone, Copy, Debug)]
struct Measured {
    user: Duration,
    better: Option<(Duration, Stamp)>,
}

impl Measured {
    fn best(self) -> (Duration, Stamp) {
        self.better.unwrap_or((self.user, Stamp::User))
    }
}

impl Pinger {
    /// Judges one arrival.
    pub fn input(&mut self, arrival: &Arrival<'_>) {
        self.saw_clocks(arrival.at, arrival.wall);
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
        self.config.any_address || from == self.config.target
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
        if !late {
            let ended = self.outages.answered(n, time);
            self.tell_all([ended, None]);
        }
    }

    /// The probe that this is an answer to. Where several that are remembered had this identifier
    /// and sequence, it is the newest whose payload this is, else the newest.
    fn find(&self, echo: &Echo<'_>) -> Option<(u64, Entry)> {
        let known = |n: u64| {
            let entry = self.table.get(n)?;
            (entry.state != State::NotSent).then_some((n, *entry))
        };
        let mut candidates = self.table.candidates(echo.id, echo.seq).filter_map(known);
        let newest = candidates.next()?;
        let fits = |(n, entry): &(u64, Entry)| {
            let size = entry.size();
            size.saturating_add(HEADER) == echo.icmp_len
                && self.filling.difference(*n, size, echo.payload).is_none()
        };
        let mut others = candidates.peekable();
        if others.peek().is_none() || fits(&newest) {
            return Some(newest);
        }
        Some(others.find(fits).unwrap_or(newest))
    }

    /// A verdict on an answer that is not what was sent.
    fn damaged(&mut self, echo: &Echo<'_>, from: IpAddr, n: u64, entry: &Entry) -> Option<Verdict> {
        let (seq, bytes) = (echo.seq, echo.icmp_len);
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
    fn acknowledge(&mut self, n: u64) {
        let span = self.table.last().saturating_sub(n).saturating_add(1);
        self.counts.pipe = self.counts.pipe.max(span);
        self.acked = self.acked.max(n);
    }

    /// Round trips of an answer. Kernel stamps are wall-clock times, so they count only if the wall
    /// clock and the monotonic clock agree on how long it took.
    fn measure(&mut self, arrival: &Arrival<'_>, entry: &Entry) -> Measured {
        let user = arrival.at.since(entry.sent());
        let stepped = {
            let wall = i128::from(arrival.wall.0) - i128::from(entry.wall.0);
            let apart = wall.abs_diff(i128::try_from(user.as_nanos()).unwrap_or(i128::MAX));
            apart > (CLOCK_SLACK + user / 1000).as_nanos()
        };
        let stamped = match (arrival.stamp, entry.tx()) {
            (Some((rx, kind)), Some((tx, tx_kind))) if kind == tx_kind => Some((rx, tx, kind)),
            _ => None,
        };
        let sound = stamped.and_then(|(rx, tx, kind)| {
            let rtt = rx.since(tx)?;
            (rtt <= user.saturating_add(STAMP_SLACK + user / 1000)).then_some((rtt, kind))
        });
        let better = sound.filter(|_| !stepped);
        if stepped || (stamped.is_some() && better.is_none()) {
            self.clock_step(arrival.wall);
        }
        Measured { user, better }
    }

    /// One line for each step, not one for each probe that was under way.
    fn clock_step(&mut self, time: Timestamp) {
        let slack = CLOCK_SLACK.as_nanos();
        let told = self
            .step_at
            .is_some_and(|old| u128::from(old.abs_diff(self.offset)) <= slack);
        if !told {
            self.step_at = Some(self.offset);
            self.tell(time, StateChange::ClockStep);
        }
    }

    fn request(&mut self, arrival: &Arrival<'_>, echo: &Echo<'_>) {
        let (seq, from, bytes) = (echo.seq, arrival.from, echo.icmp_len);
        if self.config.local_target || !self.table.ours(echo.id) {
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

    /// An ICMP error closes its probe as lost, and lets a later right answer take that back.
    fn error(&mut self, arrival: &Arrival<'_>, quoted: Option<Quoted<'_>>) {
        let Message::Error {
            icmp_type,
            code,
            rest,
            bytes,
            ..
        } = arrival.message
        else {
            return;
        };
        let probe = match quoted.map(|quoted| self.find_quoted(&quoted)) {
            Some(About::Foreign) => return,
            Some(About::Probe(n)) => Some(n),
            Some(About::Nobody) | None => None,
        };
        let terminal = is_terminal(arrival.from, icmp_type);
        if let Some(n) = probe.filter(|_| terminal) {
            self.acknowledge(n);
            if self.table.get(n).map(|entry| entry.state) == Some(State::Open) {
                self.table.set_state(n, State::Failed);
                bump(&mut self.counts.lost);
                self.failures = self.failures.saturating_add(1);
            }
        }
        bump(if terminal {
            &mut self.counts.errors
        } else {
            &mut self.counts.notices
        });
        let error = IcmpError {
            from: arrival.from,
            icmp_type,
            code,
            rest,
            message: (!bytes.is_empty()).then(|| Arc::from(bytes)),
            // A redirect of ICMPv6 need not quote (RFC 4861 4.5).
            unmatched: probe.is_none() && icmp_type != 137,
        };
        let time = arrival.stamp.map_or(arrival.wall, |(time, _)| time);
        let seq = probe.map(|n| self.table.name(n).1);
        self.events.push((time, Verdict::Error { seq, error }));
    }

    /// Which probe a quote is of. The quoted nonce decides where there is one, else the quoted
    /// destination: another run with our id may be pinging somebody else.
    fn find_quoted(&self, quoted: &Quoted<'_>) -> About {
        if !self.table.ours(quoted.id) {
            return About::Foreign;
        }
        let candidates = self.table.candidates(quoted.id, quoted.seq);
        let mut known = candidates.filter_map(|n| {
            let entry = self.table.get(n)?;
            (entry.state != State::NotSent).then_some((n, entry.size()))
        });
        let Some((newest, size)) = known.next() else {
            return About::Nobody;
        };
        let fits = |&(n, size): &(u64, usize)| {
            let payload = quoted.payload;
            self.filling.difference(n, size, payload).is_none()
        };
        match self.filling.own_nonce(size, quoted.payload) {
            Some(false) => About::Foreign,
            None if quoted.to.is_some_and(|to| to != self.config.target) => About::Nobody,
            Some(true) | None => {
                let probe = Some((newest, size))
                    .filter(fits)
                    .or_else(|| known.find(fits));
                About::Probe(probe.map_or(newest, |(n, _)| n))
            }
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
            let time = self.wall(self.now);
            self.tell(time, StateChange::LostByUs { count });
        }
    }
}

/// What an error is about.
enum About {
    Probe(u64),
    /// Nothing that is remembered.
    Nobody,
    /// A probe of another program.
    Foreign,
}

/// Whether an ICMP message means that the probe did not get there. Redirect (5) and source quench
/// (4, RFC 6633) of IPv4 do not; ICMPv6 has its informational messages, redirect among them, from
/// 128 on (RFC 4443 2.1).
fn is_terminal(from: IpAddr, icmp_type: u8) -> bool {
    match from {
        IpAddr::V4(_) => !matches!(icmp_type, 4 | 5),
        IpAddr::V6(_) => icmp_type < 128,
    }
}

fn bump(count: &mut u64) {
    *count = count.saturating_add(1);
}
