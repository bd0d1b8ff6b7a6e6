//! The engine: frames in, fates decided, frames out when they are due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::chance::{Dice, Kind as Draw};
use super::config::{Act, Config, Hold, Impairment, Share};
use super::log::Log;
use super::rules::Live;
use super::step::Key;
use super::{Way, Ways};
use crate::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet, Value, icmpv6, tcp};
use crate::display::WhereError;
use crate::event::{self, Fate, Host, Kind, Mono, Reason, Stamp, Timestamp};

/// Bytes of an Ethernet header, which neither MTU nor bit errors concern.
const ETHERNET: usize = 14;
/// Most frames and bytes under way at once; more are dropped as by a full queue.
const MAX_FRAMES: usize = 65_536;
const MAX_BYTES: usize = 128 << 20;
/// Most events and bytes of them that are kept.
const LOG_EVENTS: usize = 200_000;
const LOG_BYTES: usize = 64 << 20;
/// Queue in front of a rate, where none is given.
const QUEUE: u32 = 64 * 1024;
/// How long a frame chosen by chance waits for one that overtakes it.
const OVERTAKE: Duration = Duration::from_millis(100);
/// The same for one chosen by a rule: whoever asks for it wants it to happen.
const SWAP: Duration = Duration::from_secs(10);

/// A cable between two hosts.
#[derive(Clone, Copy, Debug)]
pub struct Cable {
    /// Who is at its ends; [`Way::Up`] goes from the first to the second.
    pub ends: [Host; 2],
    /// The impairments concern it. Otherwise it passes everything on at once.
    pub impaired: bool,
}

impl Cable {
    fn from(self, way: Way) -> Host {
        let [first, second] = self.ends;
        match way {
            Way::Up => first,
            Way::Down => second,
        }
    }

    fn to(self, way: Way) -> Host {
        let [first, second] = self.ends;
        match way {
            Way::Up => second,
            Way::Down => first,
        }
    }
}

/// What became of the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Frames that came in.
    pub frames: u64,
    /// Of these, IP frames that are neither neighbour nor listener discovery.
    pub counted: u64,
    /// Frames that left at the other end, copies included.
    pub delivered: u64,
    /// Frames dropped, for any reason.
    pub dropped: u64,
    /// Second copies made.
    pub duplicated: u64,
    /// Frames with a bit flipped.
    pub corrupted: u64,
    /// Frames that another one overtook.
    pub overtaken: u64,
}

/// A frame on its way.
#[derive(Clone, Debug)]
struct Copy {
    cable: u8,
    way: Way,
    bytes: Arc<[u8]>,
    /// The packet event of its arrival at the wire.
    seen: u64,
    /// Its bytes are those of the arrival.
    intact: bool,
    n: u64,
}

/// A frame whose time has come: write it to the far end, then tell [`Engine::sent`].
#[derive(Clone, Debug)]
pub struct Due {
    at: Mono,
    order: u64,
    copy: Copy,
}

impl Due {
    /// On which cable, counted from 0.
    pub fn cable(&self) -> usize {
        self.copy.cable.into()
    }

    /// In which direction.
    pub fn way(&self) -> Way {
        self.copy.way
    }

    /// The frame.
    pub fn bytes(&self) -> &[u8] {
        &self.copy.bytes
    }

    /// When it was due.
    pub fn at(&self) -> Mono {
        self.at
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// A frame that waits to be overtaken.
#[derive(Debug)]
struct Waiting {
    copy: Copy,
    twice: bool,
    until: Mono,
}

/// State of one direction of a cable.
#[derive(Debug, Default)]
struct Lane {
    counts: Counts,
    /// The rate's sender is busy until then.
    busy: Mono,
    /// When the last frame is due: later ones are not due earlier.
    last: Mono,
    waiting: Option<Waiting>,
}

/// All cables of a lab.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    rules: Vec<Live>,
    muted: Vec<Host>,
    hosts: Vec<String>,
    cables: Vec<Cable>,
    lanes: Vec<Ways<Lane>>,
    under_way: BinaryHeap<Reverse<Due>>,
    under_way_bytes: usize,
    order: u64,
    /// Frames held in step mode, the first to be decided first.
    held: VecDeque<Copy>,
    /// The first held frame waits for one of its direction to go before it.
    let_one_past: bool,
    log: Log,
    decoder: Decoder,
    packet: Packet,
}

impl Engine {
    /// A wire of these cables between these hosts; [`Host`] is an index into `hosts`.
    pub fn new(
        hosts: Vec<String>,
        cables: Vec<Cable>,
        config: Config,
    ) -> Result<Self, (String, WhereError)> {
        let lanes = cables.iter().map(|_| Ways::default()).collect();
        let mut engine = Self {
            config: Config::default(),
            rules: Vec::new(),
            muted: Vec::new(),
            hosts,
            cables,
            lanes,
            under_way: BinaryHeap::new(),
            under_way_bytes: 0,
            order: 0,
            held: VecDeque::new(),
            let_one_past: false,
            log: Log::new(LOG_EVENTS, LOG_BYTES),
            decoder: Decoder::new(),
            packet: Packet::new(),
        };
        engine.set(config)?;
        Ok(engine)
    }

