//! The idea of `rawsock ping` on one page: an IPv4 header built by hand, sent with IP_HDRINCL.
//! No engine, no filter, no dropped rights. `sudo ./target/debug/examples/hdrincl_ping [ADDRESS]`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use pnet::packet::Packet;
use pnet::packet::icmp::IcmpTypes;
use pnet::packet::icmp::echo_reply::EchoReplyPacket;
use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use pnet::util::checksum;
use socket2::{Domain, Protocol, Socket, Type};

const ID: u16 = 0xbeef;

fn packet(target: Ipv4Addr, sequence: u16) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 20 + 8 + 16];
    let mut ip = MutableIpv4Packet::new(&mut bytes)?;
    ip.set_version(4);
    ip.set_header_length(5); // in words of 32 bits
    ip.set_ttl(64);
    ip.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
    ip.set_destination(target);
    // Left 0 for the kernel to fill in: total length, identification, checksum, source (raw(7)).
    let mut icmp = MutableEchoRequestPacket::new(&mut bytes[20..])?;
    icmp.set_icmp_type(IcmpTypes::EchoRequest);
    icmp.set_identifier(ID);
    icmp.set_sequence_number(sequence);
    icmp.set_payload(b"header by hand!!");
    let sum = checksum(&bytes[20..], 1); // without the word that holds it
    MutableEchoRequestPacket::new(&mut bytes[20..])?.set_checksum(sum);
    Some(bytes)
}

/// Reads what comes until it is our answer; at most 100 packets of others.
fn answer(socket: &Socket, sequence: u16) -> Result<String, Box<dyn Error>> {
    let mut buf = [0; 2048];
    for _ in 0..100 {
        let len = match (&mut &*socket).read(&mut buf) {
            Ok(len) => len,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => return Err(e.into()),
        };
        let ip = Ipv4Packet::new(&buf[..len]).ok_or("a packet without a header")?;
        let icmp = EchoReplyPacket::new(ip.payload()).ok_or("an ICMP message cut short")?;
        let (from, ttl, kind) = (ip.get_source(), ip.get_ttl(), icmp.get_icmp_type());
        let ours = (icmp.get_identifier(), icmp.get_sequence_number()) == (ID, sequence);
        if kind == IcmpTypes::EchoReply && ours {
            let len = ip.payload().len();
            return Ok(format!("{len} bytes from {from}: seq={sequence} ttl={ttl}"));
        } else if kind == IcmpTypes::DestinationUnreachable {
            let code = icmp.get_icmp_code().0;
            return Ok(format!("unreachable, says {from}: code {code}"));
        } // on loopback our own request comes by, too
    }
    Ok(format!("no answer to seq={sequence}"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1);
    let target: Ipv4Addr = target.as_deref().unwrap_or("127.0.0.1").parse()?;
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.set_header_included_v4(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    for sequence in 1..=3 {
        let bytes = packet(target, sequence).ok_or("too short for a header")?;
        socket.send_to(&bytes, &SocketAddr::from((target, 0)).into())?;
        println!("{}", answer(&socket, sequence)?);
    }
    Ok(())
}
