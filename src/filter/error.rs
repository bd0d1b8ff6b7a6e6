//! What is wrong with an expression, and where: the message, the span, and a caret line under it.
//! Prints nothing.

use std::fmt;
use std::ops::Range;

/// Columns of the expression that are shown on each side of a fault in a long one.
const AROUND: usize = 60;

/// A fault in a filter expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Byte range of the fault in the expression; empty at its end.
    pub at: Range<usize>,
    /// What is wrong and what was expected, in lower case.
    pub message: String,
    /// What to write instead, if there is something.
    pub hint: Option<String>,
}

impl FilterError {
    /// A fault without a hint.
    pub fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Two lines: the expression (or the part near the fault) and carets under the fault. Only
    /// printable ASCII, whatever the expression holds, so that the columns agree.
    pub fn caret(&self, expression: &str) -> String {
        let chars: Vec<(usize, char)> = expression.char_indices().collect();
        let column = |byte: usize| chars.partition_point(|(at, _)| *at < byte);
        let (from, to) = (column(self.at.start), column(self.at.end));
        let first = from.saturating_sub(AROUND);
        let last = to.max(from).saturating_add(AROUND).min(chars.len());
        let mut text = String::new();
        let mut under = String::new();
        if first > 0 {
            text.push_str("...");
            under.push_str("   ");
        }
        for (at, (_, c)) in chars.iter().enumerate().take(last).skip(first) {
            text.push(printable(*c));
            if at < from {
                under.push(' ');
            } else if at < to {
                under.push('^');
            }
        }
        if last < chars.len() {
            text.push_str("...");
        }
        if to <= from {
            under.push('^');
        }
        format!("{text}\n{under}")
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FilterError {}

/// A part of the expression as a message may quote it: printable ASCII, not too long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).map(printable).collect();
    if text.chars().count() > 40 {
        shown.push_str("...");
    }
    format!("`{shown}`")
}

fn printable(c: char) -> char {
    match c {
        ' '..='~' => c,
        _ if c.is_whitespace() => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_fault() {
        let err = FilterError::new(4..8, "x");
        assert_eq!(err.caret("tcp prot 6"), "tcp prot 6\n    ^^^^");
        let end = FilterError::new(4..4, "x");
        assert_eq!(end.caret("host"), "host\n    ^");
        assert_eq!(end.caret(""), "\n^");
    }

    #[test]
    fn nothing_but_printable_text_gets_out() {
        let err = FilterError::new(1..2, "x");
        assert_eq!(err.caret("\u{1b}[31m\t\u{202e}é"), "?[31m ??\n ^");
        assert_eq!(quoted("a\u{7}b"), "`a?b`");
    }

    #[test]
    fn a_long_expression_is_shown_near_the_fault() {
        let long = "a".repeat(1000);
        let shown = FilterError::new(500..503, "x").caret(&long);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].len() < 140 && lines[0].starts_with("...") && lines[0].ends_with("..."));
        assert_eq!(lines[1].find('^'), Some(63));
        assert_eq!(lines[1].matches('^').count(), 3);
    }
}
