//! IPv4 options: routes, time stamps, router alert, security and the rest of the IANA registry.
//!
//! ```text
//! +-+---+---------+---------------+---------------+
//! |C|cls| number  |    length     |  data ...     |   NOP and EOL are one byte
//! +-+---+---------+---------------+---------------+
//! ```

use std::net::{IpAddr, Ipv4Addr};

use super::spec::specs;
use super::{Cx, Severity, Show, Spec, Value};

specs! {
    OPTION = "ip.opt", "Option", Show::Plain, "RFC 791 3.1",
        "One option of the header.";
    TYPE = "ip.opt.type", "Type", Show::Named(option_name), "RFC 791 3.1",
        "What kind of option this is.";
    COPY = "ip.opt.type.copy", "Copied flag", Show::Plain, "RFC 791 3.1",
        "The option is repeated in every fragment.";
    CLASS = "ip.opt.type.class", "Class", Show::Named(class), "RFC 791 3.1",
        "Control, or debugging and measurement.";
    NUMBER = "ip.opt.type.number", "Number", Show::Dec, "RFC 791 3.1",
        "Number of the option within its class.";
    LEN = "ip.opt.len", "Length", Show::Unit("bytes"), "RFC 791 3.1",
        "Length of the option with its type and length bytes.";
    POINTER = "ip.opt.ptr", "Pointer", Show::Dec, "RFC 791 3.1",
        "Where the next router writes, counted from 1; past the length when the option is full.";
    RECORDED = "ip.rec_rt", "Recorded route", Show::Plain, "RFC 791 3.1",
        "Address of a router that the packet passed.";
    EMPTY = "ip.empty_rt", "Empty slot", Show::Plain, "RFC 791 3.1",
        "Room for a router's address, not written yet.";
    CURRENT = "ip.cur_rt", "Next hop of the route", Show::Plain, "RFC 791 3.1",
        "Where the packet goes after its present destination.";
    SOURCE_ROUTE = "ip.src_rt", "Hop of the route", Show::Plain, "RFC 791 3.1",
        "A router that the sender wants the packet to pass.";
    OVERFLOW = "ip.opt.overflow", "Overflow", Show::Dec, "RFC 791 3.1",
        "Routers that found no room for their time.";
    FLAG = "ip.opt.flag", "Flag", Show::Named(stamp_flag), "RFC 791 3.1",
        "What routers write: times, addresses and times, or times at given addresses.";
    STAMP_ADDRESS = "ip.opt.time_stamp_addr", "Address", Show::Plain, "RFC 791 3.1",
        "The router that the next time belongs to.";
    STAMP = "ip.opt.time_stamp", "Time stamp", Show::Unit("ms"), "RFC 791 3.1",
        "Milliseconds since midnight UT by that router's clock; high bit set: of another kind.";
    ROUTER_ALERT = "ip.opt.ra", "Router alert", Show::Named(alert), "RFC 2113 2.1",
        "Asks every router on the way to look at the packet.";
    STREAM = "ip.opt.sid", "Stream identifier", Show::Dec, "RFC 791 3.1",
        "SATNET stream; obsolete (RFC 6814).";
    MTU = "ip.opt.mtu", "MTU", Show::Unit("bytes"), "RFC 1063 4",
        "MTU probe or reply; obsolete (RFC 6814).";
    TRACE_ID = "ip.opt.id_number", "ID number", Show::Dec, "RFC 1393 2.2",
        "Chosen by the tracer; routers repeat it in their answers. Obsolete (RFC 6814).";
    TRACE_OUT = "ip.opt.ohc", "Outbound hop count", Show::Dec, "RFC 1393 2.2",
        "Routers that the packet has passed.";
    TRACE_BACK = "ip.opt.rhc", "Return hop count", Show::Dec, "RFC 1393 2.2",
        "Routers that the return packet has passed.";
    ORIGINATOR = "ip.opt.originator", "Originator", Show::Plain, "RFC 1393 2.2",
        "Where routers send their answers.";
    SECURITY = "ip.opt.sec_cl", "Classification level", Show::Named(security), "RFC 1108 2.3",
        "How secret the data are.";
    CIPSO_DOI = "ip.cipso.doi", "Domain of interpretation", Show::Dec, "FIPS 188 3.1",
        "Says how to read the labels that follow.";
    DATA = "ip.opt.data", "Data", Show::Plain, "RFC 791 3.1",
        "Bytes of the option that we cannot read further.";
    PADDING = "ip.opt.padding", "Padding", Show::Plain, "RFC 791 3.1",
        "Bytes behind the end of the option list.";
}

