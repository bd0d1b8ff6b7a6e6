//! The ladder for terminals: time runs down, one thing a line. An arrow whose flight is known turns
//! down where it leaves and comes in where it arrives, so that what happened meanwhile stands between;
//! one that was lost dies on its way. Columns are counted as terminals do, so Chinese fits.

mod canvas;
mod steps;

use std::fmt::Write as _;

use canvas::Canvas;
use steps::{Part, Step, steps};
use unicode_width::UnicodeWidthStr;

use super::{End, Ladder, millis};
use crate::view::wrap::{fit, push_wrapped};

/// How the ladder is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Nothing but ASCII in the drawing.
    pub ascii: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 80,
            ascii: false,
        }
    }
}

/// The characters of a drawing.
struct Pens {
    lane: char,
    line: char,
    right: char,
    left: char,
    /// A flight that goes on, between leaving and arriving.
    fly: char,
    turn_from_left: char,
    turn_to_right: char,
    turn_from_right: char,
    turn_to_left: char,
    dead: char,
    cross: char,
}

const UNICODE: Pens = Pens {
    lane: '│',
    line: '─',
    right: '▶',
    left: '◀',
    fly: '┊',
    turn_from_left: '╮',
    turn_to_right: '╰',
    turn_from_right: '╭',
    turn_to_left: '╯',
    dead: '✗',
    cross: '┼',
};

const ASCII: Pens = Pens {
    lane: '|',
    line: '-',
    right: '>',
    left: '<',
    fly: ':',
    turn_from_left: '.',
    turn_to_right: '\'',
    turn_from_right: '.',
    turn_to_left: '\'',
    dead: 'X',
    cross: '+',
};

/// Columns of the time.
const TIME: usize = 10;
/// Least columns between two lanes.
const GAP: usize = 16;

/// Where everything stands.
struct Frame<'a> {
    ladder: &'a Ladder,
    style: Style,
    pens: &'static Pens,
    /// Column of each lane.
    lanes: Vec<usize>,
    /// Columns left of the first lane, behind the time.
    left: usize,
    /// Columns behind the last lane.
    right: usize,
}

/// A slanted arrow under way.
struct Flight {
    arrow: usize,
    column: usize,
}

/// Appends the ladder, every line with its line feed.
pub fn render(ladder: &Ladder, style: Style, out: &mut String) {
    push_wrapped("", &ladder.title, 0, out);
    push_wrapped("  ", &ladder.clock_words(), 2, out);
    out.push('\n');
    if ladder.lanes.is_empty() {
        out.push_str("  no packet and no call\n");
        return;
    }
    let steps = steps(ladder);
    let frame = layout(ladder, style, &steps);
    frame.head(out);
    let mut flights: Vec<Flight> = Vec::new();
    for step in &steps {
        frame.line(step, &mut flights, out);
    }
    if ladder.left_out > 0 {
        let _ = writeln!(out, "\n  and {} more, not drawn", ladder.left_out);
    }
}

/// Shares out the columns: as much room beside the lanes as calls and remarks want, within reason.
fn layout<'a>(ladder: &'a Ladder, style: Style, steps: &[Step]) -> Frame<'a> {
    let count = ladder.lanes.len();
    let widest = |side: fn(&Step) -> &str, most: usize| {
        let widths = steps.iter().map(|step| side(step).width());
        widths.max().unwrap_or(0).min(most)
    };
    let gaps = count.saturating_sub(1).max(1);
    let inner = (style.width * 2 / 5).max(GAP * gaps);
    let spare = style.width.saturating_sub(TIME + inner + count + 2);
    let left = widest(|step| &step.left, spare / 2);
    let right = widest(|step| &step.right, spare / 2).saturating_add(1);
    let first = TIME + left + usize::from(left > 0);
    let last = style.width.saturating_sub(right + 1).max(first + GAP);
    let lanes = (0..count).map(|lane| match count {
        1 => usize::midpoint(first, last),
        _ => first + (last - first) * lane / (count - 1),
    });
    Frame {
        ladder,
        style,
        pens: if style.ascii { &ASCII } else { &UNICODE },
        lanes: lanes.collect(),
        left,
        right,
    }
}

