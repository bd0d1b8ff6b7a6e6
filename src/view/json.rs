//! A ping run as JSON lines: one object for everything that happened, numbers as numbers, times as
//! RFC 3339 strings. Field names are stable API. Valid for any bytes: `serde_json` escapes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;

use super::escape::is_hostile;
use super::json_line::{Line, Numbers, Rtt, Span};
use super::json_verdict::verdict_line;
use super::numbers::json_millis;
use super::start::Start;
use crate::event::Timestamp;
use crate::ping::{Probe, Summary, Verdict};

/// The JSON view of one run against one address.
#[derive(Debug)]
pub struct Json {
    start: Start,
    quiet: bool,
    outstanding: bool,
    /// Several addresses are pinged: every line says which one it is about.
    several: bool,
    names: HashMap<IpAddr, String>,
    /// Number of the last probe sent, its sequence, and whether it has an answer.
    last: Option<(u64, u16, bool)>,
}

impl Json {
    /// A view that has written nothing yet; `quiet` leaves start and summary, `outstanding` is `-O`;
    /// with `several` runs in one output each line names its address.
    pub fn new(start: Start, quiet: bool, outstanding: bool, several: bool) -> Self {
        Self {
            start,
            quiet,
            outstanding,
            several,
            names: HashMap::new(),
            last: None,
        }
    }

    /// The name of an address, once it is known (`--names`).
    pub fn name(&mut self, address: IpAddr, name: String) {
        self.names.insert(address, name);
    }

    /// The first object.
    pub fn start(&self, at: Timestamp, out: &mut impl Write) -> io::Result<()> {
        let start = &self.start;
        let packet_bytes = start
            .size
            .saturating_add(8)
            .saturating_add(start.header_len);
        write_line(
            &Line::Start {
                target: &start.target,
                address: start.address,
                zone: start.zone.as_deref(),
                socket: start.socket,
                sandbox: start.sandbox,
                source: start.source,
                interface: start.interface.as_deref(),
                payload_bytes: start.size,
                packet_bytes,
                ids: &start.ids,
                time: at,
            },
            out,
        )
    }

    /// A probe left: what `-O` has to say about the probe before.
    pub fn sent(&mut self, at: Timestamp, probe: &Probe, out: &mut impl Write) -> io::Result<()> {
        let before = self.last.replace((probe.n, probe.seq, false));
        match before {
            Some((n, seq, false)) if self.outstanding && !self.quiet => {
                self.write(&Line::NoAnswerYet { seq, n, time: at }, out)
            }
            _ => Ok(()),
        }
    }

    /// One decision of the engine.
    pub fn event(
        &mut self,
        at: Timestamp,
        verdict: &Verdict,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if let Verdict::Reply { n, .. } | Verdict::Late { n, .. } = verdict
            && let Some((last, _, answered)) = &mut self.last
        {
            *answered |= last == n;
        }
        if self.quiet {
            return Ok(());
        }
        let name = |from| self.names.get(&from).map(String::as_str);
        match verdict_line(at, verdict, &name) {
            Some(line) => self.write(&line, out),
            None => Ok(()),
        }
    }

    /// A remark of the shell.
    pub fn remark(&self, at: Timestamp, text: &str, out: &mut impl Write) -> io::Result<()> {
        self.write(&Line::Note { text, time: at }, out)
    }

    /// The numbers so far (SIGQUIT).
    pub fn interim(
        &self,
        at: Timestamp,
        summary: &Summary,
        out: &mut impl Write,
    ) -> io::Result<()> {
        write_line(&Line::Interim(self.numbers(at, summary)), out)
    }

    /// The last object.
    pub fn finish(&self, at: Timestamp, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        write_line(&Line::Summary(self.numbers(at, summary)), out)
    }

    fn write(&self, line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Labelled<'a> {
            #[serde(flatten)]
            line: &'a Line<'a>,
            address: IpAddr,
        }
        if self.several {
            let address = self.start.address;
            return write_line(&Labelled { line, address }, out);
        }
        write_line(line, out)
    }

    /// Counts are the engine's; nothing is computed here that the text view computes elsewhere.
    fn numbers<'a>(&'a self, time: Timestamp, summary: &'a Summary) -> Numbers<'a> {
        Numbers {
            target: &self.start.target,
            address: self.start.address,
            sent: summary.sent,
            not_sent: summary.not_sent,
            received: summary.received,
            lost: summary.lost,
            open: summary.open,
            loss_percent: summary.loss_percent(),
            duplicates: summary.duplicates,
            late: summary.late,
            reordered: summary.reordered,
            corrupt: summary.corrupt,
            truncated: summary.truncated,
            longer: summary.longer,
            bad_checksum: summary.bad_checksum,
            other_address: summary.other_address,
            unknown_seq: summary.unknown_seq,
            requests: summary.requests,
            errors: summary.errors,
            notices: summary.notices,
            lost_by_us: summary.lost_by_us,
            retries: summary.retries,
            elapsed_ms: json_millis(summary.elapsed),
            sending_ms: json_millis(summary.sending),
            pipe: summary.pipe,
            ewma_ms: summary.ewma.map(json_millis),
            stamp: summary.rtt.map(|rtt| rtt.stamp),
            stamped: summary.rtt.map(|rtt| rtt.count),
            rtt_ms: summary.rtt.as_ref().map(Rtt::new),
            outages: summary.outages.iter().map(Span::new).collect(),
            outage_count: summary.outage_count,
            time,
        }
    }
}

/// JSON as it is, but for what steers a terminal and JSON allows in strings: DEL, C1, bidirectional
/// and invisible characters, which become `\u` escapes.
pub fn safe(json: &str) -> Cow<'_, str> {
    let bad = |c: char| c != '\n' && is_hostile(c);
    if !json.contains(bad) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if bad(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn write_line(line: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    // Not straight into `out`: its own errors (a full disk) must come back as they are.
    let mut text = serde_json::to_string(line).map_err(io::Error::other)?;
    text.push('\n');
    out.write_all(safe(&text).as_bytes())
}