    /// Changes what the wire does from the next frame on. Rules begin to count anew.
    pub fn set(&mut self, config: Config) -> Result<(), (String, WhereError)> {
        let rules: Result<Vec<Live>, _> = config
            .rules
            .iter()
            .map(|rule| Live::new(rule.clone(), &self.decoder))
            .collect();
        self.rules = rules?;
        let muted = |(number, name): (usize, &String)| {
            let number = u8::try_from(number).ok()?;
            config.mute_resets.contains(name).then_some(Host(number))
        };
        self.muted = self.hosts.iter().enumerate().filter_map(muted).collect();
        self.config = config;
        Ok(())
    }

    /// What it does.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The hosts' names.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// What happened so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What became of the frames of a cable.
    pub fn counts(&self, cable: usize) -> Ways<Counts> {
        self.lanes
            .get(cable)
            .map_or_else(Ways::default, |lanes| Ways {
                up: lanes.up.counts,
                down: lanes.down.counts,
            })
    }

    /// How often each rule acted.
    pub fn acted(&self) -> Vec<u64> {
        self.rules.iter().map(|rule| rule.acted).collect()
    }

    /// Frames that are neither delivered nor dropped yet.
    pub fn pending(&self) -> usize {
        let waiting = self.lanes.iter().flat_map(|lanes| [&lanes.up, &lanes.down]);
        let waiting = waiting.filter(|lane| lane.waiting.is_some()).count();
        self.under_way
            .len()
            .saturating_add(self.held.len())
            .saturating_add(waiting)
    }

    /// A frame came out of a host and into the wire.
    pub fn input(&mut self, cable: usize, way: Way, bytes: &[u8], now: Mono, wall: Timestamp) {
        let Some(&Cable { impaired, .. }) = self.cables.get(cable) else {
            return;
        };
        let Ok(number) = u8::try_from(cable) else {
            return;
        };
        let from = self
            .cables
            .get(cable)
            .map_or(Host(0), |cable| cable.from(way));
        let frame = Frame {
            at: wall,
            stamp: Stamp::User,
            iface: u32::from(number),
            link: LinkType::Ethernet,
            dir: Direction::Out,
            flags: Flags::default(),
            wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            bytes,
        };
        self.decoder.decode(&frame, &mut self.packet);
        let counted = is_counted(&self.packet);
        let reset = self.packet.number(&tcp::RST) == Some(1);
        let packet = event::Packet::of(&frame);
        let bytes = Arc::clone(&packet.bytes);
        let seen = self.log.push(now, from, Kind::Packet(packet), None, None);
        let counts = self.counts_mut(cable, way);
        counts.frames = counts.frames.saturating_add(1);
        if counted {
            counts.counted = counts.counted.saturating_add(1);
        }
        let n = counted.then_some(counts.counted);
        let copy = Copy {
            cable: number,
            way,
            bytes,
            seen,
            intact: true,
            n: n.unwrap_or(0),
        };
        if !impaired {
            return self.schedule(copy, &Impairment::default(), now);
        }
        let impairment = self.config.ways.get(way).clone();
        if let Some(mtu) = impairment.mtu
            && copy.bytes.len().saturating_sub(ETHERNET)
                > usize::try_from(mtu).unwrap_or(usize::MAX)
        {
            return self.drop(&copy, Reason::Mtu, now);
        }
        if reset && self.muted.contains(&from) {
            return self.drop(&copy, Reason::MutedReset, now);
        }
        let mut acts = Vec::new();
        for rule in &mut self.rules {
            acts.extend(rule.look(way, n, &frame, &self.packet));
        }
        self.decide(copy, n, &acts, &impairment, now);
    }

