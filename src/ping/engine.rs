//! The engine's state and the sending side: what to do next, and what became of it. What arrives is
//! judged in `input.rs`.

use std::time::Duration;

use super::config::Filling;
use super::outage::{Changes, Outages};
use super::schedule::{Due, Schedule};
use super::stats::Meters;
use super::table::{Entry, State, Table};
use super::{Config, NotSent, StateChange, Summary, Verdict};
use crate::event::{Mono, Stamp, Timestamp};

/// Most probes that one call closes: what it reports must not fill the memory.
const BATCH: u32 = 1024;
/// A -c run waits at least this long after its last probe, unless the timeout is shorter.
const LEAST_LINGER: Duration = Duration::from_millis(200);
/// A full queue is tried again after so long at first, then twice that, up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
/// Transmit stamps that may be under way at one time.
const STAMP_SLOTS: usize = 4096;
/// ENXIO and ENODEV: the interface that the socket is bound to is gone.
const DEVICE_GONE: [i32; 2] = [6, 19];
/// So many sends in a row that say so end the run.
const GONE_AFTER: u32 = 3;

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
    /// Wait for arrivals, at most until then, and poll again.
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

/// A probe that `poll` has handed out and that has not been reported yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    probe: Probe,
    /// The queue was full: when that was first so, when to try again, and how long that waits.
    retry: Option<(Mono, Mono, Duration, i32)>,
}

/// The ping engine.
///
/// Feed [`Pinger::input`] with everything that waits on the socket before [`Pinger::poll`], so that
/// a stall of this process does not make timeouts of answers that are here already. Arrivals are
/// judged by kernel stamps where they exist, so such a stall does not make them late either.
#[derive(Debug)]
pub struct Pinger {
    pub(super) config: Config,
    pub(super) filling: Filling,
    schedule: Schedule,
    pub(super) table: Table,
    pub(super) meters: Meters,
    pub(super) outages: Outages,
    pub(super) counts: Summary,
    pub(super) events: Vec<(Timestamp, Verdict)>,
    pending: Option<Pending>,
    /// Oldest probe that may be open.
    head: u64,
    /// Newest probe with an answer in time.
    pub(super) answered: u64,
    /// Newest probe that an answer or error is about.
    pub(super) acked: u64,
    /// Failures in a row, for --fail-after.
    pub(super) failures: u64,
    stamps: Vec<(u32, u64)>,
    pub(super) now: Mono,
    start: Option<Mono>,
    first_sent: Option<Mono>,
    /// Wall clock less monotonic clock, as last seen.
    pub(super) offset: i64,
    /// The offset at which a clock step was reported last.
    pub(super) step_at: Option<i64>,
    failing: Option<(NotSent, u64)>,
    gone: u32,
    waiting: bool,
    pub(super) table_full_told: bool,
    pub(super) clash_told: bool,
    pub(super) overflow: u32,
    pub(super) overflow_told: Option<(Mono, u64)>,
    closing: Option<Ended>,
    ended: Option<(Ended, Mono)>,
}

