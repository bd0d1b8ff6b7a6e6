//! The keeper: builds the lab, runs the command or the prompt in it, takes it down.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use clap::CommandFactory;
use nix::sys::signal::{Signal as Number, kill};
use nix::unistd::Pid;

use super::start::Start;
use super::{prompt, step};
use crate::error::Error;
use crate::lab::{self, Listener, Options, Run};
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};
use crate::wire::{Hold, Status, What};

/// A lab that is kept.
pub struct Keeper {
    /// The lab.
    pub run: Run,
    /// What may end a wait.
    pub ends: Ends,
}

/// What may end a wait besides what is waited for.
pub struct Ends {
    /// Signals to the keeper.
    pub signals: Signals,
    /// Hangs up when another terminal asks for the end.
    pub down: Option<UnixStream>,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// What was waited for has come.
    Ready,
    /// The lab shall end, with this exit code.
    Over(u8),
}

/// Runs a lab until its command or its prompt ends; the exit code is the command's.
pub fn run(options: &Options, start: &Start) -> Result<u8, Error> {
    let signals = take_signals()?;
    // In the network that other terminals see.
    let listener = Listener::open()?;
    lab::enter_userns_if_needed()?;
    let run = Run::start(options)?;
    for missing in run.missing() {
        tell(&format!("warning: {missing}"));
    }
    let down = Some(listener.serve(&run)?);
    let mut keeper = Keeper {
        run,
        ends: Ends { signals, down },
    };
    let code = match start.command.split_first() {
        Some((program, arguments)) => {
            let host = keeper.run.host(&start.at)?;
            let mut command = program_of(program, arguments);
            if options.config.hold == Hold::None {
                let child = keeper.run.spawn(host, &mut command)?;
                attend(child, &mut keeper.ends)?
            } else {
                // The keys are ours.
                command.stdin(Stdio::null());
                let child = keeper.run.spawn(host, &mut command)?;
                step::attend(child, &mut keeper)?
            }
        }
        None => prompt::run(&mut keeper)?,
    };
    let status = keeper.run.close()?;
    report(&status);
    Ok(code)
}

/// Signals as things to read.
pub fn take_signals() -> Result<Signals, Error> {
    Signals::take().map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })
}

/// What the user would not guess: rules that met nothing, frames that we lost ourselves.
fn report(status: &Status) {
    for (rule, acted) in status.config.rules.iter().zip(&status.acted) {
        if *acted == 0 {
            let what = match &rule.what {
                What::Number(number) => format!("frame {number} did not come"),
                What::Match(text, None) => format!("no frame was {text}"),
                What::Match(text, Some(nth)) => format!("no {text}#{nth} came"),
            };
            let act = format!("{:?}", rule.act).to_lowercase();
            tell(&format!("note: --{act}: {what}"));
        }
    }
    if status.missed > 0 {
        tell(&format!(
            "warning: the wire process was too slow for {} frames, which are lost and in no count",
            status.missed
        ));
    }
}

/// A program, or a command of rawsock by its name.
pub fn program_of<S: AsRef<OsStr>>(program: &S, arguments: &[S]) -> Command {
    let program = program.as_ref();
    let exe = || std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let definition = crate::cli::Cli::command();
    let own = definition
        .get_subcommands()
        .any(|command| program == command.get_name());
    let mut command = if own {
        let mut command = Command::new(exe());
        command.arg(program);
        command
    } else if program == "rawsock" {
        Command::new(exe())
    } else {
        Command::new(program)
    };
    command.args(arguments);
    command
}

/// Waits for a command. Ctrl-C is for the command: the terminal gives it the signal too.
pub fn attend(mut child: Child, ends: &mut Ends) -> Result<u8, Error> {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (ended, ending) = UnixStream::pair().map_err(failed)?;
    // A thread only waits, so that signals can be answered meanwhile.
    let waiter = thread::Builder::new().spawn(move || {
        let status = child.wait();
        drop(ending);
        status
    });
    let waiter = waiter.map_err(failed)?;
    match ends.wait(&ended, Some(pid))? {
        Waited::Over(code) => Ok(code),
        Waited::Ready => {
            let status = waiter.join();
            let status = status.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            Ok(code_of(status.map_err(failed)?))
        }
    }
}

impl Ends {
    /// Waits until `stream` can be read or hangs up, or something ends the lab. Ctrl-C does not:
    /// it is for the command in the foreground, and is passed on to `child` where no terminal does.
    pub fn wait(&mut self, stream: &UnixStream, child: Option<Pid>) -> Result<Waited, Error> {
        let terminal = io::stdin().is_terminal();
        loop {
            let mut fds = vec![
                PollFd::new(stream.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            let down = self.down.as_ref();
            fds.extend(down.map(|down| PollFd::new(down.as_fd(), PollFlags::POLLIN)));
            ppoll(&mut fds, None, None).map_err(failed)?;
            let fired = |number: usize| fds.get(number).and_then(PollFd::any) == Some(true);
            let (ready, ended) = (fired(0), fired(2));
            if let Some(code) = self.answer_signals(child.filter(|_| !terminal))? {
                return Ok(Waited::Over(code));
            }
            if ended {
                return Ok(Waited::Over(0));
            }
            if ready {
                return Ok(Waited::Ready);
            }
        }
    }

    /// The exit code, if the lab shall end now.
    pub fn over(&mut self) -> Result<Option<u8>, Error> {
        if let Some(code) = self.answer_signals(None)? {
            return Ok(Some(code));
        }
        let Some(down) = &self.down else {
            return Ok(None);
        };
        let mut fds = [PollFd::new(down.as_fd(), PollFlags::POLLIN)];
        let asked = ppoll(&mut fds, Some(Duration::ZERO), None).map_err(failed)? > 0;
        Ok(asked.then_some(0))
    }

    /// The exit code, if a signal ends the lab.
    fn answer_signals(&mut self, child: Option<Pid>) -> Result<Option<u8>, Error> {
        while let Some(signal) = self.signals.take_next().map_err(failed)? {
            match signal {
                Signal::Terminate => return Ok(Some(143)),
                Signal::Hangup => return Ok(Some(129)),
                // From a script: no terminal tells the child.
                Signal::Interrupt => {
                    if let Some(child) = child {
                        let _ = kill(child, Number::SIGINT);
                    }
                }
                Signal::Quit | Signal::User1 | Signal::User2 => {}
            }
        }
        Ok(None)
    }
}

/// As a shell tells it: 128 and the signal.
pub fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// A line on stderr. Nothing can be done if that is gone.
pub fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

pub fn failed(source: io::Error) -> Error {
    Error::Io {
        operation: "wait for",
        object: "the command".into(),
        source,
    }
}
