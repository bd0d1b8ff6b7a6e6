//! Numbered messages, and finding them again in what arrived.

use serde::Serialize;

use super::{Chunk, Experiment};
use crate::event::Mono;

/// The letters of a message; as many as there is room for. A reply has them in upper case.
const LETTERS: &[u8] = b"message-";
/// Fills up a long message.
const FILL: u8 = b'.';

/// One message: its number, and whether it is the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number, from 0.
    pub number: u32,
    /// It is the server's answer.
    pub reply: bool,
}

/// Digits that the numbers of an experiment need.
fn digits(experiment: &Experiment) -> usize {
    experiment
        .messages
        .saturating_sub(1)
        .to_string()
        .len()
        .max(2)
}

impl Message {
    /// The bytes: `message-07`, or `MESSAGE-07` for the reply.
    pub fn bytes(self, experiment: &Experiment) -> Vec<u8> {
        let digits = digits(experiment);
        let letters = experiment.size.saturating_sub(digits).min(LETTERS.len());
        let mut bytes = LETTERS.get(..letters).unwrap_or(LETTERS).to_vec();
        if self.reply {
            bytes.make_ascii_uppercase();
        }
        bytes.extend(format!("{:0digits$}", self.number).into_bytes());
        bytes.resize(experiment.size, FILL);
        bytes
    }

    /// Reads a message; `None` if a byte of it is wrong.
    pub fn parse(bytes: &[u8], experiment: &Experiment) -> Option<Self> {
        let digits = digits(experiment);
        let start = experiment.size.saturating_sub(digits).min(LETTERS.len());
        let text = bytes.get(start..start.checked_add(digits)?)?;
        let number = std::str::from_utf8(text).ok()?.parse().ok()?;
        let reply = bytes.first()?.is_ascii_uppercase();
        let read = Self { number, reply };
        (number < experiment.messages && read.bytes(experiment) == bytes).then_some(read)
    }
}

/// What became of the messages on their way to one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Arrived {
    /// Messages that arrived whole, each counted once.
    pub complete: u32,
    /// Further copies that the program saw.
    pub duplicates: u32,
    /// Messages that came after one with a higher number.
    pub out_of_order: u32,
    /// Pieces that are no message: damaged, or cut.
    pub damaged: u32,
    /// When each first arrived, by number.
    #[serde(skip)]
    pub first: Vec<Option<Mono>>,
}

impl Arrived {
    /// Reads what one side received; only `replies`, or only what is not.
    pub fn read(chunks: &[Chunk], stream: bool, replies: bool, experiment: &Experiment) -> Self {
        let mut arrived = Self {
            first: vec![None; usize::try_from(experiment.messages).unwrap_or(0)],
            ..Self::default()
        };
        let mut highest = None;
        let mut take = |bytes: &[u8], at: Mono| match Message::parse(bytes, experiment) {
            Some(message) if message.reply == replies => {
                let first = usize::try_from(message.number)
                    .ok()
                    .and_then(|number| arrived.first.get_mut(number));
                match first {
                    Some(Some(_)) => arrived.duplicates += 1,
                    Some(slot) => {
                        *slot = Some(at);
                        arrived.complete += 1;
                        arrived.out_of_order += u32::from(highest > Some(message.number));
                        highest = highest.max(Some(message.number));
                    }
                    None => {}
                }
            }
            // On a raw socket of one host both sides hear everything.
            Some(_) => {}
            None => arrived.damaged += 1,
        };
        if stream {
            let mut pending: Vec<u8> = Vec::new();
            for chunk in chunks {
                pending.extend(&chunk.bytes);
                while pending.len() >= experiment.size.max(1) {
                    let rest = pending.split_off(experiment.size.max(1));
                    take(&pending, chunk.at);
                    pending = rest;
                }
            }
            if !pending.is_empty() {
                arrived.damaged += 1;
            }
        } else {
            for chunk in chunks {
                take(&chunk.bytes, chunk.at);
            }
        }
        arrived
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn experiment(messages: u32, size: usize) -> Experiment {
        Experiment {
            messages,
            size,
            interval: Duration::ZERO,
        }
    }

    fn chunk(bytes: &[u8]) -> Chunk {
        Chunk {
            at: Mono::default(),
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn messages_are_read_back_at_every_size() {
        for size in 5..40 {
            for messages in [1, 20, 9999] {
                let experiment = experiment(messages, size);
                for number in [0, messages / 2, messages - 1] {
                    for reply in [false, true] {
                        let message = Message { number, reply };
                        let bytes = message.bytes(&experiment);
                        assert_eq!(bytes.len(), size);
                        assert_eq!(Message::parse(&bytes, &experiment), Some(message));
                    }
                }
            }
        }
        let ten = experiment(20, 10);
        let seven = Message {
            number: 7,
            reply: false,
        };
        assert_eq!(seven.bytes(&ten), b"message-07");
        for wrong in ["message-20", "messagE-07", "message-7", "message-07 ", ""] {
            assert_eq!(Message::parse(wrong.as_bytes(), &ten), None, "{wrong}");
        }
    }

    #[test]
    fn a_stream_is_cut_at_the_size_and_datagrams_are_not() {
        let ten = experiment(20, 10);
        let chunks = [
            chunk(b"message-00message-01mess"),
            chunk(b"age-02"),
            chunk(b"message-01"),
        ];
        let stream = Arrived::read(&chunks, true, false, &ten);
        assert_eq!(
            (stream.complete, stream.duplicates, stream.damaged),
            (3, 1, 0)
        );
        let datagrams = Arrived::read(&chunks, false, false, &ten);
        assert_eq!((datagrams.complete, datagrams.damaged), (1, 2));
    }

    #[test]
    fn order_is_that_of_first_arrivals() {
        let ten = experiment(20, 10);
        let chunks = [
            chunk(b"MESSAGE-02"),
            chunk(b"MESSAGE-01"),
            chunk(b"MESSAGE-03"),
        ];
        let arrived = Arrived::read(&chunks, false, true, &ten);
        assert_eq!((arrived.complete, arrived.out_of_order), (3, 1));
        assert_eq!(Arrived::read(&chunks, false, false, &ten).complete, 0);
    }
}
