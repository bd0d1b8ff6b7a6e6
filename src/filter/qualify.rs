//! What a name, number or address means after its qualifiers: `src net 10`, `ip6 host ::1`. Ports
//! and protocols are in `services`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::ast::{Address, Prim, Protocol};
use super::error::{FilterError, quoted};
use super::lex::Kind;
use super::parse::{Parsed, Parser, Quals, What};

impl Parser<'_> {
    /// The primitive that the name here makes with these qualifiers.
    pub(super) fn qualified(&mut self, quals: &Quals) -> Parsed<Prim> {
        match quals.what {
            What::Host | What::Net => self.host_or_net(quals),
            What::Port | What::Portrange => self.port(quals),
            What::Proto => self.protocol(quals),
            What::Protochain => self.protochain(quals),
        }
    }

    fn host_or_net(&mut self, quals: &Quals) -> Parsed<Prim> {
        let net = quals.what == What::Net;
        let kind = if net { "net" } else { "host" };
        let at = self.here();
        let wrong = |message: String| Err(FilterError::new(at.clone(), message));
        match quals.proto {
            None | Some(Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp) => {}
            Some(Protocol::Ether) if !net => return self.ether_host(quals),
            Some(Protocol::Decnet) => return self.decnet_host(quals),
            Some(_) => {
                let word = quals.proto_word;
                let message = format!("`{word} {kind}` does not exist: only IP and ARP have hosts");
                let err = FilterError::new(at, message);
                return Err(if quals.proto == Some(Protocol::Ether) {
                    err
                } else {
                    err.hint(format!("write `{word} and {kind} ...`"))
                });
            }
        }
        let addresses = match self.kind().clone() {
            Kind::Num(number) => {
                self.step();
                match self.mask_after(net)? {
                    Some(mask) => {
                        let value = raised(number, net_bits(number));
                        vec![masked(value, mask, &self.since(&at))?]
                    }
                    None if net => vec![shifted(number)],
                    None => vec![Address::V4(number.into(), u32::MAX)],
                }
            }
            Kind::Dotted(text) => {
                self.step();
                let Some((value, bits)) = dotted(&text) else {
                    return wrong(format!("{} is no IPv4 address", quoted(&text)));
                };
                let mask = self.mask_after(net)?;
                let mask = mask.unwrap_or_else(|| prefix(bits));
                vec![masked(value, mask, &self.since(&at))?]
            }
            Kind::V6(address) => {
                self.step();
                vec![self.v6(address, net, &at)?]
            }
            Kind::Id(name) if net => {
                let Some(number) = self.names.network(&name) else {
                    return wrong(format!("unknown network {}", quoted(&name)));
                };
                self.step();
                vec![shifted(number)]
            }
            Kind::Id(name) => {
                let found = match self.names.hosts(&name) {
                    Ok(found) => found,
                    Err(why) => return wrong(format!("unknown host {}: {why}", quoted(&name))),
                };
                self.step();
                let fits = |ip: &IpAddr| match quals.proto {
                    None => true,
                    Some(Protocol::Ip6) => ip.is_ipv6(),
                    Some(_) => ip.is_ipv4(),
                };
                let full = found.into_iter().filter(fits).map(|ip| match ip {
                    IpAddr::V4(a) => Address::V4(a, u32::MAX),
                    IpAddr::V6(a) => Address::V6(a, u128::MAX),
                });
                let full: Vec<Address> = full.collect();
                if full.is_empty() {
                    let message = format!("host {} has no address of that family", quoted(&name));
                    return wrong(message);
                }
                full
            }
            Kind::Mac(_) => {
                let err = self.expected("a host name or an IP address");
                return Err(err.hint("a MAC address goes with `ether host`"));
            }
            _ => return Err(self.not_a_name(if net { "a network" } else { "a host" })),
        };
        let v6 = matches!(addresses.first(), Some(Address::V6(..)));
        match quals.proto {
            Some(Protocol::Ip6) if !v6 => wrong("`ip6` with an IPv4 address".to_owned()),
            Some(Protocol::Ip | Protocol::Arp | Protocol::Rarp) if v6 => {
                wrong(format!("`{}` with an IPv6 address", quals.proto_word))
            }
            proto => Ok(Prim::Host(proto, quals.dir, addresses)),
        }
    }

    /// `/LENGTH` or `mask ADDRESS` after an IPv4 network.
    fn mask_after(&mut self, net: bool) -> Parsed<Option<u32>> {
        let from = self.here();
        let mask = if self.take_op("/") {
            let at = self.here();
            let bits = self.number("a prefix length")?;
            if bits > 32 {
                let message = "an IPv4 prefix has at most 32 bits";
                return Err(FilterError::new(at, message));
            }
            prefix(bits)
        } else if self.take_key("mask") {
            let value = match self.kind() {
                Kind::Dotted(text) => dotted(text).map(|(value, _)| value),
                _ => None,
            };
            let Some(value) = value else {
                return Err(self.expected("a mask such as `255.255.0.0`"));
            };
            self.step();
            value
        } else {
            return Ok(None);
        };
        if net {
            return Ok(Some(mask));
        }
        let message = "a mask goes with `net`, not with `host`";
        Err(FilterError::new(self.since(&from), message))
    }

    fn v6(&mut self, address: Ipv6Addr, net: bool, at: &Range<usize>) -> Parsed<Address> {
        let mut bits = 128;
        if self.take_op("/") {
            let place = self.here();
            bits = self.number("a prefix length")?;
            if bits > 128 {
                let message = "an IPv6 prefix has at most 128 bits";
                return Err(FilterError::new(place, message));
            }
        }
        if bits < 128 && !net {
            let message = "a prefix length goes with `net`, not with `host`";
            return Err(FilterError::new(self.since(at), message));
        }
        let rest = 128_u32.saturating_sub(bits);
        let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
        if address.to_bits() & !mask != 0 {
            let network = Ipv6Addr::from_bits(address.to_bits() & mask);
            return Err(stray_bits(&self.since(at), network.into(), bits));
        }
        Ok(Address::V6(address, mask))
    }

    fn ether_host(&mut self, quals: &Quals) -> Parsed<Prim> {
        let mac = match self.kind() {
            Kind::Mac(mac) => *mac,
            Kind::Id(name) => match self.names.ether(name) {
                Some(mac) => mac,
                None => return Err(self.expected("a MAC address or a name of /etc/ethers")),
            },
            _ => return Err(self.expected("a MAC address")),
        };
        self.step();
        Ok(Prim::EtherHost(quals.dir, mac))
    }

    /// DECnet phase IV address: area of 6 bits, node of 10.
    fn decnet_host(&mut self, quals: &Quals) -> Parsed<Prim> {
        let parts = match self.kind() {
            Kind::Dotted(text) => text.split_once('.'),
            _ => None,
        };
        let numbers = parts.and_then(|(area, node)| {
            let area: u16 = area.parse().ok().filter(|a| *a < 64)?;
            let node: u16 = node.parse().ok().filter(|n| *n < 1024)?;
            Some(area << 10 | node)
        });
        let Some(address) = numbers else {
            return Err(self.expected("a DECnet address such as `10.123`"));
        };
        self.step();
        Ok(Prim::DecnetHost(quals.dir, address))
    }

    /// The error for a keyword, or nothing, where a name must stand.
    pub(super) fn not_a_name(&self, what: &str) -> FilterError {
        let err = self.expected(what);
        match self.kind() {
            Kind::Key("and" | "or" | "not") => err,
            Kind::Key(key) => err.hint(format!("a name that is a keyword is written `\\{key}`")),
            _ => err,
        }
    }
}

