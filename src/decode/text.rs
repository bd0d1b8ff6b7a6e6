//! Numbers and addresses to text, without the machinery of `fmt`: a line is written for every
//! packet, and `write!` of five values costs more than decoding it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Mac;

/// Where text is appended.
pub trait Text {
    /// Appends text.
    fn put_str(&mut self, text: &str);
    /// Appends the first `len` of these characters, which are ASCII.
    fn put_first<const N: usize>(&mut self, ascii: [u8; N], len: usize);
    /// Appends these characters, which are ASCII.
    fn put<const N: usize>(&mut self, ascii: [u8; N]);
}

impl Text for String {
    #[inline]
    fn put_str(&mut self, text: &str) {
        self.push_str(text);
    }

    #[inline]
    fn put_first<const N: usize>(&mut self, ascii: [u8; N], len: usize) {
        // Seven bits, as the compiler is told: one byte each, no branch.
        let ascii = ascii.iter().take(len);
        ascii.for_each(|byte| self.push(char::from(byte & 0x7f)));
    }

    #[inline]
    fn put<const N: usize>(&mut self, ascii: [u8; N]) {
        for byte in ascii {
            self.push(char::from(byte & 0x7f));
        }
    }
}

/// The quick way: no byte is looked at to see whether it is UTF-8.
impl Text for Vec<u8> {
    #[inline]
    fn put_str(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn put_first<const N: usize>(&mut self, ascii: [u8; N], len: usize) {
        // A copy of known length is one store.
        let end = self.len().saturating_add(len.min(N));
        self.extend_from_slice(&ascii);
        self.truncate(end);
    }

    #[inline]
    fn put<const N: usize>(&mut self, ascii: [u8; N]) {
        self.extend_from_slice(&ascii);
    }
}

/// Text of known greatest length on its way to a `String`, checked for UTF-8 once. More than it
/// holds is cut off.
#[derive(Clone, Debug)]
pub struct Short {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Default for Short {
    #[inline]
    fn default() -> Self {
        Self {
            bytes: [0; Self::ROOM],
            len: 0,
        }
    }
}

impl Short {
    /// Most bytes that it holds.
    pub const ROOM: usize = 128;

    /// Appends what was gathered.
    #[inline]
    pub fn push_to(&self, out: &mut String) {
        let text = self.bytes.get(..self.len).unwrap_or(&[]);
        out.push_str(std::str::from_utf8(text).unwrap_or(""));
    }
}

impl Text for Short {
    #[inline]
    fn put_str(&mut self, text: &str) {
        let end = self.len.saturating_add(text.len());
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(text.as_bytes());
            self.len = end;
        }
    }

    #[inline]
    fn put_first<const N: usize>(&mut self, ascii: [u8; N], len: usize) {
        let room = self.bytes.get_mut(self.len..);
        if let Some(room) = room.and_then(|room| room.first_chunk_mut()) {
            *room = ascii;
            self.len = self.len.saturating_add(len.min(N));
        }
    }

