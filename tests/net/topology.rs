//! Labs larger than a pair: three hosts on a switch, and two networks with a router between them.

use libtest_mimic::Failed;
use rawsock::lab::{Host, Lab, Route, VethEnd};

/// Three hosts 10.5.0.1 to .3 (fd00:5::1 to ::3) on a bridge of a fourth.
pub struct Lan {
    pub hosts: [Host; 3],
    _switch: Host,
}

pub fn lan() -> Result<Lan, Failed> {
    let switch = Host::new("switch")?;
    let bridge = switch.netlink();
    bridge.add_bridge("br0")?;
    bridge.set_up("br0", true)?;
    let hosts = [Host::new("h1")?, Host::new("h2")?, Host::new("h3")?];
    for (number, host) in (1..).zip(&hosts) {
        let port = format!("port{number}");
        let end = VethEnd {
            name: &port,
            mac: [2, 0, 0, 0, 1, number],
        };
        let peer = VethEnd {
            name: "eth0",
            mac: Lab::mac(number),
        };
        bridge.add_veth(end, peer, host.namespace())?;
        bridge.set_bridge(&port, "br0")?;
        bridge.set_up(&port, true)?;
        let netlink = host.netlink();
        netlink.set_up("eth0", true)?;
        netlink.add_address("eth0", Lab::v4(number).into(), 24)?;
        netlink.add_address("eth0", Lab::v6(number).into(), 64)?;
    }
    for (number, host) in (1..).zip(&hosts) {
        host.netlink().wait_running("eth0")?;
        host.wait_address(Lab::v6(number).into())?;
        bridge.wait_running(&format!("port{number}"))?;
    }
    Ok(Lan {
        hosts,
        _switch: switch,
    })
}

/// near 10.6.1.1, fd00:6:1::1 - router .254, ::fe on both sides - far 10.6.2.2, fd00:6:2::2.
pub struct Routed {
    pub near: Host,
    _router: Host,
    _far: Host,
}

/// The link between router and far host has this MTU.
pub fn routed(far_mtu: u32) -> Result<Routed, Failed> {
    let [near, router, far] = [Host::new("near")?, Host::new("router")?, Host::new("far")?];
    router.set_sysctl("net/ipv4/ip_forward", "1")?;
    router.set_sysctl("net/ipv6/conf/all/forwarding", "1")?;
    // The kernel sends one such error a second to each peer by default.
    router.set_sysctl("net/ipv4/icmp_ratelimit", "0")?;
    router.set_sysctl("net/ipv6/icmp/ratelimit", "0")?;
    for (host, net, number, port) in [(&near, 1, 1, "left"), (&far, 2, 2, "right")] {
        let end = VethEnd {
            name: port,
            mac: [2, 0, 0, 0, 2, net],
        };
        let peer = VethEnd {
            name: "eth0",
            mac: Lab::mac(number),
        };
        let inside = router.netlink();
        inside.add_veth(end, peer, host.namespace())?;
        let ends = [(&router, port, 254), (host, "eth0", number)];
        for (end, link, _) in ends {
            end.netlink().set_up(link, true)?;
        }
        for (end, link, last) in ends {
            let netlink = end.netlink();
            netlink.wait_running(link)?;
            let low = if last == 254 { 0xfe } else { u16::from(last) };
            let v6 = std::net::Ipv6Addr::new(0xfd00, 6, net.into(), 0, 0, 0, 0, low);
            netlink.add_address(link, [10, 6, net, last].into(), 24)?;
            netlink.add_address(link, v6.into(), 64)?;
            end.wait_address(v6.into())?;
            if net == 2 {
                netlink.set_mtu(link, far_mtu)?;
            }
        }
        let v6 = std::net::Ipv6Addr::new(0xfd00, 6, net.into(), 0, 0, 0, 0, 0xfe);
        for via in [[10, 6, net, 254].into(), v6.into()] {
            host.netlink().set_route(&Route::default_via(via))?;
        }
    }
    Ok(Routed {
        near,
        _router: router,
        _far: far,
    })
}
