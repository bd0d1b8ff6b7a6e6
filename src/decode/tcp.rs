//! TCP headers with their options. No streams: every segment stands alone; numbers counted from the
//! start of a connection come from `relative`.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |          source port          |       destination port        |
//! +-------------------------------+-------------------------------+
//! |                        sequence number                        |
//! |                     acknowledgment number                     |
//! +-------+-------+---------------+-------------------------------+
//! |offset |  res  |     flags     |            window             |
//! +-------+-------+---------------+-------------------------------+
//! |           checksum            |        urgent pointer         |
//! +-------------------------------+-------------------------------+
//! |                   options, if offset > 5 ...                  |
//! ```

use super::cx::fixed;
use super::spec::specs;
use super::text::{Short, Text as _, push_number};
use super::{
    Checksum, Claim, Claims, Cx, Layer, Next, Packet, Proto, Sample, Severity, Show, Value,
    checksum_status,
};

specs! {
    SRC_PORT = "tcp.srcport", "Source port", Show::Dec, "RFC 9293 3.1",
        "Which program on the sending host.";
    DST_PORT = "tcp.dstport", "Destination port", Show::Dec, "RFC 9293 3.1",
        "Which program on the receiving host.";
    SEQ = "tcp.seq_raw", "Sequence number", Show::Dec, "RFC 9293 3.1",
        "Number of the first data byte in the stream, from a random start.";
    ACK = "tcp.ack_raw", "Acknowledgment number", Show::Dec, "RFC 9293 3.1",
        "Number of the next byte that the sender expects.";
    RELATIVE_SEQ = "tcp.seq", "Relative sequence number", Show::Dec, "RFC 9293 3.4",
        "The sequence number counted from the connection's start, or from where it was first seen.";
    RELATIVE_ACK = "tcp.ack", "Relative acknowledgment number", Show::Dec, "RFC 9293 3.4",
        "The acknowledgment number counted the same way.";
    HDR_LEN = "tcp.hdr_len", "Header length", Show::Unit("bytes"), "RFC 9293 3.1",
        "The data offset field times 4: 20 without options, at most 60.";
    FLAGS = "tcp.flags", "Flags", Show::Hex(3), "RFC 9293 3.1",
        "What the segment does to the connection.";
    RES = "tcp.flags.res", "Reserved", Show::Dec, "RFC 9293 3.1",
        "Must be zero.";
    AE = "tcp.flags.ae", "AE", Show::Plain, "RFC 9768 3.1.1",
        "Accurate ECN; once the nonce bit.";
    CWR = "tcp.flags.cwr", "CWR", Show::Plain, "RFC 3168 6.1",
        "The sender has slowed down after a sign of congestion.";
    ECE = "tcp.flags.ece", "ECE", Show::Plain, "RFC 3168 6.1",
        "A packet arrived with a sign of congestion.";
    URG = "tcp.flags.urg", "URG", Show::Plain, "RFC 9293 3.1",
        "The urgent pointer counts.";
    ACK_FLAG = "tcp.flags.ack", "ACK", Show::Plain, "RFC 9293 3.1",
        "The acknowledgment number counts.";
    PSH = "tcp.flags.push", "PSH", Show::Plain, "RFC 9293 3.1",
        "The receiver should hand the data to the program now.";
    RST = "tcp.flags.reset", "RST", Show::Plain, "RFC 9293 3.1",
        "The connection is broken off, or was refused.";
    SYN = "tcp.flags.syn", "SYN", Show::Plain, "RFC 9293 3.1",
        "Opens a connection.";
    FIN = "tcp.flags.fin", "FIN", Show::Plain, "RFC 9293 3.1",
        "The sender will send no more data.";
    WINDOW = "tcp.window_size_value", "Window", Show::Dec, "RFC 9293 3.1",
        "How many more bytes the sender can take, before scaling.";
    CHECKSUM = "tcp.checksum", "Checksum", Show::Hex(4), "RFC 9293 3.1",
        "Guards the segment and the addresses of the IP header.";
    CHECKSUM_CALCULATED = "tcp.checksum_calculated", "Right checksum", Show::Hex(4),
        "RFC 9293 3.1", "What the checksum should be; only shown when it is wrong.";
    CHECKSUM_STATUS = "tcp.checksum.status", "Checksum status", Show::Named(checksum_status),
        "RFC 9293 3.1", "Outcome of computing the checksum again.";
    URGENT = "tcp.urgent_pointer", "Urgent pointer", Show::Dec, "RFC 9293 3.1",
        "Where urgent data end, if URG is set.";
    OPTION = "tcp.option", "Option", Show::Plain, "RFC 9293 3.2",
        "One option of the header.";
    KIND = "tcp.option_kind", "Kind", Show::Named(option_name), "RFC 9293 3.2",
        "What kind of option this is.";
    OPTION_LEN = "tcp.option_len", "Length", Show::Unit("bytes"), "RFC 9293 3.2",
        "Length of the option with its kind and length bytes.";
    MSS = "tcp.options.mss_val", "Maximum segment size", Show::Unit("bytes"), "RFC 9293 3.7.1",
        "Largest segment that the sender can take.";
    WSCALE = "tcp.options.wscale.shift", "Window scale", Show::Unit("bits"), "RFC 7323 2.2",
        "By how many bits windows are shifted to the left.";
    SACK_LEFT = "tcp.options.sack_le", "SACK left edge", Show::Dec, "RFC 2018 3",
        "First byte of a block that arrived out of order.";
    SACK_RIGHT = "tcp.options.sack_re", "SACK right edge", Show::Dec, "RFC 2018 3",
        "The byte after that block.";
    TSVAL = "tcp.options.timestamp.tsval", "Timestamp value", Show::Dec, "RFC 7323 3.2",
        "The sender's clock, in units of its own.";
    TSECR = "tcp.options.timestamp.tsecr", "Timestamp echo reply", Show::Dec, "RFC 7323 3.2",
        "The other side's last timestamp, sent back.";
    OPTION_DATA = "tcp.option_data", "Data", Show::Plain, "RFC 9293 3.2",
        "Bytes of an option that we cannot read further.";
    LEN = "tcp.len", "Data length", Show::Unit("bytes"), "RFC 9293 3.1",
        "Bytes of data in this segment, by the lengths outside.";
}

