//! Tables of command lines: what is refused, with which words, and what the rest means.

use std::time::Duration;

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::craft::ipv6_ext::Extension;
use crate::error::Error;
use crate::ping::Sizes;

fn args(line: &str) -> Args {
    let words = ["rawsock", "ping"].into_iter().chain(line.split(' '));
    match Cli::try_parse_from(words) {
        Ok(Cli {
            command: Command::Ping(args),
        }) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn plan(line: &str, uid: u32) -> Result<Plan, Error> {
    let args = args(line);
    let data = match &args.data {
        Some(Data::Bytes(bytes)) => Some(bytes.clone()),
        _ => None,
    };
    Plan::new(&args, Facts { uid }, data)
}

fn target(address: &str) -> Target {
    Target {
        address: address.parse().unwrap(),
        kind: Kind::Unicast,
        local: false,
        attached: true,
        mtu: Some(1500),
        route_source: Some("fe80::9".parse().unwrap()),
        source_is_ours: true,
        random: 0x1234_5678,
    }
}

/// Message and fix of a refusal; every refusal is exit code 2.
fn refusal(result: Result<impl std::fmt::Debug, Error>) -> (String, String) {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    match error {
        Error::Usage {
            message,
            fix: Some(fix),
        } => (message, fix),
        other => panic!("{other:?}"),
    }
}

/// Columns: command line | uid | part of the reason | part of the fix.
const REFUSED_WITHOUT_ADDRESS: &str = "
-f h                             | 1000 | cannot flood: the shortest interval for a user is 2 ms | sudo
-i 0 h                           | 1000 | 2 ms                         | -i 2ms
-i 1.9ms h                       | 1000 | 2 ms                         | -i 2ms
-l 4 h                           | 1000 | cannot preload 4 probes      | -l 3
-B h                             | 0    | -B is refused                | -I ADDRESS
-C h                             | 0    | -C is refused                | leave
-d h                             | 0    | -d is refused                | leave
-N name h                        | 0    | -N is refused                | iputils
-N h                             | 0    | -N is refused                | iputils
-c 1                             | 0    | a HOST is missing            | rawsock ping 127.0.0.1
--socket dgram --frag-offset 3 h | 0    | --frag-offset needs an IP header built by hand | hdrincl
--socket raw --ip-id 3 h         | 0    | --ip-id needs                | hdrincl
--socket raw --df h              | 0    | --df needs                   | hdrincl
--socket raw --proto 2 h         | 0    | --proto needs                | hdrincl
--socket raw --source 10.0.0.1 h | 0    | --source needs               | hdrincl
--socket dgram --hop-by-hop ra h | 0    | --hop-by-hop needs           | hdrincl
--socket dgram --show-headers h  | 0    | --show-headers shows         | hdrincl
--socket dgram -e 0 h            | 0    | -e 0 needs a raw socket      | another identifier
-R --ip-option ra h              | 0    | at most 40 fit               | leave one
-I eth0 -I eth1 h                | 0    | -I takes one interface       | -I eth0
-I 10.0.0.1 --source 10.0.0.2 h  | 0    | both set the source          | --source
";

/// Columns: command line | uid | target | part of the reason | part of the fix.
const REFUSED_FOR_ADDRESS: &str = "
h                          | 0    | broadcast | 10.0.0.255 is a broadcast address | ping -b 10.0.0.255
-b -i 0.5 h                | 1000 | broadcast | so fast                        | -i 1
-f h                       | 0    | group     | is a multicast group           | -b 224.0.0.1
-i 0.1 h                   | 1000 | group     | so fast                        | -i 1
--source 9.9.9.9 h         | 0    | foreign   | 9.9.9.9 is not an address of this host | --spoof
--source 9.9.9.9 --spoof h | 0    | far       | beyond the networks            | --yes
--source fe80::2 h         | 0    | v4        | --source is of the other family | IPv4
-I 10.0.0.1 h              | 0    | v6        | -I is of the other family      | IPv6
-F 5 h                     | 0    | v4        | IPv4 has no such field         | -6
--hop-by-hop ra h          | 0    | v4        | --hop-by-hop: IPv4 has no      | -6
-R h                       | 0    | v6        | IPv6 has no such field         | -4
--df h                     | 0    | v6        | --df: IPv6 has no              | -4
--ip-id 65536 h            | 0    | v4        | IPv4 has 16 bits               | 65535
-s 65508 -M do h           | 0    | v4        | 65508 bytes is too large: IPv4 has room for 65507 (65535 - 20 IP header - 8 ICMP header) | -s 65507
-s 65507 -R h              | 0    | v4        | room for 65467                 | -s 65467
-s 65528 h                 | 0    | v6        | IPv6 has room for 65527 (65535 - 8 ICMP header) | -s 65527
--sweep 0:70000:1000 h     | 0    | v4        | 70000 bytes is too large       | --sweep 0:65507:1000
-s 1473 --ip-id 1 h        | 0    | v4        | 1501 bytes do not fit the MTU of 1500 | -s 1472
-s 1473 --socket hdrincl h | 0    | v4        | does not cut up                | --socket raw
-s 1473 --show-headers h   | 0    | v4        | (--show-headers)               | -s 1472
";

fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("{cells:?}"))
    })
}

