//! `rawsock call`: one socket method a line, from a file, from `-c`, from a pipe or typed. Opens what
//! it needs, drops all rights but CAP_NET_RAW, then makes sockets on the user's order.

mod convert;
mod exec;
mod files;
mod lab;
mod method;
mod packets;
mod prompt;
mod resolve;
mod run;
mod show;
mod side;
mod sock;
mod tables;
mod tell;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use lab::Lab;
use resolve::Names;
use run::{Parts, Run, Style};
use side::{Done, Shared, Side};
use sock::Values;
use tables::Tables;

use super::parse;
use super::wire::WireArgs;
use crate::call::{Action, Address, Arg, Fault, MAX_LINE, Parser, Statement};
use crate::capture::witness::Witness;
use crate::decode::Decoder;
use crate::display::Where;
use crate::error::{Env, Error, Hint, raw_fix};
use crate::net::resolve::{Family, Resolver, parse_numeric};
use crate::privilege::{self, table};
use crate::sys::clock::Clock;
use crate::sys::process;
use crate::sys::signal::Signals;
use crate::view::escape::escape;

/// Longest script.
const MAX_SCRIPT: u64 = 4 << 20;

const EXAMPLES: &str = "\
Examples:
  rawsock call                                    a prompt; `help` lists the verbs
  rawsock call -c 's = socket; s.connect 127.0.0.1:9000'
  rawsock call -c 'socket udp; sendto 127.0.0.1:9 \"hi\"; sleep 0.1; get SO_ERROR'
  rawsock call handshake.call                     a script
  rawsock call --json handshake.call | jq .
  rawsock call --lab --delay 10ms two_hosts.call  @h1 and @h2 are hosts of a lab

A script has one statement a line, or several with `;` between them:
  @b s = socket ; s.bind :9000 ; s.listen 5       # @b: one side
  @a c = socket ; c.connect :9000     => 0        # what must come
  @b d, who = s.accept
  @a c.send 'one' ; c.send 'two!'     => 4
  @b d.recv 1024                      => 'onetwo!'
  @b d.recv 1024 &                                # in the background
  @a c.shutdown wr
  @b wait

In a lab, `drop next tcp.flags.syn` makes the wire lose the next such frame.

Verbs are Python's methods, long (getsockname) or short (name); `help`
lists them. An address without a host is the loopback. A call that has no limit of
its own (s.timeout) waits for at most --limit.

Exit code: 0; 1 something expected did not come, or a statement could not be
made; 2 error; 74 output lost; 130, 143, 129 ended by INT, TERM, HUP.";

/// Make socket calls, one a line, and see what they cause
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Examples, the language and exit codes: rawsock call --help",
    after_long_help = EXAMPLES
)]
pub struct Args {
    /// Script; `-` for standard input
    #[arg(value_name = "FILE", conflicts_with = "command")]
    pub file: Option<PathBuf>,
    /// Make these statements; may be given again
    #[arg(short = 'c', long = "command", value_name = "LINE")]
    pub command: Vec<String>,

    /// Show calls with their packets, or calls alone
    #[arg(long, value_name = "WHAT", default_value = "packets")]
    pub trace: Trace,
    /// One JSON object a statement, and a summary
    #[arg(long)]
    pub json: bool,
    /// Show only what was not as expected
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Go on after something was not as expected
    #[arg(short = 'k', long)]
    pub keep_going: bool,

    /// Run it in a lab of two hosts, h1 and h2, which are the sides
    #[arg(long)]
    pub lab: bool,
    /// What the wire of the lab does.
    #[command(flatten)]
    pub wire: WireArgs,

    /// Longest that a call without a limit of its own waits
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = limit)]
    pub limit: Duration,
    /// Exit with 77 rather than run with a weaker sandbox
    #[arg(long)]
    pub require_sandbox: bool,
}

/// What is shown of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Trace {
    /// The calls.
    Calls,
    /// The calls, and beneath each the packets that it caused.
    Packets,
}

