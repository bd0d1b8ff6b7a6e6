//! HTTP/1: the first line and the header fields of a message, as text. The body stays data; what
//! begins in the middle of a message is left to others.

use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Value};

specs! {
    METHOD = "http.request.method", "Method", Show::Plain, "RFC 9112 3.1",
        "What is to be done with the resource.";
    URI = "http.request.uri", "Target", Show::Plain, "RFC 9112 3.2",
        "Which resource is meant.";
    REQUEST_VERSION = "http.request.version", "Version", Show::Plain, "RFC 9112 2.3",
        "Version of the protocol that the client speaks.";
    REQUEST_LINE = "http.request.line", "Header field", Show::Plain, "RFC 9112 5",
        "One header field of a request.";
    RESPONSE_VERSION = "http.response.version", "Version", Show::Plain, "RFC 9112 2.3",
        "Version of the protocol that the server speaks.";
    CODE = "http.response.code", "Status", Show::Dec, "RFC 9110 15",
        "How it went: 2 is done, 3 elsewhere, 4 a wrong request, 5 a fault of the server.";
    PHRASE = "http.response.phrase", "Reason", Show::Plain, "RFC 9112 4",
        "The status in words, for people.";
    RESPONSE_LINE = "http.response.line", "Header field", Show::Plain, "RFC 9112 5",
        "One header field of a response.";
    HOST = "http.host", "Host", Show::Plain, "RFC 9110 7.2",
        "Which of the server's sites is meant.";
}

/// RFC 9110 9, RFC 5789, and what WebDAV (RFC 4918) and its kin add.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"PRI",
];

/// Header fields that are shown; a head with more goes on as data.
const MAX_LINES: usize = 100;

/// Hypertext Transfer Protocol.
pub static PROTO: Proto = Proto {
    key: "http",
    name: "Hypertext Transfer Protocol",
    rfc: "RFC 9112",
    claims: &[
        Claim::TcpPort(80),
        Claim::TcpPort(3128),
        Claim::TcpPort(8000),
        Claim::TcpPort(8008),
        Claim::TcpPort(8080),
        Claim::TcpPort(8888),
    ],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "request",
            bytes: b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        },
        Sample {
            name: "response",
            bytes: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        },
    ],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    let bytes = cx.rest();
    let response = bytes.starts_with(b"HTTP/1.");
    let method = bytes.split(|&byte| byte == b' ').next().unwrap_or(&[]);
    // A method alone could be the end of something else: a blank must follow.
    if !response && (!METHODS.contains(&method) || method.len() >= bytes.len()) {
        return Next::Decline;
    }
    cx.partial();
    let (first, mut at) = line(bytes, 0);
    if response {
        status(cx, first);
    } else {
        request(cx, first);
    }
    let spec = if response {
        &RESPONSE_LINE
    } else {
        &REQUEST_LINE
    };
    for _ in 0..MAX_LINES {
        let (text, next) = line(bytes, at);
        if next == at {
            break;
        }
        if text.is_empty() {
            at = next;
            break;
        }
        let (from, len) = (number(at), number(text.len()));
        cx.text(spec, from, len);
        host(cx, text, from);
        at = next;
    }
    cx.set_header(number(at));
    if at >= bytes.len() && cx.have() < cx.len() {
        let _ = cx.need(cx.len());
        return Next::Done;
    }
    Next::data(number(at)..cx.len())
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The line at `at` without its end, and where the next one begins. RFC 9112 2.2: a bare line feed
/// ends it too.
fn line(bytes: &[u8], at: usize) -> (&[u8], usize) {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let end = rest.iter().position(|&byte| byte == b'\n');
    let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    let next = end.map_or(bytes.len(), |end| at.saturating_add(end).saturating_add(1));
    (line.strip_suffix(b"\r").unwrap_or(line), next)
}

/// `METHOD target HTTP/1.1`; a target may hold blanks if the client is careless.
fn request(cx: &mut Cx<'_>, line: &[u8]) {
    let method = line.iter().position(|&byte| byte == b' ');
    let method = method.unwrap_or(line.len());
    cx.text(&METHOD, 0, number(method));
    let from = method.saturating_add(1);
    let rest = line.get(from..).unwrap_or(&[]);
    let last = rest.iter().rposition(|&byte| byte == b' ');
    let version = last.filter(|last| rest.get(last.saturating_add(1)..).is_some_and(is_version));
    let uri = version.unwrap_or(rest.len());
    cx.text(&URI, number(from), number(uri));
    if let Some(blank) = version {
        let at = from.saturating_add(blank).saturating_add(1);
        cx.text(&REQUEST_VERSION, number(at), 8);
    }
}

