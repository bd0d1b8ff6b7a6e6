//! Extension objects of ICMP and ICMPv6 messages: MPLS label stacks, interface information and
//! identification. Which bytes they are is decided by `icmp` and `icmpv6`.
//!
//! ```text
//! +-------+-----------------------+-------------------------------+
//! |version|       reserved        |           checksum            |
//! +-------+-----------------------+-------------------------------+
//! |            length             |     class     |    c-type     |   one object,
//! +-------------------------------+---------------+---------------+   repeated
//! |                          object payload ...                   |
//! ```

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::spec::specs;
use super::{Checksum, Cx, Layer, Packet, Severity, Show, Spec, Value, checksum_status};

specs! {
    EXT = "icmp.ext", "Extensions", Show::Plain, "RFC 4884 7",
        "Facts that the router added behind the quoted datagram.";
    VERSION = "icmp.ext.version", "Version", Show::Dec, "RFC 4884 7",
        "Version of the extension structure: 2.";
    RESERVED = "icmp.ext.res", "Reserved", Show::Hex(3), "RFC 4884 7",
        "Must be zero.";
    CHECKSUM = "icmp.ext.checksum", "Checksum", Show::Hex(4), "RFC 4884 7",
        "Guards the extensions alone; zero means that none was computed.";
    CHECKSUM_CALCULATED = "icmp.ext.checksum_calculated", "Right checksum", Show::Hex(4),
        "RFC 4884 7", "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "icmp.ext.checksum.status", "Checksum status",
        Show::Named(checksum_status), "RFC 4884 7", "Outcome of computing the checksum again.";
    OBJECT = "icmp.ext.object", "Object", Show::Plain, "RFC 4884 8",
        "One fact of the extension structure.";
    CLASS = "icmp.ext.class", "Class", Show::Named(class_name), "RFC 4884 8",
        "What kind of object this is.";
    CTYPE = "icmp.ext.ctype", "C-Type", Show::NamedBy(&CLASS, ctype_name), "RFC 4884 8",
        "What kind within the class.";
    LENGTH = "icmp.ext.length", "Length", Show::Unit("bytes"), "RFC 4884 8",
        "Length of the object with its 4-byte header.";
    DATA = "icmp.ext.data", "Data", Show::Plain, "RFC 4884 8",
        "Payload of an object that we cannot read further.";
    MPLS = "icmp.mpls", "MPLS label", Show::Plain, "RFC 4950 3",
        "One entry of the label stack that the packet wore when it arrived.";
    MPLS_LABEL = "icmp.mpls.label", "Label", Show::Dec, "RFC 3032 2.1",
        "The label by which routers forwarded the packet.";
    MPLS_EXP = "icmp.mpls.exp", "Traffic class", Show::Dec, "RFC 5462",
        "Three bits for quality of service, once called experimental.";
    MPLS_S = "icmp.mpls.s", "Bottom of stack", Show::Plain, "RFC 3032 2.1",
        "This is the last entry of the stack.";
    MPLS_TTL = "icmp.mpls.ttl", "Time to live", Show::Dec, "RFC 3032 2.1",
        "Hop count of the label's own.";
    ROLE = "icmp.int_info.role", "Interface role", Show::Named(role), "RFC 5837 4.1",
        "What the interface had to do with the packet.";
    HAS_INDEX = "icmp.int_info.ifindex", "ifIndex present", Show::Plain, "RFC 5837 4.1",
        "The object holds the interface's index.";
    HAS_ADDRESS = "icmp.int_info.ipaddr", "IP address present", Show::Plain, "RFC 5837 4.1",
        "The object holds the interface's address.";
    HAS_NAME = "icmp.int_info.name_present", "Name present", Show::Plain, "RFC 5837 4.1",
        "The object holds the interface's name.";
    HAS_MTU = "icmp.int_info.mtu_present", "MTU present", Show::Plain, "RFC 5837 4.1",
        "The object holds the interface's MTU.";
    INDEX = "icmp.int_info.index", "Interface index", Show::Dec, "RFC 5837 4.1",
        "Number of the interface on the router (ifIndex of its MIB).";
    AFI = "icmp.int_info.afi", "Address family", Show::Named(family), "RFC 5837 4.2",
        "1 is IPv4, 2 is IPv6.";
    IPV4 = "icmp.int_info.ipv4", "Interface address", Show::Plain, "RFC 5837 4.2",
        "IPv4 address of the interface.";
    IPV6 = "icmp.int_info.ipv6", "Interface address", Show::Plain, "RFC 5837 4.2",
        "IPv6 address of the interface.";
    NAME_LENGTH = "icmp.int_info.name_length", "Name length", Show::Unit("bytes"), "RFC 5837 4.3",
        "Length of the name field with this byte; a multiple of 4, at most 64.";
    NAME = "icmp.int_info.name", "Interface name", Show::Plain, "RFC 5837 4.3",
        "Name of the interface on the router, in UTF-8.";
    MTU = "icmp.int_info.mtu", "Interface MTU", Show::Unit("bytes"), "RFC 5837 4.1",
        "MTU of the interface.";
    ID_NAME = "icmp.int_ident.name", "Interface name", Show::Plain, "RFC 8335 2.1",
        "The probed interface by name.";
    ID_INDEX = "icmp.int_ident.index", "Interface index", Show::Dec, "RFC 8335 2.1",
        "The probed interface by index.";
    ID_AFI = "icmp.int_ident.afi", "Address family", Show::Named(family), "RFC 8335 2.1",
        "1 is IPv4, 2 is IPv6, 16389 is a 48-bit MAC address.";
    ID_ADDR_LENGTH = "icmp.int_ident.addr_length", "Address length", Show::Unit("bytes"),
        "RFC 8335 2.1", "Significant bytes of the address; what follows is padding.";
    ID_IPV4 = "icmp.int_ident.ipv4", "Address", Show::Plain, "RFC 8335 2.1",
        "The probed interface by IPv4 address.";
    ID_IPV6 = "icmp.int_ident.ipv6", "Address", Show::Plain, "RFC 8335 2.1",
        "The probed interface by IPv6 address.";
    ID_ADDRESS = "icmp.int_ident.address", "Address", Show::Plain, "RFC 8335 2.1",
        "The probed interface by an address of another family.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "icmp.ext.checksum.bad",
    rfc: "RFC 4884 7",
    transport: false,
};