static SUM: Checksum = Checksum {
    status: &CHECKSUM_STATUS,
    calculated: &CHECKSUM_CALCULATED,
    problem: "tcp.checksum.bad",
    rfc: "RFC 9293 3.1",
    transport: true,
};

/// Transmission Control Protocol.
pub static PROTO: Proto = Proto {
    key: "tcp",
    name: "Transmission Control Protocol",
    rfc: "RFC 9293",
    claims: &[Claim::IpProtocol(6)],
    specs: &[SPECS],
    samples: &[
        Sample {
            name: "",
            bytes: &[
                0xc3, 0x50, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 0xfa, 0xf0, 0, 0, 0, 0,
            ],
        },
        Sample {
            name: "with the options of a first segment",
            bytes: &[
                0xc3, 0x50, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0xa0, 2, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4,
                5, 0xb4, 4, 2, 8, 0x0a, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
            ],
        },
    ],
    decode,
    summary,
};

/// IANA "TCP Option Kind Numbers", those in use.
pub fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "end of option list",
        1 => "no operation",
        2 => "maximum segment size",
        3 => "window scale",
        4 => "SACK permitted",
        5 => "SACK",
        8 => "timestamps",
        19 => "MD5 signature (obsolete)",
        27 => "quick start",
        28 => "user timeout",
        29 => "authentication (TCP-AO)",
        30 => "multipath TCP",
        34 => "fast open cookie",
        69 => "encryption negotiation",
        172 | 174 => "accurate ECN order",
        253 | 254 => "experiment",
        _ => return None,
    })
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<20>();
    let (source, destination) = (
        u16::from_be_bytes([h[0], h[1]]),
        u16::from_be_bytes([h[2], h[3]]),
    );
    let header = u32::from(h[12] >> 4).saturating_mul(4);
    let flags = u16::from_be_bytes([h[12] & 15, h[13]]);
    cx.set_header(header.max(20));
    let checksum = u16::from_be_bytes([h[16], h[17]]);
    let uint = |value: u16| Value::Uint(value.into());
    let long = |a, b, c, d| Value::Uint(u32::from_be_bytes([a, b, c, d]).into());
    let bit = |bit: u16| Value::Bool(flags & bit != 0);
    fixed!(
        cx,
        20,
        (0, &SRC_PORT, 0, 2, uint(source)),
        (0, &DST_PORT, 2, 2, uint(destination)),
        (0, &SEQ, 4, 4, long(h[4], h[5], h[6], h[7])),
        (0, &ACK, 8, 4, long(h[8], h[9], h[10], h[11])),
        (0, &HDR_LEN, 12, 1, Value::Uint(header.into())),
        (0, &FLAGS, 12, 2, uint(flags)),
        (1, &RES, 12, 1, uint(flags >> 9 & 7)),
        (1, &AE, 12, 1, bit(0x100)),
        (1, &CWR, 13, 1, bit(0x80)),
        (1, &ECE, 13, 1, bit(0x40)),
        (1, &URG, 13, 1, bit(0x20)),
        (1, &ACK_FLAG, 13, 1, bit(0x10)),
        (1, &PSH, 13, 1, bit(8)),
        (1, &RST, 13, 1, bit(4)),
        (1, &SYN, 13, 1, bit(2)),
        (1, &FIN, 13, 1, bit(1)),
        (0, &WINDOW, 14, 2, uint(u16::from_be_bytes([h[14], h[15]]))),
        (0, &CHECKSUM, 16, 2, uint(checksum)),
    );
    cx.verify(&SUM, 16, 0..cx.len(), Some(6));
    cx.uint(&URGENT, 18, 2, u16::from_be_bytes([h[18], h[19]]));
    if !cx.need(20) {
        return Next::Done;
    }
    if header < 20 || header > cx.len() {
        let text = format!("header length {header}, must be 20 to {}", cx.len().min(60));
        cx.invalid(12, 1, "tcp.hdr_len", "RFC 9293 3.1", text);
        return Next::Done;
    }
    options(cx, header);
    if !cx.need(header) {
        return Next::Done;
    }
    cx.uint(&LEN, header, 0, cx.len().saturating_sub(header));
    let claims = Claims(
        Some(Claim::TcpPort(destination)),
        Some(Claim::TcpPort(source)),
    );
    Next::Proto(claims, header..cx.len())
}

