//! What packets tell together: `--stats`, and one conversation with `--follow`. Gathered while they
//! come, shown at the end.

use crate::decode::{Frame, Packet};
use crate::error::Error;
use crate::flow::stats::Stats;
use crate::view::stats;

const TOGETHER: &str = "Packets together";

/// What is shown of all packets instead of each.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GatherArgs {
    /// Protocols, conversations and top talkers, in packets and bytes
    ///
    /// At most 32768 conversations of a kind and as many talkers are kept; those that were used
    /// longest ago give way, and are counted. With --json: one object for each.
    #[arg(long, help_heading = TOGETHER,
        conflicts_with_all = ["count", "tree", "verbose", "fields", "hex", "hex_ascii", "ascii"])]
    pub stats: bool,
}

impl GatherArgs {
    /// Something is shown at the end, and so the single packets are not.
    pub fn any(&self) -> bool {
        self.stats
    }
}

/// The tables.
#[derive(Debug)]
pub struct Gather {
    stats: Option<Stats>,
    json: bool,
}

impl Gather {
    /// Takes random hash keys, so it comes before the drop. `None` if nothing is asked for.
    pub fn new(args: &GatherArgs, json: bool) -> Option<Self> {
        args.any().then(|| Self {
            stats: args.stats.then(Stats::default),
            json,
        })
    }

    /// Takes a packet.
    pub fn add(&mut self, frame: &Frame<'_>, packet: &Packet) {
        if let Some(stats) = &mut self.stats {
            stats.add(frame, packet);
        }
    }

    /// Writes everything to standard output.
    pub fn show(&self) -> Result<(), Error> {
        let mut out = String::new();
        if let Some(stats) = &self.stats {
            if self.json {
                stats::render_json(stats, &mut out);
            } else {
                stats::render_text(stats, &mut out);
            }
        }
        crate::cli::print(out.as_bytes())
    }
}
