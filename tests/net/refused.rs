//! Sends that fail and errors that come back, on every kind of wire.

use std::net::IpAddr;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::{Host, Lab, Route, RouteKind};
use rawsock::net::icmp::{Family, Kind};
use rawsock::net::{Outgoing, Queued, Wire};
use rawsock::sys::poll::{PollFd, PollFlags, ppoll};

use crate::end::{End, ID, KINDS, SECOND, addresses};
use crate::harness::Outcome;

crate::tests![
    an_icmp_error_is_told_once_and_is_not_the_next_sends_failure,
    a_route_that_refuses_fails_the_send_itself,
    a_full_device_queue_is_a_failed_send: "tc",
    a_firewall_is_a_failed_send: "nft",
    a_packet_over_the_mtu_is_refused_with_the_mtu,
];

/// h2 forwards and has a route that says unreachable.
fn a_far_unreachable(lab: &Lab, family: Family) -> Result<(IpAddr, IpAddr), Failed> {
    let (here, router) = addresses(family);
    let (net, far, prefix): (IpAddr, IpAddr, u8) = match family {
        Family::V4 => ("10.9.0.0".parse()?, "10.9.0.1".parse()?, 24),
        Family::V6 => ("fd09::".parse()?, "fd09::1".parse()?, 64),
    };
    let to = (net, prefix);
    lab.h2().set_sysctl("net/ipv4/ip_forward", "1")?;
    lab.h2().set_sysctl("net/ipv6/conf/all/forwarding", "1")?;
    // No limit on the errors that this test asks for.
    lab.h2().set_sysctl("net/ipv4/icmp_ratelimit", "0")?;
    lab.h2().set_sysctl("net/ipv6/icmp/ratelimit", "0")?;
    let via = Route {
        via: Some(router),
        ..Route::new(to, RouteKind::Unicast)
    };
    lab.h1().netlink().set_route(&via)?;
    let dead = Route::new(to, RouteKind::Unreachable);
    lab.h2().netlink().set_route(&dead)?;
    Ok((here, far))
}

fn an_icmp_error_is_told_once_and_is_not_the_next_sends_failure() -> Outcome {
    for family in [Family::V4, Family::V6] {
        let router = addresses(family).1;
        let unreachable = if family == Family::V4 { (3, 1) } else { (1, 0) };
        for kind in KINDS {
            // A new lab each time: an unreachable route answers 5 times, then once a second
            // (`ip_error` in net/ipv4/route.c), and no sysctl of a namespace changes that.
            let lab = Lab::pair()?;
            lab.know_neighbours()?;
            let to = a_far_unreachable(&lab, family)?;
            let mut end = End::open(lab.h1(), kind, to, ID)?;
            for seq in 1..=3 {
                end.send(seq, false)??;
                // Wait for the error; the next send must not fail for it.
                let mut fds = [PollFd::new(end.wire.as_fd(), PollFlags::empty())];
                ppoll(&mut fds, Some(SECOND), None)?;
                let revents = fds[0].revents().unwrap_or(PollFlags::empty());
                assert!(revents.contains(PollFlags::POLLERR), "{family} {kind}");
            }
            for seq in 1..=3u16 {
                let (icmp_type, code, quoted, from) = if kind == Kind::Dgram {
                    match end.wire.recv_queued()? {
                        Some(Queued::Icmp {
                            from,
                            icmp_type,
                            code,
                            quoted,
                            ..
                        }) => (icmp_type, code, quoted, from.ok_or("no offender")?),
                        other => return Err(format!("{family} {other:?}").into()),
                    }
                } else {
                    let (bytes, from) = end.hear()?;
                    let header = if family == Family::V4 { 20 } else { 40 };
                    (bytes[0], bytes[1], bytes[8 + header..].to_vec(), from)
                };
                assert_eq!(
                    (icmp_type, code, from),
                    (unreachable.0, unreachable.1, router)
                );
                assert_eq!(quoted[0], if family == Family::V4 { 8 } else { 128 });
                assert_eq!(
                    quoted[4..8],
                    [end.id.to_be_bytes(), seq.to_be_bytes()].concat()
                );
            }
            assert!(end.wire.recv_queued()?.is_none(), "{family} {kind}");
            end.hears_nothing();
            // Nothing is pending any more.
            let mut fds = [PollFd::new(end.wire.as_fd(), PollFlags::POLLIN)];
            assert_eq!(
                ppoll(&mut fds, Some(Duration::ZERO), None)?,
                0,
                "{family} {kind}"
            );
        }
    }
    Ok(())
}

