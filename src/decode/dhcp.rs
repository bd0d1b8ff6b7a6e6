//! DHCP for IPv4, and BOOTP, of which it is the continuation: the fixed part. Options are in
//! `dhcp_options`.
//!
//! ```text
//! +---------------+---------------+---------------+---------------+
//! |      op       |     htype     |     hlen      |     hops      |
//! +---------------+---------------+---------------+---------------+
//! |                         transaction id                        |
//! +-------------------------------+-+-----------------------------+
//! |            seconds            |B|                             |
//! +-------------------------------+-+-----------------------------+
//! |   client, your, server, relay address, 4 bytes each           |
//! |   client hardware address, 16; server name, 64; file, 128     |
//! |   magic cookie 4, options ...                                 |
//! ```

use std::fmt::Write as _;

use super::spec::specs;
use super::{Claim, Cx, Layer, Mac, Next, Packet, Proto, Sample, Show, Spec, Value, dhcp_options};

specs! {
    OP = "dhcp.type", "Operation", Show::Named(op_name), "RFC 2131 2",
        "Whether a client or a server speaks.";
    HARDWARE = "dhcp.hw.type", "Hardware type", Show::Dec, "RFC 2131 2",
        "Kind of link; 1 is Ethernet.";
    HARDWARE_LEN = "dhcp.hw.len", "Hardware address length", Show::Unit("bytes"), "RFC 2131 2",
        "Length of the client's hardware address.";
    HOPS = "dhcp.hops", "Hops", Show::Dec, "RFC 2131 2",
        "How many relays passed the message on.";
    ID = "dhcp.id", "Transaction ID", Show::Hex(8), "RFC 2131 2",
        "Chosen at random by the client; all messages of one exchange have it.";
    SECONDS = "dhcp.secs", "Seconds", Show::Unit("s"), "RFC 2131 2",
        "How long the client has been asking.";
    FLAGS = "dhcp.flags", "Flags", Show::Hex(4), "RFC 2131 2",
        "The broadcast flag and 15 bits that must be zero.";
    BROADCAST = "dhcp.flags.bc", "Broadcast", Show::Plain, "RFC 2131 4.1",
        "The client cannot take unicast before it has its address.";
    CLIENT = "dhcp.ip.client", "Client address", Show::Plain, "RFC 2131 2",
        "The client's address, if it has one already.";
    YOUR = "dhcp.ip.your", "Your address", Show::Plain, "RFC 2131 2",
        "The address that the server offers or gives.";
    SERVER = "dhcp.ip.server", "Next server", Show::Plain, "RFC 2131 2",
        "Where to load the boot file from.";
    RELAY = "dhcp.ip.relay", "Relay address", Show::Plain, "RFC 2131 2",
        "The relay that passed the message on.";
    MAC = "dhcp.hw.mac_addr", "Client hardware address", Show::Plain, "RFC 2131 2",
        "The client's hardware address.";
    ADDRESS = "dhcp.hw.addr", "Client hardware address", Show::Plain, "RFC 2131 2",
        "The client's hardware address, not of Ethernet.";
    PADDING = "dhcp.hw.addr_padding", "Padding", Show::Plain, "RFC 2131 2",
        "The rest of the address field.";
    SERVER_NAME = "dhcp.server", "Server name", Show::Plain, "RFC 2131 2",
        "Name of the server, if the field holds no options.";
    FILE = "dhcp.file", "Boot file", Show::Plain, "RFC 2131 2",
        "What to boot, if the field holds no options.";
    COOKIE = "dhcp.cookie", "Magic cookie", Show::Plain, "RFC 2131 3",
        "99.130.83.99: options follow.";
    VENDOR = "dhcp.vendor_specific_options", "Vendor's area", Show::Plain, "RFC 951 3",
        "What stands there in a message without options.";
}

const MAGIC: u32 = 0x6382_5363;

/// Dynamic Host Configuration Protocol.
pub static PROTO: Proto = Proto {
    key: "dhcp",
    name: "Dynamic Host Configuration Protocol",
    rfc: "RFC 2131",
    claims: &[Claim::UdpPort(67), Claim::UdpPort(68)],
    specs: &[SPECS, dhcp_options::SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            1, 1, 6, 0, 0, 0, 0, 1, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0x63, 0x82, 0x53, 0x63, 0x35, 1, 1, 0xff,
        ],
    }],
    decode,
    summary,
};

