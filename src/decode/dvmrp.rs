//! DVMRP version 3 inside IGMP: the routing protocol of the old multicast backbone. Version 1
//! (RFC 1075) stays bytes.
//!
//! ```text
//! | type 0x13 | code | checksum | reserved | capabilities | minor | major |
//! ```

use std::net::Ipv4Addr;

use super::spec::specs;
use super::{Cx, Show, Spec, Value};

const DRAFT: &str = "draft-ietf-idmr-dvmrp-v3 3";

specs! {
    CODE = "dvmrp.v3.code", "Code", Show::Named(code_name), "draft-ietf-idmr-dvmrp-v3 3",
        "Which message of DVMRP this is.";
    CAPABILITIES = "dvmrp.capabilities", "Capabilities", Show::Hex(2),
        "draft-ietf-idmr-dvmrp-v3 3.2", "What the router can do.";
    MINOR = "dvmrp.min_ver", "Minor version", Show::Dec, "draft-ietf-idmr-dvmrp-v3 3",
        "255 in version 3.";
    MAJOR = "dvmrp.maj_ver", "Major version", Show::Dec, "draft-ietf-idmr-dvmrp-v3 3",
        "3 in version 3.";
    GENERATION = "dvmrp.genid", "Generation", Show::Dec, "draft-ietf-idmr-dvmrp-v3 3.2",
        "Changes when the router starts anew.";
    NEIGHBOR = "dvmrp.neighbor", "Neighbour", Show::Plain, "draft-ietf-idmr-dvmrp-v3 3.2",
        "A router that the sender hears.";
    NETMASK = "dvmrp.netmask", "Netmask", Show::Plain, "draft-ietf-idmr-dvmrp-v3 3.3",
        "Which part of the following networks counts.";
    ROUTE = "dvmrp.route", "Route", Show::Plain, "draft-ietf-idmr-dvmrp-v3 3.3",
        "A network and how far it is.";
    SOURCE = "dvmrp.saddr", "Source", Show::Plain, "draft-ietf-idmr-dvmrp-v3 3.3",
        "Where multicast comes from.";
    METRIC = "dvmrp.metric", "Metric", Show::Dec, "draft-ietf-idmr-dvmrp-v3 3.3",
        "How far it is; 32 is unreachable, 33 to 63 say that the sender depends on the receiver.";
    LOCAL = "dvmrp.local", "Interface", Show::Plain, "draft-ietf-idmr-dvmrp-v3 Appendix B",
        "An interface of the router.";
    THRESHOLD = "dvmrp.threshold", "Threshold", Show::Dec,
        "draft-ietf-idmr-dvmrp-v3 Appendix B", "TTL that a packet needs to leave by it.";
    COUNT = "dvmrp.ncount", "Neighbours", Show::Dec, "draft-ietf-idmr-dvmrp-v3 Appendix B",
        "How many routers are heard there.";
    GROUP = "dvmrp.maddr", "Group", Show::Plain, "draft-ietf-idmr-dvmrp-v3 3.5",
        "The group that is not wanted, or wanted again.";
    LIFETIME = "dvmrp.lifetime", "Lifetime", Show::Unit("s"), "draft-ietf-idmr-dvmrp-v3 3.5",
        "How long the prune holds.";
    INTERFACE = "dvmrp.interface", "Interface", Show::Plain,
        "draft-ietf-idmr-dvmrp-v3 Appendix B", "One interface with its neighbours.";
    INTERFACE_FLAGS = "dvmrp.interface.flags", "Flags", Show::Hex(2),
        "draft-ietf-idmr-dvmrp-v3 Appendix B", "Tunnel, down, disabled, querier, leaf.";
    BODY = "dvmrp.data", "Data", Show::Plain, "RFC 1075 3",
        "A body that we do not read.";
}

/// Name of a message of version 3.
pub(super) fn code_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "probe",
        2 => "report",
        3 => "ask neighbours (old)",
        4 => "neighbours (old)",
        5 => "ask neighbours",
        6 => "neighbours",
        7 => "prune",
        8 => "graft",
        9 => "graft acknowledgment",
        _ => return None,
    })
}

