//! The simulated link: a queue of deliveries ordered by virtual time, and a responder that each
//! test writes as a closure. Asserts after every step what must always hold.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::time::Duration;

use rawsock::event::{Mono, Stamp, Timestamp};
use rawsock::ping::{
    Arrival, Config, Echo, Message, NotSent, Pinger, Probe, Quoted, StateChange, Step, Summary,
    Verdict,
};

pub const NONCE: u64 = 0x0123_4567_89ab_cdef;
/// 2026-01-01, so that a wall-clock time is never taken for a monotonic one.
const EPOCH: i64 = 1_767_225_600_000_000_000;

pub fn target() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

pub fn other() -> IpAddr {
    IpAddr::from([192, 0, 2, 99])
}

pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

pub fn us(value: u64) -> Duration {
    Duration::from_micros(value)
}

pub fn at(value: u64) -> Mono {
    Mono(ms(value))
}

/// `count` probes with one id.
pub fn config(count: u64) -> Config {
    let mut config = Config::new(target(), vec![0x1234], NONCE);
    config.count = (count > 0).then_some(count);
    config
}

/// `count` probes, flooded, with four ids.
pub fn flood(count: u64) -> Config {
    let mut config = config(count);
    config.ids = vec![10, 20, 30, 40];
    config.flood = true;
    config.interval = Duration::ZERO;
    config
}

/// Small, seeded and good enough (xorshift64*).
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// What comes back from the far end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packet {
    pub from: IpAddr,
    pub kind: Kind,
    pub id: u16,
    pub seq: u16,
    pub payload: Vec<u8>,
    pub icmp_len: usize,
    pub bad_checksum: Option<(u16, u16)>,
    pub overflow: Option<u32>,
    /// The far end is this kernel: it stamps the arrival.
    pub stamped: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Reply,
    Request,
    Error {
        icmp_type: u8,
        code: u8,
        to: Option<IpAddr>,
        readable: bool,
    },
}

impl Packet {
    pub fn reply(probe: &Probe, payload: &[u8]) -> Self {
        Self {
            from: target(),
            kind: Kind::Reply,
            id: probe.id,
            seq: probe.seq,
            payload: payload.to_vec(),
            icmp_len: payload.len() + 8,
            bad_checksum: None,
            overflow: None,
            stamped: true,
        }
    }

    pub fn with_payload(mut self, payload: Vec<u8>) -> Self {
        self.icmp_len = payload.len() + 8;
        self.payload = payload;
        self
    }

    /// An error that quotes the whole probe.
    pub fn error(probe: &Probe, payload: &[u8], icmp_type: u8, code: u8) -> Self {
        let mut packet = Self::reply(probe, payload);
        packet.from = other();
        packet.kind = Kind::Error {
            icmp_type,
            code,
            to: Some(target()),
            readable: true,
        };
        packet
    }

    fn message(&self) -> Message<'_> {
        let echo = Echo {
            id: self.id,
            seq: self.seq,
            payload: &self.payload,
            icmp_len: self.icmp_len,
            bad_checksum: self.bad_checksum,
        };
        match self.kind {
            Kind::Reply => Message::EchoReply(echo),
            Kind::Request => Message::EchoRequest(echo),
            Kind::Error {
                icmp_type,
                code,
                to,
                readable,
            } => {
                let (id, seq, payload) = (self.id, self.seq, &self.payload[..]);
                Message::Error {
                    icmp_type,
                    code,
                    rest: 0,
                    quoted: readable.then_some(Quoted {
                        id,
                        seq,
                        to,
                        payload,
                    }),
                    bytes: &[3, 1, 0, 0],
                }
            }
        }
    }
}

/// What the send call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    Works,
    Fails(i32),
    Full,
}

type Sender<'a> = Box<dyn FnMut(Mono, &Probe) -> Send + 'a>;
type Responder<'a> = Box<dyn FnMut(&Probe, &[u8]) -> Vec<(Duration, Packet)> + 'a>;

pub struct Link<'a> {
    pub pinger: Pinger,
    pub now: Mono,
    /// Added to the wall clock: a test steps it.
    pub wall_step: i64,
    /// Stamps of the kernel exist.
    pub kernel: bool,
    /// How long the host holds a probe back before it leaves, by its number.
    pub held: fn(u64) -> Duration,
    pub probes: Vec<(Mono, Probe)>,
    pub log: Vec<(Timestamp, Verdict)>,
    /// Keep events and probes for the test to look at.
    pub keep: bool,
    pub send: Sender<'a>,
    responder: Responder<'a>,
    queue: BinaryHeap<Reverse<(Mono, u64, Packet)>>,
    order: u64,
    stamp_id: u32,
    payload: Vec<u8>,
    steps: u64,
    done: bool,
}

impl<'a> Link<'a> {
    pub fn new(
        config: Config,
        responder: impl FnMut(&Probe, &[u8]) -> Vec<(Duration, Packet)> + 'a,
    ) -> Self {
        Self {
            pinger: Pinger::new(config),
            now: Mono::default(),
            wall_step: 0,
            kernel: true,
            held: |_| Duration::ZERO,
            probes: Vec::new(),
            log: Vec::new(),
            keep: true,
            send: Box::new(|_, _| Send::Works),
            responder: Box::new(responder),
            queue: BinaryHeap::new(),
            order: 0,
            stamp_id: 0,
            payload: Vec::new(),
            steps: 0,
            done: false,
        }
    }

