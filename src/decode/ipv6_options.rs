//! Options of IPv6 hop-by-hop and destination headers.
//!
//! ```text
//! +---+-+---------+---------------+---------------+
//! |act|C|  rest   |    length     |  data ...     |   Pad1 is one byte
//! +---+-+---------+---------------+---------------+
//! ```

use std::net::{IpAddr, Ipv6Addr};

use super::spec::specs;
use super::{Cx, Severity, Show, Value};

specs! {
    OPTION = "ipv6.opt", "Option", Show::Plain, "RFC 8200 4.2",
        "One option of a hop-by-hop or destination header.";
    TYPE = "ipv6.opt.type", "Type", Show::Named(option_name), "RFC 8200 4.2",
        "What kind of option this is.";
    ACTION = "ipv6.opt.type.action", "Action", Show::Named(action), "RFC 8200 4.2",
        "What to do with the packet by who does not know the option.";
    CHANGE = "ipv6.opt.type.change", "May change", Show::Plain, "RFC 8200 4.2",
        "Routers may change the data on the way.";
    LENGTH = "ipv6.opt.length", "Length", Show::Unit("bytes"), "RFC 8200 4.2",
        "Length of the data behind this byte.";
    PADN = "ipv6.opt.padn", "Padding", Show::Plain, "RFC 8200 4.2",
        "Fills the header up to a multiple of 8 bytes.";
    ROUTER_ALERT = "ipv6.opt.router_alert", "Router alert", Show::Named(alert), "RFC 2711 2.1",
        "Asks every router on the way to look at the packet.";
    JUMBO = "ipv6.opt.jumbo", "Jumbo payload length", Show::Unit("bytes"), "RFC 2675 2",
        "Payload length where 16 bits are too few.";
    TUNNEL_LIMIT = "ipv6.opt.tel", "Tunnel encapsulation limit", Show::Dec, "RFC 2473 4.1.1",
        "How many more tunnels the packet may enter.";
    PMTU_MIN = "ipv6.opt.pmtu.min", "Minimum reported MTU", Show::Unit("bytes"), "RFC 9268 5",
        "Smallest MTU on the path so far.";
    PMTU_RETURN = "ipv6.opt.pmtu.rtn", "Returned MTU", Show::Unit("bytes"), "RFC 9268 5",
        "Smallest MTU that the other direction found.";
    HOME_ADDRESS = "ipv6.opt.mipv6.home_address", "Home address", Show::Plain, "RFC 6275 6.3",
        "Permanent address of the mobile node; checksums use it as the source.";
    EXPERIMENTAL = "ipv6.opt.experimental", "Experimental data", Show::Plain, "RFC 4727 4.2",
        "Bytes of an option that an experiment chose.";
    UNKNOWN = "ipv6.opt.unknown", "Data", Show::Plain, "RFC 8200 4.2",
        "Bytes of an option that we cannot read further.";
}

/// IANA "Destination Options and Hop-by-Hop Options", by the whole type byte.
pub fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "Pad1",
        0x01 => "PadN",
        0x04 => "tunnel encapsulation limit",
        0x05 => "router alert",
        0x07 => "CALIPSO",
        0x08 => "SMF duplicate packet detection",
        0x0f => "performance and diagnostic metrics",
        0x11 | 0x31 => "IOAM",
        0x12 | 0x32 => "alternate marking",
        0x22 | 0x23 | 0x63 => "RPL",
        0x26 => "quick start",
        0x30 => "minimum path MTU",
        0x6d => "MPL",
        0x8b => "ILNP nonce",
        0x8c => "line identification",
        0xc2 => "jumbo payload",
        0xc9 => "home address",
        0xee => "IP_DFF",
        0x1e | 0x3e | 0x5e | 0x7e | 0x9e | 0xbe | 0xde | 0xfe => "experiment",
        _ => return None,
    })
}

fn action(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "skip the option",
        1 => "discard the packet",
        2 => "discard, and send an ICMPv6 error",
        3 => "discard, and send an ICMPv6 error unless it went to a multicast group",
        _ => return None,
    })
}

/// IANA "IPv6 Router Alert Option Values".
fn alert(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "MLD message",
        1 => "RSVP message",
        2 => "active networks message",
        4..=35 => "aggregated reservation nesting level",
        36..=67 => "QoS NSLP aggregation level",
        68 => "NSIS NATFW NSLP",
        69 => "MPLS OAM",
        _ => return None,
    })
}

/// Reads the options between the two fixed bytes and `end`.
pub(super) fn decode(cx: &mut Cx<'_>, end: u32) {
    let mut at: u32 = 2;
    while at < end {
        let Some(kind) = cx.u8(at) else { return };
        if kind == 0 {
            let group = cx.open(&OPTION, at, 1, Value::None);
            cx.uint(&TYPE, at, 1, kind);
            cx.close(group);
            at = at.saturating_add(1);
            continue;
        }
        let Some(len) = cx.u8(at.saturating_add(1)) else {
            return;
        };
        let len = u32::from(len);
        let body = at.saturating_add(2);
        let after = body.saturating_add(len);
        let group = cx.open(&OPTION, at, len.saturating_add(2), Value::None);
        cx.uint(&TYPE, at, 1, kind);
        cx.uint(&LENGTH, at.saturating_add(1), 1, len);
        cx.uint(&ACTION, at, 1, kind >> 6);
        cx.add(&CHANGE, at, 1, Value::Bool(kind & 0x20 != 0));
        if after <= end {
            option(cx, kind, body, len);
        } else {
            let room = end.saturating_sub(body);
            let text =
                format!("option {kind} claims {len} bytes of data, the header leaves {room}");
            cx.problem(
                Severity::Invalid,
                at,
                2,
                "ipv6.opt.length",
                "RFC 8200 4.2",
                text,
            );
        }
        cx.close(group);
        at = after;
    }
}

fn option(cx: &mut Cx<'_>, kind: u8, at: u32, len: u32) {
    match (kind, len) {
        (1, _) => cx.raw(&PADN, at, len),
        (4, 1) => {
            let limit = cx.u8(at).unwrap_or(0);
            cx.uint(&TUNNEL_LIMIT, at, 1, limit);
        }
        (5, 2) => {
            let Some(value) = cx.u16(at) else { return };
            cx.uint(&ROUTER_ALERT, at, 2, value);
            if let Some(net) = &mut cx.net {
                net.router_alert = Some(value);
            }
        }
        (0x30, 4) => {
            let word = cx.u32(at).unwrap_or(0);
            cx.uint(&PMTU_MIN, at, 2, word >> 16);
            // The lowest bit is the return flag, not part of the MTU.
            cx.uint(&PMTU_RETURN, at.saturating_add(2), 2, word & 0xfffe);
        }
        (0xc2, 4) => {
            let length = cx.u32(at).unwrap_or(0);
            cx.uint(&JUMBO, at, 4, length);
        }
        (0xc9, 16) => {
            let Some(bytes) = cx.array::<16>(at) else {
                return;
            };
            let home = Ipv6Addr::from(bytes);
            cx.add(&HOME_ADDRESS, at, 16, Value::Ipv6(home));
            // RFC 6275 6.3: the pseudo header holds the home address.
            if let Some(net) = &mut cx.net {
                net.source = IpAddr::V6(home);
            }
        }
        // RFC 4727: the low five bits are 30 in all of these.
        _ if kind & 31 == 30 => cx.raw(&EXPERIMENTAL, at, len),
        _ => cx.raw(&UNKNOWN, at, len),
    }
}
