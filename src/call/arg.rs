//! Arguments: items of a line to what a verb takes.

use std::ops::Range;
use std::time::Duration;

use super::address;
use super::ast::{Address, Arg, Data, Kind, Word};
use super::fault::Fault;
use super::verb::{Take, Verb};

/// Most bytes of one text, one `@SIZE` and one `recv`.
pub const MAX_BYTES: usize = 64 << 20;

/// Longest wait that a script may name.
pub const MAX_WAIT: Duration = Duration::from_mins(10);

/// A part of an argument list.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub kind: ItemKind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum ItemKind {
    Word(String),
    Text(Vec<u8>),
    Tuple(Vec<Item>),
}

impl Item {
    fn word(&self) -> Option<&str> {
        match &self.kind {
            ItemKind::Word(word) => Some(plain(word)),
            _ => None,
        }
    }
}

/// `socket.AF_INET` is Python's way to write `AF_INET`.
fn plain(word: &str) -> &str {
    word.strip_prefix("socket.").unwrap_or(word)
}

/// Reads the items as the arguments of a verb. `known` says which words are names of values.
pub(super) fn arguments(
    verb: &'static Verb,
    items: &[Item],
    end: usize,
    known: &dyn Fn(&str) -> bool,
) -> Result<Vec<Arg>, Fault> {
    let mut rest = items;
    let mut args = Vec::new();
    for take in verb.takes {
        if rest.is_empty() && *take != Take::Kind {
            break;
        }
        args.extend(one(*take, &mut rest, known)?);
    }
    if let Some(extra) = rest.first() {
        let span = extra.span.start..rest.last().unwrap_or(extra).span.end;
        let fault = Fault::new(span, format!("{} takes no more than that", verb.name));
        return Err(fault.hint(verb.usage));
    }
    if args.len()
        < verb
            .needs
            .max(usize::from(verb.takes.contains(&Take::AddressAndData)) * 2)
    {
        let fault = Fault::new(end..end, format!("{} needs more than that", verb.name));
        return Err(fault.hint(verb.usage));
    }
    Ok(args)
}

/// One argument of a kind (two for `sendto`, any number of flags), off the front of `rest`.
fn one(take: Take, rest: &mut &[Item], known: &dyn Fn(&str) -> bool) -> Result<Vec<Arg>, Fault> {
    if take == Take::Kind {
        let kind = kind(rest)?;
        *rest = &[];
        return Ok(vec![Arg::Kind(kind)]);
    }
    if take == Take::Flags {
        let bits = flags(rest)?;
        *rest = &[];
        return Ok(vec![Arg::Flags(bits)]);
    }
    if take == Take::AddressAndData {
        return address_and_data(rest, known);
    }
    if take == Take::Option {
        return option(rest).map(|arg| vec![arg]);
    }
    let Some((item, after)) = rest.split_first() else {
        return Ok(Vec::new());
    };
    *rest = after;
    let name = item.word().filter(|word| known(word));
    if let (Some(name), Take::Address | Take::Data | Take::Number | Take::Size | Take::Value) =
        (name, take)
    {
        return Ok(vec![Arg::Name(Word {
            text: name.to_owned(),
            span: item.span.clone(),
        })]);
    }
    let wrong = |message: String| Fault::new(item.span.clone(), message);
    let arg = match take {
        Take::Address => Arg::Address(address(item)?),
        Take::Data => Arg::Data(data(item)?),
        Take::Size => {
            let size = item.word().and_then(number);
            let size = size.filter(|size| usize::try_from(*size).is_ok_and(|n| n <= MAX_BYTES));
            Arg::Number(size.ok_or_else(|| wrong(format!("write a size from 0 to {MAX_BYTES}")))?)
        }
        Take::Number => {
            let number = item.word().and_then(number);
            Arg::Number(number.ok_or_else(|| wrong("write a number".into()))?)
        }
        Take::Seconds => Arg::Seconds(seconds(item)?),
        Take::Switch => Arg::Switch(switch(item)?),
        Take::How => Arg::How(how(item)?),
        Take::Value => value(item, rest)?,
        Take::Field => {
            let word = item
                .word()
                .ok_or_else(|| wrong("write a field's name".into()))?;
            Arg::Word(word.to_owned())
        }
        Take::Kind | Take::Flags | Take::AddressAndData | Take::Option => return Ok(Vec::new()),
    };
    Ok(vec![arg])
}

