//! Multicast traceroute (version 1) inside IGMP: the query, and a block for each router.
//!
//! ```text
//! | type | hops | checksum | group 4 | source 4 | receiver 4 | response 4 | TTL 1 | query id 3 |
//! | arrival | in | out | previous | in count | out count | S,G count | proto | TTL | mask | code |
//! ```

use std::net::Ipv4Addr;

use super::igmp::GROUP;
use super::spec::specs;
use super::{Cx, Show, Spec, Value};

specs! {
    MAX_HOPS = "igmp.mtrace.max_hops", "Hops", Show::Dec, "draft-ietf-idmr-traceroute-ipm",
        "How many routers the trace may ask.";
    SOURCE = "igmp.mtrace.saddr", "Source", Show::Plain, "draft-ietf-idmr-traceroute-ipm",
        "The sender that the path begins at.";
    RECEIVER = "igmp.mtrace.raddr", "Receiver", Show::Plain, "draft-ietf-idmr-traceroute-ipm",
        "The receiver that the path ends at.";
    RESPONSE = "igmp.mtrace.rspaddr", "Response address", Show::Plain,
        "draft-ietf-idmr-traceroute-ipm", "Where the answer goes.";
    RESPONSE_TTL = "igmp.mtrace.resp_ttl", "Response TTL", Show::Dec,
        "draft-ietf-idmr-traceroute-ipm", "TTL of the answer.";
    QUERY_ID = "igmp.mtrace.q_id", "Query ID", Show::Dec, "draft-ietf-idmr-traceroute-ipm",
        "Tells one trace from another.";
    BLOCK = "igmp.mtrace.block", "Router", Show::Plain, "draft-ietf-idmr-traceroute-ipm",
        "What one router on the path added.";
    ARRIVAL = "igmp.mtrace.q_arrival", "Arrival time", Show::Hex(8),
        "draft-ietf-idmr-traceroute-ipm", "When the query came by, middle 32 bits of an NTP time.";
    INCOMING = "igmp.mtrace.q_inaddr", "Incoming interface", Show::Plain,
        "draft-ietf-idmr-traceroute-ipm", "Where packets of the source come in.";
    OUTGOING = "igmp.mtrace.q_outaddr", "Outgoing interface", Show::Plain,
        "draft-ietf-idmr-traceroute-ipm", "Where they leave towards the receiver.";
    PREVIOUS = "igmp.mtrace.q_prevrtr", "Previous router", Show::Plain,
        "draft-ietf-idmr-traceroute-ipm", "The router before this one.";
    IN_PACKETS = "igmp.mtrace.q_inpkt", "Packets in", Show::Dec, "draft-ietf-idmr-traceroute-ipm",
        "Multicast packets that came in by that interface.";
    OUT_PACKETS = "igmp.mtrace.q_outpkt", "Packets out", Show::Dec,
        "draft-ietf-idmr-traceroute-ipm", "Multicast packets that left by that interface.";
    TOTAL = "igmp.mtrace.q_total", "Packets of the pair", Show::Dec,
        "draft-ietf-idmr-traceroute-ipm", "Packets from this source to this group.";
    ROUTING = "igmp.mtrace.q_rtg_proto", "Routing protocol", Show::Dec,
        "draft-ietf-idmr-traceroute-ipm", "By which protocol it knows the previous router.";
    FORWARD_TTL = "igmp.mtrace.q_fwd_ttl", "Forwarding TTL", Show::Dec,
        "draft-ietf-idmr-traceroute-ipm", "TTL that a packet needs to be forwarded.";
    MASK = "igmp.mtrace.q_src_mask", "Source mask", Show::Unit("bits"),
        "draft-ietf-idmr-traceroute-ipm", "Length of the route that it used.";
    CODE = "igmp.mtrace.q_fwd_code", "Forwarding code", Show::Hex(2),
        "draft-ietf-idmr-traceroute-ipm", "0 if the packet was forwarded, else why not.";
}

/// The code byte.
pub(super) fn hops(cx: &mut Cx<'_>, hops: u8) {
    cx.uint(&MAX_HOPS, 1, 1, hops);
}

/// All behind the checksum.
pub(super) fn decode(cx: &mut Cx<'_>) {
    for (spec, at) in [(&GROUP, 4), (&SOURCE, 8), (&RECEIVER, 12), (&RESPONSE, 16)] {
        address(cx, spec, at);
    }
    let word = cx.u32(20).unwrap_or(0);
    cx.uint(&RESPONSE_TTL, 20, 1, word >> 24);
    cx.uint(&QUERY_ID, 21, 3, word & 0xff_ffff);
    if !cx.need(24) {
        return;
    }
    let mut at: u32 = 24;
    while at < cx.len() {
        if !cx.need(at.saturating_add(32)) {
            return;
        }
        let place = |offset: u32| at.saturating_add(offset);
        let block = cx.open(&BLOCK, at, 32, Value::None);
        number(cx, &ARRIVAL, at);
        address(cx, &INCOMING, place(4));
        address(cx, &OUTGOING, place(8));
        address(cx, &PREVIOUS, place(12));
        number(cx, &IN_PACKETS, place(16));
        number(cx, &OUT_PACKETS, place(20));
        number(cx, &TOTAL, place(24));
        let [routing, ttl, mask, code] = cx.array(place(28)).unwrap_or([0; 4]);
        cx.uint(&ROUTING, place(28), 1, routing);
        cx.uint(&FORWARD_TTL, place(29), 1, ttl);
        cx.uint(&MASK, place(30), 1, mask & 63);
        cx.uint(&CODE, place(31), 1, code);
        cx.close(block);
        at = place(32);
    }
}

fn address(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    if let Some(bytes) = cx.array::<4>(at) {
        cx.add(spec, at, 4, Value::Ipv4(Ipv4Addr::from(bytes)));
    }
}

fn number(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    let value = cx.u32(at).unwrap_or(0);
    cx.uint(spec, at, 4, value);
}
