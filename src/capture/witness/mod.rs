//! The packets under a call: a child captures on every interface, decodes inside the sandbox, and
//! tells in one line each what it saw. Which of them belong to a socket is the caller's matter.

mod child;
mod line;

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

pub use line::{End, Seen};
use nix::sys::wait::waitpid;

use super::live::{Device, Live, Options};
use crate::error::Error;
use crate::filter::Insn;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::process::{Pid, fork_with};

/// Most packets that are told of at once; the child counts the others.
const MOST: usize = 4096;
/// Longest line of the child.
const LONGEST: usize = 2048;
/// Bytes kept of a packet: the headers of anything.
const SNAPLEN: u32 = 512;
/// Bytes of the receive queue.
const QUEUE: u32 = 4 << 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The child that watches.
#[derive(Debug)]
pub struct Witness {
    ask: Option<PipeWriter>,
    told: BufReader<PipeReader>,
    child: Pid,
}

/// What was seen since the last question.
#[derive(Debug, Default)]
pub struct Report {
    /// The packets in the order in which they were captured.
    pub seen: Vec<Seen>,
    /// Packets that are not among them: too many, or the kernel's queue was full.
    pub left_out: u64,
}

impl Witness {
    /// Opens the capture and starts the child. Call it with one thread, before the drop. Without
    /// the right the error is [`Error::Capture`].
    pub fn start() -> Result<Self, Error> {
        let failed = |source| Error::Io {
            operation: "start",
            object: "the packet watcher".into(),
            source,
        };
        let options = Options {
            snaplen: SNAPLEN,
            buffer: QUEUE,
            promiscuous: false,
            // A ring hands its packets over up to 10 ms later: too late for the call.
            ring: false,
            ..Options::default()
        };
        let mut live = Live::new(options, "");
        live.open(Device::any(), &[everything()])?;
        let (question, ask) = io::pipe().map_err(failed)?;
        let (told, answer) = io::pipe().map_err(failed)?;
        // The child must not hold our ends: it ends when we do, by the end of the questions.
        let child = fork_with(|| child::live(live, question, answer)).map_err(failed)?;
        Ok(Self {
            ask: Some(ask),
            told: BufReader::new(told),
            child,
        })
    }

    /// Every packet that was seen since the last question. `None`: the child is gone.
    pub fn ask(&mut self) -> Option<Report> {
        self.ask.as_mut()?.write_all(b"?").ok()?;
        let clock = Clock::start();
        let mut report = Report::default();
        let mut line = Vec::new();
        for _ in 0..=MOST {
            line.clear();
            self.read_line(&clock, &mut line)?;
            if let Some(count) = line.strip_prefix(b".") {
                report.left_out = str::from_utf8(count).ok()?.parse().ok()?;
                return Some(report);
            }
            report.seen.push(Seen::parse(&line)?);
        }
        None
    }

    /// One line without its end.
    fn read_line(&mut self, clock: &Clock, line: &mut Vec<u8>) -> Option<()> {
        loop {
            let left = PATIENCE.checked_sub(clock.mono().0)?;
            if self.told.buffer().is_empty() {
                let mut fds = [PollFd::new(self.told.get_ref().as_fd(), PollFlags::POLLIN)];
                if ppoll(&mut fds, Some(left), None).ok()? == 0 {
                    continue;
                }
            }
            let waiting = self
                .told
                .fill_buf()
                .ok()
                .filter(|bytes| !bytes.is_empty())?;
            let end = waiting.iter().position(|byte| *byte == b'\n');
            line.extend(waiting.get(..end.unwrap_or(waiting.len()))?);
            let taken = end.map_or(waiting.len(), |end| end.saturating_add(1));
            self.told.consume(taken);
            if line.len() > LONGEST {
                return None;
            }
            if end.is_some() {
                return Some(());
            }
        }
    }

    /// What must stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ask = self.ask.iter().map(AsFd::as_fd);
        ask.chain([self.told.get_ref().as_fd()])
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It reads the end of the questions and returns.
        self.ask = None;
        let _ = waitpid(self.child, None);
    }
}

/// A filter that lets everything pass (`BPF_RET | BPF_K`).
fn everything() -> Insn {
    Insn {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: SNAPLEN,
    }
}
