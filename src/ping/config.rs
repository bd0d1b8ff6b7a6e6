//! What a run of the engine is asked to do. Limits of use (who may flood, how small an interval a user may ask for) are the shell's.

use std::net::IpAddr;
use std::time::Duration;

use super::{Payload, Sizes};

/// What to send, to whom, how often and until when. Letters in brackets are the command's.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line or a fact of the wire"
)]
pub struct Config {
    /// Whom we ask.
    pub target: IpAddr,
    /// ICMP identifiers in the order of use; the next one is taken after 65,536 sequences. With
    /// four of them 262,144 probes may be outstanding. An empty list is taken as `[0]`.
    pub ids: Vec<u16>,
    /// Time between probes (-i). Zero: as answers come, at least 100 a second, which is what -f
    /// without -i and `-i 0` mean; the shell sets zero for a plain -f.
    pub interval: Duration,
    /// -A never sends two probes closer than this: 2 ms for users, zero for root (iputils).
    pub min_interval: Duration,
    /// Send when the answer comes, or after the usual round trip (-A).
    pub adaptive: bool,
    /// Flood (-f): the pace follows from `interval`; stamps are sampled.
    pub flood: bool,
    /// Probes sent at once at the start, and let outstanding when pacing by answers (-l); at least 1.
    pub preload: u32,
    /// Probes to send; with `deadline`, answers to wait for (-c).
    pub count: Option<u64>,
    /// End of everything, from the first poll on (-w).
    pub deadline: Option<Duration>,
    /// End of sending, from the first poll on; outstanding answers are waited for (--for).
    pub run_for: Option<Duration>,
    /// How long a probe may wait for its answer (-W); without it [`Config::DEFAULT_TIMEOUT`].
    pub timeout: Option<Duration>,
    /// Payload bytes of each probe (-s, --sweep).
    pub sizes: Sizes,
    /// What the payload is filled with (-p, --data).
    pub payload: Payload,
    /// A random number that tells our probes from those of another run with the same id.
    pub nonce: u64,
    /// Done, successfully, after so many answers (--until).
    pub until: Option<u64>,
    /// Done, without success, after so many probes in a row without an answer (--fail-after).
    pub fail_after: Option<u64>,
    /// The target is a broadcast or multicast address: replies of any host are replies, and our own
    /// requests come back as copies.
    pub any_address: bool,
    /// The target is one of our own addresses: our requests come back as copies and are no news.
    pub local_target: bool,
    /// Ask for a transmit stamp of every probe, however fast they go; else at most
    /// [`Config::STAMPS_PER_SECOND`] when pacing is faster than that.
    pub stamp_every: bool,
    /// The wire can deliver transmit stamps at all.
    pub tx_stamps: bool,
}

impl Config {
    /// Wait for an answer where -W does not say (iputils' MAXWAIT).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Most transmit stamps asked for in a second, where they are sampled.
    pub const STAMPS_PER_SECOND: u32 = 1000;

    /// iputils' defaults: 56 bytes every second, without an end.
    pub fn new(target: IpAddr, ids: Vec<u16>, nonce: u64) -> Self {
        Self {
            target,
            ids,
            interval: Duration::from_secs(1),
            min_interval: Duration::ZERO,
            adaptive: false,
            flood: false,
            preload: 1,
            count: None,
            deadline: None,
            run_for: None,
            timeout: None,
            sizes: Sizes::Fixed(56),
            payload: Payload::Default,
            nonce,
            until: None,
            fail_after: None,
            any_address: false,
            local_target: false,
            stamp_every: false,
            tx_stamps: true,
        }
    }

    /// How long a probe may wait for its answer.
    pub fn patience(&self) -> Duration {
        self.timeout.unwrap_or(Self::DEFAULT_TIMEOUT)
    }
}
