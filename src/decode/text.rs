//! Numbers and addresses to text, without the machinery of `fmt`: a line is written for every
//! packet, and `write!` of five values costs more than decoding it. Digits are pushed from left to
//! right as characters that are known to be ASCII, so that nothing is checked for UTF-8 twice.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Mac;

/// All bytes as two hexadecimal digits each.
const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    #[expect(
        clippy::indexing_slicing,
        reason = "computed by the compiler, which refuses an index that is wrong"
    )]
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

/// Appends one digit, 0 to 9.
#[inline]
fn push_digit(digit: u64, out: &mut String) {
    // The mask tells the compiler that the character is ASCII: one byte, no branch.
    out.push(char::from(b'0' | (digit & 15) as u8));
}

/// Appends two digits, 0 to 99.
#[inline]
pub fn push_two(number: u64, out: &mut String) {
    push_digit(number / 10, out);
    push_digit(number % 10, out);
}

/// Appends a decimal number.
pub fn push_dec(number: u64, out: &mut String) {
    match number {
        0..10 => push_digit(number, out),
        10..100 => push_two(number, out),
        100..1000 => {
            push_digit(number / 100, out);
            push_two(number % 100, out);
        }
        1000..10_000 => {
            push_two(number / 100, out);
            push_two(number % 100, out);
        }
        _ => {
            push_dec(number / 10_000, out);
            push_four(number % 10_000, out);
        }
    }
}

/// Appends four digits, 0 to 9,999.
fn push_four(number: u64, out: &mut String) {
    push_two(number / 100, out);
    push_two(number % 100, out);
}

/// Appends six digits, 0 to 999,999.
pub fn push_six(number: u64, out: &mut String) {
    push_two(number / 10_000, out);
    push_four(number % 10_000, out);
}

/// Appends nine digits, 0 to 999,999,999.
pub fn push_nine(number: u64, out: &mut String) {
    push_six(number / 1000, out);
    push_digit(number / 100 % 10, out);
    push_two(number % 100, out);
}

/// Appends a label as it is, and a decimal number.
#[inline]
pub fn push_number(label: &str, number: impl Into<u64>, out: &mut String) {
    out.push_str(label);
    push_dec(number.into(), out);
}

/// Appends a number from 0 to 255.
#[inline]
fn push_octet(octet: u8, out: &mut String) {
    let number = u64::from(octet);
    if number >= 100 {
        push_digit(number / 100, out);
        push_two(number % 100, out);
    } else if number >= 10 {
        push_two(number, out);
    } else {
        push_digit(number, out);
    }
}

/// Appends an IPv4 address with its dots.
pub fn push_ipv4(address: Ipv4Addr, out: &mut String) {
    let [a, b, c, d] = address.octets();
    push_octet(a, out);
    for octet in [b, c, d] {
        out.push('.');
        push_octet(octet, out);
    }
}

/// Appends two hexadecimal digits.
#[inline]
pub fn push_hex_byte(byte: u8, out: &mut String) {
    let [high, low] = HEX.get(usize::from(byte)).copied().unwrap_or_default();
    // Seven bits, as the compiler is told: one byte each.
    out.push(char::from(high & 0x7f));
    out.push(char::from(low & 0x7f));
}

/// Appends a hardware address with its colons.
pub fn push_mac(mac: Mac, out: &mut String) {
    let [first, rest @ ..] = mac.0;
    push_hex_byte(first, out);
    for byte in rest {
        out.push(':');
        push_hex_byte(byte, out);
    }
}

/// Appends an IPv6 address in its canonical form (RFC 5952 4).
pub fn push_ipv6(address: Ipv6Addr, out: &mut String) {
    let groups = address.segments();
    if let [0, 0, 0, 0, 0, 0xffff, _, _] = groups {
        out.push_str("::ffff:");
        let [.., a, b, c, d] = address.octets();
        return push_ipv4(Ipv4Addr::new(a, b, c, d), out);
    }
    // The first of the longest runs of zero groups; a single one is not shortened.
    let (mut start, mut len) = (8, 1);
    let mut run: usize = 0;
    for (end, group) in (1usize..).zip(&groups) {
        run = if *group == 0 {
            run.saturating_add(1)
        } else {
            0
        };
        if run > len {
            (start, len) = (end.saturating_sub(run), run);
        }
    }
    for (index, group) in groups.iter().enumerate() {
        if index == start {
            out.push_str("::");
        }
        let end = start.saturating_add(len);
        if (start..end).contains(&index) {
            continue;
        }
        if index != 0 && index != end {
            out.push(':');
        }
        push_hex_group(*group, out);
    }
}