/// `sendto`: Python has the bytes first, we have the address first; what is in quotes or is
/// `@SIZE` is the bytes.
fn address_and_data(rest: &mut &[Item], known: &dyn Fn(&str) -> bool) -> Result<Vec<Arg>, Fault> {
    let [first, second, after @ ..] = *rest else {
        return Ok(Vec::new());
    };
    let looks = |item: &Item| match &item.kind {
        ItemKind::Text(_) => true,
        ItemKind::Word(word) => fill(word).is_some() || word.starts_with("0x"),
        ItemKind::Tuple(_) => false,
    };
    let swapped = looks(first) && !looks(second) || matches!(second.kind, ItemKind::Tuple(_));
    let (address, bytes) = if swapped {
        (second, first)
    } else {
        (first, second)
    };
    let mut args = one(Take::Address, &mut std::slice::from_ref(address), known)?;
    args.extend(one(Take::Data, &mut std::slice::from_ref(bytes), known)?);
    *rest = after;
    Ok(args)
}

fn address(item: &Item) -> Result<Address, Fault> {
    let wrong = |message: &str| {
        Fault::new(item.span.clone(), message)
            .hint("127.0.0.1:9000, [::1]:9000, :9000, /tmp/x.sock, @name or ('127.0.0.1', 9000)")
    };
    match &item.kind {
        ItemKind::Word(word) => Ok(Address::Text(word.clone().into_bytes())),
        ItemKind::Text(text) => Ok(Address::Text(text.clone())),
        // Python's IPv6 addresses have a flow label and a scope behind the port.
        ItemKind::Tuple(parts) if (2..=4).contains(&parts.len()) => {
            let host = match &parts[0].kind {
                ItemKind::Text(text) => text.clone(),
                ItemKind::Word(word) => word.clone().into_bytes(),
                ItemKind::Tuple(_) => return Err(wrong("a host is text")),
            };
            let port = parts[1].word().unwrap_or("");
            let port = address::port_of(port)
                .map_err(|message| Fault::new(parts[1].span.clone(), message))?;
            Ok(Address::Pair(host, port))
        }
        ItemKind::Tuple(_) => Err(wrong("an address has a host and a port")),
    }
}

fn data(item: &Item) -> Result<Data, Fault> {
    let wrong = |message: String, hint: &str| Fault::new(item.span.clone(), message).hint(hint);
    match &item.kind {
        ItemKind::Text(text) => Ok(Data::Bytes(text.clone())),
        ItemKind::Word(word) => {
            if let Some(size) = fill(word) {
                return Ok(Data::Fill(size.map_err(|message| wrong(message, "@20M"))?));
            }
            if let Some(digits) = word.strip_prefix("0x") {
                return hex(digits)
                    .map(Data::Bytes)
                    .ok_or_else(|| wrong("a byte has two hexadecimal digits".into(), "0x00ff"));
            }
            Err(wrong(
                format!("`{word}` stands for nothing"),
                &format!("text to send stands in quotes: '{word}'"),
            ))
        }
        ItemKind::Tuple(_) => Err(wrong("bytes are wanted here, not a pair".into(), "'text'")),
    }
}

/// `@20M`: so many bytes.
fn fill(word: &str) -> Option<Result<usize, String>> {
    let size = word.strip_prefix('@')?;
    if !size.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let size = number(size).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| *size <= MAX_BYTES);
    Some(size.ok_or_else(|| format!("write @SIZE with a size from 0 to {MAX_BYTES}")))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    digits
        .chunks(2)
        .map(|pair| u8::try_from(nibble(pair[0])? << 4 | nibble(pair[1])?).ok())
        .collect()
}

/// A whole number: decimal with an optional `k` or `M` (1,000 and 1,000,000), or `0x` hexadecimal.
pub(super) fn number(word: &str) -> Option<i64> {
    if let Some(digits) = word.strip_prefix("0x") {
        let good = digits.bytes().all(|b| b.is_ascii_hexdigit());
        return good.then(|| i64::from_str_radix(digits, 16).ok()).flatten();
    }
    let (digits, unit) = match word.as_bytes() {
        [.., b'k' | b'K'] => (&word[..word.len() - 1], 1000),
        [.., b'm' | b'M'] => (&word[..word.len() - 1], 1_000_000),
        _ => (word, 1),
    };
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// A span: `1.5`, `500ms`; a bare number is seconds.
pub(super) fn span(word: &str) -> Option<Duration> {
    let split = word.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (digits, unit) = word.split_at(split.unwrap_or(word.len()));
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        "m" | "min" => 60.0,
        _ => return None,
    };
    let number: f64 = digits.parse().ok()?;
    let span = Duration::try_from_secs_f64(number * unit).ok()?;
    (span <= MAX_WAIT).then_some(span)
}

