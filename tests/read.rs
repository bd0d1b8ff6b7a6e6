//! `rawsock read` as a program: what it shows and saves, damaged input, and no rights left.
#![expect(clippy::print_stderr, reason = "a test's report")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "files/build.rs"]
mod build;
#[path = "read/columns.rs"]
mod columns;
#[path = "read/dir.rs"]
mod dir;
#[path = "read/figures.rs"]
mod figures;
#[path = "read/follow.rs"]
mod follow;
#[path = "read/fragments.rs"]
mod fragments;
#[path = "golden/mod.rs"]
mod golden;
#[expect(
    dead_code,
    reason = "these tests need no namespaces and wait for nothing"
)]
#[path = "net/harness.rs"]
mod harness;
#[path = "read/letters.rs"]
mod letters;
#[path = "read/oracle.rs"]
mod oracle;
#[path = "read/rights.rs"]
mod rights;
#[path = "read/show.rs"]
mod show;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "golden/oracle.rs"]
mod wireshark;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    harness::keep_panics();
    let entered = Ok(());
    let tests = [
        show::TESTS,
        letters::TESTS,
        oracle::TESTS,
        columns::TESTS,
        figures::TESTS,
        follow::TESTS,
        fragments::TESTS,
        rights::TESTS,
    ]
    .concat();
    let trials = tests.iter().map(|test| test.trial(&entered));
    let trials: Vec<Trial> = trials.collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    harness::banner(&entered);
    conclusion.exit_code()
}
