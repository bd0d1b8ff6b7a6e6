//! Round-trip statistics over one kind of stamp: exact where that is cheap, bounded in memory.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::RttStats;
use super::table::nanos;
use crate::event::Stamp;

/// Longest time that the histogram tells apart: 2^46 ns, 19.5 hours. Longer ones count as that.
const LONGEST: u64 = 1 << 46;

/// So many times are kept as they are: their quantiles are exact, and a short run needs no histogram.
const FEW: usize = 64;

/// Round-trip times seen so far. All arithmetic is on whole nanoseconds and saturates.
#[derive(Debug)]
pub(super) struct RttMeter {
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    /// Sum of squares.
    squares: u128,
    last: u64,
    /// RFC 3550 A.8: 16 times the jitter.
    jitter16: u64,
    /// iputils: 8 times the moving average, new values weigh 1/8.
    average8: u64,
    /// The first [`FEW`] values; empty once there is a histogram.
    few: Vec<u64>,
    /// Three significant digits; made when there are more values than a few, grows with them, to
    /// 0.3 MiB at most.
    histogram: Option<Histogram<u64>>,
}

impl RttMeter {
    pub fn new() -> Self {
        Self {
            count: 0,
            min: u64::MAX,
            max: 0,
            sum: 0,
            squares: 0,
            last: 0,
            jitter16: 0,
            average8: 0,
            few: Vec::new(),
            histogram: None,
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes one round-trip time.
    pub fn add(&mut self, rtt: Duration) {
        let rtt = nanos(rtt);
        if self.count > 0 {
            let change = rtt.abs_diff(self.last);
            let decay = self.jitter16.saturating_add(8) >> 4;
            self.jitter16 = self.jitter16.saturating_add(change).saturating_sub(decay);
            self.average8 = self
                .average8
                .saturating_sub(self.average8 / 8)
                .saturating_add(rtt);
        } else {
            self.average8 = rtt.saturating_mul(8);
        }
        self.last = rtt;
        self.count = self.count.saturating_add(1);
        self.min = self.min.min(rtt);
        self.max = self.max.max(rtt);
        let wide = u128::from(rtt);
        self.sum = self.sum.saturating_add(wide);
        self.squares = self.squares.saturating_add(wide.saturating_mul(wide));
        self.keep(rtt.min(LONGEST));
    }

    /// Takes one time for the quantiles.
    fn keep(&mut self, rtt: u64) {
        if self.histogram.is_none() && self.few.len() < FEW {
            self.few.push(rtt);
            return;
        }
        if self.histogram.is_none() {
            self.histogram = Histogram::new(3).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            // Cannot fail below LONGEST but for want of memory; then that one is not counted.
            for value in self.few.drain(..).chain([rtt]) {
                let _ = histogram.record(value);
            }
        }
    }

    /// The smallest time that is at least as long as `percent` of all.
    fn quantile(&self, percent: u8) -> u64 {
        if let Some(histogram) = &self.histogram {
            return histogram.value_at_quantile(f64::from(percent) / 100.0);
        }
        let mut sorted = self.few.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100);
        let value = sorted.get(rank.saturating_sub(1));
        value.copied().unwrap_or(self.max)
    }

    /// Longest so far, zero before the first.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// Exponentially weighted moving average.
    pub fn average(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.average8 / 8))
    }

    /// The figures, if there is a time at all.
    pub fn figures(&self, stamp: Stamp) -> Option<RttStats> {
        let count = u128::from(self.count);
        let average = self.sum.checked_div(count)?;
        // iputils' mdev: the standard deviation of the population. Rounding the average down
        // keeps the difference from going below zero; sums that saturated give zero.
        let mean_square = self.squares / count;
        let deviation = mean_square.saturating_sub(average.saturating_mul(average));
        let narrow = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
        let clamped = |value: u64| Duration::from_nanos(value.clamp(self.min, self.max));
        Some(RttStats {
            stamp,
            count: self.count,
            min: Duration::from_nanos(self.min),
            avg: clamped(narrow(average)),
            max: Duration::from_nanos(self.max),
            mdev: Duration::from_nanos(narrow(deviation.isqrt())),
            p50: clamped(self.quantile(50)),
            p90: clamped(self.quantile(90)),
            p99: clamped(self.quantile(99)),
            jitter: Duration::from_nanos(self.jitter16 / 16),
        })
    }
}

/// One meter for each kind of stamp. The user's one takes every answer, since our own clock is read
/// around every probe; the others only those for which such stamps existed.
#[derive(Debug)]
pub(super) struct Meters {
    pub user: RttMeter,
    kernel: RttMeter,
    hardware: RttMeter,
    /// Answers to probes for which a transmit stamp was asked for.
    asked: u64,
}

impl Meters {
    pub fn new() -> Self {
        Self {
            user: RttMeter::new(),
            kernel: RttMeter::new(),
            hardware: RttMeter::new(),
            asked: 0,
        }
    }

