//! What is shown instead of every packet: `--stats` of all, one conversation with `--follow`, some
//! packets in depth with `--explain`. Gathered while packets come.

use std::io::{self, IsTerminal, Write};

use crate::decode::{Frame, Packet};
use crate::error::Error;
use crate::flow::Kind;
use crate::flow::follow::Follow;
use crate::flow::stats::Stats;
use crate::view::follow::{Form, Script, summary};
use crate::view::lesson::render_lesson;
use crate::view::stats;

const TOGETHER: &str = "Instead of every packet";
/// Text that is gathered before it goes out.
const FULL: usize = 64 * 1024;

/// What is shown instead of every packet.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GatherArgs {
    /// Protocols, conversations and top talkers, in packets and bytes
    ///
    /// At most 32768 conversations of a kind and as many talkers are kept; those that were used
    /// longest ago give way, and are counted. With --json: one object for each.
    #[arg(long, help_heading = TOGETHER,
        conflicts_with_all = ["count", "tree", "verbose", "fields", "hex", "hex_ascii", "ascii"])]
    pub stats: bool,
    /// What a TCP or UDP conversation carried: --follow tcp 0
    ///
    /// Conversations are counted from 0 in the order of their first packets, TCP and UDP each, as
    /// in Wireshark. TCP segments are put in order, what came again is left out, and what is missing
    /// is said. At most 1 MiB waits behind a hole.
    #[arg(long, num_args = 2, value_names = ["tcp|udp", "NUMBER"], help_heading = TOGETHER,
        conflicts_with_all = ["stats", "count", "tree", "verbose", "fields", "hex", "hex_ascii", "ascii"])]
    pub follow: Option<Vec<String>>,
    /// How: as text, hexadecimal, or the bytes themselves
    #[arg(long, value_enum, value_name = "FORM", requires = "follow", default_value_t, help_heading = TOGETHER)]
    pub follow_as: FollowAs,
    /// Which direction: the one of the first packet, the other, or both
    #[arg(long, value_enum, value_name = "WAY", requires = "follow", default_value_t, help_heading = TOGETHER)]
    pub follow_way: FollowWay,
    /// Packet N field by field, with the meaning and the RFC of each; may be repeated
    #[arg(long, value_name = "N", help_heading = TOGETHER, value_parser = clap::value_parser!(u64).range(1..),
        conflicts_with_all = ["stats", "follow", "count", "json", "tree", "verbose", "fields", "hex", "hex_ascii", "ascii"])]
    pub explain: Vec<u64>,
}

/// A form of `--follow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FollowAs {
    /// Lines, with escapes for what could steer a terminal
    #[default]
    Text,
    /// Offsets, hexadecimal and ASCII
    Hex,
    /// The bytes themselves, for a file or a pipe
    Raw,
}

/// A direction of `--follow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FollowWay {
    /// Both, as they came
    #[default]
    Both,
    /// Only what the sender of the first packet sent
    First,
    /// Only what the other one sent
    Other,
}

/// One conversation.
#[derive(Debug)]
struct Followed {
    kind: Kind,
    number: u64,
    follow: Follow,
    script: Script,
}

/// What is gathered.
#[derive(Debug)]
pub struct Gather {
    stats: Option<Stats>,
    followed: Option<Followed>,
    explain: Vec<u64>,
    /// Packets that were explained.
    explained: u64,
    json: bool,
    out: Vec<u8>,
}

impl Gather {
    /// Takes random hash keys and looks at standard output, so it comes before the drop. `None` if
    /// nothing is asked for.
    pub fn new(args: &GatherArgs, json: bool) -> Result<Option<Self>, Error> {
        let followed = match args.follow.as_deref() {
            Some([kind, number]) => Some(followed(args, kind, number, json)?),
            _ => None,
        };
        let any = args.stats || followed.is_some() || !args.explain.is_empty();
        Ok(any.then(|| Self {
            stats: args.stats.then(Stats::default),
            followed,
            explain: args.explain.clone(),
            explained: 0,
            json,
            out: Vec::new(),
        }))
    }

    /// Takes a packet; `number` as in its file.
    pub fn add(&mut self, number: u64, frame: &Frame<'_>, packet: &Packet) -> Result<(), Error> {
        if let Some(stats) = &mut self.stats {
            stats.add(frame, packet);
        }
        if self.explain.contains(&number) {
            self.explained = self.explained.saturating_add(1);
            let mut text = format!("Packet {number}: {} bytes\n\n", frame.wire_len);
            render_lesson(frame, packet, &mut text);
            self.out.extend_from_slice(text.as_bytes());
        }
        let out = &mut self.out;
        if let Some(Followed { follow, script, .. }) = &mut self.followed {
            follow.add(frame, packet, &mut |ends, piece| {
                script.piece(&piece, ends, out);
            });
        }
        if self.out.len() >= FULL {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is ready to standard output.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(&self.out).and_then(|()| out.flush());
        self.out.clear();
        written.map_err(crate::cli::lost_output)
    }

    /// The end: writes the rest; a line to say about it, if there is one.
    pub fn finish(&mut self) -> Result<Option<String>, Error> {
        let mut told = None;
        if let Some(stats) = &self.stats {
            let mut text = String::new();
            if self.json {
                stats::render_json(stats, &mut text);
            } else {
                stats::render_text(stats, &mut text);
            }
            self.out.extend_from_slice(text.as_bytes());
        }
        if let Some(one) = &mut self.followed {
            let Followed { follow, script, .. } = one;
            let out = &mut self.out;
            follow.finish(&mut |ends, piece| script.piece(&piece, ends, out));
            script.finish(out);
            told = Some(summary(&one.follow, one.kind, one.number));
        }
        if !self.explain.is_empty() && self.explained == 0 {
            told = Some("the packet to explain is not among these".to_owned());
        }
        self.flush()?;
        Ok(told)
    }
}

fn followed(args: &GatherArgs, kind: &str, number: &str, json: bool) -> Result<Followed, Error> {
    let wrong = |message: String| Error::Usage {
        message,
        fix: Some("rawsock read x.pcap --follow tcp 0".into()),
    };
    let kind = match kind {
        "tcp" => Kind::Tcp,
        "udp" => Kind::Udp,
        _ => return Err(wrong(format!("--follow: `{kind}` is not tcp or udp"))),
    };
    let number = number.parse().map_err(|_| {
        wrong(format!(
            "--follow: `{number}` is no number of a conversation"
        ))
    })?;
    let form = match args.follow_as {
        _ if json => Form::Json,
        FollowAs::Text => Form::Text,
        FollowAs::Hex => Form::Hex,
        FollowAs::Raw if io::stdout().is_terminal() => {
            return Err(Error::Usage {
                message: "--follow-as raw: a terminal would obey the bytes".into(),
                fix: Some("rawsock read x.pcap --follow tcp 0 --follow-as raw > FILE".into()),
            });
        }
        FollowAs::Raw => Form::Raw,
    };
    let only = match args.follow_way {
        FollowWay::Both => None,
        FollowWay::First => Some(true),
        FollowWay::Other => Some(false),
    };
    Ok(Followed {
        kind,
        number,
        follow: Follow::new(kind, number),
        script: Script::new(form, only),
    })
}
