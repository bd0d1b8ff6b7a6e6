//! Saving frames to pcap and pcapng files, plain or packed. When to start the next file, and under
//! which name, is `rotate`'s.

mod create;
mod encode;
mod output;
mod rotate;
mod series;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use create::create as create_file;
use output::Output;
pub use rotate::Rotation;
pub use series::{Room, Series};

use super::{Interface, MAX_INTERFACES, MAX_PACKET, link_type_name, link_type_number};
use crate::decode::{Frame, LinkType};
use crate::error::Error;
use crate::event::{Mono, Timestamp};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One link type, no names; what every tool reads.
    Pcap,
    /// Interface names, filter, comments, drop counts; nanoseconds.
    Pcapng,
}

/// Where and how to save.
#[derive(Clone, Debug)]
pub struct Target {
    /// The file; `-` is standard output.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// Pack it with gzip.
    pub gzip: bool,
    /// Use a regular file of this user that exists.
    pub force: bool,
    /// Write every record at once (`-U`).
    pub unbuffered: bool,
    /// Nanoseconds in a pcap file; `None`: as the interface has them.
    pub nanos: Option<bool>,
}

impl Target {
    /// What a file name says: `.pcapng` and `.pcapng.gz` are pcapng, all else is pcap; `.gz` is
    /// packed.
    pub fn from_path(path: &Path) -> Self {
        let name = path.as_os_str().as_bytes();
        let plain = name.strip_suffix(b".gz");
        let gzip = plain.is_some();
        let pcapng = plain.unwrap_or(name).ends_with(b".pcapng");
        Self {
            path: path.to_owned(),
            format: if pcapng { Format::Pcapng } else { Format::Pcap },
            gzip,
            force: false,
            unbuffered: false,
            nanos: None,
        }
    }

    fn is_stdout(&self) -> bool {
        self.path.as_os_str() == OsStr::new("-")
    }

    /// As messages show it.
    pub fn display(&self) -> String {
        if self.is_stdout() {
            "standard output".to_owned()
        } else {
            create::display(&self.path)
        }
    }
}

/// What became of a [`Saver`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Packets in the files.
    pub packets: u64,
    /// Packets that were handed in and are in no file.
    pub lost: u64,
}

/// An open capture file that frames go into.
#[derive(Debug)]
pub struct Saver {
    target: Target,
    output: Output,
    /// The pcap header was written: its link type, and nanoseconds or not.
    pcap: Option<(LinkType, bool)>,
    /// pcapng: interfaces described so far.
    known: Vec<Interface>,
    /// Which of them an interface number of the current source means.
    ids: HashMap<u32, u32>,
    /// Packets handed in.
    taken: u64,
}

impl Saver {
    /// Creates the file. What the file needs at its start is written at once where it is known,
    /// the rest with the first frame or [`Saver::describe`].
    pub fn create(target: Target) -> Result<Self, Error> {
        let (file, own) = if target.is_stdout() {
            (create::standard_output()?, false)
        } else {
            (create::create(&target.path, target.force)?, true)
        };
        let mut saver = Self {
            output: Output::new(file, own, target.gzip),
            target,
            pcap: None,
            known: Vec::new(),
            ids: HashMap::new(),
            taken: 0,
        };
        if saver.target.format == Format::Pcapng {
            let written = saver
                .output
                .record(false, Mono::default(), encode::section)
                .and_then(|()| saver.output.flush());
            saver.checked(written)?;
        }
        Ok(saver)
    }

    /// Makes an interface known before its first frame: a pcap file has its header then.
    pub fn describe(&mut self, number: u32, interface: &Interface) -> Result<(), Error> {
        match self.target.format {
            Format::Pcapng => self.id(number, interface).map(drop),
            Format::Pcap => self.header(interface),
        }?;
        let flushed = self.output.flush();
        self.checked(flushed)
    }

    /// Saves one frame of `interface`, which is what its number means.
    pub fn packet(
        &mut self,
        frame: &Frame<'_>,
        interface: &Interface,
        comments: &[&[u8]],
        now: Mono,
    ) -> Result<(), Error> {
        self.taken = self.taken.saturating_add(1);
        let written = match self.target.format {
            Format::Pcap => {
                if self.pcap.is_none() {
                    self.header(interface)?;
                }
                let (link, nanos) = self.pcap.unwrap_or((frame.link, false));
                if link != frame.link {
                    return Err(self.second_link(link, frame.link));
                }
                self.output
                    .record(true, now, |out| encode::pcap_record(out, nanos, frame))
            }
            Format::Pcapng => {
                let id = match self.ids.get(&frame.iface) {
                    Some(id) => *id,
                    None => self.id(frame.iface, interface)?,
                };
                self.output.record(true, now, |out| {
                    encode::enhanced(out, id, frame, comments);
                })
            }
        };
        let written = match written {
            Ok(()) if self.target.unbuffered => self.output.flush(),
            other => other,
        };
        self.checked(written)
    }

