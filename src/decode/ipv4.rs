//! IPv4 headers. Options are in `ipv4_options`; fragments are shown, not put together.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+-------------------------------+
//! |version|  IHL  |  DSCP   | ECN |          total length         |
//! +-------+-------+---------------+-----+-------------------------+
//! |         identification        |R D M|     fragment offset     |
//! +---------------+---------------+-----+-------------------------+
//! |      TTL      |    protocol   |        header checksum        |
//! +---------------+---------------+-------------------------------+
//! |                            source                             |
//! |                          destination                          |
//! |                     options, if IHL > 5 ...                   |
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use etherparse::IpNumber;

use super::cx::fixed;
use super::spec::specs;
use super::text::{Short, Text as _, push_ipv4};
use super::{
    Checksum, Claim, Cx, Layer, Net, Next, Packet, Proto, Sample, Severity, Show, Value,
    checksum_status, ipv4_options,
};

specs! {
    VERSION = "ip.version", "Version", Show::Dec, "RFC 791 3.1",
        "IP version: 4.";
    HDR_LEN = "ip.hdr_len", "Header length", Show::Unit("bytes"), "RFC 791 3.1",
        "The IHL field times 4: 20 without options, at most 60.";
    DSFIELD = "ip.dsfield", "Differentiated services", Show::Hex(2), "RFC 2474 3",
        "The old type of service byte: six bits of DSCP and two of ECN.";
    DSCP = "ip.dsfield.dscp", "DSCP", Show::Named(dscp), "RFC 2474 3",
        "Which treatment the packet asks routers for.";
    ECN = "ip.dsfield.ecn", "ECN", Show::Named(ecn), "RFC 3168 5",
        "Whether routers may mark congestion instead of dropping, and whether one did.";
    LEN = "ip.len", "Total length", Show::Unit("bytes"), "RFC 791 3.1",
        "Header and data of this packet or fragment.";
    ID = "ip.id", "Identification", Show::Hex(4), "RFC 6864 4",
        "The same in all fragments of one datagram.";
    FLAGS = "ip.flags", "Flags", Show::Hex(1), "RFC 791 3.1",
        "Three bits about fragmentation.";
    RB = "ip.flags.rb", "Reserved bit", Show::Plain, "RFC 791 3.1",
        "Must be zero.";
    DF = "ip.flags.df", "Don't fragment", Show::Plain, "RFC 791 3.1",
        "Routers must drop the packet rather than cut it into fragments.";
    MF = "ip.flags.mf", "More fragments", Show::Plain, "RFC 791 3.1",
        "This is not the last fragment of its datagram.";
    FRAG_OFFSET = "ip.frag_offset", "Fragment offset", Show::Words(fragment_offset),
        "RFC 791 3.1", "Where this fragment's data belong in the datagram, in units of 8 bytes.";
    TTL = "ip.ttl", "Time to live", Show::Dec, "RFC 791 3.1",
        "How many more routers may pass it on; each takes one off, and drops it at zero.";
    PROTO_FIELD = "ip.proto", "Protocol", Show::Named(protocol), "RFC 791 3.1",
        "Which protocol the data belong to.";
    CHECKSUM = "ip.checksum", "Header checksum", Show::Hex(4), "RFC 1071",
        "Guards the header alone; every router computes it anew.";
    CHECKSUM_CALCULATED = "ip.checksum_calculated", "Right checksum", Show::Hex(4), "RFC 1071",
        "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "ip.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 1071", "Outcome of computing the checksum again.";
    SRC = "ip.src", "Source", Show::Plain, "RFC 791 3.1",
        "Address that the packet claims to come from; nothing proves it.";
    DST = "ip.dst", "Destination", Show::Plain, "RFC 791 3.1",
        "Address that it goes to.";
    PART = "ip.fragment", "Fragment in packet", Show::Dec, "RFC 791 3.2",
        "Number of a packet that brought a part of the datagram.";
    PARTS = "ip.fragment.count", "Fragments", Show::Dec, "RFC 791 3.2",
        "How many fragments the datagram came in.";
    REASSEMBLED = "ip.reassembled.length", "Reassembled length", Show::Unit("bytes"),
        "RFC 791 3.2", "Bytes of the datagram's data, put together from its fragments.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "ip.checksum.bad",
    rfc: "RFC 1071",
    transport: false,
};

