//! The status line of a capture: packets and drops so far, once a second, in one place of a
//! terminal. What SIGUSR1 tells anywhere else.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::capture::live::Counts;
use crate::event::Mono;

/// Time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// A line that is written over again and again.
#[derive(Debug)]
pub struct Status {
    next: Mono,
    /// Columns that it takes now.
    width: usize,
}

impl Status {
    /// `None` where nobody looks: standard error is no terminal, or the packets are shown on it.
    /// Asks the terminal, so it comes before the drop.
    pub fn new(shows: bool) -> Option<Self> {
        let busy = shows && io::stdout().is_terminal();
        let looked_at = io::stderr().is_terminal() && !busy;
        looked_at.then_some(Self {
            next: Mono(PERIOD),
            width: 0,
        })
    }

    /// When the next line is due.
    pub fn deadline(&self) -> Mono {
        self.next
    }

    /// Writes the line, if it is due. `captured` and what `counts` gives since the start, at `now`.
    pub fn tick(&mut self, now: Mono, captured: u64, counts: impl FnOnce() -> Counts) {
        if now < self.next {
            return;
        }
        self.next = now.plus(PERIOD);
        let line = line(now, captured, counts().dropped);
        // The old one may have been longer.
        let width = self.width.max(line.len());
        self.width = line.len();
        write(&format!("\r{line:width$}"));
    }

    /// Takes the line away, so that another one can be written there.
    pub fn clear(&mut self) {
        let width = std::mem::take(&mut self.width);
        if width > 0 {
            write(&format!("\r{:width$}\r", ""));
        }
    }
}

fn line(now: Mono, captured: u64, dropped: u64) -> String {
    let seconds = now.0.as_secs();
    let ending = if captured == 1 { "" } else { "s" };
    format!("{captured} packet{ending} captured, {dropped} dropped by kernel, {seconds} s")
}

/// Nothing can be done if the terminal is gone.
fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
