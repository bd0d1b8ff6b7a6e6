//! What the engine can say about a probe or an arrival, and the counts at the end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Stamp, Timestamp};

/// One decision of the engine. Every arrival and every probe ends in exactly one of these.
///
/// Everywhere `seq` is the ICMP sequence, `n` the probe's number in this run, `from` the sender,
/// `bytes` the length of the ICMP message, `ttl` its TTL or hop limit, and `rtt` the round trip by
/// the clock that `stamp` names.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields mean the same in all variants")]
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
    /// An echo reply with our id and a sequence that was never sent, or so long ago (262,144
    /// probes) that it is forgotten.
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
    /// No answer within the timeout; `closed_early` if the id space ran out or the run ended before.
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
#[expect(missing_docs, reason = "each variant tells what its field is")]
pub enum StateChange {
    /// Sends fail from now on, with this errno.
    SendsFail(NotSent),
    /// Sends work again, after so many that were not sent.
    SendsWork { not_sent: u64 },
    /// The queue was full (ENOBUFS, EAGAIN): a probe left only after so long. One line for each
    /// row of probes that had to wait.
    SendsWaited { errno: i32, waited: Duration },
    /// This host held a probe back for so long before it left: it looked for the neighbour, or its
    /// queue was full. The round trip by kernel stamps begins only then. One line for each row of
    /// such probes.
    HeldBack { seq: u16, held: Duration },
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

/// The numbers of a run so far, or of a whole one.
///
/// Each probe that left this host is counted once: `sent == received + late + lost + open`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Probes that left this host.
    pub sent: u64,
    /// Probes that did not: neither sent nor lost.
    pub not_sent: u64,
    /// Answered in time. The RTT figures are over these.
    pub received: u64,
    /// No answer within the timeout, or an ICMP error instead of one.
    pub lost: u64,
    /// Still waiting. At the end of a run by interrupt or deadline: those younger than twice the
    /// longest round trip, of which nothing is known; older ones are lost.
    pub open: u64,
    /// Further answers to a probe that has one.
    pub duplicates: u64,
    /// Answered after the timeout: neither lost nor received.
    pub late: u64,
    /// Among `received`: answered after a probe that was sent later.
    pub reordered: u64,
    /// Answers with another payload.
    pub corrupt: u64,
    /// Answers that are too short.
    pub truncated: u64,
    /// Answers that are too long.
    pub longer: u64,
    /// Answers with a wrong ICMP checksum.
    pub bad_checksum: u64,
    /// Right answers from somebody else.
    pub other_address: u64,
    /// Answers to what was never sent, or so long ago that it is forgotten.
    pub unknown_seq: u64,
    /// Our requests that came back as requests.
    pub requests: u64,
    /// ICMP errors, but for `notices`.
    pub errors: u64,
    /// ICMP messages about a probe that do not end it: redirect and source quench.
    pub notices: u64,
    /// Packets that our full receive queue dropped.
    pub lost_by_us: u64,
    /// Sends that were tried again because a queue was full.
    pub retries: u64,
    /// From the first poll to the end of the run, or until now.
    pub elapsed: Duration,
    /// From the first to the last probe: iputils' `time`, and the base of its `ipg`.
    pub sending: Duration,
    /// RTT figures over the best kind of stamp that covers enough answers.
    pub rtt: Option<RttStats>,
    /// Spans without answers; the first 1,000.
    pub outages: Vec<Outage>,
    /// All spans without answers, listed or not.
    pub outage_count: u64,
    /// Most probes outstanding at one time (iputils' `pipe`).
    pub pipe: u64,
    /// Exponentially weighted RTT (iputils' `ipg/ewma`), over the stamps of `rtt`.
    pub ewma: Option<Duration>,
}

impl Summary {
    /// `lost` as a percentage of `sent`: 0 to 100, and 0 if nothing was sent.
    pub fn loss_percent(&self) -> f64 {
        percent(self.lost, self.sent)
    }

    /// What iputils prints as loss: all that has no answer, in time or late, open ones included.
    pub fn unanswered_percent(&self) -> f64 {
        percent(self.sent.saturating_sub(self.answered()), self.sent)
    }

    /// Probes that have an answer, in time or late.
    pub fn answered(&self) -> u64 {
        self.received.saturating_add(self.late)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 * 100.0 / whole as f64).clamp(0.0, 100.0)
}

/// RTT figures over one kind of stamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RttStats {
    /// Who took the stamps.
    pub stamp: Stamp,
    /// Replies that these figures are over: in a flood, those of the probes that were stamped.
    pub count: u64,
    /// Shortest.
    pub min: Duration,
    /// Mean, rounded down; `min <= avg <= max`.
    pub avg: Duration,
    /// Longest.
    pub max: Duration,
    /// Standard deviation, by iputils' formula.
    pub mdev: Duration,
    /// Median, to three significant digits, as the other percentiles.
    pub p50: Duration,
    /// 90th percentile.
    pub p90: Duration,
    /// 99th percentile.
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
