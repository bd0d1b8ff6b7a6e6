//! A child without exec: fork, its environment, and its end when the other end of a socket goes.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
pub use nix::unistd::Pid;
use nix::unistd::{ForkResult, fork};

/// Runs `child` in a copy of this process and returns its id. The copy ends with the code that
/// `child` returns (70 if it panics) and never comes back.
///
/// Call it with one thread: a lock that another thread holds stays locked in the copy for ever.
pub fn fork_with(child: impl FnOnce() -> u8) -> io::Result<Pid> {
    // SAFETY: the program has one thread here (callers fork before any thread is made), so the
    // copy finds every lock free. glibc also makes malloc usable after fork.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            // Not a return: what the parent owns (files to flush, guards) is not ours to drop.
            let code = catch_unwind(AssertUnwindSafe(child)).unwrap_or(70);
            // SAFETY: _exit takes a number and ends the process.
            unsafe { libc::_exit(code.into()) }
        }
    }
}

/// Forgets every environment variable, so that none names a file to a library (HOSTALIASES,
/// resolver(3)).
///
/// Call it with one thread, as a fresh child has.
pub fn clear_environment() -> io::Result<()> {
    // SAFETY: no other thread reads the environment meanwhile, see above.
    let result = unsafe { libc::clearenv() };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::other("clearenv(3) refused"))
    }
}

/// The descriptor whose other end keeps this process alive.
static LIFELINE: AtomicI32 = AtomicI32::new(-1);

/// Ends this process, whatever it is doing, as soon as the other end of `socket` is closed.
///
/// A library call may block for as long as a name server is silent; polling would come too late.
pub fn end_with_peer(socket: impl AsFd) -> io::Result<()> {
    let fd = socket.as_fd();
    LIFELINE.store(fd.as_raw_fd(), Ordering::Relaxed);
    let action = SigAction::new(
        SigHandler::Handler(look_at_lifeline),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler makes only async-signal-safe calls (signal-safety(7)): poll and _exit;
    // it keeps errno and touches one atomic.
    unsafe { sigaction(Signal::SIGIO, &action) }?;
    own_signals(fd.as_raw_fd())?;
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_ASYNC))?;
    // Closed before we were listening: no signal will come.
    look_at_lifeline(libc::SIGIO);
    Ok(())
}

/// SIGIO about `fd` goes to this process (F_SETOWN in fcntl(2)).
fn own_signals(fd: i32) -> io::Result<()> {
    // SAFETY: takes numbers and no pointer; the caller has borrowed the descriptor.
    let result = unsafe { libc::fcntl(fd, libc::F_SETOWN, libc::getpid()) };
    Errno::result(result).map(drop).map_err(Into::into)
}

extern "C" fn look_at_lifeline(_: libc::c_int) {
    let errno = Errno::last_raw();
    let mut lifeline = libc::pollfd {
        fd: LIFELINE.load(Ordering::Relaxed),
        events: libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: one live pollfd and a count of one; a timeout of 0 never blocks.
    let ready = unsafe { libc::poll(&raw mut lifeline, 1, 0) };
    if ready == 1 {
        // SAFETY: _exit takes a number and ends the process.
        unsafe { libc::_exit(0) };
    }
    Errno::set_raw(errno);
}
