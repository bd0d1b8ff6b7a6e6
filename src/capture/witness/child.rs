//! The watching child: drops everything, then captures, decodes, and answers each question with what
//! it has seen since the last.

use std::fmt::Write as _;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};

use super::line::Seen;
use super::{MOST, Report};
use crate::capture::live::Live;
use crate::capture::{Next, Source};
use crate::decode::{Decoder, Direction, Frame, Packet};
use crate::privilege::{self, Options, table};
use crate::sys::poll::{PollFd, PollFlags, ppoll};

/// Frames between two looks at the questions while there is always one more.
const BATCH: u32 = 4096;

/// The whole life of the child; the exit code.
pub(super) fn live(live: Live, question: PipeReader, answer: PipeWriter) -> u8 {
    if prepare(&live, &question, &answer).is_none() {
        return 1;
    }
    let child = Child {
        live,
        question,
        answer,
        decoder: Decoder::new(),
        packet: Packet::new(),
        report: Report::default(),
        dropped: 0,
    };
    child.run().map_or(0, |()| 0)
}

/// Ctrl-C is for the other process; so are the terminal and all rights.
fn prepare(live: &Live, question: &PipeReader, answer: &PipeWriter) -> Option<()> {
    let mut signals = SigSet::all();
    // The filter counts what it refuses by this one.
    signals.remove(Signal::SIGSYS);
    signals.thread_block().ok()?;
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .ok()?;
    nix::unistd::dup2_stdin(&null).ok()?;
    nix::unistd::dup2_stdout(&null).ok()?;
    drop(null);
    let mut keep: Vec<BorrowedFd<'_>> = live.descriptors().collect();
    keep.extend([question.as_fd(), answer.as_fd()]);
    let options = Options {
        require_sandbox: false,
        keep: &keep,
    };
    // After the change of the user, which would clear it (prctl(2)), there is no more prctl; the
    // end of the questions ends us anyway.
    prctl::set_pdeathsig(Signal::SIGKILL).ok()?;
    privilege::drop(&table::WITNESS, &options).ok()?;
    Some(())
}

struct Child {
    live: Live,
    question: PipeReader,
    answer: PipeWriter,
    decoder: Decoder,
    packet: Packet,
    report: Report,
    /// What the kernel's queue lost so far.
    dropped: u64,
}

impl Child {
    /// Until the questions end; `None` for an error.
    fn run(mut self) -> Option<()> {
        loop {
            let waits = self.take()?;
            let timeout = (!waits).then_some(std::time::Duration::ZERO);
            let asked = {
                let mut fds = vec![PollFd::new(self.question.as_fd(), PollFlags::POLLIN)];
                let sockets = self.live.descriptors();
                fds.extend(sockets.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
                ppoll(&mut fds, timeout, None).ok()?;
                fds.first()?.any()?
            };
            if asked {
                let mut byte = [0];
                if self.question.read(&mut byte).ok()? == 0 {
                    return Some(());
                }
                // What was queued before the question.
                while !self.take()? {}
                self.tell()?;
            }
        }
    }

    /// Looks at the frames that are here; `true` if no more are.
    fn take(&mut self) -> Option<bool> {
        for _ in 0..BATCH {
            match self.live.next().ok()? {
                Next::Frame => self.look(),
                Next::Wait => return Some(true),
                Next::End => return None,
            }
        }
        Some(false)
    }

    fn look(&mut self) {
        // "in" and "out" mean little where both ends are ours.
        let frame = Frame {
            dir: Direction::Unknown,
            ..self.live.frame()
        };
        let (decoder, packet) = (&self.decoder, &mut self.packet);
        let seen = catch_unwind(AssertUnwindSafe(|| {
            decoder.decode(&frame, packet);
            Seen::of(&frame, packet)
        }));
        match seen {
            Ok(Some(seen)) if self.report.seen.len() < MOST => self.report.seen.push(seen),
            Ok(None) => {}
            _ => self.report.left_out = self.report.left_out.saturating_add(1),
        }
    }

    fn tell(&mut self) -> Option<()> {
        let report = std::mem::take(&mut self.report);
        let dropped = self.live.counts().dropped;
        let lost = dropped.saturating_sub(self.dropped);
        self.dropped = dropped;
        let mut text = String::new();
        for seen in &report.seen {
            seen.write(&mut text);
        }
        let _ = writeln!(text, ".{}", report.left_out.saturating_add(lost));
        self.answer.write_all(text.as_bytes()).ok()
    }
}
