//! IGMP: queries, reports and leaves of versions 1 to 3, version 0, RGMP and multicast router
//! discovery. Traces are in `mtrace`, old routing protocols in `dvmrp` and `pim1`, the rules in
//! `igmp_rules`.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     type      | max resp code |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |                         group address                         |
//! +-------+-+-----+---------------+-------------------------------+
//! |  res  |S| QRV |     QQIC      |       number of sources       |   version 3 queries
//! +-------+-+-----+---------------+-------------------------------+
//! |                       source addresses ...                    |
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::membership::{float8, query_kind, record_name, record_short};
use super::spec::specs;
use super::text::{push_ipv4, push_number};
use super::{
    Checksum, Claim, Cx, Layer, Net, Next, Packet, Proto, Severity, Show, Spec, Value,
    checksum_status, dvmrp, igmp_rules, mtrace, pim1, samples,
};

specs! {
    VERSION = "igmp.version", "Version", Show::Dec, "RFC 9776 7.1",
        "Which IGMP this message belongs to; a query tells it by its length and code.";
    TYPE = "igmp.type", "Type", Show::Named(type_name), "RFC 9776 4",
        "What kind of message this is.";
    QUERY_KIND = "igmp.query_kind", "Query kind", Show::Named(query_kind), "RFC 9776 4.1.11",
        "What the router asks about: everything, one group, or sources of a group.";
    MAX_RESP = "igmp.max_resp", "Max resp code", Show::Dec, "RFC 9776 4.1.1",
        "Within which time members must answer, as a code.";
    RESPONSE_TIME = "igmp.max_resp.time", "Max response time", Show::Unit("ms"),
        "RFC 9776 4.1.1", "The code as a time: hosts answer at a random moment within it.";
    EXPONENT = "igmp.max_resp.exp", "Exponent", Show::Dec, "RFC 9776 4.1.1",
        "Exponent of a code above 127.";
    MANTISSA = "igmp.max_resp.mant", "Mantissa", Show::Dec, "RFC 9776 4.1.1",
        "Mantissa of a code above 127.";
    CHECKSUM = "igmp.checksum", "Checksum", Show::Hex(4), "RFC 9776 4.1.2",
        "Guards the whole IGMP message.";
    CHECKSUM_CALCULATED = "igmp.checksum_calculated", "Right checksum", Show::Hex(4), "RFC 1071",
        "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "igmp.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 1071", "Outcome of computing the checksum again.";
    GROUP = "igmp.maddr", "Group address", Show::Plain, "RFC 9776 4.1.3",
        "The multicast group it is about; 0.0.0.0 in a general query.";
    S = "igmp.s", "Suppress router processing", Show::Plain, "RFC 9776 4.1.5",
        "Routers that hear the query must not shorten their timers.";
    QRV = "igmp.qrv", "Robustness", Show::Dec, "RFC 9776 4.1.6",
        "How many losses in a row the querier wants to survive; 0 is more than 7.";
    QQIC = "igmp.qqic", "Query interval code", Show::Dec, "RFC 9776 4.1.7",
        "How often the querier asks, as a code.";
    QQI = "igmp.qqi", "Query interval", Show::Unit("s"), "RFC 9776 4.1.7",
        "The code as a time.";
    NUM_SRC = "igmp.num_src", "Number of sources", Show::Dec, "RFC 9776 4.1.8",
        "How many source addresses follow.";
    SOURCE = "igmp.saddr", "Source address", Show::Plain, "RFC 9776 4.1.9",
        "A sender that is wanted, or not wanted.";
    NUM_RECORDS = "igmp.num_grp_recs", "Number of records", Show::Dec, "RFC 9776 4.2",
        "How many group records follow.";
    RECORD = "igmp.record", "Group record", Show::Plain, "RFC 9776 4.2",
        "What the host wants of one group.";
    RECORD_TYPE = "igmp.record_type", "Record type", Show::Named(record_name), "RFC 9776 4.2",
        "The present state of a membership, or a change of it.";
    AUX_LEN = "igmp.aux_data_len", "Auxiliary data length", Show::Unit("words of 4 bytes"),
        "RFC 9776 4.2", "Length of data behind the sources; 0 in this version.";
    AUX = "igmp.aux_data", "Auxiliary data", Show::Plain, "RFC 9776 4.2",
        "No meaning is defined yet.";
    RESERVED = "igmp.reserved", "Reserved", Show::Plain, "RFC 9776 4.2",
        "Must be zero.";
    TRAILING = "igmp.more_data", "More data", Show::Plain, "RFC 9776 4.2.11",
        "Bytes behind the message, without a meaning.";
    IDENTIFIER = "igmp.identifier", "Identifier", Show::Dec, "RFC 988 Appendix I",
        "Tells one request of version 0 from another.";
    ACCESS_KEY = "igmp.access_key", "Access key", Show::Plain, "RFC 988 Appendix I",
        "Key of a private group in version 0.";
    INTERVAL = "mrdisc.adv_int", "Advertisement interval", Show::Unit("s"), "RFC 4286 3.1",
        "How often the multicast router announces itself.";
    MRD_QUERY_INTERVAL = "mrdisc.query_int", "Query interval", Show::Unit("s"), "RFC 4286 3.1",
        "How often it sends IGMP queries.";
    MRD_ROBUSTNESS = "mrdisc.rob_var", "Robustness", Show::Dec, "RFC 4286 3.1",
        "How many losses in a row it wants to survive.";
}

