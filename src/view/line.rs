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
    let mut words = String::new();
    let mut first = true;
    let mut quoted = false;
    for layer in packet.layers() {
        if is_link(layer.proto) && !style.link {
            continue;
        }
        words.clear();
        (layer.proto.summary)(packet, layer, &mut words);
        if words.is_empty() {
            continue;
        }
        if layer.quoted && !quoted {
            quoted = true;
            out.push_str(" [about ");
        } else if !first {
            out.push_str(": ");
        }
        first = false;
        escape_into(&words, out);
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
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}.{nanos:09}");
}
