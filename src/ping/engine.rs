//! The engine's state and what the shell asks it: what next, what happened, what it adds up to.
//! Sending is in `sending.rs`, judging arrivals in `input.rs`, timeouts and the end in `ending.rs`.

use std::time::Duration;

use super::measure::Clocks;
use super::outage::{Changes, Outages};
use super::payload::Filling;
use super::schedule::Schedule;
use super::sending::Sends;
use super::stats::Meters;
use super::table::{State, Table};
use super::{Config, StateChange, Summary, Verdict};
use crate::event::{Mono, Timestamp};

/// A poll that comes so much later than announced means that this process was held up.
const STALL: Duration = Duration::from_millis(100);
/// After a stall, what has arrived meanwhile is taken before anything times out, for so long at most.
const AFTER_STALL: Duration = Duration::from_secs(1);

/// One echo request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// ICMP identifier.
    pub id: u16,
    /// ICMP sequence number; counts from 1 and wraps.
    pub seq: u16,
    /// Number in this run; counts from 1 and does not wrap.
    pub n: u64,
    /// Payload bytes.
    pub size: usize,
    /// Ask for a transmit time stamp.
    pub want_stamp: bool,
}

/// What the shell is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, then report by `sent`, `not_sent` or `retry`.
    Send(Probe),
    /// Wait for arrivals, at most until then, and poll again. The time may be now: then take what
    /// has arrived, if anything, and poll again.
    WaitUntil(Mono),
    /// The run is over.
    Done,
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All probes of -c are settled, or with -w so many answers are there.
    Count,
    /// The time of --for is over and its probes are settled.
    RunFor,
    /// -w.
    Deadline,
    /// --until has its answers.
    Until,
    /// --fail-after has its failures.
    FailAfter,
    /// The shell was interrupted.
    Interrupted,
    /// The interface is gone: three sends in a row said so.
    DeviceGone,
}

/// The ping engine.
///
/// Feed it everything that waits on the error queue and the socket before each [`Pinger::poll`], so
/// that a stall of this process makes no timeouts of answers that are here already. Answers are
/// judged by kernel stamps where those exist, so such a stall does not make them late either.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says that one notice was given"
)]
pub struct Pinger {
    pub(super) config: Config,
    pub(super) filling: Filling,
    pub(super) schedule: Schedule,
    pub(super) table: Table,
    pub(super) sends: Sends,
    pub(super) clocks: Clocks,
    pub(super) meters: Meters,
    pub(super) outages: Outages,
    /// Counters of the summary; its other fields are filled in when it is asked for.
    pub(super) counts: Summary,
    pub(super) events: Vec<(Timestamp, Verdict)>,
    /// Oldest probe that may be open.
    pub(super) head: u64,
    /// Newest probe with an answer in time.
    pub(super) answered: u64,
    /// Newest probe that an answer or error is about.
    pub(super) acked: u64,
    /// Failures in a row, for --fail-after.
    pub(super) failures: u64,
    pub(super) now: Mono,
    pub(super) start: Option<Mono>,
    /// Something arrived since the last poll.
    pub(super) heard: bool,
    /// When the next poll was to come.
    expected: Mono,
    /// Held up until then: arrivals first.
    stalled: Option<Mono>,
    pub(super) table_full_told: bool,
    pub(super) clash_told: bool,
    pub(super) held_told: bool,
    /// SO_RXQ_OVFL counter as last seen.
    pub(super) overflow: u32,
    /// When packets lost by us were reported last, and how many there were by then.
    pub(super) overflow_told: Option<(Mono, u64)>,
    pub(super) closing: Option<Ended>,
    pub(super) ended: Option<(Ended, Mono)>,
}

impl Pinger {
    /// A run that begins with the first poll.
    pub fn new(config: Config) -> Self {
        Self {
            filling: Filling::new(&config),
            schedule: Schedule::new(&config),
            table: Table::new(&config.ids),
            config,
            sends: Sends::default(),
            clocks: Clocks::default(),
            meters: Meters::new(),
            outages: Outages::default(),
            counts: Summary::default(),
            events: Vec::new(),
            head: 1,
            answered: 0,
            acked: 0,
            failures: 0,
            now: Mono::default(),
            start: None,
            heard: false,
            expected: Mono::default(),
            stalled: None,
            table_full_told: false,
            clash_told: false,
            held_told: false,
            overflow: 0,
            overflow_told: None,
            closing: None,
            ended: None,
        }
    }

    /// What to do at `now`. A time before an earlier one counts as that one. A probe that was handed
    /// out and not reported is handed out again.
    pub fn poll(&mut self, now: Mono) -> Step {
        self.now = self.now.max(now);
        let now = self.now;
        if self.ended.is_some() {
            return Step::Done;
        }
        let start = *self.start.get_or_insert_with(|| {
            self.expected = now;
            now
        });
        let heard = std::mem::take(&mut self.heard);
        if now.since(self.expected) > STALL {
            self.stalled = Some(now);
        } else if let Some(since) = self.stalled
            && (!heard || now.since(since) > AFTER_STALL)
        {
            self.stalled = None;
        }
        let step = self.step(start);
        self.expected = match step {
            Step::WaitUntil(at) => at.max(now),
            Step::Send(_) | Step::Done => now,
        };
        step
    }

