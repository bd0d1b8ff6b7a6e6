//! A running lab: hosts, and the wire process between them. The library's way in.
//!
//! ```no_run
//! use std::net::TcpListener;
//! use rawsock::lab::{self, Options, Run};
//! # fn main() -> Result<(), rawsock::error::Error> {
//! lab::enter_userns_if_needed()?; // first thing in main: one thread only
//! let mut run = Run::start(&Options::pair())?; // and this one too
//! let (h1, h2) = (run.host("h1")?, run.host("h2")?);
//! let listener = h2.run(|| TcpListener::bind("10.5.0.2:9000"))?;
//! // sockets opened in a host stay there, wherever they are used
//! let events = run.finish()?;
//! # Ok(()) }
//! ```

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use socket2::{Domain, Socket, Type};

use super::enter;
use super::host::Host;
use super::link::Switch;
use super::names::Names;
use super::relay::Relay;
use super::topology::{Laid, Setup, Shape, Topology};
use crate::error::Error;
use crate::event::{self, List, Timestamp};
use crate::sys::clock::{self, Clock};
use crate::sys::netns;
use crate::sys::process::{self, Pid};
use crate::wire::{Cable, Config, Engine, Reader, Reply, Request, Status};

/// Longest answer of the wire to one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest message of the wire: a frame of 64 KiB and what is said about it.
const MESSAGE: usize = 256 * 1024;
/// Most events that a run hands out, and bytes of their packets.
const MAX_EVENTS: usize = 1_000_000;
const MAX_BYTES: usize = 256 << 20;

/// What kind of lab to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hosts and cables.
    pub shape: Shape,
    /// How the hosts are set up.
    pub setup: Setup,
    /// What the wire does.
    pub config: Config,
    /// The cables that it concerns, by name or by a host's name; empty: those of the shape.
    pub on: Vec<String>,
    /// Folder for captures.
    pub save: Option<PathBuf>,
    /// Fail rather than run the wire in an incomplete sandbox.
    pub require_sandbox: bool,
}

impl Options {
    /// A lab of this shape whose wire does nothing.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            setup: Setup::default(),
            config: Config::default(),
            on: Vec::new(),
            save: None,
            require_sandbox: false,
        }
    }

    /// h1 - h2.
    pub fn pair() -> Self {
        Self::new(Shape::Pair)
    }
}

/// The keeper's hold on the wire process. Requests may come from any thread.
#[derive(Debug)]
pub struct Wire {
    control: Mutex<Socket>,
    pid: Pid,
    /// The PID namespace whose first process the wire is, where the kernel allows one.
    pids: Option<OwnedFd>,
    ended: AtomicBool,
    /// What the wire said unasked while an answer was awaited.
    news: Mutex<VecDeque<String>>,
}

/// A running lab. Dropped, it ends, with all that runs in it.
#[derive(Debug)]
pub struct Run {
    hosts: Vec<Host>,
    names: Names,
    wire: Arc<Wire>,
    clock: Clock,
    list: List,
    reader: Reader,
    missing: Vec<String>,
}

