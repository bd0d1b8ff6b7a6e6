//! What the records of DNS hold, as a table of parts for each type; EDNS options and service
//! parameters. Types that are not in the table stay bytes.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::dns_name::{Message, name};
use super::dns_types::{algorithm_name, extended_error, option_name, parameter_name, type_name};
use super::spec::specs;
use super::text::push_number;
use super::{Cx, Field, Packet, Show, Spec, Value};

specs! {
    A = "dns.a", "Address", Show::Plain, "RFC 1035 3.4.1",
        "An IPv4 address of the name.";
    AAAA = "dns.aaaa", "Address", Show::Plain, "RFC 3596 2.2",
        "An IPv6 address of the name.";
    NS = "dns.ns", "Name server", Show::Plain, "RFC 1035 3.3.11",
        "A server that knows the names of this zone.";
    CNAME = "dns.cname", "Canonical name", Show::Plain, "RFC 1035 3.3.1",
        "The name is another name for this one.";
    DNAME = "dns.dname", "Target", Show::Plain, "RFC 6672 2.1",
        "All names below are names below this one.";
    PTR = "dns.ptr.domain_name", "Domain name", Show::Plain, "RFC 1035 3.3.12",
        "The name of an address, or an instance of a service.";
    MX_PREFERENCE = "dns.mx.preference", "Preference", Show::Dec, "RFC 1035 3.3.9",
        "The lowest is tried first.";
    MX = "dns.mx.mail_exchange", "Mail server", Show::Plain, "RFC 1035 3.3.9",
        "A host that takes mail for the name.";
    TXT_LENGTH = "dns.txt.length", "Text length", Show::Unit("bytes"), "RFC 1035 3.3.14",
        "Length of one text.";
    TXT = "dns.txt", "Text", Show::Plain, "RFC 1035 3.3.14",
        "Free text; others give it a meaning.";
    SOA_MNAME = "dns.soa.mname", "Primary server", Show::Plain, "RFC 1035 3.3.13",
        "The server where the zone is edited.";
    SOA_RNAME = "dns.soa.rname", "Mailbox", Show::Plain, "RFC 1035 3.3.13",
        "Who is responsible; the first dot stands for an @.";
    SOA_SERIAL = "dns.soa.serial_number", "Serial number", Show::Dec, "RFC 1035 3.3.13",
        "Grows with every change of the zone.";
    SOA_REFRESH = "dns.soa.refresh_interval", "Refresh", Show::Unit("s"), "RFC 1035 3.3.13",
        "How often the other servers look for a change.";
    SOA_RETRY = "dns.soa.retry_interval", "Retry", Show::Unit("s"), "RFC 1035 3.3.13",
        "How long they wait after a look that failed.";
    SOA_EXPIRE = "dns.soa.expire_limit", "Expire", Show::Unit("s"), "RFC 1035 3.3.13",
        "When they stop to answer without a sign of the primary server.";
    SOA_MINIMUM = "dns.soa.minimum_ttl", "Negative TTL", Show::Unit("s"), "RFC 2308 4",
        "How long it may be remembered that a name does not exist.";
    SRV_PRIORITY = "dns.srv.priority", "Priority", Show::Dec, "RFC 2782",
        "The lowest is tried first.";
    SRV_WEIGHT = "dns.srv.weight", "Weight", Show::Dec, "RFC 2782",
        "Share of the load among equals.";
    SRV_PORT = "dns.srv.port", "Port", Show::Dec, "RFC 2782",
        "Where the service listens.";
    SRV_TARGET = "dns.srv.target", "Target", Show::Plain, "RFC 2782",
        "The host that offers the service.";
    CAA_FLAGS = "dns.caa.flags", "Flags", Show::Hex(2), "RFC 8659 4.1",
        "0x80: who does not know the tag must not issue a certificate.";
    CAA_TAG_LENGTH = "dns.caa.tag_length", "Tag length", Show::Unit("bytes"), "RFC 8659 4.1",
        "Length of the tag.";
    CAA_TAG = "dns.caa.tag", "Tag", Show::Plain, "RFC 8659 4.1",
        "What the value says: issue, issuewild or iodef.";
    CAA_VALUE = "dns.caa.value", "Value", Show::Plain, "RFC 8659 4.1",
        "Which authority may issue certificates.";
    DS_KEY = "dns.ds.key_id", "Key tag", Show::Dec, "RFC 4034 5.1",
        "Which key of the zone below is meant.";
    DS_ALGORITHM = "dns.ds.algorithm", "Algorithm", Show::Named(algorithm_name), "RFC 4034 5.1",
        "How that key signs.";
    DS_DIGEST_TYPE = "dns.ds.digest_type", "Digest type", Show::Dec, "RFC 4034 5.1",
        "How the digest was made; 2 is SHA-256.";
    DS_DIGEST = "dns.ds.digest", "Digest", Show::Plain, "RFC 4034 5.1",
        "Digest of that key.";
    SIG_COVERED = "dns.rrsig.type_covered", "Type covered", Show::Named(type_name),
        "RFC 4034 3.1", "Which records are signed.";
    SIG_ALGORITHM = "dns.rrsig.algorithm", "Algorithm", Show::Named(algorithm_name),
        "RFC 4034 3.1", "How they are signed.";
    SIG_LABELS = "dns.rrsig.labels", "Labels", Show::Dec, "RFC 4034 3.1",
        "Labels of the name; fewer than it has if it came from a wildcard.";
    SIG_TTL = "dns.rrsig.original_ttl", "Original TTL", Show::Unit("s"), "RFC 4034 3.1",
        "Time to live as it was signed.";
    SIG_EXPIRATION = "dns.rrsig.signature_expiration", "Expires", Show::Unit("s"),
        "RFC 4034 3.1", "Seconds since 1970 at which the signature ends.";
    SIG_INCEPTION = "dns.rrsig.signature_inception", "Begins", Show::Unit("s"), "RFC 4034 3.1",
        "Seconds since 1970 at which the signature begins.";
    SIG_KEY = "dns.rrsig.key_tag", "Key tag", Show::Dec, "RFC 4034 3.1",
        "Which key signed.";
    SIG_SIGNER = "dns.rrsig.signers_name", "Signer", Show::Plain, "RFC 4034 3.1",
        "The zone that signed.";
    SIG = "dns.rrsig.signature", "Signature", Show::Plain, "RFC 4034 3.1",
        "The signature itself.";
    KEY_FLAGS = "dns.dnskey.flags", "Flags", Show::Hex(4), "RFC 4034 2.1",
        "0x100: signs the zone; 0x1: signs the keys of the zone.";
    KEY_PROTOCOL = "dns.dnskey.protocol", "Protocol", Show::Dec, "RFC 4034 2.1",
        "Always 3.";
    KEY_ALGORITHM = "dns.dnskey.algorithm", "Algorithm", Show::Named(algorithm_name),
        "RFC 4034 2.1", "How the key signs.";
    KEY = "dns.dnskey.public_key", "Public key", Show::Plain, "RFC 4034 2.1",
        "The key itself.";
    NSEC_NEXT = "dns.nsec.next_domain_name", "Next name", Show::Plain, "RFC 4034 4.1",
        "No name exists between the record's and this one.";
    SVC_PRIORITY = "dns.svcb.svcpriority", "Priority", Show::Dec, "RFC 9460 2.1",
        "The lowest is tried first; 0 means another name for the service.";
    SVC_TARGET = "dns.svcb.targetname", "Target", Show::Plain, "RFC 9460 2.1",
        "The host that offers the service; a dot is the name itself.";
    SVC_PARAMETER = "dns.svcb.svcparam", "Parameter", Show::Plain, "RFC 9460 2.2",
        "One fact about the service.";
    SVC_KEY = "dns.svcb.svcparam.key", "Key", Show::Named(parameter_name), "RFC 9460 2.2",
        "Which fact.";
    SVC_LENGTH = "dns.svcb.svcparam.value.length", "Length", Show::Unit("bytes"), "RFC 9460 2.2",
        "Length of the value.";
    SVC_VALUE = "dns.svcb.svcparam.value", "Value", Show::Plain, "RFC 9460 2.2",
        "Value of a parameter that we cannot read further.";
    SVC_MANDATORY = "dns.svcb.svcparam.mandatory.key", "Mandatory key",
        Show::Named(parameter_name), "RFC 9460 8", "Who does not know it must not use the record.";
    SVC_ALPN_LENGTH = "dns.svcb.svcparam.alpn.length", "Length", Show::Unit("bytes"),
        "RFC 9460 7.1.1", "Length of one protocol's name.";
    SVC_ALPN = "dns.svcb.svcparam.alpn", "Protocol", Show::Plain, "RFC 9460 7.1.1",
        "A protocol that the service speaks: h2, h3.";
    SVC_PORT = "dns.svcb.svcparam.port", "Port", Show::Dec, "RFC 9460 7.2",
        "Where the service listens.";
    SVC_IPV4 = "dns.svcb.svcparam.ipv4hint.ip", "Address", Show::Plain, "RFC 9460 7.3",
        "An address to begin with.";
    SVC_IPV6 = "dns.svcb.svcparam.ipv6hint.ip", "Address", Show::Plain, "RFC 9460 7.3",
        "An address to begin with.";
    DATA = "dns.data", "Data", Show::Plain, "RFC 1035 4.1.3",
        "Data of a record that we cannot read further.";
    UDP_SIZE = "dns.rr.udp_payload_size", "UDP size", Show::Unit("bytes"), "RFC 6891 6.1.2",
        "Largest UDP message that the sender takes.";
    EXT_RCODE = "dns.resp.ext_rcode", "Extended response code", Show::Hex(2), "RFC 6891 6.1.3",
        "Higher bits of the response code.";
    EDNS_VERSION = "dns.resp.edns0_version", "EDNS version", Show::Dec, "RFC 6891 6.1.3",
        "Version of the extension; 0.";
    EDNS_Z = "dns.resp.z", "EDNS flags", Show::Hex(4), "RFC 6891 6.1.4",
        "The DO bit and 15 bits that must be zero.";
    DNSSEC_OK = "dns.resp.z.do", "DNSSEC wanted", Show::Plain, "RFC 3225 3",
        "The answer should hold the DNSSEC records.";
    OPTION = "dns.opt", "Option", Show::Plain, "RFC 6891 6.1.2",
        "One option of EDNS.";
    OPTION_CODE = "dns.opt.code", "Code", Show::Named(option_name), "RFC 6891 6.1.2",
        "Which option this is.";
    OPTION_LENGTH = "dns.opt.len", "Length", Show::Unit("bytes"), "RFC 6891 6.1.2",
        "Length of the option's data.";
    OPTION_DATA = "dns.opt.data", "Data", Show::Plain, "RFC 6891 6.1.2",
        "The option's data.";
    SUBNET_FAMILY = "dns.opt.client.family", "Family", Show::Dec, "RFC 7871 6",
        "1 is IPv4, 2 is IPv6.";
    SUBNET_SOURCE = "dns.opt.client.netmask", "Source prefix", Show::Unit("bits"), "RFC 7871 6",
        "How much of the client's address is told.";
    SUBNET_SCOPE = "dns.opt.client.scope", "Scope prefix", Show::Unit("bits"), "RFC 7871 6",
        "For how many bits the answer holds.";
    SUBNET_IPV4 = "dns.opt.client.addr4", "Client subnet", Show::Plain, "RFC 7871 6",
        "The network that the client is in.";
    SUBNET_IPV6 = "dns.opt.client.addr6", "Client subnet", Show::Plain, "RFC 7871 6",
        "The network that the client is in.";
    COOKIE_CLIENT = "dns.opt.cookie.client", "Client cookie", Show::Plain, "RFC 7873 4.1",
        "Chosen by the client for this server.";
    COOKIE_SERVER = "dns.opt.cookie.server", "Server cookie", Show::Plain, "RFC 7873 4.2",
        "Sent back, it proves that the client has its address.";
    ERROR_CODE = "dns.opt.ext_error.info_code", "Extended error", Show::Named(extended_error),
        "RFC 8914 2", "Why the question could not be answered.";
    ERROR_TEXT = "dns.opt.ext_error.extra_text", "Text", Show::Plain, "RFC 8914 2",
        "The same in the server's words.";
}

