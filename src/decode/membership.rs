//! What IGMPv3 and MLDv2 share: record types, the floating-point codes, kinds of query.

/// Time or interval code of eight bits: below 128 itself, else a mantissa of four and an exponent of
/// three bits (RFC 9776 4.1.1).
pub fn float8(code: u8) -> u32 {
    if code < 128 {
        return code.into();
    }
    let mantissa = u32::from(code & 15) | 16;
    let exponent = u32::from(code >> 4 & 7).saturating_add(3);
    mantissa << exponent
}

/// The same with 16 bits: below 32768 itself, else a mantissa of twelve bits (RFC 9777 5.1.3).
pub fn float16(code: u16) -> u32 {
    if code < 0x8000 {
        return code.into();
    }
    let mantissa = u32::from(code & 0xfff) | 0x1000;
    let exponent = u32::from(code >> 12 & 7).saturating_add(3);
    mantissa << exponent
}

/// Record types of a report (RFC 9776 4.2, RFC 9777 5.2).
pub fn record_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "mode is include",
        2 => "mode is exclude",
        3 => "change to include mode",
        4 => "change to exclude mode",
        5 => "allow new sources",
        6 => "block old sources",
        _ => return None,
    })
}

/// The RFCs' short names.
pub fn record_short(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "IS_IN",
        2 => "IS_EX",
        3 => "TO_IN",
        4 => "TO_EX",
        5 => "ALLOW",
        6 => "BLOCK",
        _ => return None,
    })
}

/// What a query asks about (RFC 9776 4.1.11, RFC 9777 5.1.13).
pub fn query_kind(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "general query",
        1 => "group-specific query",
        2 => "group-and-source-specific query",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_the_rfcs() {
        for (code, value) in [
            (0, 0),
            (100, 100),
            (127, 127),
            (128, 128),
            (0x8f, 248),
            (0xff, 31_744),
        ] {
            assert_eq!(float8(code), value);
        }
        for (code, value) in [
            (0, 0),
            (0x7fff, 32_767),
            (0x8000, 32_768),
            (0xffff, 8_387_584),
        ] {
            assert_eq!(float16(code), value);
        }
    }
}
