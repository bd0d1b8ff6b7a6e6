//! What leaves by the wires: socket options seen at the far end, and our own tap on the way out.

use std::net::IpAddr;

use libtest_mimic::Failed;
use rawsock::decode::{Direction, LinkType};
use rawsock::event::{Stamp, Timestamp};
use rawsock::lab::{Host, Lab};
use rawsock::net::icmp::{Family, IcmpWire, Kind};
use rawsock::net::ifaces::Interfaces;
use rawsock::net::options::{MtuDiscover, Options};
use rawsock::net::tap::Tap as OwnTap;
use rawsock::net::{Outgoing, Queued, Wire};

use crate::end::{End, ID, KINDS, SECOND, addresses, packet, want};
use crate::frames::Request;
use crate::harness::{Outcome, wait_for};
use crate::tap::Tap;

crate::tests![
    the_kernels_header_has_what_was_asked_for,
    a_header_by_hand_leaves_as_it_was_built,
    link_local_targets_need_their_scope,
    a_device_is_left_by_whatever_the_routes_say,
    a_dead_neighbour_is_told_to_a_socket_with_a_device,
    broadcast_needs_its_option,
    mtu_discovery_decides_about_large_packets,
    the_tap_sees_the_probe_and_nothing_else,
];

fn far(lab: &Lab) -> Result<Tap, Failed> {
    lab.know_neighbours()?;
    Tap::start(lab.h2(), "eth0")
}

fn only(tap: &Tap) -> Result<Request, Failed> {
    let mut requests = tap.wait_requests(1)?;
    assert_eq!(requests.len(), 1);
    Ok(requests.remove(0))
}

fn the_kernels_header_has_what_was_asked_for() -> Outcome {
    for family in [Family::V4, Family::V6] {
        for kind in [Kind::Raw, Kind::Dgram] {
            let lab = Lab::pair()?;
            let tap = far(&lab)?;
            let options = Options {
                ttl: Some(33),
                tos: Some(0xb8),
                flow_label: Some(0xa_bcde),
                // Record route with room for three addresses (RFC 791 3.1), then the end.
                ip_options: vec![7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                ..Options::default()
            };
            let to = addresses(family);
            let mut end = End::open_with(lab.h1(), kind, to, ID, &options)?;
            end.send(1, false)??;
            let request = only(&tap)?;
            let ip = &request.ip;
            if family == Family::V4 {
                assert_eq!((ip[0], ip[1], ip[8]), (0x49, 0xb8, 33), "{kind}");
                // Our own address is the first that the kernel recorded.
                assert_eq!(ip[20..27], [7, 15, 8, 10, 5, 0, 1], "{kind}");
            } else {
                assert_eq!(ip[..4], [0x6b, 0x8a, 0xbc, 0xde], "{kind}");
                assert_eq!(ip[7], 33, "{kind}");
            }
            assert_eq!((request.from, request.to), to);
        }
    }
    Ok(())
}

fn a_header_by_hand_leaves_as_it_was_built() -> Outcome {
    let lab = Lab::pair()?;
    let tap = far(&lab)?;
    // Options that a header by hand holds itself change nothing.
    let options = Options {
        ttl: Some(33),
        tos: Some(0xb8),
        flow_label: Some(1),
        ip_options: vec![7, 7, 4, 0, 0, 0, 0, 0],
        ..Options::default()
    };
    let to = addresses(Family::V4);
    let mut end = End::open_with(lab.h1(), Kind::Hdrincl, to, ID, &options)?;
    let mut asked = end.packet(1, 56)?;
    end.wire.send(Outgoing {
        bytes: &asked,
        want_stamp: false,
    })?;
    let wire = only(&tap)?.ip;
    // The kernel fills in the source, and the checksum over it; DF is set, so the id stays 0.
    assert_eq!(wire[12..16], [10, 5, 0, 1]);
    asked[10..16].copy_from_slice(&wire[10..16]);
    assert_eq!(wire, asked);

    let lab = Lab::pair()?;
    let tap = far(&lab)?;
    let to = addresses(Family::V6);
    let mut end = End::open_with(lab.h1(), Kind::Hdrincl, to, ID, &options)?;
    let asked = end.packet(1, 56)?;
    end.wire.send(Outgoing {
        bytes: &asked,
        want_stamp: false,
    })?;
    assert_eq!(only(&tap)?.ip, asked);
    Ok(())
}

fn link_local_targets_need_their_scope() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let index = lab.h1().netlink().link("eth0")?.index;
    let to = (Lab::link_local(1).into(), Lab::link_local(2).into());
    for kind in KINDS {
        let mut end = End::open(lab.h1(), kind, to, ID)?;
        end.wire.set_target(to.1, index);
        end.send(1, false)??;
        let mut buf = [0; 100];
        let heard = wait_for("an answer", SECOND, || {
            let received = end.wire.recv(&mut buf).unwrap()?;
            Some((received.bytes[0], received.from, received.iface))
        })?;
        assert_eq!(heard, (129, to.1, index), "{kind}");
        end.wire.set_target(to.1, index + 100);
        let error = end.send(2, false)?.unwrap_err();
        let errno = error.raw_os_error();
        let refused = [
            Some(libc::ENETUNREACH),
            Some(libc::EINVAL),
            Some(libc::ENODEV),
        ];
        assert!(refused.contains(&errno), "{kind} {error}");
        if kind == Kind::Dgram {
            end.wire.set_target(to.1, 0);
            let error = end.send(3, false)?.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        }
    }
    Ok(())
}

