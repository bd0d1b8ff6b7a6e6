//! What `rawsock echo` shows: messages, calls, the packets below them. One place writes, so text,
//! tutorial and JSON follow the same events in the same order.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::packets::{Packets, Shown};
use super::steps::step;
use super::words;
use crate::event::{Call, Mono, Outcome};
use crate::net::echo::{Hear, Kind, Said, Side};
use crate::net::traced::Calls;
use crate::view::calls;
use crate::view::errno;

/// How to show things.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct Style {
    /// Over what.
    pub kind: Kind,
    /// As the tutorial's Python programs.
    pub tutorial: bool,
    /// JSON lines.
    pub json: bool,
    /// Messages as hex dumps.
    pub bytes: bool,
    /// Only the text of messages.
    pub text: bool,
    /// No messages.
    pub quiet: bool,
    /// Nothing at all.
    pub silent: bool,
    /// Both ends are ours: name the side.
    pub both: bool,
    /// Number the steps.
    pub steps: bool,
    /// Show the calls.
    pub calls: bool,
    /// Somebody may be typing: show the prompt.
    pub prompt: bool,
}

/// An event that waits for the drop.
enum Held {
    Call(Side, Mono, Call),
    Note(Side, Mono, String),
    Step(Side, &'static str),
}

/// Takes every event of a run and writes it.
pub struct Report {
    style: Style,
    packets: Option<Packets>,
    /// Until the rights are dropped, nothing that came from outside is looked at.
    held: Option<Vec<Held>>,
    calls: u64,
    headed: bool,
    steps: HashSet<(bool, usize)>,
    last_step: Option<(bool, usize)>,
    failed: Option<io::Error>,
    /// The prompt stands at the end of the line.
    prompted: bool,
}

impl Report {
    /// Holds everything until [`Report::release`].
    pub fn new(style: Style) -> Self {
        Self {
            style,
            packets: None,
            held: Some(Vec::new()),
            calls: 0,
            headed: false,
            steps: HashSet::new(),
            last_step: None,
            failed: None,
            prompted: false,
        }
    }

    /// The rights are gone: writes what was held, and everything from now on, with the packets.
    pub fn release(&mut self, packets: Option<Packets>) {
        self.packets = packets;
        let held = self.held.take().unwrap_or_default();
        let began = |held: &Held| match held {
            Held::Call(_, at, _) => Some(*at),
            Held::Note(..) | Held::Step(..) => None,
        };
        // A packet belongs to the last call that had begun when it came.
        let nexts: Vec<Option<Mono>> = (1..=held.len())
            .map(|after| held.get(after..)?.iter().find_map(began))
            .collect();
        for (held, next) in held.into_iter().zip(nexts) {
            self.show(held, next);
        }
    }

    /// Shows an event, with the packets until `next`.
    fn show(&mut self, held: Held, next: Option<Mono>) {
        match held {
            Held::Call(side, at, call) => self.call(side, at, &call, next),
            Held::Note(side, at, text) => self.note(side, at, &text),
            Held::Step(side, key) => self.step(side, key),
        }
    }

    /// Why nothing can be written any more.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// The last packets, and what was lost of them.
    pub fn finish(&mut self) {
        if let Some(mut packets) = self.packets.take() {
            packets.settle();
            for packet in packets.drain(None) {
                self.packet(&packet);
            }
            let dropped = packets.dropped();
            if dropped > 0 {
                tell(&format!("{dropped} packets were too many for the trace"));
            }
        }
    }

    /// Writes a whole line (or several) where it belongs.
    pub fn write(&mut self, text: &str) {
        let mut text = text.to_owned();
        if std::mem::take(&mut self.prompted) && !self.style.tutorial {
            text.insert(0, '\n');
        }
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        if self.failed.is_some() {
            return;
        }
        let mut out = io::stdout();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.failed = written.err();
    }

    /// Traces stay out of the tutorial's output, which is to be the Python program's.
    fn trace(&mut self, text: &str) {
        if self.style.tutorial {
            // Nothing is left to tell an error of stderr to.
            let _ = io::stderr().write_all(text.as_bytes());
        } else {
            self.write(text);
        }
    }

    fn call(&mut self, side: Side, at: Mono, call: &Call, next: Option<Mono>) {
        if let Some(mut packets) = self.packets.take() {
            // What came before this call began belongs to the one before.
            let before = packets.drain(Some(at));
            for packet in &before {
                self.packet(packet);
            }
            self.show_call(side, at, call);
            let during = packets.drain(next);
            for packet in &during {
                self.packet(packet);
            }
            self.packets = Some(packets);
        } else {
            self.show_call(side, at, call);
        }
    }

    fn show_call(&mut self, side: Side, at: Mono, call: &Call) {
        self.calls += 1;
        self.step(side, call.method);
        if !self.style.calls {
            return;
        }
        if self.style.json {
            let (value, number) = match &call.outcome {
                Outcome::Value(value) => (Some(value), None),
                Outcome::Errno(number) => (None, Some(*number)),
            };
            let line = json!({
                "type": "call",
                "id": self.calls,
                "side": words::side(side),
                "at": at.0.as_secs_f64(),
                "fd": call.fd,
                "method": call.method,
                "arguments": call.args,
                "result": value,
                "errno": number,
                "error": number.and_then(errno::name),
                "blocked": call.blocked.as_secs_f64(),
                "bytes": call.bytes,
                "means": calls::meaning(call),
            });
            self.put(&format!("{line}\n"));
            return;
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.headed, true) {
            if self.style.both {
                text.push_str("       ");
            }
            calls::head(&mut text);
        }
        if self.style.both {
            text.push_str(words::side(side));
            text.push(' ');
        }
        calls::line(call, &mut text);
        self.trace(&text);
    }

