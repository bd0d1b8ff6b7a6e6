//! The glossary of `explain`: error numbers, flags, sockets. Error causes are `view::errno`'s, flags
//! come from the decoder's one-bit fields.

use std::fmt::Write as _;

use super::notes;
use crate::decode::{PROTOS, Packet, Spec};
use crate::view::boxes::{Measure, sample};
use crate::view::errno::{self, ERRNOS, SPECIAL};
use crate::view::wrap::push_wrapped;

/// Each word, and what is told about it.
pub const TOPICS: &[(&str, &str)] = &[
    (
        "errno 111",
        "an error number or its name, and what causes it; alone: all",
    ),
    (
        "flags",
        "every flag of one bit in every protocol, and those of send and recv",
    ),
    (
        "sockets",
        "families, types and protocols, and what differs between them",
    ),
    (
        "utf8 TEXT",
        "characters and the bytes that a socket carries for them",
    ),
];

/// Every error number, by name.
pub fn errnos(out: &mut String) {
    for errno in ERRNOS {
        let head = format!(" {:>4} {:<17}", errno.number, errno.name);
        push_wrapped(&head, errno.cause, 23, out);
    }
}

/// One error number or name: what causes it, and in which calls it means something of its own.
/// False if it is not known.
pub fn errno(word: &str, out: &mut String) -> bool {
    let found = match word.parse() {
        Ok(number) => errno::find(number),
        Err(_) => errno::find_name(word),
    };
    let Some(row) = found else {
        return false;
    };
    let head = format!("{} ({}): ", row.name, row.number);
    push_wrapped(&head, row.cause, 4, out);
    for (calls, number, cause) in SPECIAL {
        if *number == row.number {
            push_wrapped(&format!("  {}: ", calls.join(", ")), cause, 6, out);
        }
    }
    true
}

/// Every one-bit field, protocol by protocol, and the flags of calls.
pub fn flags(out: &mut String) {
    out.push_str("Flags in packets: one bit each.\n");
    let mut measure = Measure::default();
    let mut packet = Packet::new();
    for proto in PROTOS {
        let mut drawn: Vec<notes::Drawn> = Vec::new();
        for message in proto.samples {
            let frame = sample(proto, message.bytes, &mut packet);
            let fields = packet
                .layers()
                .first()
                .map_or(&[][..], |layer| packet.fields_of(layer));
            let mut cells = measure.cells(&frame, &packet, 0);
            cells.retain(|cell| cell.bits() == 1);
            notes::gather_cells(fields, &cells, &mut drawn);
        }
        if drawn.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{} ({})", proto.name, proto.key);
        for one in &drawn {
            note(one.spec(), out);
        }
    }
    out.push_str("\nFlags of calls, send(2) and recv(2):\n");
    for (name, what) in CALL_FLAGS {
        push_wrapped(&format!(" {name:<14}"), what, 15, out);
    }
}

fn note(spec: &Spec, out: &mut String) {
    let head = format!(" {:<26}", spec.key);
    let text = format!("{}. {} [{}]", spec.label, spec.explain, spec.rfc);
    push_wrapped(&head, &text, 27, out);
}

/// send(2), recv(2).
const CALL_FLAGS: &[(&str, &str)] = &[
    (
        "MSG_PEEK",
        "Look at the data and leave them in the buffer: the next recv gets them again.",
    ),
    (
        "MSG_WAITALL",
        "A stream waits until the buffer is full, the peer closes or a signal comes.",
    ),
    (
        "MSG_DONTWAIT",
        "Only this call does not wait: EAGAIN instead.",
    ),
    (
        "MSG_TRUNC",
        "Asked: recv tells the datagram's true length. Told: it was longer than the buffer, \
      and the rest is gone.",
    ),
    (
        "MSG_OOB",
        "TCP's urgent byte, outside the stream (RFC 6093: do not use it).",
    ),
    (
        "MSG_NOSIGNAL",
        "No SIGPIPE when the other end is closed, only EPIPE.",
    ),
    (
        "MSG_MORE",
        "More will follow: do not send a small packet yet.",
    ),
    (
        "MSG_ERRQUEUE",
        "Read from the error queue: what ICMP said, time stamps.",
    ),
    (
        "MSG_CONFIRM",
        "The peer answered, so its ARP or neighbour entry is good.",
    ),
];

