//! Which packets the kernel lets through to a ping: answers to our ids, errors about our probes, our
//! own requests. Classic BPF; what a packet means is decided in the core.
//!
//! A raw IPv4 socket's program sees the IP header first, a raw IPv6 socket's the ICMPv6 header, a
//! cooked packet socket's the IP header (both measured). A load outside the packet drops it, so
//! lengths are compared first wherever a short packet shall pass.

use std::net::{IpAddr, Ipv6Addr};

use super::bpf::{
    ADD, ADD_X, AND, Assembler, Insn, JEQ, JGE, JGE_X, LD_B, LD_B_X, LD_H, LD_H_X, LD_IMM, LD_LEN,
    LD_MEM, LD_W, LDX_IMM, LDX_MEM, LDX_MSH, LSH, RET, ST, STX, TAX, TXA,
};

/// What one ping wants to hear.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Identifiers of our echo requests; at most 64.
    pub ids: &'a [u16],
    /// Also our own requests: a bounced one is news. On a loopback target every request comes back,
    /// and leaving the copies in the kernel halves the cost.
    pub own_requests: bool,
    /// Protocol number in our probes' header: 1, 58, or what the user asked for.
    pub proto: u8,
    /// Where the ICMP header of our probes begins, if their own `ihl` lies; else it is read from the
    /// quote.
    pub header_len: Option<u8>,
    /// Destination whose redirects (ICMPv6 type 137) are about us; they need not quote.
    pub target: Option<Ipv6Addr>,
}

/// `SKF_AD_OFF`: loads from here on ask about the packet, not into it.
const ANCILLARY: u32 = u32::MAX - 0xfff;
/// `SKF_AD_PROTOCOL`: the EtherType.
const AD_PROTOCOL: u32 = ANCILLARY;
/// `SKF_AD_PKTTYPE`: to us, broadcast, ... outgoing.
const AD_PKTTYPE: u32 = ANCILLARY + 4;

/// Memory cells of the programs.
const KEEP_X: u32 = 0;
const NEXT_HEADER: u32 = 1;
/// 1 when a quote that cannot be read shall pass.
const LENIENT: u32 = 2;

/// An error's quote begins so many bytes behind its header's start (RFC 792, RFC 4443).
const QUOTE: u32 = 8;

const ACCEPT: u32 = u32::MAX;
const MAX_IDS: usize = 64;

/// Drops everything: for a socket that is open before its ids are known.
pub fn nothing() -> Vec<Insn> {
    vec![Insn {
        code: RET,
        jt: 0,
        jf: 0,
        k: 0,
    }]
}

/// For an IPv4 raw socket of protocol 1. `None` for more than 64 ids.
pub fn icmp4(want: &Want<'_>) -> Option<Vec<Insn>> {
    let mut asm = Assembler::default();
    asm.op(LDX_MSH, 0);
    asm.op(LD_B_X, 0);
    asm.jump(JEQ, 0, Some("ours"), None); // echo reply
    let request = if want.own_requests { "ours" } else { "drop" };
    asm.jump(JEQ, 8, Some(request), None);
    for error in [3, 4, 5, 11, 12] {
        asm.jump(JEQ, error, Some("error"), None);
    }
    // A type that we do not know passes only if it quotes us readably.
    asm.op(LD_IMM, 0);
    asm.op(ST, LENIENT);
    asm.goto("quote");
    asm.label("error");
    asm.op(LD_IMM, 1);
    asm.op(ST, LENIENT);
    asm.label("quote");
    quote4(&mut asm, want);
    asm.label("ours");
    asm.op(LD_H_X, 4);
    end(asm, want.ids)
}

