//! The two clocks of the shell, read together. The core never reads one: time is its argument.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::event::{Mono, Timestamp};

/// `CLOCK_MONOTONIC` counted from the moment of [`Clock::start`], beside `CLOCK_REALTIME`.
///
/// The pair lets the engine see a step of the wall clock, which kernel stamps follow.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Duration,
}

impl Clock {
    /// The run starts now.
    pub fn start() -> Self {
        Self {
            start: read(ClockId::CLOCK_MONOTONIC),
        }
    }

    /// Time since the start, and the wall clock. Two vDSO calls, no system call.
    pub fn now(&self) -> (Mono, Timestamp) {
        let mono = read(ClockId::CLOCK_MONOTONIC).saturating_sub(self.start);
        (Mono(mono), wall())
    }

    /// Time since the start. One vDSO call.
    pub fn mono(&self) -> Mono {
        Mono(read(ClockId::CLOCK_MONOTONIC).saturating_sub(self.start))
    }
}

// clock_gettime(2) fails only for an unknown clock or a bad pointer, so the defaults below are
// never seen on Linux; they are there because the shell has no panic to spare.

/// The wall clock.
pub fn wall() -> Timestamp {
    clock_gettime(ClockId::CLOCK_REALTIME)
        .map(|t| Timestamp::from_parts(t.tv_sec(), t.tv_nsec()))
        .unwrap_or_default()
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_starts_near_zero_and_never_steps_back() {
        let clock = Clock::start();
        let (first, wall) = clock.now();
        let (second, _) = clock.now();
        assert!(first <= second);
        assert!(second.0 < Duration::from_secs(5));
        // 2020-01-01: a Timestamp counts from 1970, not from boot.
        assert!(wall > Timestamp::from_parts(1_577_836_800, 0));
    }
}
