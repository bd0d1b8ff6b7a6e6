//! TLS records and what of the handshake is readable: hellos with server name and protocols, alerts.
//! Names are in `tls_names`, the extensions in `tls_hello`. What is encrypted stays bytes.
//!
//! ```text
//! +---------------+-------------------------------+-------------------------------+
//! | content type  |            version            |            length             |   record
//! +---------------+-------------------------------+-------------------------------+
//! |     type      |                    length                     |                   handshake
//! ```

use std::fmt::Write as _;

use super::spec::specs;
use super::text::push_number;
use super::tls_names::{alert_level, alert_name, content_name, handshake_name, version_name};
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Spec, Value, tls_hello};

specs! {
    RECORD = "tls.record", "Record", Show::Plain, "RFC 8446 5.1",
        "One piece of the stream.";
    CONTENT_TYPE = "tls.record.content_type", "Content type", Show::Named(content_name),
        "RFC 8446 5.1", "What the record carries.";
    RECORD_VERSION = "tls.record.version", "Version", Show::Named(version_name), "RFC 8446 5.1",
        "Kept at TLS 1.2 or lower for old boxes on the way.";
    RECORD_LENGTH = "tls.record.length", "Length", Show::Unit("bytes"), "RFC 8446 5.1",
        "Bytes of the record behind this field.";
    HANDSHAKE = "tls.handshake", "Handshake", Show::Plain, "RFC 8446 4",
        "One message of the handshake.";
    HANDSHAKE_TYPE = "tls.handshake.type", "Type", Show::Named(handshake_name), "RFC 8446 4",
        "Which message this is.";
    HANDSHAKE_LENGTH = "tls.handshake.length", "Length", Show::Unit("bytes"), "RFC 8446 4",
        "Bytes of the message behind this field.";
    ALERT_LEVEL = "tls.alert_message.level", "Level", Show::Named(alert_level), "RFC 8446 6",
        "A fatal alert ends the connection.";
    ALERT = "tls.alert_message.desc", "Description", Show::Named(alert_name), "RFC 8446 6.2",
        "What went wrong, or that the connection ends.";
    APP_DATA = "tls.app_data", "Encrypted data", Show::Plain, "RFC 8446 5.2",
        "What the programs say to each other, encrypted.";
}

/// RFC 8446 5.2: 2^14 bytes of text and 256 more; RFC 5246 6.2.3 allowed 2048.
const MAX_RECORD: u16 = 16_384 + 2_048;

/// Transport Layer Security.
pub static PROTO: Proto = Proto {
    key: "tls",
    name: "Transport Layer Security",
    rfc: "RFC 8446",
    claims: &[
        Claim::TcpPort(443),
        Claim::TcpPort(465),
        Claim::TcpPort(636),
        Claim::TcpPort(853),
        Claim::TcpPort(993),
        Claim::TcpPort(995),
        Claim::TcpPort(8443),
    ],
    specs: &[SPECS, tls_hello::SPECS],
    samples: &[
        Sample {
            name: "client hello",
            bytes: &[
                0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x13, 1, 1, 0,
            ],
        },
        Sample {
            name: "alert",
            bytes: &[0x15, 3, 3, 0, 2, 2, 0x28],
        },
        Sample {
            name: "data",
            bytes: &[0x17, 3, 3, 0, 4, 0, 1, 2, 3],
        },
    ],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    if record_head(cx, 0).is_none() {
        return Next::Decline;
    }
    // A record may go on in the next segment.
    cx.partial();
    cx.set_header(cx.len());
    let mut at = 0;
    while at < cx.len() {
        let Some((kind, version, length)) = record_head(cx, at) else {
            if cx.have() < cx.len() {
                let _ = cx.need(cx.len());
                return Next::Done;
            }
            break;
        };
        let from = at.saturating_add(5);
        let end = from.saturating_add(length.into());
        let record = cx.open(&RECORD, at, end.saturating_sub(at), Value::None);
        cx.uint(&CONTENT_TYPE, at, 1, kind);
        cx.uint(&RECORD_VERSION, at.saturating_add(1), 2, version);
        cx.uint(&RECORD_LENGTH, at.saturating_add(3), 2, length);
        match (kind, length) {
            (22, _) => handshakes(cx, from, end),
            (21, 2) => {
                let [level, alert] = cx.array(from).unwrap_or([0; 2]);
                cx.uint(&ALERT_LEVEL, from, 1, level);
                cx.uint(&ALERT, from.saturating_add(1), 1, alert);
            }
            (23, _) => cx.raw(&APP_DATA, from, end.min(cx.have()).saturating_sub(from)),
            _ => {}
        }
        cx.close(record);
        if !cx.need(end) {
            return Next::Done;
        }
        at = end;
    }
    cx.set_header(at);
    Next::data(at..cx.len())
}

