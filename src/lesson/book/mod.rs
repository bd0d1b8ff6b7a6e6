//! The fifteen lessons. One file holds those of one subject; the texts are short, since the output is
//! what a student should read.

mod raw;
mod sockets;
mod tcp;
mod udp;
mod wire;

use super::{Expect, Lesson, Question, Step, Text};

/// The lessons, by number.
pub static LESSONS: &[Lesson] = &[
    sockets::WHAT_A_SOCKET_IS,
    tcp::HANDSHAKE,
    udp::NO_CONNECTION,
    udp::WRONG_PROTOCOL,
    tcp::STICKY,
    udp::LOSS,
    tcp::CLOSING,
    tcp::BACKLOG,
    raw::OWN_PROTOCOL,
    raw::BY_HAND,
    raw::RESET,
    wire::WAITING,
    wire::GROUPS,
    wire::HOPS,
    sockets::TIMEOUTS,
];

/// Both languages of a sentence.
const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

/// `rawsock call` in a lab host, with a script.
const CALL: &[&str] = &["lab", "pair", "--", "call", "-"];
/// The same, where a call is meant to fail.
const CALL_ON: &[&str] = &["lab", "pair", "--", "call", "--keep-going", "-"];
