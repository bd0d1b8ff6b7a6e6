//! When the next file of a capture begins, and what it is called: tcpdump's `-C`, `-G` and `-W`,
//! but both limits are kept together, periods do not drift, and no name is used twice.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;

use crate::capture::Zone;
use crate::error::Error;
use crate::event::Timestamp;

/// The conversions of strftime(3) that a file name may have. None of them makes a `/`.
const CONVERSIONS: &str = "YmdHMSyjs%";

/// Limits of one file, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Most bytes of a file, before packing (`-C`).
    pub bytes: Option<u64>,
    /// Time that a file covers (`-G`).
    pub span: Option<Duration>,
    /// With a limit of bytes: how many files are kept, the newest ones. Without: how many are
    /// written (`-W`).
    pub files: Option<u32>,
}

impl Rotation {
    /// There is a limit.
    pub fn is_on(self) -> bool {
        self.bytes.is_some() || self.span.is_some()
    }

    /// How many files are kept, where the oldest one goes for a new one.
    fn ring(self) -> Option<usize> {
        self.bytes?;
        usize::try_from(self.files?).ok()
    }
}

/// A file's name, and which one of ours goes for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub path: PathBuf,
    pub remove: Option<PathBuf>,
}

/// The names of a capture's files, one after the other.
#[derive(Debug)]
pub(super) struct Names {
    template: String,
    rotation: Rotation,
    zone: Zone,
    /// When the current period began.
    start: Option<Timestamp>,
    /// The current name without a number, and its number.
    current: Option<(String, u32)>,
    made: VecDeque<PathBuf>,
    written: u32,
}

