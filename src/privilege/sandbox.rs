//! Landlock and seccomp: only the files, ports and system calls of the command's row.

use std::path::Path;

use super::table::{Need, OnOther};
use super::{Report, filter};
use crate::sys::refused;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

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

/// What stays within reach besides what the row of the command lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nothing.
    #[default]
    Nothing,
    /// Abstract unix sockets of other processes: a unix server has to answer clients that have such
    /// names.
    AbstractNames,
    /// Sockets of every kind, on the user's order.
    Sockets,
}

/// The Landlock version whose rights we ask for. Later ones restrict UDP, by which the name
/// resolver asks.
const RIGHTS: ABI = ABI::V6;

/// Set in a test of a debug build: count refused calls as a release does.
const COUNTING: &str = "RAWSOCK_TEST_COUNTING";

/// Applies Landlock, then the filter, and writes down what this kernel could not do. `beneath`:
/// files may be made and removed in this directory.
pub(super) fn restrict(need: &Need, beneath: Option<&Path>, reach: Reach, report: &mut Report) {
    let ruled = match reach {
        Reach::Sockets => landlock_on_order(),
        _ => landlock(need, beneath, reach),
    };
    match ruled {
        Ok(RulesetStatus::FullyEnforced) => report.landlock = Landlock::Full,
        Ok(RulesetStatus::PartiallyEnforced) => {
            report.landlock = Landlock::Partial;
            report
                .missing
                .push("this kernel's Landlock is older than 6.12: it enforces a part".into());
        }
        Ok(RulesetStatus::NotEnforced) => report
            .missing
            .push("no Landlock: this kernel or container does not offer it".into()),
        Err(error) => report.missing.push(format!("no Landlock: {error}")),
    }
    let on_other = on_other(need, report);
    match filter::compile(need, on_other).map(|program| seccompiler::apply_filter(&program)) {
        Some(Ok(())) => report.seccomp = true,
        Some(Err(error)) => report
            .missing
            .push(format!("no system call filter: {error}")),
        None => report
            .missing
            .push("no system call filter: none exists for this processor".into()),
    }
}

/// What happens on a call that the row does not list. What would only be counted kills in a debug
/// build, so that no test passes by a refusal that nobody saw; a test of the counting says so.
fn on_other(need: &Need, report: &mut Report) -> OnOther {
    if need.on_other_call != OnOther::Count {
        return need.on_other_call;
    }
    if cfg!(debug_assertions) && std::env::var_os(COUNTING).is_none() {
        return OnOther::Kill;
    }
    match refused::install() {
        Ok(()) => OnOther::Count,
        Err(error) => {
            let note = format!("refused system calls are not counted: {error}");
            report.notes.push(note);
            OnOther::Refuse
        }
    }
}

/// Handles every right and allows only reading below `files`, making files below `beneath` and
/// connecting to `tcp_ports`.
fn landlock(
    need: &Need,
    beneath: Option<&Path>,
    reach: Reach,
) -> Result<RulesetStatus, landlock::RulesetError> {
    // A path that is not there adds no rule.
    let files = path_beneath_rules(need.files, AccessFs::ReadFile | AccessFs::ReadDir);
    let making =
        AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::RemoveFile;
    let made = path_beneath_rules(beneath, making);
    let ports = need
        .tcp_ports
        .iter()
        .map(|port| Ok::<_, landlock::RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    let scope = match reach {
        Reach::Nothing => Scope::from_all(RIGHTS),
        Reach::AbstractNames | Reach::Sockets => Scope::Signal.into(),
    };
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(scope)?
        .create()?
        .add_rules(files)?
        .add_rules(made)?
        .add_rules(ports)?;
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Handles every right to files and allows nothing but making unix sockets (bind(2)). TCP and
/// abstract unix sockets are left alone: what is made and where it goes is ordered by the user, line
/// by line.
fn landlock_on_order() -> Result<RulesetStatus, landlock::RulesetError> {
    let sockets = path_beneath_rules(["/"], AccessFs::MakeSock);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .scope(Scope::Signal)?
        .create()?
        .add_rules(sockets)?;
    Ok(ruleset.restrict_self()?.ruleset)
}
