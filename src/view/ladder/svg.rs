//! The ladder as SVG: attributes and classes, no style of its own inside the drawing, so that a page
//! and a file share it. Everything from outside is text.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::place::{Places, WORDS, places};
use super::{Arrow, End, Ladder, Tone, millis};
use crate::view::calls::time;
use crate::view::wrap::fit;
use crate::view::xml::push_text;

/// Beside the first and the last lane, where there are calls; times stand there too.
const MARGIN: u32 = 212;
/// Left of the first lane without calls: times, and half a name.
const LEFT: u32 = 112;
/// Right of the last lane without calls: half a name.
const RIGHT: u32 = 80;
/// Between the first two lanes.
const WIDE: u32 = 500;
/// Between lanes where there are more.
const NARROW: u32 = 340;
/// Above the lanes.
const TOP: u32 = 64;
/// A letter of the calls, about.
const LETTER: u32 = 8;

/// The style of a drawing that stands alone; pages have it in theirs.
pub const STYLE: &str = include_str!("ladder.css");

/// Where the lanes stand.
struct Lanes {
    x: Vec<u32>,
    width: u32,
}

fn lanes(ladder: &Ladder) -> Lanes {
    let count = u32::try_from(ladder.lanes.len().max(1)).unwrap_or(1);
    let gap = if count > 2 { NARROW } else { WIDE };
    let calls = |lane: usize| ladder.calls.iter().any(|call| call.lane == lane);
    let left = if calls(0) { MARGIN } else { LEFT };
    let last = ladder.lanes.len().saturating_sub(1);
    let right = if calls(last) { MARGIN } else { RIGHT };
    let x = (0..count).map(|lane| left + lane * gap).collect();
    Lanes {
        x,
        width: left + right + count.saturating_sub(1) * gap,
    }
}

/// Appends the drawing as one `<svg>` element; with `file`, as a file that stands alone.
pub fn render(ladder: &Ladder, file: bool, out: &mut String) {
    let places = places(ladder);
    let lanes = lanes(ladder);
    let (width, height) = (lanes.width, places.height + TOP);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" viewBox=\"0 0 {width} {height}\""
    );
    if file {
        let _ = write!(out, " width=\"{width}\" height=\"{height}\"");
    }
    out.push_str(" role=\"group\" aria-label=\"");
    push_text(&ladder.title, out);
    out.push_str("\">\n");
    if file {
        let _ = writeln!(out, "<style>{STYLE}</style>");
        let _ = writeln!(
            out,
            "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"
        );
    }
    heads(ladder, &lanes, height, out);
    scale(&places, &lanes, out);
    for (number, note) in ladder.notes.iter().enumerate() {
        let y = TOP + places.notes.get(number).copied().unwrap_or(0);
        let middle = lanes.width / 2;
        text(out, "note", middle, y + 4, "middle", &note.text);
    }
    for (number, call) in ladder.calls.iter().enumerate() {
        let (begin, back) = places.calls.get(number).copied().unwrap_or((0, 0));
        let x = lanes.x.get(call.lane).copied().unwrap_or(MARGIN);
        self::call(ladder, call, (x, TOP + begin, TOP + back), out);
    }
    for (number, arrow) in ladder.arrows.iter().enumerate() {
        let (y0, y1) = places.arrows.get(number).copied().unwrap_or((0, 0));
        self::arrow(arrow, number, &lanes, (TOP + y0, TOP + y1), out);
    }
    out.push_str("</svg>\n");
}

fn heads(ladder: &Ladder, lanes: &Lanes, height: u32, out: &mut String) {
    for (lane, x) in ladder.lanes.iter().zip(&lanes.x) {
        text(out, "host", *x, 26, "middle", &lane.name);
        text(out, "address", *x, 46, "middle", &lane.address);
        let _ = writeln!(
            out,
            "<line class=\"lane\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{}\"/>",
            height - 8
        );
    }
}

