//! ICMPv6 types and codes in words, after the IANA registry "ICMPv6 Parameters".

/// Name of an ICMPv6 type.
pub fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded",
        4 => "parameter problem",
        100 | 101 | 200 | 201 => "private experiment",
        127 => "reserved for more error messages",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        138 => "router renumbering",
        139 => "node information query",
        140 => "node information response",
        141 => "inverse neighbor discovery solicitation",
        142 => "inverse neighbor discovery advertisement",
        143 => "multicast listener report v2",
        144 => "home agent address discovery request",
        145 => "home agent address discovery reply",
        146 => "mobile prefix solicitation",
        147 => "mobile prefix advertisement",
        148 => "certification path solicitation",
        149 => "certification path advertisement",
        150 => "experimental mobility (Seamoby)",
        151 => "multicast router advertisement",
        152 => "multicast router solicitation",
        153 => "multicast router termination",
        154 => "fast handover (FMIPv6)",
        155 => "RPL control",
        156 => "ILNPv6 locator update",
        157 => "duplicate address request",
        158 => "duplicate address confirmation",
        159 => "MPL control",
        160 => "extended echo request",
        161 => "extended echo reply",
        255 => "reserved for more informational messages",
        _ => return None,
    })
}

/// Name of an ICMPv6 code, given its type. `None` also where a type has only code 0, without
/// meaning.
pub fn code_name(code: u64, kind: u64) -> Option<&'static str> {
    Some(match (kind, code) {
        (1, 0) => "no route to destination",
        (1, 1) => "administratively prohibited",
        (1, 2) => "beyond scope of source address",
        (1, 3) => "address unreachable",
        (1, 4) => "port unreachable",
        (1, 5) => "source address failed ingress/egress policy",
        (1, 6) => "reject route to destination",
        (1, 7) => "error in source routing header",
        (1, 8) => "headers too long",
        (3, 0) => "hop limit exceeded in transit",
        (3, 1) => "fragment reassembly time exceeded",
        (4, 0) => "erroneous header field",
        (4, 1) => "unrecognized next header",
        (4, 2) => "unrecognized IPv6 option",
        (4, 3) => "first fragment has an incomplete header chain",
        (4, 4) => "segment routing upper-layer header error",
        (4, 5) => "next header unrecognized by an intermediate node",
        (4, 6) => "extension header too big",
        (4, 7) => "extension header chain too long",
        (4, 8) => "too many extension headers",
        (4, 9) => "too many options in extension header",
        (4, 10) => "option too big",
        (138, 0) => "router renumbering command",
        (138, 1) => "router renumbering result",
        (138, 255) => "sequence number reset",
        (139, 0) => "about an IPv6 address",
        (139, 1) => "about a name, or empty",
        (139, 2) => "about an IPv4 address",
        (140, 0) => "successful",
        (140, 1) => "responder refuses",
        (140, 2) => "unknown query type",
        (155, 0) => "DODAG information solicitation",
        (155, 1) => "DODAG information object",
        (155, 2) => "destination advertisement object",
        (155, 3) => "destination advertisement acknowledgment",
        (155, 4) => "P2P discovery reply object",
        (155, 5) => "P2P discovery reply acknowledgment",
        (155, 6) => "measurement object",
        (155, 7) => "destination cleanup object",
        (155, 8) => "destination cleanup acknowledgment",
        (155, 128) => "secure DODAG information solicitation",
        (155, 129) => "secure DODAG information object",
        (155, 130) => "secure destination advertisement object",
        (155, 131) => "secure destination advertisement acknowledgment",
        (155, 138) => "consistency check",
        (160 | 161, 0) => "no error",
        (161, 1) => "malformed query",
        (161, 2) => "no such interface",
        (161, 3) => "no such table entry",
        (161, 4) => "multiple interfaces satisfy the query",
        _ => return None,
    })
}

/// A message in words, numbers included: `echo request (128)`,
/// `destination unreachable (1): port unreachable (4)`, `type 77 code 2`.
pub fn describe(kind: impl Into<u64>, code: impl Into<u64>) -> String {
    super::icmp_names::words(kind.into(), code.into(), type_name, code_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_described_with_their_numbers() {
        assert_eq!(describe(129u8, 0u8), "echo reply (129)");
        assert_eq!(
            describe(4u8, 10u8),
            "parameter problem (4): option too big (10)"
        );
        assert_eq!(
            describe(1u8, 9u8),
            "destination unreachable (1), unknown code 9"
        );
        assert_eq!(describe(99u8, 1u8), "type 99 code 1");
    }

    #[test]
    fn the_registry_is_complete_where_errors_are() {
        let codes = |kind| {
            (0..=255u64)
                .filter(|code| code_name(*code, kind).is_some())
                .count()
        };
        assert_eq!((codes(1), codes(3), codes(4)), (9, 2, 11));
    }
}