    /// One answer: its time by our clock, and by a better one where there is one.
    pub fn add(&mut self, user: Duration, better: Option<(Duration, Stamp)>, asked: bool) {
        self.user.add(user);
        self.asked = self.asked.saturating_add(u64::from(asked));
        match better {
            Some((rtt, Stamp::Kernel)) => self.kernel.add(rtt),
            Some((rtt, Stamp::Hardware)) => self.hardware.add(rtt),
            Some((_, Stamp::User)) | None => {}
        }
    }

    /// The best kind that at least half of the answers that were to have it do have; else the
    /// user's. So one line is over one kind, and a few stray stamps do not stand for a whole run.
    pub fn best(&self) -> (Stamp, &RttMeter) {
        let enough =
            |meter: &RttMeter| meter.count > 0 && meter.count.saturating_mul(2) >= self.asked;
        if enough(&self.hardware) {
            (Stamp::Hardware, &self.hardware)
        } else if enough(&self.kernel) {
            (Stamp::Kernel, &self.kernel)
        } else {
            (Stamp::User, &self.user)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(times: &[u64]) -> RttStats {
        let mut meter = RttMeter::new();
        for &time in times {
            meter.add(Duration::from_nanos(time));
        }
        meter.figures(Stamp::User).unwrap()
    }

    fn ns(value: u64) -> Duration {
        Duration::from_nanos(value)
    }

    #[test]
    fn known_values() {
        let stats = figures(&[2000, 4000, 4000, 4000, 5000, 5000, 7000, 9000]);
        assert_eq!(
            (stats.min, stats.avg, stats.max),
            (ns(2000), ns(5000), ns(9000))
        );
        assert_eq!(stats.mdev, ns(2000));
        assert_eq!(stats.count, 8);
    }

    #[test]
    fn quantiles_of_a_few_are_exact_and_of_many_to_three_digits() {
        let few: Vec<u64> = (1..=64).map(|n| n * 1_000_003).collect();
        let stats = figures(&few);
        assert_eq!(
            (stats.p50, stats.p90),
            (ns(32 * 1_000_003), ns(58 * 1_000_003))
        );
        assert_eq!(stats.p99, ns(64 * 1_000_003));
        let many: Vec<u64> = (1..=1000).map(|n| n * 1_000_003).collect();
        let stats = figures(&many);
        for (found, rank) in [(stats.p50, 500), (stats.p90, 900), (stats.p99, 990)] {
            let exact = ns(rank * 1_000_003);
            assert!(found.abs_diff(exact) <= exact / 1000, "{found:?} {exact:?}");
        }
    }

    #[test]
    fn one_value_has_no_spread() {
        let stats = figures(&[123_457]);
        assert_eq!((stats.mdev, stats.jitter), (ns(0), ns(0)));
        for value in [stats.min, stats.avg, stats.max, stats.p50, stats.p99] {
            assert_eq!(value, ns(123_457));
        }
    }

    #[test]
    fn jitter_follows_rfc_3550() {
        // |D| is always 1600, so J grows towards it: 100, 193.75, ...
        let mut meter = RttMeter::new();
        for k in 0..1000 {
            meter.add(ns(10_000 + (k % 2) * 1600));
            if k == 1 {
                assert_eq!(meter.figures(Stamp::User).unwrap().jitter, ns(100));
            }
        }
        let settled = meter.figures(Stamp::User).unwrap().jitter;
        assert!(settled.abs_diff(ns(1600)) <= ns(1), "{settled:?}");
    }

    #[test]
    fn percentiles_are_near_and_inside_the_range() {
        let times: Vec<u64> = (1..=1000).map(|k| k * 1000).collect();
        let stats = figures(&times);
        for (value, exact) in [(stats.p50, 500), (stats.p90, 900), (stats.p99, 990)] {
            let off = value.abs_diff(Duration::from_micros(exact));
            assert!(off <= Duration::from_micros(1), "{value:?}");
        }
    }

    #[test]
    fn absurd_times_stay_finite_and_ordered() {
        let stats = figures(&[u64::MAX, u64::MAX, 0, u64::MAX]);
        assert!(stats.min <= stats.avg && stats.avg <= stats.max);
        assert!(stats.p50 <= stats.p90 && stats.p90 <= stats.p99 && stats.p99 <= stats.max);
    }

    #[test]
    fn the_better_stamp_must_cover_half_of_what_was_asked_for() {
        let mut meters = Meters::new();
        meters.add(ns(50), Some((ns(10), Stamp::Kernel)), true);
        meters.add(ns(50), None, true);
        meters.add(ns(50), None, false);
        assert_eq!(meters.best().0, Stamp::Kernel);
        assert_eq!(meters.best().1.count(), 1);
        meters.add(ns(50), None, true);
        assert_eq!(meters.best().0, Stamp::User);
        assert_eq!(meters.best().1.count(), 4);
    }
}
