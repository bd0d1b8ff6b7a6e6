//! What the keeper and the wire process say to each other: requests and small answers as JSON,
//! events in a format of their own, since they are many. One datagram, one message.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Ways;
use super::config::Config;
use super::engine::Counts;
use super::log::Entry;
use super::step::Key;
use crate::decode::{Direction, Flags, LinkType};
use crate::event::{Fate, Host, Id, Kind, List, Mono, Packet, Reason, Stamp, Timestamp};

/// From the keeper to the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// The wire may drop its rights and begin.
    Start,
    /// Do this from now on.
    Set(Box<Config>),
    /// The events from this number on: several [`Reply::Entries`], then [`Reply::Done`].
    Events(u64),
    /// Counts and settings.
    Status,
    /// Decide about the held frame.
    Press(Key),
    /// The held frame's header, as text.
    Show,
    /// Deliver what is due, write the files, end.
    Finish,
}

/// What the wire is and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// What it does.
    pub config: Config,
    /// Names of the hosts, as events number them.
    pub hosts: Vec<String>,
    /// Names of the cables: `h1-h2`.
    pub cables: Vec<String>,
    /// What became of the frames, for each cable.
    pub counts: Vec<Ways<Counts>>,
    /// How often each rule acted.
    pub acted: Vec<u64>,
    /// Frames neither delivered nor dropped yet.
    pub pending: usize,
    /// Frames that wait for a key.
    pub held: usize,
    /// Frames that the wire process itself was too slow for: they are in no count.
    pub missed: u64,
    /// Events so far, and how many of the first are no longer kept.
    pub events: u64,
    /// See `events`.
    pub evicted: u64,
    /// Wall time, in nanoseconds since 1970, at time zero of the events.
    pub start: i64,
    /// Events have times up to this.
    pub now: Duration,
    /// The time of the last event.
    pub last: Duration,
    /// What the sandbox lacks: one line each.
    pub missing: Vec<String>,
}

/// From the wire to the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// All rights are dropped, frames are carried from now on.
    Ready(Box<Status>),
    /// Done; the last message of an answer.
    Done,
    /// Not done, and why.
    Refused(String),
    /// For [`Request::Status`].
    Status(Box<Status>),
    /// Encoded events, see [`decode_entries`].
    Entries(Vec<u8>),
    /// For [`Request::Show`].
    Text(String),
    /// In step mode, unasked: the frame that waits now, as a line; empty if none does.
    Held(String),
}

impl Request {
    /// As a message.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From a message.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Reply {
    /// As a message.
    pub fn encode(&self) -> Vec<u8> {
        let (tag, body) = match self {
            Self::Ready(status) => (b'R', serde_json::to_vec(status).unwrap_or_default()),
            Self::Done => (b'.', Vec::new()),
            Self::Refused(text) => (b'!', text.clone().into_bytes()),
            Self::Status(status) => (b'S', serde_json::to_vec(status).unwrap_or_default()),
            Self::Entries(bytes) => (b'E', bytes.clone()),
            Self::Text(text) => (b'T', text.clone().into_bytes()),
            Self::Held(text) => (b'H', text.clone().into_bytes()),
        };
        let mut message = vec![tag];
        message.extend(body);
        message
    }

    /// From a message.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, body) = bytes.split_first()?;
        let text = || String::from_utf8(body.to_vec()).ok();
        Some(match tag {
            b'R' => Self::Ready(serde_json::from_slice(body).ok()?),
            b'.' => Self::Done,
            b'!' => Self::Refused(text()?),
            b'S' => Self::Status(serde_json::from_slice(body).ok()?),
            b'E' => Self::Entries(body.to_vec()),
            b'T' => Self::Text(text()?),
            b'H' => Self::Held(text()?),
            _ => return None,
        })
    }

    /// No further message belongs to this answer.
    pub fn is_last(&self) -> bool {
        !matches!(self, Self::Entries(_) | Self::Held(_))
    }
}

const NONE: u64 = u64::MAX;

/// Appends entries until `limit` bytes are reached; gives the number after the last one taken.
pub fn encode_entries<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let mut next = None;
    for entry in entries {
        encode_entry(entry, out);
        next = Some(entry.number.saturating_add(1));
        if out.len() >= limit {
            break;
        }
    }
    next
}

fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    let at = u64::try_from(entry.at.0.as_nanos()).unwrap_or(u64::MAX);
    out.extend(entry.number.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(entry.cause.unwrap_or(NONE).to_le_bytes());
    out.push(entry.host.0);
    match &entry.kind {
        Kind::Packet(packet) => {
            out.push(b'p');
            out.extend(packet.wall.0.to_le_bytes());
            out.push(u8::from(packet.dir == Direction::Out));
            match entry.same {
                Some(same) => {
                    out.push(1);
                    out.extend(same.to_le_bytes());
                }
                None => out.push(0),
            }
            // Also where they are shared: the other one may be evicted before it is asked for.
            bytes(&packet.bytes, out);
        }
        Kind::Fate(fate) => {
            out.push(b'f');
            let (code, number): (u8, u64) = match fate {
                Fate::Delivered { at, to } => {
                    let at = u64::try_from(at.0.as_nanos()).unwrap_or(u64::MAX);
                    out.push(to.0);
                    (1, at)
                }
                Fate::Dropped(reason) => {
                    let at = REASONS.iter().position(|known| known == reason);
                    (2, at.unwrap_or(0) as u64)
                }
                Fate::Duplicated => (3, 0),
                Fate::Corrupted { bit } => (4, u64::from(*bit)),
                Fate::Overtaken => (5, 0),
                Fate::Held => (6, 0),
            };
            if code != 1 {
                out.push(0);
            }
            out.push(code);
            out.extend(number.to_le_bytes());
        }
        Kind::Note(text) => {
            out.push(b'n');
            bytes(text.as_bytes(), out);
        }
        // A wire sees no calls.
        Kind::Call(_) => {
            out.push(b'n');
            bytes(&[], out);
        }
    }
}

/// The reasons by their number in a message.
const REASONS: [Reason; 7] = [
    Reason::Loss,
    Reason::Rule,
    Reason::Key,
    Reason::Mtu,
    Reason::Queue,
    Reason::MutedReset,
    Reason::Refused,
];

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Takes the entries of one [`Reply::Entries`] apart; `None` where the bytes are not ours.
pub fn decode_entries(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        entries.push(decode_entry(&mut bytes)?);
    }
    Some(entries)
}

fn decode_entry(from: &mut &[u8]) -> Option<Entry> {
    let number = take_u64(from)?;
    let at = Mono(Duration::from_nanos(take_u64(from)?));
    let cause = Some(take_u64(from)?).filter(|cause| *cause != NONE);
    let host = Host(take_u8(from)?);
    let mut same = None;
    let kind = match take_u8(from)? {
        b'p' => {
            let wall = Timestamp(i64::from_le_bytes(take_u64(from)?.to_le_bytes()));
            let out = take_u8(from)? == 1;
            if take_u8(from)? == 1 {
                same = Some(take_u64(from)?);
            }
            let bytes: Arc<[u8]> = take_bytes(from)?.into();
            Kind::Packet(Packet {
                wall,
                stamp: Stamp::User,
                link: LinkType::Ethernet,
                dir: if out { Direction::Out } else { Direction::In },
                flags: Flags::default(),
                wire_len: u32::try_from(bytes.len()).ok()?,
                bytes,
            })
        }
        b'f' => {
            let to = Host(take_u8(from)?);
            let code = take_u8(from)?;
            let number = take_u64(from)?;
            Kind::Fate(match code {
                1 => Fate::Delivered {
                    at: Mono(Duration::from_nanos(number)),
                    to,
                },
                2 => Fate::Dropped(*REASONS.get(usize::try_from(number).ok()?)?),
                3 => Fate::Duplicated,
                4 => Fate::Corrupted {
                    bit: u32::try_from(number).ok()?,
                },
                5 => Fate::Overtaken,
                6 => Fate::Held,
                _ => return None,
            })
        }
        b'n' => Kind::Note(String::from_utf8_lossy(take_bytes(from)?).into_owned()),
        _ => return None,
    };
    Some(Entry {
        number,
        at,
        host,
        kind,
        cause,
        same,
    })
}

fn take<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

fn take_u8(from: &mut &[u8]) -> Option<u8> {
    take(from, 1)?.first().copied()
}

fn take_u64(from: &mut &[u8]) -> Option<u64> {
    take(from, 8)?
        .first_chunk()
        .copied()
        .map(u64::from_le_bytes)
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take(from, 4)?
        .first_chunk()
        .copied()
        .map(u32::from_le_bytes)?;
    take(from, usize::try_from(len).ok()?)
}

/// Events of the wire on their way into a [`List`], whose ids they get.
#[derive(Debug, Default)]
pub struct Reader {
    next: u64,
    /// The ids of the newest events, by their number on the wire.
    ids: HashMap<u64, Id>,
    order: VecDeque<u64>,
}

/// Causes older than this many events are not looked for.
const REMEMBERED: usize = 400_000;

impl Reader {
    /// The number to ask for next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Adds the entries of a message to a list. `false` if they are not ours.
    pub fn read(&mut self, message: &[u8], list: &mut List) -> bool {
        let Some(entries) = decode_entries(message) else {
            return false;
        };
        for entry in entries {
            list.leave_out(entry.number.saturating_sub(self.next));
            self.next = entry.number.saturating_add(1);
            let cause = entry.cause.and_then(|cause| self.ids.get(&cause)).copied();
            let Some(id) = list.push(entry.at, entry.host, entry.kind, cause) else {
                continue;
            };
            self.ids.insert(entry.number, id);
            self.order.push_back(entry.number);
            if self.order.len() > REMEMBERED
                && let Some(old) = self.order.pop_front()
            {
                self.ids.remove(&old);
            }
        }
        true
    }
}
