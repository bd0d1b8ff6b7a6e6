//! A host that answers pings wrongly, by hand-made frames, while its kernel stays silent.
//!
//! Bounded: 60 seconds, 300,000 frames, and it ends with the test that started it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::frames::{Request, checksum};
use crate::harness::now;
use crate::link::{FrameSocket, wait_readable};
use crate::tap::closed;

/// What to do with one echo request.
#[derive(Clone, Debug)]
pub enum Mode {
    /// The right answer.
    Normal,
    /// None.
    Silent,
    /// The right answer, so much later.
    Late(Duration),
    /// The right answer, so many times.
    Times(usize),
    /// The right answer from this address.
    From(IpAddr),
    /// An answer without the last so many bytes, its checksum right.
    Truncated(usize),
    /// An answer with so many bytes more, its checksum right.
    Longer(usize),
    /// An answer with all bits of payload byte n flipped, its checksum right.
    Flip(usize),
    /// The right answer, its checksum wrong by one.
    BadChecksum,
    /// An answer to the sequence number so many later.
    WrongSeq(u16),
    /// An answer to the id so many later.
    WrongId(u16),
    /// An answer whose payload begins with the time 2106-02-07 06:28:15 twice, its checksum right.
    ForgedTimestamp,
    /// The request itself comes back.
    Bounced,
    /// An ICMP error.
    Error(Fault),
    /// First this, then the right answer.
    Before(Box<Mode>),
    /// Kept until so many requests were kept, then all are answered rightly, in order.
    HoldUntil(usize),
}

/// An ICMP error about a request.
#[derive(Clone, Debug)]
pub struct Fault {
    pub icmp_type: u8,
    pub code: u8,
    /// Second word of the message.
    pub rest: [u8; 4],
    pub quote: Quote,
    /// Sender; the pinged address if `None`.
    pub from: Option<IpAddr>,
}

/// What an ICMP error quotes.
#[derive(Clone, Debug)]
pub enum Quote {
    /// The whole request, at most 500 bytes.
    Whole,
    /// Its first bytes.
    Bytes(usize),
    /// The whole request after this edit of its IP packet.
    Edited(fn(&mut Vec<u8>)),
    /// Padded to 128 bytes, then RFC 4884 extensions with one RFC 4950 label stack entry:
    /// label 16004, TC 0, bottom of stack, TTL 1.
    Mpls,
}

impl Mode {
    /// An error of this type and code, quoting the whole request.
    pub fn error(icmp_type: u8, code: u8, rest: [u8; 4]) -> Self {
        Self::Error(Fault {
            icmp_type,
            code,
            rest,
            quote: Quote::Whole,
            from: None,
        })
    }

    /// The same with another quote.
    pub fn quoting(icmp_type: u8, code: u8, quote: Quote) -> Self {
        let rest = [0; 4];
        Self::Error(Fault {
            icmp_type,
            code,
            rest,
            quote,
            from: None,
        })
    }
}

/// Which mode for which sequence numbers.
#[derive(Clone, Debug)]
pub struct Script {
    pub by_seq: Vec<(RangeInclusive<u16>, Mode)>,
    pub otherwise: Mode,
}

impl From<Mode> for Script {
    fn from(otherwise: Mode) -> Self {
        let by_seq = Vec::new();
        Self { by_seq, otherwise }
    }
}

impl<const N: usize> From<[(u16, Mode); N]> for Script {
    fn from(by_seq: [(u16, Mode); N]) -> Self {
        let otherwise = Mode::Normal;
        let by_seq = by_seq.map(|(seq, mode)| (seq..=seq, mode)).into();
        Self { by_seq, otherwise }
    }
}

const MOST_FRAMES: usize = 300_000;
const LONGEST: Duration = Duration::from_mins(1);

/// A running responder. Dropping it ends it.
pub struct Responder {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<io::Result<()>>>>,
}

