//! The socket options that can be named: level, number, what the value is, one sentence each.
//! Sources: socket(7), ip(7), ipv6(7), tcp(7), udp(7), raw(7), icmp6(7), unix(7).

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Int,
    /// 0 or 1.
    Switch,
    /// `struct linger`: `off` or seconds.
    Linger,
    /// `struct timeval`: seconds with decimals, or `none`.
    Time,
    /// Text: an interface, a congestion control.
    Text,
    /// An errno, which reading clears.
    Errno,
    /// A family, type or protocol number, read only.
    Domain,
    /// As [`ValueKind::Domain`].
    Kind,
    /// As [`ValueKind::Domain`].
    Protocol,
    /// `struct tcp_info`, read only.
    TcpInfo,
    /// `struct ucred`, read only.
    Credentials,
    /// Counters of `SO_MEMINFO`, read only.
    Memory,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct SocketOption {
    /// Its name in C.
    pub name: &'static str,
    /// `SOL_SOCKET` and its like.
    pub level: i32,
    /// Its number at that level.
    pub number: i32,
    /// What its value is.
    pub kind: ValueKind,
    /// One sentence.
    pub explain: &'static str,
}

/// The option of that name, in any case; without its prefix too (`rcvbuf`) if that is clear.
pub fn find(name: &str) -> Option<&'static SocketOption> {
    let upper = name.to_ascii_uppercase();
    let exact = OPTIONS.iter().find(|option| option.name == upper);
    exact.or_else(|| {
        let short = |option: &&SocketOption| {
            let tail = option.name.split_once('_').map(|(_, tail)| tail);
            tail == Some(upper.as_str())
        };
        let mut found = OPTIONS.iter().filter(short);
        let first = found.next();
        // TTL is IP_TTL alone; TCLASS is IPV6_TCLASS alone; what two levels have is not clear.
        if found.next().is_some() { None } else { first }
    })
}

macro_rules! options {
    ($($name:ident $level:ident $kind:ident $explain:literal)*) => {
        /// Every option that has a name here, by level.
        pub const OPTIONS: &[SocketOption] = &[$(SocketOption {
            name: stringify!($name),
            level: libc::$level,
            number: libc::$name,
            kind: ValueKind::$kind,
            explain: $explain,
        }),*];
    };
}

