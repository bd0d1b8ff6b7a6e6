//! What the engine can say about a probe or an arrival, and the counts at the end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Stamp, Timestamp};

/// One decision of the engine. Every arrival and every probe ends in exactly one of these.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The first right answer to a probe, in time.
    Reply {
        seq: u16,
        n: u64,
        from: IpAddr,
        bytes: usize,
        ttl: Option<u8>,
        rtt: Duration,
        stamp: Stamp,
        reordered: bool,
    },
    /// A right answer to a probe that was answered before.
    Duplicate {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        ttl: Option<u8>,
        rtt: Duration,
        stamp: Stamp,
    },
    /// A right answer after the probe's timeout: it takes the loss back.
    Late {
        seq: u16,
        n: u64,
        from: IpAddr,
        bytes: usize,
        ttl: Option<u8>,
        rtt: Duration,
        stamp: Stamp,
    },
    /// Payload differs from what was sent; `at` is the first differing payload byte.
    Corrupt {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        at: usize,
        sent: u8,
        got: u8,
    },
    /// The answer is shorter than the request: ICMP bytes got and asked.
    Truncated {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        expected: usize,
    },
    /// The answer is longer than the request: ICMP bytes got and asked.
    Longer {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        expected: usize,
    },
    /// The ICMP checksum does not fit: as received and as computed.
    BadChecksum {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        got: u16,
        computed: u16,
    },
    /// A right answer from an address that we did not ask. `broadcast` answers are replies instead.
    OtherAddress {
        seq: u16,
        from: IpAddr,
        bytes: usize,
        ttl: Option<u8>,
        rtt: Duration,
        stamp: Stamp,
    },
    /// An echo reply with our id and a sequence that is not open and never was.
    UnknownSeq {
        seq: u16,
        from: IpAddr,
        bytes: usize,
    },
    /// Our own echo request came back as a request (bounced). On loopback this is the normal copy and is not reported.
    Request {
        seq: u16,
        from: IpAddr,
        bytes: usize,
    },
    /// An ICMP error that quotes one of our probes, or (with `seq` none) one that cannot be matched.
    Error { seq: Option<u16>, error: IcmpError },
    /// The probe did not leave this host. It is no loss.
    NotSent { seq: u16, n: u64, reason: NotSent },
    /// No answer within the timeout; `closed_early` if the id space ran out before.
    Timeout {
        seq: u16,
        n: u64,
        closed_early: bool,
    },
    /// The path or the local side changed state.
    State(StateChange),
}

/// An ICMP error message about a probe of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct IcmpError {
    /// Who reported it.
    pub from: IpAddr,
    /// ICMP type; its family is that of `from`.
    pub icmp_type: u8,
    /// ICMP code.
    pub code: u8,
    /// The second 32-bit word of the message: MTU, gateway, pointer, by type (RFC 792, RFC 4443).
    pub rest: u32,
    /// The whole ICMP message where the socket delivered it (the error queue of a dgram socket does not).
    pub message: Option<Arc<[u8]>>,
    /// The quote is too short or foreign to match a probe.
    pub unmatched: bool,
}

/// Why a probe did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// The errno of the send call.
    pub errno: i32,
    /// Next-hop MTU that the kernel named with EMSGSIZE.
    pub mtu: Option<u32>,
}

/// A change that is worth one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// Sends fail from now on, with this errno.
    SendsFail(NotSent),
    /// Sends work again, after so many that were not sent.
    SendsWork { not_sent: u64 },
    /// No answer since so many probes: an outage began.
    OutageBegan,
    /// Answers again after so long.
    OutageEnded { lasted: Duration },
    /// The receive queue overflowed: so many packets were lost by us (SO_RXQ_OVFL).
    LostByUs { count: u64 },
    /// The wall clock was stepped between send and receive: user clock used for this probe.
    ClockStep,
    /// The id space ran out: the oldest probe is closed as timed out.
    TableFull,
    /// Answers come to our id that are not for us: another program uses the same id.
    IdClash { id: u16 },
}

/// The numbers of a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub sent: u64,
    pub not_sent: u64,
    pub received: u64,
    pub lost: u64,
    /// Still open when the run was interrupted: neither received nor lost (counted as sent).
    pub open: u64,
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
    pub lost_by_us: u64,
    pub elapsed: Duration,
    pub rtt: Option<RttStats>,
    pub outages: Vec<Outage>,
    /// Most probes outstanding at one time (iputils' `pipe`).
    pub pipe: u64,
    /// Exponentially weighted RTT (iputils' `ipg/ewma`).
    pub ewma: Option<Duration>,
}

/// RTT figures over one kind of stamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RttStats {
    pub stamp: Stamp,
    /// Replies that these figures are over.
    pub count: u64,
    pub min: Duration,
    pub avg: Duration,
    pub max: Duration,
    pub mdev: Duration,
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    /// RFC 3550 6.4.1, over consecutive replies.
    pub jitter: Duration,
}

/// A span without answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Send time of the first unanswered probe.
    pub from: Timestamp,
    /// Time of the first answer after it; `None` if the run ended first.
    pub until: Option<Timestamp>,
}