    /// Bytes of the file, before packing, with this frame as well.
    fn size_with(&self, frame: &Frame<'_>, comments: &[&[u8]]) -> u64 {
        let record = match self.target.format {
            Format::Pcap => encode::pcap_size(frame),
            Format::Pcapng => encode::enhanced_size(frame, comments),
        };
        self.output.taken().saturating_add(record)
    }

    /// Frames were saved in it.
    fn has_packets(&self) -> bool {
        self.taken > 0
    }

    /// Interface numbers of frames mean a new source's from now on.
    pub fn next_source(&mut self) {
        self.ids.clear();
    }

    /// Says how many packets passed the filter of an interface and how many were dropped, up to
    /// `at`. Only pcapng can hold it.
    pub fn statistics(
        &mut self,
        number: u32,
        at: Timestamp,
        accepted: u64,
        dropped: u64,
    ) -> Result<(), Error> {
        let Some(id) = self.ids.get(&number).copied() else {
            return Ok(());
        };
        let written = self.output.record(false, Mono::default(), |out| {
            encode::statistics(out, id, at, accepted, dropped);
        });
        self.checked(written)
    }

    /// When [`Saver::tick`] has to be called at the latest.
    pub fn deadline(&self) -> Option<Mono> {
        self.output.deadline()
    }

    /// Writes what has waited 100 ms.
    pub fn tick(&mut self, now: Mono) -> Result<(), Error> {
        let written = self.output.tick(now);
        self.checked(written)
    }

    /// Writes everything now.
    pub fn flush(&mut self) -> Result<(), Error> {
        let written = self.output.flush();
        self.checked(written)
    }

    /// The file, as messages show it.
    pub fn name(&self) -> String {
        self.target.display()
    }

    /// Writes everything to the disk itself.
    pub fn sync(&mut self) -> Result<(), Error> {
        let written = self.output.sync();
        self.checked(written)
    }

    /// Writes the rest and closes the file. The counts are true also after an error.
    pub fn finish(self) -> (Saved, Result<(), Error>) {
        let name = self.target.display();
        let (packets, closed) = self.output.close();
        let saved = Saved {
            packets,
            lost: self.taken.saturating_sub(packets),
        };
        (saved, closed.map_err(|source| lost_output(&name, source)))
    }

    fn header(&mut self, interface: &Interface) -> Result<(), Error> {
        if self.pcap.is_some() {
            return Ok(());
        }
        let link = interface.link;
        let number = file_number(link)?;
        let nanos = self.target.nanos.unwrap_or(interface.nanos);
        self.pcap = Some((link, nanos));
        let written = self.output.record(false, Mono::default(), |out| {
            encode::pcap_header(out, nanos, MAX_PACKET, number);
        });
        self.checked(written)
    }

    /// The pcapng number of an interface of the current source; describes it if it is new.
    fn id(&mut self, number: u32, interface: &Interface) -> Result<u32, Error> {
        let at = self.known.iter().position(|known| known == interface);
        let at = match at {
            Some(at) => at,
            None if self.known.len() >= MAX_INTERFACES => {
                return Err(Error::Usage {
                    message: format!("more than {MAX_INTERFACES} interfaces for one file"),
                    fix: None,
                });
            }
            None => {
                let link = file_number(interface.link)?;
                let written = self.output.record(false, Mono::default(), |out| {
                    encode::interface(out, interface, link);
                });
                self.checked(written)?;
                self.known.push(interface.clone());
                self.known.len().saturating_sub(1)
            }
        };
        let id = u32::try_from(at).unwrap_or(u32::MAX);
        self.ids.insert(number, id);
        Ok(id)
    }

    fn checked(&self, written: io::Result<()>) -> Result<(), Error> {
        written.map_err(|source| lost_output(&self.target.display(), source))
    }

    fn second_link(&self, first: LinkType, second: LinkType) -> Error {
        let name = |link| link_type_name(link).map_or_else(|| format!("{link:?}"), |n| n.1.into());
        Error::Usage {
            message: format!(
                "a pcap file has one link type: {} holds {}, this packet is {}",
                self.target.display(),
                name(first),
                name(second)
            ),
            fix: Some("-w x.pcapng".into()),
        }
    }
}

fn file_number(link: LinkType) -> Result<u16, Error> {
    link_type_number(link).ok_or_else(|| Error::Usage {
        message: "bare ICMP messages have no link type of capture files".into(),
        fix: None,
    })
}

fn lost_output(name: &str, source: io::Error) -> Error {
    Error::Output {
        object: name.to_owned(),
        source,
    }
}
