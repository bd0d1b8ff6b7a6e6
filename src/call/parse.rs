//! Lines to statements. Knows which names were assigned before, so that a slip is found before
//! anything is called.

use std::collections::BTreeSet;
use std::ops::Range;

use super::arg::{self, Item, ItemKind};
use super::ast::{Action, Call, Statement, Word};
use super::expect;
use super::fault::Fault;
use super::lex::{Placed, Token, tokens};
use super::verb::{self, Do, On, Verb};

/// Most statements of a script.
pub const MAX_STATEMENTS: usize = 10_000;
/// Most names that a script may use.
pub const MAX_NAMES: usize = 1000;
/// Most sides.
pub const MAX_SIDES: usize = 16;
/// Most times that a statement is repeated.
pub const MAX_TIMES: u32 = 100_000;

/// Reads one line after the other.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    names: BTreeSet<String>,
    sides: BTreeSet<String>,
    side: String,
    line: u32,
    statements: usize,
}

impl Parser {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of the line that was read last, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Names that were assigned, for completion.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The side that the next statement belongs to; empty if none was named.
    pub fn side(&self) -> &str {
        &self.side
    }

    /// Sides that were named, in order.
    pub fn sides(&self) -> impl Iterator<Item = &str> {
        self.sides.iter().map(String::as_str)
    }

    /// The next line's statements, without the newline.
    pub fn line_of(&mut self, line: &str) -> Result<Vec<Statement>, Fault> {
        self.line += 1;
        let tokens = tokens(line)?;
        let mut at = Cursor {
            line,
            tokens: &tokens,
            next: 0,
        };
        let mut statements = Vec::new();
        loop {
            while at.take(&Token::Semicolon).is_some() {}
            self.prefix(&mut at)?;
            if at.peek().is_none() {
                return Ok(statements);
            }
            self.statements += 1;
            if self.statements > MAX_STATEMENTS {
                let text = format!("more than {MAX_STATEMENTS} statements");
                return Err(Fault::new(at.here(), text));
            }
            statements.push(self.statement(&mut at)?);
        }
    }

    /// `@h1`: whose the statements from here on are.
    fn prefix(&mut self, at: &mut Cursor<'_>) -> Result<(), Fault> {
        while let Some(Token::Word(word)) = at.peek()
            && let Some(side) = word.strip_prefix('@')
        {
            let span = at.here();
            if !is_name(side) {
                return Err(Fault::new(span, "a side is @ and a name").hint("@a, @b, @h1"));
            }
            self.sides.insert(side.to_owned());
            if self.sides.len() > MAX_SIDES {
                return Err(Fault::new(span, format!("more than {MAX_SIDES} sides")));
            }
            side.clone_into(&mut self.side);
            at.next += 1;
        }
        Ok(())
    }

    fn statement(&mut self, at: &mut Cursor<'_>) -> Result<Statement, Fault> {
        let start = at.here().start;
        let action = self.action(at)?;
        let end = at.before().end;
        let mut background = at.take(&Token::Ampersand).is_some();
        let expect = match at.take(&Token::Arrow) {
            Some(arrow) => Some(self.expectation(at, &arrow)?),
            None => None,
        };
        background |= at.take(&Token::Ampersand).is_some();
        if at.peek().is_some() && at.take(&Token::Semicolon).is_none() {
            return Err(Fault::new(
                at.here(),
                "here `;`, `=>`, `&` or the end is expected",
            ));
        }
        let call = match &action {
            Action::Call(call) => Some(call),
            _ => None,
        };
        if (background || expect.is_some()) && call.is_none() {
            return Err(Fault::new(
                start..end,
                "only a verb can be expected or waited for",
            ));
        }
        for name in call.into_iter().flat_map(|call| &call.targets) {
            self.names.insert(name.clone());
        }
        if self.names.len() > MAX_NAMES {
            return Err(Fault::new(
                start..end,
                format!("more than {MAX_NAMES} names"),
            ));
        }
        Ok(Statement {
            line: self.line,
            text: at.line.get(start..end).unwrap_or("").to_owned(),
            span: start..end,
            side: self.side.clone(),
            action,
            background,
            expect,
        })
    }

