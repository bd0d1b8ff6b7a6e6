//! From HOST to addresses: at once for a numeric one, else by the resolver process.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::time::Duration;

use super::plan::Plan;
use super::wish::Family as Asked;
use crate::error::Error;
use crate::net::ifaces::{Interfaces, needs_scope};
use crate::net::resolve::{self, Address, Family, Resolver};
use crate::sys::signal::{Signal, Signals};

/// glibc's own limit is two servers, twice, 5 s each; a little more than that.
const PATIENCE: Duration = Duration::from_secs(25);

/// The addresses of a target, and the resolver process if there is one.
pub type Found = (Vec<Address>, Option<Resolver>);

/// What HOST is.
pub enum Target {
    /// An address as typed.
    Address(Address),
    /// A name to be looked up.
    Name,
}

impl Target {
    /// Reads HOST as an address, if it is one.
    pub fn read(plan: &Plan) -> Result<Self, Error> {
        let numeric = match resolve::parse_numeric(&plan.host, family(plan)) {
            None => return Ok(Self::Name),
            Some(numeric) => numeric.map_err(|cause| Error::Resolve {
                name: plan.host.clone(),
                cause,
            })?,
        };
        let (ip, zone) = (numeric.ip, numeric.zone);
        let scope = if zone.is_some() || needs_scope(ip) {
            let interfaces = Interfaces::list();
            let device = plan
                .wire
                .device
                .as_deref()
                .and_then(|name| interfaces.find(name));
            interfaces.scope(ip, zone, device.as_ref())?
        } else {
            0
        };
        Ok(Self::Address(Address { ip, scope }))
    }

    /// The addresses in the order to try them, or the signal that ended the waiting for them. Gives
    /// the resolver back for `--names`.
    pub fn addresses(
        self,
        plan: &Plan,
        resolver: Option<Resolver>,
        signals: &mut Signals,
    ) -> Result<Result<Found, Signal>, Error> {
        match (self, resolver) {
            (Self::Address(address), resolver) => Ok(Ok((vec![address], resolver))),
            (Self::Name, None) => Ok(Ok((Vec::new(), None))),
            (Self::Name, Some(mut resolver)) => loop {
                let stop = Some(signals.as_fd());
                let host = OsStr::new(&plan.host);
                if let Some(found) = resolver.addresses(host, family(plan), PATIENCE, stop)? {
                    return Ok(Ok((found.addresses, Some(resolver))));
                }
                match signals.take_next().map_err(|source| Error::Io {
                    operation: "read",
                    object: "a signal".into(),
                    source,
                })? {
                    // There are no numbers to show yet: ask again and go on.
                    None | Some(Signal::Quit | Signal::User1 | Signal::User2) => {}
                    Some(signal) => return Ok(Err(signal)),
                }
            },
        }
    }
}

fn family(plan: &Plan) -> Family {
    match plan.family {
        None => Family::Any,
        Some(Asked::V4) => Family::V4,
        Some(Asked::V6) => Family::V6,
    }
}
