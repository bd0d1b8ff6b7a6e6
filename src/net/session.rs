//! One ping: a [`Pinger`] over one [`Wire`], with the packets built by hand where the wire takes
//! them. Reads the clock and calls the wire; decides nothing about probes and prints nothing.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::decode::{Decoder, Direction, Flags, Frame, Packet};
use crate::event::{Mono, Stamp, Timestamp};
use crate::net::build::Builder;
use crate::net::{Outgoing, Queued, Received, Wire};
use crate::ping::{
    Arrival, Message, NotSent, Pinger, Probe, Quoted, Step, plain_reply, read_message,
};
use crate::sys::clock::Clock;

/// Datagrams taken in one go before the engine is asked again, so that sending never starves.
const BATCH: usize = 64;

/// So many sends apart the receive queue is emptied, not just asked for one answer.
const SWEEP_EVERY: u32 = 64;

/// Error-queue items taken in one go.
const QUEUE_BATCH: usize = 4096;

/// After so long without a turn the wire is read before the engine looks at the time.
const STALL: Duration = Duration::from_millis(50);

/// Room for an answer. The largest IP packet is 64 KiB, and a cut one would look corrupt; from
/// 128 KiB on the allocator maps pages, which cost nothing before they are touched.
const INCOMING: usize = 256 * 1024;

/// What the caller should do after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A probe left at this wall-clock time: call again.
    Sent(Probe, Timestamp),
    /// Something else happened: call again.
    Again,
    /// Nothing to do until this moment or until the wire has something.
    Wait(Mono),
    /// The run is over.
    Done,
}

/// A pinger, its wire and the buffers between them.
pub struct Session<W> {
    pinger: Pinger,
    wire: W,
    builder: Builder,
    decoder: Decoder,
    packet: Packet,
    payload: Vec<u8>,
    outgoing: Vec<u8>,
    incoming: Box<[u8]>,
    /// Transmit stamps that were asked for and have not come yet.
    stamps_awaited: u32,
    target: IpAddr,
    /// Sends so far.
    turns: u32,
    /// Time of the last turn.
    turned: Mono,
    keep_answers: bool,
    /// Path MTU that the last local EMSGSIZE named.
    local_mtu: Option<u32>,
}

impl<W: Wire> Session<W> {
    /// A session ready for its first turn.
    pub fn new(pinger: Pinger, wire: W, builder: Builder, target: IpAddr) -> Self {
        Self {
            pinger,
            wire,
            builder,
            target,
            turns: 0,
            turned: Mono::default(),
            keep_answers: false,
            decoder: Decoder::new(),
            packet: Packet::new(),
            payload: Vec::new(),
            outgoing: Vec::new(),
            incoming: vec![0; INCOMING].into_boxed_slice(),
            stamps_awaited: 0,
            local_mtu: None,
        }
    }

    /// The engine, for its events and numbers.
    pub fn pinger(&mut self) -> &mut Pinger {
        &mut self.pinger
    }

    /// The wire, to poll it.
    pub fn wire(&self) -> &W {
        &self.wire
    }

    /// From now on takes one datagram at a time, so that [`Session::answer`] belongs to the events
    /// of the last call.
    pub fn keep_answers(&mut self) {
        self.keep_answers = true;
    }

    /// The datagram that was taken last, where answers are kept.
    pub fn answer(&self) -> Option<&Packet> {
        self.keep_answers.then_some(&self.packet)
    }

    /// What builds the packets.
    pub fn builder(&mut self) -> &mut Builder {
        &mut self.builder
    }

    /// The packet that was sent last, as asked for (before the kernel touched it).
    pub fn last_sent(&self) -> &[u8] {
        &self.outgoing
    }

    /// Sends what is due at `now`, which `clock` has just said. Never blocks.
    pub fn turn(&mut self, clock: &Clock, now: Mono) -> io::Result<Next> {
        let stalled = now.since(self.turned) >= STALL;
        self.turned = now;
        if stalled {
            // Answers that waited for us while we did not run must not time out.
            self.drain_queue(clock)?;
            self.receive(clock, BATCH)?;
        }
        match self.pinger.poll(now) {
            Step::Send(probe) => {
                let left = self.transmit(&probe, clock)?;
                self.turns = self.turns.wrapping_add(1);
                // On a veth or loopback the answer is already there: one call, no poll. Now and
                // then the whole queue, so that duplicates cannot fill it.
                let most = if self.turns.is_multiple_of(SWEEP_EVERY) {
                    BATCH
                } else {
                    1
                };
                self.receive(clock, most)?;
                Ok(left.map_or(Next::Again, |wall| Next::Sent(probe, wall)))
            }
            Step::WaitUntil(until) => Ok(Next::Wait(until)),
            Step::Done => Ok(Next::Done),
        }
    }

    /// Takes what has come, as poll(2) says. Never blocks.
    pub fn take(&mut self, clock: &Clock, input: bool, errors: bool) -> io::Result<()> {
        if errors {
            self.drain_queue(clock)?;
        }
        // Also after an error alone: an ordinary receive clears what the queue did not (SO_ERROR).
        if input || errors {
            self.receive(clock, BATCH)?;
        }
        Ok(())
    }

