//! Sockets of type SOCK_SEQPACKET: connections as TCP has, messages as UDP has, on one machine.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::{Read, Write};

use socket2::{Domain, SockAddr, Socket, Type};

fn main() -> std::io::Result<()> {
    // An abstract name: a zero byte first, no file, gone with its socket (unix(7)).
    let name = format!("\0rawsock-example-{}", std::process::id());
    let address = SockAddr::unix(name)?;
    let server = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
    server.bind(&address)?;
    server.listen(1)?;

    let mut client = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
    client.connect(&address)?;
    let (mut accepted, _) = server.accept()?;

    for message in ["one", "two!", "three"] {
        client.write_all(message.as_bytes())?;
    }
    let mut buffer = [0; 1024];
    for _ in 0..3 {
        let len = accepted.read(&mut buffer)?;
        println!("one receive: {}", String::from_utf8_lossy(&buffer[..len]));
    }

    // A buffer that is too small loses the rest of the message, as with UDP.
    client.write_all(b"0123456789")?;
    let len = accepted.read(&mut buffer[..4])?;
    println!("4 of 10 bytes: {}", String::from_utf8_lossy(&buffer[..len]));

    // And the end is seen, as with TCP.
    drop(client);
    println!("after close: {} bytes", accepted.read(&mut buffer)?);

    // IPv4 has no such sockets without SCTP.
    if let Err(error) = Socket::new(Domain::IPV4, Type::SEQPACKET, None) {
        println!("over IPv4: {error}");
    }
    Ok(())
}
