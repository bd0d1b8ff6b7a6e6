//! The client: sends messages and shows what comes back.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Shutdown};
use std::os::fd::AsFd;
use std::time::Duration;

use super::messages::Next;
use super::open::shown;
use super::packet::{OwnCopies, open, wrap};
use super::streams::is_empty_message;
use super::{Asking, Framing, Kind, Messages, Said, Voice};
use crate::event::Mono;
use crate::net::traced::{Address, PollFlags, Traced, Tracer, Waited};
use crate::view::errno;

/// Messages of others that are passed over while an answer is waited for.
const OTHERS: u32 = 10_000;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every message was sent.
    Done,
    /// A signal came.
    Interrupted,
    /// The peer has closed, or reset, the connection; in words.
    Closed(String),
}

/// What one wait for an answer gave.
enum Got {
    Answer,
    Nothing,
    /// An ICMP error in place of an answer, which has been told.
    Refused,
    End(Ending),
}

/// Makes a new connected socket (`--reconnect`).
pub type Connect<'c> = Box<dyn FnMut() -> io::Result<Traced> + 'c>;

/// The client.
pub struct Client<'c> {
    socket: Option<Traced>,
    again: Option<Connect<'c>>,
    asking: Asking,
    peer: Address,
    tracer: Tracer,
    voice: Voice,
    copies: OwnCopies,
    local: Vec<IpAddr>,
    buffer: Vec<u8>,
    /// Received on a framed stream, no whole message yet.
    input: Vec<u8>,
    /// When the messages that are not answered yet were sent, with their lengths.
    open: VecDeque<(Mono, usize)>,
    /// Messages sent.
    pub sent: u64,
    /// Messages answered; of a stream without borders: receives that gave something.
    pub answered: u64,
    /// Messages whose answer did not come.
    pub missing: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Bytes each way.
    pub bytes_sent: u64,
    /// Bytes each way.
    pub bytes_received: u64,
    /// Sum of the times from message to answer.
    pub waited: Duration,
}

impl<'c> Client<'c> {
    /// Talks to `peer` over an open socket. `local`: the addresses of this host.
    pub fn new(
        socket: Traced,
        again: Option<Connect<'c>>,
        asking: Asking,
        peer: Address,
        voice: Voice,
        local: Vec<IpAddr>,
    ) -> Self {
        let room = match asking.kind {
            Kind::Raw | Kind::Icmp => asking.read_size.saturating_add(68),
            _ => asking.read_size,
        };
        Self {
            tracer: socket.tracer().clone(),
            socket: Some(socket),
            again,
            asking,
            peer,
            voice,
            copies: OwnCopies::default(),
            local,
            buffer: vec![0; room],
            input: Vec::new(),
            open: VecDeque::new(),
            sent: 0,
            answered: 0,
            missing: 0,
            failed: 0,
            bytes_sent: 0,
            bytes_received: 0,
            waited: Duration::ZERO,
        }
    }

