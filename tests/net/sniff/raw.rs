//! `--socket raw`: what raw sockets see and what they do not; whose time stamps there are.

use std::thread::sleep;

use nix::sys::signal::Signal;
use rawsock::lab::Lab;
use serde_json::Value;

use super::{Dir, MS, counts, objects, read, sniff};
use crate::harness::Outcome;
use crate::program::{RAWSOCK, must};

crate::tests![
    raw_sockets_see_what_comes_in,
    raw_sockets_save_whole_packets: "tshark",
    raw_sockets_hear_igmp_and_mld,
    raw_sockets_end_with_their_interface,
    an_interface_without_a_card_has_the_kernels_stamps,
];

/// Values of a field in the first layer that has it.
fn field(packet: &Value, key: &str) -> Value {
    let layers = packet["layers"].as_array().into_iter().flatten();
    let mut values = layers.map(|layer| layer["fields"][key].clone());
    values.find(|value| !value.is_null()).unwrap_or_default()
}

fn raw_sockets_see_what_comes_in() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    for device in ["any", "eth0"] {
        let args = ["--socket", "raw", "-i", device, "--json"];
        let running = sniff(lab.h2(), &args)?;
        let first = running.stderr();
        assert!(
            first.starts_with("raw sockets do not see link-layer"),
            "{first}"
        );
        assert!(first.contains("link-type RAW (Raw IP)"), "{first}");
        // h2 is asked by h1, and asks h1: it sees one request, and one answer.
        for (host, to) in [
            (lab.h1(), Lab::v4(2).to_string()),
            (lab.h2(), Lab::v4(1).to_string()),
            (lab.h1(), Lab::v6(2).to_string()),
            (lab.h2(), Lab::v6(1).to_string()),
        ] {
            must(host, RAWSOCK, &["ping", "-c", "1", "-t", "77", &to])?;
        }
        sleep(50 * MS);
        running.signal(Signal::SIGINT)?;
        let run = running.finish()?;
        let packets = objects(&run)?;
        let icmp = |packet: &&Value| field(packet, "icmp.type").is_number();
        let seen: Vec<Value> = packets
            .iter()
            .filter(icmp)
            .map(|p| field(p, "icmp.type"))
            .collect();
        assert_eq!(seen, [8, 0], "{run}");
        let echoes: Vec<&Value> = packets
            .iter()
            .filter(|packet| [128.into(), 129.into()].contains(&field(packet, "icmpv6.type")))
            .collect();
        assert_eq!(echoes.len(), 2, "{run}");
        // The header of IPv6 is what the kernel told of it.
        let (request, reply) = (echoes[0], echoes[1]);
        for (packet, ttl) in [(request, 77), (reply, 64)] {
            assert_eq!(
                field(packet, "ipv6.src"),
                Lab::v6(1).to_string(),
                "{packet}"
            );
            assert_eq!(
                field(packet, "ipv6.dst"),
                Lab::v6(2).to_string(),
                "{packet}"
            );
            assert_eq!(field(packet, "ipv6.hlim"), ttl, "{packet}");
            assert_eq!(field(packet, "icmpv6.checksum.status"), 1, "{packet}");
        }
        for packet in &packets {
            assert_eq!(packet["direction"], "in", "{packet}");
            assert_eq!(packet["interface"], "eth0", "{packet}");
        }
        assert_eq!(counts(&run)?[0], packets.len() as u64, "{run}");
    }
    let run = crate::program::run(
        lab.h2(),
        RAWSOCK,
        &["sniff", "--socket", "raw", "-Q", "out"],
    )?;
    assert_eq!(run.code(), Some(2), "{run}");
    Ok(())
}

fn raw_sockets_save_whole_packets() -> Outcome {
    let dir = Dir::new("raw")?;
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let file = dir.path("x.pcapng");
    let filter = "icmp[icmptype] == 8 or (icmp6 and ip6[40] == 128)";
    let args = [
        "--socket", "raw", "-i", "eth0", "-w", &file, "-c", "2", filter,
    ];
    let running = sniff(lab.h2(), &args)?;
    for to in [Lab::v4(2).to_string(), Lab::v6(2).to_string()] {
        must(lab.h1(), RAWSOCK, &["ping", "-c", "1", "-s", "100", &to])?;
    }
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    let saved = read(&file)?;
    let lengths: Vec<usize> = saved.frames.iter().map(Vec::len).collect();
    assert_eq!(lengths, [20 + 8 + 100, 40 + 8 + 100], "{run}");
    let fields = ["-e", "ip.src", "-e", "ipv6.src", "-e", "_ws.malformed"];
    let told = must(
        lab.h2(),
        "tshark",
        &[&["-r", &file, "-Tfields"], &fields[..]].concat(),
    )?;
    let expected = format!("{}\t\t\n\t{}\t\n", Lab::v4(1), Lab::v6(1));
    assert_eq!(told.stdout, expected);
    Ok(())
}

/// Queries go to groups that every host is in, reports of IGMPv2 to the group itself.
fn raw_sockets_hear_igmp_and_mld() -> Outcome {
    let lab = Lab::pair()?;
    let group = [239, 1, 2, 3].into();
    let joined = lab.h2().run(|| -> std::io::Result<_> {
        let socket = std::net::UdpSocket::bind((Lab::v4(2), 0))?;
        socket.join_multicast_v4(&group, &Lab::v4(2))?;
        Ok(socket)
    })??;
    let running = sniff(lab.h2(), &["--socket", "raw", "-i", "eth0", "--json"])?;
    let force = "/proc/sys/net/ipv4/conf/all/force_igmp_version";
    lab.h1().run(|| std::fs::write(force, "2"))??;
    lab.h1().run(|| -> std::io::Result<()> {
        let socket = std::net::UdpSocket::bind((Lab::v4(1), 0))?;
        socket.join_multicast_v4(&group, &Lab::v4(1))?;
        sleep(200 * MS);
        Ok(())
    })??;
    running.wait_events("packet", 1)?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    let report = objects(&run)?
        .into_iter()
        .find(|p| field(p, "igmp.type") == 0x16);
    let report = report.ok_or_else(|| format!("no report: {run}"))?;
    assert_eq!(field(&report, "igmp.maddr"), "239.1.2.3");
    drop(joined);
    Ok(())
}

fn raw_sockets_end_with_their_interface() -> Outcome {
    let lab = Lab::pair()?;
    let running = sniff(lab.h2(), &["--socket", "raw", "-i", "eth0"])?;
    lab.h2().netlink().delete_link("eth0")?;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(1), "{run}");
    let told = run.stderr.matches("eth0 is no more\n").count();
    assert_eq!(told, 1, "{run}");
    Ok(())
}

fn an_interface_without_a_card_has_the_kernels_stamps() -> Outcome {
    let lab = Lab::pair()?;
    let run = must(lab.h2(), RAWSOCK, &["sniff", "-J", "-i", "eth0"])?;
    let told = "Time stamp types for eth0 (use option -j to set):\n  host (Host)\n";
    assert_eq!(run.stdout, told);
    for kind in ["host", "adapter", "adapter_unsynced"] {
        let args = [
            "sniff", "-i", "eth0", "-j", kind, "--for", "50ms", "--count",
        ];
        let run = must(lab.h2(), RAWSOCK, &args)?;
        let warned = run.stderr.contains("eth0 has no time stamps of that type");
        assert_eq!(warned, kind != "host", "{run}");
    }
    Ok(())
}
