//! The loop: gives each side its statements, shows what came, checks what was expected.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use super::lab::Lab;
use super::packets::{Ends, under};
use super::show;
use super::side::{Done, Shared, Side};
use crate::call::{Action, Failure, Mismatch, Statement, VERBS, Verb};
use crate::capture::witness::Witness;
use crate::cli::print;
use crate::error::Error;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};
use crate::view::escape::escape;

/// How it is shown.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// One JSON object a statement.
    pub json: bool,
    /// Only what was not as expected.
    pub quiet: bool,
    /// Go on after what was not as expected.
    pub keep_going: bool,
    /// With packets beneath the calls.
    pub packets: bool,
    /// Width of the names of sides; 0 without sides.
    pub width: usize,
}

/// A running script.
pub struct Run {
    sides: BTreeMap<String, Side>,
    shared: Shared,
    finished: (Sender<Done>, Receiver<Done>),
    /// A byte for each message in `finished`.
    done: PipeReader,
    /// Ends every wait.
    stop: PipeWriter,
    signals: Signals,
    witness: Option<Witness>,
    lab: Option<Lab>,
    ends: Ends,
    style: Style,
    /// Names the script in messages.
    name: String,
    headed: bool,
    statements: u64,
    failed: u64,
    /// The exit code of a signal that ends it.
    ended: Option<u8>,
    /// Ctrl-C came: what waits was ended.
    interrupted: bool,
}

/// What a run is made of.
pub struct Parts {
    /// For the sides.
    pub shared: Shared,
    /// The reading end of `shared.done`.
    pub done: PipeReader,
    /// The writing end of `shared.stop`.
    pub stop: PipeWriter,
    /// INT, TERM, HUP.
    pub signals: Signals,
    /// Sees packets, if that is allowed.
    pub witness: Option<Witness>,
    /// The lab, and its hosts' threads.
    pub lab: Option<(Lab, BTreeMap<String, Side>)>,
    /// Where what is done is told.
    pub finished: (Sender<Done>, Receiver<Done>),
    /// How it is shown.
    pub style: Style,
    /// Name of the file, `-c` or `stdin`.
    pub name: String,
}

impl Run {
    /// Nothing runs yet.
    pub fn new(parts: Parts) -> Self {
        let (lab, sides) = parts
            .lab
            .map_or_else(Default::default, |(lab, sides)| (Some(lab), sides));
        Self {
            sides,
            lab,
            shared: parts.shared,
            finished: parts.finished,
            done: parts.done,
            stop: parts.stop,
            signals: parts.signals,
            witness: parts.witness,
            ends: Ends::default(),
            style: parts.style,
            name: parts.name,
            headed: false,
            statements: 0,
            failed: 0,
            ended: None,
            interrupted: false,
        }
    }

    /// No further statement is to be made.
    pub fn is_over(&self, stops: bool) -> bool {
        self.ended.is_some()
            || (stops && (self.interrupted || (self.failed > 0 && !self.style.keep_going)))
    }

    /// Begins a statement, and waits for it unless it is for the background.
    pub fn statement(&mut self, statement: Statement) -> Result<(), Error> {
        self.style.width = self.style.width.max(width(&statement.side));
        self.statements += 1;
        match &statement.action {
            Action::Sleep(span) => self.sleep(*span),
            Action::Wait => self.wait_all(),
            Action::Help(verb) => help(*verb),
            Action::Quit => Ok(()),
            Action::DropNext { expression, .. } => match &self.lab {
                Some(lab) => lab.drop_next(expression),
                None => Ok(()),
            },
            Action::Call(_) | Action::Names => {
                let side = statement.side.clone();
                let background = statement.background;
                if background && !self.style.json && !self.style.quiet {
                    self.head()?;
                    let mut text = String::new();
                    show::begun(&side, self.style.width, &escape(&statement.text), &mut text);
                    print(text.as_bytes())?;
                }
                self.order(&side, statement)?;
                if background {
                    self.pump(Some(Duration::ZERO))
                } else {
                    self.wait_for(&side)
                }
            }
        }
    }

