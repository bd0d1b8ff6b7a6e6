//! A packet in one line, as tcpdump does it:
//! `12:00:00.000000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 64`.

use std::fmt::Write as _;

use crate::decode::text::{push_nine, push_two};
use crate::decode::{Claim, Direction, Frame, LinkType, Packet, Proto, Severity};
use crate::event::Timestamp;
use crate::view::escape::escape_into;

/// What a line begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Time of day in UTC, nanoseconds.
    pub time: bool,
    /// The link layer's addresses.
    pub link: bool,
    /// Of each layer only its first words and its length, and no problems.
    pub quiet: bool,
}

/// Appends one line without a line feed; nothing in it can be a control character.
pub fn render_line(frame: &Frame<'_>, packet: &Packet, style: Style, out: &mut String) {
    if style.time {
        time_of_day(frame.at, out);
        out.push(' ');
    }
    match frame.dir {
        Direction::Unknown => {}
        Direction::In => out.push_str("in "),
        Direction::Out => out.push_str("out "),
    }
    let begin = out.len();
    let mut first = true;
    let mut quoted = false;
    for layer in packet.layers() {
        if is_link(layer.proto) && !style.link {
            continue;
        }
        let start = out.len();
        let opens = layer.quoted && !quoted;
        out.push_str(match (opens, first) {
            (true, _) => " [about ",
            (false, true) => "",
            (false, false) => ": ",
        });
        let words = out.len();
        (layer.proto.summary)(packet, layer, out);
        if out.len() == words {
            out.truncate(start);
            continue;
        }
        if style.quiet {
            shorten(words, out);
        }
        quoted |= opens;
        first = false;
    }
    // Text from the packet is rare; only a line that holds some is written twice.
    if !is_plain(out.as_bytes().get(begin..).unwrap_or(&[])) {
        let outside = out.split_off(begin);
        escape_into(&outside, out);
    }
    if first {
        let _ = write!(out, "{} bytes", frame.wire_len);
    }
    if quoted {
        out.push(']');
    }
    let problems = if style.quiet { &[] } else { packet.problems() };
    for problem in problems {
        out.push_str(" [");
        match problem.severity {
            Severity::Truncated => out.push_str("cut by the capture"),
            _ => escape_into(&problem.text, out),
        }
        out.push(']');
    }
}

/// Only printable ASCII. Without an early end, so that the compiler makes vector instructions of it.
fn is_plain(text: &[u8]) -> bool {
    let odd = text.iter().map(|byte| !matches!(byte, b' '..=b'~'));
    !odd.fold(false, |any, odd| any | odd)
}

/// Cuts what a layer wrote from `start` on at its first comma; a length stays.
fn shorten(start: usize, out: &mut String) {
    let words = out.get(start..).unwrap_or("");
    let Some(comma) = words.find(", ") else {
        return;
    };
    let length = words.rfind(", length ").map(|at| words[at..].to_owned());
    out.truncate(start.saturating_add(comma));
    out.push_str(&length.unwrap_or_default());
}

fn is_link(proto: &Proto) -> bool {
    proto.claims.iter().any(|claim| match claim {
        Claim::Link(link) => !matches!(link, LinkType::IcmpMessage | LinkType::Icmpv6Message),
        _ => false,
    })
}

fn time_of_day(at: Timestamp, out: &mut String) {
    const SECOND: i64 = 1_000_000_000;
    let day = at.0.div_euclid(SECOND).rem_euclid(86_400).unsigned_abs();
    for (number, mark) in [(day / 3600, ':'), (day / 60 % 60, ':'), (day % 60, '.')] {
        push_two(number, out);
        out.push(mark);
    }
    push_nine(at.0.rem_euclid(SECOND).unsigned_abs(), out);
}