impl Run {
    /// Builds a lab and starts its wire.
    ///
    /// Call [`super::enter_userns_if_needed`] before, and both with one thread: the wire is a fork.
    /// It ends with the thread that calls this.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let mut topology = Topology::build(options.shape, options.setup, &options.on)?;
        let hosts: Vec<String> = topology
            .hosts
            .iter()
            .map(|host| host.name().to_owned())
            .collect();
        let cables = topology.cables.iter().map(|cable| Cable {
            ends: cable.ends.map(event::Host),
            impaired: cable.impaired,
        });
        let engine = Engine::new(hosts.clone(), cables.collect(), options.config.clone());
        let engine = engine.map_err(|(text, fault)| Error::filter(&fault, &text))?;
        let (clock, start) = (Clock::start(), clock::wall());
        let cables = std::mem::take(&mut topology.cables);
        let (wire, status) = Wire::start(engine, &cables, clock, start, options)?;
        drop(cables);
        // Only now, so that its first question arrives.
        if let (Shape::Lan(Switch { querier: true, .. }), Some(switch)) =
            (options.shape, topology.hosts.last())
        {
            switch.netlink().set_querier("br0")?;
        }
        Ok(Self {
            hosts: topology.hosts,
            names: topology.names,
            wire: Arc::new(wire),
            clock,
            list: List::new(hosts, start, MAX_EVENTS, MAX_BYTES),
            reader: Reader::default(),
            missing: status.missing,
        })
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Result<&Host, Error> {
        let found = self.hosts.iter().find(|host| host.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.hosts.iter().map(Host::name).collect();
            Error::Usage {
                message: format!("there is no host {name}: {}", names.join(", ")),
                fix: None,
            }
        })
    }

    /// All hosts, as [`event::Host`] numbers them.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Names and addresses.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The clock of all events: [`event::Mono`] counts from its start.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What the sandbox of the wire lacks here: one line each.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The wire process.
    pub fn wire(&self) -> Arc<Wire> {
        Arc::clone(&self.wire)
    }

    /// Changes what the wire does from the next frame on.
    pub fn set(&self, config: Config) -> Result<(), Error> {
        self.wire.done(&Request::Set(Box::new(config)))
    }

    /// Counts and settings right now.
    pub fn status(&self) -> Result<Status, Error> {
        self.wire.status(&Request::Status)
    }

    /// Fetches what happened on the wire since the last call, and gives all events so far. Those of
    /// calls may be pushed by the caller: time orders them ([`List::by_time`]).
    pub fn events(&mut self) -> Result<&mut List, Error> {
        let Self { list, reader, .. } = self;
        let request = Request::Events(reader.next());
        self.wire.ask(&request, |reply| {
            if let Reply::Entries(bytes) = reply {
                reader.read(&bytes, list);
            }
        })?;
        Ok(list)
    }

    /// Waits until no frame is under way and none has come for `idle`; at most `limit`. `false` if
    /// it never became quiet.
    pub fn quiet(&self, idle: Duration, limit: Duration) -> Result<bool, Error> {
        let clock = Clock::start();
        while clock.mono().0 < limit {
            let status = self.status()?;
            let since = status.now.saturating_sub(status.last);
            if status.pending == 0 && (since >= idle || status.events == 0) {
                return Ok(true);
            }
            thread::sleep(
                idle.saturating_sub(since)
                    .clamp(Duration::from_millis(1), idle),
            );
        }
        Ok(false)
    }

    /// Starts a program in a host. It ends with the lab at the latest.
    pub fn spawn(&self, host: &Host, command: &mut Command) -> Result<Child, Error> {
        let pids = self.wire.pids.as_ref().map(AsFd::as_fd);
        enter::spawn(host.namespace(), pids, &self.names.text(), command)
    }

    /// Ends the lab without asking for its events; its last status.
    pub fn close(self) -> Result<Status, Error> {
        self.wire.status(&Request::Finish)
    }

    /// Ends the lab; all events.
    pub fn finish(mut self) -> Result<List, Error> {
        self.events()?;
        self.wire.status(&Request::Finish)?;
        let empty = List::new(Vec::new(), Timestamp::default(), 0, 0);
        Ok(std::mem::replace(&mut self.list, empty))
    }
}

