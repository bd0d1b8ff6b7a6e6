//! `=> VALUE|ERRNO`: what must come of a call, and whether it came.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::arg;
use super::fault::Fault;
use super::lex::{Placed, Token};
use super::value::{Failure, Name, Outcome, Value, quoted};
use crate::view::errno;

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// As it was written.
    pub text: String,
    /// Any of these will do.
    any_of: Vec<Want>,
    /// How long the call may take: `in 0.9..1.2`.
    within: Option<RangeInclusive<Duration>>,
}

/// One alternative.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    /// `_`: any value.
    Any,
    /// `None`.
    None,
    /// `12`, `1..9`.
    Int(RangeInclusive<i64>),
    /// `12 bytes`, `1..9 bytes`.
    Len(RangeInclusive<i64>),
    /// `'text'`, `'text' from ADDR`, `_ from ADDR`.
    Bytes(Option<Vec<u8>>, Option<Pattern>),
    /// An address, or one end of it.
    Name(Pattern),
    /// `on`, `off`.
    Switch(bool),
    /// `1.5`.
    Seconds(Duration),
    /// `ECONNREFUSED`, `errno 111`.
    Errno(i32),
    /// `error`: any.
    Error,
    /// `timeout`.
    Timeout,
    /// A name assigned before.
    Same(String),
    /// Any other word: a TCP state.
    Word(String),
}

/// An address in which `*` stands for anything: `127.0.0.1:*`, `*`, `*:9000`.
#[derive(Clone, Debug, PartialEq)]
struct Pattern(String);

impl Pattern {
    fn matches(&self, name: &Name) -> bool {
        matches(self.0.as_bytes(), name.to_string().as_bytes())
    }
}

/// `*` in the pattern stands for any bytes.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [first, rest @ ..] => text.first() == Some(first) && matches(rest, &text[1..]),
    }
}

/// Reads the tokens behind `=>`.
pub(super) fn read(
    tokens: &[Placed],
    line: &str,
    arrow: &Range<usize>,
    known: &dyn Fn(&str) -> bool,
) -> Result<Expect, Fault> {
    let end = tokens.last().map_or(arrow.end, |placed| placed.span.end);
    let start = tokens.first().map_or(arrow.end, |placed| placed.span.start);
    let mut parts = Parts(split_bars(tokens)).0.into_iter().peekable();
    let mut any_of = Vec::new();
    let mut within = None;
    loop {
        let Some((part, span)) = parts.next() else {
            let fault = Fault::new(end..end, "what is expected?");
            return Err(
                fault.hint("0, 'text', ECONNREFUSED, timeout, 127.0.0.1:*, 1..9, 10 bytes, _")
            );
        };
        let mut want = want(&part, &span, known)?;
        // Words behind it that belong to it.
        while let Some((Part::Word(word), word_span)) = parts.peek().cloned() {
            match (word.as_str(), &want) {
                ("bytes", Want::Int(range)) => want = Want::Len(range.clone()),
                ("from", Want::Bytes(..) | Want::Any) => {
                    parts.next();
                    let Some((Part::Word(pattern), _)) = parts.peek().cloned() else {
                        let fault = Fault::new(word_span, "from which address?");
                        return Err(fault.hint("'text' from 127.0.0.1:*"));
                    };
                    let bytes = match want {
                        Want::Bytes(bytes, _) => bytes,
                        _ => None,
                    };
                    want = Want::Bytes(bytes, Some(Pattern(pattern)));
                }
                _ => break,
            }
            parts.next();
        }
        if want == Want::Word("errno".into()) {
            let number = match parts.next() {
                Some((Part::Word(word), _)) => arg::number(&word),
                _ => None,
            };
            let number = number.and_then(|number| i32::try_from(number).ok());
            want =
                Want::Errno(number.ok_or_else(|| {
                    Fault::new(span.clone(), "errno and a number").hint("errno 111")
                })?);
        }
        any_of.push(want);
        match parts.next() {
            None => break,
            Some((Part::Bar, _)) => {}
            Some((Part::Word(word), span)) if word == "in" => {
                within = Some(time_range(parts.next(), span)?);
                if let Some((_, span)) = parts.next() {
                    return Err(Fault::new(span, "here the end, `;` or `&` is expected"));
                }
                break;
            }
            Some((_, span)) => {
                return Err(Fault::new(
                    span,
                    "here `|`, `in`, `from` or the end is expected",
                ));
            }
        }
    }
    Ok(Expect {
        text: line.get(start..end).unwrap_or("").to_owned(),
        any_of,
        within,
    })
}

