//! UDP loses messages even on the loopback: a receive buffer that nobody empties is full after a
//! few, and the kernel throws the others away without telling the sender. It counts them.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::net::UdpSocket;

use rawsock::sys::sockopt::{get_bytes, get_int, set_int};

const SENT: usize = 1000;

fn main() -> std::io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    set_int(&receiver, libc::SOL_SOCKET, libc::SO_RCVBUF, 4096)?;
    let buffer = get_int(&receiver, libc::SOL_SOCKET, libc::SO_RCVBUF)?;
    println!("SO_RCVBUF: set to 4096, reads back {buffer}");

    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let mut sends = 0;
    for _ in 0..SENT {
        sends += usize::from(sender.send_to(&[b'x'; 100], receiver.local_addr()?).is_ok());
    }
    println!("{sends} sends succeeded");

    receiver.set_nonblocking(true)?;
    let mut received = 0;
    while receiver.recv(&mut [0; 100]).is_ok() {
        received += 1;
    }
    // SO_MEMINFO: nine counters, the last is the messages thrown away (linux/sock_diag.h).
    let mut counters = [0; 36];
    get_bytes(&receiver, libc::SOL_SOCKET, libc::SO_MEMINFO, &mut counters)?;
    let dropped = counters.last_chunk().copied().map_or(0, u32::from_ne_bytes);
    println!(
        "{received} received + {dropped} thrown away = {}",
        received + dropped
    );
    Ok(())
}