    /// Sends all messages and reads the answers; sends none after `until`.
    pub fn run(&mut self, messages: &mut Messages, until: Option<Mono>) -> io::Result<Ending> {
        let ending = self.talk(messages, until);
        let ending = match ending {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ending::Interrupted,
            other => other?,
        };
        let ending = if ending == Ending::Done {
            match self.conclude() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ending::Interrupted,
                other => other?,
            }
        } else {
            ending
        };
        if let Some(socket) = self.socket.take() {
            socket.close();
        }
        Ok(ending)
    }

    fn now(&self) -> Mono {
        self.tracer.clock().mono()
    }

    fn talk(&mut self, messages: &mut Messages, until: Option<Mono>) -> io::Result<Ending> {
        if self.asking.nonblock
            && let Some(socket) = &mut self.socket
        {
            socket.setblocking(false);
        }
        self.voice.say(Said::Step("loop"));
        let mut due = self.now();
        loop {
            if self.voice.is_unheard() {
                return Ok(Ending::Interrupted);
            }
            if until.is_some_and(|at| self.now() >= at) {
                return Ok(Ending::Done);
            }
            if messages.are_lines() {
                self.voice.say(Said::Step("input"));
                self.voice.say(Said::Prompt);
            }
            let message = match messages.next(&self.tracer, until)? {
                Next::Message(message) => message,
                Next::End => return Ok(Ending::Done),
                Next::Interrupted => return Ok(Ending::Interrupted),
            };
            if message.is_empty() && self.asking.ends_on_empty {
                return Ok(Ending::Done);
            }
            if self.sent + self.failed > 0 && !self.asking.interval.is_zero() {
                due = due.plus(self.asking.interval).max(self.now());
                let left = due.since(self.now());
                if self.tracer.pause(left)? == Waited::Interrupted {
                    return Ok(Ending::Interrupted);
                }
            }
            self.renew()?;
            match self.exchange(&message)? {
                Got::Answer | Got::Nothing | Got::Refused => {}
                Got::End(ending) => return Ok(ending),
            }
        }
    }

    /// A new connection for the next message, if that is asked for.
    fn renew(&mut self) -> io::Result<()> {
        if let Some(again) = &mut self.again
            && self.sent > 0
        {
            if let Some(socket) = self.socket.take() {
                socket.close();
            }
            self.input.clear();
            self.socket = Some(again()?);
        }
        Ok(())
    }

    fn exchange(&mut self, message: &[u8]) -> io::Result<Got> {
        let began = self.now();
        if let Err(error) = self.send(message) {
            if error.kind() == io::ErrorKind::Interrupted {
                return Err(error);
            }
            self.failed += 1;
            let number = error.raw_os_error().unwrap_or(0);
            let cause = errno::cause(number, "send");
            let text = format!("not sent: {error}: {cause}");
            if self.asking.kind.is_connected() {
                return Ok(Got::End(Ending::Closed(text)));
            }
            self.voice.say(Said::Note(&text));
            return Ok(Got::Nothing);
        }
        self.sent += 1;
        self.bytes_sent += message.len() as u64;
        if message.is_empty()
            && self.asking.kind.is_stream()
            && self.asking.framing == Framing::None
        {
            let text = "an empty message on a stream is no packet at all: no answer will come";
            self.voice.say(Said::Note(text));
            return Ok(Got::Nothing);
        }
        self.open.push_back((began, message.len()));
        if self.asking.burst || self.asking.no_wait {
            return Ok(Got::Nothing);
        }
        self.await_answer(message)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let kind = self.asking.kind;
        if kind.is_connected() || self.asking.connect {
            if kind.is_stream() {
                let mut wrapped = Vec::with_capacity(message.len() + 4);
                self.asking.framing.wrap(message, &mut wrapped);
                // One send shows that it may be short; what is left follows by sendall.
                let sent = socket.send(&wrapped)?;
                let rest = wrapped.get(sent..).unwrap_or_default();
                return if rest.is_empty() {
                    Ok(())
                } else {
                    socket.sendall(rest)
                };
            }
            let packet = self.packet(message);
            socket.send(&packet)?;
        } else {
            let packet = self.packet(message);
            socket.sendto(&packet, &self.peer)?;
        }
        let here = |ip: &IpAddr| ip.is_loopback() || self.local.contains(ip);
        if kind == Kind::Raw && self.peer.ip().is_some_and(|ip| here(&ip)) {
            self.copies.expect(None, message);
        }
        Ok(())
    }

    fn packet(&self, message: &[u8]) -> Vec<u8> {
        let first = self.asking.wrap.seq;
        let number = u16::try_from(self.sent & 0xffff).unwrap_or(0);
        let echo = Some((self.asking.wrap.ident, first.wrapping_add(number)));
        let (kind, options) = (self.asking.kind, &self.asking.wrap);
        wrap(kind, options, &self.peer, echo, false, message)
    }

    /// Waits for the answer to `message`: on a stream without borders until as many bytes have
    /// come as went, as long as they are the same bytes.
    fn await_answer(&mut self, message: &[u8]) -> io::Result<Got> {
        let streams = self.asking.kind.is_stream();
        let framing = self.asking.framing;
        let mut come = 0;
        loop {
            if streams && framing != Framing::None && self.take_framed()? {
                return Ok(Got::Answer);
            }
            let began = self.now();
            let len = match self.receive()? {
                Ok(len) => len,
                Err(end) => return Ok(self.no_answer(end, began)),
            };
            if !streams {
                return Ok(Got::Answer);
            }
            if framing != Framing::None {
                continue;
            }
            let got = self.buffer.get(..len).unwrap_or_default();
            let echoed = message
                .get(come..)
                .is_some_and(|rest| rest.starts_with(got));
            come += len;
            if self.asking.one_receive || !echoed || come >= message.len() {
                self.open.pop_front();
                return Ok(Got::Answer);
            }
        }
    }

    /// Takes a whole message out of what came on a stream with borders.
    fn take_framed(&mut self) -> io::Result<bool> {
        let taken = self.asking.framing.take(&mut self.input);
        let taken = taken.map_err(io::Error::other)?;
        if let Some(message) = &taken {
            self.tell(&self.peer.clone(), message, message.len());
            self.open.pop_front();
        }
        Ok(taken.is_some())
    }

    fn no_answer(&mut self, end: Got, began: Mono) -> Got {
        if matches!(end, Got::Nothing | Got::Refused) {
            self.missing += 1;
            self.open.pop_front();
        }
        if matches!(end, Got::Nothing) {
            let waited = self.now().since(began);
            self.voice.say(Said::Missing {
                number: self.sent,
                waited,
            });
        }
        end
    }

    /// Receives once and tells it; `Err` says why nothing came.
    fn receive(&mut self) -> io::Result<Result<usize, Got>> {
        for _ in 0..OTHERS {
            let mut buffer = std::mem::take(&mut self.buffer);
            let got = self.receive_into(&mut buffer);
            self.buffer = buffer;
            match got {
                Ok(Some(len)) => return Ok(Ok(len)),
                Ok(None) => {}
                Err(error) => return self.explain(error).map(Err),
            }
        }
        Ok(Err(Got::Nothing))
    }

    /// `Ok(None)`: what came was not for us.
    fn receive_into(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let kind = self.asking.kind;
        let Some(socket) = &mut self.socket else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if kind.is_connected() {
            let len = if self.asking.nonblock {
                let tracer = &self.tracer;
                let fd = socket.as_fd();
                let past = Some(Mono::default());
                let stop = || {
                    let looked = tracer.wait(fd, PollFlags::POLLIN, past);
                    matches!(looked, Ok(Waited::Interrupted))
                };
                let (got, spins) = socket.recv_spinning(buffer, stop);
                tracer.note(|| format!("{} times EAGAIN before that", spins.0));
                got?
            } else {
                socket.recv(buffer, 0)?
            };
            self.bytes_received += len as u64;
            let bytes = buffer.get(..len).unwrap_or_default();
            if len == 0 && !is_empty_message(kind, socket) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if kind.is_stream() && self.asking.framing != Framing::None {
                self.input.extend(bytes);
            } else {
                self.tell(&self.peer.clone(), bytes, len);
                if !kind.is_stream() {
                    self.open.pop_front();
                }
            }
            return Ok(Some(len));
        }
        let got = socket.recvfrom(buffer, 0)?;
        let from = got.from.unwrap_or_else(|| self.peer.clone());
        let bytes = buffer.get(..got.len).unwrap_or_default();
        let v6 = self.peer.ip().is_some_and(|ip| ip.is_ipv6());
        let Some(opened) = open(kind, v6, true, bytes) else {
            return Ok(None);
        };
        let ours = opened
            .echo
            .is_none_or(|(ident, _)| ident == self.asking.wrap.ident);
        let own = kind == Kind::Raw && self.copies.is_own(from.ip(), opened.message);
        if !ours || own {
            return Ok(None);
        }
        self.bytes_received += opened.message.len() as u64;
        let cut = got.full.saturating_sub(got.len);
        self.tell(&from, opened.message, opened.message.len() + cut);
        self.open.pop_front();
        Ok(Some(got.len))
    }

    fn tell(&mut self, from: &Address, bytes: &[u8], full: usize) {
        let now = self.now();
        let after = self.open.front().map(|(sent, _)| now.since(*sent));
        self.answered += 1;
        self.waited += after.unwrap_or_default();
        self.voice.say(Said::Message {
            from,
            bytes,
            full,
            after,
        });
    }

    /// What an error of a receive means for the run.
    fn explain(&mut self, error: io::Error) -> io::Result<Got> {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::Interrupted, _) => Err(error),
            (io::ErrorKind::WouldBlock, _) => Ok(Got::Nothing),
            (io::ErrorKind::UnexpectedEof, _) => {
                Ok(Got::End(Ending::Closed("the peer has closed".to_owned())))
            }
            (_, Some(libc::ECONNREFUSED)) if !self.asking.kind.is_connected() => {
                let cause = errno::cause(libc::ECONNREFUSED, "recv");
                self.voice.say(Said::Note(&format!("{error}: {cause}")));
                Ok(Got::Refused)
            }
            _ if self.asking.kind.is_connected() => Ok(Got::End(Ending::Closed(error.to_string()))),
            _ => Err(error),
        }
    }

    /// After the last message: the answers that are still out, and the orderly end.
    fn conclude(&mut self) -> io::Result<Ending> {
        if self.asking.burst {
            while !self.open.is_empty() {
                let began = self.now();
                if self.asking.framing != Framing::None && self.take_framed()? {
                    continue;
                }
                let bytes = self.bytes_received;
                match self.receive()? {
                    Ok(_) => self.forget(self.bytes_received - bytes),
                    Err(Got::End(ending)) => return Ok(ending),
                    Err(_) => {
                        self.missing += self.open.len() as u64;
                        let waited = self.now().since(began);
                        let text = format!(
                            "{} not answered within {:.1} s",
                            self.open.len(),
                            waited.as_secs_f64()
                        );
                        self.voice.say(Said::Note(&text));
                        self.open.clear();
                    }
                }
            }
        }
        if self.asking.half_close && self.asking.kind.is_connected() {
            if let Some(socket) = &self.socket {
                socket.shutdown(Shutdown::Write)?;
            }
            loop {
                match self.receive()? {
                    Ok(_) => {}
                    Err(Got::End(Ending::Closed(why))) => {
                        self.voice
                            .say(Said::Note(&format!("after our half close: {why}")));
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
        if self.voice.is_unheard() {
            return Ok(Ending::Interrupted);
        }
        Ok(Ending::Done)
    }

    /// On a stream without borders: the messages that so many more bytes may answer.
    fn forget(&mut self, bytes: u64) {
        if !self.asking.kind.is_stream() || self.asking.framing != Framing::None {
            return;
        }
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        while let Some((_, waiting)) = self.open.front_mut() {
            if *waiting > left {
                *waiting -= left;
                return;
            }
            left -= *waiting;
            self.open.pop_front();
            if left == 0 {
                return;
            }
        }
    }

    /// Who is talked to, as text.
    pub fn peer(&self) -> String {
        shown(self.asking.kind, &self.peer)
    }
}
