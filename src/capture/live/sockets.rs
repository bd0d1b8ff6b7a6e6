//! Packets by raw sockets of ICMP, IGMP and ICMPv6, as every tutorial reads them (raw(7), ipv6(7)):
//! IP packets without a link-layer header, only received ones, only for this host.
//!
//! IPv6 sockets give the message alone. Its header is put together again from what the kernel tells
//! beside it; extension headers are not told.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;

use libc::{IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET};
use socket2::{Domain, Protocol, Socket, Type};

use super::block::{Item, Link};
use super::lane::is_later;
use crate::decode::Flags;
use crate::event::{Stamp, Timestamp};
use crate::filter::{Program, View};
use crate::sys::cmsg::{Item as Control, Scratch, parse_ip, recvmsg};
use crate::sys::stamp::{self, Stamps};
use crate::sys::{clock, sockopt};

/// Bytes of an IPv6 header.
const HEADER: usize = 40;
/// The longest IP packet, and an IPv6 header.
const LONGEST: usize = 65_535 + HEADER;

/// IGMP in `/etc/protocols`; socket2 has no name for it.
const IGMP: i32 = libc::IPPROTO_IGMP;

/// The protocols that are listened to.
pub(super) const PROTOCOLS: [(Domain, i32); 3] = [
    (Domain::IPV4, libc::IPPROTO_ICMP),
    (Domain::IPV4, IGMP),
    (Domain::IPV6, libc::IPPROTO_ICMPV6),
];

/// What one raw socket gives.
pub(super) struct Messages {
    v6: bool,
    buffer: Vec<u8>,
    scratch: Box<Scratch>,
    /// Run here: what the kernel's would see of IPv6 begins behind the header.
    program: Program,
    snaplen: usize,
    /// Packets that the filter passed.
    pub passed: u64,
}

/// Opens a socket of a protocol, on one interface (its name) or all.
pub(super) fn open(
    (domain, protocol): (Domain, i32),
    interface: Option<&str>,
    buffer: u32,
) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(protocol)))?;
    if let Some(name) = interface {
        socket.bind_device(Some(name.as_bytes()))?;
    }
    let on = |level, name| sockopt::set_int(&socket, level, name, 1);
    if domain == Domain::IPV4 {
        on(IPPROTO_IP, libc::IP_PKTINFO)?;
    } else {
        on(IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)?;
        on(IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT)?;
        on(IPPROTO_IPV6, libc::IPV6_RECVTCLASS)?;
        on(IPPROTO_IPV6, libc::IPV6_FLOWINFO)?;
    }
    stamp::enable(&socket)?;
    let buffer = i32::try_from(buffer).unwrap_or(i32::MAX);
    // The limit net.core.rmem_max is root's to pass.
    if sockopt::set_int(&socket, SOL_SOCKET, libc::SO_RCVBUFFORCE, buffer).is_err() {
        sockopt::set_int(&socket, SOL_SOCKET, libc::SO_RCVBUF, buffer)?;
    }
    Ok(socket)
}

/// Packets that the kernel threw away, for want of room or for a wrong ICMPv6 checksum.
pub(super) fn dropped(socket: &Socket) -> u64 {
    // Nine words, the last of which is SK_MEMINFO_DROPS (linux/sock_diag.h).
    let mut words = [0; 36];
    let got = sockopt::get_bytes(socket, SOL_SOCKET, libc::SO_MEMINFO, &mut words);
    let drops = words.last_chunk().map(|word| u32::from_ne_bytes(*word));
    match (got, drops) {
        (Ok(36), Some(drops)) => drops.into(),
        _ => 0,
    }
}

impl Messages {
    pub fn new(domain: Domain, program: Program, snaplen: u32) -> Self {
        Self {
            v6: domain == Domain::IPV6,
            buffer: vec![0; LONGEST],
            scratch: Box::default(),
            program,
            snaplen: usize::try_from(snaplen).unwrap_or(usize::MAX),
            passed: 0,
        }
    }

