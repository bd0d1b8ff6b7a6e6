//! Random expressions, as text: every form, joined, negated and nested.

use super::build::Random;

/// An expression of about so many conditions.
pub fn expression(random: &mut Random, size: usize) -> String {
    let mut text = condition(random, size);
    for _ in 0..random.below(size + 1) {
        text.push_str(random.pick(&[" and ", " or ", " && ", " || "]));
        text.push_str(&condition(random, size));
    }
    text
}

fn condition(random: &mut Random, size: usize) -> String {
    match random.below(10) {
        0 => format!("not {}", primitive(random)),
        1 if size > 0 => format!("({})", expression(random, size - 1)),
        2 if size > 0 => format!("not ({})", expression(random, size - 1)),
        3 => tunnel(random),
        4 | 5 => relation(random),
        _ => primitive(random),
    }
}

fn tunnel(random: &mut Random) -> String {
    let forms = [
        "vlan",
        "vlan 5",
        "vlan 7",
        "mpls",
        "mpls 1024",
        "pppoes",
        "pppoes 7",
        "geneve",
        "geneve 11",
    ];
    random.pick(&forms).to_owned()
}

fn primitive(random: &mut Random) -> String {
    let dir = random.pick(&["", "src ", "dst ", "src or dst ", "src and dst "]);
    let l4 = random.pick(&["", "tcp ", "udp ", "sctp "]);
    let port = random.pick(&[20, 22, 53, 80, 443, 514, 1024, 6000, 6004, 6081, 33000]);
    let v4 = random.pick(&[
        "10.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "127.0.0.1",
        "224.0.0.22",
    ]);
    let v6 = random.pick(&["::1", "fe80::1", "2001:db8::1", "ff02::16"]);
    let net = random.pick(&["10", "10.1", "192.168.1.0/24", "224.0.0.0/4", "0.0.0.0/0"]);
    let net6 = random.pick(&["fe80::/10", "2001:db8::/32", "::/0", "ff02::/112"]);
    let family = random.pick(&["", "ip ", "arp ", "rarp "]);
    let number = random.pick(&[0, 1, 2, 6, 17, 44, 47, 50, 51, 58, 60, 132]);
    match random.below(16) {
        0 => format!("{l4}{dir}port {port}"),
        1 => format!("{l4}{dir}port ({port} or 80)"),
        2 => format!("{l4}{dir}portrange {}-{}", port, port + random.below(3000)),
        3 => format!("{family}{dir}host {v4}"),
        4 => format!("{dir}host {v6}"),
        5 => format!("{family}{dir}net {net}"),
        6 => format!("ip6 {dir}net {net6}"),
        7 => format!("{}proto {number}", random.pick(&["", "ip ", "ip6 "])),
        8 => format!("{}protochain {number}", random.pick(&["", "ip ", "ip6 "])),
        9 => format!(
            "{} {}",
            random.pick(&["less", "greater"]),
            random.below(120)
        ),
        10 => random
            .pick(&[
                "ip multicast",
                "ip6 multicast",
                "pppoed",
                "arp",
                "rarp",
                "stp",
                "ipx",
                "decnet",
            ])
            .to_owned(),
        11 => random
            .pick(&[
                "isis",
                "l1",
                "snp",
                "iso proto 0x82",
                "atalk",
                "netbeui",
                "ether proto 0x800",
            ])
            .to_owned(),
        12 => random
            .pick(&["icmp6", "esp", "ah", "pim", "sctp", "vrrp"])
            .to_owned(),
        _ => random
            .pick(&["ip", "ip6", "tcp", "udp", "icmp", "igmp"])
            .to_owned(),
    }
}

fn relation(random: &mut Random) -> String {
    let relop = random.pick(&["=", "!=", "<", "<=", ">", ">="]);
    let (left, right) = (arith(random, 2), arith(random, 1));
    format!("{left} {relop} {right}")
}

fn arith(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.below(4) == 0 {
        return random.below(300).to_string();
    }
    match random.below(9) {
        0 => "len".to_owned(),
        1 => {
            let op = random.pick(&["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]);
            let (a, b) = (arith(random, depth - 1), load(random, depth - 1));
            format!("({a} {op} {b})")
        }
        2 => {
            let op = random.pick(&["+", "-", "*", "/", "%", "&", "|", "^"]);
            format!("{} {op} {}", load(random, depth - 1), 1 + random.below(255))
        }
        3 => format!("-{}", load(random, depth - 1)),
        _ => load(random, depth - 1),
    }
}

fn load(random: &mut Random, depth: usize) -> String {
    let proto = random.pick(&[
        "ether", "ip", "ip6", "arp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "decnet",
    ]);
    let size = random.pick(&["", ":1", ":2", ":4"]);
    let index = match random.below(6) {
        0 if depth > 0 => format!("{} & 15", load(random, depth - 1)),
        1 if depth > 0 => format!("({}) >> 2", load(random, depth - 1)),
        _ => random.below(40).to_string(),
    };
    format!("{proto}[{index}{size}]")
}