fn is_version(text: &[u8]) -> bool {
    text.starts_with(b"HTTP/") && text.len() == 8
}

/// `HTTP/1.1 200 OK`.
fn status(cx: &mut Cx<'_>, line: &[u8]) {
    cx.text(&RESPONSE_VERSION, 0, number(line.len().min(8)));
    let code = line.get(9..12).unwrap_or(&[]);
    if !code.is_empty() && code.iter().all(u8::is_ascii_digit) {
        let code = code.iter().fold(0u16, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u16::from(digit.saturating_sub(b'0')))
        });
        cx.uint(&CODE, 9, 3, code);
    }
    if line.len() > 13 {
        cx.text(&PHRASE, 13, number(line.len().saturating_sub(13)));
    }
}

fn host(cx: &mut Cx<'_>, line: &[u8], at: u32) {
    let Some((name, value)) = line.split_at_checked(5) else {
        return;
    };
    if name.eq_ignore_ascii_case(b"host:") {
        let blanks = value.iter().take_while(|&&byte| byte == b' ').count();
        let from = at.saturating_add(5).saturating_add(number(blanks));
        let len = number(value.trim_ascii().len());
        cx.text(&HOST, from, len);
    }
}

/// `HTTP GET /index.html, host example.com`; `HTTP 200 OK`.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let text = |spec| match packet.field(layer, spec).map(|field| field.value) {
        Some(Value::Text(from, to)) => Some(packet.text(from, to)),
        Some(_) => Some("?"),
        None => None,
    };
    out.push_str("HTTP");
    let code = packet.field(layer, &CODE).and_then(|f| f.value.as_u64());
    if let Some(code) = code {
        push_number(" ", code, out);
    }
    let words = [
        (" ", text(&METHOD)),
        (" ", text(&URI)),
        (" ", text(&PHRASE)),
    ];
    for (before, word) in words.into_iter().chain([(", host ", text(&HOST))]) {
        out.extend(word.into_iter().flat_map(|word| [before, word]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{decoded, problems};
    use crate::decode::{LinkType, tcp};

    fn segment(data: &[u8]) -> Packet {
        let mut bytes = vec![
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        bytes.extend([
            0xc3, 0x50, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 16, 1, 0, 0, 0, 0, 0,
        ]);
        bytes.extend(data);
        bytes[3] = u8::try_from(bytes.len()).unwrap();
        decoded(LinkType::Raw, &bytes, bytes.len())
    }

    fn line(packet: &Packet) -> String {
        let mut out = String::new();
        let last = packet
            .layers()
            .iter()
            .rfind(|layer| layer.proto.key == "http");
        summary(packet, last.expect("a layer"), &mut out);
        out
    }

    #[test]
    fn first_lines_are_read_also_careless_ones() {
        for (text, expected) in [
            (
                &b"GET / HTTP/1.1\r\nHost:  a.b \r\n\r\n"[..],
                "HTTP GET /, host a.b",
            ),
            (b"GET /a b HTTP/1.0\n\n", "HTTP GET /a b"),
            (b"GET /cut", "HTTP GET /cut"),
            (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404 Not Found"),
            (b"HTTP/1.1 2", "HTTP"),
        ] {
            let packet = segment(text);
            assert_eq!(line(&packet), expected);
            assert_eq!(problems(&packet), ["ip.checksum.bad", "tcp.checksum.bad"]);
        }
    }

    #[test]
    fn the_middle_of_a_message_is_data() {
        for text in [&b"GETTER"[..], b"GET", b"\x16\x03\x01\0\x05", b"lo, world"] {
            let packet = segment(text);
            assert!(packet.layer("http").is_none(), "{text:?}");
            assert!(packet.layer("data").is_some(), "{text:?}");
            assert_eq!(packet.number(&tcp::DST_PORT), Some(80));
        }
    }
}
