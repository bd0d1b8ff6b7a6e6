//! Small capture files built byte by byte, so that the reader is not tested by its own writer.

/// An ARP request: who has 10.5.0.2, tell 10.5.0.1; padded to 60 bytes.
pub const ETHERNET: &[u8] = &[
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x0a, 0x05, 0x00, 0x01, 0x08, 0x06, 0x00, 0x01,
    0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x00, 0x0a, 0x05, 0x00, 0x01, 0x0a, 0x05, 0x00, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x00, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];

/// Byte order of a file.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    Little,
    Big,
}

/// Bytes in one order.
struct Bytes(Order, Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.1.extend(match self.0 {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.1.extend(match self.0 {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.1.extend(match self.0 {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.1.extend_from_slice(bytes);
        self
    }

    fn pad(&mut self) -> &mut Self {
        self.1.resize(self.1.len().next_multiple_of(4), 0);
        self
    }
}

/// A pcap file.
pub struct Pcap {
    order: Order,
    magic: u32,
    minor: u16,
}

impl Pcap {
    pub fn new(order: Order, magic: u32) -> Self {
        let minor = 4;
        Self {
            order,
            magic,
            minor,
        }
    }

    pub fn with_version(order: Order, minor: u16) -> Self {
        let magic = 0xa1b2_c3d4;
        Self {
            order,
            magic,
            minor,
        }
    }

    /// Three packets: one cut by the capture, one at the end of 32 bits of time, one empty.
    pub fn packets(&self) -> Vec<u8> {
        let mut out = Bytes(self.order, Vec::new());
        // snaplen 0: no limit.
        out.u32(self.magic).u16(2).u16(self.minor).u64(0).u32(0);
        out.u32(1);
        let short = &ETHERNET[..42];
        for (seconds, fraction, bytes, wire) in [
            (1_700_000_000, 123_456, ETHERNET, 1514),
            (u32::MAX, 999_999, short, 42),
            (1_700_000_001, 0, &[][..], 60),
        ] {
            let captured = size(bytes);
            let lengths = match self.minor {
                2 | 3 => [wire, captured],
                _ => [captured, wire],
            };
            out.u32(seconds).u32(fraction);
            out.u32(lengths[0]).u32(lengths[1]);
            if self.magic == 0xa1b2_cd34 {
                // Interface 2, protocol ARP, PACKET_OUTGOING, padding.
                out.u32(2).u16(0x0806).raw(&[4, 0]);
            }
            out.raw(bytes);
        }
        out.1
    }
}

/// A pcapng file, block by block.
pub struct Pcapng {
    file: Vec<u8>,
}

impl Pcapng {
    pub fn new() -> Self {
        let file = Vec::new();
        Self { file }
    }

    fn block(&mut self, order: Order, kind: u32, fill: impl FnOnce(&mut Bytes)) {
        let mut body = Bytes(order, Vec::new());
        fill(&mut body);
        body.pad();
        let len = size(&body.1) + 12;
        let mut block = Bytes(order, Vec::new());
        block.u32(kind).u32(len).raw(&body.1).u32(len);
        self.file.extend(block.1);
    }

    fn section(&mut self, order: Order) {
        self.block(order, 0x0a0d_0d0a, |b| {
            b.u32(0x1a2b_3c4d).u16(1).u16(0).u64(u64::MAX);
            b.u16(4).u16(4).raw(b"test").u32(0);
        });
    }

    fn interface(&mut self, order: Order, link: u16, snaplen: u32, options: impl Fn(&mut Bytes)) {
        self.block(order, 1, |b| {
            b.u16(link).u16(0).u32(snaplen);
            options(b);
        });
    }

    /// A section with one interface and enhanced packet blocks without comments.
    pub fn enhanced_only(mut self, order: Order) -> Vec<u8> {
        self.section(order);
        self.interface(order, 1, 262_144, |_| {});
        for size in [60, 59, 42] {
            self.block(order, 6, |b| {
                b.u32(0).u32(0).u32(size).u32(size).u32(1514);
                b.raw(&ETHERNET[..size as usize]);
            });
        }
        self.file
    }

    /// Every kind of block that the reader knows, and one that it does not.
    pub fn everything(mut self, order: Order) -> Vec<u8> {
        let micros: u64 = 1_700_000_000_123_456;
        let split = |ticks: u64| {
            let half = |ticks: u64| u32::try_from(ticks).expect("half of it");
            (half(ticks >> 32), half(ticks & u64::from(u32::MAX)))
        };
        let (high, low) = split(micros);
        self.section(order);
        self.interface(order, 1, 54, |b| {
            b.u16(2).u16(4).raw(b"eth0");
            b.u16(3).u16(5).raw(b"cable").pad();
            // if_filter: text.
            b.u16(11).u16(5).raw(b"\0icmp").pad();
            b.u32(0);
        });
        self.interface(order, 1, 0, |b| {
            b.u16(2).u16(7).raw(b"lo\x1b[31m").pad();
            b.u16(9).u16(1).raw(&[9]).pad();
        });
        self.interface(order, 276, 0, |b| {
            b.u16(9).u16(1).raw(&[0x8a]).pad();
            b.u16(14).u16(8).u64(1_600_000_000);
        });
        let size = size(ETHERNET);
        self.block(order, 6, |b| {
            b.u32(0).u32(high).u32(low).u32(size).u32(1514);
            b.raw(ETHERNET).pad();
            b.u16(1).u16(3).raw(b"one").pad();
            b.u16(2).u16(4).u32(1);
            b.u16(1).u16(3).raw(b"two").pad();
            b.u32(0);
        });
        // A block of somebody else.
        self.block(order, 0x8000_0001, |b| {
            b.raw(b"private");
        });
        let (high, low) = split(1_700_000_000_000_000_007);
        self.block(order, 6, |b| {
            b.u32(1).u32(high).u32(low).u32(42).u32(42);
            b.raw(&ETHERNET[..42]).pad();
            b.u16(2).u16(4).u32(2);
        });
        let (high, low) = split(100_000_000 * 1024 + 512);
        self.block(order, 6, |b| {
            b.u32(2).u32(high).u32(low).u32(20).u32(20);
            // Cooked v2: packet type 4 in byte 10, sent by us.
            b.raw(&[8, 6, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 10, 5, 0, 1, 0, 0]);
        });
        self.block(order, 3, |b| {
            b.u32(size).raw(&ETHERNET[..54]);
        });
        let (high, low) = split(micros);
        self.block(order, 2, |b| {
            // Interface 0, 3 drops.
            b.u16(0).u16(3).u32(high).u32(low).u32(42).u32(42);
            b.raw(&ETHERNET[..42]).pad();
        });
        self.block(order, 5, |b| {
            b.u32(0).u32(high).u32(low);
            b.u16(5).u16(8).u64(17);
            b.u32(0);
        });
        self.file
    }
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a small file")
}
