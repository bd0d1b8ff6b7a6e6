//! Clients against servers of other kinds: one line for each pair.

use std::fmt::Write as _;

use crate::compare::mismatch::Outcomes;
use crate::view::errno;

/// Appends the table.
pub fn render(outcomes: &[Outcomes], out: &mut String) {
    let mut last = None;
    for one in outcomes {
        if last.replace(one.client) != Some(one.client) {
            let _ = writeln!(out, "\n{}", one.client.name());
        }
        let _ = writeln!(out, "  -> {:22}{}", one.server.name(), client(one));
        let _ = writeln!(out, "{:27}{}", "", server(one));
        if !one.packets.is_empty() {
            let _ = writeln!(out, "{:27}wire: {}", "", runs(&one.packets));
        }
    }
}

fn client(one: &Outcomes) -> String {
    match one.failed {
        None if one.answered => "answered".to_owned(),
        None => "no reply was waited for".to_owned(),
        Some((method, libc::EAGAIN)) => format!("{method}: nothing came (timeout)"),
        Some((method, number)) => {
            let name = errno::name(number).unwrap_or("errno");
            format!("{method}: {name} ({number})")
        }
    }
}

fn server(one: &Outcomes) -> String {
    match one.served {
        0 => "the server's program saw nothing".to_owned(),
        bytes => format!("the server's program got {bytes} bytes"),
    }
}

/// `data x2, RST`.
fn runs(names: &[String]) -> String {
    let groups: Vec<String> = names
        .chunk_by(|one, other| one == other)
        .filter_map(|group| {
            let name = group.first()?;
            Some(match group.len() {
                1 => name.clone(),
                count => format!("{name} x{count}"),
            })
        })
        .collect();
    groups.join(", ")
}
