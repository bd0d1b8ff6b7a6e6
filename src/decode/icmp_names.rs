//! ICMP types and codes in words, after the IANA registry "ICMP Parameters".

use std::fmt::Write as _;

/// Name of an ICMP type. Deprecated ones say so (RFC 6918).
pub fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "echo reply",
        3 => "destination unreachable",
        4 => "source quench (deprecated)",
        5 => "redirect",
        6 => "alternate host address (deprecated)",
        8 => "echo request",
        9 => "router advertisement",
        10 => "router solicitation",
        11 => "time exceeded",
        12 => "parameter problem",
        13 => "timestamp request",
        14 => "timestamp reply",
        15 => "information request (deprecated)",
        16 => "information reply (deprecated)",
        17 => "address mask request (deprecated)",
        18 => "address mask reply (deprecated)",
        19 => "reserved for security",
        20..=29 => "reserved for robustness experiment",
        30 => "traceroute (deprecated)",
        31 => "datagram conversion error (deprecated)",
        32 => "mobile host redirect (deprecated)",
        33 => "IPv6 where-are-you (deprecated)",
        34 => "IPv6 I-am-here (deprecated)",
        35 => "mobile registration request (deprecated)",
        36 => "mobile registration reply (deprecated)",
        37 => "domain name request (deprecated)",
        38 => "domain name reply (deprecated)",
        39 => "SKIP (deprecated)",
        40 => "Photuris security failure",
        41 => "experimental mobility (Seamoby)",
        42 => "extended echo request",
        43 => "extended echo reply",
        253 => "experiment 1",
        254 => "experiment 2",
        _ => return None,
    })
}

/// Name of an ICMP code, given its type. `None` also where a type has only code 0, without meaning.
pub fn code_name(code: u64, kind: u64) -> Option<&'static str> {
    Some(match (kind, code) {
        (3, 0) => "network unreachable",
        (3, 1) => "host unreachable",
        (3, 2) => "protocol unreachable",
        (3, 3) => "port unreachable",
        (3, 4) => "fragmentation needed, but don't fragment is set",
        (3, 5) => "source route failed",
        (3, 6) => "destination network unknown",
        (3, 7) => "destination host unknown",
        (3, 8) => "source host isolated",
        (3, 9) => "network administratively prohibited",
        (3, 10) => "host administratively prohibited",
        (3, 11) => "network unreachable for this type of service",
        (3, 12) => "host unreachable for this type of service",
        (3, 13) => "communication administratively prohibited",
        (3, 14) => "host precedence violation",
        (3, 15) => "precedence cutoff in effect",
        (5, 0) => "redirect for the network",
        (5, 1) => "redirect for the host",
        (5, 2) => "redirect for type of service and network",
        (5, 3) => "redirect for type of service and host",
        (6, 0) => "alternate address for host",
        (9, 0) => "normal router advertisement",
        (9, 16) => "does not route common traffic",
        (11, 0) => "TTL exceeded in transit",
        (11, 1) => "fragment reassembly time exceeded",
        (12, 0) => "pointer shows the error",
        (12, 1) => "a required option is missing",
        (12, 2) => "bad length",
        (30, 0) => "outbound packet forwarded",
        (30, 1) => "no route for outbound packet, discarded",
        (31, 0) => "unknown or unspecified error",
        (31, 1) => "don't convert option present",
        (31, 2) => "unknown mandatory option present",
        (31, 3) => "known unsupported option present",
        (31, 4) => "unsupported transport protocol",
        (31, 5) => "overall length exceeded",
        (31, 6) => "IP header length exceeded",
        (31, 7) => "transport protocol above 255",
        (31, 8) => "port conversion out of range",
        (31, 9) => "transport header length exceeded",
        (31, 10) => "32-bit rollover missing and ACK set",
        (31, 11) => "unknown mandatory transport option present",
        (40, 0) => "bad SPI",
        (40, 1) => "authentication failed",
        (40, 2) => "decompression failed",
        (40, 3) => "decryption failed",
        (40, 4) => "need authentication",
        (40, 5) => "need authorization",
        (42 | 43, 0) => "no error",
        (43, 1) => "malformed query",
        (43, 2) => "no such interface",
        (43, 3) => "no such table entry",
        (43, 4) => "multiple interfaces satisfy the query",
        _ => return None,
    })
}

/// A message in words, numbers included where words do not say all: `echo request`,
/// `destination unreachable (3): port unreachable (3)`, `type 77 code 2`.
pub fn describe(kind: impl Into<u64>, code: impl Into<u64>) -> String {
    words(kind.into(), code.into(), type_name, code_name)
}

/// The shape of [`describe`], for ICMPv6 too.
pub(super) fn words(
    kind: u64,
    code: u64,
    type_name: fn(u64) -> Option<&'static str>,
    code_name: fn(u64, u64) -> Option<&'static str>,
) -> String {
    match (type_name(kind), code_name(code, kind)) {
        (Some(name), Some(detail)) => format!("{name} ({kind}): {detail} ({code})"),
        (Some(name), None) if code == 0 => format!("{name} ({kind})"),
        (Some(name), None) => format!("{name} ({kind}), unknown code {code}"),
        (None, _) => format!("type {kind} code {code}"),
    }
}

/// A few words for one-line listings: `echo request`, `port unreachable (3/3)`, `type 77 code 2`.
pub(super) fn short(
    kind: u64,
    code: u64,
    type_name: fn(u64) -> Option<&'static str>,
    code_name: fn(u64, u64) -> Option<&'static str>,
    out: &mut String,
) {
    let _ = match (type_name(kind), code_name(code, kind)) {
        (_, Some(detail)) if code != 0 || kind < 16 => write!(out, "{detail} ({kind}/{code})"),
        (Some(name), _) if code == 0 => write!(out, "{name}"),
        (Some(name), _) => write!(out, "{name} ({kind}/{code})"),
        (None, _) => write!(out, "type {kind} code {code}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_described_with_their_numbers() {
        assert_eq!(describe(8u8, 0u8), "echo request (8)");
        assert_eq!(
            describe(3u8, 3u8),
            "destination unreachable (3): port unreachable (3)"
        );
        assert_eq!(
            describe(3u8, 99u8),
            "destination unreachable (3), unknown code 99"
        );
        assert_eq!(describe(77u8, 2u8), "type 77 code 2");
    }

    #[test]
    fn every_code_belongs_to_a_named_type() {
        for kind in 0..=255u64 {
            let codes = (0..=255u64).filter(|code| code_name(*code, kind).is_some());
            assert!(codes.count() == 0 || type_name(kind).is_some(), "{kind}");
        }
        // The registry's count for destination unreachable.
        assert_eq!(
            (0..=255u64)
                .filter(|code| code_name(*code, 3).is_some())
                .count(),
            16
        );
    }
}