impl Responder {
    /// Starts one on the link `eth0` of `host`, whose kernel answers no echo request from now on.
    pub fn start(host: &Host, script: impl Into<Script>) -> Result<Self, Failed> {
        host.set_sysctl("net/ipv4/icmp_echo_ignore_all", "1")?;
        host.set_sysctl("net/ipv6/icmp/echo_ignore_all", "1")?;
        let socket = FrameSocket::open(host, "eth0")?;
        let (stop, stopped) = UnixStream::pair()?;
        let script = script.into();
        let thread = host.thread(move || answer(&socket, &script, &stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        // A responder that failed would make a test pass or fail for the wrong reason.
        if !std::thread::panicking() {
            ended.unwrap().unwrap().unwrap().unwrap();
        }
    }
}

/// Frames to send at a time, in the order of making.
struct Queue {
    frames: BinaryHeap<Reverse<(Instant, usize, Vec<u8>)>>,
    made: usize,
    held: Vec<Request>,
}

fn answer(socket: &FrameSocket, script: &Script, stopped: &UnixStream) -> io::Result<()> {
    let end = now() + LONGEST;
    let mut buf = vec![0; 65_600];
    let mut queue = Queue {
        frames: BinaryHeap::new(),
        made: 0,
        held: Vec::new(),
    };
    while queue.made < MOST_FRAMES && now() < end {
        let due = queue.frames.peek().map_or(end, |Reverse((due, ..))| *due);
        let wait = due.saturating_duration_since(now());
        wait_readable(&[socket.as_fd(), stopped.as_fd()], wait)?;
        if closed(stopped)? {
            return Ok(());
        }
        for _ in 0..64 {
            let Some((frame, outgoing)) = socket.receive(&mut buf)? else {
                break;
            };
            if let Some(request) = Request::read(frame)
                && !outgoing
            {
                let seq = request.seq();
                let mode = script.by_seq.iter().find(|(range, _)| range.contains(&seq));
                queue.plan(&request, mode.map_or(&script.otherwise, |(_, mode)| mode));
            }
        }
        while let Some(Reverse((due, ..))) = queue.frames.peek()
            && *due <= now()
        {
            let Some(Reverse((.., frame))) = queue.frames.pop() else {
                break;
            };
            socket.send(&frame)?;
        }
    }
    Ok(())
}

impl Queue {
    fn push(&mut self, delay: Duration, frame: Vec<u8>) {
        self.made += 1;
        self.frames.push(Reverse((now() + delay, self.made, frame)));
    }

    fn plan(&mut self, request: &Request, mode: &Mode) {
        let mut icmp = request.reply();
        let mut from = request.to;
        // A broadcast or multicast address is never a source.
        if let IpAddr::V4(to) = from
            && (to.is_multicast() || to.octets()[3] == 255)
        {
            from = rawsock::lab::Lab::v4(2).into();
        }
        let mut delay = Duration::ZERO;
        let payload = 8;
        match mode {
            Mode::Normal => {}
            Mode::Silent => return,
            Mode::Late(by) => delay = *by,
            Mode::Times(count) => {
                for _ in 1..*count {
                    self.push(delay, request.frame(from, &icmp));
                }
            }
            Mode::From(other) => from = *other,
            Mode::Truncated(by) => icmp.truncate((icmp.len() - by).max(payload)),
            Mode::Longer(by) => icmp.resize(icmp.len() + by, 0xaa),
            Mode::Flip(at) => icmp[payload + at] ^= 0xff,
            Mode::BadChecksum => {
                crate::frames::seal(from, request.from, &mut icmp);
                icmp[3] ^= 1;
                return self.push(delay, request.frame_unsealed(from, &icmp));
            }
            Mode::WrongSeq(by) => {
                let seq = request.seq().wrapping_add(*by);
                icmp[6..8].copy_from_slice(&seq.to_be_bytes());
            }
            Mode::WrongId(by) => {
                let id = request.id().wrapping_add(*by);
                icmp[4..6].copy_from_slice(&id.to_be_bytes());
            }
            Mode::ForgedTimestamp => {
                // A `struct timeval` of 64-bit seconds, as iputils writes it, and the 32-bit one.
                let forged = [[0xff; 4], [0; 4], [0xff; 4], [0; 4]].concat();
                let len = forged.len().min(icmp.len() - payload);
                icmp[payload..payload + len].copy_from_slice(&forged[..len]);
            }
            Mode::Bounced => icmp[0] = request.icmp()[0],
            Mode::Error(fault) => {
                from = fault.from.unwrap_or(from);
                icmp = error(request, fault);
            }
            Mode::Before(first) => self.plan(request, first),
            Mode::HoldUntil(count) => {
                self.held.push(request.clone());
                if self.held.len() == *count {
                    for held in std::mem::take(&mut self.held) {
                        self.plan(&held, &Mode::Normal);
                    }
                }
                return;
            }
        }
        self.push(delay, request.frame(from, &icmp));
    }
}

fn error(request: &Request, fault: &Fault) -> Vec<u8> {
    let mut icmp = vec![fault.icmp_type, fault.code, 0, 0];
    icmp.extend(fault.rest);
    let mut quote = request.ip.clone();
    match fault.quote {
        Quote::Whole => quote.truncate(500),
        Quote::Bytes(count) => quote.truncate(count),
        Quote::Edited(edit) => edit(&mut quote),
        Quote::Mpls => {
            quote.resize(128, 0);
            // RFC 4884 4: length in 32-bit words, byte 5, for v4; in 64-bit words, byte 4, for v6.
            if request.is_v6() {
                icmp[4] = 16;
            } else {
                icmp[5] = 32;
            }
            // RFC 4950 3: label 20 bits, TC 3, S 1, TTL 8.
            let entry = (16_004_u32 << 12 | 1 << 8 | 1).to_be_bytes();
            let mut extension = vec![0x20, 0, 0, 0, 0, 8, 1, 1];
            extension.extend(entry);
            let sum = checksum(&[&extension]);
            extension[2..4].copy_from_slice(&sum.to_be_bytes());
            quote.extend(extension);
        }
    }
    icmp.extend(quote);
    icmp
}