    pub fn wall(&self, at: Mono) -> Timestamp {
        Timestamp(
            EPOCH + self.wall_step + i64::try_from(at.0.as_nanos()).expect("virtual time fits"),
        )
    }

    /// Runs to the end of the run and gives its numbers.
    pub fn run(&mut self) -> Summary {
        self.run_until(Mono(Duration::MAX));
        assert!(self.done, "the run did not end");
        let summary = self.pinger.summary(self.now);
        check(&summary);
        summary
    }

    /// Runs until the clock shows `end` or the run is over.
    pub fn run_until(&mut self, end: Mono) {
        for _ in 0..20_000_000_u64 {
            if self.done || !self.turn(end) {
                return;
            }
        }
        panic!("too many steps: {:?}", self.pinger.summary(self.now));
    }

    fn turn(&mut self, end: Mono) -> bool {
        let step = self.pinger.poll(self.now);
        self.collect();
        match step {
            Step::Send(probe) => self.transmit(&probe),
            Step::Done => {
                self.done = true;
                return false;
            }
            Step::WaitUntil(until) => {
                let next = self.queue.peek().map_or(until, |next| next.0.0.min(until));
                if next > end {
                    self.now = self.now.max(end);
                    return false;
                }
                self.now = self.now.max(next);
            }
        }
        // As a real shell: a few arrivals, then the engine is asked again.
        for _ in 0..64 {
            if self.queue.peek().is_none_or(|next| next.0.0 > self.now) {
                break;
            }
            let Some(Reverse((came, _, packet))) = self.queue.pop() else {
                break;
            };
            self.deliver(came, &packet);
        }
        self.collect();
        true
    }

    fn transmit(&mut self, probe: &Probe) {
        self.pinger.payload(probe, &mut self.payload);
        assert_eq!(self.payload.len(), probe.size);
        let wall = self.wall(self.now);
        match (self.send)(self.now, probe) {
            Send::Works => {}
            Send::Full => return self.pinger.retry(probe, self.now, 105),
            Send::Fails(errno) => {
                let reason = NotSent { errno, mtu: None };
                return self.pinger.not_sent(probe, self.now, wall, reason);
            }
        }
        if self.keep {
            self.probes.push((self.now, *probe));
        }
        let stamp_id = (self.kernel && probe.want_stamp).then_some(self.stamp_id);
        self.pinger.sent(probe, self.now, wall, stamp_id);
        if let Some(id) = stamp_id {
            self.stamp_id = self.stamp_id.wrapping_add(1);
            let held = i64::try_from((self.held)(probe.n).as_nanos()).expect("a short time");
            let tx = Timestamp(wall.0 + 2_000 + held);
            self.pinger.tx_stamp(id, tx, Stamp::Kernel);
        }
        for (delay, packet) in (self.responder)(probe, &self.payload) {
            self.put(delay, packet);
        }
    }

    /// Puts a packet on the wire that arrives after `delay`.
    pub fn put(&mut self, delay: Duration, packet: Packet) {
        self.order += 1;
        let came = self.now.plus(delay);
        self.queue.push(Reverse((came, self.order, packet)));
    }

    fn deliver(&mut self, came: Mono, packet: &Packet) {
        let wall = self.wall(self.now);
        let stamped = self.kernel && packet.stamped;
        self.pinger.input(&Arrival {
            at: self.now,
            wall,
            stamp: stamped.then(|| (self.wall(came), Stamp::Kernel)),
            from: packet.from,
            ttl: Some(64),
            overflow: packet.overflow,
            message: packet.message(),
        });
    }

    fn collect(&mut self) {
        // Every step of a short run, a sample of a long one: a summary is not cheap.
        self.steps += 1;
        if self.steps < 200 || self.steps.is_multiple_of(1009) {
            check_counts(&self.pinger.summary(self.now));
        }
        let events = self.pinger.drain_events();
        if self.keep {
            self.log.extend(events);
        }
    }

    pub fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        self.log
            .iter()
            .filter(|(_, verdict)| wanted(verdict))
            .count()
    }

    pub fn states(&self) -> Vec<StateChange> {
        let states = self.log.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::State(change) => Some(change.clone()),
            _ => None,
        });
        states.collect()
    }
}

fn check_counts(summary: &Summary) {
    let parts = summary.received + summary.late + summary.lost + summary.open;
    assert_eq!(summary.sent, parts, "{summary:?}");
    assert!(summary.reordered <= summary.received);
    for percent in [summary.loss_percent(), summary.unanswered_percent()] {
        assert!((0.0..=100.0).contains(&percent), "{percent}");
    }
}

/// What must hold for every summary.
pub fn check(summary: &Summary) {
    check_counts(summary);
    assert_eq!(summary.rtt.is_some(), summary.received > 0);
    if let Some(rtt) = summary.rtt {
        assert!(rtt.count > 0 && rtt.count <= summary.received);
        assert!(rtt.min <= rtt.avg && rtt.avg <= rtt.max, "{rtt:?}");
        assert!(rtt.min <= rtt.p50 && rtt.p50 <= rtt.p90, "{rtt:?}");
        assert!(rtt.p90 <= rtt.p99 && rtt.p99 <= rtt.max, "{rtt:?}");
        assert!(rtt.mdev <= rtt.max && rtt.jitter <= rtt.max, "{rtt:?}");
    }
}
