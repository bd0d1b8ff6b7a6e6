//! Holds our JSON against Wireshark's (`tshark -T json`), field by field: same keys, same values, for
//! every capture in `tests/golden`. Where they differ on purpose a table says why.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::{self, Write as _};

use rawsock::decode::{Decoder, PROTOS, Packet, Relative};
use rawsock::view::packet_json::{About, render_json};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

#[path = "golden/mod.rs"]
mod golden;
#[expect(dead_code, reason = "this test takes all captures")]
#[path = "golden/oracle.rs"]
mod oracle;

use oracle::{fileable, run, tshark, write_pcapng};

/// Keys that Wireshark does not have: groups, and fields of ours.
const OURS: &[&str] = &[
    "dhcp.option",
    "dhcp.option.agent",
    "dhcp.option.captive",
    "dhcp.option.route",
    "dhcp.option.route.length",
    "dhcp.option.route.network",
    "dhcp.option.route.router",
    "dhcp.option.search",
    "dhcp.option.v6only",
    "dns.additional",
    "dns.answer",
    "dns.authority",
    "dns.question",
    "dvmrp.data",
    "dvmrp.interface",
    "dvmrp.interface.flags",
    "geneve.opt",
    "gre.checksum_calculated",
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
    "icmpv6.nd.ns.dad",
    "icmpv6.ni.data",
    "icmpv6.rpl.opt",
    "icmpv6.rpl.opt.data",
    "icmpv6.mld.more_data",
    "icmpv6.mld.query_interval",
    "icmpv6.mld.query_kind",
    "icmpv6.mld.response_time",
    "icmpv6.mld.version",
    "icmpv6.opt.data",
    "igmp.checksum_calculated",
    "igmp.max_resp.time",
    "igmp.more_data",
    "igmp.mtrace.block",
    "igmp.qqi",
    "igmp.query_kind",
    "igmp.record",
    "ip.opt",
    "ip.opt.data",
    "pim.v1.data",
    "pim.v1.group",
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
        "dhcp.option.value",
        "Wireshark gives the bytes beside what it reads of them",
    ),
    (
        "dns.flags.authenticated",
        "Wireshark leaves it out of a query where it is clear",
    ),
    (
        "dns.opt.data",
        "Wireshark gives the bytes beside the parts that it reads",
    ),
    (
        "geneve.option.length",
        "Wireshark gives the length of all options this key too",
    ),
    ("ip.version", "Wireshark adds it to IPv6 packets too"),
    (
        "tcp.checksum_calculated",
        "we add it only where the checksum is wrong",
    ),
    (
        "udp.checksum_calculated",
        "we add it only where the checksum is wrong",
    ),
    (
        "tcp.options.sack_le",
        "Wireshark counts from the connection's first byte",
    ),
    (
        "tcp.options.sack_re",
        "Wireshark counts from the connection's first byte",
    ),
];

