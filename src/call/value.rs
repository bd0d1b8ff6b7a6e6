//! What calls give: values, addresses, failures; and how they are written.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use crate::view::escape::escape_into;

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// IPv4 or IPv6.
    Inet(SocketAddr),
    /// A unix socket's path.
    Path(Vec<u8>),
    /// A unix socket's name in the abstract namespace, without the leading zero (unix(7)).
    Abstract(Vec<u8>),
    /// A unix socket without a name.
    Unnamed,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        match self {
            Self::Inet(address) => return address.fmt(f),
            Self::Path(path) => escape_into(path, &mut text),
            Self::Abstract(name) => {
                text.push('@');
                escape_into(name, &mut text);
            }
            Self::Unnamed => text.push_str("(unnamed)"),
        }
        f.write_str(&text)
    }
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Success and nothing else: C's 0.
    Done,
    /// Python's None: no limit set.
    None,
    /// A number: bytes taken, a descriptor, an errno of `connect_ex`.
    Int(i64),
    /// Received bytes.
    Bytes(Vec<u8>),
    /// A datagram and its sender.
    From {
        /// The bytes that fitted.
        bytes: Vec<u8>,
        /// Its true length, where that is more (`MSG_TRUNC`).
        whole: Option<usize>,
        /// Who sent it.
        sender: Name,
    },
    /// An address.
    Name(Name),
    /// A new socket: its descriptor.
    Socket {
        /// The descriptor's number.
        fd: i32,
        /// Who is at the other end, if it was accepted.
        peer: Option<Name>,
    },
    /// Two sockets.
    Pair(i32, i32),
    /// A file over a socket with this descriptor.
    File(i32),
    /// A span of time.
    Seconds(Duration),
    /// On or off.
    Switch(bool),
    /// A word or a table, of our own making.
    Text(String),
}

/// Longest text shown of received bytes, in characters.
const SHOWN: usize = 72;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("0"),
            Self::None => f.write_str("None"),
            Self::Int(number) => number.fmt(f),
            Self::Bytes(bytes) => f.write_str(&quoted(bytes, SHOWN)),
            Self::From {
                bytes,
                whole,
                sender,
            } => {
                write!(f, "{} from {sender}", quoted(bytes, SHOWN))?;
                match whole {
                    Some(whole) => write!(f, " (MSG_TRUNC: it had {whole} bytes)"),
                    None => Ok(()),
                }
            }
            Self::Name(name) => name.fmt(f),
            Self::Socket { fd, peer: None } => write!(f, "fd {fd}"),
            Self::Socket {
                fd,
                peer: Some(peer),
            } => write!(f, "fd {fd}, peer {peer}"),
            Self::Pair(one, other) => write!(f, "fd {one}, fd {other}"),
            Self::File(fd) => write!(f, "file over fd {fd}"),
            Self::Seconds(span) => write!(f, "{} s", span.as_secs_f64()),
            Self::Switch(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The kernel's number (errno(3)).
    Errno(i32),
    /// The socket's own limit passed (`s.timeout`), or ours.
    Timeout,
    /// It was never asked of the kernel: the socket is closed, the name is not known.
    Refused(String),
}

/// What came of one statement.
pub type Outcome = Result<Value, Failure>;

/// Text in quotes as the language reads it back: UTF-8 stays, other bytes are `\xNN`. What is longer
/// than `most` characters is cut, and its length said.
pub fn quoted(bytes: &[u8], most: usize) -> String {
    let mut text = String::from("'");
    let mut count = 0;
    'all: for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if count == most {
                break 'all;
            }
            count += 1;
            match c {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\'' => text.push_str("\\'"),
                '\\' => text.push_str("\\\\"),
                c => escape_into(c.encode_utf8(&mut [0; 4]), &mut text),
            }
        }
        for byte in chunk.invalid() {
            if count == most {
                break 'all;
            }
            count += 1;
            escape_into(&[*byte], &mut text);
        }
    }
    text.push('\'');
    if count == most && cut(bytes, most) {
        let _ = write!(text, ".. ({} bytes)", bytes.len());
    }
    text
}

/// More than `most` characters are in it.
fn cut(bytes: &[u8], most: usize) -> bool {
    let units =
        |chunk: std::str::Utf8Chunk<'_>| chunk.valid().chars().count() + chunk.invalid().len();
    bytes.utf8_chunks().map(units).sum::<usize>() > most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_they_are_typed() {
        for (bytes, text) in [
            (&b"onetwo!three"[..], "'onetwo!three'"),
            (b"", "''"),
            ("你好".as_bytes(), "'你好'"),
            (b"it's\n\\\x00\xff", r"'it\'s\n\\\x00\xff'"),
            // The first two bytes of a character of three.
            (&"你".as_bytes()[..2], r"'\xe4\xbd'"),
            ("\u{202e}".as_bytes(), "'\\u{202e}'"),
        ] {
            assert_eq!(quoted(bytes, 80), text);
        }
    }

    #[test]
    fn long_bytes_are_cut_and_counted() {
        assert_eq!(quoted(b"abcdef", 4), "'abcd'.. (6 bytes)");
        assert_eq!(quoted(b"abcd", 4), "'abcd'");
        assert_eq!(quoted("你好".as_bytes(), 1), "'你'.. (6 bytes)");
    }

    #[test]
    fn values_read_like_the_manual() {
        let who = Name::Inet("127.0.0.1:51978".parse().unwrap());
        for (value, text) in [
            (Value::Done, "0"),
            (Value::None, "None"),
            (Value::Seconds(Duration::from_millis(1500)), "1.5 s"),
            (
                Value::Socket {
                    fd: 4,
                    peer: Some(who.clone()),
                },
                "fd 4, peer 127.0.0.1:51978",
            ),
            (
                Value::From {
                    bytes: b"abcd".to_vec(),
                    whole: Some(10),
                    sender: who,
                },
                "'abcd' from 127.0.0.1:51978 (MSG_TRUNC: it had 10 bytes)",
            ),
            (Value::Name(Name::Abstract(b"a\x1b".to_vec())), "@a\\x1b"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
