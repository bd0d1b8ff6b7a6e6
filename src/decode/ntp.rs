//! NTP: the header of versions 1 to 4, extension fields, and the code that authenticates them.
//! Control messages (mode 6) and private ones (mode 7) stay data.
//!
//! ```text
//! +---+-----+-----+---------------+---------------+---------------+
//! |LI | VN  |mode |    stratum    |     poll      |   precision   |
//! +---+-----+-----+---------------+---------------+---------------+
//! |                          root delay                           |
//! |                        root dispersion                        |
//! |                         reference id                          |
//! |   reference, origin, receive, transmit time stamp, 8 bytes each
//! |   extension fields: type 2, length 2, value; key id 4, digest |
//! ```

use std::fmt::Write as _;

use super::spec::specs;
use super::text::push_number;
use super::{Claim, Cx, Layer, Next, Packet, Proto, Sample, Show, Spec, Value};
use crate::event::Timestamp;

specs! {
    FLAGS = "ntp.flags", "Flags", Show::Hex(2), "RFC 5905 7.3",
        "Leap indicator, version and mode.";
    LEAP = "ntp.flags.li", "Leap indicator", Show::Named(leap_name), "RFC 5905 7.3",
        "Whether the last minute of the month has a second more or less.";
    VERSION = "ntp.flags.vn", "Version", Show::Dec, "RFC 5905 7.3",
        "Version of the protocol; 4 is current.";
    MODE = "ntp.flags.mode", "Mode", Show::Named(mode_name), "RFC 5905 7.3",
        "Who speaks to whom.";
    STRATUM = "ntp.stratum", "Stratum", Show::Words(stratum), "RFC 5905 7.3",
        "How many servers lie between the sender and a clock that knows the time.";
    POLL = "ntp.ppoll", "Poll interval", Show::Words(power), "RFC 5905 7.3",
        "Longest pause between two messages, as a power of two.";
    PRECISION = "ntp.precision", "Precision", Show::Words(power), "RFC 5905 7.3",
        "How fine the sender's clock is, as a power of two.";
    ROOT_DELAY = "ntp.rootdelay", "Root delay", Show::Words(fixed), "RFC 5905 7.3",
        "Round-trip time to the clock that knows.";
    ROOT_DISPERSION = "ntp.rootdispersion", "Root dispersion", Show::Words(fixed),
        "RFC 5905 7.3", "Largest error against that clock.";
    REFERENCE_ID = "ntp.refid", "Reference ID", Show::Plain, "RFC 5905 7.3",
        "Where the sender has its time from: four letters for a clock, else an address or its hash.";
    REFERENCE = "ntp.reftime", "Reference time", Show::Plain, "RFC 5905 7.3",
        "When the sender's clock was last set.";
    ORIGIN = "ntp.org", "Origin time", Show::Plain, "RFC 5905 7.3",
        "When the request left the client, by the client's clock.";
    RECEIVE = "ntp.rec", "Receive time", Show::Plain, "RFC 5905 7.3",
        "When the request arrived at the server, by the server's clock.";
    TRANSMIT = "ntp.xmt", "Transmit time", Show::Plain, "RFC 5905 7.3",
        "When this message left, by the sender's clock.";
    EXTENSION = "ntp.ext", "Extension field", Show::Plain, "RFC 7822 3",
        "One extension field.";
    EXTENSION_TYPE = "ntp.ext.type", "Type", Show::Hex(4), "RFC 7822 3",
        "Which extension field this is.";
    EXTENSION_LENGTH = "ntp.ext.length", "Length", Show::Unit("bytes"), "RFC 7822 3",
        "Length with type and length.";
    EXTENSION_VALUE = "ntp.ext.value", "Value", Show::Plain, "RFC 7822 3",
        "Value of the extension field.";
    KEY_ID = "ntp.keyid", "Key ID", Show::Plain, "RFC 5905 7.3",
        "Which key authenticates the message; 0 says that it could not be.";
    MAC = "ntp.mac", "Digest", Show::Plain, "RFC 5905 7.3",
        "Proves that the sender has the key.";
}

