//! Every row of the tutorial that the project starts from: its command, and the test that proves it.
//! Programs run in networks of their own, against the kernel and against Python.
//!
//! A row that waits for a command says for which; a row that is missing, or whose test is not
//! there, fails.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]
#![expect(clippy::print_stderr, reason = "a test's report")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "tutorial/call.rs"]
mod call;
#[path = "tutorial/compared.rs"]
mod compared;
#[path = "net/harness.rs"]
mod harness;
#[path = "tutorial/lines.rs"]
mod lines;
#[path = "tutorial/peers.rs"]
mod peers;
#[expect(dead_code, reason = "shared with tests/net.rs, which uses all of it")]
#[path = "net/program.rs"]
mod program;
#[path = "tutorial/rows.rs"]
mod rows;
#[path = "tutorial/scripts.rs"]
mod scripts;
#[path = "tutorial/wire.rs"]
mod wire;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    harness::keep_panics();
    let entered = harness::enter(&arguments);
    let tests = [
        call::TESTS,
        compared::TESTS,
        peers::TESTS,
        scripts::TESTS,
        wire::TESTS,
    ]
    .concat();
    let trials = tests.iter().map(|test| test.trial(&entered));
    let mut trials: Vec<Trial> = trials.collect();
    trials.extend(rows::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    harness::banner(&entered);
    conclusion.exit_code()
}
