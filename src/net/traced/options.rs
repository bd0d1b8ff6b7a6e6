//! `setsockopt` and `getsockopt` by the option's name. What is set is read back: the kernel may
//! have made something else of it.

use std::fmt;
use std::io;

use super::option_table::{OPTIONS, SocketOption, ValueKind};
use super::{TcpInfo, Traced, domain_name, kind_name, protocol_name};
use crate::sys::sockopt;
use crate::view::errno;
use crate::view::escape::escape;

/// An option's value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Int(i32),
    /// Seconds of `SO_LINGER`; `None`: off.
    Linger(Option<i32>),
    /// Seconds and microseconds of a timeout; zero: none.
    Time(i64, i64),
    /// Text of the kernel.
    Text(String),
    /// An errno, 0 for none.
    Errno(i32),
    /// A name, and its number.
    Named(String, i32),
    /// The state of a TCP connection.
    Tcp(TcpInfo),
    /// Process, user, group.
    Credentials(i32, u32, u32),
    /// The counters of `SO_MEMINFO`: receive bytes, receive limit, send bytes, send limit, dropped.
    Memory {
        /// Bytes in the receive queue.
        received: u32,
        /// Its limit.
        receive_limit: u32,
        /// Bytes in the send queue.
        sending: u32,
        /// Its limit.
        send_limit: u32,
        /// Messages thrown away because the receive queue was full.
        dropped: u32,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Linger(None) => f.write_str("off"),
            Self::Linger(Some(seconds)) => write!(f, "{seconds} s"),
            Self::Time(0, 0) => f.write_str("none"),
            Self::Time(seconds, micros) => write!(f, "{seconds}.{micros:06} s"),
            Self::Text(text) => f.write_str(&escape(text)),
            Self::Errno(0) => f.write_str("0"),
            Self::Errno(number) => match errno::name(*number) {
                Some(name) => write!(f, "{number} {name}"),
                None => number.fmt(f),
            },
            Self::Named(name, number) => write!(f, "{number} {name}"),
            Self::Tcp(info) => info.fmt(f),
            Self::Credentials(process, user, group) => {
                write!(f, "pid {process}, uid {user}, gid {group}")
            }
            Self::Memory {
                received,
                receive_limit,
                sending,
                send_limit,
                dropped,
            } => write!(
                f,
                "receive {received} of {receive_limit}, send {sending} of {send_limit}, \
                 {dropped} dropped"
            ),
        }
    }
}

impl Traced {
    /// `setsockopt(2)` by name; `value` as a user writes it.
    pub fn setsockopt(&self, option: &SocketOption, value: &str) -> io::Result<()> {
        let run = || {
            let bytes = bytes_of(option.kind, value)?;
            sockopt::set_bytes(&self.socket, option.level, option.number, &bytes)
        };
        let args = || format!("{}, {}", option.name, escape(value));
        self.trace("setsockopt", args, run, super::zero)
    }

    /// `getsockopt(2)` by name.
    pub fn getsockopt(&self, option: &SocketOption) -> io::Result<Value> {
        let run = || self.read_option(option);
        self.trace(
            "getsockopt",
            || option.name.to_owned(),
            run,
            ToString::to_string,
        )
    }

    /// Every option that this socket has, with its value. Not reported: it is a table, not a step.
    pub fn options(&self) -> Vec<(&'static SocketOption, Value)> {
        let mut found = Vec::new();
        for option in OPTIONS {
            // Reading SO_ERROR would clear it; only unix sockets know their peer's process.
            let local = self.domain == socket2::Domain::UNIX;
            if option.kind != ValueKind::Errno
                && (option.kind != ValueKind::Credentials || local)
                && let Ok(value) = self.read_option(option)
            {
                found.push((option, value));
            }
        }
        found
    }

