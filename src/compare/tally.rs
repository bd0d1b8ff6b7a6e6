//! From the events of a run to its figures. Every one is counted; none is known beforehand.

use std::collections::HashSet;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::message::Arrived;
use super::roles::{HeaderBytes, Role, Roles, Sorter};
use super::{Experiment, Over, Recorded, Side};
use crate::decode::{Decoder, Packet};
use crate::event::{Call, Fate, Kind, List, Mono};
use crate::wire::is_counted;

/// Python's methods that change nothing in the kernel's eyes, or that wait: no calls of the
/// comparison.
const SILENT: [&str; 5] = ["settimeout", "setblocking", "gettimeout", "fileno", "poll"];

/// What happened before the first byte of a message was on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Before {
    /// Packets of both sides.
    pub packets: u32,
    /// From the client's first connect or send to the first packet with data.
    #[serde(rename = "time_us", serialize_with = "micros")]
    pub time: Duration,
}

/// The middle and the end of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many values.
    pub count: usize,
    /// Half are at most this.
    #[serde(rename = "p50_us", serialize_with = "micros")]
    pub p50: Duration,
    /// 95 of 100 are at most this.
    #[serde(rename = "p95_us", serialize_with = "micros")]
    pub p95: Duration,
    /// The largest.
    #[serde(rename = "max_us", serialize_with = "micros")]
    pub max: Duration,
}

fn micros<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64() * 1e6)
}

/// What the wire did to frames with IP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WireCounts {
    /// Not passed on.
    pub dropped: u32,
    /// Passed on twice.
    pub duplicated: u32,
    /// Overtaken by a later one.
    pub overtaken: u32,
    /// Changed in one bit.
    pub corrupted: u32,
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Over what.
    pub over: Over,
    /// The client's calls by name, in the order of their first use.
    pub client_calls: Vec<&'static str>,
    /// The server's.
    pub server_calls: Vec<&'static str>,
    /// Messages that the client sent.
    pub sends: usize,
    /// Receives of the server that brought something.
    pub server_receives: usize,
    /// Receives of the client that brought something.
    pub client_receives: usize,
    /// How many receives three sends at once became.
    pub burst_receives: Option<usize>,
    /// What the server got.
    pub at_server: Arrived,
    /// What the client got back.
    pub at_client: Arrived,
    /// From the client's send to the server's receive.
    pub one_way: Option<Quantiles>,
    /// From the client's send to its receive of the reply.
    pub echo: Option<Quantiles>,
    /// What was on the wire; `None` if there was none.
    pub wire: Option<OnWire>,
}

/// What both hosts put on the wire.
#[derive(Clone, Debug, Serialize)]
pub struct OnWire {
    /// Before the first byte; `None` if no data was sent.
    pub before: Option<Before>,
    /// Packets by role.
    pub packets: Roles,
    /// Bytes of all frames, Ethernet headers included.
    pub bytes: u64,
    /// Of these, bytes for the programs.
    pub payload: u64,
    /// Headers of the first packet with data.
    pub header: Option<HeaderBytes>,
    /// What became of them.
    pub fates: WireCounts,
    /// Events that did not fit into the log: then the numbers above are too low.
    pub not_logged: u64,
}

/// Counts a run.
pub fn tally(run: &Recorded, experiment: &Experiment) -> Figures {
    let stream = run.over.is_stream();
    let at_server = Arrived::read(&run.server.receives, stream, false, experiment);
    let at_client = Arrived::read(&run.client.receives, stream, true, experiment);
    Figures {
        over: run.over,
        client_calls: names(&run.client),
        server_calls: names(&run.server),
        sends: run.client.sends.len(),
        server_receives: run.server.receives.len(),
        client_receives: run.client.receives.len(),
        burst_receives: run.burst,
        one_way: quantiles(&run.client.sends, &at_server),
        echo: quantiles(&run.client.sends, &at_client),
        at_server,
        at_client,
        wire: run.wire.as_ref().map(|list| on_wire(list, &run.client)),
    }
}

fn names(side: &Side) -> Vec<&'static str> {
    let mut names = Vec::new();
    for (_, call) in &side.calls {
        if !SILENT.contains(&call.method) && !names.contains(&call.method) {
            names.push(call.method);
        }
    }
    names
}

fn quantiles(sends: &[Mono], arrived: &Arrived) -> Option<Quantiles> {
    let pairs = sends.iter().zip(&arrived.first);
    let mut times: Vec<Duration> = pairs
        .filter_map(|(sent, first)| first.map(|first| first.since(*sent)))
        .collect();
    times.sort_unstable();
    let at = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100);
        times.get(rank.saturating_sub(1)).copied()
    };
    Some(Quantiles {
        count: times.len(),
        p50: at(50)?,
        p95: at(95)?,
        max: at(100)?,
    })
}

fn on_wire(list: &List, client: &Side) -> OnWire {
    let asks = |call: &Call| matches!(call.method, "connect" | "send" | "sendall" | "sendto");
    let began = client.calls.iter().find(|(_, call)| asks(call));
    let mut found = OnWire {
        before: None,
        packets: Roles::default(),
        bytes: 0,
        payload: 0,
        header: None,
        fates: WireCounts::default(),
        not_logged: list.left_out(),
    };
    let decoder = Decoder::new();
    let mut tree = Packet::new();
    let mut sorter = Sorter::default();
    let mut ip = HashSet::new();
    for event in list.by_time() {
        match &event.kind {
            // What arrives has its delivery as cause; what is sent has none.
            Kind::Packet(packet) if event.cause.is_none() => {
                decoder.decode(&packet.frame(), &mut tree);
                if !is_counted(&tree) {
                    continue;
                }
                let seen = sorter.sort(event.host, &tree);
                ip.insert(event.id);
                if seen.role == Role::Data && seen.payload > 0 && found.before.is_none() {
                    found.header = Some(seen.headers);
                    found.before = began.map(|(began, _)| Before {
                        packets: found.packets.total(),
                        time: event.at.since(*began),
                    });
                }
                found.packets.count(seen.role);
                found.bytes += u64::from(packet.wire_len);
                if !matches!(seen.role, Role::Icmp | Role::Other) {
                    found.payload += u64::from(seen.payload);
                }
            }
            Kind::Fate(fate) if event.cause.is_some_and(|cause| ip.contains(&cause)) => {
                let counts = &mut found.fates;
                match fate {
                    Fate::Dropped(_) => counts.dropped += 1,
                    Fate::Duplicated => counts.duplicated += 1,
                    Fate::Corrupted { .. } => counts.corrupted += 1,
                    Fate::Overtaken => counts.overtaken += 1,
                    Fate::Delivered { .. } | Fate::Held => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let at = |ms: u64| Mono(Duration::from_millis(ms));
        let sends: Vec<Mono> = (0..20).map(|_| at(100)).collect();
        let mut arrived = Arrived {
            first: (1..=20).map(|ms| Some(at(100 + ms))).collect(),
            ..Arrived::default()
        };
        let all = quantiles(&sends, &arrived).unwrap();
        let ms = Duration::from_millis;
        assert_eq!(
            (all.count, all.p50, all.p95, all.max),
            (20, ms(10), ms(19), ms(20))
        );
        arrived.first.fill(None);
        assert_eq!(quantiles(&sends, &arrived), None);
    }
}
