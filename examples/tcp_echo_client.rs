//! A TCP echo client: connect is the handshake, send copies into a buffer, and one receive may
//! bring less than was sent. `./target/debug/examples/tcp_echo_client [PORT [TEXT...]]`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|word| word.parse().ok());
    let mut texts: Vec<String> = words.collect();
    if texts.is_empty() {
        texts.push("你好".to_owned());
    }
    // ECONNREFUSED (111) if nobody listens: the server answers the SYN with a RST.
    let mut server = TcpStream::connect(("127.0.0.1", port.unwrap_or(9000)))?;
    server.set_read_timeout(Some(Duration::from_secs(5)))?;
    println!("{} -> {}", server.local_addr()?, server.peer_addr()?);
    for text in texts {
        server.write_all(text.as_bytes())?;
        // As many bytes as went out must come back, in however many pieces.
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        while answer.len() < text.len() {
            match server.read(&mut buffer)? {
                0 => return Err(Error::new(ErrorKind::UnexpectedEof, "the server has left")),
                len => answer.extend(&buffer[..len]),
            }
        }
        println!("{}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
