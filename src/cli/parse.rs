//! Value parsers shared by all commands: one for each kind of value. No option is known here.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::wire::Share;

/// Longest span that a command line may name: one leap year.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A span: `500ms`, `2s`, `1.5m`, `1h`; a bare number is seconds, the decimal sign is the dot.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_nanos: u128 = match unit {
        "" | "s" => 1_000_000_000,
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "m" | "min" => 60 * 1_000_000_000,
        "h" => 3600 * 1_000_000_000,
        _ => return Err("write a number and us, ms, s, m or h: `500ms`, `2s`, `0.2`".into()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err("a number is missing: `500ms`, `2s`, `0.2`".into());
    }
    let too_long = || "too long: at most 366 days".to_owned();
    let mut nanos = digits(whole)
        .and_then(|n| n.checked_mul(unit_nanos))
        .ok_or_else(too_long)?;
    // Digits beyond the fifteenth decimal are below a nanosecond of any unit but the hour.
    let fraction = fraction.get(..fraction.len().min(15)).unwrap_or(fraction);
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    if fraction.contains('.') {
        return Err("more than one dot".into());
    }
    nanos = nanos.saturating_add(digits(fraction).unwrap_or(0).saturating_mul(unit_nanos) / scale);
    if nanos > LONGEST.as_nanos() {
        return Err(too_long());
    }
    u64::try_from(nanos)
        .map(Duration::from_nanos)
        .map_err(|_| too_long())
}

/// Decimal digits as a number; empty is 0.
fn digits(text: &str) -> Option<u128> {
    if text.is_empty() {
        return Some(0);
    }
    text.parse().ok()
}

/// A whole number, decimal or `0x` hexadecimal, from `min` to `max`.
pub fn number(text: &str, min: u64, max: u64) -> Result<u64, String> {
    let range = || format!("write a number from {min} to {max}");
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok()
        }
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    value.filter(|n| (min..=max).contains(n)).ok_or_else(range)
}

/// [`number`] over the whole range of a type.
pub fn unsigned<T: TryFrom<u64> + Bounded>(text: &str) -> Result<T, String> {
    let value = number(text, 0, T::MAX_VALUE)?;
    T::try_from(value).map_err(|_| "out of range".into())
}

/// Unsigned integers that [`unsigned`] can read.
pub trait Bounded {
    /// The largest value.
    const MAX_VALUE: u64;
}
impl Bounded for u8 {
    const MAX_VALUE: u64 = u8::MAX as u64;
}
impl Bounded for u16 {
    const MAX_VALUE: u64 = u16::MAX as u64;
}
impl Bounded for u32 {
    const MAX_VALUE: u64 = u32::MAX as u64;
}

/// A share: `10%`, `0.5%`; a bare number is per cent. At most four decimals.
pub fn share(text: &str) -> Result<Share, String> {
    let wrong = || "write a percentage from 0 to 100: `10%`, `0.5%`".to_owned();
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 4 {
        return Err(wrong());
    }
    let parts: u32 = format!("{whole}{fraction:0<4}")
        .parse()
        .map_err(|_| wrong())?;
    Some(Share(parts))
        .filter(|share| share.0 <= Share::ALL)
        .ok_or_else(wrong)
}

/// A rate in bits a second: `1mbit`, `500kbit`, `1gbit`, or a bare number.
pub fn rate(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let unit: u64 = match unit {
        "" | "bit" => 1,
        "kbit" => 1_000,
        "mbit" | "Mbit" => 1_000_000,
        "gbit" | "Gbit" => 1_000_000_000,
        _ => return Err("write a rate: `500kbit`, `1mbit`, `1gbit`".into()),
    };
    let number = number(digits, 1, u64::MAX)?;
    let rate = number
        .checked_mul(unit)
        .filter(|rate| *rate <= 1_000_000_000_000);
    rate.ok_or_else(|| "too much: at most 1000gbit".into())
}

