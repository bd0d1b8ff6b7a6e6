//! `hdrincl_ping` with pnet's transport channel in place of a socket: shorter, and what that hides.
//! `sudo ./target/debug/examples/pnet_transport [ADDRESS]`, bounded like the other.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pnet::packet::Packet;
use pnet::packet::icmp::IcmpTypes;
use pnet::packet::icmp::echo_reply::EchoReplyPacket;
use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use pnet::transport::TransportChannelType::Layer3;
use pnet::transport::{TransportReceiver, ipv4_packet_iter, transport_channel};
use pnet::util::checksum;

const ID: u16 = 0xbef0;
/// The buffer size that pnet's own examples use; whatever is longer is cut without a word.
const BUFFER: usize = 4096;

fn packet(target: Ipv4Addr, sequence: u16, payload: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 20 + 8 + payload];
    let mut ip = MutableIpv4Packet::new(&mut bytes)?;
    ip.set_version(4);
    ip.set_header_length(5);
    ip.set_ttl(64);
    ip.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
    ip.set_destination(target);
    let mut icmp = MutableEchoRequestPacket::new(&mut bytes[20..])?;
    icmp.set_icmp_type(IcmpTypes::EchoRequest);
    icmp.set_identifier(ID);
    icmp.set_sequence_number(sequence);
    let sum = checksum(&bytes[20..], 1);
    MutableEchoRequestPacket::new(&mut bytes[20..])?.set_checksum(sum);
    Some(bytes)
}

/// The answer, its bytes in hand, the bytes that its header claims, and how many others came by.
type Answer = Option<(IpAddr, usize, u16, u32)>;

fn answer(receiver: &mut TransportReceiver, sequence: u16) -> Result<Answer, Box<dyn Error>> {
    let mut packets = ipv4_packet_iter(receiver);
    for others in 0..100 {
        let next = packets.next_with_timeout(Duration::from_secs(1))?;
        let Some((ip, from)) = next else { break };
        let ours = EchoReplyPacket::new(ip.payload()).is_some_and(|icmp| {
            icmp.get_icmp_type() == IcmpTypes::EchoReply
                && (icmp.get_identifier(), icmp.get_sequence_number()) == (ID, sequence)
        });
        if ours {
            let held = ip.packet().len();
            return Ok(Some((from, held, ip.get_total_length(), others)));
        }
    }
    Ok(None)
}

fn main() -> Result<(), Box<dyn Error>> {
    let target: Ipv4Addr = std::env::args()
        .nth(1)
        .unwrap_or("127.0.0.1".into())
        .parse()?;
    // Layer3: the socket option IP_HDRINCL. With Layer4 the header is not seen at all.
    let protocol = IpNextHeaderProtocols::Icmp;
    let (mut sender, mut receiver) = transport_channel(BUFFER, Layer3(protocol))?;
    // The last one fits loopback's MTU and not the buffer.
    for (sequence, payload) in [(1, 16), (2, 16), (3, 6000)] {
        let bytes = packet(target, sequence, payload).ok_or("too short for a header")?;
        let ip = Ipv4Packet::new(&bytes).ok_or("too short for a header")?;
        if let Err(error) = sender.send_to(ip, target.into()) {
            println!("icmp_seq={sequence} not sent: {error}");
            continue;
        }
        match answer(&mut receiver, sequence)? {
            Some((from, held, claimed, others)) => println!(
                "{held} of {claimed} bytes from {from}: icmp_seq={sequence}, after {others} other packets"
            ),
            None => println!("no answer to icmp_seq={sequence}"),
        }
    }
    println!(
        "\nWhat the channel does not tell, and `rawsock ping` does:
- that a packet was cut at its buffer of {BUFFER} bytes: compare the numbers above
- when the kernel sent and received (SO_TIMESTAMPING), so an RTT is the program's own scheduling
- a full device queue: without IP_RECVERR a send that was dropped here reports success
- packets that our own full receive queue dropped (SO_RXQ_OVFL): they look like loss
- the next-hop MTU of a send that is too large (error queue)
- which packets are for us: it has no filter, so every ping of the host wakes every other"
    );
    Ok(())
}
