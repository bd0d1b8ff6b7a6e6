//! Multicast groups of this host: what the kernel tells under /proc, and sockets that join and ask.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::sys::sockopt;

/// A group that an interface listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Name of the interface.
    pub interface: String,
    /// The group.
    pub group: IpAddr,
    /// Sockets and other users that want it.
    pub users: u32,
    /// Version of the last querier heard, as the kernel writes it: `V3`. IPv6 does not tell.
    pub querier: Option<String>,
    /// Senders that are wanted, and not wanted.
    pub sources: Vec<(IpAddr, bool)>,
}

/// Most memberships that are read.
const MAX: usize = 65_536;

/// The memberships of this thread's network.
pub fn list() -> io::Result<Vec<Membership>> {
    // Not /proc/net: that is the main thread's.
    let read = |file: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{file}"));
    let mut all = parse_igmp(&read("igmp")?);
    // A kernel without IPv6 has none of these.
    all.extend(parse_igmp6(&read("igmp6").unwrap_or_default()));
    for file in ["mcfilter", "mcfilter6"] {
        add_sources(&read(file).unwrap_or_default(), &mut all);
    }
    Ok(all)
}

/// /proc/net/igmp: a line for each interface, then one for each of its groups, as the bytes of the
/// address in the processor's order (net/ipv4/igmp.c, igmp_mc_seq_show).
fn parse_igmp(text: &str) -> Vec<Membership> {
    let mut found = Vec::new();
    let mut at: Option<(&str, &str)> = None;
    for line in text.lines().skip(1).take(MAX) {
        let mut words = line.split_whitespace();
        if !line.starts_with(['\t', ' ']) {
            // Index, device, a colon, count, querier. A long name touches the colon.
            let name = words.nth(1).map(|name| name.trim_end_matches(':'));
            at = name.zip(words.next_back());
            continue;
        }
        let group = words
            .next()
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let (Some((interface, querier)), Some(group)) = (at, group) else {
            continue;
        };
        found.push(Membership {
            interface: interface.to_owned(),
            group: Ipv4Addr::from(group.to_ne_bytes()).into(),
            users: words
                .next()
                .and_then(|users| users.parse().ok())
                .unwrap_or(0),
            querier: Some(querier.to_owned()),
            sources: Vec::new(),
        });
    }
    found
}

/// /proc/net/igmp6: index, device, group, users, flags, timer (net/ipv6/mcast.c).
fn parse_igmp6(text: &str) -> Vec<Membership> {
    let membership = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[_, interface, group, users, ..] = words.as_slice() else {
            return None;
        };
        Some(Membership {
            interface: interface.to_owned(),
            group: v6(group)?.into(),
            users: users.parse().ok()?,
            querier: None,
            sources: Vec::new(),
        })
    };
    text.lines().take(MAX).filter_map(membership).collect()
}

/// /proc/net/mcfilter and mcfilter6: index, device, group, source, including and excluding users.
fn add_sources(text: &str, to: &mut [Membership]) {
    for line in text.lines().skip(1).take(MAX) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[_, interface, group, source, including, ..] = words.as_slice() else {
            continue;
        };
        let address = |text: &str| match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16)
                .ok()
                .map(|n| Ipv4Addr::from(n).into()),
            None => v6(text).map(IpAddr::from),
        };
        let (Some(group), Some(source)) = (address(group), address(source)) else {
            continue;
        };
        let wanted = including != "0";
        let fits = |known: &&mut Membership| known.interface == interface && known.group == group;
        if let Some(known) = to.iter_mut().find(fits) {
            known.sources.push((source, wanted));
        }
    }
}

/// 32 hexadecimal digits.
fn v6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then_some(())?;
    u128::from_str_radix(text, 16).ok().map(Ipv6Addr::from)
}

// linux/in.h: they work for both families (RFC 3678 5).
const MCAST_JOIN_GROUP: i32 = 42;
const MCAST_JOIN_SOURCE_GROUP: i32 = 46;

