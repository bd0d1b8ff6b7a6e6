//! Text of an expression to tokens, each with its place. Knows keywords, numbers and addresses, not
//! what may follow what.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::error::{FilterError, quoted};
use super::words::{Word, look_up};

/// Longest expression that is taken, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword, by its canonical spelling.
    Key(&'static str),
    /// A number, or a name that stands for one.
    Num(u32),
    /// A name: of a host, a port, a protocol. Also `a-b` ranges, and what follows a backslash.
    Id(String),
    /// Two to four decimal numbers with dots between.
    Dotted(String),
    /// A MAC address.
    Mac([u8; 6]),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// An operator or a bracket.
    Op(&'static str),
    /// The end of the expression.
    End,
}

/// A token and its byte range.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
    /// For `(`: the index of the token that closes it.
    pub(super) closed_by: Option<usize>,
}

/// Operators, longer ones first.
const OPS: [&str; 24] = [
    ">=", "<=", "!=", "==", "<<", ">>", "&&", "||", "+", "-", "*", "/", "%", ":", "[", "]", "!",
    "<", ">", "(", ")", "&", "|", "^",
];

/// Cuts the expression into tokens, the last one [`Kind::End`].
pub(super) fn tokens(text: &str, compat: bool) -> Result<Vec<Token>, FilterError> {
    if text.len() > MAX_BYTES {
        let message = "the expression is longer than 64 KiB";
        return Err(FilterError::new(MAX_BYTES..MAX_BYTES, message));
    }
    let mut all: Vec<Token> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0_usize;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.len().saturating_sub(skip_blank(rest).len());
        at = at.saturating_add(blank);
        let rest = text.get(at..).unwrap_or_default();
        let (kind, len) = next(rest, at, compat)?;
        let end = at.saturating_add(len);
        let index = all.len();
        match kind {
            Kind::Op("(") => open.push(index),
            Kind::Op(")") => {
                let Some(start) = open.pop() else {
                    let message = "`)` without a `(` before it";
                    return Err(FilterError::new(at..end, message));
                };
                if let Some(token) = all.get_mut(start) {
                    token.closed_by = Some(index);
                }
            }
            _ => {}
        }
        let last = kind == Kind::End;
        all.push(Token {
            kind,
            at: at..end,
            closed_by: None,
        });
        if last {
            break;
        }
        at = end;
    }
    if let Some(token) = open.pop().and_then(|start| all.get(start)) {
        let message = "this `(` is never closed";
        return Err(FilterError::new(token.at.clone(), message));
    }
    Ok(all)
}

/// Blanks are what libpcap's scanner takes as such.
fn skip_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\r', '\n', '\t'])
}

