//! Items of a socket's error queue (IP_RECVERR in ip(7), ipv6(7)): `struct sock_extended_err`, the
//! offender's address behind it, time stamps.

use std::net::IpAddr;

use crate::sys::cmsg::{self, Scratch};
use crate::sys::stamp::Stamps;

/// Where an item comes from (`ee_origin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Our own kernel refused something (SO_EE_ORIGIN_LOCAL).
    Local,
    /// An ICMP or ICMPv6 error arrived.
    Icmp,
    /// A transmit stamp (SO_EE_ORIGIN_TIMESTAMPING).
    Stamp,
    /// Anything else.
    Other,
}

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// `ee_errno`.
    pub errno: i32,
    /// `ee_origin`.
    pub origin: Origin,
    /// `ee_type`.
    pub icmp_type: u8,
    /// `ee_code`.
    pub code: u8,
    /// `ee_info`: the MTU of EMSGSIZE, the pointer of a parameter problem.
    pub info: u32,
    /// `ee_data`: the number of a transmit stamp.
    pub data: u32,
    /// Who sent the ICMP error.
    pub offender: Option<IpAddr>,
    /// The stamps of a transmit stamp item.
    pub stamps: Stamps,
}

/// Reads the item that recvmsg(2) with MSG_ERRQUEUE left in `scratch`.
pub fn read(scratch: &Scratch) -> Option<Item> {
    from_items(scratch.items())
}

fn from_items(items: cmsg::Items<'_>) -> Option<Item> {
    let (mut found, mut stamps) = (None, Stamps::default());
    for item in items {
        match (item.level, item.kind) {
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                found = extended_error(item.data);
            }
            _ => {
                if let Some(parsed) = Stamps::parse(&item) {
                    stamps = parsed;
                }
            }
        }
    }
    found.map(|item| Item { stamps, ..item })
}

/// `struct sock_extended_err` (include/uapi/linux/errqueue.h), then a sockaddr.
fn extended_error(data: &[u8]) -> Option<Item> {
    let word = |at: usize| -> Option<u32> {
        let bytes = data.get(at..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    };
    Some(Item {
        errno: word(0)?.cast_signed(),
        origin: match data.get(4)? {
            1 => Origin::Local,
            2 | 3 => Origin::Icmp,
            4 => Origin::Stamp,
            _ => Origin::Other,
        },
        icmp_type: *data.get(5)?,
        code: *data.get(6)?,
        info: word(8)?,
        data: word(12)?,
        offender: cmsg::parse_ip(data.get(16..)?),
        stamps: Stamps::default(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::event::Timestamp;

    fn extended(origin: u8) -> Vec<u8> {
        let mut data = 113i32.to_ne_bytes().to_vec();
        data.extend([origin, 3, 4, 0]);
        data.extend(1300u32.to_ne_bytes());
        data.extend(42u32.to_ne_bytes());
        data
    }

    fn read_one(level: i32, kind: i32, data: &[u8]) -> Option<Item> {
        let mut bytes = Vec::new();
        cmsg::push_item(&mut bytes, level, kind, data);
        from_items(cmsg::Items::new(&bytes))
    }

    #[test]
    fn an_icmp_error_names_its_offender() {
        let mut data = extended(2);
        data.extend(u16::try_from(libc::AF_INET).unwrap().to_ne_bytes());
        data.extend([0, 0, 10, 5, 0, 9]);
        data.resize(32, 0);
        let item = read_one(libc::IPPROTO_IP, libc::IP_RECVERR, &data).unwrap();
        assert_eq!((item.errno, item.origin), (113, Origin::Icmp));
        assert_eq!((item.icmp_type, item.code, item.info), (3, 4, 1300));
        assert_eq!(item.offender, Some(Ipv4Addr::new(10, 5, 0, 9).into()));
    }

    #[test]
    fn a_stamp_comes_with_its_number() {
        let mut bytes = Vec::new();
        let stamps: Vec<u8> = [7i64, 8, 0, 0, 0, 0]
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect();
        cmsg::push_item(
            &mut bytes,
            libc::SOL_SOCKET,
            libc::SCM_TIMESTAMPING,
            &stamps,
        );
        cmsg::push_item(
            &mut bytes,
            libc::IPPROTO_IPV6,
            libc::IPV6_RECVERR,
            &extended(4),
        );
        let item = from_items(cmsg::Items::new(&bytes)).unwrap();
        assert_eq!(
            (item.origin, item.data, item.offender),
            (Origin::Stamp, 42, None)
        );
        assert_eq!(item.stamps.software, Some(Timestamp::from_parts(7, 8)));
    }

    #[test]
    fn short_items_are_none() {
        let whole = extended(1);
        for cut in 0..whole.len() {
            let item = read_one(libc::IPPROTO_IP, libc::IP_RECVERR, &whole[..cut]);
            assert_eq!(item, None, "cut {cut}");
        }
        assert_eq!(read_one(libc::SOL_SOCKET, 1, &whole), None);
    }
}
