//! Standard output that a signal can end. Signals are blocked and read from a descriptor, so a write
//! to a full pipe (a paused `less`) would sleep for good; here it waits for both.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::rc::Rc;

use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::{Signal, Signals};

/// A pipe that poll(2) calls writable takes this much without sleeping (PIPE_BUF, pipe(7)).
const PIECE: usize = 4096;

/// Writes in pieces, each after standard output said that it takes one.
#[derive(Debug)]
pub struct Patient {
    signals: Rc<RefCell<Signals>>,
    ended: Rc<Cell<Option<Signal>>>,
}

impl Patient {
    /// `ended` is set when a signal ends the run while output is stuck: all writes fail from then on.
    pub fn new(signals: Rc<RefCell<Signals>>, ended: Rc<Cell<Option<Signal>>>) -> Self {
        Self { signals, ended }
    }

    fn wait(&self) -> io::Result<()> {
        let stuck = || Err(io::Error::other("ended by a signal while nobody read"));
        if self.ended.get().is_some() {
            return stuck();
        }
        loop {
            let stdout = io::stdout();
            let signalled = {
                let signals = self.signals.borrow();
                let mut fds = [
                    PollFd::new(stdout.as_fd(), PollFlags::POLLOUT),
                    PollFd::new(signals.as_fd(), PollFlags::POLLIN),
                ];
                ppoll(&mut fds, None, None)?;
                // An error or a hangup too: the write says which.
                if fds[0].any() != Some(false) {
                    return Ok(());
                }
                fds[1].any() == Some(true)
            };
            if signalled
                && let Some(signal) = self.signals.borrow_mut().take_next()?
                && matches!(
                    signal,
                    Signal::Interrupt | Signal::Terminate | Signal::Hangup
                )
            {
                self.ended.set(Some(signal));
                return stuck();
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait()?;
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        nix::unistd::write(io::stdout(), piece).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