/// Internet Protocol version 4.
pub static PROTO: Proto = Proto {
    key: "ip",
    name: "Internet Protocol version 4",
    rfc: "RFC 791",
    claims: &[Claim::EtherType(0x0800), Claim::IpProtocol(4)],
    specs: &[SPECS, ipv4_options::SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            0x45, 0, 0, 0x1c, 0x12, 0x34, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0, 2, 1, 0xc0, 0, 2, 2,
            0, 1, 0, 2, 0, 8, 0, 0,
        ],
    }],
    decode,
    summary,
};

/// Names of IP protocol numbers (IANA), without those that only have a number.
pub fn protocol(value: u64) -> Option<&'static str> {
    let number = u8::try_from(value).ok()?;
    IpNumber(number).keyword_str()
}

/// Names of DSCP values (IANA).
pub fn dscp(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "default",
        1 => "LE",
        8 => "CS1",
        10 => "AF11",
        12 => "AF12",
        14 => "AF13",
        16 => "CS2",
        18 => "AF21",
        20 => "AF22",
        22 => "AF23",
        24 => "CS3",
        26 => "AF31",
        28 => "AF32",
        30 => "AF33",
        32 => "CS4",
        34 => "AF41",
        36 => "AF42",
        38 => "AF43",
        40 => "CS5",
        44 => "voice-admit",
        46 => "EF",
        48 => "CS6",
        56 => "CS7",
        _ => return None,
    })
}

/// An offset in units of 8 bytes.
pub(super) fn fragment_offset(value: u64, out: &mut String) {
    let _ = write!(out, "{} bytes ({value})", value.saturating_mul(8));
}

/// Names of the ECN codepoints.
pub fn ecn(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "not ECN-capable",
        1 => "ECN-capable, ECT(1)",
        2 => "ECN-capable, ECT(0)",
        3 => "congestion experienced",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<20>();
    let (version, ihl) = (h[0] >> 4, h[0] & 15);
    let header = u32::from(ihl).saturating_mul(4);
    let total = u32::from(u16::from_be_bytes([h[2], h[3]]));
    let fragment_word = u16::from_be_bytes([h[6], h[7]]);
    let offset = fragment_word & 0x1fff;
    let more = fragment_word & 0x2000 != 0;
    let source = Ipv4Addr::new(h[12], h[13], h[14], h[15]);
    let destination = Ipv4Addr::new(h[16], h[17], h[18], h[19]);
    cx.set_header(header.max(20));

    let checksum = u16::from_be_bytes([h[10], h[11]]);
    let uint = |value: u16| Value::Uint(value.into());
    let bit = |bit: u8| Value::Bool(h[6] & bit != 0);
    fixed!(
        cx,
        20,
        (0, &VERSION, 0, 1, uint(version.into())),
        (0, &HDR_LEN, 0, 1, Value::Uint(header.into())),
        (0, &DSFIELD, 1, 1, uint(h[1].into())),
        (1, &DSCP, 1, 1, uint((h[1] >> 2).into())),
        (1, &ECN, 1, 1, uint((h[1] & 3).into())),
        (0, &LEN, 2, 2, Value::Uint(total.into())),
        (0, &ID, 4, 2, uint(u16::from_be_bytes([h[4], h[5]]))),
        (0, &FLAGS, 6, 1, uint((h[6] >> 5).into())),
        (1, &RB, 6, 1, bit(0x80)),
        (1, &DF, 6, 1, bit(0x40)),
        (1, &MF, 6, 1, bit(0x20)),
        (0, &FRAG_OFFSET, 6, 2, uint(offset)),
        (0, &TTL, 8, 1, uint(h[8].into())),
        (0, &PROTO_FIELD, 9, 1, uint(h[9].into())),
        (0, &CHECKSUM, 10, 2, uint(checksum)),
    );
    cx.verify(&SUM, 10, 0..header.max(20), None);
    fixed!(
        cx,
        20,
        (0, &SRC, 12, 4, Value::Ipv4(source)),
        (0, &DST, 16, 4, Value::Ipv4(destination)),
    );
    if !cx.need(20) {
        return Next::Done;
    }
    lengths(cx, version, header, total);
    if h[6] & 0x80 != 0 {
        let text = "reserved bit is set, must be zero".to_owned();
        cx.rule(6, 1, "ip.reserved", "RFC 791 3.1", text);
    }
    if h[8] == 0 {
        let text = "TTL is 0: nobody may send or forward that".to_owned();
        cx.rule(8, 1, "ip.ttl.zero", "RFC 1122 3.2.1.7", text);
    }
    cx.net = Some(Net {
        source: IpAddr::V4(source),
        destination: IpAddr::V4(destination),
        hops: h[8],
        router_alert: None,
        fragment: more || offset > 0,
        detour: false,
    });
    let header = header.max(20);
    ipv4_options::decode(cx, header);
    let end = if total < header { cx.len() } else { total };
    if (offset > 0 || more) && total >= header {
        let id = u16::from_be_bytes([h[4], h[5]]).into();
        let offset = u32::from(offset).saturating_mul(8);
        cx.fragment(id, h[9], offset, more, header, end);
    }
    if offset > 0 {
        // Only the first fragment begins with the next protocol's header.
        return Next::data(header..end);
    }
    Next::Proto(Claim::IpProtocol(h[9]).into(), header..end)
}