    /// Where the items' bytes lie.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The next packet that the filter passes; `None` if none is here.
    pub fn receive(&mut self, socket: impl AsFd) -> io::Result<Option<Item>> {
        // Bounded: a flood of others must not keep the caller from its clock.
        for _ in 0..256 {
            let Some(item) = self.one(&socket)? else {
                return Ok(None);
            };
            let bytes = self.buffer.get(..item.end).unwrap_or(&[]);
            let view = View {
                wire_len: item.wire_len,
                packet_type: Some(item.link.kind),
                ifindex: Some(item.link.interface),
                ..View::new(bytes)
            };
            if self.program.matches(&view) {
                self.passed = self.passed.saturating_add(1);
                let end = item.end.min(self.snaplen);
                return Ok(Some(Item { end, ..item }));
            }
        }
        Ok(None)
    }

    fn one(&mut self, socket: impl AsFd) -> io::Result<Option<Item>> {
        let start = if self.v6 { HEADER } else { 0 };
        let room = self.buffer.get_mut(start..).unwrap_or(&mut []);
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        let got = match recvmsg(socket, room, &mut self.scratch, flags) {
            Ok(got) => got,
            Err(error) if is_later(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut told = Told::default();
        for control in self.scratch.items() {
            told.read(&control);
        }
        let (at, stamp) = told.stamp.unwrap_or_else(|| (clock::wall(), Stamp::User));
        if let (true, Some(header)) = (self.v6, self.buffer.first_chunk_mut()) {
            let source = parse_ip(self.scratch.name());
            *header = told.header(source, got.len);
        }
        let len = start.saturating_add(got.len);
        Ok(Some(Item {
            at,
            stamp,
            wire_len: u32::try_from(len).unwrap_or(u32::MAX),
            start: 0,
            end: len.min(self.buffer.len()),
            link: Link {
                interface: told.interface,
                kind: libc::PACKET_HOST,
                ..Link::default()
            },
            vlan: None,
            flags: Flags::default(),
        }))
    }
}

/// What the kernel tells beside a packet.
#[derive(Default)]
struct Told {
    stamp: Option<(Timestamp, Stamp)>,
    interface: u32,
    to: [u8; 16],
    hops: u8,
    class: u8,
    /// Flow label, with the class above it.
    flow: u32,
}

impl Told {
    fn read(&mut self, control: &Control<'_>) {
        let byte = || control.byte().unwrap_or(0);
        match (control.level, control.kind) {
            (IPPROTO_IP, libc::IP_PKTINFO) => {
                self.interface = control.int().unwrap_or(0).cast_unsigned();
            }
            (IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let data = control.data;
                self.to = data.first_chunk().copied().unwrap_or_default();
                let index = data.get(16..).and_then(<[u8]>::first_chunk);
                self.interface = index.map_or(0, |index| u32::from_ne_bytes(*index));
            }
            (IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => self.hops = byte(),
            (IPPROTO_IPV6, libc::IPV6_TCLASS) => self.class = byte(),
            (IPPROTO_IPV6, libc::IPV6_FLOWINFO) => {
                let word = control.data.first_chunk().copied().unwrap_or_default();
                self.flow = u32::from_be_bytes(word);
            }
            _ => {
                let stamps = Stamps::parse(control).and_then(|stamps| stamps.pick(false));
                self.stamp = stamps.or(self.stamp);
            }
        }
    }

    /// The header of RFC 8200 3 over a message of `len` bytes.
    fn header(&self, source: Option<IpAddr>, len: usize) -> [u8; HEADER] {
        let source = match source {
            Some(IpAddr::V6(source)) => source,
            _ => Ipv6Addr::UNSPECIFIED,
        };
        let first = 6 << 28 | u32::from(self.class) << 20 | self.flow & 0xf_ffff;
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        let mut header = [0; HEADER];
        let parts = [
            &first.to_be_bytes()[..],
            &len.to_be_bytes(),
            &[58, self.hops],
            &source.octets(),
            &self.to,
        ];
        for (to, from) in header.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        header
    }
}
