//! Opening the capture files that a command reads, and waiting for a pipe so that a signal ends the wait.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::Error;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::signal::Signals;
use crate::view::escape::escape;

/// An open file, not read yet.
#[derive(Debug)]
pub struct Input {
    file: File,
    /// As messages show it.
    pub name: String,
    /// A pipe or a terminal: it can keep us waiting.
    pub waits: bool,
    /// Becomes readable when a signal came.
    signals: Option<OwnedFd>,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin {
            "standard input".to_owned()
        } else {
            escape(path.as_os_str().as_bytes()).into_owned()
        };
        let file = if stdin {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let failed = |source| Error::Io {
            operation: "open",
            object: name.clone(),
            source,
        };
        let file = file.map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if facts.is_dir() {
            return Err(failed(io::Error::from_raw_os_error(libc::EISDIR)));
        }
        Ok(Self {
            waits: !facts.is_file(),
            file,
            name,
            signals: None,
        })
    }

    /// A wait for bytes ends when a signal comes. Opens a descriptor, so it comes before the drop.
    pub fn heed(&mut self, signals: &Signals) -> io::Result<()> {
        if self.waits {
            self.signals = Some(signals.as_fd().try_clone_to_owned()?);
        }
        Ok(())
    }

    /// Every open descriptor.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let signals = self.signals.iter().map(AsFd::as_fd);
        signals.chain([self.file.as_fd()])
    }

    /// The bytes.
    pub fn reader(self) -> Box<dyn Read> {
        let file = self.file;
        match self.signals {
            Some(signals) => Box::new(Patient { file, signals }),
            None => Box::new(file),
        }
    }
}

/// Reads a pipe, but not past a signal.
struct Patient {
    file: File,
    signals: OwnedFd,
}

impl Read for Patient {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.file.as_fd(), PollFlags::POLLIN),
        ];
        ppoll(&mut fds, None, None)?;
        let [signals, _] = fds;
        if signals.any() == Some(true) {
            // Not `Interrupted`, which everybody takes for "try again".
            return Err(io::Error::other("a signal came"));
        }
        self.file.read(room)
    }
}
