//! The examples run, on the loopback of a host of ours, and say what they promise.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

use rawsock::lab::{Host, Lab};

use crate::harness::Outcome;
use crate::program::{RAWSOCK, run, start};

crate::tests![
    a_header_by_hand_is_answered,
    a_protocol_of_ones_own_is_in_line_and_tree,
    joins_and_leaves_are_heard,
    pasted_bytes_are_decoded,
    pnets_channel_is_answered
];

/// Where cargo puts examples: beside the binaries. `cargo test` builds them.
fn example(name: &str) -> String {
    let beside = Path::new(RAWSOCK).with_file_name("examples");
    beside.join(name).display().to_string()
}

fn a_header_by_hand_is_answered() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, &example("hdrincl_ping"), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("127.0.0.1"), "{run}");
    Ok(())
}

fn pnets_channel_is_answered() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, &example("pnet_transport"), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("127.0.0.1"), "{run}");
    Ok(())
}

fn joins_and_leaves_are_heard() -> Outcome {
    let lab = Lab::pair()?;
    let running = start(lab.h2(), &example("sniff_igmp"), &["2"])?;
    running.wait_stdout("the start", |text| text.contains("listening"))?;
    lab.h1().run(|| -> std::io::Result<()> {
        let socket = UdpSocket::bind((Lab::v4(1), 0))?;
        let group = Ipv4Addr::new(239, 1, 2, 3);
        socket.join_multicast_v4(&group, &Lab::v4(1))?;
        socket.leave_multicast_v4(&group, &Lab::v4(1))
    })??;
    let run = running.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("IGMPv3 report, TO_"), "{run}");
    assert!(run.stdout.contains("239.1.2.3"), "{run}");
    Ok(())
}

fn pasted_bytes_are_decoded() -> Outcome {
    let host = Host::new("h1")?;
    // A ping from 10.0.0.1 to 10.0.0.2; checksums by hand.
    let bytes = "4500 001c 0000 0000 4001 66df 0a000001 0a000002 0800 f7fd 0001 0001";
    let run = run(&host, &example("decode_hex"), &[bytes])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(
        run.stdout
            .contains("Type: echo request (8) {icmp.type} [20..21]"),
        "{run}"
    );
    let json = run.stdout.lines().last().unwrap_or_default();
    let json = serde_json::from_str::<serde_json::Value>(json).map_err(|e| e.to_string())?;
    assert_eq!(json["layers"][0]["fields"]["ip.checksum.status"], 1);
    assert_eq!(json["layers"][1]["fields"]["icmp.seq"], 1);
    Ok(())
}

fn a_protocol_of_ones_own_is_in_line_and_tree() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, &example("my_protocol"), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    let line = "IP 192.0.2.1 > 192.0.2.2: UDP 1024 > 7777, length 2: thermometer -7 C\n";
    assert!(run.stdout.starts_with(line), "{run}");
    assert!(
        run.stdout.contains("Thermometer\n    Temperature: -7"),
        "{run}"
    );
    Ok(())
}
