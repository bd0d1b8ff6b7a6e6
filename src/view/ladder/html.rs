//! The ladder as one page that needs nothing else: drawing, style, script, the packets' headers, and
//! the same again as a table. No network: the page's own policy (CSP) allows only the one style and
//! the one script that are in it, by their hashes; what came from outside is text and JSON.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::data::Data;
use super::{End, Ladder, millis, svg};
use crate::decode::Decoder;
use crate::event::{Id, Kind, List};
use crate::view::calls::time;
use crate::view::xml::{push_json, push_text};

/// The one style sheet, without the drawing's.
const STYLE: &str = include_str!("page.css");
/// The one script.
const SCRIPT: &str = include_str!("page.js");
/// What the policy allows: SHA-256 of the style element's text and of the script's, in base64. A
/// test computes them again.
const STYLE_HASH: &str = include_str!("page.css.sha256");
/// See [`STYLE_HASH`].
const SCRIPT_HASH: &str = include_str!("page.js.sha256");

/// Appends the page.
pub fn render(ladder: &Ladder, list: &List, decoder: &Decoder, out: &mut String) {
    let mut data = Data::default();
    let mut numbers: HashMap<Id, usize> = HashMap::new();
    let mut which: Vec<usize> = Vec::new();
    for arrow in &ladder.arrows {
        let next = numbers.len();
        let number = *numbers.entry(arrow.packet).or_insert(next);
        if number == next
            && let Some(Kind::Packet(packet)) = list.get(arrow.packet).map(|event| &event.kind)
        {
            data.push(decoder, packet);
        }
        which.push(number);
    }
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let _ = writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">",
        STYLE_HASH.trim(),
        SCRIPT_HASH.trim()
    );
    out.push_str(
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>",
    );
    push_text(&ladder.title, out);
    let _ = writeln!(out, "</title>\n<style>{}</style>\n</head>\n<body>", style());
    out.push_str("<header>\n<h1>");
    push_text(&ladder.title, out);
    out.push_str("</h1>\n<p id=\"clock\">");
    push_text(&ladder.clock_words(), out);
    out.push_str("</p>\n");
    out.push_str(CONTROLS);
    out.push_str("</header>\n<main>\n<section id=\"picture\" aria-label=\"Ladder\">\n");
    svg::render(ladder, false, out);
    out.push_str(
        "</section>\n<aside id=\"packet\" aria-live=\"polite\" aria-label=\"Packet\">\n\
         <p class=\"hint\">Point at an arrow, or press the right key.</p>\n</aside>\n</main>\n",
    );
    table(ladder, out);
    if ladder.left_out > 0 {
        let _ = writeln!(out, "<p>And {} more, not drawn.</p>", ladder.left_out);
    }
    let numbers: Vec<String> = which.iter().map(usize::to_string).collect();
    let _ = write!(
        out,
        "<script type=\"application/json\" id=\"data\">{{\"arrows\":[{}],\"all\":",
        numbers.join(",")
    );
    push_json(&data.json(), out);
    let _ = writeln!(
        out,
        "}}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>"
    );
}

/// Style of the page and of the drawing.
fn style() -> String {
    format!("{}{STYLE}", svg::STYLE)
}

const CONTROLS: &str = "\
<nav aria-label=\"Presenter\">\n\
<button id=\"back\" title=\"left key\">&#9664; back</button>\n\
<button id=\"next\" title=\"right key\">next &#9654;</button>\n\
<button id=\"all\" title=\"key a\">all</button>\n\
<button id=\"quiz\" title=\"key q\" aria-pressed=\"false\">hide labels</button>\n\
<button id=\"smaller\" title=\"key -\">A&#8722;</button>\n\
<button id=\"larger\" title=\"key +\">A+</button>\n\
<button id=\"theme\" title=\"key d\">dark / light</button>\n\
</nav>\n";

/// Everything once more, for readers that do not look at drawings, and for paper.
fn table(ladder: &Ladder, out: &mut String) {
    out.push_str(
        "<section id=\"list\">\n<h2>The same as a table</h2>\n<table>\n<thead><tr>\
         <th scope=\"col\">ms</th><th scope=\"col\">from</th><th scope=\"col\">to</th>\
         <th scope=\"col\">what</th><th scope=\"col\">what became of it</th></tr></thead>\n<tbody>\n",
    );
    let mut rows: Vec<(crate::event::Mono, u8, String)> = Vec::new();
    let name = |lane: usize| ladder.lanes.get(lane).map_or("", |lane| &*lane.name);
    for (number, arrow) in ladder.arrows.iter().enumerate() {
        let mut became = match &arrow.end {
            End::Arrived(at) => {
                let flight = time(at.since(arrow.sent));
                format!("arrived at {} ms, after {flight}", millis(at.0))
            }
            End::Seen => String::new(),
            End::Lost(_, reason) => (*reason).to_owned(),
            End::NotSeen => "not seen at the other end".to_owned(),
        };
        for mark in &arrow.marks {
            if !became.is_empty() {
                became.push_str(", ");
            }
            became.push_str(mark);
        }
        let mut row = format!("<tr data-n=\"{number}\">");
        cells(
            &[
                &millis(arrow.sent.0),
                name(arrow.from),
                name(arrow.to),
                &arrow.label,
                &became,
            ],
            &mut row,
        );
        rows.push((arrow.sent, 2, row));
    }
    for call in &ladder.calls {
        let mut row = String::from("<tr class=\"call\">");
        let took = format!("{} after {}", call.result, time(call.end.since(call.at)));
        cells(
            &[&millis(call.at.0), name(call.lane), "", &call.text, &took],
            &mut row,
        );
        rows.push((call.at, 1, row));
    }
    for note in &ladder.notes {
        let mut row = String::from("<tr>");
        cells(&[&millis(note.at.0), "", "", &note.text, ""], &mut row);
        rows.push((note.at, 0, row));
    }
    rows.sort_by_key(|(at, order, _)| (*at, *order));
    for (_, _, row) in &rows {
        out.push_str(row);
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

fn cells(words: &[&str], row: &mut String) {
    for words in words {
        row.push_str("<td>");
        push_text(words, row);
        row.push_str("</td>");
    }
    row.push_str("</tr>\n");
}
