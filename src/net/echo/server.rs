//! A server of any kind, and its loop.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::datagrams::Datagrams;
use super::streams::Streams;
use super::{Said, Serving, Voice};
use crate::event::Mono;
use crate::net::traced::{Address, PollFlags, Traced};

/// An echo server.
pub struct Server {
    inner: Inner,
    count: Option<u64>,
    traced: bool,
    spin: bool,
    voice: Voice,
}

enum Inner {
    Streams(Box<Streams>),
    Datagrams(Box<Datagrams>),
}

impl Server {
    /// Serves on an open socket, bound to `own` and listening. `local`: the addresses of this host.
    pub fn new(
        socket: Traced,
        own: Address,
        serving: Serving,
        voice: Voice,
        local: Vec<IpAddr>,
    ) -> Self {
        let (count, traced, spin) = (serving.count, serving.traced, serving.spin);
        let inner = if serving.kind.is_connected() {
            Inner::Streams(Box::new(Streams::new(socket, serving, voice.clone())))
        } else {
            voice.say(Said::Step("loop"));
            let server = Datagrams::new(socket, own, serving, voice.clone(), local);
            Inner::Datagrams(Box::new(server))
        };
        Self {
            inner,
            count,
            traced,
            spin,
            voice,
        }
    }

    /// The socket that listens or receives.
    pub fn socket(&self) -> &Traced {
        match &self.inner {
            Inner::Streams(server) => server.socket(),
            Inner::Datagrams(server) => server.socket(),
        }
    }

    /// Messages answered so far.
    pub fn answered(&self) -> u64 {
        match &self.inner {
            Inner::Streams(server) => server.answered,
            Inner::Datagrams(server) => server.answered,
        }
    }

    /// So many messages as were asked for have been answered, or nobody hears us any more.
    pub fn is_done(&self) -> bool {
        self.count.is_some_and(|most| self.answered() >= most) || self.voice.is_unheard()
    }

    /// Waits once, at most until `until`, and serves what is ready. Tells which of `also` are.
    pub fn turn(
        &mut self,
        also: &[(BorrowedFd<'_>, PollFlags)],
        until: Option<Mono>,
    ) -> io::Result<Vec<bool>> {
        match &mut self.inner {
            Inner::Streams(server) => server.turn(also, until),
            Inner::Datagrams(server) => server.turn(also, until),
        }
    }

    /// Serves until `stop` (a signalfd) becomes readable, `until`, or [`Server::is_done`]. `true`:
    /// `stop` did.
    pub fn serve(&mut self, stop: BorrowedFd<'_>, until: Option<Mono>) -> io::Result<bool> {
        loop {
            if self.is_done() || until.is_some_and(|at| self.now() >= at) {
                return Ok(false);
            }
            let blocks = self.traced && !self.spin;
            let goes_on = match &mut self.inner {
                Inner::Streams(server) if server.can_block() => server.block(until)?,
                Inner::Datagrams(server) if blocks => server.block(until)?,
                _ => {
                    let also = [(stop, PollFlags::POLLIN)];
                    self.turn(&also, until)?.first() != Some(&true)
                }
            };
            if !goes_on {
                return Ok(true);
            }
        }
    }

    fn now(&self) -> Mono {
        self.socket().tracer().clock().mono()
    }

    /// Closes everything, and tells what was lost.
    pub fn finish(self) {
        match self.inner {
            Inner::Streams(server) => {
                if server.refused > 0 {
                    let (served, refused) = (server.served, server.refused);
                    let text = format!("{served} connections served, {refused} turned away");
                    self.voice.say(Said::Note(&text));
                }
                server.finish();
            }
            Inner::Datagrams(server) => server.finish(),
        }
    }
}
