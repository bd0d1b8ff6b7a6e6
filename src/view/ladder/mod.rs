//! The ladder: who sent what to whom and when, with what became of it and the calls beside it. Built
//! from an [`event::List`](crate::event::List); drawn by the files beside. Nothing is decided here
//! that the events do not say.

mod data;
pub mod html;
pub mod join;
mod label;

mod place;
pub mod script;
pub mod svg;

pub mod text;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use label::Streams;

use crate::decode::{
    Decoder, Direction, Packet, Value, arp, ethernet, icmp, icmpv6, ipv4, ipv6, tcp, udp,
};
use crate::event::{Event, Fate, Host, Id, Kind, List, Mono, Outcome, Reason};
use crate::view::calls;
use crate::view::escape::escape;

/// Most ends that are drawn; packets of more are counted.
pub const MAX_LANES: usize = 8;

/// Where the times come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// One clock for both ends: slants are true.
    One,
    /// One place saw everything: the other end's times are not known.
    SeenAt(String),
    /// Two captures; the second clock was moved by this much, from the shortest ways of both
    /// directions. An estimate.
    Estimated {
        /// Nanoseconds added to the second capture's times.
        offset: i64,
        /// Half of the shortest round trip: the estimate can be off by so much.
        error: Duration,
    },
}

/// An end of the exchange: a vertical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// A host's name, or an address. Escaped.
    pub name: String,
    /// Its address, where the name is not it.
    pub address: String,
}

/// What became of an arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It arrived.
    Arrived(Mono),
    /// Seen at one place: nothing is known about the other end.
    Seen,
    /// The wire did not pass it on.
    Lost(Mono, &'static str),
    /// The other end's capture does not have it.
    NotSeen,
}

/// What kind of packet an arrow is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Opens a connection.
    Open,
    /// Carries data.
    Data,
    /// Only acknowledges.
    Ack,
    /// Closes a connection.
    Close,
    /// Breaks one off, or reports an error.
    Error,
    /// Anything else.
    Other,
}

/// One packet on its way.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// Lane that it leaves.
    pub from: usize,
    /// Lane that it goes to.
    pub to: usize,
    /// When it left.
    pub sent: Mono,
    /// What became of it.
    pub end: End,
    /// What it is, in a few words. Escaped.
    pub label: String,
    /// What is special: `retransmission after 204 ms`, `duplicate`.
    pub marks: Vec<String>,
    /// What kind.
    pub tone: Tone,
    /// It was sent before.
    pub again: bool,
    /// The event with its bytes.
    pub packet: Id,
}

/// One call beside a lane.
#[derive(Clone, Debug)]
pub struct CallMark {
    /// Whose.
    pub lane: usize,
    /// When it began.
    pub at: Mono,
    /// When it came back.
    pub end: Mono,
    /// `connect(10.5.0.2:9000)`. Escaped.
    pub text: String,
    /// `= 0`. Escaped.
    pub result: String,
    /// It failed.
    pub failed: bool,
}

/// A sentence at a time.
#[derive(Clone, Debug)]
pub struct NoteMark {
    /// When.
    pub at: Mono,
    /// Escaped.
    pub text: String,
}

/// Everything that is drawn.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// What it shows. Escaped.
    pub title: String,
    /// Whose clock.
    pub clock: Clock,
    /// From left to right.
    pub lanes: Vec<Lane>,
    /// By time of leaving.
    pub arrows: Vec<Arrow>,
    /// By time.
    pub calls: Vec<CallMark>,
    /// By time.
    pub notes: Vec<NoteMark>,
    /// Packets that are not drawn.
    pub left_out: u64,
}

