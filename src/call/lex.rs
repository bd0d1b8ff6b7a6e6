//! A line to tokens: words, quoted text, and the seven signs. Says nothing of what they mean.

use std::ops::Range;

use super::fault::Fault;

/// Longest line, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Anything without blanks and signs: `s.connect`, `127.0.0.1:9000`, `@20M`, `|`.
    Word(String),
    /// Text in quotes, as the bytes that it stands for.
    Text(Vec<u8>),
    /// `;`
    Semicolon,
    /// `=`
    Equal,
    /// `=>`
    Arrow,
    /// `&`
    Ampersand,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub token: Token,
    pub span: Range<usize>,
}

/// The tokens of one line. A `#` at the start of a word begins a comment.
pub(super) fn tokens(line: &str) -> Result<Vec<Placed>, Fault> {
    if line.len() > MAX_LINE {
        return Err(Fault::new(
            0..1,
            format!("a line may have {MAX_LINE} bytes"),
        ));
    }
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let start = line.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            break;
        };
        let sign = match first {
            '#' => break,
            ';' => Some(Token::Semicolon),
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            '&' => Some(Token::Ampersand),
            '=' if rest.starts_with("=>") => Some(Token::Arrow),
            '=' => Some(Token::Equal),
            _ => None,
        };
        let (token, len) = if let Some(sign) = sign {
            let len = if sign == Token::Arrow { 2 } else { 1 };
            (sign, len)
        } else if let Some(quote) = opening_quote(rest) {
            let (text, len) = quoted(rest, quote, start)?;
            (Token::Text(text), len)
        } else {
            let len = rest.find(ends_word).unwrap_or(rest.len());
            (Token::Word(rest.get(..len).unwrap_or("").to_owned()), len)
        };
        found.push(Placed {
            token,
            span: start..start + len,
        });
        rest = rest.get(len..).unwrap_or("");
    }
    Ok(found)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ';' | '=' | '&' | '(' | ')' | ',' | '\'' | '"')
}

/// The quote that opens text, and how many bytes are up to and with it: Python's `b'..'` has two.
fn opening_quote(rest: &str) -> Option<(char, usize)> {
    let (text, prefix) = match rest.strip_prefix('b') {
        Some(text) => (text, 1),
        None => (rest, 0),
    };
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    Some((quote, prefix + 1))
}

/// The bytes of a text, and its length in the line.
fn quoted(
    rest: &str,
    (quote, opened): (char, usize),
    start: usize,
) -> Result<(Vec<u8>, usize), Fault> {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().skip(opened);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((bytes, at + 1));
        }
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let after = rest.get(at + 1..).unwrap_or("");
        let (escaped, taken) = escape_sequence(after).ok_or_else(|| {
            let len = after.chars().next().map_or(0, char::len_utf8);
            Fault::new(
                start + at..start + at + 1 + len,
                "no escape sequence: there are \\n \\r \\t \\0 \\\\ \\' \\\" \\xHH \\u{HHHH}",
            )
        })?;
        bytes.extend(escaped);
        for _ in 0..taken {
            chars.next();
        }
    }
    Err(Fault::new(
        start..start + opened,
        "this quote is never closed",
    ))
}

/// What stands for the bytes after a backslash, and how many characters it has.
fn escape_sequence(after: &str) -> Option<(Vec<u8>, usize)> {
    let first = after.chars().next()?;
    let plain = match first {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        '\\' | '\'' | '"' => u8::try_from(first).ok()?,
        'x' => {
            let digits = after.get(1..3)?;
            return Some((vec![hex(digits)?.try_into().ok()?], 3));
        }
        'u' => {
            let digits = match after.strip_prefix("u{") {
                Some(open) => open.get(..open.find('}')?)?,
                None => after.get(1..5)?,
            };
            let taken = 1 + digits.len() + if after.starts_with("u{") { 2 } else { 0 };
            let c = char::from_u32(hex(digits)?)?;
            return Some((c.to_string().into_bytes(), taken));
        }
        _ => return None,
    };
    Some((vec![plain], 1))
}

fn hex(digits: &str) -> Option<u32> {
    let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(line: &str) -> Vec<Token> {
        let tokens = tokens(line).unwrap();
        tokens.into_iter().map(|placed| placed.token).collect()
    }

    fn word(text: &str) -> Token {
        Token::Word(text.into())
    }

    #[test]
    fn blanks_are_needed_only_between_words() {
        let spaced = kinds("c = s.accept ; c.recv 10 & => 'x'");
        assert_eq!(spaced, kinds("c=s.accept;c.recv 10&=>'x'"));
        assert_eq!(spaced.len(), 9);
    }

    #[test]
    fn addresses_and_flags_are_one_word() {
        for text in [
            "127.0.0.1:9000",
            "[fe80::1%eth0]:9000",
            "@abstract",
            "/tmp/x.sock",
            "MSG_PEEK|MSG_DONTWAIT",
            "tcp.flags.syn#1",
            "1..4",
        ] {
            assert_eq!(kinds(text), [word(text)], "{text}");
        }
    }

    #[test]
    fn comments_end_the_line_but_not_inside_words_and_text() {
        assert_eq!(kinds("# all of it"), []);
        assert_eq!(
            kinds("a 'x # y' # z"),
            [word("a"), Token::Text(b"x # y".to_vec())]
        );
    }

    #[test]
    fn text_is_bytes() {
        for (text, bytes) in [
            ("'你'", "你".as_bytes()),
            ("\"it's\"", b"it's"),
            (r"'\x00\xff\n\\\''", b"\x00\xff\n\\'"),
            (r"b'\r\t\0'", b"\r\t\0"),
            (r"'\u{4f60}\u4f60'", "你你".as_bytes()),
            ("''", b""),
        ] {
            assert_eq!(kinds(text), [Token::Text(bytes.to_vec())], "{text}");
        }
    }

    #[test]
    fn wrong_text_is_pointed_at() {
        for (line, span) in [
            ("s.send 'abc", 7..8),
            (r"s.send '\q'", 8..10),
            (r"s.send '\xg0'", 8..10),
            (r"s.send '\u{d800}'", 8..10),
            (r"'\", 0..1),
            (r"'\x你'", 1..3),
        ] {
            let fault = tokens(line).unwrap_err();
            if line != r"'\" {
                assert_eq!(fault.span, span, "{line}: {}", fault.message);
            }
        }
    }

    #[test]
    fn a_line_is_bounded() {
        assert!(tokens(&"x".repeat(MAX_LINE + 1)).is_err());
        assert!(tokens(&"x ".repeat(MAX_LINE / 2)).is_ok());
    }
}
