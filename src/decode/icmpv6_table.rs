//! ICMPv6 messages besides errors, echo, neighbours and groups, as a table of parts for each. Options
//! of RPL stay bytes.

use std::net::Ipv6Addr;

use super::dns_name::{Message, name};
use super::icmpv6::RESERVED;
use super::icmpv6_more::{
    ACK_DODAG, ACK_FLAGS, ACK_INSTANCE, ACK_NAMED, ACK_SEQUENCE, ACK_STATUS, CC_COUNTER, CC_DODAG,
    CC_FLAGS, CC_INSTANCE, CC_NONCE, CC_RESPONSE, DA_ADDRESS, DA_EUI64, DA_LIFETIME, DA_STATUS,
    DAO_ACK, DAO_DODAG, DAO_FLAGS, DAO_INSTANCE, DAO_NAMED, DAO_SEQUENCE, DIO_DODAG, DIO_DTSN,
    DIO_FLAGS, DIO_GROUNDED, DIO_INSTANCE, DIO_MODE, DIO_PREFERENCE, DIO_RANK, DIO_VERSION,
    DIS_FLAGS, FMIP_ID, FMIP_SUBTYPE, MIP_AGENT, MIP_FLAGS, MIP_ID, MIP_MANAGED, MIP_OTHER,
    NI_ADDRESS4, NI_ADDRESS6, NI_ALL, NI_COMPATIBLE, NI_DATA, NI_FLAGS, NI_GLOBAL, NI_LINK,
    NI_NAME, NI_NONCE, NI_SITE, NI_SUBJECT_NAME, NI_SUBJECT4, NI_SUBJECT6, NI_TRUNCATED, NI_TTL,
    NI_TYPE, RPL_DATA, RPL_LENGTH, RPL_OPTION, RPL_TYPE, RR_ALL, RR_DELAY, RR_FLAG_MASK, RR_FLAGS,
    RR_KEEP_LEN, RR_LENGTH, RR_MATCH, RR_MATCH_LEN, RR_MATCH_PREFIX, RR_MAX_LEN, RR_MIN_LEN,
    RR_OPCODE, RR_ORDINAL, RR_PREFERRED, RR_PROCESSED, RR_RA_FLAGS, RR_REPORT, RR_REPORT_FLAGS,
    RR_REPORT_INTERFACE, RR_REPORT_LEN, RR_REPORT_ORDINAL, RR_REPORT_PREFIX, RR_RESULT, RR_SEGMENT,
    RR_SEQUENCE, RR_SITE, RR_TEST, RR_USE, RR_USE_FLAGS, RR_USE_LEN, RR_USE_PREFIX, RR_VALID,
    SEND_ALL, SEND_COMPONENT, SEND_ID,
};
use super::{Cx, Next, Spec, Value, mld, ndp};

