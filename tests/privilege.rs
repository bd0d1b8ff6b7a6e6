//! What is left after `privilege::drop`, seen from outside, for root and for other users.
//!
//! Dropping is for good, so every case runs in a child: this program again, with one thread, told
//! by RAWSOCK_TEST_ROLE what to do. Hence no libtest, which would have threads.
#![expect(clippy::print_stdout, reason = "the child's side of the conversation")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "privilege/child.rs"]
mod child;
#[path = "privilege/counted.rs"]
mod counted;
#[path = "privilege/dropped.rs"]
mod dropped;
#[path = "privilege/matrix.rs"]
mod matrix;
#[path = "privilege/names.rs"]
mod names;
#[path = "privilege/parent.rs"]
mod parent;
#[path = "privilege/ping.rs"]
mod ping;

fn main() -> ExitCode {
    if let Some(code) = child::role() {
        return code;
    }
    let trials: Vec<Trial> = [
        counted::trials(),
        dropped::trials(),
        names::trials(),
        matrix::trials(),
        ping::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    parent::clean_up();
    conclusion.exit_code()
}
