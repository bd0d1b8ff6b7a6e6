//! Numbers and addresses to text, without the machinery of `fmt`: a line is written for every
//! packet, and `write!` of five values costs more than decoding it.

use std::net::Ipv4Addr;

/// Appends a decimal number.
pub fn push_dec(number: u64, out: &mut String) {
    let mut digits = [0u8; 20];
    let mut left = number;
    let mut first = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0'.saturating_add(u8::try_from(left % 10).unwrap_or(0));
        left /= 10;
        first = index;
        if left == 0 {
            break;
        }
    }
    let shown = digits.get(first..).unwrap_or(&[]);
    out.push_str(std::str::from_utf8(shown).unwrap_or(""));
}

/// Appends a label as it is, and a decimal number.
pub fn push_number(label: &str, number: impl Into<u64>, out: &mut String) {
    out.push_str(label);
    push_dec(number.into(), out);
}

/// Appends an IPv4 address with its dots.
pub fn push_ipv4(address: Ipv4Addr, out: &mut String) {
    let [a, b, c, d] = address.octets();
    push_dec(a.into(), out);
    for octet in [b, c, d] {
        out.push('.');
        push_dec(octet.into(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_read_as_fmt_writes_them() {
        for number in [
            0,
            1,
            9,
            10,
            99,
            100,
            65_535,
            1 << 32,
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut out = String::new();
            push_dec(number, &mut out);
            assert_eq!(out, number.to_string());
        }
        for address in [
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::BROADCAST,
            Ipv4Addr::new(10, 0, 200, 9),
        ] {
            let mut out = String::new();
            push_ipv4(address, &mut out);
            assert_eq!(out, address.to_string());
        }
    }
}
