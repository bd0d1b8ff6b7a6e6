//! One verdict as one line of text (a corrupt answer has two, as in iputils).

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use super::numbers::{millis, millis_short};
use super::ping::Text;
use super::words;
use crate::event::Stamp;
use crate::ping::{IcmpError, Verdict};

/// How a line is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Plain,
    /// Worth a look.
    Odd,
    /// Wrong.
    Bad,
}

/// The line of a verdict; `None` for what has none.
pub(super) fn line(text: &Text, verdict: &Verdict) -> Option<(Tone, String)> {
    answer(text, verdict)
        .or_else(|| damaged(text, verdict))
        .or_else(|| other(text, verdict))
}

/// Answers with the right content.
fn answer(text: &Text, verdict: &Verdict) -> Option<(Tone, String)> {
    let bell = if text.options.audible { "\x07" } else { "" };
    match *verdict {
        Verdict::Reply {
            seq,
            n,
            from,
            bytes,
            ttl,
            rtt,
            stamp,
            reordered,
        } => {
            let head = head(text, bytes, from, seq) + &ident(text, n);
            let mark = if reordered { " (reordered)" } else { "" };
            let tail = tail(text, ttl, rtt, stamp);
            Some((Tone::Plain, format!("{head}{tail}{mark}{bell}")))
        }
        Verdict::Late {
            seq,
            n,
            from,
            bytes,
            ttl,
            rtt,
            stamp,
        } => {
            let head = head(text, bytes, from, seq) + &ident(text, n);
            let tail = tail(text, ttl, rtt, stamp);
            Some((Tone::Odd, format!("{head}{tail} (late){bell}")))
        }
        Verdict::Duplicate {
            seq,
            from,
            bytes,
            ttl,
            rtt,
            stamp,
        } => {
            // Every member of a group answers: that is no duplicate to the eye.
            let expected = text.options.group && !text.options.verbose;
            let mark = if expected { "" } else { " (DUP!)" };
            let head = head(text, bytes, from, seq);
            let tail = tail(text, ttl, rtt, stamp);
            Some((Tone::Odd, format!("{head}{tail}{mark}{bell}")))
        }
        Verdict::OtherAddress {
            seq,
            from,
            bytes,
            ttl,
            rtt,
            stamp,
        } => {
            let head = head(text, bytes, from, seq);
            let tail = tail(text, ttl, rtt, stamp);
            Some((Tone::Odd, format!("{head}{tail} (DIFFERENT ADDRESS!)")))
        }
        _ => None,
    }
}

/// Answers that are not what was asked for. They have no `time=`, so that no program takes them
/// for answers.
fn damaged(text: &Text, verdict: &Verdict) -> Option<(Tone, String)> {
    let (tone, head, what) = match *verdict {
        Verdict::Corrupt {
            seq,
            from,
            bytes,
            at,
            sent,
            got,
        } => (
            Tone::Bad,
            head(text, bytes, from, seq),
            format!("(corrupt)\nwrong data byte #{at} should be 0x{sent:x} but was 0x{got:x}"),
        ),
        Verdict::Truncated {
            seq,
            from,
            bytes,
            expected,
        } => (
            Tone::Bad,
            head(text, bytes, from, seq),
            format!("(truncated) {expected} bytes expected"),
        ),
        Verdict::Longer {
            seq,
            from,
            bytes,
            expected,
        } => (
            Tone::Bad,
            head(text, bytes, from, seq),
            format!("(longer) {expected} bytes expected"),
        ),
        Verdict::BadChecksum {
            seq,
            from,
            bytes,
            got,
            computed,
        } => (
            Tone::Bad,
            head(text, bytes, from, seq),
            format!("(BAD CHECKSUM!) 0x{got:04x} should be 0x{computed:04x}"),
        ),
        Verdict::UnknownSeq { seq, from, bytes } => (
            Tone::Odd,
            head(text, bytes, from, seq),
            "(never sent)".to_owned(),
        ),
        Verdict::Request { seq, from, bytes } => (
            Tone::Odd,
            head(text, bytes, from, seq),
            "(our echo request, bounced back)".to_owned(),
        ),
        _ => return None,
    };
    Some((tone, format!("{head} {what}")))
}

/// What is no answer.
fn other(text: &Text, verdict: &Verdict) -> Option<(Tone, String)> {
    match verdict {
        Verdict::Error { seq, error } => Some((Tone::Bad, self::error(text, *seq, error))),
        // Each change of state has its line; each probe has one with -v.
        Verdict::NotSent { seq, reason, .. } => text.options.verbose.then(|| {
            let reason = words::not_sent(reason);
            (Tone::Bad, format!("not sent: icmp_seq={seq} {reason}"))
        }),
        Verdict::Timeout {
            seq, closed_early, ..
        } => {
            let early = if *closed_early { " (closed early)" } else { "" };
            Some((
                Tone::Odd,
                format!("no answer for icmp_seq={seq}: timed out{early}"),
            ))
        }
        Verdict::State(change) => Some((Tone::Odd, words::state(change).1)),
        _ => None,
    }
}

/// `64 bytes from 10.0.0.1: icmp_seq=1`
fn head(text: &Text, bytes: usize, from: IpAddr, seq: u16) -> String {
    format!("{bytes} bytes from {}: icmp_seq={seq}", text.who(from))
}

/// ` ttl=64 time=0.041 ms`
fn tail(text: &Text, ttl: Option<u8>, rtt: Duration, stamp: Stamp) -> String {
    let mut tail = String::new();
    if let Some(ttl) = ttl {
        let _ = write!(tail, " ttl={ttl}");
    }
    let time = if text.options.precise {
        millis(rtt)
    } else {
        millis_short(rtt)
    };
    let _ = write!(tail, " time={time} ms");
    if text.options.verbose {
        let _ = write!(tail, " ({stamp})");
    }
    tail
}

/// ` ident=4711`, with `-v`.
fn ident(text: &Text, n: u64) -> String {
    let id = text.start.id(n).filter(|_| text.options.verbose);
    id.map(|id| format!(" ident={id}")).unwrap_or_default()
}

/// `From 10.0.0.1 icmp_seq=1 Destination Host Unreachable`
fn error(text: &Text, seq: Option<u16>, error: &IcmpError) -> String {
    let mut line = format!("From {}", text.who(error.from));
    // iputils writes a colon where the probe goes on: source quench and redirect (RFC 792).
    if error.from.is_ipv4() && matches!(error.icmp_type, 4 | 5) {
        line.push(':');
    }
    if let Some(seq) = seq {
        let _ = write!(line, " icmp_seq={seq}");
    }
    let _ = write!(line, " {}", words::error(error));
    if text.options.verbose {
        let _ = write!(line, " (type {} code {})", error.icmp_type, error.code);
    }
    if error.unmatched {
        line.push_str(" (quotes no probe of ours)");
    }
    line
}
