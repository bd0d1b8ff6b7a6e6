//! Error numbers of the kernel: their names and, in one sentence, what causes them on a socket.
//! The sentence depends on the call where the same number has several meanings.
//! Sources: errno(3), socket(7), ip(7), tcp(7), udp(7), unix(7) and the page of each call.

/// One error number.
#[derive(Clone, Copy, Debug)]
pub struct Errno {
    /// Its number on this machine.
    pub number: i32,
    /// Its name in C.
    pub name: &'static str,
    /// What causes it, whichever the call.
    pub cause: &'static str,
}

/// The name of a number.
pub fn name(number: i32) -> Option<&'static str> {
    Some(find(number)?.name)
}

/// A number's row.
pub fn find(number: i32) -> Option<&'static Errno> {
    ERRNOS.iter().find(|errno| errno.number == number)
}

/// The row of a name, in any case: `ECONNREFUSED`.
pub fn find_name(name: &str) -> Option<&'static Errno> {
    let mut rows = ERRNOS.iter();
    rows.find(|errno| errno.name.eq_ignore_ascii_case(name))
}

/// What causes a number in a call: `connect`, `send`, `bind`. Empty for a number that is not known.
pub fn cause(number: i32, call: &str) -> &'static str {
    let special = SPECIAL
        .iter()
        .find(|(calls, special, _)| *special == number && calls.contains(&call));
    match special {
        Some((_, _, cause)) => cause,
        None => find(number).map_or("", |errno| errno.cause),
    }
}

/// What a number means in particular calls.
pub const SPECIAL: &[(&[&str], i32, &str)] = &[
    (
        &["connect", "connect_ex"],
        libc::EAGAIN,
        "the time is over and nobody has answered; or a unix listener's queue is full",
    ),
    (
        &["connect", "connect_ex"],
        libc::ECONNREFUSED,
        "nobody listens there: the peer answered with a reset (unix: a socket file without a listener)",
    ),
    (
        &["send", "sendall", "sendto", "recv", "recvfrom"],
        libc::ECONNREFUSED,
        "an earlier datagram reached a port that nobody has: ICMP port unreachable came back",
    ),
    (
        &["connect", "connect_ex"],
        libc::EACCES,
        "broadcast without SO_BROADCAST, a firewall, or no right to write to the socket file",
    ),
    (
        &["bind"],
        libc::EACCES,
        "ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE",
    ),
    (
        &["socket"],
        libc::EACCES,
        "net.ipv4.ping_group_range has no group of ours",
    ),
    (
        &["socket"],
        libc::EPERM,
        "raw and packet sockets need CAP_NET_RAW",
    ),
    (
        &["send", "sendall", "sendto"],
        libc::EACCES,
        "sending to a broadcast address needs SO_BROADCAST",
    ),
    (
        &["send", "sendall", "sendto"],
        libc::EPERM,
        "a firewall of this host refuses the packet",
    ),
    (
        &["bind"],
        libc::EADDRINUSE,
        "another socket has this address, or connections of an earlier one are in TIME_WAIT (unix: the file exists)",
    ),
    (
        &["connect", "connect_ex"],
        libc::EADDRNOTAVAIL,
        "no local port is free, or the address belongs to nobody",
    ),
    (
        &["bind"],
        libc::EADDRNOTAVAIL,
        "no interface of this host has this address",
    ),
    (
        &["accept"],
        libc::EINVAL,
        "the socket does not listen: call listen first",
    ),
    (
        &["bind"],
        libc::EINVAL,
        "the socket has an address already, or the address is of the wrong length",
    ),
    (
        &["accept"],
        libc::EOPNOTSUPP,
        "only stream and seqpacket sockets accept connections",
    ),
    (
        &["listen"],
        libc::EOPNOTSUPP,
        "only stream and seqpacket sockets listen",
    ),
    (
        &["send", "sendall"],
        libc::EPIPE,
        "there is no connection to send on: never made, shut down by us, or reset by the peer",
    ),
    (
        &["send", "sendall", "sendto"],
        libc::EAGAIN,
        "the send buffer is full and the socket does not wait (any longer)",
    ),
    (
        &["recv", "recvfrom"],
        libc::EAGAIN,
        "nothing has come, and the socket does not wait (any longer)",
    ),
    (
        &["accept"],
        libc::EAGAIN,
        "nobody has connected, and the socket does not wait (any longer)",
    ),
    (
        &["sendto"],
        libc::EISCONN,
        "this socket is connected: its messages go to its peer only",
    ),
    (
        &["send", "sendall", "sendto"],
        libc::EMSGSIZE,
        "longer than a datagram can be: 65507 bytes over IPv4, or the path's MTU where fragments are forbidden",
    ),
    (
        &["sendto", "connect", "connect_ex"],
        libc::EINVAL,
        "the address does not fit the socket (family, scope of a link-local address), or a header is wrong",
    ),
    (
        &["setsockopt"],
        libc::EINVAL,
        "the value is out of the option's range",
    ),
    (
        &["setsockopt"],
        libc::EPERM,
        "this option or value needs a right: CAP_NET_RAW or CAP_NET_ADMIN",
    ),
];

