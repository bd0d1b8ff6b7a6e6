//! What is wrong with a line, where, and how it is shown: message, place, caret.

use std::fmt::Write as _;
use std::ops::Range;

/// A mistake in a line of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which bytes of the line; may be empty at its end.
    pub span: Range<usize>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Column of the fault in `line`, in characters from 1.
    pub fn column(&self, line: &str) -> usize {
        before(line, self.span.start).chars().count() + 1
    }

    /// Two lines: the line (or the part near the fault) and carets under the fault. No control
    /// character is in it; the carets stand right under wide (Chinese) characters too.
    pub fn caret(&self, line: &str) -> String {
        const BEFORE: usize = 48;
        const AFTER: usize = 24;
        let start = before(line, self.span.start).len();
        let end = before(line, self.span.end.max(start)).len();
        let skipped = line.get(..start).unwrap_or("").chars().count();
        let from = skipped.saturating_sub(BEFORE);
        let marked = line.get(start..end).unwrap_or("").chars().count().max(1);
        let shown = line
            .chars()
            .skip(from)
            .take(skipped - from + marked + AFTER);
        let mut text = String::new();
        let mut under = String::new();
        for (at, c) in shown.enumerate() {
            let c = if is_plain(c) { c } else { '?' };
            text.push(c);
            let at = at + from;
            let mark = if at < skipped {
                ' '
            } else if at < skipped + marked {
                '^'
            } else {
                continue;
            };
            (0..columns(c)).for_each(|_| under.push(mark));
        }
        if !under.contains('^') {
            under.push('^');
        }
        let mut both = text;
        let _ = write!(both, "\n{under}");
        both
    }
}

/// The part of `line` before a byte offset, at a character's border.
fn before(line: &str, at: usize) -> &str {
    let mut at = at.min(line.len());
    while !line.is_char_boundary(at) {
        at -= 1;
    }
    line.get(..at).unwrap_or("")
}

/// Can be shown, and takes the columns that [`columns`] says.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}')
        || columns(c) == 2
}

/// Columns of a terminal: 2 for what Unicode calls wide (UAX 11), else 1.
fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{1159}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{3163}'
        | '\u{3165}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_fault() {
        let fault = Fault::new(2..6, "no verb");
        assert_eq!(fault.caret("s.conn A"), "s.conn A\n  ^^^^");
        assert_eq!(fault.column("s.conn A"), 3);
        assert_eq!(
            Fault::new(9..9, "x").caret("s.connect"),
            "s.connect\n         ^"
        );
        assert_eq!(Fault::new(7..90, "x").caret(""), "\n^");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let line = "s.send '你好' x";
        let at = line.find('x').unwrap();
        let fault = Fault::new(at..at + 1, "x");
        assert_eq!(fault.caret(line), format!("{line}\n{}^", " ".repeat(14)));
        assert_eq!(fault.column(line), 13);
    }

    #[test]
    fn nothing_in_it_steers_the_terminal() {
        let fault = Fault::new(0..1, "x");
        assert_eq!(fault.caret("\x1b[31m\u{202e}é"), "?[31m?é\n^");
    }

    #[test]
    fn long_lines_are_cut_round_the_fault() {
        let line = "a".repeat(500);
        let shown = Fault::new(300..303, "x").caret(&line);
        assert_eq!(shown.lines().next().map(str::len), Some(48 + 3 + 24));
        assert_eq!(
            shown.lines().nth(1),
            Some(format!("{}^^^", " ".repeat(48)).as_str())
        );
    }
}
