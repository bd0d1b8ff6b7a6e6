//! What the kernel does to an IPv4 header that comes by IP_HDRINCL: as rules, and foretold for a
//! header that was not sent. The comparison with one that was is `view::headers`.

use std::fmt::Write as _;

use crate::decode::{Decoder, Frame, Packet, Value, ipv4};
use crate::view::boxes::rows::whole_value;
use crate::view::wrap::push_wrapped;

/// Field by field, measured on Linux 6.18; raw(7) has most of it.
const RULES: &[(&str, &str)] = &[
    (
        "ip.version",
        "not checked: 6 goes out as 6, and the receiver drops it",
    ),
    (
        "ip.hdr_len",
        "less than 5 words, or more than the packet has: EINVAL (22)",
    ),
    ("ip.len", "always overwritten with the true length"),
    (
        "ip.id",
        "filled in if 0, but stays 0 where Don't fragment is set; else kept",
    ),
    ("ip.flags.df", "kept"),
    ("ip.flags.mf", "kept"),
    ("ip.frag_offset", "kept"),
    ("ip.ttl", "kept, 0 too"),
    ("ip.proto", "kept"),
    ("ip.checksum", "always overwritten with the right sum"),
    (
        "ip.src",
        "filled in if 0.0.0.0, with the address that the route leaves from; else kept, ours or not",
    ),
    ("ip.dst", "kept, but the route is that of sendto's address"),
];

/// The rules as a table.
pub fn rules(out: &mut String) {
    out.push_str(
        "IP_HDRINCL: you write the IPv4 header, and the kernel changes this much of it:\n\n",
    );
    for (key, rule) in RULES {
        let spec = ipv4::SPECS.iter().find(|spec| spec.key == *key);
        let label = spec.map_or("", |spec| spec.label);
        push_wrapped(&format!(" {label:<17} {key:<15} "), rule, 35, out);
    }
    out.push('\n');
    for text in [
        "Longer than the interface's MTU: EMSGSIZE (90). Options that you write are kept.",
        "A socket of IPPROTO_RAW has IP_HDRINCL set from the start and receives nothing; any other \
         raw socket has it clear, and the kernel writes the whole header: identification filled in, \
         Don't fragment set, TTL 64.",
        "IPv6: with IPV6_HDRINCL the kernel changes nothing.",
    ] {
        push_wrapped(" ", text, 1, out);
    }
}

/// What would become of this packet's header; nothing is sent. False if it has no IPv4 header.
pub fn foretell(decoder: &Decoder, frame: &Frame<'_>, out: &mut String) -> bool {
    let mut packet = Packet::with_sums();
    decoder.decode(frame, &mut packet);
    let Some(layer) = packet.layer("ip").copied() else {
        return false;
    };
    let number = |spec| packet.number(spec);
    let df = number(&ipv4::DF) == Some(1);
    let unspecified = packet.value(&ipv4::SRC) == Some(Value::Ipv4([0, 0, 0, 0].into()));
    let length = frame.bytes.len().saturating_sub(layer.at as usize);
    out.push_str("IP_HDRINCL: this header, and what the kernel would make of it\n\n");
    let _ = writeln!(out, " {:<17} {:<21} goes out", "field", "you ask for");
    for (index, field) in packet.fields_of(&layer).iter().enumerate() {
        let Some((key, rule)) = RULES.iter().find(|(key, _)| *key == field.spec.key) else {
            continue;
        };
        let asked = whole_value(frame, &packet, &layer, index);
        let sent = match *key {
            "ip.len" => format!("K {length} bytes"),
            "ip.checksum" => "K the sum of the header that goes out".to_owned(),
            "ip.id" if number(&ipv4::ID) == Some(0) && !df => {
                "K a number of the kernel's".to_owned()
            }
            "ip.id" if df => "=".to_owned(),
            "ip.src" if unspecified => "K the address that the route leaves from".to_owned(),
            "ip.version" if number(&ipv4::VERSION) != Some(4) => format!("= ({rule})"),
            "ip.hdr_len" if number(&ipv4::HDR_LEN).is_some_and(|n| n < 20 || n > length as u64) => {
                "sendto fails: EINVAL (22)".to_owned()
            }
            _ => "=".to_owned(),
        };
        push_wrapped(
            &format!(" {:<17} {asked:<21} ", field.spec.label),
            &sent,
            40,
            out,
        );
    }
    out.push_str("\n = as you ask   K written by the kernel\n");
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::boxes::sample;

    #[test]
    fn the_rules_name_real_fields() {
        for (key, _) in RULES {
            assert!(ipv4::SPECS.iter().any(|spec| spec.key == *key), "{key}");
        }
        let mut out = String::new();
        rules(&mut out);
        assert!(out.contains("Total length"), "{out}");
    }

    #[test]
    fn a_header_is_foretold() {
        let mut bytes = [0; 28];
        bytes[0] = 0x45;
        bytes[16..20].copy_from_slice(&[10, 5, 0, 2]);
        let mut packet = Packet::new();
        let frame = sample(&ipv4::PROTO, &bytes, &mut packet);
        let mut out = String::new();
        assert!(foretell(&Decoder::new(), &frame, &mut out));
        for part in ["K 28 bytes", "K a number", "K the address", "10.5.0.2"] {
            assert!(out.contains(part), "{part}\n{out}");
        }
        bytes[6] = 0x40;
        let frame = sample(&ipv4::PROTO, &bytes, &mut packet);
        out.clear();
        foretell(&Decoder::new(), &frame, &mut out);
        assert!(!out.contains("K a number"), "{out}");
    }
}
