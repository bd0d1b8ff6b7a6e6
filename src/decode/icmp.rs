//! ICMP for IPv4: header and body of each type. Names are in `icmp_names`, the extension objects of
//! errors in `icmp_ext`.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     type      |     code      |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |        rest of the header: depends on the type                |
//! +---------------------------------------------------------------+
//! |        body: payload, or the datagram that an error is about  |
//! ```

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::ops::Range;

use super::spec::specs;
use super::text::push_number;
use super::{
    Checksum, Claim, Cx, Layer, LinkType, Next, Packet, Proto, Severity, Show, Value,
    checksum_status, icmp_ext, samples,
};

pub use super::icmp_names::{code_name, describe, type_name};

specs! {
    TYPE = "icmp.type", "Type", Show::Named(type_name), "RFC 792",
        "What kind of message this is.";
    CODE = "icmp.code", "Code", Show::NamedBy(&TYPE, code_name), "RFC 792",
        "What kind within the type; its meaning depends on the type.";
    CHECKSUM = "icmp.checksum", "Checksum", Show::Hex(4), "RFC 792",
        "Guards the whole ICMP message.";
    CHECKSUM_CALCULATED = "icmp.checksum_calculated", "Right checksum", Show::Hex(4), "RFC 1071",
        "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "icmp.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 1071", "Outcome of computing the checksum again.";
    UNUSED = "icmp.unused", "Unused", Show::Plain, "RFC 792",
        "Bytes without a meaning in this type; senders set them to zero.";
    IDENT = "icmp.ident", "Identifier", Show::Dec, "RFC 792",
        "Tells one ping program's requests from another's; the reply repeats it.";
    SEQ = "icmp.seq", "Sequence number", Show::Dec, "RFC 792",
        "Counts the requests of one ping; the reply repeats it.";
    MTU = "icmp.mtu", "MTU of next hop", Show::Unit("bytes"), "RFC 1191 4",
        "Largest packet that the next link takes; 0 from routers older than RFC 1191.";
    REDIRECT_GATEWAY = "icmp.redir_gw", "Gateway address", Show::Plain, "RFC 792",
        "The router that the sender should use for this destination instead.";
    POINTER = "icmp.pointer", "Pointer", Show::Dec, "RFC 792",
        "Which byte of the quoted datagram is wrong, counted from 0.";
    LENGTH = "icmp.length", "Length", Show::Unit("words of 4 bytes"), "RFC 4884 4",
        "How much of the original datagram is quoted before the extensions.";
    ORIGINAL = "icmp.length.original_datagram", "Length of original datagram",
        Show::Unit("bytes"), "RFC 4884 4", "The length field in bytes.";
    ORIGINATE = "icmp.originate_timestamp", "Originate timestamp", Show::Words(time_of_day),
        "RFC 792", "When the requester last touched the message, by its own clock.";
    RECEIVE = "icmp.receive_timestamp", "Receive timestamp", Show::Words(time_of_day),
        "RFC 792", "When the answerer first touched the message, by its own clock.";
    TRANSMIT = "icmp.transmit_timestamp", "Transmit timestamp", Show::Words(time_of_day),
        "RFC 792", "When the answerer last touched the message, by its own clock.";
    ADDRESS_MASK = "icmp.address_mask", "Address mask", Show::Plain, "RFC 950 Appendix I",
        "The subnet mask of the network that the message came from.";
    NUM_ADDRS = "icmp.num_addrs", "Number of addresses", Show::Dec, "RFC 1256 3",
        "How many router addresses follow.";
    ADDR_ENTRY_SIZE = "icmp.addr_entry_size", "Address entry size",
        Show::Unit("words of 4 bytes"), "RFC 1256 3", "Length of each entry; 2 in this version.";
    LIFETIME = "icmp.lifetime", "Lifetime", Show::Unit("s"), "RFC 1256 3",
        "How long the router addresses may be believed.";
    ROUTER = "icmp.router", "Router", Show::Plain, "RFC 1256 3",
        "One router address with its preference.";
    ROUTER_ADDRESS = "icmp.router_address", "Router address", Show::Plain, "RFC 1256 3",
        "A router on the sender's network.";
    PREF_LEVEL = "icmp.pref_level", "Preference level", Show::Dec, "RFC 1256 3",
        "Signed: higher is preferred; -2147483648 means not as a default router.";
    EXT_ECHO_SEQ = "icmp.ext.echo.seq", "Sequence number", Show::Dec, "RFC 8335 2",
        "Counts the requests of one prober, in eight bits.";
    EXT_ECHO_LOCAL = "icmp.ext.echo.req.local", "Local bit", Show::Plain, "RFC 8335 2",
        "Set: the probed interface is on the host asked; clear: on a neighbour of it.";
    EXT_ECHO_STATE = "icmp.ext.echo.rsp.state", "State", Show::Named(neighbour_state),
        "RFC 8335 3", "State of the neighbour's entry in the ARP or neighbour table.";
    EXT_ECHO_ACTIVE = "icmp.ext.echo.rsp.active", "Active bit", Show::Plain, "RFC 8335 3",
        "The probed interface is up.";
    EXT_ECHO_IPV4 = "icmp.ext.echo.rsp.ipv4", "IPv4 bit", Show::Plain, "RFC 8335 3",
        "IPv4 runs on the probed interface.";
    EXT_ECHO_IPV6 = "icmp.ext.echo.rsp.ipv6", "IPv6 bit", Show::Plain, "RFC 8335 3",
        "IPv6 runs on the probed interface.";
    TRACE_ID = "icmp.traceroute.id", "ID number", Show::Dec, "RFC 1393 2.3",
        "Repeats the number in the IP traceroute option that asked.";
    TRACE_OUT = "icmp.traceroute.outbound_hops", "Outbound hop count", Show::Dec, "RFC 1393 2.3",
        "Routers that the outbound packet had passed.";
    TRACE_BACK = "icmp.traceroute.return_hops", "Return hop count", Show::Dec, "RFC 1393 2.3",
        "Routers that the return packet had passed.";
    TRACE_SPEED = "icmp.traceroute.speed", "Output link speed", Show::Unit("bytes/s"),
        "RFC 1393 2.3", "Speed of the link that the packet left by.";
    TRACE_MTU = "icmp.traceroute.mtu", "Output link MTU", Show::Unit("bytes"), "RFC 1393 2.3",
        "MTU of the link that the packet left by.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "icmp.checksum.bad",
    rfc: "RFC 792",
    transport: true,
};

