//! Plain echo servers and clients over every kind of socket: what they do, not how it is shown.
//!
//! A server is a thing with turns: [`Server::turn`] waits once and serves what is ready. So it runs
//! alone, or while a client in the same thread waits (`echo both`). What happens goes to a
//! [`Hear`]; calls go to the sink of the sockets.

mod both;
mod client;
mod datagrams;
mod frame;
mod guard;
mod messages;
mod open;
mod packet;
mod server;
mod streams;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Type};

pub use both::ServeAndWait;
pub use client::{Client, Ending};
pub use frame::Framing;
pub use messages::{Messages, fill};
pub use open::{Opening, open_client, open_server, shown};
pub use server::Server;

use super::traced::Address;

/// Which kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// IP packets of a protocol of our own.
    Raw,
    /// ICMP echo messages.
    Icmp,
    /// Unix sockets with connections and a stream of bytes.
    UnixStream,
    /// Unix sockets with messages and no connections.
    UnixDgram,
    /// Unix sockets with connections and messages.
    UnixSeqpacket,
}

impl Kind {
    /// The type for socket(2).
    pub fn socket_type(self) -> Type {
        match self {
            Self::Tcp | Self::UnixStream => Type::STREAM,
            Self::Udp | Self::UnixDgram => Type::DGRAM,
            Self::Raw | Self::Icmp => Type::RAW,
            Self::UnixSeqpacket => Type::SEQPACKET,
        }
    }

    /// A unix kind.
    pub fn is_unix(self) -> bool {
        matches!(
            self,
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket
        )
    }

    /// Its servers accept connections.
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Tcp | Self::UnixStream | Self::UnixSeqpacket)
    }

    /// Bytes without borders between messages.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::UnixStream)
    }

    /// Its addresses have ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Raw => "raw",
            Self::Icmp => "icmp",
            Self::UnixStream => "unix-stream",
            Self::UnixDgram => "unix-dgram",
            Self::UnixSeqpacket => "unix-seqpacket",
        }
    }

    /// The family for an address.
    pub fn domain(address: &Address) -> Domain {
        Domain::from(address.family())
    }
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who asks.
    Client,
    /// Who answers.
    Server,
}

/// Something that happened at an end.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// The server can be reached here.
    Listening(&'a Address),
    /// A connection, or a socket that messages are sent from.
    Connected {
        /// Our end.
        local: &'a Address,
        /// The other.
        peer: &'a Address,
    },
    /// A message, or what one receive gave of a stream.
    Message {
        /// Who sent it.
        from: &'a Address,
        /// What came.
        bytes: &'a [u8],
        /// True length; more than `bytes` if the buffer cut it.
        full: usize,
        /// Time since the message that it answers was sent.
        after: Option<Duration>,
    },
    /// Nothing came in answer to message `number` (from 1).
    Missing {
        /// Which one.
        number: u64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The connection is over.
    Closed {
        /// The other end.
        peer: &'a Address,
        /// Why, in words.
        why: &'a str,
        /// Bytes that came.
        received: u64,
        /// Bytes that went.
        sent: u64,
    },
    /// One step of the tutorial's lists, by its key: a method, `loop`, `input`, `print`.
    Step(&'static str),
    /// The client asks its user for a message.
    Prompt,
    /// A sentence for the user.
    Note(&'a str),
}

/// Who is told.
pub trait Hear: Send {
    /// Something happened.
    fn hear(&mut self, side: Side, said: Said<'_>);
    /// Nobody can be told any more (standard output is gone): end.
    fn is_deaf(&self) -> bool;
}

/// A shared [`Hear`], with the side that speaks.
#[derive(Clone)]
pub struct Voice {
    hear: Arc<Mutex<dyn Hear>>,
    side: Side,
}

impl Voice {
    /// Speaks for one side.
    pub fn new(hear: Arc<Mutex<dyn Hear>>, side: Side) -> Self {
        Self { hear, side }
    }

    /// Tells.
    pub fn say(&self, said: Said<'_>) {
        self.lock().hear(self.side, said);
    }

    /// Nobody hears.
    pub fn is_unheard(&self) -> bool {
        self.lock().is_deaf()
    }

    fn lock(&self) -> MutexGuard<'_, dyn Hear + 'static> {
        self.hear.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server does.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct Serving {
    /// Over what.
    pub kind: Kind,
    /// Borders between messages of a stream.
    pub framing: Framing,
    /// Most bytes of one receive.
    pub read_size: usize,
    /// Answer with this in place of an echo.
    pub reply: Option<Vec<u8>>,
    /// Most connections at once.
    pub max_connections: usize,
    /// One client at a time; the others wait in the kernel's queue.
    pub serial: bool,
    /// Accept connections at all.
    pub accepts: bool,
    /// Wait before each receive.
    pub slow: Duration,
    /// Wait before each accept.
    pub pause_accept: Duration,
    /// A connection on which nothing comes for so long is closed.
    pub idle: Option<Duration>,
    /// A connection is closed at this age.
    pub life: Option<Duration>,
    /// End after so many messages.
    pub count: Option<u64>,
    /// Answer at most so many datagrams in a second.
    pub max_rate: Option<u32>,
    /// Ask again and again in place of waiting.
    pub spin: bool,
    /// The server is alone in its thread: with one thing to wait for, it waits in the call itself,
    /// as a trace shows best.
    pub traced: bool,
    /// How packets are built.
    pub wrap: Wrap,
}

/// What a client does.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the command line"
)]
pub struct Asking {
    /// Over what.
    pub kind: Kind,
    /// Borders between messages of a stream.
    pub framing: Framing,
    /// Most bytes of one receive.
    pub read_size: usize,
    /// Time from one message to the next.
    pub interval: Duration,
    /// Send everything, then read what comes.
    pub burst: bool,
    /// A new connection for each message.
    pub reconnect: bool,
    /// After the last message, close our side only and read to the end.
    pub half_close: bool,
    /// Never wait for an answer.
    pub no_wait: bool,
    /// One receive for each message, as the tutorial's client.
    pub one_receive: bool,
    /// Non-blocking: ask again and again, count the refusals.
    pub nonblock: bool,
    /// Use `connect_ex` and tell its number.
    pub connect_ex: bool,
    /// Connect a socket that has messages.
    pub connect: bool,
    /// An empty message ends it.
    pub ends_on_empty: bool,
    /// How packets are built.
    pub wrap: Wrap,
}

/// How messages are wrapped where the program builds packets.
#[derive(Clone, Debug, Default)]
pub struct Wrap {
    /// IP protocol of [`Kind::Raw`].
    pub protocol: u8,
    /// Build the IPv4 header too.
    pub header: Option<HeaderWish>,
    /// ICMP identifier.
    pub ident: u16,
    /// First ICMP sequence number.
    pub seq: u16,
}

/// Fields of an IPv4 header built by hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderWish {
    /// Identification; 0: the kernel's.
    pub id: u16,
    /// Source address; 0.0.0.0: the kernel's.
    pub source: Option<Ipv4Addr>,
    /// Time to live.
    pub ttl: Option<u8>,
    /// Type of service byte.
    pub tos: u8,
    /// Don't fragment.
    pub df: bool,
    /// Fragment offset in units of 8 bytes.
    pub fragment_offset: u16,
}
