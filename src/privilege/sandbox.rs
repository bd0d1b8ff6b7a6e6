//! Landlock and seccomp: no file, no TCP, and only the system calls of the command's row.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};

use super::table::{Call, Need, OnOther};
use super::{Report, failed};
use crate::error::Error;

/// How much of the Landlock rules the running kernel enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landlock {
    /// Files, TCP, abstract sockets and signals (Linux 6.12 and later).
    Full,
    /// What an older kernel has, at least files (Linux 5.13 and later).
    Partial,
    /// Nothing.
    #[default]
    None,
}

/// The Landlock version whose rights we ask for. Later ones restrict UDP, which `connect` on a
/// datagram socket (asking for the route's source address) needs.
const RIGHTS: ABI = ABI::V6;

/// Applies Landlock, then the filter, and writes down what this kernel could not do.
pub(super) fn restrict(need: &Need, report: &mut Report) -> Result<(), Error> {
    match landlock() {
        Ok(RulesetStatus::FullyEnforced) => report.landlock = Landlock::Full,
        Ok(RulesetStatus::PartiallyEnforced) => {
            report.landlock = Landlock::Partial;
            report
                .notes
                .push("this kernel's Landlock is older than 6.12: it enforces a part".into());
        }
        Ok(RulesetStatus::NotEnforced) => report
            .missing
            .push("no Landlock: this kernel or container does not offer it".into()),
        Err(error) => report.missing.push(format!("no Landlock: {error}")),
    }
    let program = filter(need)
        .map_err(|error| failed("build", "the system call filter")(std::io::Error::other(error)))?;
    match program.map(|program| seccompiler::apply_filter(&program)) {
        Some(Ok(())) => report.seccomp = true,
        Some(Err(error)) => report
            .missing
            .push(format!("no system call filter: {error}")),
        None => report
            .missing
            .push("no system call filter: none exists for this processor".into()),
    }
    Ok(())
}

/// Handles every right and allows none.
fn landlock() -> Result<RulesetStatus, landlock::RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?;
    Ok(ruleset.restrict_self()?.ruleset)
}

/// The row's allowlist as a seccomp program; `None` where seccompiler does not know the processor.
///
/// The order of the calls costs nothing: since Linux 5.11 the kernel keeps the numbers that are
/// always allowed in a bitmap and does not run the program for them.
fn filter(need: &Need) -> Result<Option<BpfProgram>, BackendError> {
    let Ok(arch) = std::env::consts::ARCH.try_into() else {
        return Ok(None);
    };
    let rules = need
        .calls()
        .map(|call| Ok((call.number, rules(call)?)))
        .collect::<Result<_, BackendError>>()?;
    let on_mismatch = match need.on_other_call {
        OnOther::Kill => SeccompAction::KillProcess,
        OnOther::Refuse => SeccompAction::Errno(libc::EPERM.unsigned_abs()),
    };
    let filter = SeccompFilter::new(rules, on_mismatch, SeccompAction::Allow, arch)?;
    BpfProgram::try_from(filter).map(Some)
}

/// The argument conditions of one call; an empty list allows any arguments.
fn rules(call: &Call) -> Result<Vec<SeccompRule>, BackendError> {
    call.only
        .iter()
        .map(|arguments| {
            let conditions = arguments
                .iter()
                .map(|argument| {
                    SeccompCondition::new(
                        argument.index,
                        SeccompCmpArgLen::Dword,
                        SeccompCmpOp::MaskedEq(argument.mask.into()),
                        argument.value.into(),
                    )
                })
                .collect::<Result<_, _>>()?;
            SeccompRule::new(conditions)
        })
        .collect()
}
