//! TCP headers with their options. No streams: every segment stands alone.
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

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::spec::specs;
use super::text::push_number;
use super::{
    Checksum, Claim, Claims, Cx, Layer, Next, Packet, Proto, Sample, Severity, Show, Spec, Value,
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
    cx.uint(&SRC_PORT, 0, 2, source);
    cx.uint(&DST_PORT, 2, 2, destination);
    cx.uint(&SEQ, 4, 4, u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    cx.uint(&ACK, 8, 4, u32::from_be_bytes([h[8], h[9], h[10], h[11]]));
    cx.uint(&HDR_LEN, 12, 1, header);
    let group = cx.open(&FLAGS, 12, 2, Value::Uint(flags.into()));
    cx.uint(&RES, 12, 1, flags >> 9 & 7);
    cx.add(&AE, 12, 1, Value::Bool(flags & 0x100 != 0));
    for (spec, bit) in BITS {
        cx.add(spec, 13, 1, Value::Bool(flags & bit != 0));
    }
    cx.close(group);
    cx.uint(&WINDOW, 14, 2, u16::from_be_bytes([h[14], h[15]]));
    cx.uint(&CHECKSUM, 16, 2, u16::from_be_bytes([h[16], h[17]]));
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

static BITS: [(&Spec, u16); 8] = [
    (&CWR, 0x80),
    (&ECE, 0x40),
    (&URG, 0x20),
    (&ACK_FLAG, 0x10),
    (&PSH, 8),
    (&RST, 4),
    (&SYN, 2),
    (&FIN, 1),
];

/// etherparse finds the options' borders and checks their lengths; we note where each one lies.
fn options(cx: &mut Cx<'_>, header: u32) {
    let Some(bytes) = cx.bytes(20, header.saturating_sub(20)) else {
        return;
    };
    let mut elements = TcpOptionsIterator::from_slice(bytes);
    loop {
        let left = elements.rest().len();
        let at = header.saturating_sub(u32::try_from(left).unwrap_or(0));
        let Some(kind) = cx.u8(at).filter(|_| at < header) else {
            return;
        };
        if kind == 0 {
            // The iterator stops here without yielding the end marker.
            let group = cx.open(&OPTION, at, 1, Value::None);
            cx.uint(&KIND, at, 1, kind);
            cx.close(group);
            return;
        }
        let element = elements.next();
        let len = left.saturating_sub(elements.rest().len());
        let len = u32::try_from(len).unwrap_or(0);
        match element {
            Some(Ok(element)) => option(cx, kind, at, len, &element),
            // Not among those that etherparse reads: step over it by its own length byte.
            _ => match unknown(cx, kind, at, header) {
                Some(rest) => elements = TcpOptionsIterator::from_slice(rest),
                None => return,
            },
        }
    }
}

fn option(cx: &mut Cx<'_>, kind: u8, at: u32, len: u32, element: &TcpOptionElement) {
    let group = cx.open(&OPTION, at, len, Value::None);
    cx.uint(&KIND, at, 1, kind);
    if len > 1 {
        cx.uint(&OPTION_LEN, at.saturating_add(1), 1, len);
    }
    let body = at.saturating_add(2);
    match element {
        TcpOptionElement::MaximumSegmentSize(size) => cx.uint(&MSS, body, 2, *size),
        TcpOptionElement::WindowScale(shift) => cx.uint(&WSCALE, body, 1, *shift),
        TcpOptionElement::Timestamp(value, echo) => {
            cx.uint(&TSVAL, body, 4, *value);
            cx.uint(&TSECR, body.saturating_add(4), 4, *echo);
        }
        TcpOptionElement::SelectiveAcknowledgement(first, more) => {
            let mut at = body;
            for (left, right) in Some(*first)
                .into_iter()
                .chain(more.iter().flatten().copied())
            {
                cx.uint(&SACK_LEFT, at, 4, left);
                cx.uint(&SACK_RIGHT, at.saturating_add(4), 4, right);
                at = at.saturating_add(8);
            }
        }
        _ => {}
    }
    cx.close(group);
}

fn unknown<'a>(cx: &mut Cx<'a>, kind: u8, at: u32, header: u32) -> Option<&'a [u8]> {
    let room = header.saturating_sub(at);
    let len = u32::from(
        cx.u8(at.saturating_add(1))
            .filter(|_| room > 1)
            .unwrap_or(0),
    );
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
    let next = at.saturating_add(len);
    cx.bytes(next, header.saturating_sub(next)).filter(|_| good)
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let mut fields = packet.reader(layer);
    // In the order in which they were added.
    let (source, destination) = (fields.number(&SRC_PORT), fields.number(&DST_PORT));
    let (seq, ack) = (fields.number(&SEQ), fields.number(&ACK));
    let flags = fields.number(&FLAGS);
    if let (Some(source), Some(destination)) = (source, destination) {
        push_number("TCP ", source, out);
        push_number(" > ", destination, out);
    }
    if let Some(flags) = flags {
        out.push_str(" [");
        let set = LETTERS.iter().filter(|(bit, _)| flags & bit != 0);
        set.for_each(|(_, letter)| out.push(*letter));
        out.push(']');
    }
    if let Some(seq) = seq {
        push_number(", seq ", seq, out);
    }
    if let Some(ack) = ack.filter(|_| flags.is_some_and(|flags| flags & 0x10 != 0)) {
        push_number(", ack ", ack, out);
    }
    if let Some(window) = fields.number(&WINDOW) {
        push_number(", win ", window, out);
    }
    // The last field of the header.
    let last = packet.fields_of(layer).last().copied();
    let last = last.filter(|field| std::ptr::eq(field.spec, &raw const LEN));
    if let Some(length) = last.and_then(|field| field.value.as_u64()) {
        push_number(", length ", length, out);
    }
}

/// tcpdump's letters: S, F, R, P, U, E, W, and a dot for ACK.
static LETTERS: [(u64, char); 8] = [
    (2, 'S'),
    (1, 'F'),
    (4, 'R'),
    (8, 'P'),
    (0x20, 'U'),
    (0x40, 'E'),
    (0x80, 'W'),
    (0x10, '.'),
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
