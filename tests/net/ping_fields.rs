//! Every header field and payload that `rawsock ping` can set, seen on the wire at the far end: read
//! by our decoder and by tshark, which must agree, or byte by byte where the packet is wrong on
//! purpose.

use std::fs;

use libtest_mimic::Failed;
use rawsock::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use rawsock::event::{Stamp, Timestamp};
use rawsock::lab::Lab;

use crate::frames::be16;
use crate::harness::Outcome;
use crate::program::{Run, ping_json};
use crate::tap::Tap;
use crate::tshark;

crate::tests![
    ipv4_fields: "tshark",
    ipv4_fields_that_are_wrong_on_purpose,
    what_the_kernel_changes_of_an_ipv4_header: "tshark",
    ipv6_fields: "tshark",
    ipv6_fields_that_are_wrong_on_purpose,
    raw_sockets_set_what_they_can: "tshark",
    a_flow_label_at_random,
    payloads,
    sizes_go_through_a_sweep,
    a_second_address_of_ours_as_source,
    a_mark_is_seen_by_the_firewall: "nft",
];

const V4: &str = "10.5.0.2";
const V6: &str = "fd00:5::2";

/// Options, and the fields that they must give on the wire.
type Case = (&'static str, &'static [(&'static str, u64)]);

/// The first packet that a run sent, from the Ethernet header on.
fn sent(lab: &Lab, options: &str, target: &str) -> Result<(Vec<u8>, Run), Failed> {
    let tap = Tap::start(lab.h2(), "eth0")?;
    // Many of these packets have no answer, which is nothing to wait for.
    let patience = if options.contains("-W") {
        &[][..]
    } else {
        &["-W0.05"]
    };
    let options: Vec<&str> = options.split_whitespace().collect();
    let common = ["-c1", target];
    let run = ping_json(lab.h1(), &[&options[..], patience, &common].concat())?;
    let frame = tap.wait_frame(|frame| {
        // By the Ethernet type and the destination's last byte, for all else may be odd.
        let to = match frame.get(12..14) {
            Some([0x08, 0x00]) => 33,
            Some([0x86, 0xdd]) => 53,
            _ => return false,
        };
        frame.get(to) == Some(&2) && frame.get(6..12) == Some(&Lab::mac(1))
    });
    match frame {
        Ok(frame) => Ok((frame, run)),
        Err(_) => Err(format!("{options:?}: nothing on the wire\n{run}").into()),
    }
}

fn lab() -> Result<Lab, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    Ok(lab)
}

fn ours(bytes: &[u8], key: &str) -> Option<u64> {
    let frame = Frame {
        at: Timestamp(0),
        stamp: Stamp::Kernel,
        iface: 1,
        link: LinkType::Ethernet,
        dir: Direction::In,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).ok()?,
        bytes,
    };
    let mut packet = Packet::new();
    Decoder::new().decode(&frame, &mut packet);
    let mut fields = packet.layers().iter().flat_map(|l| packet.fields_of(l));
    fields.find(|field| field.spec.key == key)?.value.as_u64()
}

/// A number as tshark prints it.
fn number(text: &str) -> Option<u64> {
    let first = text.split(',').next()?;
    match first {
        "True" => Some(1),
        "False" => Some(0),
        _ => match first.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => first.parse().ok(),
        },
    }
}

