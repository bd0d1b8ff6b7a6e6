//! The loop of `rawsock sniff`: after the drop, until a limit, a signal or the last interface ends
//! it; then the buffers are emptied, so that every packet is counted once.

use std::io;
use std::time::Duration;

use super::status::Status;
use super::{Args, tell};
use crate::capture::live::{Change, Counts, Live};
use crate::capture::{Next, Room, Series, Source};
use crate::cli::gather::Gather;
use crate::cli::look::{Look, Sight};
use crate::cli::show::{Context, Printer};
use crate::error::{Env, Error};
use crate::event::Mono;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};

/// Frames between two looks at clock and signals while there is always one more.
const BATCH: u32 = 1024;
/// How often interfaces that are down are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most time that emptying the buffers may take after the end: a block that has packets comes
/// within the ring's 10 ms.
const DRAIN: Duration = Duration::from_secs(1);

/// Why it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// `-c`, `--max-bytes`, `--for` or `-W`.
    Limit,
    Signal(Signal),
    /// No interface is left.
    Gone,
}

/// What is done with packets.
pub struct Views {
    pub look: Look,
    pub gather: Option<Gather>,
    pub printer: Option<Printer>,
    pub saver: Option<Series>,
    pub status: Option<Status>,
}

/// What the loop works with.
pub struct Run<'a> {
    args: &'a Args,
    live: Live,
    look: Look,
    gather: Option<Gather>,
    printer: Option<Printer>,
    saver: Option<Series>,
    status: Option<Status>,
    signals: Signals,
    clock: Clock,
    now: Mono,
    captured: u64,
    /// Those that met `--where`, or all.
    chosen: u64,
    /// Bytes of the chosen packets.
    bytes: u64,
    /// Why it ends, and until when the buffers are emptied.
    ending: Option<(End, Mono)>,
    /// Give each line its interface.
    named: bool,
    /// No further file may be written.
    full: bool,
}

impl<'a> Run<'a> {
    pub fn new(args: &'a Args, live: Live, views: Views, signals: Signals, clock: Clock) -> Self {
        let named = live.devices().count() > 1 || live.devices().any(|device| device.index == 0);
        Self {
            args,
            live,
            look: views.look,
            gather: views.gather,
            printer: views.printer,
            saver: views.saver,
            status: views.status,
            signals,
            now: clock.mono(),
            clock,
            captured: 0,
            chosen: 0,
            bytes: 0,
            ending: None,
            named,
            full: false,
        }
    }

    /// Captures until the end; gives the exit code.
    pub fn go(mut self) -> Result<u8, Error> {
        let looped = self.describe().and_then(|()| self.capture());
        self.finish(looped)
    }

    /// The file gets what it needs at its start, so that it is whole without a packet.
    fn describe(&mut self) -> Result<(), Error> {
        let Some(saver) = &mut self.saver else {
            return Ok(());
        };
        for device in self.live.devices() {
            let number = device.index;
            if let Some(interface) = self.live.interface(number) {
                saver.describe(number, interface)?;
            }
        }
        saver.flush()
    }

    fn capture(&mut self) -> Result<(), Error> {
        loop {
            let waits = self.batch()?;
            self.now = self.clock.mono();
            self.answer_signals()?;
            if let (Some(status), None) = (&mut self.status, self.ending) {
                let live = &mut self.live;
                status.tick(self.now, self.captured, || live.counts());
            }
            if let Some(limit) = self.args.run_for
                && self.now >= Mono(limit)
            {
                self.end(End::Limit)?;
            }
            if let Some((end, deadline)) = self.ending {
                let over = waits && self.live.is_drained();
                if over || self.now >= deadline || (end == End::Limit && self.is_enough()) {
                    return Ok(());
                }
            }
            if waits {
                self.wait()?;
            }
        }
    }