fn a_device_is_left_by_whatever_the_routes_say() -> Outcome {
    let lab = Lab::pair()?;
    let tap = far(&lab)?;
    // h1 has no default route, so a group is out of reach unless a device is named.
    let device = lab.h1().run(Interfaces::list)?.find("eth0");
    let options = Options {
        device,
        ..Options::default()
    };
    let mut sent = 0;
    let groups: [(IpAddr, IpAddr); 2] = [
        (Lab::v4(1).into(), "224.0.0.1".parse()?),
        (Lab::link_local(1).into(), "ff02::1".parse()?),
    ];
    for to in groups {
        for kind in KINDS {
            let without = || IcmpWire::open(kind, Family::of(to.1), &Options::default());
            let mut plain = lab.h1().run(without)??;
            plain.set_target(to.1, 0);
            let bytes = packet(kind, to, (ID, 1), 8)?;
            let outgoing = Outgoing {
                bytes: &bytes,
                want_stamp: false,
            };
            if to.1.is_ipv4() {
                let error = plain.send(outgoing).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::ENETUNREACH), "{kind}");
            }
            let mut end = End::open_with(lab.h1(), kind, to, ID, &options)?;
            end.send(1, false)??;
            sent += 1;
            tap.wait_requests(sent)?;
        }
    }
    Ok(())
}

fn a_dead_neighbour_is_told_to_a_socket_with_a_device() -> Outcome {
    let lab = Lab::pair()?;
    for version in ["ipv4", "ipv6"] {
        // One question, 10 ms: the kernel gives up soon.
        for (key, value) in [("mcast_solicit", "1"), ("retrans_time_ms", "10")] {
            let key = format!("net/{version}/neigh/eth0/{key}");
            lab.h1().set_sysctl(&key, value)?;
        }
    }
    let options = Options {
        device: lab.h1().run(Interfaces::list)?.find("eth0"),
        ..Options::default()
    };
    for (here, dead) in [("10.5.0.1", "10.5.0.77"), ("fd00:5::1", "fd00:5::77")] {
        let to: (IpAddr, IpAddr) = (here.parse()?, dead.parse()?);
        let told = if to.0.is_ipv4() { (3, 1) } else { (1, 3) };
        for kind in KINDS {
            let mut end = End::open_with(lab.h1(), kind, to, ID, &options)?;
            end.send(1, false)??;
            let (icmp_type, code, from) = if kind == Kind::Dgram {
                wait_for("an error", SECOND, || {
                    match end.wire.recv_queued().unwrap()? {
                        Queued::Icmp {
                            icmp_type,
                            code,
                            from,
                            ..
                        } => Some((icmp_type, code, from.unwrap())),
                        other => panic!("{other:?}"),
                    }
                })?
            } else {
                let (bytes, from) = end.hear()?;
                (bytes[0], bytes[1], from)
            };
            assert_eq!((icmp_type, code, from), (told.0, told.1, to.0), "{kind}");
        }
    }
    Ok(())
}