/// Times at the left edge, and the pauses that were cut.
fn scale(places: &Places, lanes: &Lanes, out: &mut String) {
    text(out, "time", 62, TOP - 4, "end", "ms");
    for (y, at) in &places.times {
        text(out, "time", 62, TOP + y + 4, "end", &millis(at.0));
    }
    let right = lanes.x.last().copied().unwrap_or(MARGIN);
    let left = lanes.x.first().copied().unwrap_or(MARGIN);
    for (y, pause) in &places.pauses {
        let y = TOP + y;
        let _ = write!(
            out,
            "<g class=\"pause\"><rect class=\"cut\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\"/>",
            left.saturating_sub(8),
            y - 8,
            right - left + 16
        );
        let words = format!("{} pass", time(*pause));
        text(
            out,
            "gap",
            u32::midpoint(left, right),
            y + 4,
            "middle",
            &words,
        );
        out.push_str("</g>\n");
    }
}

/// A bar for as long as a call takes, and its words on the outer side.
fn call(
    ladder: &Ladder,
    call: &super::CallMark,
    (x, begin, back): (u32, u32, u32),
    out: &mut String,
) {
    let left = call.lane == 0;
    let failed = if call.failed { " failed" } else { "" };
    let bar = if left { x.saturating_sub(6) } else { x };
    let tall = back.saturating_sub(begin).max(5);
    let _ = write!(out, "<g class=\"call{failed}\"><title>");
    push_text(
        &format!(
            "{} {} in {}",
            call.text,
            call.result,
            time(call.end.since(call.at))
        ),
        out,
    );
    let _ = write!(
        out,
        "</title><rect class=\"bar\" x=\"{bar}\" y=\"{begin}\" width=\"6\" height=\"{tall}\" rx=\"2\"/>"
    );
    let inner = call.lane > 0 && call.lane + 1 < ladder.lanes.len();
    let (at, anchor) = if left {
        (x.saturating_sub(14), "end")
    } else {
        (x + 14, "start")
    };
    // Times stand at the left edge.
    let room = if inner {
        14
    } else {
        ((MARGIN - 82) / LETTER) as usize
    };
    let near = back.saturating_sub(begin) < WORDS;
    let name = call.text.split('(').next().unwrap_or("");
    let forms = if near {
        [
            format!("{} {}", call.text, call.result),
            format!("{name}() {}", call.result),
        ]
    } else {
        [call.text.clone(), format!("{name}()")]
    };
    let fits = |words: &&String| words.width() <= room;
    let words = forms.iter().find(fits).or(forms.last());
    let words = words.map_or("", String::as_str);
    text(
        out,
        "words",
        at,
        begin + 5,
        anchor,
        fit(words, room, false).trim_end(),
    );
    if !near {
        let words = fit(&call.result, room, false);
        text(out, "words", at, back + 4, anchor, words.trim_end());
    }
    out.push_str("</g>\n");
}

fn arrow(arrow: &Arrow, number: usize, lanes: &Lanes, (y0, y1): (u32, u32), out: &mut String) {
    let x0 = lanes.x.get(arrow.from).copied().unwrap_or(MARGIN);
    let x1 = lanes.x.get(arrow.to).copied().unwrap_or(MARGIN);
    let dead = matches!(arrow.end, End::Lost(..) | End::NotSeen);
    let rightward = x1 >= x0;
    // To itself: a short stub.
    let x1 = match (x0 == x1, dead) {
        (true, _) => x0 + 60,
        (false, true) if rightward => x0 + (x1 - x0) * 3 / 5,
        (false, true) => x0 - (x0 - x1) * 3 / 5,
        (false, false) => x1,
    };
    let tone = match arrow.tone {
        Tone::Open => "open",
        Tone::Data => "data",
        Tone::Ack => "ack",
        Tone::Close => "close",
        Tone::Error => "error",
        Tone::Other => "other",
    };
    let again = if arrow.again { " again" } else { "" };
    let lost = if dead { " lost" } else { "" };
    let _ = write!(
        out,
        "<g class=\"arrow {tone}{again}{lost}\" data-n=\"{number}\" tabindex=\"0\" role=\"button\" aria-label=\""
    );
    push_text(&sentence(arrow), out);
    out.push_str("\">");
    let _ = write!(
        out,
        "<line class=\"hit\" x1=\"{x0}\" y1=\"{y0}\" x2=\"{x1}\" y2=\"{y1}\"/>\
         <line class=\"shaft\" x1=\"{x0}\" y1=\"{y0}\" x2=\"{x1}\" y2=\"{y1}\"/>"
    );
    tip((x0, y0), (x1, y1), dead, out);
    words(arrow, (x0, y0), (x1, y1), out);
    out.push_str("</g>\n");
}

