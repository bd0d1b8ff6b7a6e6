//! Our interfaces: which addresses are ours, and which interface a scope such as `%eth0` means.
//! Routes are in `route.rs`.

use std::net::IpAddr;

use pnet::datalink::{self, NetworkInterface};

use super::options::Device;
use crate::error::Error;

/// A list of the interfaces, taken once.
#[derive(Debug)]
pub struct Interfaces {
    list: Vec<NetworkInterface>,
}

impl Interfaces {
    /// The interfaces of this network namespace (getifaddrs(3)).
    pub fn list() -> Self {
        Self {
            list: datalink::interfaces(),
        }
    }

    /// Names and numbers of those that are up, no loopback, and do multicast.
    pub fn multicast(&self) -> Vec<(String, u32)> {
        let able = self.list.iter();
        let able = able.filter(|one| one.is_up() && one.is_multicast() && !one.is_loopback());
        able.map(|one| (one.name.clone(), one.index)).collect()
    }

    /// Whether an address is ours. All of 127.0.0.0/8 is (`local` routing table).
    pub fn owns(&self, address: IpAddr) -> bool {
        let loopback = matches!(address, IpAddr::V4(v4) if v4.is_loopback());
        let mut all = self.list.iter().flat_map(|one| &one.ips);
        loopback || all.any(|network| network.ip() == address)
    }

    /// Whether an address lies in a network of one of our interfaces, or is a group on it.
    pub fn on_link(&self, address: IpAddr) -> bool {
        let mut networks = self.list.iter().flat_map(|one| &one.ips);
        address.is_multicast() || networks.any(|network| network.contains(address))
    }

    /// An interface by its name, or by its number as `%2` has it.
    pub fn find(&self, scope: &str) -> Option<Device> {
        let named = self.list.iter().find(|one| one.name == scope);
        let index = scope.parse().ok().filter(|&index: &u32| index != 0);
        let numbered = || self.list.iter().find(|one| Some(one.index) == index);
        named.or_else(numbered).map(device)
    }

    /// The interface with a number.
    pub fn by_index(&self, index: u32) -> Option<Device> {
        let found = self.list.iter().find(|one| one.index == index);
        found.map(device)
    }

    /// `sin6_scope_id` for a target: the interface that `scope` (behind `%`) or else `device`
    /// (`-I`) names. A link-local target without either is an error that names the interfaces,
    /// since a guess may ping another host of the same address. 0 for targets that need none.
    pub fn scope(
        &self,
        target: IpAddr,
        scope: Option<&str>,
        device: Option<&Device>,
    ) -> Result<u32, Error> {
        if let Some(scope) = scope {
            let found = self.find(scope).ok_or_else(|| Error::Usage {
                message: format!(
                    "no interface {scope:?} for {target}; there is {}",
                    self.names()
                ),
                fix: None,
            })?;
            return Ok(found.index);
        }
        match device {
            None if needs_scope(target) => {
                let mut fitting = self.list.iter().filter(|one| has_link_local(one));
                Err(Error::Usage {
                    message: format!(
                        "{target} is on every link: say which interface, one of {}",
                        self.names()
                    ),
                    fix: fitting.next().map(|one| format!("{target}%{}", one.name)),
                })
            }
            Some(device) if needs_scope(target) => Ok(device.index),
            _ => Ok(0),
        }
    }

    /// Names of the interfaces that are up, for messages.
    pub fn names(&self) -> String {
        let up = self.list.iter().filter(|one| one.is_up());
        let names: Vec<&str> = up.map(|one| one.name.as_str()).collect();
        names.join(", ")
    }
}

/// Whether an address means nothing without an interface: fe80::/10 (RFC 4291 2.5.6), and groups of
/// interface-local and link-local scope (2.7).
pub fn needs_scope(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || matches!(v6.segments()[0] & 0xff0f, 0xff01 | 0xff02)
        }
    }
}

fn has_link_local(interface: &NetworkInterface) -> bool {
    let local = |ip| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    interface.is_up() && interface.ips.iter().any(|network| local(network.ip()))
}

fn device(interface: &NetworkInterface) -> Device {
    Device {
        name: interface.name.clone(),
        index: interface.index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, index: u32, ips: &[&str]) -> NetworkInterface {
        NetworkInterface {
            name: name.to_owned(),
            description: String::new(),
            index,
            mac: None,
            ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            flags: 1, // IFF_UP
        }
    }

    fn interfaces() -> Interfaces {
        Interfaces {
            list: vec![
                interface("lo", 1, &["127.0.0.1/8", "::1/128"]),
                interface("eth0", 2, &["10.0.0.1/24", "fe80::1/64"]),
                interface("7", 3, &["fe80::2/64"]),
            ],
        }
    }

    #[test]
    fn own_addresses_are_those_of_interfaces_and_all_loopback() {
        let list = interfaces();
        for (address, ours) in [
            ("10.0.0.1", true),
            ("10.0.0.2", false),
            ("127.9.9.9", true),
            ("::1", true),
            ("fe80::1", true),
            ("fe80::3", false),
        ] {
            assert_eq!(list.owns(address.parse().unwrap()), ours, "{address}");
        }
    }

    #[test]
    fn a_scope_is_a_name_before_it_is_a_number() {
        let list = interfaces();
        let target = "fe80::9".parse().unwrap();
        let index = |scope| list.scope(target, Some(scope), None).ok();
        assert_eq!(index("eth0"), Some(2));
        assert_eq!(index("2"), Some(2));
        assert_eq!(index("7"), Some(3));
        assert_eq!(index("0"), None);
        assert_eq!(index("eth1"), None);
        let device = list.find("eth0");
        assert_eq!(list.scope(target, None, device.as_ref()).unwrap(), 2);
    }

    #[test]
    fn a_missing_scope_names_the_interfaces() {
        let list = interfaces();
        let error = list.scope("ff02::1".parse().unwrap(), None, None);
        let error = format!("{:?}", error.unwrap_err());
        assert!(error.contains("lo, eth0, 7"), "{error}");
        assert!(error.contains("ff02::1%eth0"), "{error}");
        for whole in ["2001:db8::1", "10.0.0.9", "ff0e::1", "::1"] {
            let scope = list.scope(whole.parse().unwrap(), None, None);
            assert_eq!(scope.unwrap(), 0, "{whole}");
        }
    }
}
