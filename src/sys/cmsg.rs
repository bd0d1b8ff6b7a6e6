//! recvmsg(2) with its control messages, and their bytes in both directions. What a control
//! message means is told in `net` and in `stamp.rs`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

/// Room for all control messages that our sockets ask for (a wire's largest sum is below 300).
const CONTROL_LEN: usize = 512;

/// Bytes of `struct cmsghdr`: length (with this header), level, type.
const HEADER: usize = size_of::<usize>() + 8;

/// Control messages start at multiples of this (`CMSG_ALIGN` in cmsg(3)).
const ALIGN: usize = size_of::<usize>();

/// Where recvmsg(2) writes the sender and the control messages; kept and reused.
#[repr(C, align(8))]
#[derive(Clone, Debug)]
pub struct Scratch {
    control: [u8; CONTROL_LEN],
    name: [u8; size_of::<libc::sockaddr_storage>()],
    control_len: usize,
    name_len: usize,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            control: [0; CONTROL_LEN],
            name: [0; size_of::<libc::sockaddr_storage>()],
            control_len: 0,
            name_len: 0,
        }
    }
}

impl Scratch {
    /// The sender's `sockaddr` as the kernel wrote it, empty if it wrote none.
    pub fn name(&self) -> &[u8] {
        self.name.get(..self.name_len).unwrap_or_default()
    }

    /// The control messages of the last call.
    pub fn items(&self) -> Items<'_> {
        Items {
            rest: self.control.get(..self.control_len).unwrap_or_default(),
        }
    }
}

/// What recvmsg(2) returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Got {
    /// Bytes of the datagram; with `MSG_TRUNC` asked for, its true length even if the buffer cut it.
    pub len: usize,
    /// `msg_flags`: MSG_TRUNC, MSG_CTRUNC, MSG_ERRQUEUE.
    pub flags: i32,
}

/// recvmsg(2) into one buffer. Sender and control messages are in `scratch` afterwards.
pub fn recvmsg(
    fd: impl AsFd,
    buf: &mut [u8],
    scratch: &mut Scratch,
    flags: i32,
) -> io::Result<Got> {
    let mut iov = libc::iovec {
        iov_base: buf.as_mut_ptr().cast(),
        iov_len: buf.len(),
    };
    // Length 0 first: a call that fails must not leave the last call's answers to be read again.
    scratch.control_len = 0;
    scratch.name_len = 0;
    // SAFETY: msghdr is plain data (integers and pointers), for which all-zero is a valid value.
    let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
    msg.msg_name = scratch.name.as_mut_ptr().cast();
    msg.msg_namelen = libc::socklen_t::try_from(scratch.name.len()).unwrap_or(0);
    msg.msg_iov = &raw mut iov;
    msg.msg_iovlen = 1;
    msg.msg_control = scratch.control.as_mut_ptr().cast();
    msg.msg_controllen = scratch.control.len() as _;
    // SAFETY: every pointer in `msg` points to memory borrowed mutably for the call, with its true
    // length beside it; `fd` is open as long as it is borrowed.
    let len = unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &raw mut msg, flags) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    scratch.name_len = usize::try_from(msg.msg_namelen).unwrap_or(0);
    scratch.control_len = msg.msg_controllen as usize; // u32 in musl, usize in glibc
    Ok(Got {
        len,
        flags: msg.msg_flags,
    })
}

/// One control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6.
    pub level: i32,
    /// Its type within the level.
    pub kind: i32,
    /// Its data, without padding.
    pub data: &'a [u8],
}

impl Item<'_> {
    /// Native-endian `int` at the start of the data.
    pub fn int(&self) -> Option<i32> {
        self.data.first_chunk().map(|&b| i32::from_ne_bytes(b))
    }

    /// A TTL, hop limit or traffic class: an `int`, or one byte as some kernels send it.
    pub fn byte(&self) -> Option<u8> {
        match self.int() {
            Some(value) => u8::try_from(value).ok(),
            None => self.data.first().copied(),
        }
    }
}

/// Walks control messages; a length that lies ends the walk.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// Control messages as raw bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let len = usize::from_ne_bytes(*self.rest.first_chunk()?);
        let level = i32::from_ne_bytes(*self.rest.get(ALIGN..)?.first_chunk()?);
        let kind = i32::from_ne_bytes(*self.rest.get(ALIGN + 4..)?.first_chunk()?);
        let data = self.rest.get(HEADER..len)?;
        // `data` exists, so HEADER <= len <= rest.len() and the walk moves on.
        self.rest = self
            .rest
            .get(len.next_multiple_of(ALIGN)..)
            .unwrap_or_default();
        Some(Item { level, kind, data })
    }
}

