//! ICMPv6: header, errors, echo and probe. Neighbour discovery is in `ndp`, multicast listener
//! discovery in `mld`, names in `icmpv6_names`, extension objects in `icmp_ext`.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     type      |     code      |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |        body: depends on the type                              |
//! ```

use super::icmp::{neighbour_state, original};
use super::spec::specs;
use super::text::push_number;
use super::{
    Checksum, Claim, Cx, Layer, LinkType, Next, Packet, Proto, Show, Value, checksum_status,
    icmp_ext, icmp_names, icmpv6_more, icmpv6_table, mld, ndp, samples,
};

pub use super::icmpv6_names::{code_name, describe, type_name};

specs! {
    TYPE = "icmpv6.type", "Type", Show::Named(type_name), "RFC 4443 2.1",
        "What kind of message this is; below 128 it is an error.";
    CODE = "icmpv6.code", "Code", Show::NamedBy(&TYPE, code_name), "RFC 4443 2.1",
        "What kind within the type; its meaning depends on the type.";
    CHECKSUM = "icmpv6.checksum", "Checksum", Show::Hex(4), "RFC 4443 2.3",
        "Guards the message and the addresses of the IPv6 header.";
    CHECKSUM_CALCULATED = "icmpv6.checksum_calculated", "Right checksum", Show::Hex(4),
        "RFC 4443 2.3", "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "icmpv6.checksum.status", "Checksum status",
        Show::Named(checksum_status), "RFC 4443 2.3",
        "Outcome of computing the checksum again; without the IPv6 header that cannot be done.";
    RESERVED = "icmpv6.reserved", "Reserved", Show::Plain, "RFC 4443 2.1",
        "Bytes without a meaning; senders set them to zero.";
    IDENT = "icmpv6.echo.identifier", "Identifier", Show::Dec, "RFC 4443 4.1",
        "Tells one ping program's requests from another's; the reply repeats it.";
    SEQ = "icmpv6.echo.sequence_number", "Sequence number", Show::Dec, "RFC 4443 4.1",
        "Counts the requests of one ping; the reply repeats it.";
    MTU = "icmpv6.mtu", "MTU", Show::Unit("bytes"), "RFC 4443 3.2",
        "Largest packet that the next link takes.";
    POINTER = "icmpv6.pointer", "Pointer", Show::Dec, "RFC 4443 3.4",
        "Which byte of the quoted datagram is wrong, counted from 0.";
    LENGTH = "icmpv6.length", "Length", Show::Unit("units of 8 bytes"), "RFC 4884 4",
        "How much of the original datagram is quoted before the extensions.";
    MRD_QUERY_INTERVAL = "icmpv6.mcast_ra.query_interval", "Query interval", Show::Unit("s"),
        "RFC 4286 3.1", "How often the multicast router sends MLD queries.";
    MRD_ROBUSTNESS = "icmpv6.mcast_ra.robustness_variable", "Robustness", Show::Dec,
        "RFC 4286 3.1", "How many losses in a row it wants to survive.";
    EXT_ECHO_SEQ = "icmpv6.ext.echo.seq", "Sequence number", Show::Dec, "RFC 8335 2",
        "Counts the requests of one prober, in eight bits.";
    EXT_ECHO_LOCAL = "icmpv6.ext.echo.req.local", "Local bit", Show::Plain, "RFC 8335 2",
        "Set: the probed interface is on the host asked; clear: on a neighbour of it.";
    EXT_ECHO_STATE = "icmpv6.ext.echo.rsp.state", "State", Show::Named(neighbour_state),
        "RFC 8335 3", "State of the neighbour's entry in the ARP or neighbour table.";
    EXT_ECHO_ACTIVE = "icmpv6.ext.echo.rsp.active", "Active bit", Show::Plain, "RFC 8335 3",
        "The probed interface is up.";
    EXT_ECHO_IPV4 = "icmpv6.ext.echo.rsp.ipv4", "IPv4 bit", Show::Plain, "RFC 8335 3",
        "IPv4 runs on the probed interface.";
    EXT_ECHO_IPV6 = "icmpv6.ext.echo.rsp.ipv6", "IPv6 bit", Show::Plain, "RFC 8335 3",
        "IPv6 runs on the probed interface.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "icmpv6.checksum.bad",
    rfc: "RFC 4443 2.3",
    transport: true,
};

