//! A compiled filter as a packet socket needs it: how much to keep, and, where the kernel shows no
//! link-layer header, facts beside the packet instead of the header that we put before it.

use crate::filter::insn::{AD_IFINDEX, AD_PKTTYPE, ANCILLARY, Insn, op};

/// `SKF_AD_PROTOCOL` and `SKF_AD_HATYPE` of linux/filter.h.
const AD_PROTOCOL: u32 = ANCILLARY;
const AD_HATYPE: u32 = ANCILLARY + 28;

/// Length of the cooked header (LINKTYPE_LINUX_SLL2).
pub(super) const COOKED: u32 = 20;

/// Keeps `snaplen` bytes of what matches.
pub(super) fn keep(program: &mut [Insn], snaplen: u32) {
    for insn in program {
        if insn.code == op::RET && insn.k != 0 {
            insn.k = snaplen;
        }
    }
}

/// A program for LINKTYPE_LINUX_SLL2 as one for a SOCK_DGRAM packet socket, whose packets begin
/// behind the link-layer header. `None`: it reads something that the kernel does not tell (the
/// sender's address), so it must run here.
///
/// `len` is the length without the cooked header then; libpcap leaves that so as well.
pub(super) fn for_dgram(program: &[Insn]) -> Option<Vec<Insn>> {
    program
        .iter()
        .map(|insn| {
            let reads = matches!(
                insn.code,
                op::LD_W
                    | op::LD_H
                    | op::LD_B
                    | op::LDX_MSH
                    | op::LD_W_IND
                    | op::LD_H_IND
                    | op::LD_B_IND
            );
            let k = match (insn.code, insn.k) {
                (op::LD_H, 0) => AD_PROTOCOL,
                (op::LD_W, 4) => AD_IFINDEX,
                (op::LD_H, 8) => AD_HATYPE,
                (op::LD_B, 10) => AD_PKTTYPE,
                (_, 0..COOKED) if reads => return None,
                (_, COOKED..ANCILLARY) if reads => insn.k.checked_sub(COOKED)?,
                (_, k) => k,
            };
            // Facts beside the packet are words.
            let code = if k >= ANCILLARY && matches!(insn.code, op::LD_H | op::LD_B) {
                op::LD_W
            } else {
                insn.code
            };
            Some(Insn { code, k, ..*insn })
        })
        .collect()
}

/// Takes no packet.
pub(super) fn nothing() -> [Insn; 1] {
    [Insn::new(op::RET, 0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Link, Options, Table, Target, compile};

    fn cooked(text: &str) -> Option<Vec<Insn>> {
        let options = Options {
            target: Target::Live,
            ..Options::new(Link::Sll2)
        };
        let program = compile(text, &options, &Table::builtin()).unwrap();
        for_dgram(program.insns())
    }

    #[test]
    fn cooked_programs_read_beside_the_packet() {
        for text in [
            "icmp or igmp or icmp6",
            "tcp port 80",
            "ip[8] < 5",
            "inbound",
            "ifindex 2",
        ] {
            let program = cooked(text).expect(text);
            for insn in &program {
                let absolute = matches!(insn.code, op::LD_H | op::LD_B);
                assert!(!absolute || insn.k < ANCILLARY, "{text}: {insn:?}");
            }
        }
        let program = cooked("arp").unwrap();
        assert_eq!(program[0], Insn::new(op::LD_W, AD_PROTOCOL));
    }

    #[test]
    fn what_the_kernel_does_not_tell_stays_here() {
        assert_eq!(cooked("link[12] = 2"), None);
        assert_eq!(cooked("link[11:2] = 2"), None);
    }

    #[test]
    fn only_what_matches_is_cut() {
        let mut program = vec![Insn::new(op::RET, 262_144), Insn::new(op::RET, 0)];
        keep(&mut program, 96);
        assert_eq!(program, [Insn::new(op::RET, 96), Insn::new(op::RET, 0)]);
    }
}