/// A token of an expectation: `|` stands alone here.
#[derive(Clone, Debug)]
enum Part {
    Word(String),
    Text(Vec<u8>),
    Bar,
    Other,
}

struct Parts(Vec<(Part, Range<usize>)>);

/// Cuts words at `|`.
fn split_bars(tokens: &[Placed]) -> Vec<(Part, Range<usize>)> {
    let mut parts = Vec::new();
    for Placed { token, span } in tokens {
        match token {
            Token::Word(word) => {
                let mut at = span.start;
                for (index, piece) in word.split('|').enumerate() {
                    if index > 0 {
                        parts.push((Part::Bar, at..at + 1));
                        at += 1;
                    }
                    if !piece.is_empty() {
                        parts.push((Part::Word(piece.to_owned()), at..at + piece.len()));
                    }
                    at += piece.len();
                }
            }
            Token::Text(text) => parts.push((Part::Text(text.clone()), span.clone())),
            _ => parts.push((Part::Other, span.clone())),
        }
    }
    parts
}

fn want(part: &Part, span: &Range<usize>, known: &dyn Fn(&str) -> bool) -> Result<Want, Fault> {
    let word = match part {
        Part::Text(text) => return Ok(Want::Bytes(Some(text.clone()), None)),
        Part::Word(word) => word.as_str(),
        Part::Bar | Part::Other => {
            return Err(Fault::new(
                span.clone(),
                "a value or an errno's name is expected here",
            ));
        }
    };
    Ok(match word {
        "_" | "any" => Want::Any,
        "None" | "none" => Want::None,
        "on" | "True" | "true" => Want::Switch(true),
        "off" | "False" | "false" => Want::Switch(false),
        "error" => Want::Error,
        "timeout" => Want::Timeout,
        "eof" => Want::Bytes(Some(Vec::new()), None),
        _ if known(word) => Want::Same(word.to_owned()),
        _ => {
            if let Some(number) = errno_of(word) {
                Want::Errno(number)
            } else if let Some(range) = range(word) {
                Want::Int(range)
            } else if let Some(bytes) = word.strip_suffix('s').and_then(arg::span) {
                Want::Seconds(bytes)
            } else if let (true, Some(span)) = (word.contains('.'), arg::span(word)) {
                Want::Seconds(span)
            } else if word.contains([':', '*', '/', '.']) || word.starts_with('@') {
                Want::Name(Pattern(word.to_owned()))
            } else if is_errno_like(word) {
                let fault = Fault::new(span.clone(), format!("`{word}` is no errno of sockets"));
                return Err(fault.hint("errno 111, or a name of errno(3)"));
            } else {
                Want::Word(word.to_owned())
            }
        }
    })
}

/// The number of a name; `EWOULDBLOCK` and `ENOTSUP` are Linux's EAGAIN and EOPNOTSUPP (errno(3)).
fn errno_of(word: &str) -> Option<i32> {
    match word {
        "EWOULDBLOCK" => Some(libc::EAGAIN),
        "ENOTSUP" => Some(libc::EOPNOTSUPP),
        // `eof` is a word of ours, `EOF` none of errno's.
        _ if word.starts_with('E') => errno::find_name(word).map(|row| row.number),
        _ => None,
    }
}

/// `ECONNREFUSD`: meant as an errno. (`ESTABLISHED` is a state.)
fn is_errno_like(word: &str) -> bool {
    word.len() > 3
        && word.starts_with('E')
        && word != "ESTABLISHED"
        && word.bytes().all(|b| b.is_ascii_uppercase())
}

/// `5`, `1..9`, `1..`.
fn range(word: &str) -> Option<RangeInclusive<i64>> {
    match word.split_once("..") {
        Some((from, "")) => Some(arg::number(from)?..=i64::MAX),
        Some((from, to)) => {
            let (from, to) = (arg::number(from)?, arg::number(to)?);
            (from <= to).then_some(from..=to)
        }
        None => arg::number(word).map(|number| number..=number),
    }
}

/// Behind `in`: `0.9..1.2`.
fn time_range(
    part: Option<(Part, Range<usize>)>,
    after: Range<usize>,
) -> Result<RangeInclusive<Duration>, Fault> {
    let (span, range) = match part {
        Some((Part::Word(word), span)) => {
            let ends = word.split_once("..");
            let ends = ends.and_then(|(from, to)| Some((arg::span(from)?, arg::span(to)?)));
            (span, ends.filter(|(from, to)| from <= to))
        }
        _ => (after, None),
    };
    match range {
        Some((from, to)) => Ok(from..=to),
        None => Err(Fault::new(span, "write from how long to how long").hint("in 0.9..1.2")),
    }
}

