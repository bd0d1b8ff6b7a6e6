//! One packet socket: its ring, or recvmsg(2) where there is none, and what was counted.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use libc::{SOL_PACKET, SOL_SOCKET};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::block::{Item, Link, Walk};
use super::device::Device;
use super::program;
use super::sockets::{self, Messages};
use crate::decode::{Direction, Flags, Frame, LinkType};
use crate::event::{Stamp, Timestamp};
use crate::filter::{Insn, Program};
use crate::sys::cmsg::{Scratch, recvmsg};
use crate::sys::ring::{Ring, Shape};
use crate::sys::stamp::{self, Stamps};
use crate::sys::{clock, packet, sockopt};

/// Bytes of a block of the ring, and the longest that a packet waits in one.
const BLOCK: u32 = 256 * 1024;
const RETIRE_MS: u32 = 10;
/// linux/if_packet.h; libc lacks it.
const PACKET_TIMESTAMP: i32 = 17;

/// How packets are captured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Most bytes kept of a frame.
    pub snaplen: u32,
    /// Bytes of the ring (or of the receive queue).
    pub buffer: u32,
    /// Also see what is not for this host.
    pub promiscuous: bool,
    /// Use the memory-mapped ring.
    pub ring: bool,
    /// Take the card's time stamps where it gives some.
    pub card_stamps: bool,
}

impl Default for Options {
    /// As `rawsock sniff` captures without options.
    fn default() -> Self {
        Self {
            snaplen: crate::capture::MAX_PACKET,
            buffer: 4096 * 1024,
            promiscuous: true,
            ring: true,
            card_stamps: false,
        }
    }
}

/// What a socket counted. `received + dropped` is what passed the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came into the buffer.
    pub received: u64,
    /// Packets for which it had no room.
    pub dropped: u64,
}

impl Counts {
    /// Adds those of another socket.
    pub(super) fn add(&mut self, other: Self) {
        self.received = self.received.saturating_add(other.received);
        self.dropped = self.dropped.saturating_add(other.dropped);
    }
}

enum Queue {
    Ring {
        ring: Ring,
        /// In the block at hand.
        walk: Option<Walk>,
    },
    Messages {
        buffer: Vec<u8>,
        scratch: Box<Scratch>,
        card_stamps: bool,
    },
    /// A raw socket of one protocol.
    Protocol(Messages),
}

impl Queue {
    /// Where the bytes of the packet at the head lie.
    fn held(&self) -> &[u8] {
        match self {
            Self::Ring { ring, .. } => ring.ready().unwrap_or(&[]),
            Self::Messages { buffer, .. } => buffer,
            Self::Protocol(messages) => messages.bytes(),
        }
    }
}

/// An open socket. Nothing is read before [`Lane::advance`].
pub(super) struct Lane {
    pub device: Device,
    socket: Socket,
    queue: Queue,
    /// The packet at the head.
    head: Option<Item>,
    /// Its bytes, where they are not as the kernel has them.
    rebuilt: Vec<u8>,
    is_rebuilt: bool,
    /// Second sights of loopback packets, which are not shown.
    hidden: u64,
    /// Packets taken out of the queue, shown or not.
    taken: u64,
    counted: Counts,
    /// The interface went away.
    pub gone: bool,
    /// The interface went down.
    pub down: bool,
}

