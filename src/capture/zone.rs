//! Local time without a file: the zone's offsets, read once before the rights are dropped.
//!
//! chrono's `Local` looks at /etc/localtime every second, which the sandbox refuses.

use chrono::{DateTime, Local, Offset, TimeZone};

/// Seconds between two looks at the zone. No zone has changed its offset there and back within a
/// week (the shortest pair is Morocco's, about a month).
const STEP: i64 = 7 * 86_400;
/// 2106-02-07, the end of a pcap file's 32 bits.
const END: i64 = 0x1_0000_0000;

/// Offsets of local time from UTC, 1970 to 2106.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// From this second since 1970 on: seconds east of UTC. Ascending.
    changes: Vec<(i64, i32)>,
}

impl Zone {
    /// UTC all the time.
    pub fn utc() -> Self {
        Self {
            changes: Vec::new(),
        }
    }

    /// The zone of this process: `TZ`, else /etc/localtime.
    pub fn local() -> Self {
        Self::sample(|second| {
            let at = DateTime::from_timestamp(second, 0).unwrap_or_default();
            Local
                .offset_from_utc_datetime(&at.naive_utc())
                .fix()
                .local_minus_utc()
        })
    }

    fn sample(offset: impl Fn(i64) -> i32) -> Self {
        let mut before = offset(0);
        let mut changes = vec![(0, before)];
        let mut at = 0;
        while at < END {
            let next = at.saturating_add(STEP);
            let after = offset(next);
            if after != before {
                // The change is behind `low` and not behind `high`.
                let (mut low, mut high) = (at, next);
                while high.saturating_sub(low) > 1 {
                    let middle = low.midpoint(high);
                    if offset(middle) == before {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                changes.push((high, after));
                before = after;
            }
            at = next;
        }
        Self { changes }
    }

    /// Seconds east of UTC at a second since 1970.
    pub fn offset(&self, second: i64) -> i32 {
        let at = self.changes.partition_point(|change| change.0 <= second);
        let before = at.checked_sub(1).and_then(|at| self.changes.get(at));
        before.or(self.changes.first()).map_or(0, |change| change.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_to_the_second() {
        // Two changes of an invented zone.
        let rule = |second: i64| match second {
            1_000_000_007..1_020_000_000 => 7200,
            _ => 3600,
        };
        let zone = Zone::sample(rule);
        assert_eq!(zone.changes.len(), 3);
        for second in [
            -5,
            0,
            1_000_000_006,
            1_000_000_007,
            1_019_999_999,
            1_020_000_000,
            i64::MAX,
        ] {
            assert_eq!(zone.offset(second), rule(second), "{second}");
        }
        assert_eq!(Zone::utc().offset(1), 0);
    }
}