    /// Rules first, then a key or chance.
    fn decide(
        &mut self,
        mut copy: Copy,
        n: Option<u64>,
        acts: &[Act],
        impairment: &Impairment,
        now: Mono,
    ) {
        if acts.contains(&Act::Drop) {
            return self.drop(&copy, Reason::Rule, now);
        }
        let held = match self.config.hold {
            Hold::None => false,
            Hold::Counted => n.is_some(),
            Hold::All => true,
        };
        let dice = Dice {
            seed: self.config.seed,
            cable: copy.cable,
            way: copy.way,
        };
        let hit = |kind, share: Share| {
            n.is_some_and(|n| dice.below(kind, n, Share::ALL.into()) < u64::from(share.0)) && !held
        };
        if hit(Draw::Loss, impairment.loss) {
            return self.drop(&copy, Reason::Loss, now);
        }
        if acts.contains(&Act::Corrupt) || hit(Draw::Corrupt, impairment.corrupt) {
            self.corrupt(&mut copy, now);
        }
        let twice = acts.contains(&Act::Dup) || hit(Draw::Dup, impairment.dup);
        if held {
            return self.hold(copy, now);
        }
        let patience = if acts.contains(&Act::Swap) {
            Some(SWAP)
        } else {
            hit(Draw::Reorder, impairment.reorder).then_some(OVERTAKE)
        };
        let counts_as_next = n.is_some();
        let (cable, way) = (usize::from(copy.cable), copy.way);
        let lane = self.lane_mut(cable, way);
        if let Some(patience) = patience
            && lane.waiting.is_none()
        {
            lane.waiting = Some(Waiting {
                copy,
                twice,
                until: now.plus(patience),
            });
            return;
        }
        self.send_on(copy, twice, impairment, now);
        if counts_as_next {
            self.release_waiting(cable, way, true, now);
        }
    }

    /// Puts a frame, or two, under way.
    fn send_on(&mut self, copy: Copy, twice: bool, impairment: &Impairment, now: Mono) {
        let second = twice.then(|| copy.clone());
        self.schedule(copy, impairment, now);
        if let Some(second) = second {
            self.fate(&second, Fate::Duplicated, now);
            let counts = self.counts_mut(second.cable.into(), second.way);
            counts.duplicated = counts.duplicated.saturating_add(1);
            self.schedule(second, impairment, now);
        }
    }

    /// The frame that waited to be overtaken goes on, behind the one that did, or alone.
    fn release_waiting(&mut self, cable: usize, way: Way, overtaken: bool, now: Mono) {
        let Some(Waiting { copy, twice, .. }) = self.lane_mut(cable, way).waiting.take() else {
            return;
        };
        if overtaken {
            self.overtaken(&copy, now);
        }
        let impairment = self.config.ways.get(way).clone();
        self.send_on(copy, twice, &impairment, now);
    }

    fn overtaken(&mut self, copy: &Copy, now: Mono) {
        self.fate(copy, Fate::Overtaken, now);
        let counts = self.counts_mut(copy.cable.into(), copy.way);
        counts.overtaken = counts.overtaken.saturating_add(1);
    }

    /// When a frame is due: after those before it, the rate and the delay.
    fn schedule(&mut self, copy: Copy, impairment: &Impairment, now: Mono) {
        let full = self.under_way.len() >= MAX_FRAMES
            || self.under_way_bytes.saturating_add(copy.bytes.len()) > MAX_BYTES;
        if full {
            return self.drop(&copy, Reason::Queue, now);
        }
        let dice = Dice {
            seed: self.config.seed,
            cable: copy.cable,
            way: copy.way,
        };
        let lane = self.lane_mut(copy.cable.into(), copy.way);
        let mut at = now;
        if let Some(rate) = impairment.rate {
            let start = lane.busy.max(now);
            let waits = bytes_in(start.since(now), rate);
            if waits > u64::from(impairment.queue.unwrap_or(QUEUE)) {
                return self.drop(&copy, Reason::Queue, now);
            }
            at = start.plus(time_of(copy.bytes.len(), rate));
            lane.busy = at;
        }
        at = at.plus(impairment.delay);
        if !impairment.jitter.is_zero() && copy.n > 0 {
            let span = u64::try_from(impairment.jitter.as_nanos()).unwrap_or(u64::MAX / 4);
            let whole = span.saturating_mul(2).saturating_add(1);
            let draw = Duration::from_nanos(dice.below(Draw::Jitter, copy.n, whole));
            at = Mono(at.plus(draw).since(Mono(impairment.jitter)));
            at = at.max(now);
        }
        at = at.max(lane.last);
        lane.last = at;
        self.put(copy, at);
    }

