//! Sends equal 64-byte frames out of an interface as fast as one processor can: the load of
//! `tests/bench/capture.sh`, for an interface of its own network namespace.
//!
//! `flood INTERFACE COUNT [PACKETS-A-SECOND]`; prints how many went out and how fast.
#![expect(clippy::print_stdout, reason = "the result")]

use std::error::Error;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use rawsock::sys::{iface, packet};
use socket2::{Domain, Protocol, Socket, Type};

/// An Ethernet frame of 64 bytes: UDP from 10.77.0.1 port 40000 to 10.77.0.2 port 5000.
fn frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let mut header = vec![
        0x45, 0, 0, 50, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2,
    ];
    let words = header
        .chunks(2)
        .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
    let sum: u32 = words.sum();
    // RFC 1071; one fold is enough for ten words.
    let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).map_or(0, |sum| !sum);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(header);
    frame.extend([0x9c, 0x40, 0x13, 0x88, 0, 30, 0, 0]);
    frame.resize(64, 0x5a);
    frame
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let [interface, count, rest @ ..] = &words[..] else {
        println!("flood INTERFACE COUNT [PACKETS-A-SECOND]");
        return Ok(());
    };
    let count: u32 = count.parse()?;
    let pace = rest.first().map(|rate| rate.parse::<f64>()).transpose()?;
    // On one processor; the receiver is on the other one.
    let mut first = CpuSet::new();
    first.set(0)?;
    sched_setaffinity(Pid::this(), &first)?;
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
    let index = iface::index(UdpSocket::bind("127.0.0.1:0")?, interface)?;
    packet::bind(&socket, 0, index)?;
    let frame = frame();
    #[expect(clippy::disallowed_methods, reason = "the speed is measured here")]
    let start = Instant::now();
    let mut sent: u32 = 0;
    for number in 0..count {
        if let Some(pace) = pace {
            let due = Duration::from_secs_f64(f64::from(number) / pace);
            while start.elapsed() < due {}
        }
        sent += u32::from(socket.send(&frame).is_ok());
    }
    let rate = f64::from(sent) / start.elapsed().as_secs_f64();
    println!("{sent} {rate:.0}");
    Ok(())
}
