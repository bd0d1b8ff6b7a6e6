//! The loop of `rawsock read`: after the drop, file by file, packet by packet.

use std::io;

use super::{Args, tell};
use crate::capture::{FileSource, Next, Room, Series, Source, link_type_name, link_type_number};
use crate::cli::gather::Gather;
use crate::cli::input::Input;
use crate::cli::look::{Look, Sight};
use crate::cli::show::{Context, Printer};
use crate::cli::wanted::Wanted;
use crate::error::{Env, Error};
use crate::event::Mono;
use crate::filter::Target;
use crate::sys::signal::{Signal, Signals};

/// What the loop works with.
pub struct Run<'a> {
    pub args: &'a Args,
    pub printer: Option<Printer>,
    pub saver: Option<Series>,
    /// Taken only when saving: then the file is closed in order. Else a signal just ends us.
    pub signals: Option<Signals>,
    pub wanted: Wanted,
    pub look: Look,
    pub gather: Option<Gather>,
    /// Packets chosen so far, of all files.
    pub total: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Give each packet's file.
    pub several: bool,
}

/// `-d`: prints the filter's program for the first link type of the first file.
pub fn dump(inputs: Vec<Input>, wanted: &Wanted, how: u8) -> Result<u8, Error> {
    for input in inputs.into_iter().take(1) {
        let name = input.name.clone();
        let mut source = FileSource::new(input.reader(), &name);
        loop {
            let next = source.next()?;
            if let Some(interface) = source.interface(1) {
                let program = wanted.program(interface.link, Target::File)?;
                return crate::cli::filter::dump(how, &program);
            }
            match next {
                Next::Wait => source.fill()?,
                Next::End => break,
                Next::Frame => {}
            }
        }
    }
    Err(Error::Usage {
        message: "the file describes no interface, so its link type is not known".into(),
        fix: Some("rawsock filter -y raw -d icmp".into()),
    })
}

/// How the loop over a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it was read.
    File,
    /// A limit was reached.
    Enough,
    /// A signal asked for it.
    Signal(Signal),
}