impl Pinger {
    /// A run that begins with the first poll.
    pub fn new(config: Config) -> Self {
        Self {
            filling: Filling::new(&config),
            schedule: Schedule::new(&config),
            table: Table::new(&config.ids),
            config,
            meters: Meters::new(),
            outages: Outages::default(),
            counts: Summary::default(),
            events: Vec::new(),
            pending: None,
            head: 1,
            answered: 0,
            acked: 0,
            failures: 0,
            stamps: Vec::new(),
            now: Mono::default(),
            start: None,
            first_sent: None,
            offset: 0,
            step_at: None,
            failing: None,
            gone: 0,
            waiting: false,
            table_full_told: false,
            clash_told: false,
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
        let start = *self.start.get_or_insert(now);
        if !self.settle() {
            return Step::WaitUntil(now);
        }
        let deadline = self.config.deadline.map(|span| start.plus(span));
        if deadline.is_some_and(|deadline| now >= deadline) {
            self.closing.get_or_insert(Ended::Deadline);
        }
        if let Some(reason) = self.closing.or_else(|| self.goal()) {
            return self.close(reason);
        }
        let over = self.sending_over(start);
        let next = if let (Some(reason), None) = (over, self.pending) {
            let linger = self.schedule.last().unwrap_or(now).plus(self.linger());
            if self.table.open() == 0 || now >= linger {
                return self.close(reason);
            }
            linger
        } else {
            match self.next_probe() {
                Ok(probe) => return Step::Send(probe),
                Err(at) => at,
            }
        };
        let ends = self.config.run_for.filter(|_| over.is_none());
        let others = [
            deadline,
            ends.map(|span| start.plus(span)),
            self.next_timeout(),
        ];
        Step::WaitUntil(others.into_iter().flatten().fold(next, Mono::min))
    }

    /// The payload of a probe, in place of what `out` holds.
    pub fn payload(&self, probe: &Probe, out: &mut Vec<u8>) {
        self.filling.write(probe.n, probe.size, out);
    }

    /// The probe left. `now` and `wall` are read together, right before the send call; `stamp_id`
    /// is what the transmit stamp will be named by, if one was asked for.
    pub fn sent(&mut self, probe: &Probe, now: Mono, wall: Timestamp, stamp_id: Option<u32>) {
        let Some(pending) = self.report(probe, now, wall) else {
            return;
        };
        match pending.retry {
            Some((first, _, _, errno)) => {
                if !self.waiting {
                    let waited = now.since(first);
                    self.tell(wall, StateChange::SendsWaited { errno, waited });
                }
                self.waiting = true;
            }
            None => self.waiting = false,
        }
        if let Some((_, not_sent)) = self.failing.take() {
            self.tell(wall, StateChange::SendsWork { not_sent });
        }
        self.gone = 0;
        self.counts.sent = self.counts.sent.saturating_add(1);
        let entry = Entry::new(now, wall, probe.size, State::Open);
        self.enter(entry.asking(stamp_id.is_some()));
        if let Some(stamp_id) = stamp_id {
            if self.stamps.is_empty() {
                self.stamps = vec![(0, 0); STAMP_SLOTS];
            }
            if let Some(slot) = self.stamps.get_mut(stamp_id as usize % STAMP_SLOTS) {
                *slot = (stamp_id, probe.n);
            }
        }
    }

    /// The probe did not leave and is given up.
    pub fn not_sent(&mut self, probe: &Probe, now: Mono, wall: Timestamp, reason: NotSent) {
        if self.report(probe, now, wall).is_none() {
            return;
        }
        self.gone = if DEVICE_GONE.contains(&reason.errno) {
            self.gone.saturating_add(1)
        } else {
            0
        };
        if self.gone >= GONE_AFTER {
            self.closing.get_or_insert(Ended::DeviceGone);
        }
        self.counts.not_sent = self.counts.not_sent.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        self.enter(Entry::new(now, wall, probe.size, State::NotSent));
        let (seq, n) = (probe.seq, probe.n);
        let so_far = self.failing.take();
        if so_far.as_ref().is_none_or(|(old, _)| *old != reason) {
            self.tell(wall, StateChange::SendsFail(reason.clone()));
        }
        let failed = so_far.map_or(0, |(_, count)| count).saturating_add(1);
        self.failing = Some((reason.clone(), failed));
        self.events
            .push((wall, Verdict::NotSent { seq, n, reason }));
    }

    /// The queue is full (ENOBUFS, EAGAIN): `poll` hands the probe out again a little later, after
    /// 1 ms at first, then after twice as long up to 50 ms. After one interval, at least 100 ms and
    /// at most 1 s, it is given up as not sent.
    pub fn retry(&mut self, probe: &Probe, now: Mono, errno: i32) {
        self.now = self.now.max(now);
        let now = self.now;
        let Some(pending) = self.pending.as_mut().filter(|p| p.probe.n == probe.n) else {
            return;
        };
        self.counts.retries = self.counts.retries.saturating_add(1);
        let (first, wait) = match pending.retry {
            Some((first, _, wait, _)) => (first, wait.saturating_mul(2).min(RETRY.1)),
            None => (now, RETRY.0),
        };
        let limit = self.config.interval;
        let limit = limit.clamp(Duration::from_millis(100), Duration::from_secs(1));
        if now.since(first) >= limit {
            let wall = self.wall(now);
            self.not_sent(probe, now, wall, NotSent { errno, mtu: None });
        } else {
            pending.retry = Some((first, now.plus(wait), wait, errno));
        }
    }

    /// A transmit stamp came for the packet that the wire calls `stamp_id`.
    pub fn tx_stamp(&mut self, stamp_id: u32, at: Timestamp, stamp: Stamp) {
        let slot = self.stamps.get_mut(stamp_id as usize % STAMP_SLOTS);
        if let Some((id, n)) = slot.copied()
            && id == stamp_id
            && let Some(entry) = self.table.get_mut(n)
            && entry.tx().is_none_or(|(_, old)| old != Stamp::Hardware)
        {
            entry.set_tx(at, stamp);
        }
    }

    /// The user wants to stop. Poll until `Done`.
    pub fn interrupt(&mut self, now: Mono) {
        self.now = self.now.max(now);
        self.closing.get_or_insert(Ended::Interrupted);
    }

    /// Takes what was decided since the last call, in order, with the wall-clock time of each.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, (Timestamp, Verdict)> {
        self.events.drain(..)
    }

