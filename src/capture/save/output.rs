//! One file or pipe being written: whole records only, every write checked.
//!
//! Records gather in a buffer that goes out when it is full, or 100 ms after its first byte came;
//! so a killed process loses at most that. (A SIGKILL that falls inside write(2) itself can cut a
//! record at a page border: the kernel looks for fatal signals between pages, mm/filemap.c
//! `generic_perform_write`. No order of appending writes avoids that.)

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, IntoRawFd};
use std::time::Duration;

use flate2::Compression;
use flate2::bufread::GzEncoder;

use crate::event::Mono;
use crate::sys::poll::{PollFd, PollFlags, ppoll};

/// Bytes that are gathered before they go out.
const FULL: usize = 64 * 1024;
/// Longest time that a record waits.
const LATEST: Duration = Duration::from_millis(100);

/// A record in the buffer ends here.
#[derive(Clone, Copy, Debug)]
struct End {
    at: usize,
    is_packet: bool,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    /// Ours alone: can be cut back to its last whole record.
    own: bool,
    gzip: bool,
    buffer: Vec<u8>,
    ends: Vec<End>,
    /// Since when the buffer is not empty.
    waiting: Option<Mono>,
    /// Bytes of the file that hold whole records.
    whole: u64,
    /// Packets among them.
    packets: u64,
    /// Bytes of records handed in, before any packing.
    taken: u64,
    failed: bool,
}

impl Output {
    /// Takes over a file. `own`: it was empty and is ours, so it can be cut back; else a pipe, or
    /// what the shell redirected. `gzip`: pack what is written.
    pub fn new(file: File, own: bool, gzip: bool) -> Self {
        Self {
            file,
            own,
            gzip,
            buffer: Vec::with_capacity(FULL),
            ends: Vec::new(),
            waiting: None,
            whole: 0,
            packets: 0,
            taken: 0,
            failed: false,
        }
    }

    /// Bytes of all records so far, before packing.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Appends one record, which `encode` writes.
    pub fn record(
        &mut self,
        is_packet: bool,
        now: Mono,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        let before = self.buffer.len();
        encode(&mut self.buffer);
        let at = self.buffer.len();
        let added = at.saturating_sub(before) as u64;
        self.taken = self.taken.saturating_add(added);
        self.ends.push(End { at, is_packet });
        self.waiting.get_or_insert(now);
        if at >= FULL {
            return self.flush();
        }
        self.tick(now)
    }

    /// When [`Output::tick`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Mono> {
        self.waiting.map(|since| since.plus(LATEST))
    }

    /// Writes what has waited long enough.
    pub fn tick(&mut self, now: Mono) -> io::Result<()> {
        match self.deadline() {
            Some(deadline) if now >= deadline => self.flush(),
            _ => Ok(()),
        }
    }

    /// Writes everything. After an error the file is cut back to its last whole record, and
    /// nothing more goes into it.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() || self.failed {
            return Ok(());
        }
        let packed;
        let bytes = if self.gzip {
            // A gzip file may have many members (RFC 1952 2.2): with one for each write it is
            // whole after every one.
            packed = pack(&self.buffer)?;
            &packed
        } else {
            &self.buffer
        };
        let (written, error) = write(&mut self.file, bytes);
        let kept = match &error {
            None => self.ends.len(),
            Some(_) if self.gzip => 0,
            Some(_) => self.ends.partition_point(|end| end.at <= written),
        };
        let ends = self.ends.get(..kept).unwrap_or(&[]);
        let packets = ends.iter().filter(|end| end.is_packet).count();
        let whole = match &error {
            None => bytes.len(),
            Some(_) => ends.last().map_or(0, |end| end.at),
        };
        self.packets = self.packets.saturating_add(packets as u64);
        self.whole = self.whole.saturating_add(whole as u64);
        self.buffer.clear();
        self.ends.clear();
        self.waiting = None;
        let Some(error) = error else {
            return Ok(());
        };
        self.failed = true;
        if self.own {
            self.file.set_len(self.whole)?;
        }
        Err(error)
    }

    /// Writes everything to the disk itself (SIGUSR2).
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.own {
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Writes everything and closes the file; gives the packets in it, also after an error.
    pub fn close(mut self) -> (u64, io::Result<()>) {
        let flushed = self.flush();
        let packets = self.packets;
        // close(2) can tell what went wrong on a network file system; dropping a File hides it.
        let closed = nix::unistd::close(self.file.into_raw_fd()).map_err(io::Error::from);
        (packets, flushed.and(closed))
    }
}

/// As much as goes, and why not more.
fn write(file: &mut File, mut bytes: &[u8]) -> (usize, Option<io::Error>) {
    let all = bytes.len();
    while !bytes.is_empty() {
        let error = match file.write(bytes) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => {
                bytes = bytes.get(count..).unwrap_or(&[]);
                continue;
            }
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            // A pipe whose other user made it non-blocking.
            io::ErrorKind::WouldBlock => {
                let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
                if let Err(error) = ppoll(&mut fds, None, None) {
                    return (all.saturating_sub(bytes.len()), Some(error));
                }
            }
            _ => return (all.saturating_sub(bytes.len()), Some(error)),
        }
    }
    (all, None)
}

fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed)?;
    Ok(packed)
}
