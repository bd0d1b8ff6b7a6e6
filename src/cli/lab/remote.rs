//! A lab from another terminal: `lab exec`, `set`, `log`, `status`, `down`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::Duration;

use super::keep::{Ends, attend, program_of, take_signals, tell};
use crate::cli::wire::{EXPLAINED, WireArgs};
use crate::decode::{Decoder, Direction, Packet};
use crate::error::Error;
use crate::event::{Event, Id, Kind, List};
use crate::lab::Client;
use crate::privilege::{self, table};
use crate::view::escape::{escape, escape_into};
use crate::view::fate::{render_fates, render_time};
use crate::view::line;
use crate::wire::{Config, Entry, Impairment, Reply, Request, Rule, Status, Stories, Story, What};
use crate::wire::{Counts, Ways, decode_entries};

/// Which lab is meant.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// The lab by its number, where several run: that of its process
    #[arg(long, value_name = "NUMBER")]
    pub lab: Option<u32>,
}

/// `lab exec`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Exec {
    /// Host to run it in
    pub host: String,
    /// Program, or a command of rawsock
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    /// Which lab.
    #[command(flatten)]
    pub which: Which,
}

/// `lab set`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_long_help = EXPLAINED)]
pub struct Set {
    /// What the wire does.
    #[command(flatten)]
    pub wire: WireArgs,
    /// Begin with a wire that does nothing
    #[arg(long)]
    pub clear: bool,
    /// Which lab.
    #[command(flatten)]
    pub which: Which,
}

/// `lab log` and `lab down`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Only {
    /// Which lab.
    #[command(flatten)]
    pub which: Which,
}

/// `lab status`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub struct Ask {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which lab.
    #[command(flatten)]
    pub which: Which,
}

/// Runs a program in a host of a lab.
pub fn exec(args: &Exec) -> Result<u8, Error> {
    let signals = take_signals()?;
    let door = Client::connect(args.which.lab)?.enter(&args.host)?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Ok(2);
    };
    let child = door.spawn(&mut program_of(program, arguments))?;
    let mut ends = Ends {
        signals,
        down: None,
    };
    attend(child, &mut ends)
}

/// Changes what the wire does.
pub fn set(args: &Set) -> Result<u8, Error> {
    if args.wire.is_empty() && !args.clear {
        return Err(Error::Usage {
            message: "nothing to set".into(),
            fix: Some("rawsock lab set --loss 30%".into()),
        });
    }
    let mut config = if args.clear {
        Config::default()
    } else {
        ask_status(args.which.lab)?.config
    };
    args.wire.apply(&mut config);
    Client::connect(args.which.lab)?.ask(Request::Set(Box::new(config)), |_| {})?;
    Ok(0)
}

/// Shows counts and settings.
pub fn status(args: &Ask) -> Result<u8, Error> {
    let status = ask_status(args.which.lab)?;
    if args.json {
        let text = serde_json::to_string(&status).unwrap_or_default();
        crate::cli::print(format!("{text}\n").as_bytes())?;
    } else {
        show_status(&status)?;
    }
    Ok(0)
}

fn ask_status(lab: Option<u32>) -> Result<Status, Error> {
    let mut status = Status::default();
    Client::connect(lab)?.ask(Request::Status, |reply| {
        if let Reply::Status(told) = reply {
            status = *told;
        }
    })?;
    Ok(status)
}

/// Shows the frames and their fates. They are decoded after the drop.
pub fn log(args: &Only) -> Result<u8, Error> {
    let hosts = ask_status(args.which.lab)?.hosts;
    let mut messages = Vec::new();
    Client::connect(args.which.lab)?.ask(Request::Events(0), |reply| {
        if let Reply::Entries(bytes) = reply {
            messages.push(bytes);
        }
    })?;
    privilege::drop(&table::READ, &privilege::Options::default())?;
    let mut teller = Teller::new(&hosts);
    for entry in messages
        .iter()
        .filter_map(|bytes| decode_entries(bytes))
        .flatten()
    {
        teller.take(&entry);
    }
    teller.finish()?;
    Ok(0)
}

/// Ends a lab.
pub fn down(args: &Only) -> Result<u8, Error> {
    Client::connect(args.which.lab)?.down()?;
    Ok(0)
}

/// The events of a list as lines.
pub fn show_list(list: &List) -> Result<(), Error> {
    let mut teller = Teller::new(&list.hosts);
    for event in list.events() {
        teller.take(&entry_of(event));
    }
    if list.left_out() > 0 {
        tell(&format!(
            "{} older events are no longer kept",
            list.left_out()
        ));
    }
    teller.finish()
}

fn entry_of(event: &Event) -> Entry {
    let number = |id: Id| u64::from(id.0);
    Entry {
        number: number(event.id),
        at: event.at,
        host: event.host,
        kind: event.kind.clone(),
        cause: event.cause.map(number),
        same: None,
    }
}