    /// Sends one probe; gives the wall-clock time if it left.
    fn transmit(&mut self, probe: &Probe, clock: &Clock) -> io::Result<Option<Timestamp>> {
        self.pinger.payload(probe, &mut self.payload);
        let built = self.builder.build(probe, &self.payload, &mut self.outgoing);
        let (before, wall) = clock.now();
        if built.is_err() {
            let reason = NotSent {
                errno: libc::EMSGSIZE,
                mtu: None,
            };
            self.pinger.not_sent(probe, before, wall, reason);
            return Ok(None);
        }
        let outgoing = Outgoing {
            bytes: &self.outgoing,
            want_stamp: probe.want_stamp,
        };
        match self.wire.send(outgoing) {
            Ok(id) => {
                let stamp_id = probe.want_stamp.then_some(id);
                self.stamps_awaited = self
                    .stamps_awaited
                    .saturating_add(u32::from(probe.want_stamp));
                self.pinger.sent(probe, before, wall, stamp_id);
                Ok(Some(wall))
            }
            Err(error) => self.refused(probe, &error, clock).map(|()| None),
        }
    }

    /// The send call failed: try again where that helps, else say why it was not sent.
    fn refused(&mut self, probe: &Probe, error: &io::Error, clock: &Clock) -> io::Result<()> {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        let (now, wall) = clock.now();
        if matches!(errno, libc::ENOBUFS | libc::EAGAIN | libc::EINTR) {
            self.pinger.retry(probe, now, errno);
            return Ok(());
        }
        self.local_mtu = None;
        if errno == libc::EMSGSIZE {
            // The queued item names the MTU (ip(7), IP_RECVERR).
            self.drain_queue(clock)?;
        }
        self.pinger.not_sent(
            probe,
            now,
            wall,
            NotSent {
                errno,
                mtu: self.local_mtu,
            },
        );
        Ok(())
    }

    /// Takes up to `most` datagrams.
    fn receive(&mut self, clock: &Clock, most: usize) -> io::Result<()> {
        // The stamp of a probe must be known before its answer is judged.
        if self.stamps_awaited > 0 {
            self.drain_queue(clock)?;
        }
        let most = if self.keep_answers { most.min(1) } else { most };
        for _ in 0..most {
            let Some(received) = self.wire.recv(&mut self.incoming)? else {
                return Ok(());
            };
            let (at, wall) = clock.now();
            // Options of answers are read from the tree.
            let plain = if self.keep_answers {
                None
            } else {
                plain_reply(received.link, received.bytes, received.full_len)
            };
            let message = plain.unwrap_or_else(|| {
                let frame = frame(&received, wall);
                self.decoder.decode(&frame, &mut self.packet);
                read_message(&self.packet, received.bytes)
            });
            self.pinger.input(&Arrival {
                at,
                wall,
                stamp: received.stamp,
                from: received.from,
                ttl: received.ttl,
                overflow: received.overflow,
                message,
            });
        }
        Ok(())
    }

    /// Takes all that the error queue holds: transmit stamps, local refusals, and for datagram
    /// sockets the ICMP errors.
    fn drain_queue(&mut self, clock: &Clock) -> io::Result<()> {
        // Bounded: one turn never takes more than a full queue could hold.
        for _ in 0..QUEUE_BATCH {
            let Some(queued) = self.wire.recv_queued()? else {
                return Ok(());
            };
            match queued {
                Queued::TxStamp { id, at, stamp } => {
                    self.stamps_awaited = self.stamps_awaited.saturating_sub(1);
                    self.pinger.tx_stamp(id, at, stamp);
                }
                Queued::Local { errno, info } if errno == libc::EMSGSIZE => {
                    self.local_mtu = Some(info);
                }
                Queued::Local { .. } => {}
                Queued::Icmp {
                    from,
                    icmp_type,
                    code,
                    info,
                    quoted,
                } => {
                    let (at, wall) = clock.now();
                    let from = from.unwrap_or(self.target);
                    self.pinger.input(&Arrival {
                        at,
                        wall,
                        stamp: None,
                        from,
                        ttl: None,
                        overflow: None,
                        message: queued_error(from, icmp_type, code, info, &quoted),
                    });
                }
            }
        }
        Ok(())
    }
}

fn frame<'a>(received: &Received<'a>, wall: Timestamp) -> Frame<'a> {
    let (at, stamp) = received.stamp.unwrap_or((wall, Stamp::User));
    Frame {
        at,
        stamp,
        iface: received.iface,
        link: received.link,
        dir: Direction::In,
        flags: Flags::default(),
        wire_len: u32::try_from(received.full_len).unwrap_or(u32::MAX),
        bytes: received.bytes,
    }
}

/// An error that the queue of a datagram socket reported: the kernel kept the numbers, not the
/// message (`struct sock_extended_err`, ip(7)).
fn queued_error(from: IpAddr, icmp_type: u8, code: u8, info: u32, quoted: &[u8]) -> Message<'_> {
    let quoted = match quoted {
        // type, code, checksum, identifier, sequence
        [_, _, _, _, i0, i1, s0, s1, payload @ ..] => Some(Quoted {
            payload,
            ..Quoted::header(
                u16::from_be_bytes([*i0, *i1]),
                u16::from_be_bytes([*s0, *s1]),
            )
        }),
        _ => None,
    };
    // icmp_err() of the kernel hands out the pointer of an IPv4 parameter problem shifted down.
    let pointer = from.is_ipv4() && icmp_type == 12;
    let rest = if pointer { info << 24 } else { info };
    Message::Error {
        icmp_type,
        code,
        rest,
        quoted,
        bytes: &[],
    }
}
