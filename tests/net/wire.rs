//! The ICMP wires on a real cable: every kind and family, filters, ids, stamps.

use std::net::IpAddr;

use rawsock::decode::LinkType;
use rawsock::event::Stamp;
use rawsock::lab::{Host, Lab};
use rawsock::net::Wire;
use rawsock::net::filter::Want;
use rawsock::net::icmp::{Family, IcmpWire, Kind};
use rawsock::net::options::Options;
use rawsock::sys::poll::{PollFd, PollFlags, ppoll};

use crate::end::{End, ID, KINDS, SECOND, addresses, want};
use crate::harness::{Outcome, wait_for};

crate::tests![
    every_kind_hears_its_reply_with_stamps,
    a_wire_hears_no_other_id_and_nothing_before_it_listens,
    own_requests_come_back_only_if_wanted,
    a_dgram_id_is_never_shared,
    stamps_keep_their_numbers_when_the_kernel_counts,
    a_full_receive_queue_is_told,
];

fn every_kind_hears_its_reply_with_stamps() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    // The kernel switches receive stamps on in the background once a socket wants them, and the
    // first replies may lack them; this socket keeps them on.
    let mut warm = End::open(lab.h1(), Kind::Raw, addresses(Family::V4), ID + 1)?;
    wait_for("a receive stamp", SECOND, || {
        let mut buf = [0; 100];
        warm.send(1, false).unwrap().unwrap();
        warm.wire.recv(&mut buf).unwrap()?.stamp
    })?;
    for family in [Family::V4, Family::V6] {
        let reply = if family == Family::V4 { 0 } else { 129 };
        for kind in KINDS {
            let mut end = End::open(lab.h1(), kind, addresses(family), ID)?;
            let mut buf = [0; 40];
            for seq in 1..=3 {
                let number = end.send(seq, true)??;
                let stamp = end.stamp()?;
                assert_eq!(stamp.0, number, "{family} {kind}");
                let mut fds = [PollFd::new(end.wire.as_fd(), PollFlags::POLLIN)];
                assert_eq!(ppoll(&mut fds, Some(SECOND), None)?, 1, "{family} {kind}");
                let received = end
                    .wire
                    .recv(&mut buf)?
                    .ok_or("readable without a datagram")?;
                let (link, header) = match (family, kind) {
                    (Family::V6, _) => (LinkType::Icmpv6Message, 0),
                    (Family::V4, Kind::Dgram) => (LinkType::IcmpMessage, 0),
                    (Family::V4, _) => (LinkType::Raw, 20),
                };
                assert_eq!((received.link, received.from), (link, end.target));
                assert_eq!((received.ttl, received.overflow), (Some(64), None));
                // A ping socket tells that it cut, not how much (net/ipv4/ping.c ping_recvmsg).
                let full_len = if kind == Kind::Dgram { 41 } else { header + 64 };
                assert_eq!((received.bytes.len(), received.full_len), (40, full_len));
                let icmp = &received.bytes[header..header + 8];
                assert_eq!((icmp[0], icmp[1]), (reply, 0), "{family} {kind}");
                assert_eq!(
                    icmp[4..8],
                    [end.id.to_be_bytes(), seq.to_be_bytes()].concat()
                );
                let (at, who) = received.stamp.ok_or("no receive stamp")?;
                assert_eq!(who, Stamp::Kernel);
                let rtt = at.since(stamp.1).ok_or("received before sent")?;
                assert!(rtt < SECOND, "{rtt:?}");
            }
            end.hears_nothing();
            assert!(end.wire.recv_queued()?.is_none());
        }
    }
    Ok(())
}

fn a_wire_hears_no_other_id_and_nothing_before_it_listens() -> Outcome {
    let lab = Lab::pair()?;
    for family in [Family::V4, Family::V6] {
        for kind in [Kind::Hdrincl, Kind::Raw] {
            let to = addresses(family);
            let mut one = End::open(lab.h1(), kind, to, ID)?;
            let mut other = End::open(lab.h1(), kind, to, ID + 1)?;
            let deaf = || IcmpWire::open(kind, family, &Options::default());
            let mut deaf = lab.h1().run(deaf)??;
            one.send(1, false)??;
            other.send(2, false)??;
            let heard = one.hear()?.0;
            assert_eq!(heard[4..8], [ID.to_be_bytes(), [0, 1]].concat());
            let heard = other.hear()?.0;
            assert_eq!(heard[4..8], [(ID + 1).to_be_bytes(), [0, 2]].concat());
            one.hears_nothing();
            other.hears_nothing();
            assert!(deaf.recv(&mut [0; 100])?.is_none());
        }
    }
    Ok(())
}

