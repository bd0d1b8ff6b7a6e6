//! Targets that are addresses already: no name service, no child. Which interface a scope means is
//! decided in `net::ifaces`.

use std::net::{IpAddr, Ipv4Addr};

use super::message::Family;
use crate::error::NameError;
use crate::net::ifaces::needs_scope;

/// A target that is an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric<'a> {
    /// The address.
    pub ip: IpAddr,
    /// The interface behind `%`, by name or number: only for an address that may have one.
    pub zone: Option<&'a str>,
}

/// Reads a target as an address; `None` if it is a name.
///
/// As inet_aton(3) has it, an IPv4 address may have fewer than four parts (`127.1`) and hex or
/// octal ones.
pub fn parse_numeric(target: &str, family: Family) -> Option<Result<Numeric<'_>, NameError>> {
    let (address, zone) = match target.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (target, None),
    };
    let ip = match address.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => parse_inet_aton(address)?.into(),
    };
    let wrong = |is, wanted| Err(NameError::WrongFamily { is, wanted });
    Some(match (ip, family) {
        (IpAddr::V4(_), Family::V6) => wrong("IPv4", "IPv6"),
        (IpAddr::V6(_), Family::V4) => wrong("IPv6", "IPv4"),
        _ if needs_scope(ip) => Ok(Numeric { ip, zone }),
        _ if zone.is_some() => Err(NameError::ScopeUnused),
        _ => Ok(Numeric { ip, zone }),
    })
}

/// IPv4 with one to four parts, the last filling the rest; decimal, `0x` hex or `0` octal.
fn parse_inet_aton(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.').map(parse_part);
    let mut last = parts.next()??;
    let mut high = 0_u32;
    let mut bits = 32_u32;
    for part in parts {
        // What was last is one byte now, and at most three come before the last.
        let byte = u8::try_from(last).ok()?;
        bits = bits.checked_sub(8).filter(|bits| *bits >= 8)?;
        high |= u32::from(byte) << bits;
        last = part?;
    }
    (u64::from(last) < 1 << bits).then(|| Ipv4Addr::from(high | last))
}

fn parse_part(text: &str) -> Option<u32> {
    // `from_str_radix` would take a sign.
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let unsigned = hex.starts_with(|c: char| c.is_ascii_hexdigit());
        return unsigned.then(|| u32::from_str_radix(hex, 16).ok())?;
    }
    let octal = text.len() > 1 && text.starts_with('0');
    u32::from_str_radix(text, if octal { 8 } else { 10 }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let v4 = |a, b, c, d| Some((IpAddr::from([a, b, c, d]), None));
        let v6 = |text: &str, zone| Some((text.parse::<IpAddr>().unwrap(), zone));
        let cases = [
            ("127.0.0.1", v4(127, 0, 0, 1)),
            ("127.1", v4(127, 0, 0, 1)),
            ("10.1.258", v4(10, 1, 1, 2)),
            ("0x7f.0.0.010", v4(127, 0, 0, 8)),
            ("2130706433", v4(127, 0, 0, 1)),
            ("0", v4(0, 0, 0, 0)),
            ("4294967295", v4(255, 255, 255, 255)),
            ("::1", v6("::1", None)),
            ("2001:db8::5", v6("2001:db8::5", None)),
            ("::ffff:1.2.3.4", v6("::ffff:1.2.3.4", None)),
            ("fe80::1", v6("fe80::1", None)),
            ("fe80::1%eth0", v6("fe80::1", Some("eth0"))),
            ("fe80::1%2", v6("fe80::1", Some("2"))),
            ("ff02::1%lo", v6("ff02::1", Some("lo"))),
            ("ff05::1", v6("ff05::1", None)),
            ("4294967296", None),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            (".1", None),
            ("1..2", None),
            ("+1.2.3.4", None),
            ("0x.1", None),
            ("0x+1", None),
            ("1.08", None),
            ("localhost", None),
            ("fe80", None),
            ("12::zz", None),
            ("[::1]", None),
            ("", None),
            ("%eth0", None),
            ("name%eth0", None),
        ];
        for (target, expected) in cases {
            let got = parse_numeric(target, Family::Any);
            let got = got.map(|result| result.map(|n| (n.ip, n.zone)).unwrap());
            assert_eq!(got, expected, "{target}");
        }
    }

    #[test]
    fn an_interface_is_refused_where_it_means_nothing() {
        for target in ["::1%lo", "10.0.0.1%eth0", "ff0e::1%eth0"] {
            let got = parse_numeric(target, Family::Any);
            assert_eq!(got, Some(Err(NameError::ScopeUnused)), "{target}");
        }
    }

    #[test]
    fn the_other_family_is_refused_by_name() {
        let got = parse_numeric("10.0.0.1", Family::V6);
        assert_eq!(
            got.unwrap().unwrap_err().to_string(),
            "it is an IPv4 address and only IPv6 is allowed"
        );
        assert!(parse_numeric("::1", Family::V4).unwrap().is_err());
        assert!(parse_numeric("::1", Family::V6).unwrap().is_ok());
    }
}