    #[inline]
    fn put<const N: usize>(&mut self, ascii: [u8; N]) {
        self.put_first(ascii, N);
    }
}

/// All bytes as two hexadecimal digits each.
static HEX: [[u8; 2]; 256] = {
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

/// 0 to 99 as two digits each.
static PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut number = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "computed by the compiler, which refuses an index that is wrong"
    )]
    while number < 100 {
        table[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
};

/// One digit, 0 to 9.
#[inline]
fn digit(digit: u64) -> u8 {
    b'0' | (digit & 15) as u8
}

/// Two digits, 0 to 99.
#[inline]
fn two(number: u64) -> [u8; 2] {
    let pair = PAIRS.get((number & 127) as usize).copied();
    pair.unwrap_or_default()
}

/// Four digits, 0 to 9,999.
#[inline]
fn four(number: u64) -> [u8; 4] {
    let ([a, b], [c, d]) = (two(number / 100), two(number % 100));
    [a, b, c, d]
}

/// Eight digits, 0 to 99,999,999.
#[inline]
fn eight(number: u64) -> [u8; 8] {
    let (high, low) = (four(number / 10_000), four(number % 10_000));
    let high = u64::from(u32::from_be_bytes(high)) << 32;
    (high | u64::from(u32::from_be_bytes(low))).to_be_bytes()
}

/// Appends two digits, 0 to 99.
#[inline]
pub fn push_two(number: u64, out: &mut impl Text) {
    out.put(two(number));
}

/// Appends a decimal number.
#[inline]
pub fn push_dec(number: u64, out: &mut impl Text) {
    if number < 10 {
        out.put([digit(number)]);
    } else if number < 100 {
        out.put(two(number));
    } else {
        push_long(number, out);
    }
}

/// Appends a number of three digits or more. How many digits it has is computed, not branched on:
/// ports, sequence numbers and lengths are not foreseen by a branch predictor.
fn push_long(number: u64, out: &mut impl Text) {
    const EIGHT: u64 = 100_000_000;
    if number >= EIGHT {
        push_dec(number / EIGHT, out);
        out.put(eight(number % EIGHT));
        return;
    }
    let digits = u64::from_be_bytes(eight(number));
    // Digits differ from '0' in their low four bits; leading ones that do not fall out at the front.
    let zeros = (digits & 0x0f0f_0f0f_0f0f_0f0f).leading_zeros() & 0x38;
    let len = 8usize.wrapping_sub(zeros as usize / 8);
    out.put_first(digits.wrapping_shl(zeros).to_be_bytes(), len);
}

/// Appends six digits, 0 to 999,999.
#[inline]
pub fn push_six(number: u64, out: &mut impl Text) {
    out.put(two(number / 10_000));
    out.put(four(number % 10_000));
}

/// Appends nine digits, 0 to 999,999,999.
#[inline]
pub fn push_nine(number: u64, out: &mut impl Text) {
    push_six(number / 1000, out);
    let [_, b, c, d] = four(number % 1000);
    out.put([b, c, d]);
}

/// Appends a label as it is, and a decimal number.
#[inline]
pub fn push_number(label: &str, number: impl Into<u64>, out: &mut impl Text) {
    out.put_str(label);
    push_dec(number.into(), out);
}

/// All bytes as decimal numbers with a dot behind, and how many digits they have.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut table = [([0; 4], 0); 256];
    let mut number = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "computed by the compiler, which refuses an index that is wrong"
    )]
    while number < 256 {
        let (b, c, d) = (number / 100, number / 10 % 10, number % 10);
        let (b, c, d) = (b'0' + b as u8, b'0' + c as u8, b'0' + d as u8);
        table[number] = match number {
            0..10 => ([d, b'.', 0, 0], 1),
            10..100 => ([c, d, b'.', 0], 2),
            _ => ([b, c, d, b'.'], 3),
        };
        number += 1;
    }
    table
};

/// Appends an IPv4 address with its dots.
#[inline]
pub fn push_ipv4(address: Ipv4Addr, out: &mut impl Text) {
    let of = |octet: u8| {
        let entry = OCTETS.get(usize::from(octet)).copied();
        let (digits, len) = entry.unwrap_or_default();
        (digits, usize::from(len))
    };
    let [a, b, c, d] = address.octets().map(of);
    for (digits, len) in [a, b, c] {
        out.put_first(digits, len.wrapping_add(1));
    }
    out.put_first(d.0, d.1);
}

/// Appends two hexadecimal digits.
#[inline]
pub fn push_hex_byte(byte: u8, out: &mut impl Text) {
    out.put(HEX.get(usize::from(byte)).copied().unwrap_or_default());
}

/// Appends a hardware address with its colons.
pub fn push_mac(mac: Mac, out: &mut impl Text) {
    let [first, rest @ ..] = mac.0;
    push_hex_byte(first, out);
    for byte in rest {
        let [high, low] = HEX.get(usize::from(byte)).copied().unwrap_or_default();
        out.put([b':', high, low]);
    }
}

