//! Options of `rawsock compare`, and the plan that they make.

use std::time::Duration;

use crate::cli::parse;
use crate::cli::wire::WireArgs;
use crate::compare::{Experiment, Over};
use crate::error::Error;
use crate::lab::{Options, Setup};
use crate::view::compare::Part;
use crate::wire::{Config, Impairment, Share, Way};

const EXAMPLES: &str = "\
Examples:
  rawsock compare                               TCP, UDP and raw: costs, then losses
  rawsock compare --over tcp,unix-stream        two kinds of streams
  rawsock compare --delay 10ms --loss 20%       on a wire of your own choice
  rawsock compare --latency --loss 5%           200 messages: who waits for whom";

/// Lay TCP, UDP, raw and unix sockets side by side
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = EXAMPLES, after_long_help = EXPLAINED)]
pub struct Args {
    /// Kinds of sockets: tcp, udp, raw, unix-stream, unix-dgram, unix-seqpacket
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "tcp,udp,raw", value_parser = over)]
    over: Vec<Over>,
    /// Messages to send, 1 to 9999 [default: 20, with --latency 200]
    #[arg(short = 'n', long, value_name = "N", value_parser = messages)]
    messages: Option<u32>,
    /// Bytes of a message, 5 to 1400
    #[arg(short = 's', long, value_name = "BYTES", default_value = "10", value_parser = size)]
    size: usize,
    /// Time from one send to the next [default: 10ms, with --latency 20ms]
    #[arg(short = 'i', long, value_name = "TIME", value_parser = parse::duration)]
    interval: Option<Duration>,
    /// How long to wait for replies after the last send [default: 10s for streams, else 1s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    patience: Option<Duration>,
    /// Look at waiting times: more messages, a longer wire, a little loss
    #[arg(long)]
    latency: bool,
    /// Every kind of client against every kind of server: who sees what
    #[arg(long, conflicts_with_all = ["latency", "over", "messages", "size", "interval", "patience"])]
    pub mismatch: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// What the wire does. Losses and the like concern the second part only.
    #[command(flatten)]
    wire: WireArgs,
}

const EXPLAINED: &str = "\
A lab of two hosts is built for each run (no right is needed) and thrown away.
The first part runs on a wire that delivers everything: what each kind costs.
The second runs on one that does not: what arrives. Without options of your own
the wire takes 5 ms, and in the second part --loss 20% --dup 10% --reorder 10%
--seed 9. Every number is counted from the calls and the packets of the run.
TCP's acknowledgements are the kernel's choice: their number may vary.

  rawsock compare                               TCP, UDP and raw: costs, then losses
  rawsock compare --over tcp,unix-stream        two kinds of streams
  rawsock compare --delay 10ms --loss 20%       on a wire of your own choice
  rawsock compare --latency --loss 5%           200 messages: who waits for whom";

/// One part of the comparison.
pub struct Stage {
    /// How it is shown.
    pub part: Part,
    /// The lab.
    pub options: Options,
    /// The wire in words.
    pub wire: String,
}

/// What to do.
pub struct Plan {
    /// The columns.
    pub over: Vec<Over>,
    /// What is sent.
    pub experiment: Experiment,
    /// How long to wait for the last replies.
    pub patience: Option<Duration>,
    /// The parts.
    pub stages: Vec<Stage>,
}

impl Args {
    /// The plan; an error for kinds that are named twice.
    pub fn plan(&self) -> Result<Plan, Error> {
        let mut seen = Vec::new();
        for over in &self.over {
            if seen.contains(over) {
                return Err(Error::Usage {
                    message: format!("--over names {} twice", over.name()),
                    fix: None,
                });
            }
            seen.push(*over);
        }
        let experiment = Experiment {
            messages: self.messages.unwrap_or(if self.latency { 200 } else { 20 }),
            size: self.size,
            interval: self
                .interval
                .unwrap_or(Duration::from_millis(if self.latency { 20 } else { 10 })),
        };
        let mut lossy = self.wire.config();
        let seed = lossy.seed;
        let unseeded = Config {
            seed: 0,
            ..lossy.clone()
        };
        if unseeded == Config::default() {
            lossy = default_wire(self.latency);
            if !self.wire.is_empty() {
                lossy.seed = seed;
            }
        }
        let mut clean = lossy.clone();
        clean.rules.clear();
        for way in Way::BOTH {
            let impairment = clean.ways.get_mut(way);
            *impairment = Impairment {
                loss: Share(0),
                dup: Share(0),
                reorder: Share(0),
                corrupt: Share(0),
                ..*impairment
            };
        }
        let mut stages = vec![self.stage(Part::Costs, &clean)];
        if lossy != clean {
            stages.push(self.stage(Part::Losses, &lossy));
        }
        Ok(Plan {
            over: seen,
            experiment,
            patience: self.patience,
            stages,
        })
    }

