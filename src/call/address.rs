//! Addresses as they are written, by the family of the socket. Resolves no name.

use super::ast::Address;

/// Families that the language makes sockets of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_INET`.
    Inet,
    /// `AF_INET6`.
    Inet6,
    /// `AF_UNIX`.
    Unix,
}

impl Family {
    /// Of socket(2)'s number.
    pub fn of(number: i32) -> Option<Self> {
        match number {
            libc::AF_INET => Some(Self::Inet),
            libc::AF_INET6 => Some(Self::Inet6),
            libc::AF_UNIX => Some(Self::Unix),
            _ => None,
        }
    }
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host, if one was written, and a port; without one, 0.
    Inet {
        /// An address or a name, `%scope` included.
        host: Option<String>,
        /// The port.
        port: u16,
    },
    /// A path.
    Path(Vec<u8>),
    /// A name in the abstract namespace.
    Abstract(Vec<u8>),
}

/// Longest unix path or name: `sun_path` has 108 bytes, one of them for the zero (unix(7)).
const MAX_PATH: usize = 107;

/// What an address means for a socket of this family; the error says what to write.
pub fn read(address: &Address, family: Family) -> Result<Place, String> {
    match (address, family) {
        (Address::Text(text), Family::Unix) => unix(text),
        (Address::Pair(..), Family::Unix) => {
            Err("a unix socket has a path or @name for an address, not a host and a port".into())
        }
        (Address::Pair(host, port), _) => Ok(Place::Inet {
            host: host_of(host)?,
            port: *port,
        }),
        (Address::Text(text), Family::Inet) => inet(text, false),
        (Address::Text(text), Family::Inet6) => inet(text, true),
    }
}

fn unix(text: &[u8]) -> Result<Place, String> {
    let place = match text {
        [] => return Err("a unix address is a path or @name".into()),
        [b'@' | 0, name @ ..] => Place::Abstract(name.to_vec()),
        path => Place::Path(path.to_vec()),
    };
    if text.len() > MAX_PATH {
        return Err(format!(
            "a unix address has at most {MAX_PATH} bytes (unix(7))"
        ));
    }
    if matches!(&place, Place::Path(path) if path.contains(&0)) {
        return Err("a path has no zero byte".into());
    }
    Ok(place)
}

fn inet(text: &[u8], v6: bool) -> Result<Place, String> {
    let text = str::from_utf8(text).map_err(|_| "a host name is text".to_owned())?;
    if text.starts_with(['/', '@']) {
        return Err("a path is an address of unix sockets only: `socket unix stream`".into());
    }
    let (host, port) = split(text, v6)?;
    Ok(Place::Inet {
        host: host_of(host.as_bytes())?,
        port: match port {
            Some(port) => port_of(port)?,
            None => 0,
        },
    })
}

/// Host and port. An IPv6 address with a port stands in brackets (RFC 3986 3.2.2).
fn split(text: &str, v6: bool) -> Result<(&str, Option<&str>), String> {
    if let Some(open) = text.strip_prefix('[') {
        let (host, after) = open.split_once(']').ok_or("the `]` is missing")?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err("after `]` comes `:PORT`".into()),
        };
    }
    if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        return Ok(("", Some(text)));
    }
    match text.rsplit_once(':') {
        // A port alone.
        Some(("", port)) if !port.is_empty() => Ok(("", Some(port))),
        Some((host, _)) if v6 && host.contains(':') => Ok((text, None)),
        Some((host, _)) if host.contains(':') => {
            Err("an IPv6 address with a port stands in brackets: `[::1]:9000`".into())
        }
        Some((_, "")) if v6 => Ok((text, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn host_of(host: &[u8]) -> Result<Option<String>, String> {
    let host = str::from_utf8(host).map_err(|_| "a host name is text".to_owned())?;
    if host.len() > 255 {
        return Err("a host name has at most 255 bytes".into());
    }
    Ok((!host.is_empty()).then(|| host.to_owned()))
}

/// A port: 0 to 65535.
pub(super) fn port_of(text: &str) -> Result<u16, String> {
    let number = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
    let port = if number { text.parse().ok() } else { None };
    port.ok_or_else(|| format!("`{text}` is no port: 0 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, family: Family) -> Result<Place, String> {
        read(&Address::Text(text.into()), family)
    }

    fn inet(host: Option<&str>, port: u16) -> Place {
        Place::Inet {
            host: host.map(str::to_owned),
            port,
        }
    }

    #[test]
    fn internet_addresses() {
        for (written, host, port) in [
            ("127.0.0.1:9000", Some("127.0.0.1"), 9000),
            (":9000", None, 9000),
            ("9000", None, 9000),
            ("h2:80", Some("h2"), 80),
            ("localhost", Some("localhost"), 0),
            ("[::1]:9000", Some("::1"), 9000),
            ("[fe80::1%eth0]", Some("fe80::1%eth0"), 0),
            ("", None, 0),
        ] {
            assert_eq!(
                text(written, Family::Inet),
                Ok(inet(host, port)),
                "{written}"
            );
            assert_eq!(
                text(written, Family::Inet6),
                Ok(inet(host, port)),
                "{written}"
            );
        }
        assert_eq!(text("::1", Family::Inet6), Ok(inet(Some("::1"), 0)));
        assert_eq!(
            text("fe80::1%lo", Family::Inet6),
            Ok(inet(Some("fe80::1%lo"), 0))
        );
        assert_eq!(text("::", Family::Inet6), Ok(inet(Some("::"), 0)));
        let pair = Address::Pair(b"127.0.0.1".to_vec(), 9000);
        assert_eq!(read(&pair, Family::Inet), Ok(inet(Some("127.0.0.1"), 9000)));
    }

    #[test]
    fn unix_addresses() {
        assert_eq!(
            text("/tmp/x", Family::Unix),
            Ok(Place::Path(b"/tmp/x".to_vec()))
        );
        assert_eq!(text("@x", Family::Unix), Ok(Place::Abstract(b"x".to_vec())));
        assert_eq!(
            text("\0x", Family::Unix),
            Ok(Place::Abstract(b"x".to_vec()))
        );
        assert!(text("a\0b", Family::Unix).is_err());
        assert!(text(&"x".repeat(108), Family::Unix).is_err());
    }

    #[test]
    fn what_does_not_fit_the_family_is_said() {
        for (written, family) in [
            ("127.0.0.1:65536", Family::Inet),
            ("127.0.0.1:http", Family::Inet),
            ("127.0.0.1:", Family::Inet),
            ("::1:9000", Family::Inet),
            ("[::1:9000", Family::Inet6),
            ("[::1]9000", Family::Inet6),
            ("/tmp/x", Family::Inet),
            ("@x", Family::Inet6),
            ("", Family::Unix),
        ] {
            assert!(text(written, family).is_err(), "{written}");
        }
        let pair = Address::Pair(b"127.0.0.1".to_vec(), 9000);
        assert!(read(&pair, Family::Unix).is_err());
    }
}
