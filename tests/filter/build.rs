//! Headers from raw bytes, so that no decoder or builder of ours takes part; and seeded numbers.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

/// A small deterministic generator (xorshift64*), so that a failure can be repeated.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % n.max(1)
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

pub fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn be(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap().to_be_bytes()
}

pub const V4: [[u8; 4]; 12] = [
    [10, 0, 0, 1],
    [10, 1, 2, 3],
    [10, 1, 2, 200],
    [192, 168, 1, 1],
    [192, 168, 1, 77],
    [128, 3, 0, 5],
    [127, 0, 0, 1],
    [0, 0, 0, 10],
    [224, 0, 0, 22],
    [239, 1, 1, 1],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
];

pub fn v6(text: &str) -> [u8; 16] {
    text.parse::<std::net::Ipv6Addr>().unwrap().octets()
}

pub const V6: [&str; 7] = [
    "::1",
    "2001:db8::1",
    "2001:db8:0:1::2",
    "fe80::1",
    "fe80::2:3:4:5",
    "ff02::1",
    "ff02::16",
];

/// An IPv4 packet; `frag` is the word of flags and fragment offset.
pub fn ipv4(
    proto: u8,
    src: [u8; 4],
    dst: [u8; 4],
    options: usize,
    frag: u16,
    body: &[u8],
) -> Vec<u8> {
    let ihl = 5 + options;
    let total = ihl * 4 + body.len();
    let mut p = vec![0x40 | u8::try_from(ihl).unwrap(), 0];
    p.extend(be(total));
    p.extend([0x12, 0x34]);
    p.extend(frag.to_be_bytes());
    p.extend([64, proto, 0, 0]);
    p.extend(src);
    p.extend(dst);
    p.resize(ihl * 4, 1);
    p.extend(body);
    p
}

/// An IPv6 packet.
pub fn ipv6(next: u8, src: [u8; 16], dst: [u8; 16], body: &[u8]) -> Vec<u8> {
    let mut p = vec![0x60, 0, 0, 0];
    p.extend(be(body.len()));
    p.extend([next, 64]);
    p.extend(src);
    p.extend(dst);
    p.extend(body);
    p
}

/// An extension header in front of a body: options, routing.
pub fn ext(next: u8, eights: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![next, eights];
    p.resize((usize::from(eights) + 1) * 8, 0);
    p.extend(body);
    p
}

pub fn fragment(next: u8, offset: u16, body: &[u8]) -> Vec<u8> {
    let mut p = vec![next, 0];
    p.extend((offset << 3 | 1).to_be_bytes());
    p.extend([0, 0, 0, 9]);
    p.extend(body);
    p
}

pub fn auth(next: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![next, 4, 0, 0];
    p.resize(24, 7);
    p.extend(body);
    p
}

pub fn tcp(src: u16, dst: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut p = src.to_be_bytes().to_vec();
    p.extend(dst.to_be_bytes());
    p.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    p.extend(body);
    p
}

pub fn udp(src: u16, dst: u16, body: &[u8]) -> Vec<u8> {
    let mut p = src.to_be_bytes().to_vec();
    p.extend(dst.to_be_bytes());
    p.extend(be(body.len() + 8));
    p.extend([0, 0]);
    p.extend(body);
    p
}
