//! Starting a program in a host of a lab, also of a lab that another process keeps.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic;
use std::process::{Child, Command};
use std::thread;

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use super::names::VARIABLE;
use crate::error::Error;
use crate::sys::{netns, process};

/// Starts `command` in a network namespace, and in a PID namespace whose end is its own end. Without
/// one it ends with the calling thread.
pub(super) fn spawn(
    net: BorrowedFd<'_>,
    pids: Option<BorrowedFd<'_>>,
    names: &str,
    command: &mut Command,
) -> Result<Child, Error> {
    command.env(VARIABLE, names);
    let spawned = match pids {
        Some(pids) => {
            // A thread of its own: where its children go is the thread's, and a thread that sends
            // its children elsewhere can start no other thread (clone(2), EINVAL).
            let start = || {
                netns::set_net(net)?;
                netns::set_pids_for_children(pids)?;
                // What we answer to by reading, the program must answer to as it likes.
                SigSet::all().thread_unblock()?;
                command.spawn()
            };
            let started = thread::scope(|scope| scope.spawn(start).join());
            started.unwrap_or_else(|panic| panic::resume_unwind(panic))
        }
        None => net.try_clone_to_owned().and_then(|net| {
            netns::exec_in_net(command, net);
            process::end_with_parent(command);
            // Ends with this thread, so no other can start it: unblock and block again.
            let mut before = SigSet::empty();
            pthread_sigmask(
                SigmaskHow::SIG_UNBLOCK,
                Some(&SigSet::all()),
                Some(&mut before),
            )?;
            let spawned = command.spawn();
            before.thread_set_mask()?;
            spawned
        }),
    };
    spawned.map_err(|source| Error::Io {
        operation: "run",
        object: command.get_program().display().to_string(),
        source,
    })
}

/// The way into a host of a lab that another process keeps.
#[derive(Debug)]
pub struct Door {
    pub(super) user: OwnedFd,
    pub(super) net: OwnedFd,
    pub(super) pids: Option<OwnedFd>,
    pub(super) names: String,
}

impl Door {
    /// Goes through, and starts a program there. Call it with one thread: the kernel lets no other
    /// process change its user namespace.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, Error> {
        let enter = || -> io::Result<()> {
            if !netns::is_same(&self.user, netns::current_user()?)? {
                netns::set_user(&self.user)?;
            }
            Ok(())
        };
        enter().map_err(|source| Error::Io {
            operation: "enter",
            object: "the lab".into(),
            source,
        })?;
        let pids = self.pids.as_ref().map(AsFd::as_fd);
        spawn(self.net.as_fd(), pids, &self.names, command)
    }
}