/// Internet Control Message Protocol.
pub static PROTO: Proto = Proto {
    key: "icmp",
    name: "Internet Control Message Protocol",
    rfc: "RFC 792",
    claims: &[Claim::IpProtocol(1), Claim::Link(LinkType::IcmpMessage)],
    specs: &[SPECS, icmp_ext::SPECS],
    samples: samples::ICMP,
    decode,
    summary,
};

/// Milliseconds since midnight UT, or a value that the sender marks as not so (RFC 792).
fn time_of_day(value: u64, out: &mut String) {
    const DAY: u64 = 86_400_000;
    let _ = if value & 0x8000_0000 != 0 {
        write!(out, "{value} (not in standard units)")
    } else if value < DAY {
        let (seconds, ms) = (value / 1000, value % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            out,
            "{value} ms ({hour:02}:{minute:02}:{second:02}.{ms:03} UT)"
        )
    } else {
        write!(out, "{value} ms (more than a day)")
    };
}

/// RFC 8335 3.
pub(super) fn neighbour_state(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "not asked",
        1 => "incomplete",
        2 => "reachable",
        3 => "stale",
        4 => "delay",
        5 => "probe",
        6 => "failed",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<20>();
    cx.uint(&TYPE, 0, 1, h[0]);
    cx.uint(&CODE, 1, 1, h[1]);
    cx.uint(&CHECKSUM, 2, 2, u16::from_be_bytes([h[2], h[3]]));
    cx.verify(&SUM, 2, 0..cx.len(), None);
    let body = body(cx, &h);
    cx.set_header(body.header());
    if !cx.need(body.header()) {
        return Next::Done;
    }
    match body {
        Body::Payload(from) => Next::data(from..cx.len()),
        Body::Quote(words) => {
            let quote = original(cx, 8, u32::from(words).saturating_mul(4));
            Next::Quoted(quote)
        }
        Body::Probe => Next::data(icmp_ext::probe(cx, 8)..cx.len()),
    }
}

/// What stands behind the rest of the header.
#[derive(Clone, Copy)]
enum Body {
    /// Plain data from here on.
    Payload(u32),
    /// A quoted datagram of this many words, 0 if the message does not say.
    Quote(u8),
    /// The extension structure of a probe (RFC 8335).
    Probe,
}

impl Body {
    fn header(self) -> u32 {
        match self {
            Self::Payload(from) => from,
            Self::Quote(_) | Self::Probe => 8,
        }
    }
}