/// Class names of the IANA registry "ICMP Extension Object Classes".
pub fn class_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "MPLS label stack",
        2 => "interface information",
        3 => "interface identification",
        4 => "extended information",
        5 => "node identification",
        247..=255 => "private use",
        _ => return None,
    })
}

/// Names of the C-Types, given their class.
pub fn ctype_name(ctype: u64, class: u64) -> Option<&'static str> {
    Some(match (class, ctype) {
        (1, 1) => "incoming MPLS label stack",
        (3, 1) => "by name",
        (3, 2) => "by index",
        (3, 3) => "by address",
        (4, 1) => "pointer",
        _ => return None,
    })
}

/// RFC 5837 4.1.
fn role(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "IP interface that the datagram came in by",
        1 => "sub-IP component of the interface that it came in by",
        2 => "interface that it would have left by",
        3 => "IP next hop",
        _ => return None,
    })
}

/// IANA address family numbers.
fn family(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "IPv4",
        2 => "IPv6",
        16389 => "48-bit MAC",
        16390 => "64-bit MAC",
        _ => return None,
    })
}

/// Is there an extension structure at `at`, though no length field says so (RFC 4884 5.5)?
pub(super) fn looks_right(cx: &Cx<'_>, at: u32) -> bool {
    let Some(bytes) = cx.bytes(at, cx.len().saturating_sub(at)) else {
        return false;
    };
    let sum = etherparse::checksum::Sum16BitWords::new();
    bytes.len() > 4
        && bytes.first().is_some_and(|first| first >> 4 == 2)
        && sum.add_slice(bytes).ones_complement() == 0
}

/// Reads the structure from `at` to the end of the message.
pub(super) fn decode(cx: &mut Cx<'_>, at: u32) {
    if at < cx.len() {
        structure(cx, at, cx.len());
    }
}

/// Reads the structure of a probe: exactly one object (RFC 8335 2.1). Returns where it ends, and a
/// payload may begin.
pub(super) fn probe(cx: &mut Cx<'_>, at: u32) -> u32 {
    if at >= cx.len() {
        return at;
    }
    let first = at.saturating_add(4);
    // Without the object's length all that is left may belong to it.
    let end = match cx.u16(first) {
        Some(length) => first.saturating_add(length.into()).min(cx.len()),
        None => cx.len(),
    };
    structure(cx, at, end);
    end
}