/// Network Time Protocol.
pub static PROTO: Proto = Proto {
    key: "ntp",
    name: "Network Time Protocol",
    rfc: "RFC 5905",
    claims: &[Claim::UdpPort(123)],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[
            0x23, 2, 6, 0xe8, 0, 0, 1, 0, 0, 0, 1, 0, 0xc0, 0, 2, 1, 0xe0, 0, 0, 0, 0, 0, 0, 0,
            0xe0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0,
        ],
    }],
    decode,
    summary,
};

fn leap_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "no warning",
        1 => "last minute has 61 seconds",
        2 => "last minute has 59 seconds",
        3 => "clock not set",
        _ => return None,
    })
}

/// Name of a mode.
pub fn mode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "symmetric active",
        2 => "symmetric passive",
        3 => "client",
        4 => "server",
        5 => "broadcast",
        6 => "control",
        7 => "private",
        _ => return None,
    })
}

fn stratum(value: u64, out: &mut String) {
    let _ = match value {
        0 => write!(out, "unspecified ({value})"),
        1 => write!(out, "primary, has a clock of its own ({value})"),
        2..=15 => write!(out, "{value}"),
        16 => write!(out, "clock not set ({value})"),
        _ => write!(out, "reserved ({value})"),
    };
}

/// A signed byte: an exponent of two.
fn power(value: u64, out: &mut String) {
    let exponent = u8::try_from(value).unwrap_or(0).cast_signed();
    let _ = match u32::try_from(exponent) {
        Ok(shift @ 0..=31) => write!(out, "{} s (2^{exponent})", 1u64 << shift),
        _ => write!(out, "2^{exponent} s"),
    };
}

/// Seconds in 16 bits and a fraction in 16 (RFC 5905 6).
fn fixed(value: u64, out: &mut String) {
    let micros = value.saturating_mul(1_000_000) >> 16;
    let _ = write!(out, "{}.{:06} s", micros / 1_000_000, micros % 1_000_000);
}

fn decode(cx: &mut Cx<'_>) -> Next {
    let h = cx.head::<16>();
    let mode = h[0] & 7;
    if cx.len() < 48 && !matches!(mode, 6 | 7) && !cx.quoted() {
        return Next::Decline;
    }
    let group = cx.open(&FLAGS, 0, 1, Value::Uint(h[0].into()));
    cx.uint(&LEAP, 0, 1, h[0] >> 6);
    cx.uint(&VERSION, 0, 1, h[0] >> 3 & 7);
    cx.uint(&MODE, 0, 1, mode);
    cx.close(group);
    if matches!(mode, 6 | 7) {
        cx.set_header(1);
        return Next::data(1..cx.len());
    }
    cx.set_header(cx.len());
    cx.uint(&STRATUM, 1, 1, h[1]);
    cx.uint(&POLL, 2, 1, h[2]);
    cx.uint(&PRECISION, 3, 1, h[3]);
    let word = |at| cx.u32(at).unwrap_or(0);
    let (delay, dispersion) = (word(4), word(8));
    cx.uint(&ROOT_DELAY, 4, 4, delay);
    cx.uint(&ROOT_DISPERSION, 8, 4, dispersion);
    cx.raw(&REFERENCE_ID, 12, 4);
    for (spec, at) in [
        (&REFERENCE, 16),
        (&ORIGIN, 24),
        (&RECEIVE, 32),
        (&TRANSMIT, 40),
    ] {
        stamp(cx, spec, at);
    }
    if cx.need(48) {
        extensions(cx);
    }
    Next::Done
}

/// Seconds since 1900 and a fraction. RFC 4330 3: without the highest bit it is the era that begins
/// in 2036. Zero is no time.
fn stamp(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    const SECOND: i64 = 1_000_000_000;
    /// From 1900 to 1970.
    const EPOCH: i64 = 2_208_988_800;
    let (seconds, fraction) = (cx.u32(at), cx.u32(at.saturating_add(4)));
    let (Some(seconds), Some(fraction)) = (seconds, fraction) else {
        return;
    };
    let era = if seconds & 0x8000_0000 == 0 {
        1 << 32
    } else {
        0
    };
    let unix = i64::from(seconds).saturating_add(era).saturating_sub(EPOCH);
    let nanos = i64::from(fraction).saturating_mul(SECOND) >> 32;
    let nanos = unix.saturating_mul(SECOND).saturating_add(nanos);
    let (value, ()) = cx.composed(|_, out| {
        let _ = match (seconds, fraction) {
            (0, 0) => write!(out, "unknown"),
            _ => write!(out, "{}", Timestamp(nanos)),
        };
    });
    cx.add(spec, at, 8, value);
}