impl Lane {
    /// Opens a socket on `device` that queues what `program` passes from now on.
    pub fn open(device: Device, program: &[Insn], options: Options) -> io::Result<Self> {
        let kind = if device.is_cooked() {
            Type::DGRAM
        } else {
            Type::RAW
        };
        // Protocol 0: nothing is queued before bind, and by then the filter is there.
        let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(0)))?;
        let mut program = program.to_vec();
        program::keep(&mut program, options.snaplen);
        attach(&socket, &program)?;
        let queue = open_queue(&socket, options)?;
        if options.card_stamps {
            // Of the ring; messages have both. Without one of the card there is the kernel's.
            let raw = i32::try_from(libc::SOF_TIMESTAMPING_RAW_HARDWARE).unwrap_or(0);
            sockopt::set_int(&socket, SOL_PACKET, PACKET_TIMESTAMP, raw)?;
        }
        if device.loopback {
            // Each packet once, as it is received. Kernels before 4.20 refuse; then we leave out.
            let _ = sockopt::set_int(&socket, SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1);
        }
        if options.promiscuous && device.index != 0 {
            // By membership: it ends with the socket, also when we are killed.
            let kind = u16::try_from(libc::PACKET_MR_PROMISC).map_err(io::Error::other)?;
            let mut request = device.index.to_ne_bytes().to_vec();
            request.extend(kind.to_ne_bytes());
            request.extend([0; 10]);
            sockopt::set_bytes(&socket, SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)?;
        }
        let all = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
        packet::bind(&socket, all, device.index)?;
        Ok(Self::new(device, socket, queue))
    }

    /// Opens a raw socket of a protocol on `device`, of which `program` chooses here.
    pub fn open_protocol(
        device: Device,
        protocol: (Domain, i32),
        program: Program,
        options: Options,
    ) -> io::Result<Self> {
        let name = (device.index != 0).then_some(&*device.name);
        let socket = sockets::open(protocol, name, options.buffer)?;
        let messages = Messages::new(protocol.0, program, options.snaplen);
        Ok(Self::new(device, socket, Queue::Protocol(messages)))
    }

    fn new(device: Device, socket: Socket, queue: Queue) -> Self {
        Self {
            device,
            socket,
            queue,
            head: None,
            rebuilt: Vec::new(),
            is_rebuilt: false,
            hidden: 0,
            taken: 0,
            counted: Counts::default(),
            gone: false,
            down: false,
        }
    }

    /// Nothing tells that its interface went down or away: it must be looked at.
    pub fn must_be_watched(&self) -> bool {
        self.device.index != 0 && matches!(self.queue, Queue::Protocol(_))
    }

    /// The packets come through a ring.
    pub fn has_ring(&self) -> bool {
        matches!(self.queue, Queue::Ring { .. })
    }

    /// Time of the packet at the head, which is fetched if need be; `None` if none is here.
    pub fn head(&mut self) -> io::Result<Option<Timestamp>> {
        while self.head.is_none() {
            let Some(item) = self.take()? else {
                return Ok(None);
            };
            self.taken = self.taken.saturating_add(1);
            let is_loopback = self.device.loopback || item.is_loopback_copy(&self.device);
            if is_loopback && item.link.direction() == Direction::Out {
                self.hidden = self.hidden.saturating_add(1);
                continue;
            }
            self.rebuild(&item);
            self.head = Some(item);
        }
        Ok(self.head.as_ref().map(|item| item.at))
    }

    /// Goes behind the packet at the head.
    pub fn advance(&mut self) {
        self.head = None;
    }

    /// The packet at the head.
    pub fn frame(&self) -> Option<Frame<'_>> {
        let item = self.head.as_ref()?;
        let plain = self.queue.held().get(item.start..item.end).unwrap_or(&[]);
        let bytes = if self.is_rebuilt {
            &self.rebuilt
        } else {
            plain
        };
        let grown = bytes.len().saturating_sub(plain.len());
        let grown = u32::try_from(grown).unwrap_or(0);
        Some(Frame {
            at: item.at,
            stamp: item.stamp,
            iface: item.link.interface,
            link: self.device.link,
            dir: item.link.direction(),
            flags: Flags {
                vlan_restored: item.vlan.is_some(),
                ..item.flags
            },
            wire_len: item.wire_len.saturating_add(grown),
            bytes,
        })
    }

    /// Lets no further packet in. Those that are in the queue stay.
    pub fn close_gate(&self) -> io::Result<()> {
        attach(&self.socket, &program::nothing())
    }

    /// What passed the filter until now, without the copies that are not shown.
    pub fn counts(&mut self) -> Counts {
        if let Queue::Protocol(messages) = &self.queue {
            return Counts {
                received: messages.passed,
                dropped: sockets::dropped(&self.socket),
            };
        }
        let mut words = [0; 12];
        if sockopt::get_bytes(
            &self.socket,
            SOL_PACKET,
            libc::PACKET_STATISTICS,
            &mut words,
        )
        .is_ok()
        {
            // struct tpacket_stats: all packets with the dropped ones, and these. Reading clears.
            let [all, dropped] = [&words[..4], &words[4..8]].map(|word| {
                let word = word.first_chunk().copied().unwrap_or_default();
                u64::from(u32::from_ne_bytes(word))
            });
            let counted = &mut self.counted;
            counted.dropped = counted.dropped.saturating_add(dropped);
            counted.received = counted.received.saturating_add(all.saturating_sub(dropped));
        }
        Counts {
            received: self.counted.received.saturating_sub(self.hidden),
            dropped: self.counted.dropped,
        }
    }

    /// Every packet that came in has been taken out.
    pub fn is_empty(&mut self) -> bool {
        if let Queue::Protocol(_) = self.queue {
            // It has no count of what came in.
            return matches!(self.head(), Ok(None));
        }
        self.counts();
        self.head.is_none() && self.taken >= self.counted.received
    }

    /// What poll(2) called an error: ENETDOWN, and then the interface is down or gone.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    fn take(&mut self) -> io::Result<Option<Item>> {
        match &mut self.queue {
            Queue::Ring { ring, walk } => loop {
                let Some(block) = ring.ready() else {
                    return Ok(None);
                };
                let here = walk.get_or_insert_with(|| Walk::new(block));
                if let Some(item) = here.next(block) {
                    return Ok(Some(item));
                }
                *walk = None;
                ring.release();
            },
            Queue::Messages {
                buffer,
                scratch,
                card_stamps,
            } => receive(&self.socket, buffer, scratch, *card_stamps),
            Queue::Protocol(messages) => messages.receive(&self.socket),
        }
    }

    /// Puts back what the kernel took out: the VLAN tag, and a header where it shows none.
    fn rebuild(&mut self, item: &Item) {
        let cooked = self.device.is_cooked();
        self.is_rebuilt = cooked || item.vlan.is_some();
        if !self.is_rebuilt {
            return;
        }
        let bytes = self.queue.held().get(item.start..item.end).unwrap_or(&[]);
        let out = &mut self.rebuilt;
        out.clear();
        let tag = item.vlan.map(|(tci, _)| tci.to_be_bytes());
        if cooked {
            cooked_header(item, out);
            if let Some(tag) = tag {
                out.extend(tag);
                out.extend(item.link.protocol.to_be_bytes());
            }
            out.extend_from_slice(bytes);
        } else if let Some((_, tpid)) = item.vlan {
            // Behind the two addresses (IEEE 802.1Q 9.1).
            let (addresses, rest) = bytes.split_at(bytes.len().min(12));
            out.extend_from_slice(addresses);
            out.extend(tpid.to_be_bytes());
            out.extend(tag.unwrap_or_default());
            out.extend_from_slice(rest);
        }
    }
}