/// An arrowhead along the line, or a cross.
#[expect(
    clippy::cast_precision_loss,
    reason = "coordinates of a page are small"
)]
fn tip((x0, y0): (u32, u32), (x1, y1): (u32, u32), dead: bool, out: &mut String) {
    if dead {
        let _ = write!(
            out,
            "<path class=\"cross\" d=\"M{} {}l14 14m0 -14l-14 14\"/>",
            x1.saturating_sub(7),
            y1.saturating_sub(7)
        );
        return;
    }
    let (dx, dy) = (x1 as f32 - x0 as f32, y1 as f32 - y0 as f32);
    let long = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / long, dy / long);
    let (bx, by) = (x1 as f32 - ux * 13.0, y1 as f32 - uy * 13.0);
    let _ = write!(
        out,
        "<path class=\"tip\" d=\"M{x1} {y1}L{:.1} {:.1}L{:.1} {:.1}Z\"/>",
        bx - uy * 5.5,
        by + ux * 5.5,
        bx + uy * 5.5,
        by - ux * 5.5
    );
}

/// The words along the line, a little above it.
#[expect(
    clippy::cast_precision_loss,
    reason = "coordinates of a page are small"
)]
fn words(arrow: &Arrow, (x0, y0): (u32, u32), (x1, y1): (u32, u32), out: &mut String) {
    let (dx, dy) = (x1 as f32 - x0 as f32, y1 as f32 - y0 as f32);
    let angle = (dy / dx).atan().to_degrees();
    // Nearer to the lane that it leaves than to the other, where an answer begins.
    let remarks = remarks(arrow);
    let (anchor, share) = if arrow.label.width() + remarks.width() < 44 {
        ("middle", 0.38)
    } else if dx < 0.0 {
        ("end", 0.05)
    } else {
        ("start", 0.05)
    };
    let place = (x0 as f32 + dx * share, y0 as f32 + dy * share);
    let _ = write!(
        out,
        "<text class=\"label\" text-anchor=\"{anchor}\" transform=\"translate({:.1} {:.1}) rotate({angle:.2})\" dy=\"-6\">",
        place.0, place.1
    );
    push_text(&arrow.label, out);
    if !remarks.is_empty() {
        out.push_str("<tspan class=\"mark\" dx=\"10\">");
        push_text(&remarks, out);
        out.push_str("</tspan>");
    }
    out.push_str("</text>");
}

/// What is special about an arrow.
fn remarks(arrow: &Arrow) -> String {
    let mut words: Vec<&str> = Vec::new();
    match &arrow.end {
        End::Lost(_, reason) => words.push(reason),
        End::NotSeen => words.push("not seen at the other end"),
        End::Arrived(_) | End::Seen => {}
    }
    words.extend(arrow.marks.iter().map(String::as_str));
    words.join(", ")
}

/// The arrow in a sentence, for those who hear it.
pub fn sentence(arrow: &Arrow) -> String {
    let mut words = format!("{} ms: {}", millis(arrow.sent.0), arrow.label);
    if let End::Arrived(at) = arrow.end {
        let _ = write!(words, ", under way for {}", time(at.since(arrow.sent)));
    }
    let remarks = remarks(arrow);
    if !remarks.is_empty() {
        let _ = write!(words, ", {remarks}");
    }
    words
}

fn text(out: &mut String, class: &str, x: u32, y: u32, anchor: &str, words: &str) {
    if words.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">"
    );
    push_text(words, out);
    out.push_str("</text>\n");
}
