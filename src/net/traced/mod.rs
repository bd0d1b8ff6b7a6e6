//! Sockets whose every call becomes an [`event::Call`](crate::event::Call): what was asked, what
//! came back, how long it took. The methods are Python's, by their names.
//!
//! The descriptor itself is always non-blocking. Waiting is done in poll(2), as Python does it
//! under `settimeout`, so that a timeout works for every call and a signal ends any wait. Only
//! [`Traced::kernel_timeout`] makes the kernel wait (`SO_RCVTIMEO`, socket(7)).
//!
//! Without a sink nothing is formatted and no clock is read.

mod address;
mod connect;
mod data;
mod file;
mod names;
mod option_table;
mod options;
mod tcp_info;
mod tracer;
mod wait;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

pub use address::Address;
pub use data::{Received, SpinCount};
pub use file::File;
pub use names::{domain, domain_name, kind, kind_name, protocol_name};
pub use option_table::{OPTIONS, SocketOption, ValueKind, find as find_option};
pub use options::Value;
pub use tcp_info::TcpInfo;
use tracer::outcome;
pub use tracer::{Calls, Sink, Tracer};
pub use wait::{Poll, PollFlags, Wait, Waited};

use socket2::{Domain, Protocol, Socket, Type};

use crate::event::{Call, Mono, Outcome};
use crate::sys::cmsg::Scratch;

/// A socket that reports what it does.
pub struct Traced {
    socket: Socket,
    tracer: Tracer,
    domain: Domain,
    kind: Type,
    timeout: Option<Duration>,
    /// The kernel waits, not we.
    kernel_waits: bool,
    scratch: Box<Scratch>,
}

impl Traced {
    /// `socket(2)`. `protocol` 0: the kernel chooses.
    pub fn socket(domain: Domain, kind: Type, protocol: i32, tracer: &Tracer) -> io::Result<Self> {
        let at = tracer.begin();
        let result = Socket::new(domain, kind.nonblocking(), Some(Protocol::from(protocol)));
        tracer.end(at, |blocked| Call {
            method: "socket",
            fd: None,
            args: format!(
                "{}, {}, {}",
                domain_name(domain.into()),
                kind_name(kind.into()),
                protocol_argument(domain.into(), protocol)
            ),
            outcome: outcome(&result, |socket| socket.as_raw_fd().to_string()),
            blocked,
            bytes: 0,
        });
        Ok(Self::over(result?, domain, kind, tracer))
    }

    /// Two unix sockets that are connected with each other (`socketpair(2)`).
    pub fn pair(kind: Type, tracer: &Tracer) -> io::Result<(Self, Self)> {
        let at = tracer.begin();
        let result = Socket::pair(Domain::UNIX, kind.nonblocking(), None);
        tracer.end(at, |blocked| Call {
            method: "socketpair",
            fd: None,
            args: format!("AF_UNIX, {}, 0", kind_name(kind.into())),
            outcome: outcome(&result, |(one, other)| {
                format!("{}, {}", one.as_raw_fd(), other.as_raw_fd())
            }),
            blocked,
            bytes: 0,
        });
        let (one, other) = result?;
        Ok((
            Self::over(one, Domain::UNIX, kind, tracer),
            Self::over(other, Domain::UNIX, kind, tracer),
        ))
    }

    /// A socket that is open already and non-blocking.
    fn over(socket: Socket, domain: Domain, kind: Type, tracer: &Tracer) -> Self {
        Self {
            socket,
            tracer: tracer.clone(),
            domain,
            kind,
            timeout: None,
            kernel_waits: false,
            scratch: Box::default(),
        }
    }

    /// Makes a call and reports it.
    fn trace<T>(
        &self,
        method: &'static str,
        args: impl FnOnce() -> String,
        run: impl FnOnce() -> io::Result<T>,
        value: impl FnOnce(&T) -> String,
    ) -> io::Result<T> {
        let at = self.tracer.begin();
        let result = run();
        self.report(at, method, args, &result, value, 0);
        result
    }

    /// Reports a call that has ended.
    fn report<T>(
        &self,
        at: Mono,
        method: &'static str,
        args: impl FnOnce() -> String,
        result: &io::Result<T>,
        value: impl FnOnce(&T) -> String,
        bytes: usize,
    ) {
        self.tracer.end(at, |blocked| Call {
            method,
            fd: Some(self.socket.as_raw_fd()),
            args: args(),
            outcome: outcome(result, value),
            blocked,
            bytes,
        });
        if self.tracer.tcp_info && self.kind == Type::STREAM && self.domain != Domain::UNIX {
            self.tracer.note(|| match self.tcp_info() {
                Ok(info) => info.to_string(),
                Err(error) => error.to_string(),
            });
        }
    }

    /// `bind(2)`.
    pub fn bind(&self, address: &Address) -> io::Result<()> {
        let run = || self.socket.bind(&address.to_sock_addr()?);
        self.trace("bind", || self.show(address), run, zero)
    }