/// One part of a record's data.
enum Part {
    U8(&'static Spec),
    U16(&'static Spec),
    U32(&'static Spec),
    V4(&'static Spec),
    V6(&'static Spec),
    Name(&'static Spec),
    /// A length byte and as much text.
    Text(&'static Spec, &'static Spec),
    /// Such texts up to the end.
    Texts(&'static Spec, &'static Spec),
    /// Text up to the end.
    Words(&'static Spec),
    /// Bytes up to the end.
    Rest(&'static Spec),
    /// Service parameters up to the end.
    Parameters,
    /// EDNS options up to the end.
    Options,
}

/// What a record of a type holds; the types that are not here stay bytes.
static LAYOUTS: &[(u16, &[Part])] = &[
    (1, &[Part::V4(&A)]),
    (2, &[Part::Name(&NS)]),
    (5, &[Part::Name(&CNAME)]),
    (
        6,
        &[
            Part::Name(&SOA_MNAME),
            Part::Name(&SOA_RNAME),
            Part::U32(&SOA_SERIAL),
            Part::U32(&SOA_REFRESH),
            Part::U32(&SOA_RETRY),
            Part::U32(&SOA_EXPIRE),
            Part::U32(&SOA_MINIMUM),
        ],
    ),
    (12, &[Part::Name(&PTR)]),
    (15, &[Part::U16(&MX_PREFERENCE), Part::Name(&MX)]),
    (16, &[Part::Texts(&TXT_LENGTH, &TXT)]),
    (28, &[Part::V6(&AAAA)]),
    (
        33,
        &[
            Part::U16(&SRV_PRIORITY),
            Part::U16(&SRV_WEIGHT),
            Part::U16(&SRV_PORT),
            Part::Name(&SRV_TARGET),
        ],
    ),
    (39, &[Part::Name(&DNAME)]),
    (41, &[Part::Options]),
    (
        43,
        &[
            Part::U16(&DS_KEY),
            Part::U8(&DS_ALGORITHM),
            Part::U8(&DS_DIGEST_TYPE),
            Part::Rest(&DS_DIGEST),
        ],
    ),
    (
        46,
        &[
            Part::U16(&SIG_COVERED),
            Part::U8(&SIG_ALGORITHM),
            Part::U8(&SIG_LABELS),
            Part::U32(&SIG_TTL),
            Part::U32(&SIG_EXPIRATION),
            Part::U32(&SIG_INCEPTION),
            Part::U16(&SIG_KEY),
            Part::Name(&SIG_SIGNER),
            Part::Rest(&SIG),
        ],
    ),
    (47, &[Part::Name(&NSEC_NEXT), Part::Rest(&DATA)]),
    (
        48,
        &[
            Part::U16(&KEY_FLAGS),
            Part::U8(&KEY_PROTOCOL),
            Part::U8(&KEY_ALGORITHM),
            Part::Rest(&KEY),
        ],
    ),
    (
        64,
        &[
            Part::U16(&SVC_PRIORITY),
            Part::Name(&SVC_TARGET),
            Part::Parameters,
        ],
    ),
    (
        65,
        &[
            Part::U16(&SVC_PRIORITY),
            Part::Name(&SVC_TARGET),
            Part::Parameters,
        ],
    ),
    (
        257,
        &[
            Part::U8(&CAA_FLAGS),
            Part::Text(&CAA_TAG_LENGTH, &CAA_TAG),
            Part::Words(&CAA_VALUE),
        ],
    ),
];

/// The class and the time to live of an EDNS record, which mean something else (RFC 6891 6.1.2).
pub(super) fn edns(cx: &mut Cx<'_>, at: u32) {
    let place = |offset: u32| at.saturating_add(offset);
    let size = cx.u16(at).unwrap_or(0);
    cx.uint(&UDP_SIZE, at, 2, size);
    let [code, version, high, low] = cx.array(place(2)).unwrap_or([0; 4]);
    cx.uint(&EXT_RCODE, place(2), 1, code);
    cx.uint(&EDNS_VERSION, place(3), 1, version);
    let flags = u16::from_be_bytes([high, low]);
    let group = cx.open(&EDNS_Z, place(4), 2, Value::Uint(flags.into()));
    cx.add(&DNSSEC_OK, place(4), 2, Value::Bool(flags & 0x8000 != 0));
    cx.close(group);
}

/// Reads the data of a record of this type. A record of another operation (an update) may be empty.
pub(super) fn decode(cx: &mut Cx<'_>, message: Message, kind: u16, range: Range<u32>) {
    let Range { start: mut at, end } = range;
    if at == end {
        return;
    }
    let layout = LAYOUTS.iter().find(|(number, _)| *number == kind);
    for part in layout.map_or(&[Part::Rest(&DATA)][..], |(_, parts)| parts) {
        let Some(after) = read(cx, message, part, at, end) else {
            return;
        };
        if after > end {
            let text = format!(
                "data of a record of type {kind} need {} bytes more than its length",
                after.saturating_sub(end)
            );
            cx.invalid(
                at,
                end.saturating_sub(at),
                "dns.data",
                "RFC 1035 4.1.3",
                text,
            );
            return;
        }
        at = after;
    }
    if at < end {
        cx.raw(&DATA, at, end.saturating_sub(at));
        let text = format!(
            "{} bytes too many in a record of type {kind}",
            end.saturating_sub(at)
        );
        cx.invalid(
            at,
            end.saturating_sub(at),
            "dns.data",
            "RFC 1035 4.1.3",
            text,
        );
    }
}

/// Returns where the part ends as it claims; `None` after a name that cannot be read.
fn read(cx: &mut Cx<'_>, message: Message, part: &Part, at: u32, end: u32) -> Option<u32> {
    let place = |offset: u32| at.saturating_add(offset);
    let left = end.saturating_sub(at);
    // Fields that would go past the record are left out; the caller says so.
    let room = |need: u32| need <= left;
    Some(match part {
        Part::U8(spec) => {
            let value = cx.u8(at).unwrap_or(0);
            if room(1) {
                cx.uint(spec, at, 1, value);
            }
            place(1)
        }
        Part::U16(spec) => {
            let value = cx.u16(at).unwrap_or(0);
            if room(2) {
                cx.uint(spec, at, 2, value);
            }
            place(2)
        }
        Part::U32(spec) => {
            let value = cx.u32(at).unwrap_or(0);
            if room(4) {
                cx.uint(spec, at, 4, value);
            }
            place(4)
        }
        Part::V4(spec) => {
            if let (true, Some(bytes)) = (room(4), cx.array::<4>(at)) {
                cx.add(spec, at, 4, Value::Ipv4(bytes.into()));
            }
            place(4)
        }
        Part::V6(spec) => {
            if let (true, Some(bytes)) = (room(16), cx.array::<16>(at)) {
                cx.add(spec, at, 16, Value::Ipv6(bytes.into()));
            }
            place(16)
        }
        Part::Name(spec) => name(cx, message, spec, at)?,
        Part::Text(length, spec) => text(cx, length, spec, at, end),
        Part::Texts(length, spec) => {
            let mut at = at;
            while at < end && at < cx.have() {
                at = text(cx, length, spec, at, end);
            }
            at.max(end)
        }
        Part::Words(spec) => {
            cx.text(spec, at, left);
            end
        }
        Part::Rest(spec) => {
            cx.raw(spec, at, left);
            end
        }
        Part::Parameters => list(cx, &PARAMETERS, at, end),
        Part::Options => list(cx, &OPTIONS, at, end),
    })
}

fn text(cx: &mut Cx<'_>, length: &'static Spec, spec: &'static Spec, at: u32, end: u32) -> u32 {
    let claimed = u32::from(cx.u8(at).unwrap_or(0));
    let from = at.saturating_add(1);
    let after = from.saturating_add(claimed);
    cx.uint(length, at, 1, claimed);
    if after <= end {
        cx.text(spec, from, claimed);
    }
    after
}

/// A list of key, length and value.
struct List {
    item: &'static Spec,
    key: &'static Spec,
    length: &'static Spec,
    value: fn(&mut Cx<'_>, u16, u32, u32),
}

static PARAMETERS: List = List {
    item: &SVC_PARAMETER,
    key: &SVC_KEY,
    length: &SVC_LENGTH,
    value: parameter,
};

static OPTIONS: List = List {
    item: &OPTION,
    key: &OPTION_CODE,
    length: &OPTION_LENGTH,
    value: option,
};

/// Returns where the list ends as its last item claims.
fn list(cx: &mut Cx<'_>, list: &List, mut at: u32, end: u32) -> u32 {
    while at < end {
        let Some([a, b, c, d]) = cx.array(at) else {
            break;
        };
        let (key, length) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let from = at.saturating_add(4);
        let after = from.saturating_add(length.into());
        if after > end {
            return after;
        }
        let group = cx.open(list.item, at, after.saturating_sub(at), Value::None);
        cx.uint(list.key, at, 2, key);
        cx.uint(list.length, at.saturating_add(2), 2, length);
        (list.value)(cx, key, from, after);
        cx.close(group);
        at = after;
    }
    at.max(end)
}

fn parameter(cx: &mut Cx<'_>, key: u16, mut at: u32, end: u32) {
    let step = match key {
        0 => 2,
        1 => 1,
        4 => 4,
        6 => 16,
        3 if end.saturating_sub(at) == 2 => {
            let port = cx.u16(at).unwrap_or(0);
            cx.uint(&SVC_PORT, at, 2, port);
            return;
        }
        _ => {
            cx.raw(&SVC_VALUE, at, end.saturating_sub(at));
            return;
        }
    };
    while at.saturating_add(step) <= end && at < cx.have() {
        match key {
            0 => {
                let key = cx.u16(at).unwrap_or(0);
                cx.uint(&SVC_MANDATORY, at, 2, key);
            }
            1 => {
                at = text(cx, &SVC_ALPN_LENGTH, &SVC_ALPN, at, end);
                continue;
            }
            4 => {
                let address = cx.array::<4>(at).map_or(Ipv4Addr::UNSPECIFIED, Into::into);
                cx.add(&SVC_IPV4, at, 4, Value::Ipv4(address));
            }
            _ => {
                let address = cx.array::<16>(at).map_or(Ipv6Addr::UNSPECIFIED, Into::into);
                cx.add(&SVC_IPV6, at, 16, Value::Ipv6(address));
            }
        }
        at = at.saturating_add(step);
    }
}

fn option(cx: &mut Cx<'_>, code: u16, at: u32, end: u32) {
    let len = end.saturating_sub(at);
    let place = |offset: u32| at.saturating_add(offset);
    match (code, len) {
        (8, 4..) => {
            let [high, family, source, scope] = cx.array(at).unwrap_or([0; 4]);
            cx.uint(&SUBNET_FAMILY, at, 2, u16::from_be_bytes([high, family]));
            cx.uint(&SUBNET_SOURCE, place(2), 1, source);
            cx.uint(&SUBNET_SCOPE, place(3), 1, scope);
            subnet(cx, family, place(4), end);
        }
        (10, 8..) => {
            cx.raw(&COOKIE_CLIENT, at, 8);
            cx.raw(&COOKIE_SERVER, place(8), len.saturating_sub(8));
        }
        (15, 2..) => {
            let info = cx.u16(at).unwrap_or(0);
            cx.uint(&ERROR_CODE, at, 2, info);
            if len > 2 {
                cx.text(&ERROR_TEXT, place(2), len.saturating_sub(2));
            }
        }
        _ => cx.raw(&OPTION_DATA, at, len),
    }
}

/// An address of which only the bytes that count are sent.
fn subnet(cx: &mut Cx<'_>, family: u8, at: u32, end: u32) {
    let len = end.saturating_sub(at);
    let mut whole = [0u8; 16];
    let sent = cx.bytes(at, len.min(16)).unwrap_or(&[]);
    whole
        .iter_mut()
        .zip(sent)
        .for_each(|(to, from)| *to = *from);
    match (family, len, whole) {
        (1, 0..=4, [a, b, c, d, ..]) => {
            cx.add(&SUBNET_IPV4, at, len, Value::Ipv4([a, b, c, d].into()));
        }
        (2, 0..=16, _) => cx.add(&SUBNET_IPV6, at, len, Value::Ipv6(whole.into())),
        _ => cx.raw(&OPTION_DATA, at, len),
    }
}

/// The data of the record whose fields these are, up to the next record's name, as far as they are
/// worth a word.
pub(super) fn summary<'a>(
    packet: &Packet,
    fields: impl Iterator<Item = &'a Field>,
    out: &mut String,
) {
    for field in fields.take_while(|field| field.value != Value::None) {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        match field.value {
            Value::Ipv4(address) if is(&A) => {
                let _ = write!(out, " {address}");
            }
            Value::Ipv6(address) if is(&AAAA) => {
                let _ = write!(out, " {address}");
            }
            Value::Text(from, to)
                if [
                    &NS,
                    &CNAME,
                    &DNAME,
                    &PTR,
                    &MX,
                    &SRV_TARGET,
                    &SVC_TARGET,
                    &SOA_MNAME,
                ]
                .into_iter()
                .any(is) =>
            {
                out.extend([" ", packet.text(from, to)]);
            }
            Value::Text(from, to) if is(&TXT) => {
                let _ = write!(out, " \"{}\"", packet.text(from, to));
            }
            Value::Uint(port) if is(&SRV_PORT) => push_number(" port ", port, out),
            _ => {}
        }
    }
}