const RFC: &str = "RFC 9776 4";

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "igmp.checksum.bad",
    rfc: "RFC 9776 4.1.2",
    transport: true,
};

/// Internet Group Management Protocol.
pub static PROTO: Proto = Proto {
    key: "igmp",
    name: "Internet Group Management Protocol",
    rfc: "RFC 9776",
    claims: &[Claim::IpProtocol(2)],
    specs: &[SPECS, dvmrp::SPECS, mtrace::SPECS, pim1::SPECS],
    samples: samples::IGMP,
    decode,
    summary,
};

/// IANA "IGMP Type Numbers", and RGMP (RFC 3488).
pub fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x01 => "create group request",
        0x02 => "create group reply",
        0x03 => "join group request",
        0x04 => "join group reply",
        0x05 => "leave group request",
        0x06 => "leave group reply",
        0x07 => "confirm group request",
        0x08 => "confirm group reply",
        0x11 => "membership query",
        0x12 => "v1 membership report",
        0x13 => "DVMRP",
        0x14 => "PIM version 1",
        0x15 => "Cisco trace",
        0x16 => "v2 membership report",
        0x17 => "leave group",
        0x1e => "multicast traceroute response",
        0x1f => "multicast traceroute",
        0x22 => "v3 membership report",
        0x30 => "multicast router advertisement",
        0x31 => "multicast router solicitation",
        0x32 => "multicast router termination",
        0xfc => "RGMP leave",
        0xfd => "RGMP join",
        0xfe => "RGMP bye",
        0xff => "RGMP hello",
        _ => return None,
    })
}

/// What a rule needs to know of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub kind: u8,
    pub version: u8,
    pub group: Ipv4Addr,
    pub sources: u16,
    pub net: Net,
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<12>();
    let (kind, code) = (h[0], h[1]);
    // RFC 9776 7.1: a query's version is told by its length, then by its code.
    let version = match kind {
        0x11 if cx.len() >= 12 => Some(3),
        0x11 => Some(if code == 0 { 1 } else { 2 }),
        0x01..=0x08 => Some(0),
        0x12 => Some(1),
        0x16 | 0x17 => Some(2),
        0x22 => Some(3),
        _ => None,
    };
    cx.set_header(cx.len());
    if let Some(version) = version {
        cx.uint(&VERSION, 0, 0, version);
    }
    cx.uint(&TYPE, 0, 1, kind);
    match kind {
        0x11 => query(cx, &h, version.unwrap_or(2)),
        0x22 => {
            cx.raw(&RESERVED, 1, 1);
            checksum(cx, &h);
            report(cx, &h);
        }
        0x12 | 0x16 | 0x17 | 0xfc..=0xff => {
            // RFC 2236 2.2: version 2 has the field in every message, with a meaning in queries.
            match kind {
                0x16 | 0x17 => cx.uint(&MAX_RESP, 1, 1, code),
                _ => cx.raw(&RESERVED, 1, 1),
            }
            checksum(cx, &h);
            group(cx, &h);
            let _ = cx.need(8);
        }
        0x01..=0x08 => {
            cx.raw(&RESERVED, 1, 1);
            checksum(cx, &h);
            cx.uint(
                &IDENTIFIER,
                4,
                4,
                u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
            );
            let group = Ipv4Addr::new(h[8], h[9], h[10], h[11]);
            cx.add(&GROUP, 8, 4, Value::Ipv4(group));
            cx.raw(&ACCESS_KEY, 12, 8);
            let _ = cx.need(20);
        }
        0x1e | 0x1f => {
            mtrace::hops(cx, code);
            checksum(cx, &h);
            mtrace::decode(cx);
        }
        0x13 => {
            checksum(cx, &h);
            dvmrp::decode(cx);
        }
        0x14 => {
            checksum(cx, &h);
            pim1::decode(cx);
        }
        0x30 => {
            cx.uint(&INTERVAL, 1, 1, code);
            checksum(cx, &h);
            cx.uint(&MRD_QUERY_INTERVAL, 4, 2, u16::from_be_bytes([h[4], h[5]]));
            cx.uint(&MRD_ROBUSTNESS, 6, 2, u16::from_be_bytes([h[6], h[7]]));
            let _ = cx.need(8);
        }
        _ => {
            cx.raw(&RESERVED, 1, 1);
            checksum(cx, &h);
            cx.set_header(4);
            if !cx.need(4) {
                return Next::Done;
            }
            return Next::data(4..cx.len());
        }
    }
    if version.is_none() {
        igmp_rules::check_kin(cx, kind);
    }
    if let (Some(version), Some(net), true) = (version, cx.net, cx.have() >= 8) {
        let message = Message {
            kind,
            version,
            group: Ipv4Addr::new(h[4], h[5], h[6], h[7]),
            sources: u16::from_be_bytes([h[10], h[11]]),
            net,
        };
        igmp_rules::check(cx, &message);
    }
    Next::Done
}