    /// The numbers so far; after `Done`, of the whole run.
    pub fn summary(&self, now: Mono) -> Summary {
        let (stamp, meter) = self.meters.best();
        let end = self.ended.map_or(now.max(self.now), |(_, at)| at);
        let sending = self.first_sent.zip(self.schedule.last());
        Summary {
            open: self.table.open(),
            elapsed: end.since(self.start.unwrap_or(end)),
            sending: sending.map_or(Duration::ZERO, |(first, last)| last.since(first)),
            rtt: meter.figures(stamp),
            ewma: meter.average(),
            outages: self.outages.list.clone(),
            outage_count: self.outages.count,
            ..self.counts.clone()
        }
    }

    /// Sequence of the newest probe, if it has no answer yet: what -O tells right before the next
    /// one is sent.
    pub fn unanswered(&self) -> Option<u16> {
        let n = self.table.last();
        let open = self.table.get(n)?.state == State::Open;
        open.then(|| self.table.name(n).1)
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
}

impl Pinger {
    /// Wall-clock time of a monotonic one, by the offset seen last.
    pub(super) fn wall(&self, at: Mono) -> Timestamp {
        let mono = i64::try_from(at.0.as_nanos()).unwrap_or(i64::MAX);
        Timestamp(mono.saturating_add(self.offset))
    }

    pub(super) fn saw_clocks(&mut self, at: Mono, wall: Timestamp) {
        self.now = self.now.max(at);
        let mono = i64::try_from(at.0.as_nanos()).unwrap_or(i64::MAX);
        self.offset = wall.0.saturating_sub(mono);
    }

    pub(super) fn tell(&mut self, at: Timestamp, change: StateChange) {
        self.events.push((at, Verdict::State(change)));
    }

    pub(super) fn tell_all(&mut self, changes: Changes) {
        for (at, change) in changes.into_iter().flatten() {
            self.tell(at, change);
        }
    }

    /// Takes the pending probe if it is this one.
    fn report(&mut self, probe: &Probe, now: Mono, wall: Timestamp) -> Option<Pending> {
        self.saw_clocks(now, wall);
        let pending = self.pending.take_if(|pending| pending.probe.n == probe.n)?;
        self.first_sent.get_or_insert(now);
        Some(pending)
    }

    /// Enters the next probe into the table, making room for it.
    fn enter(&mut self, entry: Entry) {
        if let Some(oldest) = self.table.in_the_way() {
            self.time_out(oldest, true);
            if !std::mem::replace(&mut self.table_full_told, true) {
                let wall = self.wall(self.now);
                self.tell(wall, StateChange::TableFull);
            }
        }
        self.table.push(entry);
    }

    fn next_probe(&mut self) -> Result<Probe, Mono> {
        let now = self.now;
        if let Some(pending) = self.pending {
            return match pending.retry {
                Some((_, at, _, _)) if now < at => Err(at),
                _ => Ok(pending.probe),
            };
        }
        let in_flight = self.table.last().saturating_sub(self.acked);
        let usual = self.meters.user.average();
        if let Due::At(at) = self.schedule.due(now, in_flight, usual) {
            return Err(at);
        }
        self.schedule.took(now);
        let n = self.table.last().saturating_add(1);
        let (id, seq) = self.table.name(n);
        let probe = Probe {
            id,
            seq,
            n,
            size: self.filling.size(n),
            want_stamp: self.schedule.want_stamp(now),
        };
        self.pending = Some(Pending { probe, retry: None });
        Ok(probe)
    }

