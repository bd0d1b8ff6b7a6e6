//! How long an answer took: by the kernel's or the card's stamps where they are sound, else by our
//! own monotonic clock. Nothing that came with the packet is used.

use std::time::Duration;

use super::engine::Pinger;
use super::table::Entry;
use super::{Arrival, Message, StateChange};
use crate::event::{Mono, Stamp, Timestamp};

/// Two clocks read one after the other may disagree by so many nanoseconds, and by 1/1000 of the
/// time between.
const CLOCK_SLACK: i64 = 10_000_000;
/// A kernel round trip may be longer than ours by so many nanoseconds, and by 1/1000 of it: the wall
/// clock may be slewed by 500 parts in a million (adjtimex(2)).
const STAMP_SLACK: i64 = 1_000_000;

/// A probe that leaves so long after its send call was held back by this host.
const HELD_BACK: Duration = Duration::from_millis(20);

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
        let near = |told: i64| told.abs_diff(self.offset) <= CLOCK_SLACK.unsigned_abs();
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
        let took = signed(user);
        let wall = arrival.wall.0.saturating_sub(entry.wall.0);
        let slack = CLOCK_SLACK.saturating_add(took / 1000);
        let stepped = wall.abs_diff(took) > slack.unsigned_abs();
        let stamps = match (arrival.stamp, entry.tx()) {
            (Some((rx, kind)), Some((tx, tx_kind))) if kind == tx_kind => Some((rx, tx, kind)),
            _ => None,
        };
        let most = took.saturating_add(STAMP_SLACK).saturating_add(took / 1000);
        let better = stamps.filter(|_| !stepped).and_then(|(rx, tx, kind)| {
            let rtt = rx.0.checked_sub(tx.0).filter(|&rtt| rtt <= most)?;
            let rtt = Duration::from_nanos(u64::try_from(rtt).ok()?);
            Some((rtt, kind))
        });
        let unsound = stepped || (stamps.is_some() && better.is_none());
        if unsound && self.clocks.is_news() {
            self.tell(arrival.wall, StateChange::ClockStep);
        }
        if let (Some((_, Stamp::Kernel)), Some((tx, _))) = (better, entry.tx()) {
            self.held_back(arrival, tx.since(entry.wall).unwrap_or_default());
        }
        Measured { user, better }
    }

    /// Says once for a row of probes that they left late: their round trips do not show it.
    fn held_back(&mut self, arrival: &Arrival<'_>, held: Duration) {
        let long = held >= HELD_BACK;
        if std::mem::replace(&mut self.held_told, long) || !long {
            return;
        }
        if let Message::EchoReply(echo) = &arrival.message {
            let seq = echo.seq;
            self.tell(arrival.wall, StateChange::HeldBack { seq, held });
        }
    }
}

fn signed(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