fn checksum(cx: &mut Cx<'_>, h: &[u8; 12]) {
    cx.uint(&CHECKSUM, 2, 2, u16::from_be_bytes([h[2], h[3]]));
    cx.verify(&SUM, 2, 0..cx.len(), None);
}

fn group(cx: &mut Cx<'_>, h: &[u8; 12]) -> Ipv4Addr {
    let group = Ipv4Addr::new(h[4], h[5], h[6], h[7]);
    cx.add(&GROUP, 4, 4, Value::Ipv4(group));
    group
}

fn query(cx: &mut Cx<'_>, h: &[u8; 12], version: u8) {
    let code = h[1];
    // RFC 2236 2.2: tenths of a second; only version 3 reads large ones as floats.
    let tenths = if version == 3 {
        float8(code)
    } else {
        code.into()
    };
    if version == 1 {
        cx.raw(&RESERVED, 1, 1);
    } else {
        cx.uint(&MAX_RESP, 1, 1, code);
        if version == 3 && code >= 128 {
            cx.uint(&EXPONENT, 1, 1, code >> 4 & 7);
            cx.uint(&MANTISSA, 1, 1, code & 15);
        }
        cx.uint(
            &RESPONSE_TIME,
            1.min(cx.have()),
            0,
            tenths.saturating_mul(100),
        );
    }
    checksum(cx, h);
    let group = group(cx, h);
    if !cx.need(8) {
        return;
    }
    let count = u16::from_be_bytes([h[10], h[11]]);
    let kind = match (group.is_unspecified(), version, count) {
        (true, ..) => 0u8,
        (false, 3, 1..) => 2,
        _ => 1,
    };
    cx.uint(&QUERY_KIND, 0, 0, kind);
    if version < 3 {
        return;
    }
    cx.add(&S, 8, 1, Value::Bool(h[8] & 8 != 0));
    cx.uint(&QRV, 8, 1, h[8] & 7);
    cx.uint(&QQIC, 9, 1, h[9]);
    cx.uint(&QQI, 9.min(cx.have()), 0, float8(h[9]));
    cx.uint(&NUM_SRC, 10, 2, count);
    if cx.need(12) {
        let end = sources(cx, 12, count, RFC);
        trailing(cx, end, "RFC 9776 4.1.10");
    }
}

/// Adds the addresses that were captured; returns where they end as their count claims.
fn sources(cx: &mut Cx<'_>, from: u32, count: u16, rfc: &'static str) -> u32 {
    let end = from.saturating_add(u32::from(count).saturating_mul(4));
    if end > cx.len() {
        let text = format!(
            "{count} sources need {} bytes, there are {}",
            end.saturating_sub(from),
            cx.len().saturating_sub(from)
        );
        cx.problem(
            Severity::Invalid,
            from.saturating_sub(2),
            2,
            "igmp.num_src",
            rfc,
            text,
        );
    }
    let mut at = from;
    while let (true, Some(bytes)) = (at < end, cx.array::<4>(at)) {
        cx.add(&SOURCE, at, 4, Value::Ipv4(Ipv4Addr::from(bytes)));
        at = at.saturating_add(4);
    }
    end
}

/// RFC 9776 4.2.
fn report(cx: &mut Cx<'_>, h: &[u8; 12]) {
    let count = u16::from_be_bytes([h[6], h[7]]);
    cx.raw(&RESERVED, 4, 2);
    cx.uint(&NUM_RECORDS, 6, 2, count);
    if !cx.need(8) {
        return;
    }
    let mut at: u32 = 8;
    for number in 0..count {
        if at.saturating_add(8) > cx.len() {
            let text = format!("{count} records announced, there are {number}");
            let key = "igmp.num_grp_recs";
            cx.problem(Severity::Invalid, 6, 2, key, "RFC 9776 4.2", text);
            return;
        }
        match record(cx, at) {
            Some(after) => at = after,
            None => return,
        }
    }
    trailing(cx, at, "RFC 9776 4.2.11");
}