/// Value and number of bits of `10`, `10.1`, `10.1.2` or `10.1.2.3`, moved to the top.
fn dotted(text: &str) -> Option<(u32, u32)> {
    let mut bytes = [0_u8; 4];
    let parts = text.split('.').count();
    for (byte, part) in bytes.iter_mut().zip(text.split('.')) {
        *byte = part.parse().ok()?;
    }
    let bits = u32::try_from(parts).ok()?.checked_mul(8)?;
    (bits <= 32).then_some((Ipv4Addr::from(bytes).to_bits(), bits))
}

fn prefix(bits: u32) -> u32 {
    u32::MAX
        .checked_shl(32_u32.saturating_sub(bits))
        .unwrap_or(0)
}

/// A lone network number fills its address from the top: `net 10` is 10.0.0.0/8.
fn shifted(number: u32) -> Address {
    let bits = net_bits(number);
    Address::V4(raised(number, bits).into(), prefix(bits))
}

/// Bits of a lone network number, in whole bytes; 32 for 0.
fn net_bits(number: u32) -> u32 {
    match number {
        0 => 32,
        _ => 32_u32.saturating_sub(number.leading_zeros() & !7),
    }
}

fn raised(number: u32, bits: u32) -> u32 {
    number.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0)
}

/// An address of which only the bits of the mask may be set.
fn masked(value: u32, mask: u32, at: &Range<usize>) -> Parsed<Address> {
    if value & !mask != 0 {
        let network = Ipv4Addr::from_bits(value & mask);
        return Err(stray_bits(at, network.into(), mask.leading_ones()));
    }
    Ok(Address::V4(value.into(), mask))
}

fn stray_bits(at: &Range<usize>, network: IpAddr, bits: u32) -> FilterError {
    FilterError::new(at.clone(), "bits outside the mask are set")
        .hint(format!("the network is `{network}/{bits}`"))
}