/// Writes one line a frame that went into the wire.
struct Teller {
    hosts: Vec<String>,
    stories: Stories,
    decoder: Decoder,
    packet: Packet,
    text: String,
}

impl Teller {
    fn new(hosts: &[String]) -> Self {
        Self {
            hosts: hosts.to_vec(),
            stories: Stories::default(),
            decoder: Decoder::new(),
            packet: Packet::new(),
            text: String::new(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        if let Kind::Note(text) = &entry.kind {
            self.text.push_str("note: ");
            escape_into(text, &mut self.text);
            self.text.push('\n');
        }
        self.stories.take(entry);
        while let Some(story) = self.stories.ready() {
            self.tell(&story);
        }
    }

    fn finish(mut self) -> Result<(), Error> {
        while let Some(story) = self.stories.rest() {
            self.tell(&story);
        }
        crate::cli::print(self.text.as_bytes())
    }

    fn tell(&mut self, story: &Story) {
        if story.packet.dir != Direction::Out {
            return;
        }
        let mut frame = story.packet.frame();
        frame.dir = Direction::Unknown;
        self.decoder.decode(&frame, &mut self.packet);
        render_time(story.at, &mut self.text);
        let host = self.hosts.get(usize::from(story.host.0));
        let host = escape(host.map_or("?", String::as_str));
        let _ = write!(self.text, " {host:<6} ");
        line::render_line(&frame, &self.packet, line::Style::default(), &mut self.text);
        self.text.push_str("  # ");
        render_fates(story, &self.hosts, &mut self.text);
        self.text.push('\n');
    }
}

/// Counts and settings as text.
pub fn show_status(status: &Status) -> Result<(), Error> {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<14}{:>9}{:>9}{:>10}{:>8}{:>7}{:>9}{:>10}",
        "cable", "frames", "counted", "delivered", "dropped", "copied", "flipped", "overtaken"
    );
    for (name, counts) in status.cables.iter().zip(&status.counts) {
        let Ways { up, down } = counts;
        for (way, counts) in [("up", up), ("down", down)] {
            let Counts {
                frames,
                counted,
                delivered,
                dropped,
                duplicated,
                corrupted,
                overtaken,
            } = counts;
            let _ = writeln!(
                text,
                "{:<14}{frames:>9}{counted:>9}{delivered:>10}{dropped:>8}{duplicated:>7}\
                 {corrupted:>9}{overtaken:>10}",
                format!("{} {way}", escape(name))
            );
        }
    }
    let Ways { up, down } = &status.config.ways;
    for (way, impairment) in [("up", up), ("down", down)] {
        let _ = writeln!(text, "wire {way}: {}", words(impairment));
    }
    for (rule, acted) in status.config.rules.iter().zip(&status.acted) {
        let _ = writeln!(
            text,
            "rule: {}, acted {acted} times",
            escape(&rule_words(rule))
        );
    }
    let _ = writeln!(text, "seed {}", status.config.seed);
    for (count, what) in [
        (status.pending as u64, "frames under way"),
        (status.held as u64, "frames held for a key"),
        (status.evicted, "events no longer kept"),
        (
            status.missed,
            "frames that the wire process was too slow for",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count} {what}");
        }
    }
    crate::cli::print(text.as_bytes())
}

fn words(impairment: &Impairment) -> String {
    let mut words = Vec::new();
    let time = |name: &str, time: Duration| {
        (!time.is_zero()).then(|| format!("{name} {} ms", time.as_secs_f64() * 1e3))
    };
    words.extend(time("delay", impairment.delay));
    words.extend(time("jitter", impairment.jitter));
    for (name, share) in [
        ("loss", impairment.loss),
        ("dup", impairment.dup),
        ("reorder", impairment.reorder),
        ("corrupt", impairment.corrupt),
    ] {
        if share.0 > 0 {
            words.push(format!("{name} {}%", f64::from(share.0) / 1e4));
        }
    }
    words.extend(impairment.rate.map(|rate| format!("rate {rate} bit/s")));
    words.extend(impairment.queue.map(|queue| format!("queue {queue} bytes")));
    words.extend(impairment.mtu.map(|mtu| format!("mtu {mtu}")));
    if words.is_empty() {
        words.push("passes everything on".into());
    }
    words.join(", ")
}

fn rule_words(rule: &Rule) -> String {
    let act = format!("{:?}", rule.act).to_lowercase();
    let way = rule
        .way
        .map(|way| format!("-{way:?}").to_lowercase())
        .unwrap_or_default();
    match &rule.what {
        What::Number(number) => format!("--{act}{way} {number}"),
        What::Match(text, None) => format!("--{act}{way} {text}"),
        What::Match(text, Some(nth)) => format!("--{act}{way} {text}#{nth}"),
    }
}
