//! The time at the start of a line: tcpdump's `-t` to `-ttttt`.

use std::fmt::Write as _;

use chrono::DateTime;

use crate::capture::Zone;
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

    fn of_day(&self, at: Timestamp, out: &mut String) {
        let second = self.local_second(at).rem_euclid(86_400);
        let digits = |value: i64| -> [u8; 2] {
            let digit = |n: i64| u8::try_from(n).map_or(b'?', |n| b'0' + n);
            [digit(value / 10), digit(value % 10)]
        };
        let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60].map(digits);
        for (pair, end) in [(hour, ':'), (minute, ':'), (second, '.')] {
            out.extend(pair.map(char::from));
            out.push(end);
        }
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

    /// Digits behind the dot. Written by hand: `format!` costs more than the rest of a line's time.
    fn fraction(&self, nanos: i64, out: &mut String) {
        let mut digits = *b"000000000";
        let mut rest = nanos;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        let shown = if self.nanos { 9 } else { 6 };
        out.extend(digits.iter().take(shown).map(|digit| char::from(*digit)));
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
