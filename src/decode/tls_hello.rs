//! The hellos of a TLS handshake: versions, cipher suites, and the extensions that say where a
//! connection goes (server name, ALPN, versions, groups). Other extensions stay bytes.
//!
//! ```text
//! | version 2 | random 32 | length 1 | session id | length 2 | cipher suites | length 1 | compression |
//! | length 2 | extensions: type 2, length 2, data |
//! ```

use super::spec::specs;
use super::tls_names::{cipher_name, extension_name, group_name, version_name};
use super::{Cx, Layer, Packet, Show, Spec, Value};

specs! {
    VERSION = "tls.handshake.version", "Version", Show::Named(version_name), "RFC 8446 4.1.2",
        "The highest version, before there was an extension for it.";
    RANDOM = "tls.handshake.random", "Random", Show::Plain, "RFC 8446 4.1.2",
        "32 random bytes.";
    SESSION_LENGTH = "tls.handshake.session_id_length", "Session ID length",
        Show::Unit("bytes"), "RFC 8446 4.1.2", "Length of the session ID.";
    SESSION = "tls.handshake.session_id", "Session ID", Show::Plain, "RFC 8446 4.1.2",
        "Once for resuming a session, now for old boxes on the way.";
    CIPHERS_LENGTH = "tls.handshake.cipher_suites_length", "Cipher suites length",
        Show::Unit("bytes"), "RFC 8446 4.1.2", "Length of the list.";
    CIPHER = "tls.handshake.ciphersuite", "Cipher suite", Show::Named(cipher_name),
        "RFC 8446 4.1.2", "A way to encrypt: offered by the client, chosen by the server.";
    COMPRESSIONS_LENGTH = "tls.handshake.comp_methods_length", "Compression methods length",
        Show::Unit("bytes"), "RFC 8446 4.1.2", "Length of the list.";
    COMPRESSION = "tls.handshake.comp_method", "Compression", Show::Dec, "RFC 8446 4.1.2",
        "0: none; compression leaks secrets.";
    EXTENSIONS_LENGTH = "tls.handshake.extensions_length", "Extensions length",
        Show::Unit("bytes"), "RFC 8446 4.2", "Length of all extensions.";
    EXTENSION = "tls.extension", "Extension", Show::Plain, "RFC 8446 4.2",
        "One extension of the hello.";
    EXTENSION_TYPE = "tls.handshake.extension.type", "Type", Show::Named(extension_name),
        "RFC 8446 4.2", "Which extension this is.";
    EXTENSION_LENGTH = "tls.handshake.extension.len", "Length", Show::Unit("bytes"),
        "RFC 8446 4.2", "Length of its data.";
    EXTENSION_DATA = "tls.handshake.extension.data", "Data", Show::Plain, "RFC 8446 4.2",
        "Data of an extension that we do not read further.";
    NAMES_LENGTH = "tls.handshake.extensions_server_name_list_len", "List length",
        Show::Unit("bytes"), "RFC 6066 3", "Length of the list of names.";
    NAME_TYPE = "tls.handshake.extensions_server_name_type", "Name type", Show::Dec,
        "RFC 6066 3", "0 is a host name.";
    NAME_LENGTH = "tls.handshake.extensions_server_name_len", "Name length",
        Show::Unit("bytes"), "RFC 6066 3", "Length of the name.";
    SERVER_NAME = "tls.handshake.extensions_server_name", "Server name", Show::Plain,
        "RFC 6066 3", "Which host the client wants (SNI), in clear text.";
    ALPN_LENGTH = "tls.handshake.extensions_alpn_len", "List length", Show::Unit("bytes"),
        "RFC 7301 3.1", "Length of the list of protocols.";
    ALPN_NAME_LENGTH = "tls.handshake.extensions_alpn_str_len", "Name length",
        Show::Unit("bytes"), "RFC 7301 3.1", "Length of one protocol's name.";
    ALPN = "tls.handshake.extensions_alpn_str", "Protocol", Show::Plain, "RFC 7301 3.1",
        "A protocol to speak inside: offered by the client, chosen by the server.";
    VERSIONS_LENGTH = "tls.handshake.extensions.supported_versions_len", "List length",
        Show::Unit("bytes"), "RFC 8446 4.2.1", "Length of the list of versions.";
    SUPPORTED_VERSION = "tls.handshake.extensions.supported_version", "Version",
        Show::Named(version_name), "RFC 8446 4.2.1",
        "A version: offered by the client, chosen by the server.";
    GROUPS_LENGTH = "tls.handshake.extensions_supported_groups_length", "List length",
        Show::Unit("bytes"), "RFC 8446 4.2.7", "Length of the list of groups.";
    GROUP = "tls.handshake.extensions_supported_group", "Group", Show::Named(group_name),
        "RFC 8446 4.2.7", "A way to agree on keys, the preferred one first.";
}

