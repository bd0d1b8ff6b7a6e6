//! Decodes packets for the commands that show them, puts fragments together, and asks `--where`
//! about each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cli::show::Context;
use crate::decode::{Decoder, Frame, Packet, Relative};
use crate::defrag::Defrag;
use crate::display::Where;
use crate::error::Error;

/// How packets are decoded, and which of them are shown or saved.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LookArgs {
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
    /// Leave fragments of IPv4 and IPv6 as they are
    ///
    /// Otherwise the packet that completes a datagram shows all of it. 4096 datagrams and 8 MiB of
    /// them are kept for up to a minute; what was not put together is counted at the end.
    #[arg(long)]
    pub no_defrag: bool,
    /// TCP numbers as they are, not counted from the start of the connection
    #[arg(short = 'S', long = "absolute-tcp-sequence-numbers")]
    pub absolute: bool,
    /// Do not verify checksums
    #[arg(short = 'K', long, alias = "dont-verify-checksums")]
    pub no_checksums: bool,
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
    defrag: Option<Defrag>,
    relative: Option<Relative>,
    bugs: u64,
}

impl Look {
    /// Compiles the condition, so that a wrong one is told before anything is opened.
    pub fn new(args: &LookArgs) -> Result<Self, Error> {
        let decoder = if args.no_checksums {
            Decoder::new().without_checksums()
        } else {
            Decoder::new()
        };
        let compile = |text: &String| {
            let compiled = Where::compile(text, &decoder);
            compiled.map_err(|fault| Error::filter(&fault, text))
        };
        Ok(Self {
            condition: args.condition.as_ref().map(compile).transpose()?,
            decoder,
            packet: Packet::new(),
            defrag: (!args.no_defrag).then(Defrag::default),
            relative: (!args.absolute).then(Relative::default),
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
            defrag,
            relative,
            ..
        } = self;
        // The last net: one packet that our decoder cannot stand must not end a capture.
        let looked = catch_unwind(AssertUnwindSafe(|| {
            decoder.decode(frame, packet);
            if let (Some(defrag), Some(_)) = (defrag, packet.fragment()) {
                defrag.input(decoder, frame, context.number, packet);
            }
            if let Some(relative) = relative {
                relative.note(packet);
            }
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

    /// A line on fragments that were not put together.
    pub fn fragments(&self) -> Option<String> {
        let counts = self.defrag.as_ref()?.counts();
        counts.is_lossy().then(|| counts.to_string())
    }

    /// A line on connections whose numbers began anew, because there were too many.
    pub fn connections(&self) -> Option<String> {
        let forgotten = self.relative.as_ref()?.forgotten();
        (forgotten > 0).then(|| {
            format!("{forgotten} TCP connections forgotten, for want of room: if they went on, their numbers began anew")
        })
    }

    /// Packets that could not be decoded.
    pub fn bugs(&self) -> u64 {
        self.bugs
    }
}
