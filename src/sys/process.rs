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

/// [`fork_with`] in a new PID namespace (pid_namespaces(7)), whose first process the copy is: when
/// it ends, by whatever cause, the kernel kills all others in there.
///
/// Call it with one thread; the bare system call skips what fork(3) does for others. The copy may
/// allocate, since no other thread can hold a lock.
pub fn fork_in_new_pids(child: impl FnOnce() -> u8) -> io::Result<Pid> {
    let flags = libc::c_long::from(libc::CLONE_NEWPID | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with a null stack this is fork(2): the copy goes on with its own
    // copy of all memory. The program has one thread (see above), so no lock is held in it.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match Errno::result(result)? {
        0 => {
            let code = catch_unwind(AssertUnwindSafe(child)).unwrap_or(70);
            // SAFETY: _exit takes a number and ends the process.
            unsafe { libc::_exit(code.into()) }
        }
        pid => Ok(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?)),
    }
}

/// Children that end are not kept as zombies from now on, nor those that are handed to us
/// (SA_NOCLDWAIT in sigaction(2)).
pub fn forget_children() -> io::Result<()> {
    let action = SigAction::new(SigHandler::SigDfl, SaFlags::SA_NOCLDWAIT, SigSet::empty());
    // SAFETY: the default action runs no code of ours.
    unsafe { sigaction(Signal::SIGCHLD, &action) }?;
    Ok(())
}

/// The kernel kills `command` when the thread that starts it ends (PR_SET_PDEATHSIG in prctl(2)).
pub fn end_with_parent(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    let bind = || nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. This makes one bare
    // prctl system call; it allocates and locks nothing.
    unsafe { command.pre_exec(bind) };
}

/// Whether this process runs with more rights than its user started it with (AT_SECURE in
/// getauxval(3)): a setuid file or one with capabilities. Then the environment is not believed.
pub fn is_secure() -> bool {
    // SAFETY: getauxval takes a number and reads what the kernel gave at exec.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// All threads take their memory from one heap. glibc gives each thread a heap of its own, and opens a
/// file of /proc when such a heap shrinks (malloc/arena.c, `check_may_shrink_heap`): no sandbox of
/// ours has a right to that.
///
/// Call it before the first thread is made.
pub fn one_heap() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes two numbers and no pointer; no other thread uses the heap meanwhile.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
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
