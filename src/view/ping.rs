//! The text of a ping run, line by line: iputils' format, byte for byte where iputils has the
//! line. The statistics at the end are in `ping_end`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;

use super::escape::escape;
use super::numbers::millis;
use super::ping_line::{Tone, line};
use super::start::Start;
use super::words;
use crate::decode::Packet;
use crate::event::Timestamp;
use crate::ping::{Probe, StateChange, Summary, Verdict};

/// Switches of the text output, with the letters of the command line.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the command line"
)]
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// First line and statistics only (`-q`).
    pub quiet: bool,
    /// Identifier, stamp kind and ICMP numbers in each line (`-v`).
    pub verbose: bool,
    /// Unix time before each line (`-D`).
    pub timestamps: bool,
    /// Say at each probe that the one before is open (`-O`).
    pub outstanding: bool,
    /// BEL at each answer (`-a`).
    pub audible: bool,
    /// Dots and backspaces instead of lines (`-f`).
    pub flood: bool,
    /// Always three decimals (`-3`).
    pub precise: bool,
    /// Show addresses alone, even that of the name that was typed (`-n`).
    pub numeric: bool,
    /// Answers of a group are expected: further ones are no duplicates (without `-v`).
    pub group: bool,
    /// Probes follow the answers (`-f`, `-A`, `-i 0`): show `ipg/ewma`.
    pub paced_by_answers: bool,
    /// Several addresses are pinged: lines that name none begin with theirs.
    pub several: bool,
    /// ANSI colours.
    pub color: bool,
    /// Columns of the terminal: flood never shows more dots.
    pub width: Option<usize>,
}

/// The text view of one run against one address.
#[derive(Debug)]
pub struct Text {
    pub(super) options: Options,
    pub(super) start: Start,
    names: HashMap<IpAddr, String>,
    /// Number of the last probe sent, its sequence, and whether it has an answer.
    last: Option<(u64, u16, bool)>,
    /// Flood: dots on the screen, and probes that got none for want of room.
    dots: usize,
    hidden: usize,
    /// Errno of what was not sent, and how often.
    pub(super) unsent: BTreeMap<i32, u64>,
}

impl Text {
    /// A view that has written nothing yet.
    pub fn new(start: Start, options: Options) -> Self {
        let mut names = HashMap::new();
        if let Some(name) = start.name().filter(|_| !options.numeric) {
            names.insert(start.address, name.to_owned());
        }
        Self {
            options,
            start,
            names,
            last: None,
            dots: 0,
            hidden: 0,
            unsent: BTreeMap::new(),
        }
    }

    /// Whether lines are coloured.
    pub fn color(&self) -> bool {
        self.options.color
    }

    /// The name of an address, once it is known (`--names`).
    pub fn name(&mut self, address: IpAddr, name: String) {
        self.names.insert(address, name);
    }

    /// The first line.
    pub fn start(&self, out: &mut impl Write) -> io::Result<()> {
        let start = &self.start;
        if let Some(pattern) = start.pattern.as_ref().filter(|_| !self.options.quiet) {
            write!(out, "PATTERN: 0x")?;
            for byte in pattern {
                write!(out, "{byte:02x}")?;
            }
            writeln!(out)?;
        }
        let target = escape(&start.target);
        match start.address {
            IpAddr::V4(address) => write!(out, "PING {target} ({address}) ")?,
            IpAddr::V6(_) => write!(out, "PING {target}({}) ", self.who(start.address))?,
        }
        if let Some(label) = start.flow_label {
            write!(out, ", flow 0x{label:05x}, ")?;
        }
        if let Some(source) = start.source {
            let interface = start.interface.as_deref().unwrap_or_default();
            write!(out, "from {} {}: ", start.show(source), escape(interface))?;
        }
        match start.address {
            IpAddr::V4(_) => {
                let whole = start
                    .size
                    .saturating_add(8)
                    .saturating_add(start.header_len);
                writeln!(out, "{}({whole}) bytes of data.", start.size)
            }
            IpAddr::V6(_) => writeln!(out, "{} data bytes", start.size),
        }
    }

    /// A probe left: the dot of a flood, and what `-O` has to say about the probe before.
    pub fn sent(&mut self, at: Timestamp, probe: &Probe, out: &mut impl Write) -> io::Result<()> {
        let before = self.last.replace((probe.n, probe.seq, false));
        if self.options.quiet {
            return Ok(());
        }
        if let Some((_, seq, false)) = before.filter(|_| self.options.outstanding) {
            let line = format!("no answer yet for icmp_seq={seq}");
            self.line(at, Tone::Plain, &line, out)?;
        }
        if self.options.flood {
            if self.dots >= self.options.width.unwrap_or(80) {
                self.hidden = self.hidden.saturating_add(1);
                return Ok(());
            }
            self.dots = self.dots.saturating_add(1);
            out.write_all(b".")?;
        }
        Ok(())
    }

