//! The sending side: hands out probes at their time and books what became of the send call.

use std::time::Duration;

use super::engine::{Ended, Pinger, Probe};
use super::schedule::Due;
use super::table::{Entry, State};
use super::{NotSent, StateChange, Verdict};
use crate::event::{Mono, Stamp, Timestamp};

/// A full queue is tried again after so long at first, then after twice that, up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
/// A full queue is given up after one interval within these bounds.
const GIVE_UP: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Transmit stamps that may be under way at one time.
const STAMP_SLOTS: usize = 4096;
/// ENXIO and ENODEV: the interface that the socket is bound to is gone.
const DEVICE_GONE: [i32; 2] = [6, 19];
/// EMSGSIZE.
const TOO_BIG: i32 = 90;
/// So many sends in a row that say so end the run.
const GONE_AFTER: u32 = 3;

/// What is known about sending.
#[derive(Debug, Default)]
pub(super) struct Sends {
    /// Handed out and not reported yet.
    pending: Option<Pending>,
    /// First and last report.
    first: Option<Mono>,
    last: Mono,
    /// Sends fail for this reason, so many times by now.
    failing: Option<(NotSent, u64)>,
    /// Sends in a row that found no interface.
    gone: u32,
    /// The last probe that left had to wait.
    waited: bool,
    /// Which probe a transmit stamp is of: number of the stamp and of the probe.
    stamps: Vec<(u32, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    probe: Probe,
    retry: Option<Retry>,
}

/// A probe that found the queue full.
#[derive(Clone, Copy, Debug)]
struct Retry {
    /// When that was first so.
    first: Mono,
    /// When to try again.
    at: Mono,
    /// How long that waits.
    wait: Duration,
    errno: i32,
}

impl Sends {
    /// A probe is handed out and not reported yet.
    pub fn pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The run is over: whatever is pending will not be sent.
    pub fn forget(&mut self) {
        self.pending = None;
    }

    /// From the first to the last report.
    pub fn span(&self) -> Duration {
        self.last.since(self.first.unwrap_or(self.last))
    }

    fn report(&mut self, n: u64, now: Mono) -> Option<Pending> {
        let pending = self.pending.take_if(|pending| pending.probe.n == n)?;
        self.first.get_or_insert(now);
        self.last = now;
        Some(pending)
    }
}

impl Pinger {
    /// The probe left. `now` and `wall` are read together, right before the send call; `stamp_id`
    /// is what the transmit stamp will be named by, if one was asked for.
    pub fn sent(&mut self, probe: &Probe, now: Mono, wall: Timestamp, stamp_id: Option<u32>) {
        self.saw_clocks(now, wall);
        let Some(pending) = self.sends.report(probe.n, now) else {
            return;
        };
        let waited = std::mem::replace(&mut self.sends.waited, pending.retry.is_some());
        if let Some(retry) = pending.retry.filter(|_| !waited) {
            let (errno, waited) = (retry.errno, now.since(retry.first));
            self.tell(wall, StateChange::SendsWaited { errno, waited });
        }
        if let Some((_, not_sent)) = self.sends.failing.take() {
            self.tell(wall, StateChange::SendsWork { not_sent });
        }
        self.sends.gone = 0;
        self.counts.sent = self.counts.sent.saturating_add(1);
        self.enter(Entry::new(now, wall, probe.size, State::Open).asking(stamp_id.is_some()));
        if let Some(stamp_id) = stamp_id {
            let stamps = &mut self.sends.stamps;
            if stamps.is_empty() {
                stamps.resize(STAMP_SLOTS, (0, 0));
            }
            if let Some(slot) = stamps.get_mut(stamp_id as usize % STAMP_SLOTS) {
                *slot = (stamp_id, probe.n);
            }
        }
    }

    /// The probe did not leave and is given up. It is no loss, but it counts for -c, for outages
    /// and for --fail-after.
    pub fn not_sent(&mut self, probe: &Probe, now: Mono, wall: Timestamp, reason: NotSent) {
        self.saw_clocks(now, wall);
        if self.sends.report(probe.n, now).is_none() {
            return;
        }
        let gone = DEVICE_GONE.contains(&reason.errno);
        self.sends.gone = if gone {
            self.sends.gone.saturating_add(1)
        } else {
            0
        };
        if self.sends.gone >= GONE_AFTER {
            self.closing.get_or_insert(Ended::DeviceGone);
        }
        self.counts.not_sent = self.counts.not_sent.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let state = if reason.errno == TOO_BIG {
            State::TooBig
        } else {
            State::NotSent
        };
        self.enter(Entry::new(now, wall, probe.size, state));
        let before = self.sends.failing.take();
        if before.as_ref().is_none_or(|(old, _)| *old != reason) {
            self.tell(wall, StateChange::SendsFail(reason.clone()));
        }
        let times = before.map_or(0, |(_, times)| times).saturating_add(1);
        self.sends.failing = Some((reason.clone(), times));
        let (seq, n) = (probe.seq, probe.n);
        self.events
            .push((wall, Verdict::NotSent { seq, n, reason }));
    }

    /// The queue is full (ENOBUFS, EAGAIN): `poll` hands the probe out again a little later, after
    /// 1 ms at first, then after twice as long up to 50 ms. After one interval, at least 100 ms and
    /// at most 1 s, it is given up as not sent.
    pub fn retry(&mut self, probe: &Probe, now: Mono, errno: i32) {
        self.now = self.now.max(now);
        let now = self.now;
        let pending = self.sends.pending.as_mut();
        let Some(pending) = pending.filter(|pending| pending.probe.n == probe.n) else {
            return;
        };
        self.counts.retries = self.counts.retries.saturating_add(1);
        let (first, wait) = match pending.retry {
            Some(old) => (old.first, old.wait.saturating_mul(2).min(RETRY.1)),
            None => (now, RETRY.0),
        };
        if now.since(first) < self.config.interval.clamp(GIVE_UP.0, GIVE_UP.1) {
            pending.retry = Some(Retry {
                first,
                at: now.plus(wait),
                wait,
                errno,
            });
        } else {
            let wall = self.wall_now();
            self.not_sent(probe, now, wall, NotSent { errno, mtu: None });
        }
    }

    /// A transmit stamp came for the packet that the wire calls `stamp_id`.
    pub fn tx_stamp(&mut self, stamp_id: u32, at: Timestamp, stamp: Stamp) {
        let slot = self.sends.stamps.get(stamp_id as usize % STAMP_SLOTS);
        if let Some(&(id, n)) = slot
            && id == stamp_id
            && let Some(entry) = self.table.get_mut(n)
        {
            entry.set_tx(at, stamp);
        }
    }

    /// Enters the next probe into the table, making room for it.
    fn enter(&mut self, entry: Entry) {
        if let Some(oldest) = self.table.in_the_way() {
            self.time_out(oldest, true);
            if !std::mem::replace(&mut self.table_full_told, true) {
                self.tell(self.wall_now(), StateChange::TableFull);
            }
        }
        self.table.push(entry);
    }

    /// The probe to send now, or when to ask again.
    pub(super) fn next_probe(&mut self) -> Result<Probe, Mono> {
        let now = self.now;
        if let Some(pending) = self.sends.pending {
            let wait = pending.retry.map(|retry| retry.at).filter(|&at| now < at);
            return wait.map_or(Ok(pending.probe), Err);
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
        self.sends.pending = Some(Pending { probe, retry: None });
        Ok(probe)
    }
}
