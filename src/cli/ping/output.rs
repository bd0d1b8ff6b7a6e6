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
use crate::view::ping::Text;

/// Standard output, shared by the lanes; flushed before every wait.
pub type Out = Rc<RefCell<BufWriter<Stdout>>>;

/// A packet socket sees a packet before the send returns; this is for a busy machine.
const TAP_PATIENCE: Duration = Duration::from_millis(200);

/// One of the two views of a run.
pub enum View {
    Text(Text),
}

/// The reports of one lane.
pub struct Output {
    pub view: View,
    pub out: Out,
    /// Open until the first probe was seen.
    pub tap: Option<Tap>,
    /// Interface of link-local addresses.
    pub scope: u32,
}

impl Output {
    /// The first line.
    pub fn start(&mut self, at: Timestamp) -> Result<(), Error> {
        let mut out = self.out.borrow_mut();
        match &mut self.view {
            View::Text(text) => text.start(&mut *out),
        }
        .map_err(lost_output)
    }

    /// A probe left.
    pub fn sent(&mut self, probe: &Probe, clock: &Clock) -> Result<(), Error> {
        match &mut self.view {
            View::Text(text) => {
                let (_, at) = clock.now();
                text.sent(at, probe, &mut *self.out.borrow_mut())
                    .map_err(lost_output)
            }
        }
    }

    /// The engine decided something; `answer` is the datagram behind it, where options are shown.
    pub fn event(
        &mut self,
        at: Timestamp,
        verdict: &Verdict,
        answer: Option<&Packet>,
        names: &mut Option<Names>,
    ) -> Result<(), Error> {
        let mut out = self.out.borrow_mut();
        if let (Some(names), Some(from)) = (names, sender(verdict)) {
            let scope = if needs_scope(from) { self.scope } else { 0 };
            if let Some(name) = names.get(Address { ip: from, scope }) {
                self.view.name(from, name);
            }
        }
        match &mut self.view {
            View::Text(text) => {
                text.event(at, verdict, &mut *out).map_err(lost_output)?;
                match (verdict, answer) {
                    (Verdict::Reply { .. } | Verdict::Late { .. }, Some(answer)) => {
                        text.ip_options(answer, &mut *out).map_err(lost_output)
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Output {
    /// A remark of the shell, in plain words.
    pub fn remark(&mut self, text: &str) -> Result<(), Error> {
        match &mut self.view {
            View::Text(view) => {
                // What stands before it on the screen must be there first.
                self.out.borrow_mut().flush().map_err(lost_output)?;
                // Nothing is left to tell an error of stderr to.
                let _ = view.remark(text, &mut io::stderr());
                Ok(())
            }
        }
    }

    /// The numbers so far.
    pub fn interim(&mut self, summary: &Summary) -> Result<(), Error> {
        match &mut self.view {
            View::Text(view) => {
                self.out.borrow_mut().flush().map_err(lost_output)?;
                let _ = view.interim(summary, &mut io::stderr());
                Ok(())
            }
        }
    }

    /// The numbers at the end.
    pub fn finish(&mut self, summary: &Summary) -> Result<(), Error> {
        let mut out = self.out.borrow_mut();
        match &mut self.view {
            View::Text(view) => view.finish(summary, &mut *out),
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
    pub fn headers(&mut self, asked: &[u8], clock: &Clock) -> Result<(), Error> {
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
                let _ = (frame, asked, Decoder::new(), LinkType::Raw);
                return Ok(());
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

impl View {
    fn name(&mut self, address: IpAddr, name: &[u8]) {
        match self {
            Self::Text(text) => text.name(address, String::from_utf8_lossy(name).into_owned()),
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
