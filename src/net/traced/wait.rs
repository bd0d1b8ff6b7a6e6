//! How a call waits for its descriptor: by poll(2), so that a signal can end the wait, or by a
//! caller who has something to do meanwhile (`echo both` serves).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::event::Mono;
use crate::sys::clock::Clock;
pub use crate::sys::poll::PollFlags;
use crate::sys::poll::{PollFd, ppoll};

/// Longest single poll(2): it refuses what overflows its `timespec`.
const LONGEST: Duration = Duration::from_hours(24);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The descriptor is ready, or has an error to tell.
    Ready,
    /// The time is over.
    TimedOut,
    /// Something else is to be done first: a signal came.
    Interrupted,
}

/// Waits for one descriptor.
pub trait Wait: Send {
    /// Waits until `fd` is ready for `events`, at most until `deadline` (`None`: for ever).
    fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Mono>,
    ) -> io::Result<Waited>;

    /// Waits for the time alone: [`Waited::TimedOut`], unless something interrupts. Only for those
    /// whose sockets pause.
    fn pause(&mut self, until: Mono) -> io::Result<Waited> {
        let _ = until;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits in poll(2); a descriptor that becomes readable interrupts (a signalfd).
#[derive(Debug)]
pub struct Poll {
    clock: Clock,
    interrupt: Option<Arc<OwnedFd>>,
}

impl Poll {
    /// `interrupt` is only looked at, never read.
    pub fn new(clock: Clock, interrupt: Option<OwnedFd>) -> Self {
        Self {
            clock,
            interrupt: interrupt.map(Arc::new),
        }
    }

    /// The same for a descriptor that others look at, too.
    pub fn shared(clock: Clock, interrupt: Arc<OwnedFd>) -> Self {
        Self {
            clock,
            interrupt: Some(interrupt),
        }
    }
}

impl Wait for Poll {
    fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Mono>,
    ) -> io::Result<Waited> {
        loop {
            let left = deadline.map(|at| at.since(self.clock.mono()));
            let mut fds = vec![PollFd::new(fd, events)];
            if let Some(interrupt) = &self.interrupt {
                fds.push(PollFd::new(interrupt.as_fd(), PollFlags::POLLIN));
            }
            let ready = ppoll(&mut fds, left.map(|left| left.min(LONGEST)), None)?;
            let told = |at: usize| {
                let fd = fds.get(at);
                fd.and_then(PollFd::revents)
                    .is_some_and(|told| !told.is_empty())
            };
            if told(0) {
                return Ok(Waited::Ready);
            }
            if told(1) {
                return Ok(Waited::Interrupted);
            }
            if ready == 0 && left.is_some_and(|left| left == Duration::ZERO) {
                return Ok(Waited::TimedOut);
            }
        }
    }

    fn pause(&mut self, until: Mono) -> io::Result<Waited> {
        loop {
            let left = until.since(self.clock.mono());
            if left == Duration::ZERO {
                return Ok(Waited::TimedOut);
            }
            let interrupt = self.interrupt.as_ref();
            let fds = interrupt.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
            let mut fds: Vec<PollFd<'_>> = fds.into_iter().collect();
            if ppoll(&mut fds, Some(left.min(LONGEST)), None)? > 0 {
                return Ok(Waited::Interrupted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_wait_ends_by_data_time_or_interruption() {
        let clock = Clock::start();
        let (reader, mut writer) = io::pipe().unwrap();
        let (stop, mut stopper) = io::pipe().unwrap();
        let mut poll = Poll::new(clock, Some(stop.into()));
        let soon = clock.mono().plus(Duration::from_millis(2));
        let mut wait = |until| poll.wait(reader.as_fd(), PollFlags::POLLIN, until).unwrap();
        assert_eq!(wait(Some(soon)), Waited::TimedOut);
        assert!(clock.mono() >= soon);
        stopper.write_all(b"!").unwrap();
        assert_eq!(wait(None), Waited::Interrupted);
        assert_eq!(
            poll.pause(Mono(Duration::MAX)).unwrap(),
            Waited::Interrupted
        );
        let mut wait = |until| poll.wait(reader.as_fd(), PollFlags::POLLIN, until).unwrap();
        writer.write_all(b"x").unwrap();
        assert_eq!(wait(None), Waited::Ready);
    }
}