    fn step(&mut self, start: Mono) -> Step {
        let now = self.now;
        let ready = self.stalled.is_none();
        if ready && !self.settle() {
            return Step::WaitUntil(now);
        }
        let deadline = self.config.deadline.map(|span| start.plus(span));
        if deadline.is_some_and(|deadline| now >= deadline) {
            self.closing.get_or_insert(Ended::Deadline);
        }
        if let Some(reason) = self.closing.or_else(|| self.goal()) {
            return if ready {
                self.close(reason)
            } else {
                Step::WaitUntil(now)
            };
        }
        let over = self.sending_over(start);
        let next = if let Some(reason) = over.filter(|_| !self.sends.pending()) {
            let linger = self.schedule.last().unwrap_or(now).plus(self.linger());
            if ready && (self.table.open() == 0 || now >= linger) {
                return self.close(reason);
            }
            linger
        } else {
            match self.next_probe() {
                Ok(probe) => return Step::Send(probe),
                Err(at) => at,
            }
        };
        if !ready {
            return Step::WaitUntil(now);
        }
        let run_for = self.config.run_for.filter(|_| over.is_none());
        let ends = [deadline, run_for.map(|span| start.plus(span))];
        let ends = ends.into_iter().flatten().chain(self.next_timeout());
        Step::WaitUntil(ends.fold(next, Mono::min))
    }

    /// The payload of a probe, in place of what `out` holds.
    pub fn payload(&self, probe: &Probe, out: &mut Vec<u8>) {
        self.filling.write(probe.n, probe.size, out);
    }

    /// The user wants to stop: ends the run at once. With thousands of probes outstanding `poll`
    /// has some more of them to report before it says `Done`; the summary counts them already.
    pub fn interrupt(&mut self, now: Mono) {
        if self.ended.is_some() {
            return;
        }
        self.now = self.now.max(now);
        let reason = *self.closing.get_or_insert(Ended::Interrupted);
        self.close(reason);
    }

    /// Takes what was decided since the last call, in order, with the wall-clock time of each.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, (Timestamp, Verdict)> {
        self.events.drain(..)
    }

    /// The numbers so far; after `Done`, of the whole run.
    pub fn summary(&self, now: Mono) -> Summary {
        let (stamp, meter) = self.meters.best();
        let end = self.ended.map_or(now.max(self.now), |(_, at)| at);
        let lost = self.to_be_closed();
        Summary {
            lost: self.counts.lost.saturating_add(lost),
            open: self.table.open().saturating_sub(lost),
            elapsed: end.since(self.start.unwrap_or(end)),
            sending: self.sends.span(),
            rtt: meter.figures(stamp),
            ewma: meter.average(),
            outages: self.outages.list.clone(),
            outage_count: self.outages.count,
            ..self.counts.clone()
        }
    }

    /// Sequence of the newest probe, if it left and has no answer yet: what -O tells right before
    /// the next one is sent.
    pub fn unanswered(&self) -> Option<u16> {
        let n = self.table.last();
        let waits = matches!(
            self.table.get(n)?.state,
            State::Open | State::TimedOut | State::Failed
        );
        waits.then(|| self.table.name(n).1)
    }

    /// Why the run is over, once `poll` has said `Done`.
    pub fn ended(&self) -> Option<Ended> {
        self.ended.map(|(reason, _)| reason)
    }

    /// Whether the exit code is 0. As iputils: something was answered, and with -w and -c as much
    /// as was asked for; --until decides by itself, and --fail-after by having struck.
    pub fn success(&self) -> bool {
        let answers = self.counts.answered();
        let wanted = match (self.config.until, self.config.count, self.config.deadline) {
            (Some(until), _, _) => until,
            (None, Some(count), Some(_)) => count,
            _ => 1,
        };
        self.ended() != Some(Ended::FailAfter) && answers >= wanted.max(1)
    }

    /// Takes note of both clocks, read together.
    pub(super) fn saw_clocks(&mut self, at: Mono, wall: Timestamp) {
        self.now = self.now.max(at);
        self.clocks.saw(at, wall);
    }

    pub(super) fn wall_now(&self) -> Timestamp {
        self.clocks.wall(self.now)
    }

    pub(super) fn tell(&mut self, at: Timestamp, change: StateChange) {
        self.events.push((at, Verdict::State(change)));
    }

    pub(super) fn tell_all(&mut self, changes: Changes) {
        for (at, change) in changes.into_iter().flatten() {
            self.tell(at, change);
        }
    }
}
