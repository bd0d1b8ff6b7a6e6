//! The run of a ping: one thread, one poll(2), every target's session in turn. What is sent and how
//! it is judged is the engine's business, how it looks the views'.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use super::output::Output;
use super::source::SourceWatch;
use crate::error::Error;
use crate::event::Mono;
use crate::net::Wire;
use crate::net::icmp::IcmpWire;
use crate::net::resolve::Names;
use crate::net::session::{Next, Session};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};

/// While probes leave back to back nothing is polled; signals are looked for this often.
const LOOK: Duration = Duration::from_millis(5);
/// A wire that fails to receive is left alone for this long, so that it cannot spin the loop.
const PAUSE: Duration = Duration::from_millis(10);

/// One address of the target during the run.
pub struct Lane {
    pub session: Session<IcmpWire>,
    pub output: Output,
    /// Keeps the source of an IPv6 header by hand true.
    pub source: Option<SourceWatch>,
    /// The last error of receiving, so that each is said once.
    pub failed: Option<i32>,
    /// Not polled before this moment: receiving failed.
    pub paused: Mono,
    pub done: bool,
}

/// What the lanes share.
pub struct Run {
    pub lanes: Vec<Lane>,
    pub clock: Clock,
    pub signals: Rc<RefCell<Signals>>,
    /// The signal that ended the run while its output was stuck.
    pub ended: Rc<Cell<Option<Signal>>>,
    pub names: Option<Names>,
}

/// Why the run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every lane came to its end.
    Done,
    /// INT, TERM or HUP.
    By(Signal),
}

impl Run {
    /// Runs until every lane is done or a signal ends it; the summaries are written by then.
    pub fn run(&mut self) -> Result<End, Error> {
        match (self.until_end(), self.ended.get()) {
            // Nobody reads: no summary either.
            (Err(_), Some(signal)) => Ok(End::By(signal)),
            (end, _) => end,
        }
    }

    fn until_end(&mut self) -> Result<End, Error> {
        let mut looked = self.clock.mono();
        let mut end = End::Done;
        loop {
            let now = self.clock.mono();
            let mut wait = self.turn_all(now)?;
            if self.lanes.iter().all(|lane| lane.done) {
                break;
            }
            if wait.is_none() && now.since(looked) < LOOK {
                continue;
            }
            if wait.is_none() {
                wait = Some(now);
            }
            looked = now;
            self.flush()?;
            if let Some(signal) = self.poll(wait.unwrap_or(now))? {
                end = End::By(signal);
                break;
            }
        }
        let now = self.clock.mono();
        for lane in &mut self.lanes {
            lane.session.pinger().interrupt(now);
            lane.report(&mut self.names)?;
            let summary = lane.session.pinger().summary(now);
            lane.output.finish(&summary)?;
        }
        self.flush()?;
        Ok(end)
    }

    /// One turn of each lane; the earliest moment at which any of them has something to do, or
    /// `None` if one of them has something now.
    fn turn_all(&mut self, now: Mono) -> Result<Option<Mono>, Error> {
        let mut earliest: Option<Mono> = None;
        let mut busy = false;
        for lane in self.lanes.iter_mut().filter(|lane| !lane.done) {
            if let Some(source) = &mut lane.source {
                source.refresh(&mut lane.session, now);
            }
            let next = match lane.session.turn(&self.clock, now) {
                Ok(next) => next,
                Err(error) => lane.receive_failed(&error, now)?,
            };
            match next {
                Next::Sent(probe, wall) => {
                    lane.output.asked(&probe, lane.session.last_sent());
                    lane.output.sent(&probe, wall)?;
                    busy = true;
                }
                Next::Again => busy = true,
                Next::Wait(until) => {
                    earliest = Some(earliest.map_or(until, |early| early.min(until)));
                }
                Next::Done => lane.done = true,
            }
            lane.report(&mut self.names)?;
        }
        Ok(earliest.filter(|_| !busy))
    }