/// Appends one to four hexadecimal digits.
fn push_hex_group(group: u16, out: &mut String) {
    let [high, low] = group.to_be_bytes();
    let nibbles = [high >> 4, high & 15, low >> 4, low & 15];
    let first = (group.leading_zeros() / 4).min(3) as usize;
    for nibble in nibbles.into_iter().skip(first) {
        let [_, digit] = HEX.get(usize::from(nibble)).copied().unwrap_or_default();
        out.push(char::from(digit & 0x7f));
    }
}

/// Appends two lower-case hexadecimal digits a byte.
pub fn push_hex(bytes: &[u8], out: &mut String) {
    // Whole pieces are written to a buffer of known size, which the compiler does with vector
    // instructions; checking that they are UTF-8 costs little more than a copy.
    let mut pieces = bytes.chunks_exact(32);
    for piece in pieces.by_ref() {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(piece) {
            pair.copy_from_slice(&hex_digits(*byte));
        }
        out.push_str(std::str::from_utf8(&digits).unwrap_or(""));
    }
    for byte in pieces.remainder() {
        push_hex_byte(*byte, out);
    }
}

/// Two hexadecimal digits without a table or a branch.
#[inline]
fn hex_digits(byte: u8) -> [u8; 2] {
    // High nibble in the low half, as it is written first.
    let nibbles = u16::from(byte >> 4) | u16::from(byte & 15) << 8;
    // Adding 6 carries into the fifth bit from 10 on; 'a' is 39 behind the character after '9'.
    let letters = (nibbles.wrapping_add(0x0606) >> 4) & 0x0101;
    let digits = nibbles
        .wrapping_add(0x3030)
        .wrapping_add(letters.wrapping_mul(39));
    digits.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        push(&mut out);
        out
    }

    #[test]
    fn numbers_and_addresses_read_as_fmt_writes_them() {
        let powers = (0..20).map(|power| 10u64.pow(power));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, power / 7 * 9]);
        for number in around.chain([65_535, 1 << 32, u64::MAX - 1, u64::MAX]) {
            assert_eq!(text(|out| push_dec(number, out)), number.to_string());
            let (six, nine) = (number % 1_000_000, number % 1_000_000_000);
            assert_eq!(text(|out| push_six(six, out)), format!("{six:06}"));
            assert_eq!(text(|out| push_nine(nine, out)), format!("{nine:09}"));
        }
        for octet in 0..=255 {
            let address = Ipv4Addr::new(octet, octet ^ 0x55, !octet, octet.wrapping_mul(7));
            assert_eq!(text(|out| push_ipv4(address, out)), address.to_string());
            let mac = Mac([octet, !octet, 0, 255, octet ^ 0x0f, 1]);
            assert_eq!(text(|out| push_mac(mac, out)), mac.to_string());
        }
    }

    #[test]
    fn an_ipv6_address_reads_as_std_writes_it() {
        // Every pattern of zero groups, with short and long groups between them.
        for pattern in 0..256u32 {
            for group in [1, 0x10, 0xabc, 0xffff] {
                let groups =
                    std::array::from_fn(|index| if pattern >> index & 1 == 1 { group } else { 0 });
                let address = Ipv6Addr::from(<[u16; 8]>::from(groups));
                let shown = text(|out| push_ipv6(address, out));
                assert_eq!(shown.parse(), Ok(address), "{shown}");
                assert_eq!(shown, address.to_string());
            }
        }
    }

    #[test]
    fn bytes_become_two_digits_each() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in [0, 1, 31, 32, 33, 64, 100, 256] {
            let expected: String = bytes[..len].iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(text(|out| push_hex(&bytes[..len], out)), expected);
        }
        for byte in 0..=255 {
            let expected = format!("{byte:02x}");
            assert_eq!(text(|out| push_hex_byte(byte, out)), expected);
            assert_eq!(hex_digits(byte), expected.as_bytes());
        }
    }
}
