//! Signals as things to read: blocked, then taken from a descriptor in the run loop. No handlers.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// A signal that a run answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    Hangup,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

const WATCHED: [(Number, Signal); 6] = [
    (Number::SIGINT, Signal::Interrupt),
    (Number::SIGTERM, Signal::Terminate),
    (Number::SIGHUP, Signal::Hangup),
    (Number::SIGQUIT, Signal::Quit),
    (Number::SIGUSR1, Signal::User1),
    (Number::SIGUSR2, Signal::User2),
];

/// The watched signals of this thread, blocked and readable. A forked child inherits the blocked
/// mask: it calls [`Signals::unblock`] or dies by SIGKILL only.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    set: SigSet,
}

impl Signals {
    /// Blocks INT TERM HUP QUIT USR1 USR2 and opens a signalfd(2) on them, non-blocking.
    ///
    /// A hangup that was ignored when we started stays ignored (`nohup`, `trap '' HUP`). A blocked
    /// signal is queued even if it is ignored (signal(7)), hence it is left out of the set. INT and
    /// QUIT are taken all the same: a shell script starts every job in the background with those
    /// two ignored (POSIX, 2.9.3.1), and `kill -INT $!` must end a run there, as it ends iputils'.
    pub fn take() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for (number, _) in WATCHED {
            if number != Number::SIGHUP || !is_ignored(number)? {
                set.add(number);
            }
        }
        set.thread_block()?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd, set })
    }

    /// The next signal that came, or `None`. Never blocks.
    pub fn take_next(&mut self) -> io::Result<Option<Signal>> {
        // Each read takes one; only watched numbers come, so this ends at the first match.
        let Some(info) = self.fd.read_signal()? else {
            return Ok(None);
        };
        let number = i32::try_from(info.ssi_signo).unwrap_or(0);
        Ok(WATCHED
            .iter()
            .find(|(watched, _)| *watched as i32 == number)
            .map(|&(_, signal)| signal))
    }

    /// Lets the signals act again as they did before, in this thread (for a forked child).
    pub fn unblock(&self) -> io::Result<()> {
        self.set.thread_unblock().map_err(io::Error::from)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether the process ignores this signal: sigaction(2) read only.
fn is_ignored(number: Number) -> io::Result<bool> {
    let mut old = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null `act` changes nothing; `old` is a writable sigaction for the call's time.
    let result = unsafe { libc::sigaction(number as i32, std::ptr::null(), old.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: sigaction(2) succeeded, so it has written all of `old`.
    Ok(unsafe { old.assume_init() }.sa_sigaction == libc::SIG_IGN)
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::raise;

    use super::*;

    // The mask is per thread and cargo runs each test in a thread of its own; raise(3) signals
    // the calling thread, so no other test sees these.
    #[test]
    fn a_raised_signal_is_read_and_does_not_kill() {
        let mut signals = Signals::take().unwrap();
        assert_eq!(signals.take_next().unwrap(), None);
        raise(Number::SIGUSR1).unwrap();
        raise(Number::SIGQUIT).unwrap();
        let mut seen = [signals.take_next().unwrap(), signals.take_next().unwrap()];
        seen.sort_by_key(|s| s.map(|s| s as u8));
        assert_eq!(seen, [Some(Signal::Quit), Some(Signal::User1)]);
        assert_eq!(signals.take_next().unwrap(), None);
    }
}