fn structure(cx: &mut Cx<'_>, at: u32, end: u32) {
    let len = end.saturating_sub(at);
    let Some(head) = cx.array::<4>(at) else {
        let _ = cx.need(at.saturating_add(4));
        return;
    };
    let group = cx.open(&EXT, at, len, Value::None);
    cx.uint(&VERSION, at, 1, head[0] >> 4);
    let reserved = u16::from_be_bytes([head[0] & 15, head[1]]);
    cx.uint(&RESERVED, at, 2, reserved);
    let sum_at = at.saturating_add(2);
    let sum = u16::from_be_bytes([head[2], head[3]]);
    cx.uint(&CHECKSUM, sum_at, 2, sum);
    if sum == 0 {
        cx.uint(&CHECKSUM_STATUS, sum_at, 0, 3u8);
    } else {
        cx.verify(&SUM, sum_at, at..end, None);
    }
    if head[0] >> 4 == 2 {
        let mut next = at.saturating_add(4);
        while next < end {
            match object(cx, next, end) {
                Some(after) => next = after,
                None => break,
            }
        }
    } else {
        let text = format!("extension version is {}, must be 2", head[0] >> 4);
        cx.rule(at, 1, "icmp.ext.version", "RFC 4884 7", text);
    }
    let _ = cx.need(end);
    cx.close(group);
}

/// Reads one object; returns where the next begins.
fn object(cx: &mut Cx<'_>, at: u32, end: u32) -> Option<u32> {
    let Some([high, low, class, ctype]) = cx.array::<4>(at) else {
        if cx.have() == cx.len() {
            let text = format!("{} bytes are too few for an object", end.saturating_sub(at));
            cx.problem(
                Severity::Invalid,
                at,
                4,
                "icmp.ext.short",
                "RFC 4884 8",
                text,
            );
        } else {
            let _ = cx.need(at.saturating_add(4));
        }
        return None;
    };
    let length = u16::from_be_bytes([high, low]);
    let after = at.saturating_add(length.into());
    let group = cx.open(&OBJECT, at, length.max(4).into(), Value::None);
    cx.uint(&CLASS, at.saturating_add(2), 1, class);
    cx.uint(&CTYPE, at.saturating_add(3), 1, ctype);
    cx.uint(&LENGTH, at, 2, length);
    let fits = length >= 4 && after <= end;
    if fits {
        let body = at.saturating_add(4);
        match (class, ctype) {
            (1, 1) => mpls(cx, body, after),
            (2, flags) => interface_info(cx, body, after, flags),
            (3, kind) => interface_id(cx, body, after, kind),
            _ => cx.raw(&DATA, body, after.saturating_sub(body).min(left(cx, body))),
        }
    } else {
        let text = format!(
            "object length {length}, there are {} bytes",
            end.saturating_sub(at)
        );
        cx.problem(
            Severity::Invalid,
            at,
            2,
            "icmp.ext.length",
            "RFC 4884 8",
            text,
        );
    }
    cx.close(group);
    fits.then_some(after)
}

/// Captured bytes from `at` on.
fn left(cx: &Cx<'_>, at: u32) -> u32 {
    cx.have().saturating_sub(at)
}

/// RFC 4950: label 20 bits, traffic class 3, bottom 1, TTL 8; every entry of the stack.
fn mpls(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    while let (true, Some(entry)) = (at.saturating_add(4) <= end, cx.u32(at)) {
        let group = cx.open(&MPLS, at, 4, Value::None);
        cx.uint(&MPLS_LABEL, at, 3, entry >> 12);
        cx.uint(&MPLS_EXP, at.saturating_add(2), 1, entry >> 9 & 7);
        let bottom = Value::Bool(entry & 0x100 != 0);
        cx.add(&MPLS_S, at.saturating_add(2), 1, bottom);
        cx.uint(&MPLS_TTL, at.saturating_add(3), 1, entry & 0xff);
        cx.close(group);
        at = at.saturating_add(4);
    }
    cx.raw(&DATA, at, end.saturating_sub(at));
}