impl Item {
    /// On the device `any`: a packet of the loopback interface, which is also seen as sent.
    fn is_loopback_copy(&self, device: &Device) -> bool {
        const LOOPBACK: u16 = crate::sys::iface::LOOPBACK;
        device.index == 0 && self.link.hardware == LOOPBACK
    }
}

/// LINKTYPE_LINUX_SLL2: protocol, reserved, interface, hardware type, packet type, address length,
/// address.
fn cooked_header(item: &Item, out: &mut Vec<u8>) {
    let link: &Link = &item.link;
    let protocol = item.vlan.map_or(link.protocol, |(_, tpid)| tpid);
    out.extend(protocol.to_be_bytes());
    out.extend([0; 2]);
    out.extend(link.interface.to_be_bytes());
    out.extend(link.hardware.to_be_bytes());
    out.extend([link.kind, link.address_len]);
    out.extend(link.address);
}

fn attach(socket: &Socket, program: &[Insn]) -> io::Result<()> {
    let program: Vec<SockFilter> = program
        .iter()
        .map(|insn| SockFilter::new(insn.code, insn.jt, insn.jf, insn.k))
        .collect();
    socket.attach_filter(&program)
}

fn open_queue(socket: &Socket, options: Options) -> io::Result<Queue> {
    if options.ring {
        let shape = Shape {
            block: BLOCK,
            blocks: (options.buffer / BLOCK).max(2),
            retire: RETIRE_MS,
        };
        match Ring::new(socket, shape) {
            Ok(ring) => return Ok(Queue::Ring { ring, walk: None }),
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => return Err(error),
            // A kernel without TPACKET_V3 (gVisor).
            Err(_) => {}
        }
    }
    sockopt::set_int(socket, SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
    stamp::enable(socket)?;
    let buffer = i32::try_from(options.buffer).unwrap_or(i32::MAX);
    // The limit net.core.rmem_max is root's to pass.
    if sockopt::set_int(socket, SOL_SOCKET, libc::SO_RCVBUFFORCE, buffer).is_err() {
        sockopt::set_int(socket, SOL_SOCKET, libc::SO_RCVBUF, buffer)?;
    }
    let size = usize::try_from(options.snaplen).unwrap_or(usize::MAX);
    Ok(Queue::Messages {
        buffer: vec![0; size.clamp(2048, 262_144)],
        scratch: Box::default(),
        card_stamps: options.card_stamps,
    })
}

/// Not now, but there may be a packet later.
pub(super) fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// One packet by recvmsg(2); `None` if none is here.
fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    scratch: &mut Scratch,
    card_stamps: bool,
) -> io::Result<Option<Item>> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    let got = match recvmsg(socket, buffer, scratch, flags) {
        Ok(got) => got,
        // Interrupted: the caller comes back, after a look at its signals.
        Err(error) if is_later(&error) => return Ok(None),
        // The interface is down or gone; `take_error` would have told. Packets may still be there.
        Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut item = Item {
        at: Timestamp::default(),
        stamp: Stamp::User,
        wire_len: u32::try_from(got.len).unwrap_or(u32::MAX),
        start: 0,
        end: got.len.min(buffer.len()),
        link: Link::parse(scratch.name()).unwrap_or_default(),
        vlan: None,
        flags: Flags::default(),
    };
    for control in scratch.items() {
        if let Some((at, stamp)) =
            Stamps::parse(&control).and_then(|stamps| stamps.pick(card_stamps))
        {
            (item.at, item.stamp) = (at, stamp);
        }
        if (control.level, control.kind) == (SOL_PACKET, libc::PACKET_AUXDATA) {
            item.read_auxdata(control.data);
        }
    }
    if item.stamp == Stamp::User {
        item.at = clock::wall();
    }
    Ok(Some(item))
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("device", &self.device)
            .field("ring", &self.has_ring())
            .finish_non_exhaustive()
    }
}

/// What is handed out of a device with these options.
pub(super) fn most_bytes(link: LinkType, snaplen: u32) -> u32 {
    match link {
        LinkType::LinuxSll2 => snaplen.saturating_add(program::COOKED),
        _ => snaplen,
    }
}
