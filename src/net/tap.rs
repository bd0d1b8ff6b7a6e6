//! Sees our own probe as it leaves: a cooked packet socket that passes nothing else. For
//! `--show-headers`; capturing traffic in general is not its business.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use libc::{MSG_DONTWAIT, MSG_TRUNC, SOL_PACKET};
use socket2::{Domain, Protocol, Socket, Type};

use super::bpf;
use super::filter;
use crate::decode::{Direction, Flags, Frame, LinkType};
use crate::error::Error;
use crate::event::{Stamp, Timestamp};
use crate::sys::cmsg::{Scratch, recvmsg};
use crate::sys::stamp::{self, Stamps};
use crate::sys::{packet, sockopt};

/// An open tap. Close it when the probe was seen: until then every packet of the host is shown to
/// its filter.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    scratch: Scratch,
}

impl Tap {
    /// Opens a tap on all interfaces that sees nothing yet. Needs CAP_NET_RAW.
    pub fn open() -> Result<Self, Error> {
        Self::try_open().map_err(|source| Error::Io {
            operation: "open",
            object: "packet socket to watch the probe leave".to_owned(),
            source,
        })
    }

    fn try_open() -> io::Result<Self> {
        // Protocol 0: nothing is queued before bind, and by then the filter is there. SOCK_DGRAM:
        // frames begin at the IP header on every kind of link.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(0)))?;
        bpf::attach(&socket, &filter::nothing())?;
        sockopt::set_int(&socket, SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        stamp::enable(&socket)?;
        // Only ETH_P_ALL sockets are shown outgoing packets (`ptype_all`, net/core/dev.c).
        let all = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
        packet::bind(&socket, all, 0)?;
        Ok(Self {
            socket,
            scratch: Scratch::default(),
        })
    }

    /// From now on sees echo requests to `destination` with one of `ids`, whose ICMP header comes
    /// after `header_len` bytes of IP header.
    pub fn watch(
        &mut self,
        destination: IpAddr,
        header_len: usize,
        ids: &[u16],
    ) -> Result<(), Error> {
        let program = u32::try_from(header_len)
            .ok()
            .and_then(|len| filter::outgoing_probe(destination, len, ids));
        let attached = match program {
            Some(program) => bpf::attach(&self.socket, &program),
            None => Err(io::Error::from_raw_os_error(libc::E2BIG)),
        };
        attached.map_err(|source| Error::Io {
            operation: "attach",
            object: "the filter to the packet socket".to_owned(),
            source,
        })
    }

    /// Takes one probe, from its IP header on, or `None` when there is none now. `now` is its time
    /// if the kernel gave none. Never blocks.
    pub fn take<'b>(&mut self, buf: &'b mut [u8], now: Timestamp) -> io::Result<Option<Frame<'b>>> {
        let flags = MSG_DONTWAIT | MSG_TRUNC;
        let got = match recvmsg(&self.socket, buf, &mut self.scratch, flags) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            // One of the interfaces went down; the socket lives on.
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => return Ok(None),
            Err(error) => return Err(error),
        };
        let link = packet::LinkAddress::parse(self.scratch.name());
        let mut frame = Frame {
            at: now,
            stamp: Stamp::User,
            iface: link.map_or(0, |link| link.interface),
            link: LinkType::Raw,
            dir: link.map_or(Direction::Unknown, |link| link.direction),
            flags: Flags::default(),
            wire_len: u32::try_from(got.len).unwrap_or(u32::MAX),
            bytes: buf.get(..got.len).unwrap_or(buf),
        };
        for item in self.scratch.items() {
            if let Some((at, stamp)) = Stamps::parse(&item).and_then(|stamps| stamps.pick(false)) {
                (frame.at, frame.stamp) = (at, stamp);
            }
            frame.flags.checksum_not_ready |= packet::checksum_not_ready(&item);
        }
        Ok(Some(frame))
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
