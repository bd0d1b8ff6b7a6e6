//! The server of kinds without connections: one socket for all peers. Also for raw sockets, which
//! have no ports, and for ICMP.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::guard::{Guard, Refusal, allowed_answer};
use super::open::shown;
use super::packet::{OwnCopies, open, wrap};
use super::{Kind, Said, Serving, Voice};
use crate::event::Mono;
use crate::net::traced::{Address, PollFlags, Traced, Tracer};
use crate::sys::poll::{PollFd, ppoll};

/// Messages that are taken between two looks at everything else.
const BATCH: usize = 64;

/// The server.
pub struct Datagrams {
    socket: Traced,
    serving: Serving,
    own: Address,
    tracer: Tracer,
    voice: Voice,
    guard: Guard,
    copies: OwnCopies,
    local: Vec<IpAddr>,
    buffer: Vec<u8>,
    /// Messages answered.
    pub answered: u64,
    /// Messages that came.
    pub received: u64,
    not_answered: BTreeMap<&'static str, u64>,
    spins: u32,
}

impl Datagrams {
    /// `local`: the addresses of this host.
    pub fn new(
        mut socket: Traced,
        own: Address,
        serving: Serving,
        voice: Voice,
        local: Vec<IpAddr>,
    ) -> Self {
        socket.set_patience(Some(Duration::ZERO));
        let tracer = socket.tracer().clone();
        let ports = serving.kind.has_ports() || serving.kind.is_unix();
        let itself = ports.then(|| own.clone());
        // A raw IPv4 socket gets the header too.
        let room = match serving.kind {
            Kind::Raw | Kind::Icmp => serving.read_size.saturating_add(68),
            _ => serving.read_size,
        };
        Self {
            guard: Guard::new(serving.max_rate, itself, tracer.clock().mono()),
            buffer: vec![0; room],
            socket,
            serving,
            own,
            tracer,
            voice,
            copies: OwnCopies::default(),
            local,
            answered: 0,
            received: 0,
            not_answered: BTreeMap::new(),
            spins: 0,
        }
    }

    /// The socket.
    pub fn socket(&self) -> &Traced {
        &self.socket
    }