fn seconds(item: &Item) -> Result<Option<Duration>, Fault> {
    let word = item.word().unwrap_or("");
    if matches!(word, "none" | "None") {
        return Ok(None);
    }
    span(word).map(Some).ok_or_else(|| {
        let most = MAX_WAIT.as_secs();
        Fault::new(
            item.span.clone(),
            format!("write seconds up to {most}, or none"),
        )
        .hint("1.5, 500ms, none")
    })
}

fn switch(item: &Item) -> Result<bool, Fault> {
    match item.word().unwrap_or("") {
        "on" | "True" | "true" | "yes" | "1" => Ok(true),
        "off" | "False" | "false" | "no" | "0" => Ok(false),
        _ => Err(Fault::new(item.span.clone(), "write on or off")),
    }
}

fn how(item: &Item) -> Result<i32, Fault> {
    match item.word().unwrap_or("") {
        "rd" | "SHUT_RD" | "0" => Ok(libc::SHUT_RD),
        "wr" | "SHUT_WR" | "1" => Ok(libc::SHUT_WR),
        "rdwr" | "SHUT_RDWR" | "2" => Ok(libc::SHUT_RDWR),
        _ => Err(Fault::new(item.span.clone(), "write rd, wr or rdwr")),
    }
}

/// An option's name. Python names its level first, which its name says anyway.
fn option(rest: &mut &[Item]) -> Result<Arg, Fault> {
    let level = |item: &Item| {
        item.word()
            .is_some_and(|word| word.starts_with("SOL_") || word.starts_with("IPPROTO_"))
    };
    if rest.first().is_some_and(level) {
        *rest = rest.get(1..).unwrap_or(&[]);
    }
    let Some((item, after)) = rest.split_first() else {
        return Err(Fault::new(0..0, "an option's name is missing").hint("SO_RCVBUF"));
    };
    *rest = after;
    let word = item.word().ok_or_else(|| {
        Fault::new(item.span.clone(), "an option has a name").hint("SO_RCVBUF, TCP_NODELAY, IP_TTL")
    })?;
    Ok(Arg::Word(word.to_owned()))
}

/// An option's value: a word, or several (`SO_LINGER 1 0`), as one text.
fn value(item: &Item, rest: &mut &[Item]) -> Result<Arg, Fault> {
    let mut words = Vec::new();
    for item in std::iter::once(item).chain(rest.iter()) {
        match &item.kind {
            ItemKind::Word(word) => words.push(plain(word).to_owned()),
            ItemKind::Text(text) => words.push(String::from_utf8_lossy(text).into_owned()),
            ItemKind::Tuple(_) => {
                return Err(Fault::new(
                    item.span.clone(),
                    "an option's value is a number or a word",
                ));
            }
        }
    }
    *rest = &[];
    Ok(Arg::Word(words.join(" ")))
}

/// Bits of MSG_ flags by their words (recv(2), send(2)).
const FLAGS: &[(&str, i32)] = &[
    ("peek", libc::MSG_PEEK),
    ("waitall", libc::MSG_WAITALL),
    ("dontwait", libc::MSG_DONTWAIT),
    ("trunc", libc::MSG_TRUNC),
    ("oob", libc::MSG_OOB),
    ("more", libc::MSG_MORE),
    ("nosignal", libc::MSG_NOSIGNAL),
    ("dontroute", libc::MSG_DONTROUTE),
    ("confirm", libc::MSG_CONFIRM),
    ("errqueue", libc::MSG_ERRQUEUE),
];

/// Words of the flags, for completion.
pub fn flag_words() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(word, _)| *word)
}

