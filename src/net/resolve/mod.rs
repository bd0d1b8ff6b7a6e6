//! Addresses of a target: read from it, or asked for by a child that has given up everything.
//!
//! The C library's name service opens files and sockets, loads modules and may block for half a
//! minute, none of which a run may do. So the child is forked before anything else happens, and
//! talks to us over a socket; we wait with poll(2) and never longer than we want.

mod child;
mod message;
mod names;
mod numeric;

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use socket2::{Domain, Socket, Type};

pub use message::{Address, Family, MAX_ADDRESSES};
pub use names::Names;
pub use numeric::{Numeric, parse_numeric};

use self::message::{ANSWER, Answer, MAX_NAME, Question};
use crate::error::{Error, NameError};
use crate::lab::Names as Lab;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::sys::process::{Pid, fork_with};
use crate::view::escape::escape;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order to try them (RFC 6724), at least one, at most [`MAX_ADDRESSES`].
    pub addresses: Vec<Address>,
    /// The canonical name, as bytes of the name service: escape before showing.
    pub canonical: Option<Vec<u8>>,
}

/// The resolver process. It ends when this value is dropped, or with us.
#[derive(Debug)]
pub struct Resolver {
    socket: Socket,
    child: Pid,
    asked: u32,
}

impl Resolver {
    /// Starts the process. Call it with one thread, before the first socket is opened.
    pub fn start() -> Result<Self, Error> {
        let failed = |source| Error::Io {
            operation: "start",
            object: "the resolver process".into(),
            source,
        };
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let child = fork_with(|| child::live(&theirs)).map_err(failed)?;
        Ok(Self {
            socket: ours,
            child,
            asked: 0,
        })
    }

    /// The addresses of a name; `None` if `stop` (a signalfd) became readable first.
    ///
    /// Waits no longer than `limit`.
    pub fn addresses(
        &mut self,
        name: &OsStr,
        family: Family,
        limit: Duration,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<Option<Found>, Error> {
        self.look_up(name.as_bytes(), family, limit, stop)
            .map_err(|cause| Error::Resolve {
                name: escape(name.as_bytes()).into_owned(),
                cause,
            })
    }

    fn look_up(
        &mut self,
        name: &[u8],
        family: Family,
        limit: Duration,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<Option<Found>, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > MAX_NAME {
            return Err(NameError::TooLong(name.len()));
        }
        if let Some(found) = in_lab(name, family) {
            return found.map(Some);
        }
        let question = Question::Addresses(family, name.to_owned());
        let id = self.ask(&question).ok_or(NameError::ResolverEnded)?;
        let clock = Clock::start();
        loop {
            while let Some((of, answer)) = self.receive()? {
                if of == id {
                    return found(answer, family).map(Some);
                }
            }
            let left = limit.saturating_sub(clock.mono().0);
            if left.is_zero() {
                return Err(NameError::NoAnswer {
                    within: Some(limit),
                });
            }
            let mut fds = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            fds.extend(stop.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            ppoll(&mut fds, Some(left), None).map_err(|e| NameError::Failed(e.to_string()))?;
            if fds.get(1).and_then(PollFd::any) == Some(true) {
                return Ok(None);
            }
        }
    }

    /// Sends a question without waiting; `None` if the process is gone or too busy to take it.
    fn ask(&mut self, question: &Question) -> Option<u32> {
        self.asked = self.asked.wrapping_add(1);
        let message = question.encode(self.asked);
        let sent = (&self.socket).write(&message).ok()?;
        (sent == message.len()).then_some(self.asked)
    }

    /// Takes one answer that has come, with the id of its question. Never waits.
    fn receive(&mut self) -> Result<Option<(u32, Answer)>, NameError> {
        let mut message = [0; ANSWER];
        match (&self.socket).read(&mut message) {
            Ok(len) => message
                .get(..len)
                .and_then(Answer::decode)
                .map(Some)
                .ok_or(NameError::ResolverEnded),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(_) => Err(NameError::ResolverEnded),
        }
    }
}

impl AsFd for Resolver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How long an ending resolver process may keep us.
const PATIENCE: Duration = Duration::from_millis(20);

impl Drop for Resolver {
    fn drop(&mut self) {
        // It wakes up by this even inside a library call, see `sys::process::end_with_peer`.
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
        let mut ended = [PollFd::new(self.socket.as_fd(), PollFlags::POLLHUP)];
        let _ = ppoll(&mut ended, Some(PATIENCE), None);
        // It has closed its end, so it is a zombie by now or within the microsecond.
        let flags = if ended[0].any() == Some(true) {
            None
        } else {
            Some(WaitPidFlag::WNOHANG)
        };
        let _ = waitpid(self.child, flags);
    }
}

/// A host of the lab that this process runs in; `None` if it is none.
pub fn in_lab(name: &[u8], family: Family) -> Option<Result<Found, NameError>> {
    let names = Lab::here();
    let addresses = names.addresses(str::from_utf8(name).ok()?)?;
    let fits = |ip: &&IpAddr| match family {
        Family::Any => true,
        Family::V4 => ip.is_ipv4(),
        Family::V6 => ip.is_ipv6(),
    };
    let address = |ip: &IpAddr| Address { ip: *ip, scope: 0 };
    let addresses: Vec<Address> = addresses.iter().filter(fits).map(address).collect();
    if addresses.is_empty() {
        return Some(Err(no_address(family)));
    }
    Some(Ok(Found {
        addresses,
        canonical: None,
    }))
}

/// What an answer says about a name.
fn found(answer: Answer, family: Family) -> Result<Found, NameError> {
    match answer {
        Answer::Addresses(addresses, canonical) if !addresses.is_empty() => Ok(Found {
            addresses,
            canonical,
        }),
        Answer::Addresses(..) => Err(no_address(family)),
        Answer::Name(_) => Err(NameError::ResolverEnded),
        Answer::Refused { code, errno } => Err(refused(code, errno, family)),
    }
}

fn no_address(family: Family) -> NameError {
    NameError::NoAddress {
        family: match family {
            Family::Any => None,
            Family::V4 => Some("IPv4"),
            Family::V6 => Some("IPv6"),
        },
    }
}

/// The words for an `EAI_*` code (getaddrinfo(3)).
fn refused(code: i32, errno: i32, family: Family) -> NameError {
    // GNU's netdb.h; libc 0.2 does not have it.
    const EAI_ADDRFAMILY: i32 = -9;
    match code {
        libc::EAI_NONAME => NameError::NotKnown,
        libc::EAI_NODATA | EAI_ADDRFAMILY => no_address(family),
        libc::EAI_AGAIN => NameError::NoAnswer { within: None },
        libc::EAI_FAIL => NameError::Failed("the name server refused to answer".into()),
        libc::EAI_MEMORY => NameError::Failed("out of memory".into()),
        libc::EAI_SYSTEM => NameError::Failed(std::io::Error::from_raw_os_error(errno).to_string()),
        code => NameError::Failed(format!("the name service failed (EAI code {code})")),
    }
}
