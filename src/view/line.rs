//! A packet in one line, as tcpdump does it:
//! `12:00:00.000000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 64`.

use std::fmt::Write as _;

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
        quoted |= opens;
        first = false;
        // Text from the packet is rare; only a line that holds some is written twice.
        if !out[words..].bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let outside = out.split_off(words);
            escape_into(&outside, out);
        }
    }
    if first {
        let _ = write!(out, "{} bytes", frame.wire_len);
    }
    if quoted {
        out.push(']');
    }
    for problem in packet.problems() {
        out.push_str(" [");
        match problem.severity {
            Severity::Truncated => out.push_str("cut by the capture"),
            _ => escape_into(&problem.text, out),
        }
        out.push(']');
    }
}

fn is_link(proto: &Proto) -> bool {
    proto.claims.iter().any(|claim| match claim {
        Claim::Link(link) => !matches!(link, LinkType::IcmpMessage | LinkType::Icmpv6Message),
        _ => false,
    })
}

fn time_of_day(at: Timestamp, out: &mut String) {
    const SECOND: i64 = 1_000_000_000;
    let (seconds, nanos) = (at.0.div_euclid(SECOND), at.0.rem_euclid(SECOND));
    let day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (day / 3600, day / 60 % 60, day % 60);
    for (number, mark) in [(hour, ':'), (minute, ':'), (second, '.')] {
        padded(number, 2, out);
        out.push(mark);
    }
    padded(nanos, 9, out);
}

/// A number with leading zeros; `number` is not negative and has at most `digits` digits.
fn padded(number: i64, digits: u32, out: &mut String) {
    let mut unit = 10i64.pow(digits.saturating_sub(1));
    while unit > 0 {
        let digit = u32::try_from(number / unit % 10).unwrap_or(0);
        out.extend(char::from_digit(digit, 10));
        unit /= 10;
    }
}
