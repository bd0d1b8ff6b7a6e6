//! A TCP echo server: one listening socket, and one more for each client. A client that leaves is
//! an end of its stream, not of the server. `./target/debug/examples/tcp_echo_server [PORT [CLIENTS]]`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Most bytes of one receive.
const READ_SIZE: usize = 1024;

fn serve(mut client: TcpStream) -> std::io::Result<()> {
    let peer = client.peer_addr()?;
    let mut buffer = [0; READ_SIZE];
    loop {
        // Blocks until something comes. 0 bytes: the client has closed its side.
        let len = client.read(&mut buffer)?;
        if len == 0 {
            println!("{peer} has left");
            return Ok(());
        }
        let bytes = &buffer[..len];
        // A stream knows no borders: a character may be cut in the middle here.
        println!("{len} bytes from {peer}: {}", bytes.escape_ascii());
        client.write_all(bytes)?;
    }
}

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|word| word.parse().ok());
    let clients = words.next().and_then(|word| word.parse().ok());
    // socket, setsockopt(SO_REUSEADDR), bind and listen in one. Port 0: the kernel chooses.
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(9000)))?;
    println!("listening on {}", listener.local_addr()?);
    let mut threads = Vec::new();
    for client in listener.incoming().take(clients.unwrap_or(usize::MAX)) {
        // The kernel has made the connection already: accept only takes it out of the queue.
        let client = client?;
        println!("{} has come", client.peer_addr()?);
        threads.push(thread::spawn(move || serve(client)));
    }
    for thread in threads {
        // An error of one client is that client's.
        let _ = thread.join();
    }
    Ok(())
}
