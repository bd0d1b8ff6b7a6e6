//! What happens, in the order of time: one step is one line of the terminal.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::remarks;
use crate::event::Mono;
use crate::view::ladder::{End, Ladder};

/// A flight or a call that is shorter is one line, if nothing happened meanwhile.
const SHORT: Duration = Duration::from_micros(200);
/// A call that is shorter stands in one line whatever happened meanwhile.
const CALL_AT_ONCE: Duration = Duration::from_millis(1);
/// A call and its packet that are no further apart share a line.
const TOGETHER: Duration = Duration::from_millis(1);

/// Columns that a call's words may have before its arguments go.
const ARGUMENTS: usize = 12;

/// Which part of an arrow a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// It leaves.
    Leaves,
    /// It comes in.
    Arrives,
    /// It leaves and dies.
    Lost,
}

/// One line.
#[derive(Clone, Debug, Default)]
pub struct Step {
    pub at: Mono,
    /// Beside the first lane.
    pub left: String,
    /// Behind the last lane.
    pub right: String,
    /// `right` is a remark on the arrow, not a call.
    pub remark: bool,
    /// Beside a lane between them.
    pub middle: Option<(usize, String)>,
    pub arrow: Option<(usize, Part)>,
    pub note: Option<String>,
}

/// A point in time and what happens there.
#[derive(Clone, Debug)]
enum Point {
    Arrow(usize, Part),
    /// A call begins; `true`: it also comes back.
    Call(usize, bool),
    Back(usize),
    Note(usize),
}

/// All lines.
pub fn steps(ladder: &Ladder) -> Vec<Step> {
    let mut points = points(ladder);
    points.sort_by_key(|(at, order, _)| (*at, *order));
    let mut steps: Vec<Step> = Vec::new();
    let mut index = 0;
    while let Some((at, _, point)) = points.get(index) {
        index += 1;
        let next = points.get(index).map(|(_, _, point)| point);
        let mut step = Step {
            at: *at,
            ..Step::default()
        };
        match (point, next) {
            (Point::Arrow(arrow, Part::Leaves), Some(Point::Arrow(other, Part::Arrives)))
                if arrow == other && flight(ladder, *arrow) < SHORT =>
            {
                step.arrow = Some((*arrow, Part::Whole));
                index += 1;
            }
            (Point::Arrow(arrow, part), _) => step.arrow = Some((*arrow, *part)),
            (Point::Call(call, true), _) => call_words(ladder, *call, true, true, &mut step),
            (Point::Call(call, false), Some(Point::Back(other))) if call == other => {
                call_words(ladder, *call, true, true, &mut step);
                index += 1;
            }
            (Point::Call(call, false), _) => call_words(ladder, *call, true, false, &mut step),
            (Point::Back(call), _) => call_words(ladder, *call, false, true, &mut step),
            (Point::Note(note), _) => {
                step.note = ladder.notes.get(*note).map(|note| note.text.clone());
            }
        }
        if let Some((arrow, part)) = step.arrow
            && part != Part::Arrives
            && let Some(arrow) = ladder.arrows.get(arrow)
        {
            step.right = remarks(arrow);
            step.remark = !step.right.is_empty();
        }
        match steps.last_mut() {
            Some(last) if join(ladder, last, &step) => merge(last, step),
            _ => steps.push(step),
        }
    }
    steps
}

/// The order of what happens at one moment: calls before their packets, results after them.
fn points(ladder: &Ladder) -> Vec<(Mono, u8, Point)> {
    let mut points = Vec::new();
    for (index, arrow) in ladder.arrows.iter().enumerate() {
        match arrow.end {
            End::Arrived(at) if arrow.from != arrow.to => {
                points.push((arrow.sent, 2, Point::Arrow(index, Part::Leaves)));
                points.push((at, 2, Point::Arrow(index, Part::Arrives)));
            }
            End::Lost(..) | End::NotSeen => {
                points.push((arrow.sent, 2, Point::Arrow(index, Part::Lost)));
            }
            End::Arrived(_) | End::Seen => {
                points.push((arrow.sent, 2, Point::Arrow(index, Part::Whole)));
            }
        }
    }
    for (index, call) in ladder.calls.iter().enumerate() {
        let at_once = call.end.since(call.at) < CALL_AT_ONCE;
        points.push((call.at, 1, Point::Call(index, at_once)));
        if !at_once {
            points.push((call.end, 3, Point::Back(index)));
        }
    }
    for (index, note) in ladder.notes.iter().enumerate() {
        points.push((note.at, 0, Point::Note(index)));
    }
    points
}

fn flight(ladder: &Ladder, index: usize) -> Duration {
    match ladder.arrows.get(index) {
        Some(arrow) => match arrow.end {
            End::Arrived(at) => at.since(arrow.sent),
            _ => Duration::ZERO,
        },
        None => Duration::ZERO,
    }
}

/// Puts a call's words beside its lane.
fn call_words(ladder: &Ladder, index: usize, begins: bool, ends: bool, step: &mut Step) {
    let Some(call) = ladder.calls.get(index) else {
        return;
    };
    let name = call.text.split('(').next().unwrap_or("");
    // Long arguments are told on pages and in traces.
    let text = if call.text.width() <= ARGUMENTS {
        call.text.clone()
    } else {
        format!("{name}()")
    };
    let words = match (begins, ends) {
        (true, true) => format!("{text} {}", call.result),
        (true, false) => text,
        _ => format!("{name} {}", call.result),
    };
    if call.lane == 0 {
        step.left = words;
    } else if call.lane + 1 == ladder.lanes.len() {
        step.right = words;
    } else {
        step.middle = Some((call.lane, words));
    }
}

/// May the two share a line? A call and the packet that leaves at its lane, a packet that arrives
/// and the call that it ends.
fn join(ladder: &Ladder, last: &Step, step: &Step) -> bool {
    if last.note.is_some() || step.note.is_some() || step.at.since(last.at) > TOGETHER {
        return false;
    }
    let free = (last.left.is_empty() || step.left.is_empty())
        && (last.right.is_empty() || step.right.is_empty())
        && last.middle.is_none()
        && step.middle.is_none();
    let (before, after) = (last.arrow.is_some(), step.arrow.is_some());
    if !free || before == after {
        return false;
    }
    let (call, arrow) = if before { (step, last) } else { (last, step) };
    let Some((index, part)) = arrow.arrow else {
        return false;
    };
    let Some(arrow) = ladder.arrows.get(index) else {
        return false;
    };
    let lane = if call.left.is_empty() {
        ladder.lanes.len().saturating_sub(1)
    } else {
        0
    };
    let leaves = matches!(part, Part::Leaves | Part::Whole | Part::Lost) && arrow.from == lane;
    let arrives = matches!(part, Part::Arrives | Part::Whole) && arrow.to == lane;
    // A packet that leaves belongs to the call before it, one that arrives to the call behind it.
    (after && leaves) || (before && arrives)
}

fn merge(last: &mut Step, step: Step) {
    if last.left.is_empty() {
        last.left = step.left;
    }
    if last.right.is_empty() {
        last.right = step.right;
        last.remark = step.remark;
    }
    last.arrow = last.arrow.or(step.arrow);
}
