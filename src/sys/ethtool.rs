//! Switching a link's offloads by `SIOCETHTOOL` (linux/ethtool.h); only the one-value commands.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// A one-value set command of linux/ethtool.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Feature {
    /// `ETHTOOL_SRXCSUM`: receive checksums.
    RxChecksum = 0x15,
    /// `ETHTOOL_STXCSUM`: transmit checksums.
    TxChecksum = 0x17,
    /// `ETHTOOL_SSG`: scatter and gather.
    ScatterGather = 0x19,
    /// `ETHTOOL_STSO`: TCP segmentation offload.
    Tso = 0x1f,
    /// `ETHTOOL_SGSO`: generic segmentation offload.
    Gso = 0x24,
    /// `ETHTOOL_SGRO`: generic receive offload.
    Gro = 0x2c,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RxChecksum,
        Self::TxChecksum,
        Self::ScatterGather,
        Self::Tso,
        Self::Gso,
        Self::Gro,
    ];
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    cmd: u32,
    data: u32,
}

/// Switches one feature of the link `name` on or off. `socket` is any socket in its namespace.
pub fn set_feature(socket: impl AsFd, name: &str, feature: Feature, on: bool) -> io::Result<()> {
    // IFNAMSIZ counts the closing NUL.
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut value = EthtoolValue {
        cmd: feature as u32,
        data: u32::from(on),
    };
    let mut ifr_name: [libc::c_char; libc::IFNAMSIZ] = [0; libc::IFNAMSIZ];
    for (to, from) in ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let mut request = libc::ifreq {
        ifr_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_data: (&raw mut value).cast(),
        },
    };
    // SAFETY: `request` and the `EthtoolValue` that `ifru_data` points to live on this stack frame
    // until the call returns, and every one-value command reads at most that struct.
    let result = unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            libc::SIOCETHTOOL,
            &raw mut request,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