/// Bytes in hexadecimal, two digits each; `:`, `-`, blanks and a leading `0x` are allowed.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let nibbles: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | ' '))
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let nibbles = nibbles.ok_or("write hexadecimal digits: `ff00`")?;
    if nibbles.len() % 2 != 0 {
        return Err("a byte has two hexadecimal digits, one is missing".into());
    }
    Ok(nibbles
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, n| byte << 4 | n))
        .collect())
}

/// Three numbers `MIN:MAX:STEP`; the step is 1 if left out.
pub fn range<T: FromStr + Display>(text: &str, default_step: T) -> Result<(T, T, T), String> {
    let wrong = || "write MIN:MAX:STEP, for example 64:1472:64".to_owned();
    let mut parts = text.split(':');
    let mut next = || {
        parts
            .next()
            .map(|part| part.parse::<T>().map_err(|_| wrong()))
    };
    let min = next().ok_or_else(wrong)??;
    let max = next().ok_or_else(wrong)??;
    let step = next().unwrap_or(Ok(default_step))?;
    if parts.next().is_some() {
        return Err(wrong());
    }
    Ok((min, max, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_with_and_without_unit() {
        for (text, nanos) in [
            ("1", 1_000_000_000),
            ("0.2", 200_000_000),
            (".5", 500_000_000),
            ("2.", 2_000_000_000),
            ("500ms", 500_000_000),
            ("1.5ms", 1_500_000),
            ("2us", 2_000),
            ("7ns", 7),
            ("1m", 60_000_000_000),
            ("0.5h", 1_800_000_000_000),
            ("0", 0),
            ("0.0000000001", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn durations_that_are_none() {
        for text in [
            "", "s", ".", "-1", "1,5", "1.2.3", "1 s", "1d", "nan", "inf", "1e3", "400000h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration(&"9".repeat(60)).is_err());
        assert!(duration(&format!("0.{}", "9".repeat(60))).is_ok());
    }

    #[test]
    fn numbers_know_their_range() {
        assert_eq!(number("0x10", 0, 255), Ok(16));
        assert_eq!(
            number("256", 0, 255),
            Err("write a number from 0 to 255".into())
        );
        for text in ["", "0x", "+1", "-1", "1.0", "99999999999999999999"] {
            assert!(number(text, 0, u64::MAX).is_err(), "{text}");
        }
        assert_eq!(unsigned::<u16>("65535"), Ok(65535));
        assert!(unsigned::<u8>("256").is_err());
    }

    #[test]
    fn shares_and_rates() {
        let parts = |text| share(text).map(|share| share.0);
        assert_eq!(parts("10%"), Ok(100_000));
        assert_eq!(parts("10"), Ok(100_000));
        assert_eq!(parts("0.5%"), Ok(5_000));
        assert_eq!(parts(".0001%"), Ok(1));
        assert_eq!(parts("100%"), Ok(1_000_000));
        for text in ["", "%", "101%", "-1%", "1.00001%", "1,5%", "ten", "1.2.3"] {
            assert!(parts(text).is_err(), "{text}");
        }
        assert_eq!(rate("1mbit"), Ok(1_000_000));
        assert_eq!(rate("500kbit"), Ok(500_000));
        assert_eq!(rate("9600"), Ok(9600));
        for text in ["", "mbit", "0", "-1", "1.5mbit", "1MB", "99999999gbit"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hexadecimal_bytes() {
        assert_eq!(hex("ff00"), Ok(vec![0xff, 0]));
        assert_eq!(hex("0xde:ad be-ef"), Ok(vec![0xde, 0xad, 0xbe, 0xef]));
        assert_eq!(hex(""), Ok(vec![]));
        assert!(hex("f").is_err());
        assert!(hex("zz").is_err());
    }

    #[test]
    fn ranges_with_and_without_step() {
        assert_eq!(range("1:9:2", 1), Ok((1, 9, 2)));
        assert_eq!(range("1:9", 1), Ok((1, 9, 1)));
        for text in ["", "1", "1:2:3:4", "a:b", ":::"] {
            assert!(range(text, 1).is_err(), "{text}");
        }
    }
}
