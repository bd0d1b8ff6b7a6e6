//! The time at the start of a line: tcpdump's `-t` to `-ttttt`.

use std::fmt::Write as _;

use chrono::DateTime;

use crate::capture::Zone;
use crate::decode::text::{push_nine, push_six, push_two};
use crate::event::Timestamp;

const SECOND: i64 = 1_000_000_000;

/// How a line tells its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Time of day.
    Day,
    /// `-t`: none.
    None,
    /// `-tt`: seconds since 1970.
    Epoch,
    /// `-ttt`: since the line before.
    SincePrevious,
    /// `-tttt`: date and time of day.
    Date,
    /// `-ttttt`: since the first line.
    SinceFirst,
}

impl Style {
    /// From how often `-t` was given; a sixth one shows the time of day again, as tcpdump does.
    pub fn from_count(count: u8) -> Self {
        match count {
            1 => Self::None,
            2 => Self::Epoch,
            3 => Self::SincePrevious,
            4 => Self::Date,
            5 => Self::SinceFirst,
            _ => Self::Day,
        }
    }

    /// Needs the zone.
    pub fn is_local(self) -> bool {
        matches!(self, Self::Day | Self::Date)
    }
}

/// Writes times; remembers the first and the previous one.
#[derive(Clone, Debug)]
pub struct Teller {
    style: Style,
    zone: Zone,
    nanos: bool,
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    /// A second since 1970 and its time of day, `12:00:00.`.
    clock: (i64, String),
}

impl Teller {
    /// `nanos`: nine digits, not six.
    pub fn new(style: Style, zone: Zone, nanos: bool) -> Self {
        Self {
            style,
            zone,
            nanos,
            first: None,
            previous: None,
            clock: (0, String::new()),
        }
    }

    /// Appends the time of the next line and a blank; nothing for [`Style::None`].
    pub fn tell(&mut self, at: Timestamp, out: &mut String) {
        let first = *self.first.get_or_insert(at);
        let previous = self.previous.replace(at).unwrap_or(at);
        match self.style {
            Style::None => return,
            Style::Day => self.of_day(at, out),
            Style::Epoch => self.number(at.0, out),
            Style::SincePrevious => self.span(previous, at, out),
            Style::SinceFirst => self.span(first, at, out),
            Style::Date => {
                let second = self.local_second(at);
                match DateTime::from_timestamp(second, 0) {
                    Some(date) => {
                        let _ = write!(out, "{} ", date.format("%Y-%m-%d"));
                    }
                    None => out.push_str("????-??-?? "),
                }
                self.of_day(at, out);
            }
        }
        out.push(' ');
    }

    fn local_second(&self, at: Timestamp) -> i64 {
        let second = at.0.div_euclid(SECOND);
        second.saturating_add(self.zone.offset(second).into())
    }

    fn of_day(&mut self, at: Timestamp, out: &mut String) {
        let second = at.0.div_euclid(SECOND);
        // Most packets come in the same second as the one before.
        if self.clock.0 != second || self.clock.1.is_empty() {
            let day = self.local_second(at).rem_euclid(86_400).unsigned_abs();
            let (_, clock) = &mut self.clock;
            clock.clear();
            for (pair, end) in [(day / 3600, ':'), (day / 60 % 60, ':'), (day % 60, '.')] {
                push_two(pair, clock);
                clock.push(end);
            }
            self.clock.0 = second;
        }
        out.push_str(&self.clock.1);
        self.fraction(at.0.rem_euclid(SECOND), out);
    }

    /// A span as tcpdump writes it: ` 00:00:01.000000`, with a minus if the clock went back.
    fn span(&self, from: Timestamp, to: Timestamp, out: &mut String) {
        let nanos = to.0.saturating_sub(from.0);
        let sign = if nanos < 0 { '-' } else { ' ' };
        let nanos = nanos.saturating_abs();
        let (second, nanos) = (nanos / SECOND, nanos % SECOND);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let _ = write!(out, "{sign}{hour:02}:{minute:02}:{second:02}.");
        self.fraction(nanos, out);
    }

    fn number(&self, nanos: i64, out: &mut String) {
        let _ = write!(out, "{}.", nanos.div_euclid(SECOND));
        self.fraction(nanos.rem_euclid(SECOND), out);
    }

    /// Digits behind the dot.
    fn fraction(&self, nanos: i64, out: &mut String) {
        let nanos = nanos.unsigned_abs();
        if self.nanos {
            push_nine(nanos, out);
        } else {
            push_six(nanos / 1000, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(count: u8, times: &[i64]) -> Vec<String> {
        let mut teller = Teller::new(Style::from_count(count), Zone::utc(), false);
        let one = |nanos: &i64| {
            let mut out = String::new();
            teller.tell(Timestamp(*nanos), &mut out);
            out
        };
        times.iter().map(one).collect()
    }

    #[test]
    fn every_style_as_tcpdump_writes_it() {
        let times = [
            1_700_000_000_123_456_789,
            1_700_000_001_123_456_789,
            1_700_003_600_000_000_000,
        ];
        assert_eq!(tell(1, &times), ["", "", ""]);
        assert_eq!(
            tell(0, &times),
            ["22:13:20.123456 ", "22:13:21.123456 ", "23:13:20.000000 "]
        );
        assert_eq!(tell(2, &times)[0], "1700000000.123456 ");
        assert_eq!(
            tell(3, &times),
            [
                " 00:00:00.000000 ",
                " 00:00:01.000000 ",
                " 00:59:58.876543 "
            ]
        );
        assert_eq!(tell(4, &times)[0], "2023-11-14 22:13:20.123456 ");
        assert_eq!(tell(5, &times)[2], " 00:59:59.876543 ");
        // A clock that went back, and the ends of time.
        assert_eq!(tell(3, &[times[1], times[0]])[1], "-00:00:01.000000 ");
        for count in 0..7 {
            tell(count, &[i64::MIN, i64::MAX, -1, 0]);
        }
        let mut nanos = Teller::new(Style::Day, Zone::utc(), true);
        let mut out = String::new();
        nanos.tell(Timestamp(times[0]), &mut out);
        assert_eq!(out, "22:13:20.123456789 ");
    }
}