    fn stage(&self, part: Part, config: &Config) -> Stage {
        let mut options = Options::pair();
        options.setup = Setup {
            mtu: self.wire.link_mtu(),
            ..Setup::default()
        };
        options.config = config.clone();
        Stage {
            part,
            options,
            wire: words(config),
        }
    }
}

fn default_wire(latency: bool) -> Config {
    let mut config = Config {
        seed: 9,
        ..Config::default()
    };
    for way in Way::BOTH {
        *config.ways.get_mut(way) = if latency {
            Impairment {
                delay: Duration::from_millis(10),
                loss: Share(50_000),
                ..Impairment::default()
            }
        } else {
            Impairment {
                delay: Duration::from_millis(5),
                loss: Share(200_000),
                dup: Share(100_000),
                reorder: Share(100_000),
                ..Impairment::default()
            }
        };
    }
    config
}

/// The wire in words: `5 ms each way, 20% loss`.
fn words(config: &Config) -> String {
    let (up, down) = (&config.ways.up, &config.ways.down);
    if up == down {
        let mut text = format!("the wire, each way: {}", way_words(up));
        if !config.rules.is_empty() {
            text.push_str(", exact fates");
        }
        return text + &seed_words(config);
    }
    format!(
        "the wire, h1 to h2: {}; back: {}{}",
        way_words(up),
        way_words(down),
        seed_words(config)
    )
}

/// The seed, where anything follows from it.
fn seed_words(config: &Config) -> String {
    let random = |way: &Impairment| {
        [way.loss, way.dup, way.reorder, way.corrupt] != [Share(0); 4] || !way.jitter.is_zero()
    };
    if random(&config.ways.up) || random(&config.ways.down) {
        format!(" (seed {})", config.seed)
    } else {
        String::new()
    }
}

fn way_words(way: &Impairment) -> String {
    let mut words = vec![span(way.delay)];
    if !way.jitter.is_zero() {
        words.push(format!("+-{}", span(way.jitter)));
    }
    let shares = [
        (way.loss, "loss"),
        (way.dup, "duplicates"),
        (way.reorder, "reordered"),
        (way.corrupt, "corrupt"),
    ];
    for (share, name) in shares.iter().filter(|(share, _)| share.0 > 0) {
        words.push(format!("{}% {name}", f64::from(share.0) / 10_000.0));
    }
    if let Some(rate) = way.rate {
        words.push(format!("{rate} bit/s"));
    }
    if let Some(mtu) = way.mtu {
        words.push(format!("MTU {mtu}"));
    }
    words.join(", ")
}

/// A span as one types it: `10 ms`.
pub fn span(span: Duration) -> String {
    if span.is_zero() {
        "0 ms".to_owned()
    } else {
        crate::view::calls::time(span).replace(".0 ", " ")
    }
}

fn over(text: &str) -> Result<Over, String> {
    Over::of(text).ok_or_else(|| {
        let names: Vec<&str> = Over::ALL.iter().map(|over| over.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn messages(text: &str) -> Result<u32, String> {
    let number = parse::number(text, 1, 9999)?;
    u32::try_from(number).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<usize, String> {
    // Five hold a letter and four digits; 1400 fit one packet of TCP with options.
    let number = parse::number(text, 5, 1400)?;
    usize::try_from(number).map_err(|error| error.to_string())
}
