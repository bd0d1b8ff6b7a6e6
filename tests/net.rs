//! Tests on a real network: raw sockets and veth hosts in namespaces of our own, as any user.
//!
//! `main` leaves the machine's network before any thread exists, hence no libtest. If the kernel
//! refuses, every test is reported as ignored under a SKIPPED banner; with
//! `RAWSOCK_REQUIRE_NETNS=1` that is a failure.
#![expect(clippy::print_stderr, reason = "a test's report")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[path = "net/end.rs"]
mod end;
#[path = "net/faulty.rs"]
mod faulty;
#[path = "net/frames.rs"]
mod frames;
#[path = "net/harness.rs"]
mod harness;
#[path = "net/lab.rs"]
mod lab;
#[path = "net/leaves.rs"]
mod leaves;
#[path = "net/link.rs"]
mod link;
#[path = "net/oracle.rs"]
mod oracle;
#[path = "net/program.rs"]
mod program;
#[path = "net/refused.rs"]
mod refused;
#[path = "net/responder.rs"]
mod responder;
#[path = "net/route.rs"]
mod route;
#[path = "net/tap.rs"]
mod tap;
#[path = "net/text.rs"]
mod text;
#[path = "net/tshark.rs"]
mod tshark;
#[path = "net/wire.rs"]
mod wire;

fn main() -> ExitCode {
    if let Some(code) = lab::held_child(env::args().skip(1)) {
        return code;
    }
    let arguments = Arguments::from_args();
    harness::keep_panics();
    let entered = harness::enter(&arguments);
    let tests = [
        faulty::TESTS,
        lab::TESTS,
        leaves::TESTS,
        oracle::TESTS,
        refused::TESTS,
        route::TESTS,
        text::TESTS,
        wire::TESTS,
    ]
    .concat();
    let trials = tests.iter().map(|test| test.trial(&entered));
    let trials: Vec<Trial> = trials.collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    harness::banner(&entered);
    conclusion.exit_code()
}
