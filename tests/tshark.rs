//! Holds the decoder against Wireshark's: same keys, same values, for every capture in
//! `tests/golden`. Where they differ on purpose a table says why.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::process::Command;

use rawsock::decode::{Decoder, Field, LinkType, PROTOS, Packet, Value};

#[path = "golden/mod.rs"]
mod golden;
#[expect(dead_code, reason = "the file of all link types is for other tests")]
#[path = "golden/oracle.rs"]
mod oracle;

use oracle::{run, tshark, write_pcap};

/// Keys that Wireshark does not have: groups, and fields of ours.
const OURS: &[&str] = &[
    "dns.additional",
    "dns.answer",
    "dns.authority",
    "dns.question",
    "icmp.checksum_calculated",
    "icmp.ext.checksum_calculated",
    "icmp.ext.object",
    "icmp.mpls",
    "icmp.router",
    "icmp.traceroute.id",
    "icmp.traceroute.mtu",
    "icmp.traceroute.outbound_hops",
    "icmp.traceroute.return_hops",
    "icmp.traceroute.speed",
    "icmpv6.checksum_calculated",
    "icmpv6.mld.query_interval",
    "icmpv6.mld.query_kind",
    "icmpv6.mld.response_time",
    "icmpv6.mld.version",
    "icmpv6.opt.data",
    "igmp.checksum_calculated",
    "igmp.max_resp.time",
    "igmp.mtrace.block",
    "igmp.qqi",
    "igmp.query_kind",
    "igmp.record",
    "ip.opt",
    "ip.opt.data",
    "tcp.option",
    "tcp.option_data",
    "tls.extension",
];

/// Keys whose value Wireshark counts or shows otherwise, with the reason.
const OTHER_VALUE: &[(&str, &str)] = &[
    (
        "ip.checksum_calculated",
        "we add it only where the checksum is wrong",
    ),
    (
        "dns.flags.authenticated",
        "Wireshark leaves it out of a query where it is clear",
    ),
    (
        "dns.opt.data",
        "Wireshark gives the bytes beside the parts that it reads",
    ),
    ("ip.version", "Wireshark adds it to IPv6 packets too"),
    (
        "tcp.options.sack_le",
        "Wireshark counts from the connection's first byte",
    ),
    (
        "tcp.options.sack_re",
        "Wireshark counts from the connection's first byte",
    ),
];