/// The options, one after the other, as long as their lengths can be true.
fn options(cx: &mut Cx<'_>, header: u32) {
    if cx.bytes(20, header.saturating_sub(20)).is_none() {
        return;
    }
    let mut at = 20;
    while at < header {
        let Some(kind) = cx.u8(at) else {
            return;
        };
        if kind < 2 {
            let group = cx.open(&OPTION, at, 1, Value::None);
            cx.uint(&KIND, at, 1, kind);
            cx.close(group);
            if kind == 0 {
                // The end of the list; what follows is padding.
                return;
            }
            at = at.saturating_add(1);
            continue;
        }
        let room = header.saturating_sub(at);
        let len = cx.u8(at.saturating_add(1)).filter(|_| room > 1);
        let len = u32::from(len.unwrap_or(0));
        let known = match kind {
            2 => len == 4,
            3 => len == 3,
            4 => len == 2,
            5 => matches!(len, 10 | 18 | 26 | 34),
            8 => len == 10,
            _ => false,
        };
        if known && len <= room {
            option(cx, kind, at, len);
        } else if !unknown(cx, kind, at, len, room) {
            return;
        }
        at = at.saturating_add(len);
    }
}

/// An option of known kind and length.
fn option(cx: &mut Cx<'_>, kind: u8, at: u32, len: u32) {
    let body = at.saturating_add(2);
    let word = |cx: &Cx<'_>, at: u32| cx.u32(at).unwrap_or(0);
    let group = cx.open(&OPTION, at, len, Value::None);
    cx.uint(&KIND, at, 1, kind);
    cx.uint(&OPTION_LEN, at.saturating_add(1), 1, len);
    match kind {
        2 => {
            let size = cx.u16(body).unwrap_or(0);
            cx.uint(&MSS, body, 2, size);
        }
        3 => {
            let shift = cx.u8(body).unwrap_or(0);
            cx.uint(&WSCALE, body, 1, shift);
        }
        8 => {
            let echo = body.saturating_add(4);
            cx.uint(&TSVAL, body, 4, word(cx, body));
            cx.uint(&TSECR, echo, 4, word(cx, echo));
        }
        5 => {
            let end = at.saturating_add(len);
            let mut left = body;
            while left < end {
                let right = left.saturating_add(4);
                cx.uint(&SACK_LEFT, left, 4, word(cx, left));
                cx.uint(&SACK_RIGHT, right, 4, word(cx, right));
                left = right.saturating_add(4);
            }
        }
        _ => {}
    }
    cx.close(group);
}

