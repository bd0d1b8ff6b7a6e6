//! Reading a capture file or pipe, pcap or pcapng, as a [`Source`]. Opening it is the caller's.

use std::io::{self, Read};
use std::ops::Range;

use super::feed::Feed;
use super::pcap::{self, Pcap};
use super::pcapng::{self, Pcapng};
use super::walk::{Fault, Record, Step};
use super::{Interface, Next, Source};
use crate::decode::{Flags, Frame};
use crate::error::Error;
use crate::event::Stamp;
use crate::view::escape;

#[derive(Debug)]
enum Format {
    /// Nothing was read yet.
    Unknown,
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
}

/// A capture file that is read from start to end, in constant memory.
#[derive(Debug)]
pub struct FileSource {
    /// As messages show it.
    name: String,
    feed: Feed,
    format: Format,
    /// After a fault.
    done: bool,
    /// The one interface of a pcap file.
    only: Option<Interface>,
    /// What [`Source::next`] went to. Its bytes lie just before the window.
    record: Record,
}

impl FileSource {
    /// Reads nothing yet. `name` is what messages call it, in the user's words.
    pub fn new(input: Box<dyn Read>, name: &str) -> Self {
        Self {
            name: escape::escape(name).into_owned(),
            feed: Feed::new(input),
            format: Format::Unknown,
            done: false,
            only: None,
            record: Record::none(),
        }
    }

    /// The name, escaped.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Packets that were dropped when the file was written, where it says so.
    pub fn drops(&self) -> Option<u64> {
        match &self.format {
            Format::Pcapng(walk) => walk.drops(),
            _ => None,
        }
    }

    fn step(&mut self) -> Step {
        let window = self.feed.window();
        match &mut self.format {
            Format::Pcap(walk) => walk.step(window),
            Format::Pcapng(walk) => walk.step(window),
            Format::Unknown => {
                let Some(start) = window.first_chunk::<4>() else {
                    return Step::Need(4);
                };
                if *start == pcapng::SECTION {
                    self.format = Format::Pcapng(Box::new(Pcapng::new()));
                    return Step::Skip(0);
                }
                if !pcap::is_magic(*start) {
                    let [a, b, c, d] = start;
                    let reason = format!(
                        "not a pcap or pcapng file, it begins with {a:02x} {b:02x} {c:02x} {d:02x}"
                    );
                    return Step::Damaged(Fault::new(0, reason));
                }
                if window.len() < pcap::HEADER {
                    return Step::Need(pcap::HEADER);
                }
                match Pcap::open(window) {
                    Ok((walk, interface)) => {
                        self.format = Format::Pcap(walk);
                        self.only = Some(interface);
                        Step::Skip(pcap::HEADER)
                    }
                    Err(fault) => Step::Damaged(fault),
                }
            }
        }
    }

    /// The file ended with `need` bytes wanted for what stands at the head of the window.
    fn at_end(&mut self, need: usize) -> Result<Next, Error> {
        let have = self.feed.window().len();
        let started = !matches!(self.format, Format::Unknown);
        if have == 0 && started {
            return Ok(Next::End);
        }
        let reason = if have == 0 {
            "the file is empty".to_owned()
        } else {
            format!("the file is cut short, {need} bytes begin here and {have} are left")
        };
        Err(self.damaged(&Fault::new(0, reason)))
    }

    fn damaged(&mut self, fault: &Fault) -> Error {
        self.done = true;
        let at = u64::try_from(fault.at).unwrap_or(u64::MAX);
        Error::Damaged {
            object: self.name.clone(),
            offset: self.feed.offset().saturating_add(at),
            unpacked: self.feed.is_gzip(),
            reason: fault.reason.clone(),
        }
    }

    /// A range of the current record, which is consumed.
    fn consumed(&self, range: &Range<usize>) -> &[u8] {
        let back = self.record.len.saturating_sub(range.start);
        self.feed.consumed(back, range.len())
    }
}

impl Source for FileSource {
    fn next(&mut self) -> Result<Next, Error> {
        while !self.done {
            match self.step() {
                Step::Packet(record) => {
                    self.feed.advance(record.len);
                    self.record = record;
                    return Ok(Next::Frame);
                }
                Step::Skip(len) => self.feed.advance(len),
                Step::Need(need) if self.feed.ended() => return self.at_end(need),
                Step::Need(_) => return Ok(Next::Wait),
                Step::Damaged(fault) => return Err(self.damaged(&fault)),
            }
        }
        Ok(Next::End)
    }

    fn frame(&self) -> Frame<'_> {
        let record = &self.record;
        Frame {
            at: record.at,
            stamp: Stamp::Kernel,
            iface: record.iface,
            link: record.link,
            dir: record.dir,
            flags: Flags::default(),
            wire_len: record.wire_len,
            bytes: self.consumed(&record.data),
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        // The window moves.
        self.record = Record::none();
        self.feed.fill().map_err(|error| match error.kind() {
            // What flate2 says of a stream that lies or stops.
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
                if self.feed.is_gzip() =>
            {
                let at = self.feed.window().len();
                let reason = format!("the gzip data is damaged behind this: {error}");
                self.damaged(&Fault::new(at, reason))
            }
            _ => {
                self.done = true;
                Error::Io {
                    operation: "read",
                    object: self.name.clone(),
                    source: error,
                }
            }
        })
    }

    fn interface(&self, number: u32) -> Option<&Interface> {
        match &self.format {
            Format::Pcapng(walk) => walk.interface(number),
            _ => self.only.as_ref().filter(|_| number == 1),
        }
    }

    fn comments(&self) -> Vec<&[u8]> {
        match &self.format {
            Format::Pcapng(walk) => {
                let spans = walk.comments().iter();
                spans.map(|span| self.consumed(span)).collect()
            }
            _ => Vec::new(),
        }
    }
}
