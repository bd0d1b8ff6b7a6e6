//! Addresses as they are typed: host, port, both, a path or an abstract name; names are looked up.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::error::Error;
use crate::net::echo::Kind;
use crate::net::resolve::{Address as Found, Family, Resolver, parse_numeric};
use crate::net::traced::Address;

/// The tutorial's port.
pub const PORT: u16 = 9000;
/// Where unix kinds meet by default: an abstract name leaves no file.
const NAME: &str = "@rawsock-echo";
/// Longest wait for a name server.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address that a user typed, or the default.
pub fn place(
    kind: Kind,
    typed: Option<&OsStr>,
    family: Family,
    default_port: u16,
) -> Result<Address, Error> {
    if kind.is_unix() {
        return Ok(Address::unix(typed.unwrap_or(OsStr::new(NAME))));
    }
    let default = match family {
        Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        Family::Any | Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let Some(typed) = typed else {
        return Ok(inet(kind, default, 0, default_port));
    };
    let text = typed.to_str().ok_or_else(|| wrong(typed))?;
    let (host, port) = split(text).ok_or_else(|| wrong(typed))?;
    if port.is_some() && !kind.has_ports() {
        return Err(Error::Usage {
            message: format!("{} has no ports", kind.name()),
            fix: None,
        });
    }
    let port = port.unwrap_or(default_port);
    if host.is_empty() {
        return Ok(inet(kind, default, 0, port));
    }
    if host == "*" {
        let any = match family {
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Family::Any | Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        return Ok(inet(kind, any, 0, port));
    }
    let numeric = parse_numeric(host, family).transpose();
    let numeric = numeric.map_err(|cause| Error::Resolve {
        name: host.to_owned(),
        cause,
    })?;
    if let Some(numeric) = numeric {
        let scope = match numeric.zone {
            Some(zone) => crate::capture::live::Device::find(zone)?.index,
            None => 0,
        };
        return Ok(inet(kind, numeric.ip, scope, port));
    }
    let mut resolver = Resolver::start()?;
    let found = resolver.addresses(OsStr::new(host), family, PATIENCE, None)?;
    let first = found.and_then(|found| found.addresses.into_iter().next());
    let Found { ip, scope, .. } = first.ok_or_else(|| wrong(typed))?;
    Ok(inet(kind, ip, scope, port))
}

fn inet(kind: Kind, ip: IpAddr, scope: u32, port: u16) -> Address {
    // A raw IPv6 socket refuses a port that is not its protocol (net/ipv6/raw.c); 0 fits all.
    let port = if kind.has_ports() { port } else { 0 };
    Address::Inet(match ip {
        IpAddr::V4(ip) => SocketAddr::from((ip, port)),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
    })
}

/// Host and port of `host`, `host:port`, `:port`, `port`, `[v6]:port`, `v6`.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?.parse().ok()?),
        };
        return Some((host, port));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return Some(("", Some(text.parse().ok()?)));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

fn wrong(typed: &OsStr) -> Error {
    Error::Usage {
        message: format!(
            "`{}` is no address",
            String::from_utf8_lossy(typed.as_bytes())
        ),
        fix: Some("rawsock echo client tcp 127.0.0.1:9000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: Kind, text: &str, family: Family) -> String {
        place(kind, Some(OsStr::new(text)), family, 9000).map_or_else(
            |error| format!("error: {error}"),
            |address| address.to_string(),
        )
    }

    #[test]
    fn every_way_to_write_an_address() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:9000"),
            ("127.0.0.1:7", "127.0.0.1:7"),
            (":7", "127.0.0.1:7"),
            ("7", "127.0.0.1:7"),
            ("*", "0.0.0.0:9000"),
            ("*:7", "0.0.0.0:7"),
            ("::1", "[::1]:9000"),
            ("[::1]:7", "[::1]:7"),
            ("[::1]", "[::1]:9000"),
            ("127.0.0.1:x", "error: `127.0.0.1:x` is no address"),
            ("127.0.0.1:70000", "error: `127.0.0.1:70000` is no address"),
            ("[::1", "error: `[::1` is no address"),
        ] {
            assert_eq!(at(Kind::Tcp, text, Family::Any), expected, "{text}");
        }
        assert_eq!(at(Kind::Udp, ":7", Family::V6), "[::1]:7");
        assert!(at(Kind::Udp, "127.0.0.1", Family::V6).starts_with("error"));
        assert_eq!(
            at(Kind::Raw, "127.0.0.1:7", Family::Any),
            "error: raw has no ports"
        );
        assert_eq!(at(Kind::Raw, "::1", Family::Any), "[::1]:0");
        assert_eq!(at(Kind::UnixDgram, "@x", Family::Any), "@x");
        assert_eq!(at(Kind::UnixStream, "/tmp/x", Family::Any), "/tmp/x");
    }

    #[test]
    fn the_defaults_are_the_tutorials() {
        let tcp = place(Kind::Tcp, None, Family::Any, PORT).unwrap();
        assert_eq!(tcp.to_string(), "127.0.0.1:9000");
    }
}