/// Appends an IPv6 address in its canonical form (RFC 5952 4).
pub fn push_ipv6(address: Ipv6Addr, out: &mut impl Text) {
    let groups = address.segments();
    if let [0, 0, 0, 0, 0, 0xffff, _, _] = groups {
        out.put_str("::ffff:");
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
            out.put(*b"::");
        }
        let end = start.saturating_add(len);
        if (start..end).contains(&index) {
            continue;
        }
        if index != 0 && index != end {
            out.put([b':']);
        }
        push_hex_group(*group, out);
    }
}

/// Appends one to four hexadecimal digits.
fn push_hex_group(group: u16, out: &mut impl Text) {
    let [high, low] = group.to_be_bytes().map(hex_digits);
    let digits = u32::from_be_bytes([high[0], high[1], low[0], low[1]]);
    let zeros = (group.leading_zeros() / 4).min(3);
    // Leading zeros fall out at the front.
    let len = 4usize.saturating_sub(zeros as usize);
    let digits = digits.wrapping_shl(zeros.wrapping_mul(8));
    out.put_first(digits.to_be_bytes(), len);
}

/// Appends two lower-case hexadecimal digits a byte.
pub fn push_hex(bytes: &[u8], out: &mut impl Text) {
    // Whole pieces go to a buffer of known size: the compiler makes vector instructions of that.
    let (pieces, rest) = bytes.as_chunks::<32>();
    for piece in pieces {
        let mut digits = [[0; 2]; 32];
        for (pair, byte) in digits.iter_mut().zip(piece) {
            *pair = hex_digits(*byte);
        }
        out.put_first::<64>(digits.as_flattened().try_into().unwrap_or([0; 64]), 64);
    }
    for byte in rest {
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
                let groups: [u16; 8] =
                    std::array::from_fn(|index| if pattern >> index & 1 == 1 { group } else { 0 });
                let address = Ipv6Addr::from(groups);
                let shown = text(|out| push_ipv6(address, out));
                assert_eq!(shown.parse(), Ok(address), "{shown}");
                assert_eq!(shown, address.to_string());
            }
        }
    }

    #[test]
    fn every_place_for_text_gets_the_same() {
        fn all(out: &mut impl Text) {
            out.put_str("x ");
            for number in [7u32, 42, 365, 1024, 65_535, 4_294_967_295] {
                push_number(" ", number, out);
            }
            push_ipv4(Ipv4Addr::new(192, 0, 2, 33), out);
            push_mac(Mac([0, 1, 0x9a, 0xbc, 0xde, 0xff]), out);
            push_ipv6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0x12, 0x345, 0x6789, 0), out);
        }
        let (mut text, mut bytes, mut short) = (String::new(), Vec::new(), Short::default());
        all(&mut text);
        all(&mut bytes);
        all(&mut short);
        let expected =
            "x  7 42 365 1024 65535 4294967295192.0.2.3300:01:9a:bc:de:fffe80::12:345:6789:0";
        assert_eq!(text, expected);
        assert_eq!(bytes, expected.as_bytes());
        let mut shown = String::new();
        short.push_to(&mut shown);
        assert_eq!(shown, expected);
        // What does not fit is cut.
        (0..9).for_each(|_| all(&mut short));
        shown.clear();
        short.push_to(&mut shown);
        assert!(shown.starts_with(expected) && shown.len() <= Short::ROOM);
    }

    #[test]
    fn bytes_become_two_digits_each() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in [0, 1, 31, 32, 33, 64, 100, 256] {
            let digits: Vec<String> = bytes[..len].iter().map(|b| format!("{b:02x}")).collect();
            let expected = digits.concat();
            assert_eq!(text(|out| push_hex(&bytes[..len], out)), expected);
        }
        for byte in 0..=255 {
            let expected = format!("{byte:02x}");
            assert_eq!(text(|out| push_hex_byte(byte, out)), expected);
            assert_eq!(hex_digits(byte), expected.as_bytes());
        }
    }
}
