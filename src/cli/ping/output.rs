//! Where a lane's reports go: the text or the JSON view on standard output, remarks on standard
//! error, and before the first answer the table of headers. Chooses no words.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::rc::Rc;

use super::stdout::Patient;
use crate::cli::lost_output;
use crate::decode::{Decoder, Frame, LinkType, Packet};
use crate::error::Error;
use crate::event::Timestamp;
use crate::net::ifaces::needs_scope;
use crate::net::resolve::{Address, Names};
use crate::net::tap::Tap;
use crate::ping::{Probe, Summary, Verdict};
use crate::sys::clock;
use crate::view::escape::escape;
use crate::view::headers::Headers;
use crate::view::json::Json;
use crate::view::ping::Text;

/// Standard output, shared by the lanes; flushed before every wait.
pub type Out = Rc<RefCell<BufWriter<Patient>>>;

/// Probes that may leave before the first of them is seen (an unknown neighbour holds them back).
const PENDING: usize = 16;

/// One of the two views of a run.
pub enum View {
    /// iputils' lines.
    Text(Text),
    /// One object a line.
    Json(Json),
}

/// The reports of one lane.
pub struct Output {
    /// How they look.
    pub view: View,
    /// Where they go.
    pub out: Out,
    /// Open until the first probe was seen.
    pub tap: Option<Tap>,
    /// The packets as asked for, until one of them is seen.
    pub asked: Vec<(u16, Vec<u8>)>,
    /// What a header by hand begins with, whatever its version field says.
    pub header: LinkType,
    /// Interface of link-local addresses.
    pub scope: u32,
}

impl Output {
    /// The first line.
    pub fn start(&mut self, at: Timestamp) -> Result<(), Error> {
        let out = &mut *self.out.borrow_mut();
        match &self.view {
            View::Text(text) => text.start(out),
            View::Json(json) => json.start(at, out),
        }
        .map_err(lost_output)
    }

    /// A probe left.
    pub fn sent(&mut self, probe: &Probe, at: Timestamp) -> Result<(), Error> {
        let out = &mut *self.out.borrow_mut();
        match &mut self.view {
            View::Text(text) => text.sent(at, probe, out),
            View::Json(json) => json.sent(at, probe, out),
        }
        .map_err(lost_output)
    }

    /// The engine decided something; `answer` is the datagram behind it, where options are shown.
    pub fn event(
        &mut self,
        at: Timestamp,
        verdict: &Verdict,
        answer: Option<&Packet>,
        names: &mut Option<Names>,
    ) -> Result<(), Error> {
        if let (Some(names), Some(from)) = (names, sender(verdict)) {
            let scope = if needs_scope(from) { self.scope } else { 0 };
            if let Some(name) = names.get(Address { ip: from, scope }) {
                self.view.name(from, name);
            }
        }
        let out = &mut *self.out.borrow_mut();
        let written = match &mut self.view {
            View::Text(text) => {
                let shown = text.event(at, verdict, out);
                match (verdict, answer) {
                    (Verdict::Reply { .. } | Verdict::Late { .. }, Some(answer)) => {
                        shown.and_then(|()| text.ip_options(answer, out))
                    }
                    _ => shown,
                }
            }
            View::Json(json) => json.event(at, verdict, out),
        };
        written.map_err(lost_output)
    }

    /// A remark of the shell, in plain words.
    pub fn remark(&mut self, words: &str) -> Result<(), Error> {
        let out = &mut *self.out.borrow_mut();
        match &self.view {
            View::Text(text) => {
                // What stands before it on the screen must be there first.
                out.flush().map_err(lost_output)?;
                // Nothing is left to tell an error of stderr to.
                let _ = text.remark(words, &mut io::stderr());
                Ok(())
            }
            View::Json(json) => json.remark(clock::wall(), words, out).map_err(lost_output),
        }
    }

    /// The numbers so far.
    pub fn interim(&mut self, summary: &Summary) -> Result<(), Error> {
        let out = &mut *self.out.borrow_mut();
        match &self.view {
            View::Text(text) => {
                out.flush().map_err(lost_output)?;
                let _ = text.interim(summary, &mut io::stderr());
                Ok(())
            }
            View::Json(json) => json
                .interim(clock::wall(), summary, out)
                .map_err(lost_output),
        }
    }

