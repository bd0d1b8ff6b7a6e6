//! What the kernel says about targets, and which ICMP socket may be opened.

use std::io;
use std::net::IpAddr;

use libtest_mimic::Failed;
use rawsock::error::Error;
use rawsock::lab::{Lab, Route, RouteKind};
use rawsock::net::choose::{self, Choice};
use rawsock::net::icmp::{Family, Kind as Socket};
use rawsock::net::ifaces::Interfaces;
use rawsock::net::options::Options;
use rawsock::net::route::{Kind, Query, Routes};

use crate::harness::Outcome;

crate::tests![
    targets_are_told_apart,
    no_route_is_the_errno_of_a_send,
    the_source_follows_the_route,
    interfaces_know_our_addresses_and_scopes,
    auto_takes_the_best_socket_that_is_allowed,
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn targets_are_told_apart() -> Outcome {
    let lab = Lab::pair()?;
    let via = Route::default_via(Lab::v4(2).into());
    lab.h1().netlink().set_route(&via)?;
    let via = Route::default_via(Lab::v6(2).into());
    lab.h1().netlink().set_route(&via)?;
    let routes = lab.h1().run(Routes::open)??;
    let index = lab.h1().netlink().link("eth0")?.index;
    let cases = [
        ("10.5.0.1", Kind::Local, true),
        ("127.0.0.9", Kind::Local, true),
        ("10.5.0.2", Kind::Unicast, true),
        ("10.5.0.255", Kind::Broadcast, true),
        ("255.255.255.255", Kind::Broadcast, true),
        ("224.0.0.1", Kind::Multicast, true),
        ("192.0.2.1", Kind::Unicast, false),
        ("::1", Kind::Local, true),
        ("fd00:5::1", Kind::Local, true),
        ("fd00:5::2", Kind::Unicast, true),
        ("ff02::1", Kind::Multicast, true),
        ("2001:db8::1", Kind::Unicast, false),
    ];
    for (target, kind, attached) in cases {
        let device = if target == "ff02::1" { index } else { 0 };
        let query = Query {
            device,
            ..Query::to(ip(target))
        };
        let route = routes
            .lookup(&query)
            .map_err(|error| format!("{target}: {error}"))?;
        assert_eq!(
            (route.kind, route.is_attached()),
            (kind, attached),
            "{target} {route:?}"
        );
        if kind == Kind::Unicast {
            assert_eq!(route.device, index);
            let source = if ip(target).is_ipv4() {
                Lab::v4(1).into()
            } else {
                Lab::v6(1).into()
            };
            assert_eq!(route.source, Some(source), "{target}");
        }
    }
    assert_eq!(routes.link_mtu(index)?, 1500);
    Ok(())
}

fn no_route_is_the_errno_of_a_send() -> Outcome {
    let lab = Lab::pair()?;
    let routes = lab.h1().run(Routes::open)??;
    let errno = |target| {
        routes
            .lookup(&Query::to(target))
            .map_err(|e| e.raw_os_error())
    };
    for (net, prefix, target) in [("10.9.0.0", 24, "10.9.0.1"), ("fd09::", 64, "fd09::1")] {
        let (net, target) = (ip(net), ip(target));
        assert_eq!(errno(target), Err(Some(libc::ENETUNREACH)), "{target}");
        for (kind, expected) in [
            (RouteKind::Unreachable, libc::EHOSTUNREACH),
            (RouteKind::Prohibit, libc::EACCES),
            (RouteKind::Blackhole, libc::EINVAL),
        ] {
            let route = Route::new((net, prefix), kind);
            lab.h1().netlink().set_route(&route)?;
            assert_eq!(errno(target), Err(Some(expected)), "{target} {kind:?}");
            lab.h1().netlink().delete_route(&route)?;
        }
    }
    Ok(())
}

fn the_source_follows_the_route() -> Outcome {
    let lab = Lab::pair()?;
    let netlink = lab.h1().netlink();
    netlink.add_address("eth0", ip("10.6.0.1"), 24)?;
    let routes = lab.h1().run(Routes::open)??;
    let source = |query: &Query| routes.lookup(query).map(|route| route.source);
    let far = ip("10.9.0.1");
    let mut route = Route {
        via: Some(Lab::v4(2).into()),
        mtu: Some(1300),
        ..Route::new((ip("10.9.0.0"), 24), RouteKind::Unicast)
    };
    netlink.set_route(&route)?;
    assert_eq!(source(&Query::to(far))?, Some(Lab::v4(1).into()));
    assert_eq!(routes.lookup(&Query::to(far))?.mtu, Some(1300));
    // The same socket sees a change.
    route.source = Some(ip("10.6.0.1"));
    netlink.set_route(&route)?;
    assert_eq!(source(&Query::to(far))?, Some(ip("10.6.0.1")));
    let pinned = Query {
        source: Some(Lab::v4(1).into()),
        ..Query::to(far)
    };
    assert_eq!(source(&pinned)?, Some(Lab::v4(1).into()));
    Ok(())
}

fn interfaces_know_our_addresses_and_scopes() -> Outcome {
    let lab = Lab::pair()?;
    let list = lab.h1().run(Interfaces::list)?;
    for ours in ["10.5.0.1", "fd00:5::1", "127.0.0.1", "::1"] {
        assert!(list.owns(ip(ours)), "{ours}");
    }
    assert!(list.owns(Lab::link_local(1).into()));
    for other in ["10.5.0.2", "fd00:5::2", "0.0.0.0"] {
        assert!(!list.owns(ip(other)), "{other}");
    }
    let index = lab.h1().netlink().link("eth0")?.index;
    let target = Lab::link_local(2).into();
    assert_eq!(list.scope(target, Some("eth0"), None)?, index);
    assert_eq!(list.scope(target, Some(&index.to_string()), None)?, index);
    let error = list.scope(target, None, None).unwrap_err().to_string();
    assert!(error.contains("lo, eth0"), "{error}");
    Ok(())
}

/// Opens a socket in h1, perhaps without capabilities; the thread that loses them ends with this.
fn open(lab: &Lab, choice: Choice, family: Family, raw: bool) -> Result<Opened, Failed> {
    let work = || {
        if !raw {
            caps::clear(None, caps::CapSet::Effective).unwrap();
        }
        choose::open(choice, family, &Options::default())
            .map(|(wire, note)| (wire.kind(), note.is_some()))
    };
    Ok(lab.h1().run(work)?)
}

type Opened = Result<(Socket, bool), Error>;

fn auto_takes_the_best_socket_that_is_allowed() -> Outcome {
    let lab = Lab::pair()?;
    let errno = |error: Option<io::Error>| error.and_then(|error| error.raw_os_error());
    // A new namespace lets nobody have a ping socket ("1 0"), not even root.
    for family in [Family::V4, Family::V6] {
        let cases = [
            (Choice::Auto, Some(libc::EPERM), Some(libc::EACCES)),
            (Choice::Only(Socket::Raw), Some(libc::EPERM), None),
            (Choice::Only(Socket::Dgram), None, Some(libc::EACCES)),
        ];
        for (choice, expected_raw, expected_dgram) in cases {
            match open(&lab, choice, family, false)? {
                Err(Error::NoIcmpSocket { raw, dgram }) => {
                    let found = (errno(raw), errno(dgram));
                    assert_eq!(found, (expected_raw, expected_dgram), "{family} {choice:?}");
                }
                other => return Err(format!("{choice:?}: {other:?}").into()),
            }
        }
    }
    lab.h1().set_sysctl("net/ipv4/ping_group_range", "0 0")?;
    for family in [Family::V4, Family::V6] {
        let opened = open(&lab, Choice::Auto, family, true)??;
        assert_eq!(opened, (Socket::Hdrincl, false));
        let opened = open(&lab, Choice::Auto, family, false)??;
        assert_eq!(opened, (Socket::Dgram, true));
        for kind in [Socket::Hdrincl, Socket::Raw, Socket::Dgram] {
            let opened = open(&lab, Choice::Only(kind), family, true)??;
            assert_eq!(opened, (kind, false));
        }
    }
    Ok(())
}
