//! Two independent implementations must agree: what `craft` (pnet) writes, `decode` (etherparse and
//! our own reads) must read back, for every settable field.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use rawsock::craft::icmp::Echo;
use rawsock::craft::ipv4_options::Options;
use rawsock::craft::ipv6_ext::Extension;
use rawsock::craft::{ipv4, ipv6};
use rawsock::decode::{
    Decoder, Direction, Flags, Frame, LinkType, Packet, Severity, Value, icmp, icmpv6, ipv4 as ip4,
    ipv6 as ip6, ipv6_fragment, ipv6_options,
};
use rawsock::event::{Stamp, Timestamp};

fn decoded(bytes: &[u8]) -> Packet {
    let frame = Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).expect("small"),
        bytes,
    };
    let mut packet = Packet::new();
    Decoder::new().decode(&frame, &mut packet);
    packet
}

fn keys(packet: &Packet) -> Vec<&'static str> {
    packet
        .problems()
        .iter()
        .map(|problem| problem.key)
        .collect()
}

fn v4_header() -> impl Strategy<Value = ipv4::Header> {
    let bits = any::<(u8, u16, bool, bool, bool)>();
    let ends = any::<(u8, [u8; 4], [u8; 4])>();
    // Whole words of no-operation, so that nothing in the list needs a meaning.
    (bits, ends, 0usize..=10).prop_map(
        |((tos, id, reserved, df, mf), (ttl, source, destination), nops)| {
            let mut options = Options::default();
            for _ in 0..nops * 4 {
                options.nop().expect("40 fit");
            }
            ipv4::Header {
                tos,
                id,
                reserved,
                df,
                mf,
                ttl,
                source: Ipv4Addr::from(source),
                destination: Ipv4Addr::from(destination),
                options,
                ..ipv4::Header::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn ipv4_echo_reads_back(
        header in v4_header(),
        ident: u16,
        seq: u16,
        payload in vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = Vec::new();
        header.craft(8 + payload.len(), &mut bytes);
        let echo = Echo { ident, seq, ..Echo::default() };
        echo.craft_v4(&payload, &mut bytes).expect("short");
        let packet = decoded(&bytes);

        prop_assert_eq!(packet.number(&ip4::VERSION), Some(4));
        prop_assert_eq!(packet.number(&ip4::HDR_LEN), Some(header.len() as u64));
        prop_assert_eq!(packet.number(&ip4::DSFIELD), Some(header.tos.into()));
        prop_assert_eq!(packet.number(&ip4::LEN), Some(bytes.len() as u64));
        prop_assert_eq!(packet.number(&ip4::ID), Some(header.id.into()));
        prop_assert_eq!(packet.number(&ip4::RB), Some(header.reserved.into()));
        prop_assert_eq!(packet.number(&ip4::DF), Some(header.df.into()));
        prop_assert_eq!(packet.number(&ip4::MF), Some(header.mf.into()));
        prop_assert_eq!(packet.number(&ip4::FRAG_OFFSET), Some(0));
        prop_assert_eq!(packet.number(&ip4::TTL), Some(header.ttl.into()));
        prop_assert_eq!(packet.number(&ip4::CHECKSUM_STATUS), Some(1), "checksums agree");
        prop_assert_eq!(packet.value(&ip4::SRC), Some(Value::Ipv4(header.source)));
        prop_assert_eq!(packet.value(&ip4::DST), Some(Value::Ipv4(header.destination)));
        prop_assert_eq!(packet.number(&icmp::TYPE), Some(8));
        prop_assert_eq!(packet.number(&icmp::IDENT), Some(ident.into()));
        prop_assert_eq!(packet.number(&icmp::SEQ), Some(seq.into()));
        let sum = if header.mf { 2 } else { 1 };
        prop_assert_eq!(packet.number(&icmp::CHECKSUM_STATUS), Some(sum));
        let data = packet.layer("data").map_or(&[][..], |data| {
            &bytes[data.at as usize..(data.at + data.len) as usize]
        });
        prop_assert_eq!(data, &payload);
        let rules = packet.problems().iter().filter(|one| one.severity == Severity::Rule);
        let expected = usize::from(header.reserved) + usize::from(header.ttl == 0);
        prop_assert_eq!(rules.count(), expected);
        prop_assert_eq!(packet.problems().len(), expected);
    }

    #[test]
    fn every_wrong_checksum_is_seen(
        payload in vec(any::<u8>(), 0..64),
        wrong in 1u16..,
        v6: bool,
    ) {
        let mut bytes = Vec::new();
        let good = Echo { ident: 1, seq: 2, ..Echo::default() };
        let (a, b) = (Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
        let (at, key) = if v6 {
            let header = ipv6::Header { source: a, destination: b, ..ipv6::Header::default() };
            header.craft(8 + payload.len(), &mut bytes);
            good.craft_v6(&payload, a, b, &mut bytes).expect("short");
            (42, "icmpv6.checksum.bad")
        } else {
            ipv4::Header::default().craft(8 + payload.len(), &mut bytes);
            good.craft_v4(&payload, &mut bytes).expect("short");
            (22, "icmp.checksum.bad")
        };
        let right = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let stated = right ^ wrong;
        // Both zeros of one's complement mean the same number.
        prop_assume!(!matches!((right, stated), (0, 0xffff) | (0xffff, 0)));
        bytes[at..at + 2].copy_from_slice(&stated.to_be_bytes());
        let packet = decoded(&bytes);
        prop_assert_eq!(keys(&packet), vec![key]);
        let computed = if v6 { &icmpv6::CHECKSUM_CALCULATED } else { &icmp::CHECKSUM_CALCULATED };
        prop_assert_eq!(packet.number(computed), Some(right.into()), "both compute the same");
    }

    #[test]
    fn ipv6_echo_reads_back_through_extension_headers(
        (traffic_class, flow_label, hop_limit) in (any::<u8>(), 0u32..1 << 20, any::<u8>()),
        (source, destination) in any::<([u8; 16], [u8; 16])>(),
        echo in any::<(u16, u16)>(),
        options in vec(any::<u8>(), 0..40),
        fragment: Option<u32>,
        payload in vec(any::<u8>(), 0..200),
    ) {
        // An option of the experiments, skipped by who does not know it (RFC 4727).
        let mut option = vec![0x1e, u8::try_from(options.len()).expect("short")];
        option.extend(&options);
        let mut extensions = vec![
            Extension::hop_by_hop(&option).expect("short"),
            Extension::destination(&option).expect("short"),
        ];
        // An atomic fragment: whole, so the checksum can be verified (RFC 6946).
        extensions.extend(fragment.map(|id| Extension::fragment(0, false, id)));
        let header = ipv6::Header {
            traffic_class,
            flow_label,
            hop_limit,
            source: Ipv6Addr::from(source),
            destination: Ipv6Addr::from(destination),
            extensions,
            ..ipv6::Header::default()
        };
        let mut bytes = Vec::new();
        header.craft(8 + payload.len(), &mut bytes);
        let message = Echo { reply: true, ident: echo.0, seq: echo.1, ..Echo::default() };
        message
            .craft_v6(&payload, header.source, header.destination, &mut bytes)
            .expect("short");
        let packet = decoded(&bytes);

        prop_assert_eq!(packet.number(&ip6::TCLASS), Some(traffic_class.into()));
        prop_assert_eq!(packet.number(&ip6::FLOW), Some(flow_label.into()));
        prop_assert_eq!(packet.number(&ip6::PLEN), Some(bytes.len() as u64 - 40));
        prop_assert_eq!(packet.number(&ip6::HLIM), Some(hop_limit.into()));
        prop_assert_eq!(packet.value(&ip6::SRC), Some(Value::Ipv6(header.source)));
        prop_assert_eq!(packet.value(&ip6::DST), Some(Value::Ipv6(header.destination)));
        let shown = packet.find(&ipv6_options::EXPERIMENTAL, false).map_or(&[][..], |(_, field)| {
            &bytes[field.at as usize..(field.at + field.len) as usize]
        });
        prop_assert_eq!(shown, &options);
        prop_assert_eq!(packet.number(&ipv6_fragment::IDENT), fragment.map(u64::from));
        prop_assert_eq!(packet.number(&icmpv6::TYPE), Some(129));
        prop_assert_eq!(packet.number(&icmpv6::IDENT), Some(echo.0.into()));
        prop_assert_eq!(packet.number(&icmpv6::SEQ), Some(echo.1.into()));
        prop_assert_eq!(packet.number(&icmpv6::CHECKSUM_STATUS), Some(1), "checksums agree");
        prop_assert!(packet.problems().iter().all(|one| one.key == "ipv6.src.multicast"));
    }

    #[test]
    fn lies_are_sent_as_asked_and_seen(
        version in 0u8..16,
        ihl in 0u8..16,
        total_length: u16,
        checksum: u16,
        offset in 0u16..1 << 13,
    ) {
        let lie = ipv4::Header {
            version,
            ihl: Some(ihl),
            total_length: Some(total_length),
            checksum: Some(checksum),
            fragment_offset: offset,
            ..ipv4::Header::default()
        };
        let mut bytes = Vec::new();
        lie.craft(20, &mut bytes);
        bytes.extend([0; 20]);
        // In front of a link that says IPv4, so that a wrong version gets there.
        let mut frame = vec![0; 12];
        frame.extend([8, 0]);
        frame.extend(&bytes);
        let len = u32::try_from(frame.len()).expect("small");
        let frame = Frame {
            at: Timestamp(0),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Ethernet,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: len,
            bytes: &frame,
        };
        let mut packet = Packet::new();
        Decoder::new().decode(&frame, &mut packet);
        prop_assert_eq!(packet.number(&ip4::VERSION), Some(version.into()));
        prop_assert_eq!(packet.number(&ip4::HDR_LEN), Some(u64::from(ihl) * 4));
        prop_assert_eq!(packet.number(&ip4::LEN), Some(total_length.into()));
        prop_assert_eq!(packet.number(&ip4::CHECKSUM), Some(checksum.into()));
        prop_assert_eq!(packet.number(&ip4::FRAG_OFFSET), Some(offset.into()));
        let keys = keys(&packet);
        prop_assert_eq!(keys.contains(&"ip.version"), version != 4);
        prop_assert_eq!(keys.contains(&"ip.hdr_len"), ihl < 5);
        // Less than the header's own length is said first.
        let short = total_length < u16::from(ihl) * 4;
        prop_assert_eq!(keys.contains(&"ip.len.long"), total_length > 40 && !short);
    }
}
