//! The step before any host can be made: namespaces of our own, with the rights to build links.

use std::fs;
use std::io;

use nix::unistd::{getegid, geteuid};

use super::netlink::Netlink;
use crate::error::Error;
use crate::sys::netns;

/// How [`enter_userns_if_needed`] got its rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A network namespace of our own; the rights were there already (root).
    Net,
    /// A user namespace, in which our uid is 0, and a network namespace in it.
    UserAndNet,
}

/// Leaves the machine's network for an empty namespace, in a new user namespace when our rights
/// alone do not allow that. Call it before any thread exists: the kernel refuses a user namespace
/// to a process with threads.
pub fn enter_userns_if_needed() -> Result<Isolation, Error> {
    match netns::unshare_net() {
        Ok(()) => return Ok(Isolation::Net),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(refused("unshare(CLONE_NEWNET)", error)),
    }
    // Ask before unsharing: afterwards both are the overflow ids.
    let (uid, gid) = (geteuid(), getegid());
    // A file with capabilities makes a process whose own files under /proc are root's (proc(5)).
    // What it had more than its user is gone with the next line.
    let _ = nix::sys::prctl::set_dumpable(true);
    netns::unshare_user_and_net()
        .map_err(|error| refused("unshare(CLONE_NEWUSER | CLONE_NEWNET)", error))?;
    // user_namespaces(7): without CAP_SETGID outside, gid_map needs setgroups denied first.
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    // AppArmor lets the namespace be made and takes every right in it away.
    Netlink::open()
        .and_then(|netlink| netlink.set_up("lo", true))
        .map_err(|error| match error {
            Error::Io { source, .. } => refused("a change in the new network", source),
            other => other,
        })?;
    Ok(Isolation::UserAndNet)
}

fn write(path: &'static str, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| refused(path, error))
}

fn refused(step: &'static str, source: io::Error) -> Error {
    Error::Namespaces { step, source }
}
