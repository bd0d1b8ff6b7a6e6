//! What a word of a display filter can mean beside a field, read in every way that fits: `17` is a
//! number and a byte. The field's value decides which is compared.

use std::cmp::Ordering;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::decode::Show;

use super::eval::Item;

/// All readings of a literal.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Literal {
    pub number: Option<i128>,
    /// Nanoseconds since 1970, from a date or from seconds.
    pub time: Option<i64>,
    v4: Option<(Ipv4Addr, u32)>,
    v6: Option<(Ipv6Addr, u128)>,
    bytes: Option<Vec<u8>>,
    text: Option<Vec<u8>>,
    /// An unquoted name of a value: `TCP`.
    name: Option<String>,
}

impl Literal {
    /// Text in quotes.
    pub fn text(bytes: &[u8]) -> Self {
        Self {
            name: String::from_utf8(bytes.to_vec()).ok(),
            text: Some(bytes.to_vec()),
            time: std::str::from_utf8(bytes).ok().and_then(date),
            ..Self::default()
        }
    }

    /// A name that only means something beside a field of named values.
    pub fn name(word: &str) -> Self {
        Self {
            name: Some(word.to_owned()),
            ..Self::default()
        }
    }

    /// An unquoted word that means something by itself.
    pub fn word(word: &str) -> Option<Self> {
        let number = number(word);
        let literal = Self {
            number,
            time: seconds(word).or_else(|| date(word)),
            v4: prefixed(word, 32).map(|(address, bits)| (address, mask4(bits))),
            v6: prefixed(word, 128).map(|(address, bits)| (address, mask6(bits))),
            bytes: hex(word),
            ..Self::default()
        };
        let known = literal != Self::default();
        known.then_some(literal)
    }

    /// It can be the name of a value.
    pub fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// It can only be the name of a value.
    pub fn is_name(&self) -> bool {
        self.name.is_some() && self.text.is_none()
    }

    /// Its bytes, for `contains` and slices.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.text.as_deref().or(self.bytes.as_deref())
    }

    /// How a field's value compares with it; `None` if they are of different kinds.
    pub fn compare(&self, item: &Item<'_>) -> Option<Ordering> {
        match *item {
            Item::Group => None,
            Item::Bool(set) => Some(i128::from(set).cmp(&self.number?)),
            Item::Uint(number, spec) => match (self.number, &self.name) {
                (Some(wanted), _) => Some(i128::from(number).cmp(&wanted)),
                (None, Some(name)) => {
                    let Show::Named(names) = spec?.show else {
                        return None;
                    };
                    let same = names(number).is_some_and(|known| known.eq_ignore_ascii_case(name));
                    Some(if same {
                        Ordering::Equal
                    } else {
                        Ordering::Less
                    })
                }
                (None, None) => None,
            },
            Item::Int(number) => Some(i128::from(number).cmp(&self.number?)),
            Item::Epoch(nanos) | Item::Date(nanos) => Some(nanos.cmp(&self.time?)),
            Item::Ipv4(address) => {
                let (wanted, mask) = self.v4?;
                Some((address.to_bits() & mask).cmp(&(wanted.to_bits() & mask)))
            }
            Item::Ipv6(address) => {
                let (wanted, mask) = self.v6?;
                Some((address.to_bits() & mask).cmp(&(wanted.to_bits() & mask)))
            }
            Item::Mac(mac) => Some(mac.as_slice().cmp(self.bytes.as_deref()?)),
            Item::Text(text) => Some(text.as_bytes().cmp(self.as_bytes()?)),
            Item::Bytes(bytes) => match self.as_bytes() {
                Some(wanted) => Some(bytes.cmp(wanted)),
                // A byte by its decimal number: `ip[0] == 9`.
                None => match bytes {
                    [byte] => Some(i128::from(*byte).cmp(&self.number?)),
                    _ => None,
                },
            },
        }
    }
}

/// Decimal, `0x` hexadecimal, `0b` binary, or a truth value.
fn number(word: &str) -> Option<i128> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word),
    };
    let lower = digits.to_ascii_lowercase();
    let read = |digits: &str, radix| {
        let plain = digits.chars().all(|c| c.is_digit(radix));
        plain.then(|| u64::from_str_radix(digits, radix).ok())?
    };
    let value = if let Some(hex) = lower.strip_prefix("0x") {
        read(hex, 16)?
    } else if let Some(binary) = lower.strip_prefix("0b") {
        read(binary, 2)?
    } else {
        match lower.as_str() {
            "true" => 1,
            "false" => 0,
            _ => read(&lower, 10)?,
        }
    };
    i128::from(value).checked_mul(sign)
}

/// Seconds since 1970, up to nine decimals.
fn seconds(word: &str) -> Option<i64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if fraction.is_empty() || fraction.len() > 9 || !digits(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// RFC 3339, as the JSON has it.
fn date(word: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_rfc3339(word).ok()?;
    time.timestamp_nanos_opt()
}

/// An address, with `/LENGTH` or without.
fn prefixed<A: std::str::FromStr>(word: &str, most: u32) -> Option<(A, u32)> {
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, bits.parse().ok().filter(|bits| *bits <= most)?),
        None => (word, most),
    };
    Some((address.parse().ok()?, bits))
}

fn mask4(bits: u32) -> u32 {
    u32::MAX
        .checked_shl(32u32.saturating_sub(bits))
        .unwrap_or(0)
}

fn mask6(bits: u32) -> u128 {
    let shift = 128u32.saturating_sub(bits);
    u128::MAX.checked_shl(shift).unwrap_or(0)
}

/// Bytes: `de:ad`, `de-ad`, `de.ad`, `dead` or `0xdead`.
fn hex(word: &str) -> Option<Vec<u8>> {
    let parted = [':', '-', '.']
        .into_iter()
        .find(|mark| word.contains(*mark));
    let plain = word.strip_prefix("0x").unwrap_or(word);
    let digits: String = match parted {
        Some(mark) if word.split(mark).all(|pair| pair.len() == 2) => word.split(mark).collect(),
        Some(_) => return None,
        None => plain.to_owned(),
    };
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(value(high)? << 4 | value(low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}
