//! When the next probe may go, and whether it wants a transmit stamp. What is sent is not decided here.
//!
//! Pacing by interval keeps an absolute schedule: probe k is due at start + k intervals, so lateness
//! of one does not push the next (iputils adds it up). After a stall the slots that passed are let
//! go, as iputils' tokens are, but for what -l allows to be sent at once, or for the last 10 ms,
//! which keep the rate true where many probes fit between two wake-ups.

use std::time::Duration;

use super::Config;
use crate::event::Mono;

/// Without answers, pacing by answers sends once in this time (iputils' MIN_INTERVAL_MS).
const UNANSWERED_GAP: Duration = Duration::from_millis(10);
/// Slots of this long may be made up for after a stall.
const CATCH_UP: Duration = Duration::from_millis(10);

/// Probes that are stamped before sampling begins.
const FIRST_STAMPS: u32 = 32;

/// The pace of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    min_interval: Duration,
    adaptive: bool,
    preload: u64,
    /// Probes of the initial burst that are still to go.
    burst: u64,
    /// Next slot, when pacing by interval.
    slot: Mono,
    last: Option<Mono>,
    /// Time between two transmit stamps; zero asks for all of them.
    stamp_gap: Duration,
    next_stamp: Mono,
    /// Stamps that are asked for before sampling begins.
    first_stamps: u32,
    tx_stamps: bool,
}

/// What the pace says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    At(Mono),
}

impl Schedule {
    pub fn new(config: &Config) -> Self {
        let gap = Duration::from_secs(1) / Config::STAMPS_PER_SECOND;
        let by_answers = config.adaptive || config.interval.is_zero();
        let sampled = !config.stamp_every && (by_answers || config.interval < gap);
        let preload = u64::from(config.preload.max(1));
        Self {
            interval: config.interval,
            min_interval: config.min_interval,
            adaptive: config.adaptive,
            preload,
            burst: preload,
            slot: Mono::default(),
            last: None,
            stamp_gap: if sampled { gap } else { Duration::ZERO },
            next_stamp: Mono::default(),
            first_stamps: FIRST_STAMPS,
            tx_stamps: config.tx_stamps,
        }
    }

    fn by_answers(&self) -> bool {
        self.adaptive || self.interval.is_zero()
    }

    /// `in_flight`: probes after the newest one that is known to be answered or refused, so that a
    /// lost one stops counting when a later one is answered (iputils counts so too). `rtt`: the
    /// usual round trip.
    pub fn due(&self, now: Mono, in_flight: u64, rtt: Option<Duration>) -> Due {
        let Some(last) = self.last else {
            return Due::Now;
        };
        let at = if !self.by_answers() {
            if self.burst > 0 {
                return Due::Now;
            }
            self.slot
        } else if in_flight < self.preload {
            if !self.adaptive {
                return Due::Now;
            }
            last.plus(self.min_interval)
        } else if self.adaptive {
            let usual = rtt.unwrap_or(self.interval).max(self.min_interval);
            last.plus(usual.max(UNANSWERED_GAP))
        } else {
            last.plus(UNANSWERED_GAP)
        };
        if now >= at { Due::Now } else { Due::At(at) }
    }

    /// A probe was handed out at `now`.
    pub fn took(&mut self, now: Mono) {
        if self.last.is_none() {
            self.slot = now.plus(self.interval);
        } else if self.burst == 0 {
            self.slot = self.slot.plus(self.interval);
            self.let_go(now);
        }
        self.burst = self.burst.saturating_sub(1);
        self.last = Some(now);
    }

    /// Lets go the slots that a stall has made us miss, but for those that may be made up for.
    fn let_go(&mut self, now: Mono) {
        let interval = self.interval.as_nanos();
        if self.by_answers() || now < self.slot {
            return;
        }
        let missed = (now.since(self.slot).as_nanos() / interval).saturating_add(1);
        let kept = u128::from(self.preload - 1).max(CATCH_UP.as_nanos() / interval);
        let skipped = missed.saturating_sub(kept).saturating_mul(interval);
        let skipped = u64::try_from(skipped).unwrap_or(u64::MAX);
        self.slot = self.slot.plus(Duration::from_nanos(skipped));
    }

    /// When the last probe was handed out.
    pub fn last(&self) -> Option<Mono> {
        self.last
    }

