//! The parser's place among the tokens: looking, stepping, and saying what was expected there.

use std::ops::Range;

use super::error::{FilterError, quoted};
use super::lex::{Kind, Token};
use super::parse::{Parsed, Parser};
use super::words::nearest;

/// What every list of tokens ends with.
const END: Kind = Kind::End;

impl Parser<'_> {
    pub(super) fn kind(&self) -> &Kind {
        self.kind_after(0)
    }

    /// The token so many places on.
    pub(super) fn kind_after(&self, places: usize) -> &Kind {
        self.kind_at(self.at.saturating_add(places))
    }

    fn kind_at(&self, index: usize) -> &Kind {
        self.tokens.get(index).map_or(&END, |token| &token.kind)
    }

    /// Takes a token; the end is never passed.
    pub(super) fn step(&mut self) -> Token {
        let last = self.tokens.len().saturating_sub(1);
        let token = self.tokens.get(self.at.min(last)).cloned();
        self.at = self.at.saturating_add(1).min(last);
        token.unwrap_or(Token {
            kind: Kind::End,
            at: self.text.len()..self.text.len(),
            closed_by: None,
        })
    }

    pub(super) fn take_key(&mut self, key: &str) -> bool {
        let found = matches!(self.kind(), Kind::Key(k) if *k == key);
        if found {
            self.step();
        }
        found
    }

    pub(super) fn take_op(&mut self, op: &str) -> bool {
        let found = matches!(self.kind(), Kind::Op(o) if *o == op);
        if found {
            self.step();
        }
        found
    }

    /// Byte range of the token here.
    pub(super) fn here(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens
            .get(self.at)
            .map_or(end..end, |token| token.at.clone())
    }

    /// Byte range from there to the token before this one.
    pub(super) fn since(&self, from: &Range<usize>) -> Range<usize> {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let end = before.map_or(from.end, |token| token.at.end);
        from.start..end.max(from.start)
    }

    pub(super) fn number(&mut self, what: &str) -> Parsed<u32> {
        let Kind::Num(number) = *self.kind() else {
            return Err(self.expected(what));
        };
        self.step();
        Ok(number)
    }

    pub(super) fn close_bracket(&mut self) -> Parsed<()> {
        if self.take_op(")") {
            return Ok(());
        }
        Err(self.after_condition())
    }

    /// Is here a name, address or number that is not the start of arithmetic?
    pub(super) fn at_bare_name(&self) -> bool {
        match self.kind() {
            Kind::Id(_) | Kind::Dotted(_) | Kind::Mac(_) | Kind::V6(_) => true,
            Kind::Num(_) => !is_operator(self.kind_after(1)),
            _ => false,
        }
    }

    /// Does arithmetic begin here? (A lone number does not.)
    pub(super) fn at_arithmetic(&self) -> bool {
        match self.kind() {
            Kind::Num(_) | Kind::Op("-") | Kind::Key("len") => true,
            Kind::Op("(") => self.group_is_arithmetic(),
            Kind::Key(key) => {
                self.kind_after(1) == &Kind::Op("[") && super::ast::Protocol::of_key(key).is_some()
            }
            _ => false,
        }
    }

    /// Is the bracket here closed right before an operator? A condition never is.
    pub(super) fn group_is_arithmetic(&self) -> bool {
        let close = self.tokens.get(self.at).and_then(|token| token.closed_by);
        close.is_some_and(|close| is_operator(self.kind_at(close.saturating_add(1))))
    }

    /// The error for something else than what must stand here.
    pub(super) fn expected(&self, what: &str) -> FilterError {
        let at = self.here();
        let found = match self.kind() {
            Kind::End => return FilterError::new(at, format!("expected {what}, found the end")),
            Kind::Key(_) => "the keyword ",
            _ => "",
        };
        let shown = quoted(self.text.get(at.clone()).unwrap_or_default());
        FilterError::new(at, format!("expected {what}, found {found}{shown}"))
    }

    /// The error for something that cannot follow a complete condition.
    pub(super) fn after_condition(&self) -> FilterError {
        let err = self.expected("`and`, `or` or the end");
        let before = self.at.checked_sub(1).map_or(&END, |at| self.kind_at(at));
        let shown = self.text.get(self.here()).unwrap_or_default();
        let near = match (self.kind(), before) {
            (Kind::Id(word), _) if nearest(word).is_some() => nearest(word),
            (_, Kind::Id(word)) => nearest(word),
            _ => None,
        };
        if let Some(near) = near {
            return err.hint(format!("did you mean `{near}`?"));
        }
        let kind = match (before, self.kind()) {
            (Kind::Key("tcp" | "udp" | "sctp"), Kind::Num(_) | Kind::Id(_)) => "port",
            (Kind::Key("ip" | "ip6" | "arp"), Kind::Dotted(_) | Kind::V6(_)) => "host",
            _ => return err,
        };
        let proto = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let proto = proto.and_then(|token| self.text.get(token.at.clone()));
        let proto = proto.unwrap_or_default();
        err.hint(format!("write `{proto} {kind} {}`", shown.escape_default()))
    }

    /// The error for a name with nothing before it that says what it names.
    pub(super) fn bare_name(&self) -> FilterError {
        let at = self.here();
        let text = self.text.get(at.clone()).unwrap_or_default();
        let message = format!(
            "{} needs a word before it that says what it is",
            quoted(text)
        );
        let err = FilterError::new(at, message);
        let near = nearest(text);
        let text = text.escape_default();
        match (self.kind(), near) {
            (Kind::Id(_), Some(near)) => err.hint(format!("did you mean `{near}`?")),
            (Kind::Id(word), None) if word.starts_with("len-") => {
                err.hint("put blanks around the minus: a `-` can be part of a name")
            }
            (Kind::Num(_), _) => err.hint(format!("write `port {text}`")),
            (Kind::Mac(_), _) => err.hint(format!("write `ether host {text}`")),
            _ => err.hint(format!("write `host {text}`")),
        }
    }
}

/// Operators of arithmetic and comparison.
fn is_operator(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Op(
            "+" | "-"
                | "*"
                | "/"
                | "%"
                | "&"
                | "|"
                | "^"
                | "<<"
                | ">>"
                | "="
                | "!="
                | "<"
                | ">"
                | "<="
                | ">="
        )
    )
}
