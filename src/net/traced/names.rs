//! The names of families, types and protocols of sockets, both ways (socket(2), protocols(5)).

use socket2::{Domain, Type};

const DOMAINS: [(&str, i32); 5] = [
    ("AF_INET", libc::AF_INET),
    ("AF_INET6", libc::AF_INET6),
    ("AF_UNIX", libc::AF_UNIX),
    ("AF_PACKET", libc::AF_PACKET),
    ("AF_NETLINK", libc::AF_NETLINK),
];

const KINDS: [(&str, i32); 5] = [
    ("SOCK_STREAM", libc::SOCK_STREAM),
    ("SOCK_DGRAM", libc::SOCK_DGRAM),
    ("SOCK_RAW", libc::SOCK_RAW),
    ("SOCK_SEQPACKET", libc::SOCK_SEQPACKET),
    ("SOCK_RDM", libc::SOCK_RDM),
];

const PROTOCOLS: [(&str, i32); 8] = [
    ("IPPROTO_IP", libc::IPPROTO_IP),
    ("IPPROTO_ICMP", libc::IPPROTO_ICMP),
    ("IPPROTO_IGMP", libc::IPPROTO_IGMP),
    ("IPPROTO_TCP", libc::IPPROTO_TCP),
    ("IPPROTO_UDP", libc::IPPROTO_UDP),
    ("IPPROTO_ICMPV6", libc::IPPROTO_ICMPV6),
    ("IPPROTO_SCTP", libc::IPPROTO_SCTP),
    ("IPPROTO_RAW", libc::IPPROTO_RAW),
];

/// The family that a word names: `inet`, `AF_INET`, `2`.
pub fn domain(word: &str) -> Option<Domain> {
    number(&DOMAINS, "AF_", word).map(Domain::from)
}

/// The type that a word names: `stream`, `SOCK_STREAM`, `1`.
pub fn kind(word: &str) -> Option<Type> {
    number(&KINDS, "SOCK_", word).map(Type::from)
}

/// `AF_INET` and its like.
pub fn domain_name(number: i32) -> String {
    name(&DOMAINS, number).map_or_else(|| number.to_string(), str::to_owned)
}

/// `SOCK_STREAM` and its like.
pub fn kind_name(number: i32) -> String {
    name(&KINDS, number).map_or_else(|| number.to_string(), str::to_owned)
}

/// `IPPROTO_ICMP` and its like; `None` if it has no name here or the family knows no protocols.
pub fn protocol_name(domain: i32, number: i32) -> Option<&'static str> {
    let inet = matches!(domain, libc::AF_INET | libc::AF_INET6);
    inet.then(|| name(&PROTOCOLS, number)).flatten()
}

fn name(table: &[(&'static str, i32)], wanted: i32) -> Option<&'static str> {
    let mut found = table.iter().filter(|(_, number)| *number == wanted);
    found.next().map(|(name, _)| *name)
}

fn number(table: &[(&str, i32)], prefix: &str, word: &str) -> Option<i32> {
    let upper = word.to_ascii_uppercase();
    let short = upper.strip_prefix(prefix).unwrap_or(&upper);
    let named = table
        .iter()
        .find(|(name, _)| name.strip_prefix(prefix) == Some(short));
    named
        .map(|(_, number)| *number)
        .or_else(|| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_names_agree() {
        for word in ["inet", "INET", "AF_INET", "2"] {
            assert_eq!(domain(word), Some(Domain::IPV4), "{word}");
        }
        assert_eq!(kind("seqpacket"), Some(Type::SEQPACKET));
        assert_eq!((domain("x"), kind("")), (None, None));
        assert_eq!(domain_name(Domain::UNIX.into()), "AF_UNIX");
        assert_eq!((domain_name(77), kind_name(9)), ("77".into(), "9".into()));
        assert_eq!(protocol_name(libc::AF_INET, 6), Some("IPPROTO_TCP"));
        assert_eq!(protocol_name(libc::AF_UNIX, 6), None);
        assert_eq!(protocol_name(libc::AF_INET, 253), None);
    }
}
