//! Spans without answers. An outage is at least two probes in a row, in the order of sending,
//! without an answer in time, and at least 100 ms from the first of them to the next answer.
//! Probes that could not be sent count too: a link that is down is an outage. Late answers do not
//! end it.

use std::time::Duration;

use super::table::{State, Table};
use super::{Outage, StateChange};
use crate::event::{Mono, Timestamp};

/// Probes in a row that make an outage.
const PROBES: u64 = 2;
/// A shorter span is ordinary loss (in a flood two probes are 20 microseconds).
const SHORTEST: Duration = Duration::from_millis(100);
/// Most outages that are listed; further ones are only counted.
const LISTED: usize = 1000;

/// Looks at each settled probe once, in the order of sending.
#[derive(Debug, Default)]
pub(super) struct Outages {
    /// Unanswered probes in a row up to the one seen last.
    streak: u64,
    /// When the first of them was sent.
    first: Moment,
    /// An outage is going on.
    active: bool,
    /// Probes before this one belong to an outage that has ended already.
    skip: u64,
    pub list: Vec<Outage>,
    pub count: u64,
}

/// One moment on both clocks: the wall clock may be stepped while an outage lasts.
type Moment = (Mono, Timestamp);

/// What a look or an answer brought to light, in order of time.
pub(super) type Changes = [Option<(Timestamp, StateChange)>; 2];

impl Outages {
    /// Nothing is missing: another answer changes nothing.
    pub fn calm(&self) -> bool {
        self.streak == 0 && !self.active
    }

    /// Probe `n` is settled; all before it are. `newest` is the newest probe with an answer.
    pub fn settled(&mut self, n: u64, table: &Table, newest: u64, now: Moment) -> Changes {
        let Some(entry) = table
            .get(n)
            .filter(|entry| n >= self.skip && entry.state != State::TooBig)
        else {
            return Changes::default();
        };
        if entry.state == State::Answered {
            let ended = self.end(entry.answer_moment());
            self.streak = 0;
            return [ended, None];
        }
        if self.streak == 0 {
            self.first = (entry.sent(), entry.wall);
        }
        self.streak = self.streak.saturating_add(1);
        if self.streak < PROBES || self.active {
            return Changes::default();
        }
        // Answers to later probes may be here already, since it took a timeout to get to know.
        let mut later = n.saturating_add(1)..=newest;
        let answer = later.find_map(|later| {
            let entry = table.get(later)?;
            (entry.state == State::Answered).then(|| (later, entry.answer_moment()))
        });
        let until = answer.map_or(now, |(_, time)| time);
        if until.0.since(self.first.0) < SHORTEST {
            if let Some((later, _)) = answer {
                self.skip = later;
                self.streak = 0;
            }
            return Changes::default();
        }
        self.active = true;
        self.count = self.count.saturating_add(1);
        if self.list.len() < LISTED {
            self.list.push(Outage {
                from: self.first.1,
                until: None,
            });
        }
        let began = Some((now.1, StateChange::OutageBegan));
        let ended = answer.and_then(|(later, time)| {
            self.skip = later;
            self.end(time)
        });
        [began, ended.map(|(_, change)| (now.1, change))]
    }

    /// Probe `n` was answered at `time`: that ends an outage on the spot, before all probes that
    /// it swallowed have timed out.
    pub fn answered(&mut self, n: u64, time: Moment) -> Option<(Timestamp, StateChange)> {
        let ended = self.end(time)?;
        self.skip = self.skip.max(n);
        Some(ended)
    }

    fn end(&mut self, time: Moment) -> Option<(Timestamp, StateChange)> {
        if !self.active {
            return None;
        }
        self.active = false;
        self.streak = 0;
        // Beyond LISTED the last one of the list is another, closed one.
        if let Some(outage) = self.list.last_mut()
            && outage.until.is_none()
        {
            outage.until = Some(time.1);
        }
        let lasted = time.0.since(self.first.0);
        Some((time.1, StateChange::OutageEnded { lasted }))
    }
}