    /// Waits once, at most until `until`, and answers what is there. Tells which of `also` are
    /// ready.
    pub fn turn(
        &mut self,
        also: &[(BorrowedFd<'_>, PollFlags)],
        until: Option<Mono>,
    ) -> io::Result<Vec<bool>> {
        let mut left = until.map(|at| at.since(self.tracer.clock().mono()));
        if self.serving.spin {
            self.spins = self.spins.wrapping_add(1);
            if !self.spins.is_multiple_of(64) {
                self.batch()?;
                return Ok(vec![false; also.len()]);
            }
            left = Some(Duration::ZERO);
        }
        let mut fds: Vec<PollFd<'_>> = also
            .iter()
            .map(|(fd, events)| PollFd::new(*fd, *events))
            .collect();
        fds.push(PollFd::new(self.socket.as_fd(), PollFlags::POLLIN));
        ppoll(&mut fds, left, None)?;
        let ready: Vec<bool> = fds
            .iter()
            .map(|fd| fd.revents().is_some_and(|events| !events.is_empty()))
            .collect();
        drop(fds);
        if ready.last() == Some(&true) {
            self.batch()?;
        }
        Ok(ready.into_iter().take(also.len()).collect())
    }

    /// Waits in the receive itself. `false`: interrupted.
    pub fn block(&mut self, until: Option<Mono>) -> io::Result<bool> {
        let left = until.map(|at| at.since(self.tracer.clock().mono()));
        self.socket.set_patience(left);
        let got = self.one();
        self.socket.set_patience(Some(Duration::ZERO));
        match got {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn batch(&mut self) -> io::Result<()> {
        // In a trace, the refusal behind each message would only be noise.
        let most = if self.tracer.is_on() { 1 } else { BATCH };
        for _ in 0..most {
            if self.serving.count.is_some_and(|most| self.answered >= most) || !self.one()? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes and answers one message. `false`: there is none.
    fn one(&mut self) -> io::Result<bool> {
        if !self.serving.slow.is_zero() {
            self.tracer.pause(self.serving.slow)?;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let got = self.socket.recvfrom(&mut buffer, 0);
        let done = match got {
            Ok(got) => {
                let from = got.from.unwrap_or(Address::Unnamed);
                let bytes = buffer.get(..got.len).unwrap_or_default();
                self.packet(&from, bytes, got.full);
                Ok(true)
            }
            Err(error) => match (error.kind(), error.raw_os_error()) {
                (io::ErrorKind::WouldBlock, _) => Ok(false),
                (io::ErrorKind::Interrupted, _) => Err(error),
                // An ICMP error about an answer of ours: the server goes on.
                (_, Some(libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH)) => Ok(true),
                _ => Err(error),
            },
        };
        self.buffer = buffer;
        done
    }

    fn packet(&mut self, from: &Address, bytes: &[u8], full: usize) {
        let kind = self.serving.kind;
        let v6 = from.ip().is_some_and(|ip| ip.is_ipv6());
        let Some(opened) = open(kind, v6, false, bytes) else {
            return;
        };
        let cut = full.saturating_sub(bytes.len());
        let (message, echo) = (opened.message, opened.echo);
        if kind == Kind::Raw && self.copies.is_own(from.ip(), message) {
            return;
        }
        self.received += 1;
        self.voice.say(Said::Step("recvfrom"));
        self.voice.say(Said::Message {
            from,
            bytes: message,
            full: message.len() + cut,
            after: None,
        });
        self.voice.say(Said::Step("print"));
        let now = self.tracer.clock().mono();
        if let Err(refusal) = self.guard.judge(now, from, message) {
            self.refuse(from, refusal);
            return;
        }
        if matches!(from, Address::Unnamed | Address::Other(_)) {
            let text = "not answered: the sender's socket has no name to send to (bind gives one)";
            self.voice.say(Said::Note(text));
            return;
        }
        let request = message.len();
        let answer = self.serving.reply.as_deref().unwrap_or(message);
        let answer = allowed_answer(from, request, answer).to_vec();
        let packet = wrap(kind, &self.serving.wrap, from, echo, true, &answer);
        match self.socket.sendto(&packet, from) {
            Ok(_) => {
                self.answered += 1;
                let comes_back = from.ip().filter(|ip| {
                    let here = ip.is_loopback() || self.local.contains(ip);
                    let bound = self.own.ip();
                    here && bound.is_none_or(|own| own.is_unspecified() || own == *ip)
                });
                if kind == Kind::Raw && comes_back.is_some() {
                    self.copies.expect(None, &answer);
                }
            }
            Err(error) => {
                let to = shown(kind, from);
                self.voice
                    .say(Said::Note(&format!("cannot answer {to}: {error}")));
            }
        }
    }

    fn refuse(&mut self, from: &Address, refusal: Refusal) {
        let words = refusal.words();
        let count = self.not_answered.entry(words).or_default();
        *count += 1;
        if *count == 1 {
            let from = shown(self.serving.kind, from);
            self.voice
                .say(Said::Note(&format!("{from} not answered: {words}")));
        }
    }

    /// Tells what was lost and refused, and closes.
    pub fn finish(self) {
        for (words, count) in &self.not_answered {
            self.voice
                .say(Said::Note(&format!("{count} not answered: {words}")));
        }
        if let Ok(dropped) = self.socket.dropped()
            && dropped > 0
        {
            let text = format!(
                "{} received, {dropped} lost here: the receive queue was full (SO_RCVBUF)",
                self.received
            );
            self.voice.say(Said::Note(&text));
        }
        self.socket.close();
    }
}
