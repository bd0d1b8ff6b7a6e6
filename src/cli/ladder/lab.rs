//! What the wire of a running lab did, as a run: asked over the lab's control socket before the drop,
//! read after it.

use std::collections::HashMap;

use super::take::MAX_BYTES;
use crate::cli::wanted::Wanted;
use crate::error::Error;
use crate::event::{Fate, Id, Kind, List, Mono, Timestamp};
use crate::lab::Client;
use crate::wire::{Entry, Reply, Request, decode_entries};

/// What a lab told, not read yet.
#[derive(Debug, Default)]
pub struct Told {
    hosts: Vec<String>,
    messages: Vec<Vec<u8>>,
}

/// Asks a lab for its hosts and events; number 0: the only one that runs.
pub fn ask(number: u32) -> Result<Told, Error> {
    let lab = Some(number).filter(|number| *number > 0);
    let mut told = Told::default();
    Client::connect(lab)?.ask(Request::Status, |reply| {
        if let Reply::Status(status) = reply {
            told.hosts.clone_from(&status.hosts);
        }
    })?;
    Client::connect(lab)?.ask(Request::Events(0), |reply| {
        if let Reply::Entries(bytes) = reply {
            told.messages.push(bytes);
        }
    })?;
    Ok(told)
}

impl Told {
    /// The frames that are wanted, with what became of them; time begins with the first.
    pub fn list(self, wanted: &mut Wanted, max_packets: u32) -> Result<List, Error> {
        let entries: Vec<Entry> = self
            .messages
            .iter()
            .filter_map(|bytes| decode_entries(bytes))
            .flatten()
            .collect();
        let mut list = List::new(self.hosts, Timestamp(0), 1 << 20, MAX_BYTES);
        let mut known: HashMap<u64, Id> = HashMap::new();
        let mut start: Option<Mono> = None;
        let mut packets: u32 = 0;
        for entry in entries {
            let cause = entry.cause.and_then(|cause| known.get(&cause).copied());
            match &entry.kind {
                Kind::Packet(packet) if entry.cause.is_none() => {
                    if !wanted.matches(&packet.frame())? || packets >= max_packets {
                        continue;
                    }
                    packets += 1;
                }
                // What happened to a frame that is not shown, or is not kept any longer.
                Kind::Packet(_) | Kind::Fate(_) if cause.is_none() => continue,
                _ => {}
            }
            let zero = *start.get_or_insert(entry.at);
            let shift = |at: Mono| Mono(at.since(zero));
            let kind = match entry.kind {
                Kind::Fate(Fate::Delivered { at, to }) => {
                    Kind::Fate(Fate::Delivered { at: shift(at), to })
                }
                kind => kind,
            };
            if let Some(id) = list.push(shift(entry.at), entry.host, kind, cause) {
                known.insert(entry.number, id);
            }
        }
        Ok(list)
    }
}
