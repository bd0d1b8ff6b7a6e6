//! The two programs of a comparison, on traced sockets: a client that sends numbered messages at
//! fixed times, and a server that sends each back in upper case.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Type};

use crate::compare::{Chunk, Experiment, Message, Over, RAW_PROTOCOL, Side};
use crate::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use crate::event::{Call, Mono, Stamp, Timestamp};
use crate::net::traced::{Address, Calls, Poll, Traced, Tracer};
use crate::sys::clock::Clock;

/// Room for one receive: many messages of a stream, or one datagram.
const ROOM: usize = 65_536;
/// Receives of one side are never more than this; what comes later stays in the kernel.
const MOST_RECEIVES: usize = 100_000;

/// Where the server is and how the client is told.
#[derive(Clone, Debug)]
pub struct Place {
    /// Over what.
    pub over: Over,
    /// Address of the server's host; for unix kinds not used.
    pub server: IpAddr,
    /// Its port.
    pub port: u16,
}

/// Takes the calls of one side.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Vec<(Mono, Call)>>>);

impl Calls for Book {
    fn call(&mut self, at: Mono, call: Call) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((at, call));
    }
}

impl Book {
    /// All calls so far.
    pub fn calls(&self) -> Vec<(Mono, Call)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A tracer that writes into this book; waits end when `stop` becomes readable.
    pub fn tracer(&self, clock: Clock, stop: Option<OwnedFd>) -> Tracer {
        let wait = Arc::new(Mutex::new(Poll::new(clock, stop)));
        Tracer::new(clock, Some(Arc::new(Mutex::new(self.clone()))), wait)
    }
}

impl Place {
    fn kind(&self) -> (Domain, Type, i32) {
        let inet = Domain::for_address(SocketAddr::new(self.server, 0));
        match self.over {
            Over::Tcp => (inet, Type::STREAM, 0),
            Over::Udp => (inet, Type::DGRAM, 0),
            Over::Raw => (inet, Type::RAW, RAW_PROTOCOL.into()),
            Over::UnixStream => (Domain::UNIX, Type::STREAM, 0),
            Over::UnixDgram => (Domain::UNIX, Type::DGRAM, 0),
            Over::UnixSeqpacket => (Domain::UNIX, Type::SEQPACKET, 0),
        }
    }

    /// The server's address as the client names it.
    pub fn address(&self) -> Address {
        match self.over {
            Over::Tcp | Over::Udp => Address::Inet(SocketAddr::new(self.server, self.port)),
            Over::Raw => Address::Inet(SocketAddr::new(self.server, 0)),
            Over::UnixStream | Over::UnixDgram | Over::UnixSeqpacket => {
                Address::Abstract(format!("rawsock-compare-{}", self.port).into_bytes())
            }
        }
    }

    /// The server's socket, bound and listening. Call it in the server's host.
    pub fn serve(&self, tracer: &Tracer) -> io::Result<Traced> {
        let (domain, kind, protocol) = self.kind();
        let socket = Traced::socket(domain, kind, protocol, tracer)?;
        socket.bind(&self.address())?;
        if self.over.connects() {
            socket.listen(5)?;
        }
        Ok(socket)
    }

    /// The client's socket. Call it in the client's host.
    pub fn socket(&self, tracer: &Tracer) -> io::Result<Traced> {
        let (domain, kind, protocol) = self.kind();
        let socket = Traced::socket(domain, kind, protocol, tracer)?;
        if self.over == Over::UnixDgram {
            // Without a name nobody could answer it (unix(7)).
            let name = format!("rawsock-compare-{}-client", self.port).into_bytes();
            socket.bind(&Address::Abstract(name))?;
        }
        Ok(socket)
    }
}

/// One end of a conversation: how to send, how to receive, what was received.
struct End {
    over: Over,
    socket: Traced,
    received: Vec<Chunk>,
    buffer: Vec<u8>,
    /// Who is answered.
    peer: Address,
}

