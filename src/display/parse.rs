//! Text to a compiled display filter: `or` binds weakest, then `xor`, `and`, `not`, comparisons, `&`.

use std::ops::Range;

use super::eval::{Node, Operand, Side};
use super::keys::{Keys, Source};
use super::lex::{Compare, Kind, Token, tokens};
use super::literal::Literal;
use super::{MAX_NESTING, WhereError};
use crate::filter::quoted;

/// Parses a whole expression.
pub(super) fn parse(text: &str, keys: &Keys) -> Result<Node, WhereError> {
    let mut parser = Parser {
        text,
        keys,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    if parser.peek() == &Kind::End {
        let hint = "write a condition, such as `icmp.type == 8`";
        return Err(WhereError::new(0..0, "the expression is empty").hint(hint));
    }
    let root = parser.any()?;
    match parser.peek() {
        Kind::End => Ok(root),
        Kind::Close => Err(parser.wrong("there is no `(` for this `)`")),
        _ => Err(parser.wrong("expected `and`, `or` or the end here")),
    }
}

struct Parser<'a> {
    text: &'a str,
    keys: &'a Keys,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

/// What stands on one side of a comparison.
enum Value {
    Field(Operand, Range<usize>),
    Literal(Literal, Range<usize>),
}

impl Parser<'_> {
    fn peek(&self) -> &Kind {
        self.tokens
            .get(self.next)
            .map_or(&Kind::End, |token| &token.kind)
    }

    /// Range of the next token.
    fn at(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens
            .get(self.next)
            .map_or(end..end, |token| token.at.clone())
    }

    fn take(&mut self) -> (Kind, Range<usize>) {
        let taken = (self.peek().clone(), self.at());
        self.next = self.next.saturating_add(1);
        taken
    }

    fn accept(&mut self, kind: &Kind) -> bool {
        let found = self.peek() == kind;
        if found {
            self.next = self.next.saturating_add(1);
        }
        found
    }

    fn wrong(&self, message: impl Into<String>) -> WhereError {
        WhereError::new(self.at(), message)
    }

    fn list(
        &mut self,
        mark: &Kind,
        part: fn(&mut Self) -> Result<Node, WhereError>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Node, WhereError> {
        let first = part(self)?;
        if self.peek() != mark {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.accept(mark) {
            all.push(part(self)?);
        }
        Ok(join(all))
    }

    fn any(&mut self) -> Result<Node, WhereError> {
        self.list(&Kind::Or, Self::odd, Node::Any)
    }

    fn odd(&mut self) -> Result<Node, WhereError> {
        self.list(&Kind::Xor, Self::all, Node::Odd)
    }

    fn all(&mut self) -> Result<Node, WhereError> {
        self.list(&Kind::And, Self::not, Node::All)
    }

    fn not(&mut self) -> Result<Node, WhereError> {
        let negates = self.peek() == &Kind::Not;
        if !negates && self.peek() != &Kind::Open {
            return self.relation();
        }
        if self.depth >= MAX_NESTING {
            let text = format!("nested deeper than {MAX_NESTING} levels");
            return Err(self.wrong(text));
        }
        self.depth = self.depth.saturating_add(1);
        let (_, opened) = self.take();
        let node = if negates {
            Node::Not(Box::new(self.not()?))
        } else {
            let node = self.any()?;
            if !self.accept(&Kind::Close) {
                let message = match self.peek() {
                    Kind::End => {
                        return Err(WhereError::new(opened, "the `)` for this `(` is missing"));
                    }
                    _ => "expected `and`, `or` or `)` here",
                };
                return Err(self.wrong(message));
            }
            node
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(node)
    }

    /// One condition; `1 < ip.ttl < 5` is two.
    fn relation(&mut self) -> Result<Node, WhereError> {
        let mut left = self.value(None)?;
        let mut all = Vec::new();
        loop {
            match self.peek().clone() {
                Kind::Compare(compare) => {
                    self.take();
                    let hint = match &left {
                        Value::Field(operand, _) => Some(operand.source.clone()),
                        Value::Literal(..) => None,
                    };
                    let right = self.value(hint.as_ref())?;
                    all.push(compared(&left, compare, &right)?);
                    left = right;
                }
                Kind::Contains if all.is_empty() => {
                    self.take();
                    return self.contains(left);
                }
                Kind::In if all.is_empty() => {
                    self.take();
                    return self.set(left);
                }
                // `ip.src not in {..}`
                Kind::Not if all.is_empty() && self.second() == Some(&Kind::In) => {
                    self.take();
                    self.take();
                    let inside = self.set(left)?;
                    return Ok(Node::Not(Box::new(inside)));
                }
                _ => break,
            }
        }
        match (all.len(), left) {
            (0, Value::Field(operand, _)) => Ok(Node::Is(operand)),
            (0, Value::Literal(_, at)) => {
                let message = "this is a value, not a condition: compare it with a field";
                Err(WhereError::new(at, message))
            }
            (1, _) => Ok(all.remove(0)),
            _ => Ok(Node::All(all)),
        }
    }

    fn second(&self) -> Option<&Kind> {
        let token = self.tokens.get(self.next.saturating_add(1));
        token.map(|token| &token.kind)
    }

    /// A field or a literal. `beside`: the field that it is compared with.
    fn value(&mut self, beside: Option<&Source>) -> Result<Value, WhereError> {
        let (kind, at) = self.take();
        match kind {
            Kind::Text(bytes) => Ok(Value::Literal(Literal::text(&bytes), at)),
            Kind::Word => {
                let word = self.text.get(at.clone()).unwrap_or("");
                let named = beside.is_some_and(Source::is_named);
                match self.keys.find(word) {
                    // `ip.proto == tcp`: the name of a value, not the layer.
                    Some(_) if named && !word.contains('.') => {
                        Ok(Value::Literal(Literal::name(word), at))
                    }
                    Some(source) => self.operand(source, at),
                    None => match Literal::word(word) {
                        Some(literal) => Ok(Value::Literal(literal, at)),
                        None if named => Ok(Value::Literal(Literal::name(word), at)),
                        None => Err(self.unknown(word, at, beside.is_some())),
                    },
                }
            }
            Kind::End => Err(WhereError::new(at, "expected a field or a value here")),
            Kind::Open if beside.is_some() => Err(WhereError::new(
                at,
                "a comparison takes one value, not a condition",
            )),
            _ => Err(WhereError::new(at, "expected a field here")),
        }
    }

    fn unknown(&self, word: &str, at: Range<usize>, beside: bool) -> WhereError {
        let near = self.keys.near(word);
        let shown = quoted(word);
        if word.eq_ignore_ascii_case("matches") {
            let message = "regular expressions are not supported";
            return WhereError::new(at, message).hint("`contains` looks for text or bytes");
        }
        let keylike = near
            .iter()
            .any(|key| key.contains('.') == word.contains('.'));
        if beside && !keylike {
            let message = format!("{shown} is no number, address, bytes or field");
            return WhereError::new(at, message).hint(format!(
                "text stands in quotes: \"{}\"",
                shown.trim_matches('`')
            ));
        }
        self.keys.unknown(word, at)
    }

    /// What may follow a key: `[slice]`, `& bits`.
    fn operand(&mut self, source: Source, at: Range<usize>) -> Result<Value, WhereError> {
        let mut operand = Operand {
            source,
            slice: None,
            mask: None,
        };
        let mut all = at;
        if let Kind::Bracket(inside) = self.peek().clone() {
            let (_, at) = self.take();
            let range = parse_slice(&inside).ok_or_else(|| {
                let message = "this is no range of bytes";
                WhereError::new(at.clone(), message).hint("[offset:length], [from-to] or [offset]")
            })?;
            operand.slice = Some(range);
            all.end = at.end;
        }
        if self.accept(&Kind::BitAnd) {
            if operand.slice.is_some() {
                return Err(WhereError::new(
                    all,
                    "`&` takes a number, not a range of bytes",
                ));
            }
            let (_, at) = self.take();
            let word = self.text.get(at.clone()).unwrap_or("");
            let number = Literal::word(word).and_then(|literal| literal.number);
            let number = number.and_then(|number| u64::try_from(number).ok());
            operand.mask = Some(number.ok_or_else(|| {
                let message = "`&` takes a number, such as 0x12";
                WhereError::new(at.clone(), message)
            })?);
            all.end = at.end;
        }
        Ok(Value::Field(operand, all))
    }

    fn contains(&mut self, left: Value) -> Result<Node, WhereError> {
        let Value::Field(operand, at) = left else {
            return Err(self.wrong("`contains` stands behind a field"));
        };
        if operand.source.is_number() || operand.mask.is_some() {
            let message = "a number contains nothing";
            return Err(WhereError::new(at, message).hint("compare it with `==`, `<` or `in {..}`"));
        }
        match self.value(None)? {
            Value::Literal(literal, _) if literal.as_bytes().is_some() => {
                Ok(Node::Contains(operand, literal))
            }
            Value::Literal(_, at) | Value::Field(_, at) => {
                let message =
                    "`contains` takes text in quotes or bytes, such as \"GET\" or 47:45:54";
                Err(WhereError::new(at, message))
            }
        }
    }

    fn set(&mut self, left: Value) -> Result<Node, WhereError> {
        let Value::Field(operand, _) = left else {
            return Err(self.wrong("`in` stands behind a field"));
        };
        let opened = self.at();
        if !self.accept(&Kind::SetOpen) {
            let fault = self.wrong("expected `{` here");
            return Err(fault.hint("a set is {1, 2, 5..9}"));
        }
        let mut set = Vec::new();
        loop {
            if self.accept(&Kind::Comma) && !set.is_empty() {
                continue;
            }
            let at = self.at();
            match self.peek() {
                Kind::SetClose if set.is_empty() => return Err(self.wrong("the set is empty")),
                Kind::SetClose => {
                    self.take();
                    return Ok(Node::In(operand, set));
                }
                Kind::End => {
                    return Err(WhereError::new(opened, "the `}` for this `{` is missing"));
                }
                _ => {}
            }
            let from = self.element(&operand)?;
            let to = if self.accept(&Kind::To) {
                Some(self.element(&operand)?)
            } else {
                None
            };
            if from.is_name() && to.is_some() {
                return Err(WhereError::new(
                    at,
                    "names have no order: a range goes from number to number",
                ));
            }
            set.push((from, to));
        }
    }

    /// One value of a set.
    fn element(&mut self, operand: &Operand) -> Result<Literal, WhereError> {
        let (kind, at) = self.take();
        let source = &operand.source;
        let literal = match kind {
            Kind::Text(bytes) => Literal::text(&bytes),
            Kind::Word => {
                let word = self.text.get(at.clone()).unwrap_or("");
                let named = || source.is_named().then(|| Literal::name(word));
                Literal::word(word).or_else(named).ok_or_else(|| {
                    let message = format!("{} is no number, address or bytes", quoted(word));
                    WhereError::new(at.clone(), message).hint("text stands in quotes")
                })?
            }
            _ => return Err(WhereError::new(at, "expected a value here")),
        };
        if operand.slice.is_none() {
            fits(&literal, source, &at)?;
        }
        Ok(literal)
    }
}

/// A field of numbers is compared with numbers, or with their names.
fn fits(literal: &Literal, source: &Source, at: &Range<usize>) -> Result<(), WhereError> {
    let fits = literal.number.is_some() || (source.is_named() && literal.has_name());
    if source.is_number() && !fits {
        let message = "this field is a number";
        return Err(WhereError::new(at.clone(), message));
    }
    Ok(())
}

fn compared(left: &Value, compare: Compare, right: &Value) -> Result<Node, WhereError> {
    match (left, right) {
        (Value::Field(left, _), Value::Field(right, _)) => Ok(Node::Compare(
            left.clone(),
            compare,
            Side::Field(right.clone()),
        )),
        (Value::Field(operand, _), Value::Literal(literal, at)) => {
            let plain = operand.slice.is_none();
            if plain {
                fits(literal, &operand.source, at)?;
            }
            if operand.mask.is_some() && literal.number.is_none() {
                return Err(WhereError::new(at.clone(), "a bit test gives a number"));
            }
            let ordered = !matches!(
                compare,
                Compare::Equal | Compare::NotEqual | Compare::AllEqual | Compare::AnyNotEqual
            );
            if ordered && literal.is_name() {
                let message = "a name is equal or not; only numbers are less or greater";
                return Err(WhereError::new(at.clone(), message));
            }
            Ok(Node::Compare(
                operand.clone(),
                compare,
                Side::Literal(literal.clone()),
            ))
        }
        (Value::Literal(..), Value::Field(..)) => compared(right, mirrored(compare), left),
        (Value::Literal(_, at), Value::Literal(_, end)) => {
            let message = "two values are compared: one side must be a field";
            Err(WhereError::new(at.start..end.end, message))
        }
    }
}

/// `5 < x` is `x > 5`.
fn mirrored(compare: Compare) -> Compare {
    match compare {
        Compare::Less => Compare::Greater,
        Compare::LessEqual => Compare::GreaterEqual,
        Compare::Greater => Compare::Less,
        Compare::GreaterEqual => Compare::LessEqual,
        same => same,
    }
}

/// `offset:length`, `from-to` (both included), `offset`, `:length`, `offset:`.
fn parse_slice(inside: &str) -> Option<(i64, Option<i64>)> {
    let inside = inside.trim();
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .ok()
            .filter(|n| n.abs() < 1 << 24)
    };
    // An end that is counted from the end of the value stays negative; 0 there is the end itself.
    let end = |from: i64, len: i64| {
        let to = from.checked_add(len).filter(|_| len > 0)?;
        Some((from, (from >= 0 || to < 0).then_some(to)))
    };
    if let Some((from, len)) = inside.split_once(':') {
        return match (from.trim(), len.trim()) {
            ("", "") => None,
            (from, "") => Some((number(from)?, None)),
            ("", len) => end(0, number(len)?),
            (from, len) => end(number(from)?, number(len)?),
        };
    }
    if let Some(from) = number(inside) {
        return end(from, 1);
    }
    let (from, to) = inside.split_once('-')?;
    let (from, to) = (number(from)?, number(to)?);
    end(from, to.checked_sub(from)?.checked_add(1)?)
}