/// The claims of the header about lengths, against each other and against what is there.
fn lengths(cx: &mut Cx<'_>, version: u8, header: u32, total: u32) {
    let invalid = Severity::Invalid;
    if version != 4 {
        let text = format!("version is {version}, must be 4");
        cx.problem(invalid, 0, 1, "ip.version", "RFC 791 3.1", text);
    }
    if header < 20 {
        let text = format!("header length is {header}, must be at least 20");
        cx.problem(invalid, 0, 1, "ip.hdr_len", "RFC 791 3.1", text);
    }
    if total == 0 {
        // Linux segmentation offload (GSO, BIG TCP) hands over packets of length 0: take what is
        // there.
        let text = "total length is 0 (segmentation offload?)".to_owned();
        cx.invalid(2, 2, "ip.len.zero", "RFC 791 3.1", text);
    } else if total < header {
        let text = format!("total length {total} is less than the header's {header}");
        cx.invalid(2, 2, "ip.len.short", "RFC 791 3.1", text);
    } else if total > cx.len() {
        let text = format!(
            "total length {total}, but there are only {} bytes",
            cx.len()
        );
        cx.invalid(2, 2, "ip.len.long", "RFC 791 3.1", text);
    }
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let fields = packet.reader(layer);
    let (id, more) = (fields.number(6, &ID), fields.number(10, &MF));
    let offset = fields.number(11, &FRAG_OFFSET);
    let mut text = Short::default();
    text.put_str("IP ");
    push_address(fields.value(16, &SRC), &mut text);
    text.put_str(" > ");
    push_address(fields.value(17, &DST), &mut text);
    text.push_to(out);
    if offset.is_some_and(|n| n > 0) || more == Some(1) {
        let id = id.unwrap_or(0);
        let at = offset.unwrap_or(0).saturating_mul(8);
        let last = if more == Some(1) { "" } else { ", last" };
        let _ = write!(out, " fragment id 0x{id:04x} offset {at}{last}");
    }
}

fn push_address(value: Option<Value>, out: &mut Short) {
    match value {
        Some(Value::Ipv4(address)) => push_ipv4(address, out),
        _ => out.put_str("?"),
    }
}
