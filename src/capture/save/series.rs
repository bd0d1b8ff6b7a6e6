//! A capture's files, one after the other: a [`Saver`] that begins a new one when it is due.

use std::path::Path;

use super::rotate::{Names, Place, Rotation};
use super::{Saved, Saver, Target};
use crate::capture::Interface;
use crate::decode::Frame;
use crate::error::Error;
use crate::event::{Mono, Timestamp};

/// Whether more can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It can.
    More,
    /// As many files as were wanted are written; nothing more is saved.
    Enough,
}

/// What is saved, in one file or many.
#[derive(Debug)]
pub struct Series {
    target: Target,
    names: Option<Names>,
    saver: Option<Saver>,
    /// What every file begins with.
    described: Vec<(u32, Interface)>,
    saved: Saved,
    files: u32,
}

impl Series {
    /// Prepares; loads the zone that names need, so it comes before the drop.
    pub fn new(target: Target, rotation: Rotation) -> Result<Self, Error> {
        let names = match rotation.is_on() {
            true if target.is_stdout() => {
                return Err(Error::Usage {
                    message: "standard output cannot be rotated".into(),
                    fix: None,
                });
            }
            true => Some(Names::new(&target.path, rotation)?),
            false => None,
        };
        Ok(Self {
            target,
            names,
            saver: None,
            described: Vec::new(),
            saved: Saved::default(),
            files: 0,
        })
    }

    /// The directory in which later files will be made.
    pub fn directory(&self) -> Option<&Path> {
        self.names.as_ref()?;
        let parent = self.target.path.parent()?;
        Some(if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        })
    }

    /// Creates the first file. Where packets have times of their own (a file is read), the first
    /// file of a rotation is created with the first packet: call this with `None` then.
    pub fn start(&mut self, at: Option<Timestamp>) -> Result<(), Error> {
        match (at, &self.names) {
            (None, Some(_)) => Ok(()),
            (at, _) => self.begin(at.unwrap_or_default()),
        }
    }

    fn begin(&mut self, at: Timestamp) -> Result<(), Error> {
        let mut target = self.target.clone();
        if let Some(names) = &mut self.names {
            let Place { path, remove } = names.next(at);
            if let Some(ours) = remove {
                // Somebody may have taken it away: then there is room as well.
                let _ = std::fs::remove_file(ours);
            }
            target.path = path;
        }
        let mut saver = Saver::create(target)?;
        self.files = self.files.saturating_add(1);
        for (number, interface) in &self.described {
            saver.describe(*number, interface)?;
        }
        self.saver = Some(saver);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(saver) = self.saver.take() else {
            return Ok(());
        };
        let (saved, closed) = saver.finish();
        self.saved.packets = self.saved.packets.saturating_add(saved.packets);
        self.saved.lost = self.saved.lost.saturating_add(saved.lost);
        closed
    }

    /// Makes an interface known before its first frame: a pcap file has its header then.
    pub fn describe(&mut self, number: u32, interface: &Interface) -> Result<(), Error> {
        if self.names.is_some() && !self.described.iter().any(|known| known.0 == number) {
            self.described.push((number, interface.clone()));
        }
        match &mut self.saver {
            Some(saver) => saver.describe(number, interface),
            None => Ok(()),
        }
    }

    /// Saves one frame of `interface`, in the next file if this one is full or its time is over.
    pub fn packet(
        &mut self,
        frame: &Frame<'_>,
        interface: &Interface,
        comments: &[&[u8]],
        now: Mono,
    ) -> Result<Room, Error> {
        let size = self.saver.as_ref().map_or(0, |saver| {
            let size = saver.size_with(frame, comments);
            if saver.has_packets() { size } else { 0 }
        });
        if self.turn(frame.at, size)? == Room::Enough {
            return Ok(Room::Enough);
        }
        if self.saver.is_none() {
            self.begin(frame.at)?;
        }
        if let Some(saver) = &mut self.saver {
            saver.packet(frame, interface, comments, now)?;
        }
        Ok(Room::More)
    }

    /// Begins the next file if the current one is due.
    fn turn(&mut self, at: Timestamp, size: u64) -> Result<Room, Error> {
        let Some(names) = &self.names else {
            return Ok(Room::More);
        };
        if self.saver.is_none() || !names.is_due(at, size) {
            return Ok(Room::More);
        }
        if names.is_enough() {
            return Ok(Room::Enough);
        }
        self.end()?;
        self.begin(at)?;
        Ok(Room::More)
    }

    /// Interface numbers of frames mean a new source's from now on.
    pub fn next_source(&mut self) {
        self.described.clear();
        if let Some(saver) = &mut self.saver {
            saver.next_source();
        }
    }

    /// See [`Saver::statistics`]: they go into the current file.
    pub fn statistics(
        &mut self,
        number: u32,
        at: Timestamp,
        accepted: u64,
        dropped: u64,
    ) -> Result<(), Error> {
        match &mut self.saver {
            Some(saver) => saver.statistics(number, at, accepted, dropped),
            None => Ok(()),
        }
    }

    /// When [`Series::tick`] has to be called at the latest, on both clocks.
    pub fn deadline(&self) -> (Option<Mono>, Option<Timestamp>) {
        let flush = self.saver.as_ref().and_then(Saver::deadline);
        (flush, self.names.as_ref().and_then(Names::end))
    }

    /// Writes what has waited 100 ms, and begins the next file when its time has come.
    pub fn tick(&mut self, now: Mono, at: Timestamp) -> Result<Room, Error> {
        if self.turn(at, 0)? == Room::Enough {
            return Ok(Room::Enough);
        }
        if let Some(saver) = &mut self.saver {
            saver.tick(now)?;
        }
        Ok(Room::More)
    }

    /// Writes everything now.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.saver.as_mut().map_or(Ok(()), Saver::flush)
    }

    /// Writes everything to the disk itself.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.saver.as_mut().map_or(Ok(()), Saver::sync)
    }

    /// The file, or the template of the files, as messages show it.
    pub fn name(&self) -> String {
        self.target.display()
    }

    /// Writes the rest and closes the file. The counts are true also after an error.
    pub fn finish(mut self) -> (Saved, Result<(), Error>) {
        let closed = self.end();
        (self.saved, closed)
    }
}