    fn order(&mut self, name: &str, statement: Statement) -> Result<(), Error> {
        let failed = |source| Error::Io {
            operation: "start",
            object: format!("side {name}"),
            source,
        };
        if self.lab.is_some() && !self.sides.contains_key(name) {
            return Err(failed(io::Error::other("the lab has no such host")));
        }
        if !self.sides.contains_key(name) {
            let side = Side::start(name, &self.shared, &self.finished.0).map_err(failed)?;
            self.sides.insert(name.to_owned(), side);
        }
        let side = self.sides.get_mut(name);
        if side.is_some_and(|side| side.order(statement)) {
            return Ok(());
        }
        Err(failed(io::Error::other("its thread has ended")))
    }

    /// Until this side has nothing more to do.
    fn wait_for(&mut self, side: &str) -> Result<(), Error> {
        while self.sides.get(side).is_some_and(|side| side.pending > 0) {
            self.pump(None)?;
        }
        Ok(())
    }

    /// Until no side has anything to do.
    pub fn wait_all(&mut self) -> Result<(), Error> {
        while self.sides.values().any(|side| side.pending > 0) {
            self.pump(None)?;
        }
        Ok(())
    }

    fn sleep(&mut self, span: Duration) -> Result<(), Error> {
        let clock = self.shared.clock;
        let until = clock.mono().plus(span);
        while clock.mono() < until && self.ended.is_none() && !self.interrupted {
            self.pump(Some(until.since(clock.mono())))?;
        }
        Ok(())
    }

