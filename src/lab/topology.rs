//! The three labs: which hosts there are, who is cabled to whom, addresses and names. Every cable
//! runs through the wire's namespace, where the relay reads and writes its two ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::{Domain, Protocol, Socket, Type};

use super::host::Host;
use super::link::{Switch, VethEnd};
use super::names::Names;
use super::route::{Route, RouteKind};
use crate::error::Error;
use crate::sys::{packet, sockopt};

/// Which lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// h1 - h2.
    Pair,
    /// h1, h2, h3 on a switch, a bridge of the kernel.
    Lan(Switch),
    /// h1 - r1 - r2 - h2; the link between the routers has this MTU.
    Route(u32),
}

impl Shape {
    /// Names of the hosts; a switch comes last.
    pub fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::Pair => &["h1", "h2"],
            Self::Lan(_) => &["h1", "h2", "h3", "switch"],
            Self::Route(_) => &["h1", "r1", "r2", "h2"],
        }
    }
}

/// How the hosts are set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// MTU of the hosts' links in bytes; 1500 if not given.
    pub mtu: Option<u32>,
    /// Hosts ask for each other by ARP and ND. Otherwise they know each other.
    pub arp: bool,
    /// IPv6 says what it says by default: router solicitations, duplicate address detection.
    pub chatter: bool,
}

/// A host's link: host number, link name, its addresses' last numbers.
#[derive(Clone, Copy, Debug)]
struct Port {
    host: usize,
    link: &'static str,
    /// The last number of its addresses; 0: none.
    last: u8,
}

/// A cable and the network on it.
#[derive(Clone, Copy, Debug)]
struct Plan {
    ends: [Port; 2],
    /// 10.5.net.0/24 and fd00:5:net::/64.
    net: u8,
    mtu: Option<u32>,
    impaired: bool,
}

/// A cable that is laid.
#[derive(Debug)]
pub struct Laid {
    /// `h1-h2`.
    pub name: String,
    /// Numbers of the hosts at its ends.
    pub ends: [u8; 2],
    /// Packet sockets on its two ends in the wire's namespace.
    pub sockets: [Socket; 2],
    /// The impairments concern it.
    pub impaired: bool,
}

/// A lab that is built; nothing carries its frames yet.
#[derive(Debug)]
pub struct Topology {
    /// The hosts; a switch comes last.
    pub hosts: Vec<Host>,
    /// The cables.
    pub cables: Vec<Laid>,
    /// Names and addresses.
    pub names: Names,
    /// Holds the middle of the cables.
    _wire: Host,
}

impl Topology {
    /// Builds it in namespaces of its own. `on`: the cables that the impairments concern, by name
    /// or by the name of a host at an end; empty: those of the shape.
    pub fn build(shape: Shape, setup: Setup, on: &[String]) -> Result<Self, Error> {
        let names = shape.hosts();
        let mut plans = plans(shape, setup);
        choose(&mut plans, names, on)?;
        let wire = Host::silent("wire")?;
        let mut hosts = Vec::new();
        for name in names {
            let quiet = !setup.chatter;
            hosts.push(match (*name, shape) {
                // A bridge without an address has nothing to say.
                ("switch", Shape::Lan(switch)) if !switch.querier => Host::silent(name)?,
                _ if quiet => Host::new(name)?,
                _ => Host::chatty(name)?,
            });
        }
        if let Shape::Lan(switch) = shape
            && let Some(host) = hosts.last()
        {
            host.netlink().add_switch("br0", switch)?;
            host.netlink().set_up("br0", true)?;
            if switch.querier {
                // A querier asks from an address (RFC 3376 4.1.2).
                host.netlink().add_address("br0", v4(0, 254).into(), 24)?;
                host.netlink().add_address("br0", v6(0, 254).into(), 64)?;
            }
        }
        for (number, plan) in plans.iter().enumerate() {
            lay(number, plan, &wire, &hosts)?;
        }
        switch_on(&plans, &wire, &hosts)?;
        address(&plans, &hosts)?;
        if !setup.arp {
            introduce(&plans, &hosts, shape)?;
        }
        routes(shape, &hosts)?;
        // Last: what the hosts said while they were set up is not on the wire.
        let cables = open(&plans, &wire, names)?;
        Ok(Self {
            names: Names::new(names_of(&plans, names)),
            hosts,
            cables,
            _wire: wire,
        })
    }
}

