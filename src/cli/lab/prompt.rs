//! The prompt of a lab: `HOST COMMAND...`, and words of its own about the wire.

mod complete;

use std::io::{self, BufRead, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::{Args as _, FromArgMatches};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use super::keep::{Keeper, Waited, attend, code_of, failed, program_of, tell};
use super::{remote, words};
use crate::cli::wire::WireArgs;
use crate::error::Error;
use crate::event::List;
use crate::privilege;
use crate::view::escape::escape;
use complete::Helper;

const HELP: &str = "\
HOST COMMAND...   run any program there, or a command of rawsock: h1 ping h2
HOST COMMAND... & run it and go on; `jobs` shows what runs
set --loss 30%    what the wire does from now on; all options of the wire
clear             the wire does nothing any more
log               the frames so far, and what became of each
status            counts and settings
exit              the end; Ctrl-D does the same";

/// Programs started with `&`, kept until they end.
const MAX_JOBS: usize = 64;

/// A line from the reading thread.
enum Line {
    Text(String),
    /// Ctrl-C at the prompt.
    Nothing,
    End,
}

/// Reads and obeys lines until the end; the exit code is that of the last command.
pub fn run(keeper: &mut Keeper) -> Result<u8, Error> {
    let terminal = io::stdin().is_terminal();
    let saved = terminal.then(|| tcgetattr(io::stdin()).ok()).flatten();
    if terminal {
        tell("hosts: ");
        for (name, addresses) in keeper.run.names().hosts() {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            tell(&format!("  {name:<3} {}", addresses.join(" ")));
        }
        tell("`HOST COMMAND...` runs a program, `help` says more, Ctrl-D ends the lab");
    }
    let hosts: Vec<String> = keeper
        .run
        .hosts()
        .iter()
        .map(|h| h.name().to_owned())
        .collect();
    let (lines, more, rings) = start_reader(hosts, terminal)?;
    let mut prompt = Prompt {
        jobs: Vec::new(),
        code: 0,
        terminal,
        saved: saved.clone(),
    };
    let result = prompt.obey(keeper, &lines, &more, &rings);
    for (_, mut child) in prompt.jobs {
        let _ = child.kill();
        let _ = child.wait();
    }
    // The reading thread may have left the terminal in its raw mode.
    if let Some(saved) = saved {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &saved);
    }
    result
}

/// A thread that reads: a line can be waited for together with signals then.
fn start_reader(
    hosts: Vec<String>,
    terminal: bool,
) -> Result<(Receiver<Line>, SyncSender<()>, UnixStream), Error> {
    let (to, lines) = sync_channel(1);
    let (more, wanted) = sync_channel::<()>(1);
    let (rings, bell) = UnixStream::pair().map_err(failed)?;
    let reader = thread::Builder::new().name("reader".into());
    let spawned = reader.spawn(move || {
        let mut next: Box<dyn FnMut() -> Line> = if terminal {
            let Some(mut editor) = editor(hosts) else {
                return;
            };
            Box::new(move || match editor.readline("lab> ") {
                Ok(line) => {
                    let _ = editor.add_history_entry(line.as_str());
                    Line::Text(line)
                }
                Err(ReadlineError::Interrupted) => Line::Nothing,
                Err(_) => Line::End,
            })
        } else {
            let mut stdin = io::stdin().lock();
            Box::new(move || {
                let mut line = String::new();
                match stdin.read_line(&mut line) {
                    Ok(1..) => Line::Text(line.trim_end_matches('\n').to_owned()),
                    _ => Line::End,
                }
            })
        };
        while wanted.recv().is_ok() {
            let line = next();
            let end = matches!(line, Line::End);
            if to.send(line).is_err() || io::Write::write_all(&mut &bell, b".").is_err() || end {
                return;
            }
        }
    });
    spawned.map_err(failed)?;
    Ok((lines, more, rings))
}

fn editor(hosts: Vec<String>) -> Option<Editor<Helper, MemHistory>> {
    let config = Config::builder().auto_add_history(false).build();
    let mut editor = Editor::with_history(config, MemHistory::new()).ok()?;
    editor.set_helper(Some(Helper::new(hosts)));
    Some(editor)
}

struct Prompt {
    jobs: Vec<(String, Child)>,
    code: u8,
    terminal: bool,
    saved: Option<Termios>,
}

/// What a line leads to.
enum Next {
    Line,
    End(u8),
}