/// Adds the fields behind the checksum.
fn body(cx: &mut Cx<'_>, h: &[u8; 20]) -> Body {
    let word = |at: usize| h.get(at..).and_then(|rest| rest.first_chunk().copied());
    let word = |at| u32::from_be_bytes(word(at).unwrap_or([0; 4]));
    let (ident, seq) = (
        u16::from_be_bytes([h[4], h[5]]),
        u16::from_be_bytes([h[6], h[7]]),
    );
    match h[0] {
        0 | 8 | 13..=18 | 37 | 38 => {
            cx.uint(&IDENT, 4, 2, ident);
            cx.uint(&SEQ, 6, 2, seq);
            match h[0] {
                13 | 14 => {
                    cx.uint(&ORIGINATE, 8, 4, word(8));
                    cx.uint(&RECEIVE, 12, 4, word(12));
                    cx.uint(&TRANSMIT, 16, 4, word(16));
                    return Body::Payload(20);
                }
                17 | 18 => {
                    let mask = Value::Ipv4(Ipv4Addr::from(word(8)));
                    cx.add(&ADDRESS_MASK, 8, 4, mask);
                    return Body::Payload(12);
                }
                _ => {}
            }
        }
        3 => {
            if h[1] == 4 {
                length(cx, h[5], 4, 6);
                cx.uint(&MTU, 6, 2, seq);
            } else {
                length(cx, h[5], 4, 8);
            }
            return Body::Quote(h[5]);
        }
        4 => {
            cx.raw(&UNUSED, 4, 4);
            return Body::Quote(0);
        }
        5 => {
            let gateway = Ipv4Addr::new(h[4], h[5], h[6], h[7]);
            cx.add(&REDIRECT_GATEWAY, 4, 4, Value::Ipv4(gateway));
            return Body::Quote(0);
        }
        9 => return router_advertisement(cx, h),
        10 => cx.raw(&UNUSED, 4, 4),
        11 => {
            length(cx, h[5], 4, 8);
            return Body::Quote(h[5]);
        }
        12 => {
            cx.uint(&POINTER, 4, 1, h[4]);
            length(cx, h[5], 5, 8);
            return Body::Quote(h[5]);
        }
        30 => {
            cx.uint(&TRACE_ID, 4, 2, ident);
            cx.raw(&UNUSED, 6, 2);
            cx.uint(&TRACE_OUT, 8, 2, u16::from_be_bytes([h[8], h[9]]));
            cx.uint(&TRACE_BACK, 10, 2, u16::from_be_bytes([h[10], h[11]]));
            cx.uint(&TRACE_SPEED, 12, 4, word(12));
            cx.uint(&TRACE_MTU, 16, 4, word(16));
            return Body::Payload(20);
        }
        31 => {
            cx.uint(&POINTER, 4, 4, word(4));
            return Body::Quote(0);
        }
        // RFC 2521 2: two reserved bytes, then a 16-bit pointer.
        40 => {
            cx.raw(&UNUSED, 4, 2);
            cx.uint(&POINTER, 6, 2, seq);
            return Body::Quote(0);
        }
        42 | 43 => {
            cx.uint(&IDENT, 4, 2, ident);
            cx.uint(&EXT_ECHO_SEQ, 6, 1, h[6]);
            if h[0] == 42 {
                cx.add(&EXT_ECHO_LOCAL, 7, 1, Value::Bool(h[7] & 1 != 0));
                return Body::Probe;
            }
            cx.uint(&EXT_ECHO_STATE, 7, 1, h[7] >> 5);
            cx.add(&EXT_ECHO_ACTIVE, 7, 1, Value::Bool(h[7] & 4 != 0));
            cx.add(&EXT_ECHO_IPV4, 7, 1, Value::Bool(h[7] & 2 != 0));
            cx.add(&EXT_ECHO_IPV6, 7, 1, Value::Bool(h[7] & 1 != 0));
        }
        // Unknown: all behind the checksum is data.
        _ => return Body::Payload(4),
    }
    Body::Payload(8)
}

/// The length byte, with the unused bytes from `from` to `to` around it; zero is one of them.
fn length(cx: &mut Cx<'_>, words: u8, from: u32, to: u32) {
    if words == 0 {
        cx.raw(&UNUSED, from, to.saturating_sub(from));
        return;
    }
    cx.raw(&UNUSED, from, 5u32.saturating_sub(from));
    cx.uint(&LENGTH, 5, 1, words);
    cx.uint(&ORIGINAL, 5, 0, u16::from(words).saturating_mul(4));
    cx.raw(&UNUSED, 6, to.saturating_sub(6));
}

/// Where the original datagram of an error lies; reads the extensions behind it. `claimed` is the
/// length field in bytes. Also used by ICMPv6.
pub(super) fn original(cx: &mut Cx<'_>, from: u32, claimed: u32) -> Range<u32> {
    let end = from.saturating_add(claimed);
    if claimed == 0 {
        // RFC 4884 5.5: old senders put extensions behind 128 bytes without saying so.
        let old = from.saturating_add(128);
        if icmp_ext::looks_right(cx, old) {
            icmp_ext::decode(cx, old);
            return from..old;
        }
        return from..cx.len();
    }
    if end > cx.len() {
        let text = format!(
            "the length field claims {claimed} bytes of original datagram, there are {}",
            cx.len().saturating_sub(from)
        );
        cx.invalid(4, 4, "icmp.length", "RFC 4884 4", text);
        return from..cx.len();
    }
    // RFC 4884 4: at least 128 bytes where extensions follow.
    if claimed < 128 && end < cx.len() {
        let text = format!("extensions follow only {claimed} bytes of original datagram, not 128");
        cx.rule(4, 4, "icmp.length.short", "RFC 4884 4", text);
    }
    icmp_ext::decode(cx, end);
    from..end
}

