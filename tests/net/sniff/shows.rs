//! Packets are shown as they were: direction, tags, interfaces, filters.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::decode::Direction;
use rawsock::lab::Lab;
use serde_json::Value;

use super::{Dir, MS, OURS, counts, frame, objects, read, send, sniff};
use crate::harness::Outcome;
use crate::link::FrameSocket as Link;
use crate::program::{RAWSOCK, must};

crate::tests![
    directions_are_told_and_chosen,
    a_vlan_tag_is_put_back,
    any_names_interfaces_and_shows_loopback_once,
    several_interfaces_each_named,
    the_usual_is_shown_without_a_filter,
    filters_choose_in_the_kernel: "ping",
];

fn directions_are_told_and_chosen() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let there = Lab::v4(2).to_string();
    let filter = "icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply";
    for (way, expected) in [
        ("inout", &["in", "out"][..]),
        ("in", &["in"]),
        ("out", &["out"]),
    ] {
        let args = ["-i", "eth0", "--json", "-Q", way, filter];
        let running = sniff(lab.h2(), &args)?;
        must(lab.h1(), RAWSOCK, &["ping", "-c", "1", &there])?;
        sleep(50 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let seen: Vec<Value> = objects(&run)?
            .iter()
            .map(|o| o["direction"].clone())
            .collect();
        assert_eq!(seen, expected, "{way}: {run}");
        assert_eq!(counts(&run)?[1], expected.len() as u64, "{way}: {run}");
    }
    Ok(())
}

fn a_vlan_tag_is_put_back() -> Outcome {
    let dir = Dir::new("vlan")?;
    let lab = Lab::pair()?;
    // 802.1Q with priority 5, VLAN 42; and two tags, of which the kernel takes the outer one.
    let (plain, tagged) = (frame(7, 60), |tags: &[u8]| {
        let plain = frame(7, 60);
        [&plain[..12], tags, &plain[12..]].concat()
    });
    let frames = [
        plain.clone(),
        tagged(&[0x81, 0x00, 0xa0, 42]),
        tagged(&[0x88, 0xa8, 0x00, 100, 0x81, 0x00, 0x00, 42]),
    ];
    for ring in [&[][..], &["--no-ring"]] {
        let file = dir.path("x.pcap");
        let _ = fs::remove_file(&file);
        let args = [&["-i", "eth0", "-c", "3", "-w", &file], ring, &["not ip6"]].concat();
        let running = sniff(lab.h2(), &args)?;
        let link = Link::open(lab.h1(), "eth0")?;
        for frame in &frames {
            link.send(frame)?;
        }
        let run = running.finish()?;
        assert_eq!(read(&file)?.frames, frames, "{run}");
    }
    // A filter sees the tag that the kernel took out.
    for (filter, expected) in [
        ("vlan 42", 1),
        ("vlan 100 and vlan 42", 1),
        ("vlan", 2),
        ("not vlan and not ip6", 1),
        ("vlan 42 and ether proto 0x88b5", 1),
    ] {
        let running = sniff(lab.h2(), &["-i", "eth0", "--count", filter])?;
        let link = Link::open(lab.h1(), "eth0")?;
        for frame in &frames {
            link.send(frame)?;
        }
        sleep(30 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        assert_eq!(counts(&run)?[0], expected, "{filter}: {run}");
    }
    // The device any has no Ethernet header; the tag is there all the same.
    let running = sniff(lab.h2(), &["--json", "-c", "1", "vlan 42"])?;
    Link::open(lab.h1(), "eth0")?.send(&frames[1])?;
    let run = running.finish()?;
    let packet = objects(&run)?.pop().ok_or("no packet")?;
    let layers = packet["layers"].as_array().ok_or("no layers")?;
    let vlan = layers.iter().find(|layer| layer["proto"] == "vlan");
    let vlan = vlan.ok_or_else(|| format!("no tag: {run}"))?;
    assert_eq!(vlan["fields"]["vlan.id"], 42, "{run}");
    assert_eq!(vlan["fields"]["vlan.etype"], OURS, "{run}");
    Ok(())
}

fn any_names_interfaces_and_shows_loopback_once() -> Outcome {
    let dir = Dir::new("any")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let file = dir.path("x.pcapng");
    let running = sniff(lab.h2(), &["-w", &file, "--print", "icmp"])?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "2", "-i", "0.2", "127.0.0.1"],
    )?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "1", &Lab::v4(1).to_string()],
    )?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let starts: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            line.split(' ')
                .skip(1)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let expected = ["lo in", "lo in", "lo in", "lo in", "eth0 out", "eth0 in"];
    assert_eq!(starts, expected, "{run}");
    // The second sights of loopback packets are in no count.
    assert_eq!(counts(&run)?, [6, 6, 0], "{run}");
    let saved = read(&file)?;
    assert_eq!(saved.interfaces, ["lo", "lo", "lo", "lo", "eth0", "eth0"]);
    let (in_, out) = (Direction::In, Direction::Out);
    assert_eq!(saved.directions, [in_, in_, in_, in_, out, in_]);
    Ok(())
}