/// The cables of a shape.
fn plans(shape: Shape, setup: Setup) -> Vec<Plan> {
    let port = |host, link, last| Port { host, link, last };
    let plan = |ends, net, mtu, impaired| Plan {
        ends,
        net,
        mtu,
        impaired,
    };
    match shape {
        Shape::Pair => {
            let ends = [port(0, "eth0", 1), port(1, "eth0", 2)];
            vec![plan(ends, 0, setup.mtu, true)]
        }
        Shape::Lan(_) => ["port1", "port2", "port3"]
            .into_iter()
            .zip([(0, 1), (1, 2), (2, 3)])
            .map(|(at_switch, (host, last))| {
                let ends = [port(host, "eth0", last), port(3, at_switch, 0)];
                plan(ends, 0, setup.mtu, true)
            })
            .collect(),
        Shape::Route(small) => {
            let ends = [
                [port(0, "eth0", 1), port(1, "eth0", 254)],
                [port(1, "eth1", 1), port(2, "eth0", 2)],
                [port(2, "eth1", 254), port(3, "eth0", 2)],
            ];
            let [left, middle, right] = ends;
            vec![
                plan(left, 1, setup.mtu, false),
                plan(middle, 2, Some(small), true),
                plan(right, 3, setup.mtu, false),
            ]
        }
    }
}

/// Marks the cables that the impairments concern.
fn choose(plans: &mut [Plan], names: &[&str], on: &[String]) -> Result<(), Error> {
    if on.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = plans.iter().map(|plan| cable_name(plan, names)).collect();
    for wanted in on {
        if !all.iter().any(|name| is_meant(name, wanted)) {
            return Err(Error::Usage {
                message: format!("there is no cable {wanted}: {}", all.join(", ")),
                fix: None,
            });
        }
    }
    for (plan, name) in plans.iter_mut().zip(&all) {
        plan.impaired = on.iter().any(|wanted| is_meant(name, wanted));
    }
    Ok(())
}

/// A cable is meant by its name or by that of the host at one of its ends.
fn is_meant(cable: &str, wanted: &str) -> bool {
    cable == wanted || cable.split('-').any(|end| end == wanted)
}

fn cable_name(plan: &Plan, names: &[&str]) -> String {
    let [a, b] = plan
        .ends
        .map(|port| names.get(port.host).copied().unwrap_or("?"));
    format!("{a}-{b}")
}

/// MAC address of a host's link: `eth1` and the switch's ports have numbers of their own.
fn mac(port: Port) -> [u8; 6] {
    let link = match port.link {
        "eth0" => 0,
        "eth1" => 1,
        "port1" => 11,
        "port2" => 12,
        _ => 13,
    };
    let host = u8::try_from(port.host).unwrap_or(0);
    [2, 0, 10, 5, link, host.saturating_add(1)]
}

fn v4(net: u8, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 5, net, last)
}

fn v6(net: u8, last: u8) -> Ipv6Addr {
    // 254 is fe there, as it is the last of its network here.
    let last = if last == 254 { 0xfe } else { u16::from(last) };
    Ipv6Addr::new(0xfd00, 5, net.into(), 0, 0, 0, 0, last)
}

/// Link-local address made from the MAC (RFC 4291 appendix A).
fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [first, b1, b2, b3, b4, b5] = mac;
    // The universal/local bit is inverted, ff:fe goes into the middle.
    let halves = [[first ^ 2, b1], [b2, 0xff], [0xfe, b3], [b4, b5]];
    let [w0, w1, w2, w3] = halves.map(u16::from_be_bytes);
    Ipv6Addr::new(0xfe80, 0, 0, 0, w0, w1, w2, w3)
}

/// The wire's name of a cable's end.
fn end_name(cable: usize, end: usize) -> String {
    format!("cable{cable}-{end}")
}