/// From a millisecond to ten minutes.
fn limit(text: &str) -> Result<Duration, String> {
    let span = parse::duration(text)?;
    let range = Duration::from_millis(1)..=Duration::from_mins(10);
    if range.contains(&span) {
        Ok(span)
    } else {
        Err("from 1ms to 10m".into())
    }
}

/// The low descriptors, kept free for the user's sockets: the first is 3, as in a program that does
/// nothing else.
struct Places {
    _held: Vec<File>,
}

impl Places {
    /// So many are ours at most: pipes, tables, signals.
    const COUNT: usize = 29;

    fn take() -> Self {
        let null = || File::open("/dev/null").ok();
        Self {
            _held: std::iter::repeat_with(null)
                .take(Self::COUNT)
                .flatten()
                .collect(),
        }
    }
}

/// Where the statements come from.
enum Source {
    /// Read and parsed already.
    Whole(Vec<Statement>),
    /// Line by line from standard input.
    Piped,
    /// Typed.
    Prompt,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    privilege::close_gaps()?;
    process::one_heap();
    if !args.lab && !args.wire.is_empty() {
        return Err(Error::Usage {
            message: "there is a wire only with --lab".into(),
            fix: Some("rawsock call --lab --delay 10ms FILE".into()),
        });
    }
    let mut parser = Parser::new();
    let (source, name) = source(args, &mut parser)?;
    let opened = if args.lab {
        open_in_lab(args)?
    } else {
        open_here(args, &source)?
    };
    for line in opened.notes {
        Run::tell(&line);
    }
    let style = Style {
        json: args.json,
        quiet: args.quiet,
        keep_going: args.keep_going,
        packets: args.trace == Trace::Packets && !args.quiet,
        width: parser.sides().map(run::width).max().unwrap_or(0),
    };
    let run = Run::new(Parts {
        shared: opened.shared,
        done: opened.pipes.done,
        stop: opened.pipes.stop,
        signals: opened.signals,
        witness: opened.witness,
        lab: opened.lab,
        finished: opened.finished,
        style,
        name: name.clone(),
    });
    match source {
        Source::Whole(statements) => whole(run, statements),
        Source::Piped => piped(run, parser, &name, args.lab),
        Source::Prompt => prompt::talk(run, parser, args.lab),
    }
}

/// What a run needs, with all rights dropped that it does not.
struct Opened {
    shared: Shared,
    pipes: Pipes,
    signals: Signals,
    witness: Option<Witness>,
    lab: Option<(Lab, BTreeMap<String, Side>)>,
    finished: (Sender<Done>, Receiver<Done>),
    notes: Vec<String>,
}

/// The pipes between the loop and the sides: our ends.
struct Pipes {
    done: PipeReader,
    stop: PipeWriter,
}

/// The same pipes: the sides' ends.
type Ends = (PipeReader, PipeWriter);

fn pipes() -> Result<(Pipes, Ends), Error> {
    let failed = |source| Error::Io {
        operation: "open",
        object: "a pipe".into(),
        source,
    };
    let (stop_reader, stop) = io::pipe().map_err(failed)?;
    let (done, done_writer) = io::pipe().map_err(failed)?;
    Ok((Pipes { done, stop }, (stop_reader, done_writer)))
}

fn signals() -> Result<Signals, Error> {
    Signals::take().map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })
}

/// In this process's own network.
fn open_here(args: &Args, source: &Source) -> Result<Opened, Error> {
    let places = Places::take();
    let resolver = match source {
        Source::Whole(statements) if !statements.iter().any(has_name) => None,
        _ => Some(Resolver::start()?),
    };
    let watched = match args.trace {
        Trace::Packets if !args.quiet => Some(Witness::start()),
        _ => None,
    };
    let signals = signals()?;
    let (pipes, ends) = pipes()?;
    let tables = Tables::open();
    let without = watched.as_ref().and_then(|started| started.as_ref().err());
    let without = without.map(without_packets);
    let witness = watched.and_then(Result::ok);
    let mut keep: Vec<BorrowedFd<'_>> = vec![
        signals.as_fd(),
        ends.0.as_fd(),
        pipes.stop.as_fd(),
        pipes.done.as_fd(),
        ends.1.as_fd(),
    ];
    keep.extend(resolver.iter().map(AsFd::as_fd));
    keep.extend(tables.descriptors());
    keep.extend(witness.iter().flat_map(Witness::descriptors));
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    drop(places);
    let report = privilege::drop_but_sockets(&table::CALL, &options)?;
    drop(keep);
    let warnings = report
        .missing
        .iter()
        .map(|missing| format!("warning: {missing}"));
    Ok(Opened {
        shared: Shared {
            clock: Clock::start(),
            stop: Arc::new(ends.0),
            done: Arc::new(ends.1),
            values: Values::default(),
            names: Names::new(resolver),
            tables: Arc::new(tables),
            limit: args.limit,
        },
        pipes,
        signals,
        witness,
        lab: None,
        finished: channel(),
        notes: warnings.chain(without).collect(),
    })
}

