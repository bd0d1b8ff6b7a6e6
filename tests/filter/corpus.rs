//! Packets for the filter tests: every protocol that a filter can name, on every link type, with
//! seeded damage.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use rawsock::filter::Link;

use super::build::{Random, V4, V6, auth, be, cat, ext, fragment, ipv4, ipv6, tcp, udp, v6};

/// A captured packet: its bytes, and its length on the wire.
#[derive(Clone)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub wire_len: u32,
}

/// EtherType and network layer bytes: what every link can carry.
pub fn network(random: &mut Random) -> Vec<(u16, Vec<u8>)> {
    let mut all: Vec<(u16, Vec<u8>)> = Vec::new();
    let transports = transports(random);
    for (proto, body) in &transports {
        let (a, b) = (random.pick(&V4), random.pick(&V4));
        all.push((0x0800, ipv4(*proto, a, b, 0, 0x4000, body)));
        let options = random.pick(&[1, 2, 10]);
        all.push((0x0800, ipv4(*proto, b, a, options, 0, body)));
        let frag = random.pick(&[0x2000, 0x2001, 0x00b9, 0x1fff]);
        all.push((0x0800, ipv4(*proto, a, b, 0, frag, body)));
        let (a, b) = (v6(random.pick(&V6)), v6(random.pick(&V6)));
        all.push((0x86dd, ipv6(*proto, a, b, body)));
        let chained = match random.below(9) {
            0 => ipv6(0, a, b, &ext(*proto, 0, body)),
            1 => ipv6(60, a, b, &ext(*proto, 1, body)),
            2 => ipv6(43, a, b, &ext(*proto, 2, body)),
            3 => ipv6(44, a, b, &fragment(*proto, 0, body)),
            4 => ipv6(44, a, b, &fragment(*proto, 185, body)),
            5 => ipv6(51, a, b, &auth(*proto, body)),
            6 => ipv6(
                0,
                a,
                b,
                &ext(43, 0, &ext(44, 1, &fragment(*proto, 0, body))),
            ),
            7 => ipv6(
                0,
                a,
                b,
                &ext(60, 0, &ext(51, 0, &auth(60, &ext(*proto, 0, body)))),
            ),
            _ => ipv6(
                60,
                a,
                b,
                &ext(44, 0, &fragment(60, 3, &ext(*proto, 0, body))),
            ),
        };
        all.push((0x86dd, chained));
    }
    // The MLDv2 report as hosts send it: behind a hop-by-hop header.
    let report = [143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0];
    all.push((
        0x86dd,
        ipv6(0, v6("fe80::1"), v6("ff02::16"), &ext(58, 0, &report)),
    ));
    // More extension headers than are followed.
    let mut body = ext(6, 0, &tcp(80, 81, 2, b"x"));
    for _ in 0..12 {
        body = ext(60, 0, &body);
    }
    all.push((0x86dd, ipv6(60, v6("fe80::1"), v6("::1"), &body)));
    link_only(random, &mut all);
    super::tunnels::add(&mut all);
    all
}