    /// Whether a probe sent now should bring a transmit stamp; the answer is used up.
    pub fn want_stamp(&mut self, now: Mono) -> bool {
        if !self.tx_stamps {
            return false;
        }
        // A short run is stamped whole, however fast it goes: its lines are read one by one. The
        // sample pays them back.
        if self.first_stamps == 0 && now < self.next_stamp {
            return false;
        }
        self.first_stamps = self.first_stamps.saturating_sub(1);
        self.next_stamp = self.next_stamp.max(now).plus(self.stamp_gap);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(interval_ms: u64) -> Config {
        let mut config = Config::new("192.0.2.1".parse().unwrap(), vec![1], 1);
        config.interval = Duration::from_millis(interval_ms);
        config
    }

    fn at(ms: u64) -> Mono {
        Mono(Duration::from_millis(ms))
    }

    #[test]
    fn lateness_does_not_add_up() {
        let mut schedule = Schedule::new(&config(100));
        let mut now = at(5);
        for k in 1..1000 {
            schedule.took(now);
            assert_eq!(schedule.due(now, 1, None), Due::At(at(5 + 100 * k)));
            now = at(5 + 100 * k + k % 90);
        }
    }

    #[test]
    fn after_a_stall_one_probe_goes_and_the_phase_stays() {
        let mut schedule = Schedule::new(&config(1000));
        schedule.took(at(0));
        assert_eq!(schedule.due(at(5300), 1, None), Due::Now);
        schedule.took(at(5300));
        assert_eq!(schedule.due(at(5300), 1, None), Due::At(at(6000)));
    }

    #[test]
    fn after_a_stall_preload_goes_at_once() {
        let mut config = config(1000);
        config.preload = 3;
        let mut schedule = Schedule::new(&config);
        let mut sent = 0;
        while schedule.due(at(0), sent, None) == Due::Now {
            schedule.took(at(0));
            sent += 1;
        }
        assert_eq!(sent, 3);
        sent = 0;
        while schedule.due(at(60_500), sent, None) == Due::Now {
            schedule.took(at(60_500));
            sent += 1;
        }
        assert_eq!(sent, 3);
    }

    #[test]
    fn fast_pace_makes_up_for_a_late_wake_up() {
        let mut config = config(0);
        config.interval = Duration::from_micros(100);
        let mut schedule = Schedule::new(&config);
        let mut sent = 0_u64;
        for ms in 0..1000 {
            while schedule.due(at(ms), 0, None) == Due::Now {
                schedule.took(at(ms));
                sent += 1;
            }
        }
        assert_eq!(sent, 9991);
    }

    #[test]
    fn by_answers_waits_for_one_or_for_ten_milliseconds() {
        let mut schedule = Schedule::new(&config(0));
        schedule.took(at(0));
        assert_eq!(schedule.due(at(1), 1, None), Due::At(at(10)));
        assert_eq!(schedule.due(at(1), 0, None), Due::Now);
        assert_eq!(schedule.due(at(10), 1, None), Due::Now);
    }

    #[test]
    fn adaptive_keeps_the_users_least_interval() {
        let mut config = config(1000);
        config.adaptive = true;
        config.min_interval = Duration::from_millis(2);
        let mut schedule = Schedule::new(&config);
        schedule.took(at(0));
        assert_eq!(schedule.due(at(0), 1, None), Due::At(at(1000)));
        let rtt = Some(Duration::from_millis(30));
        assert_eq!(schedule.due(at(1), 0, rtt), Due::At(at(2)));
        assert_eq!(schedule.due(at(1), 1, rtt), Due::At(at(30)));
    }

    #[test]
    fn stamps_are_sampled_only_where_it_is_fast() {
        let mut flood = Schedule::new(&config(0));
        let asked = (0..1_000_000_u64).filter(|us| {
            let now = Mono(Duration::from_micros(*us));
            flood.want_stamp(now)
        });
        assert_eq!(asked.count(), 1000);
        let mut slow = Schedule::new(&config(1));
        assert!((0..100).all(|_| slow.want_stamp(at(0))));
        let mut none = config(1000);
        none.tx_stamps = false;
        assert!(!Schedule::new(&none).want_stamp(at(0)));
    }
}
