//! Packets to standard output: lets the chosen view write each. Decodes nothing.

mod args;
mod bytes;
mod time;

use std::io::{self, StdoutLock, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use args::{Precision, ShowArgs};
use time::{Style, Teller};

use crate::capture::{Interface, Zone};
use crate::decode::text::push_dec;
use crate::decode::{Frame, Packet};
use crate::display::Seen;
use crate::error::Error;
use crate::view::columns::Table;
use crate::view::escape::escape_into;
use crate::view::packet_json::{About, render_json};
use crate::view::{line, tree};

/// Text that is gathered before it goes out.
const FULL: usize = 64 * 1024;

/// What is told of a packet besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Show the number in a line.
    pub numbered: bool,
    /// Where it was captured.
    pub interface: Option<&'a Interface>,
    /// Show the interface in a line.
    pub named: bool,
    /// Its file, where there are several.
    pub file: &'a str,
    /// What people wrote about it.
    pub comments: &'a [&'a [u8]],
}

impl<'a> Context<'a> {
    /// A packet together with what is told of it.
    pub fn seen(&self, frame: &'a Frame<'a>, packet: &'a Packet) -> Seen<'a> {
        Seen {
            frame,
            packet,
            number: self.number,
            interface: self.interface.map_or("", |interface| &interface.name),
        }
    }
}

/// Shows packets.
pub struct Printer {
    args: ShowArgs,
    teller: Teller,
    table: Option<Table>,
    text: String,
    /// JSON, apart from other text: as bytes it is written without a look at each whether it is UTF-8.
    json: Vec<u8>,
    out: StdoutLock<'static>,
    /// Packets on which a view panicked.
    bugs: u64,
}

impl Printer {
    /// Loads the zone, so it comes before the drop.
    /// `at_once`: write out each line, also without `-l`.
    pub fn new(args: &ShowArgs, at_once: bool) -> Result<Self, Error> {
        let style = Style::from_count(args.time);
        let local = style.is_local() && !args.json && args.fields.is_none();
        let zone = if local { Zone::local() } else { Zone::utc() };
        let mut text = String::with_capacity(FULL);
        let table = args.table()?.map(|mut table| {
            if args.header {
                table.render_header(&mut text);
            }
            table
        });
        Ok(Self {
            args: ShowArgs {
                line_buffered: args.line_buffered || at_once,
                color: args.color.decided(),
                ..args.clone()
            },
            teller: Teller::new(style, zone, args.precision() == Some(Precision::Nano)),
            table,
            text,
            json: Vec::new(),
            out: io::stdout().lock(),
            bugs: 0,
        })
    }

    /// Shows one packet; `None`: the decoder panicked on it.
    pub fn show(
        &mut self,
        context: &Context<'_>,
        frame: &Frame<'_>,
        packet: Option<&Packet>,
    ) -> Result<(), Error> {
        let before = (self.text.len(), self.json.len());
        let shown = packet.is_some_and(|packet| {
            let render = AssertUnwindSafe(|| self.render(context, frame, packet));
            let fine = catch_unwind(render).is_ok();
            self.bugs = self.bugs.saturating_add(u64::from(!fine));
            fine
        });
        if !shown {
            self.text.truncate(before.0);
            self.json.truncate(before.1);
            let note = format!(
                "a bug of rawsock: it cannot show packet {}, please report its bytes\n",
                context.number
            );
            self.text.push_str(&note);
            bytes::hex(frame.bytes, &mut self.text);
            if self.args.json {
                self.json.extend_from_slice(self.text.as_bytes());
                self.text.clear();
            }
        }
        let gathered = self.text.len().max(self.json.len());
        if self.args.line_buffered || gathered >= FULL {
            self.flush()?;
        }
        Ok(())
    }

    /// Packets that could not be shown.
    pub fn bugs(&self) -> u64 {
        self.bugs
    }

    /// Writes what was gathered.
    pub fn flush(&mut self) -> Result<(), Error> {
        // One of the two is empty.
        let written = [self.text.as_bytes(), &self.json]
            .into_iter()
            .try_for_each(|bytes| self.out.write_all(bytes));
        self.text.clear();
        self.json.clear();
        written
            .and_then(|()| self.out.flush())
            .map_err(super::lost_output)
    }

    fn render(&mut self, context: &Context<'_>, frame: &Frame<'_>, packet: &Packet) {
        let Self {
            args,
            text,
            table,
            json,
            ..
        } = self;
        if let Some(table) = table {
            table.render_row(&context.seen(frame, packet), text);
            return;
        }
        if args.json {
            let about = About {
                number: context.number,
                interface: context.interface.map_or("", |interface| &interface.name),
                file: context.file,
                comments: context.comments,
            };
            render_json(&about, frame, packet, json);
            json.push(b'\n');
            return;
        }
        self.teller_and_line(context, frame, packet);
        self.details(context, frame, packet);
    }

    fn teller_and_line(&mut self, context: &Context<'_>, frame: &Frame<'_>, packet: &Packet) {
        let Self { args, text, .. } = self;
        if context.numbered {
            pad_number(context.number, text);
        }
        self.teller.tell(frame.at, text);
        if context.named
            && let Some(interface) = context.interface
        {
            escape_into(&interface.name, text);
            text.push(' ');
        }
        if args.tree {
            text.push('\n');
            return;
        }
        let style = line::Style {
            time: false,
            link: args.link,
            quiet: args.quiet,
        };
        line::render_line(frame, packet, style, text);
        text.push('\n');
    }

    fn details(&mut self, context: &Context<'_>, frame: &Frame<'_>, packet: &Packet) {
        let Self { args, text, .. } = self;
        let verbose = args.tree || args.verbose > 0;
        if verbose {
            let all = args.tree || args.verbose > 1;
            for comment in context.comments {
                text.push_str("Comment: ");
                escape_into(comment, text);
                text.push('\n');
            }
            let style = tree::Style {
                keys: all,
                ranges: all,
            };
            tree::render_tree(frame, packet, style, text);
        }
        bytes::dump(args, frame, packet, text);
        if verbose {
            text.push('\n');
        }
    }
}

/// Five places and two blanks, as tcpdump's `-#`.
fn pad_number(number: u64, out: &mut String) {
    for digits in [10_000, 1000, 100, 10] {
        if number < digits {
            out.push(' ');
        }
    }
    push_dec(number, out);
    out.push_str("  ");
}