/// `MSG_PEEK | MSG_DONTWAIT`, `peek dontwait`.
fn flags(items: &[Item]) -> Result<i32, Fault> {
    let mut bits = 0;
    for item in items {
        bits |= flag_item(item).ok_or_else(|| {
            let words: Vec<&str> = flag_words().collect();
            Fault::new(item.span.clone(), "no flag").hint(words.join(" "))
        })?;
    }
    Ok(bits)
}

/// The bits of one word, which may hold several.
fn flag_item(item: &Item) -> Option<i32> {
    let ItemKind::Word(text) = &item.kind else {
        return None;
    };
    let mut bits = 0;
    for word in text.split('|').filter(|word| !word.is_empty()) {
        let word = plain(word).to_ascii_lowercase();
        let word = word.strip_prefix("msg_").unwrap_or(&word);
        bits |= match word {
            "0" => 0,
            _ => FLAGS.iter().find(|(known, _)| *known == word)?.1,
        };
    }
    Some(bits)
}

/// Words of socket(2)'s families.
const FAMILIES: &[(&str, i32)] = &[
    ("inet", libc::AF_INET),
    ("inet6", libc::AF_INET6),
    ("unix", libc::AF_UNIX),
];
/// Words of its types.
const TYPES: &[(&str, i32)] = &[
    ("stream", libc::SOCK_STREAM),
    ("dgram", libc::SOCK_DGRAM),
    ("raw", libc::SOCK_RAW),
    ("seqpacket", libc::SOCK_SEQPACKET),
];
/// Words of its protocols (protocols(5)).
const PROTOCOLS: &[(&str, i32)] = &[
    ("ip", libc::IPPROTO_IP),
    ("icmp", libc::IPPROTO_ICMP),
    ("igmp", libc::IPPROTO_IGMP),
    ("tcp", libc::IPPROTO_TCP),
    ("udp", libc::IPPROTO_UDP),
    ("icmpv6", libc::IPPROTO_ICMPV6),
    ("raw", libc::IPPROTO_RAW),
];

/// Words that a new socket's kind may have, for completion.
pub fn kind_words() -> impl Iterator<Item = &'static str> {
    let all = FAMILIES.iter().chain(TYPES).chain(PROTOCOLS);
    all.map(|(word, _)| *word)
}

/// `inet stream`, `AF_INET, SOCK_RAW, IPPROTO_ICMP`, `udp`, `2 1 6`, nothing.
fn kind(items: &[Item]) -> Result<Kind, Fault> {
    let (mut family, mut kind, mut protocol) = (None, None, None);
    for item in items {
        let word = item.word().unwrap_or("").to_ascii_lowercase();
        let named = |table: &[(&str, i32)], prefix: &str| {
            let word = word.strip_prefix(prefix).unwrap_or(&word);
            let row = table.iter().find(|(known, _)| *known == word);
            row.map(|(_, number)| *number)
        };
        let value = number(&word).and_then(|number| i32::try_from(number).ok());
        if let (None, Some(found)) = (family, named(FAMILIES, "af_"))
            && kind.is_none()
        {
            family = Some(found);
        } else if let (None, None, Some(found)) = (kind, protocol, named(TYPES, "sock_")) {
            kind = Some(found);
        } else if let (None, "tcp" | "udp") = (kind, word.as_str()) {
            let udp = word == "udp";
            kind = Some(if udp {
                libc::SOCK_DGRAM
            } else {
                libc::SOCK_STREAM
            });
            // The kernel's own choice; also for `socket udp` of Python users.
            protocol = Some(0);
        } else if let (Some(_), None, Some(found)) = (kind, protocol, named(PROTOCOLS, "ipproto_"))
        {
            protocol = Some(found);
        } else if let Some(value) = value {
            let slot = [&mut family, &mut kind, &mut protocol]
                .into_iter()
                .find(|slot| slot.is_none());
            match slot {
                Some(slot) => *slot = Some(value),
                None => return Err(not_a_kind(item)),
            }
        } else {
            return Err(not_a_kind(item));
        }
    }
    Ok(Kind {
        family: family.unwrap_or(libc::AF_INET),
        kind: kind.unwrap_or(libc::SOCK_STREAM),
        protocol: protocol.unwrap_or(0),
    })
}

fn not_a_kind(item: &Item) -> Fault {
    Fault::new(
        item.span.clone(),
        "a socket has a family, a type and a protocol",
    )
    .hint("socket [inet|inet6|unix] [stream|dgram|raw|seqpacket] [icmp|igmp|udp|253]")
}