impl Ladder {
    /// The ladder of a run. `title` is escaped here.
    pub fn new(list: &List, decoder: &Decoder, title: &str, clock: Clock) -> Self {
        let mut builder = Builder {
            list,
            lanes: Vec::new(),
            keys: HashMap::new(),
            by_host: list.events().iter().any(|event| {
                matches!(event.kind, Kind::Fate(_))
                    || matches!(&event.kind, Kind::Packet(_) if event.host.0 > 0)
            }),
            homes: HashMap::new(),
            streams: Streams::default(),
            loops: false,
            talks: HashMap::new(),
            begun: HashSet::new(),
            out: Self {
                title: escape(title).into_owned(),
                clock,
                lanes: Vec::new(),
                arrows: Vec::new(),
                calls: Vec::new(),
                notes: Vec::new(),
                left_out: list.left_out(),
            },
        };
        builder.build(decoder);
        builder.out
    }

    /// When the first and the last thing happened.
    pub fn span(&self) -> (Mono, Mono) {
        let mut times: Vec<Mono> = Vec::new();
        for arrow in &self.arrows {
            times.push(arrow.sent);
            if let End::Arrived(at) | End::Lost(at, _) = arrow.end {
                times.push(at);
            }
        }
        times.extend(self.calls.iter().flat_map(|call| [call.at, call.end]));
        times.extend(self.notes.iter().map(|note| note.at));
        let first = times.iter().min().copied().unwrap_or_default();
        (first, times.iter().max().copied().unwrap_or(first))
    }

    /// One sentence on where the times come from.
    pub fn clock_words(&self) -> String {
        match &self.clock {
            Clock::One => "one clock for all: slants are true".to_owned(),
            Clock::SeenAt(name) => {
                format!("seen at {name}: when packets left or reached the other end is not known")
            }
            Clock::Estimated { offset, error } => {
                let shift = Duration::from_nanos(offset.unsigned_abs());
                let sign = if *offset < 0 { "-" } else { "+" };
                format!(
                    "two captures; the second clock moved by {sign}{}, estimated from the fastest \
                     packets, good to about {}",
                    calls::time(shift),
                    calls::time(*error)
                )
            }
        }
    }
}

/// What tells lanes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Host(Host),
    Address(IpAddr),
    Port(IpAddr, u16),
    /// An address that talks to itself: `true` where conversations begin.
    Side(IpAddr, bool),
    Text(String),
}

/// Conversations that are told apart.
const MAX_TALKS: usize = 4096;

/// A conversation, whichever way a packet of it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Talk {
    tcp: bool,
    addresses: (IpAddr, IpAddr),
    ports: (u16, u16),
}

/// The conversation of a packet with ports, and its source port.
fn talk(packet: &Packet) -> Option<(Talk, u16)> {
    let (from, to) = addresses(packet)?;
    let (source, destination) = ports(packet)?;
    let swap = (from, source) > (to, destination);
    let talk = Talk {
        tcp: packet.layer("tcp").is_some(),
        addresses: if swap { (to, from) } else { (from, to) },
        ports: if swap {
            (destination, source)
        } else {
            (source, destination)
        },
    };
    Some((talk, source))
}

/// An ICMP message that somebody sends because of another packet.
fn is_answer(packet: &Packet) -> bool {
    let four = packet.number(&icmp::TYPE);
    let six = packet.number(&icmpv6::TYPE);
    matches!(four, Some(0 | 3 | 4 | 5 | 11 | 12 | 14)) || matches!(six, Some(1..=4 | 129))
}

/// Addresses of a packet.
#[derive(Clone, Debug)]
struct Ends {
    from: Key,
    to: Key,
}

struct Builder<'a> {
    list: &'a List,
    lanes: Vec<Key>,
    keys: HashMap<Key, usize>,
    /// Lanes are hosts; else addresses.
    by_host: bool,
    /// Which host has which address.
    homes: HashMap<Key, Host>,
    streams: Streams,
    /// Some packet goes from an address to itself: who began is an end, who answers the other.
    loops: bool,
    /// Each conversation, with the port that began it.
    talks: HashMap<Talk, u16>,
    /// The conversations whose first packet is drawn.
    begun: HashSet<Talk>,
    out: Ladder,
}

