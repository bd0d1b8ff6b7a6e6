//! One end of a ping in a test: a wire in a host, and packets for it. No test here.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::craft::icmp::Echo;
use rawsock::craft::{ipv4, ipv6};
use rawsock::decode::LinkType;
use rawsock::event::Timestamp;
use rawsock::lab::{Host, Lab};
use rawsock::net::filter::Want;
use rawsock::net::icmp::{Family, IcmpWire, Kind};
use rawsock::net::options::Options;
use rawsock::net::{Outgoing, Queued, Wire};

use crate::harness::wait_for;

pub const ID: u16 = 0x4d2;
pub const SECOND: Duration = Duration::from_secs(1);
pub const KINDS: [Kind; 3] = [Kind::Hdrincl, Kind::Raw, Kind::Dgram];

pub fn addresses(family: Family) -> (IpAddr, IpAddr) {
    match family {
        Family::V4 => (Lab::v4(1).into(), Lab::v4(2).into()),
        Family::V6 => (Lab::v6(1).into(), Lab::v6(2).into()),
    }
}

/// A wire and what its packets need.
pub struct End {
    pub wire: IcmpWire,
    pub source: IpAddr,
    pub target: IpAddr,
    pub id: u16,
}

impl End {
    pub fn open(host: &Host, kind: Kind, to: (IpAddr, IpAddr), id: u16) -> Result<Self, Failed> {
        Self::open_with(host, kind, to, id, &Options::default())
    }

    pub fn open_with(
        host: &Host,
        kind: Kind,
        (source, target): (IpAddr, IpAddr),
        id: u16,
        options: &Options,
    ) -> Result<Self, Failed> {
        // Who may open a ping socket, here the group 0 of the namespace.
        host.set_sysctl("net/ipv4/ping_group_range", "0 0")?;
        let family = Family::of(target);
        let mut wire = host.run(|| IcmpWire::open(kind, family, options))??;
        wire.set_target(target, 0);
        wire.listen(&want(&[id], target))?;
        let id = wire.kernel_id()?.unwrap_or(id);
        Ok(Self {
            wire,
            source,
            target,
            id,
        })
    }

    pub fn packet(&self, seq: u16, size: usize) -> Result<Vec<u8>, Failed> {
        packet(
            self.wire.kind(),
            (self.source, self.target),
            (self.id, seq),
            size,
        )
    }

    pub fn send(&mut self, seq: u16, want_stamp: bool) -> Result<io::Result<u32>, Failed> {
        let bytes = self.packet(seq, 56)?;
        Ok(self.wire.send(Outgoing {
            bytes: &bytes,
            want_stamp,
        }))
    }

    /// The next datagram within a second, as (bytes from the ICMP header on, from).
    pub fn hear(&mut self) -> Result<(Vec<u8>, IpAddr), Failed> {
        let mut buf = [0; 2048];
        let what = format!("{} {} datagram", self.wire.family(), self.wire.kind());
        wait_for(what, SECOND, || {
            let received = self.wire.recv(&mut buf).unwrap()?;
            let at = if received.link == LinkType::Raw {
                20
            } else {
                0
            };
            Some((received.bytes[at..].to_vec(), received.from))
        })
    }

    pub fn stamp(&mut self) -> Result<(u32, Timestamp), Failed> {
        wait_for("a transmit stamp", SECOND, || {
            match self.wire.recv_queued().unwrap()? {
                Queued::TxStamp { id, at, .. } => Some((id, at)),
                other => panic!("{other:?} instead of a stamp"),
            }
        })
    }

    pub fn hears_nothing(&mut self) {
        let mut buf = [0; 2048];
        let received = self.wire.recv(&mut buf).unwrap();
        assert!(received.is_none(), "{received:?}");
    }
}

pub fn want(ids: &[u16], target: IpAddr) -> Want<'_> {
    Want {
        ids,
        own_requests: true,
        proto: if target.is_ipv4() { 1 } else { 58 },
        header_len: None,
        target: match target {
            IpAddr::V6(target) => Some(target),
            IpAddr::V4(_) => None,
        },
    }
}

/// An echo request as a wire of this kind wants it.
pub fn packet(
    kind: Kind,
    addresses: (IpAddr, IpAddr),
    (ident, seq): (u16, u16),
    size: usize,
) -> Result<Vec<u8>, Failed> {
    let echo = Echo {
        reply: false,
        ident,
        seq,
        checksum: None,
    };
    let payload = vec![0xa5; size];
    let (mut message, mut bytes) = (Vec::new(), Vec::new());
    match addresses {
        (IpAddr::V4(_), IpAddr::V4(destination)) => {
            // Source 0.0.0.0: the kernel fills it in.
            let header = ipv4::Header {
                destination,
                df: true,
                ..Default::default()
            };
            echo.craft_v4(&payload, &mut message)?;
            header.craft(message.len(), &mut bytes);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let header = ipv6::Header {
                source,
                destination,
                ..Default::default()
            };
            echo.craft_v6(&payload, source, destination, &mut message)?;
            header.craft(message.len(), &mut bytes);
        }
        mixed => return Err(format!("{mixed:?}").into()),
    }
    if kind != Kind::Hdrincl {
        return Ok(message);
    }
    bytes.append(&mut message);
    Ok(bytes)
}