impl Names {
    /// Checks the name. Loads the zone, so it comes before the drop.
    pub fn new(path: &Path, rotation: Rotation) -> Result<Self, Error> {
        let fault = |what: &str| Error::Usage {
            message: format!("{what} in the name of -w"),
            fix: Some("-w 'x-%Y%m%d-%H%M%S.pcap'".into()),
        };
        let template = path
            .to_str()
            .ok_or_else(|| fault("bytes that are no text"))?;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| fault("no file"))?;
        let directory = template.strip_suffix(name).unwrap_or("");
        if directory.contains('%') {
            return Err(fault("a % before the last /"));
        }
        let mut rest = name.chars();
        while let Some(c) = rest.next() {
            if c == '%' && !rest.next().is_some_and(|c| CONVERSIONS.contains(c)) {
                return Err(fault(
                    "a % that is not one of %Y %m %d %H %M %S %y %j %s %%",
                ));
            }
        }
        let local = name.contains('%');
        Ok(Self {
            template: template.to_owned(),
            rotation,
            zone: if local { Zone::local() } else { Zone::utc() },
            start: None,
            current: None,
            made: VecDeque::new(),
            written: 0,
        })
    }

    /// The current file is full, or its period is over at `at`. `size`: its bytes with the next
    /// record; 0 if there is none.
    pub fn is_due(&self, at: Timestamp, size: u64) -> bool {
        let full = self.rotation.bytes.is_some_and(|most| size > most);
        let late = self.end().is_some_and(|end| at >= end);
        full || late
    }

    /// When the current period ends.
    pub fn end(&self) -> Option<Timestamp> {
        let span = i64::try_from(self.rotation.span?.as_nanos()).ok()?;
        Some(Timestamp(self.start?.0.saturating_add(span)))
    }

    /// No further file is wanted.
    pub fn is_enough(&self) -> bool {
        let ring = self.rotation.ring().is_some();
        !ring && self.rotation.files.is_some_and(|most| self.written >= most)
    }

    /// The next file, whose first packet is of `at`.
    pub fn next(&mut self, at: Timestamp) -> Place {
        // Whole periods, so that they never drift.
        let span = self
            .rotation
            .span
            .and_then(|span| i64::try_from(span.as_nanos()).ok());
        self.start = Some(match (self.start, span) {
            (Some(start), Some(span)) if span > 0 && at > start => {
                let periods = at.0.saturating_sub(start.0).checked_div(span).unwrap_or(0);
                Timestamp(start.0.saturating_add(periods.saturating_mul(span)))
            }
            (Some(start), _) => start,
            (None, _) => at,
        });
        let base = self.base();
        let number = match &self.current {
            Some((before, number)) if *before == base => number.saturating_add(1),
            _ => 0,
        };
        self.current = Some((base.clone(), number));
        self.written = self.written.saturating_add(1);
        let ring = self.rotation.ring().map(|kept| kept.max(1));
        let path = PathBuf::from(match ring {
            Some(kept) => {
                let digits = kept.saturating_sub(1).max(1).ilog10().saturating_add(1);
                let digits = usize::try_from(digits).unwrap_or(1);
                let kept = u32::try_from(kept).unwrap_or(u32::MAX);
                let number = number.checked_rem(kept).unwrap_or(0);
                format!("{base}{number:0digits$}")
            }
            None if number == 0 => base,
            None => format!("{base}{number}"),
        });
        let full = ring.is_some_and(|kept| self.made.len() >= kept);
        let remove = if full { self.made.pop_front() } else { None };
        if ring.is_some() {
            self.made.push_back(path.clone());
        }
        Place { path, remove }
    }

    /// The template with the start of the period.
    fn base(&self) -> String {
        let start = self.start.unwrap_or_default().0;
        let second = start.div_euclid(1_000_000_000);
        let local = second.saturating_add(self.zone.offset(second).into());
        let date = DateTime::from_timestamp(local, 0).unwrap_or_default();
        let name = self
            .template
            .rfind('/')
            .map_or(0, |at| at.saturating_add(1));
        let (directory, name) = self.template.split_at(name);
        let mut out = directory.to_owned();
        let mut rest = name.chars();
        while let Some(c) = rest.next() {
            match (c, rest.clone().next()) {
                ('%', Some('s')) => out.push_str(&second.to_string()),
                ('%', Some(c)) => {
                    let text = date.format(match c {
                        'Y' => "%Y",
                        'm' => "%m",
                        'd' => "%d",
                        'H' => "%H",
                        'M' => "%M",
                        'S' => "%S",
                        'y' => "%y",
                        'j' => "%j",
                        _ => "%%",
                    });
                    out.push_str(&text.to_string());
                }
                (c, _) => {
                    out.push(c);
                    continue;
                }
            }
            rest.next();
        }
        out
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test's own numbers")]
mod tests {
    use super::*;

    fn names(template: &str, bytes: Option<u64>, span: Option<u64>, files: Option<u32>) -> Names {
        let rotation = Rotation {
            bytes,
            span: span.map(Duration::from_secs),
            files,
        };
        let mut names = Names::new(Path::new(template), rotation).unwrap();
        names.zone = Zone::utc();
        names
    }

    /// 2023-11-14 22:13:20 and so many seconds.
    fn at(second: i64) -> Timestamp {
        Timestamp((1_700_000_000 + second) * 1_000_000_000)
    }

    fn next(names: &mut Names, second: i64) -> String {
        names.next(at(second)).path.display().to_string()
    }

    #[test]
    fn numbers_as_tcpdump_appends_them() {
        let mut plain = names("d/x.pcap", Some(1000), None, None);
        let made: Vec<String> = (0..3).map(|n| next(&mut plain, n)).collect();
        assert_eq!(made, ["d/x.pcap", "d/x.pcap1", "d/x.pcap2"]);
        assert!(!plain.is_due(at(9), 1000) && plain.is_due(at(9), 1001));
    }

    #[test]
    fn a_ring_removes_its_oldest_file() {
        let mut ring = names("x", Some(1000), None, Some(12));
        let places: Vec<Place> = (0..14).map(|n| ring.next(at(n))).collect();
        assert_eq!(places[0].path, Path::new("x00"));
        assert_eq!(places[11].path, Path::new("x11"));
        assert_eq!(places[11].remove, None);
        assert_eq!(places[12].path, Path::new("x00"));
        assert_eq!(places[12].remove.as_deref(), Some(Path::new("x00")));
        assert_eq!(places[13].remove.as_deref(), Some(Path::new("x01")));
        assert!(!ring.is_enough());
        // With times in the names the newest ones stay too.
        let mut ring = names("%H%M-", Some(1000), Some(60), Some(2));
        let places: Vec<Place> = [0, 1, 60, 120].map(|n| ring.next(at(n))).into();
        let paths: Vec<_> = places.iter().map(|p| p.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["2213-0", "2213-1", "2214-0", "2215-0"]);
        assert_eq!(places[3].remove.as_deref(), Some(Path::new("2213-1")));
    }

    #[test]
    fn periods_do_not_drift() {
        let mut hours = names("x-%Y%m%d-%H%M%S.pcap", None, Some(3600), None);
        assert_eq!(next(&mut hours, 0), "x-20231114-221320.pcap");
        assert!(!hours.is_due(at(3599), u64::MAX) && hours.is_due(at(3600), 0));
        assert_eq!(hours.end(), Some(at(3600)));
        // The first packet of the period came late, and one period had none.
        assert_eq!(next(&mut hours, 3700), "x-20231114-231320.pcap");
        assert_eq!(next(&mut hours, 3600 * 3 + 5), "x-20231115-011320.pcap");
        assert_eq!(hours.end(), Some(at(3600 * 4)));
    }

    #[test]
    fn both_limits_and_names_that_would_repeat() {
        let mut both = names("x-%H.pcap", Some(500), Some(600), None);
        let made: Vec<String> = [0, 10, 600, 3600].map(|n| next(&mut both, n)).into();
        assert_eq!(made, ["x-22.pcap", "x-22.pcap1", "x-22.pcap2", "x-23.pcap"]);
        let mut limited = names("%s-%%-%j", None, Some(1), Some(2));
        assert_eq!(next(&mut limited, 0), "1700000000-%-318");
        assert!(!limited.is_enough());
        next(&mut limited, 1);
        assert!(limited.is_enough());
    }

    #[test]
    fn names_that_cannot_be() {
        let rotation = Rotation::default();
        for bad in ["%../../x", "%Y/x", "x%", "%D", "%q", "..", "/"] {
            assert!(Names::new(Path::new(bad), rotation).is_err(), "{bad}");
        }
    }
}