/// IP protocol numbers and what is behind the IP header.
fn transports(random: &mut Random) -> Vec<(u8, Vec<u8>)> {
    let mut transports: Vec<(u8, Vec<u8>)> = Vec::new();
    let ports = [
        20, 21, 22, 53, 80, 443, 67, 514, 6000, 6004, 6008, 6009, 1023, 1024,
    ];
    for (n, port) in ports.into_iter().enumerate() {
        let other = random.pick(&[33000_u16, 80, 53, 6005, 443]);
        let flags = random.pick(&[0x02, 0x12, 0x10, 0x11, 0x04, 0x18, 0x29, 0xc2]);
        let (a, b) = if n % 2 == 0 {
            (port, other)
        } else {
            (other, port)
        };
        transports.push((6, tcp(a, b, flags, b"GET / HTTP/1.1\r\n")));
        transports.push((17, udp(a, b, b"0123456789abcdef")));
    }
    transports.push((132, cat(&[&udp(5060, 80, &[]), &[0; 20]])));
    for kind in [0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 30] {
        transports.push((1, vec![kind, kind % 3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    }
    for kind in [0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x1e, 0x1f, 0x22, 0x30] {
        transports.push((2, vec![kind, 0, 0, 0, 224, 0, 0, 251]));
    }
    for kind in (1..5).chain(127..155) {
        transports.push((58, vec![kind, kind % 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    }
    for proto in [
        0, 4, 9, 41, 43, 44, 46, 47, 50, 59, 60, 89, 103, 112, 115, 255,
    ] {
        transports.push((proto, vec![3; 24]));
    }
    transports.push((51, auth(6, &tcp(80, 81, 2, b"x"))));
    transports.push((51, auth(50, &[1; 16])));
    transports
}

/// What is not IP: ARP, and protocols that only a link names.
fn link_only(random: &mut Random, all: &mut Vec<(u16, Vec<u8>)>) {
    for (op, ether_type) in [(1, 0x0806), (2, 0x0806), (3, 0x8035), (4, 0x8035)] {
        let (a, b) = (random.pick(&V4), random.pick(&V4));
        let mac = [2, 0, 0, 0, 0, 1];
        let arp = cat(&[&[0, 1, 8, 0, 6, 4, 0, op], &mac, &a, &mac, &b]);
        all.push((ether_type, arp));
    }
    for ether_type in [
        0x6001, 0x6002, 0x6004, 0x6007, 0x809b, 0x80f3, 0x8137, 0x9000, 0x8863, 0x1234, 0x88cc,
        0x0600,
    ] {
        all.push((ether_type, vec![0x45; 46]));
    }
    // DECnet: flags, then addresses; long and short, padded or not. Area 10, node 123.
    let node = ((10_u16 << 10) + 123).to_le_bytes();
    for (start, src, dst) in [(0, 15, 7), (0, 3, 1), (1, 16, 8), (1, 4, 2)] {
        for (source, destination) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut p = vec![0_u8; 40];
            let flags = if src > 10 { 0x06 } else { 0x02 };
            if start == 1 {
                p[2] = 0x81;
            }
            p[2 + start] = flags;
            for (at, wanted) in [(src, source), (dst, destination)] {
                if wanted {
                    p[2 + at..4 + at].copy_from_slice(&node);
                }
            }
            all.push((0x6003, p));
        }
    }
}

/// LLC payloads: frames with a length where the EtherType is, or what a cooked capture says.
fn llc() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for start in [
        &[0x42, 0x42, 3][..],
        &[0xe0, 0xe0, 3],
        &[0xff, 0xff, 0, 0],
        &[0xf0, 0xf0, 3],
        &[0x06, 0x06, 3],
        &[0xfe, 0xfe, 3, 0x81],
        &[0xfe, 0xfe, 3, 0x82],
        &[0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0x37],
        &[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00],
        &[0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b],
        &[0xaa, 0xaa, 3, 0, 0, 0, 0x80, 0xf3],
        &[0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0x00],
    ] {
        all.push(cat(&[start, &[0x11; 40]]));
    }
    for kind in 14..29 {
        all.push(cat(&[
            &[0xfe, 0xfe, 3, 0x83, 20, 1, 0, kind, 1, 0, 0],
            &[0; 30],
        ]));
    }
    for control in [
        0, 2, 1, 5, 9, 0x0d, 0x11, 3, 0x13, 0x63, 0x43, 0x0f, 0x6f, 0xe3, 0xf3, 0xaf, 0x87,
    ] {
        all.push(cat(&[&[0x10, 0x10, control, 0], &[0; 42]]));
    }
    all
}

/// Every packet on a link, whole.
pub fn whole(link: Link, random: &mut Random) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let macs: [[u8; 6]; 5] = [
        [2, 0, 0, 0, 0, 1],
        [2, 0, 0, 0, 0, 2],
        [0xff; 6],
        [1, 0, 0x5e, 0, 0, 0x16],
        [0x33, 0x33, 0, 0, 0, 1],
    ];
    for (ether_type, body) in network(random) {
        let (a, b) = (random.pick(&macs), random.pick(&macs));
        let kind = random.pick(&[0_u8, 1, 2, 3, 4]);
        let family: Option<u32> = match ether_type {
            0x0800 => Some(2),
            0x86dd => Some(random.pick(&[10, 10, 10, 24, 28, 30])),
            _ => None,
        };
        let ppp: u16 = match ether_type {
            0x0800 => 0x21,
            0x86dd => 0x57,
            0x8847 => 0x281,
            0x6003 => 0x27,
            0x809b => 0x29,
            other => other,
        };
        all.push(match link {
            Link::Ethernet => cat(&[&a, &b, &ether_type.to_be_bytes(), &body]),
            Link::Raw if family.is_some() => body,
            Link::Ipv4 if ether_type == 0x0800 => body,
            Link::Ipv6 if ether_type == 0x86dd => body,
            Link::Raw | Link::Ipv4 | Link::Ipv6 => continue,
            Link::Sll => cooked_v1(kind, ether_type, b, &body),
            Link::Sll2 => cooked_v2(kind, ether_type, b, &body),
            Link::Null => cat(&[&family.unwrap_or(7).to_le_bytes(), &body]),
            Link::Loop => cat(&[&family.unwrap_or(7).to_be_bytes(), &body]),
            Link::Ppp => cat(&[&[0xff, 3], &ppp.to_be_bytes(), &body]),
        });
    }
    for body in llc() {
        all.push(match link {
            Link::Ethernet => cat(&[&[1, 0x80, 0xc2, 0, 0, 0], &macs[0], &be(body.len()), &body]),
            Link::Sll => cooked_v1(0, 4, macs[0], &body),
            Link::Sll2 => cooked_v2(0, 4, macs[0], &body),
            _ => continue,
        });
    }
    if link == Link::Ethernet {
        // On both sides of where a length ends and an EtherType begins.
        for length in [1499, 1500, 1501, 1535, 1536] {
            all.push(cat(&[
                &macs[0],
                &macs[1],
                &be(length),
                &[0x42, 0x42, 3],
                &[0; 40],
            ]));
            all.push(cat(&[
                &macs[0],
                &macs[1],
                &be(length),
                &[0xfe, 0xfe, 3, 0x83],
                &[18; 40],
            ]));
        }
    }
    if link == Link::Sll {
        all.push(cooked_v1(0, 1, macs[0], &[0xff; 40]));
    }
    all
}

fn cooked_v1(kind: u8, ether_type: u16, mac: [u8; 6], body: &[u8]) -> Vec<u8> {
    cat(&[
        &[0, kind, 0, 1, 0, 6],
        &mac,
        &[0, 0],
        &ether_type.to_be_bytes(),
        body,
    ])
}

fn cooked_v2(kind: u8, ether_type: u16, mac: [u8; 6], body: &[u8]) -> Vec<u8> {
    let index = [0, 0, 0, kind + 1];
    cat(&[
        &ether_type.to_be_bytes(),
        &[0, 0],
        &index,
        &[0, 1, kind, 6],
        &mac,
        &[0, 0],
        body,
    ])
}

/// Every packet on a link, and damaged copies of each.
pub fn packets(link: Link, seed: u64, copies: usize) -> Vec<Packet> {
    let mut random = Random::new(seed);
    let mut all = Vec::new();
    for bytes in whole(link, &mut random) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        for _ in 0..copies {
            let bytes = damaged(&bytes, &mut random);
            all.push(Packet { bytes, wire_len });
        }
        all.push(Packet { bytes, wire_len });
    }
    all
}

/// Bytes changed, or the end cut off.
pub fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if random.below(3) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    for _ in 0..random.below(3) {
        if bytes.is_empty() {
            break;
        }
        // Headers are near the front.
        let reach = bytes.len().min(80);
        let at = random.below(reach);
        let any = u8::try_from(random.below(256)).unwrap();
        bytes[at] = match random.below(4) {
            0 => random.pick(&[0, 1, 4, 6, 8, 17, 44, 51, 58, 60, 80, 0xff]),
            1 => bytes[at] ^ (1 << random.below(8)),
            2 => bytes[at].wrapping_add(1),
            _ => any,
        };
    }
    bytes
}