/// RFC 7822 3: what is longer than a digest is an extension field.
fn extensions(cx: &mut Cx<'_>) {
    let mut at: u32 = 48;
    while cx.len().saturating_sub(at) > 24 {
        let [a, b, c, d] = cx.array(at).unwrap_or([0; 4]);
        let length = u32::from(u16::from_be_bytes([c, d]));
        let end = at.saturating_add(length);
        if !cx.need(at.saturating_add(4)) {
            return;
        }
        if length < 16 || length % 4 != 0 || end > cx.len() {
            let left = cx.len().saturating_sub(at);
            let text = format!("an extension field of {length} bytes, there are {left}");
            cx.invalid(at, 4, "ntp.ext.length", "RFC 7822 3", text);
            return;
        }
        let group = cx.open(&EXTENSION, at, length, Value::None);
        cx.uint(&EXTENSION_TYPE, at, 2, u16::from_be_bytes([a, b]));
        cx.uint(&EXTENSION_LENGTH, at.saturating_add(2), 2, length);
        cx.raw(
            &EXTENSION_VALUE,
            at.saturating_add(4),
            length.saturating_sub(4),
        );
        cx.close(group);
        if !cx.need(end) {
            return;
        }
        at = end;
    }
    if at < cx.len() {
        cx.raw(&KEY_ID, at, 4);
        let from = at.saturating_add(4);
        cx.raw(&MAC, from, cx.len().saturating_sub(from));
        let _ = cx.need(cx.len());
    }
}

/// `NTPv4 server, stratum 2`; a kiss of death gives its code.
fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    let number = |spec| packet.field(layer, spec).and_then(|f| f.value.as_u64());
    let (Some(version), Some(mode)) = (number(&VERSION), number(&MODE)) else {
        return;
    };
    push_number("NTPv", version, out);
    match mode_name(mode) {
        Some(name) => out.extend([" ", name]),
        None => push_number(" mode ", mode, out),
    }
    if let Some(stratum) = number(&STRATUM).filter(|_| mode != 3) {
        push_number(", stratum ", stratum, out);
    }
    if let Some(leap) = number(&LEAP).filter(|leap| *leap != 0 && mode != 3) {
        out.extend([", ", leap_name(leap).unwrap_or("?")]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::LinkType;
    use crate::decode::testing::{decoded, problems};

    fn message(payload: &[u8]) -> Packet {
        let length = |more: usize| u16::try_from(payload.len().saturating_add(more)).unwrap();
        let mut bytes = vec![0x45, 0];
        bytes.extend(length(28).to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend([0, 123, 0, 123]);
        bytes.extend(length(8).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        decoded(LinkType::Raw, &bytes, bytes.len())
    }

    fn time(seconds: u32, fraction: u32) -> String {
        let mut payload = [0; 48];
        payload[0] = 0x24;
        payload[40..44].copy_from_slice(&seconds.to_be_bytes());
        payload[44..].copy_from_slice(&fraction.to_be_bytes());
        let packet = message(&payload);
        match packet.value(&TRANSMIT) {
            Some(Value::Text(from, to)) => packet.text(from, to).to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn times_are_of_the_right_era() {
        assert_eq!(time(0, 0), "unknown");
        assert_eq!(time(0x8000_0000, 0), "1968-01-20T03:14:08.000000000Z");
        assert_eq!(
            time(2_208_988_800, 1 << 31),
            "1970-01-01T00:00:00.500000000Z"
        );
        assert_eq!(time(u32::MAX, 0), "2036-02-07T06:28:15.000000000Z");
        assert_eq!(time(0, 1), "2036-02-07T06:28:16.000000000Z");
    }

    #[test]
    fn an_extension_field_that_lies_is_told() {
        let mut payload = vec![0u8; 48];
        payload[0] = 0x23;
        payload.extend([1, 4, 0, 200]);
        payload.extend([0; 24]);
        assert!(problems(&message(&payload)).contains(&"ntp.ext.length"));
    }

    #[test]
    fn what_is_too_short_for_ntp_is_data() {
        assert!(message(&[0x23; 47]).layer("ntp").is_none());
    }
}