impl Builder<'_> {
    fn build(&mut self, decoder: &Decoder) {
        let list = self.list;
        let mut packet = Packet::new();
        // Addresses first: who has which, and does anybody talk to himself?
        for event in list.events() {
            let Kind::Packet(seen) = &event.kind else {
                continue;
            };
            decoder.decode(&seen.frame(), &mut packet);
            if let Some((talk, began)) = talk(&packet)
                && (self.talks.len() < MAX_TALKS || self.talks.contains_key(&talk))
            {
                self.talks.entry(talk).or_insert(began);
            }
            if let Some((from, to)) = addresses(&packet) {
                self.loops |= from == to;
                if seen.dir == Direction::Out {
                    self.homes.entry(Key::Address(from)).or_insert(event.host);
                }
            }
        }
        if self.by_host {
            for number in 0..list.hosts.len().min(MAX_LANES) {
                let host = Host(u8::try_from(number).unwrap_or(u8::MAX));
                self.lane(Key::Host(host));
            }
        }
        let mut fates: HashMap<Id, Vec<&Event>> = HashMap::new();
        for event in list.events() {
            if let (Kind::Fate(_), Some(cause)) = (&event.kind, event.cause) {
                fates.entry(cause).or_default().push(event);
            }
        }
        for event in list.by_time() {
            match &event.kind {
                Kind::Packet(seen) => {
                    let delivered = event.cause.and_then(|cause| list.get(cause));
                    let drawn = delivered.is_some_and(|cause| matches!(cause.kind, Kind::Fate(_)));
                    if drawn {
                        continue;
                    }
                    decoder.decode(&seen.frame(), &mut packet);
                    let fates = fates.get(&event.id).map_or(&[][..], Vec::as_slice);
                    self.arrow(event, &packet, fates);
                }
                Kind::Call(_) | Kind::Fate(_) => {}
                Kind::Note(text) => self.out.notes.push(NoteMark {
                    at: event.at,
                    text: escape(text).into_owned(),
                }),
            }
        }
        self.calls();
        self.out.arrows.sort_by_key(|arrow| arrow.sent);
        self.name_lanes();
    }

    fn arrow(&mut self, event: &Event, packet: &Packet, fates: &[&Event]) {
        let ends = self.ends(packet);
        let lanes = if self.by_host {
            self.host_lanes(event, packet, fates)
        } else {
            let from = self.lane(ends.from.clone());
            let to = self.lane(ends.to.clone());
            from.zip(to)
        };
        let Some((from, to)) = lanes else {
            self.out.left_out = self.out.left_out.saturating_add(1);
            return;
        };
        let mut words = self.streams.read(packet, event.at);
        self.name_talk(packet, &mut words.label);
        let mut marks = words.marks;
        for fate in fates {
            match &fate.kind {
                Kind::Fate(Fate::Corrupted { bit }) => marks.push(format!("bit {bit} flipped")),
                Kind::Fate(Fate::Overtaken) => marks.push("overtaken".into()),
                Kind::Fate(Fate::Held) => marks.push("held".into()),
                _ => {}
            }
        }
        let mut copies = 0;
        for fate in fates {
            let end = match &fate.kind {
                Kind::Fate(Fate::Delivered { at, .. }) => End::Arrived(*at),
                Kind::Fate(Fate::Dropped(reason)) => End::Lost(fate.at, reason_words(*reason)),
                _ => continue,
            };
            let to = match &fate.kind {
                Kind::Fate(Fate::Delivered { to, .. }) => {
                    self.lane(Key::Host(*to)).unwrap_or(to_of(*to, from))
                }
                _ => to,
            };
            let mut marks = marks.clone();
            if copies > 0 {
                marks.push("duplicate".into());
            }
            copies += 1;
            self.out.arrows.push(Arrow {
                from,
                to,
                sent: event.at,
                end,
                label: words.label.clone(),
                marks,
                tone: words.tone,
                again: words.again,
                packet: event.id,
            });
        }
        if copies > 0 {
            return;
        }
        let end = match self.out.clock {
            Clock::Estimated { .. } => End::NotSeen,
            _ => End::Seen,
        };
        self.out.arrows.push(Arrow {
            from,
            to,
            sent: event.at,
            end,
            label: words.label,
            marks,
            tone: words.tone,
            again: words.again,
            packet: event.id,
        });
    }

    /// The lanes of a packet where hosts are lanes: it leaves or reaches the host that saw it.
    fn host_lanes(
        &mut self,
        event: &Event,
        packet: &Packet,
        fates: &[&Event],
    ) -> Option<(usize, usize)> {
        let here = self.lane(Key::Host(event.host))?;
        let delivered = fates.iter().find_map(|fate| match fate.kind {
            Kind::Fate(Fate::Delivered { to, .. }) => Some(to),
            _ => None,
        });
        let out = !matches!(&event.kind, Kind::Packet(seen) if seen.dir == Direction::In);
        let far = addresses(packet).map(|(from, to)| if out { to } else { from });
        let home = far.and_then(|far| self.homes.get(&Key::Address(far)).copied());
        let other = delivered
            .or(home.filter(|home| *home != event.host))
            .and_then(|host| self.lane(Key::Host(host)))
            .unwrap_or_else(|| to_of(event.host, here));
        let other = other.min(self.lanes.len().saturating_sub(1));
        Some(if out { (here, other) } else { (other, here) })
    }

    /// The lane of a key, a new one if there is room.
    fn lane(&mut self, key: Key) -> Option<usize> {
        if let Some(lane) = self.keys.get(&key) {
            return Some(*lane);
        }
        if self.lanes.len() >= MAX_LANES {
            return None;
        }
        let lane = self.lanes.len();
        self.lanes.push(key.clone());
        self.keys.insert(key, lane);
        Some(lane)
    }

    /// Source and destination as lanes tell them apart.
    fn ends(&self, packet: &Packet) -> Ends {
        if let Some((from, to)) = addresses(packet) {
            if self.loops && from == to {
                return self.sides(packet, from);
            }
            return Ends {
                from: Key::Address(from),
                to: Key::Address(to),
            };
        }
        let text = |spec| match packet.value(spec) {
            Some(Value::Ipv4(address)) => Some(Key::Address(IpAddr::V4(address))),
            Some(Value::Mac(mac)) => Some(Key::Text(mac.to_string())),
            _ => None,
        };
        let unknown = |side: &str| Key::Text(side.to_owned());
        let from = text(&arp::SRC_IP)
            .or_else(|| text(&ethernet::SRC))
            .unwrap_or_else(|| unknown("sender"));
        let to = text(&arp::DST_IP)
            .or_else(|| text(&ethernet::DST))
            .unwrap_or_else(|| unknown("receiver"));
        Ends { from, to }
    }

    /// The two ends of a packet from an address to itself: who began, and who answers. With one
    /// conversation they have their ports for names.
    fn sides(&self, packet: &Packet, address: IpAddr) -> Ends {
        let known = talk(packet).and_then(|(talk, _)| Some((self.talks.get(&talk)?, talk)));
        let forth = match (&known, ports(packet)) {
            (Some((began, _)), Some((source, _))) => **began == source,
            _ => !is_answer(packet),
        };
        let mut ends = [Key::Side(address, true), Key::Side(address, false)];
        if let (Some((began, talk)), 1) = (known, self.talks.len()) {
            let other = if talk.ports.0 == *began {
                talk.ports.1
            } else {
                talk.ports.0
            };
            ends = [Key::Port(address, *began), Key::Port(address, other)];
        }
        let [asking, answering] = ends;
        if forth {
            Ends {
                from: asking,
                to: answering,
            }
        } else {
            Ends {
                from: answering,
                to: asking,
            }
        }
    }

    /// Names the ports of a conversation at its first packet, where there are several.
    fn name_talk(&mut self, packet: &Packet, label: &mut String) {
        let Some((talk, _)) = talk(packet).filter(|_| self.talks.len() > 1) else {
            return;
        };
        if self.begun.len() < MAX_TALKS
            && self.begun.insert(talk)
            && let Some((source, destination)) = ports(packet)
        {
            let _ = write!(label, ", {source} > {destination}");
        }
    }

    fn calls(&mut self) {
        for event in self.list.by_time() {
            let Kind::Call(call) = &event.kind else {
                continue;
            };
            let number = usize::from(event.host.0);
            let lane = if self.by_host {
                self.lane(Key::Host(event.host))
            } else {
                Some(number).filter(|number| *number < self.lanes.len().max(1))
            };
            let Some(lane) = lane else { continue };
            if self.lanes.is_empty() {
                self.lane(Key::Text(self.list.host_name(event.host).to_owned()));
            }
            let mut result = String::from("= ");
            match &call.outcome {
                // -1 goes without saying here.
                Outcome::Errno(number) => match crate::view::errno::name(*number) {
                    Some(name) => result.push_str(name),
                    None => {
                        let _ = write!(result, "error {number}");
                    }
                },
                Outcome::Value(value) => result.push_str(&escape(value)),
            }
            self.out.calls.push(CallMark {
                lane,
                at: event.at,
                end: event.at.plus(call.blocked),
                text: format!("{}({})", call.method, escape(&call.args)),
                result,
                failed: matches!(call.outcome, Outcome::Errno(_)),
            });
        }
    }

    fn name_lanes(&mut self) {
        let lanes = self.lanes.iter().map(|key| match key {
            Key::Host(host) => {
                let mine = self.homes.iter().filter(|(_, home)| *home == host);
                let mut addresses: Vec<String> = mine.map(|(key, _)| key_words(key)).collect();
                addresses.sort_by_key(|address| (address.len(), address.clone()));
                let name = self.list.host_name(*host);
                Lane {
                    name: escape(if name.is_empty() { "host" } else { name }).into_owned(),
                    address: addresses.into_iter().next().unwrap_or_default(),
                }
            }
            Key::Side(address, begins) => Lane {
                name: address.to_string(),
                address: if *begins { "who begins" } else { "who answers" }.to_owned(),
            },
            key => Lane {
                name: key_words(key),
                address: String::new(),
            },
        });
        self.out.lanes = lanes.collect();
    }
}

