//! Multicast listener discovery, versions 1 and 2, inside ICMPv6.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |       max response code       |           reserved            |
//! +-------------------------------+-------------------------------+
//! |                  multicast address, 16 bytes                  |
//! +-------+-+-----+---------------+-------------------------------+
//! |  res  |S| QRV |     QQIC      |       number of sources       |   version 2 queries
//! +-------+-+-----+---------------+-------------------------------+
//! |                 source addresses, 16 bytes each ...           |
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use super::icmpv6::{RESERVED, TYPE};
use super::membership::{float8, float16, query_kind, record_name, record_short};
use super::spec::specs;
use super::{Cx, Layer, Next, Packet, Severity, Show, Spec, Value};

specs! {
    VERSION = "icmpv6.mld.version", "MLD version", Show::Dec, "RFC 9777 8.1",
        "Which MLD this message belongs to; a query tells it by its length.";
    QUERY_KIND = "icmpv6.mld.query_kind", "Query kind", Show::Named(query_kind),
        "RFC 9777 5.1.13",
        "What the router asks about: everything, one group, or sources of a group.";
    DELAY = "icmpv6.mld.maximum_response_delay", "Maximum response delay", Show::Unit("ms"),
        "RFC 2710 3.4", "Within which time listeners must answer a query.";
    CODE = "icmpv6.mld.maximum_response_code", "Maximum response code", Show::Dec,
        "RFC 9777 5.1.3", "Within which time listeners must answer, as a code.";
    RESPONSE_TIME = "icmpv6.mld.response_time", "Maximum response time", Show::Unit("ms"),
        "RFC 9777 5.1.3", "The code as a time: hosts answer at a random moment within it.";
    GROUP = "icmpv6.mld.multicast_address", "Multicast address", Show::Plain, "RFC 9777 5.1.5",
        "The group it is about; :: in a general query.";
    FLAGS = "icmpv6.mld.flag", "Flags", Show::Hex(2), "RFC 9777 5.1.7",
        "The S flag and the robustness.";
    S = "icmpv6.mld.flag.s", "Suppress router processing", Show::Plain, "RFC 9777 5.1.7",
        "Routers that hear the query must not shorten their timers.";
    QRV = "icmpv6.mld.flag.qrv", "Robustness", Show::Dec, "RFC 9777 5.1.8",
        "How many losses in a row the querier wants to survive; 0 is more than 7.";
    QQIC = "icmpv6.mld.qqi", "Query interval code", Show::Dec, "RFC 9777 5.1.9",
        "How often the querier asks, as a code.";
    QQI = "icmpv6.mld.query_interval", "Query interval", Show::Unit("s"), "RFC 9777 5.1.9",
        "The code as a time.";
    NUM_SOURCES = "icmpv6.mld.nb_sources", "Number of sources", Show::Dec, "RFC 9777 5.1.10",
        "How many source addresses follow.";
    SOURCE = "icmpv6.mld.source_address", "Source address", Show::Plain, "RFC 9777 5.1.11",
        "A sender that is asked about.";
    NUM_RECORDS = "icmpv6.mldr.nb_mcast_records", "Number of records", Show::Dec,
        "RFC 9777 5.2", "How many multicast address records follow.";
    RECORD = "icmpv6.mldr.mar", "Record", Show::Plain, "RFC 9777 5.2",
        "What the host wants of one group.";
    RECORD_TYPE = "icmpv6.mldr.mar.record_type", "Record type", Show::Named(record_name),
        "RFC 9777 5.2", "The present state of a membership, or a change of it.";
    AUX_LEN = "icmpv6.mldr.mar.aux_data_len", "Auxiliary data length",
        Show::Unit("words of 4 bytes"), "RFC 9777 5.2",
        "Length of data behind the sources; 0 in this version.";
    RECORD_SOURCES = "icmpv6.mldr.mar.nb_sources", "Number of sources", Show::Dec,
        "RFC 9777 5.2", "How many source addresses the record has.";
    RECORD_GROUP = "icmpv6.mldr.mar.multicast_address", "Multicast address", Show::Plain,
        "RFC 9777 5.2", "The group that the record is about.";
    RECORD_SOURCE = "icmpv6.mldr.mar.source_address", "Source address", Show::Plain,
        "RFC 9777 5.2", "A sender that is wanted, or not wanted.";
    TRAILING = "icmpv6.mld.more_data", "More data", Show::Plain, "RFC 9777 5.2.11",
        "Bytes behind the message, without a meaning.";
    AUX = "icmpv6.mldr.mar.auxiliary_data", "Auxiliary data", Show::Plain, "RFC 9777 5.2",
        "No meaning is defined yet.";
}

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ALL_SNOOPERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x6a);
const ALL_V2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// Reads a message of type 130, 131, 132 or 143, the first four bytes of which are done.
pub(super) fn decode(cx: &mut Cx<'_>, kind: u8) -> Next {
    cx.set_header(cx.len());
    let group = if kind == 143 {
        report(cx);
        None
    } else {
        message(cx, kind)
    };
    rules(cx, kind, group);
    Next::Done
}

