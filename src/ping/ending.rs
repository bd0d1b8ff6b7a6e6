//! Timeouts, and how a run ends.

use std::time::Duration;

use super::Verdict;
use super::engine::{Ended, Pinger, Step};
use super::table::{Entry, State};
use crate::event::Mono;

/// Most probes that one call closes: what it reports must not fill the memory.
const BATCH: u32 = 1024;
/// A -c run waits at least this long after its last probe, unless the timeout is shorter.
const LEAST_LINGER: Duration = Duration::from_millis(200);

impl Pinger {
    /// Why no more probes are sent, if so. With -w, -c counts answers, and sending goes on.
    pub(super) fn sending_over(&self, start: Mono) -> Option<Ended> {
        let all = self.config.count.filter(|_| self.config.deadline.is_none());
        if all.is_some_and(|count| self.table.last() >= count) {
            return Some(Ended::Count);
        }
        let over = self.config.run_for.map(|span| start.plus(span));
        over.filter(|&over| self.now >= over).map(|_| Ended::RunFor)
    }

    /// A goal that ends the run at once. An error ends no -w run, other than with iputils: who asks
    /// for -w 60 wants to wait for a host that is not there yet.
    pub(super) fn goal(&self) -> Option<Ended> {
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
    pub(super) fn linger(&self) -> Duration {
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

    /// When the oldest open probe times out.
    pub(super) fn next_timeout(&self) -> Option<Mono> {
        let head = self.table.get(self.head)?;
        (head.state == State::Open).then(|| head.sent().plus(self.config.patience()))
    }

    /// Closes the probes whose time is over and walks over settled ones, in the order of sending.
    /// False if there is more to do than one call should.
    pub(super) fn settle(&mut self) -> bool {
        self.tell_overflow(false);
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
        let state = match self.table.get(self.head) {
            Some(entry) if entry.state != State::Open => entry.state,
            _ => return false,
        };
        if state == State::Answered && self.outages.calm() {
            self.head = self.head.saturating_add(1);
            return true;
        }
        let now = (self.now, self.wall_now());
        let changes = self
            .outages
            .settled(self.head, &self.table, self.answered, now);
        self.tell_all(changes);
        self.head = self.head.saturating_add(1);
        true
    }

    /// Gives up waiting for probe `n`, which is open.
    pub(super) fn time_out(&mut self, n: u64, closed_early: bool) {
        self.table.set_state(n, State::TimedOut);
        self.counts.lost = self.counts.lost.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let (_, seq) = self.table.name(n);
        let verdict = Verdict::Timeout {
            seq,
            n,
            closed_early,
        };
        self.events.push((self.wall_now(), verdict));
    }

    /// Open probes that the end of the run will call lost and that `close` has not come to yet.
    pub(super) fn to_be_closed(&self) -> u64 {
        let Some(reason) = self.closing.filter(|_| self.ended.is_none()) else {
            return 0;
        };
        let spared = self.spared(reason);
        let numbers = self.head.max(self.table.oldest())..=self.table.last();
        let lost = numbers
            .filter_map(|n| self.table.get(n))
            .filter(|entry| entry.state == State::Open && self.now.since(entry.sent()) >= spared);
        lost.count() as u64
    }

    /// How young a probe must be to stay open at the end. Those of a run that has waited for them
    /// are lost. If it was cut short, nothing is known of those younger than twice the longest
    /// round trip; where nothing was ever answered that is none.
    fn spared(&self, reason: Ended) -> Duration {
        let waited = match reason {
            Ended::Count => self.config.deadline.is_none(),
            Ended::RunFor => true,
            _ => false,
        };
        if waited {
            Duration::ZERO
        } else {
            self.meters.user.max().saturating_mul(2)
        }
    }

    /// Ends the run: closes what is open and not spared, in the order of sending.
    pub(super) fn close(&mut self, reason: Ended) -> Step {
        self.closing = Some(reason);
        let spared = self.spared(reason);
        for _ in 0..BATCH {
            if self.pass_head() {
                continue;
            }
            match self.table.get(self.head).map(Entry::sent) {
                Some(sent) if self.now.since(sent) >= spared => self.time_out(self.head, true),
                _ => {
                    self.tell_overflow(true);
                    self.sends.forget();
                    self.ended = Some((reason, self.now));
                    return Step::Done;
                }
            }
        }
        Step::WaitUntil(self.now)
    }
}