fn check(cases: &[Case], target: &str, always: &[(&'static str, u64)]) -> Outcome {
    let lab = lab()?;
    let mut frames = Vec::new();
    for (options, _) in cases {
        frames.push(sent(&lab, options, target)?.0);
    }
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in cases.iter().flat_map(|(_, fields)| *fields).chain(always) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let rows = tshark::fields(&frames, &keys)?;
    assert_eq!(rows.len(), cases.len());
    for (((options, fields), frame), row) in cases.iter().zip(&frames).zip(&rows) {
        for (key, value) in fields.iter().chain(always) {
            let column = keys.iter().position(|k| k == key).ok_or("no column")?;
            let theirs = number(&row[column]);
            assert_eq!(
                theirs,
                Some(*value),
                "{options}: {key}, tshark, {frame:02x?}"
            );
            // The status is tshark's own field.
            if !key.ends_with(".status") {
                assert_eq!(
                    ours(frame, key),
                    theirs,
                    "{options}: {key}, rawsock, {frame:02x?}"
                );
            }
        }
    }
    Ok(())
}

fn ipv4_fields() -> Outcome {
    let cases: &[Case] = &[
        (
            "",
            &[
                ("ip.hdr_len", 20),
                ("ip.flags.df", 0),
                ("ip.ttl", 64),
                ("ip.proto", 1),
            ],
        ),
        ("--ip-id 0x1234", &[("ip.id", 0x1234), ("ip.flags.df", 0)]),
        (
            "--ip-id 65535 --df=0",
            &[("ip.id", 65535), ("ip.flags.df", 0)],
        ),
        ("--ip-id 7 --df", &[("ip.id", 7), ("ip.flags.df", 1)]),
        (
            "--tos 0xb9",
            &[
                ("ip.dsfield", 0xb9),
                ("ip.dsfield.dscp", 46),
                ("ip.dsfield.ecn", 1),
            ],
        ),
        ("-Q 255", &[("ip.dsfield", 255)]),
        ("--dscp ef --ecn ce", &[("ip.dsfield", 0xbb)]),
        ("--dscp af41", &[("ip.dsfield", 0x88)]),
        ("--ttl 3", &[("ip.ttl", 3)]),
        ("-t 255", &[("ip.ttl", 255)]),
        ("--ttl 0", &[("ip.ttl", 0)]),
        ("-M dont", &[("ip.flags.df", 0)]),
        ("-M do", &[("ip.flags.df", 1)]),
        ("-M want", &[("ip.flags.df", 1)]),
        ("-M probe", &[("ip.flags.df", 1)]),
        ("--source 10.5.0.77 --spoof", &[("ip.ttl", 64)]),
        (
            "--ip-option rr",
            &[("ip.hdr_len", 60), ("ip.opt.type", 7), ("ip.opt.len", 39)],
        ),
        ("--ip-option ts", &[("ip.hdr_len", 56), ("ip.opt.type", 68)]),
        (
            "--ip-option ra",
            &[("ip.hdr_len", 24), ("ip.opt.type", 148)],
        ),
        ("--ip-option nop", &[("ip.hdr_len", 24), ("ip.opt.type", 1)]),
        (
            "--ip-option 88040102",
            &[("ip.hdr_len", 24), ("ip.opt.type", 136)],
        ),
        ("-R", &[("ip.hdr_len", 60)]),
        ("-T tsonly", &[("ip.hdr_len", 60), ("ip.opt.type", 68)]),
        ("-e 0xbeef", &[("icmp.ident", 0xbeef)]),
        ("-s 1400", &[("ip.len", 1428)]),
        ("-s 0", &[("ip.len", 28)]),
    ];
    let always = [
        ("ip.checksum.status", 1),
        ("icmp.checksum.status", 1),
        ("icmp.type", 8),
        ("icmp.code", 0),
        ("icmp.seq", 1),
    ];
    check(cases, V4, &always)
}

fn ipv4_fields_that_are_wrong_on_purpose() -> Outcome {
    let lab = lab()?;
    // Byte of the IP packet, mask, value.
    for (options, at, mask, value) in [
        ("--mf --df", 6, 0xff, 0x60),
        ("--mf", 6, 0xff, 0x20),
        ("--frag-offset 185", 7, 0xff, 185),
        ("--frag-offset 8191", 6, 0x1f, 0x1f),
        ("--reserved-bit", 6, 0x80, 0x80),
        ("--proto 253", 9, 0xff, 253),
        ("--proto 0", 9, 0xff, 0),
        ("--ip-version 6", 0, 0xff, 0x65),
        ("--ip-version 0", 0, 0xff, 0x05),
        ("--ihl 6", 0, 0xff, 0x46),
        ("--ihl 15", 0, 0xff, 0x4f),
        ("--source 10.5.0.77 --spoof", 15, 0xff, 77),
        ("--source 10.5.0.2 --spoof", 15, 0xff, 2),
    ] {
        let (frame, run) = sent(&lab, options, V4)?;
        let ip = &frame[14..];
        assert_eq!(ip[at] & mask, value, "{options}: {ip:02x?}\n{run}");
    }
    Ok(())
}

/// KERNEL_FACTS' table: length and checksum always, id 0 where DF is clear, source 0.0.0.0.
fn what_the_kernel_changes_of_an_ipv4_header() -> Outcome {
    let cases: &[Case] = &[
        ("--ip-length 999", &[("ip.len", 84)]),
        ("--ip-length 0", &[("ip.len", 84)]),
        ("--ip-checksum 0xdead", &[("ip.len", 84)]),
        ("--ip-id 0 --df", &[("ip.id", 0)]),
    ];
    check(cases, V4, &[("ip.checksum.status", 1)])?;
    let lab = lab()?;
    let (frame, run) = sent(&lab, "--ip-id 0 --df=0", V4)?;
    assert_ne!(be16(&frame, 18), Some(0), "the kernel chose no id: {run}");
    let (frame, _) = sent(&lab, "", V4)?;
    assert_eq!(frame[26..30], Lab::v4(1).octets());
    Ok(())
}

fn ipv6_fields() -> Outcome {
    let cases: &[Case] = &[
        (
            "",
            &[
                ("ipv6.hlim", 64),
                ("ipv6.nxt", 58),
                ("ipv6.flow", 0),
                ("ipv6.tclass", 0),
            ],
        ),
        ("--hop-limit 3", &[("ipv6.hlim", 3)]),
        ("-t 255", &[("ipv6.hlim", 255)]),
        ("--ttl 0", &[("ipv6.hlim", 0)]),
        ("--traffic-class 0xb9", &[("ipv6.tclass", 0xb9)]),
        ("-Q 255", &[("ipv6.tclass", 255)]),
        ("--dscp ef --ecn ect0", &[("ipv6.tclass", 0xba)]),
        ("-F 0x12345", &[("ipv6.flow", 0x12345)]),
        ("--flow-label 1048575", &[("ipv6.flow", 0xf_ffff)]),
        (
            "--hop-by-hop ra",
            &[("ipv6.nxt", 0), ("ipv6.hopopts.nxt", 58), ("ipv6.plen", 72)],
        ),
        (
            "--dest-options 1e0401020304",
            &[("ipv6.nxt", 60), ("ipv6.dstopts.nxt", 58)],
        ),
        ("-e 0xbeef", &[("icmpv6.echo.identifier", 0xbeef)]),
        ("-s 1400", &[("ipv6.plen", 1408)]),
        ("-s 0", &[("ipv6.plen", 8)]),
    ];
    let always = [
        ("icmpv6.checksum.status", 1),
        ("icmpv6.type", 128),
        ("icmpv6.code", 0),
        ("icmpv6.echo.sequence_number", 1),
    ];
    check(cases, V6, &always)
}

fn ipv6_fields_that_are_wrong_on_purpose() -> Outcome {
    let lab = lab()?;
    for (options, at, value) in [
        ("--proto 59", 6, 59),
        ("--proto 253", 6, 253),
        ("--ip-version 4", 0, 0x40),
        ("--ip-version 0", 0, 0),
        ("--ip-length 9", 5, 9),
        ("--ip-length 0", 5, 0),
        ("--source fd00:5::77 --spoof", 23, 0x77),
        ("--source fd00:5::2 --spoof", 23, 2),
        // The fragment header of RFC 8200 4.5 begins at byte 40.
        ("--mf", 43, 1),
        ("--frag-offset 3", 43, 3 << 3),
        ("--ip-id 0x12345678 --mf", 44, 0x12),
        ("--ip-id 0x12345678 --mf", 47, 0x78),
    ] {
        let (frame, run) = sent(&lab, options, V6)?;
        let ip = &frame[14..];
        assert_eq!(ip[at], value, "{options}: {ip:02x?}\n{run}");
    }
    Ok(())
}

fn raw_sockets_set_what_they_can() -> Outcome {
    let cases: &[Case] = &[
        ("--socket raw", &[("ip.ttl", 64)]),
        ("--socket raw --ttl 3", &[("ip.ttl", 3)]),
        ("--socket raw --tos 0xb8", &[("ip.dsfield", 0xb8)]),
        ("--socket raw -R", &[("ip.hdr_len", 60)]),
        (
            "--socket raw --ip-option ra",
            &[("ip.hdr_len", 24), ("ip.opt.type", 148)],
        ),
        ("--socket raw -M dont", &[("ip.flags.df", 0)]),
        ("--socket raw -M do", &[("ip.flags.df", 1)]),
        ("--socket raw -e 0xbeef", &[("icmp.ident", 0xbeef)]),
    ];
    check(cases, V4, &[("icmp.checksum.status", 1), ("icmp.type", 8)])?;
    let cases: &[Case] = &[
        ("--socket raw", &[("ipv6.hlim", 64)]),
        ("--socket raw -t 3", &[("ipv6.hlim", 3)]),
        ("--socket raw -Q 0xb8", &[("ipv6.tclass", 0xb8)]),
    ];
    check(cases, V6, &[("icmpv6.checksum.status", 1)])
}

fn a_flow_label_at_random() -> Outcome {
    let lab = lab()?;
    let label = |frame: &[u8]| [frame[15] & 15, frame[16], frame[17]];
    let (one, _) = sent(&lab, "-F 0", V6)?;
    let (two, _) = sent(&lab, "-F 0", V6)?;
    assert_ne!(label(&one), [0; 3]);
    // Equal once in a million runs.
    assert_ne!(label(&one), label(&two));
    Ok(())
}

fn payloads() -> Outcome {
    let lab = lab()?;
    let file = std::env::temp_dir().join(format!("rawsock-payload-{}", std::process::id()));
    fs::write(&file, b"from a file\n\xff\0")?;
    let at_file = format!("--data @{}", file.display());
    for (target, header) in [(V4, 20), (V6, 40)] {
        let start = 14 + header + 8;
        let payload = |options: &str| -> Result<Vec<u8>, Failed> {
            let (frame, run) = sent(&lab, &format!("-W2 {options}"), target)?;
            // Ethernet pads to 60 bytes only on real cards.
            assert_eq!(run.code(), Some(0), "{options}: {run}");
            Ok(frame[start..].to_vec())
        };
        let default = payload("")?;
        assert_eq!(default.len(), 56);
        assert_eq!(default[8..16], 1_u64.to_be_bytes());
        assert_eq!(default[16..], (16..56).collect::<Vec<u8>>()[..]);
        assert_eq!(payload("-s 15")?, (0..15).collect::<Vec<u8>>());
        assert_eq!(payload("-p ff00 -s 20")?[16..], [0xff, 0, 0xff, 0]);
        assert_eq!(payload("-s 3 -p abc")?, [0xab, 0x0c, 0xab]);
        assert_eq!(payload("--data hello")?, b"hello");
        assert_eq!(payload("--data hex:00ff10")?, [0, 255, 16]);
        assert_eq!(payload(&at_file)?, b"from a file\n\xff\0");
    }
    fs::remove_file(&file)?;
    Ok(())
}

fn sizes_go_through_a_sweep() -> Outcome {
    let lab = lab()?;
    let tap = Tap::start(lab.h2(), "eth0")?;
    let args = ["-c5", "-i0.01", "-W1", "--sweep", "0:40:20", V4];
    let run = ping_json(lab.h1(), &args)?;
    assert_eq!(run.code(), Some(0), "{run}");
    tap.wait_requests(5)?;
    let sizes: Vec<_> = tap.requests().iter().map(|r| r.icmp().len() - 8).collect();
    assert_eq!(sizes, [0, 20, 40, 0, 20], "{run}");
    Ok(())
}

fn a_second_address_of_ours_as_source() -> Outcome {
    let lab = lab()?;
    let netlink = lab.h1().netlink();
    for (second, prefix, target) in [("10.5.0.99", 24, V4), ("fd00:5::99", 64, V6)] {
        let address = second.parse()?;
        netlink.add_address("eth0", address, prefix)?;
        lab.h1().wait_address(address)?;
        for options in [format!("-W2 --source {second}"), format!("-W2 -I {second}")] {
            let (frame, run) = sent(&lab, &options, target)?;
            let last = if target == V4 { 29 } else { 37 };
            assert_eq!(frame[last], if target == V4 { 99 } else { 0x99 }, "{run}");
            assert_eq!(run.code(), Some(0), "{options}: {run}");
        }
    }
    Ok(())
}

fn a_mark_is_seen_by_the_firewall() -> Outcome {
    let lab = lab()?;
    let rules = "add table inet t; add chain inet t out { type filter hook output priority 0; }; \
                 add rule inet t out meta mark 42 drop";
    crate::program::must(lab.h1(), "nft", &[rules])?;
    for target in [V4, V6] {
        let run = ping_json(lab.h1(), &["-c1", "-W2", "-m", "7", target])?;
        assert_eq!(run.summary()?["received"], 1, "{run}");
        let run = ping_json(lab.h1(), &["-c1", "-W2", "-m", "42", target])?;
        assert_eq!(run.summary()?["not_sent"], 1, "{run}");
    }
    Ok(())
}
