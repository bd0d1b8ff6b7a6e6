//! What the core costs: the engine per echo, decoding per packet. `cargo bench --bench core`.
//!
//! An echo is everything that a flood asks of the engine for one probe: poll, payload, sent, input,
//! and draining what was decided. The shell's system calls are not in it.

use std::net::IpAddr;
use std::time::Duration;

use divan::{Bencher, black_box, counter::ItemsCount};
use rawsock::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use rawsock::event::{Mono, Stamp, Timestamp};
use rawsock::ping::{Arrival, Config, Echo, Message, Pinger, Step, plain_reply, read_message};

fn main() {
    divan::main();
}

const ECHOES: u32 = 100_000;
const BETWEEN: Duration = Duration::from_micros(7);

fn flood(ids: Vec<u16>) -> Pinger {
    let mut config = Config::new(target(), ids, 0x0123_4567_89ab_cdef);
    config.flood = true;
    config.interval = Duration::ZERO;
    Pinger::new(config)
}

fn target() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

/// A flood in which every probe is answered after 7 us.
fn echoes(pinger: &mut Pinger, now: &mut Mono) -> usize {
    let mut payload = Vec::new();
    let mut verdicts = 0;
    for _ in 0..ECHOES {
        let Step::Send(probe) = pinger.poll(*now) else {
            break;
        };
        pinger.payload(&probe, &mut payload);
        let wall = wall(*now);
        #[expect(clippy::cast_possible_truncation, reason = "stamp numbers wrap")]
        let stamp_id = probe.want_stamp.then_some(probe.n as u32);
        pinger.sent(&probe, *now, wall, stamp_id);
        if let Some(id) = stamp_id {
            pinger.tx_stamp(id, wall, Stamp::Kernel);
        }
        *now = now.plus(BETWEEN);
        let wall = self::wall(*now);
        pinger.input(&Arrival {
            at: *now,
            wall,
            stamp: Some((wall, Stamp::Kernel)),
            from: target(),
            ttl: Some(64),
            overflow: None,
            message: Message::EchoReply(Echo {
                id: probe.id,
                seq: probe.seq,
                payload: &payload,
                icmp_len: payload.len() + 8,
                bad_checksum: None,
            }),
        });
        verdicts += pinger.drain_events().map(black_box).count();
    }
    verdicts
}

fn wall(now: Mono) -> Timestamp {
    let since = i64::try_from(now.0.as_nanos()).unwrap_or(i64::MAX);
    Timestamp(since.saturating_add(1_767_225_600_000_000_000))
}

#[divan::bench(args = [1, 4], sample_count = 30)]
fn engine_echo(bencher: Bencher<'_, '_>, ids: u16) {
    let mut pinger = flood((1..=ids).collect());
    let mut now = Mono::default();
    bencher
        .counter(ItemsCount::new(ECHOES))
        .bench_local(|| echoes(&mut pinger, &mut now));
}

/// A run of 100,000 probes that are all outstanding before the first is answered.
#[divan::bench(sample_count = 10)]
fn engine_hundred_thousand_outstanding(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(ECHOES)).bench_local(|| {
        let mut config = Config::new(target(), vec![1, 2, 3, 4], 1);
        config.preload = ECHOES;
        let mut pinger = Pinger::new(config);
        while let Step::Send(probe) = pinger.poll(Mono::default()) {
            pinger.sent(&probe, Mono::default(), Timestamp(0), None);
        }
        pinger.summary(Mono::default()).open
    });
}

/// An echo reply of 64 bytes as a raw IPv4 socket delivers it.
fn reply() -> Vec<u8> {
    let mut bytes = vec![
        0x45, 0, 0, 84, 0x12, 0x34, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0, 0, 0, 0,
        7, 0, 9,
    ];
    bytes.extend(0..56);
    let sum = |bytes: &[u8]| {
        let words = bytes.chunks_exact(2);
        let sum: u32 = words.map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        (!u16::try_from(folded).unwrap_or_default()).to_be_bytes()
    };
    let ip = sum(&bytes[..20]);
    bytes[10..12].copy_from_slice(&ip);
    let icmp = sum(&bytes[20..]);
    bytes[22..24].copy_from_slice(&icmp);
    bytes
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp(0),
        stamp: Stamp::Kernel,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::In,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        bytes,
    }
}

#[divan::bench]
fn decode_reply(bencher: Bencher<'_, '_>) {
    let (decoder, bytes, mut packet) = (Decoder::new(), reply(), Packet::new());
    decoder.decode(&frame(&bytes), &mut packet);
    assert!(packet.problems().is_empty(), "{:?}", packet.problems());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| decoder.decode(black_box(&frame(&bytes)), &mut packet));
}

#[divan::bench]
fn decode_and_read_reply(bencher: Bencher<'_, '_>) {
    let (decoder, bytes, mut packet) = (Decoder::new(), reply(), Packet::new());
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        decoder.decode(black_box(&frame(&bytes)), &mut packet);
        matches!(read_message(&packet, &bytes), Message::EchoReply(_))
    });
}

#[divan::bench]
fn plain_reply_without_a_tree(bencher: Bencher<'_, '_>) {
    let bytes = reply();
    assert!(plain_reply(LinkType::Raw, &bytes, bytes.len()).is_some());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| plain_reply(LinkType::Raw, black_box(&bytes), bytes.len()).is_some());
}