fn own_requests_come_back_only_if_wanted() -> Outcome {
    let host = Host::new("alone")?;
    for address in [IpAddr::from([127, 0, 0, 1]), "::1".parse()?] {
        let request = if address.is_ipv4() { 8 } else { 128 };
        let reply = if address.is_ipv4() { 0 } else { 129 };
        for kind in [Kind::Hdrincl, Kind::Raw] {
            let mut end = End::open(&host, kind, (address, address), ID)?;
            end.send(1, false)??;
            let mut kinds = [end.hear()?.0[0], end.hear()?.0[0]];
            kinds.sort_unstable();
            let mut both = [request, reply];
            both.sort_unstable();
            assert_eq!(kinds, both, "{address} {kind}");
            end.wire.listen(&Want {
                own_requests: false,
                ..want(&[ID], address)
            })?;
            end.send(2, false)??;
            assert_eq!(end.hear()?.0[0], reply);
            end.hears_nothing();
        }
    }
    Ok(())
}

fn a_dgram_id_is_never_shared() -> Outcome {
    let lab = Lab::pair()?;
    // Two ids: a program that another test starts right now has a copy of the first socket until
    // its exec.
    for (family, id) in [(Family::V4, 777), (Family::V6, 778)] {
        let to = addresses(family);
        let options = Options {
            id: Some(id),
            ..Options::default()
        };
        let first = End::open_with(lab.h1(), Kind::Dgram, to, id, &options)?;
        assert_eq!(first.id, id);
        let again = || IcmpWire::open(Kind::Dgram, family, &options);
        let error = lab.h1().run(again)?.unwrap_err().to_string();
        assert!(
            error.contains(&format!("with ICMP id {id}: Address already in use")),
            "{error}"
        );
        let mut free = End::open(lab.h1(), Kind::Dgram, to, 0)?;
        assert_ne!(free.id, id);
        free.send(1, false)??;
        assert_eq!(free.hear()?.0[4..6], free.id.to_be_bytes());
    }
    Ok(())
}

fn stamps_keep_their_numbers_when_the_kernel_counts() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for family in [Family::V4, Family::V6] {
        for kind in KINDS {
            let mut end = End::open(lab.h1(), kind, addresses(family), ID)?;
            end.wire.let_kernel_number_stamps();
            for seq in 1..=3 {
                let number = end.send(seq, true)??;
                assert_eq!(end.stamp()?.0, number, "{family} {kind}");
            }
            // Whether the kernel counted a send that failed depends on where it failed.
            lab.h1().netlink().set_up("eth0", false)?;
            let error = end.send(4, true)?.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENETUNREACH));
            lab.h1().netlink().set_up("eth0", true)?;
            lab.h1().netlink().wait_running("eth0")?;
            // The kernel forgets IPv6 addresses of a link that goes down.
            let netlink = lab.h1().netlink();
            netlink.add_address("eth0", Lab::v6(1).into(), 64)?;
            lab.know_neighbours()?;
            while end.wire.recv_queued()?.is_some() {}
            for seq in 5..=7 {
                let number = end
                    .send(seq, true)?
                    .map_err(|e| format!("{family} {kind} {seq}: {e}"))?;
                assert_eq!(end.stamp()?.0, number, "{family} {kind}");
            }
        }
    }
    Ok(())
}

fn a_full_receive_queue_is_told() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let options = Options {
        receive_buffer: 4096,
        ..Options::default()
    };
    let to = addresses(Family::V4);
    let mut end = End::open_with(lab.h1(), Kind::Hdrincl, to, ID, &options)?;
    for seq in 1..=100 {
        end.send(seq, false)??;
    }
    let (mut heard, mut buf) = (0, [0; 2048]);
    while end.wire.recv(&mut buf)?.is_some() {
        heard += 1;
    }
    assert!(heard < 100, "{heard} fit into 4 KiB");
    // The count comes with the next packet that finds room.
    end.send(101, false)??;
    let dropped = wait_for("the last reply", SECOND, || {
        end.wire.recv(&mut buf).unwrap().map(|last| last.overflow)
    })?;
    assert_eq!(dropped, Some(100 - heard));
    end.hears_nothing();
    Ok(())
}