/// Captures that Wireshark reads otherwise in keys that begin so, with the reason.
const OTHER_READING: &[(&str, &[&str], &str)] = &[
    (
        "igmp_dvmrp",
        &["igmp.", "data."],
        "DVMRP is a protocol of its own",
    ),
    ("igmp_rgmp", &["igmp."], "RGMP is a protocol of its own"),
    (
        "igmp_router_advertisement",
        &["igmp.", "mrdisc."],
        "it knows only the draft's numbers",
    ),
    (
        "igmp_v0_join",
        &["igmp.reserved"],
        "it gives the code no field in a request",
    ),
    (
        "mld_v2_query",
        &["icmpv6.mld.maximum_response_code", "icmpv6.mld.qqi"],
        "it gives the time under the code's name; ours are codes, the times stand beside them",
    ),
    (
        "checksum_not_ready",
        &["icmp.checksum.status"],
        "a pcap file cannot say not ready",
    ),
    (
        "dns_pointer_loop",
        &["dns.qry."],
        "it makes up a name and goes on behind it",
    ),
    (
        "dns_query",
        &["dns.resp.name"],
        "it writes <Root> for the root's dot",
    ),
    (
        "dns_records",
        &[
            "dns.resp.name",
            "dns.resp.type",
            "dns.rrsig.signature_",
            "dns.srv.target",
            "dns.txt",
            "dns.data",
            "dns.svcb.targetname",
        ],
        "it hides a name, gives a bitmap the type's key, times as dates, controls as they are, <Root>",
    ),
    ("ethernet_length", &["data."], "it reads spanning tree"),
    (
        "extended_echo_request",
        &["icmp.ext.", "data."],
        "it takes the payload for an object, and the checksum for wrong (RFC 8335 2: one object)",
    ),
    (
        "first_fragment",
        &["data."],
        "it reads no payload of a fragment",
    ),
    ("header_length_lies", &[""], "it stops at the header length"),
    (
        "loose_source_route",
        &["ip."],
        "it shows the route as if it were at its end",
    ),
    (
        "mdns_answer",
        &["dns.ptr.domain_name"],
        "it does not tell a label's own dot from one between labels",
    ),
    (
        "option_overruns_header",
        &["ip.opt"],
        "it stops before the option's type",
    ),
    ("photuris", &[""], "it does not read RFC 2521"),
    (
        "port_unreachable_short",
        &["tcp.seq_raw"],
        "it shows only a relative number",
    ),
    (
        "qinq",
        &["vlan."],
        "the outer tag's keys begin with ieee8021ad",
    ),
    (
        "raw_unknown_version",
        &[""],
        "it does not show such packets as data",
    ),
    (
        "router_solicitation",
        &["icmp.unused"],
        "it leaves the reserved bytes out",
    ),
    (
        "security_options",
        &["ip.opt"],
        "it leaves out the unknown option, and padding",
    ),
    (
        "source_quench",
        &["icmp.unused"],
        "it leaves the unused bytes out",
    ),
    ("tls_hello_cut", &["tls."], "it waits for the rest"),
    (
        "tls_middle",
        &["tls.record", "data."],
        "it calls the middle of a stream a record",
    ),
    (
        "tls_server_hello",
        &["tls.record.content_type"],
        "it names the type of encrypted records otherwise",
    ),
    (
        "traceroute_message",
        &["icmp.unused"],
        "it leaves the unused bytes out",
    ),
    ("unknown_type", &["data."], "it leaves the body out"),
    ("v6_lies", &[""], "it stops at the version"),
    ("v6_redirect", &["data."], "it leaves the padding out"),
    (
        "v6_time_exceeded_mpls",
        &["icmp.int_info.name"],
        "it wants four more bytes behind a name",
    ),
];

