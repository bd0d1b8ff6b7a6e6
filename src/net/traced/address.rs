//! Addresses of every family that `echo` and `call` use: from text, to and from the kernel's form,
//! and as text in a trace. Names are resolved elsewhere (`net::resolve`).

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use socket2::SockAddr;

use crate::view::escape::escape;

/// Where a socket is, or whom it talks to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4 or IPv6 with a port; raw sockets have port 0.
    Inet(SocketAddr),
    /// A unix socket with a name in the file system (unix(7)).
    Path(PathBuf),
    /// A unix socket with an abstract name, without the leading zero byte.
    Abstract(Vec<u8>),
    /// A unix socket without a name.
    Unnamed,
    /// Another family, by its number.
    Other(i32),
}

impl Address {
    /// A unix address as typed: a path, or `@name` for an abstract one.
    pub fn unix(text: &OsStr) -> Self {
        match text.as_bytes() {
            [b'@', name @ ..] => Self::Abstract(name.to_vec()),
            _ => Self::Path(PathBuf::from(text)),
        }
    }

    /// The kernel's form; `InvalidInput` for a unix name that is too long.
    pub fn to_sock_addr(&self) -> io::Result<SockAddr> {
        match self {
            Self::Inet(address) => Ok((*address).into()),
            Self::Path(path) => SockAddr::unix(path),
            Self::Abstract(name) => {
                let mut bytes = vec![0];
                bytes.extend(name);
                SockAddr::unix(Path::new(OsStr::from_bytes(&bytes)))
            }
            // bind(2) with no name at all: the kernel chooses an abstract one (unix(7), autobind).
            Self::Unnamed => SockAddr::unix(Path::new("")),
            Self::Other(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// What accept(2), getsockname(2) and getpeername(2) wrote.
    pub fn from_sock_addr(address: &SockAddr) -> Self {
        if let Some(inet) = address.as_socket() {
            return Self::Inet(inet);
        }
        if let Some(path) = address.as_pathname() {
            return Self::Path(path.to_owned());
        }
        if let Some(name) = address.as_abstract_namespace() {
            return Self::Abstract(name.to_vec());
        }
        if address.is_unix() {
            return Self::Unnamed;
        }
        Self::Other(address.family().into())
    }

    /// A `sockaddr` as recvmsg(2) wrote it; `None` if it wrote none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first_chunk::<2>()?;
        let family = i32::from(u16::from_ne_bytes(*family));
        let port = || Some(u16::from_be_bytes(*rest.first_chunk()?));
        match family {
            libc::AF_INET => {
                let ip: [u8; 4] = *rest.get(2..)?.first_chunk()?;
                Some(Self::Inet((Ipv4Addr::from(ip), port()?).into()))
            }
            libc::AF_INET6 => {
                let flow = u32::from_be_bytes(*rest.get(2..)?.first_chunk()?);
                let ip: [u8; 16] = *rest.get(6..)?.first_chunk()?;
                let scope = u32::from_ne_bytes(*rest.get(22..)?.first_chunk()?);
                let ip = Ipv6Addr::from(ip);
                Some(Self::Inet(
                    SocketAddrV6::new(ip, port()?, flow, scope).into(),
                ))
            }
            libc::AF_UNIX => Some(match rest {
                [] => Self::Unnamed,
                [0, name @ ..] => Self::Abstract(name.to_vec()),
                path => {
                    let end = path.iter().position(|byte| *byte == 0);
                    let path = path.get(..end.unwrap_or(path.len())).unwrap_or(path);
                    Self::Path(PathBuf::from(OsStr::from_bytes(path)))
                }
            }),
            other => Some(Self::Other(other)),
        }
    }

    /// The IP address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Inet(address) => Some(address.ip()),
            _ => None,
        }
    }

    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            _ => None,
        }
    }

    /// Reaches only this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Inet(address) => address.ip().to_canonical().is_loopback(),
            Self::Path(_) | Self::Abstract(_) | Self::Unnamed => true,
            Self::Other(_) => false,
        }
    }

    /// `AF_INET` and its like.
    pub fn family(&self) -> i32 {
        match self {
            Self::Inet(SocketAddr::V4(_)) => libc::AF_INET,
            Self::Inet(SocketAddr::V6(_)) => libc::AF_INET6,
            Self::Path(_) | Self::Abstract(_) | Self::Unnamed => libc::AF_UNIX,
            Self::Other(family) => *family,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Path(path) => f.write_str(&escape(path.as_os_str().as_bytes())),
            Self::Abstract(name) => write!(f, "@{}", escape(name)),
            Self::Unnamed => f.write_str("(no name)"),
            Self::Other(family) => write!(f, "(address family {family})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(address: &Address) -> Address {
        Address::from_sock_addr(&address.to_sock_addr().unwrap())
    }

    #[test]
    fn addresses_survive_the_kernels_form() {
        for text in ["127.0.0.1:9000", "[::1]:9000", "[fe80::1%3]:7"] {
            let address = Address::Inet(text.parse().unwrap());
            assert_eq!(there_and_back(&address), address);
            assert_eq!(address.to_string(), text);
        }
        for text in ["/tmp/x", "@name", "x"] {
            let address = Address::unix(OsStr::new(text));
            assert_eq!(there_and_back(&address), address);
            assert_eq!(address.to_string(), text);
        }
        assert!(
            Address::unix(OsStr::new(&"x".repeat(109)))
                .to_sock_addr()
                .is_err()
        );
        assert!(Address::Other(9).to_sock_addr().is_err());
    }

    #[test]
    fn bytes_of_recvmsg_are_read() {
        let family = |number: i32| u16::try_from(number).unwrap().to_ne_bytes().to_vec();
        let v4 = [&family(libc::AF_INET)[..], &[0x23, 0x28, 127, 0, 0, 1]].concat();
        assert_eq!(
            Address::from_bytes(&v4).unwrap().to_string(),
            "127.0.0.1:9000"
        );
        let mut v6 = [&family(libc::AF_INET6)[..], &[0, 7, 0, 0, 0, 0]].concat();
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        assert_eq!(Address::from_bytes(&v6), None, "the scope is missing");
        v6.extend([0; 4]);
        assert_eq!(Address::from_bytes(&v6).unwrap().to_string(), "[::1]:7");
        let unix = family(libc::AF_UNIX);
        assert_eq!(Address::from_bytes(&unix), Some(Address::Unnamed));
        let path = [&unix[..], b"/a\0\0"].concat();
        assert_eq!(Address::from_bytes(&path), Some(Address::Path("/a".into())));
        let name = [&unix[..], b"\0a\0"].concat();
        assert_eq!(
            Address::from_bytes(&name),
            Some(Address::Abstract(b"a\0".to_vec()))
        );
        assert_eq!(Address::from_bytes(&[]), None);
        assert_eq!(Address::from_bytes(&family(99)), Some(Address::Other(99)));
    }

    #[test]
    fn hostile_names_cannot_steer_a_terminal() {
        let address = Address::Abstract(b"\x1b[2J\xff".to_vec());
        assert_eq!(address.to_string(), "@\\x1b[2J\\xff");
    }
}