    /// `listen(2)`.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        let run = || self.socket.listen(backlog);
        self.trace("listen", || backlog.to_string(), run, zero)
    }

    /// `getpeername(2)`.
    pub fn getpeername(&self) -> io::Result<Address> {
        let run = || Ok(Address::from_sock_addr(&self.socket.peer_addr()?));
        self.trace("getpeername", String::new, run, |address| {
            self.show(address)
        })
    }

    /// `getsockname(2)`.
    pub fn getsockname(&self) -> io::Result<Address> {
        let run = || Ok(Address::from_sock_addr(&self.socket.local_addr()?));
        self.trace("getsockname", String::new, run, |address| {
            self.show(address)
        })
    }

    /// `shutdown(2)`.
    pub fn shutdown(&self, how: std::net::Shutdown) -> io::Result<()> {
        let name = || {
            let name = match how {
                std::net::Shutdown::Read => "SHUT_RD",
                std::net::Shutdown::Write => "SHUT_WR",
                std::net::Shutdown::Both => "SHUT_RDWR",
            };
            name.to_owned()
        };
        self.trace("shutdown", name, || self.socket.shutdown(how), zero)
    }

    /// `close(2)`. Dropping the socket closes it without a report.
    pub fn close(self) {
        let Self { socket, tracer, .. } = self;
        let fd = socket.as_raw_fd();
        let at = tracer.begin();
        drop(socket);
        // close(2) of a socket has an error to tell only about SO_LINGER with a time, and std does
        // not pass it on.
        tracer.end(at, |blocked| Call {
            method: "close",
            fd: Some(fd),
            args: String::new(),
            outcome: Outcome::Value("0".into()),
            blocked,
            bytes: 0,
        });
    }

    /// `fileno()`: the number of the descriptor.
    pub fn fileno(&self) -> i32 {
        let fd = self.socket.as_raw_fd();
        let _ = self.trace("fileno", String::new, || Ok(fd), ToString::to_string);
        fd
    }

    /// `settimeout()`: `None` waits for ever, zero never waits.
    pub fn settimeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
        let _ = self.trace(
            "settimeout",
            || seconds(timeout),
            || Ok(()),
            |()| "None".into(),
        );
    }

    /// [`Traced::settimeout`] without a report: for programs whose loop waits in poll(2) itself.
    pub fn set_patience(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// `gettimeout()`.
    pub fn gettimeout(&self) -> Option<Duration> {
        let run = || Ok(self.timeout);
        let _ = self.trace("gettimeout", String::new, run, |timeout| seconds(*timeout));
        self.timeout
    }

    /// `setblocking()`: `false` is `settimeout(0)`, `true` is `settimeout(None)`.
    pub fn setblocking(&mut self, blocking: bool) {
        self.timeout = (!blocking).then_some(Duration::ZERO);
        let word = || if blocking { "True" } else { "False" }.to_owned();
        let _ = self.trace("setblocking", word, || Ok(()), |()| "None".into());
    }

    /// Lets the kernel wait, at most so long for each call (`SO_RCVTIMEO`, `SO_SNDTIMEO`,
    /// socket(7)); connect(2) too. No signal ends such a wait; `None` gives the waiting back to us.
    pub fn kernel_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.kernel_waits = timeout.is_some();
        self.socket.set_nonblocking(timeout.is_none())?;
        let args = |name| move || format!("{name}, {}", seconds(timeout));
        let receive = || self.socket.set_read_timeout(timeout);
        self.trace("setsockopt", args("SO_RCVTIMEO"), receive, zero)?;
        let send = || self.socket.set_write_timeout(timeout);
        self.trace("setsockopt", args("SO_SNDTIMEO"), send, zero)
    }

    /// `AF_INET` and its like.
    pub fn family(&self) -> Domain {
        self.domain
    }

    /// `SOCK_STREAM` and its like.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// The tracer of this socket.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Until when a call that begins now may wait.
    fn deadline(&self) -> Option<Mono> {
        self.timeout
            .map(|span| self.tracer.clock().mono().plus(span))
    }

    /// Never waits.
    fn is_nonblocking(&self) -> bool {
        self.timeout == Some(Duration::ZERO)
    }

    /// An address as this socket sees it: a raw one has no ports.
    fn show(&self, address: &Address) -> String {
        match address {
            Address::Inet(inet) if self.kind == Type::RAW => inet.ip().to_string(),
            _ => address.to_string(),
        }
    }

    /// Tries, and as long as the kernel says EAGAIN waits and tries again: what a blocking call is.
    fn patiently<T>(
        &self,
        events: PollFlags,
        wait_first: bool,
        mut attempt: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        if self.kernel_waits || self.is_nonblocking() {
            return attempt();
        }
        let deadline = self.deadline();
        let mut first = wait_first && !self.tracer.spin;
        let mut spins = 0_u32;
        loop {
            if !first {
                match attempt() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
            }
            first = false;
            spins = spins.wrapping_add(1);
            if self.tracer.spin && !spins.is_multiple_of(SPINS_BETWEEN_WAITS) {
                std::hint::spin_loop();
                continue;
            }
            let until = if self.tracer.spin {
                // Looks at the interruption only; poll(2) with the past as deadline never waits.
                Some(Mono::default())
            } else {
                deadline
            };
            match self.tracer.wait(self.socket.as_fd(), events, until)? {
                Waited::Ready => {}
                Waited::Interrupted => return Err(io::Error::from_raw_os_error(libc::EINTR)),
                Waited::TimedOut => {
                    if deadline.is_some_and(|at| self.tracer.clock().mono() >= at) {
                        return Err(io::Error::from_raw_os_error(libc::EAGAIN));
                    }
                }
            }
        }
    }
}

/// Attempts of a spinning call between two looks at signals and the clock: about every 100 us.
const SPINS_BETWEEN_WAITS: u32 = 256;

impl AsFd for Traced {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The result of a call that gives nothing but success.
fn zero<T>(_: &T) -> String {
    "0".to_owned()
}

/// A number of seconds as Python prints it.
fn seconds(timeout: Option<Duration>) -> String {
    timeout.map_or_else(|| "None".to_owned(), |span| decimal(span.as_secs_f64()))
}

/// A number with at least one decimal.
fn decimal(number: f64) -> String {
    format!("{number:?}")
}

fn protocol_argument(domain: i32, protocol: i32) -> impl Display {
    match protocol_name(domain, protocol) {
        Some(name) if protocol != 0 => name.to_owned(),
        _ => protocol.to_string(),
    }
}
