//! Three sends, how many receives? A stream has no messages, so they stick together; nothing is
//! wrong with it, and Nagle's algorithm has nothing to do with it. Also the reverse, and the cure.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

const MESSAGES: [&str; 3] = ["one", "two!", "three"];

fn streams() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    client.set_nodelay(true)?; // no Nagle: every send leaves at once
    Ok((client, listener.accept()?.0))
}

fn main() -> std::io::Result<()> {
    let mut buffer = [0; 1024];

    let (mut client, mut server) = streams()?;
    for message in MESSAGES {
        client.write_all(message.as_bytes())?;
    }
    // On the loopback a send has arrived when it returns.
    let len = server.read(&mut buffer)?;
    println!("TCP, 3 sends: {}", String::from_utf8_lossy(&buffer[..len]));

    client.write_all(b"0123456789")?;
    for _ in 0..3 {
        let len = server.read(&mut buffer[..4])?;
        println!(
            "TCP, receive 4: {}",
            String::from_utf8_lossy(&buffer[..len])
        );
    }

    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(Duration::from_secs(1)))?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    for message in MESSAGES.into_iter().chain(["0123456789"]) {
        sender.send_to(message.as_bytes(), receiver.local_addr()?)?;
    }
    for _ in MESSAGES {
        let len = receiver.recv(&mut buffer)?;
        println!("UDP, one of 3: {}", String::from_utf8_lossy(&buffer[..len]));
    }
    let len = receiver.recv(&mut buffer[..4])?;
    println!("UDP, receive 4 of 10: {len}, and 6 are gone");

    // The cure: say how long each message is.
    for message in MESSAGES {
        let len = u32::try_from(message.len()).unwrap_or(0);
        client.write_all(&len.to_be_bytes())?;
        client.write_all(message.as_bytes())?;
    }
    for _ in MESSAGES {
        let mut len = [0; 4];
        server.read_exact(&mut len)?;
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(0);
        let message = &mut buffer[..len.min(1024)];
        server.read_exact(message)?;
        println!("TCP with lengths: {}", String::from_utf8_lossy(message));
    }
    Ok(())
}
