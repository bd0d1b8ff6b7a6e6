//! Client and server in one thread: while the client waits, the server serves. So every call of
//! both is in one true order.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Server;
use crate::event::Mono;
use crate::net::traced::{PollFlags, Wait, Waited};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, ppoll};

/// How the client waits.
pub struct ServeAndWait {
    server: Arc<Mutex<Option<Server>>>,
    stop: Arc<OwnedFd>,
    clock: Clock,
}

impl ServeAndWait {
    /// Serves `server` until it is taken out; `stop` (a signalfd) interrupts.
    pub fn new(server: Arc<Mutex<Option<Server>>>, stop: Arc<OwnedFd>, clock: Clock) -> Self {
        Self {
            server,
            stop,
            clock,
        }
    }

    fn poll(
        &self,
        also: &[(BorrowedFd<'_>, PollFlags)],
        until: Option<Mono>,
    ) -> io::Result<Vec<bool>> {
        let left = until.map(|at| at.since(self.clock.mono()));
        let fds = also.iter().map(|(fd, events)| PollFd::new(*fd, *events));
        let mut fds: Vec<PollFd<'_>> = fds.collect();
        ppoll(&mut fds, left, None)?;
        let ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        Ok(fds.iter().map(ready).collect())
    }

    fn go(
        &mut self,
        fd: Option<(BorrowedFd<'_>, PollFlags)>,
        until: Option<Mono>,
    ) -> io::Result<Waited> {
        let mut guard = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut also = vec![(self.stop.as_fd(), PollFlags::POLLIN)];
        also.extend(fd);
        loop {
            let ready = match guard.as_mut() {
                Some(server) => server.turn(&also, until)?,
                // Not yet: the kernel alone makes the connection.
                None => self.poll(&also, until)?,
            };
            if ready.get(1) == Some(&true) {
                return Ok(Waited::Ready);
            }
            if ready.first() == Some(&true) {
                return Ok(Waited::Interrupted);
            }
            if until.is_some_and(|at| at.since(self.clock.mono()) == Duration::ZERO) {
                return Ok(Waited::TimedOut);
            }
        }
    }
}

impl Wait for ServeAndWait {
    fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Mono>,
    ) -> io::Result<Waited> {
        self.go(Some((fd, events)), deadline)
    }

    fn pause(&mut self, until: Mono) -> io::Result<Waited> {
        self.go(None, Some(until))
    }
}
