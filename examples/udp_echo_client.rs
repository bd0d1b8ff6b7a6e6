//! A UDP echo client: sending always succeeds, so only a time limit tells that nobody answers; a
//! connected socket hears the ICMP error. `./target/debug/examples/udp_echo_client [PORT [TEXT]]`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::net::UdpSocket;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().and_then(|w| w.parse().ok()).unwrap_or(9000);
    let text = words.next().unwrap_or_else(|| "你好".to_owned());
    let mut buffer = [0; 1024];

    let free = UdpSocket::bind("127.0.0.1:0")?;
    free.set_read_timeout(Some(Duration::from_millis(200)))?;
    let sent = free.send_to(text.as_bytes(), ("127.0.0.1", port))?;
    match free.recv_from(&mut buffer) {
        Ok((len, from)) => {
            let answer = String::from_utf8_lossy(&buffer[..len]);
            println!("not connected: {sent} bytes sent, {from} answers {answer}");
        }
        Err(error) => println!("not connected: {sent} bytes sent, then {error}"),
    }

    // connect sends nothing: it only says whose messages this socket is for.
    let connected = UdpSocket::bind("127.0.0.1:0")?;
    connected.connect(("127.0.0.1", port))?;
    connected.set_read_timeout(Some(Duration::from_millis(200)))?;
    let sent = connected.send(text.as_bytes())?;
    match connected.recv(&mut buffer) {
        Ok(len) => {
            let answer = String::from_utf8_lossy(&buffer[..len]);
            println!("connected: {sent} bytes sent, the answer is {answer}");
        }
        Err(error) => println!("connected: {sent} bytes sent, then {error}"),
    }
    Ok(())
}
