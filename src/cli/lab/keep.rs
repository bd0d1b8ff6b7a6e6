//! The keeper: builds the lab, runs the command in it, takes it down.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;

use nix::sys::signal::{Signal as Number, kill};
use nix::unistd::Pid;

use super::start::Start;
use crate::error::Error;
use crate::lab::{self, Options, Run};
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};

/// Runs a lab until its command ends; the exit code is the command's.
pub fn run(options: &Options, start: &Start) -> Result<u8, Error> {
    let mut signals = Signals::take().map_err(|source| Error::Io {
        operation: "block",
        object: "signals".into(),
        source,
    })?;
    lab::enter_userns_if_needed()?;
    let run = Run::start(options)?;
    for missing in run.missing() {
        tell(&format!("warning: {missing}"));
    }
    let Some((program, arguments)) = start.command.split_first() else {
        return Err(Error::Usage {
            message: "no command".into(),
            fix: Some("rawsock lab pair -- bash".into()),
        });
    };
    let host = run.host(&start.at)?;
    let mut command = program_of(program, arguments);
    let child = run.spawn(host, &mut command)?;
    let code = attend(child, &mut signals)?;
    run.finish()?;
    Ok(code)
}

/// A program, or a command of rawsock by its name.
fn program_of(program: &OsString, arguments: &[OsString]) -> Command {
    use clap::CommandFactory;
    let definition = crate::cli::Cli::command();
    let own = definition
        .get_subcommands()
        .any(|command| program == command.get_name());
    let exe = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut command = if own {
        let mut command = Command::new(exe);
        command.arg(program);
        command
    } else if program == "rawsock" {
        Command::new(exe)
    } else {
        Command::new(program)
    };
    command.args(arguments);
    command
}

/// Waits for a command. Ctrl-C is for the command: the terminal gives it the signal too.
pub fn attend(child: Child, signals: &mut Signals) -> Result<u8, Error> {
    let failed = |source| Error::Io {
        operation: "wait for",
        object: "the command".into(),
        source,
    };
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (ended, ends) = UnixStream::pair().map_err(failed)?;
    let mut child = child;
    // A thread only waits, so that signals can be answered meanwhile.
    let waiter = thread::Builder::new().spawn(move || {
        let status = child.wait();
        drop(ends);
        status
    });
    let waiter = waiter.map_err(failed)?;
    let terminal = io::stdin().is_terminal();
    loop {
        let mut fds = [
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        ];
        ppoll(&mut fds, None, None).map_err(failed)?;
        let over = fds[0].any().unwrap_or(true);
        while let Some(signal) = signals.take_next().map_err(failed)? {
            match signal {
                Signal::Terminate => return Ok(143),
                Signal::Hangup => return Ok(129),
                // From a script, not from a terminal.
                Signal::Interrupt if !terminal => drop(kill(pid, Number::SIGINT)),
                Signal::Interrupt | Signal::Quit | Signal::User1 | Signal::User2 => {}
            }
        }
        if over {
            let status = waiter
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            return Ok(code_of(status.map_err(failed)?));
        }
    }
}

/// As a shell tells it: 128 and the signal.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// A line on stderr. Nothing can be done if that is gone.
pub fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
