//! A network card's clock: can it stamp every received packet (`ETHTOOL_GET_TS_INFO`), and telling
//! it to (`SIOCSHWTSTAMP`; Documentation/networking/timestamping.rst 3).

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// `ETHTOOL_GET_TS_INFO` of linux/ethtool.h.
const GET_TS_INFO: u32 = 0x41;
/// `HWTSTAMP_FILTER_ALL` of linux/net_tstamp.h: every packet gets a stamp.
const FILTER_ALL: i32 = 1;

/// `struct ethtool_ts_info`.
#[repr(C)]
#[derive(Default)]
struct Info {
    cmd: u32,
    so_timestamping: u32,
    phc_index: i32,
    tx_types: u32,
    tx_reserved: [u32; 3],
    rx_filters: u32,
    rx_reserved: [u32; 3],
}

/// The link's card can stamp all that it receives. `socket` is any socket in its namespace.
pub fn stamps_everything(socket: impl AsFd, name: &str) -> io::Result<bool> {
    let mut info = Info {
        cmd: GET_TS_INFO,
        ..Info::default()
    };
    ask(socket, name, libc::SIOCETHTOOL, &mut info)?;
    Ok(
        info.so_timestamping & libc::SOF_TIMESTAMPING_RAW_HARDWARE != 0
            && info.rx_filters & 1 << FILTER_ALL != 0,
    )
}

/// Lets the card stamp all that it receives. Needs CAP_NET_ADMIN; stays on after us.
pub fn stamp_everything(socket: impl AsFd, name: &str) -> io::Result<()> {
    // `struct hwtstamp_config`: flags, what is sent, what is received.
    let mut config = [0_i32, 0, FILTER_ALL];
    ask(socket, name, libc::SIOCSHWTSTAMP, &mut config)
}

/// One ioctl(2) about the link `name` whose data is a `T`.
fn ask<T>(socket: impl AsFd, name: &str, number: libc::Ioctl, data: &mut T) -> io::Result<()> {
    // IFNAMSIZ counts the closing NUL.
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut ifr_name: [libc::c_char; libc::IFNAMSIZ] = [0; libc::IFNAMSIZ];
    for (to, from) in ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let mut request = libc::ifreq {
        ifr_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_data: std::ptr::from_mut(data).cast(),
        },
    };
    // SAFETY: `request` and the struct that `ifru_data` points to live until the call returns, and
    // the two callers above give the struct that their request reads and writes.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), number, &raw mut request) };
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
    fn the_loopback_device_has_no_card() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(!stamps_everything(&socket, "lo").unwrap());
        assert!(stamp_everything(&socket, "lo").is_err());
        for wrong in ["", "no-such", "a-name-that-is-too-long"] {
            assert!(stamps_everything(&socket, wrong).is_err(), "{wrong}");
        }
    }
}