    fn put(&mut self, copy: Copy, at: Mono) {
        self.under_way_bytes = self.under_way_bytes.saturating_add(copy.bytes.len());
        let order = self.order;
        self.order = order.saturating_add(1);
        self.under_way.push(Reverse(Due { at, order, copy }));
    }

    /// When the next thing happens by itself.
    pub fn deadline(&self) -> Option<Mono> {
        let lanes = self.lanes.iter().flat_map(|lanes| [&lanes.up, &lanes.down]);
        let waiting = lanes.filter_map(|lane| lane.waiting.as_ref().map(|waiting| waiting.until));
        let due = self.under_way.peek().map(|Reverse(due)| due.at);
        waiting.chain(due).min()
    }

    /// The next frame whose time has come.
    pub fn due(&mut self, now: Mono) -> Option<Due> {
        for cable in 0..self.lanes.len() {
            for way in Way::BOTH {
                let waiting = &self.lane_mut(cable, way).waiting;
                if waiting.as_ref().is_some_and(|waiting| waiting.until <= now) {
                    self.release_waiting(cable, way, false, now);
                }
            }
        }
        if self.under_way.peek()?.0.at > now {
            return None;
        }
        let Reverse(due) = self.under_way.pop()?;
        self.under_way_bytes = self.under_way_bytes.saturating_sub(due.copy.bytes.len());
        Some(due)
    }

    /// A frame of [`Engine::due`] was written to the far end at `at`, or refused there.
    pub fn sent(&mut self, due: &Due, at: Mono, wall: Timestamp, accepted: bool) {
        let copy = &due.copy;
        if !accepted {
            return self.drop(copy, Reason::Refused, at);
        }
        let to = self
            .cables
            .get(due.cable())
            .map_or(Host(0), |cable| cable.to(copy.way));
        let delivered = self.fate(copy, Fate::Delivered { at, to }, at);
        let counts = self.counts_mut(copy.cable.into(), copy.way);
        counts.delivered = counts.delivered.saturating_add(1);
        let packet = event::Packet {
            wall,
            stamp: Stamp::User,
            link: LinkType::Ethernet,
            dir: Direction::In,
            flags: Flags::default(),
            wire_len: u32::try_from(copy.bytes.len()).unwrap_or(u32::MAX),
            bytes: Arc::clone(&copy.bytes),
        };
        let same = copy.intact.then_some(copy.seen);
        self.log
            .push(at, to, Kind::Packet(packet), Some(delivered), same);
    }

    /// Something to tell the reader of the log.
    pub fn note(&mut self, text: String, now: Mono) {
        self.log.push(now, Host(0), Kind::Note(text), None, None);
    }

    /// The first frame that waits for a key.
    pub fn held(&self) -> Option<(usize, Way, u64, &[u8])> {
        let copy = self.held.front().filter(|_| !self.let_one_past)?;
        Some((copy.cable.into(), copy.way, copy.seen, &copy.bytes))
    }

    /// How many frames wait for a key.
    pub fn held_count(&self) -> usize {
        self.held.len()
    }

    fn hold(&mut self, copy: Copy, now: Mono) {
        self.fate(&copy, Fate::Held, now);
        if self.held.len() >= MAX_FRAMES {
            return self.drop(&copy, Reason::Queue, now);
        }
        let passes = self.let_one_past
            && self
                .held
                .front()
                .is_some_and(|first| (first.cable, first.way) == (copy.cable, copy.way));
        if passes {
            self.let_one_past = false;
            if let Some(first) = self.held.front().cloned() {
                self.overtaken(&first, now);
            }
            self.held.push_front(copy);
        } else {
            self.held.push_back(copy);
        }
    }

