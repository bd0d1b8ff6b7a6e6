//! setsockopt(2) for the options that socket2 has no name for.
//! (ip(7), ipv6(7), socket(7)).

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// setsockopt(2) with an `int`.
pub fn set_int(fd: impl AsFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    set_bytes(fd, level, name, &value.to_ne_bytes())
}

/// setsockopt(2) with raw bytes (`IP_OPTIONS`).
pub fn set_bytes(fd: impl AsFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let len = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `len` bytes from `value`, which is borrowed for the call and that
    // long.
    let result = unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            len,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// getsockopt(2) of an `int`.
pub fn get_int(fd: impl AsFd, level: i32, name: i32) -> io::Result<i32> {
    let mut value: i32 = 0;
    let mut len: libc::socklen_t = 4;
    // SAFETY: the kernel writes at most `len` = 4 bytes into `value`, an i32.
    let result = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            level,
            name,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// getsockopt(2) of raw bytes; how many were written.
pub fn get_bytes(fd: impl AsFd, level: i32, name: i32, value: &mut [u8]) -> io::Result<usize> {
    let mut len = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `len` bytes into `value`, which is borrowed mutably for the
    // call and that long.
    let result = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        usize::try_from(len).map_err(io::Error::other)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn an_int_set_is_the_int_got() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        set_int(&socket, libc::IPPROTO_IP, libc::IP_TTL, 77).unwrap();
        let got = get_int(&socket, libc::IPPROTO_IP, libc::IP_TTL).unwrap();
        assert_eq!(got, 77);
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = set_int(&socket, libc::IPPROTO_IP, 9999, 1).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT));
    }
}