    /// Waits for something to happen, at most so long, and handles it.
    fn pump(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        let failed = |source| Error::Io {
            operation: "wait for",
            object: "a call".into(),
            source,
        };
        let (told, signalled) = {
            let mut fds = [
                PollFd::new(self.done.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            ppoll(&mut fds, timeout, None).map_err(failed)?;
            (fds[0].any() == Some(true), fds[1].any() == Some(true))
        };
        if signalled {
            while let Some(signal) = self.signals.take_next().map_err(failed)? {
                self.answer(signal);
            }
        }
        if told {
            let mut byte = [0];
            self.done.read_exact(&mut byte).map_err(failed)?;
            while let Ok(done) = self.finished.1.try_recv() {
                self.finish(&done)?;
            }
        }
        let dead = self
            .sides
            .values()
            .any(|side| side.pending > 0 && side.is_dead());
        if dead {
            return Err(failed(io::Error::other(
                "the thread of a side has ended: this is a bug",
            )));
        }
        if self.sides.values().all(|side| side.pending == 0) {
            self.let_go();
        }
        Ok(())
    }

    fn answer(&mut self, signal: Signal) {
        match signal {
            Signal::Interrupt => self.interrupted = true,
            Signal::Terminate => self.ended = Some(143),
            Signal::Hangup => self.ended = Some(129),
            Signal::Quit | Signal::User1 | Signal::User2 => return,
        }
        // Every wait of every side ends with EINTR. A full pipe says the same.
        let _ = self.stop.write_all(b".");
    }

    /// Ctrl-C was for what waited then.
    fn let_go(&mut self) {
        let mut fds = [PollFd::new(self.shared.stop.as_fd(), PollFlags::POLLIN)];
        while ppoll(&mut fds, Some(Duration::ZERO), None).is_ok_and(|ready| ready > 0) {
            let mut bytes = [0; 64];
            let stop: &PipeReader = &Arc::clone(&self.shared.stop);
            let mut stop = stop;
            if stop.read(&mut bytes).is_err() {
                return;
            }
            fds = [PollFd::new(self.shared.stop.as_fd(), PollFlags::POLLIN)];
        }
    }

    /// The prompt goes on after Ctrl-C.
    pub fn forget_interrupt(&mut self) {
        self.interrupted = false;
    }

    /// Shows and checks what a side has done.
    fn finish(&mut self, done: &Done) -> Result<(), Error> {
        if let Some(side) = self.sides.get_mut(&done.statement.side) {
            side.pending = side.pending.saturating_sub(1);
        }
        if let Some(end) = done.end {
            self.ends.add(end, &done.statement.side);
        }
        let (began, sided) = (done.began.1, self.style.width > 0);
        let seen = match (&mut self.lab, &mut self.witness) {
            (Some(lab), _) if self.style.packets => Some(lab.under(done.began.0)?),
            (None, Some(witness)) => {
                let seen = under(witness, &self.ends, began, sided);
                if seen.is_none() {
                    self.witness = None;
                    Self::tell("the packet watcher has ended; no more packets are shown");
                }
                seen
            }
            _ => None,
        };
        let values = &self.shared.values;
        let named = |name: &str| values.get(&done.statement.side, name);
        let failed = done.statement.expect.as_ref().and_then(|expect| {
            let checked = expect.check(&done.outcome, done.blocked, &named);
            checked.err()
        });
        if self.style.json {
            let line = show::json(done, seen.as_ref(), failed.as_ref());
            print(format!("{line}\n").as_bytes())?;
        } else if !self.style.quiet {
            self.head()?;
            let mut text = String::new();
            show::text(done, seen.as_ref(), self.style.width, &mut text);
            print(text.as_bytes())?;
        }
        self.judge(done, failed);
        Ok(())
    }

    fn judge(&mut self, done: &Done, failed: Option<Mismatch>) {
        let refused = match &done.outcome {
            Err(Failure::Refused(why)) => Some(why.clone()),
            _ => None,
        };
        let why = match (failed, refused) {
            (Some(mismatch), _) => mismatch.to_string(),
            (None, Some(why)) => format!("not done: {why}"),
            (None, None) => return,
        };
        self.failed += 1;
        let statement = &done.statement;
        let side = if statement.side.is_empty() {
            String::new()
        } else {
            format!("@{} ", statement.side)
        };
        let place = format!(
            "{}:{}: {side}{}: {why}",
            self.name, statement.line, statement.text
        );
        Self::tell(&place);
    }

    /// A line on stderr.
    pub fn tell(text: &str) {
        // Nothing is left to tell an error of stderr to.
        let _ = writeln!(io::stderr(), "rawsock: {}", escape(text));
    }

    fn head(&mut self) -> Result<(), Error> {
        if self.headed {
            return Ok(());
        }
        self.headed = true;
        let mut text = String::new();
        show::head(self.style.width, &mut text);
        print(text.as_bytes())
    }

    /// The end: what still runs is awaited; gives the exit code.
    pub fn end(mut self) -> Result<u8, Error> {
        if self.is_over(true) {
            let _ = self.stop.write_all(b".");
        }
        self.wait_all()?;
        self.sides.clear();
        if let Some(lab) = self.lab.take() {
            lab.close()?;
        }
        if self.style.json {
            let summary = serde_json::json!({
                "type": "summary",
                "statements": self.statements,
                "failed": self.failed,
            });
            print(format!("{summary}\n").as_bytes())?;
        }
        let failed = self.failed > 0;
        Ok(match self.ended {
            Some(code) => code,
            None if failed => 1,
            None if self.interrupted => 130,
            None => 0,
        })
    }
}

/// Columns of a side's name, and one to part it from what follows.
pub fn width(side: &str) -> usize {
    if side.is_empty() {
        0
    } else {
        side.chars().count() + 1
    }
}

/// The verbs, or one of them.
fn help(verb: Option<&'static Verb>) -> Result<(), Error> {
    let mut text = String::new();
    for known in VERBS {
        if verb.is_none_or(|verb| verb.does == known.does) {
            let _ = writeln!(text, "  {}\n        {}", known.usage, known.help);
        }
    }
    if verb.is_none() {
        text.push_str(WORDS);
    }
    print(text.as_bytes())
}

/// What is no verb.
const WORDS: &str = "  \
  ; joins statements, # begins a comment, @a and @b name sides
  => VALUE or ERRNO   what must come: 0, 'text', 1..9, 10 bytes, timeout, ECONNREFUSED, _
  s.recv &            in the background; `wait` waits for it
  repeat 100 s.send 'x'    sleep 0.5    vars    quit
";