fn op_name(value: u64) -> Option<&'static str> {
    match value {
        1 => Some("request"),
        2 => Some("reply"),
        _ => None,
    }
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<12>();
    if !matches!(h[0], 1 | 2) {
        return Next::Decline;
    }
    cx.set_header(cx.len());
    cx.uint(&OP, 0, 1, h[0]);
    cx.uint(&HARDWARE, 1, 1, h[1]);
    cx.uint(&HARDWARE_LEN, 2, 1, h[2]);
    cx.uint(&HOPS, 3, 1, h[3]);
    cx.uint(&ID, 4, 4, u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    cx.uint(&SECONDS, 8, 2, u16::from_be_bytes([h[8], h[9]]));
    let flags = u16::from_be_bytes([h[10], h[11]]);
    let group = cx.open(&FLAGS, 10, 2, Value::Uint(flags.into()));
    cx.add(&BROADCAST, 10, 2, Value::Bool(flags & 0x8000 != 0));
    cx.close(group);
    for (spec, at) in [(&CLIENT, 12), (&YOUR, 16), (&SERVER, 20), (&RELAY, 24)] {
        let address = cx.array::<4>(at).unwrap_or([0; 4]);
        cx.add(spec, at, 4, Value::Ipv4(address.into()));
    }
    hardware(cx, h[1], h[2]);
    let overload = dhcp_options::overload(cx, 240);
    for (spec, at, len, bit) in [(&SERVER_NAME, 44, 64, 2), (&FILE, 108, 128, 1)] {
        if overload & bit == 0 {
            words(cx, spec, at, len);
        }
    }
    let cookie = cx.u32(236);
    if !cx.need(240) || cookie != Some(MAGIC) {
        // RFC 951: old messages end with 64 bytes that are the vendor's.
        cx.raw(&VENDOR, 236, cx.have().saturating_sub(236));
    } else {
        cx.add(&COOKIE, 236, 4, Value::Ipv4(MAGIC.into()));
        dhcp_options::decode(cx, 240, cx.len());
        // RFC 2131 4.1: first the file field, then the server name.
        for (at, len, bit) in [(108u32, 128, 1), (44, 64, 2)] {
            if overload & bit != 0 {
                dhcp_options::decode(cx, at, at.saturating_add(len));
            }
        }
    }
    Next::Done
}

fn hardware(cx: &mut Cx<'_>, kind: u8, len: u8) {
    let len = u32::from(len).min(16);
    match (kind, len, cx.array::<6>(28)) {
        (1, 6, Some(mac)) => cx.add(&MAC, 28, 6, Value::Mac(Mac(mac))),
        _ => cx.raw(&ADDRESS, 28, len),
    }
    let rest = 16u32.saturating_sub(len);
    cx.raw(&PADDING, len.saturating_add(28), rest);
}

/// Text up to a NUL byte; an empty field is left out.
fn words(cx: &mut Cx<'_>, spec: &'static Spec, at: u32, len: u32) {
    let bytes = cx.bytes(at, len).unwrap_or(&[]);
    let text = bytes.iter().take_while(|&&byte| byte != 0).count();
    let text = u32::try_from(text).unwrap_or(0);
    if text > 0 {
        cx.text(spec, at, text);
    }
}

/// `DHCP offer, 192.0.2.50 for 02:00:00:00:00:01`.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let value = |spec| packet.field(layer, spec).map(|field| field.value);
    let number = |spec| value(spec).and_then(Value::as_u64);
    let kind = number(&dhcp_options::MESSAGE_TYPE);
    match (kind, number(&OP)) {
        (Some(kind), _) => {
            let name = dhcp_options::message_name(kind).unwrap_or("unknown message");
            out.extend(["DHCP ", name]);
        }
        (None, Some(op)) => out.extend(["BOOTP ", op_name(op).unwrap_or("message")]),
        _ => return,
    }
    // What a client asks for, or a server gives.
    let given = [
        value(&YOUR),
        value(&dhcp_options::REQUESTED),
        value(&CLIENT),
    ];
    let given = given.into_iter().flatten().find_map(|value| match value {
        Value::Ipv4(address) if !address.is_unspecified() => Some(address),
        _ => None,
    });
    if let Some(address) = given {
        let _ = write!(out, ", {address}");
    }
    if let Some(Value::Mac(mac)) = value(&MAC) {
        let _ = write!(out, " for {mac}");
    }
    if let Some(Value::Text(from, to)) = value(&dhcp_options::HOST_NAME) {
        out.extend([", host ", packet.text(from, to)]);
    }
}