    fn expectation(
        &self,
        at: &mut Cursor<'_>,
        arrow: &Range<usize>,
    ) -> Result<expect::Expect, Fault> {
        let start = at.next;
        let ends = |token: &Token| matches!(token, Token::Semicolon | Token::Ampersand);
        while at.peek().is_some_and(|token| !ends(token)) {
            at.next += 1;
        }
        let taken = at.tokens.get(start..at.next).unwrap_or(&[]);
        expect::read(taken, at.line, arrow, &|word| self.names.contains(word))
    }

    fn action(&self, at: &mut Cursor<'_>) -> Result<Action, Fault> {
        if let Some(action) = word_action(at)? {
            return Ok(action);
        }
        let targets = targets(at)?;
        let times = times(at)?;
        let (on, verb, span) = self.verb(at)?;
        let items = items(at)?;
        suffixes(at, &[".decode"])?;
        let end = at.before().end;
        // The number of arguments decides for `timeout`, so it is looked up here.
        let verb = Verb::find(&verb, items.len()).ok_or_else(|| unknown(&verb, span.clone()))?;
        fits(verb, on.as_ref(), &targets, &span)?;
        let args = arg::arguments(verb, &items, end, &|word| self.names.contains(word))?;
        Ok(Action::Call(Call {
            verb,
            on,
            targets,
            times,
            args,
        }))
    }

    /// `s.connect` or `connect`.
    fn verb(&self, at: &mut Cursor<'_>) -> Result<(Option<Word>, String, Range<usize>), Fault> {
        let span = at.here();
        let Some(Token::Word(word)) = at.peek() else {
            return Err(Fault::new(span, "a verb is expected here")
                .hint("s = socket    s.connect 127.0.0.1:9000    help"));
        };
        at.next += 1;
        let (on, verb) = match word.split_once('.') {
            Some(("socket", verb)) if !self.names.contains("socket") => (None, verb),
            Some((on, verb)) => (Some(on), verb),
            None => (None, word.as_str()),
        };
        if let Some(on) = on
            && !self.names.contains(on)
        {
            let there = span.start..span.start + on.len();
            let known: Vec<&str> = self.names().take(8).collect();
            let hint = if known.is_empty() {
                format!("{on} = socket")
            } else {
                format!("known: {}", known.join(" "))
            };
            return Err(Fault::new(there, format!("`{on}` stands for nothing yet")).hint(hint));
        }
        let on = on.map(|on| Word {
            text: on.to_owned(),
            span: span.start..span.start + on.len(),
        });
        let verb_span = span.end - verb.len()..span.end;
        Ok((on, verb.to_owned(), verb_span))
    }
}

/// Where the reading is.
struct Cursor<'a> {
    line: &'a str,
    tokens: &'a [Placed],
    next: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Option<&'a Token> {
        self.tokens
            .get(self.next + count)
            .map(|placed| &placed.token)
    }

    /// Where the next token is; at the end, behind the last.
    fn here(&self) -> Range<usize> {
        let end = self.tokens.last().map_or(0, |placed| placed.span.end);
        let next = self.tokens.get(self.next);
        next.map_or(end..end, |placed| placed.span.clone())
    }

    /// Where the token before is.
    fn before(&self) -> Range<usize> {
        let before = self.next.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or(0..0, |placed| placed.span.clone())
    }

    /// Nothing stands between the token before and the next.
    fn is_glued(&self) -> bool {
        self.here().start == self.before().end
    }

    fn take(&mut self, token: &Token) -> Option<Range<usize>> {
        let here = self.here();
        (self.peek()? == token).then(|| {
            self.next += 1;
            here
        })
    }

    fn take_word(&mut self) -> Option<(&'a str, Range<usize>)> {
        let here = self.here();
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        self.next += 1;
        Some((word, here))
    }

    /// What follows is the end of a statement.
    fn at_end(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::Semicolon | Token::Arrow | Token::Ampersand)
        )
    }
}

/// A letter, then letters, digits and `_`.
fn is_name(word: &str) -> bool {
    let first = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    first && word.chars().all(|c| c.is_alphanumeric() || c == '_') && word.len() <= 64
}