    /// Why no more probes are sent, if so.
    fn sending_over(&self, start: Mono) -> Option<Ended> {
        let all = self.config.count.filter(|_| self.config.deadline.is_none());
        if all.is_some_and(|count| self.table.last() >= count) {
            return Some(Ended::Count);
        }
        let over = self.config.run_for.map(|span| start.plus(span));
        over.filter(|&over| self.now >= over).map(|_| Ended::RunFor)
    }

    /// A goal that ends the run at once.
    fn goal(&self) -> Option<Ended> {
        let answers = self.counts.answered();
        let reached = |goal: Option<u64>, count: u64| goal.is_some_and(|goal| count >= goal);
        if reached(self.config.until, answers) {
            Some(Ended::Until)
        } else if reached(self.config.fail_after, self.failures) {
            Some(Ended::FailAfter)
        } else if self.config.deadline.is_some() && reached(self.config.count, answers) {
            Some(Ended::Count)
        } else {
            None
        }
    }

    /// How long the answer to the last probe of a counted run is waited for: as iputils twice the
    /// longest round trip or one interval, or all of the timeout if nothing was ever answered.
    fn linger(&self) -> Duration {
        let patience = self.config.patience();
        if self.meters.user.count() == 0 {
            return patience;
        }
        let usual = self.meters.user.max().saturating_mul(2);
        usual
            .max(self.config.interval)
            .max(LEAST_LINGER)
            .min(patience)
    }

    fn next_timeout(&self) -> Option<Mono> {
        let head = self.table.get(self.head)?;
        (head.state == State::Open).then(|| head.sent().plus(self.config.patience()))
    }

    /// Closes the probes whose time is over and walks over settled ones, in the order of sending.
    /// False if there is more to do than one call should.
    fn settle(&mut self) -> bool {
        for _ in 0..BATCH {
            if self.next_timeout().is_some_and(|at| self.now >= at) {
                self.time_out(self.head, false);
            }
            if !self.pass_head() {
                return true;
            }
        }
        false
    }

    /// Walks over the oldest probe if it is settled.
    fn pass_head(&mut self) -> bool {
        self.head = self.head.max(self.table.oldest());
        match self.table.get(self.head) {
            Some(entry) if entry.state != State::Open => {}
            _ => return false,
        }
        let now = self.wall(self.now);
        let changes = self
            .outages
            .settled(self.head, &self.table, self.answered, now);
        self.tell_all(changes);
        self.head = self.head.saturating_add(1);
        true
    }

    fn time_out(&mut self, n: u64, closed_early: bool) {
        self.table.set_state(n, State::TimedOut);
        self.counts.lost = self.counts.lost.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let (_, seq) = self.table.name(n);
        let verdict = Verdict::Timeout {
            seq,
            n,
            closed_early,
        };
        self.events.push((self.wall(self.now), verdict));
    }

    /// Ends the run. Open probes of a run that has waited for them are lost. If it was cut short,
    /// those younger than twice the longest round trip stay open: nothing is known of them.
    fn close(&mut self, reason: Ended) -> Step {
        self.closing = Some(reason);
        let spared = match reason {
            Ended::Count if self.config.deadline.is_none() => Duration::ZERO,
            Ended::RunFor => Duration::ZERO,
            _ => self.meters.user.max().saturating_mul(2),
        };
        for _ in 0..BATCH {
            if self.pass_head() {
                continue;
            }
            let head = self.table.get(self.head).map(Entry::sent);
            match head {
                Some(sent) if self.now.since(sent) >= spared => self.time_out(self.head, true),
                _ => {
                    self.tell_overflow(true);
                    self.pending = None;
                    self.ended = Some((reason, self.now));
                    return Step::Done;
                }
            }
        }
        Step::WaitUntil(self.now)
    }
}