/// Internet Control Message Protocol for IPv6.
pub static PROTO: Proto = Proto {
    key: "icmpv6",
    name: "Internet Control Message Protocol v6",
    rfc: "RFC 4443",
    claims: &[Claim::IpProtocol(58), Claim::Link(LinkType::Icmpv6Message)],
    specs: &[
        SPECS,
        icmp_ext::SPECS,
        icmpv6_more::SPECS,
        mld::SPECS,
        ndp::SPECS,
    ],
    samples: samples::ICMPV6,
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<8>();
    let kind = h[0];
    let word = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
    let (high, low) = (
        u16::from_be_bytes([h[4], h[5]]),
        u16::from_be_bytes([h[6], h[7]]),
    );
    cx.uint(&TYPE, 0, 1, kind);
    cx.uint(&CODE, 1, 1, h[1]);
    cx.uint(&CHECKSUM, 2, 2, u16::from_be_bytes([h[2], h[3]]));
    cx.verify(&SUM, 2, 0..cx.len(), Some(58));
    cx.set_header(8);
    match kind {
        1 | 3 => {
            if h[4] == 0 {
                cx.raw(&RESERVED, 4, 4);
            } else {
                cx.uint(&LENGTH, 4, 1, h[4]);
                cx.raw(&RESERVED, 5, 3);
            }
            if !cx.need(8) {
                return Next::Done;
            }
            // RFC 4884 4: for ICMPv6 the length counts 64-bit units.
            let quote = original(cx, 8, u32::from(h[4]).saturating_mul(8));
            return Next::Quoted(quote);
        }
        2 => cx.uint(&MTU, 4, 4, word),
        4 => cx.uint(&POINTER, 4, 4, word),
        128 | 129 => {
            cx.uint(&IDENT, 4, 2, high);
            cx.uint(&SEQ, 6, 2, low);
        }
        130..=132 | 143 => return mld::decode(cx, kind),
        133..=137 => return ndp::decode(cx, kind),
        151 => {
            cx.uint(&MRD_QUERY_INTERVAL, 4, 2, high);
            cx.uint(&MRD_ROBUSTNESS, 6, 2, low);
        }
        160 | 161 => {
            cx.uint(&IDENT, 4, 2, high);
            cx.uint(&EXT_ECHO_SEQ, 6, 1, h[6]);
            if kind == 160 {
                cx.add(&EXT_ECHO_LOCAL, 7, 1, Value::Bool(h[7] & 1 != 0));
                if !cx.need(8) {
                    return Next::Done;
                }
                return Next::data(icmp_ext::probe(cx, 8)..cx.len());
            }
            cx.uint(&EXT_ECHO_STATE, 7, 1, h[7] >> 5);
            cx.add(&EXT_ECHO_ACTIVE, 7, 1, Value::Bool(h[7] & 4 != 0));
            cx.add(&EXT_ECHO_IPV4, 7, 1, Value::Bool(h[7] & 2 != 0));
            cx.add(&EXT_ECHO_IPV6, 7, 1, Value::Bool(h[7] & 1 != 0));
        }
        _ => {
            if let Some(next) = icmpv6_table::decode(cx, kind, h[1]) {
                return next;
            }
            cx.set_header(4);
            if !cx.need(4) {
                return Next::Done;
            }
            return Next::data(4..cx.len());
        }
    }
    if !cx.need(8) {
        return Next::Done;
    }
    if let 151..=153 = kind {
        mld::router_discovery(cx, kind);
    }
    match kind {
        2 | 4 => Next::Quoted(8..cx.len()),
        _ => Next::data(8..cx.len()),
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    let (Some(kind), Some(code)) = (number(&TYPE), number(&CODE)) else {
        return;
    };
    out.push_str("ICMPv6 ");
    icmp_names::short(kind, code, type_name, code_name, out);
    if let Some(id) = number(&IDENT) {
        push_number(", id ", id, out);
    }
    if let Some(seq) = number(&SEQ).or(number(&EXT_ECHO_SEQ)) {
        push_number(", seq ", seq, out);
    }
    if let Some(mtu) = number(&MTU) {
        push_number(", MTU ", mtu, out);
    }
    if let Some(pointer) = number(&POINTER) {
        push_number(", byte ", pointer, out);
    }
    mld::summary(packet, layer, out);
    ndp::summary(packet, layer, out);
    icmp_ext::summary(packet, layer, out);
    push_number(", length ", layer.end.saturating_sub(layer.at), out);
}