    /// Decides about the first frame that waits for a key; `false` if none does.
    pub fn press(&mut self, key: Key, now: Mono) -> bool {
        if key == Key::Run {
            self.config.hold = Hold::None;
            self.let_one_past = false;
            while let Some(copy) = self.held.pop_front() {
                self.put(copy, now);
            }
            return true;
        }
        if key == Key::Swap {
            return self.swap_held(now);
        }
        self.let_one_past = false;
        let Some(mut copy) = self.held.pop_front() else {
            return false;
        };
        match key {
            Key::Drop => self.drop(&copy, Reason::Key, now),
            Key::Duplicate => {
                self.fate(&copy, Fate::Duplicated, now);
                let counts = self.counts_mut(copy.cable.into(), copy.way);
                counts.duplicated = counts.duplicated.saturating_add(1);
                self.put(copy.clone(), now);
                self.put(copy, now);
            }
            Key::Flip => {
                self.corrupt(&mut copy, now);
                self.put(copy, now);
            }
            Key::After(time) => self.put(copy, now.plus(time)),
            Key::Deliver | Key::Swap | Key::Run => self.put(copy, now),
        }
        true
    }

    fn swap_held(&mut self, now: Mono) -> bool {
        let Some(first) = self.held.front().cloned() else {
            return false;
        };
        let same = |copy: &&Copy| (copy.cable, copy.way) == (first.cable, first.way);
        let other = self.held.iter().skip(1).position(|copy| same(&copy));
        match other.and_then(|at| self.held.remove(at.saturating_add(1))) {
            Some(next) => {
                self.overtaken(&first, now);
                self.held.push_front(next);
            }
            None => self.let_one_past = true,
        }
        true
    }

    fn drop(&mut self, copy: &Copy, reason: Reason, now: Mono) {
        self.fate(copy, Fate::Dropped(reason), now);
        let counts = self.counts_mut(copy.cable.into(), copy.way);
        counts.dropped = counts.dropped.saturating_add(1);
    }

    /// Flips one bit behind the Ethernet header.
    fn corrupt(&mut self, copy: &mut Copy, now: Mono) {
        let dice = Dice {
            seed: self.config.seed,
            cable: copy.cable,
            way: copy.way,
        };
        let bits = copy.bytes.len().saturating_sub(ETHERNET).saturating_mul(8);
        let offset = dice.below(Draw::Bit, copy.n, bits as u64);
        let bit = u32::try_from(offset).unwrap_or(0).saturating_add(8 * 14);
        let mut bytes = copy.bytes.to_vec();
        let Some(byte) = bytes.get_mut(usize::try_from(bit / 8).unwrap_or(usize::MAX)) else {
            return;
        };
        // Bit 0 is the first on the wire as RFCs draw it: the most significant one.
        *byte ^= 0x80 >> (bit % 8);
        copy.bytes = bytes.into();
        copy.intact = false;
        self.fate(copy, Fate::Corrupted { bit }, now);
        let counts = self.counts_mut(copy.cable.into(), copy.way);
        counts.corrupted = counts.corrupted.saturating_add(1);
    }

    fn fate(&mut self, copy: &Copy, fate: Fate, now: Mono) -> u64 {
        let cable = self.cables.get(usize::from(copy.cable));
        let from = cable.map_or(Host(0), |cable| cable.from(copy.way));
        self.log
            .push(now, from, Kind::Fate(fate), Some(copy.seen), None)
    }

    fn lane_mut(&mut self, cable: usize, way: Way) -> &mut Lane {
        if self.lanes.len() <= cable {
            // Every cable has its lanes from the start.
            self.lanes
                .resize_with(cable.saturating_add(1), Ways::default);
        }
        #[expect(clippy::indexing_slicing, reason = "made longer just above")]
        self.lanes[cable].get_mut(way)
    }

    fn counts_mut(&mut self, cable: usize, way: Way) -> &mut Counts {
        &mut self.lane_mut(cable, way).counts
    }
}

/// An IP frame that is neither neighbour discovery nor multicast listener discovery: what exact
/// fates and chance count, and what a comparison counts.
pub fn is_counted(packet: &Packet) -> bool {
    let ip = packet.layer("ip").is_some() || packet.layer("ipv6").is_some();
    let kind = packet.value(&icmpv6::TYPE).and_then(Value::as_u64);
    // RFC 4861 4: 133 to 137. RFC 2710 3: 130 to 132. RFC 3810 5.2: 143.
    ip && !matches!(kind, Some(130..=137 | 143))
}

/// Time that a rate needs for so many bytes.
fn time_of(bytes: usize, rate: u64) -> Duration {
    let nanos = (bytes as u128)
        .saturating_mul(8_000_000_000)
        .checked_div(u128::from(rate))
        .unwrap_or(u128::MAX);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Bytes that a rate sends in a time.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    let bits = time.as_nanos().saturating_mul(u128::from(rate)) / 1_000_000_000;
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
}