/// An option that is shown by its bytes; false if its length lies.
fn unknown(cx: &mut Cx<'_>, kind: u8, at: u32, len: u32, room: u32) -> bool {
    let group = cx.open(&OPTION, at, len.clamp(1, room), Value::None);
    cx.uint(&KIND, at, 1, kind);
    let good = (2..=room).contains(&len);
    if good {
        cx.uint(&OPTION_LEN, at.saturating_add(1), 1, len);
        cx.raw(&OPTION_DATA, at.saturating_add(2), len.saturating_sub(2));
    }
    if !good || matches!(kind, 2..=5 | 8) {
        let text = format!("option {kind} claims {len} bytes, the header leaves {room}");
        cx.problem(
            Severity::Invalid,
            at,
            2,
            "tcp.option_len",
            "RFC 9293 3.2",
            text,
        );
    }
    cx.close(group);
    good
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let fields = packet.reader(layer);
    let (source, destination) = (fields.number(0, &SRC_PORT), fields.number(1, &DST_PORT));
    let (seq, ack) = (fields.number(2, &SEQ), fields.number(3, &ACK));
    let flags = fields.number(5, &FLAGS);
    let window = fields.number(16, &WINDOW);
    // The last field of the header.
    let all = packet.fields_of(layer);
    let last = all.last().copied();
    let last = last.filter(|field| std::ptr::eq(field.spec, &raw const LEN));
    let mut text = Short::default();
    if let (Some(source), Some(destination)) = (source, destination) {
        push_number("TCP ", source, &mut text);
        push_number(" > ", destination, &mut text);
    }
    if let Some(flags) = flags {
        text.put_str(" [");
        let set = LETTERS.iter().filter(|(bit, _)| flags & bit != 0);
        set.for_each(|(_, letter)| text.put([*letter]));
        text.put_str("]");
    }
    // Where a run of packets told them, they stand just before the length.
    let near = all.get(all.len().saturating_sub(3)..).unwrap_or(&[]).iter();
    let relative = |spec| near.clone().find(|field| std::ptr::eq(field.spec, spec));
    let counted = |spec| relative(spec).and_then(|field| field.value.as_u64());
    let (seq, ack) = (
        counted(&raw const RELATIVE_SEQ).or(seq),
        counted(&raw const RELATIVE_ACK).or(ack),
    );
    if let Some(seq) = seq {
        push_number(", seq ", seq, &mut text);
    }
    if let Some(ack) = ack.filter(|_| flags.is_some_and(|flags| flags & 0x10 != 0)) {
        push_number(", ack ", ack, &mut text);
    }
    if let Some(window) = window {
        push_number(", win ", window, &mut text);
    }
    if let Some(length) = last.and_then(|field| field.value.as_u64()) {
        push_number(", length ", length, &mut text);
    }
    text.push_to(out);
}

/// tcpdump's letters: S, F, R, P, U, E, W, and a dot for ACK.
static LETTERS: [(u64, u8); 8] = [
    (2, b'S'),
    (1, b'F'),
    (4, b'R'),
    (8, b'P'),
    (0x20, b'U'),
    (0x40, b'E'),
    (0x80, b'W'),
    (0x10, b'.'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::LinkType;
    use crate::decode::testing::{decoded, problems};

    /// A segment with these options, its checksum left 0 and so wrong.
    fn segment(options: &[u8]) -> Packet {
        let mut bytes = vec![
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        bytes.extend([0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0]);
        bytes.extend(options);
        bytes[3] = u8::try_from(bytes.len()).unwrap();
        // Data offset in words, in the high four bits.
        bytes[32] = u8::try_from(bytes[20..].len()).unwrap() << 2;
        decoded(LinkType::Raw, &bytes, bytes.len())
    }

    fn kinds(packet: &Packet) -> Vec<u64> {
        let tcp = packet.layer("tcp").unwrap();
        let fields = packet.fields_of(tcp).iter();
        let kinds = fields.filter(|field| std::ptr::eq(field.spec, &raw const KIND));
        kinds.filter_map(|field| field.value.as_u64()).collect()
    }

    #[test]
    fn options_are_found_one_by_one() {
        let packet = segment(&[2, 4, 5, 0xb4, 1, 3, 3, 7, 254, 4, 0xca, 0xfe, 4, 2, 0, 0]);
        assert_eq!(kinds(&packet), [2, 1, 3, 254, 4, 0]);
        assert_eq!(packet.number(&MSS), Some(1460));
        assert_eq!(packet.number(&WSCALE), Some(7));
    }

    #[test]
    fn an_option_that_lies_about_its_length_ends_the_list() {
        for lie in [[1, 1, 200, 0], [1, 1, 200, 9], [1, 1, 2, 9], [1, 1, 1, 200]] {
            let packet = segment(&lie);
            assert!(problems(&packet).contains(&"tcp.option_len"), "{lie:?}");
        }
    }
}