fn named_target(name: &str) -> Target {
    let group = |kind, address| Target {
        kind,
        ..target(address)
    };
    let foreign = Target {
        source_is_ours: false,
        ..target("10.0.0.2")
    };
    match name {
        "v4" => target("10.0.0.2"),
        "v6" => target("fe80::1"),
        "broadcast" => group(Kind::Broadcast, "10.0.0.255"),
        "group" => group(Kind::Multicast, "224.0.0.1"),
        "foreign" => foreign,
        "far" => Target {
            attached: false,
            ..foreign
        },
        other => panic!("{other}"),
    }
}

#[test]
fn refusals_without_an_address() {
    for [line, uid, reason, fix] in rows(REFUSED_WITHOUT_ADDRESS) {
        let (message, hint) = refusal(plan(line, uid.parse().unwrap()));
        assert!(message.contains(reason), "{line}: {message}");
        assert!(hint.contains(fix), "{line}: {hint}");
    }
}

#[test]
fn refusals_of_an_address() {
    for [line, uid, name, reason, fix] in rows(REFUSED_FOR_ADDRESS) {
        let plan = plan(line, uid.parse().unwrap()).unwrap();
        let (message, hint) = refusal(plan.aim(&named_target(name)));
        assert!(message.contains(reason), "{line}: {message}");
        assert!(hint.contains(fix), "{line}: {hint}");
    }
}

#[test]
fn what_the_guards_let_through() {
    for (line, uid) in [
        ("-i 2ms h", 1000),
        ("-f -i 0.2 h", 1000),
        ("-l 3 h", 1000),
        ("-A h", 1000),
        ("-f -c 1 h", 0),
        ("-l 65536 h", 0),
    ] {
        assert!(plan(line, uid).is_ok(), "{line}");
    }
    let broadcast = named_target("broadcast");
    let aim = plan("-b h", 1000).unwrap().aim(&broadcast).unwrap();
    assert!(aim.any_address);
    assert_eq!(aim.notes.len(), 1);
    let spoofing = plan("--source 9.9.9.9 --spoof h", 0).unwrap();
    assert!(spoofing.aim(&named_target("foreign")).is_ok());
    let spoofing = plan("--source 9.9.9.9 --spoof --yes h", 0).unwrap();
    assert!(spoofing.aim(&named_target("far")).is_ok());
}

