//! AF_PACKET sockets (packet(7)): binding one, and what its control data and addresses say.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use super::cmsg;
use crate::decode::Direction;

/// bind(2) to an interface (0: all of them) and an EtherType, `ETH_P_ALL` for every frame in both
/// directions. From here on frames are queued.
pub fn bind(fd: impl AsFd, ethertype: u16, interface: u32) -> io::Result<()> {
    let index = i32::try_from(interface).map_err(io::Error::other)?;
    // SAFETY: sockaddr_ll is plain data, for which all-zero is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    // AF_PACKET is 17.
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_protocol = ethertype.to_be();
    address.sll_ifindex = index;
    let len = libc::socklen_t::try_from(size_of_val(&address)).unwrap_or_default();
    // SAFETY: the kernel reads `len` bytes from `address`, a live sockaddr_ll of that size.
    let result = unsafe { libc::bind(fd.as_fd().as_raw_fd(), (&raw const address).cast(), len) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What a `sockaddr_ll` tells about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkAddress {
    /// EtherType.
    pub ethertype: u16,
    /// Interface number.
    pub interface: u32,
    /// Which way it went.
    pub direction: Direction,
}

impl LinkAddress {
    /// Reads the sender that recvmsg(2) wrote; `None` if it is no `sockaddr_ll`.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let family = u16::from_ne_bytes(*name.first_chunk()?);
        if i32::from(family) != libc::AF_PACKET {
            return None;
        }
        // family, protocol (network order), interface, hardware type, packet type.
        Some(Self {
            ethertype: u16::from_be_bytes(*name.get(2..)?.first_chunk()?),
            interface: u32::from_ne_bytes(*name.get(4..)?.first_chunk()?),
            direction: if *name.get(10)? == libc::PACKET_OUTGOING {
                Direction::Out
            } else {
                Direction::In
            },
        })
    }
}

/// Whether PACKET_AUXDATA says that the transport checksum is not computed yet (left to the card).
pub fn checksum_not_ready(item: &cmsg::Item<'_>) -> bool {
    // struct tpacket_auxdata begins with tp_status.
    let status = item.int().unwrap_or(0).cast_unsigned();
    (item.level, item.kind) == (libc::SOL_PACKET, libc::PACKET_AUXDATA)
        && status & libc::TP_STATUS_CSUMNOTREADY != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_address_tells_direction_and_interface() {
        let mut name = vec![0; 20];
        let family = u16::try_from(libc::AF_PACKET).unwrap();
        name[..2].copy_from_slice(&family.to_ne_bytes());
        name[2..4].copy_from_slice(&[0x86, 0xdd]);
        name[4..8].copy_from_slice(&3u32.to_ne_bytes());
        name[10] = libc::PACKET_OUTGOING;
        let address = LinkAddress::parse(&name).unwrap();
        assert_eq!((address.ethertype, address.interface), (0x86dd, 3));
        assert_eq!(address.direction, Direction::Out);
        name[10] = 0;
        let address = LinkAddress::parse(&name).unwrap();
        assert_eq!(address.direction, Direction::In);
        for cut in 0..11 {
            assert_eq!(LinkAddress::parse(&name[..cut]), None, "cut {cut}");
        }
        name[0] = 2;
        assert_eq!(LinkAddress::parse(&name), None);
    }

    #[test]
    fn only_auxdata_can_say_that_the_checksum_is_not_ready() {
        let data = (libc::TP_STATUS_CSUMNOTREADY | 1).to_ne_bytes();
        let item = cmsg::Item {
            level: libc::SOL_PACKET,
            kind: libc::PACKET_AUXDATA,
            data: &data,
        };
        assert!(checksum_not_ready(&item));
        assert!(!checksum_not_ready(&cmsg::Item { kind: 1, ..item }));
        assert!(!checksum_not_ready(&cmsg::Item { data: &[], ..item }));
    }
}
