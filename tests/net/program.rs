//! Running a program inside a host, with a deadline: the binary under test and the oracles.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rawsock::lab::Host;
use serde_json::Value;

use crate::harness::{find, now, wait_for};

/// No program of these tests runs longer.
const LIMIT: Duration = Duration::from_secs(30);

/// The binary under test.
pub const RAWSOCK: &str = env!("CARGO_BIN_EXE_rawsock");

/// A finished program.
pub struct Run {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// A program that still runs. Dropping it kills it.
pub struct Running {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    started: Instant,
    shown: String,
}

/// `rawsock ping ARGS` in a host, to the end.
pub fn ping(host: &Host, args: &[&str]) -> Result<Run, Failed> {
    start(host, RAWSOCK, &[&["ping"], args].concat())?.finish()
}

/// The same with `--json`.
pub fn ping_json(host: &Host, args: &[&str]) -> Result<Run, Failed> {
    start_json(host, args)?.finish()
}

/// `rawsock ping --json ARGS`, running.
pub fn start_json(host: &Host, args: &[&str]) -> Result<Running, Failed> {
    start(host, RAWSOCK, &[&["ping", "--json"], args].concat())
}

/// Any program in a host, to the end.
pub fn run(host: &Host, program: &str, args: &[&str]) -> Result<Run, Failed> {
    start(host, program, args)?.finish()
}

/// The same, and it must succeed.
pub fn must(host: &Host, program: &str, args: &[&str]) -> Result<Run, Failed> {
    let run = run(host, program, args)?;
    if !run.status.success() {
        return Err(format!("{program} {args:?}: {run}").into());
    }
    Ok(run)
}

/// Starts any program in a host.
pub fn start(host: &Host, program: &str, args: &[&str]) -> Result<Running, Failed> {
    let mut command = host.command(find(program).unwrap_or_else(|| program.into()))?;
    command.args(args);
    start_command(command)
}

/// Starts a prepared command; its output is collected.
pub fn start_command(command: Command) -> Result<Running, Failed> {
    start_with_input(command, Stdio::null())
}

/// The same, reading from `stdin`.
pub fn start_with_input(mut command: Command, stdin: Stdio) -> Result<Running, Failed> {
    let shown = format!("{command:?}");
    command.stdin(stdin);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    let started = now();
    let mut child = command.spawn().map_err(|e| format!("{shown}: {e}"))?;
    let mut readers = Vec::new();
    let stdout = collect(child.stdout.take(), &mut readers);
    let stderr = collect(child.stderr.take(), &mut readers);
    Ok(Running {
        child,
        stdout,
        stderr,
        readers,
        started,
        shown,
    })
}

fn collect<R: Read + Send + 'static>(
    from: Option<R>,
    readers: &mut Vec<JoinHandle<()>>,
) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&kept);
    let mut from = BufReader::new(from.unwrap());
    readers.push(thread::spawn(move || {
        loop {
            let bytes = from.fill_buf().unwrap();
            let len = bytes.len();
            if len == 0 {
                return;
            }
            to.lock().unwrap().extend(bytes);
            from.consume(len);
        }
    }));
    kept
}

impl Running {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub fn signal(&self, signal: Signal) -> Result<(), Failed> {
        Ok(kill(self.pid(), signal)?)
    }

    /// What it wrote to stdout so far.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().unwrap()).into_owned()
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// Waits until whole lines of stdout satisfy `wanted`.
    pub fn wait_stdout(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<(), Failed> {
        let limit = Duration::from_secs(10);
        let seen = wait_for(what, limit, || wanted(&self.stdout()).then_some(()));
        seen.map_err(|error| {
            let (stdout, stderr) = (self.stdout(), self.stderr());
            let error = error.message().unwrap_or("").to_owned();
            format!(
                "{error}\n{}\nstdout: {stdout}\nstderr: {stderr}",
                self.shown
            )
            .into()
        })
    }

    /// Waits until so many JSON events of a type were written.
    pub fn wait_events(&self, kind: &str, count: usize) -> Result<(), Failed> {
        let what = format!("{count} events `{kind}`");
        self.wait_stdout(&what, |text| events_in(text, kind).len() >= count)
    }

    /// How many JSON events of a type were written so far.
    pub fn count(&self, kind: &str) -> usize {
        events_in(&self.stdout(), kind).len()
    }

    /// Waits for its end; what runs longer than 30 s is killed and is an error.
    pub fn finish(mut self) -> Result<Run, Failed> {
        let status = wait_for(format!("the end of {}", self.shown), LIMIT, || {
            self.child.try_wait().transpose()
        });
        let took = self.started.elapsed();
        let status = match status {
            Ok(status) => status?,
            Err(late) => {
                self.child.kill()?;
                self.child.wait()?;
                let (stdout, stderr) = (self.stdout(), self.stderr());
                let late = late.message().unwrap_or("").to_owned();
                return Err(format!("{late}\nstdout: {stdout}\nstderr: {stderr}").into());
            }
        };
        for reader in self.readers.drain(..) {
            reader.join().map_err(|_| "a reader panicked")?;
        }
        Ok(Run {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
            took,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// All JSON events, in order. A line that is no JSON is an error.
    pub fn events(&self) -> Result<Vec<Value>, Failed> {
        let lines = self.stdout.lines();
        lines
            .map(|line| {
                serde_json::from_str(line).map_err(|e| format!("{e}: {line}\n{self}").into())
            })
            .collect()
    }

    /// The JSON events of a type.
    pub fn of_type(&self, kind: &str) -> Result<Vec<Value>, Failed> {
        let events = self.events()?.into_iter();
        Ok(events.filter(|event| event["type"] == kind).collect())
    }

    /// The one summary, the last line.
    pub fn summary(&self) -> Result<Value, Failed> {
        let last = self
            .events()?
            .pop()
            .ok_or_else(|| format!("no output: {self}"))?;
        if last["type"] == "summary" {
            Ok(last)
        } else {
            Err(format!("the last event is no summary: {self}").into())
        }
    }

    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

fn events_in(text: &str, kind: &str) -> Vec<Value> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let events = whole
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    events
        .filter(|event: &Value| event["type"] == kind)
        .collect()
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            stdout,
            stderr,
            took,
        } = self;
        write!(
            f,
            "{status} after {took:?}\nstdout: {stdout}\nstderr: {stderr}"
        )
    }
}
