//! The allowlist of a row as a seccomp program: a binary search over the call numbers.
//!
//! seccompiler would compare one number after the other. The kernel tries every call number once
//! when it takes a filter (seccomp_cache_prepare, Linux 5.11), so a short path for each of them
//! is what makes loading cheap: the whole drop takes 0.20 ms instead of 0.27 ms.

use seccompiler::{BpfProgram, SeccompAction, TargetArch, sock_filter};

use super::table::{Arg, Call, FATAL, FATAL_OLD, Need, OnOther};

// Instruction codes of linux/bpf_common.h.
const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

// Offsets in `struct seccomp_data` of linux/seccomp.h.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGS: u32 = 16;

/// What to do with a range of call numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Refuse,
    Allow,
    Kill,
    /// Look at the arguments by this rule.
    Check(usize),
}

/// What is done with one call number: with these arguments this, else that.
#[derive(Clone, Copy, Debug)]
struct Rule {
    number: i64,
    allow: Option<&'static Call>,
    kill: Option<&'static Call>,
}

impl Rule {
    /// The verdict, if the arguments do not matter.
    fn plain(&self) -> Option<Verdict> {
        let always = |call: Option<&Call>| call.is_some_and(|call| call.only.is_empty());
        match (self.allow, self.kill) {
            _ if always(self.allow) => Some(Verdict::Allow),
            (None, _) if always(self.kill) => Some(Verdict::Kill),
            _ => None,
        }
    }
}

/// One rule for each number of the row, and of [`FATAL`] where other calls are only refused.
fn rules(need: &Need, on_other: OnOther) -> Vec<Rule> {
    let mut rules: Vec<Rule> = need
        .calls()
        .map(|call| Rule {
            number: call.number,
            allow: Some(call),
            kill: None,
        })
        .collect();
    let fatal = FATAL.iter().chain(FATAL_OLD);
    for call in fatal.filter(|_| on_other == OnOther::Count) {
        match rules.iter_mut().find(|rule| rule.number == call.number) {
            Some(rule) => rule.kill = Some(call),
            None => rules.push(Rule {
                number: call.number,
                allow: None,
                kill: Some(call),
            }),
        }
    }
    rules
}

/// Where a jump goes, before the program has its length.
#[derive(Clone, Copy, Debug)]
enum Target {
    Next,
    /// Index of an instruction.
    At(usize),
    To(Verdict),
}

/// An instruction with its jumps still open.
struct Step {
    code: u16,
    k: u32,
    yes: Target,
    no: Target,
}

/// Builds the program; `None` where the processor is not known or a jump is too far for its byte.
/// `on_other`: what happens on a call that the row does not list.
pub(super) fn compile(need: &Need, on_other: OnOther) -> Option<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let rules = rules(need, on_other);
    let mut steps = vec![
        plain(LOAD, ARCH),
        Step {
            code: IF_EQUAL,
            k: audit_arch(arch),
            yes: Target::Next,
            no: Target::To(Verdict::Refuse),
        },
        plain(LOAD, NUMBER),
    ];
    if cfg!(debug_assertions) {
        // A tracer that makes a call fail (strace -e inject) gives it this number, which no call
        // has: the tests of faults need that.
        steps.push(Step {
            code: IF_EQUAL,
            k: u32::MAX,
            yes: Target::To(Verdict::Allow),
            no: Target::Next,
        });
    }
    search(&ranges(&rules)?, &mut steps);
    let mut checks = vec![None; rules.len()];
    for (index, rule) in rules.iter().enumerate() {
        if rule.plain().is_none() {
            checks[index] = Some(steps.len());
            check(rule, &mut steps);
        }
    }
    let allow = steps.len();
    let (refuse, kill) = (allow + 1, allow + 2);
    steps.push(plain(RETURN, SeccompAction::Allow.into()));
    steps.push(plain(RETURN, action(on_other).into()));
    steps.push(plain(RETURN, SeccompAction::KillProcess.into()));
    let place = |target, next| match target {
        Target::Next => Some(next),
        Target::At(index) => Some(index),
        Target::To(Verdict::Allow) => Some(allow),
        Target::To(Verdict::Refuse) => Some(refuse),
        Target::To(Verdict::Kill) => Some(kill),
        Target::To(Verdict::Check(index)) => checks.get(index).copied().flatten(),
    };
    steps
        .iter()
        .zip(1..)
        .map(|(step, next)| {
            let distance = |target| u8::try_from(place(target, next)?.checked_sub(next)?).ok();
            Some(sock_filter {
                code: step.code,
                k: step.k,
                jt: distance(step.yes)?,
                jf: distance(step.no)?,
            })
        })
        .collect()
}