    /// One decision of the engine.
    pub fn event(
        &mut self,
        at: Timestamp,
        verdict: &Verdict,
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.note(verdict);
        if self.options.quiet {
            return Ok(());
        }
        if self.options.flood {
            return self.flood_event(at, verdict, out);
        }
        let Some((tone, line)) = line(self, verdict) else {
            return Ok(());
        };
        self.line(at, tone, &line, out)?;
        if let Verdict::Error { error, .. } = verdict {
            for object in words::objects(error) {
                writeln!(out, "  {object}")?;
            }
        }
        Ok(())
    }

    /// The routes and times that routers wrote into the options of an answer (`-R`, `-T`).
    pub fn ip_options(&self, answer: &Packet, out: &mut impl Write) -> io::Result<()> {
        if self.options.quiet || self.options.flood {
            return Ok(());
        }
        out.write_all(super::routes::render(answer).as_bytes())
    }

    /// A remark of the shell; it goes to stderr, so that stdout stays as iputils writes it.
    pub fn remark(&self, text: &str, err: &mut impl Write) -> io::Result<()> {
        writeln!(err, "rawsock: {}", escape(text))
    }

    /// The line of SIGQUIT, for stderr.
    pub fn interim(&self, summary: &Summary, err: &mut impl Write) -> io::Result<()> {
        write!(
            err,
            "\r{}/{} packets, {:.0}% loss",
            summary.received,
            summary.sent,
            summary.loss_percent().floor()
        )?;
        if let Some(rtt) = &summary.rtt {
            let ewma = summary.ewma.unwrap_or(rtt.avg);
            let times = [rtt.min, rtt.avg, ewma, rtt.max].map(millis).join("/");
            write!(err, ", min/avg/ewma/max = {times} ms")?;
        }
        writeln!(err)
    }

    /// Remembers what later lines need.
    fn note(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Reply { n, .. } | Verdict::Late { n, .. } => {
                if let Some((last, _, answered)) = &mut self.last {
                    *answered |= last == n;
                }
            }
            Verdict::NotSent { reason, .. } => {
                let count = self.unsent.entry(reason.errno).or_default();
                *count = count.saturating_add(1);
            }
            _ => {}
        }
    }

    /// An address for the eye: with its name where one is known.
    pub(super) fn who(&self, address: IpAddr) -> String {
        let shown = self.start.show(address);
        match self.names.get(&address) {
            Some(name) => format!("{} ({shown})", escape(name)),
            None => shown,
        }
    }

    fn line(&self, at: Timestamp, tone: Tone, line: &str, out: &mut impl Write) -> io::Result<()> {
        if self.options.timestamps {
            let micros = at.0.div_euclid(1000);
            let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            write!(out, "[{seconds}.{micros:06}] ")?;
        }
        if self.options.several {
            write!(out, "[{}] ", self.start.show(self.start.address))?;
        }
        match tone {
            Tone::Odd if self.options.color => writeln!(out, "\x1b[33m{line}\x1b[0m"),
            Tone::Bad if self.options.color => writeln!(out, "\x1b[31m{line}\x1b[0m"),
            _ => writeln!(out, "{line}"),
        }
    }

    /// A flood shows one character for an event, and a line for what changes everything.
    fn flood_event(
        &mut self,
        at: Timestamp,
        verdict: &Verdict,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match verdict {
            Verdict::Reply { .. } | Verdict::Late { .. } => self.erase(b"\x08 \x08", out),
            Verdict::Corrupt { .. }
            | Verdict::Truncated { .. }
            | Verdict::Longer { .. }
            | Verdict::BadChecksum { .. } => self.erase(b"\x08C", out),
            Verdict::Error { .. } => self.erase(b"\x08E", out),
            Verdict::NotSent { .. } => out.write_all(b"E"),
            Verdict::State(
                StateChange::SendsFail(_)
                | StateChange::SendsWork { .. }
                | StateChange::ClockStep
                | StateChange::TableFull
                | StateChange::IdClash { .. },
            ) => {
                self.dots = 0;
                out.write_all(b"\n")?;
                match line(self, verdict) {
                    Some((tone, line)) => self.line(at, tone, &line, out),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Replaces the last dot, if the probe had one.
    fn erase(&mut self, by: &[u8], out: &mut impl Write) -> io::Result<()> {
        if self.hidden > 0 {
            self.hidden = self.hidden.saturating_sub(1);
            return Ok(());
        }
        if self.dots == 0 {
            return Ok(());
        }
        self.dots = self.dots.saturating_sub(1);
        out.write_all(by)
    }
}