fn lay(number: usize, plan: &Plan, wire: &Host, hosts: &[Host]) -> Result<(), Error> {
    for (end, port) in plan.ends.iter().enumerate() {
        let Some(host) = hosts.get(port.host) else {
            continue;
        };
        let name = end_name(number, end);
        let here = VethEnd {
            name: &name,
            // Nobody sends to it.
            mac: [
                2,
                0,
                10,
                6,
                u8::try_from(number).unwrap_or(0),
                u8::try_from(end).unwrap_or(0),
            ],
        };
        let there = VethEnd {
            name: port.link,
            mac: mac(*port),
        };
        wire.netlink().add_veth(here, there, host.namespace())?;
        // Whatever MTU a host is given later, the wire's end takes the frame.
        wire.netlink().set_mtu(&name, 65_535)?;
        if let Some(mtu) = plan.mtu {
            host.netlink().set_mtu(port.link, mtu)?;
        }
        if port.link.starts_with("port") {
            host.netlink().set_bridge(port.link, "br0")?;
        }
    }
    Ok(())
}

fn switch_on(plans: &[Plan], wire: &Host, hosts: &[Host]) -> Result<(), Error> {
    let mut links: Vec<(&Host, String)> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        for (end, port) in plan.ends.iter().enumerate() {
            links.push((wire, end_name(number, end)));
            links.extend(
                hosts
                    .get(port.host)
                    .map(|host| (host, port.link.to_owned())),
            );
        }
    }
    for host in hosts.iter().chain([wire]) {
        let own = links.iter().filter(|(of, _)| std::ptr::eq(*of, host));
        let names: Vec<&str> = own.map(|(_, name)| name.as_str()).collect();
        host.offloads_off_all(&names)?;
    }
    for (host, name) in &links {
        host.netlink().set_up(name, true)?;
    }
    for (host, name) in &links {
        host.netlink().wait_running(name)?;
    }
    Ok(())
}

/// Gives every port its addresses; a switch that asks as querier has some too.
fn address(plans: &[Plan], hosts: &[Host]) -> Result<(), Error> {
    let mut added = Vec::new();
    for plan in plans {
        for port in plan.ends.iter().filter(|port| port.last > 0) {
            let Some(host) = hosts.get(port.host) else {
                continue;
            };
            let netlink = host.netlink();
            netlink.add_address(port.link, v4(plan.net, port.last).into(), 24)?;
            let v6 = v6(plan.net, port.last);
            netlink.add_address(port.link, v6.into(), 64)?;
            added.push((host, v6));
        }
    }
    for (host, v6) in added {
        host.wait_address(v6.into())?;
    }
    Ok(())
}

/// Fills the neighbour tables, so that no question precedes the first packet.
fn introduce(plans: &[Plan], hosts: &[Host], shape: Shape) -> Result<(), Error> {
    let ports: Vec<(u8, Port)> = plans
        .iter()
        .flat_map(|plan| plan.ends.map(|port| (plan.net, port)))
        .filter(|(_, port)| port.last > 0)
        .collect();
    for (net, near) in &ports {
        for (far_net, far) in &ports {
            if net != far_net || near.host == far.host {
                continue;
            }
            let Some(host) = hosts.get(near.host) else {
                continue;
            };
            let mac = mac(*far);
            for address in [
                IpAddr::from(v4(*net, far.last)),
                v6(*net, far.last).into(),
                link_local(mac).into(),
            ] {
                host.netlink().set_neighbour(near.link, address, mac)?;
            }
        }
    }
    debug_assert!(!ports.is_empty(), "{shape:?} has hosts");
    Ok(())
}

fn routes(shape: Shape, hosts: &[Host]) -> Result<(), Error> {
    let (Shape::Route(_), [h1, r1, r2, h2]) = (shape, hosts) else {
        return Ok(());
    };
    for router in [r1, r2] {
        router.set_sysctl("net/ipv4/ip_forward", "1")?;
        router.set_sysctl("net/ipv6/conf/all/forwarding", "1")?;
        // The kernel sends one such error a second to each peer by default: a traceroute would
        // lose answers, and a class would wonder.
        router.set_sysctl("net/ipv4/icmp_ratelimit", "0")?;
        router.set_sysctl("net/ipv6/icmp/ratelimit", "0")?;
    }
    for (host, net) in [(h1, 1), (h2, 3)] {
        for via in [IpAddr::from(v4(net, 254)), v6(net, 254).into()] {
            host.netlink().set_route(&Route::default_via(via))?;
        }
    }
    for (router, to, via) in [(r1, 3, 2), (r2, 1, 1)] {
        for (network, prefix, via) in [
            (IpAddr::from(v4(to, 0)), 24, IpAddr::from(v4(2, via))),
            (v6(to, 0).into(), 64, v6(2, via).into()),
        ] {
            let mut route = Route::new((network, prefix), RouteKind::Unicast);
            route.via = Some(via);
            router.netlink().set_route(&route)?;
        }
    }
    Ok(())
}