/// Type, version and length, if they can be a record's.
fn record_head(cx: &Cx<'_>, at: u32) -> Option<(u8, u16, u16)> {
    let [kind, major, minor, high, low] = cx.array(at)?;
    let length = u16::from_be_bytes([high, low]);
    let good = matches!(kind, 20..=24) && major == 3 && minor <= 4 && length <= MAX_RECORD;
    good.then_some((kind, u16::from_be_bytes([major, minor]), length))
}

/// The messages of one record. In TLS 1.2 encrypted ones have the same content type: what cannot be
/// a message stays bytes.
fn handshakes(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    while at < end.min(cx.have()) {
        let Some(head) = cx.u32(at) else { return };
        let (kind, length) = (u64::from(head >> 24), head & 0xff_ffff);
        if handshake_name(kind).is_none() || length > 0x2_0000 {
            return;
        }
        let from = at.saturating_add(4);
        let after = from.saturating_add(length);
        let group = cx.open(
            &HANDSHAKE,
            at,
            after.min(end).saturating_sub(at),
            Value::None,
        );
        cx.uint(&HANDSHAKE_TYPE, at, 1, kind);
        cx.uint(&HANDSHAKE_LENGTH, at.saturating_add(1), 3, length);
        if let 1 | 2 = kind {
            tls_hello::decode(cx, kind == 1, from, after.min(end));
        }
        cx.close(group);
        at = after;
    }
}

/// `TLS client hello, example.com, ALPN h2 http/1.1`.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    out.push_str("TLS");
    let (mut shown, mut bytes, mut kind) = (0u8, 0u64, 0u64);
    let fields = packet.fields_of(layer);
    for (index, field) in fields.iter().enumerate() {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        let Some(value) = field.value.as_u64() else {
            continue;
        };
        let mut word = None;
        if is(&CONTENT_TYPE) {
            kind = value;
            word = match value {
                21 | 22 => None,
                23 => {
                    // Many records in a row are told as one sum.
                    continue;
                }
                _ => content_name(value),
            };
            let next = fields.get(index.saturating_add(3)).map(|field| field.spec);
            let read = |spec: &'static Spec| next.is_some_and(|next| std::ptr::eq(next, spec));
            if value == 22 && !read(&HANDSHAKE) {
                word = Some("encrypted handshake");
            } else if value == 21 && !read(&ALERT_LEVEL) {
                word = Some("encrypted alert");
            }
        } else if is(&RECORD_LENGTH) && kind == 23 {
            bytes = bytes.saturating_add(value);
        } else if is(&HANDSHAKE_TYPE) {
            word = handshake_name(value);
        } else if is(&ALERT) {
            word = Some(alert_name(value).unwrap_or("unknown alert"));
        } else if is(&ALERT_LEVEL) {
            let before = if shown == 0 { " " } else { ", " };
            let _ = write!(out, "{before}{} alert", alert_level(value).unwrap_or("?"));
            shown = shown.saturating_add(1);
        }
        if let Some(word) = word {
            out.extend([if shown == 0 { " " } else { ", " }, word]);
            shown = shown.saturating_add(1);
            if is(&HANDSHAKE_TYPE) && matches!(value, 1 | 2) {
                tls_hello::summary(packet, layer, out);
            }
        }
    }
    if bytes > 0 {
        out.push_str(if shown == 0 { "" } else { "," });
        push_number(" application data, ", bytes, out);
        out.push_str(" bytes");
    }
}
