//! The wire process: carries frames between the cables' ends as the engine says, in the sandbox.
//! It reads the first frame after everything is dropped.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use socket2::Socket;

use super::save::Save;
use super::topology::Laid;
use crate::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use crate::error::Error;
use crate::event::{Stamp, Timestamp};
use crate::privilege::{self, Creates, Options, table};
use crate::sys::clock::Clock;
use crate::sys::mmsg::{self, BATCH, Batch};
use crate::sys::poll::{PollFd, PollFlags, ppoll, sharpen_timers};
use crate::sys::{process, sockopt};
use crate::view::{line, tree};
use crate::wire::{Due, Engine, Reply, Request, Status, Way, encode_entries};

/// Longest frame: the largest MTU of a veth link and an Ethernet header with tags.
const LONGEST: usize = 65_535 + 64;
/// Batches taken from one end before the others have their turn.
const TURNS: usize = 4;
/// Hosts that said nothing for so long have said what they had to say.
const CALM: Duration = Duration::from_millis(12);
/// Most time for that.
const SETTLING: Duration = Duration::from_millis(60);
/// How long before a frame is due we are awake.
const AWAKE: Duration = Duration::from_micros(60);
/// At the end, nothing more is expected of hosts that said nothing for so long.
const QUIET: Duration = Duration::from_millis(5);
/// Most time for the frames that are under way at the end.
const RUN_OUT: Duration = Duration::from_secs(1);
/// Longest request: a configuration with many rules.
const MAX_REQUEST: usize = 128 * 1024;
/// Bytes of events in one message.
const MESSAGE: usize = 48 * 1024;

/// What the wire process is made of, before it runs.
pub(super) struct Relay<'a> {
    pub engine: Engine,
    pub cables: &'a [Laid],
    pub control: &'a Socket,
    pub clock: Clock,
    /// Wall time at the clock's zero.
    pub start: Timestamp,
    /// Where captures go.
    pub save: Option<PathBuf>,
    pub require_sandbox: bool,
    /// What the hosts say while they are set up belongs to the show.
    pub loud: bool,
}

/// Why the loop ends.
enum End {
    /// The keeper is gone or wants it.
    Over,
    /// Something that should not fail did.
    Failed,
}

impl<'a> Relay<'a> {
    /// The whole life of the process; the exit code.
    pub fn live(self) -> u8 {
        let Some(Request::Start) = wait_for_start(self.control) else {
            return 0;
        };
        let control = self.control;
        match self.prepare() {
            Ok(mut running) => match running.go() {
                End::Over => 0,
                End::Failed => 1,
            },
            Err(error) => {
                let _ = control.send(&Reply::Refused(error.to_string()).encode());
                2
            }
        }
    }

    /// Leaves terminal, environment and rights behind.
    fn prepare(self) -> Result<Running<'a>, Error> {
        let failed = |operation, object: &str| {
            let object = object.to_owned();
            move |source: io::Error| Error::Io {
                operation,
                object,
                source,
            }
        };
        // Keys of the terminal are not for us, nor is its hangup: the keeper decides.
        let _ = nix::unistd::setsid();
        let mut typed = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGHUP,
            Signal::SIGTERM,
        ] {
            typed.add(signal);
        }
        typed
            .thread_block()
            .map_err(io::Error::from)
            .map_err(failed("block", "signals"))?;
        // As the first process of its PID namespace it gets the orphans of the others.
        process::forget_children().map_err(failed("ignore", "children"))?;
        silence().map_err(failed("open", "/dev/null"))?;
        sharpen_timers().map_err(failed("sharpen", "the timers"))?;
        self.control
            .set_nonblocking(true)
            .map_err(failed("set up", "the control socket"))?;
        let mut keep: Vec<BorrowedFd<'_>> = vec![self.control.as_fd()];
        keep.extend(self.cables.iter().flat_map(|cable| {
            let [a, b] = &cable.sockets;
            [a.as_fd(), b.as_fd()]
        }));
        let options = Options {
            require_sandbox: self.require_sandbox,
            keep: &keep,
        };
        let hosts = self.engine.hosts().to_vec();
        let create = self.save.map(|folder| Creates {
            open: move || Save::create(&folder, &hosts),
            beneath: None,
        });
        let (report, save) = privilege::drop_and_create(&table::LAB_WIRE, &options, create)?;
        // After the drop, since a change of user clears it (prctl(2)). Should the keeper be gone
        // already, the first read tells.
        prctl::set_pdeathsig(Signal::SIGKILL)
            .map_err(io::Error::from)
            .map_err(failed("tie", "the wire to its keeper"))?;
        Ok(Running {
            engine: self.engine,
            cables: self.cables,
            control: self.control,
            clock: self.clock,
            start: self.start,
            batch: Batch::new(LONGEST),
            save,
            missing: report.missing,
            missed: 0,
            bugs: 0,
            announced: Announced::Nothing,
            loud: self.loud,
            decoder: Decoder::new(),
            packet: Packet::new(),
        })
    }
}

