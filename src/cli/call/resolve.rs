//! Host names in a script: addresses as they are, `localhost`, the lab's hosts, and the resolver
//! process for the others.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::address::{Family, Place};
use crate::net::resolve::{self, Resolver, parse_numeric};
use crate::net::traced::Address;

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an address is for: one without a host means something else for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Our own end.
    Bind,
    /// The other end.
    Reach,
}

/// Knows names.
#[derive(Clone, Default)]
pub struct Names {
    /// Hosts that need no resolver.
    hosts: Arc<HashMap<String, Vec<IpAddr>>>,
    resolver: Arc<Mutex<Option<Resolver>>>,
    /// An address without a host binds to all addresses (in a lab), not only to the loopback.
    open: bool,
}

impl Names {
    /// `resolver`: the process, where some name may need it.
    pub fn new(resolver: Option<Resolver>) -> Self {
        Self {
            resolver: Arc::new(Mutex::new(resolver)),
            ..Self::default()
        }
    }

    /// Hosts of a lab; no other name is known there.
    pub fn of_lab(hosts: HashMap<String, Vec<IpAddr>>) -> Self {
        Self {
            hosts: Arc::new(hosts),
            resolver: Arc::default(),
            open: true,
        }
    }

    /// Nobody but the script can reach an address.
    pub fn is_lab(&self) -> bool {
        self.open
    }

    /// The kernel's form of a place; the error is for the user.
    pub fn find(&self, place: Place, family: Family, purpose: Purpose) -> Result<Address, String> {
        let (host, port) = match place {
            Place::Path(path) => {
                use std::os::unix::ffi::OsStrExt;
                return Ok(Address::Path(OsStr::from_bytes(&path).into()));
            }
            Place::Abstract(name) => return Ok(Address::Abstract(name)),
            Place::Inet { host, port } => (host, port),
        };
        let v6 = family == Family::Inet6;
        let Some(host) = host else {
            let ip = match (v6, self.open && purpose == Purpose::Bind) {
                (false, false) => IpAddr::from(Ipv4Addr::LOCALHOST),
                (false, true) => Ipv4Addr::UNSPECIFIED.into(),
                (true, false) => Ipv6Addr::LOCALHOST.into(),
                (true, true) => Ipv6Addr::UNSPECIFIED.into(),
            };
            return Ok(Address::Inet(SocketAddr::new(ip, port)));
        };
        let wanted = if v6 {
            resolve::Family::V6
        } else {
            resolve::Family::V4
        };
        if let Some(numeric) = parse_numeric(&host, wanted) {
            let numeric = numeric.map_err(|cause| format!("cannot use {host}: {cause}"))?;
            let scope = match numeric.zone {
                Some(zone) => scope_of(zone)?,
                None => 0,
            };
            return Ok(inet(numeric.ip, port, scope));
        }
        let known: Vec<IpAddr> = match host.as_str() {
            "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            _ => self.hosts.get(&host).cloned().unwrap_or_default(),
        };
        if let Some(ip) = known.iter().find(|ip| ip.is_ipv6() == v6) {
            return Ok(inet(*ip, port, 0));
        }
        let mut resolver = self.resolver.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(resolver) = resolver.as_mut() else {
            return Err(format!("cannot resolve {host}: no such host here"));
        };
        let found = resolver.addresses(OsStr::new(&host), wanted, PATIENCE, None);
        let found = found.map_err(|error| error.to_string())?;
        let first = found.and_then(|found| found.addresses.into_iter().next());
        let first = first.ok_or_else(|| format!("cannot resolve {host}"))?;
        Ok(inet(first.ip, port, first.scope))
    }
}

fn inet(ip: IpAddr, port: u16, scope: u32) -> Address {
    Address::Inet(match ip {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), port),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
    })
}

/// The number of an interface: inside the sandbox there is no call that turns names into numbers.
fn scope_of(zone: &str) -> Result<u32, String> {
    let scope = zone.parse().ok().or_else(|| (zone == "lo").then_some(1));
    scope
        .ok_or_else(|| format!("write the interface behind % by its number: %1 is lo, not %{zone}"))
}