    /// The state of a TCP connection. Not reported.
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        let mut bytes = [0; TcpInfo::SIZE];
        let len = sockopt::get_bytes(&self.socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut bytes)?;
        let bytes = bytes.get(..len).unwrap_or_default();
        TcpInfo::parse(bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Messages that were thrown away because the receive queue was full (`SO_MEMINFO`,
    /// socket(7)). Not reported.
    pub fn dropped(&self) -> io::Result<u32> {
        let mut bytes = [0; 9 * 4];
        let level = libc::SOL_SOCKET;
        let len = sockopt::get_bytes(&self.socket, level, libc::SO_MEMINFO, &mut bytes)?;
        match memory(bytes.get(..len).unwrap_or_default()) {
            Some(Value::Memory { dropped, .. }) => Ok(dropped),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn read_option(&self, option: &SocketOption) -> io::Result<Value> {
        let mut bytes = [0; TcpInfo::SIZE];
        let (level, number) = (option.level, option.number);
        let len = sockopt::get_bytes(&self.socket, level, number, &mut bytes)?;
        let bytes = bytes.get(..len).unwrap_or_default();
        let value = value_of(option.kind, bytes, self.domain.into());
        value.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn int_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What the kernel wrote; `None` if it is too short.
fn value_of(kind: ValueKind, bytes: &[u8], domain: i32) -> Option<Value> {
    Some(match kind {
        ValueKind::Int | ValueKind::Switch => Value::Int(match bytes {
            // IP_MULTICAST_TTL and _LOOP may come as one byte.
            [byte] => i32::from(*byte),
            _ => int_at(bytes, 0)?,
        }),
        ValueKind::Linger => {
            let on = int_at(bytes, 0)? != 0;
            Value::Linger(if on { Some(int_at(bytes, 4)?) } else { None })
        }
        ValueKind::Time => {
            let long = |at: usize| Some(i64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
            match bytes.len() {
                8 => Value::Time(int_at(bytes, 0)?.into(), int_at(bytes, 4)?.into()),
                _ => Value::Time(long(0)?, long(8)?),
            }
        }
        ValueKind::Text => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            Value::Text(String::from_utf8_lossy(text).into_owned())
        }
        ValueKind::Errno => Value::Errno(int_at(bytes, 0)?),
        ValueKind::Domain => Value::Named(domain_name(int_at(bytes, 0)?), int_at(bytes, 0)?),
        ValueKind::Kind => Value::Named(kind_name(int_at(bytes, 0)?), int_at(bytes, 0)?),
        ValueKind::Protocol => {
            let number = int_at(bytes, 0)?;
            match protocol_name(domain, number) {
                Some(name) => Value::Named(name.to_owned(), number),
                None => Value::Int(number),
            }
        }
        ValueKind::TcpInfo => Value::Tcp(TcpInfo::parse(bytes)?),
        ValueKind::Credentials => Value::Credentials(
            int_at(bytes, 0)?,
            int_at(bytes, 4)?.cast_unsigned(),
            int_at(bytes, 8)?.cast_unsigned(),
        ),
        ValueKind::Memory => memory(bytes)?,
    })
}

/// `SK_MEMINFO_*` of linux/sock_diag.h: rmem, rcvbuf, wmem, sndbuf, ..., the ninth is the drops.
fn memory(bytes: &[u8]) -> Option<Value> {
    let word = |index: usize| Some(int_at(bytes, index * 4)?.cast_unsigned());
    Some(Value::Memory {
        received: word(0)?,
        receive_limit: word(1)?,
        sending: word(2)?,
        send_limit: word(3)?,
        dropped: word(8)?,
    })
}

/// The value as the kernel wants it; EINVAL for one that is none.
fn bytes_of(kind: ValueKind, text: &str) -> io::Result<Vec<u8>> {
    let wrong = || io::Error::from_raw_os_error(libc::EINVAL);
    let int = |text: &str| text.parse::<i32>().map_err(|_| wrong());
    match kind {
        ValueKind::Switch => {
            let value = match text {
                "on" | "true" => 1,
                "off" | "false" => 0,
                _ => int(text)?,
            };
            Ok(value.to_ne_bytes().to_vec())
        }
        ValueKind::Linger => {
            let (on, seconds) = match text {
                "off" => (0, 0),
                _ => (1, int(text)?),
            };
            Ok([i32::to_ne_bytes(on), seconds.to_ne_bytes()].concat())
        }
        ValueKind::Time => {
            let seconds = match text {
                "none" => 0.0,
                _ => text.parse::<f64>().map_err(|_| wrong())?,
            };
            if !(0.0..=1e6).contains(&seconds) {
                return Err(wrong());
            }
            let span = std::time::Duration::from_secs_f64(seconds);
            let (whole, micros) = (span.as_secs(), u64::from(span.subsec_micros()));
            Ok([whole.to_ne_bytes(), micros.to_ne_bytes()].concat())
        }
        ValueKind::Text => Ok(text.as_bytes().to_vec()),
        // A number, or read only: the kernel says ENOPROTOOPT.
        _ => Ok(int(text)?.to_ne_bytes().to_vec()),
    }
}
