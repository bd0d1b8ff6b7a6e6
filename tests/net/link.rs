//! A packet socket on one link of a host: whole Ethernet frames in and out. No decoding here.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvfrom, send,
    socket,
};
use rawsock::lab::Host;

/// An AF_PACKET socket bound to a link. Never blocks.
pub struct FrameSocket(OwnedFd);

impl FrameSocket {
    pub fn open(host: &Host, link: &str) -> Result<Self, Failed> {
        Ok(Self(host.run(|| open(link))??))
    }

    /// The next frame, and whether this host sent it. `None`: nothing there now.
    pub fn receive<'b>(&self, buf: &'b mut [u8]) -> io::Result<Option<(&'b [u8], bool)>> {
        match recvfrom::<LinkAddr>(self.0.as_raw_fd(), buf) {
            Ok((len, from)) => {
                let outgoing = from.is_some_and(|from| from.pkttype() == libc::PACKET_OUTGOING);
                Ok(Some((&buf[..len], outgoing)))
            }
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENETDOWN) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Sends a frame, waiting for room in the send buffer. A link that is down loses it.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        for _ in 0..1000 {
            match send(self.0.as_raw_fd(), frame, MsgFlags::empty()) {
                Ok(_) | Err(Errno::ENETDOWN) => return Ok(()),
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => {
                    let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
                    poll(&mut fds, PollTimeout::from(10_u8))?;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl AsFd for FrameSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Runs inside the host.
fn open(link: &str) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(
        AddressFamily::Packet,
        SockType::Raw,
        flags,
        SockProtocol::EthAll,
    )?;
    // The link's own address has protocol 0, which keeps the socket's (packet(7)).
    let address = getifaddrs()?
        .filter(|item| item.interface_name == link)
        .find_map(|item| item.address?.as_link_addr().copied());
    let address = address.ok_or(io::ErrorKind::NotFound)?;
    bind(fd.as_raw_fd(), &address)?;
    Ok(fd)
}

/// Waits until one of the descriptors can be read; at most `limit`.
pub fn wait_readable(fds: &[BorrowedFd<'_>], limit: std::time::Duration) -> io::Result<()> {
    let mut fds: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(*fd, PollFlags::POLLIN))
        .collect();
    // Rounded up, or the last millisecond would spin.
    let millis = u16::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
    match poll(&mut fds, PollTimeout::from(millis)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