/// Appends one control message for sendmsg(2) to `out`.
pub fn push_item(out: &mut Vec<u8>, level: i32, kind: i32, data: &[u8]) {
    out.extend_from_slice(&(HEADER + data.len()).to_ne_bytes());
    out.extend_from_slice(&level.to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(ALIGN), 0);
}

/// The address in a `sockaddr_in` or `sockaddr_in6`; `None` for other families or short bytes.
pub fn parse_ip(sockaddr: &[u8]) -> Option<IpAddr> {
    match i32::from(u16::from_ne_bytes(*sockaddr.first_chunk()?)) {
        // ip(7): family, port, address.
        libc::AF_INET => Some(Ipv4Addr::from(*sockaddr.get(4..)?.first_chunk::<4>()?).into()),
        // ipv6(7): family, port, flow information, address, scope.
        libc::AF_INET6 => Some(Ipv6Addr::from(*sockaddr.get(8..)?.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// The interface number in a `sockaddr_in6`, which link-local addresses have; else 0.
pub fn parse_scope(sockaddr: &[u8]) -> u32 {
    let family = sockaddr.first_chunk().map(|&b| u16::from_ne_bytes(b));
    let scope = sockaddr.get(24..).and_then(|rest| rest.first_chunk());
    match (family.map(i32::from), scope) {
        (Some(libc::AF_INET6), Some(&scope)) => u32::from_ne_bytes(scope),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn pushed_items_are_walked_back() {
        let mut bytes = Vec::new();
        push_item(&mut bytes, 1, 37, &7u32.to_ne_bytes());
        push_item(&mut bytes, 41, 52, &[]);
        push_item(&mut bytes, 0, 2, &[9]);
        let items: Vec<_> = Items::new(&bytes).collect();
        assert_eq!(items.len(), 3);
        assert_eq!(
            (items[0].level, items[0].kind, items[0].int()),
            (1, 37, Some(7))
        );
        assert_eq!((items[1].level, items[1].data), (41, &[][..]));
        assert_eq!((items[2].int(), items[2].byte()), (None, Some(9)));
    }

    #[test]
    fn lying_lengths_end_the_walk() {
        let mut bytes = Vec::new();
        push_item(&mut bytes, 1, 37, &[1, 2, 3, 4]);
        for cut in 0..HEADER + 4 {
            assert_eq!(Items::new(&bytes[..cut]).count(), 0, "cut at {cut}");
        }
        for lie in [0, 1, HEADER - 1, 4096, usize::MAX] {
            bytes[..ALIGN].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Items::new(&bytes).count(), 0, "length {lie}");
        }
    }

    #[test]
    fn socket_addresses_are_read_and_short_ones_are_none() {
        let mut name = [0; 28];
        name[..2].copy_from_slice(&u16::try_from(libc::AF_INET6).unwrap().to_ne_bytes());
        name[8] = 0xfe;
        name[9] = 0x80;
        name[23] = 9;
        name[24..].copy_from_slice(&5u32.to_ne_bytes());
        assert_eq!(parse_ip(&name), Some("fe80::9".parse().unwrap()));
        assert_eq!((parse_scope(&name), parse_scope(&name[..27])), (5, 0));
        assert_eq!(parse_ip(&name[..23]), None);
        name[..2].copy_from_slice(&u16::try_from(libc::AF_INET).unwrap().to_ne_bytes());
        assert_eq!(parse_ip(&name), Some("0.0.0.0".parse().unwrap()));
        assert_eq!(parse_scope(&name), 0);
        assert_eq!((parse_ip(&[]), parse_scope(&[1])), (None, 0));
    }

    #[test]
    fn recvmsg_tells_sender_and_true_length() {
        let (a, b) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        a.send_to(&[5; 100], b.local_addr().unwrap()).unwrap();
        let (mut buf, mut scratch) = ([0; 10], Scratch::default());
        let got = recvmsg(&b, &mut buf, &mut scratch, libc::MSG_TRUNC).unwrap();
        assert_eq!((got.len, buf), (100, [5; 10]));
        assert_eq!(got.flags & libc::MSG_TRUNC, libc::MSG_TRUNC);
        assert_eq!(parse_ip(scratch.name()), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(scratch.items().count(), 0);
        let error = recvmsg(&b, &mut buf, &mut scratch, libc::MSG_DONTWAIT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(scratch.name().is_empty());
    }
}
