//! The objects of the JSON view: one struct for each shape, in the order of their members.

use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use super::numbers::json_millis;
use super::start::Socket;
use crate::event::{Stamp, Timestamp};
use crate::ping::{Outage, RttStats};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Start {
        target: &'a str,
        address: IpAddr,
        zone: Option<&'a str>,
        socket: Socket,
        sandbox: bool,
        source: Option<IpAddr>,
        interface: Option<&'a str>,
        payload_bytes: usize,
        packet_bytes: usize,
        ids: &'a [u16],
        time: Timestamp,
    },
    Reply(Answer<'a>),
    Duplicate(Answer<'a>),
    Late(Answer<'a>),
    OtherAddress(Answer<'a>),
    Corrupt(Wrong),
    Truncated(Wrong),
    Longer(Wrong),
    BadChecksum(Wrong),
    UnknownSeq(Wrong),
    Request(Wrong),
    Error(Failure<'a>),
    NotSent {
        seq: u16,
        n: u64,
        reason: String,
        errno: i32,
        mtu: Option<u32>,
        time: Timestamp,
    },
    Timeout {
        seq: u16,
        n: u64,
        closed_early: bool,
        time: Timestamp,
    },
    NoAnswerYet {
        seq: u16,
        n: u64,
        time: Timestamp,
    },
    State(Change),
    Note {
        text: &'a str,
        time: Timestamp,
    },
    Interim(Numbers<'a>),
    Summary(Numbers<'a>),
}

/// A right answer, or one that would be right from somebody else.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub seq: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    pub from: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    pub bytes: usize,
    pub ttl: Option<u8>,
    pub rtt_ms: f64,
    pub stamp: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordered: Option<bool>,
    pub time: Timestamp,
}

/// An answer that is not what was asked for.
#[derive(Serialize)]
pub(super) struct Wrong {
    pub seq: u16,
    pub from: IpAddr,
    pub bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<usize>,
    /// First differing payload byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u8>,
    /// Payload byte or checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed: Option<u16>,
    pub time: Timestamp,
}

/// An ICMP error.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    pub seq: Option<u16>,
    pub from: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    pub icmp_type: u8,
    pub icmp_code: u8,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<u32>,
    pub objects: Vec<String>,
    pub matched: bool,
    pub time: Timestamp,
}

/// A change of state, in a stable word and in a sentence, with its numbers.
#[derive(Serialize)]
pub(super) struct Change {
    pub state: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    pub time: Timestamp,
}

/// The numbers of a run.
#[derive(Serialize)]
pub(super) struct Numbers<'a> {
    pub target: &'a str,
    pub address: IpAddr,
    pub sent: u64,
    pub not_sent: u64,
    pub received: u64,
    pub lost: u64,
    pub open: u64,
    pub loss_percent: f64,
    pub duplicates: u64,
    pub late: u64,
    pub reordered: u64,
    pub corrupt: u64,
    pub truncated: u64,
    pub longer: u64,
    pub bad_checksum: u64,
    pub other_address: u64,
    pub unknown_seq: u64,
    pub requests: u64,
    pub errors: u64,
    pub notices: u64,
    pub lost_by_us: u64,
    pub retries: u64,
    pub elapsed_ms: f64,
    pub sending_ms: f64,
    pub pipe: u64,
    pub ewma_ms: Option<f64>,
    /// The one kind of stamp that `rtt_ms` is over, and how many answers have it.
    pub stamp: Option<Stamp>,
    pub stamped: Option<u64>,
    pub rtt_ms: Option<Rtt>,
    pub outages: Vec<Span>,
    pub outage_count: u64,
    pub time: Timestamp,
}

#[derive(Serialize)]
pub(super) struct Rtt {
    pub min: f64,
    pub avg: f64,
    pub max: f64,
    pub mdev: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    pub jitter: f64,
}

impl Rtt {
    pub fn new(rtt: &RttStats) -> Self {
        Self {
            min: json_millis(rtt.min),
            avg: json_millis(rtt.avg),
            max: json_millis(rtt.max),
            mdev: json_millis(rtt.mdev),
            p50: json_millis(rtt.p50),
            p90: json_millis(rtt.p90),
            p99: json_millis(rtt.p99),
            jitter: json_millis(rtt.jitter),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Span {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Span {
    pub fn new(outage: &Outage) -> Self {
        Self {
            from: outage.from,
            until: outage.until,
        }
    }
}