const RFC: &str = "RFC 791 3.1";

/// Option names by the whole type byte, from the IANA registry "IP Option Numbers".
pub fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "end of option list",
        1 => "no operation",
        7 => "record route",
        10 => "experimental measurement (obsolete)",
        11 => "MTU probe (obsolete)",
        12 => "MTU reply (obsolete)",
        15 => "ENCODE (obsolete)",
        25 => "quick start",
        30 | 94 | 158 | 222 => "experiment",
        68 => "time stamp",
        82 => "traceroute (obsolete)",
        130 => "security",
        131 => "loose source route",
        133 => "extended security",
        134 => "commercial security (CIPSO)",
        136 => "stream ID (obsolete)",
        137 => "strict source route",
        142 => "experimental access control (obsolete)",
        144 => "IMI traffic descriptor (obsolete)",
        145 => "extended IP (obsolete)",
        147 => "address extension (obsolete)",
        148 => "router alert",
        149 => "selective directed broadcast (obsolete)",
        151 => "dynamic packet state (obsolete)",
        152 => "upstream multicast (obsolete)",
        205 => "experimental flow control (obsolete)",
        _ => return None,
    })
}

fn class(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "control",
        2 => "debugging and measurement",
        1 | 3 => "reserved",
        _ => return None,
    })
}

fn stamp_flag(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "times only",
        1 => "addresses and times",
        3 => "times at given addresses",
        _ => return None,
    })
}

/// IANA "IPv4 Router Alert Option Values", first and best known of them.
fn alert(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "every router examines the packet",
        1..=32 => "aggregated reservation nesting level",
        33..=64 => "QoS NSLP aggregation level",
        65 => "NSIS NATFW NSLP",
        _ => return None,
    })
}

fn security(value: u64) -> Option<&'static str> {
    Some(match value {
        0x3d => "top secret",
        0x5a => "secret",
        0x96 => "confidential",
        0xab => "unclassified",
        _ => return None,
    })
}

/// Reads the options between the fixed header and `header`.
pub(super) fn decode(cx: &mut Cx<'_>, header: u32) {
    let mut at: u32 = 20;
    while at < header {
        let Some(kind) = cx.u8(at) else {
            let _ = cx.need(header);
            return;
        };
        let len = match kind {
            0 | 1 => 1,
            _ => match cx.u8(at.saturating_add(1)) {
                Some(len) => u32::from(len),
                None if at.saturating_add(1) < header => {
                    let _ = cx.need(header);
                    return;
                }
                None => 0,
            },
        };
        let end = at.saturating_add(len);
        let good = (len >= 2 || kind < 2) && end <= header;
        let shown = if good { len } else { header.saturating_sub(at) };
        let group = cx.open(&OPTION, at, shown, Value::None);
        cx.uint(&TYPE, at, 1, kind);
        if good {
            option(cx, kind, at, end);
        } else {
            let room = header.saturating_sub(at);
            let text = format!("option {kind} claims {len} bytes, the header leaves {room}");
            cx.problem(Severity::Invalid, at, 2, "ip.opt.len", RFC, text);
        }
        cx.close(group);
        if !good {
            return;
        }
        at = end;
        if kind == 0 {
            cx.raw(&PADDING, at, header.saturating_sub(at));
            return;
        }
    }
}

