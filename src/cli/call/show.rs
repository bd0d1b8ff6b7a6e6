//! What is printed of a statement: its calls, packets, state and tables, as text or as JSON.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::packets::{Ours, Under};
use super::side::Done;
use crate::call::{Action, Failure, Mismatch, Outcome, Value};
use crate::event::{self, Call};
use crate::view::json::safe;
use crate::view::{calls, errno};

/// Bytes that a line of `view::calls` shows of a message.
const PREVIEW: usize = 24;

/// The head of the columns. `width`: of the names of sides, 0 without.
pub fn head(width: usize, out: &mut String) {
    let mut line = String::new();
    calls::head(&mut line);
    let _ = write!(out, "{:width$}{line}", "");
}

/// A statement that goes on in the background.
pub fn begun(side: &str, width: usize, text: &str, out: &mut String) {
    let _ = writeln!(out, "{side:width$}  .. {text}  in the background");
}

/// Everything about a finished statement.
pub fn text(done: &Done, under: Option<&Under>, width: usize, out: &mut String) {
    let side = format!("{:width$}", done.statement.side);
    let packets = |list: &[Ours], out: &mut String| {
        for ours in list {
            let _ = writeln!(out, "{side}       {} {}", ours.arrow, ours.text);
        }
    };
    if let Some(under) = under
        && !under.before.is_empty()
    {
        let _ = writeln!(out, "{side}     since then:");
        packets(&under.before, out);
    }
    let own;
    let calls = if done.calls.is_empty() && !matches!(done.statement.action, Action::Names) {
        own = [without_call(done)];
        &own[..]
    } else {
        &done.calls[..]
    };
    for (index, call) in calls.iter().enumerate() {
        let last = index + 1 == calls.len();
        if last && done.more_calls > 0 {
            let _ = writeln!(out, "{side}     .. {} more calls", done.more_calls);
        }
        let mut line = String::new();
        calls::line(call, &mut line);
        out.push_str(&side);
        out.push_str(line.trim_end());
        if let (true, Some(state)) = (last, &done.state) {
            let _ = write!(out, "  [{state}]");
        }
        out.push('\n');
    }
    if let Some(under) = under {
        packets(&under.during, out);
        if under.left_out > 0 {
            let _ = writeln!(out, "{side}       {} packets are not shown", under.left_out);
        }
    }
    if let Ok(Value::Bytes(bytes) | Value::From { bytes, .. }) = &done.outcome
        && bytes.len() > PREVIEW
        && let Ok(value) = &done.outcome
    {
        let _ = writeln!(out, "{side}       {value}");
    }
    for line in &done.lines {
        let _ = writeln!(out, "{side}       {line}");
    }
}

/// A verb that made no call of the kernel's, in the same layout.
fn without_call(done: &Done) -> Call {
    let method = match &done.statement.action {
        Action::Call(call) => call.verb.name,
        _ => "",
    };
    let outcome = match &done.outcome {
        Ok(value) => event::Outcome::Value(value.to_string()),
        Err(Failure::Errno(number)) => event::Outcome::Errno(*number),
        Err(Failure::Timeout) => event::Outcome::Value("timeout".into()),
        Err(Failure::Refused(why)) => event::Outcome::Value(format!("not done: {why}")),
    };
    Call {
        method,
        fd: None,
        args: String::new(),
        outcome,
        blocked: done.blocked,
        bytes: 0,
    }
}

/// A statement as one JSON object.
pub fn json(done: &Done, under: Option<&Under>, failed: Option<&Mismatch>) -> String {
    let statement = &done.statement;
    let calls: Vec<Json> = done.calls.iter().map(call_json).collect();
    let mut object = json!({
        "type": "statement",
        "line": statement.line,
        "text": statement.text,
        "at_s": done.began.0.0.as_secs_f64(),
        "time": done.began.1.to_string(),
        "blocked_s": done.blocked.as_secs_f64(),
        "calls": calls,
    });
    let mut set = |key: &str, value: Json| {
        if let Some(map) = object.as_object_mut() {
            map.insert(key.to_owned(), value);
        }
    };
    if !statement.side.is_empty() {
        set("side", json!(statement.side));
    }
    outcome_json(&done.outcome, &mut set);
    if done.more_calls > 0 {
        set("calls_left_out", json!(done.more_calls));
    }
    if let Some(state) = &done.state {
        set("tcp_state", json!(state));
    }
    if !done.lines.is_empty() {
        set("lines", json!(done.lines));
    }
    if let Some(under) = under {
        let packets = |list: &[Ours]| list.iter().map(packet_json).collect::<Vec<Json>>();
        set("packets", json!(packets(&under.during)));
        if !under.before.is_empty() {
            set("packets_before", json!(packets(&under.before)));
        }
        if under.left_out > 0 {
            set("packets_left_out", json!(under.left_out));
        }
    }
    if let Some(expect) = &statement.expect {
        set("expected", json!(expect.text));
        set("met", json!(failed.is_none()));
        if let Some(failed) = failed {
            set("came", json!(failed.came));
        }
    }
    safe(&object.to_string()).into_owned()
}

fn outcome_json(outcome: &Outcome, set: &mut impl FnMut(&str, Json)) {
    match outcome {
        Ok(value) => {
            set("ok", json!(true));
            set("value", json!(value.to_string()));
            if let Value::Bytes(bytes) | Value::From { bytes, .. } = value {
                set("bytes", json!(bytes.len()));
                let shown = bytes.get(..4096).unwrap_or(bytes);
                set("received", json!(String::from_utf8_lossy(shown)));
            }
        }
        Err(failure) => {
            set("ok", json!(false));
            match failure {
                Failure::Errno(number) => {
                    set("errno", json!(number));
                    set("errno_name", json!(errno::name(*number)));
                }
                Failure::Timeout => set("timeout", json!(true)),
                Failure::Refused(why) => set("refused", json!(why)),
            }
        }
    }
}

fn call_json(call: &Call) -> Json {
    let mut object = json!({
        "method": call.method,
        "fd": call.fd,
        "args": call.args,
        "blocked_s": call.blocked.as_secs_f64(),
        "bytes": call.bytes,
        "meaning": calls::meaning(call),
    });
    if let Some(map) = object.as_object_mut() {
        match &call.outcome {
            event::Outcome::Value(value) => map.insert("result".into(), json!(value)),
            event::Outcome::Errno(number) => {
                map.insert("errno".into(), json!(number));
                map.insert("errno_name".into(), json!(errno::name(*number)))
            }
        };
    }
    object
}

fn packet_json(ours: &Ours) -> Json {
    json!({
        "time": ours.at.to_string(),
        "sent": ours.sent,
        "bytes": ours.wire_len,
        "text": ours.text,
    })
}
