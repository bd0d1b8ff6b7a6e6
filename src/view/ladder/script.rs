//! The ladder for other people's tools: Mermaid's `sequenceDiagram` and PlantUML.

use std::fmt::Write as _;

use super::{Arrow, End, Ladder, millis};
use crate::event::Mono;

/// One thing of the ladder, in order.
enum Item<'a> {
    Arrow(&'a Arrow),
    Call(usize, String),
    Note(&'a str),
}

fn items(ladder: &Ladder) -> Vec<(Mono, u8, Item<'_>)> {
    let mut items: Vec<(Mono, u8, Item<'_>)> = Vec::new();
    for call in &ladder.calls {
        let words = format!("{} {}", call.text, call.result);
        items.push((call.at, 1, Item::Call(call.lane, words)));
    }
    for arrow in &ladder.arrows {
        items.push((arrow.sent, 2, Item::Arrow(arrow)));
    }
    for note in &ladder.notes {
        items.push((note.at, 0, Item::Note(&note.text)));
    }
    items.sort_by_key(|(at, order, _)| (*at, *order));
    items
}

/// The label, its time, and what is special.
fn words(arrow: &Arrow) -> String {
    let mut words = format!("{} [{} ms]", arrow.label, millis(arrow.sent.0));
    match &arrow.end {
        End::Lost(_, reason) => {
            let _ = write!(words, " ({reason})");
        }
        End::NotSeen => words.push_str(" (not seen at the other end)"),
        End::Arrived(_) | End::Seen => {}
    }
    for mark in &arrow.marks {
        let _ = write!(words, " ({mark})");
    }
    words
}

/// Appends a `sequenceDiagram` of Mermaid.
pub fn render_mermaid(ladder: &Ladder, out: &mut String) {
    out.push_str("sequenceDiagram\n");
    for (number, lane) in ladder.lanes.iter().enumerate() {
        let name = format!("{} {}", lane.name, lane.address);
        let _ = writeln!(out, "    participant L{number} as {}", mermaid(name.trim()));
    }
    let last = ladder.lanes.len().saturating_sub(1);
    for (_, _, item) in items(ladder) {
        let _ = match item {
            Item::Arrow(arrow) => {
                let line = match arrow.end {
                    End::Lost(..) | End::NotSeen => "-x",
                    _ if arrow.again => "-->>",
                    _ => "->>",
                };
                let words = mermaid(&words(arrow));
                writeln!(out, "    L{}{line}L{}: {words}", arrow.from, arrow.to)
            }
            Item::Call(lane, words) => {
                writeln!(out, "    Note over L{lane}: {}", mermaid(&words))
            }
            Item::Note(text) if last > 0 => {
                writeln!(out, "    Note over L0,L{last}: {}", mermaid(text))
            }
            Item::Note(text) => writeln!(out, "    Note over L0: {}", mermaid(text)),
        };
    }
}

/// Text that Mermaid takes as text: its entity codes for what it would read (#35; is a #).
fn mermaid(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '#' | ';' | '<' | '>' | '&' | '"' | '%' | '{' | '}' | '`' | '\\' | ':' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    // A blank label is no statement.
    if out.trim().is_empty() {
        out.push('-');
    }
    out
}

/// Appends a diagram of PlantUML.
pub fn render_plantuml(ladder: &Ladder, out: &mut String) {
    out.push_str("@startuml\nhide footbox\n");
    let _ = writeln!(out, "title {}", plantuml(&ladder.title));
    for (number, lane) in ladder.lanes.iter().enumerate() {
        let name = format!("{} {}", lane.name, lane.address);
        let _ = writeln!(
            out,
            "participant \"{}\" as L{number}",
            plantuml(name.trim())
        );
    }
    let last = ladder.lanes.len().saturating_sub(1);
    for (_, _, item) in items(ladder) {
        let _ = match item {
            Item::Arrow(arrow) => {
                let line = match arrow.end {
                    End::Lost(..) | End::NotSeen => "->x",
                    _ if arrow.again => "-->",
                    _ => "->",
                };
                let words = plantuml(&words(arrow));
                writeln!(out, "L{} {line} L{} : {words}", arrow.from, arrow.to)
            }
            Item::Call(lane, words) => {
                writeln!(out, "rnote over L{lane} : {}", plantuml(&words))
            }
            Item::Note(text) => {
                writeln!(out, "rnote over L0, L{last} : {}", plantuml(text))
            }
        };
    }
    out.push_str("@enduml\n");
}

/// Text that PlantUML takes as text: `~` before what its Creole markup would read, character codes
/// for what would end the string or begin a directive.
fn plantuml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '\\' | '@' | '&' | '#' | '%' | '!' => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            '*' | '_' | '~' | '-' | '/' | '=' | '[' | ']' | '|' | '^' | '.' if out.ends_with(c) => {
                out.push('~');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