impl End {
    fn new(over: Over, socket: Traced, peer: Address) -> Self {
        Self {
            over,
            socket,
            received: Vec::new(),
            buffer: vec![0; ROOM],
            peer,
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        if self.over.connects() {
            self.socket.sendall(bytes)
        } else {
            self.socket.sendto(bytes, &self.peer).map(|_| ())
        }
    }

    /// One receive; `None`: the time is over. An empty chunk of a stream is its end.
    fn receive(&mut self, clock: &Clock) -> io::Result<Option<Vec<u8>>> {
        let got = if self.over.connects() {
            self.socket.recv(&mut self.buffer, 0)
        } else {
            self.socket.recvfrom(&mut self.buffer, 0).map(|got| {
                if let Some(from) = got.from {
                    self.peer = from;
                }
                got.len
            })
        };
        let len = match got {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            other => other?,
        };
        let at = clock.mono();
        let bytes = self.buffer.get(..len).unwrap_or_default();
        let bytes = match self.over {
            Over::Raw => bytes.get(header_len(bytes)..).unwrap_or_default(),
            _ => bytes,
        };
        let bytes = bytes.to_vec();
        if !bytes.is_empty() && self.received.len() < MOST_RECEIVES {
            let bytes = bytes.clone();
            self.received.push(Chunk { at, bytes });
        }
        Ok(Some(bytes))
    }
}

/// Bytes of the IP header that a raw IPv4 socket delivers before the message (raw(7)).
pub fn header_len(bytes: &[u8]) -> usize {
    let mut packet = Packet::new();
    let frame = Frame {
        at: Timestamp::default(),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::In,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        bytes,
    };
    Decoder::new().decode(&frame, &mut packet);
    packet.layer("ip").map_or(0, |layer| layer.len as usize)
}

/// Echoes until the peer leaves or the wait is interrupted; gives what was received.
pub fn echo(over: Over, listener: Traced, experiment: &Experiment) -> io::Result<Vec<Chunk>> {
    let clock = listener.tracer().clock();
    let socket = if over.connects() {
        match listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    } else {
        listener
    };
    let mut end = End::new(over, socket, Address::Unnamed);
    let mut pending = Vec::new();
    loop {
        let bytes = match end.receive(&clock) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            // The wait was ended, or the connection broke: both are the end of the service.
            Err(_) => break,
        };
        if over.connects() && bytes.is_empty() {
            break;
        }
        pending.extend(bytes);
        // What was not for us: on one host a raw socket hears its own replies.
        if Message::parse(&pending, experiment).is_some_and(|message| message.reply) {
            pending.clear();
            continue;
        }
        pending.make_ascii_uppercase();
        if end.send(&pending).is_err() {
            break;
        }
        pending.clear();
    }
    let received = std::mem::take(&mut end.received);
    end.socket.close();
    Ok(received)
}

/// Sends all messages at their times, takes the replies, and waits for the rest until `patience`
/// after the last send.
pub fn ask(
    place: &Place,
    socket: Traced,
    experiment: &Experiment,
    patience: Duration,
) -> io::Result<Side> {
    let clock = socket.tracer().clock();
    let mut end = End::new(place.over, socket, place.address());
    if place.over.connects() {
        end.socket.settimeout(Some(patience));
        end.socket.connect(&place.address())?;
    }
    let mut side = Side::default();
    let start = clock.mono();
    let mut due = start;
    let mut missing = Missing::new(experiment);
    for number in 0..experiment.messages {
        while let Some(left) = left(&clock, due) {
            missing.take(&mut end, &clock, left)?;
        }
        let message = Message {
            number,
            reply: false,
        };
        end.peer = place.address();
        side.sends.push(clock.mono());
        end.send(&message.bytes(experiment))?;
        due = due.plus(experiment.interval);
    }
    let until = clock.mono().plus(patience);
    while !missing.is_empty() {
        let Some(left) = left(&clock, until) else {
            break;
        };
        missing.take(&mut end, &clock, left)?;
    }
    side.receives = std::mem::take(&mut end.received);
    end.socket.close();
    Ok(side)
}

fn left(clock: &Clock, until: Mono) -> Option<Duration> {
    let left = until.since(clock.mono());
    (!left.is_zero()).then_some(left)
}

/// Which replies have not come yet.
struct Missing<'e> {
    experiment: &'e Experiment,
    there: Vec<bool>,
    pending: Vec<u8>,
}

impl<'e> Missing<'e> {
    fn new(experiment: &'e Experiment) -> Self {
        Self {
            experiment,
            there: vec![false; usize::try_from(experiment.messages).unwrap_or(0)],
            pending: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.there.iter().all(|there| *there)
    }

    /// One receive of at most `left`. An error that a peer's absence causes is no error here: that
    /// nothing came is the result.
    fn take(&mut self, end: &mut End, clock: &Clock, left: Duration) -> io::Result<()> {
        end.socket.settimeout(Some(left));
        let Some(bytes) = end.receive(clock)? else {
            return Ok(());
        };
        if end.over.connects() && bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if end.over.is_stream() {
            self.pending.extend(bytes);
        } else {
            self.pending = bytes;
        }
        let size = self.experiment.size.max(1);
        while self.pending.len() >= size {
            let rest = self.pending.split_off(size);
            let message = Message::parse(&self.pending, self.experiment);
            let number = message.filter(|message| message.reply);
            let number = number.and_then(|message| usize::try_from(message.number).ok());
            if let Some(there) = number.and_then(|number| self.there.get_mut(number)) {
                *there = true;
            }
            self.pending = rest;
        }
        if !end.over.is_stream() {
            self.pending.clear();
        }
        Ok(())
    }
}