/// In a lab of our own: a thread in each host, made while that is still allowed.
fn open_in_lab(args: &Args) -> Result<Opened, Error> {
    privilege::close_inherited()?;
    let places = Places::take();
    let lab = Lab::start(&args.wire, args.require_sandbox)?;
    let signals = signals()?;
    let (pipes, ends) = pipes()?;
    let finished = channel();
    let mut sides = BTreeMap::new();
    let mut starts = Vec::new();
    for host in lab.hosts() {
        let (side, start) = Side::waiting(host, &finished.0)?;
        sides.insert(host.name().to_owned(), side);
        starts.push(start);
    }
    drop(places);
    let report = privilege::drop_but_threads(&table::CALL, args.require_sandbox)?;
    let shared = Shared {
        clock: lab.clock(),
        stop: Arc::new(ends.0),
        done: Arc::new(ends.1),
        values: Values::default(),
        names: Names::of_lab(lab.names()),
        tables: Arc::default(),
        limit: args.limit,
    };
    for start in starts {
        start.go(&shared);
    }
    let warnings = report
        .missing
        .iter()
        .map(|missing| format!("warning: {missing}"));
    Ok(Opened {
        shared,
        pipes,
        signals,
        witness: None,
        lab: Some((lab, sides)),
        finished,
        notes: warnings.collect(),
    })
}

/// Where the statements come from, and a name for it.
fn source(args: &Args, parser: &mut Parser) -> Result<(Source, String), Error> {
    if !args.command.is_empty() {
        let text = args.command.join("\n");
        return Ok((
            Source::Whole(script(parser, "-c", &text, args.lab)?),
            "-c".into(),
        ));
    }
    let Some(file) = args.file.as_deref().filter(|file| *file != Path::new("-")) else {
        let typed = args.file.is_none() && io::stdin().is_terminal();
        let source = if typed { Source::Prompt } else { Source::Piped };
        return Ok((source, "stdin".into()));
    };
    let shown = escape(&file.to_string_lossy().into_owned()).into_owned();
    let failed = |source| Error::Io {
        operation: "read",
        object: shown.clone(),
        source,
    };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(failed)?;
    opened
        .take(MAX_SCRIPT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_SCRIPT {
        return Err(failed(io::Error::other(format!(
            "longer than {MAX_SCRIPT} bytes"
        ))));
    }
    let not_text = |_| failed(io::Error::other("it is not UTF-8 text"));
    let text = String::from_utf8(bytes).map_err(not_text)?;
    Ok((
        Source::Whole(script(parser, &shown, &text, args.lab)?),
        shown,
    ))
}

/// All statements of a text: the first mistake is told before anything is called.
fn script(parser: &mut Parser, name: &str, text: &str, lab: bool) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    for line in text.lines() {
        statements.extend(read_line(parser, name, line, lab)?);
    }
    Ok(statements)
}

/// The statements of one line; the error has its place. In a lab its hosts are the sides.
fn read_line(
    parser: &mut Parser,
    name: &str,
    line: &str,
    lab: bool,
) -> Result<Vec<Statement>, Error> {
    let read = parser.line_of(line).and_then(|mut statements| {
        for statement in &mut statements {
            if lab && statement.side.is_empty() {
                HOSTS[0].clone_into(&mut statement.side);
            }
            if let Some(fault) = unfit(statement, lab) {
                return Err(fault);
            }
        }
        Ok(statements)
    });
    read.map_err(|fault| Error::Script {
        place: format!("{name}:{}:{}", parser.line(), fault.column(line)),
        caret: fault.caret(line),
        message: fault.message,
        fix: fault.hint,
    })
}