/// The token at the start of `text` and its length. `at` is the place of `text`, for messages.
fn next(text: &str, at: usize, compat: bool) -> Result<(Kind, usize), FilterError> {
    let Some(first) = text.chars().next() else {
        return Ok((Kind::End, 0));
    };
    let span = |len: usize| at..at.saturating_add(len);
    if first == '\\' {
        let name = run(text.get(1..).unwrap_or_default(), |c| {
            !" !()\n\t".contains(c)
        });
        if name.is_empty() {
            return Err(FilterError::new(span(1), "a name must follow the `\\`"));
        }
        let len = name.len().saturating_add(1);
        return Ok((Kind::Id(name.to_owned()), len));
    }
    if let Some(found) = address_with_colons(text, at)? {
        return Ok(found);
    }
    if first.is_ascii_alphanumeric() {
        let word = run(text, |c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let word = word.trim_end_matches(['-', '_']);
        return Ok((classify(word, at, compat)?, word.len()));
    }
    if let Some(op) = OPS.into_iter().find(|op| text.starts_with(op)) {
        let kind = match op {
            "&&" => Kind::Key("and"),
            "||" => Kind::Key("or"),
            "!" => Kind::Key("not"),
            "==" => Kind::Op("="),
            _ => Kind::Op(op),
        };
        return Ok((kind, op.len()));
    }
    if first == '=' {
        return Ok((Kind::Op("="), 1));
    }
    if first == '$' {
        let message = "`$` begins an ARCnet address; ARCnet is not read here";
        return Err(FilterError::new(span(1), message));
    }
    let len = first.len_utf8();
    let shown = quoted(text.get(..len).unwrap_or_default());
    let err = FilterError::new(span(len), format!("{shown} cannot stand in a filter"));
    Err(match first {
        '"' | '\'' => err.hint("names need no quotes; quote the whole expression for the shell"),
        ';' | ',' => err.hint("join conditions with `and` or `or`"),
        _ => err,
    })
}

/// MAC addresses with colons, and IPv6 addresses: the only tokens with colons inside, which
/// `ip[0:2]` must not become.
fn address_with_colons(text: &str, at: usize) -> Result<Option<(Kind, usize)>, FilterError> {
    let all = run(text, |c| c.is_ascii_hexdigit() || ":.".contains(c));
    let colons = all.matches(':').count();
    if colons < 2 {
        return Ok(None);
    }
    let len = all.len();
    if let Some(mac) = mac(all) {
        return Ok(Some((Kind::Mac(mac), len)));
    }
    if let Ok(v6) = all.parse() {
        return Ok(Some((Kind::V6(v6), len)));
    }
    let message = format!("{} is no MAC and no IPv6 address", quoted(all));
    Err(FilterError::new(at..at.saturating_add(len), message))
}

/// A word without colons.
fn classify(word: &str, at: usize, compat: bool) -> Result<Kind, FilterError> {
    let fail = |message: String| FilterError::new(at..at.saturating_add(word.len()), message);
    match look_up(word, compat) {
        Some(Word::Key(key)) => return Ok(Kind::Key(key)),
        Some(Word::Number(n)) => return Ok(Kind::Num(n)),
        Some(Word::Refused(why)) => {
            let hint = format!("a host or port of that name is written `\\{word}`");
            return Err(fail(format!("`{word}` is not supported: {why}")).hint(hint));
        }
        None => {}
    }
    if let Some(mac) = mac(word) {
        return Ok(Kind::Mac(mac));
    }
    if is_number(word) {
        return number(word).map(Kind::Num).map_err(fail);
    }
    let parts = word.split('.').count();
    if (2..=4).contains(&parts) && word.split('.').all(is_decimal) {
        return Ok(Kind::Dotted(word.to_owned()));
    }
    Ok(Kind::Id(word.to_owned()))
}

fn run(text: &str, inside: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !inside(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn hex_digits(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

fn is_number(text: &str) -> bool {
    is_decimal(text)
        || hex_digits(text)
            .is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Decimal, `0x` hexadecimal or `0` octal, as C writes them.
fn number(text: &str) -> Result<u32, String> {
    let (digits, radix) = match (hex_digits(text), text.strip_prefix('0')) {
        (Some(hex), _) => (hex, 16),
        (None, Some(octal)) if !octal.is_empty() => (octal, 8),
        _ => (text, 10),
    };
    if radix == 8 && digits.bytes().any(|b| b > b'7') {
        return Err(format!(
            "{} begins with 0, so it is octal, and has an 8 or 9",
            quoted(text)
        ));
    }
    u32::from_str_radix(digits, radix)
        .map_err(|_| format!("{} needs more than 32 bits", quoted(text)))
}

/// A MAC address in one of the forms of pcap-filter(7): six groups with `:`, `-` or `.`, three
/// groups of four digits with `.`, or twelve digits.
pub(super) fn mac(text: &str) -> Option<[u8; 6]> {
    let mut out = [0_u8; 6];
    for separator in [':', '-', '.'] {
        if text.split(separator).count() == 6 {
            for (byte, group) in out.iter_mut().zip(text.split(separator)) {
                *byte = hex_byte(group, 1..=2)?;
            }
            return Some(out);
        }
    }
    let groups: Vec<&str> = text.split('.').collect();
    let joined = match groups.as_slice() {
        [a, b, c] if a.len() == 4 && b.len() == 4 && c.len() == 4 => groups.concat(),
        [all] if all.len() == 12 => (*all).to_owned(),
        _ => return None,
    };
    for (byte, pair) in out.iter_mut().zip(joined.as_bytes().chunks(2)) {
        *byte = hex_byte(std::str::from_utf8(pair).ok()?, 2..=2)?;
    }
    Some(out)
}

fn hex_byte(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u8> {
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && digits.contains(&text.len())).then(|| u8::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let all = tokens(text, false).unwrap();
        all.into_iter().map(|t| t.kind).collect()
    }

    fn fault(text: &str) -> (Range<usize>, String) {
        let err = tokens(text, false).unwrap_err();
        (err.at, err.message)
    }

    #[test]
    fn words_numbers_and_operators() {
        assert_eq!(
            kinds("tcp[tcpflags]&(tcp-syn|0x10)!=010"),
            [
                Kind::Key("tcp"),
                Kind::Op("["),
                Kind::Num(13),
                Kind::Op("]"),
                Kind::Op("&"),
                Kind::Op("("),
                Kind::Num(2),
                Kind::Op("|"),
                Kind::Num(16),
                Kind::Op(")"),
                Kind::Op("!="),
                Kind::Num(8),
                Kind::End
            ]
        );
        assert_eq!(kinds("ip[0:2]==1")[3], Kind::Op(":"));
        assert_eq!(kinds("port ftp-data")[1], Kind::Id("ftp-data".into()));
        assert_eq!(kinds("portrange 1-2")[1], Kind::Id("1-2".into()));
        assert_eq!(kinds("\\tcp")[0], Kind::Id("tcp".into()));
        assert_eq!(kinds("a && !b")[1..3], [Kind::Key("and"), Kind::Key("not")]);
    }

    #[test]
    fn addresses_in_every_form() {
        let mac = Kind::Mac([0, 0x11, 0x22, 0x33, 0x44, 0x5f]);
        for text in [
            "0:11:22:33:44:5f",
            "00-11-22-33-44-5f",
            "00.11.22.33.44.5f",
            "0011.2233.445f",
            "00112233445F",
        ] {
            assert_eq!(kinds(text)[0], mac, "{text}");
        }
        assert_eq!(kinds("192.168.1")[0], Kind::Dotted("192.168.1".into()));
        assert_eq!(kinds("::")[0], Kind::V6(Ipv6Addr::UNSPECIFIED));
        assert_eq!(kinds("::ffff:1.2.3.4 ")[0], kinds("::ffff:102:304")[0]);
        assert_eq!(kinds("fe80::/10")[1], Kind::Op("/"));
        assert_eq!(kinds("1.2.3.4.5")[0], Kind::Id("1.2.3.4.5".into()));
    }

    #[test]
    fn faults_name_their_place() {
        assert_eq!(fault("port 09").0, 5..7);
        assert_eq!(fault("len > 4294967296").0, 6..16);
        assert!(fault("a 1:2:3").1.contains("no MAC"));
        assert_eq!(fault("(tcp").0, 0..1);
        assert_eq!(fault("tcp)").0, 3..4);
        assert!(fault("vpi 3").1.contains("ATM"));
        assert_eq!(fault("host é").0, 5..7);
        assert!(fault("$12").1.contains("ARCnet"));
        assert!(fault("tcp \\").1.contains("name"));
        assert!(tokens(&"a ".repeat(40_000), false).is_err());
    }

    #[test]
    fn brackets_find_their_partner() {
        let all = tokens("((a) or b)", false).unwrap();
        assert_eq!(all[0].closed_by, Some(6));
        assert_eq!(all[1].closed_by, Some(3));
    }
}
