//! Names of ports, protocols, hosts and networks: asked of the caller, because the core reads no
//! file and no resolver. A small table is built in, and the text of /etc/services and its kin can
//! be added to it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// Port numbers of a service, by transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// TCP port.
    pub tcp: Option<u16>,
    /// UDP port.
    pub udp: Option<u16>,
    /// SCTP port.
    pub sctp: Option<u16>,
}

/// Answers for the names in an expression.
pub trait Names {
    /// Ports of a service: `http`.
    fn service(&self, name: &str) -> Option<Service>;
    /// Number of an IP protocol: `igmp`.
    fn protocol(&self, name: &str) -> Option<u8>;
    /// Network number of a network name, not shifted: 127 for `loopback` written as `127`.
    fn network(&self, name: &str) -> Option<u32>;
    /// MAC address of a host name.
    fn ether(&self, name: &str) -> Option<[u8; 6]>;
    /// Addresses of a host name, or why there are none. Without a resolver: refuse.
    fn hosts(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let _ = name;
        Err("no resolver here, write the address".to_owned())
    }
}

/// Names from tables: the built-in ones, and text in the form of the files under /etc.
#[derive(Clone, Debug, Default)]
pub struct Table {
    services: HashMap<String, Service>,
    protocols: HashMap<String, u8>,
    networks: HashMap<String, u32>,
    ethers: HashMap<String, [u8; 6]>,
}

/// Well-known services: name, port, and whether TCP and UDP have it (IANA).
const SERVICES: [(&str, u16, bool, bool); 34] = [
    ("ftp-data", 20, true, false),
    ("ftp", 21, true, false),
    ("ssh", 22, true, false),
    ("telnet", 23, true, false),
    ("smtp", 25, true, false),
    ("domain", 53, true, true),
    ("bootps", 67, false, true),
    ("bootpc", 68, false, true),
    ("tftp", 69, false, true),
    ("http", 80, true, false),
    ("kerberos", 88, true, true),
    ("pop3", 110, true, false),
    ("sunrpc", 111, true, true),
    ("nntp", 119, true, false),
    ("ntp", 123, false, true),
    ("netbios-ns", 137, false, true),
    ("netbios-dgm", 138, false, true),
    ("netbios-ssn", 139, true, false),
    ("imap2", 143, true, false),
    ("snmp", 161, true, true),
    ("snmp-trap", 162, true, true),
    ("bgp", 179, true, false),
    ("ldap", 389, true, true),
    ("https", 443, true, true),
    ("microsoft-ds", 445, true, true),
    ("isakmp", 500, false, true),
    ("syslog", 514, false, true),
    ("route", 520, false, true),
    ("ldaps", 636, true, true),
    ("imaps", 993, true, false),
    ("openvpn", 1194, true, true),
    ("nfs", 2049, true, true),
    ("mdns", 5353, false, true),
    ("sip", 5060, true, true),
];

/// IP protocols: name and number (IANA).
const PROTOCOLS: [(&str, u8); 26] = [
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

impl Table {
    /// The built-in services and protocols.
    pub fn builtin() -> Self {
        let mut table = Self::default();
        for (name, port, tcp, udp) in SERVICES {
            let service = Service {
                tcp: tcp.then_some(port),
                udp: udp.then_some(port),
                sctp: None,
            };
            table.services.insert(name.to_owned(), service);
        }
        for (name, number) in PROTOCOLS {
            table.protocols.insert(name.to_owned(), number);
        }
        table
    }

    /// Adds the lines of /etc/services: `http 80/tcp www`. What is not such a line is passed over.
    pub fn add_services(&mut self, text: &str) {
        for words in lines(text) {
            let [name, port, aliases @ ..] = words.as_slice() else {
                continue;
            };
            let Some((Ok(port), transport)) = port
                .split_once('/')
                .map(|(n, transport)| (n.parse::<u16>(), transport))
            else {
                continue;
            };
            for name in std::iter::once(name).chain(aliases) {
                let service = self.services.entry((*name).to_owned()).or_default();
                match transport {
                    "tcp" => service.tcp = Some(port),
                    "udp" => service.udp = Some(port),
                    "sctp" => service.sctp = Some(port),
                    _ => {}
                }
            }
        }
    }

    /// Adds the lines of /etc/protocols: `igmp 2 IGMP`.
    pub fn add_protocols(&mut self, text: &str) {
        for words in lines(text) {
            let [name, number, aliases @ ..] = words.as_slice() else {
                continue;
            };
            let Ok(number) = number.parse() else { continue };
            for name in std::iter::once(name).chain(aliases) {
                self.protocols.insert((*name).to_owned(), number);
            }
        }
    }

    /// Adds the lines of /etc/networks: `loopback 127.0.0.0`. Zero bytes at the end are cut, as
    /// getnetbyname(3) does.
    pub fn add_networks(&mut self, text: &str) {
        for words in lines(text) {
            let [name, number, aliases @ ..] = words.as_slice() else {
                continue;
            };
            let Ok(address) = number.parse::<Ipv4Addr>() else {
                continue;
            };
            let mut net = address.to_bits();
            while net != 0 && net.trailing_zeros() >= 8 {
                net >>= 8;
            }
            for name in std::iter::once(name).chain(aliases) {
                self.networks.insert((*name).to_owned(), net);
            }
        }
    }

    /// Adds the lines of /etc/ethers: `02:00:00:00:00:01 router`.
    pub fn add_ethers(&mut self, text: &str) {
        for words in lines(text) {
            let [mac, name, ..] = words.as_slice() else {
                continue;
            };
            if let Some(mac) = super::lex::mac(mac) {
                self.ethers.insert((*name).to_owned(), mac);
            }
        }
    }
}

/// The words of each line, without comments.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| {
        let line = line.split_once('#').map_or(line, |(code, _)| code);
        line.split_whitespace().collect()
    })
}

impl Names for Table {
    fn service(&self, name: &str) -> Option<Service> {
        let found = self.services.get(name).copied()?;
        (found != Service::default()).then_some(found)
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.protocols.get(name).copied()
    }

    fn network(&self, name: &str) -> Option<u32> {
        self.networks.get(name).copied()
    }

    fn ether(&self, name: &str) -> Option<[u8; 6]> {
        self.ethers.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_etc_are_read() {
        let mut table = Table::builtin();
        table.add_services(
            "# comment\nwho 513/udp whod # x\nhttp 8080/tcp\nbad 99999/tcp\nx\ny 1\nz 5/dccp\n",
        );
        table.add_protocols("pup 12 PUP\nbig 300\n");
        table.add_networks("loopback 127.0.0.0\nucb-ether 46.0.0.0 ucb\nlink 169.254.0.0\n");
        table.add_ethers("2:0:0:0:0:1 router\nnonsense router2\n");
        assert_eq!(table.service("whod").and_then(|s| s.udp), Some(513));
        assert_eq!(table.service("http").and_then(|s| s.tcp), Some(8080));
        assert_eq!(table.service("bad"), None);
        assert_eq!(table.service("z"), None);
        assert_eq!(table.protocol("PUP"), Some(12));
        assert_eq!(table.protocol("big"), None);
        assert_eq!(table.network("ucb"), Some(46));
        assert_eq!(table.network("link"), Some(0xa9fe));
        assert_eq!(table.ether("router"), Some([2, 0, 0, 0, 0, 1]));
        assert_eq!(table.ether("router2"), None);
    }

    #[test]
    fn without_a_resolver_a_host_name_is_refused() {
        assert!(Table::builtin().hosts("sundown").is_err());
        assert_eq!(Table::builtin().protocol("igmp"), Some(2));
    }
}