impl Frame<'_> {
    /// Names of the lanes.
    fn head(&self, out: &mut String) {
        for line in 0..2 {
            let words = |lane: &super::Lane| match line {
                0 => lane.name.clone(),
                _ => lane.address.clone(),
            };
            if self.ladder.lanes.iter().all(|lane| words(lane).is_empty()) {
                continue;
            }
            let mut canvas = Canvas::new(self.style.width);
            if line == 0 {
                canvas.text(0, &format!("{:>width$}", "t/ms", width = TIME - 2));
            }
            for (lane, column) in self.ladder.lanes.iter().zip(&self.lanes) {
                let text = words(lane);
                let room = self.room(*column);
                let text = fit(&text, text.width().min(room), self.style.ascii);
                let start = column
                    .saturating_sub(text.width() / 2)
                    .min(self.style.width.saturating_sub(text.width()));
                canvas.text(start.max(TIME), &text);
            }
            canvas.push_line(out);
        }
    }

    /// Columns for a name at a lane.
    fn room(&self, column: usize) -> usize {
        let nearest = self
            .lanes
            .iter()
            .filter(|other| **other != column)
            .map(|other| other.abs_diff(column))
            .min();
        nearest.unwrap_or(self.style.width).saturating_sub(2)
    }

    fn line(&self, step: &Step, flights: &mut Vec<Flight>, out: &mut String) {
        let mut canvas = Canvas::new(self.style.width);
        let time = millis(step.at.0);
        canvas.text(0, &format!("{time:>width$}", width = TIME - 2));
        for column in &self.lanes {
            canvas.put(*column, self.pens.lane);
        }
        if let Some(note) = &step.note {
            self.note(step, note, flights, out);
            return;
        }
        let text = fit(&step.left, self.left, self.style.ascii);
        canvas.text(TIME, &text);
        let last = self.lanes.last().copied().unwrap_or(0);
        let room = self.style.width.saturating_sub(last + 2).min(self.right);
        let fits = step.right.width() <= room;
        // Remarks that do not fit get a line below.
        let below = !fits && step.remark;
        if !below {
            canvas.text(last + 2, &fit(&step.right, room, self.style.ascii));
        }
        if let Some((lane, words)) = &step.middle
            && let Some(column) = self.lanes.get(*lane)
        {
            let room = self.room(*column);
            canvas.text(
                column + 2,
                fit(words, words.width().min(room), self.style.ascii).trim_end(),
            );
        }
        let mut landed = None;
        if let Some((arrow, part)) = step.arrow {
            landed = self.arrow(arrow, part, flights, &mut canvas);
        }
        for flight in flights
            .iter()
            .filter(|flight| Some(flight.arrow) != step.arrow.map(|a| a.0))
        {
            canvas.through(
                flight.column,
                self.pens.fly,
                self.pens.line,
                self.pens.cross,
            );
        }
        if let Some(arrow) = landed {
            flights.retain(|flight| flight.arrow != arrow);
        }
        canvas.push_line(out);
        if below {
            self.below(&step.right, flights, out);
        }
    }

    fn lanes_and_flights(&self, flights: &[Flight]) -> Canvas {
        let mut canvas = Canvas::new(self.style.width);
        for column in &self.lanes {
            canvas.put(*column, self.pens.lane);
        }
        for flight in flights {
            canvas.through(
                flight.column,
                self.pens.fly,
                self.pens.line,
                self.pens.cross,
            );
        }
        canvas
    }

    fn below(&self, words: &str, flights: &[Flight], out: &mut String) {
        let mut canvas = self.lanes_and_flights(flights);
        let first = self.lanes.first().copied().unwrap_or(TIME);
        let room = self.style.width.saturating_sub(first + 4);
        let text = fit(
            &format!("({words})"),
            (words.width() + 2).min(room),
            self.style.ascii,
        );
        canvas.over(first + 3, &text);
        canvas.push_line(out);
    }

    fn note(&self, step: &Step, note: &str, flights: &[Flight], out: &mut String) {
        let mut canvas = self.lanes_and_flights(flights);
        let time = millis(step.at.0);
        canvas.text(0, &format!("{time:>width$}", width = TIME - 2));
        let room = self.style.width.saturating_sub(TIME + 4);
        canvas.over(
            TIME,
            &format!("* {}", fit(note, note.width().min(room), self.style.ascii)),
        );
        canvas.push_line(out);
    }

    /// Draws a part of an arrow; gives it back if it has landed.
    fn arrow(
        &self,
        index: usize,
        part: Part,
        flights: &mut Vec<Flight>,
        canvas: &mut Canvas,
    ) -> Option<usize> {
        let arrow = self.ladder.arrows.get(index)?;
        let from = *self.lanes.get(arrow.from)?;
        let to = *self.lanes.get(arrow.to)?;
        let rightward = to >= from;
        let (near, far) = (from.min(to), from.max(to));
        let label = format!(" {} ", arrow.label);
        let pens = self.pens;
        if near == far {
            let text = format!("{}{label}", pens.line);
            canvas.text(
                from + 1,
                &fit(&text, text.width().min(self.room(from)), self.style.ascii),
            );
            return None;
        }
        let inner = far - near - 1;
        match part {
            Part::Whole | Part::Lost => {
                let reach = if part == Part::Lost {
                    (label.width() + 6).max(inner * 6 / 10).min(inner)
                } else {
                    inner
                };
                let (start, end) = if rightward {
                    (near + 1, near + reach)
                } else {
                    (far - reach, far - 1)
                };
                canvas.line(start, end, pens.line);
                let tip = match (part, rightward) {
                    (Part::Lost, _) => pens.dead,
                    (_, true) => pens.right,
                    (_, false) => pens.left,
                };
                canvas.put(if rightward { end } else { start }, tip);
                self.label(&label, (start, end), rightward, canvas);
                None
            }
            Part::Leaves => {
                let column = free_column(flights, near, far, rightward);
                flights.push(Flight {
                    arrow: index,
                    column,
                });
                let (start, end) = if rightward {
                    (near + 1, column)
                } else {
                    (column, far - 1)
                };
                canvas.line(start, end, pens.line);
                let turn = if rightward {
                    pens.turn_from_left
                } else {
                    pens.turn_from_right
                };
                canvas.put(column, turn);
                self.label(&label, (start, end), rightward, canvas);
                None
            }
            Part::Arrives => {
                let column = flights
                    .iter()
                    .find(|flight| flight.arrow == index)
                    .map_or(usize::midpoint(near, far), |flight| flight.column);
                let (start, end) = if rightward {
                    (column, far - 1)
                } else {
                    (near + 1, column)
                };
                canvas.line(start, end, pens.line);
                if rightward {
                    canvas.put(column, pens.turn_to_right);
                    canvas.put(end, pens.right);
                } else {
                    canvas.put(column, pens.turn_to_left);
                    canvas.put(start, pens.left);
                }
                Some(index)
            }
        }
    }

    /// The words on an arrow, near the lane that it leaves.
    fn label(
        &self,
        label: &str,
        (start, end): (usize, usize),
        rightward: bool,
        canvas: &mut Canvas,
    ) {
        let room = (end - start).saturating_sub(3);
        let text = fit(label, label.width().min(room), self.style.ascii);
        let at = if rightward {
            start + 2
        } else {
            (end + 1).saturating_sub(2 + text.width())
        };
        canvas.over(at, &text);
    }
}

/// The column where a slanted arrow turns down: near the lane that it goes to, and not where another
/// is on its way.
fn free_column(flights: &[Flight], near: usize, far: usize, rightward: bool) -> usize {
    let width = far - near;
    let mut slot = 0;
    loop {
        let step = 4 + 2 * slot;
        let column = if rightward {
            far.saturating_sub(step)
        } else {
            near + step
        };
        if step >= width / 2 {
            return usize::midpoint(near, far);
        }
        if flights.iter().all(|flight| flight.column != column) {
            return column;
        }
        slot += 1;
    }
}

/// What became of an arrow, and what is special about it.
fn remarks(arrow: &super::Arrow) -> String {
    let mut words: Vec<&str> = Vec::new();
    match &arrow.end {
        End::Lost(_, reason) => words.push(reason),
        End::NotSeen => words.push("not seen at the other end"),
        End::Arrived(_) | End::Seen => {}
    }
    words.extend(arrow.marks.iter().map(String::as_str));
    words.join(", ")
}
