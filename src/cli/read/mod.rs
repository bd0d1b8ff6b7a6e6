//! `rawsock read`: shows, counts or saves the packets of capture files. Opens, drops, then reads.

mod run;

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use run::Run;

use super::gather::{Gather, GatherArgs};
use super::input::Input;
use super::interfaces;
use super::look::{Look, LookArgs};
use super::saving::{self, SaveArgs};
use super::show::{Printer, ShowArgs};
use super::wanted::Wanted;
use crate::capture::Series;
use crate::error::Error;
use crate::privilege::{self, Creates, table};
use crate::sys::signal::Signals;

/// Show, count or save the packets of pcap and pcapng files
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag of the command line is one bool"
)]
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "\
Examples:
  rawsock read x.pcap                       every packet in a line
  rawsock read x.pcapng -v -c 1             every field of the first one
  rawsock read x.pcap tcp port 80           those that a filter chooses
  rawsock read x.pcap.gz --json | jq .time  objects for programs
  rawsock read x.pcap --where 'ip.ttl < 5'  those whose fields are so
  rawsock read x.pcap --stats               who talked with whom, how much
  rawsock read x.pcap --follow tcp 0        what the first connection carried
  rawsock read x.pcap --explain 3           packet 3, every field explained
  rawsock read x.pcap --count               how many there are
  rawsock read x.pcap -w y.pcapng           another format
  ssh host tcpdump -w - | rawsock read -    while it is captured

A damaged file shows everything before the damage; the exit code is 1 then.
Exit code: 0 read to the end, 1 damaged, 2 error, 74 output lost, 130, 143
and 129 ended by INT, TERM and HUP.
Needs no rights, and gives up all that it has before it reads."
)]
pub struct Args {
    /// pcap or pcapng, also .gz; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["more", "list"])]
    pub file: Option<PathBuf>,
    /// Which packets, as pcap-filter(7) has it [default: all]
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Another file; may be repeated
    ///
    /// With -r the filter may come first: what stands before it and is no file belongs to it.
    #[arg(short = 'r', value_name = "FILE")]
    pub more: Vec<PathBuf>,
    /// List the interfaces
    #[arg(short = 'D', long = "list", alias = "list-interfaces")]
    pub list: bool,
    /// Print the filter's program for the file and end; -dd as C, -ddd as numbers
    #[arg(short = 'd', action = clap::ArgAction::Count)]
    pub dump: u8,
    /// Read the filter from a file
    #[arg(short = 'F', value_name = "FILE", conflicts_with = "filter")]
    pub filter_file: Option<PathBuf>,
    /// The filter means exactly what it means in libpcap
    #[arg(long)]
    pub pcap_compat: bool,
    /// How packets are decoded, and which of them count.
    #[command(flatten)]
    pub look: LookArgs,
    /// What is shown of all packets together.
    #[command(flatten)]
    pub gather: GatherArgs,
    /// What is saved.
    #[command(flatten)]
    pub save: SaveArgs,
    /// Stop after so many packets
    #[arg(short = 'c', long = "max-packets", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_packets: Option<u64>,
    /// Stop after so many bytes of packets: 500k, 10M
    #[arg(long, value_name = "SIZE", value_parser = saving::bytes)]
    pub max_bytes: Option<u64>,
    /// Only say how many packets there are
    #[arg(long, conflicts_with_all = ["write", "json", "tree", "verbose", "fields"])]
    pub count: bool,
    /// How packets are shown.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Fail rather than go on with an incomplete sandbox
    #[arg(long)]
    pub require_sandbox: bool,
}

impl Args {
    /// The files, and the filter.
    fn files_and_filter(&self) -> Result<(Vec<&Path>, String), Error> {
        let first = self.file.as_deref();
        // As tcpdump users write it: `-r FILE EXPRESSION`.
        let is_word =
            |path: &&Path| !self.more.is_empty() && path.to_str() != Some("-") && !path.exists();
        let word = first.filter(is_word).and_then(Path::to_str);
        let file = first.filter(|path| word.is_none() || !is_word(path));
        let words = word
            .into_iter()
            .chain(self.filter.iter().map(String::as_str));
        let text = match &self.filter_file {
            Some(path) => Wanted::text_of(path)?,
            None => words.collect::<Vec<_>>().join(" "),
        };
        let more = self.more.iter().map(PathBuf::as_path);
        Ok((file.into_iter().chain(more).collect(), text))
    }
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    if args.list {
        return interfaces::run(args.show.json);
    }
    privilege::close_gaps()?;
    let (files, filter) = args.files_and_filter()?;
    let wanted = Wanted::parse(&filter, args.pcap_compat)?;
    let look = Look::new(&args.look)?;
    let mut inputs: Vec<Input> = files
        .into_iter()
        .map(Input::open)
        .collect::<Result<_, _>>()?;
    let gather = Gather::new(&args.gather, args.show.json)?;
    let single = !args.count && gather.is_none();
    let shows = args.save.print || (args.save.write.is_none() && single);
    let printer = shows
        .then(|| Printer::new(&args.show, args.save.unbuffered))
        .transpose()?;
    let signals = match &args.save.write {
        Some(_) => Some(take_signals(&mut inputs)?),
        None => None,
    };
    let mut keep: Vec<BorrowedFd<'_>> = inputs.iter().flat_map(Input::descriptors).collect();
    keep.extend(signals.iter().map(AsFd::as_fd));
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    let series = args.save.series(args.show.precision())?;
    let directory = series
        .as_ref()
        .and_then(Series::directory)
        .map(Path::to_owned);
    let need = if directory.is_some() {
        &table::READ_SERIES
    } else {
        &table::READ
    };
    let creates = series.map(|mut series| Creates {
        open: || series.start(None).map(|()| series),
        beneath: directory.as_deref(),
    });
    let (report, saver) = privilege::drop_and_create(need, &options, creates)?;
    for missing in &report.missing {
        tell(&format!("warning: {missing}"));
    }
    if args.show.verbose > 1 {
        report.notes.iter().for_each(|note| tell(note));
    }
    if args.dump > 0 {
        return run::dump(inputs, &wanted, args.dump);
    }
    let several = inputs.len() > 1;
    let run = Run {
        args,
        printer,
        saver,
        signals,
        wanted,
        look,
        gather,
        total: 0,
        bytes: 0,
        several,
    };
    let ended = run.all(inputs);
    if args.show.verbose > 0
        && let Some(calls) = privilege::refused_calls()
    {
        tell(&format!("the sandbox refused system calls: {calls}"));
    }
    ended
}

fn take_signals(inputs: &mut [Input]) -> Result<Signals, Error> {
    let taken = Signals::take().and_then(|signals| {
        for input in inputs {
            input.heed(&signals)?;
        }
        Ok(signals)
    });
    taken.map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })
}

/// A line on stderr. Nothing can be done if that is gone.
fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
