//! The ordered list of a run's events, bounded in count and bytes. What does not fit is counted,
//! never dropped in silence.

use super::{Event, Host, Id, Kind, Mono, Timestamp};

/// The events of one run, in the order in which they were reported.
#[derive(Clone, Debug)]
pub struct List {
    /// Names of the hosts; [`Host`] is an index into it.
    pub hosts: Vec<String>,
    /// Wall time at [`Mono`] zero: ties packet stamps to the run's own time.
    pub start: Timestamp,
    events: Vec<Event>,
    held_bytes: usize,
    max_events: usize,
    max_bytes: usize,
    left_out: u64,
}

impl List {
    /// An empty list that takes at most `max_events` events holding `max_bytes` bytes of packets.
    pub fn new(hosts: Vec<String>, start: Timestamp, max_events: usize, max_bytes: usize) -> Self {
        Self {
            hosts,
            start,
            events: Vec::new(),
            held_bytes: 0,
            max_events: max_events.min(u32::MAX as usize),
            max_bytes,
            left_out: 0,
        }
    }

    /// Adds an event; `None` if the list is full, which [`List::left_out`] counts.
    pub fn push(&mut self, at: Mono, host: Host, kind: Kind, cause: Option<Id>) -> Option<Id> {
        let bytes = match &kind {
            Kind::Packet(packet) => packet.bytes.len(),
            Kind::Call(_) | Kind::Fate(_) | Kind::Note(_) => 0,
        };
        let full = self.events.len() >= self.max_events;
        if full || self.held_bytes.saturating_add(bytes) > self.max_bytes {
            self.left_out += 1;
            return None;
        }
        let id = Id(u32::try_from(self.events.len()).ok()?);
        self.held_bytes += bytes;
        self.events.push(Event {
            id,
            at,
            host,
            kind,
            cause,
        });
        Some(id)
    }

    /// All events in the order of reporting.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// One event by its id.
    pub fn get(&self, id: Id) -> Option<&Event> {
        self.events.get(id.0 as usize)
    }

    /// All events in the order of time; of equal times, in the order of reporting. Packets are
    /// reported when they are read, which is later than they happened.
    pub fn by_time(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Name of a host, empty if it has none.
    pub fn host_name(&self, host: Host) -> &str {
        self.hosts
            .get(usize::from(host.0))
            .map_or("", String::as_str)
    }

    /// Wall time `wall` as time since the run's start; zero if it is before it.
    pub fn mono(&self, wall: Timestamp) -> Mono {
        Mono(wall.since(self.start).unwrap_or_default())
    }

    /// Counts events that were lost before they came here.
    pub fn leave_out(&mut self, count: u64) {
        self.left_out = self.left_out.saturating_add(count);
    }

    /// Events that did not fit, or were lost before they came here.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn note(list: &mut List, ms: u64, text: &str) -> Option<Id> {
        let at = Mono(Duration::from_millis(ms));
        list.push(at, Host(0), Kind::Note(text.into()), None)
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut list = List::new(vec!["h1".into()], Timestamp(0), 2, 0);
        assert_eq!(note(&mut list, 1, "a"), Some(Id(0)));
        assert_eq!(note(&mut list, 1, "b"), Some(Id(1)));
        assert_eq!(note(&mut list, 1, "c"), None);
        assert_eq!((list.events().len(), list.left_out()), (2, 1));
    }

    #[test]
    fn time_order_keeps_the_order_of_reporting_for_equal_times() {
        let mut list = List::new(vec!["h1".into()], Timestamp(0), 9, 0);
        for (ms, text) in [(2, "late"), (1, "first"), (1, "second")] {
            note(&mut list, ms, text);
        }
        let ids: Vec<u32> = list.by_time().iter().map(|event| event.id.0).collect();
        assert_eq!(ids, [1, 2, 0]);
    }
}
