//! A client of one kind against a server of another: what each side saw, and what the wire showed.

use serde::Serialize;

use super::roles::{Role, Sorter};
use crate::decode::{Decoder, Packet, icmp, tcp};
use crate::event::{Call, Kind, List, Mono, Outcome};
use crate::wire::is_counted;

/// How a client sends its one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// connect, send, recv.
    Tcp,
    /// sendto, recvfrom: it hears no ICMP errors.
    Udp,
    /// connect, send, recv: it does.
    UdpConnected,
    /// sendto, recvfrom on a raw socket.
    Raw,
    /// A unix stream.
    UnixStream,
    /// Unix datagrams.
    UnixDgram,
    /// Unix sequenced packets.
    UnixSeqpacket,
}

/// What the server's host listens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// A TCP listener.
    Tcp,
    /// A bound UDP socket.
    Udp,
    /// A bound raw socket.
    Raw,
    /// Nothing.
    Nobody,
    /// A unix stream listener.
    UnixStream,
    /// A bound unix datagram socket.
    UnixDgram,
    /// A unix listener for sequenced packets.
    UnixSeqpacket,
}

impl Client {
    /// Those that cross a network.
    pub const INET: [Self; 4] = [Self::Tcp, Self::Udp, Self::UdpConnected, Self::Raw];
    /// Those that stay in one kernel.
    pub const UNIX: [Self; 3] = [Self::UnixStream, Self::UnixDgram, Self::UnixSeqpacket];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP client",
            Self::Udp => "UDP client",
            Self::UdpConnected => "UDP client, connected",
            Self::Raw => "raw client",
            Self::UnixStream => "unix-stream client",
            Self::UnixDgram => "unix-dgram client",
            Self::UnixSeqpacket => "unix-seqpacket client",
        }
    }
}

impl Server {
    /// Those that a network reaches.
    pub const INET: [Self; 4] = [Self::Tcp, Self::Udp, Self::Raw, Self::Nobody];
    /// Those in the same kernel.
    pub const UNIX: [Self; 4] = [
        Self::UnixStream,
        Self::UnixDgram,
        Self::UnixSeqpacket,
        Self::Nobody,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP server",
            Self::Udp => "UDP server",
            Self::Raw => "raw server",
            Self::Nobody => "nobody",
            Self::UnixStream => "unix-stream server",
            Self::UnixDgram => "unix-dgram server",
            Self::UnixSeqpacket => "unix-seqpacket server",
        }
    }
}

/// What was recorded of one pair.
#[derive(Clone, Debug)]
pub struct Try {
    /// The client.
    pub client: Client,
    /// The server.
    pub server: Server,
    /// The client's calls.
    pub calls: Vec<(Mono, Call)>,
    /// Bytes that reached the server's program.
    pub served: usize,
    /// The reply came back.
    pub answered: bool,
    /// The wire, where there is one.
    pub wire: Option<List>,
}

/// What became of one pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// The client.
    pub client: Client,
    /// The server.
    pub server: Server,
    /// The reply came back.
    pub answered: bool,
    /// The call that failed, and its errno; `EAGAIN` is a wait that ended without an answer.
    pub failed: Option<(&'static str, i32)>,
    /// Bytes that reached the server's program.
    pub served: usize,
    /// The packets, in their order: `SYN`, `RST`, `data`, `ICMP 3/3`.
    pub packets: Vec<String>,
}

impl Outcomes {
    /// Reads them out of what was recorded.
    pub fn of(tried: &Try) -> Self {
        let failed = tried.calls.iter().find_map(|(_, call)| match call.outcome {
            Outcome::Errno(errno) => Some((call.method, errno)),
            Outcome::Value(_) => None,
        });
        Self {
            client: tried.client,
            server: tried.server,
            answered: tried.answered,
            failed,
            served: tried.served,
            packets: tried.wire.as_ref().map(packets).unwrap_or_default(),
        }
    }
}

fn packets(list: &List) -> Vec<String> {
    let decoder = Decoder::new();
    let mut tree = Packet::new();
    let mut sorter = Sorter::default();
    let mut names = Vec::new();
    for event in list.by_time() {
        let Kind::Packet(packet) = &event.kind else {
            continue;
        };
        if event.cause.is_some() {
            continue;
        }
        decoder.decode(&packet.frame(), &mut tree);
        if !is_counted(&tree) {
            continue;
        }
        let flag = |spec| tree.number(spec) == Some(1);
        names.push(match sorter.sort(event.host, &tree).role {
            Role::Handshake => match (flag(&tcp::SYN), flag(&tcp::ACK_FLAG)) {
                (true, true) => "SYN+ACK".to_owned(),
                (true, false) => "SYN".to_owned(),
                (false, _) => "ACK".to_owned(),
            },
            Role::Data => "data".to_owned(),
            Role::Again => "data again".to_owned(),
            Role::Ack => "ACK".to_owned(),
            Role::End => "FIN".to_owned(),
            Role::Reset => "RST".to_owned(),
            Role::Icmp => {
                let number = |spec| tree.number(spec).unwrap_or(0);
                format!("ICMP {}/{}", number(&icmp::TYPE), number(&icmp::CODE))
            }
            Role::Other => "other".to_owned(),
        });
    }
    names
}