impl Run<'_> {
    /// Reads all files; gives the exit code.
    pub fn all(mut self, inputs: Vec<Input>) -> Result<u8, Error> {
        let mut result = Ok(0);
        for input in inputs {
            match self.one(input) {
                Ok(End::File) => {}
                Ok(End::Enough) => break,
                Ok(End::Signal(signal)) => {
                    result = result.and(Ok(exit_code(signal)));
                    break;
                }
                Err(error) => {
                    let goes_on = matches!(error, Error::Damaged { .. } | Error::Io { .. });
                    keep(&mut result, error);
                    if !goes_on {
                        break;
                    }
                }
            }
            if let Some(saver) = &mut self.saver {
                saver.next_source();
            }
        }
        self.finish(result)
    }

    fn one(&mut self, input: Input) -> Result<End, Error> {
        let waits = input.waits;
        let name = input.name.clone();
        let mut source = FileSource::new(input.reader(), &name);
        let mut number: u64 = 0;
        let mut introduced = false;
        loop {
            match source.next()? {
                Next::Frame => number = number.saturating_add(1),
                Next::Wait => {
                    if waits {
                        self.flush()?;
                    }
                    let filled = source.fill();
                    if let Some(end) = self.signal()? {
                        return Ok(end);
                    }
                    filled?;
                    continue;
                }
                Next::End => {
                    self.introduce(&source, &mut introduced)?;
                    return Ok(End::File);
                }
            }
            self.introduce(&source, &mut introduced)?;
            if self.packet(&source, number)? == Room::Enough {
                return Ok(End::Enough);
            }
            let full = self.args.max_bytes.is_some_and(|most| self.bytes >= most);
            if full || Some(self.total) == self.args.max_packets {
                return Ok(End::Enough);
            }
        }
    }

    fn packet(&mut self, source: &FileSource, number: u64) -> Result<Room, Error> {
        let frame = source.frame();
        if !self.wanted.matches(&frame)? {
            return Ok(Room::More);
        }
        let comments = source.comments();
        let interface = source.interface(frame.iface);
        let context = Context {
            number,
            numbered: true,
            interface,
            named: source.interface(2).is_some(),
            file: if self.several { source.name() } else { "" },
            comments: &comments,
        };
        let mut packet = None;
        if self.printer.is_some() || self.gather.is_some() || self.look.is_choosy() {
            match self.look.see(&context, &frame) {
                Sight::Refused => return Ok(Room::More),
                Sight::Good => packet = Some(self.look.packet()),
                Sight::Bug => {}
            }
        }
        self.total = self.total.saturating_add(1);
        self.bytes = self.bytes.saturating_add(frame.bytes.len() as u64);
        if let (Some(gather), Some(packet)) = (&mut self.gather, packet) {
            gather.add(number, &frame, packet)?;
        }
        if let Some(printer) = &mut self.printer {
            printer.show(&context, &frame, packet)?;
        }
        if let (Some(saver), Some(interface)) = (&mut self.saver, interface) {
            return saver.packet(&frame, interface, &comments, Mono::default());
        }
        Ok(Room::More)
    }

    /// What tcpdump says of a file, on stderr; and the file to save gets its header, so that it is
    /// whole also without a packet.
    fn introduce(&mut self, source: &FileSource, done: &mut bool) -> Result<(), Error> {
        if std::mem::replace(done, true) {
            return Ok(());
        }
        let Some(interface) = source.interface(1) else {
            return Ok(());
        };
        if let Some(saver) = &mut self.saver {
            saver.describe(1, interface)?;
        }
        let number = link_type_number(interface.link).unwrap_or(0);
        let link = match link_type_name(interface.link) {
            Some((short, long)) => format!("{short} ({long})"),
            None => format!("LINKTYPE {number}"),
        };
        let (name, snaplen) = (source.name(), interface.snaplen);
        tell(&format!(
            "reading from file {name}, link-type {link}, snapshot length {snaplen}"
        ));
        Ok(())
    }

    /// Before a wait: what is here is shown and saved.
    fn flush(&mut self) -> Result<(), Error> {
        if let Some(printer) = &mut self.printer {
            printer.flush()?;
        }
        if let Some(gather) = &mut self.gather {
            gather.flush()?;
        }
        match &mut self.saver {
            Some(saver) => saver.flush(),
            None => Ok(()),
        }
    }

    /// Answers signals; the end that one asks for.
    fn signal(&mut self) -> Result<Option<End>, Error> {
        let Some(signals) = &mut self.signals else {
            return Ok(None);
        };
        let failed = |source| Error::Io {
            operation: "read",
            object: "signals".into(),
            source,
        };
        while let Some(signal) = signals.take_next().map_err(failed)? {
            match signal {
                Signal::Interrupt | Signal::Terminate | Signal::Hangup => {
                    return Ok(Some(End::Signal(signal)));
                }
                Signal::Quit | Signal::User1 => tell(&packets(self.total)),
                Signal::User2 => {
                    if let Some(saver) = &mut self.saver {
                        saver.sync()?;
                    }
                }
            }
        }
        Ok(None)
    }

    fn finish(self, mut result: Result<u8, Error>) -> Result<u8, Error> {
        let look = &self.look;
        for line in look.fragments().into_iter().chain(look.connections()) {
            tell(&line);
        }
        let mut bugs = self.look.bugs();
        if let Some(mut printer) = self.printer {
            if let Err(error) = printer.flush() {
                keep(&mut result, error);
            }
            bugs = bugs.saturating_add(printer.bugs());
        }
        if bugs > 0 {
            result = result.map(|_| 70);
        }
        if let Some(mut gather) = self.gather {
            match gather.finish() {
                Ok(told) => told.iter().for_each(|line| tell(line)),
                Err(error) => keep(&mut result, error),
            }
        }
        if self.args.count
            && let Err(error) = crate::cli::print(format!("{}\n", packets(self.total)).as_bytes())
        {
            keep(&mut result, error);
        }
        if let Some(saver) = self.saver {
            let name = saver.name();
            let (saved, closed) = saver.finish();
            if let Err(error) = closed {
                keep(&mut result, error);
            }
            // A reader that went away knows what it has.
            let gone = matches!(&result, Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe);
            if saved.lost > 0 && !gone {
                let (kept, lost) = (packets(saved.packets), saved.lost);
                tell(&format!("{kept} written to {name}, {lost} lost"));
            }
        }
        result
    }
}

/// The exit code of a run that a signal ended (128 + its number, as a shell gives it).
fn exit_code(signal: Signal) -> u8 {
    match signal {
        Signal::Terminate => 143,
        Signal::Hangup => 129,
        _ => 130,
    }
}

/// Keeps the first error, or the one that lost output; tells the other at once.
fn keep(result: &mut Result<u8, Error>, error: Error) {
    let more = matches!(error, Error::Output { .. });
    match result {
        Err(first) if !more || matches!(first, Error::Output { .. }) => {
            tell(&error.render(Env::default));
        }
        Err(_) => {
            if let Err(first) = std::mem::replace(result, Err(error)) {
                tell(&first.render(Env::default));
            }
        }
        Ok(_) => *result = Err(error),
    }
}

fn packets(count: u64) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} packet{ending}")
}