/// For an IPv6 raw socket of protocol 58. `None` for more than 64 ids.
pub fn icmp6(want: &Want<'_>) -> Option<Vec<Insn>> {
    let mut asm = Assembler::default();
    asm.op(LD_B, 0);
    asm.jump(JEQ, 129, Some("ours"), None); // echo reply
    let request = if want.own_requests { "ours" } else { "drop" };
    asm.jump(JEQ, 128, Some(request), None);
    asm.jump(JEQ, 137, Some("redirect"), None);
    asm.jump(JGE, 128, Some("drop"), None); // RFC 4443 2.1: below 128 are errors
    asm.jump(JEQ, 0, Some("other"), None);
    asm.jump(JGE, 5, Some("other"), None);
    asm.op(LD_IMM, 1);
    asm.op(ST, LENIENT);
    asm.goto("quote");
    asm.label("other");
    asm.op(LD_IMM, 0);
    asm.op(ST, LENIENT);
    asm.label("quote");
    asm.op(LDX_IMM, 0);
    quote6(&mut asm, want);
    asm.label("redirect");
    match want.target {
        // RFC 4861 4.5: the destination begins at byte 24.
        Some(target) => {
            for (at, word) in (24..).step_by(4).zip(target.octets().chunks_exact(4)) {
                asm.op(LD_W, at);
                let word = word.iter().fold(0, |w, &b| w << 8 | u32::from(b));
                asm.jump(JEQ, word, None, Some("drop"));
            }
            asm.goto("accept");
        }
        None => asm.goto("drop"),
    }
    asm.label("ours");
    asm.op(LD_H, 4);
    end(asm, want.ids)
}

/// For a cooked packet socket: our probes on their way out. Only what no user can set wrong is
/// looked at: the EtherType, the destination, and type and id where our own header ends
/// (`header_len` bytes, options and extension headers included). `None` for more than 64 ids.
pub fn outgoing_probe(destination: IpAddr, header_len: u32, ids: &[u16]) -> Option<Vec<Insn>> {
    let mut asm = Assembler::default();
    asm.op(LD_B, AD_PKTTYPE);
    let outgoing = u32::from(libc::PACKET_OUTGOING);
    asm.jump(JEQ, outgoing, None, Some("drop"));
    asm.op(LD_H, AD_PROTOCOL);
    let request = match destination {
        IpAddr::V4(destination) => {
            let ethertype = libc::ETH_P_IP.cast_unsigned();
            asm.jump(JEQ, ethertype, None, Some("drop"));
            address(&mut asm, 16, &destination.octets());
            8
        }
        IpAddr::V6(destination) => {
            let ethertype = libc::ETH_P_IPV6.cast_unsigned();
            asm.jump(JEQ, ethertype, None, Some("drop"));
            address(&mut asm, 24, &destination.octets());
            128
        }
    };
    asm.op(LD_B, header_len);
    asm.jump(JEQ, request, None, Some("drop"));
    asm.op(LD_H, header_len.saturating_add(4));
    end(asm, ids)
}

/// Goes on only if the address at `at` is this one, else to "drop".
fn address(asm: &mut Assembler, at: u32, octets: &[u8]) {
    for (at, word) in (at..).step_by(4).zip(octets.chunks_exact(4)) {
        asm.op(LD_W, at);
        let word = word.iter().fold(0, |w, &b| w << 8 | u32::from(b));
        asm.jump(JEQ, word, None, Some("drop"));
    }
}

/// The IPv4 datagram that an error at `X` quotes: to "id" with its ICMP id loaded if it is an echo request under
/// our protocol number, to "unreadable" if it is cut or no IPv4 header, else to "drop".
fn quote4(asm: &mut Assembler, want: &Want<'_>) {
    need(asm, QUOTE + 20);
    asm.op(LD_B_X, QUOTE);
    asm.jump(JGE, 0x50, Some("unreadable"), None);
    asm.jump(JGE, 0x45, None, Some("unreadable")); // version 4, at least 5 words
    asm.op(LD_B_X, QUOTE + 9);
    asm.jump(JEQ, want.proto.into(), None, Some("drop"));
    if let Some(len) = want.header_len {
        asm.op(LD_IMM, len.into());
    } else {
        asm.op(LD_B_X, QUOTE);
        asm.op(AND, 0xf);
        asm.op(LSH, 2);
    }
    asm.op(ADD_X, 0);
    asm.op(TAX, 0);
    need(asm, QUOTE + 8);
    asm.op(LD_B_X, QUOTE);
    asm.jump(JEQ, 8, None, Some("drop"));
    asm.op(LD_H_X, QUOTE + 4);
    asm.goto("id");
}