impl Prompt {
    fn obey(
        &mut self,
        keeper: &mut Keeper,
        lines: &Receiver<Line>,
        more: &SyncSender<()>,
        rings: &UnixStream,
    ) -> Result<u8, Error> {
        loop {
            self.collect();
            if more.send(()).is_err() {
                return Ok(self.code);
            }
            if let Waited::Over(code) = keeper.ends.wait(rings, None)? {
                return Ok(code);
            }
            let _ = io::Read::read(&mut &*rings, &mut [0]);
            let line = match lines.recv() {
                Ok(Line::Text(line)) => line,
                Ok(Line::Nothing) => continue,
                Ok(Line::End) | Err(_) => return Ok(self.code),
            };
            match self.line(keeper, &line) {
                Ok(Next::Line) => {}
                Ok(Next::End(code)) => return Ok(code),
                Err(error) => {
                    // The next line may be better.
                    self.code = error.exit_code();
                    tell(&error.render(privilege::env));
                }
            }
        }
    }

    fn line(&mut self, keeper: &mut Keeper, line: &str) -> Result<Next, Error> {
        let words = words::split(line).map_err(|message| Error::Usage { message, fix: None })?;
        let Some((first, rest)) = words.split_first() else {
            return Ok(Next::Line);
        };
        match first.as_str() {
            "help" | "?" => tell(HELP),
            "exit" | "quit" | "down" => return Ok(Next::End(self.code)),
            "jobs" => {
                for (line, child) in &self.jobs {
                    tell(&format!("{:>7} {}", child.id(), escape(line)));
                }
            }
            "status" => remote::show_status(&keeper.run.status()?)?,
            "log" => {
                let list: &List = keeper.run.events()?;
                remote::show_list(list)?;
            }
            "clear" => keeper.run.set(crate::wire::Config::default())?,
            "set" => {
                let command =
                    WireArgs::augment_args(clap::Command::new("set").no_binary_name(true));
                let matches = match command.try_get_matches_from(rest) {
                    Ok(matches) => matches,
                    Err(told) => {
                        tell(
                            &told
                                .to_string()
                                .lines()
                                .map(escape)
                                .collect::<Vec<_>>()
                                .join("\n"),
                        );
                        return Ok(Next::Line);
                    }
                };
                let args = WireArgs::from_arg_matches(&matches).unwrap_or_default();
                let mut config = keeper.run.status()?.config;
                args.apply(&mut config);
                keeper.run.set(config)?;
            }
            host => return self.command(keeper, host, rest),
        }
        Ok(Next::Line)
    }

    fn command(
        &mut self,
        keeper: &mut Keeper,
        host: &str,
        words: &[String],
    ) -> Result<Next, Error> {
        let found = keeper.run.host(host)?;
        let (words, behind) = match words.split_last() {
            Some((last, words)) if last == "&" => (words, true),
            _ => (words, false),
        };
        let Some((program, arguments)) = words.split_first() else {
            return Err(Error::Usage {
                message: format!("what shall {host} do?"),
                fix: Some(format!("{host} ping h2")),
            });
        };
        let mut command = program_of(program, arguments);
        if behind || !self.terminal {
            // The lines to come are ours.
            command.stdin(Stdio::null());
        }
        if behind && self.jobs.len() >= MAX_JOBS {
            let message = format!("{MAX_JOBS} programs run already");
            return Err(Error::Usage { message, fix: None });
        }
        let child = keeper.run.spawn(found, &mut command)?;
        if behind {
            self.jobs
                .push((format!("{host} {}", words.join(" ")), child));
            return Ok(Next::Line);
        }
        let code = attend(child, &mut keeper.ends)?;
        self.code = code;
        self.take_terminal_back();
        // Only a signal to us or `lab down` ends it in the middle.
        Ok(Next::Line)
    }

    /// A shell with job control leaves the terminal to a group that is no more.
    fn take_terminal_back(&self) {
        let Some(saved) = &self.saved else { return };
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTTOU);
        let _ = stop.thread_block();
        let _ = nix::unistd::tcsetpgrp(io::stdin().as_fd(), nix::unistd::getpgrp());
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, saved);
        let _ = stop.thread_unblock();
    }

    /// Tells of programs that ended behind the prompt.
    fn collect(&mut self) {
        self.jobs
            .retain_mut(|(line, child)| match child.try_wait() {
                Ok(Some(status)) => {
                    tell(&format!("ended ({}): {}", code_of(status), escape(line)));
                    false
                }
                _ => true,
            });
    }
}
