//! Targets that are addresses already: no name service, no child. Pure but for `interfaces`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrIn6;

use super::message::{Address, Family};
use crate::error::NameError;

/// An interface that a scope may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eth0`.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Up, not loopback, and it has a link-local IPv6 address: a link-local target may be there.
    pub link_local: bool,
}

/// All interfaces of this network namespace; empty if they cannot be read.
pub fn interfaces() -> Vec<Interface> {
    let mut all: Vec<Interface> = Vec::new();
    for item in getifaddrs().into_iter().flatten() {
        let in_use = item.flags.contains(InterfaceFlags::IFF_UP)
            && !item.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let ip = item
            .address
            .and_then(|address| address.as_sockaddr_in6().map(SockaddrIn6::ip));
        let link_local = in_use && ip.is_some_and(|ip| ip.is_unicast_link_local());
        if let Some(known) = all
            .iter_mut()
            .find(|known| known.name == item.interface_name)
        {
            known.link_local |= link_local;
        } else if let Ok(index) = if_nametoindex(item.interface_name.as_str()) {
            all.push(Interface {
                name: item.interface_name,
                index,
                link_local,
            });
        }
    }
    all.sort_by_key(|interface| interface.index);
    all
}

/// Reads a target as an address; `None` if it is a name.
///
/// As inet_aton(3) has it, an IPv4 address may have fewer than four parts (`127.1`) and hex or
/// octal ones. `interfaces` is asked only for an address with a scope or in need of one.
pub fn parse_address(
    target: &str,
    family: Family,
    interfaces: impl FnOnce() -> Vec<Interface>,
) -> Option<Result<Address, NameError>> {
    let (address, zone) = match target.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (target, None),
    };
    let ip = match address.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => parse_inet_aton(address)?.into(),
    };
    let wrong = |is, wanted| Some(Err(NameError::WrongFamily { is, wanted }));
    match (ip, family) {
        (IpAddr::V4(_), Family::V6) => return wrong("IPv4", "IPv6"),
        (IpAddr::V6(_), Family::V4) => return wrong("IPv6", "IPv4"),
        _ => {}
    }
    let scope = match (ip, zone) {
        (IpAddr::V6(v6), zone) if has_scope(v6) => match scope(zone, &interfaces()) {
            Ok(scope) => scope,
            Err(error) => return Some(Err(error)),
        },
        (_, Some(_)) => return Some(Err(NameError::ScopeUnused)),
        (_, None) => 0,
    };
    Some(Ok(Address { ip, scope }))
}

/// RFC 4291 2.5.6 and 2.7: link-local unicast, interface-local and link-local multicast.
pub fn has_scope(ip: Ipv6Addr) -> bool {
    let [high, low, ..] = ip.octets();
    ip.is_unicast_link_local() || high == 0xff && matches!(low & 0x0f, 1 | 2)
}

/// The interface index that a zone names (RFC 4007 11.2), or the only possible one without it.
fn scope(zone: Option<&str>, interfaces: &[Interface]) -> Result<u32, NameError> {
    let Some(zone) = zone else {
        let mut possible = interfaces.iter().filter(|interface| interface.link_local);
        return match (possible.next(), possible.next()) {
            (Some(only), None) => Ok(only.index),
            _ => Err(NameError::ScopeNeeded {
                candidates: interfaces
                    .iter()
                    .filter(|interface| interface.link_local)
                    .map(|interface| interface.name.clone())
                    .collect(),
            }),
        };
    };
    let number = zone.parse::<u32>().ok();
    interfaces
        .iter()
        .find(|interface| interface.name == zone)
        .or_else(|| {
            interfaces
                .iter()
                .find(|interface| Some(interface.index) == number)
        })
        .map(|interface| interface.index)
        .ok_or_else(|| NameError::NoInterface {
            zone: zone.into(),
            known: interfaces.iter().map(|i| i.name.clone()).collect(),
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

    fn interface(name: &str, index: u32, link_local: bool) -> Interface {
        Interface {
            name: name.into(),
            index,
            link_local,
        }
    }

    fn parse(target: &str) -> Option<Result<Address, NameError>> {
        parse_address(target, Family::Any, || {
            vec![
                interface("lo", 1, false),
                interface("eth0", 2, true),
                interface("7", 3, true),
            ]
        })
    }

    #[test]
    fn addresses_are_told_from_names() {
        let v4 = |a, b, c, d| Some((IpAddr::from([a, b, c, d]), 0));
        let v6 = |text: &str, scope| Some((text.parse::<IpAddr>().unwrap(), scope));
        let cases = [
            ("127.0.0.1", v4(127, 0, 0, 1)),
            ("127.1", v4(127, 0, 0, 1)),
            ("10.1.258", v4(10, 1, 1, 2)),
            ("0x7f.0.0.010", v4(127, 0, 0, 8)),
            ("2130706433", v4(127, 0, 0, 1)),
            ("0", v4(0, 0, 0, 0)),
            ("4294967295", v4(255, 255, 255, 255)),
            ("::1", v6("::1", 0)),
            ("2001:db8::5", v6("2001:db8::5", 0)),
            ("::ffff:1.2.3.4", v6("::ffff:1.2.3.4", 0)),
            ("fe80::1%eth0", v6("fe80::1", 2)),
            ("fe80::1%2", v6("fe80::1", 2)),
            ("fe80::1%7", v6("fe80::1", 3)),
            ("ff02::1%lo", v6("ff02::1", 1)),
            ("ff05::1", v6("ff05::1", 0)),
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
            let got = parse(target).map(|result| result.map(|a| (a.ip, a.scope)).unwrap());
            assert_eq!(got, expected, "{target}");
        }
    }

    #[test]
    fn wrong_scope_names_the_interfaces() {
        let error = |target: &str| parse(target).unwrap().unwrap_err();
        assert_eq!(
            error("fe80::1%eth9"),
            NameError::NoInterface {
                zone: "eth9".into(),
                known: vec!["lo".into(), "eth0".into(), "7".into()],
            }
        );
        assert_eq!(
            error("fe80::1").to_string(),
            "a link-local address needs its interface, one of eth0, 7"
        );
        assert_eq!(error("::1%lo"), NameError::ScopeUnused);
        assert_eq!(error("10.0.0.1%eth0"), NameError::ScopeUnused);
        assert!(matches!(error("fe80::1%"), NameError::NoInterface { .. }));
    }

    #[test]
    fn the_only_link_needs_no_name() {
        let one = || vec![interface("lo", 1, false), interface("v0", 9, true)];
        let got = parse_address("fe80::2", Family::Any, one);
        assert_eq!(got.unwrap().unwrap().scope, 9);
        let none = || vec![interface("lo", 1, false)];
        let got = parse_address("fe80::2", Family::Any, none);
        assert_eq!(
            got.unwrap().unwrap_err().to_string(),
            "a link-local address needs its interface, and none is up"
        );
    }

    #[test]
    fn the_other_family_is_refused_by_name() {
        let none = Vec::new;
        let got = parse_address("10.0.0.1", Family::V6, none);
        assert_eq!(
            got.unwrap().unwrap_err().to_string(),
            "it is an IPv4 address and only IPv6 is allowed"
        );
        assert!(parse_address("::1", Family::V4, none).unwrap().is_err());
        assert!(parse_address("::1", Family::V6, none).unwrap().is_ok());
    }

    #[test]
    fn loopback_is_among_the_interfaces() {
        let all = interfaces();
        let lo = all.iter().find(|interface| interface.name == "lo").unwrap();
        assert!(!lo.link_local);
        assert_eq!(lo.index, 1);
    }
}
