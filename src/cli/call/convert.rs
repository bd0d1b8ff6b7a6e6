//! What the kernel says, as values of the language; and what is known of a socket beside that.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::Type;

use super::sock::Sock;
use super::tables::Tables;
use crate::call::{Failure, Name, Outcome, Value};
use crate::net::traced::{Address, OPTIONS, Traced, Value as OptionValue};

/// Success and nothing else.
pub fn done((): ()) -> Value {
    Value::Done
}

/// A number of bytes.
pub fn count(len: usize) -> Value {
    Value::Int(i64::try_from(len).unwrap_or(i64::MAX))
}

/// An address, or why there is none.
pub fn named(address: io::Result<Address>) -> Outcome {
    address
        .map(|address| Value::Name(name_of(address)))
        .map_err(|error| errno(&error))
}

/// The number of the descriptor.
pub fn fd_of(traced: &Traced) -> i32 {
    use std::os::fd::AsRawFd;
    traced.as_fd().as_raw_fd()
}

/// The name stands for something that was closed.
pub fn closed() -> Failure {
    Failure::Refused("it is closed".into())
}

/// No option has this name; says which come near.
pub fn unknown_option(name: &str) -> Failure {
    let upper = name.to_ascii_uppercase();
    let tail = |name: &str| name.rsplit('_').next().unwrap_or("").to_owned();
    let near: Vec<&str> = OPTIONS
        .iter()
        .map(|option| option.name)
        .filter(|known| known.starts_with(&upper) || tail(known) == tail(&upper))
        .take(4)
        .collect();
    let hint = if near.is_empty() {
        "s.opts lists them".to_owned()
    } else {
        near.join(", ")
    };
    Failure::Refused(format!("no option is called {name}: {hint}"))
}

/// `SO_LINGER 1 0` in C's two numbers is `0` in ours, `0 0` is `off`.
pub fn linger_words(option: &str, value: &str) -> String {
    let mut words = value.split_ascii_whitespace();
    match (option, words.next(), words.next()) {
        ("SO_LINGER", Some("0"), Some(_)) => "off".to_owned(),
        ("SO_LINGER", Some(_), Some(seconds)) => seconds.to_owned(),
        _ => value.to_owned(),
    }
}

/// Why a call failed.
pub fn errno(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(number) => Failure::Errno(number),
        None => Failure::Refused(error.to_string()),
    }
}

/// EAGAIN of a call that was to wait: its time was over.
pub fn waited(error: &io::Error, patient: bool) -> Failure {
    if patient && error.raw_os_error() == Some(libc::EAGAIN) {
        return Failure::Timeout;
    }
    errno(error)
}

/// The address as a value.
pub fn name_of(address: Address) -> Name {
    match address {
        Address::Inet(address) => Name::Inet(address),
        Address::Path(path) => {
            use std::os::unix::ffi::OsStrExt;
            Name::Path(path.as_os_str().as_bytes().to_vec())
        }
        Address::Abstract(name) => Name::Abstract(name),
        Address::Unnamed | Address::Other(_) => Name::Unnamed,
    }
}

/// What an option's value is in the language.
pub fn option_value(value: &OptionValue) -> Value {
    match value {
        OptionValue::Int(number) | OptionValue::Errno(number) | OptionValue::Named(_, number) => {
            Value::Int((*number).into())
        }
        OptionValue::Linger(Some(seconds)) => Value::Int((*seconds).into()),
        OptionValue::Linger(None) => Value::Switch(false),
        OptionValue::Time(0, 0) => Value::None,
        OptionValue::Time(seconds, micros) => {
            let seconds = u64::try_from(*seconds).unwrap_or(0);
            let micros = u64::try_from(*micros).unwrap_or(0);
            Value::Seconds(Duration::from_secs(seconds) + Duration::from_micros(micros))
        }
        other => Value::Text(other.to_string()),
    }
}

/// State of a TCP connection.
pub fn state_of(sock: &mut Sock, tables: &Tables) -> Option<String> {
    if sock.protocol != 6 || sock.traced.kind() != Type::STREAM {
        return None;
    }
    let state = sock.traced.tcp_info().ok()?.state_name();
    if state == "CLOSED"
        && let Some((local, peer)) = sock.ends
    {
        // In TIME-WAIT the kernel keeps the connection apart from the socket.
        return Some(tables.tcp_state(local, peer).unwrap_or(state).to_owned());
    }
    let _ = ends_of(sock);
    Some(state.to_owned())
}

/// Both ends of a connection; remembered for when the socket does not tell them any more.
pub fn ends_of(sock: &mut Sock) -> Option<(SocketAddr, SocketAddr)> {
    if let (Ok(Address::Inet(local)), Ok(Address::Inet(peer))) =
        (sock.traced.getsockname(), sock.traced.getpeername())
    {
        sock.ends = Some((local, peer));
    }
    sock.ends
}

/// Local end: protocol and port. A raw or ping socket has all packets of its protocol.
pub fn end_of(sock: &mut Sock) -> Option<(u8, u16)> {
    if sock.protocol == 0 {
        return None;
    }
    if sock.traced.kind() == Type::RAW || matches!(sock.protocol, 1 | 58) {
        return Some((sock.protocol, 0));
    }
    let port = sock.traced.getsockname().ok()?.port()?;
    (port != 0).then_some((sock.protocol, port))
}
