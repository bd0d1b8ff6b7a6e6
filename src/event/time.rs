//! Times and stamps. Times here are values: the shell reads the
//! clocks (`sys::clock`) and passes them in.

use std::fmt;
use std::time::Duration;

use chrono::SecondsFormat;
use serde::{Serialize, Serializer};

use crate::decode::text::{Text, push_nine, push_two};

/// Nanoseconds since 1970-01-01 00:00:00 UTC (`CLOCK_REALTIME`), negative before it.
///
/// Serialized as an RFC 3339 string in UTC with nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds and nanoseconds (0..1e9) as a kernel `timespec` gives them; saturates.
    pub fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Time from `earlier` to `self`; `None` if `earlier` is later (a stepped clock).
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let nanos = self.0.checked_sub(earlier.0)?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

impl Timestamp {
    /// Appends what [`fmt::Display`] shows, by a shorter way: every packet in JSON has a time.
    pub fn push_rfc3339(self, out: &mut impl Text) {
        const SECOND: i64 = 1_000_000_000;
        let (second, nanos) = (self.0.div_euclid(SECOND), self.0.rem_euclid(SECOND));
        let (day, second) = (second.div_euclid(86_400), second.rem_euclid(86_400));
        let (year, month, date) = civil(day);
        // 64 bits of nanoseconds reach from 1677 to 2262.
        push_two(year / 100, out);
        push_two(year % 100, out);
        let second = second.unsigned_abs();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        for (before, number) in [
            (b'-', month),
            (b'-', date),
            (b'T', hour),
            (b':', minute),
            (b':', second),
        ] {
            out.put([before]);
            push_two(number, out);
        }
        out.put([b'.']);
        push_nine(nanos.unsigned_abs(), out);
        out.put([b'Z']);
    }
}

/// Year, month and day of a day since 1970-01-01, after 1600: Howard Hinnant's `civil_from_days`
/// (chrono-Compatible Low-Level Date Algorithms). Counts from 1600-03-01, so that a leap day is the
/// last day of its year and of its 400 years.
fn civil(day: i64) -> (u64, u64, u64) {
    let day = day.saturating_add(135_080).unsigned_abs();
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on have 31 30 31 30 31 31 30 31 30 31 31 days.
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (year, month + 3),
        _ => (year + 1, month - 9),
    };
    (1600 + era * 400 + year, month, date)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = chrono::DateTime::from_timestamp_nanos(self.0);
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A reading of `CLOCK_MONOTONIC`, as the time since the run started. Never steps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub Duration);

impl Mono {
    /// Later by `span`; saturates at the end of time.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Time from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Who took a time stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stamp {
    /// Our own process, around the system call.
    #[default]
    User,
    /// The kernel's software stamp (`SO_TIMESTAMPING`, timestamping.rst).
    Kernel,
    /// The network card.
    Hardware,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Kernel => "kernel",
            Self::Hardware => "hardware",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_chrono_writes_it() {
        let day = 86_400_000_000_000;
        // Every 61st day of the whole range, and what lies around the turn of every day.
        let days = (i64::MIN / day..i64::MAX / day).step_by(61);
        let times = days.flat_map(|number| [number * day - 1, number * day, number * day + 1]);
        for time in times.chain([i64::MIN, i64::MAX, 0, 951_782_400_000_000_000]) {
            let mut shown = String::new();
            Timestamp(time).push_rfc3339(&mut shown);
            assert_eq!(shown, Timestamp(time).to_string());
        }
    }
}