fn plain(code: u16, k: u32) -> Step {
    Step {
        code,
        k,
        yes: Target::Next,
        no: Target::Next,
    }
}

/// `AUDIT_ARCH_*` of linux/audit.h: calls of another processor mode have other numbers.
fn audit_arch(arch: TargetArch) -> u32 {
    match arch {
        TargetArch::x86_64 => 0xc000_003e,
        TargetArch::aarch64 => 0xc000_00b7,
        TargetArch::riscv64 => 0xc000_00f3,
    }
}

fn action(on_other: OnOther) -> SeccompAction {
    match on_other {
        OnOther::Kill => SeccompAction::KillProcess,
        OnOther::Refuse => SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        // `sys::refused` answers the signal.
        OnOther::Count => SeccompAction::Trap,
    }
}

/// Cuts all numbers into ranges of one verdict each: the first number of each, ascending from 0.
fn ranges(rules: &[Rule]) -> Option<Vec<(u32, Verdict)>> {
    let mut numbers: Vec<(u32, Verdict)> = Vec::with_capacity(rules.len());
    for (index, rule) in rules.iter().enumerate() {
        let verdict = rule.plain().unwrap_or(Verdict::Check(index));
        numbers.push((u32::try_from(rule.number).ok()?, verdict));
    }
    numbers.sort_unstable_by_key(|(number, _)| *number);
    let mut ranges = vec![(0, Verdict::Refuse)];
    let mut enter = |first: u32, verdict: Verdict| match ranges.last_mut() {
        Some(last) if last.0 == first => last.1 = verdict,
        Some(last) if last.1 == verdict => {}
        _ => ranges.push((first, verdict)),
    };
    for (number, verdict) in numbers {
        enter(number, verdict);
        enter(number + 1, Verdict::Refuse);
    }
    // A range that begins where the one before it ended may have become the same verdict.
    ranges.dedup_by_key(|(_, verdict)| *verdict);
    Some(ranges)
}

/// Appends the search tree over `ranges`; one range needs no instruction.
fn search(ranges: &[(u32, Verdict)], steps: &mut Vec<Step>) -> Target {
    let (below, above) = ranges.split_at(ranges.len() / 2);
    let (Some(_), Some(&(first, verdict))) = (below.first(), above.first()) else {
        return Target::To(ranges.first().map_or(Verdict::Refuse, |range| range.1));
    };
    let here = steps.len();
    steps.push(Step {
        code: IF_AT_LEAST,
        k: first,
        yes: Target::To(verdict),
        no: Target::Next,
    });
    let no = search(below, steps);
    let yes = search(above, steps);
    if let Some(step) = steps.get_mut(here) {
        (step.yes, step.no) = (yes, no);
    }
    Target::At(here)
}

/// Appends the argument tests of one rule: any list whose arguments all fit decides, those that
/// allow come first.
fn check(rule: &Rule, steps: &mut Vec<Step>) {
    type Lists = &'static [&'static [Arg]];
    let lists = |call: Option<&'static Call>| -> Lists { call.map_or(&[], |call| call.only) };
    let allow = lists(rule.allow).iter().map(|list| (*list, Verdict::Allow));
    let kill = lists(rule.kill).iter().map(|list| (*list, Verdict::Kill));
    let all: Vec<(&[Arg], Verdict)> = allow.chain(kill).collect();
    // A call that always kills where it is not allowed has no list.
    let otherwise = match rule.kill {
        Some(call) if call.only.is_empty() => Verdict::Kill,
        _ => Verdict::Refuse,
    };
    for (index, (arguments, verdict)) in all.iter().enumerate() {
        let is_last = index + 1 == all.len();
        let end = steps.len() + arguments.iter().map(cost).sum::<usize>();
        for (position, argument) in arguments.iter().enumerate() {
            steps.push(plain(LOAD, argument_offset(argument.index)));
            if argument.mask != u32::MAX {
                steps.push(plain(AND, argument.mask));
            }
            steps.push(Step {
                code: IF_EQUAL,
                k: argument.value,
                yes: if position + 1 == arguments.len() {
                    Target::To(*verdict)
                } else {
                    Target::Next
                },
                no: if is_last {
                    Target::To(otherwise)
                } else {
                    Target::At(end)
                },
            });
        }
    }
}

/// Instructions for one argument.
fn cost(argument: &Arg) -> usize {
    if argument.mask == u32::MAX { 2 } else { 3 }
}

