//! Both ends must be of one kind. What each client hears from a server of the other kind, and from
//! nobody at all.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;

fn main() -> std::io::Result<()> {
    // A TCP client at a UDP server's port: the kernel answers the SYN with a RST.
    let udp_server = UdpSocket::bind("127.0.0.1:0")?;
    match TcpStream::connect(udp_server.local_addr()?) {
        Ok(_) => println!("TCP to UDP: connected?"),
        Err(error) => println!("TCP to UDP: {error}"),
    }

    // A UDP client at a TCP server's port: ICMP port unreachable comes back (3/3), and only a
    // connected socket hears of it.
    let tcp_server = TcpListener::bind("127.0.0.1:0")?;
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.set_read_timeout(Some(Duration::from_millis(200)))?;
    client.send_to(b"hello", tcp_server.local_addr()?)?;
    if let Err(error) = client.recv(&mut [0; 64]) {
        println!("UDP to TCP, not connected: {error}");
    }
    client.connect(tcp_server.local_addr()?)?;
    client.send(b"hello")?;
    if let Err(error) = client.recv(&mut [0; 64]) {
        println!("UDP to TCP, connected: {error}");
    }

    // Unix sockets know each other's kind: EPROTOTYPE.
    let path = std::env::temp_dir().join(format!("wrong-protocol-{}", std::process::id()));
    let stream_server = UnixListener::bind(&path)?;
    if let Err(error) = UnixDatagram::unbound()?.connect(&path) {
        println!("unix datagram to stream: {error}");
    }
    // The file outlives its server: nobody is there.
    drop(stream_server);
    if let Err(error) = UnixDatagram::unbound()?.connect(&path) {
        println!("unix datagram to a file without a server: {error}");
    }
    std::fs::remove_file(&path)
}