/// A query, or a version 1 report or done; returns its group.
fn message(cx: &mut Cx<'_>, kind: u8) -> Option<Ipv6Addr> {
    // RFC 9777 8.1: a query of 24 bytes is version 1, from 28 on version 2.
    let version: u8 = if kind == 130 && cx.len() >= 28 { 2 } else { 1 };
    cx.uint(&VERSION, 0, 0, version);
    let code = cx.u16(4).unwrap_or(0);
    if version == 2 {
        cx.uint(&CODE, 4, 2, code);
        cx.uint(&RESPONSE_TIME, 4.min(cx.have()), 0, float16(code));
    } else {
        cx.uint(&DELAY, 4, 2, code);
    }
    cx.raw(&RESERVED, 6, 2);
    let group = address(cx, &GROUP, 8);
    if !cx.need(24) {
        return group;
    }
    let count = cx.u16(26).unwrap_or(0);
    if kind == 130 {
        let kind = match (group, version, count) {
            (Some(Ipv6Addr::UNSPECIFIED), ..) => 0u8,
            (_, 2, 1..) => 2,
            _ => 1,
        };
        cx.uint(&QUERY_KIND, 0, 0, kind);
    }
    if version == 2 {
        let [flags, interval] = cx.array(24).unwrap_or([0; 2]);
        let open = cx.open(&FLAGS, 24, 1, Value::Uint(flags.into()));
        cx.add(&S, 24, 1, Value::Bool(flags & 8 != 0));
        cx.uint(&QRV, 24, 1, flags & 7);
        cx.close(open);
        cx.uint(&QQIC, 25, 1, interval);
        cx.uint(&QQI, 25.min(cx.have()), 0, float8(interval));
        cx.uint(&NUM_SOURCES, 26, 2, count);
        if cx.need(28) {
            let end = sources(cx, &SOURCE, 28, count);
            trailing(cx, end, "RFC 9777 5.1.12");
        }
    }
    group
}

/// Adds the addresses that were captured; returns where they end as their count claims.
fn sources(cx: &mut Cx<'_>, spec: &'static Spec, from: u32, count: u16) -> u32 {
    let end = from.saturating_add(u32::from(count).saturating_mul(16));
    if end > cx.len() {
        let text = format!(
            "{count} sources need {} bytes, there are {}",
            end.saturating_sub(from),
            cx.len().saturating_sub(from)
        );
        let at = if from == 28 {
            26
        } else {
            from.saturating_sub(18)
        };
        cx.problem(
            Severity::Invalid,
            at,
            2,
            "mld.nb_sources",
            "RFC 9777 5.2",
            text,
        );
    }
    let mut at = from;
    while at < end && address(cx, spec, at).is_some() {
        at = at.saturating_add(16);
    }
    end
}

/// RFC 9777 5.2.
fn report(cx: &mut Cx<'_>) {
    cx.uint(&VERSION, 0, 0, 2u8);
    cx.raw(&RESERVED, 4, 2);
    let count = cx.u16(6).unwrap_or(0);
    cx.uint(&NUM_RECORDS, 6, 2, count);
    if !cx.need(8) {
        return;
    }
    let mut at: u32 = 8;
    for number in 0..count {
        if at.saturating_add(20) > cx.len() {
            let text = format!("{count} records announced, there are {number}");
            let key = "mld.nb_mcast_records";
            cx.problem(Severity::Invalid, 6, 2, key, "RFC 9777 5.2", text);
            return;
        }
        match record(cx, at) {
            Some(after) => at = after,
            None => return,
        }
    }
    trailing(cx, at, "RFC 9777 5.2.11");
}

/// A sender must not add anything; a receiver covers it by the checksum and ignores it.
fn trailing(cx: &mut Cx<'_>, at: u32, rfc: &'static str) {
    let left = cx.len().saturating_sub(at);
    if left > 0 {
        cx.raw(&TRAILING, at, cx.have().saturating_sub(at));
        let text = format!("{left} bytes follow, which no sender may add");
        cx.rule(at, left, "mld.trailing", rfc, text);
    }
}

