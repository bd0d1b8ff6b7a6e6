//! Where a lane's reports go: the text or the JSON view on standard output, remarks on standard
//! error, and before the first answer the table of headers. Chooses no words.

use std::cell::RefCell;
use std::io::{self, BufWriter, Stdout, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::cli::lost_output;
use crate::decode::{Decoder, Frame, LinkType, Packet};
use crate::error::Error;
use crate::event::Timestamp;
use crate::net::resolve::{Address, Names};
use crate::net::tap::Tap;
use crate::ping::{Probe, Summary, Verdict};
use crate::sys::clock::{self, Clock};
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::view::headers;
use crate::view::json::Json;
use crate::view::ping::Text;

/// Standard output, shared by the lanes; flushed before every wait.
pub type Out = Rc<RefCell<BufWriter<Stdout>>>;

/// A packet socket sees a packet before the send returns; this is for a busy machine.
const TAP_PATIENCE: Duration = Duration::from_millis(200);

/// One of the two views of a run.
pub enum View {
    Text(Text),
    Json(Json),
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
            View::Json(json) => json.start(at, &mut *out),
        }
        .map_err(lost_output)
    }

    /// A probe left.
    pub fn sent(&mut self, probe: &Probe, clock: &Clock) -> Result<(), Error> {
        match &mut self.view {
            View::Text(text) => {
                let (_, at) = clock.now();
                text.sent(at, probe, &mut *self.out.borrow_mut()).map_err(lost_output)
            }
            View::Json(_) => Ok(()),
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
            let scope = if crate::net::resolve::needs_scope(from) { self.scope } else { 0 };
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
            View::Json(json) => json.event(at, verdict, &mut *out).map_err(lost_output),
        }
    }
}
