//! Where a lane's reports go: the text or the JSON view on standard output, remarks on standard
//! error, and before the first answer the table of headers. Chooses no words.

use std::cell::RefCell;
use std::io::{self, BufWriter, Stdout, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use crate::cli::lost_output;
use crate::decode::{Decoder, Frame, LinkType, Packet};
use crate::error::Error;
use crate::event::Timestamp;
use crate::net::ifaces::needs_scope;
use crate::net::resolve::{Address, Names};
use crate::net::tap::Tap;
use crate::ping::{Probe, Summary, Verdict};
use crate::sys::clock::{self, Clock};
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::view::escape::escape;
use crate::view::headers::Headers;
use crate::view::json::Json;
use crate::view::ping::Text;

/// Standard output, shared by the lanes; flushed before every wait.
pub type Out = Rc<RefCell<BufWriter<Stdout>>>;

/// A packet socket sees a packet before the send returns; this is for a busy machine.
const TAP_PATIENCE: Duration = Duration::from_millis(200);

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

    /// The header table is wanted and not shown yet.
    pub fn wants_headers(&self) -> bool {
        self.tap.is_some()
    }

    /// Shows the packet as asked for beside the one that left. The tap is closed afterwards.
    pub fn headers(&mut self, probe: &Probe, asked: &[u8], clock: &Clock) -> Result<(), Error> {
        let Some(mut tap) = self.tap.take() else {
            return Ok(());
        };
        let mut buf = vec![0; 65_536];
        let (start, _) = clock.now();
        loop {
            let (now, wall) = clock.now();
            let seen = tap.take(&mut buf, wall).map_err(|source| Error::Io {
                operation: "watch",
                object: "the probe leave".into(),
                source,
            })?;
            if let Some(frame) = seen {
                return self.table(probe, asked, &frame);
            }
            let left = TAP_PATIENCE.saturating_sub(now.since(start));
            if left.is_zero() {
                return self.remark("the probe was not seen on its way out: no header table");
            }
            let mut fds = [PollFd::new(tap.as_fd(), PollFlags::POLLIN)];
            ppoll(&mut fds, Some(left), None).map_err(|source| Error::Io {
                operation: "wait for",
                object: "the probe to leave".into(),
                source,
            })?;
        }
    }
}

impl Output {
    fn table(&mut self, probe: &Probe, asked: &[u8], wire: &Frame<'_>) -> Result<(), Error> {
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
            View::Text(text) => out.write_all(headers.text(probe.seq, text.color()).as_bytes()),
            View::Json(_) => headers
                .json(probe.seq, wire.at)
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