options! {
    SO_ACCEPTCONN SOL_SOCKET Switch "1 after listen: connections are accepted"
    SO_BINDTODEVICE SOL_SOCKET Text "send and receive on this interface only"
    SO_BROADCAST SOL_SOCKET Switch "sending to a broadcast address is allowed"
    SO_BUSY_POLL SOL_SOCKET Int "microseconds to ask the network card in place of waiting"
    SO_DOMAIN SOL_SOCKET Domain "family of the socket"
    SO_DONTROUTE SOL_SOCKET Switch "send to directly attached networks only"
    SO_ERROR SOL_SOCKET Errno "error that waits to be told; reading clears it"
    SO_INCOMING_CPU SOL_SOCKET Int "processor that handled the last packet"
    SO_KEEPALIVE SOL_SOCKET Switch "ask an idle peer now and then whether it still is there"
    SO_LINGER SOL_SOCKET Linger "close waits so many seconds for sending; 0 resets the connection"
    SO_MARK SOL_SOCKET Int "mark for firewall and routing"
    SO_MEMINFO SOL_SOCKET Memory "bytes in the queues, and messages thrown away"
    SO_OOBINLINE SOL_SOCKET Switch "urgent data stays in its place"
    SO_PASSCRED SOL_SOCKET Switch "each message tells the sender's process, user and group"
    SO_PEERCRED SOL_SOCKET Credentials "process, user and group of a unix socket's peer"
    SO_PRIORITY SOL_SOCKET Int "priority of the packets on this host"
    SO_PROTOCOL SOL_SOCKET Protocol "protocol that the kernel chose"
    SO_RCVBUF SOL_SOCKET Int "receive buffer in bytes; the kernel doubles what is set"
    SO_RCVLOWAT SOL_SOCKET Int "bytes that must be there before a receive returns"
    SO_RCVTIMEO SOL_SOCKET Time "longest that a receive waits; 0 waits for ever"
    SO_REUSEADDR SOL_SOCKET Switch "bind to a port whose old connections are in TIME_WAIT"
    SO_REUSEPORT SOL_SOCKET Switch "several sockets share the port"
    SO_RXQ_OVFL SOL_SOCKET Switch "each message tells how many were thrown away before it"
    SO_SNDBUF SOL_SOCKET Int "send buffer in bytes; the kernel doubles what is set"
    SO_SNDLOWAT SOL_SOCKET Int "room that must be there before a send returns; always 1"
    SO_SNDTIMEO SOL_SOCKET Time "longest that a send waits; 0 waits for ever"
    SO_TIMESTAMP SOL_SOCKET Switch "each message tells when it came"
    SO_TYPE SOL_SOCKET Kind "type of the socket"
    IP_FREEBIND IPPROTO_IP Switch "bind to an address that this host does not have yet"
    IP_HDRINCL IPPROTO_IP Switch "the program builds the IP header (raw sockets)"
    IP_MTU IPPROTO_IP Int "path MTU to the connected peer"
    IP_MTU_DISCOVER IPPROTO_IP Int "don't-fragment policy: 0 never, 1 as the route says, 2 always, 3 probe"
    IP_MULTICAST_LOOP IPPROTO_IP Switch "own multicasts come back"
    IP_MULTICAST_TTL IPPROTO_IP Int "TTL of multicasts"
    IP_PKTINFO IPPROTO_IP Switch "each message tells interface and destination"
    IP_RECVERR IPPROTO_IP Switch "ICMP errors wait in a queue of the socket"
    IP_RECVTOS IPPROTO_IP Switch "each message tells its TOS byte"
    IP_RECVTTL IPPROTO_IP Switch "each message tells its TTL"
    IP_TOS IPPROTO_IP Int "TOS byte of what is sent"
    IP_TRANSPARENT IPPROTO_IP Switch "bind to any address, for proxies"
    IP_TTL IPPROTO_IP Int "TTL of what is sent"
    IPV6_MTU IPPROTO_IPV6 Int "path MTU to the connected peer"
    IPV6_MTU_DISCOVER IPPROTO_IPV6 Int "as IP_MTU_DISCOVER"
    IPV6_MULTICAST_HOPS IPPROTO_IPV6 Int "hop limit of multicasts"
    IPV6_MULTICAST_LOOP IPPROTO_IPV6 Switch "own multicasts come back"
    IPV6_RECVERR IPPROTO_IPV6 Switch "ICMPv6 errors wait in a queue of the socket"
    IPV6_RECVHOPLIMIT IPPROTO_IPV6 Switch "each message tells its hop limit"
    IPV6_RECVPKTINFO IPPROTO_IPV6 Switch "each message tells interface and destination"
    IPV6_TCLASS IPPROTO_IPV6 Int "traffic class of what is sent"
    IPV6_UNICAST_HOPS IPPROTO_IPV6 Int "hop limit of what is sent"
    IPV6_V6ONLY IPPROTO_IPV6 Switch "no IPv4 on this IPv6 socket"
    TCP_CONGESTION IPPROTO_TCP Text "congestion control"
    TCP_CORK IPPROTO_TCP Switch "hold partial segments back"
    TCP_DEFER_ACCEPT IPPROTO_TCP Int "accept only when data is there; seconds to wait"
    TCP_FASTOPEN IPPROTO_TCP Int "connections that may bring data in their SYN"
    TCP_INFO IPPROTO_TCP TcpInfo "state of the connection"
    TCP_KEEPCNT IPPROTO_TCP Int "keepalive questions before giving up"
    TCP_KEEPIDLE IPPROTO_TCP Int "idle seconds before the first keepalive question"
    TCP_KEEPINTVL IPPROTO_TCP Int "seconds between keepalive questions"
    TCP_LINGER2 IPPROTO_TCP Int "seconds in FIN_WAIT2"
    TCP_MAXSEG IPPROTO_TCP Int "largest segment"
    TCP_NODELAY IPPROTO_TCP Switch "send small segments at once (no Nagle)"
    TCP_NOTSENT_LOWAT IPPROTO_TCP Int "bytes not sent yet up to which more is taken"
    TCP_QUICKACK IPPROTO_TCP Switch "acknowledge at once"
    TCP_SYNCNT IPPROTO_TCP Int "SYNs sent again before connect gives up"
    TCP_USER_TIMEOUT IPPROTO_TCP Int "milliseconds without acknowledgement before giving up"
    TCP_WINDOW_CLAMP IPPROTO_TCP Int "largest window to offer"
    UDP_CORK IPPROTO_UDP Switch "gather sends into one datagram"
    UDP_SEGMENT IPPROTO_UDP Int "cut a send into datagrams of this size"
    UDP_GRO IPPROTO_UDP Switch "get several datagrams at once"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_numbers_are_unique_and_explained() {
        let names: HashSet<_> = OPTIONS.iter().map(|option| option.name).collect();
        assert_eq!(names.len(), OPTIONS.len());
        let numbers: HashSet<_> = OPTIONS.iter().map(|o| (o.level, o.number)).collect();
        assert_eq!(numbers.len(), OPTIONS.len());
        assert!(OPTIONS.iter().all(|option| !option.explain.is_empty()));
    }

    #[test]
    fn a_name_is_found_in_any_case_and_short_if_that_is_clear() {
        for name in ["SO_RCVBUF", "so_rcvbuf", "rcvbuf"] {
            assert_eq!(find(name).map(|option| option.name), Some("SO_RCVBUF"));
        }
        // IP and IPv6 both have one.
        assert!(find("mtu_discover").is_none());
        assert!(find("cork").is_none());
        assert!(find("nonsense").is_none());
    }
}