/// One part of a message.
enum Part {
    U8(&'static Spec),
    U16(&'static Spec),
    U32(&'static Spec),
    U64(&'static Spec),
    V6(&'static Spec),
    Raw(&'static Spec, u32),
    /// One byte, or two, with the bits that have a meaning.
    Bits8(&'static Spec, &'static [(&'static Spec, u8)]),
    Bits16(&'static Spec, &'static [(&'static Spec, u16)]),
}

/// What follows the parts.
enum Tail {
    Nothing,
    Data,
    /// Options of neighbour discovery.
    Options,
    RplOptions,
    /// Addresses of home agents.
    Agents,
    Renumbering,
    Node,
}

/// Type, code if it matters, parts from byte 4 on, and the rest.
struct Row(u8, Option<u8>, &'static [Part], Tail);

static NI_BITS: &[(&Spec, u16)] = &[
    (&NI_GLOBAL, 0x20),
    (&NI_SITE, 0x10),
    (&NI_LINK, 8),
    (&NI_COMPATIBLE, 4),
    (&NI_ALL, 2),
    (&NI_TRUNCATED, 1),
];

static TABLE: &[Row] = &[
    Row(
        138,
        None,
        &[
            Part::U32(&RR_SEQUENCE),
            Part::U8(&RR_SEGMENT),
            Part::Bits8(
                &RR_FLAGS,
                &[
                    (&RR_TEST, 0x80),
                    (&RR_RESULT, 0x40),
                    (&RR_ALL, 0x20),
                    (&RR_SITE, 0x10),
                    (&RR_PROCESSED, 8),
                ],
            ),
            Part::U16(&RR_DELAY),
            Part::Raw(&RESERVED, 4),
        ],
        Tail::Renumbering,
    ),
    Row(139, None, NODE, Tail::Node),
    Row(140, None, NODE, Tail::Node),
    Row(141, None, &[Part::Raw(&RESERVED, 4)], Tail::Options),
    Row(142, None, &[Part::Raw(&RESERVED, 4)], Tail::Options),
    Row(144, None, MIP, Tail::Nothing),
    Row(145, None, MIP, Tail::Agents),
    Row(146, None, MIP, Tail::Nothing),
    Row(
        147,
        None,
        &[
            Part::U16(&MIP_ID),
            Part::Bits16(&MIP_FLAGS, &[(&MIP_MANAGED, 0x8000), (&MIP_OTHER, 0x4000)]),
        ],
        Tail::Options,
    ),
    Row(
        148,
        None,
        &[Part::U16(&SEND_ID), Part::U16(&SEND_COMPONENT)],
        Tail::Options,
    ),
    Row(
        149,
        None,
        &[
            Part::U16(&SEND_ID),
            Part::U16(&SEND_ALL),
            Part::U16(&SEND_COMPONENT),
            Part::Raw(&RESERVED, 2),
        ],
        Tail::Options,
    ),
    Row(152, None, &[Part::Raw(&RESERVED, 4)], Tail::Nothing),
    Row(153, None, &[Part::Raw(&RESERVED, 4)], Tail::Nothing),
    Row(
        154,
        None,
        &[
            Part::U8(&FMIP_SUBTYPE),
            Part::Raw(&RESERVED, 1),
            Part::U16(&FMIP_ID),
        ],
        Tail::Options,
    ),
    Row(
        155,
        Some(0),
        &[Part::U8(&DIS_FLAGS), Part::Raw(&RESERVED, 1)],
        Tail::RplOptions,
    ),
    Row(
        155,
        Some(1),
        &[
            Part::U8(&DIO_INSTANCE),
            Part::U8(&DIO_VERSION),
            Part::U16(&DIO_RANK),
            Part::Bits8(
                &DIO_FLAGS,
                &[
                    (&DIO_GROUNDED, 0x80),
                    (&DIO_MODE, 0x38),
                    (&DIO_PREFERENCE, 7),
                ],
            ),
            Part::U8(&DIO_DTSN),
            Part::Raw(&RESERVED, 2),
            Part::V6(&DIO_DODAG),
        ],
        Tail::RplOptions,
    ),
    Row(
        155,
        Some(2),
        &[
            Part::U8(&DAO_INSTANCE),
            Part::Bits8(&DAO_FLAGS, &[(&DAO_ACK, 0x80), (&DAO_NAMED, 0x40)]),
            Part::Raw(&RESERVED, 1),
            Part::U8(&DAO_SEQUENCE),
        ],
        Tail::RplOptions,
    ),
    Row(
        155,
        Some(3),
        &[
            Part::U8(&ACK_INSTANCE),
            Part::Bits8(&ACK_FLAGS, &[(&ACK_NAMED, 0x80)]),
            Part::U8(&ACK_SEQUENCE),
            Part::U8(&ACK_STATUS),
        ],
        Tail::RplOptions,
    ),
    Row(
        155,
        Some(0x8a),
        &[
            Part::U8(&CC_INSTANCE),
            Part::Bits8(&CC_FLAGS, &[(&CC_RESPONSE, 0x80)]),
            Part::U16(&CC_NONCE),
            Part::V6(&CC_DODAG),
            Part::U32(&CC_COUNTER),
        ],
        Tail::Data,
    ),
    Row(157, None, DUPLICATE, Tail::Data),
    Row(158, None, DUPLICATE, Tail::Data),
];

static NODE: &[Part] = &[
    Part::U16(&NI_TYPE),
    Part::Bits16(&NI_FLAGS, NI_BITS),
    Part::U64(&NI_NONCE),
];

static MIP: &[Part] = &[Part::U16(&MIP_ID), Part::Raw(&RESERVED, 2)];

static DUPLICATE: &[Part] = &[
    Part::U8(&DA_STATUS),
    Part::Raw(&RESERVED, 1),
    Part::U16(&DA_LIFETIME),
    Part::Raw(&DA_EUI64, 8),
    Part::V6(&DA_ADDRESS),
];

/// Reads a message of the table, the first four bytes of which are done; `None` for others.
pub(super) fn decode(cx: &mut Cx<'_>, kind: u8, code: u8) -> Option<Next> {
    let Row(.., parts, tail) = TABLE
        .iter()
        .find(|row| row.0 == kind && row.1.is_none_or(|only| only == code))?;
    let mut at = 4;
    for part in *parts {
        at = read(cx, part, at);
    }
    cx.set_header(at);
    if let 152 | 153 = kind {
        mld::router_discovery(cx, kind);
    }
    if !cx.need(at) {
        return Some(Next::Done);
    }
    if !matches!(tail, Tail::Nothing | Tail::Data) {
        cx.set_header(cx.len());
    }
    match tail {
        Tail::Nothing | Tail::Data => return Some(Next::data(at..cx.len())),
        Tail::Options => {
            let _ = ndp::options(cx, at);
        }
        Tail::RplOptions => rpl(cx, code, at),
        Tail::Agents => {
            while at < cx.len() && cx.need(at.saturating_add(16)) {
                at = read(cx, &Part::V6(&MIP_AGENT), at);
            }
        }
        Tail::Renumbering => renumbering(cx, code, at),
        Tail::Node => node(cx, kind, code, at),
    }
    Some(Next::Done)
}

/// Returns where the part ends. What was not captured is not added.
fn read(cx: &mut Cx<'_>, part: &Part, at: u32) -> u32 {
    let len = match part {
        Part::U8(spec) => {
            let value = cx.u8(at).unwrap_or(0);
            cx.uint(spec, at, 1, value);
            1
        }
        Part::U16(spec) => {
            let value = cx.u16(at).unwrap_or(0);
            cx.uint(spec, at, 2, value);
            2
        }
        Part::U32(spec) => {
            let value = cx.u32(at).unwrap_or(0);
            cx.uint(spec, at, 4, value);
            4
        }
        Part::U64(spec) => {
            let value = cx.array(at).map_or(0, u64::from_be_bytes);
            cx.uint(spec, at, 8, value);
            8
        }
        Part::V6(spec) => {
            let address = cx.array::<16>(at).map_or(Ipv6Addr::UNSPECIFIED, Into::into);
            cx.add(spec, at, 16, Value::Ipv6(address));
            16
        }
        Part::Raw(spec, len) => {
            cx.raw(spec, at, *len);
            *len
        }
        Part::Bits8(spec, bits) => {
            let value = cx.u8(at).unwrap_or(0);
            let group = cx.open(spec, at, 1, Value::Uint(value.into()));
            for (spec, mask) in *bits {
                bit(cx, spec, at, 1, value.into(), (*mask).into());
            }
            cx.close(group);
            1
        }
        Part::Bits16(spec, bits) => {
            let value = cx.u16(at).unwrap_or(0);
            let group = cx.open(spec, at, 2, Value::Uint(value.into()));
            for (spec, mask) in *bits {
                bit(cx, spec, at, 2, value, *mask);
            }
            cx.close(group);
            2
        }
    };
    at.saturating_add(len)
}

/// One bit is a flag, several are a number.
fn bit(cx: &mut Cx<'_>, spec: &'static Spec, at: u32, len: u32, value: u16, mask: u16) {
    let field = (value & mask) >> mask.trailing_zeros();
    let value = match mask.count_ones() {
        1 => Value::Bool(field != 0),
        _ => Value::Uint(field.into()),
    };
    cx.add(spec, at, len, value);
}

static MATCH_PART: &[Part] = &[
    Part::U8(&RR_OPCODE),
    Part::U8(&RR_LENGTH),
    Part::U8(&RR_ORDINAL),
    Part::U8(&RR_MATCH_LEN),
    Part::U8(&RR_MIN_LEN),
    Part::U8(&RR_MAX_LEN),
    Part::Raw(&RESERVED, 2),
    Part::V6(&RR_MATCH_PREFIX),
];

static USE_PART: &[Part] = &[
    Part::U8(&RR_USE_LEN),
    Part::U8(&RR_KEEP_LEN),
    Part::U8(&RR_FLAG_MASK),
    Part::U8(&RR_RA_FLAGS),
    Part::U32(&RR_VALID),
    Part::U32(&RR_PREFERRED),
    Part::U32(&RR_USE_FLAGS),
    Part::V6(&RR_USE_PREFIX),
];

static REPORT_PART: &[Part] = &[
    Part::U16(&RR_REPORT_FLAGS),
    Part::U8(&RR_REPORT_ORDINAL),
    Part::U8(&RR_REPORT_LEN),
    Part::U32(&RR_REPORT_INTERFACE),
    Part::V6(&RR_REPORT_PREFIX),
];

/// A group of parts; `None` if it is not whole.
fn part(cx: &mut Cx<'_>, spec: &'static Spec, parts: &[Part], at: u32, len: u32) -> Option<u32> {
    let group = cx.open(spec, at, len, Value::None);
    let mut end = at;
    for part in parts {
        end = read(cx, part, end);
    }
    cx.close(group);
    cx.need(end).then_some(end)
}

/// RFC 2894 3.2 and 3.3.
fn renumbering(cx: &mut Cx<'_>, code: u8, mut at: u32) {
    while at < cx.len() {
        if code == 1 {
            match part(cx, &RR_REPORT, REPORT_PART, at, 24) {
                Some(end) => at = end,
                None => return,
            }
            continue;
        }
        let units = u32::from(cx.u8(at.saturating_add(1)).unwrap_or(0));
        let end = at.saturating_add(units.saturating_mul(8));
        if code != 0 || !cx.need(at.saturating_add(2)) {
            return;
        }
        // RFC 2894 3.2.1: 3 units and 4 for each new prefix.
        if units % 4 != 3 || end > cx.len() {
            let text = format!("an operation of {units} units of 8 bytes");
            let key = "icmpv6.rr.oplength";
            cx.invalid(at.saturating_add(1), 1, key, "RFC 2894 3.2.1", text);
            return;
        }
        let Some(mut next) = part(cx, &RR_MATCH, MATCH_PART, at, 24) else {
            return;
        };
        while next < end {
            match part(cx, &RR_USE, USE_PART, next, 32) {
                Some(after) => next = after,
                None => return,
            }
        }
        at = end;
    }
}

/// RFC 4620 5 and 6: the subject of a query, the data of an answer.
fn node(cx: &mut Cx<'_>, kind: u8, code: u8, mut at: u32) {
    let message = Message {
        base: at,
        end: cx.len(),
    };
    let left = cx.len().saturating_sub(at);
    let asked = cx.u16(4).unwrap_or(0);
    match (kind, code, asked) {
        (139, 0, _) if left == 16 => {
            let _ = read(cx, &Part::V6(&NI_SUBJECT6), at);
        }
        (139, 1, _) if left > 0 => {
            let _ = name(cx, message, &NI_SUBJECT_NAME, at);
        }
        (139, 2, _) if left == 4 => {
            if let Some(address) = cx.array::<4>(at) {
                cx.add(&NI_SUBJECT4, at, 4, Value::Ipv4(address.into()));
            }
        }
        (140, 0, 2) if left > 4 => {
            at = read(cx, &Part::U32(&NI_TTL), at);
            while at < cx.len() {
                match name(cx, message, &NI_NAME, at) {
                    Some(end) => at = end,
                    None => return,
                }
            }
        }
        (140, 0, 3) => {
            while at < cx.len() && cx.need(at.saturating_add(20)) {
                at = read(cx, &Part::U32(&NI_TTL), at);
                at = read(cx, &Part::V6(&NI_ADDRESS6), at);
            }
        }
        (140, 0, 4) => {
            while at < cx.len() && cx.need(at.saturating_add(8)) {
                at = read(cx, &Part::U32(&NI_TTL), at);
                if let Some(address) = cx.array::<4>(at) {
                    cx.add(&NI_ADDRESS4, at, 4, Value::Ipv4(address.into()));
                }
                at = at.saturating_add(4);
            }
        }
        _ => cx.raw(&NI_DATA, at, cx.have().saturating_sub(at)),
    }
}

/// The graph's name, if a flag says so, and the options.
fn rpl(cx: &mut Cx<'_>, code: u8, mut at: u32) {
    let flags = cx.u8(5).unwrap_or(0);
    let named = match code {
        2 if flags & 0x40 != 0 => Some(&DAO_DODAG),
        3 if flags & 0x80 != 0 => Some(&ACK_DODAG),
        _ => None,
    };
    if let Some(spec) = named {
        at = read(cx, &Part::V6(spec), at);
        if !cx.need(at) {
            return;
        }
    }
    while let Some(kind) = cx.u8(at) {
        let length = match kind {
            0 => None,
            _ => Some(u32::from(cx.u8(at.saturating_add(1)).unwrap_or(0))),
        };
        let end = at.saturating_add(length.map_or(1, |length| length.saturating_add(2)));
        let group = cx.open(&RPL_OPTION, at, end.saturating_sub(at), Value::None);
        cx.uint(&RPL_TYPE, at, 1, kind);
        if let Some(length) = length {
            cx.uint(&RPL_LENGTH, at.saturating_add(1), 1, length);
            cx.raw(&RPL_DATA, at.saturating_add(2), length);
        }
        cx.close(group);
        if end > cx.len() {
            let left = cx.len().saturating_sub(at);
            let text = format!(
                "option {kind} claims {} bytes, there are {left}",
                end.saturating_sub(at)
            );
            cx.invalid(at, 2, "icmpv6.rpl.opt.length", "RFC 6550 6.7.1", text);
            return;
        }
        at = end;
    }
    let _ = cx.need(cx.len());
}