#[test]
fn unbounded_flood_of_root_ends_and_says_so() {
    let ten = Some(Duration::from_secs(10));
    for (line, end, note) in [
        (
            "-f h",
            ten,
            Some("flood without -c, -w or --for: ends after 10 s"),
        ),
        (
            "-i 0.9ms h",
            ten,
            Some("more than 1000 probes a second without -c, -w or --for: ends after 10 s"),
        ),
        (
            "-i 0 h",
            ten,
            Some("more than 1000 probes a second without -c, -w or --for: ends after 10 s"),
        ),
        ("-f -c 9 h", None, None),
        ("-f -w 3 h", None, None),
        ("-f --for 1m h", Some(Duration::from_mins(1)), None),
        ("-i 1ms h", None, None),
        ("-A h", None, None),
    ] {
        let plan = plan(line, 0).unwrap();
        assert_eq!(plan.schedule.run_for, end, "{line}");
        assert_eq!(plan.notes.first().map(String::as_str), note, "{line}");
    }
    let adaptive = plan("-A h", 0).unwrap();
    assert_eq!(adaptive.schedule.min_interval, Duration::from_millis(1));
    assert_eq!(
        plan("-A -c 5 h", 0).unwrap().schedule.min_interval,
        Duration::ZERO
    );
}

#[test]
fn letters_arrive_in_the_engine() {
    let plan = plan(
        "-c 3 -i 0.25 -W 0.5 -w 7 -l 2 -A --until 2 --fail-after 4 -e 77 --sweep 1:9:2 -p ff h",
        0,
    )
    .unwrap();
    let aim = plan.aim(&target("10.0.0.2")).unwrap();
    let config = plan.config(&target("10.0.0.2"), &aim, vec![77], 5);
    assert_eq!(config.count, Some(3));
    assert_eq!(config.interval, Duration::from_millis(250));
    assert_eq!(config.timeout, Some(Duration::from_millis(500)));
    assert_eq!(config.deadline, Some(Duration::from_secs(7)));
    assert_eq!((config.preload, config.adaptive), (2, true));
    assert_eq!((config.until, config.fail_after), (Some(2), Some(4)));
    assert_eq!(
        config.sizes,
        Sizes::Sweep {
            min: 1,
            max: 9,
            step: 2
        }
    );
    assert_eq!(config.payload, crate::ping::Payload::Pattern(vec![255]));
    assert_eq!((config.ids, config.nonce, plan.id), (vec![77], 5, Some(77)));
    let defaults = super::plan_tests::plan("h", 1000).unwrap();
    assert_eq!(defaults.schedule.interval, Duration::from_secs(1));
    assert_eq!(defaults.schedule.sizes, Sizes::Fixed(56));
    assert_eq!(defaults.schedule.timeout, None);
    let patient = super::plan_tests::plan("-W 0 h", 0).unwrap();
    assert!(patient.schedule.timeout > Some(Duration::from_hours(366 * 24)));
}

#[test]
fn header_options_arrive_in_the_ipv4_header() {
    let line = "--ip-id 0x1234 --df=0 --mf --reserved-bit --frag-offset 7 -t 3 --dscp ef --ecn ce \
                --proto 253 --source 10.9.9.9 --ip-option ra --ip-version 5 --ihl 15 --ip-length 9 \
                --ip-checksum 0xdead h";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = plan(&line, 0).unwrap();
    assert_eq!(plan.socket, SocketChoice::Hdrincl);
    let Header::V4(header) = plan.aim(&target("10.0.0.2")).unwrap().header else {
        panic!("IPv4 expected")
    };
    assert_eq!(
        (header.id, header.df, header.mf, header.reserved),
        (0x1234, false, true, true)
    );
    assert_eq!(
        (header.fragment_offset, header.ttl, header.protocol),
        (7, 3, 253)
    );
    assert_eq!(header.tos, 46 << 2 | 3);
    assert_eq!(header.source.to_string(), "10.9.9.9");
    assert_eq!(header.options.as_bytes(), [0x94, 4, 0, 0]);
    assert_eq!((header.version, header.ihl), (5, Some(15)));
    assert_eq!(
        (header.total_length, header.checksum),
        (Some(9), Some(0xdead))
    );
}