#[test]
fn keys_are_wiresharks_or_listed_as_ours() {
    let Some(mut command) = tshark() else { return };
    command.args(["-G", "fields"]);
    let table = run(command);
    let known: HashSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("F\t")?.split('\t').nth(1))
        .collect();
    assert!(known.len() > 10_000, "the table was read");
    let mut wrong = String::new();
    let specs = PROTOS
        .iter()
        .flat_map(|proto| proto.specs.iter().copied().flatten());
    let keys: HashSet<&str> = specs.map(|spec| spec.key).collect();
    for key in &keys {
        match (known.contains(key), OURS.contains(key)) {
            (false, false) => {
                let _ = writeln!(wrong, "{key}: unknown to Wireshark");
            }
            (true, true) => {
                let _ = writeln!(wrong, "{key}: Wireshark has it now");
            }
            _ => {}
        }
    }
    for key in OURS.iter().filter(|key| !keys.contains(*key)) {
        let _ = writeln!(wrong, "{key}: we do not have it any more");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn values_are_wiresharks() {
    if tshark().is_none() {
        return;
    }
    let mut wrong = String::new();
    let mut compared = 0;
    for (link, number) in [
        (LinkType::Ethernet, 1),
        (LinkType::Raw, 101),
        (LinkType::LinuxSll, 113),
        (LinkType::LinuxSll2, 276),
    ] {
        let captures = golden::all().into_iter().filter(|one| one.link == link);
        compared += compare(&captures.collect::<Vec<_>>(), number, &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(compared > 1000, "only {compared} values compared");
}

fn compare(captures: &[golden::Golden], link: u32, wrong: &mut String) -> usize {
    let decoder = Decoder::new();
    let ours: Vec<_> = captures.iter().map(|one| fields(&decoder, one)).collect();
    let keys: HashSet<&str> = ours.iter().flat_map(|one| one.keys().copied()).collect();
    let skipped = |key: &&str| OURS.contains(key) || OTHER_VALUE.iter().any(|(k, _)| k == key);
    let mut keys: Vec<&str> = keys.into_iter().filter(|key| !skipped(key)).collect();
    keys.sort_unstable();

    let file = write_pcap(captures, link);
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(&file);
    for protocol in ["ip", "udp", "tcp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    // A fragment stays a fragment and a segment a segment, as with us.
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    let form = ["separator=|", "aggregator=;", "occurrence=a"];
    command.args(["-T", "fields"]);
    command.args(form.iter().flat_map(|one| ["-E", one]));
    command.args(keys.iter().flat_map(|key| ["-e", key]));
    let output = run(command);
    let rows: Vec<&str> = output.lines().collect();
    assert_eq!(rows.len(), captures.len(), "one row a packet");

    let mut compared = 0;
    for ((capture, ours), row) in captures.iter().zip(&ours).zip(rows) {
        for (key, theirs) in keys.iter().zip(row.split('|')) {
            let known = OTHER_READING.iter().any(|(name, keys, _)| {
                *name == capture.name && keys.iter().any(|start| key.starts_with(start))
            });
            if known {
                continue;
            }
            let mut theirs: Vec<String> = theirs
                .split(';')
                .filter(|value| !matches!(*value, "" | "<none>"))
                .map(plain)
                .collect();
            let ours = ours.get(key).cloned().unwrap_or_default();
            compared += ours.len();
            if key.ends_with(".checksum.status") {
                // It verifies quoted datagrams too; we do not, and `fields` leaves them out.
                theirs.truncate(ours.len());
            }
            if ours != theirs {
                let _ = writeln!(
                    wrong,
                    "{}: {key}: {ours:?}, Wireshark {theirs:?}",
                    capture.name
                );
            }
        }
    }
    compared
}

/// Our fields as `key -> values`, in the form of [`plain`].
fn fields(decoder: &Decoder, capture: &golden::Golden) -> BTreeMap<&'static str, Vec<String>> {
    let mut packet = Packet::new();
    decoder.decode(&capture.frame(), &mut packet);
    let mut all = BTreeMap::<_, Vec<String>>::new();
    for layer in packet.layers() {
        for field in packet.fields_of(layer) {
            if layer.quoted && field.spec.key.ends_with(".checksum.status") {
                continue;
            }
            let text = value(capture, &packet, field);
            all.entry(field.spec.key).or_default().push(text);
        }
    }
    all
}

fn value(capture: &golden::Golden, packet: &Packet, field: &Field) -> String {
    match field.value {
        Value::None => "1".to_owned(),
        Value::Bool(set) => u8::from(set).to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Mac(mac) => plain(&mac.to_string()),
        Value::Ipv4(address) => address.to_string(),
        Value::Ipv6(address) => address.to_string(),
        Value::Text(from, to) => packet.text(from, to).to_owned(),
        Value::Bytes => {
            let range = field.at as usize..(field.at + field.len) as usize;
            let bytes = capture.bytes[range].iter();
            bytes.fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        }
    }
}

/// One value of tshark's without its dress: `0x1f` is 31, `True` is 1, `02:00` is `0200`.
fn plain(text: &str) -> String {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).map_or_else(|_| text.to_owned(), |n| n.to_string());
    }
    let pairs = text.split(':');
    if text.contains(':') && pairs.clone().all(|pair| pair.len() == 2) {
        return pairs.collect();
    }
    match text.trim_end_matches("\\r\\n") {
        "True" => "1".to_owned(),
        "False" => "0".to_owned(),
        line => line.to_owned(),
    }
}
