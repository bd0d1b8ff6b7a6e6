//! The rules that IGMP messages must keep, each named and with its RFC. No decoding.

use std::net::{IpAddr, Ipv4Addr};

use super::Cx;
use super::igmp::Message;

const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const ALL_SNOOPERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 106);
const RGMP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 25);
const ALL_V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// Checks a message of versions 1 to 3 against its IP header.
pub(super) fn check(cx: &mut Cx<'_>, message: &Message) {
    let rfc = match message.version {
        0 => return,
        1 => "RFC 1112 Appendix I",
        2 => "RFC 2236 2",
        _ => "RFC 9776 4",
    };
    if message.net.hops != 1 {
        let text = format!(
            "TTL is {}, must be 1: IGMP does not leave the link",
            message.net.hops
        );
        cx.rule(0, 1, "igmp.ttl", rfc, text);
    }
    // Version 1 is older than the option (RFC 2113).
    if message.version > 1 && message.net.router_alert.is_none() {
        let text = "the IP option router alert is missing".to_owned();
        cx.rule(0, 1, "igmp.router_alert", rfc, text);
    }
    if message.kind == 0x11 {
        query(cx, message);
    } else {
        report(cx, message);
    }
}

/// Router discovery (RFC 4286 3 to 5) and RGMP (RFC 3488 2), which belong to no version.
pub(super) fn check_kin(cx: &mut Cx<'_>, kind: u8) {
    let (expected, rfc) = match kind {
        0x30 | 0x32 => (ALL_SNOOPERS, "RFC 4286 3"),
        0x31 => (ALL_ROUTERS, "RFC 4286 4"),
        0xfc..=0xff => (RGMP, "RFC 3488 2"),
        _ => return,
    };
    let Some(net) = cx.net else { return };
    if net.hops != 1 {
        let text = format!("TTL is {}, must be 1: it does not leave the link", net.hops);
        cx.rule(0, 1, "igmp.ttl", rfc, text);
    }
    // RFC 3488 does not ask for the option.
    if kind < 0xfc && net.router_alert.is_none() {
        let text = "the IP option router alert is missing".to_owned();
        cx.rule(0, 1, "igmp.router_alert", rfc, text);
    }
    if let IpAddr::V4(destination) = net.destination
        && destination != expected
    {
        let text = format!("sent to {destination}, must go to {expected}");
        cx.rule(0, 1, "igmp.dst", rfc, text);
    }
}

fn query(cx: &mut Cx<'_>, message: &Message) {
    let general = message.group.is_unspecified();
    if !general {
        group(cx, 4, message.group);
    }
    // RFC 9776 4.1.12: general queries go to 224.0.0.1, the others to the group.
    let expected = if general { ALL_SYSTEMS } else { message.group };
    destination(cx, message, expected, "RFC 9776 4.1.12");
    if message.net.source == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        let text = "a query from 0.0.0.0 is a snooping switch's: it elects no querier".to_owned();
        cx.rule(0, 1, "igmp.querier", "RFC 4541 2.1.1", text);
    }
    // The highest bit says that an extension follows (RFC 9279 3).
    if message.version == 3 && cx.u8(8).is_some_and(|flags| flags & 0x70 != 0) {
        let text = "reserved bits of a query are set".to_owned();
        cx.rule(8, 1, "igmp.reserved", "RFC 9776 4.1.4", text);
    }
    if general && message.version == 3 && message.sources > 0 {
        let text = format!("a general query with {} sources", message.sources);
        cx.rule(10, 2, "igmp.num_src", "RFC 9776 4.1.8", text);
    }
    if (9..12).contains(&cx.len()) {
        let text = format!("{} bytes are no query of any version", cx.len());
        cx.rule(0, cx.have(), "igmp.len", "RFC 9776 7.1", text);
    }
}

fn report(cx: &mut Cx<'_>, message: &Message) {
    match message.kind {
        0x22 => {
            destination(cx, message, ALL_V3_ROUTERS, "RFC 9776 4.2");
            let flags = cx.u16(4).unwrap_or(0);
            if cx.u8(1) != Some(0) || flags & 0x7fff != 0 {
                let text = "reserved bytes of a report are set".to_owned();
                cx.rule(1, 1, "igmp.reserved", "RFC 9776 4.2", text);
            }
        }
        0x17 => {
            group(cx, 4, message.group);
            destination(cx, message, ALL_ROUTERS, "RFC 2236 3");
        }
        0x12 | 0x16 => {
            group(cx, 4, message.group);
            destination(cx, message, message.group, "RFC 2236 3");
        }
        _ => {}
    }
}

/// A group must be a multicast address, and nobody reports 224.0.0.1.
pub(super) fn group(cx: &mut Cx<'_>, at: u32, group: Ipv4Addr) {
    if !group.is_multicast() {
        let text = format!("{group} is no multicast address");
        cx.rule(at, 4, "igmp.maddr", "RFC 1112 4", text);
    } else if group == ALL_SYSTEMS {
        let text = format!("{group} is everybody: it is never reported or asked for");
        cx.rule(at, 4, "igmp.maddr", "RFC 9776 5", text);
    }
}

fn destination(cx: &mut Cx<'_>, message: &Message, expected: Ipv4Addr, rfc: &'static str) {
    match message.destination() {
        Some(destination) if destination != expected => {
            let text = format!("sent to {destination}, must go to {expected}");
            cx.rule(0, 1, "igmp.dst", rfc, text);
        }
        _ => {}
    }
}