fn a_route_that_refuses_fails_the_send_itself() -> Outcome {
    let lab = Lab::pair()?;
    let cases = [
        (RouteKind::Unreachable, libc::EHOSTUNREACH),
        (RouteKind::Prohibit, libc::EACCES),
        (RouteKind::Blackhole, libc::EINVAL),
    ];
    for (route, errno) in cases {
        let to = ("10.9.0.0".parse()?, 24);
        lab.h1().netlink().set_route(&Route::new(to, route))?;
        for kind in KINDS {
            let addresses = (Lab::v4(1).into(), "10.9.0.1".parse()?);
            let mut end = End::open(lab.h1(), kind, addresses, ID)?;
            for want_stamp in [false, true] {
                let error = end.send(1, want_stamp)?.unwrap_err();
                assert_eq!(error.raw_os_error(), Some(errno), "{kind} {route:?}");
            }
        }
    }
    Ok(())
}

/// `ping_v6_sendmsg` of the kernel throws away what became of the packet (net/ipv6/ping.c does not
/// look at `icmpv6_push_pending_frames`), so a packet that was dropped here counts as sent.
const SILENT: (Family, Kind) = (Family::V6, Kind::Dgram);

fn admin(host: &Host, line: &str) -> Outcome {
    let mut words = line.split(' ');
    let mut command = host.command(words.next().unwrap())?;
    let status = command.args(words).status()?;
    assert!(status.success(), "{line}: {status}");
    Ok(())
}

fn a_full_device_queue_is_a_failed_send() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    // Room for some 20 packets, and one a second leaves.
    let queue = "tc qdisc add dev eth0 root tbf rate 8kbit burst 1540 limit 3000";
    admin(lab.h1(), queue)?;
    for family in [Family::V4, Family::V6] {
        for kind in KINDS {
            let mut end = End::open(lab.h1(), kind, addresses(family), ID)?;
            let mut failed = 0;
            for seq in 1..=150 {
                if let Err(error) = end.send(seq, seq % 2 == 0)? {
                    assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "{family} {kind}");
                    failed += 1;
                }
            }
            if (family, kind) == SILENT {
                assert_eq!(failed, 0, "the kernel tells now: take {SILENT:?} out");
                continue;
            }
            assert!(failed >= 50, "{family} {kind}: only {failed} of 150 failed");
        }
    }
    Ok(())
}

fn a_firewall_is_a_failed_send() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for line in [
        "nft add table inet t",
        "nft add chain inet t out { type filter hook output priority 0 ; }",
        "nft add rule inet t out meta l4proto { icmp, ipv6-icmp } drop",
    ] {
        admin(lab.h1(), line)?;
    }
    for family in [Family::V4, Family::V6] {
        for kind in KINDS {
            let mut end = End::open(lab.h1(), kind, addresses(family), ID)?;
            let sent = end.send(1, true)?.map_err(|error| error.raw_os_error());
            let silent = (family, kind) == SILENT;
            let told = if silent {
                Ok(0)
            } else {
                Err(Some(libc::EPERM))
            };
            assert_eq!(sent, told, "{family} {kind}");
        }
    }
    Ok(())
}

fn a_packet_over_the_mtu_is_refused_with_the_mtu() -> Outcome {
    let lab = Lab::pair()?;
    for family in [Family::V4, Family::V6] {
        let mut end = End::open(lab.h1(), Kind::Hdrincl, addresses(family), ID)?;
        let bytes = end.packet(1, 1500)?;
        let outgoing = Outgoing {
            bytes: &bytes,
            want_stamp: true,
        };
        let error = end.wire.send(outgoing).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE), "{family}");
        match end.wire.recv_queued()? {
            Some(Queued::Local { errno, info }) => {
                assert_eq!((errno, info), (libc::EMSGSIZE, 1500), "{family}");
            }
            other => return Err(format!("{family} {other:?}").into()),
        }
        // The wire works on, and stamps are still matched.
        while end.wire.recv_queued()?.is_some() {}
        let number = end.send(2, true)??;
        assert_eq!(end.stamp()?.0, number);
        assert_eq!(end.hear()?.1, end.target);
    }
    Ok(())
}