    /// The numbers at the end.
    pub fn finish(&mut self, summary: &Summary) -> Result<(), Error> {
        if self.tap.take().is_some() && summary.sent > 0 {
            self.remark("no probe was seen on its way out: no header table")?;
        }
        let out = &mut *self.out.borrow_mut();
        match &self.view {
            View::Text(text) => text.finish(summary, out),
            View::Json(json) => json.finish(clock::wall(), summary, out),
        }
        .map_err(lost_output)
    }

    /// Hands everything written to the kernel.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.out.borrow_mut().flush().map_err(lost_output)
    }

    /// A probe was handed to the kernel as `asked`; remembered while the header table is wanted.
    pub fn asked(&mut self, probe: &Probe, asked: &[u8]) {
        if self.tap.is_some() && self.asked.len() < PENDING {
            self.asked.push((probe.seq, asked.to_vec()));
        }
    }

    /// Shows the first packet that left beside what was asked for, once it has left. It always has
    /// when its answer is here, so the table comes first. Never waits.
    pub fn headers(&mut self) -> Result<(), Error> {
        let Some(tap) = &mut self.tap else {
            return Ok(());
        };
        let mut buf = vec![0; 65_536];
        let seen = tap
            .take(&mut buf, clock::wall())
            .map_err(|source| Error::Io {
                operation: "watch",
                object: "the probe leave".into(),
                source,
            })?;
        let Some(frame) = seen else { return Ok(()) };
        // The message tells which probe it is: the kernel changes nothing behind the header.
        let same = |(_, asked): &&(u16, Vec<u8>)| message(asked) == message(frame.bytes);
        let asked = self.asked.iter().find(same).or(self.asked.first());
        let Some((seq, asked)) = asked.cloned() else {
            return Ok(());
        };
        self.tap = None;
        self.asked.clear();
        self.table(seq, &asked, &frame)
    }
}

/// The end of a packet, long enough to hold the sequence number and the payload's cookie.
fn message(packet: &[u8]) -> &[u8] {
    let start = packet.len().saturating_sub(64);
    packet.get(start..).unwrap_or(packet)
}

impl Output {
    fn table(&mut self, seq: u16, asked: &[u8], wire: &Frame<'_>) -> Result<(), Error> {
        let asked = Frame {
            wire_len: u32::try_from(asked.len()).unwrap_or(u32::MAX),
            bytes: asked,
            link: self.header,
            ..*wire
        };
        let wire = &Frame {
            link: self.header,
            ..*wire
        };
        let headers = Headers::compare(&Decoder::new(), &asked, wire);
        let out = &mut *self.out.borrow_mut();
        match &self.view {
            View::Text(text) => out.write_all(headers.text(seq, text.color()).as_bytes()),
            View::Json(_) => headers
                .json(seq, wire.at)
                .map_err(io::Error::from)
                .and_then(|line| writeln!(out, "{line}")),
        }
        .map_err(lost_output)
    }
}

impl View {
    fn name(&mut self, address: IpAddr, name: &[u8]) {
        // Bytes of a name server: what is no UTF-8 stays readable as \xNN.
        let name = escape(name).into_owned();
        match self {
            Self::Text(text) => text.name(address, name),
            Self::Json(json) => json.name(address, name),
        }
    }
}

/// Whose name is worth asking for.
fn sender(verdict: &Verdict) -> Option<IpAddr> {
    match verdict {
        Verdict::Reply { from, .. }
        | Verdict::Duplicate { from, .. }
        | Verdict::Late { from, .. }
        | Verdict::Corrupt { from, .. }
        | Verdict::Truncated { from, .. }
        | Verdict::Longer { from, .. }
        | Verdict::BadChecksum { from, .. }
        | Verdict::OtherAddress { from, .. }
        | Verdict::UnknownSeq { from, .. }
        | Verdict::Request { from, .. } => Some(*from),
        Verdict::Error { error, .. } => Some(error.from),
        Verdict::NotSent { .. } | Verdict::Timeout { .. } | Verdict::State(_) => None,
    }
}