fn open(plans: &[Plan], wire: &Host, names: &[&str]) -> Result<Vec<Laid>, Error> {
    let indexes: Result<Vec<[u32; 2]>, Error> = (0..plans.len())
        .map(|number| {
            let index = |end| wire.netlink().link(&end_name(number, end));
            Ok([index(0)?.index, index(1)?.index])
        })
        .collect();
    let indexes = indexes?;
    let opened = wire.run(|| -> std::io::Result<Vec<[Socket; 2]>> {
        let both = |[a, b]: &[u32; 2]| Ok([open_end(*a)?, open_end(*b)?]);
        indexes.iter().map(both).collect()
    })?;
    let sockets = opened.map_err(|source| Error::Io {
        operation: "open",
        object: "the wire's packet sockets".into(),
        source,
    })?;
    let laid = plans.iter().zip(sockets).map(|(plan, sockets)| Laid {
        name: cable_name(plan, names),
        ends: plan.ends.map(|port| u8::try_from(port.host).unwrap_or(0)),
        sockets,
        impaired: plan.impaired,
    });
    Ok(laid.collect())
}

/// A packet socket that hears all that comes out of the host at the other end.
fn open_end(index: u32) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
    socket.set_nonblocking(true)?;
    // What we write ourselves must not come back.
    sockopt::set_int(&socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
    // Straight to the driver: no queue between us and the far end (packet(7)).
    sockopt::set_int(&socket, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
    // The limit of net.core.rmem_max is the machine's; only root may go beyond.
    let _ = sockopt::set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 8 << 20)
        .or_else(|_| sockopt::set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, 8 << 20));
    let _ = sockopt::set_int(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, 8 << 20)
        .or_else(|_| sockopt::set_int(&socket, libc::SOL_SOCKET, libc::SO_SNDBUF, 8 << 20));
    let mut request = index.to_ne_bytes().to_vec();
    request.extend(
        u16::try_from(libc::PACKET_MR_PROMISC)
            .unwrap_or(1)
            .to_ne_bytes(),
    );
    request.extend([0; 10]);
    sockopt::set_bytes(
        &socket,
        libc::SOL_PACKET,
        libc::PACKET_ADD_MEMBERSHIP,
        &request,
    )?;
    let all = u16::try_from(libc::ETH_P_ALL).map_err(std::io::Error::other)?;
    packet::bind(&socket, all, index)?;
    Ok(socket)
}

/// Each host's addresses, those towards h1 first.
fn names_of(plans: &[Plan], names: &[&str]) -> Vec<(String, Vec<IpAddr>)> {
    let addresses = |host: usize| -> Vec<IpAddr> {
        let own = plans
            .iter()
            .flat_map(|plan| plan.ends.map(|port| (plan.net, port)));
        let own = own.filter(|(_, port)| port.host == host && port.last > 0);
        own.flat_map(|(net, port)| [IpAddr::from(v4(net, port.last)), v6(net, port.last).into()])
            .collect()
    };
    let named = names
        .iter()
        .enumerate()
        .map(|(number, name)| ((*name).to_owned(), addresses(number)));
    named
        .filter(|(_, addresses)| !addresses.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_come_from_the_mac() {
        let expected: Ipv6Addr = "fe80::aff:fe05:2".parse().unwrap();
        assert_eq!(link_local([2, 0, 10, 5, 0, 2]), expected);
    }

    #[test]
    fn cables_are_chosen_by_name_or_by_an_end() {
        let names = ["h1", "r1", "r2", "h2"];
        let mut plans = plans(Shape::Route(1300), Setup::default());
        let impaired = |plans: &[Plan]| plans.iter().map(|p| p.impaired).collect::<Vec<_>>();
        assert_eq!(impaired(&plans), [false, true, false]);
        choose(&mut plans, &names, &["h1".into()]).unwrap();
        assert_eq!(impaired(&plans), [true, false, false]);
        choose(&mut plans, &names, &["r1".into(), "r2-h2".into()]).unwrap();
        assert_eq!(impaired(&plans), [true, true, true]);
        assert!(choose(&mut plans, &names, &["h3".into()]).is_err());
    }
}
