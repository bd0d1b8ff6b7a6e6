//! `--save`: one pcapng file a host, each frame with its fate as a comment, and the wire's log as
//! text. Written by the wire process; the files are made on its way into the sandbox.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::capture::{Interface, MAX_PACKET, Saver, Target};
use crate::decode::{Decoder, Direction, LinkType, Packet};
use crate::error::Error;
use crate::event::Mono;
use crate::view::fate::{render_fates, render_time};
use crate::view::line;
use crate::wire::{Log, Stories, Story};

/// The open files.
#[derive(Debug)]
pub(super) struct Save {
    hosts: Vec<String>,
    savers: Vec<Saver>,
    log: File,
    text: String,
    stories: Stories,
    /// Number of the next event to take.
    next: u64,
    decoder: Decoder,
    packet: Packet,
    /// The first failure: nothing is written after it.
    failed: Option<Error>,
}

impl Save {
    /// Makes the folder, if it is not there, and the files, which must not be.
    pub fn create(folder: &Path, hosts: &[String]) -> Result<Self, Error> {
        let io = |object: &Path| {
            let object = object.display().to_string();
            move |source| Error::Io {
                operation: "create",
                object,
                source,
            }
        };
        if !folder.is_dir() {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .map_err(io(folder))?;
        }
        let saver = |name: &String| {
            Saver::create(Target::from_path(&folder.join(format!("{name}.pcapng"))))
        };
        let savers: Result<Vec<Saver>, Error> = hosts.iter().map(saver).collect();
        let path = folder.join("wire.log");
        let log = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)
            .map_err(io(&path))?;
        let mut save = Self {
            hosts: hosts.to_vec(),
            savers: savers?,
            log,
            text: String::new(),
            stories: Stories::default(),
            next: 0,
            decoder: Decoder::new(),
            packet: Packet::new(),
            failed: None,
        };
        for (number, saver) in save.savers.iter_mut().enumerate() {
            saver.describe(0, &interface(&save.hosts, number))?;
        }
        Ok(save)
    }

    /// Takes what is new in the log and writes the stories that are complete.
    pub fn take(&mut self, log: &Log, now: Mono) {
        for entry in log.since(self.next) {
            self.stories.take(entry);
        }
        self.next = log.next();
        while let Some(story) = self.stories.ready() {
            self.write(&story, now);
        }
        for saver in &mut self.savers {
            if let Err(error) = saver.tick(now) {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Writes the rest, and closes.
    pub fn finish(mut self, now: Mono) -> Result<(), Error> {
        while let Some(story) = self.stories.rest() {
            self.write(&story, now);
        }
        for saver in self.savers {
            let (_, closed) = saver.finish();
            if let Err(error) = closed {
                self.failed.get_or_insert(error);
            }
        }
        self.failed.map_or(Ok(()), Err)
    }

    fn write(&mut self, story: &Story, now: Mono) {
        if self.failed.is_some() {
            return;
        }
        let written = self.try_write(story, now);
        self.failed = written.err();
    }

    fn try_write(&mut self, story: &Story, now: Mono) -> Result<(), Error> {
        let frame = story.packet.frame();
        let number = usize::from(story.host.0);
        self.text.clear();
        render_fates(story, &self.hosts, &mut self.text);
        if let Some(saver) = self.savers.get_mut(number) {
            let comment = [self.text.as_bytes()];
            saver.packet(&frame, &interface(&self.hosts, number), &comment, now)?;
        }
        if story.packet.dir != Direction::Out {
            return Ok(());
        }
        let fates = std::mem::take(&mut self.text);
        self.decoder.decode(&frame, &mut self.packet);
        render_time(story.at, &mut self.text);
        let name = self.hosts.get(number).map_or("?", String::as_str);
        let _ = write!(self.text, " {name:<6} ");
        let mut told = frame;
        told.dir = Direction::Unknown;
        line::render_line(&told, &self.packet, line::Style::default(), &mut self.text);
        self.text.push_str("  # ");
        self.text.push_str(&fates);
        self.text.push('\n');
        self.log
            .write_all(self.text.as_bytes())
            .map_err(|source| Error::Output {
                object: "wire.log".into(),
                source,
            })
    }
}

fn interface(hosts: &[String], number: usize) -> Interface {
    Interface {
        name: hosts.get(number).cloned().unwrap_or_default(),
        description: "end of a cable of rawsock lab".into(),
        filter: String::new(),
        link: LinkType::Ethernet,
        snaplen: MAX_PACKET,
        nanos: true,
    }
}