/// RFC 9777 5.2; returns where the next one begins.
fn record(cx: &mut Cx<'_>, at: u32) -> Option<u32> {
    let Some([kind, aux, high, low]) = cx.array(at) else {
        let _ = cx.need(at.saturating_add(20));
        return None;
    };
    let count = u16::from_be_bytes([high, low]);
    let record = cx.open(&RECORD, at, 20, Value::None);
    cx.uint(&RECORD_TYPE, at, 1, kind);
    cx.uint(&AUX_LEN, at.saturating_add(1), 1, aux);
    cx.uint(&RECORD_SOURCES, at.saturating_add(2), 2, count);
    let group_at = at.saturating_add(4);
    if let Some(group) = address(cx, &RECORD_GROUP, group_at) {
        multicast(cx, group_at, group);
    }
    let end = sources(cx, &RECORD_SOURCE, at.saturating_add(20), count);
    let after = end.saturating_add(u32::from(aux).saturating_mul(4));
    cx.raw(&AUX, end, after.saturating_sub(end));
    if after > cx.len() && end <= cx.len() {
        let text = format!("{aux} words of auxiliary data go past the message");
        let key = "mld.aux_data_len";
        cx.problem(
            Severity::Invalid,
            at.saturating_add(1),
            1,
            key,
            "RFC 9777 5.2",
            text,
        );
    }
    let whole = cx.need(after.min(cx.len()));
    cx.close_at(record, after);
    (whole && after <= cx.len()).then_some(after)
}

/// Multicast router discovery (RFC 4286 3 to 5), which keeps the same rules.
pub(super) fn router_discovery(cx: &mut Cx<'_>, kind: u8) {
    rules(cx, kind, None);
}

/// What RFC 9777 5 and RFC 2710 3 ask of every message.
fn rules(cx: &mut Cx<'_>, kind: u8, group: Option<Ipv6Addr>) {
    let rfc = if kind > 150 {
        "RFC 4286 3"
    } else {
        "RFC 9777 5"
    };
    let Some(net) = cx.net else { return };
    if net.hops != 1 {
        let text = format!(
            "hop limit is {}, must be 1: MLD does not leave the link",
            net.hops
        );
        cx.rule(0, 1, "mld.hop_limit", rfc, text);
    }
    if net.router_alert.is_none() {
        let text = "the hop-by-hop option router alert is missing".to_owned();
        cx.rule(0, 1, "mld.router_alert", rfc, text);
    }
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (net.source, net.destination) else {
        return;
    };
    // RFC 3590 4: a host without an address yet may report from ::.
    let nobody = source.is_unspecified() && kind != 130;
    if !source.is_unicast_link_local() && !nobody {
        let text = format!("source {source} is not link-local");
        cx.rule(0, 1, "mld.source", rfc, text);
    }
    let expected = match (kind, group) {
        (143, _) => ALL_V2_ROUTERS,
        (132 | 152, _) => ALL_ROUTERS,
        (151 | 153, _) => ALL_SNOOPERS,
        (130, Some(Ipv6Addr::UNSPECIFIED)) => ALL_NODES,
        (_, Some(group)) => group,
        (_, None) => return,
    };
    if destination != expected {
        let text = format!("sent to {destination}, must go to {expected}");
        cx.rule(0, 1, "mld.dst", "RFC 9777 5.1.15", text);
    }
    if let Some(group) = group.filter(|group| kind != 130 || !group.is_unspecified()) {
        multicast(cx, 8, group);
    }
}

fn multicast(cx: &mut Cx<'_>, at: u32, group: Ipv6Addr) {
    if !group.is_multicast() {
        let text = format!("{group} is no multicast address");
        cx.rule(at, 16, "mld.multicast_address", "RFC 4291 2.7", text);
    }
}

fn address(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) -> Option<Ipv6Addr> {
    let address = cx.array::<16>(at).map(Ipv6Addr::from)?;
    cx.add(spec, at, 16, Value::Ipv6(address));
    Some(address)
}

/// `, general query, answer within 10.0 s`, `, TO_EX ff02::fb {}`.
pub(super) fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let mut open = false;
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    if !number(&TYPE).is_some_and(|kind| matches!(kind, 130..=132 | 143)) {
        return;
    }
    if let Some(kind) = number(&QUERY_KIND).and_then(query_kind) {
        let _ = write!(out, ", {kind}");
    }
    for field in packet.fields_of(layer) {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        let _ = match field.value {
            Value::Ipv6(group) if is(&GROUP) && !group.is_unspecified() => write!(out, " {group}"),
            Value::Ipv6(source) if is(&SOURCE) => write!(out, ", source {source}"),
            Value::Uint(kind) if is(&RECORD_TYPE) => {
                let name = record_short(kind).unwrap_or("?");
                let end = if open { "}" } else { "" };
                open = true;
                write!(out, "{end}, {name}")
            }
            Value::Ipv6(group) if is(&RECORD_GROUP) => write!(out, " {group} {{"),
            Value::Ipv6(source) if is(&RECORD_SOURCE) => {
                let space = if out.ends_with('{') { "" } else { " " };
                write!(out, "{space}{source}")
            }
            _ => Ok(()),
        };
    }
    if open {
        out.push('}');
    }
    let time = number(&RESPONSE_TIME).or(number(&DELAY).filter(|_| number(&TYPE) == Some(130)));
    if let Some(ms) = time {
        let _ = write!(out, ", answer within {}.{} s", ms / 1000, ms / 100 % 10);
    }
}
