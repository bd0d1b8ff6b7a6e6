//! Events put together: each frame with all that became of it, in the order in which frames came.

use std::collections::BTreeMap;

use super::log::Entry;
use crate::decode::Direction;
use crate::event::{Fate, Host, Kind, Mono, Packet};

/// Most frames that wait for the end of their story. Then the first is told unfinished.
const MAX_OPEN: usize = 65_536;

/// A frame at one end of the wire.
#[derive(Clone, Debug)]
pub struct Story {
    /// Number of its event.
    pub number: u64,
    /// When it was at this end.
    pub at: Mono,
    /// Whose end.
    pub host: Host,
    /// The frame; its direction is that of the host.
    pub packet: Packet,
    /// What became of it, for a frame that went into the wire.
    pub fates: Vec<(Mono, Fate)>,
    /// How long it was under way, for one that came out.
    pub flight: Option<(Host, std::time::Duration)>,
    /// Copies of which neither delivery nor drop is known.
    open: u32,
}

/// Stories that are not told yet.
#[derive(Debug, Default)]
pub struct Stories {
    waiting: BTreeMap<u64, Story>,
    /// The last delivery: its number, who had sent the frame and when.
    delivered: Option<(u64, Host, Mono)>,
}

impl Stories {
    /// Takes the next event.
    pub fn take(&mut self, entry: &Entry) {
        match &entry.kind {
            Kind::Packet(packet) => {
                let flight = self
                    .delivered
                    .filter(|(number, ..)| Some(*number) == entry.cause)
                    .map(|(_, from, at)| (from, entry.at.since(at)));
                let story = Story {
                    number: entry.number,
                    at: entry.at,
                    host: entry.host,
                    packet: packet.clone(),
                    fates: Vec::new(),
                    flight,
                    open: u32::from(packet.dir == Direction::Out),
                };
                self.waiting.insert(entry.number, story);
            }
            Kind::Fate(fate) => {
                let story = entry.cause.and_then(|cause| self.waiting.get_mut(&cause));
                let Some(story) = story else {
                    self.delivered = None;
                    return;
                };
                story.fates.push((entry.at, fate.clone()));
                match fate {
                    Fate::Delivered { .. } => {
                        self.delivered = Some((entry.number, story.host, story.at));
                        story.open = story.open.saturating_sub(1);
                    }
                    Fate::Dropped(_) => story.open = story.open.saturating_sub(1),
                    Fate::Duplicated => story.open = story.open.saturating_add(1),
                    Fate::Corrupted { .. } | Fate::Overtaken | Fate::Held => {}
                }
            }
            Kind::Call(_) | Kind::Note(_) => {}
        }
    }

    /// The next frame, if all is known about it.
    pub fn ready(&mut self) -> Option<Story> {
        let first = self.waiting.first_entry()?;
        let told = first.get().open == 0;
        if told || self.waiting.len() > MAX_OPEN {
            return self.waiting.pop_first().map(|(_, story)| story);
        }
        None
    }

    /// The next frame, finished or not.
    pub fn rest(&mut self) -> Option<Story> {
        self.waiting.pop_first().map(|(_, story)| story)
    }
}
