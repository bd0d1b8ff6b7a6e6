//! A socket call as one line of a trace: arguments, result, time blocked, what it means.
//!
//! The layout is C's, as strace(1) prints it, so that the two can be laid side by side.

use std::fmt::Write as _;
use std::time::Duration;

use super::errno;
use crate::event::{Call, Outcome};

/// Width of the columns of call, result and time.
const CALL: usize = 43;
const RESULT: usize = 26;
const TIME: usize = 9;

/// The head of a trace.
pub fn head(out: &mut String) {
    let _ = writeln!(
        out,
        "  fd {:CALL$} {:RESULT$} {:>TIME$}  what it means",
        "call", "result", "time"
    );
}

/// One call, with a line feed.
pub fn line(call: &Call, out: &mut String) {
    let start = out.len();
    match call.fd {
        Some(fd) => {
            let _ = write!(out, "{fd:>4} ");
        }
        None => out.push_str("   - "),
    }
    let _ = write!(out, "{}({}) ", call.method, call.args);
    pad(start, 5 + CALL + 1, out);
    let before = out.len();
    out.push_str("= ");
    result(&call.outcome, out);
    out.push(' ');
    pad(before, RESULT + 1, out);
    let _ = write!(out, "{:>TIME$}", time(call.blocked));
    let meaning = meaning(call);
    if !meaning.is_empty() {
        out.push_str("  ");
        out.push_str(&meaning);
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out.push('\n');
}

/// `0`, or `-1 ECONNREFUSED (111)`.
pub fn result(outcome: &Outcome, out: &mut String) {
    let _ = match outcome {
        Outcome::Value(value) => write!(out, "{value}"),
        Outcome::Errno(number) => match errno::name(*number) {
            Some(name) => write!(out, "-1 {name} ({number})"),
            None => write!(out, "-1 ({number})"),
        },
    };
}

/// A span in three digits: `18 us`, `10.3 ms`, `2.31 s`.
pub fn time(span: Duration) -> String {
    let micros = span.as_secs_f64() * 1e6;
    let (number, unit) = match micros {
        ..1e3 => (micros, "us"),
        ..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = match number {
        ..10.0 if unit == "s" => 2,
        ..100.0 if unit != "us" => 1,
        _ => 0,
    };
    format!("{number:.decimals$} {unit}")
}

/// What a call means, in a few words; empty where it speaks for itself.
pub fn meaning(call: &Call) -> String {
    let value = match &call.outcome {
        Outcome::Errno(number) => return errno::cause(*number, call.method).to_owned(),
        Outcome::Value(value) => value,
    };
    let waited = call.blocked >= Duration::from_micros(200);
    let text = match call.method {
        "socket" => "a new socket: nothing has been sent",
        "socketpair" => "two sockets, connected with each other",
        "bind" => "the address is ours",
        "listen" => "the kernel makes connections from now on; so many and one more may wait",
        "accept" => "a new socket for this peer; the handshake was finished before",
        "connect" if waited => "waited one round trip",
        "connect" | "connect_ex" if value == "0" => "",
        "connect_ex" => {
            let number = value.parse().unwrap_or(0);
            return errno::cause(number, call.method).to_owned();
        }
        "recv" if value == "0" => "the peer has closed its side (or sent an empty message)",
        "recvfrom" if value.starts_with("0 ") => "an empty message",
        "recvfrom" if value.contains(" cut off") => "the buffer was too small: the rest is gone",
        "recv" | "recvfrom" if waited => "waited for it",
        "send" | "sendall" | "sendto" if call.bytes == 0 => {
            "nothing to send: a stream sends no packet, a datagram an empty one"
        }
        "send" | "sendall" => "copied to the send buffer, not yet delivered",
        "sendto" => "handed over; nothing tells whether it arrives",
        "shutdown" if call.args == "SHUT_WR" => "nothing more will be sent; receiving goes on",
        "shutdown" if call.args == "SHUT_RD" => "nothing more will be read",
        "shutdown" => "no more in either direction",
        "getsockopt" if call.args == "SO_PROTOCOL" => "what the kernel made of protocol 0",
        "setsockopt" if call.args.starts_with("SO_REUSEADDR") => {
            "old connections do not block the port"
        }
        "setsockopt" if call.args.starts_with("SO_RXQ_OVFL") => {
            "count what a full queue throws away"
        }
        "poll" if waited => "waited for one of them",
        _ => "",
    };
    text.to_owned()
}

fn pad(start: usize, width: usize, out: &mut String) {
    let shown = out.get(start..).map_or(0, |text| text.chars().count());
    for _ in shown..width {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &'static str, args: &str, outcome: Outcome) -> Call {
        Call {
            method,
            fd: Some(3),
            args: args.into(),
            outcome,
            blocked: Duration::from_micros(18),
            bytes: 0,
        }
    }

    #[test]
    fn a_line_has_its_columns() {
        let mut text = String::new();
        head(&mut text);
        line(
            &call("bind", "127.0.0.1:9000", Outcome::Value("0".into())),
            &mut text,
        );
        line(
            &call("connect", "127.0.0.1:9", Outcome::Errno(111)),
            &mut text,
        );
        let lines: Vec<&str> = text.lines().collect();
        let at = lines[0].find("result").unwrap();
        assert_eq!(lines[1].find("= 0"), Some(at));
        assert_eq!(lines[2].find("= -1 ECONNREFUSED (111)"), Some(at));
        assert!(lines[1].contains(" 18 us  the address is ours"), "{text}");
        assert!(lines[2].contains("nobody listens there"), "{text}");
    }

    #[test]
    fn spans_have_three_digits() {
        for (micros, text) in [
            (0, "0 us"),
            (18, "18 us"),
            (999, "999 us"),
            (10_300, "10.3 ms"),
            (214_900, "215 ms"),
            (2_314_000, "2.31 s"),
            (31_000_000, "31.0 s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), text);
        }
    }
}
