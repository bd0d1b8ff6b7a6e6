//! The words of the language: keywords, those that belong to links we do not read, and names that
//! stand for a number. pcap-filter(7), and our own additions.

/// A keyword, or a token that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A keyword by its canonical spelling.
    Key(&'static str),
    /// A number by its name: `tcp-syn`.
    Number(u32),
    /// A keyword of pcap-filter(7) that we do not take, and why.
    Refused(&'static str),
}

/// Spelling and canonical spelling.
const KEYWORDS: [(&str, &str); 82] = [
    ("dst", "dst"),
    ("src", "src"),
    ("link", "ether"),
    ("ether", "ether"),
    ("ppp", "ether"),
    ("slip", "ether"),
    ("fddi", "ether"),
    ("tr", "ether"),
    ("wlan", "ether"),
    ("arp", "arp"),
    ("rarp", "rarp"),
    ("ip", "ip"),
    ("ip6", "ip6"),
    ("sctp", "sctp"),
    ("tcp", "tcp"),
    ("udp", "udp"),
    ("icmp", "icmp"),
    ("icmp6", "icmp6"),
    ("igmp", "igmp"),
    ("igrp", "igrp"),
    ("pim", "pim"),
    ("vrrp", "vrrp"),
    ("carp", "carp"),
    ("ah", "ah"),
    ("esp", "esp"),
    ("atalk", "atalk"),
    ("aarp", "aarp"),
    ("decnet", "decnet"),
    ("lat", "lat"),
    ("sca", "sca"),
    ("moprc", "moprc"),
    ("mopdl", "mopdl"),
    ("iso", "iso"),
    ("esis", "esis"),
    ("es-is", "esis"),
    ("isis", "isis"),
    ("is-is", "isis"),
    ("clnp", "clnp"),
    ("l1", "l1"),
    ("l2", "l2"),
    ("iih", "iih"),
    ("lsp", "lsp"),
    ("snp", "snp"),
    ("csnp", "csnp"),
    ("psnp", "psnp"),
    ("stp", "stp"),
    ("ipx", "ipx"),
    ("netbeui", "netbeui"),
    ("host", "host"),
    ("net", "net"),
    ("mask", "mask"),
    ("port", "port"),
    ("portrange", "portrange"),
    ("proto", "proto"),
    ("protochain", "protochain"),
    ("gateway", "gateway"),
    ("less", "less"),
    ("greater", "greater"),
    ("byte", "byte"),
    ("broadcast", "broadcast"),
    ("multicast", "multicast"),
    ("and", "and"),
    ("&&", "and"),
    ("or", "or"),
    ("||", "or"),
    ("not", "not"),
    ("!", "not"),
    ("len", "len"),
    ("length", "len"),
    ("inbound", "inbound"),
    ("outbound", "outbound"),
    ("ifindex", "ifindex"),
    ("vlan", "vlan"),
    ("mpls", "mpls"),
    ("pppoed", "pppoed"),
    ("pppoes", "pppoes"),
    ("geneve", "geneve"),
    ("llc", "llc"),
    // Ours.
    ("vxlan", "vxlan"),
    ("mld", "mld"),
    ("ndp", "ndp"),
    // `llc rnr`: elsewhere it is a word of OpenBSD's pf.
    ("rnr", "rnr"),
];

const WLAN: &str = "802.11 frames are not read here";
const ATM: &str = "ATM is not read here";
const MTP: &str = "MTP (SS7 signalling) is not read here";
const PF: &str = "the logs of OpenBSD's pf are not read here";

const REFUSED: [(&str, &str); 54] = [
    ("type", WLAN),
    ("subtype", WLAN),
    ("direction", WLAN),
    ("dir", WLAN),
    ("address1", WLAN),
    ("addr1", WLAN),
    ("address2", WLAN),
    ("addr2", WLAN),
    ("address3", WLAN),
    ("addr3", WLAN),
    ("address4", WLAN),
    ("addr4", WLAN),
    ("ra", WLAN),
    ("ta", WLAN),
    ("radio", WLAN),
    ("lane", ATM),
    ("metac", ATM),
    ("bcc", ATM),
    ("oam", ATM),
    ("oamf4", ATM),
    ("oamf4ec", ATM),
    ("oamf4sc", ATM),
    ("sc", ATM),
    ("ilmic", ATM),
    ("vpi", ATM),
    ("vci", ATM),
    ("connectmsg", ATM),
    ("metaconnect", ATM),
    ("fisu", MTP),
    ("lssu", MTP),
    ("lsu", MTP),
    ("msu", MTP),
    ("hfisu", MTP),
    ("hlssu", MTP),
    ("hmsu", MTP),
    ("sio", MTP),
    ("opc", MTP),
    ("dpc", MTP),
    ("sls", MTP),
    ("hsio", MTP),
    ("hopc", MTP),
    ("hdpc", MTP),
    ("hsls", MTP),
    ("on", PF),
    ("ifname", PF),
    ("rset", PF),
    ("ruleset", PF),
    ("rulenum", PF),
    ("srnr", PF),
    ("subrulenum", PF),
    ("reason", PF),
    ("action", PF),
    ("oamf4s", ATM),
    ("oamf4e", ATM),
];

const NUMBERS: [(&str, u32); 69] = [
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    // Ours: IGMP types, RFC 9776 section 4 and IANA's registry.
    ("igmptype", 0),
    ("igmp-query", 0x11),
    ("igmp-report-v1", 0x12),
    ("igmp-dvmrp", 0x13),
    ("igmp-pim-v1", 0x14),
    ("igmp-report-v2", 0x16),
    ("igmp-leave", 0x17),
    ("igmp-mtrace-reply", 0x1e),
    ("igmp-mtrace", 0x1f),
    ("igmp-report-v3", 0x22),
    ("igmp-router-advert", 0x30),
    ("igmp-router-solicit", 0x31),
];

/// Is the word an addition of ours, that `--pcap-compat` takes away?
fn ours(text: &str) -> bool {
    matches!(text, "vxlan" | "mld" | "ndp" | "igmptype") || text.starts_with("igmp-")
}

/// What the word means, unless it is a name of somebody else's.
pub(super) fn look_up(text: &str, compat: bool) -> Option<Word> {
    if compat && ours(text) {
        return None;
    }
    let find = |(spelling, _): &&(&str, &'static str)| *spelling == text;
    if let Some((_, canonical)) = KEYWORDS.iter().find(find) {
        return Some(Word::Key(canonical));
    }
    if let Some((_, number)) = NUMBERS.iter().find(|(spelling, _)| *spelling == text) {
        return Some(Word::Number(*number));
    }
    let refused = REFUSED.iter().find(find);
    refused.map(|(_, why)| Word::Refused(why))
}

/// Keywords near a mistyped word, for a hint.
pub(super) fn nearest(text: &str) -> Option<&'static str> {
    if text.len() < 3 || text.len() > 12 {
        return None;
    }
    let candidates = KEYWORDS.iter().map(|(spelling, _)| *spelling);
    candidates
        .filter(|k| k.len() > 2)
        .find(|k| one_edit_apart(k.as_bytes(), text.as_bytes()))
}

/// Is one letter too many, missing, wrong, or are two swapped?
fn one_edit_apart(a: &[u8], b: &[u8]) -> bool {
    let same_start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (Some(a), Some(b)) = (a.get(same_start..), b.get(same_start..)) else {
        return false;
    };
    match (a, b) {
        ([first, second, rest @ ..], [then, other @ ..])
            if first != second && other.first() == Some(first) && then == second =>
        {
            other.get(1..) == Some(rest)
        }
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([_, rest @ ..], other) if rest == other => true,
        (rest, [_, other @ ..]) => rest == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_means_two_things() {
        let mut all: Vec<&str> = KEYWORDS.iter().map(|(s, _)| *s).collect();
        all.extend(REFUSED.iter().map(|(s, _)| *s));
        all.extend(NUMBERS.iter().map(|(s, _)| *s));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn our_words_go_away_for_compatibility() {
        assert_eq!(look_up("mld", false), Some(Word::Key("mld")));
        assert_eq!(look_up("mld", true), None);
        assert_eq!(look_up("igmp-leave", true), None);
        assert_eq!(look_up("igmp", true), Some(Word::Key("igmp")));
        assert!(matches!(look_up("vpi", true), Some(Word::Refused(_))));
    }

    #[test]
    fn a_mistyped_keyword_is_recognised() {
        assert_eq!(nearest("prot"), Some("port"));
        assert_eq!(nearest("hots"), Some("host"));
        assert_eq!(nearest("vlna"), Some("vlan"));
        assert_eq!(nearest("icmp7"), Some("icmp"));
        assert_eq!(nearest("elephant"), None);
    }
}
