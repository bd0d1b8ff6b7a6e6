//! What the kernel tells of an interface by ioctl(2) (netdevice(7)). Works after the rights are
//! gone, on any socket that is open.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// `ARPHRD_ETHER` of linux/if_arp.h.
pub const ETHERNET: u16 = 1;
/// `ARPHRD_LOOPBACK`: its frames have an Ethernet header.
pub const LOOPBACK: u16 = 772;
/// `ARPHRD_NONE`: bare IP packets (TUN).
pub const NONE: u16 = 0xfffe;
/// `ARPHRD_TUNNEL`, `ARPHRD_SIT`: bare IP packets.
pub const TUNNELS: [u16; 3] = [768, 769, 776];

/// The name of interface `index` (SIOCGIFNAME); ENODEV if it is gone.
pub fn name(socket: impl AsFd, index: u32) -> io::Result<String> {
    let mut request = request("")?;
    request.ifr_ifru.ifru_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    call(socket, libc::SIOCGIFNAME, &mut request)?;
    let bytes: Vec<u8> = request
        .ifr_name
        .iter()
        .map(|c| c.to_ne_bytes()[0])
        .take_while(|byte| *byte != 0)
        .collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number of an interface (SIOCGIFINDEX); ENODEV if there is none of that name.
pub fn index(socket: impl AsFd, name: &str) -> io::Result<u32> {
    let mut request = request(name)?;
    call(socket, libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: SIOCGIFINDEX has written this member, and every bit pattern is an int.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    u32::try_from(index).map_err(io::Error::other)
}

/// The hardware type of an interface, an `ARPHRD_` number (SIOCGIFHWADDR).
pub fn hardware(socket: impl AsFd, name: &str) -> io::Result<u16> {
    let mut request = request(name)?;
    call(socket, libc::SIOCGIFHWADDR, &mut request)?;
    // SAFETY: SIOCGIFHWADDR has written this member, and every bit pattern is a sockaddr.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr }.sa_family)
}

/// The flags of an interface, `IFF_UP` and its kin (SIOCGIFFLAGS).
pub fn flags(socket: impl AsFd, name: &str) -> io::Result<i32> {
    let mut request = request(name)?;
    call(socket, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: SIOCGIFFLAGS has written this member, and every bit pattern is a short.
    Ok(unsafe { request.ifr_ifru.ifru_flags }.into())
}

/// The MTU of an interface in bytes (SIOCGIFMTU).
pub fn mtu(socket: impl AsFd, name: &str) -> io::Result<u32> {
    let mut request = request(name)?;
    call(socket, libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: SIOCGIFMTU has written this member, and every bit pattern is an int.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    u32::try_from(mtu).map_err(io::Error::other)
}

/// A request about this name, all else zero.
fn request(name: &str) -> io::Result<libc::ifreq> {
    // IFNAMSIZ counts the closing NUL.
    if name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    // SAFETY: ifreq is plain data, for which all-zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(request)
}

fn call(socket: impl AsFd, number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every caller's `number` reads and writes one ifreq, which lives on the stack.
    let result = unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            number,
            std::ptr::from_mut(request),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn the_loopback_device_is_known_by_name_and_number() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let lo = index(&socket, "lo").unwrap();
        assert_eq!(name(&socket, lo).unwrap(), "lo");
        assert_eq!(hardware(&socket, "lo").unwrap(), LOOPBACK);
        assert_ne!(flags(&socket, "lo").unwrap() & libc::IFF_LOOPBACK, 0);
        let said = std::fs::read_to_string("/sys/class/net/lo/mtu").unwrap();
        assert_eq!(mtu(&socket, "lo").unwrap().to_string(), said.trim());
        for wrong in ["no-such", "", "a-name-that-is-too-long"] {
            let error = index(&socket, wrong).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{wrong}");
        }
        assert!(name(&socket, 999_999).is_err());
    }
}
