//! `rawsock filter EXPRESSION -r FILE`: which packets of capture files a filter chooses, by number,
//! and how many. Opens, drops, then reads.

use std::fmt::Write as _;
use std::io::{self, StdoutLock, Write as _};
use std::os::fd::BorrowedFd;

use serde_json::Value;

use super::Args;
use crate::capture::{FileSource, Next, Source};
use crate::cli::input::Input;
use crate::cli::wanted::Wanted;
use crate::error::{Env, Error};
use crate::privilege::{self, table};

/// Text that is gathered before it goes out.
const FULL: usize = 64 * 1024;

/// Runs the filter over every file; gives the exit code.
pub fn run(args: &Args, expression: &str) -> Result<u8, Error> {
    privilege::close_gaps()?;
    let mut wanted = Wanted::parse(expression, args.pcap_compat)?;
    let inputs = args.files.iter().map(|path| Input::open(path));
    let inputs: Vec<Input> = inputs.collect::<Result<_, _>>()?;
    let keep: Vec<BorrowedFd<'_>> = inputs.iter().flat_map(Input::descriptors).collect();
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    let report = privilege::drop(&table::FILTER_FILES, &options)?;
    for missing in &report.missing {
        tell(&format!("warning: {missing}"));
    }
    let mut result = Ok(0);
    let mut told = Told {
        json: args.json,
        ..Told::new()
    };
    for input in inputs {
        let name = input.name.clone();
        let mut source = FileSource::new(input.reader(), &name);
        told.begin(source.name(), wanted.text());
        let read = one(&mut source, &mut wanted, &mut told);
        let written = told.end(source.name());
        if let Err(error) = read.and(written) {
            let lost = matches!(error, Error::Output { .. });
            if let Err(first) = std::mem::replace(&mut result, Err(error)) {
                tell(&first.render(Env::default));
            }
            if lost {
                break;
            }
        }
    }
    result
}

fn one(source: &mut FileSource, wanted: &mut Wanted, told: &mut Told) -> Result<(), Error> {
    loop {
        match source.next()? {
            Next::Wait => source.fill()?,
            Next::End => return Ok(()),
            Next::Frame => {
                let matches = wanted.matches(&source.frame())?;
                told.packet(matches)?;
            }
        }
    }
}

/// What goes to standard output: numbers in ranges, then the counts.
struct Told {
    json: bool,
    text: String,
    out: StdoutLock<'static>,
    packets: u64,
    matches: u64,
    /// First and last of the range that may still grow.
    range: Option<(u64, u64)>,
    /// A range of this file was written.
    any: bool,
}

impl Told {
    fn new() -> Self {
        Self {
            json: false,
            text: String::new(),
            out: io::stdout().lock(),
            packets: 0,
            matches: 0,
            range: None,
            any: false,
        }
    }

    fn begin(&mut self, file: &str, expression: &str) {
        (self.packets, self.matches, self.any) = (0, 0, false);
        if self.json {
            let (file, expression) = (Value::from(file), Value::from(expression));
            let _ = write!(
                self.text,
                r#"{{"type":"filter_run","file":{file},"expression":{expression},"numbers":["#
            );
        } else {
            let _ = write!(self.text, "{file}:");
        }
    }

    fn packet(&mut self, matches: bool) -> Result<(), Error> {
        self.packets = self.packets.saturating_add(1);
        if !matches {
            return Ok(());
        }
        self.matches = self.matches.saturating_add(1);
        let number = self.packets;
        self.range = match self.range {
            Some((first, last)) if last.saturating_add(1) == number => Some((first, number)),
            _ => {
                self.range();
                Some((number, number))
            }
        };
        if self.text.len() >= FULL {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the range at hand.
    fn range(&mut self) {
        let Some((first, last)) = self.range.take() else {
            return;
        };
        let comma = if std::mem::replace(&mut self.any, true) {
            ","
        } else {
            ""
        };
        let _ = match (self.json, first == last) {
            (true, _) => write!(self.text, "{comma}[{first},{last}]"),
            (false, true) => write!(self.text, " {first}"),
            (false, false) => write!(self.text, " {first}-{last}"),
        };
    }

    fn end(&mut self, file: &str) -> Result<(), Error> {
        self.range();
        let (matches, packets) = (self.matches, self.packets);
        let _ = if self.json {
            writeln!(self.text, r#"],"matches":{matches},"packets":{packets}}}"#)
        } else {
            let none = if self.any { "" } else { " none" };
            let ending = if packets == 1 { "" } else { "s" };
            writeln!(
                self.text,
                "{none}\n{file}: {matches} of {packets} packet{ending}"
            )
        };
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let written = self.out.write_all(self.text.as_bytes());
        self.text.clear();
        let written = written.and_then(|()| self.out.flush());
        written.map_err(crate::cli::lost_output)
    }
}

/// A line on stderr. Nothing can be done if that is gone.
fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
