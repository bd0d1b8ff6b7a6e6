//! Which packets belong under a call: those that start or end at a socket of the script.

use std::collections::HashMap;

use crate::capture::witness::{End, Seen, Witness};
use crate::event::Timestamp;

/// Most local ends that are remembered.
const MAX_ENDS: usize = 4096;

/// Local ends of the script's sockets, and whose they are.
#[derive(Debug, Default)]
pub struct Ends(HashMap<(u8, u16), String>);

/// A packet of the script.
#[derive(Debug)]
pub struct Ours {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The packet in one line, escaped.
    pub text: String,
    /// `-->`, or with sides `a --> b`.
    pub arrow: String,
    /// It left a socket of the script.
    pub sent: bool,
}

/// The packets of one call.
#[derive(Debug, Default)]
pub struct Under {
    /// Seen after the call before and ahead of this one.
    pub before: Vec<Ours>,
    /// Seen while it ran.
    pub during: Vec<Ours>,
    /// Not shown: too many, or lost by the capture.
    pub left_out: u64,
}

impl Ends {
    /// A socket of this side has this end.
    pub fn add(&mut self, end: (u8, u16), side: &str) {
        if self.0.len() < MAX_ENDS || self.0.contains_key(&end) {
            self.0.insert(end, side.to_owned());
        }
    }

    fn owner(&self, end: Option<&End>) -> Option<&str> {
        let end = end?;
        let exact = self.0.get(&(end.protocol, end.port));
        exact
            .or_else(|| self.0.get(&(end.protocol, 0)))
            .map(String::as_str)
    }

    /// The packet, if it is one of ours.
    fn ours(&self, seen: Seen, sided: bool) -> Option<Ours> {
        let (from, to) = (self.owner(seen.ends.first()), self.owner(seen.ends.get(1)));
        // An ICMP error about a packet of ours goes where that came from.
        let about = seen
            .ends
            .iter()
            .skip(2)
            .any(|end| self.owner(Some(end)).is_some());
        if from.is_none() && to.is_none() && !about {
            return None;
        }
        let sent = from.is_some();
        let arrow = if sided {
            let name = |side: Option<&str>| side.map_or("?", |side| side).to_owned();
            format!("{} --> {}:", name(from), name(to))
        } else if sent {
            "-->".to_owned()
        } else {
            "<--".to_owned()
        };
        Some(Ours {
            at: seen.at,
            wire_len: seen.wire_len,
            text: seen.text,
            arrow,
            sent,
        })
    }
}

/// Everything of ours since the last question; what was seen before `began` stands apart.
pub fn under(witness: &mut Witness, ends: &Ends, began: Timestamp, sided: bool) -> Option<Under> {
    let report = witness.ask()?;
    let mut under = Under {
        left_out: report.left_out,
        ..Under::default()
    };
    for seen in report.seen {
        let Some(ours) = ends.ours(seen, sided) else {
            continue;
        };
        if ours.at < began {
            under.before.push(ours);
        } else {
            under.during.push(ours);
        }
    }
    Some(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ends: &[(u8, u16)]) -> Seen {
        let ip = "127.0.0.1".parse().unwrap();
        let end = |(protocol, port): &(u8, u16)| End {
            protocol: *protocol,
            ip,
            port: *port,
        };
        Seen {
            at: Timestamp(0),
            wire_len: 0,
            ends: ends.iter().map(end).collect(),
            text: String::new(),
        }
    }

    #[test]
    fn only_packets_of_the_scripts_sockets_are_ours() {
        let mut ends = Ends::default();
        ends.add((6, 9000), "b");
        ends.add((17, 5000), "a");
        ends.add((1, 0), "");
        let arrow = |list: &[(u8, u16)], sided| ends.ours(seen(list), sided).map(|ours| ours.arrow);
        assert_eq!(
            arrow(&[(6, 9000), (6, 4000)], false).as_deref(),
            Some("-->")
        );
        assert_eq!(
            arrow(&[(6, 4000), (6, 9000)], false).as_deref(),
            Some("<--")
        );
        assert_eq!(
            arrow(&[(6, 4000), (6, 9000)], true).as_deref(),
            Some("? --> b:")
        );
        assert_eq!(arrow(&[(17, 9000), (17, 9001)], false), None);
        // An ICMP error belongs to whoever sent what it quotes; a raw socket sees them all.
        let error = [(58, 0), (58, 0), (17, 5000), (17, 7)];
        assert_eq!(arrow(&error, false).as_deref(), Some("<--"));
        assert_eq!(arrow(&[(1, 0), (1, 0)], false).as_deref(), Some("-->"));
    }
}