/// The same for an IPv6 datagram, whose extension headers are walked up to three deep.
fn quote6(asm: &mut Assembler, want: &Want<'_>) {
    need(asm, QUOTE + 40);
    asm.op(LD_B_X, QUOTE);
    asm.op(AND, 0xf0);
    asm.jump(JEQ, 0x60, None, Some("unreadable"));
    asm.op(LD_B_X, QUOTE + 6);
    for [walk, past] in [["ext1", "past1"], ["ext2", "past2"], ["ext3", "past3"]] {
        asm.jump(JEQ, want.proto.into(), Some("found"), None);
        // RFC 8200 4: hop-by-hop, routing, fragment, destination options.
        for header in [0, 43, 44, 60] {
            asm.jump(JEQ, header, Some(walk), None);
        }
        asm.goto(past);
        asm.label(walk);
        need(asm, QUOTE + 42);
        asm.op(LD_B_X, QUOTE + 40);
        asm.op(ST, NEXT_HEADER);
        asm.op(LD_B_X, QUOTE + 41);
        asm.op(ADD, 1);
        asm.op(LSH, 3);
        asm.op(ADD_X, 0);
        asm.op(TAX, 0);
        asm.op(LD_MEM, NEXT_HEADER);
        asm.label(past);
    }
    asm.jump(JEQ, want.proto.into(), Some("found"), Some("drop"));
    asm.label("found");
    need(asm, QUOTE + 48);
    asm.op(LD_B_X, QUOTE + 40);
    asm.jump(JEQ, 128, None, Some("drop"));
    asm.op(LD_H_X, QUOTE + 44);
    asm.goto("id");
}

/// Goes on only if the packet holds `X + len` bytes, else to "unreadable". Keeps `X`.
fn need(asm: &mut Assembler, len: u32) {
    asm.op(STX, KEEP_X);
    asm.op(TXA, 0);
    asm.op(ADD, len);
    asm.op(TAX, 0);
    asm.op(LD_LEN, 0);
    asm.jump(JGE_X, 0, None, Some("unreadable"));
    asm.op(LDX_MEM, KEEP_X);
}

/// The common end: at "id" the id is in `A`.
fn end(mut asm: Assembler, ids: &[u16]) -> Option<Vec<Insn>> {
    if ids.len() > MAX_IDS {
        return None;
    }
    asm.label("id");
    for &id in ids {
        asm.jump(JEQ, id.into(), Some("accept"), None);
    }
    asm.goto("drop");
    asm.label("unreadable");
    asm.op(LD_MEM, LENIENT);
    asm.jump(JEQ, 1, Some("accept"), None);
    asm.label("drop");
    asm.op(RET, 0);
    asm.label("accept");
    asm.op(RET, ACCEPT);
    asm.finish()
}

#[cfg(test)]
mod tests {
    use super::super::bpf::run;
    use super::*;

    const IDS: [u16; 4] = [0x1234, 0x1235, 7, 0xffff];

