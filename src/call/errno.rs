//! The names of the errno numbers that sockets give (errno(3)). The sentences about them are a
//! view's.

/// Names and numbers.
macro_rules! names {
    ($($name:ident)*) => {
        &[$((stringify!($name), libc::$name)),*]
    };
}

/// Every errno that a socket call can give on Linux (socket(7), ip(7), tcp(7), udp(7), unix(7)).
static NAMES: &[(&str, i32)] = names![
    EPERM ENOENT EINTR EIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENODEV ENOTDIR EISDIR
    EINVAL ENFILE EMFILE ENOSPC ESPIPE EROFS EPIPE EDOM ERANGE ENAMETOOLONG ENOSYS ELOOP EPROTO
    EOVERFLOW ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT
    ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
    ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS
    ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EDQUOT ENOPKG
    ENOLINK ENONET
];

/// The number of a name; `EWOULDBLOCK` and `ENOTSUP` are Linux's EAGAIN and EOPNOTSUPP.
pub fn number(name: &str) -> Option<i32> {
    match name {
        "EWOULDBLOCK" => Some(libc::EAGAIN),
        "ENOTSUP" => Some(libc::EOPNOTSUPP),
        _ => NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| *number),
    }
}

/// The name of a number, if it is one of those.
pub fn name(number: i32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(_, known)| *known == number)
        .map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_tutorial_map() {
        for (name_of, value) in [
            ("ECONNREFUSED", 111),
            ("EISCONN", 106),
            ("ENOTCONN", 107),
            ("EINPROGRESS", 115),
            ("EADDRINUSE", 98),
            ("EADDRNOTAVAIL", 99),
            ("ESOCKTNOSUPPORT", 94),
            ("EPROTOTYPE", 91),
            ("EMSGSIZE", 90),
            ("EAGAIN", 11),
        ] {
            assert_eq!(number(name_of), Some(value));
            assert_eq!(name(value), Some(name_of));
        }
        assert_eq!(number("EWOULDBLOCK"), Some(11));
        assert_eq!((number("ENOSUCH"), name(0)), (None, None));
    }
}
