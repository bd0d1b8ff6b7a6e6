//! The packets of a trace: a capture opened before the drop, read and decoded after it, in the
//! order of their stamps.

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::capture::live::{Device, Live, Options};
use crate::capture::{MAX_PACKET, Next, Source};
use crate::cli::wanted::Wanted;
use crate::decode::{Decoder, Direction, Frame, Packet};
use crate::error::Error;
use crate::event::{Mono, Timestamp};
use crate::filter::Target;
use crate::net::echo::Kind;
use crate::net::traced::Address;
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::view::line;
use crate::view::packet_json::{About, render_json};

/// Most packets that wait to be shown.
const WAITING: usize = 4096;
/// How long the end waits for packets that are still on their way.
const SETTLE: Duration = Duration::from_millis(30);

/// A packet, ready to be written.
pub struct Shown {
    at: Mono,
    /// As one line of text.
    pub line: String,
    /// As one JSON object.
    pub json: String,
}

/// The capture beneath a trace.
pub struct Packets {
    live: Live,
    decoder: Decoder,
    packet: Packet,
    start: Timestamp,
    json: bool,
    /// Read already, and later than what was asked for.
    waiting: Vec<Shown>,
    too_many: u64,
}

impl Packets {
    /// Captures what goes between the ends from now on. `start`: wall time at [`Mono`] zero.
    pub fn open(
        kind: Kind,
        protocol: u8,
        at: &Address,
        clock: &Clock,
        json: bool,
    ) -> Result<Self, Error> {
        let device = if at.is_loopback() {
            Device::find("lo")?
        } else {
            Device::any()
        };
        let text = filter(kind, protocol, at);
        let wanted = Wanted::parse(&text, false)?;
        let program = wanted.program(device.link, Target::Live)?;
        let options = Options {
            snaplen: MAX_PACKET,
            buffer: 4 << 20,
            promiscuous: false,
            // A ring hands packets over 10 ms late; a trace wants them with the call.
            ring: false,
            card_stamps: false,
        };
        let mut live = Live::new(options, &text);
        live.open(device, program.insns())?;
        let (mono, wall) = clock.now();
        let since = i64::try_from(mono.0.as_nanos()).unwrap_or(0);
        Ok(Self {
            live,
            decoder: Decoder::new(),
            packet: Packet::new(),
            start: Timestamp(wall.0.saturating_sub(since)),
            json,
            waiting: Vec::new(),
            too_many: 0,
        })
    }

    /// The descriptors to keep.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.live.descriptors()
    }

    /// The packets that came so far; with `before`, only those that came before it.
    pub fn drain(&mut self, before: Option<Mono>) -> Vec<Shown> {
        while let Ok(Next::Frame) = self.live.next() {
            if self.waiting.len() >= WAITING {
                self.too_many += 1;
                continue;
            }
            let frame = self.live.frame();
            let at = Mono(frame.at.since(self.start).unwrap_or_default());
            // On the loopback each packet is shown once, as received, which says nothing.
            let frame = Frame {
                dir: if self.live.devices().any(|device| device.loopback) {
                    Direction::Unknown
                } else {
                    frame.dir
                },
                ..frame
            };
            let Self {
                decoder, packet, ..
            } = self;
            let json = self.json;
            // The last net: a packet that our decoder cannot stand must not end the run.
            let rendered = catch_unwind(AssertUnwindSafe(|| {
                decoder.decode(&frame, packet);
                let (mut line, mut object) = (String::new(), String::new());
                if json {
                    render_json(&About::default(), &frame, packet, &mut object);
                } else {
                    let style = line::Style {
                        time: false,
                        link: false,
                        quiet: false,
                    };
                    line::render_line(&frame, packet, style, &mut line);
                }
                (line, object)
            }));
            let (line, json) = rendered.unwrap_or_else(|_| {
                self.packet = Packet::new();
                let text = "(a bug of rawsock: this packet cannot be shown)";
                (text.to_owned(), r#"{"type":"packet"}"#.to_owned())
            });
            self.waiting.push(Shown { at, line, json });
        }
        self.waiting.sort_by_key(|shown| shown.at);
        let later = match before {
            None => self.waiting.len(),
            Some(before) => self.waiting.partition_point(|shown| shown.at < before),
        };
        self.waiting.drain(..later).collect()
    }

    /// Waits a moment for packets that are still on their way.
    pub fn settle(&mut self) {
        for _ in 0..8 {
            let fds = self.live.descriptors();
            let mut fds: Vec<PollFd<'_>> =
                fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            if !matches!(ppoll(&mut fds, Some(SETTLE), None), Ok(1..)) {
                return;
            }
            let later = self.drain(None);
            self.waiting.extend(later);
        }
    }

    /// Packets that were not shown.
    pub fn dropped(&mut self) -> u64 {
        self.too_many.saturating_add(self.live.counts().dropped)
    }
}

/// The filter for what goes between the ends.
fn filter(kind: Kind, protocol: u8, at: &Address) -> String {
    let host = match at.ip() {
        Some(ip) if !ip.is_unspecified() => format!(" and host {ip}"),
        _ => String::new(),
    };
    let v6 = at.ip().is_some_and(|ip| ip.is_ipv6());
    let port = at.port().unwrap_or(0);
    let (icmp, ip) = if v6 { ("icmp6", "ip6") } else { ("icmp", "ip") };
    match kind {
        Kind::Tcp => format!("tcp port {port}{host}"),
        Kind::Udp => format!("(udp port {port} or {icmp}){host}"),
        Kind::Raw => format!("({ip} proto {protocol} or {icmp}){host}"),
        _ => format!("{icmp}{host}"),
    }
}
