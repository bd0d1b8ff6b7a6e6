//! Kernel time stamps (SO_TIMESTAMPING, Documentation/networking/timestamping.rst): switching them
//! on, asking for one packet's, reading them. Matching a stamp to a probe is the caller's.

use std::io;
use std::os::fd::AsFd;

use super::{cmsg, sockopt};
use crate::event::{Stamp, Timestamp};

/// Control message that names the number of a transmit stamp (since Linux 6.13; libc lacks it).
const SCM_TS_OPT_ID: i32 = 81;

/// Asks for stamps on `fd`: receive stamps of every packet, transmit stamps of those that ask.
///
/// Software stamps are made by the kernel. Hardware stamps are reported where the card already
/// makes them; nothing here switches a card's clock on. Transmit stamps come back in the error
/// queue without the packet (`OPT_TSONLY`), numbered (`OPT_ID`).
pub fn enable(fd: impl AsFd) -> io::Result<()> {
    set(
        fd,
        libc::SOF_TIMESTAMPING_RX_SOFTWARE
            | libc::SOF_TIMESTAMPING_SOFTWARE
            | libc::SOF_TIMESTAMPING_RAW_HARDWARE
            | libc::SOF_TIMESTAMPING_OPT_ID
            | libc::SOF_TIMESTAMPING_OPT_TSONLY,
    )
}

/// Starts the kernel's count of transmit stamps at 0 again: it does so when `OPT_ID` is newly set.
pub fn restart_count(fd: impl AsFd) -> io::Result<()> {
    set(&fd, libc::SOF_TIMESTAMPING_RX_SOFTWARE)?;
    enable(fd)
}

fn set(fd: impl AsFd, flags: u32) -> io::Result<()> {
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    sockopt::set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags)
}

/// Writes the control messages that ask for the transmit stamp of one packet. `id` is the number
/// that shall come back with it, on kernels that let us choose.
pub fn request(out: &mut Vec<u8>, id: Option<u32>) {
    let flags = libc::SOF_TIMESTAMPING_TX_SOFTWARE | libc::SOF_TIMESTAMPING_TX_HARDWARE;
    out.clear();
    let level = libc::SOL_SOCKET;
    // The _OLD number: kernels before 6.8 know only this one here.
    cmsg::push_item(out, level, libc::SO_TIMESTAMPING, &flags.to_ne_bytes());
    if let Some(id) = id {
        cmsg::push_item(out, level, SCM_TS_OPT_ID, &id.to_ne_bytes());
    }
}

/// The stamps of one packet, as one control message holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// The kernel's, on the wall clock.
    pub software: Option<Timestamp>,
    /// The card's raw clock: comparable with other stamps of the same card only.
    pub hardware: Option<Timestamp>,
}

impl Stamps {
    /// Reads an SCM_TIMESTAMPING item; `None` if `item` is something else.
    pub fn parse(item: &cmsg::Item<'_>) -> Option<Self> {
        if (item.level, item.kind) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING) {
            return None;
        }
        // Three timespecs: software, (unused), raw hardware.
        let part = item.data.len() / 3;
        Some(Self {
            software: timespec(item.data.get(..part)?),
            hardware: timespec(item.data.get(part * 2..part * 3)?),
        })
    }

    /// The stamp to use: the card's if `prefer_hardware` and there is one, else the kernel's.
    pub fn pick(self, prefer_hardware: bool) -> Option<(Timestamp, Stamp)> {
        let hardware = self.hardware.map(|at| (at, Stamp::Hardware));
        let software = self.software.map(|at| (at, Stamp::Kernel));
        if prefer_hardware {
            hardware.or(software)
        } else {
            software
        }
    }
}

/// A `timespec` of two 64-bit words, or of two 32-bit words on 32-bit systems. All zero means that
/// there is no stamp.
fn timespec(bytes: &[u8]) -> Option<Timestamp> {
    let (seconds, nanos) = match bytes.len() {
        16 => (
            i64::from_ne_bytes(*bytes.first_chunk()?),
            i64::from_ne_bytes(*bytes.last_chunk()?),
        ),
        8 => (
            i32::from_ne_bytes(*bytes.first_chunk()?).into(),
            i32::from_ne_bytes(*bytes.last_chunk()?).into(),
        ),
        _ => return None,
    };
    ((seconds, nanos) != (0, 0)).then(|| Timestamp::from_parts(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(data: &[u8]) -> cmsg::Item<'_> {
        cmsg::Item {
            level: libc::SOL_SOCKET,
            kind: libc::SCM_TIMESTAMPING,
            data,
        }
    }

    fn words(words: [i64; 6]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_ne_bytes()).collect()
    }

    #[test]
    fn software_and_hardware_stamps_are_told_apart() {
        let data = words([5, 6, 0, 0, 7, 8]);
        let stamps = Stamps::parse(&item(&data)).unwrap();
        assert_eq!(stamps.software, Some(Timestamp::from_parts(5, 6)));
        assert_eq!(stamps.hardware, Some(Timestamp::from_parts(7, 8)));
        let kernel = Some((Timestamp::from_parts(5, 6), Stamp::Kernel));
        assert_eq!(stamps.pick(false), kernel);
        let card = Some((Timestamp::from_parts(7, 8), Stamp::Hardware));
        assert_eq!(stamps.pick(true), card);
    }

    #[test]
    fn zero_is_no_stamp_and_odd_lengths_are_none() {
        let none = Stamps::parse(&item(&words([0; 6]))).unwrap();
        assert_eq!(none.pick(true), None);
        for len in [0, 1, 3, 17, 47] {
            let stamps = Stamps::parse(&item(&[1; 47][..len])).unwrap();
            assert_eq!(stamps, Stamps::default(), "length {len}");
        }
        let other = cmsg::Item {
            kind: 1,
            ..item(&[])
        };
        assert_eq!(Stamps::parse(&other), None);
    }

    #[test]
    fn words_of_32_bits_are_read_too() {
        let data: Vec<u8> = [9i32, 1, 0, 0, 0, 0]
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect();
        let stamps = Stamps::parse(&item(&data)).unwrap();
        assert_eq!(stamps.software, Some(Timestamp::from_parts(9, 1)));
    }
}