/// The first request; `None` if the keeper is gone.
fn wait_for_start(control: &Socket) -> Option<Request> {
    let mut message = vec![0; MAX_REQUEST];
    let len = io::Read::read(&mut &*control, &mut message).ok()?;
    Request::decode(message.get(..len)?)
}

/// A reader of our standard output must not wait for this process.
fn silence() -> io::Result<()> {
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}

/// The process after the drop.
struct Running<'a> {
    engine: Engine,
    cables: &'a [Laid],
    control: &'a Socket,
    clock: Clock,
    start: Timestamp,
    batch: Batch,
    save: Option<Save>,
    missing: Vec<String>,
    /// Frames that the kernel dropped because we were too slow.
    missed: u64,
    /// Frames on which the decoder panicked.
    bugs: u64,
    announced: Announced,
    loud: bool,
    decoder: Decoder,
    packet: Packet,
}

impl Running<'_> {
    /// Takes what the hosts said while they were set up, and forgets it: with its addresses IPv6
    /// reports groups, twice, within some ticks of the kernel (RFC 3810 6.1).
    fn settle(&mut self) {
        let limit = self.clock.mono().plus(SETTLING);
        while self.clock.mono() < limit {
            let sockets = self.cables.iter().flat_map(|cable| &cable.sockets);
            let fd = |socket| PollFd::new(AsFd::as_fd(socket), PollFlags::POLLIN);
            let mut fds: Vec<PollFd<'_>> = sockets.clone().map(fd).collect();
            if !matches!(ppoll(&mut fds, Some(CALM), None), Ok(1..)) {
                return;
            }
            for socket in sockets {
                let _ = self.batch.receive(socket);
            }
        }
    }

    fn go(&mut self) -> End {
        if !self.loud {
            self.settle();
        }
        let ready = Reply::Ready(Box::new(self.status()));
        if self.say(&ready).is_err() {
            return End::Over;
        }
        loop {
            self.deliver();
            if self.announce().is_err() {
                return End::Over;
            }
            if let Some(save) = &mut self.save {
                save.take(self.engine.log(), self.clock.mono());
            }
            let Ok(ready) = self.wait() else {
                return End::Failed;
            };
            if ready.control {
                match self.answer() {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return End::Over,
                }
            }
            for port in ready.ports {
                self.receive(port);
            }
        }
    }

    /// Waits for a frame, a request, or the next frame to be due.
    fn wait(&self) -> io::Result<Ready> {
        let now = self.clock.mono();
        let timeout = self.engine.deadline().map(|at| {
            // A sleep ends late by about as much; the rest of the time is spent looking.
            at.since(now).saturating_sub(AWAKE)
        });
        let mut fds = vec![PollFd::new(self.control.as_fd(), PollFlags::POLLIN)];
        for cable in self.cables {
            let [a, b] = &cable.sockets;
            fds.push(PollFd::new(a.as_fd(), PollFlags::POLLIN));
            fds.push(PollFd::new(b.as_fd(), PollFlags::POLLIN));
        }
        ppoll(&mut fds, timeout, None)?;
        let mut fired = fds.iter().map(|fd| fd.any().unwrap_or(false));
        let control = fired.next().unwrap_or(false);
        let ports = fired.enumerate().filter(|(_, fired)| *fired);
        Ok(Ready {
            control,
            ports: ports.map(|(port, _)| port).collect(),
        })
    }

    /// Takes frames from one end of a cable; ends are numbered 0, 1 for the first cable and so on.
    fn receive(&mut self, port: usize) {
        let (cable, end) = (port / 2, port % 2);
        let way = if end == 0 { Way::Up } else { Way::Down };
        let Some(socket) = self
            .cables
            .get(cable)
            .and_then(|cable| cable.sockets.get(end))
        else {
            return;
        };
        for _ in 0..TURNS {
            // An error is an interface that went down, which the next frame will tell as well.
            let Ok(count) = self.batch.receive(socket) else {
                return;
            };
            let (now, wall) = self.clock.now();
            for number in 0..count {
                let frame = self.batch.frame(number);
                let engine = &mut self.engine;
                // The last net: one frame that the decoder cannot stand must not end the lab.
                let input = AssertUnwindSafe(|| engine.input(cable, way, frame, now, wall));
                if catch_unwind(input).is_err() {
                    self.bugs = self.bugs.saturating_add(1);
                    let text = format!("a bug of rawsock: frame lost, {} bytes", frame.len());
                    self.engine.note(text, now);
                }
            }
            if count < BATCH {
                return;
            }
        }
    }

    /// Writes what is due to the far ends.
    fn deliver(&mut self) {
        let mut batch: Vec<Due> = Vec::with_capacity(BATCH);
        loop {
            let now = self.clock.mono();
            let due = self.engine.due(now);
            let goes_on = due.as_ref().is_some_and(|due| {
                batch.len() < BATCH
                    && batch.first().is_none_or(|first| {
                        (first.cable(), first.way()) == (due.cable(), due.way())
                    })
            });
            if goes_on {
                batch.extend(due);
                continue;
            }
            self.flush(&batch);
            batch.clear();
            match due {
                Some(due) => batch.push(due),
                None => return,
            }
        }
    }

    fn flush(&mut self, mut batch: &[Due]) {
        while let Some(first) = batch.first() {
            let far = match first.way() {
                Way::Up => 1,
                Way::Down => 0,
            };
            let socket = self.cables.get(first.cable());
            let Some(socket) = socket.and_then(|cable| cable.sockets.get(far)) else {
                return;
            };
            let sent = mmsg::send(socket, batch.iter().map(Due::bytes)).unwrap_or(0);
            let (at, wall) = self.clock.now();
            let (taken, rest) = batch.split_at(sent.min(batch.len()));
            for due in taken {
                self.engine.sent(due, at, wall, true);
            }
            // The one behind those that went is the one that was refused.
            if let (0, Some((refused, others))) = (sent, rest.split_first()) {
                self.engine.sent(refused, at, wall, false);
                batch = others;
            } else {
                batch = rest;
            }
        }
    }

    /// In step mode: tells the keeper which frame waits.
    fn announce(&mut self) -> io::Result<()> {
        if self.engine.config().hold == crate::wire::Hold::None
            && self.announced == Announced::Nothing
        {
            return Ok(());
        }
        let held = self.engine.held();
        let held = held.map_or(Announced::NoFrame, |(.., number, _)| {
            Announced::Frame(number)
        });
        if self.announced == held {
            return Ok(());
        }
        self.announced = held;
        let text = self.held_line();
        self.say(&Reply::Held(text))
    }

    /// The frame that waits, as a line.
    fn held_line(&mut self) -> String {
        let mut text = String::new();
        let Some((cable, way, number, bytes)) = self.engine.held() else {
            return text;
        };
        let frame = frame_of(bytes);
        self.decoder.decode(&frame, &mut self.packet);
        let ends = self.cables.get(cable).map(|cable| cable.ends);
        let name = |end: usize| {
            let host = ends.and_then(|ends| ends.get(end).copied());
            let name = host.and_then(|host| self.engine.hosts().get(usize::from(host)));
            name.cloned().unwrap_or_default()
        };
        let (from, to) = match way {
            Way::Up => (name(0), name(1)),
            Way::Down => (name(1), name(0)),
        };
        let at = self.engine.log().since(number).next();
        if let Some(entry) = at.filter(|entry| entry.number == number) {
            crate::view::fate::render_time(entry.at, &mut text);
            text.push(' ');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{from} > {to}  ");
        line::render_line(&frame, &self.packet, line::Style::default(), &mut text);
        text
    }

    /// The header of the frame that waits.
    fn held_tree(&mut self) -> String {
        let mut text = String::new();
        if let Some((.., bytes)) = self.engine.held() {
            let frame = frame_of(bytes);
            self.decoder.decode(&frame, &mut self.packet);
            tree::render_tree(&frame, &self.packet, tree::Style::default(), &mut text);
        }
        text
    }

    /// Answers the requests that wait; `false` ends the process.
    fn answer(&mut self) -> io::Result<bool> {
        let mut message = vec![0; MAX_REQUEST];
        loop {
            let len = match io::Read::read(&mut &*self.control, &mut message) {
                Ok(0) => return Ok(false),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let request = message.get(..len).and_then(Request::decode);
            match request {
                Some(Request::Set(config)) => self.set(*config)?,
                Some(Request::Events(since)) => self.events(since)?,
                Some(Request::Status) => {
                    let status = self.status();
                    self.say(&Reply::Status(Box::new(status)))?;
                }
                Some(Request::Press(key)) => {
                    let now = self.clock.mono();
                    let pressed = self.engine.press(key, now);
                    // Also if the same frame still waits: the keeper asked for something.
                    self.announced = Announced::NoFrame;
                    let refused = || Reply::Refused("no frame is held".into());
                    self.say(&if pressed { Reply::Done } else { refused() })?;
                }
                Some(Request::Show) => {
                    let text = self.held_tree();
                    self.say(&Reply::Text(text))?;
                }
                Some(Request::Finish) => {
                    self.finish()?;
                    return Ok(false);
                }
                Some(Request::Start) | None => {
                    self.say(&Reply::Refused(
                        "the wire does not know this request".into(),
                    ))?;
                }
            }
        }
    }

    fn set(&mut self, config: crate::wire::Config) -> io::Result<()> {
        let reply = match self.engine.set(config) {
            Ok(()) => Reply::Done,
            Err((text, fault)) => Reply::Refused(format!("{text}: {}", fault.message)),
        };
        self.say(&reply)
    }

    fn events(&mut self, mut since: u64) -> io::Result<()> {
        let end = self.engine.log().next();
        while since < end {
            let mut bytes = Vec::new();
            let next = encode_entries(self.engine.log().since(since), MESSAGE, &mut bytes);
            let Some(next) = next else { break };
            since = next;
            self.say(&Reply::Entries(bytes))?;
        }
        self.say(&Reply::Done)
    }

    /// What is under way arrives, for the last program has ended before its last frame did.
    fn run_out(&mut self) {
        let limit = self.clock.mono().plus(RUN_OUT);
        while self.clock.mono() < limit {
            self.deliver();
            let sockets = self.cables.iter().flat_map(|cable| &cable.sockets);
            let fds = sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
            let mut fds: Vec<PollFd<'_>> = fds.collect();
            let due = self.engine.deadline();
            let wait = due.map_or(QUIET, |at| at.since(self.clock.mono()).min(QUIET));
            let ready = ppoll(&mut fds, Some(wait), None).unwrap_or(0);
            if ready == 0 && due.is_none() {
                return;
            }
            for port in 0..self.cables.len().saturating_mul(2) {
                self.receive(port);
            }
        }
    }

    /// The files are written and closed.
    fn finish(&mut self) -> io::Result<()> {
        self.run_out();
        let at = self.clock.mono();
        let told = match self.save.take() {
            Some(mut save) => {
                save.take(self.engine.log(), at);
                save.finish(at)
            }
            None => Ok(()),
        };
        match told {
            Ok(()) => {
                let status = self.status();
                self.say(&Reply::Status(Box::new(status)))
            }
            Err(error) => self.say(&Reply::Refused(error.to_string())),
        }
    }

    fn status(&mut self) -> Status {
        let sockets = self.cables.iter().flat_map(|cable| &cable.sockets);
        for socket in sockets {
            // struct tpacket_stats: packets, drops. Reading it sets both to 0 (packet(7)).
            let mut both = [0; 8];
            let level = libc::SOL_PACKET;
            let read = sockopt::get_bytes(socket, level, libc::PACKET_STATISTICS, &mut both);
            if let (Ok(8), Some(drops)) = (read, both.last_chunk()) {
                self.missed = self
                    .missed
                    .saturating_add(u32::from_ne_bytes(*drops).into());
            }
        }
        let engine = &self.engine;
        let mut missing = self.missing.clone();
        if self.bugs > 0 {
            missing.push(format!("a bug of rawsock: {} frames lost", self.bugs));
        }
        let log = engine.log();
        let last = log.since(log.next().saturating_sub(1)).last();
        Status {
            config: engine.config().clone(),
            hosts: engine.hosts().to_vec(),
            cables: self.cables.iter().map(|cable| cable.name.clone()).collect(),
            counts: (0..self.cables.len())
                .map(|cable| engine.counts(cable))
                .collect(),
            acted: engine.acted(),
            pending: engine.pending(),
            held: engine.held_count(),
            missed: self.missed,
            events: log.next(),
            evicted: log.evicted(),
            start: self.start.0,
            now: self.clock.mono().0,
            last: last.map_or_else(Default::default, |entry| entry.at.0),
            missing,
        }
    }

    /// Sends a message whole, waiting for the keeper if it is behind.
    fn say(&self, reply: &Reply) -> io::Result<()> {
        let message = reply.encode();
        loop {
            match self.control.send(&message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(self.control.as_fd(), PollFlags::POLLOUT)];
                    ppoll(&mut fds, None, None)?;
                }
                other => return other.map(drop),
            }
        }
    }
}

/// What the keeper was last told about held frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    /// Nothing, since nothing is held in this lab.
    Nothing,
    NoFrame,
    Frame(u64),
}

/// What [`Running::wait`] found.
struct Ready {
    control: bool,
    ports: Vec<usize>,
}

/// A frame whose time does not matter.
fn frame_of(bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp::default(),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Ethernet,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        bytes,
    }
}