/// A sender must not add anything; a receiver covers it by the checksum and ignores it.
fn trailing(cx: &mut Cx<'_>, at: u32, rfc: &'static str) {
    let left = cx.len().saturating_sub(at);
    if left > 0 {
        cx.raw(&TRAILING, at, cx.have().saturating_sub(at));
        let text = format!("{left} bytes follow, which no sender may add");
        cx.rule(at, left, "igmp.trailing", rfc, text);
    }
}

/// RFC 9776 4.2; returns where the next one begins.
fn record(cx: &mut Cx<'_>, at: u32) -> Option<u32> {
    let Some([kind, aux, high, low]) = cx.array(at) else {
        let _ = cx.need(at.saturating_add(8));
        return None;
    };
    let count = u16::from_be_bytes([high, low]);
    let record = cx.open(&RECORD, at, 8, Value::None);
    cx.uint(&RECORD_TYPE, at, 1, kind);
    cx.uint(&AUX_LEN, at.saturating_add(1), 1, aux);
    cx.uint(&NUM_SRC, at.saturating_add(2), 2, count);
    if let Some(bytes) = cx.array::<4>(at.saturating_add(4)) {
        let group = Ipv4Addr::from(bytes);
        cx.add(&GROUP, at.saturating_add(4), 4, Value::Ipv4(group));
        igmp_rules::group(cx, at.saturating_add(4), group);
    }
    let end = sources(cx, at.saturating_add(8), count, "RFC 9776 4.2");
    let after = end.saturating_add(u32::from(aux).saturating_mul(4));
    cx.raw(&AUX, end, after.saturating_sub(end));
    if after > cx.len() && end <= cx.len() {
        let text = format!("{aux} words of auxiliary data go past the message");
        let key = "igmp.aux_data_len";
        cx.problem(
            Severity::Invalid,
            at.saturating_add(1),
            1,
            key,
            "RFC 9776 4.2",
            text,
        );
    }
    let whole = cx.need(after.min(cx.len()));
    cx.close_at(record, after);
    (whole && after <= cx.len()).then_some(after)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let value = |spec| packet.field(layer, spec).map(|field| field.value);
    let number = |spec| value(spec).and_then(Value::as_u64);
    out.push_str("IGMP");
    if let Some(version) = number(&VERSION) {
        push_number("v", version, out);
    }
    let kind = number(&TYPE).unwrap_or(0);
    let words = match kind {
        0x11 => number(&QUERY_KIND).and_then(query_kind),
        0x12 | 0x16 | 0x22 => Some("report"),
        0x17 => Some("leave"),
        _ => type_name(kind),
    };
    if let Some(words) = words {
        out.push(' ');
        out.push_str(words);
    } else {
        let _ = write!(out, " type 0x{kind:02x}");
    }
    let dvmrp = number(&dvmrp::CODE).and_then(dvmrp::code_name);
    let pim = number(&pim1::CODE).and_then(pim1::code_name);
    if let Some(words) = dvmrp.or(pim) {
        out.extend([" ", words]);
    }
    match value(&GROUP) {
        Some(Value::Ipv4(group)) if kind != 0x22 && !group.is_unspecified() => {
            out.push(' ');
            push_ipv4(group, out);
        }
        _ => {}
    }
    if let Some(ms) = number(&RESPONSE_TIME) {
        let _ = write!(out, ", answer within {}.{} s", ms / 1000, ms / 100 % 10);
    }
    let mut open = false;
    for field in packet.fields_of(layer) {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        match field.value {
            Value::Uint(kind) if is(&RECORD_TYPE) => {
                out.push_str(if open { "}, " } else { ", " });
                out.push_str(record_short(kind).unwrap_or("?"));
                open = true;
            }
            Value::Ipv4(group) if is(&GROUP) && open => {
                out.push(' ');
                push_ipv4(group, out);
                out.push_str(" {");
            }
            Value::Ipv4(source) if is(&SOURCE) && open => {
                if !out.ends_with('{') {
                    out.push(' ');
                }
                push_ipv4(source, out);
            }
            Value::Ipv4(source) if is(&SOURCE) => {
                out.push_str(", source ");
                push_ipv4(source, out);
            }
            _ => {}
        }
    }
    if open {
        out.push('}');
    }
}

/// The destination of a message, if the IP header is known.
impl Message {
    pub fn destination(&self) -> Option<Ipv4Addr> {
        match self.net.destination {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}