    /// Waits for the wires, the signals and the names; a signal that ends the run is returned.
    fn poll(&mut self, until: Mono) -> Result<Option<Signal>, Error> {
        let now = self.clock.mono();
        let paused = self
            .lanes
            .iter()
            .filter(|lane| !lane.done && lane.paused > now);
        let until = paused.map(|lane| lane.paused).fold(until, Mono::min);
        let timeout = until.since(now);
        let mut ready = Vec::with_capacity(self.lanes.len());
        {
            let signals = self.signals.borrow();
            let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            let live = self.lanes.iter().filter(|lane| lane.listens(now));
            fds.extend(
                live.map(|lane| PollFd::new(lane.session.wire().as_fd(), PollFlags::POLLIN)),
            );
            let names = self.names.as_ref().filter(|names| !names.is_gone());
            fds.extend(names.map(|names| PollFd::new(names.as_fd(), PollFlags::POLLIN)));
            ppoll(&mut fds, Some(timeout), None).map_err(|source| Error::Io {
                operation: "wait for",
                object: "an answer".into(),
                source,
            })?;
            ready.extend(
                fds.iter()
                    .map(|fd| fd.revents().unwrap_or(PollFlags::empty())),
            );
        }
        let mut ready = ready.into_iter();
        let signalled = ready.next().is_some_and(|flags| !flags.is_empty());
        for lane in self.lanes.iter_mut().filter(|lane| lane.listens(now)) {
            let flags = ready.next().unwrap_or(PollFlags::empty());
            if flags.is_empty() {
                continue;
            }
            let input = flags.contains(PollFlags::POLLIN);
            if let Err(error) =
                lane.session
                    .take(&self.clock, input, flags.contains(PollFlags::POLLERR))
            {
                lane.receive_failed(&error, self.clock.mono())?;
            }
            lane.report(&mut self.names)?;
        }
        if let Some(names) = self.names.as_mut().filter(|_| ready.next().is_some()) {
            names.collect();
        }
        if signalled { self.signal() } else { Ok(None) }
    }

    fn signal(&mut self) -> Result<Option<Signal>, Error> {
        loop {
            let taken = self.signals.borrow_mut().take_next();
            let Some(signal) = taken.map_err(|source| Error::Io {
                operation: "read",
                object: "a signal".into(),
                source,
            })?
            else {
                return Ok(None);
            };
            match signal {
                Signal::Interrupt | Signal::Terminate | Signal::Hangup => {
                    // A second one ends us at once, even if the summary cannot be written.
                    let _ = self.signals.borrow().unblock();
                    return Ok(Some(signal));
                }
                Signal::Quit | Signal::User1 => {
                    let now = self.clock.mono();
                    for lane in &mut self.lanes {
                        let summary = lane.session.pinger().summary(now);
                        lane.output.interim(&summary)?;
                    }
                }
                Signal::User2 => {}
            }
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.lanes
            .iter_mut()
            .try_for_each(|lane| lane.output.flush())
    }
}

impl Lane {
    fn listens(&self, now: Mono) -> bool {
        !self.done && self.paused <= now
    }

    /// Writes what the engine decided since the last call.
    fn report(&mut self, names: &mut Option<Names>) -> Result<(), Error> {
        self.output.headers()?;
        if self.session.answer().is_some() {
            // Taken out first: the borrows of the packet and of the engine must not meet.
            let events: Vec<_> = self.session.pinger().drain_events().collect();
            for (at, verdict) in events {
                self.output
                    .event(at, &verdict, self.session.answer(), names)?;
            }
            return Ok(());
        }
        for (at, verdict) in self.session.pinger().drain_events() {
            self.output.event(at, &verdict, None, names)?;
        }
        Ok(())
    }

    /// Receiving failed: said once for each errno, and tried again.
    fn receive_failed(&mut self, error: &io::Error, now: Mono) -> Result<Next, Error> {
        let errno = error.raw_os_error().unwrap_or(0);
        if self.failed.replace(errno) != Some(errno) {
            self.output
                .remark(&format!("cannot receive answers: {error}"))?;
        }
        self.paused = now.plus(PAUSE);
        Ok(Next::Wait(self.paused))
    }
}