impl Wire {
    fn start(
        engine: Engine,
        cables: &[Laid],
        clock: Clock,
        start: Timestamp,
        options: &Options,
    ) -> Result<(Self, Status), Error> {
        let failed = |source| Error::Io {
            operation: "start",
            object: "the wire process".into(),
            source,
        };
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).map_err(failed)?;
        let mut relay = Some(Relay {
            engine,
            cables,
            control: &theirs,
            clock,
            start,
            save: options.save.clone(),
            require_sandbox: options.require_sandbox,
            loud: options.setup.chatter || options.setup.arp,
        });
        let mut live = || relay.take().map_or(70, Relay::live);
        // Where PID namespaces are refused, programs are tied to the keeper one by one.
        let (pid, pids) = match process::fork_in_new_pids(&mut live) {
            Ok(pid) => (pid, netns::pids_of(pid).ok()),
            Err(_) => (process::fork_with(&mut live).map_err(failed)?, None),
        };
        // Only the wire has that end now: we hear at once if it ends.
        drop(theirs);
        ours.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let wire = Self {
            control: Mutex::new(ours),
            pid,
            pids,
            ended: AtomicBool::new(false),
            news: Mutex::default(),
        };
        let status = wire.status(&Request::Start)?;
        Ok((wire, status))
    }

    /// The PID namespace of the lab's programs.
    pub fn pids(&self) -> Option<&OwnedFd> {
        self.pids.as_ref()
    }

    /// Asks, and hands each message of the answer to `take`.
    pub fn ask(&self, request: &Request, mut take: impl FnMut(Reply)) -> Result<(), Error> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control.send(&request.encode()).map_err(gone)?;
        let mut message = vec![0; MESSAGE];
        loop {
            let len = match io::Read::read(&mut &*control, &mut message) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(gone)?,
            };
            let reply = message.get(..len).and_then(Reply::decode);
            let reply = reply.ok_or_else(|| gone(io::ErrorKind::UnexpectedEof.into()))?;
            if let Reply::Refused(text) = reply {
                return Err(Error::Usage {
                    message: text,
                    fix: None,
                });
            }
            if let Reply::Held(line) = reply {
                self.keep(line);
                continue;
            }
            let last = reply.is_last();
            take(reply);
            if last {
                return Ok(());
            }
        }
    }

    fn keep(&self, line: String) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        // Each replaces the one before, so few are enough.
        if news.len() >= 16 {
            news.pop_front();
        }
        news.push_back(line);
    }

    /// In step mode: the line of the frame that waits now, empty if none does; `None` if nothing
    /// has changed. Never waits.
    pub fn news(&self) -> Result<Option<String>, Error> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = vec![0; MESSAGE];
        // Nobody waits for an answer now, so whatever is here came unasked.
        match recv(control.as_raw_fd(), &mut message, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => return Err(gone(io::ErrorKind::UnexpectedEof.into())),
            Ok(len) => {
                if let Some(Reply::Held(line)) = message.get(..len).and_then(Reply::decode) {
                    self.keep(line);
                }
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(gone(errno.into())),
        }
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(news.pop_front())
    }

    /// Readable when the wire says something.
    pub fn descriptor(&self) -> Result<Socket, Error> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control.try_clone().map_err(gone)
    }

    /// Asks for something that has no answer.
    pub fn done(&self, request: &Request) -> Result<(), Error> {
        self.ask(request, |_| {})
    }

    /// Asks for something that is answered by the status.
    pub fn status(&self, request: &Request) -> Result<Status, Error> {
        let mut status = Status::default();
        self.ask(request, |reply| {
            if let Reply::Status(told) | Reply::Ready(told) = reply {
                status = *told;
            }
        })?;
        Ok(status)
    }
}

impl Wire {
    /// Ends the process, and with it every program of the lab.
    fn end(&self) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let _ = nix::sys::signal::kill(self.pid, nix::sys::signal::Signal::SIGKILL);
        // The first process of a PID namespace ends after all others, zombies included
        // (pid_namespaces(7)). Who started programs waits for them; we do not wait for that.
        for _ in 0..100 {
            let state = waitpid(self.pid, Some(WaitPidFlag::WNOHANG));
            if !matches!(state, Ok(WaitStatus::StillAlive)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.wire.end();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end();
    }
}

fn gone(source: io::Error) -> Error {
    Error::Io {
        operation: "reach",
        object: "the wire process".into(),
        source,
    }
}