/// What sockets there are. Facts measured on Linux 6.18, and in the pages named.
pub fn sockets(out: &mut String) {
    for (head, rows) in SOCKETS {
        let _ = writeln!(out, "{head}");
        for (name, what) in *rows {
            push_wrapped(&format!("  {name:<17}"), what, 19, out);
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
}

type Rows = &'static [(&'static str, &'static str)];

const SOCKETS: &[(&str, Rows)] = &[
    (
        "socket(family, type, protocol): an end of a conversation, used through a\n\
         descriptor as a file is. It is told apart by protocol, address and port; a\n\
         connected one by both ends' (the 4-tuple).",
        &[],
    ),
    (
        "Families",
        &[
            ("AF_INET", "IPv4, ip(7). Addresses 127.0.0.1, ports."),
            (
                "AF_INET6",
                "IPv6, ipv6(7). Takes IPv4 too, as ::ffff:a.b.c.d, unless IPV6_V6ONLY is set.",
            ),
            (
                "AF_UNIX",
                "The same host, unix(7). Addresses are files, or names that begin with a zero byte.",
            ),
            (
                "AF_PACKET",
                "Whole frames of an interface, packet(7). Needs CAP_NET_RAW. On lo every \
              packet comes twice: out, then in.",
            ),
            (
                "AF_NETLINK",
                "Questions to the kernel: routes, interfaces, sockets; netlink(7).",
            ),
        ],
    ),
    (
        "Types",
        &[
            (
                "SOCK_STREAM",
                "A stream of bytes in order, nothing lost (TCP, unix). It has no messages: \
              three sends may come as one recv, and one send as several.",
            ),
            (
                "SOCK_DGRAM",
                "Messages (UDP, unix). One send is one recv; what does not fit the buffer is \
              gone. Over a network they may be lost, doubled or overtaken, on AF_UNIX not.",
            ),
            (
                "SOCK_SEQPACKET",
                "Messages in order on a connection: unix; with IP only SCTP has it, else \
              ESOCKTNOSUPPORT (94).",
            ),
            (
                "SOCK_RAW",
                "IP itself, raw(7): headers of your own, any protocol. Needs CAP_NET_RAW. \
              AF_UNIX silently makes a SOCK_DGRAM of it.",
            ),
        ],
    ),
    (
        "Protocols; 0 takes the usual one of family and type",
        &[
            ("IPPROTO_TCP", "6, what SOCK_STREAM means. tcp(7)."),
            ("IPPROTO_UDP", "17, what SOCK_DGRAM means. udp(7)."),
            (
                "IPPROTO_ICMP",
                "1. With SOCK_DGRAM a ping socket, for groups in \
              net.ipv4.ping_group_range; the kernel owns its identifier. With SOCK_RAW all of ICMP.",
            ),
            (
                "IPPROTO_IGMP",
                "2, only SOCK_RAW. Joining a group needs no such socket and no right: \
              IP_ADD_MEMBERSHIP on a UDP socket.",
            ),
            (
                "IPPROTO_RAW",
                "255, with SOCK_RAW: IP_HDRINCL is set, you write the header. It only \
              sends: recv gets nothing.",
            ),
            (
                "253, 254",
                "For experiments (RFC 3692). Without a raw socket of that protocol the \
              kernel answers ICMP protocol unreachable.",
            ),
        ],
    ),
    (
        "What surprises",
        &[
            (
                "raw and TCP",
                "A raw socket of protocol 6 or 17 gets a copy of what comes in; the \
              kernel's own sockets get it too. A TCP handshake by raw socket dies: the kernel \
              knows no socket of that port and answers the SYN-ACK with RST.",
            ),
            (
                "raw and headers",
                "IPv4: recv gives the IP header, then the message. IPv6: the message only.",
            ),
            (
                "raw ICMP on lo",
                "You receive your own echo request (type 8) before the reply (type 0).",
            ),
            (
                "accept",
                "Gives a new socket. The handshake was finished by the kernel before.",
            ),
            (
                "listen(N)",
                "N+1 connections wait to be accepted. One more is not refused: its SYN is \
              dropped and it tries again until it gives up.",
            ),
            (
                "connected UDP",
                "connect sends nothing; it sets the peer, filters by it, and makes ICMP \
              errors come back as ECONNREFUSED.",
            ),
            (
                "empty send",
                "Nothing on the wire with TCP; a datagram without data with UDP. recv \
              giving 0 bytes means on a stream that the peer has closed its side.",
            ),
            (
                "SO_RCVBUF",
                "The kernel doubles what you ask for, for its own use, and reads it back so.",
            ),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn flags_are_the_decoders() {
        let mut out = String::new();
        flags(&mut out);
        for key in [
            "tcp.flags.syn",
            "tcp.flags.ae",
            "ip.flags.df",
            "vlan.dei",
            "ipv6.fraghdr.more",
            "igmp.s",
            "icmpv6.nd.na.flag.r",
        ] {
            assert!(out.contains(key), "{key}\n{out}");
        }
        assert!(!out.contains("tcp.flags.res "), "{out}");
    }

    #[test]
    fn errors_go_by_number_and_name() {
        let (mut number, mut name) = (String::new(), String::new());
        assert!(errno("111", &mut number) && errno("econnrefused", &mut name));
        assert_eq!(number, name);
        assert!(number.starts_with("ECONNREFUSED (111): "), "{number}");
        assert!(number.contains("  connect, connect_ex: "), "{number}");
        assert!(!errno("4711", &mut number) && !errno("", &mut number));
    }

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        let mut out = String::new();
        flags(&mut out);
        sockets(&mut out);
        errnos(&mut out);
        for row in ERRNOS {
            errno(row.name, &mut out);
        }
        for line in out.lines() {
            assert!(line.width() <= 80, "{line}");
        }
    }
}
