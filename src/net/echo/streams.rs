//! The server of kinds with connections: one thread, many clients, bounded in number, memory,
//! silence and age. A client that leaves never ends it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::open::shown;
use super::{Kind, Said, Serving, Voice};
use crate::event::Mono;
use crate::net::traced::{Address, PollFlags, Traced, Tracer, find_option};
use crate::sys::poll::{PollFd, ppoll};

/// Most bytes that wait for a client that does not read.
const WAITING: usize = 64 * 1024;
/// A connection of this age makes room for another when all places are taken.
const OLD: Duration = Duration::from_secs(30);

struct Client {
    socket: Traced,
    peer: Address,
    opened: Mono,
    active: Mono,
    /// Received, and no whole message yet.
    input: Vec<u8>,
    /// Answers that the kernel has not taken yet.
    output: VecDeque<Vec<u8>>,
    waiting: usize,
    /// The peer has closed its side.
    ended: bool,
    received: u64,
    sent: u64,
}

/// The server.
pub struct Streams {
    listener: Traced,
    clients: Vec<Client>,
    serving: Serving,
    tracer: Tracer,
    voice: Voice,
    buffer: Vec<u8>,
    /// Messages answered.
    pub answered: u64,
    /// Connections served.
    pub served: u64,
    /// Connections that were turned away.
    pub refused: u64,
    next_accept: Mono,
    spins: u32,
}

impl Streams {
    pub fn new(mut listener: Traced, serving: Serving, voice: Voice) -> Self {
        listener.set_patience(Some(Duration::ZERO));
        let tracer = listener.tracer().clone();
        Self {
            next_accept: tracer.clock().mono().plus(serving.pause_accept),
            buffer: vec![0; serving.read_size],
            listener,
            clients: Vec::new(),
            serving,
            tracer,
            voice,
            answered: 0,
            served: 0,
            refused: 0,
            spins: 0,
        }
    }

    /// The listening socket.
    pub fn socket(&self) -> &Traced {
        &self.listener
    }

    fn now(&self) -> Mono {
        self.tracer.clock().mono()
    }

    /// The next time at which something has to be done without any input.
    fn deadline(&self) -> Option<Mono> {
        let idle = self.serving.idle;
        let life = self.serving.life;
        let ends = self.clients.iter().flat_map(|client| {
            let idle = idle.map(|span| client.active.plus(span));
            let life = life.map(|span| client.opened.plus(span));
            idle.into_iter().chain(life)
        });
        let accept = (!self.serving.pause_accept.is_zero()).then_some(self.next_accept);
        let accept = accept.filter(|at| *at > self.now());
        ends.chain(accept).min()
    }

    fn may_accept(&self) -> bool {
        let free = !self.serving.serial || self.clients.is_empty();
        let paused = !self.serving.pause_accept.is_zero() && self.now() < self.next_accept;
        self.serving.accepts && free && !paused
    }

