//! ICMP errors: which probe one is about, and what it means for it.

use std::net::IpAddr;
use std::sync::Arc;

use super::engine::Pinger;
use super::input::bump;
use super::table::State;
use super::{Arrival, IcmpError, Message, Quoted, Verdict};

impl Pinger {
    /// An ICMP error closes its probe as lost, and lets a later right answer take that back.
    pub(super) fn error(&mut self, arrival: &Arrival<'_>, quoted: Option<Quoted<'_>>) {
        let Message::Error {
            icmp_type,
            code,
            rest,
            bytes,
            ..
        } = arrival.message
        else {
            return;
        };
        let probe = match quoted.map(|quoted| self.find_quoted(&quoted)) {
            Some(About::Foreign) => return,
            Some(About::Probe(n)) => Some(n),
            Some(About::Nobody) | None => None,
        };
        let terminal = is_terminal(arrival.from, icmp_type);
        if let Some(n) = probe.filter(|_| terminal) {
            self.acknowledge(n);
            if self.table.get(n).map(|entry| entry.state) == Some(State::Open) {
                self.table.set_state(n, State::Failed);
                bump(&mut self.counts.lost);
                self.failures = self.failures.saturating_add(1);
            }
        }
        bump(if terminal {
            &mut self.counts.errors
        } else {
            &mut self.counts.notices
        });
        let error = IcmpError {
            from: arrival.from,
            icmp_type,
            code,
            rest,
            message: (!bytes.is_empty()).then(|| Arc::from(bytes)),
            // A redirect of ICMPv6 need not quote (RFC 4861 4.5).
            unmatched: probe.is_none() && icmp_type != 137,
        };
        let time = arrival.stamp.map_or(arrival.wall, |(time, _)| time);
        let seq = probe.map(|n| self.table.name(n).1);
        self.events.push((time, Verdict::Error { seq, error }));
    }

    /// Which probe a quote is of. The quoted nonce decides where there is one, else the quoted
    /// destination: another run with our id may be pinging somebody else.
    fn find_quoted(&self, quoted: &Quoted<'_>) -> About {
        if !self.table.ours(quoted.id) {
            return About::Foreign;
        }
        let candidates = self.table.candidates(quoted.id, quoted.seq);
        let mut known = candidates.filter_map(|n| {
            let entry = self.table.get(n)?;
            entry.state.left().then_some((n, entry.size()))
        });
        let Some((newest, size)) = known.next() else {
            return About::Nobody;
        };
        let fits = |&(n, size): &(u64, usize)| {
            let payload = quoted.payload;
            self.filling.difference(n, size, payload).is_none()
        };
        match self.filling.own_nonce(size, quoted.payload) {
            Some(false) => About::Foreign,
            None if quoted.to.is_some_and(|to| to != self.config.target) => About::Nobody,
            Some(true) | None => {
                let probe = Some((newest, size))
                    .filter(fits)
                    .or_else(|| known.find(fits));
                About::Probe(probe.map_or(newest, |(n, _)| n))
            }
        }
    }
}

/// What an error is about.
enum About {
    Probe(u64),
    /// Nothing that is remembered.
    Nobody,
    /// A probe of another program.
    Foreign,
}

/// Whether an ICMP message means that the probe did not get there. Of IPv4 those are unreachable,
/// time exceeded and parameter problem; redirect, source quench and what RFC 1122 3.2.2 tells to
/// ignore are not. ICMPv6 has all its errors below 128 (RFC 4443 2.1).
fn is_terminal(from: IpAddr, icmp_type: u8) -> bool {
    match from {
        IpAddr::V4(_) => matches!(icmp_type, 3 | 11 | 12),
        IpAddr::V6(_) => icmp_type < 128,
    }
}