/// Captures that Wireshark reads otherwise in keys that begin so, with the reason. A name with `*` is
/// for all that begin with it.
const OTHER_READING: &[(&str, &[&str], &str)] = &[
    (
        "igmp_dvmrp_neighbors",
        &["dvmrp."],
        "it leaves out an interface without neighbours",
    ),
    ("igmp_dvmrp*", &["igmp."], "DVMRP is a protocol of its own"),
    (
        "igmp_pim1_*",
        &["igmp.", "pim.group", "pim.mask_len"],
        "PIM is a protocol of its own, which hides a group and gives each mask the key",
    ),
    ("igmp_rgmp*", &["igmp."], "RGMP is a protocol of its own"),
    (
        "igmp_router_*",
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
        "dhcp_discover",
        &["dhcp.option.type"],
        "it gives the end, 255, as 0",
    ),
    (
        "dhcp_offer",
        &["dhcp.option.type"],
        "it gives the end, 255, as 0",
    ),
    (
        "dhcp_overload",
        &["dhcp.option.type", "dhcp.option.padding"],
        "it gives the end as 0, reads the fields first, and leaves their padding out",
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
    (
        "geneve_option_lies",
        &["geneve.option."],
        "it stops at the length",
    ),
    (
        "ntp_client",
        &["ntp."],
        "it writes NULL for an unknown time",
    ),
    ("ntp_control", &["data."], "it reads control messages"),
    ("ppp_lcp", &["data."], "it reads link control"),
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
        &["tcp.seq"],
        "it takes the number for a relative one",
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
    (
        "tcp_syn",
        &["tcp.ack"],
        "it adds the number also where no flag says that it counts",
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
    (
        "v6_duplicate",
        &["icmpv6.reserved"],
        "it leaves the byte out",
    ),
    (
        "v6_renumbering_lies",
        &["icmpv6."],
        "it reads the operation all the same",
    ),
    (
        "v6_router_asked",
        &["icmpv6.reserved"],
        "it leaves the bytes out",
    ),
    (
        "v6_rpl_dio",
        &["icmpv6.reserved", "icmpv6.rpl.dio.flag", "icmpv6.rpl.opt"],
        "it calls a reserved byte flags, and leaves padding out",
    ),
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
    let keys = specs();
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

fn specs() -> HashSet<&'static str> {
    let protos = PROTOS.iter().flat_map(|proto| proto.specs.iter());
    protos.copied().flatten().map(|spec| spec.key).collect()
}

/// Values by key, in the order of the packet.
type Fields = BTreeMap<String, Vec<String>>;

#[test]
fn values_are_wiresharks() {
    let Some(mut command) = tshark() else { return };
    let captures = fileable();
    command
        .arg("-n")
        .arg("-r")
        .arg(write_pcapng(&captures, "agree.pcapng"));
    command.args(["-T", "json"]);
    for protocol in ["ip", "udp", "tcp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    // A fragment stays a fragment and a segment a segment, as with us.
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args(["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]);
    let packets: Vec<Json> = serde_json::from_str(&run(command)).expect("tshark writes JSON");
    assert_eq!(packets.len(), captures.len(), "one object a packet");

    let (decoder, mut relative) = (Decoder::new(), Relative::default());
    let keys: BTreeSet<&str> = specs()
        .into_iter()
        .filter(|key| !OURS.contains(key))
        .collect();
    let (mut wrong, mut compared) = (String::new(), 0);
    // Entries of the two tables that a difference was found for.
    let mut needed = HashSet::new();
    for (capture, packet) in captures.iter().zip(&packets) {
        let name = &capture.name;
        let ours = our_fields(&decoder, &mut relative, capture);
        let mut theirs = Fields::new();
        flatten(packet, &mut theirs);
        for key in &keys {
            let ours = ours.get(*key).cloned().unwrap_or_default();
            let mut theirs = theirs.remove(*key).unwrap_or_default();
            compared += ours.len();
            if key.ends_with(".checksum.status") {
                // It verifies quoted datagrams too; we leave them out.
                theirs.truncate(ours.len());
            }
            if ours == theirs {
                continue;
            }
            let reading = OTHER_READING.iter().filter(|(other, keys, _)| {
                let all = other.strip_suffix('*').map(|start| name.starts_with(start));
                all.unwrap_or(other == name) && keys.iter().any(|start| key.starts_with(start))
            });
            let value = OTHER_VALUE.iter().filter(|(other, _)| other == key);
            let entries: Vec<&str> = reading
                .map(|one| one.0)
                .chain(value.map(|one| one.0))
                .collect();
            if entries.is_empty() {
                let _ = writeln!(wrong, "{name}: {key}: {ours:?}, Wireshark {theirs:?}");
            }
            needed.extend(entries);
        }
    }
    let listed = OTHER_READING.iter().map(|one| one.0);
    for entry in listed.chain(OTHER_VALUE.iter().map(|one| one.0)) {
        if !needed.contains(entry) {
            let _ = writeln!(wrong, "{entry}: listed as different, but it is not");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(compared > 1000, "only {compared} values compared");
}

/// What stands in our JSON, in the form of [`plain`].
fn our_fields(decoder: &Decoder, relative: &mut Relative, capture: &golden::Golden) -> Fields {
    let (mut packet, mut json) = (Packet::new(), String::new());
    let frame = capture.frame();
    decoder.decode(&frame, &mut packet);
    relative.note(&mut packet);
    render_json(&About::default(), &frame, &packet, &mut json);
    let json: Json = serde_json::from_str(&json).expect("ours is JSON");
    let mut all = Fields::new();
    for layer in json.get("layers").map_or(&[][..], Json::items) {
        let mut fields = Fields::new();
        flatten(layer.get("fields").expect("fields"), &mut fields);
        if layer.get("quoted").is_some() {
            fields.retain(|key, _| !key.ends_with(".checksum.status"));
        }
        for (key, values) in fields {
            all.entry(key).or_default().extend(values);
        }
    }
    all
}

/// JSON in the order of the text, with the keys that stand twice: Wireshark's does.
enum Json {
    /// A text, number or boolean, as text.
    Plain(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Json;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("JSON without null")
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Plain(text.to_owned()))
            }
            fn visit_bool<E>(self, set: bool) -> Result<Json, E> {
                Ok(Json::Plain(u8::from(set).to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Plain(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Plain(number.to_string()))
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Plain(String::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = from.next_element()? {
                    items.push(item);
                }
                Ok(Json::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = from.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(members))
            }
        }
        from.deserialize_any(Reader)
    }
}

/// Adds all values of an object and of those inside it.
fn flatten(object: &Json, out: &mut Fields) {
    let Json::Object(members) = object else {
        return;
    };
    for (key, value) in members {
        for one in value.items() {
            match one {
                Json::Plain(text) if !text.is_empty() => {
                    out.entry(key.clone()).or_default().push(plain(text));
                }
                inside => flatten(inside, out),
            }
        }
    }
}

/// One value without its dress: `0x1f` is 31, `02:00` is `0200`, a date is as RFC 3339 writes it.
fn plain(text: &str) -> String {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).map_or_else(|_| text.to_owned(), |n| n.to_string());
    }
    let pairs = text.split(':');
    if text.contains(':') && pairs.clone().all(|pair| pair.len() == 2) {
        return pairs.collect();
    }
    let date = chrono::NaiveDateTime::parse_from_str(text, "%b %e, %Y %H:%M:%S%.9f UTC");
    if let Ok(date) = date {
        let date = date.and_utc();
        return date.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    }
    text.trim_end_matches("\r\n").to_owned()
}
