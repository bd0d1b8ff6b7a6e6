//! A conversation as text for eyes, as a hexadecimal dump, as the bytes themselves, or as JSON
//! lines.

use std::fmt::Write as _;

use crate::decode::text::push_hex;
use crate::flow::follow::{Follow, Piece, Tally, Why};
use crate::flow::{End, Kind};
use crate::view::escape::escape_into;
use crate::view::hex::push_line;

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of text, each two blanks in; what could steer a terminal is escaped.
    Text,
    /// Offset, hexadecimal and ASCII, by direction.
    Hex,
    /// The bytes and nothing else.
    Raw,
    /// `data` and `missing` objects.
    Json,
}

/// Writes pieces; remembers where it is.
#[derive(Debug)]
pub struct Script {
    form: Form,
    /// Only this direction.
    only: Option<bool>,
    last: Option<bool>,
    /// In the middle of a line.
    open: bool,
    /// Bytes written of each direction.
    places: [u64; 2],
}

impl Script {
    /// `only`: one direction, true for the one who sent first.
    pub fn new(form: Form, only: Option<bool>) -> Self {
        Self {
            form,
            only,
            last: None,
            open: false,
            places: [0, 0],
        }
    }

    /// Appends a piece. `ends`: who sent first, and to whom.
    pub fn piece(&mut self, piece: &Piece<'_>, ends: (End, End), out: &mut Vec<u8>) {
        let (Piece::Data { forward, .. } | Piece::Missing { forward, .. }) = *piece;
        if self.only.is_some_and(|only| only != forward) {
            return;
        }
        if let (Form::Raw, Piece::Data { bytes, .. }) = (self.form, piece) {
            out.extend_from_slice(bytes);
            return;
        }
        let (from, to) = if forward { ends } else { (ends.1, ends.0) };
        let mut text = String::new();
        match (self.form, piece) {
            (Form::Raw, _) => {}
            (Form::Json, _) => self.json(piece, from, to, &mut text),
            (_, Piece::Missing { len, why, .. }) => {
                self.turn(forward, from, to, &mut text);
                self.close(&mut text);
                let len = counted(*len, "byte");
                let _ = writeln!(text, "-- {len} missing: {}", word(*why));
            }
            (Form::Text, Piece::Data { bytes, .. }) => {
                self.turn(forward, from, to, &mut text);
                self.lines(bytes, &mut text);
            }
            (Form::Hex, Piece::Data { bytes, .. }) => {
                self.turn(forward, from, to, &mut text);
                let start = self.place(forward);
                for (index, line) in bytes.chunks(16).enumerate() {
                    let at = start.saturating_add((index as u64).saturating_mul(16));
                    text.push_str("  ");
                    push_line(at, line, &mut text);
                }
            }
        }
        let len = match piece {
            Piece::Data { bytes, .. } => bytes.len() as u64,
            Piece::Missing { len, .. } => *len,
        };
        let [there, back] = &mut self.places;
        let place = if forward { there } else { back };
        *place = place.saturating_add(len);
        out.extend_from_slice(text.as_bytes());
    }

    /// Ends the last line.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let mut text = String::new();
        self.close(&mut text);
        out.extend_from_slice(text.as_bytes());
    }

    fn place(&self, forward: bool) -> u64 {
        let [there, back] = self.places;
        if forward { there } else { back }
    }

    fn close(&mut self, text: &mut String) {
        if std::mem::take(&mut self.open) {
            text.push('\n');
        }
    }

    /// A heading where the other side begins to speak.
    fn turn(&mut self, forward: bool, from: End, to: End, text: &mut String) {
        if self.last != Some(forward) {
            self.close(text);
            let _ = writeln!(text, "{from} > {to}");
            self.last = Some(forward);
        }
    }

    fn lines(&mut self, bytes: &[u8], text: &mut String) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.open {
                text.push_str("  ");
            }
            let (content, ends) = match line {
                [content @ .., b'\r', b'\n'] | [content @ .., b'\n'] => (content, true),
                content => (content, false),
            };
            escape_into(content, text);
            if ends {
                text.push('\n');
            }
            self.open = !ends;
        }
    }

    fn json(&self, piece: &Piece<'_>, from: End, to: End, text: &mut String) {
        let (Piece::Data { forward, .. } | Piece::Missing { forward, .. }) = *piece;
        let kind = match piece {
            Piece::Data { .. } => "data",
            Piece::Missing { .. } => "missing",
        };
        let at = self.place(forward);
        let _ = write!(
            text,
            r#"{{"type":"{kind}","from":"{from}","to":"{to}","at":{at},"#
        );
        match piece {
            Piece::Data { bytes, .. } => {
                let _ = write!(text, r#""len":{},"bytes":""#, bytes.len());
                push_hex(bytes, text);
                text.push('"');
            }
            Piece::Missing { len, why, .. } => {
                let _ = write!(text, r#""len":{len},"why":"{}""#, word(*why));
            }
        }
        text.push_str("}\n");
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::NotCaptured => "sent, but not captured",
        Why::NotSeen => "not captured, perhaps not sent",
        Why::Cut => "cut off by the capture",
        Why::NoRoom => "not here when too much waited behind them",
    }
}

/// What is said of the conversation as a whole, in lines.
pub fn summary(follow: &Follow, kind: Kind, number: u64) -> String {
    let mut text = String::new();
    let Some((from, to)) = follow.ends() else {
        let _ = write!(
            text,
            "there is no {} conversation {number} here",
            kind.key()
        );
        match follow.highest() {
            Some(highest) => {
                let _ = write!(text, ": the last one is {highest}");
            }
            None => text.push_str(", nor any other"),
        }
        return text;
    };
    let _ = write!(text, "{} conversation {number}: {from} > {to}", kind.key());
    for (way, tally) in ["sent", "received"].iter().zip(follow.tallies()) {
        let Tally { bytes, packets, .. } = tally;
        let _ = write!(
            text,
            "; {way} {} in {}",
            counted(bytes, "byte"),
            counted(packets, "packet")
        );
        let mut mark = " (";
        for (count, unit, what) in [
            (tally.again, "byte", "sent again, left out"),
            (tally.early, "packet", "too early, put in order"),
            (tally.missing, "byte", "missing"),
            (tally.strange, "packet", "with strange numbers, left out"),
        ] {
            if count > 0 {
                let _ = write!(text, "{mark}{} {what}", counted(count, unit));
                mark = ", ";
            }
        }
        if mark == ", " {
            text.push(')');
        }
    }
    if follow.let_go() > 0 {
        let count = follow.let_go();
        let _ = write!(
            text,
            "; {count} conversations were forgotten: numbers may be wrong"
        );
    }
    text
}

/// `1 byte`, `2 bytes`.
fn counted(count: u64, unit: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{ending}")
}