fn several_interfaces_each_named() -> Outcome {
    let dir = Dir::new("several")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let file = dir.path("x.pcapng");
    let args = [
        "-i", "lo", "-i", "eth0", "-w", &file, "--print", "-t", "icmp",
    ];
    let running = sniff(lab.h2(), &args)?;
    must(lab.h2(), RAWSOCK, &["ping", "-c", "1", "127.0.0.1"])?;
    must(
        lab.h2(),
        RAWSOCK,
        &["ping", "-c", "1", &Lab::v4(1).to_string()],
    )?;
    sleep(50 * MS);
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let starts: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split(" IP ").next())
        .collect();
    assert_eq!(starts, ["lo in", "lo in", "eth0 out", "eth0 in"], "{run}");
    assert_eq!(read(&file)?.interfaces, ["lo", "lo", "eth0", "eth0"]);
    Ok(())
}

fn the_usual_is_shown_without_a_filter() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["-i", "eth0", "--json"])?;
    let first = running
        .stderr()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let told = "showing ICMP, IGMP, ICMPv6 and MLD; for every packet: rawsock sniff all";
    assert_eq!(first, told);
    send(&lab, 5, Duration::ZERO)?;
    // Joins make the kernel send an IGMP and an MLD report.
    lab.h1().run(|| -> std::io::Result<()> {
        let v4 = std::net::UdpSocket::bind((Lab::v4(1), 0))?;
        v4.join_multicast_v4(&[239, 1, 2, 3].into(), &Lab::v4(1))?;
        let v6 = std::net::UdpSocket::bind("[::]:0")?;
        v6.join_multicast_v6(&"ff05::77".parse().map_err(std::io::Error::other)?, 0)?;
        sleep(100 * MS);
        Ok(())
    })??;
    running.wait_events("packet", 2)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let mut protocols: Vec<String> = Vec::new();
    for packet in objects(&run)? {
        let last = packet["layers"]
            .as_array()
            .and_then(|layers| layers.last().cloned());
        let last = last.ok_or("no layers")?["proto"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        protocols.push(last);
    }
    assert!(protocols.iter().any(|proto| proto == "igmp"), "{run}");
    assert!(
        protocols
            .iter()
            .any(|proto| proto.starts_with("icmpv6") || proto == "mld"),
        "{run}"
    );
    assert!(
        !run.stdout.contains(&format!("\"eth.type\":{OURS}")),
        "{run}"
    );
    Ok(())
}

fn filters_choose_in_the_kernel() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for (device, filter) in [
        ("eth0", "icmp6"),
        ("any", "icmp6"),
        ("any", "ip6 and inbound"),
    ] {
        let running = sniff(lab.h2(), &["-i", device, "--json", filter])?;
        must(
            lab.h1(),
            "ping",
            &["-c", "1", "-W", "2", &Lab::v4(2).to_string()],
        )?;
        must(
            lab.h1(),
            "ping",
            &["-c", "1", "-W", "2", &Lab::v6(2).to_string()],
        )?;
        sleep(50 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let packets = objects(&run)?;
        assert!(!packets.is_empty(), "{run}");
        for packet in packets {
            let v6 = packet["layers"]
                .as_array()
                .is_some_and(|l| l.iter().any(|l| l["proto"] == "ipv6"));
            assert!(v6, "{device} {filter}: {packet}");
        }
    }
    Ok(())
}