/// What is no verb on a socket: `sleep`, `wait`, `drop next`, `help`, `vars`, `quit`.
fn word_action(at: &mut Cursor<'_>) -> Result<Option<Action>, Fault> {
    let Some(Token::Word(word)) = at.peek() else {
        return Ok(None);
    };
    if matches!(at.ahead(1), Some(Token::Equal | Token::Comma)) {
        return Ok(None);
    }
    let start = at.next;
    at.next += 1;
    let action = match word.as_str() {
        "sleep" | "time.sleep" => {
            let open = at.take(&Token::Open).is_some();
            let here = at.here();
            let span = at.take_word().and_then(|(word, _)| arg::span(word));
            if open {
                at.take(&Token::Close);
            }
            let most = arg::MAX_WAIT.as_secs();
            let wrong =
                || Fault::new(here, format!("write seconds up to {most}")).hint("sleep 0.5");
            Action::Sleep(span.ok_or_else(wrong)?)
        }
        "wait" => Action::Wait,
        "vars" => Action::Names,
        "quit" | "exit" => Action::Quit,
        "help" => {
            let verb = match at.take_word() {
                Some((word, span)) => {
                    let word = word.rsplit('.').next().unwrap_or(word);
                    let verb = Verb::find(word, 1);
                    Some(verb.ok_or_else(|| unknown(word, span))?)
                }
                None => None,
            };
            Action::Help(verb)
        }
        "drop" => drop_next(at)?,
        _ => {
            at.next = start;
            return Ok(None);
        }
    };
    Ok(Some(action))
}

/// `drop next EXPR`: the expression is the wire's, and goes to the end of the statement.
fn drop_next(at: &mut Cursor<'_>) -> Result<Action, Fault> {
    let usage = "drop next tcp.flags.syn";
    match at.take_word() {
        Some(("next", _)) => {}
        _ => return Err(Fault::new(at.before(), "`next` is expected").hint(usage)),
    }
    let start = at.here().start;
    while at.peek().is_some_and(|token| *token != Token::Semicolon) {
        at.next += 1;
    }
    let end = at.before().end;
    let expression = at.line.get(start..end).unwrap_or("").trim().to_owned();
    if expression.is_empty() {
        let fault = Fault::new(start..start, "which frame? an expression is missing");
        return Err(fault.hint(usage));
    }
    Ok(Action::DropNext {
        expression,
        span: start..end,
    })
}

/// `c, who =`: the names for what comes.
fn targets(at: &mut Cursor<'_>) -> Result<Vec<String>, Fault> {
    let start = at.next;
    let mut names = Vec::new();
    while let Some((word, span)) = at.take_word() {
        names.push((word, span));
        if at.take(&Token::Comma).is_none() {
            break;
        }
    }
    if at.take(&Token::Equal).is_none() {
        at.next = start;
        return Ok(Vec::new());
    }
    let named = names.into_iter().map(|(word, span)| {
        if is_name(word) {
            Ok(word.to_owned())
        } else {
            let fault = Fault::new(span, format!("`{word}` is no name"));
            Err(fault.hint("a letter, then letters, digits and _"))
        }
    });
    let named: Vec<String> = named.collect::<Result<_, _>>()?;
    if named.is_empty() {
        return Err(Fault::new(at.before(), "a name is missing before `=`"));
    }
    Ok(named)
}

/// `repeat 1000`.
fn times(at: &mut Cursor<'_>) -> Result<u32, Fault> {
    if !matches!(at.peek(), Some(Token::Word(word)) if word == "repeat") {
        return Ok(1);
    }
    at.next += 1;
    let here = at.here();
    let times = at.take_word().and_then(|(word, _)| arg::number(word));
    let times = times.and_then(|times| u32::try_from(times).ok());
    let times = times.filter(|times| (1..=MAX_TIMES).contains(times));
    times.ok_or_else(|| {
        Fault::new(here, format!("write how often: 1 to {MAX_TIMES}"))
            .hint("repeat 1000 u.send 'x'")
    })
}

/// The parts of an argument list, in parentheses with commas or bare with blanks.
fn items(at: &mut Cursor<'_>) -> Result<Vec<Item>, Fault> {
    if at.peek() == Some(&Token::Open) && at.is_glued() {
        let item = item(at)?;
        return Ok(match item.kind {
            ItemKind::Tuple(parts) => parts,
            _ => vec![item],
        });
    }
    let mut items = Vec::new();
    while !at.at_end() {
        items.push(item(at)?);
        at.take(&Token::Comma);
    }
    Ok(items)
}