/// A socket that is a member of a group until it is closed; with sources, of their channels only.
pub fn join(group: IpAddr, sources: &[IpAddr], interface: u32) -> io::Result<Socket> {
    let (domain, level) = match group {
        IpAddr::V4(_) => (Domain::IPV4, libc::IPPROTO_IP),
        IpAddr::V6(_) => (Domain::IPV6, libc::IPPROTO_IPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    // struct group_req, group_source_req: the number, then addresses at their alignment.
    let mut request = interface.to_ne_bytes().to_vec();
    request.resize(align_of::<libc::sockaddr_storage>().max(4), 0);
    push_address(&mut request, group);
    if sources.is_empty() {
        sockopt::set_bytes(&socket, level, MCAST_JOIN_GROUP, &request)?;
    }
    for source in sources {
        let mut request = request.clone();
        push_address(&mut request, *source);
        sockopt::set_bytes(&socket, level, MCAST_JOIN_SOURCE_GROUP, &request)?;
    }
    Ok(socket)
}

/// Appends a `sockaddr_storage`.
fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    let end = out
        .len()
        .saturating_add(size_of::<libc::sockaddr_storage>());
    match address {
        IpAddr::V4(v4) => {
            let family = u16::try_from(libc::AF_INET).unwrap_or(0);
            out.extend(family.to_ne_bytes());
            out.extend([0, 0]);
            out.extend(v4.octets());
        }
        IpAddr::V6(v6) => {
            let family = u16::try_from(libc::AF_INET6).unwrap_or(0);
            out.extend(family.to_ne_bytes());
            out.extend([0; 6]);
            out.extend(v6.octets());
        }
    }
    out.resize(end, 0);
}

/// A raw socket that sends queries as a router must: TTL 1, Router Alert, and IPv4's precedence
/// "internetwork control" (RFC 9776 4, RFC 9777 5).
pub fn querier(v6: bool, interface: u32) -> io::Result<Socket> {
    if v6 {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        socket.set_multicast_hops_v6(1)?;
        socket.set_multicast_if_v6(interface)?;
        // Hop-by-hop header: Router Alert for MLD (RFC 2711 2.1), two bytes of padding.
        let header = [0, 0, 5, 2, 0, 0, 1, 0];
        sockopt::set_bytes(&socket, libc::IPPROTO_IPV6, libc::IPV6_HOPOPTS, &header)?;
        return Ok(socket);
    }
    let socket = Socket::new(
        Domain::IPV4,
        Type::RAW,
        Some(Protocol::from(libc::IPPROTO_IGMP)),
    )?;
    socket.set_multicast_ttl_v4(1)?;
    socket.set_tos_v4(0xc0)?;
    // Router Alert (RFC 2113 2.1).
    sockopt::set_bytes(
        &socket,
        libc::IPPROTO_IP,
        libc::IP_OPTIONS,
        &[0x94, 4, 0, 0],
    )?;
    // struct ip_mreqn: group, address, interface.
    let mut request = vec![0; 8];
    request.extend(interface.to_ne_bytes());
    sockopt::set_bytes(&socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)?;
    Ok(socket)
}

/// Where a query about a group goes: to it, or to all hosts.
pub fn destination(group: Option<IpAddr>, v6: bool, interface: u32) -> SockAddr {
    let all: IpAddr = if v6 {
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into()
    } else {
        Ipv4Addr::new(224, 0, 0, 1).into()
    };
    match group.unwrap_or(all) {
        IpAddr::V4(v4) => std::net::SocketAddrV4::new(v4, 0).into(),
        IpAddr::V6(v6) => std::net::SocketAddrV6::new(v6, 0, 0, interface).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn groups_of_the_kernel_are_read() {
        let text = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n\
                    1\tlo        :     1      V3\n\
                    \t\t\t\t010000E0     1 0:00000000\t\t0\n\
                    2\tenp123s0f1np1:     2      V2\n\
                    \t\t\t\t030201EF     2 0:00000000\t\t1\n";
        let found = parse_igmp(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].group.to_string(), "224.0.0.1");
        assert_eq!(found[1].interface, "enp123s0f1np1");
        assert_eq!(found[1].group.to_string(), "239.1.2.3");
        assert_eq!(
            (found[1].users, found[1].querier.as_deref()),
            (2, Some("V2"))
        );
        let text = "2    eth0            ff0200000000000000000001ff000001     1 00000004 0\n";
        let found = parse_igmp6(text);
        assert_eq!(found[0].group.to_string(), "ff02::1:ff00:1");
        for wrong in ["", "x", "1 eth0 zz 1 0 0", "1 eth0 ff02 1 0 0\n\n"] {
            assert!(parse_igmp6(wrong).is_empty(), "{wrong}");
            assert!(parse_igmp(wrong).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn a_member_is_listed_with_its_sources() {
        let group: IpAddr = "232.1.2.3".parse().unwrap();
        let source: IpAddr = "127.0.0.9".parse().unwrap();
        let socket = join(group, &[source], 1).unwrap();
        let found = list().unwrap();
        let found = found
            .iter()
            .find(|m| m.group == group && m.interface == "lo");
        assert_eq!(found.unwrap().sources, [(source, true)]);
        drop(socket);
        let found = list().unwrap();
        assert!(
            !found
                .iter()
                .any(|m| m.group == group && m.interface == "lo")
        );
    }

    #[test]
    fn both_families_join() {
        for group in ["239.77.1.1", "ff05::77"] {
            let group: IpAddr = group.parse().unwrap();
            let socket = join(group, &[], 1).unwrap();
            let here = |m: &Membership| m.group == group && m.interface == "lo";
            assert!(list().unwrap().iter().any(here), "{group}");
            drop(socket);
        }
    }
}
