//! The file of a unix server's socket, removed when the server is gone, also by `kill -9`: after
//! the drop the server itself may remove nothing, so a small process waits for its end.

use std::fs;
use std::io::{self, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::wait::waitpid;

use crate::error::Error;
use crate::sys::cred::close_range;
use crate::sys::process::{Pid, fork_with};

/// Removes the file when dropped, or when this process ends.
pub struct Keeper {
    alive: Option<PipeWriter>,
    child: Pid,
}

impl Keeper {
    /// Starts the process. It reads nothing but the end of a pipe. Call it with one thread.
    pub fn start(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io {
            operation: "start",
            object: "the process that removes the socket's file".into(),
            source,
        };
        let (mut reader, alive) = io::pipe().map_err(failed)?;
        let made = fs::symlink_metadata(path).map_err(failed)?.ino();
        let fd = reader.as_raw_fd();
        let child = fork_with(|| {
            // All but the pipe: the listener would go on listening here.
            let _ = close_range(3, fd - 1);
            let _ = close_range(fd + 1, i32::MAX);
            let _ = reader.read(&mut [0]);
            // Another's file of the same name stays.
            if fs::symlink_metadata(path).is_ok_and(|now| now.ino() == made) {
                let _ = fs::remove_file(path);
            }
            0
        });
        Ok(Self {
            alive: Some(alive),
            child: child.map_err(failed)?,
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = waitpid(self.child, None);
    }
}
