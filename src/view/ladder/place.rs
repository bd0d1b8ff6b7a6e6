//! Where things stand on a page: time runs down, but not evenly. What follows quickly gets room to be
//! read, what follows after a long pause is moved up, and the pause is marked. The order is always
//! that of time, for both ends, so slants are true in what they say: which came first.

use std::time::Duration;

use super::{End, Ladder};
use crate::event::Mono;

/// Least distance between two lines with words.
const LINE: u32 = 30;
/// Least distance between two lines of words beside a lane.
pub const WORDS: u32 = 19;
/// Most distance: a longer pause is cut.
const PAUSE: u32 = 76;
/// Distance that an arrow's flight gets, for the middle one of all flights.
const FLIGHT: u32 = 44;
/// Least distance between an arrival and what is before it.
const LAND: u32 = 9;

/// Something on the page, with its height.
#[derive(Clone, Debug)]
pub struct Places {
    /// For each arrow where it leaves and where it ends.
    pub arrows: Vec<(u32, u32)>,
    /// For each call where it begins and where it comes back.
    pub calls: Vec<(u32, u32)>,
    /// For each note.
    pub notes: Vec<u32>,
    /// Pauses that were cut: where, and how long.
    pub pauses: Vec<(u32, Duration)>,
    /// Times for the scale.
    pub times: Vec<(u32, Mono)>,
    /// How tall all of it is.
    pub height: u32,
}

#[derive(Clone, Copy, Debug)]
enum Point {
    Note(usize),
    Begin(usize),
    Leave(usize),
    Arrive(usize),
    Back(usize),
}

/// Finds a place for everything.
#[expect(clippy::too_many_lines, reason = "one pass, which reads better whole")]
pub fn places(ladder: &Ladder) -> Places {
    let mut points: Vec<(Mono, u8, Point)> = Vec::new();
    let mut flights: Vec<Duration> = Vec::new();
    for (index, arrow) in ladder.arrows.iter().enumerate() {
        points.push((arrow.sent, 2, Point::Leave(index)));
        if let End::Arrived(at) = arrow.end {
            points.push((at, 3, Point::Arrive(index)));
            flights.push(at.since(arrow.sent));
        }
    }
    for (index, call) in ladder.calls.iter().enumerate() {
        points.push((call.at, 1, Point::Begin(index)));
        points.push((call.end, 4, Point::Back(index)));
    }
    for (index, note) in ladder.notes.iter().enumerate() {
        points.push((note.at, 0, Point::Note(index)));
    }
    points.sort_by_key(|(at, order, _)| (*at, *order));
    flights.sort_unstable();
    let middle = flights.get(flights.len() / 2).copied().unwrap_or_default();
    let mut out = Places {
        arrows: vec![(0, 0); ladder.arrows.len()],
        calls: vec![(0, 0); ladder.calls.len()],
        notes: vec![0; ladder.notes.len()],
        pauses: Vec::new(),
        times: Vec::new(),
        height: 0,
    };
    let mut y: u32 = LINE;
    let mut last: Option<Mono> = None;
    // The lowest line with words, in the middle and beside each lane.
    let mut words: Option<u32> = None;
    let mut beside: Vec<Option<u32>> = vec![None; ladder.lanes.len().max(1)];
    let mut scale: Option<u32> = None;
    for (at, _, point) in &points {
        if let Some(last) = last {
            let pause = at.since(last);
            let step = step(pause, middle);
            if step == PAUSE && long(pause, middle) {
                out.pauses.push((y.saturating_add(PAUSE / 2), pause));
            }
            y = y.saturating_add(step);
        }
        last = Some(*at);
        let lane = match point {
            Point::Begin(call) | Point::Back(call) => ladder
                .calls
                .get(*call)
                .and_then(|call| beside.get_mut(call.lane)),
            _ => None,
        };
        match point {
            Point::Leave(_) | Point::Note(_) => {
                y = y.max(words.map_or(0, |words| words.saturating_add(LINE)));
                words = Some(y);
            }
            Point::Begin(_) => {
                if let Some(low) = lane {
                    y = y.max(low.map_or(0, |low| low.saturating_add(WORDS)));
                    *low = Some(y);
                }
            }
            Point::Arrive(arrow) => {
                let left = out.arrows.get(*arrow).map_or(0, |place| place.0);
                y = y.max(left.saturating_add(LAND));
            }
            Point::Back(call) => {
                // A call that took its time has its result on a line of its own.
                let began = out.calls.get(*call).map_or(0, |place| place.0);
                if y.saturating_sub(began) >= WORDS
                    && let Some(low) = lane
                {
                    y = y.max(low.map_or(0, |low| low.saturating_add(WORDS)));
                    *low = Some(y);
                }
            }
        }
        match point {
            Point::Leave(index) => {
                if let Some(place) = out.arrows.get_mut(*index) {
                    *place = (y, y);
                }
            }
            Point::Arrive(index) => {
                if let Some(place) = out.arrows.get_mut(*index) {
                    place.1 = y;
                }
            }
            Point::Begin(index) => {
                if let Some(place) = out.calls.get_mut(*index) {
                    *place = (y, y);
                }
            }
            Point::Back(index) => {
                if let Some(place) = out.calls.get_mut(*index) {
                    place.1 = y;
                }
            }
            Point::Note(index) => {
                if let Some(place) = out.notes.get_mut(*index) {
                    *place = y;
                }
            }
        }
        if scale.is_none_or(|scale| y >= scale.saturating_add(16)) {
            out.times.push((y, *at));
            scale = Some(y);
        }
    }
    // One that died falls as far as the others on half their way.
    for (place, arrow) in out.arrows.iter_mut().zip(&ladder.arrows) {
        if matches!(arrow.end, End::Lost(..)) && !middle.is_zero() {
            place.1 = place.0.saturating_add(FLIGHT / 2);
        }
    }
    out.height = y.saturating_add(LINE + FLIGHT / 2);
    out
}

/// Distance for a span of time.
fn step(span: Duration, flight: Duration) -> u32 {
    if flight.is_zero() {
        // Level arrows: a line each, more after a second.
        return if long(span, flight) { PAUSE } else { 4 };
    }
    let share = span.as_secs_f64() / flight.as_secs_f64() * f64::from(FLIGHT);
    if share >= f64::from(PAUSE) {
        return PAUSE;
    }
    // Not negative and below PAUSE.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to PAUSE"
    )]
    let share = share as u32;
    share
}

fn long(span: Duration, flight: Duration) -> bool {
    if flight.is_zero() {
        span >= Duration::from_millis(200)
    } else {
        span >= flight * 3
    }
}