/// One part.
fn item(at: &mut Cursor<'_>) -> Result<Item, Fault> {
    let span = at.here();
    let token = at.peek();
    at.next += 1;
    let mut item = match token {
        Some(Token::Word(word)) => Item {
            kind: ItemKind::Word(word.clone()),
            span,
        },
        Some(Token::Text(text)) => Item {
            kind: ItemKind::Text(text.clone()),
            span,
        },
        Some(Token::Open) => tuple(at, span)?,
        _ => return Err(Fault::new(span, "a value is expected here")),
    };
    if let ItemKind::Text(text) = &mut item.kind {
        suffixes(at, &[".encode"])?;
        repeat_text(at, text)?;
        item.span.end = at.before().end;
    }
    Ok(item)
}

/// The parts up to the closing parenthesis.
fn tuple(at: &mut Cursor<'_>, open: Range<usize>) -> Result<Item, Fault> {
    // A pair in an argument list is as deep as it gets.
    const DEEPEST: usize = 3;
    let opened = at.tokens.iter().take(at.next).rev();
    let depth = opened
        .take_while(|placed| placed.token == Token::Open)
        .count();
    if depth > DEEPEST {
        return Err(Fault::new(open, "too many parentheses"));
    }
    let mut parts = Vec::new();
    loop {
        if at.take(&Token::Close).is_some() {
            break;
        }
        if at.at_end() {
            return Err(Fault::new(open, "this parenthesis is never closed"));
        }
        // Flags are joined by `|`, which is a word of its own between blanks.
        parts.push(item(at)?);
        at.take(&Token::Comma);
    }
    Ok(Item {
        kind: ItemKind::Tuple(parts),
        span: open.start..at.before().end,
    })
}

/// Python's `.encode()` and `.decode()` change nothing here: text is UTF-8.
fn suffixes(at: &mut Cursor<'_>, allowed: &[&str]) -> Result<(), Fault> {
    if let Some(Token::Word(word)) = at.peek()
        && at.is_glued()
        && allowed.contains(&word.as_str())
    {
        at.next += 1;
        let closed = at.take(&Token::Open).and(at.take(&Token::Close));
        if closed.is_none() {
            let text = format!("`{word}()` has empty parentheses: text is always UTF-8");
            return Err(Fault::new(at.here(), text));
        }
    }
    Ok(())
}

/// `'x' * 1000`.
fn repeat_text(at: &mut Cursor<'_>, text: &mut Vec<u8>) -> Result<(), Fault> {
    let Some(Token::Word(word)) = at.peek() else {
        return Ok(());
    };
    let Some(glued) = word.strip_prefix('*') else {
        return Ok(());
    };
    at.next += 1;
    let span = at.before();
    let count = if glued.is_empty() {
        at.take_word().and_then(|(word, _)| arg::number(word))
    } else {
        arg::number(glued)
    };
    let count = count.and_then(|count| usize::try_from(count).ok());
    let fits = |count: &usize| {
        let len = text.len().checked_mul(*count);
        len.is_some_and(|len| len <= arg::MAX_BYTES)
    };
    let Some(count) = count.filter(fits) else {
        let text = format!(
            "write how often; the whole may have {} bytes",
            arg::MAX_BYTES
        );
        return Err(Fault::new(span, text).hint("'x' * 1000"));
    };
    *text = text.repeat(count);
    Ok(())
}

fn unknown(word: &str, span: Range<usize>) -> Fault {
    let fault = Fault::new(span, format!("`{word}` is no verb"));
    match verb::nearest(word) {
        Some(near) => fault.hint(format!("did you mean `{near}`? `help` lists the verbs")),
        None => fault.hint("`help` lists the verbs"),
    }
}

/// The verb is used on what it is for, and gives as many values as there are names.
fn fits(
    verb: &'static Verb,
    on: Option<&Word>,
    targets: &[String],
    span: &Range<usize>,
) -> Result<(), Fault> {
    if verb.on == On::Nothing && on.is_some() {
        return Err(
            Fault::new(span.clone(), format!("{} makes a new socket", verb.name)).hint(verb.usage),
        );
    }
    if verb.on == On::File && on.is_none() {
        let fault = Fault::new(span.clone(), format!("{} is used on a file", verb.name));
        return Err(fault.hint("f = s.makefile ; f.readline"));
    }
    let (least, most) = match verb.does {
        Do::SocketPair => (2, 2),
        Do::Accept | Do::RecvFrom => (0, 2),
        _ => (0, 1),
    };
    if targets.len() > most || targets.len() < least {
        let text = match most {
            1 => format!("{} gives one value", verb.name),
            _ => format!("{} gives two values", verb.name),
        };
        return Err(Fault::new(span.clone(), text).hint(verb.usage));
    }
    Ok(())
}