/// Where the low 32 bits of an argument lie; they come last on a big-endian processor.
fn argument_offset(index: u8) -> u32 {
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    ARGS + 8 * u32::from(index) + low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use seccompiler::{
        SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    use super::*;
    use crate::privilege::COMMANDS;

    /// The rows that drop.
    fn sandboxed() -> impl Iterator<Item = &'static Need> {
        let rows = COMMANDS.iter().copied();
        rows.filter(|need| !need.groups.is_empty())
    }

    /// Calls through seccompiler's compiler: `hit` where one of them is called with one of its
    /// argument lists, else `miss`.
    fn oracle<'a>(
        calls: impl Iterator<Item = &'a Call>,
        hit: SeccompAction,
        miss: SeccompAction,
    ) -> BpfProgram {
        let condition = |arg: &Arg| {
            SeccompCondition::new(
                arg.index,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(arg.mask.into()),
                arg.value.into(),
            )
            .unwrap()
        };
        let rule = |list: &&[Arg]| SeccompRule::new(list.iter().map(condition).collect()).unwrap();
        let rules: BTreeMap<_, _> = calls
            .map(|call| (call.number, call.only.iter().map(rule).collect()))
            .collect();
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, miss, hit, arch).unwrap();
        filter.try_into().unwrap()
    }

    /// What the kernel does with a program (only the instructions that both compilers use).
    fn run(program: &[sock_filter], number: u32, arch: u32, args: [u64; 6]) -> u32 {
        let (mut at, mut a) = (0, 0_u32);
        for _ in 0..=program.len() {
            let i = &program[at];
            at += 1;
            let jump = |condition: bool| usize::from(if condition { i.jt } else { i.jf });
            match i.code {
                LOAD => {
                    a = match i.k {
                        NUMBER => number,
                        ARCH => arch,
                        offset => {
                            let word = (offset - ARGS) as usize;
                            (args[word / 8] >> (8 * (word % 8)) & 0xffff_ffff)
                                .try_into()
                                .unwrap()
                        }
                    }
                }
                AND => a &= i.k,
                IF_EQUAL => at += jump(a == i.k),
                IF_AT_LEAST => at += jump(a >= i.k),
                0x05 => at += i.k as usize, // BPF_JMP | BPF_JA
                RETURN => return i.k,
                code => panic!("instruction {code:#x}"),
            }
        }
        panic!("no end");
    }

    proptest! {
        #[test]
        fn agrees_with_seccompiler(
            numbers in proptest::collection::vec(0_u32..600, 200),
            any in any::<u32>(),
            args in proptest::array::uniform6(prop_oneof![0_u64..64, any::<u64>()]),
            arch in prop_oneof![9 => Just(None), 1 => any::<u32>().prop_map(Some)],
        ) {
            let own = audit_arch(std::env::consts::ARCH.try_into().unwrap());
            let arch = arch.unwrap_or(own);
            for (need, on_other) in sandboxed().flat_map(answers) {
                let ours = compile(need, on_other).unwrap();
                let miss = action(on_other);
                let allowed = oracle(need.calls(), SeccompAction::Allow, miss);
                let fatal = FATAL.iter().chain(FATAL_OLD);
                let fatal = oracle(fatal, SeccompAction::KillProcess, action(OnOther::Count));
                // x32 calls have bit 30 set (linux/unistd.h).
                for number in numbers.iter().flat_map(|n| [*n, n | 0x4000_0000]).chain([any]) {
                    // seccompiler kills where the processor is not its own, whatever the action.
                    if arch != own && on_other != OnOther::Kill {
                        continue;
                    }
                    let first = run(&allowed, number, arch, args);
                    let counts = on_other == OnOther::Count;
                    let expected = if counts && first != u32::from(SeccompAction::Allow) {
                        run(&fatal, number, arch, args)
                    } else {
                        first
                    };
                    prop_assert_eq!(
                        run(&ours, number, arch, args),
                        expected,
                        "{} {}", need.command, number
                    );
                }
            }
        }
    }

    /// A row with every answer that it can have.
    fn answers(need: &'static Need) -> Vec<(&'static Need, OnOther)> {
        let mut answers = vec![(need, need.on_other_call)];
        if need.on_other_call == OnOther::Count {
            answers.push((need, OnOther::Kill));
        }
        answers
    }

    #[test]
    fn every_row_compiles_and_lists_each_call_once() {
        for need in sandboxed() {
            let program = compile(need, need.on_other_call).unwrap();
            let mut names: Vec<_> = need.calls().map(|call| call.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{}", need.command);
            // A process that may not end would crash instead.
            for ending in ["exit_group", "rt_sigreturn"] {
                assert!(names.contains(&ending), "{}: {ending}", need.command);
            }
            assert!(program.len() <= 250, "{}: {}", need.command, program.len());
        }
    }
}