fn broadcast_needs_its_option() -> Outcome {
    let lab = Lab::pair()?;
    let to = (Lab::v4(1).into(), "10.5.0.255".parse()?);
    for kind in KINDS {
        let mut end = End::open(lab.h1(), kind, to, ID)?;
        let error = end.send(1, false)?.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EACCES), "{kind}");
        let options = Options {
            broadcast: true,
            ..Options::default()
        };
        let mut end = End::open_with(lab.h1(), kind, to, ID, &options)?;
        end.send(1, false)??;
    }
    Ok(())
}

fn mtu_discovery_decides_about_large_packets() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let send = |kind, family, mtu_discover| -> Result<Option<i32>, Failed> {
        let options = Options {
            mtu_discover,
            ..Options::default()
        };
        let mut end = End::open_with(lab.h1(), kind, addresses(family), ID, &options)?;
        let bytes = end.packet(1, 2000)?;
        let sent = end.wire.send(Outgoing {
            bytes: &bytes,
            want_stamp: false,
        });
        if sent.is_ok() {
            assert_eq!(end.hear()?.0.len(), 2008);
        }
        Ok(sent.err().and_then(|error| error.raw_os_error()))
    };
    let refused = Some(libc::EMSGSIZE);
    for family in [Family::V4, Family::V6] {
        for kind in [Kind::Raw, Kind::Dgram] {
            assert_eq!(send(kind, family, None)?, None, "{family} {kind}");
            assert_eq!(send(kind, family, Some(MtuDiscover::Want))?, None);
            assert_eq!(send(kind, family, Some(MtuDiscover::Dont))?, None);
            assert_eq!(send(kind, family, Some(MtuDiscover::Do))?, refused);
            assert_eq!(send(kind, family, Some(MtuDiscover::Probe))?, refused);
            assert_eq!(send(kind, family, Some(MtuDiscover::Omit))?, None);
        }
        for discover in [None, Some(MtuDiscover::Want), Some(MtuDiscover::Omit)] {
            assert_eq!(send(Kind::Hdrincl, family, discover)?, refused, "{family}");
        }
    }
    Ok(())
}

/// Everything that the tap has, as bytes.
fn drain(tap: &mut OwnTap) -> Result<Vec<Vec<u8>>, Failed> {
    let (mut all, mut buf) = (Vec::new(), [0; 2048]);
    while let Some(frame) = tap.take(&mut buf, Timestamp::default())? {
        assert_eq!((frame.link, frame.dir), (LinkType::Raw, Direction::Out));
        assert!(!frame.flags.checksum_not_ready);
        assert_eq!(frame.wire_len as usize, frame.bytes.len());
        assert_eq!(frame.stamp == Stamp::User, frame.at == Timestamp::default());
        all.push(frame.bytes.to_vec());
    }
    Ok(all)
}

fn the_tap_sees_the_probe_and_nothing_else() -> Outcome {
    let host = Host::new("alone")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for family in [Family::V4, Family::V6] {
        let on_lo: IpAddr = match family {
            Family::V4 => "127.0.0.1".parse()?,
            Family::V6 => "::1".parse()?,
        };
        for (host, to) in [(lab.h1(), addresses(family)), (&host, (on_lo, on_lo))] {
            for kind in KINDS {
                let mut end = End::open(host, kind, to, ID)?;
                let mut tap = host.run(OwnTap::open)??;
                end.send(1, false)??;
                let other = if kind == Kind::Dgram { 0 } else { ID + 1 };
                let mut other = End::open(host, kind, to, other)?;
                let header = if family == Family::V4 { 20 } else { 40 };
                tap.watch(to.1, header, &[end.id])?;
                other.send(7, false)??;
                end.send(2, false)??;
                // The answer is here, so the probe has long left.
                end.wire.listen(&want(&[end.id], to.1))?;
                wait_for("the answer", SECOND, || {
                    end.wire.recv(&mut [0; 100]).unwrap().map(|_| ())
                })?;
                let seen = drain(&mut tap)?;
                assert_eq!(seen.len(), 1, "{family} {kind} {to:?}");
                let ip = &seen[0];
                assert_eq!(ip.len(), header + 64);
                assert_eq!(ip[header + 4..header + 6], end.id.to_be_bytes());
                assert_eq!(ip[header + 6..header + 8], [0, 2], "{family} {kind}");
                if family == Family::V4 {
                    // What the kernel filled in: the length and the source.
                    assert_eq!(ip[2..4], [0, 84]);
                    assert_ne!(ip[12..16], [0; 4]);
                }
            }
        }
    }
    Ok(())
}
