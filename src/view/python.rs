//! Text as Python prints it: `repr` of text, `pprint` of text, and an address as a tuple. For the
//! output of the tutorial's programs, byte for byte.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// Width at which `pprint` breaks a text.
const WIDTH: usize = 80;

/// `repr(text)`: in single quotes, unless only those occur in it.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

/// `str.isprintable()` of one character. Rust's own table has the same rule: neither a control,
/// format, surrogate, private or unassigned character nor a separator other than the space.
fn is_printable(c: char) -> bool {
    // The first character would also be escaped if it joins the one before; the second is not.
    let text = String::from_iter(['x', c]);
    matches!(c, '"' | '\'' | '\\') || text.escape_debug().count() == 2
}

/// `pprint(text)`, without the line feed at the end: a text whose `repr` is wider than 80 columns
/// is broken after blanks, one piece a line, in parentheses (CPython Lib/pprint.py `_pprint_str`).
pub fn pprint(text: &str) -> String {
    let whole = repr(text);
    if width(&whole) <= WIDTH || text.is_empty() {
        return whole;
    }
    let mut chunks = Vec::new();
    let lines = split_lines(text);
    // One column less at the left for the parenthesis, and at the end one for the closing one.
    let most = WIDTH - 1;
    let mut last_repr = String::new();
    for (index, line) in lines.iter().enumerate() {
        let last = index + 1 == lines.len();
        last_repr = repr(line);
        let room = if last { most - 1 } else { most };
        if width(&last_repr) <= room {
            chunks.push(last_repr.clone());
            continue;
        }
        let parts = parts(line);
        let mut current = String::new();
        for (at, part) in parts.iter().enumerate() {
            let room = if last && at + 1 == parts.len() {
                most - 1
            } else {
                most
            };
            let candidate = format!("{current}{part}");
            if width(&repr(&candidate)) > room {
                if !current.is_empty() {
                    chunks.push(repr(&current));
                }
                (*part).clone_into(&mut current);
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(repr(&current));
        }
    }
    if chunks.len() == 1 {
        return last_repr;
    }
    format!("({})", chunks.join("\n "))
}

/// `len()` of a text.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text.splitlines(True)`.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        let paired = c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n');
        if ends && !paired {
            let end = at + c.len_utf8();
            lines.extend(text.get(start..end));
            start = end;
        }
    }
    lines.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    lines
}

/// `re.findall(r'\S*\s*', text)` without the empty one at the end: words with the blanks behind.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut blank = false;
    for (at, c) in text.char_indices() {
        let is_blank = is_space(c);
        if blank && !is_blank {
            parts.extend(text.get(start..at));
            start = at;
        }
        blank = is_blank;
    }
    parts.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    parts
}

/// `\s` of Python's re for text: `str.isspace()`.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// An address as `accept()` and `recvfrom()` give it.
pub fn address(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => format!("('{}', {})", v4.ip(), v4.port()),
        SocketAddr::V6(v6) => format!(
            "('{}', {}, {}, {})",
            v6.ip(),
            v6.port(),
            v6.flowinfo(),
            v6.scope_id()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_pythons() {
        for (text, expected) in [
            ("你好", "'你好'"),
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\tb\n\\", "'a\\tb\\n\\\\'"),
            ("\x1b[2J\x7f", "'\\x1b[2J\\x7f'"),
            ("\u{202e}\u{feff}", "'\\u202e\\ufeff'"),
            ("\u{e0041}😀\u{a0}", "'\\U000e0041😀\\xa0'"),
            ("e\u{301}", "'e\u{301}'"),
            ("", "''"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }

    #[test]
    fn an_address_is_a_tuple() {
        assert_eq!(
            address(&"127.0.0.1:51978".parse().unwrap()),
            "('127.0.0.1', 51978)"
        );
        assert_eq!(address(&"[::1]:7".parse().unwrap()), "('::1', 7, 0, 0)");
    }

    #[test]
    fn long_text_is_broken_after_blanks() {
        let text = "word ".repeat(20);
        let lines: Vec<String> = pprint(&text).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("('word word") && lines[1].ends_with("')"));
        let unbroken = "x".repeat(100);
        assert_eq!(pprint(&unbroken), format!("'{unbroken}'"));
    }
}