    /// Waits once, at most until `until`, and serves what is ready. Tells which of `also` are.
    pub fn turn(
        &mut self,
        also: &[(BorrowedFd<'_>, PollFlags)],
        until: Option<Mono>,
    ) -> io::Result<Vec<bool>> {
        if self.serving.spin {
            self.spins = self.spins.wrapping_add(1);
            if !self.clients.is_empty() && !self.spins.is_multiple_of(64) {
                for at in (0..self.clients.len()).rev() {
                    self.serve(at)?;
                }
                return Ok(vec![false; also.len()]);
            }
        }
        let now = self.now();
        let until = [until, self.deadline()].into_iter().flatten().min();
        let mut left = until.map(|at| at.since(now));
        if self.serving.spin && !self.clients.is_empty() {
            left = Some(Duration::ZERO);
        }
        let accepts = self.may_accept();
        let mut fds: Vec<PollFd<'_>> = also
            .iter()
            .map(|(fd, events)| PollFd::new(*fd, *events))
            .collect();
        let listens = fds.len();
        let mut shown = Vec::new();
        if accepts {
            fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        let first = fds.len();
        for client in &self.clients {
            let mut events = PollFlags::empty();
            if !client.ended && client.waiting < WAITING {
                events |= PollFlags::POLLIN;
            }
            if client.waiting > 0 {
                events |= PollFlags::POLLOUT;
            }
            fds.push(PollFd::new(client.socket.as_fd(), events));
        }
        if self.serving.traced {
            let own = fds.iter().skip(also.len());
            shown.extend(own.map(|fd| {
                use std::os::fd::AsRawFd;
                fd.as_fd().as_raw_fd().to_string()
            }));
            let args = || shown.join(" ");
            let run = || ppoll(&mut fds, left, None);
            self.tracer.other("poll", args, run, ToString::to_string)?;
        } else {
            ppoll(&mut fds, left, None)?;
        }
        let ready: Vec<PollFlags> = fds
            .iter()
            .map(|fd| fd.revents().unwrap_or(PollFlags::empty()))
            .collect();
        drop(fds);
        let told = |at: usize| ready.get(at).copied().unwrap_or(PollFlags::empty());
        // From the back: serving may take a client out.
        for at in (0..self.clients.len()).rev() {
            let events = told(first + at);
            if events.contains(PollFlags::POLLOUT) {
                self.flush(at);
            }
            if events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
                self.serve(at)?;
            }
        }
        if accepts && !told(listens).is_empty() {
            self.accept();
        }
        self.expire();
        Ok((0..also.len()).map(|at| !told(at).is_empty()).collect())
    }

    /// Whether one call alone can do the waiting, as the tutorial's loop does.
    pub fn can_block(&self) -> bool {
        let one = self.clients.is_empty() && self.may_accept();
        let serial = self.serving.serial && self.clients.len() == 1;
        let writes = self
            .clients
            .first()
            .is_some_and(|client| client.waiting > 0);
        self.serving.traced && !self.serving.spin && !writes && (one || serial)
    }

    /// Waits in accept(2) or recv(2) itself. `false`: interrupted.
    pub fn block(&mut self, until: Option<Mono>) -> io::Result<bool> {
        let now = self.now();
        let until = [until, self.deadline()].into_iter().flatten().min();
        let left = until.map(|at| at.since(now));
        let interrupted = if self.clients.is_empty() {
            self.listener.set_patience(left);
            let interrupted = self.accept();
            self.listener.set_patience(Some(Duration::ZERO));
            interrupted
        } else {
            if let Some(client) = self.clients.first_mut() {
                client.socket.set_patience(left);
            }
            let interrupted = self.serve(0)?;
            if let Some(client) = self.clients.first_mut() {
                client.socket.set_patience(Some(Duration::ZERO));
            }
            interrupted
        };
        self.expire();
        Ok(!interrupted)
    }

    /// Takes one connection. `true`: interrupted while waiting.
    fn accept(&mut self) -> bool {
        let (mut socket, peer) = match self.listener.accept() {
            Ok(accepted) => accepted,
            // The peer may be gone again, or descriptors short: the server goes on (accept(2)).
            Err(error) => {
                let again = error.kind() == io::ErrorKind::WouldBlock;
                let interrupted = error.kind() == io::ErrorKind::Interrupted;
                if !again && !interrupted {
                    let text = format!("cannot accept a connection: {error}");
                    self.voice.say(Said::Note(&text));
                }
                return interrupted;
            }
        };
        self.next_accept = self.now().plus(self.serving.pause_accept);
        if self.clients.len() >= self.serving.max_connections && !self.make_room() {
            self.refused += 1;
            if self.serving.kind == Kind::Tcp
                && let Some(linger) = find_option("SO_LINGER")
            {
                // A reset tells the peer at once.
                let _ = socket.setsockopt(linger, "0");
            }
            let most = self.serving.max_connections;
            let peer = shown(self.serving.kind, &peer);
            let text = format!("{peer} turned away: {most} connections are open (--max-conn)");
            self.voice.say(Said::Note(&text));
            return false;
        }
        self.served += 1;
        socket.set_patience(Some(Duration::ZERO));
        let local = socket.getsockname().unwrap_or(Address::Unnamed);
        self.voice.say(Said::Connected {
            local: &local,
            peer: &peer,
        });
        self.voice.say(Said::Step("loop"));
        let now = self.now();
        self.clients.push(Client {
            socket,
            peer,
            opened: now,
            active: now,
            input: Vec::new(),
            output: VecDeque::new(),
            waiting: 0,
            ended: false,
            received: 0,
            sent: 0,
        });
        false
    }

    /// Closes the slowest of the old connections for a new one: a place can not be held for ever
    /// by a byte now and then.
    fn make_room(&mut self) -> bool {
        let now = self.now();
        let old = self.clients.iter().enumerate();
        let old = old.filter(|(_, client)| now.since(client.opened) >= OLD);
        let slowest = old
            .min_by_key(|(_, client)| client.received)
            .map(|(at, _)| at);
        let Some(at) = slowest else {
            return false;
        };
        self.close(at, "made room for another: it was the slowest");
        true
    }

    /// Receives once. `true`: interrupted while waiting.
    fn serve(&mut self, at: usize) -> io::Result<bool> {
        if !self.serving.slow.is_zero() {
            self.tracer.pause(self.serving.slow)?;
        }
        let Some(client) = self.clients.get_mut(at) else {
            return Ok(false);
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let got = client.socket.recv(&mut buffer, 0);
        let interrupted = match got {
            Ok(0) if !is_empty_message(self.serving.kind, &client.socket) => {
                client.ended = true;
                if client.output.is_empty() {
                    self.close(at, "the client has closed");
                }
                false
            }
            Ok(len) => {
                client.active = self.tracer.clock().mono();
                client.received += len as u64;
                self.answer(at, buffer.get(..len).unwrap_or_default());
                false
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => false,
                io::ErrorKind::Interrupted => true,
                _ => {
                    self.close(at, &error.to_string());
                    false
                }
            },
        };
        self.buffer = buffer;
        Ok(interrupted)
    }

    fn answer(&mut self, at: usize, bytes: &[u8]) {
        let framing = self.serving.framing;
        if framing == super::Framing::None {
            self.message(at, bytes);
            return;
        }
        if let Some(client) = self.clients.get_mut(at) {
            client.input.extend(bytes);
        }
        loop {
            let Some(client) = self.clients.get_mut(at) else {
                return;
            };
            match framing.take(&mut client.input) {
                Ok(Some(message)) => self.message(at, &message),
                Ok(None) => return,
                Err(why) => {
                    self.close(at, &why);
                    return;
                }
            }
        }
    }

    fn message(&mut self, at: usize, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(at) else {
            return;
        };
        self.voice.say(Said::Message {
            from: &client.peer,
            bytes,
            full: bytes.len(),
            after: None,
        });
        self.answered += 1;
        let answer = self.serving.reply.as_deref().unwrap_or(bytes);
        let mut wrapped = Vec::with_capacity(answer.len() + 4);
        self.serving.framing.wrap(answer, &mut wrapped);
        client.waiting += wrapped.len();
        client.output.push_back(wrapped);
        self.flush(at);
    }

    /// Sends what waits, as much as the kernel takes.
    fn flush(&mut self, at: usize) {
        let Some(client) = self.clients.get_mut(at) else {
            return;
        };
        while let Some(first) = client.output.front_mut() {
            match client.socket.send(first) {
                Ok(sent) => {
                    client.sent += sent as u64;
                    client.waiting = client.waiting.saturating_sub(sent);
                    first.drain(..sent.min(first.len()));
                    if first.is_empty() {
                        client.output.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
                Err(error) => {
                    let why = error.to_string();
                    self.close(at, &why);
                    return;
                }
            }
        }
        if client.ended {
            self.close(at, "the client has closed");
        }
    }

    /// Closes what is silent or old.
    fn expire(&mut self) {
        let now = self.now();
        for at in (0..self.clients.len()).rev() {
            let Some(client) = self.clients.get(at) else {
                continue;
            };
            let silent = now.since(client.active);
            let age = now.since(client.opened);
            if self.serving.idle.is_some_and(|most| silent >= most) {
                let why = format!("nothing came for {} s (--idle)", silent.as_secs());
                self.close(at, &why);
            } else if self.serving.life.is_some_and(|most| age >= most) {
                let why = format!("{} s old (--life)", age.as_secs());
                self.close(at, &why);
            }
        }
    }

    fn close(&mut self, at: usize, why: &str) {
        if at >= self.clients.len() {
            return;
        }
        let client = self.clients.swap_remove(at);
        self.voice.say(Said::Closed {
            peer: &client.peer,
            why,
            received: client.received,
            sent: client.sent,
        });
        client.socket.close();
    }

    /// Closes everything.
    pub fn finish(mut self) {
        while !self.clients.is_empty() {
            self.close(0, "the server ends");
        }
        self.listener.close();
    }
}

/// Whether a receive of 0 bytes was an empty message: unix-seqpacket has those, and only a peer
/// that is still there sends them.
pub(super) fn is_empty_message(kind: Kind, socket: &Traced) -> bool {
    if kind != Kind::UnixSeqpacket {
        return false;
    }
    // nix knows neither the flag nor, then, the answer: anything but "nothing" is a hangup.
    let hangup = PollFlags::from_bits_retain(libc::POLLRDHUP);
    let mut fds = [PollFd::new(socket.as_fd(), hangup)];
    let polled = ppoll(&mut fds, Some(Duration::ZERO), None);
    let [fd] = fds;
    polled.is_ok() && fd.revents() == Some(PollFlags::empty())
}
