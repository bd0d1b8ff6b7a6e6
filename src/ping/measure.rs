//! How long an answer took: by the kernel's or the card's stamps where they are sound, else by our
//! own monotonic clock. Nothing that came with the packet is used.

use std::time::Duration;

use super::engine::Pinger;
use super::table::Entry;
use super::{Arrival, StateChange};
use crate::event::{Mono, Stamp, Timestamp};

/// Two clocks read one after the other may disagree by this, and by 1/1000 of the time between.
const CLOCK_SLACK: Duration = Duration::from_millis(10);
/// A kernel round trip may be longer than ours by this, and by 1/1000 of it: the wall clock may be
/// slewed by 500 parts in a million (adjtimex(2)).
const STAMP_SLACK: Duration = Duration::from_millis(1);

/// A round trip by our clock and, where stamps exist and are sound, by a better one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub user: Duration,
    pub better: Option<(Duration, Stamp)>,
}

impl Measured {
    pub fn best(self) -> (Duration, Stamp) {
        self.better.unwrap_or((self.user, Stamp::User))
    }
}

/// How the wall clock runs against the monotonic one.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// Wall clock less monotonic clock in nanoseconds, as last seen.
    offset: i64,
    /// The offset at which a step was reported last.
    told: Option<i64>,
}

impl Clocks {
    /// Takes note of both, read together.
    pub fn saw(&mut self, at: Mono, wall: Timestamp) {
        self.offset = wall.0.saturating_sub(signed(at.0));
    }

    /// Wall-clock time of a monotonic one, by the offset seen last.
    pub fn wall(&self, at: Mono) -> Timestamp {
        Timestamp(signed(at.0).saturating_add(self.offset))
    }

    /// A step is news once, not for each probe that was under way.
    fn is_news(&mut self) -> bool {
        let near = |told: i64| u128::from(told.abs_diff(self.offset)) <= CLOCK_SLACK.as_nanos();
        if self.told.is_some_and(near) {
            return false;
        }
        self.told = Some(self.offset);
        true
    }
}

impl Pinger {
    /// Round trips of an answer. Kernel stamps are wall-clock times, so they count only if the wall
    /// clock and the monotonic clock agree on how long it took.
    pub(super) fn measure(&mut self, arrival: &Arrival<'_>, entry: &Entry) -> Measured {
        let user = arrival.at.since(entry.sent());
        let wall = arrival.wall.0.saturating_sub(entry.wall.0);
        let apart = wall.abs_diff(signed(user));
        let stepped = u128::from(apart) > (CLOCK_SLACK + user / 1000).as_nanos();
        let stamps = match (arrival.stamp, entry.tx()) {
            (Some((rx, kind)), Some((tx, tx_kind))) if kind == tx_kind => Some((rx, tx, kind)),
            _ => None,
        };
        let most = user.saturating_add(STAMP_SLACK + user / 1000);
        let better = stamps.filter(|_| !stepped).and_then(|(rx, tx, kind)| {
            let rtt = rx.since(tx).filter(|&rtt| rtt <= most)?;
            Some((rtt, kind))
        });
        let unsound = stepped || (stamps.is_some() && better.is_none());
        if unsound && self.clocks.is_news() {
            self.tell(arrival.wall, StateChange::ClockStep);
        }
        Measured { user, better }
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
