//! An IP protocol of our own: number 253, which RFC 3692 keeps for experiments. No ports, no
//! checksum, no handshake: IP alone. `sudo ./target/debug/examples/raw_own_protocol`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

const OURS: i32 = 253;

fn main() -> std::io::Result<()> {
    // CAP_NET_RAW, or EPERM.
    let raw = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(OURS)));
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let there = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));

    // bind on a raw socket: only packets for this address. Without ports, every socket of the
    // protocol gets a copy of each packet, the sender's own too.
    let mut server = raw()?;
    server.bind(&there.into())?;
    server.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut client = raw()?;
    client.bind(&here.into())?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;

    client.send_to(b"hello", &there.into())?;
    let mut buffer = [0; 1500];
    let len = server.read(&mut buffer)?;
    // An IPv4 raw socket gives the IP header along; an IPv6 one does not.
    let (header, message) = buffer[..len].split_at(usize::from(buffer[0] & 15) * 4);
    let protocol = header[9];
    let text = String::from_utf8_lossy(message).into_owned();
    println!(
        "server: {len} bytes = {} of header (protocol {protocol}) + {text}",
        header.len()
    );

    server.send_to(text.to_uppercase().as_bytes(), &here.into())?;
    let len = client.read(&mut buffer)?;
    let message = &buffer[usize::from(buffer[0] & 15) * 4..len];
    println!("client: {}", String::from_utf8_lossy(message));
    Ok(())
}