/// RFC 1256 3.
fn router_advertisement(cx: &mut Cx<'_>, h: &[u8; 20]) -> Body {
    let size = u32::from(h[5]).saturating_mul(4);
    cx.uint(&NUM_ADDRS, 4, 1, h[4]);
    cx.uint(&ADDR_ENTRY_SIZE, 5, 1, h[5]);
    cx.uint(&LIFETIME, 6, 2, u16::from_be_bytes([h[6], h[7]]));
    if cx.have() >= 8 && size < 8 {
        let text = format!("address entry size {} is less than 2 words", h[5]);
        cx.problem(
            Severity::Invalid,
            5,
            1,
            "icmp.addr_entry_size",
            "RFC 1256 3",
            text,
        );
        return Body::Payload(8);
    }
    let mut at: u32 = 8;
    for _ in 0..h[4] {
        let (Some(address), Some(preference)) = (cx.array::<4>(at), cx.u32(at.saturating_add(4)))
        else {
            break;
        };
        let group = cx.open(&ROUTER, at, size, Value::None);
        cx.add(&ROUTER_ADDRESS, at, 4, Value::Ipv4(Ipv4Addr::from(address)));
        let preference = i64::from(preference.cast_signed());
        cx.add(&PREF_LEVEL, at.saturating_add(4), 4, Value::Int(preference));
        cx.close(group);
        at = at.saturating_add(size);
    }
    let claimed = u32::from(h[4]).saturating_mul(size).saturating_add(8);
    Body::Payload(claimed)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    let (Some(kind), Some(code)) = (number(&TYPE), number(&CODE)) else {
        return;
    };
    out.push_str("ICMP ");
    super::icmp_names::short(kind, code, type_name, code_name, out);
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
    for (spec, word) in [(&REDIRECT_GATEWAY, "to"), (&ADDRESS_MASK, "mask")] {
        if let Some(Value::Ipv4(address)) = packet.field(layer, spec).map(|f| f.value) {
            let _ = write!(out, ", {word} {address}");
        }
    }
    icmp_ext::summary(packet, layer, out);
    push_number(", length ", layer.end.saturating_sub(layer.at), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{decoded, problems};

    fn message(bytes: &[u8]) -> Packet {
        decoded(LinkType::IcmpMessage, bytes, bytes.len())
    }

    #[test]
    fn an_error_gives_its_facts_and_the_quoted_probe() {
        let mut bytes = vec![3, 4, 0x6f, 0x06, 0, 0, 0x05, 0x78];
        bytes.extend([
            0x45, 0, 0, 84, 0, 7, 0, 0, 1, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        bytes.extend([8, 0, 0, 0, 0x12, 0x34, 0, 9]);
        let packet = message(&bytes);
        assert_eq!(packet.number(&MTU), Some(1400));
        assert_eq!(packet.number(&IDENT), None, "of the error itself");
        assert_eq!(packet.quoted_number(&IDENT), Some(0x1234));
        assert_eq!(packet.quoted_number(&SEQ), Some(9));
        let (layer, field) = packet.find(&SEQ, true).unwrap();
        assert_eq!((layer.at, field.at), (28, 34));
        // A quote is cut by nature and its checksums are stale: none of that is a problem.
        assert_eq!(
            problems(&packet),
            ["icmp.checksum.bad"],
            "only the message's own"
        );
    }

    #[test]
    fn an_unknown_type_is_data_and_no_error() {
        let packet = message(&[200, 7, 0x37, 0xf7, 1, 2]);
        assert_eq!(packet.number(&TYPE), Some(200));
        assert_eq!(packet.layer("data").unwrap().len, 2);
        assert!(
            problems(&packet)
                .iter()
                .all(|key| *key == "icmp.checksum.bad")
        );
    }

    #[test]
    fn times_of_day_are_read_as_the_rfc_says() {
        let words = |value| {
            let mut out = String::new();
            time_of_day(value, &mut out);
            out
        };
        assert_eq!(words(43_200_123), "43200123 ms (12:00:00.123 UT)");
        assert_eq!(words(86_400_000), "86400000 ms (more than a day)");
        assert_eq!(words(0x8000_0001), "2147483649 (not in standard units)");
    }
}
