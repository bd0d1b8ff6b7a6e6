//! Keeps the source address of an IPv6 header built by hand true while routes and addresses
//! change. IPv4 needs none of this: the kernel fills in 0.0.0.0 for each packet (raw(7)).

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::event::Mono;
use crate::net::Wire;
use crate::net::build::Builder;
use crate::net::route::{Query, Routes};
use crate::net::session::Session;

/// How often the route is asked for. An address that goes away is named wrongly for so long.
const EVERY: Duration = Duration::from_secs(1);

/// Asks the routing table again and again.
#[derive(Debug)]
pub struct SourceWatch {
    routes: Routes,
    query: Query,
    next: Mono,
}

impl SourceWatch {
    /// Opens a routing socket of its own.
    pub fn open(query: Query) -> io::Result<Self> {
        Ok(Self {
            routes: Routes::open()?,
            query,
            next: Mono::default().plus(EVERY),
        })
    }

    /// Writes the source that the routes name now into the header, if it is time to ask.
    pub fn refresh<W: Wire>(&mut self, session: &mut Session<W>, now: Mono) {
        if now < self.next {
            return;
        }
        self.next = now.plus(EVERY);
        // Without a route the send says why it fails; the old source does no harm then.
        if let Ok(route) = self.routes.lookup(&self.query)
            && let (Builder::Ipv6(header), Some(IpAddr::V6(source))) =
                (session.builder(), route.source)
        {
            header.source = source;
        }
    }
}

impl AsFd for SourceWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.routes.as_fd()
    }
}