    fn packet(&mut self, packet: &Shown) {
        if self.style.json {
            let line = packet.json.replacen(
                r#"{"type":"packet""#,
                &format!(r#"{{"type":"packet","cause":{}"#, self.calls),
                1,
            );
            self.put(&format!("{line}\n"));
        } else {
            let indent = if self.style.both {
                "              "
            } else {
                "       "
            };
            let text = format!("{indent}{}\n", packet.line);
            self.trace(&text);
        }
    }

    fn note(&mut self, side: Side, at: Mono, text: &str) {
        if self.style.json {
            let line = json!({
                "type": "note", "side": words::side(side), "at": at.0.as_secs_f64(),
                "cause": self.calls, "text": text,
            });
            self.put(&format!("{line}\n"));
        } else if self.style.calls {
            self.trace(&format!("{:5}{text}\n", ""));
        }
    }

    fn step(&mut self, side: Side, key: &str) {
        if !self.style.steps {
            return;
        }
        let Some((number, of, text)) = step(side, self.style.kind, key) else {
            return;
        };
        let this = (side == Side::Client, number);
        if self.last_step == Some(this) {
            return;
        }
        self.last_step = Some(this);
        self.steps.insert(this);
        if self.style.json {
            let line = json!({
                "type": "step", "side": words::side(side), "number": number, "of": of,
                "text": text,
            });
            self.put(&format!("{line}\n"));
        } else {
            let who = if self.style.both {
                format!("{}: ", words::side(side))
            } else {
                String::new()
            };
            self.trace(&format!("{who}step {number}/{of}: {text}\n"));
        }
    }

    fn said(&mut self, side: Side, said: Said<'_>) {
        if self.style.silent {
            return;
        }
        if let Said::Step(key) = said {
            match &mut self.held {
                Some(held) => held.push(Held::Step(side, key)),
                None => self.step(side, key),
            }
        } else if self.style.json {
            let quiet = self.style.quiet && matches!(said, Said::Message { .. });
            if let Some(line) = words::json(side, said).filter(|_| !quiet) {
                self.put(&format!("{line}\n"));
            }
        } else if self.style.tutorial {
            match said {
                Said::Prompt => self.put(words::PROMPT),
                Said::Message { from, bytes, .. } => {
                    let text = words::tutorial(side, self.style.kind, from, bytes);
                    self.put(&text);
                }
                other => self.aside(side, other),
            }
        } else {
            match said {
                Said::Prompt => {
                    if self.style.prompt {
                        self.prompted = true;
                        tell_part("> ");
                    }
                }
                Said::Message { .. } if self.style.quiet => {}
                Said::Message { bytes, .. } if self.style.text => {
                    if side == Side::Client || !self.style.both {
                        self.write(&words::only_text(bytes));
                    }
                }
                Said::Message {
                    from,
                    bytes,
                    full,
                    after,
                } => {
                    // The user's own Enter has ended the line.
                    self.prompted = false;
                    let mut text = self.who(side);
                    text.push_str(&words::message(self.style.kind, from, bytes, full, after));
                    if self.style.bytes {
                        text.push('\n');
                        words::dump(bytes, &mut text);
                    }
                    self.write(&text);
                }
                other => self.aside(side, other),
            }
        }
    }

    fn who(&self, side: Side) -> String {
        if self.style.both {
            format!("{}: ", words::side(side))
        } else {
            String::new()
        }
    }

    /// What is not data goes to stderr.
    fn aside(&mut self, side: Side, said: Said<'_>) {
        let detail = matches!(said, Said::Connected { .. } | Said::Closed { .. });
        if (self.style.quiet || self.style.tutorial) && detail {
            return;
        }
        if let Some(text) = words::aside(self.style.kind, said) {
            tell(&format!("{}{text}", self.who(side)));
        }
    }
}

/// A line on stderr. Nothing can be done if that is gone.
pub fn tell(line: &str) {
    tell_part(&format!("{line}\n"));
}

fn tell_part(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The report as the sink of one side's sockets.
pub struct Taking {
    /// Where calls go.
    pub report: Arc<Mutex<Report>>,
    /// Whose they are.
    pub side: Side,
}

impl Taking {
    fn take(&self, held: Held) {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = &mut report.held {
            waiting.push(held);
            return;
        }
        report.show(held, None);
    }
}

impl Calls for Taking {
    fn call(&mut self, at: Mono, call: Call) {
        self.take(Held::Call(self.side, at, call));
    }

    fn note(&mut self, at: Mono, text: String) {
        self.take(Held::Note(self.side, at, text));
    }
}

impl Hear for Report {
    fn hear(&mut self, side: Side, said: Said<'_>) {
        self.said(side, said);
    }

    fn is_deaf(&self) -> bool {
        self.failed.is_some()
    }
}
