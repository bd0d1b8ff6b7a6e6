//! What became of a frame on the wire, in words. Which frame it was is `line`'s.

use std::fmt::Write as _;
use std::time::Duration;

use crate::event::{Fate, Mono, Reason};
use crate::view::escape::escape_into;
use crate::wire::Story;

/// Appends the fates of a frame, separated by commas; `hosts` are the names.
pub fn render_fates(story: &Story, hosts: &[String], out: &mut String) {
    let start = out.len();
    let name = |host: crate::event::Host, out: &mut String| {
        let name = hosts.get(usize::from(host.0));
        escape_into(name.map_or("?", String::as_str), out);
    };
    for (at, fate) in &story.fates {
        if out.len() > start {
            out.push_str(", ");
        }
        match fate {
            Fate::Delivered { to, .. } => {
                out.push_str("delivered to ");
                name(*to, out);
                out.push_str(" after ");
                millis(at.since(story.at), out);
            }
            Fate::Dropped(reason) => {
                let _ = write!(out, "dropped: {}", reason_words(*reason));
            }
            Fate::Duplicated => out.push_str("duplicated"),
            Fate::Corrupted { bit } => {
                let _ = write!(out, "bit {} of byte {} flipped", bit % 8, bit / 8);
            }
            Fate::Overtaken => out.push_str("overtaken by the next"),
            Fate::Held => out.push_str("held"),
        }
    }
    if let Some((from, flight)) = story.flight {
        out.push_str("sent by ");
        name(from, out);
        out.push(' ');
        millis(flight, out);
        out.push_str(" before");
    } else if story.fates.is_empty() {
        out.push_str("still under way");
    }
}

/// Why a frame was not passed on.
pub fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Loss => "lost by chance (--loss)",
        Reason::Rule => "by a rule (--drop)",
        Reason::Key => "by a key",
        Reason::Mtu => "longer than the wire's MTU (--mtu)",
        Reason::Queue => "the queue was full (--rate)",
        Reason::MutedReset => "a reset of the kernel, swallowed (--mute-rst)",
        Reason::Refused => "the far end took no frame",
    }
}

/// Appends a time since the start: seconds with microseconds, twelve places.
pub fn render_time(at: Mono, out: &mut String) {
    let _ = write!(out, "{:>12.6}", at.0.as_secs_f64());
}

fn millis(span: Duration, out: &mut String) {
    let _ = write!(out, "{:.3} ms", span.as_secs_f64() * 1e3);
}