/// The neighbour lane, where nothing says whose.
fn to_of(host: Host, here: usize) -> usize {
    if usize::from(host.0) == here && here == 0 {
        1
    } else {
        here.saturating_sub(1)
    }
}

fn key_words(key: &Key) -> String {
    match key {
        Key::Host(host) => format!("host {}", host.0),
        Key::Address(address) | Key::Side(address, _) => address.to_string(),
        Key::Port(IpAddr::V6(address), port) => format!("[{address}]:{port}"),
        Key::Port(address, port) => format!("{address}:{port}"),
        Key::Text(text) => escape(text).into_owned(),
    }
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Loss => "lost on the wire",
        Reason::Rule => "dropped by a rule",
        Reason::Key => "dropped by hand",
        Reason::Mtu => "longer than the MTU",
        Reason::Queue => "dropped: the queue was full",
        Reason::MutedReset => "reset of the kernel, muted",
        Reason::Refused => "the far end refused it",
    }
}

/// Source and destination of the outermost IP header.
fn addresses(packet: &Packet) -> Option<(IpAddr, IpAddr)> {
    let address = |spec| match packet.value(spec) {
        Some(Value::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Value::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    let four = address(&ipv4::SRC).zip(address(&ipv4::DST));
    four.or_else(|| address(&ipv6::SRC).zip(address(&ipv6::DST)))
}

/// Source and destination port.
fn ports(packet: &Packet) -> Option<(u16, u16)> {
    let port = |spec| {
        packet
            .number(spec)
            .and_then(|port| u16::try_from(port).ok())
    };
    let tcp = port(&tcp::SRC_PORT).zip(port(&tcp::DST_PORT));
    tcp.or_else(|| port(&udp::SRC_PORT).zip(port(&udp::DST_PORT)))
}

/// A number for people: at most three digits behind the point, in milliseconds.
fn millis(at: Duration) -> String {
    let micros = at.as_micros();
    let (whole, part) = (micros / 1000, micros % 1000);
    format!("{whole}.{part:03}")
}
