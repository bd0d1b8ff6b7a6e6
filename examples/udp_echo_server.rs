//! A UDP echo server: one socket for all clients, no listen, no accept, no connection.
//! `./target/debug/examples/udp_echo_server [PORT [MESSAGES]]`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::net::UdpSocket;

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|word| word.parse().ok());
    let messages = words.next().and_then(|word| word.parse().ok());
    let socket = UdpSocket::bind(("127.0.0.1", port.unwrap_or(9000)))?;
    println!("receiving on {}", socket.local_addr()?);
    let mut buffer = [0; 1024];
    for _ in 0..messages.unwrap_or(usize::MAX) {
        // One receive is one message, never two and never half of one; what does not fit into the
        // buffer is gone. Each message tells its sender.
        let (len, client) = socket.recv_from(&mut buffer)?;
        let bytes = &buffer[..len];
        println!("{len} bytes from {client}: {}", bytes.escape_ascii());
        // Services below port 1024 may answer an answer: two of them would never stop.
        if client.port() >= 1024 {
            socket.send_to(bytes, client)?;
        }
    }
    Ok(())
}
