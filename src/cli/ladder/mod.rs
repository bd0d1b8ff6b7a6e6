//! `rawsock ladder`: who sent what to whom and when, from capture files. Opens, drops, then reads.

mod lab;
mod take;

use std::path::{Path, PathBuf};

use take::{MAX_BYTES, take};

use super::input::Input;
use super::page::{Target, Written, tell};
use super::wanted::Wanted;
use crate::decode::Decoder;
use crate::error::Error;
use crate::event::{Host, Kind, List};
use crate::privilege::{self, Creates, table};
use crate::view::ladder::join::join;
use crate::view::ladder::text::{self, Style};
use crate::view::ladder::{Clock, Ladder, html, script, svg};

/// Draw who sent what to whom and when, from capture files
#[derive(Clone, Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line are bools"
)]
#[command(
    disable_version_flag = true,
    after_help = "\
Examples:
  rawsock ladder x.pcap                     in the terminal
  rawsock ladder x.pcap tcp port 80         what a filter chooses
  rawsock ladder x.pcap --html x.html       a page for the projector
  rawsock ladder --join h1.pcap h2.pcap     both ends, with true slants
  rawsock ladder x.pcap --mermaid           for Markdown
  rawsock ladder --lab                      what a running lab's wire did

A capture knows one place: its arrows are level. Two captures of the same
exchange know both; their clocks are made one by an estimate. A lab has one
clock for all its hosts, and its wire knows what became of each frame.
Keys of the page: right and left the next and the last arrow, a all of them,
q no labels, + and - larger and smaller, d dark or light.
Needs no rights. Exit code: 0, 1 for a damaged file, 2 for an error."
)]
pub struct Args {
    /// pcap or pcapng, also .gz; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["join", "lab"])]
    pub file: Option<PathBuf>,
    /// Which packets, as pcap-filter(7) has it [default: all]
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Two captures of one exchange, made at both ends
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with = "file")]
    pub join: Vec<PathBuf>,
    /// A running lab, by its number where several run
    #[arg(long, value_name = "NUMBER", require_equals = true, num_args = 0..=1, default_missing_value = "0", conflicts_with_all = ["file", "join"])]
    pub lab: Option<u32>,
    /// Which packets of --join and --lab
    #[arg(
        short = 'f',
        long = "only",
        value_name = "FILTER",
        conflicts_with = "filter"
    )]
    pub only: Option<String>,
    /// One self-contained page into a file; `-` is standard output
    #[arg(long, value_name = "FILE", group = "form")]
    pub html: Option<PathBuf>,
    /// A picture into a file; `-` is standard output
    #[arg(long, value_name = "FILE", group = "form")]
    pub svg: Option<PathBuf>,
    /// As a sequence diagram of Mermaid
    #[arg(long, group = "form")]
    pub mermaid: bool,
    /// As a diagram of PlantUML
    #[arg(long, group = "form")]
    pub plantuml: bool,
    /// Draw with ASCII only
    #[arg(long)]
    pub ascii: bool,
    /// Columns of the terminal
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u16).range(60..=400))]
    pub width: u16,
    /// Draw so many packets at most
    #[arg(short = 'c', long = "max-packets", value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_packets: u32,
    /// Empty and use the file, if it is a regular file of yours
    #[arg(long)]
    pub force: bool,
    /// Fail rather than go on with an incomplete sandbox
    #[arg(long)]
    pub require_sandbox: bool,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    privilege::close_gaps()?;
    let filter = args.only.clone().unwrap_or_else(|| args.filter.join(" "));
    let mut wanted = Wanted::parse(&filter, false)?;
    let files: Vec<&Path> = match &args.file {
        Some(file) => vec![file],
        None => args.join.iter().map(PathBuf::as_path).collect(),
    };
    let inputs: Vec<Input> = files
        .iter()
        .map(|file| Input::open(file))
        .collect::<Result<_, _>>()?;
    let target = Target::choose(&[&args.html, &args.svg], args.force);
    let told = args.lab.map(lab::ask).transpose()?;
    let keep: Vec<_> = inputs.iter().flat_map(Input::descriptors).collect();
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    let creates = target.is_file().then_some(Creates {
        open: || target.open(),
        beneath: None,
    });
    let (report, written) = privilege::drop_and_create(&table::LADDER, &options, creates)?;
    drop(keep);
    for missing in &report.missing {
        tell(&format!("warning: {missing}"));
    }
    let mut written = written.unwrap_or_else(Written::standard_output);
    let names: Vec<String> = files.iter().map(|file| place_name(file)).collect();
    let decoder = Decoder::new();
    if let Some(told) = told {
        let list = told.list(&mut wanted, args.max_packets)?;
        let title = format!("the lab of {}", list.hosts.join(", "));
        let ladder = Ladder::new(&list, &decoder, &title, Clock::One);
        let mut out = String::new();
        render(args, &ladder, &list, &decoder, &mut out);
        written.write(out.as_bytes())?;
        return Ok(0);
    }
    let mut taken = Vec::new();
    for input in inputs {
        taken.push(take(input, &mut wanted, args.max_packets)?);
    }
    // A damaged file shows what stands before the damage.
    let damage = taken.iter_mut().find_map(|taken| taken.damage.take());
    let left_out: u64 = taken.iter().map(|taken| taken.left_out).sum();
    let (list, clock, title) = match (taken.as_slice(), names.as_slice()) {
        ([first, second], [a, b]) => {
            let names = [a.clone(), b.clone()];
            let joined = join(&decoder, &names, &first.packets, &second.packets, MAX_BYTES);
            if let Some(warning) = joined.warning {
                tell(&format!("warning: {warning}"));
            }
            let title = format!(
                "{a} and {b}, {} of {} and {} packets in both",
                joined.matched,
                first.packets.len(),
                second.packets.len()
            );
            (joined.list, joined.clock, title)
        }
        ([only], [name, ..]) => {
            let start = only.packets.iter().map(|packet| packet.wall).min();
            let start = start.unwrap_or_default();
            let mut list = List::new(vec![name.clone()], start, 1 << 20, MAX_BYTES);
            for packet in &only.packets {
                let at = list.mono(packet.wall);
                list.push(at, Host(0), Kind::Packet(packet.clone()), None);
            }
            let count = only.packets.len();
            let plural = if count == 1 { "" } else { "s" };
            let title = format!("{name}, {count} packet{plural}");
            (list, Clock::SeenAt(name.clone()), title)
        }
        _ => return Ok(0),
    };
    let mut ladder = Ladder::new(&list, &decoder, &title, clock);
    ladder.left_out = ladder.left_out.saturating_add(left_out);
    let mut out = String::new();
    render(args, &ladder, &list, &decoder, &mut out);
    written.write(out.as_bytes())?;
    damage.map_or(Ok(0), Err)
}

fn render(args: &Args, ladder: &Ladder, list: &List, decoder: &Decoder, out: &mut String) {
    if args.html.is_some() {
        html::render(ladder, list, decoder, out);
    } else if args.svg.is_some() {
        svg::render(ladder, true, out);
    } else if args.mermaid {
        script::render_mermaid(ladder, out);
    } else if args.plantuml {
        script::render_plantuml(ladder, out);
    } else {
        let style = Style {
            width: args.width.into(),
            ascii: args.ascii,
        };
        text::render(ladder, style, out);
    }
}

/// The file's name without its directory and ending: `h1` for `/tmp/h1.pcap.gz`.
fn place_name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let known = [".pcap", ".pcapng", ".cap"];
    let stem = known.iter().find_map(|ending| name.strip_suffix(ending));
    stem.filter(|stem| !stem.is_empty())
        .unwrap_or(name)
        .to_owned()
}
