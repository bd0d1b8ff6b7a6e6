//! A run with a lost segment, made by hand for the tests of the drawings: client h1, server h2, one
//! way takes 5 ms.

use std::sync::Arc;
use std::time::Duration;

use rawsock::craft::ipv4;
use rawsock::decode::{Direction, Flags, LinkType};
use rawsock::event::{
    Call, Fate, Host, Id, Kind, List, Mono, Outcome, Packet, Reason, Stamp, Timestamp,
};

/// Milliseconds and a fraction of them, in microseconds.
pub fn at(micros: u64) -> Mono {
    Mono(Duration::from_micros(micros))
}

/// A segment between 10.5.0.1:41802 and 10.5.0.2:9000.
pub fn segment(client: bool, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Packet {
    let (h1, h2) = ([10, 5, 0, 1].into(), [10, 5, 0, 2].into());
    let (p1, p2) = (41802u16, 9000u16);
    let mut bytes = Vec::new();
    let header = ipv4::Header {
        protocol: 6,
        source: if client { h1 } else { h2 },
        destination: if client { h2 } else { h1 },
        ..ipv4::Header::default()
    };
    let mut tcp = Vec::new();
    let (from, to) = if client { (p1, p2) } else { (p2, p1) };
    tcp.extend(from.to_be_bytes());
    tcp.extend(to.to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    tcp.extend(data);
    header.craft(tcp.len(), &mut bytes);
    bytes.extend(tcp);
    Packet {
        wall: Timestamp(0),
        stamp: Stamp::Kernel,
        link: LinkType::Raw,
        dir: Direction::Out,
        flags: Flags {
            checksum_not_ready: true,
            ..Flags::default()
        },
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes: Arc::from(bytes),
    }
}

/// Pushes a packet that arrives 5 ms later.
pub fn sent(list: &mut List, micros: u64, host: u8, packet: Packet) -> Id {
    let id = list
        .push(at(micros), Host(host), Kind::Packet(packet.clone()), None)
        .unwrap();
    let arrival = at(micros + 5_000);
    let to = Host(1 - host);
    let fate = Kind::Fate(Fate::Delivered { at: arrival, to });
    let fate = list.push(arrival, Host(host), fate, Some(id));
    let received = Packet {
        dir: Direction::In,
        ..packet
    };
    list.push(arrival, to, Kind::Packet(received), fate);
    id
}

/// Pushes a call.
pub fn call(
    list: &mut List,
    micros: u64,
    host: u8,
    method: &'static str,
    args: &str,
    value: &str,
    blocked: u64,
) {
    let call = Call {
        method,
        fd: Some(3),
        args: args.into(),
        outcome: Outcome::Value(value.into()),
        blocked: Duration::from_micros(blocked),
        bytes: 0,
    };
    list.push(at(micros), Host(host), Kind::Call(call), None);
}

/// The run of the sample in every drawing.
pub fn lossy_run() -> List {
    let hosts = vec!["h1".into(), "h2".into()];
    let mut list = List::new(hosts, Timestamp(0), 1000, 1 << 20);
    let l = &mut list;
    call(l, 0, 1, "accept", "", "4, peer 10.5.0.1:41802", 10_100);
    call(l, 0, 0, "connect", "10.5.0.2:9000", "0", 10_200);
    sent(l, 20, 0, segment(true, 2, 1000, 0, b""));
    sent(l, 5_040, 1, segment(false, 0x12, 7000, 1001, b""));
    sent(l, 10_060, 0, segment(true, 0x10, 1001, 7001, b""));
    call(l, 10_300, 0, "send", "'你好 hello'", "12", 21);
    let data = "你好 hello".as_bytes();
    let lost = segment(true, 0x18, 1001, 7001, data);
    let id = l.push(at(10_310), Host(0), Kind::Packet(lost), None);
    let fate = Kind::Fate(Fate::Dropped(Reason::Loss));
    l.push(at(10_320), Host(0), fate, id);
    call(l, 15_200, 1, "recv", "1024", "'你好 hello'", 204_600);
    sent(l, 214_900, 0, segment(true, 0x18, 1001, 7001, data));
    sent(l, 219_950, 1, segment(false, 0x10, 7001, 1013, b""));
    list
}
