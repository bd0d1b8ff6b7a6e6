//! The words of a display filter. Knows no keys.

use std::ops::Range;

use super::WhereError;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key, number, address or name: letters, digits, `_ . : / -`.
    Word,
    /// Text in quotes, without them.
    Text(Vec<u8>),
    /// `[..]` with what stands in it.
    Bracket(String),
    Open,
    Close,
    SetOpen,
    SetClose,
    Comma,
    /// `..` of a range.
    To,
    And,
    Or,
    Xor,
    Not,
    Compare(Compare),
    Contains,
    In,
    BitAnd,
    /// Behind the last one.
    End,
}

/// A comparison. `Any` and `All` are about fields that occur more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// `==`: one of them is.
    Equal,
    /// `===`: all of them are.
    AllEqual,
    /// `!=`: none of them is.
    NotEqual,
    /// `!==`: one of them is not.
    AnyNotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// One token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub at: Range<usize>,
}

const SIGNS: &[(&str, Kind)] = &[
    // Longest first.
    ("!==", Kind::Compare(Compare::AnyNotEqual)),
    ("===", Kind::Compare(Compare::AllEqual)),
    ("==", Kind::Compare(Compare::Equal)),
    ("!=", Kind::Compare(Compare::NotEqual)),
    ("<=", Kind::Compare(Compare::LessEqual)),
    (">=", Kind::Compare(Compare::GreaterEqual)),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("^^", Kind::Xor),
    ("<", Kind::Compare(Compare::Less)),
    (">", Kind::Compare(Compare::Greater)),
    ("&", Kind::BitAnd),
    ("!", Kind::Not),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("{", Kind::SetOpen),
    ("}", Kind::SetClose),
    (",", Kind::Comma),
];

const WORDS: &[(&str, Kind)] = &[
    ("and", Kind::And),
    ("or", Kind::Or),
    ("xor", Kind::Xor),
    ("not", Kind::Not),
    ("eq", Kind::Compare(Compare::Equal)),
    ("any_eq", Kind::Compare(Compare::Equal)),
    ("all_eq", Kind::Compare(Compare::AllEqual)),
    ("ne", Kind::Compare(Compare::NotEqual)),
    ("all_ne", Kind::Compare(Compare::NotEqual)),
    ("any_ne", Kind::Compare(Compare::AnyNotEqual)),
    ("lt", Kind::Compare(Compare::Less)),
    ("le", Kind::Compare(Compare::LessEqual)),
    ("gt", Kind::Compare(Compare::Greater)),
    ("ge", Kind::Compare(Compare::GreaterEqual)),
    ("contains", Kind::Contains),
    ("in", Kind::In),
    ("bitand", Kind::BitAnd),
    ("bitwise_and", Kind::BitAnd),
];

/// Cuts an expression into tokens, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, WhereError> {
    let mut all = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or("");
        let blanks = rest.len().saturating_sub(rest.trim_start().len());
        at = at.saturating_add(blanks);
        let rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            all.push(Token {
                kind: Kind::End,
                at: at..at,
            });
            return Ok(all);
        };
        let (kind, len) = match first {
            '"' => quoted(rest, at)?,
            '[' => bracket(rest, at)?,
            _ if rest.starts_with("..") => (Kind::To, 2),
            _ if is_word(first) => {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let len = rest.find("..").map_or(len, |range| range.min(len));
                let word = rest.get(..len).unwrap_or("");
                let known = WORDS
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(word));
                (known.map_or(Kind::Word, |(_, kind)| kind.clone()), len)
            }
            _ => sign(rest, at, first)?,
        };
        let end = at.saturating_add(len);
        all.push(Token { kind, at: at..end });
        at = end;
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-')
}

fn sign(rest: &str, at: usize, first: char) -> Result<(Kind, usize), WhereError> {
    let known = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
    if let Some((sign, kind)) = known {
        return Ok((kind.clone(), sign.len()));
    }
    let wrong = WhereError::new(at..at.saturating_add(first.len_utf8()), "");
    let (message, hint) = match first {
        '=' => ("a single `=` compares nothing", "write `==`"),
        '|' => ("a single `|` joins nothing", "write `||` or `or`"),
        '~' => (
            "regular expressions are not supported",
            "`contains` looks for text or bytes",
        ),
        '\'' => ("text stands in double quotes", "write `\"text\"`"),
        _ => ("this character has no meaning here", ""),
    };
    let wrong = WhereError {
        message: message.to_owned(),
        ..wrong
    };
    Err(if hint.is_empty() {
        wrong
    } else {
        wrong.hint(hint)
    })
}

/// Text in quotes, with C's escapes.
fn quoted(rest: &str, at: usize) -> Result<(Kind, usize), WhereError> {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        let here = at.saturating_add(index);
        match c {
            '"' => return Ok((Kind::Text(bytes), index.saturating_add(1))),
            '\\' => {
                let Some((_, escaped)) = chars.next() else {
                    break;
                };
                bytes.push(match escaped {
                    '"' | '\\' | '\'' => u8::try_from(escaped).unwrap_or(b'?'),
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    '0' => 0,
                    'x' => {
                        let mut digit = || chars.next_if(|(_, c)| c.is_ascii_hexdigit());
                        let digits = [digit(), digit()].map(|d| d.and_then(|d| d.1.to_digit(16)));
                        let [Some(high), Some(low)] = digits else {
                            let end = here.saturating_add(2);
                            let message = "`\\x` needs two hexadecimal digits";
                            return Err(WhereError::new(here..end, message));
                        };
                        u8::try_from(high << 4 | low).unwrap_or(0)
                    }
                    _ => {
                        let end = here.saturating_add(1).saturating_add(escaped.len_utf8());
                        let hint = "known are \\\\ \\\" \\n \\r \\t \\0 \\xNN";
                        return Err(WhereError::new(here..end, "unknown escape").hint(hint));
                    }
                });
            }
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    let end = at.saturating_add(rest.len());
    Err(WhereError::new(at..end, "the closing `\"` is missing"))
}

fn bracket(rest: &str, at: usize) -> Result<(Kind, usize), WhereError> {
    let Some(close) = rest.find(']') else {
        let end = at.saturating_add(1);
        return Err(WhereError::new(at..end, "the closing `]` is missing"));
    };
    let inside = rest.get(1..close).unwrap_or("");
    Ok((Kind::Bracket(inside.to_owned()), close.saturating_add(1)))
}