/// Everything but type and checksum.
pub(super) fn decode(cx: &mut Cx<'_>) {
    let [code, ..] = cx.array::<1>(1).unwrap_or([0]);
    let [minor, major] = cx.array(6).unwrap_or([0; 2]);
    if major != 3 {
        cx.raw(&BODY, 4, cx.have().saturating_sub(4));
        let _ = cx.need(8);
        return;
    }
    cx.uint(&CODE, 1, 1, code);
    if let 1 | 6 = code {
        let capabilities = cx.u8(5).unwrap_or(0);
        cx.uint(&CAPABILITIES, 5, 1, capabilities);
    }
    cx.uint(&MINOR, 6, 1, minor);
    cx.uint(&MAJOR, 7, 1, major);
    match code {
        1 => {
            let generation = cx.u32(8).unwrap_or(0);
            cx.uint(&GENERATION, 8, 4, generation);
            if cx.need(12) {
                addresses(cx, &NEIGHBOR, 12, cx.len());
            }
        }
        2 => routes(cx, 8),
        4 | 6 => interfaces(cx, 8),
        7..=9 => {
            let mut at = 16;
            addresses(cx, &SOURCE, 8, 12);
            addresses(cx, &GROUP, 12, 16);
            if code == 7 {
                let lifetime = cx.u32(16).unwrap_or(0);
                cx.uint(&LIFETIME, 16, 4, lifetime);
                at = 20;
            }
            if cx.need(at) && cx.len() >= at.saturating_add(4) {
                addresses(cx, &NETMASK, at, at.saturating_add(4));
            }
        }
        _ => {}
    }
}

fn addresses(cx: &mut Cx<'_>, spec: &'static Spec, mut at: u32, end: u32) {
    while at < end && cx.need(at.saturating_add(4)) {
        let bytes = cx.array::<4>(at).unwrap_or([0; 4]);
        cx.add(spec, at, 4, Value::Ipv4(Ipv4Addr::from(bytes)));
        at = at.saturating_add(4);
    }
}

/// A mask of which the first byte is always 255, then networks of as many bytes as it has, each with
/// its metric; the highest bit of a metric ends the list.
fn routes(cx: &mut Cx<'_>, mut at: u32) {
    while at < cx.len() && cx.need(at.saturating_add(3)) {
        let [b, c, d] = cx.array(at).unwrap_or([0; 3]);
        let bytes: u32 = match (b, c, d) {
            (0, 0, 0) => 1,
            (_, 0, 0) => 2,
            (_, _, 0) => 3,
            _ => 4,
        };
        cx.add(&NETMASK, at, 3, Value::Ipv4(Ipv4Addr::new(255, b, c, d)));
        at = at.saturating_add(3);
        loop {
            let metric_at = at.saturating_add(bytes);
            let end = metric_at.saturating_add(1);
            if !cx.need(end) {
                return;
            }
            let mut network = [0; 4];
            let sent = cx.bytes(at, bytes).unwrap_or(&[]);
            network
                .iter_mut()
                .zip(sent)
                .for_each(|(to, from)| *to = *from);
            let metric = cx.u8(metric_at).unwrap_or(0x80);
            let group = cx.open(&ROUTE, at, bytes.saturating_add(1), Value::None);
            cx.add(&SOURCE, at, bytes, Value::Ipv4(network.into()));
            cx.uint(&METRIC, metric_at, 1, metric & 0x7f);
            cx.close(group);
            at = end;
            if metric & 0x80 != 0 {
                break;
            }
        }
    }
}

fn interfaces(cx: &mut Cx<'_>, mut at: u32) {
    while at < cx.len() && cx.need(at.saturating_add(8)) {
        let place = |offset: u32| at.saturating_add(offset);
        let [metric, threshold, flags, count] = cx.array(place(4)).unwrap_or([0; 4]);
        let end = place(8).saturating_add(u32::from(count).saturating_mul(4));
        let group = cx.open(&INTERFACE, at, end.saturating_sub(at), Value::None);
        addresses(cx, &LOCAL, at, place(4));
        cx.uint(&METRIC, place(4), 1, metric);
        cx.uint(&THRESHOLD, place(5), 1, threshold);
        cx.uint(&INTERFACE_FLAGS, place(6), 1, flags);
        cx.uint(&COUNT, place(7), 1, count);
        if end > cx.len() {
            let left = cx.len().saturating_sub(place(8));
            let text = format!("{count} neighbours announced, there are {left} bytes");
            cx.invalid(place(7), 1, "dvmrp.ncount", DRAFT, text);
        }
        addresses(cx, &NEIGHBOR, place(8), end.min(cx.len()));
        cx.close(group);
        at = end;
    }
}