/// Reads a hello up to `end`: less than its length field says if it goes on in another record.
pub(super) fn decode(cx: &mut Cx<'_>, client: bool, at: u32, end: u32) {
    let place = |offset: u32| at.saturating_add(offset);
    if place(35) > end {
        return;
    }
    let version = cx.u16(at).unwrap_or(0);
    cx.uint(&VERSION, at, 2, version);
    cx.raw(&RANDOM, place(2), 32);
    let session = u32::from(cx.u8(place(34)).unwrap_or(0));
    cx.uint(&SESSION_LENGTH, place(34), 1, session);
    cx.raw(&SESSION, place(35), session);
    let mut at = place(35).saturating_add(session);
    if client {
        let length = short(cx, &CIPHERS_LENGTH, at);
        at = at.saturating_add(2);
        let list = at.saturating_add(length).min(end);
        at = words(cx, &CIPHER, at, list);
        let length = u32::from(cx.u8(at).unwrap_or(0));
        cx.uint(&COMPRESSIONS_LENGTH, at, 1, length);
        for _ in 0..length {
            at = at.saturating_add(1);
            let method = cx.u8(at).unwrap_or(0);
            cx.uint(&COMPRESSION, at, 1, method);
        }
        at = at.saturating_add(1);
    } else {
        let _ = short(cx, &CIPHER, at);
        at = at.saturating_add(2);
        let method = cx.u8(at).unwrap_or(0);
        cx.uint(&COMPRESSION, at, 1, method);
        at = at.saturating_add(1);
    }
    if at.saturating_add(2) > end {
        return;
    }
    let length = short(cx, &EXTENSIONS_LENGTH, at);
    at = at.saturating_add(2);
    let claimed = at.saturating_add(length);
    extensions(cx, client, at, claimed.min(end));
}

fn short(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) -> u32 {
    let value = cx.u16(at).unwrap_or(0);
    cx.uint(spec, at, 2, value);
    value.into()
}

/// A list of 16-bit numbers; returns where it ends.
fn words(cx: &mut Cx<'_>, spec: &'static Spec, mut at: u32, end: u32) -> u32 {
    while at.saturating_add(2) <= end && at < cx.have() {
        let _ = short(cx, spec, at);
        at = at.saturating_add(2);
    }
    end
}

fn extensions(cx: &mut Cx<'_>, client: bool, mut at: u32, end: u32) {
    while at.saturating_add(4) <= end.min(cx.have()) {
        let kind = cx.u16(at).unwrap_or(0);
        let length = u32::from(cx.u16(at.saturating_add(2)).unwrap_or(0));
        let from = at.saturating_add(4);
        let after = from.saturating_add(length);
        let open = cx.open(&EXTENSION, at, after.saturating_sub(at), Value::None);
        cx.uint(&EXTENSION_TYPE, at, 2, kind);
        cx.uint(&EXTENSION_LENGTH, at.saturating_add(2), 2, length);
        if after <= end {
            extension(cx, client, kind, from, after);
        } else if end < cx.len() {
            let left = end.saturating_sub(from);
            let text = format!("an extension of {length} bytes, the list leaves {left}");
            cx.invalid(at, 4, "tls.extension.len", "RFC 8446 4.2", text);
        }
        cx.close(open);
        at = after;
    }
}

fn extension(cx: &mut Cx<'_>, client: bool, kind: u16, at: u32, end: u32) {
    let place = |offset: u32| at.saturating_add(offset);
    match (kind, end.saturating_sub(at)) {
        (0, 5..) => {
            let _ = short(cx, &NAMES_LENGTH, at);
            let kind = cx.u8(place(2)).unwrap_or(0);
            cx.uint(&NAME_TYPE, place(2), 1, kind);
            let length = short(cx, &NAME_LENGTH, place(3));
            if place(5).saturating_add(length) <= end {
                cx.text(&SERVER_NAME, place(5), length);
            }
        }
        (16, 2..) => {
            let _ = short(cx, &ALPN_LENGTH, at);
            let mut at = place(2);
            while at < end.min(cx.have()) {
                let length = u32::from(cx.u8(at).unwrap_or(0));
                cx.uint(&ALPN_NAME_LENGTH, at, 1, length);
                let from = at.saturating_add(1);
                at = from.saturating_add(length);
                if at <= end {
                    cx.text(&ALPN, from, length);
                }
            }
        }
        (43, 1..) if client => {
            let length = cx.u8(at).unwrap_or(0);
            cx.uint(&VERSIONS_LENGTH, at, 1, length);
            words(cx, &SUPPORTED_VERSION, place(1), end);
        }
        (43, 2) => {
            let _ = short(cx, &SUPPORTED_VERSION, at);
        }
        (10, 2..) => {
            let _ = short(cx, &GROUPS_LENGTH, at);
            words(cx, &GROUP, place(2), end);
        }
        (_, length) => cx.raw(&EXTENSION_DATA, at, length),
    }
}

/// `, example.com, ALPN h2 http/1.1`; of a server's hello the version and the cipher suite.
pub(super) fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let server = packet.field(layer, &CIPHERS_LENGTH).is_none();
    let mut protocols = 0u8;
    for field in packet.fields_of(layer) {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        let words = match field.value {
            Value::Text(from, to) if is(&SERVER_NAME) => [", ", packet.text(from, to)],
            Value::Text(from, to) if is(&ALPN) => {
                protocols = protocols.saturating_add(1);
                let before = if protocols == 1 { ", ALPN " } else { " " };
                [before, packet.text(from, to)]
            }
            Value::Uint(value) if server && is(&SUPPORTED_VERSION) => {
                [", ", version_name(value).unwrap_or("unknown version")]
            }
            Value::Uint(value) if server && is(&CIPHER) => {
                [", ", cipher_name(value).unwrap_or("unknown cipher suite")]
            }
            _ => continue,
        };
        out.extend(words);
    }
}
