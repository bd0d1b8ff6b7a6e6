//! The words of `rawsock echo` for what is said, as text, in the tutorial's layout and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::net::echo::{Kind, Said, Side};
use crate::net::traced::Address;
use crate::view::calls::time;
use crate::view::escape::{escape, escape_into};
use crate::view::hex::render_hex;
use crate::view::python;

/// The tutorial's prompt.
pub const PROMPT: &str = "请输入您想说的话:";
/// The answer of the tutorial's TCP server.
pub const TCP_REPLY: &str = "服务器端已经拿到你的消息";
/// The answer of the tutorial's UDP server, spelt as there.
pub const UDP_REPLY: &str = "Server has receive your data";

/// The name of a side.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

/// An address as this kind has it: raw sockets know no ports.
fn shown(kind: Kind, address: &Address) -> String {
    match address {
        Address::Inet(inet) if !kind.has_ports() => inet.ip().to_string(),
        _ => address.to_string(),
    }
}

/// `5 bytes from 127.0.0.1:9000: hello (0.118 ms)`, with a line feed.
pub fn message(
    kind: Kind,
    from: &Address,
    bytes: &[u8],
    full: usize,
    after: Option<Duration>,
) -> String {
    let count = bytes.len();
    let ending = if count == 1 { "" } else { "s" };
    let mut text = format!("{count} byte{ending} from {}", shown(kind, from));
    if full > count {
        let lost = full - count;
        let _ = write!(text, " ({lost} more were cut off: --read-size)");
    }
    if count > 0 {
        text.push_str(": ");
        escape_into(bytes, &mut text);
    }
    if let Some(after) = after {
        let _ = write!(text, " ({})", time(after));
    }
    text.push('\n');
    text
}

/// A message alone, with a line feed.
pub fn only_text(bytes: &[u8]) -> String {
    format!("{}\n", escape(bytes))
}

/// A hex dump, indented.
pub fn dump(bytes: &[u8], out: &mut String) {
    let mut dump = String::new();
    render_hex(bytes, &mut dump);
    // `message` has ended its line; the dump begins on the next.
    out.pop();
    for line in dump.lines() {
        out.push('\t');
        out.push_str(line);
        out.push('\n');
    }
}

/// What the tutorial's program prints of a message.
pub fn tutorial(side: Side, kind: Kind, from: &Address, bytes: &[u8]) -> String {
    if side == Side::Server && kind.is_connected() {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => python::pprint(text),
            // Python would end with UnicodeDecodeError here.
            Err(_) => python::repr(&escape(bytes)).replace("\\\\x", "\\x"),
        };
        let from = match from {
            Address::Inet(address) => python::address(address),
            other => python::repr(&other.to_string()),
        };
        return format!("{text}\n{from}\n");
    }
    // print(): line feeds and tabs as they are; what would steer a terminal is escaped.
    let mut text = String::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            text.push('\n');
        }
        for (index, cell) in line.split(|byte| *byte == b'\t').enumerate() {
            if index > 0 {
                text.push('\t');
            }
            escape_into(cell, &mut text);
        }
    }
    text.push('\n');
    text
}

/// What is told on stderr.
pub fn aside(kind: Kind, said: Said<'_>) -> Option<String> {
    let name = kind.name();
    Some(match said {
        Said::Listening(at) => {
            let at = shown(kind, at);
            let verb = if kind.is_connected() {
                "listening"
            } else {
                "receiving"
            };
            format!("{verb} on {at} ({name})")
        }
        Said::Connected { local, peer } => {
            format!("{} -> {} connected", shown(kind, peer), shown(kind, local))
        }
        Said::Missing { number, waited } => {
            format!("message {number}: no answer within {}", time(waited))
        }
        Said::Closed {
            peer,
            why,
            received,
            sent,
        } => {
            let peer = shown(kind, peer);
            let why = escape(why);
            format!("{peer} closed: {why}; {received} bytes in, {sent} out")
        }
        Said::Note(text) => escape(text).into_owned(),
        Said::Message { .. } | Said::Step(_) | Said::Prompt => return None,
    })
}

/// As one JSON object.
pub fn json(whose: Side, said: Said<'_>) -> Option<Value> {
    let side = side(whose);
    Some(match said {
        Said::Listening(at) => {
            json!({"type": "listening", "side": side, "address": at.to_string()})
        }
        Said::Connected { local, peer } => json!({
            "type": "connected", "side": side, "local": local.to_string(),
            "peer": peer.to_string(),
        }),
        Said::Message {
            from,
            bytes,
            full,
            after,
        } => json!({
            "type": "message", "side": side, "from": from.to_string(),
            "bytes": bytes.len(), "full": full, "text": String::from_utf8_lossy(bytes),
            "hex": hex(bytes), "after": after.map(|span| span.as_secs_f64()),
        }),
        Said::Missing { number, waited } => json!({
            "type": "missing", "side": side, "number": number, "waited": waited.as_secs_f64(),
        }),
        Said::Closed {
            peer,
            why,
            received,
            sent,
        } => json!({
            "type": "closed", "side": side, "peer": peer.to_string(), "why": why,
            "received": received, "sent": sent,
        }),
        Said::Note(text) => json!({"type": "note", "side": side, "text": text}),
        Said::Step(_) | Said::Prompt => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from() -> Address {
        Address::Inet("127.0.0.1:51978".parse().unwrap())
    }

    #[test]
    fn the_tutorials_layout() {
        let text = tutorial(Side::Server, Kind::Tcp, &from(), "你好".as_bytes());
        assert_eq!(text, "'你好'\n('127.0.0.1', 51978)\n");
        let text = tutorial(Side::Server, Kind::Udp, &from(), "你好".as_bytes());
        assert_eq!(text, "你好\n");
        let cut = tutorial(Side::Server, Kind::Tcp, &from(), b"a\xe4\xbd");
        assert_eq!(cut, "'a\\xe4\\xbd'\n('127.0.0.1', 51978)\n");
        assert_eq!((TCP_REPLY.len(), UDP_REPLY.len()), (36, 28));
    }

    #[test]
    fn a_cut_character_is_shown_by_its_bytes() {
        let bytes = &"你好".as_bytes()[..4];
        let text = message(
            Kind::Tcp,
            &from(),
            bytes,
            4,
            Some(Duration::from_micros(118)),
        );
        assert_eq!(text, "4 bytes from 127.0.0.1:51978: 你\\xe5 (118 us)\n");
        let text = message(Kind::Udp, &from(), b"x", 7, None);
        assert_eq!(
            text,
            "1 byte from 127.0.0.1:51978 (6 more were cut off: --read-size): x\n"
        );
        assert_eq!(
            message(Kind::Udp, &from(), b"", 0, None),
            "0 bytes from 127.0.0.1:51978\n"
        );
    }
}