macro_rules! errnos {
    ($($name:ident $cause:literal)*) => {
        /// Every number that calls on sockets give, by name.
        pub const ERRNOS: &[Errno] = &[$(Errno {
            number: libc::$name,
            name: stringify!($name),
            cause: $cause,
        }),*];
    };
}

errnos! {
    E2BIG "the list of arguments is too long"
    EACCES "no right to do this"
    EADDRINUSE "another socket has this address"
    EADDRNOTAVAIL "no interface of this host has this address"
    EAFNOSUPPORT "this family of addresses is not supported, or does not fit the socket"
    EAGAIN "it would have to wait, and may not (any longer)"
    EALREADY "a connection is being made already"
    EBADF "no open descriptor has this number"
    EBADMSG "the message is damaged"
    EBUSY "it is in use"
    ECANCELED "the operation was cancelled"
    ECONNABORTED "the connection was closed before it was accepted"
    ECONNREFUSED "nobody is there to take it"
    ECONNRESET "the peer ended the connection with a reset"
    EDESTADDRREQ "the socket is not connected and no destination was given"
    EDOM "the value is out of range"
    EEXIST "it exists already"
    EFAULT "a pointer points nowhere"
    EFBIG "the file is too large"
    EHOSTDOWN "the host is down"
    EHOSTUNREACH "no way to the host: no neighbour answered, or a router said so (ICMP)"
    EINPROGRESS "the handshake has begun and goes on; the socket does not wait for it"
    EINTR "a signal came before anything happened"
    EINVAL "an argument makes no sense here"
    EIO "the device failed"
    EISCONN "the socket is connected already"
    EISDIR "it is a directory"
    ELOOP "too many symbolic links"
    EMFILE "the process has as many open descriptors as it may have"
    EMSGSIZE "the message is longer than can be sent at once"
    ENAMETOOLONG "the name is too long"
    ENETDOWN "the interface is down"
    ENETRESET "the network ended the connection"
    ENETUNREACH "no route leads there"
    ENFILE "the system has as many open files as it may have"
    ENOBUFS "a queue of the sending interface is full, or memory is short"
    ENODEV "no such device"
    ENOENT "no such file or socket"
    ENOMEM "memory is short"
    ENOPROTOOPT "the socket has no such option"
    ENOSPC "no room is left"
    ENOSYS "this kernel does not have the call"
    ENOTCONN "the socket is not connected"
    ENOTDIR "a part of the path is no directory"
    ENOTSOCK "the descriptor is no socket"
    ENOTTY "the device does not know this request"
    ENXIO "no such device or address"
    EOPNOTSUPP "this socket cannot do that"
    EPERM "it is not allowed: a right is missing, or a firewall refuses"
    EPIPE "the other end is closed"
    EPROTO "the protocol was broken"
    EPROTONOSUPPORT "this family and type have no such protocol"
    EPROTOTYPE "the two sockets are of different types"
    ERANGE "the result does not fit"
    EROFS "the file system is read-only"
    ESHUTDOWN "the socket was shut down"
    ESOCKTNOSUPPORT "this family has no sockets of this type here"
    ESRCH "no such process"
    ETIMEDOUT "no answer came in the time that the kernel waits"
    ETOOMANYREFS "too many descriptors are on their way"
    EXDEV "it is on another file system"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io;

    use super::*;

    #[test]
    fn every_number_has_one_name_and_is_one_of_the_kernels() {
        let numbers: HashSet<i32> = ERRNOS.iter().map(|errno| errno.number).collect();
        assert_eq!(numbers.len(), ERRNOS.len());
        for errno in ERRNOS {
            let words = io::Error::from_raw_os_error(errno.number).to_string();
            assert!(!words.starts_with("Unknown error"), "{}", errno.name);
            assert!(!errno.cause.is_empty());
        }
        for (calls, number, cause) in SPECIAL {
            assert!(find(*number).is_some() && !calls.is_empty() && !cause.is_empty());
        }
    }

    #[test]
    fn the_cause_depends_on_the_call() {
        let refused = libc::ECONNREFUSED;
        assert_eq!(name(refused), Some("ECONNREFUSED"));
        assert_ne!(cause(refused, "connect"), cause(refused, "recv"));
        assert_eq!(cause(refused, "close"), find(refused).unwrap().cause);
        assert_eq!((name(99_999), cause(99_999, "bind")), (None, ""));
        assert_eq!(find_name("econnrefused").unwrap().number, refused);
    }
}
