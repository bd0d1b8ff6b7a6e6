//! The examples run, on the loopback of a host of ours, and say what they promise.

use std::path::Path;

use rawsock::lab::Host;

use crate::harness::Outcome;
use crate::program::{RAWSOCK, run};

crate::tests![a_header_by_hand_is_answered, pnets_channel_is_answered];

/// Where cargo puts examples: beside the binaries. `cargo test` builds them.
fn example(name: &str) -> String {
    let beside = Path::new(RAWSOCK).with_file_name("examples");
    beside.join(name).display().to_string()
}

fn a_header_by_hand_is_answered() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, &example("hdrincl_ping"), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("127.0.0.1"), "{run}");
    Ok(())
}

fn pnets_channel_is_answered() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(&host, &example("pnet_transport"), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("127.0.0.1"), "{run}");
    Ok(())
}
