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

#[path = "net/dns.rs"]
mod dns;
#[path = "net/echo.rs"]
mod echo;
#[path = "net/echo_examples.rs"]
mod echo_examples;
#[path = "net/echo_peers.rs"]
mod echo_peers;
#[path = "net/end.rs"]
mod end;
#[path = "net/etc.rs"]
mod etc;
#[path = "net/examples.rs"]
mod examples;
#[path = "net/expect.rs"]
mod expect;
#[path = "net/faulty.rs"]
mod faulty;
#[path = "net/frames.rs"]
mod frames;
#[path = "net/harness.rs"]
mod harness;
#[path = "net/lab.rs"]
mod lab;
#[path = "net/lab_cli.rs"]
mod lab_cli;
#[path = "net/leaves.rs"]
mod leaves;
#[path = "net/link.rs"]
mod link;
#[path = "net/oracle.rs"]
mod oracle;
#[path = "net/ping_answers.rs"]
mod ping_answers;
#[path = "net/ping_changes.rs"]
mod ping_changes;
#[path = "net/ping_dgram.rs"]
mod ping_dgram;
#[path = "net/ping_errors.rs"]
mod ping_errors;
#[path = "net/ping_fields.rs"]
mod ping_fields;
#[path = "net/ping_mended.rs"]
mod ping_mended;
#[path = "net/ping_names.rs"]
mod ping_names;
#[path = "net/ping_paths.rs"]
mod ping_paths;
#[path = "net/ping_peers.rs"]
mod ping_peers;
#[path = "net/ping_process.rs"]
mod ping_process;
#[path = "net/ping_send.rs"]
mod ping_send;
#[path = "net/program.rs"]
mod program;
#[path = "net/refused.rs"]
mod refused;
#[path = "net/responder.rs"]
mod responder;
#[path = "net/route.rs"]
mod route;
#[path = "net/sniff/mod.rs"]
mod sniff;
#[path = "net/tap.rs"]
mod tap;
#[path = "net/text.rs"]
mod text;
#[path = "net/topology.rs"]
mod topology;
#[path = "net/tshark.rs"]
mod tshark;
#[path = "net/wire.rs"]
mod wire;

/// Takes back a SIGHUP that whoever started us ignores (`nohup cargo test`): the programs under test
/// would inherit that, and honour it.
#[expect(
    unsafe_code,
    reason = "there is no safe call that changes a disposition"
)]
fn hear_hangups() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: the default action runs no code of ours, and no other thread exists yet.
    let set = unsafe { signal(Signal::SIGHUP, SigHandler::SigDfl) };
    set.expect("SIGHUP may have its default action");
}

fn main() -> ExitCode {
    hear_hangups();
    if let Some(code) = lab::held_child(env::args().skip(1)) {
        return code;
    }
    let arguments = Arguments::from_args();
    harness::keep_panics();
    let entered = harness::enter(&arguments);
    let tests = [
        echo::TESTS,
        echo_examples::TESTS,
        echo_peers::TESTS,
        examples::TESTS,
        faulty::TESTS,
        lab::TESTS,
        lab_cli::TESTS,
        leaves::TESTS,
        oracle::TESTS,
        ping_answers::TESTS,
        ping_changes::TESTS,
        ping_dgram::TESTS,
        ping_errors::TESTS,
        ping_fields::TESTS,
        ping_mended::TESTS,
        ping_names::TESTS,
        ping_paths::TESTS,
        ping_peers::TESTS,
        ping_process::TESTS,
        ping_send::TESTS,
        refused::TESTS,
        route::TESTS,
        sniff::counts::TESTS,
        sniff::disks::TESTS,
        sniff::links::TESTS,
        sniff::raw::TESTS,
        sniff::rights::TESTS,
        sniff::series::TESTS,
        sniff::shows::TESTS,
        sniff::streams::TESTS,
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