/// RFC 5837 4: which parts are there stands in the C-Type, and their order is fixed.
fn interface_info(cx: &mut Cx<'_>, mut at: u32, end: u32, flags: u8) {
    let ctype_at = at.saturating_sub(1);
    cx.uint(&ROLE, ctype_at, 1, flags >> 6);
    for (spec, bit) in [
        (&HAS_INDEX, 8),
        (&HAS_ADDRESS, 4),
        (&HAS_NAME, 2),
        (&HAS_MTU, 1),
    ] {
        cx.add(spec, ctype_at, 1, Value::Bool(flags & bit != 0));
    }
    // A part that is missing, cut off or beyond the object, ends it: the next would be misread.
    if flags & 8 != 0 {
        let Some(index) = word(cx, at, end) else {
            return;
        };
        cx.uint(&INDEX, at, 4, index);
        at = at.saturating_add(4);
    }
    if flags & 4 != 0 {
        let Some(head) = word(cx, at, end) else {
            return;
        };
        let afi = head >> 16;
        cx.uint(&AFI, at, 2, afi);
        at = at.saturating_add(4);
        let used = address(cx, &IPV4, &IPV6, at, afi);
        if used == 0 {
            cx.raw(&DATA, at, end.saturating_sub(at));
            return;
        }
        at = at.saturating_add(used);
    }
    if flags & 2 != 0 {
        let Some(length) = cx.u8(at).filter(|_| at < end) else {
            return;
        };
        let length = u32::from(length);
        cx.uint(&NAME_LENGTH, at, 1, length);
        if length == 0 || at.saturating_add(length) > end {
            let text = format!("name length {length}, there are {}", end.saturating_sub(at));
            let key = "icmp.int_info.name_length";
            cx.problem(Severity::Invalid, at, 1, key, "RFC 5837 4.3", text);
            return;
        }
        name(cx, &NAME, at.saturating_add(1), length.saturating_sub(1));
        at = at.saturating_add(length);
    }
    if flags & 1 != 0 {
        let Some(mtu) = word(cx, at, end) else { return };
        cx.uint(&MTU, at, 4, mtu);
        at = at.saturating_add(4);
    }
    cx.raw(&DATA, at, end.saturating_sub(at));
}

/// RFC 8335 2.1.
fn interface_id(cx: &mut Cx<'_>, at: u32, end: u32, kind: u8) {
    match (kind, word(cx, at, end)) {
        (1, _) => name(cx, &ID_NAME, at, end.saturating_sub(at)),
        (2, Some(index)) => cx.uint(&ID_INDEX, at, 4, index),
        (3, Some(head)) => {
            let (afi, len) = (head >> 16, head >> 8 & 0xff);
            cx.uint(&ID_AFI, at, 2, afi);
            cx.uint(&ID_ADDR_LENGTH, at.saturating_add(2), 1, len);
            let at = at.saturating_add(4);
            let used = address(cx, &ID_IPV4, &ID_IPV6, at, afi);
            if used == 0 {
                cx.raw(&ID_ADDRESS, at, len.min(end.saturating_sub(at)));
            }
        }
        _ => cx.raw(&DATA, at, end.saturating_sub(at)),
    }
}

fn word(cx: &Cx<'_>, at: u32, end: u32) -> Option<u32> {
    (at.saturating_add(4) <= end).then(|| cx.u32(at)).flatten()
}

/// Adds an address of a known family; returns its length, 0 if it is none.
fn address(cx: &mut Cx<'_>, v4: &'static Spec, v6: &'static Spec, at: u32, afi: u32) -> u32 {
    if let (1, Some(bytes)) = (afi, cx.array::<4>(at)) {
        cx.add(v4, at, 4, Value::Ipv4(Ipv4Addr::from(bytes)));
        return 4;
    }
    if let (2, Some(bytes)) = (afi, cx.array::<16>(at)) {
        cx.add(v6, at, 16, Value::Ipv6(Ipv6Addr::from(bytes)));
        return 16;
    }
    0
}

/// A name padded with NUL bytes.
fn name(cx: &mut Cx<'_>, spec: &'static Spec, at: u32, len: u32) {
    let padding = cx.bytes(at, len).map_or(0, |bytes| {
        bytes.iter().rev().take_while(|&&byte| byte == 0).count()
    });
    let padding = u32::try_from(padding).unwrap_or(0);
    cx.text(spec, at, len.saturating_sub(padding));
}

/// The facts worth a word in one line: labels, interface name, index and address.
pub(super) fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let mut labels = 0;
    for field in packet.fields_of(layer) {
        let number = field.value.as_u64();
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        let _ = match field.value {
            Value::Uint(label) if is(&MPLS_LABEL) => {
                labels = 1;
                write!(out, ", MPLS label {label}")
            }
            Value::Uint(ttl) if is(&MPLS_TTL) && labels > 0 => write!(out, " ttl {ttl}"),
            Value::Text(from, to) if is(&NAME) || is(&ID_NAME) => {
                write!(out, ", interface {}", packet.text(from, to))
            }
            Value::Ipv4(address) if is(&IPV4) || is(&ID_IPV4) => {
                write!(out, ", interface {address}")
            }
            Value::Ipv6(address) if is(&IPV6) || is(&ID_IPV6) => {
                write!(out, ", interface {address}")
            }
            _ if is(&INDEX) || is(&ID_INDEX) => {
                write!(out, ", interface index {}", number.unwrap_or(0))
            }
            _ => Ok(()),
        };
    }
}