impl Expect {
    /// Whether it came; the error says what came instead. `named` gives the values of names.
    pub fn check(
        &self,
        outcome: &Outcome,
        blocked: Duration,
        named: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<(), Mismatch> {
        let mismatch = |why| Mismatch {
            expected: self.text.clone(),
            came: came(outcome, blocked),
            why,
        };
        if !self.any_of.iter().any(|want| want.fits(outcome, named)) {
            return Err(mismatch(None));
        }
        match &self.within {
            Some(range) if !range.contains(&blocked) => Err(mismatch(Some(format!(
                "it took {:.6} s",
                blocked.as_secs_f64()
            )))),
            _ => Ok(()),
        }
    }
}

/// What was expected, what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// As it was written.
    pub expected: String,
    /// As it is shown.
    pub came: String,
    /// More about it.
    pub why: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, came {}", self.expected, self.came)?;
        match &self.why {
            Some(why) => write!(f, " ({why})"),
            None => Ok(()),
        }
    }
}

fn came(outcome: &Outcome, blocked: Duration) -> String {
    match outcome {
        Ok(Value::Bytes(bytes)) => quoted(bytes, 200),
        Ok(value) => value.to_string(),
        Err(Failure::Errno(number)) => match errno::name(*number) {
            Some(name) => format!("{name} ({number})"),
            None => format!("errno {number}"),
        },
        Err(Failure::Timeout) => format!("timeout after {:.3} s", blocked.as_secs_f64()),
        Err(Failure::Refused(why)) => format!("no call: {why}"),
    }
}

impl Want {
    fn fits(&self, outcome: &Outcome, named: &dyn Fn(&str) -> Option<Value>) -> bool {
        match (self, outcome) {
            (Self::Errno(number), Err(Failure::Errno(came))) => number == came,
            // connect_ex and SO_ERROR give it as a number.
            (Self::Errno(number), Ok(Value::Int(came))) => i64::from(*number) == *came,
            (Self::Error, Err(Failure::Errno(_))) | (Self::Timeout, Err(Failure::Timeout)) => true,
            (_, Err(_)) => false,
            (want, Ok(value)) => want.fits_value(value, named),
        }
    }

    fn fits_value(&self, value: &Value, named: &dyn Fn(&str) -> Option<Value>) -> bool {
        match (self, value) {
            (Self::Any, _) | (Self::None, Value::None | Value::Done) => true,
            (Self::Int(range), Value::Int(came)) => range.contains(came),
            (Self::Int(range), Value::Done) => range.contains(&0),
            (Self::Int(range), Value::Seconds(came)) => {
                came.subsec_nanos() == 0
                    && i64::try_from(came.as_secs()).is_ok_and(|came| range.contains(&came))
            }
            // `None` is a table's word; a switch of an option is 0 or 1.
            (Self::Int(range), Value::Switch(on)) => range.contains(&i64::from(*on)),
            (Self::Int(_) | Self::Name(_), Value::Text(text)) => text == &self.as_word(),
            (Self::Len(range), Value::Bytes(bytes) | Value::From { bytes, .. }) => {
                i64::try_from(bytes.len()).is_ok_and(|len| range.contains(&len))
            }
            (Self::Bytes(Some(wanted), None), Value::Bytes(came)) => wanted == came,
            (Self::Bytes(wanted, from), Value::From { bytes, sender, .. }) => {
                wanted.as_ref().is_none_or(|wanted| wanted == bytes)
                    && from.as_ref().is_none_or(|from| from.matches(sender))
            }
            (
                Self::Name(pattern),
                Value::Name(name)
                | Value::Socket {
                    peer: Some(name), ..
                },
            ) => pattern.matches(name),
            (Self::Switch(wanted), Value::Switch(on)) => wanted == on,
            (Self::Switch(wanted), Value::Int(came)) => *came == i64::from(*wanted),
            (Self::Seconds(wanted), Value::Seconds(came)) => wanted == came,
            (Self::Same(name), came) => match (named(name), came) {
                (Some(Value::Bytes(wanted)), Value::From { bytes, .. }) => &wanted == bytes,
                (
                    Some(Value::Name(wanted)),
                    Value::Socket {
                        peer: Some(peer), ..
                    },
                ) => &wanted == peer,
                (Some(wanted), came) => wanted == *came,
                (None, _) => false,
            },
            (Self::Word(wanted), Value::Text(came)) => wanted == came,
            _ => false,
        }
    }

    /// As it is compared with a word.
    fn as_word(&self) -> String {
        match self {
            Self::Int(range) => range.start().to_string(),
            Self::Name(Pattern(text)) | Self::Word(text) => text.clone(),
            _ => String::new(),
        }
    }
}
