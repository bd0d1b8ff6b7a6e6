//! Network and user namespaces of the calling thread (namespaces(7)); no policy, no links.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sched::{CloneFlags, setns, unshare};

/// Moves the calling thread into a new, empty network namespace (`unshare(2)`).
pub fn unshare_net() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET)?)
}

/// Moves the process into new user and network namespaces. The kernel allows it only to a process
/// with one thread (EINVAL otherwise).
pub fn unshare_user_and_net() -> io::Result<()> {
    Ok(unshare(
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET,
    )?)
}

/// The calling thread's network namespace. It lives as long as the descriptor.
pub fn current_net() -> io::Result<OwnedFd> {
    // Not /proc/self: that is the main thread's.
    Ok(File::open("/proc/thread-self/ns/net")?.into())
}

/// Moves the calling thread into a network namespace (`setns(2)`).
pub fn set_net(namespace: impl AsFd) -> io::Result<()> {
    Ok(setns(namespace, CloneFlags::CLONE_NEWNET)?)
}

/// This process's user namespace.
pub fn current_user() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/self/ns/user")?.into())
}

/// The PID namespace that a child of ours is in.
pub fn pids_of(child: nix::unistd::Pid) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/{child}/ns/pid"))?.into())
}

/// Moves the process into a user namespace; only with one thread (`setns(2)`).
pub fn set_user(namespace: impl AsFd) -> io::Result<()> {
    Ok(setns(namespace, CloneFlags::CLONE_NEWUSER)?)
}

/// Children that the calling thread starts from now on are in this PID namespace.
pub fn set_pids_for_children(namespace: impl AsFd) -> io::Result<()> {
    Ok(setns(namespace, CloneFlags::CLONE_NEWPID)?)
}

/// Whether two descriptors are of the same namespace.
pub fn is_same(one: impl AsFd, other: impl AsFd) -> io::Result<bool> {
    let (one, other) = (nix::sys::stat::fstat(one)?, nix::sys::stat::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Lets `command` run inside a network namespace: the child enters it between fork and exec.
pub fn exec_in_net(command: &mut Command, namespace: OwnedFd) {
    let enter = move || set_net(&namespace);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `enter` makes one
    // bare setns system call and turns errno into an `io::Error`; it allocates and locks nothing.
    unsafe { command.pre_exec(enter) };
}
