//! Packets in tunnels: MPLS, PPPoE, VLAN tags, Geneve, VXLAN.

use super::build::{be, cat, ext, ipv4, ipv6, tcp, udp, v6};

/// Adds them: the EtherType and what follows it.
pub fn add(all: &mut Vec<(u16, Vec<u8>)>) {
    let four = ipv4(
        6,
        [10, 0, 0, 1],
        [192, 168, 1, 1],
        0,
        0,
        &tcp(80, 1024, 2, b"hello"),
    );
    let optioned = ipv4(
        17,
        [10, 1, 2, 3],
        [10, 0, 0, 1],
        2,
        0,
        &udp(53, 53, b"name"),
    );
    let six = ipv6(
        17,
        v6("2001:db8::1"),
        v6("fe80::1"),
        &udp(53, 514, b"hello"),
    );
    let arp = cat(&[
        &[0, 1, 8, 0, 6, 4, 0, 1],
        &[2; 6],
        &[10, 0, 0, 1],
        &[0; 6],
        &[10, 1, 2, 3],
    ]);
    let inner: [(u16, &[u8]); 4] = [
        (0x0800, &four),
        (0x0800, &optioned),
        (0x86dd, &six),
        (0x0806, &arp),
    ];
    let mut tagged: Vec<(u16, Vec<u8>)> = Vec::new();
    for (ether_type, body) in inner {
        for labels in [&[1024_u32][..], &[100_000, 1024], &[16, 100_000, 1024]] {
            let mut p = Vec::new();
            for (n, label) in labels.iter().enumerate() {
                let bottom = u32::from(n + 1 == labels.len());
                p.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
            }
            p.extend(body);
            tagged.push((0x8847, p));
        }
        let ppp: u16 = match ether_type {
            0x0800 => 0x21,
            0x86dd => 0x57,
            _ => 0xc021,
        };
        for session in [0x27_u16, 7] {
            let head = cat(&[&[0x11, 0], &session.to_be_bytes(), &be(body.len() + 2)]);
            tagged.push((0x8864, cat(&[&head, &ppp.to_be_bytes(), body])));
        }
        let ether = cat(&[
            &[2, 0, 0, 0, 0, 1],
            &[2, 0, 0, 0, 0, 2],
            &ether_type.to_be_bytes(),
            body,
        ]);
        for vni in [0xb_u32, 4096] {
            let vni = vni << 8;
            for options in [0_u8, 2] {
                for (protocol, payload) in [(0x6558, ether.as_slice()), (ether_type, body)] {
                    let mut g = vec![options, 0];
                    g.extend(protocol.to_be_bytes());
                    g.extend(vni.to_be_bytes());
                    g.resize(8 + usize::from(options) * 4, 0xee);
                    g.extend(payload);
                    let over = udp(40000, 6081, &g);
                    tagged.push((
                        0x0800,
                        ipv4(
                            17,
                            [10, 0, 0, 1],
                            [10, 1, 2, 3],
                            usize::from(options),
                            0,
                            &over,
                        ),
                    ));
                    tagged.push((0x86dd, ipv6(17, v6("::1"), v6("2001:db8::1"), &over)));
                    tagged.push((
                        0x86dd,
                        ipv6(60, v6("::1"), v6("fe80::1"), &ext(17, 0, &over)),
                    ));
                }
            }
            let x = cat(&[&[8, 0, 0, 0], &vni.to_be_bytes(), &ether]);
            let over = udp(40000, 4789, &x);
            tagged.push((0x0800, ipv4(17, [10, 0, 0, 1], [10, 1, 2, 3], 0, 0, &over)));
            tagged.push((0x86dd, ipv6(17, v6("::1"), v6("2001:db8::1"), &over)));
        }
        tagged.push((ether_type, body.to_vec()));
    }
    for (ether_type, body) in &tagged {
        vlans(*ether_type, body, all);
    }
    all.append(&mut tagged);
}

/// The packet behind one tag or two.
fn vlans(ether_type: u16, body: &[u8], all: &mut Vec<(u16, Vec<u8>)>) {
    for tags in [
        &[(0x8100_u16, 5_u16)][..],
        &[(0x8100, 0x6064)],
        &[(0x88a8, 5), (0x8100, 7)],
        &[(0x9100, 100), (0x8100, 200)],
    ] {
        let mut p = Vec::new();
        for (n, (_, id)) in tags.iter().enumerate() {
            let next = tags.get(n + 1).map_or(ether_type, |(tpid, _)| *tpid);
            p.extend(id.to_be_bytes());
            p.extend(next.to_be_bytes());
        }
        p.extend(body);
        all.push((tags[0].0, p));
    }
}