/// The hosts of a lab; statements without a side are the first one's.
const HOSTS: [&str; 2] = ["h1", "h2"];

/// What a statement asks of a lab that is not there.
fn unfit(statement: &Statement, lab: bool) -> Option<Fault> {
    let fault = |span: &std::ops::Range<usize>, message: String, hint: Option<String>| Fault {
        span: span.clone(),
        message,
        hint,
    };
    if lab && !HOSTS.contains(&statement.side.as_str()) {
        let message = format!("the lab has no host {}", statement.side);
        return Some(fault(
            &statement.span,
            message,
            Some(format!("@{}", HOSTS.join(", @"))),
        ));
    }
    let Action::DropNext { expression, span } = &statement.action else {
        return None;
    };
    if !lab {
        // The kernel's loopback is not ours to drop from.
        let message = "`drop next` needs the wire of a lab".to_owned();
        return Some(fault(span, message, Some("rawsock call --lab FILE".into())));
    }
    let wrong = Where::compile(expression, &Decoder::new()).err()?;
    let at = span.start + wrong.at.start..span.start + wrong.at.end;
    Some(fault(&at, wrong.message, wrong.hint))
}

/// A statement that may need the name service.
fn has_name(statement: &Statement) -> bool {
    let Action::Call(call) = &statement.action else {
        return false;
    };
    call.args.iter().any(|arg| {
        let text = match arg {
            Arg::Address(Address::Text(text)) => text,
            Arg::Address(Address::Pair(host, _)) => host,
            // It may stand for text.
            Arg::Name(_) => return true,
            _ => return false,
        };
        let text = String::from_utf8_lossy(text);
        let host = match text.strip_prefix('[').and_then(|open| open.split_once(']')) {
            Some((host, _)) => host,
            None if text.matches(':').count() > 1 => &text,
            None => text.split(':').next().unwrap_or(""),
        };
        let known = host.is_empty()
            || host == "localhost"
            || host.starts_with(['/', '@', '.', '\0'])
            || parse_numeric(host, Family::Any).is_some();
        !known
    })
}

fn whole(mut run: Run, statements: Vec<Statement>) -> Result<u8, Error> {
    for statement in statements {
        if matches!(statement.action, Action::Quit) {
            break;
        }
        run.statement(statement)?;
        if run.is_over(true) {
            break;
        }
    }
    run.end()
}

/// One line after the other from standard input; each is made before the next is read.
fn piped(mut run: Run, mut parser: Parser, name: &str, lab: bool) -> Result<u8, Error> {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let most = MAX_LINE as u64 + 2;
        let len = (&mut input).take(most).read_until(b'\n', &mut line);
        let len = len.map_err(|source| Error::Io {
            operation: "read",
            object: "standard input".into(),
            source,
        })?;
        if len == 0 {
            return run.end();
        }
        let text = String::from_utf8_lossy(&line);
        let line = text.trim_end_matches(['\n', '\r']);
        let statements = match read_line(&mut parser, name, line, lab) {
            Ok(statements) => statements,
            Err(error) => {
                run.end()?;
                return Err(error);
            }
        };
        for statement in statements {
            if matches!(statement.action, Action::Quit) {
                return run.end();
            }
            run.statement(statement)?;
            if run.is_over(true) {
                return run.end();
            }
        }
    }
}

/// Why no packets are shown, and how to get them: one line.
fn without_packets(error: &Error) -> String {
    let right = matches!(error, Error::Capture { source, .. } if source.raw_os_error() == Some(libc::EPERM));
    if !right {
        return format!("packets are left out: {error}");
    }
    let env: Env = privilege::env();
    let hint = raw_fix(&env).into_iter().next();
    let hint = hint.as_ref().map_or_else(String::new, Hint::to_string);
    format!("packets are left out: seeing them needs CAP_NET_RAW: {hint}")
}