    /// Handles what is here; `true` if nothing more is.
    fn batch(&mut self) -> Result<bool, Error> {
        for _ in 0..BATCH {
            if self.is_enough() {
                self.end(End::Limit)?;
                return Ok(true);
            }
            match self.live.next()? {
                Next::Frame => self.packet()?,
                Next::Wait => return Ok(true),
                Next::End => {
                    self.end(End::Gone)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_enough(&self) -> bool {
        let most = self.args.max_packets;
        let bytes = self.args.max_bytes;
        self.full
            || bytes.is_some_and(|bytes| self.bytes >= bytes)
            || most.is_some_and(|most| self.chosen >= most)
    }

    fn packet(&mut self) -> Result<(), Error> {
        let number = self.captured.saturating_add(1);
        let frame = self.live.frame();
        let interface = self.live.interface(frame.iface);
        let context = Context {
            number,
            numbered: self.args.number,
            interface,
            named: self.named,
            file: "",
            comments: &[],
        };
        let mut packet = None;
        // Also where it cannot be saved: that it is lost is told.
        self.captured = number;
        if self.printer.is_some() || self.gather.is_some() || self.look.is_choosy() {
            match self.look.see(&context, &frame) {
                Sight::Refused => return Ok(()),
                Sight::Good => packet = Some(self.look.packet()),
                Sight::Bug => {}
            }
        }
        if let (Some(saver), Some(interface)) = (&mut self.saver, interface)
            && saver.packet(&frame, interface, &[], self.now)? == Room::Enough
        {
            // It belongs to a file that nobody wants any more.
            self.captured = number.saturating_sub(1);
            self.full = true;
            return Ok(());
        }
        self.chosen = self.chosen.saturating_add(1);
        self.bytes = self.bytes.saturating_add(frame.bytes.len() as u64);
        if let (Some(gather), Some(packet)) = (&mut self.gather, packet) {
            gather.add(number, &frame, packet)?;
        }
        if let Some(printer) = &mut self.printer {
            printer.show(&context, &frame, packet)?;
        }
        Ok(())
    }

    /// Shows and saves what waits, then waits for packets, signals or the next thing to do.
    fn wait(&mut self) -> Result<(), Error> {
        if let Some(gather) = &mut self.gather {
            gather.flush()?;
        }
        if let Some(printer) = &mut self.printer {
            printer.flush()?;
        }
        let wall = self.clock.now().1;
        if let Some(saver) = &mut self.saver
            && saver.tick(self.now, wall)? == Room::Enough
        {
            self.full = true;
            self.end(End::Limit)?;
        }
        let files = self.saver.as_ref().map(Series::deadline);
        let (flush, turn) = files.unwrap_or_default();
        let limits = [
            flush,
            turn.map(|at| self.now.plus(at.since(wall).unwrap_or_default())),
            self.args.run_for.map(Mono),
            self.status.as_ref().map(Status::deadline),
            self.live.has_down().then(|| self.now.plus(LOOK)),
            // A block that is not full is handed over within 10 ms.
            self.ending.map(|_| self.now.plus(Duration::from_millis(1))),
        ];
        let timeout = limits.into_iter().flatten().min();
        let timeout = timeout.map(|at| at.since(self.now));
        let mut fds: Vec<PollFd<'_>> = self
            .live
            .descriptors()
            .chain([std::os::fd::AsFd::as_fd(&self.signals)])
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        ppoll(&mut fds, timeout, None).map_err(|source| Error::Io {
            operation: "wait for",
            object: "packets".into(),
            source,
        })?;
        let failed = |fd: &PollFd<'_>| {
            let errors = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
            fd.revents()
                .is_some_and(|revents| revents.intersects(errors))
        };
        if fds.iter().any(failed) || self.live.has_down() {
            for change in self.live.changes() {
                self.clear_status();
                tell(&match change {
                    Change::Down(name) => format!("{name} is down"),
                    Change::Up(name) => format!("{name} is up again"),
                    Change::Gone(name) => format!("{name} is no more"),
                });
            }
        }
        Ok(())
    }

    /// The terminal is needed for another line.
    fn clear_status(&mut self) {
        if let Some(status) = &mut self.status {
            status.clear();
        }
    }

    fn answer_signals(&mut self) -> Result<(), Error> {
        let failed = |source| Error::Io {
            operation: "read",
            object: "signals".into(),
            source,
        };
        while let Some(signal) = self.signals.take_next().map_err(failed)? {
            match signal {
                Signal::Interrupt | Signal::Terminate | Signal::Hangup => match &mut self.ending {
                    // The second one ends it at once.
                    Some((End::Signal(_), deadline)) => *deadline = self.now,
                    _ => self.end(End::Signal(signal))?,
                },
                Signal::Quit | Signal::User1 => {
                    let counts = self.live.counts();
                    self.clear_status();
                    tell(&words(self.captured, counts).join(", "));
                }
                Signal::User2 => {
                    if let Some(saver) = &mut self.saver {
                        saver.sync()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Lets no further packet in. What is in the buffers is still handled, but for `-c`.
    fn end(&mut self, why: End) -> Result<(), Error> {
        if self.ending.is_none() {
            self.live.stop()?;
            self.ending = Some((why, self.now.plus(DRAIN)));
        }
        Ok(())
    }

    fn finish(mut self, looped: Result<(), Error>) -> Result<u8, Error> {
        let why = self.ending.map(|(why, _)| why);
        self.clear_status();
        let mut result = looped.map(|()| match why {
            Some(End::Signal(Signal::Terminate)) => 143,
            Some(End::Signal(Signal::Hangup)) => 129,
            Some(End::Gone) => 1,
            _ => 0,
        });
        if let Some(printer) = &mut self.printer {
            result = printer.flush().and(result);
        }
        if let Some(gather) = self.gather.as_mut().filter(|_| result.is_ok()) {
            match gather.finish() {
                Ok(told) => told.iter().for_each(|line| tell(line)),
                Err(error) => result = Err(error),
            }
        }
        if self.look.bugs() > 0 {
            result = result.map(|_| 70);
        }
        let counts = self.live.counts();
        if self.args.count && result.is_ok() {
            let text = format!("{}\n", packets(self.chosen, ""));
            result = crate::cli::print(text.as_bytes()).and(result);
        }
        let at = self.clock.now().1;
        let mut saved = None;
        if let Some(mut saver) = self.saver {
            for (number, counts) in self.live.counts_by_device() {
                let accepted = counts.received.saturating_add(counts.dropped);
                let told = saver.statistics(number, at, accepted, counts.dropped);
                result = told.and(result);
            }
            let name = saver.name();
            let (written, closed) = saver.finish();
            result = match (result, closed) {
                (Ok(code), closed) => closed.map(|()| code),
                (Err(first), Err(second)) => {
                    tell(&second.render(Env::default));
                    Err(first)
                }
                (first, Ok(())) => first,
            };
            saved = Some((name, written));
        }
        let gone = matches!(&result, Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe);
        if gone {
            return result;
        }
        for line in words(self.captured, counts) {
            tell(&line);
        }
        let look = &self.look;
        for line in look.fragments().into_iter().chain(look.connections()) {
            tell(&line);
        }
        if self.look.is_choosy() {
            tell(&packets(self.chosen, " met the condition"));
        }
        let unread = counts.received.saturating_sub(self.captured);
        if unread > 0 && why == Some(End::Limit) {
            tell(&packets(unread, " left unread"));
        }
        if let Some((name, written)) = saved
            && written.lost > 0
        {
            let lost = written.lost;
            tell(&format!(
                "{} written to {name}, {lost} lost",
                packets(written.packets, "")
            ));
        }
        result
    }
}

/// The counts in tcpdump's words.
fn words(captured: u64, counts: Counts) -> [String; 3] {
    let filtered = counts.received.saturating_add(counts.dropped);
    [
        packets(captured, " captured"),
        packets(filtered, " received by filter"),
        packets(counts.dropped, " dropped by kernel"),
    ]
}

fn packets(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} packet{ending}{what}")
}
