//! Decodes packets for the commands that show them, and asks `--where` about each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cli::show::Context;
use crate::decode::{Decoder, Frame, Packet};
use crate::display::Where;
use crate::error::Error;

/// Which of the packets are shown or saved, by their fields.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WhereArgs {
    /// Which of these packets, by their fields: 'icmp.type == 8 && ip.ttl < 5'
    ///
    /// The keys are those of --tree and --json, which are Wireshark's: a protocol (`igmp`) or a
    /// field alone asks whether it is there, a flag alone (`tcp.flags.syn`) whether it is set.
    /// == != < <= > >= compare, `in {1, 5..9}` and `in {10.0.0.0/8}` look into a set, `contains
    /// "text"` into bytes, `& 0x12` tests bits; `and`, `or`, `not` and parentheses join. A key
    /// means all its occurrences, also in what an ICMP error quotes; `outer.ip.ttl` only the
    /// outermost one.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
}

/// What came of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Decoded, and meets the condition.
    Good,
    /// The condition does not hold.
    Refused,
    /// The decoder panicked on it.
    Bug,
}

/// The decoder and the condition.
#[derive(Debug)]
pub struct Look {
    decoder: Decoder,
    packet: Packet,
    condition: Option<Where>,
    bugs: u64,
}

impl Look {
    /// Compiles the condition, so that a wrong one is told before anything is opened.
    pub fn new(args: &WhereArgs) -> Result<Self, Error> {
        let decoder = Decoder::new();
        let compile = |text: &String| {
            let compiled = Where::compile(text, &decoder);
            compiled.map_err(|fault| Error::filter(&fault, text))
        };
        Ok(Self {
            condition: args.condition.as_ref().map(compile).transpose()?,
            decoder,
            packet: Packet::new(),
            bugs: 0,
        })
    }

    /// There is a condition: packets must be decoded also where none is shown.
    pub fn is_choosy(&self) -> bool {
        self.condition.is_some()
    }

    /// Decodes one packet.
    pub fn see(&mut self, context: &Context<'_>, frame: &Frame<'_>) -> Sight {
        let Self {
            decoder,
            packet,
            condition,
            ..
        } = self;
        // The last net: one packet that our decoder cannot stand must not end a capture.
        let looked = catch_unwind(AssertUnwindSafe(|| {
            decoder.decode(frame, packet);
            let seen = context.seen(frame, packet);
            let mut conditions = condition.iter();
            conditions.all(|condition| condition.matches(&seen))
        }));
        match looked {
            Ok(true) => Sight::Good,
            Ok(false) => Sight::Refused,
            Err(_) => {
                self.bugs = self.bugs.saturating_add(1);
                self.packet = Packet::new();
                Sight::Bug
            }
        }
    }

    /// The packet of the last [`Look::see`].
    pub fn packet(&self) -> &Packet {
        &self.packet
    }

    /// Packets that could not be decoded.
    pub fn bugs(&self) -> u64 {
        self.bugs
    }
}