#[test]
fn header_options_arrive_in_the_ipv6_header() {
    let line =
        "-F 0xabcde --hop-limit 9 --traffic-class 0x2e --ip-id 0x12345678 --mf --hop-by-hop ra h";
    let plan = plan(line, 0).unwrap();
    let Header::V6(header) = plan.aim(&target("fe80::1")).unwrap().header else {
        panic!("IPv6 expected")
    };
    assert_eq!(
        (header.flow_label, header.hop_limit, header.traffic_class),
        (0xabcde, 9, 0x2e)
    );
    assert_eq!(header.source.to_string(), "fe80::9");
    let protocols: Vec<_> = header.extensions.iter().map(Extension::protocol).collect();
    assert_eq!(protocols, [0, 44]);
    assert_eq!(header.len(), 40 + 8 + 8);
    let random = super::plan_tests::plan("-F 0 h", 0).unwrap();
    let Header::V6(header) = random.aim(&target("fe80::1")).unwrap().header else {
        panic!("IPv6 expected")
    };
    assert_eq!(header.flow_label, 0x45678);
}

#[test]
fn defaults_leave_the_kernel_its_fields() {
    let aim = plan("h", 0).unwrap().aim(&target("10.0.0.2")).unwrap();
    let Header::V4(header) = aim.header else {
        panic!("IPv4 expected")
    };
    assert_eq!(
        (header.total_length, header.checksum, header.id),
        (Some(0), Some(0), 0)
    );
    assert!(!header.df && header.source.is_unspecified());
    assert_eq!(aim.socket, SocketChoice::Auto);
    let group = Target {
        kind: Kind::Multicast,
        ..target("224.0.0.1")
    };
    let Header::V4(header) = plan("-M dont h", 0).unwrap().aim(&group).unwrap().header else {
        panic!("IPv4 expected")
    };
    assert_eq!((header.ttl, header.df), (1, false));
    let careful = plan("-M do h", 0).unwrap();
    let Header::V4(header) = careful.aim(&target("10.0.0.2")).unwrap().header else {
        panic!("IPv4 expected")
    };
    assert!(header.df);
}

#[test]
fn what_is_larger_than_the_mtu_is_left_to_the_kernel() {
    let v4 = target("10.0.0.2");
    let aim = plan("-s 1473 h", 0).unwrap().aim(&v4).unwrap();
    assert_eq!(aim.socket, SocketChoice::Raw);
    assert!(aim.notes[0].contains("1501 bytes are more than the MTU of 1500"));
    let whole = plan("-s 1473 -M do h", 0).unwrap().aim(&v4).unwrap();
    assert_eq!(whole.socket, SocketChoice::Auto);
    let sweep = plan("--sweep 1400:1600:10 h", 0).unwrap().aim(&v4).unwrap();
    assert_eq!((sweep.socket, sweep.notes.len()), (SocketChoice::Auto, 0));
    let dgram = plan("-s 1473 --socket dgram h", 0)
        .unwrap()
        .aim(&v4)
        .unwrap();
    assert_eq!(dgram.socket, SocketChoice::Dgram);
}

#[test]
fn clap_itself_refuses_by_range() {
    for line in [
        "-t 256 h",
        "-c 0 h",
        "-l 0 h",
        "-l 65537 h",
        "-i -1 h",
        "-i x h",
        "-Q 256 h",
        "-Q 1 --ecn ce h",
        "--dscp 64 h",
        "-p zz h",
        "-T tsprespec h",
        "-R -T tsonly h",
        "-s 1 --data x h",
        "-4 -6 h",
        "--spoof h",
        "--frag-offset 8192 h",
        "-F 0x100000 h",
        "--socket tcp h",
        "-M never h",
        "--ihl 16 h",
    ] {
        let words = ["rawsock", "ping"].into_iter().chain(line.split(' '));
        let error = Cli::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn definition_of_the_command_line_is_sound() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn hops_are_refused_by_name() {
    let words = ["rawsock", "ping", "-c", "1", "10.0.0.1", "10.0.0.2"];
    let told = Cli::try_parse_from(words).unwrap_err();
    let (message, fix) = refusal(hops(&told).map_or(Ok(()), Err));
    assert!(message.contains("source routes"), "{message}");
    assert_eq!(fix, "rawsock ping 10.0.0.2");
    let told = Cli::try_parse_from(["rawsock", "ping", "--nonsense", "h"]).unwrap_err();
    assert!(hops(&told).is_none());
}
