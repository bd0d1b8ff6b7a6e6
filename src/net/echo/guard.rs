//! What keeps a datagram server from doing harm: no answers to services that answer themselves, a
//! limit on answers a second, an end to loops of two servers. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::event::Mono;
use crate::net::traced::Address;

/// Most peers that are remembered.
const PEERS: usize = 1024;
/// The same bytes so often in a row from one peer are a loop.
const LOOP: u32 = 10_000;
/// A peer that is silent for so long starts anew.
const QUIET: Duration = Duration::from_secs(1);

/// Why a datagram is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// From a port below 1024: echo, chargen and the like answer an answer.
    LowPort,
    /// More datagrams a second than allowed.
    Rate,
    /// The same bytes ten thousand times in a row.
    Loop,
    /// From our own address.
    Self_,
}

impl Refusal {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LowPort => "it comes from a port below 1024, where services answer themselves",
            Self::Rate => "more than --max-rate allows in a second",
            Self::Loop => "10000 times the same in a row: this looks like a loop of two servers",
            Self::Self_ => "it comes from our own address",
        }
    }
}

struct Peer {
    last: u64,
    same: u32,
    at: Mono,
}

/// Decides which datagrams are answered.
pub struct Guard {
    /// Answers a second; `None`: no limit, and no end to loops.
    rate: Option<u32>,
    tokens: f64,
    filled: Mono,
    own: Option<Address>,
    peers: HashMap<Address, Peer>,
}

impl Guard {
    /// For a server at `own`.
    pub fn new(rate: Option<u32>, own: Option<Address>, now: Mono) -> Self {
        Self {
            rate,
            tokens: rate.unwrap_or(0).into(),
            filled: now,
            own,
            peers: HashMap::new(),
        }
    }

    /// May this datagram be answered?
    pub fn judge(&mut self, now: Mono, from: &Address, bytes: &[u8]) -> Result<(), Refusal> {
        if from.port().is_some_and(|port| (1..1024).contains(&port)) {
            return Err(Refusal::LowPort);
        }
        if self.own.as_ref() == Some(from) {
            return Err(Refusal::Self_);
        }
        let Some(rate) = self.rate else {
            return Ok(());
        };
        let passed = now.since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + passed * f64::from(rate)).min(rate.into());
        if self.tokens < 1.0 {
            return Err(Refusal::Rate);
        }
        if self.is_loop(now, from, bytes) {
            return Err(Refusal::Loop);
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn is_loop(&mut self, now: Mono, from: &Address, bytes: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let last = hasher.finish();
        if self.peers.len() >= PEERS && !self.peers.contains_key(from) {
            // Forgets whoever was silent longest; a loop never is.
            let oldest = self.peers.iter().min_by_key(|(_, peer)| peer.at);
            if let Some(oldest) = oldest.map(|(address, _)| address.clone()) {
                self.peers.remove(&oldest);
            }
        }
        let peer = self.peers.entry(from.clone()).or_insert(Peer {
            last,
            same: 0,
            at: now,
        });
        let goes_on = peer.last == last && now.since(peer.at) < QUIET;
        peer.same = if goes_on {
            peer.same.saturating_add(1)
        } else {
            1
        };
        peer.last = last;
        peer.at = now;
        peer.same > LOOP
    }
}

/// How much of an answer may go to a peer: one that is not on this machine gets no more than it
/// sent, for its address may be forged (RFC 8085 3.1.10 is about such amplifiers).
pub fn allowed_answer<'a>(peer: &Address, request: usize, answer: &'a [u8]) -> &'a [u8] {
    if peer.is_loopback() {
        return answer;
    }
    answer.get(..request).unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Address {
        Address::Inet(text.parse().unwrap())
    }

    fn at(ms: u64) -> Mono {
        Mono(Duration::from_millis(ms))
    }

    #[test]
    fn services_that_answer_themselves_get_none() {
        let mut guard = Guard::new(Some(1000), Some(peer("127.0.0.1:9000")), at(0));
        for (from, refusal) in [
            ("127.0.0.1:7", Refusal::LowPort),
            ("10.0.0.1:19", Refusal::LowPort),
            ("127.0.0.1:9000", Refusal::Self_),
        ] {
            assert_eq!(guard.judge(at(1), &peer(from), b"x"), Err(refusal));
        }
        assert_eq!(guard.judge(at(1), &peer("127.0.0.1:1024"), b"x"), Ok(()));
    }

    #[test]
    fn a_second_has_so_many_answers() {
        let mut guard = Guard::new(Some(100), None, at(0));
        let from = peer("127.0.0.1:5000");
        let mut answered = |from_ms: u64, to_ms: u64| {
            let mut count = 0;
            for ms in from_ms..to_ms {
                for number in 0..10_u8 {
                    count += u32::from(guard.judge(at(ms), &from, &[number]).is_ok());
                }
            }
            count
        };
        // The bucket is full at first.
        assert_eq!(answered(0, 1000), 199);
        assert_eq!(answered(1000, 2000), 100);
        let mut free = Guard::new(None, None, at(0));
        assert!((0..9999).all(|_| free.judge(at(0), &from, b"x").is_ok()));
    }

    #[test]
    fn a_loop_ends_and_quiet_forgives() {
        let mut guard = Guard::new(Some(1_000_000), None, at(0));
        let from = peer("127.0.0.1:9001");
        let answered = (0..20_000).filter(|_| guard.judge(at(1), &from, b"x").is_ok());
        assert_eq!(answered.count(), 10_000);
        assert_eq!(guard.judge(at(2), &from, b"y"), Ok(()));
        assert_eq!(guard.judge(at(2000), &from, b"x"), Ok(()));
    }

    #[test]
    fn the_table_of_peers_has_an_end() {
        let mut guard = Guard::new(Some(1_000_000), None, at(0));
        for port in 1024..9000_u64 {
            let from = peer(&format!("127.0.0.1:{port}"));
            assert_eq!(guard.judge(at(port), &from, b"x"), Ok(()));
        }
        assert_eq!(guard.peers.len(), PEERS);
    }

    #[test]
    fn strangers_get_no_more_than_they_sent() {
        assert_eq!(allowed_answer(&peer("10.0.0.1:5000"), 2, b"long"), b"lo");
        assert_eq!(allowed_answer(&peer("10.0.0.1:5000"), 9, b"long"), b"long");
        assert_eq!(allowed_answer(&peer("127.0.0.1:5000"), 1, b"long"), b"long");
    }
}
