//! The smallest lab: two hosts and a cable. The cable here is a plain veth pair.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::Error;

use super::host::Host;
use super::link::VethEnd;

/// Hosts wired together, both ends called `eth0`.
#[derive(Debug)]
pub struct Lab {
    hosts: [Host; 2],
}

impl Lab {
    /// `h1` (10.5.0.1/24, fd00:5::1/64) and `h2` (.2, ::2) with MACs 02:00:0a:05:00:01 and :02,
    /// offloads off.
    pub fn pair() -> Result<Self, Error> {
        let hosts = [Host::new("h1")?, Host::new("h2")?];
        let lab = Self { hosts };
        let [h1, h2] = [lab.h1(), lab.h2()];
        let end = VethEnd {
            name: "eth0",
            mac: Self::mac(1),
        };
        let peer = VethEnd {
            name: "eth0",
            mac: Self::mac(2),
        };
        h1.netlink().add_veth(end, peer, h2.namespace())?;
        for (host, number) in [(h1, 1), (h2, 2)] {
            host.offloads_off("eth0")?;
            let netlink = host.netlink();
            netlink.set_up("eth0", true)?;
            netlink.add_address("eth0", Self::v4(number).into(), 24)?;
            netlink.add_address("eth0", Self::v6(number).into(), 64)?;
        }
        for (host, number) in [(h1, 1), (h2, 2)] {
            host.netlink().wait_running("eth0")?;
            host.wait_address(Self::v6(number).into())?;
        }
        Ok(lab)
    }

    /// The first host.
    pub fn h1(&self) -> &Host {
        &self.hosts[0]
    }

    /// The second host.
    pub fn h2(&self) -> &Host {
        &self.hosts[1]
    }

    /// IPv4 address of host `number` (1 or 2).
    pub fn v4(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 5, 0, number)
    }

    /// IPv6 address of host `number` (1 or 2).
    pub fn v6(number: u8) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 5, 0, 0, 0, 0, 0, u16::from(number))
    }

    /// MAC address of host `number` (1 or 2): the IPv4 address behind 02:00.
    pub fn mac(number: u8) -> [u8; 6] {
        [2, 0, 10, 5, 0, number]
    }

    /// Link-local IPv6 address of host `number` (1 or 2), made from its MAC (RFC 4291 appendix A).
    pub fn link_local(number: u8) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x0aff, 0xfe05, u16::from(number))
    }

    /// Fills both neighbour tables, so that no ARP or ND exchange precedes the first packet.
    pub fn know_neighbours(&self) -> Result<(), Error> {
        for (host, other) in [(self.h1(), 2), (self.h2(), 1)] {
            for address in [IpAddr::from(Self::v4(other)), Self::v6(other).into()] {
                let netlink = host.netlink();
                netlink.set_neighbour("eth0", address, Self::mac(other))?;
            }
        }
        Ok(())
    }
}