/// The option's fields behind its type.
fn option(cx: &mut Cx<'_>, kind: u8, at: u32, end: u32) {
    cx.add(&COPY, at, 1, Value::Bool(kind & 0x80 != 0));
    cx.uint(&CLASS, at, 1, kind >> 5 & 3);
    cx.uint(&NUMBER, at, 1, kind & 31);
    if kind < 2 {
        return;
    }
    let len = end.saturating_sub(at);
    cx.uint(&LEN, at.saturating_add(1), 1, len);
    let body = at.saturating_add(2);
    match (kind, len) {
        (7 | 131 | 137, 3..) => route(cx, kind, at, end),
        (68, 4..) => stamps(cx, at, end),
        (148, 4) => {
            number(cx, &ROUTER_ALERT, body);
            let value = cx.u16(body);
            if let Some(net) = &mut cx.net {
                net.router_alert = value;
            }
        }
        (136, 4) => number(cx, &STREAM, body),
        (11 | 12, 4) => number(cx, &MTU, body),
        (82, 12) => {
            number(cx, &TRACE_ID, body);
            number(cx, &TRACE_OUT, body.saturating_add(2));
            number(cx, &TRACE_BACK, body.saturating_add(4));
            address(cx, &ORIGINATOR, body.saturating_add(6));
        }
        (130, 3..) => {
            let level = cx.u8(body).unwrap_or(0);
            cx.uint(&SECURITY, body, 1, level);
            cx.raw(&DATA, body.saturating_add(1), len.saturating_sub(3));
        }
        (134, 6..) => {
            let doi = cx.u32(body).unwrap_or(0);
            cx.uint(&CIPSO_DOI, body, 4, doi);
            cx.raw(&DATA, body.saturating_add(4), len.saturating_sub(6));
        }
        _ => cx.raw(&DATA, body, len.saturating_sub(2)),
    }
}

/// Record route, loose and strict source route.
fn route(cx: &mut Cx<'_>, kind: u8, at: u32, end: u32) {
    let Some(pointer) = cx.u8(at.saturating_add(2)).map(u32::from) else {
        return;
    };
    cx.uint(&POINTER, at.saturating_add(2), 1, pointer);
    let write_at = at.saturating_add(pointer).saturating_sub(1);
    let mut slot = at.saturating_add(3);
    let mut last = None;
    while slot.saturating_add(4) <= end {
        let spec = match (slot < write_at, kind) {
            (true, _) => &RECORDED,
            (false, 7) => &EMPTY,
            (false, _) if slot == write_at => &CURRENT,
            (false, _) => &SOURCE_ROUTE,
        };
        last = address(cx, spec, slot).filter(|_| slot >= write_at);
        slot = slot.saturating_add(4);
    }
    cx.raw(&DATA, slot, end.saturating_sub(slot));
    if pointer < 4 || pointer % 4 != 0 {
        let text = format!("route pointer {pointer} does not point at an address");
        cx.rule(at.saturating_add(2), 1, "ip.opt.ptr", RFC, text);
    }
    // RFC 1122 4.1.3.4: checksums of the payload cover the final destination of a source route.
    if let (true, Some(last), Some(net)) = (kind != 7, last, &mut cx.net) {
        net.destination = IpAddr::V4(last);
    }
}

fn stamps(cx: &mut Cx<'_>, at: u32, end: u32) {
    let [pointer, flags] = cx.array(at.saturating_add(2)).unwrap_or([0; 2]);
    cx.uint(&POINTER, at.saturating_add(2), 1, pointer);
    let flag = flags & 15;
    cx.uint(&OVERFLOW, at.saturating_add(3), 1, flags >> 4);
    cx.uint(&FLAG, at.saturating_add(3), 1, flag);
    let step = if flag == 0 { 4 } else { 8 };
    let mut slot = at.saturating_add(4);
    while slot.saturating_add(step) <= end {
        if step == 8 {
            address(cx, &STAMP_ADDRESS, slot);
        }
        let stamp_at = slot.saturating_add(step).saturating_sub(4);
        let stamp = cx.u32(stamp_at).unwrap_or(0);
        cx.uint(&STAMP, stamp_at, 4, stamp);
        slot = slot.saturating_add(step);
    }
    cx.raw(&DATA, slot, end.saturating_sub(slot));
}

fn number(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    let value = cx.u16(at).unwrap_or(0);
    cx.uint(spec, at, 2, value);
}

fn address(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) -> Option<Ipv4Addr> {
    let address = cx.array::<4>(at).map(Ipv4Addr::from)?;
    cx.add(spec, at, 4, Value::Ipv4(address));
    Some(address)
}
