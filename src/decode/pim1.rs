//! PIM version 1 inside IGMP, of 1995: multicast routing before PIM had a protocol number of its own.
//!
//! ```text
//! | type 0x14 | code | checksum | version 1 | reserved 3 | body ... |
//! ```

use std::net::Ipv4Addr;

use super::spec::specs;
use super::{Cx, Show, Spec, Value};

specs! {
    CODE = "pim.code", "Code", Show::Named(code_name), "draft-ietf-idmr-pim-spec-01 4",
        "Which message of PIM this is.";
    VERSION = "pim.version", "Version", Show::Dec, "draft-ietf-idmr-pim-spec-01 4",
        "1; from 2 on PIM is IP protocol 103.";
    MODE = "pim.mode", "Mode", Show::Named(mode_name), "draft-ietf-idmr-pim-spec-01 4.1",
        "Whether groups are flooded, or must be asked for.";
    HOLD = "pim.holdtime", "Hold time", Show::Unit("s"), "draft-ietf-idmr-pim-spec-01 4.1",
        "How long the message holds.";
    SOURCE = "pim.source", "Source", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.3",
        "A sender of the group.";
    GROUP = "pim.group", "Group", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.3",
        "The multicast group.";
    MASK = "pim.group_mask", "Mask", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.4",
        "Which part of the group's address counts.";
    UPSTREAM = "pim.upstream_neighbor", "Upstream neighbour", Show::Plain,
        "draft-ietf-idmr-pim-spec-01 4.4", "The router that the message is for.";
    MASK_LEN = "pim.mask_len", "Mask length", Show::Unit("bits"),
        "draft-ietf-idmr-pim-spec-01 4.4", "How many bits of the addresses count.";
    ADDRESS_LEN = "pim.addr_len", "Address length", Show::Unit("bytes"),
        "draft-ietf-idmr-pim-spec-01 4.4", "Length of the addresses; 4.";
    GROUPS = "pim.numgroups", "Groups", Show::Dec, "draft-ietf-idmr-pim-spec-01 4.4",
        "How many groups follow.";
    RECORD = "pim.v1.group", "Group", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.4",
        "A group with what is wanted of it.";
    JOINS = "pim.numjoins", "Joins", Show::Dec, "draft-ietf-idmr-pim-spec-01 4.4",
        "How many sources are wanted.";
    PRUNES = "pim.numprunes", "Prunes", Show::Dec, "draft-ietf-idmr-pim-spec-01 4.4",
        "How many sources are not wanted.";
    JOIN = "pim.join_ip", "Joined source", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.4",
        "A source that is wanted, or the meeting point.";
    PRUNE = "pim.prune_ip", "Pruned source", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.4",
        "A source that is not wanted.";
    RP = "pim.rp", "Meeting point", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.5",
        "The router where senders and receivers of a group meet.";
    RPT = "pim.rpt", "Shared tree", Show::Plain, "draft-ietf-idmr-pim-spec-01 4.6",
        "The route is that of the meeting point.";
    PREFERENCE = "pim.metric_pref", "Metric preference", Show::Dec,
        "draft-ietf-idmr-pim-spec-01 4.6", "How much the routing protocol is preferred.";
    METRIC = "pim.metric", "Metric", Show::Dec, "draft-ietf-idmr-pim-spec-01 4.6",
        "How far the source is.";
    BODY = "pim.v1.data", "Data", Show::Plain, "draft-ietf-idmr-pim-spec-01 4",
        "What a register message carries, or a body that we do not read.";
}

/// Name of a message.
pub(super) fn code_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "query",
        1 => "register",
        2 => "register stop",
        3 => "join or prune",
        4 => "meeting point reachable",
        5 => "assert",
        6 => "graft",
        7 => "graft acknowledgment",
        8 => "mode",
        _ => return None,
    })
}

fn mode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "dense",
        1 => "sparse",
        2 => "sparse-dense",
        _ => return None,
    })
}

/// Everything but type and checksum.
pub(super) fn decode(cx: &mut Cx<'_>) {
    let code = cx.u8(1).unwrap_or(0);
    let version = cx.u8(4).unwrap_or(0) >> 4;
    cx.uint(&CODE, 1, 1, code);
    cx.uint(&VERSION, 4, 1, version);
    let half = |cx: &mut Cx<'_>, spec: &'static Spec, at| {
        let value = cx.u16(at).unwrap_or(0);
        cx.uint(spec, at, 2, value);
    };
    let end = match code {
        0 => {
            let mode = cx.u8(8).unwrap_or(0) >> 4;
            cx.uint(&MODE, 8, 1, mode);
            half(cx, &HOLD, 10);
            12
        }
        2 => {
            address(cx, &GROUP, 8);
            address(cx, &SOURCE, 12);
            16
        }
        3 | 6 | 7 => {
            address(cx, &UPSTREAM, 8);
            half(cx, &HOLD, 14);
            let [mask, len, groups] = cx.array(17).unwrap_or([0; 3]);
            cx.uint(&MASK_LEN, 17, 1, mask);
            cx.uint(&ADDRESS_LEN, 18, 1, len);
            cx.uint(&GROUPS, 19, 1, groups);
            if cx.need(20) {
                records(cx, groups);
            }
            return;
        }
        4 => {
            address(cx, &GROUP, 8);
            address(cx, &MASK, 12);
            address(cx, &RP, 16);
            half(cx, &HOLD, 22);
            24
        }
        5 => {
            address(cx, &GROUP, 8);
            address(cx, &MASK, 12);
            let word = cx.u32(16).unwrap_or(0);
            cx.add(&RPT, 16, 1, Value::Bool(word >> 31 != 0));
            cx.uint(&PREFERENCE, 16, 4, word & 0x7fff_ffff);
            let metric = cx.u32(20).unwrap_or(0);
            cx.uint(&METRIC, 20, 4, metric);
            24
        }
        _ => {
            cx.raw(&BODY, 8, cx.have().saturating_sub(8));
            8
        }
    };
    let _ = cx.need(end);
}

fn address(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    if let Some(bytes) = cx.array::<4>(at) {
        cx.add(spec, at, 4, Value::Ipv4(Ipv4Addr::from(bytes)));
    }
}

/// Groups, each with its joined and pruned sources: flags 1, mask length 1, address 4.
fn records(cx: &mut Cx<'_>, groups: u8) {
    let mut at: u32 = 20;
    for number in 0..groups {
        let place = |offset: u32| at.saturating_add(offset);
        let joins = u32::from(cx.u16(place(8)).unwrap_or(0));
        let prunes = u32::from(cx.u16(place(10)).unwrap_or(0));
        let sources = joins.saturating_add(prunes);
        let end = place(12).saturating_add(sources.saturating_mul(6));
        if end > cx.len() {
            let text = format!("{groups} groups announced, there are {number} and a part");
            let rfc = "draft-ietf-idmr-pim-spec-01 4.4";
            cx.invalid(19, 1, "pim.numgroups", rfc, text);
            return;
        }
        let group = cx.open(&RECORD, at, end.saturating_sub(at), Value::None);
        address(cx, &GROUP, at);
        address(cx, &MASK, place(4));
        cx.uint(&JOINS, place(8), 2, joins);
        cx.uint(&PRUNES, place(10), 2, prunes);
        for index in 0..sources {
            let spec = if index < joins { &JOIN } else { &PRUNE };
            let from = place(14).saturating_add(index.saturating_mul(6));
            if cx.have() < from {
                break;
            }
            address(cx, spec, from);
        }
        cx.close(group);
        if !cx.need(end) {
            return;
        }
        at = end;
    }
}
