//! The scripts of examples/call run, each in a network of its own, and everything in them comes as it
//! is expected there.

use std::path::Path;

use rawsock::lab::Host;

use crate::harness::Outcome;
use crate::program::{RAWSOCK, must, run};

crate::tests![
    backlog,
    closing,
    families,
    raw_sockets,
    sticky_packets,
    tcp_server_client,
    timeouts,
    twenty_methods,
    udp_loss,
    udp_server_client,
    what_is_a_socket,
    wrong_protocol,
    two_hosts,
    every_script_is_run,
    the_example_of_all_methods_says_each_in_order,
];

/// A script of examples/call.
pub fn path(name: &str) -> String {
    format!("{}/examples/call/{name}.call", env!("CARGO_MANIFEST_DIR"))
}

fn script(name: &str) -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, RAWSOCK, &["call", &path(name)])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert_eq!(run.stderr, "", "{run}");
    Ok(())
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(fn $name() -> Outcome {
            script(stringify!($name))
        })*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scripts! {
    backlog closing families raw_sockets sticky_packets tcp_server_client timeouts twenty_methods
    udp_loss udp_server_client what_is_a_socket wrong_protocol
}

/// The one that needs a wire.
fn two_hosts() -> Outcome {
    let host = Host::new("h1")?;
    let args = ["call", "--lab", "--delay", "10ms", &path("two_hosts")];
    let run = run(&host, RAWSOCK, &args)?;
    assert_eq!(run.code(), Some(0), "{run}");
    let lost: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains("h1 --X"))
        .collect();
    assert_eq!(lost.len(), 2, "{run}");
    assert!(lost[0].contains(" [S]") && lost[1].contains("UDP"), "{run}");
    // The second SYN of the same connect arrives, 10 ms later at the least.
    assert!(run.stdout.contains("h1 --> h2 (1"), "{run}");
    Ok(())
}

fn every_script_is_run() -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/call");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let run = NAMES.contains(&name.as_str()) || name == "two_hosts";
        assert!(run, "{name} is run by no test");
    }
    Ok(())
}

/// The twenty, in the tutorial's order.
const METHODS: [&str; 20] = [
    "bind",
    "listen",
    "accept",
    "connect",
    "connect_ex",
    "recv",
    "send",
    "sendall",
    "recvfrom",
    "sendto",
    "close",
    "getpeername",
    "getsockname",
    "settimeout",
    "gettimeout",
    "fileno",
    "setblocking",
    "makefile",
    "setsockopt",
    "getsockopt",
];

fn the_example_of_all_methods_says_each_in_order() -> Outcome {
    let host = Host::new("h1")?;
    let beside = Path::new(RAWSOCK).with_file_name("examples");
    let example = beside.join("socket_methods").display().to_string();
    let run = must(&host, &example, &[])?;
    let mut lines = run.stdout.lines();
    for method in METHODS {
        let called = format!(" {method}(");
        assert!(lines.any(|line| line.contains(&called)), "{method}: {run}");
    }
    let source = include_str!("../../examples/socket_methods.rs");
    assert!(source.lines().count() < 80);
    Ok(())
}
