//! Making connections: `connect`, `connect_ex`, `accept`.

use std::io;
use std::os::fd::AsFd;

use socket2::SockAddr;

use super::{Address, PollFlags, Traced, Waited};

impl Traced {
    /// `connect(2)`; on a socket with messages it only sets whom they go to.
    pub fn connect(&self, address: &Address) -> io::Result<()> {
        let run = || self.connect_now(address);
        self.trace("connect", || self.show(address), run, super::zero)
    }

    /// `connect_ex()`: the errno as a number, 0 for success.
    pub fn connect_ex(&self, address: &Address) -> i32 {
        let run = || {
            let error = self.connect_now(address).err();
            Ok(error.map_or(0, |error| error.raw_os_error().unwrap_or(libc::EINVAL)))
        };
        let told = self.trace(
            "connect_ex",
            || self.show(address),
            run,
            ToString::to_string,
        );
        told.unwrap_or_default()
    }

    fn connect_now(&self, address: &Address) -> io::Result<()> {
        let address = address.to_sock_addr()?;
        let begun = self.socket.connect(&address);
        // EAGAIN: the queue of a unix listener is full, and nothing was begun (unix(7)).
        let full = io::ErrorKind::WouldBlock;
        match begun {
            Err(error)
                if error.raw_os_error() == Some(libc::EINPROGRESS) && !self.is_nonblocking() =>
            {
                self.finish_connect(&address)
            }
            Err(error) if error.kind() == full && !self.kernel_waits && !self.is_nonblocking() => {
                self.patiently(PollFlags::POLLOUT, false, || self.socket.connect(&address))
            }
            done => done,
        }
    }

    /// Waits until the handshake is over, and asks how it ended. By a second connect(2), which
    /// gives 0 or the error; SO_ERROR would leave the socket "connecting", and the user's own
    /// second connect would succeed in place of EISCONN (net/ipv4/af_inet.c
    /// __inet_stream_connect).
    fn finish_connect(&self, address: &SockAddr) -> io::Result<()> {
        let deadline = self.deadline();
        let fd = self.socket.as_fd();
        match self.tracer.wait(fd, PollFlags::POLLOUT, deadline)? {
            Waited::Ready => self.socket.connect(address),
            Waited::TimedOut => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
            Waited::Interrupted => Err(io::Error::from_raw_os_error(libc::EINTR)),
        }
    }

    /// `accept(2)`: a new socket for the connection that has waited longest, and its peer.
    pub fn accept(&self) -> io::Result<(Self, Address)> {
        let at = self.tracer.begin();
        let result = self.patiently(PollFlags::POLLIN, true, || {
            let (socket, peer) = self.socket.accept_raw()?;
            // Linux does not pass the listener's flags on (accept(2)).
            socket.set_nonblocking(true)?;
            let socket = Self::over(socket, self.domain, self.kind, &self.tracer);
            Ok((socket, Address::from_sock_addr(&peer)))
        });
        let value = |(socket, peer): &(Self, Address)| {
            let fd = std::os::fd::AsRawFd::as_raw_fd(&socket.socket);
            format!("{fd}, peer {}", self.show(peer))
        };
        self.report(at, "accept", String::new, &result, value, 0);
        result
    }
}