    fn want() -> Want<'static> {
        Want {
            ids: &IDS,
            own_requests: true,
            proto: 1,
            header_len: None,
            target: None,
        }
    }

    fn want6() -> Want<'static> {
        Want {
            proto: 58,
            target: Some("2001:db8::1".parse().unwrap()),
            ..want()
        }
    }

    /// An IPv4 header of `words` 32-bit words, protocol `proto`, then `rest`.
    fn ip4(words: u8, proto: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; usize::from(words) * 4];
        bytes[0] = 0x40 | words;
        bytes[9] = proto;
        bytes.extend_from_slice(rest);
        bytes
    }

    fn ip6(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[0] = 0x60;
        bytes[6] = next;
        bytes.extend_from_slice(rest);
        bytes
    }

    fn icmp(kind: u8, id: u16) -> Vec<u8> {
        let [high, low] = id.to_be_bytes();
        vec![kind, 0, 0, 0, high, low, 0, 1]
    }

    fn error(kind: u8, quote: &[u8]) -> Vec<u8> {
        [&[kind, 1, 0, 0, 0, 0, 0, 0], quote].concat()
    }

    fn passes4(want: &Want<'_>, packet: &[u8]) -> bool {
        run(&icmp4(want).unwrap(), packet, &|_| 0) == ACCEPT
    }

    fn passes6(want: &Want<'_>, packet: &[u8]) -> bool {
        run(&icmp6(want).unwrap(), packet, &|_| 0) == ACCEPT
    }

    #[test]
    fn replies_and_requests_pass_by_id() {
        for words in [5, 6, 15] {
            for id in IDS {
                assert!(passes4(&want(), &ip4(words, 1, &icmp(0, id))));
                assert!(passes4(&want(), &ip4(words, 1, &icmp(8, id))));
            }
            assert!(!passes4(&want(), &ip4(words, 1, &icmp(0, 0x1236))));
            assert!(!passes4(&want(), &ip4(words, 1, &icmp(8, 0x1236))));
            assert!(!passes4(&want(), &ip4(words, 1, &icmp(13, 7))));
        }
        assert!(passes6(&want6(), &icmp(129, 7)));
        assert!(passes6(&want6(), &icmp(128, 7)));
        assert!(!passes6(&want6(), &icmp(129, 8)));
        for other in [130, 133, 134, 135, 136, 143, 255] {
            assert!(!passes6(&want6(), &icmp(other, 7)), "type {other}");
        }
    }

    #[test]
    fn own_requests_can_stay_in_the_kernel() {
        let quiet = Want {
            own_requests: false,
            ..want()
        };
        assert!(!passes4(&quiet, &ip4(5, 1, &icmp(8, 7))));
        assert!(passes4(&quiet, &ip4(5, 1, &icmp(0, 7))));
        assert!(!passes6(&quiet, &icmp(128, 7)));
        assert!(passes6(&quiet, &icmp(129, 7)));
    }

    #[test]
    fn errors_pass_by_the_quoted_id() {
        for kind in [3, 4, 5, 11, 12, 40, 200] {
            for (outer, inner) in [(5, 5), (6, 5), (5, 6), (15, 15)] {
                let about =
                    |proto, rest: &[u8]| ip4(outer, 1, &error(kind, &ip4(inner, proto, rest)));
                assert!(passes4(&want(), &about(1, &icmp(8, 0x1235))), "type {kind}");
                assert!(!passes4(&want(), &about(1, &icmp(8, 0x1236))));
                assert!(!passes4(&want(), &about(1, &icmp(0, 0x1235))));
                assert!(!passes4(&want(), &about(17, &icmp(8, 0x1235))));
            }
        }
        for kind in [1, 2, 3, 4, 100] {
            let about = |next, rest: &[u8]| error(kind, &ip6(next, rest));
            assert!(passes6(&want6(), &about(58, &icmp(128, 7))), "type {kind}");
            assert!(!passes6(&want6(), &about(58, &icmp(128, 8))));
            assert!(!passes6(&want6(), &about(58, &icmp(129, 7))));
            assert!(!passes6(&want6(), &about(17, &icmp(128, 7))));
        }
    }

    #[test]
    fn errors_about_a_protocol_of_the_users_choice_pass() {
        let odd = Want {
            proto: 253,
            ..want()
        };
        assert!(passes4(
            &odd,
            &ip4(5, 1, &error(3, &ip4(5, 253, &icmp(8, 7))))
        ));
        assert!(!passes4(
            &odd,
            &ip4(5, 1, &error(3, &ip4(5, 1, &icmp(8, 7))))
        ));
        let odd = Want {
            proto: 253,
            ..want6()
        };
        assert!(passes6(&odd, &error(4, &ip6(253, &icmp(128, 7)))));
    }

    #[test]
    fn a_probe_whose_ihl_lies_is_found_where_it_is() {
        let liar = Want {
            header_len: Some(20),
            ..want()
        };
        let mut quote = ip4(5, 1, &icmp(8, 7));
        quote[0] = 0x47;
        assert!(passes4(&liar, &ip4(5, 1, &error(12, &quote))));
        quote[25] = 9;
        assert!(!passes4(&liar, &ip4(5, 1, &error(12, &quote))));
    }

    #[test]
    fn extension_headers_of_a_quote_are_walked() {
        let hop = [60, 0, 1, 4, 0, 0, 0, 0];
        let options = [&[44, 1][..], &[0; 14]].concat();
        let fragment = [58, 0, 0, 1, 0, 0, 0, 9];
        let chain = [&hop[..], &options, &fragment, &icmp(128, 7)].concat();
        assert!(passes6(&want6(), &error(3, &ip6(0, &chain))));
        let other = [&hop[..], &options, &fragment, &icmp(128, 8)].concat();
        assert!(!passes6(&want6(), &error(3, &ip6(0, &other))));
    }

    #[test]
    fn unreadable_quotes_pass_for_known_errors_only() {
        let whole = ip4(5, 1, &icmp(8, 0x9999));
        assert!(!passes4(&want(), &ip4(5, 1, &error(3, &whole))));
        for cut in 0..whole.len() {
            let quote = &whole[..cut];
            assert!(passes4(&want(), &ip4(5, 1, &error(3, quote))), "cut {cut}");
            assert!(
                !passes4(&want(), &ip4(5, 1, &error(200, quote))),
                "cut {cut}"
            );
        }
        for version in [0x44, 0x65, 0x35, 0x00] {
            let mut quote = whole.clone();
            quote[0] = version;
            assert!(passes4(&want(), &ip4(5, 1, &error(11, &quote))));
        }
        let whole = ip6(58, &icmp(128, 0x9999));
        assert!(!passes6(&want6(), &error(1, &whole)));
        for cut in 0..whole.len() {
            assert!(passes6(&want6(), &error(1, &whole[..cut])), "cut {cut}");
            assert!(!passes6(&want6(), &error(99, &whole[..cut])), "cut {cut}");
        }
    }

    #[test]
    fn redirects_pass_by_destination() {
        let mut redirect = vec![0; 40];
        redirect[0] = 137;
        let target: Ipv6Addr = "2001:db8::1".parse().unwrap();
        redirect[24..40].copy_from_slice(&target.octets());
        assert!(passes6(&want6(), &redirect));
        redirect[39] = 2;
        assert!(!passes6(&want6(), &redirect));
        let unknown = Want {
            target: None,
            ..want6()
        };
        assert!(!passes6(&unknown, &redirect));
    }

    #[test]
    fn tap_sees_our_probes_on_their_way_out() {
        let outgoing = |ethertype: i32, kind: u8| {
            move |which: u32| match which {
                0 => ethertype.cast_unsigned(),
                4 => u32::from(kind),
                other => panic!("ancillary load {other}"),
            }
        };
        let out = libc::PACKET_OUTGOING;
        let mut probe = ip4(6, 253, &icmp(8, 7));
        probe[16..20].copy_from_slice(&[10, 0, 0, 9]);
        let to = IpAddr::from([10, 0, 0, 9]);
        let program = outgoing_probe(to, 24, &IDS).unwrap();
        let passes = |packet: &[u8], ethertype, kind| {
            run(&program, packet, &outgoing(ethertype, kind)) == ACCEPT
        };
        assert!(passes(&probe, libc::ETH_P_IP, out));
        assert!(!passes(&probe, libc::ETH_P_IP, 0));
        assert!(!passes(&probe, libc::ETH_P_IPV6, out));
        assert!(!passes(&probe[..28], libc::ETH_P_IP, out));
        for (at, other) in [(19, 8), (24, 0), (29, 8)] {
            let mut changed = probe.clone();
            changed[at] = other;
            assert!(!passes(&changed, libc::ETH_P_IP, out), "byte {at}");
        }

        let to: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let mut probe = ip6(58, &icmp(128, 7));
        probe[24..40].copy_from_slice(&to.octets());
        let program = outgoing_probe(to.into(), 40, &IDS).unwrap();
        let here = outgoing(libc::ETH_P_IPV6, out);
        assert_eq!(run(&program, &probe, &here), ACCEPT);
        probe[45] = 8;
        assert_eq!(run(&program, &probe, &here), 0);
    }

    #[test]
    fn the_number_of_ids_is_bounded_and_the_bound_assembles() {
        let ids: Vec<u16> = (0..65).collect();
        let most = Want {
            ids: &ids[..64],
            ..want6()
        };
        let to = Ipv6Addr::LOCALHOST.into();
        for program in [icmp4(&most), icmp6(&most), outgoing_probe(to, 40, most.ids)] {
            assert!(program.unwrap().len() < 255);
        }
        let too_many = Want {
            ids: &ids,
            ..want6()
        };
        assert_eq!(icmp4(&too_many), None);
    }
}
