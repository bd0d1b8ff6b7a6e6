//! Opening the sockets of an end, in the tutorial's order: socket, options, bind, listen.

use std::time::Duration;

use socket2::Domain;

use super::{Kind, Said, Voice};
use crate::error::Error;
use crate::net::traced::{Address, SocketOption, Traced, Tracer, find_option};

/// What an end's socket needs.
#[derive(Clone)]
pub struct Opening {
    /// Over what.
    pub kind: Kind,
    /// IP protocol of raw sockets.
    pub protocol: u8,
    /// The program builds the IP header.
    pub header_included: bool,
    /// Options to set, by name, with the value as it was typed.
    pub options: Vec<(&'static SocketOption, String)>,
    /// IPv6 only.
    pub v6only: bool,
    /// Connections that may wait to be accepted.
    pub backlog: i32,
    /// As `settimeout`.
    pub timeout: Option<Duration>,
    /// The kernel waits so long (`SO_RCVTIMEO`).
    pub kernel_timeout: Option<Duration>,
    /// Seconds of `SO_LINGER`.
    pub linger: Option<u16>,
}

/// A listening or receiving socket, and its address as the kernel made it.
pub fn open_server(
    opening: &Opening,
    at: &Address,
    tracer: &Tracer,
    voice: &Voice,
) -> Result<(Traced, Address), Error> {
    let socket = open(opening, Kind::domain(at), tracer, voice)?;
    if opening.kind == Kind::Tcp {
        // A restarted server gets its port although old connections are in TIME_WAIT (tcp(7)).
        set(&socket, "SO_REUSEADDR", "1")?;
    }
    if opening.kind == Kind::Udp {
        set(&socket, "SO_RXQ_OVFL", "1")?;
    }
    socket.bind(at).map_err(|source| Error::Io {
        operation: "bind",
        object: shown(opening.kind, at),
        source,
    })?;
    if opening.kind.is_connected() {
        socket.listen(opening.backlog).map_err(|source| Error::Io {
            operation: "listen on",
            object: shown(opening.kind, at),
            source,
        })?;
    }
    let at = socket.getsockname().map_err(|source| Error::Io {
        operation: "ask for the address of",
        object: shown(opening.kind, at),
        source,
    })?;
    Ok((socket, at))
}

/// A client's socket, bound if `local` is given.
pub fn open_client(
    opening: &Opening,
    peer: &Address,
    local: Option<&Address>,
    tracer: &Tracer,
    voice: &Voice,
) -> Result<Traced, Error> {
    let mut socket = open(opening, Kind::domain(peer), tracer, voice)?;
    if let Some(local) = local {
        socket.bind(local).map_err(|source| Error::Io {
            operation: "bind",
            object: shown(opening.kind, local),
            source,
        })?;
    }
    if let Some(seconds) = opening.linger {
        set(&socket, "SO_LINGER", &seconds.to_string())?;
    }
    if opening.timeout.is_some() {
        socket.settimeout(opening.timeout);
    }
    if opening.kernel_timeout.is_some() {
        let told = socket.kernel_timeout(opening.kernel_timeout);
        told.map_err(|source| Error::Io {
            operation: "set",
            object: "SO_RCVTIMEO".into(),
            source,
        })?;
    }
    Ok(socket)
}

fn open(
    opening: &Opening,
    domain: Domain,
    tracer: &Tracer,
    voice: &Voice,
) -> Result<Traced, Error> {
    let kind = opening.kind;
    let protocol = match kind {
        Kind::Raw => opening.protocol.into(),
        Kind::Icmp if domain == Domain::IPV6 => libc::IPPROTO_ICMPV6,
        Kind::Icmp => libc::IPPROTO_ICMP,
        _ => 0,
    };
    let socket = Traced::socket(domain, kind.socket_type(), protocol, tracer);
    let socket = socket.map_err(|source| Error::Io {
        operation: "open",
        object: format!("a {} socket", kind.name()),
        source,
    })?;
    if tracer.is_on()
        && protocol == 0
        && !kind.is_unix()
        && let Some(option) = find_option("SO_PROTOCOL")
    {
        // Only to show what the kernel made of protocol 0.
        let _ = socket.getsockopt(option);
    }
    if opening.header_included {
        set(&socket, "IP_HDRINCL", "1")?;
    }
    if opening.v6only {
        set(&socket, "IPV6_V6ONLY", "1")?;
    }
    for (option, value) in &opening.options {
        let told = socket.setsockopt(option, value);
        told.map_err(|source| Error::Io {
            operation: "set",
            object: format!("{} to {value}", option.name),
            source,
        })?;
        if let Ok(now) = socket.getsockopt(option) {
            let name = option.name;
            voice.say(Said::Note(&format!(
                "{name}: set to {value}, reads back {now}"
            )));
        }
    }
    Ok(socket)
}

fn set(socket: &Traced, name: &'static str, value: &str) -> Result<(), Error> {
    let Some(option) = find_option(name) else {
        return Ok(());
    };
    let told = socket.setsockopt(option, value);
    told.map_err(|source| Error::Io {
        operation: "set",
        object: name.into(),
        source,
    })
}

/// An address as it is told for a kind: without a port where there is none.
pub fn shown(kind: Kind, address: &Address) -> String {
    match address {
        Address::Inet(inet) if !kind.has_ports() => inet.ip().to_string(),
        _ => address.to_string(),
    }
}
