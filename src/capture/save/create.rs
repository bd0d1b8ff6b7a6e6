//! Creating a file to save into: never through a link, never over what is not ours.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::unistd::Uid;

use crate::error::Error;
use crate::view::escape::escape;

/// Creates the file, mode 0600; it must not exist. With `force` a regular file of this user is
/// emptied and used.
///
/// tcpdump and dumpcap follow a symbolic link here and empty what it points to.
pub fn create(path: &Path, force: bool) -> Result<File, Error> {
    let fresh = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path);
    let file = match fresh {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && force => reuse(path)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let object = display(path);
            return Err(Error::Exists { object });
        }
        other => other.map_err(|error| failed(path, error))?,
    };
    lock(&file, path)?;
    // Only now: the lock says that no other capture is writing it.
    file.set_len(0).map_err(|error| failed(path, error))?;
    Ok(file)
}

/// Standard output, as a file of its own. Binary data does not go to a terminal.
pub(super) fn standard_output() -> Result<File, Error> {
    let stdout = io::stdout();
    if io::IsTerminal::is_terminal(&stdout) {
        return Err(Error::Usage {
            message: "standard output is a terminal, a capture file is not for eyes".into(),
            fix: Some("rawsock read x.pcap -w - | wireshark -k -i -".into()),
        });
    }
    let copy = stdout.as_fd().try_clone_to_owned();
    copy.map(File::from)
        .map_err(|error| failed(Path::new("standard output"), error))
}

/// Opens an existing file for writing, if it is a regular file of this user without a second name.
fn reuse(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .write(true)
        // O_NONBLOCK: opening a pipe without a reader must not wait.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => refused(path, "it is a symbolic link"),
            _ => failed(path, error),
        })?;
    let facts = file.metadata().map_err(|error| failed(path, error))?;
    if !facts.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    if facts.uid() != Uid::effective().as_raw() {
        return Err(refused(path, "it belongs to another user"));
    }
    if facts.nlink() != 1 {
        return Err(refused(path, "it has a second name (hard link)"));
    }
    Ok(file)
}

/// Two captures never write one file.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(refused(path, "another capture is writing it")),
        // A file system without locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// A path for a message.
pub(super) fn display(path: &Path) -> String {
    escape(AsRef::<OsStr>::as_ref(path).as_encoded_bytes()).into_owned()
}

/// `--force` does not help.
fn refused(path: &Path, why: &str) -> Error {
    Error::Usage {
        message: format!("cannot write {}: {why}", display(path)),
        fix: None,
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        operation: "create",
        object: display(path),
        source,
    }
}
