//! Where a client's messages come from: the command line, a pattern, or lines of standard input.

use std::io;
use std::os::fd::AsFd;

use crate::event::Mono;
use crate::net::traced::{PollFlags, Tracer, Waited};

/// Longest line that is taken as one message.
const LONGEST: usize = 64 * 1024;

/// The messages to send, one after the other.
#[derive(Debug)]
pub enum Messages {
    /// These, again and again, so many in all.
    Given {
        /// In this order; at least one.
        list: Vec<Vec<u8>>,
        /// How many are left.
        left: u64,
        /// Which is next.
        next: usize,
    },
    /// Numbered ones of a size.
    Pattern {
        /// Bytes of each.
        size: usize,
        /// How many are left.
        left: u64,
        /// The number of the next.
        next: u64,
    },
    /// Lines of standard input, without their line feed.
    Lines {
        /// What was read and not given out yet.
        buffer: Vec<u8>,
        /// Nothing more comes.
        ended: bool,
    },
}

/// What [`Messages::next`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This one.
    Message(Vec<u8>),
    /// No more.
    End,
    /// A signal came while we waited for input.
    Interrupted,
}

impl Messages {
    /// From standard input.
    pub fn lines() -> Self {
        Self::Lines {
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// Somebody may be typing them.
    pub fn are_lines(&self) -> bool {
        matches!(self, Self::Lines { .. })
    }

    /// The next one; waits for input as the sockets of this run wait, at most until `until`.
    pub fn next(&mut self, tracer: &Tracer, until: Option<Mono>) -> io::Result<Next> {
        match self {
            Self::Given { list, left, next } => {
                if *left == 0 || list.is_empty() {
                    return Ok(Next::End);
                }
                *left -= 1;
                let message = list.get(*next % list.len()).cloned();
                *next = next.wrapping_add(1);
                Ok(Next::Message(message.unwrap_or_default()))
            }
            Self::Pattern { size, left, next } => {
                if *left == 0 {
                    return Ok(Next::End);
                }
                *left -= 1;
                let message = fill(*next, *size);
                *next = next.wrapping_add(1);
                Ok(Next::Message(message))
            }
            Self::Lines { buffer, ended } => next_line(buffer, ended, tracer, until),
        }
    }
}

/// `message-00`, cut or filled up to `size` bytes.
pub fn fill(number: u64, size: usize) -> Vec<u8> {
    let mut message = format!("message-{number:02}").into_bytes();
    let letters = (b'a'..=b'z').cycle();
    let missing = size.saturating_sub(message.len());
    message.extend(letters.take(missing));
    message.truncate(size);
    message
}

fn next_line(
    buffer: &mut Vec<u8>,
    ended: &mut bool,
    tracer: &Tracer,
    until: Option<Mono>,
) -> io::Result<Next> {
    loop {
        if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = buffer.drain(..=end).collect();
            line.pop();
            return Ok(Next::Message(line));
        }
        if *ended || buffer.len() >= LONGEST {
            let rest = std::mem::take(buffer);
            return Ok(if rest.is_empty() {
                Next::End
            } else {
                Next::Message(rest)
            });
        }
        let stdin = io::stdin();
        match tracer.wait(stdin.as_fd(), PollFlags::POLLIN, until)? {
            Waited::Interrupted => return Ok(Next::Interrupted),
            Waited::TimedOut => return Ok(Next::End),
            Waited::Ready => {}
        }
        let mut chunk = [0; 4096];
        // Not by std's buffer: bytes that it holds would not be seen by poll(2).
        let got = nix::unistd::read(stdin.as_fd(), &mut chunk)?;
        *ended = got == 0;
        buffer.extend(chunk.get(..got).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_its_size_and_number() {
        assert_eq!(fill(0, 10), b"message-00");
        assert_eq!(fill(7, 14), b"message-07abcd");
        assert_eq!(fill(123, 4), b"mess");
        assert_eq!(fill(1, 0), b"");
        assert_eq!(fill(1, 1000).len(), 1000);
    }
}
