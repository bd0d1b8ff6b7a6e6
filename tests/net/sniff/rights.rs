//! What rights it needs and gives up.

use std::fs;

use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};

use super::{Dir, sniff};
use crate::harness::Outcome;
use crate::program::RAWSOCK;

crate::tests![
    no_right_is_left,
    a_refused_socket_says_what_is_missing: "setpriv",
];

fn no_right_is_left() -> Outcome {
    let dir = Dir::new("rights")?;
    let lab = Lab::pair()?;
    for args in [&["--count"][..], &["-w", &dir.path("x.pcap")]] {
        let running = sniff(lab.h2(), &[args, &["-i", "eth0", "all"]].concat())?;
        let status = fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.map(|rest| rest.trim_start_matches(':').trim().to_owned())
        };
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(value(set).as_deref(), Some("0000000000000000"), "{set}");
        }
        assert_eq!(value("NoNewPrivs").as_deref(), Some("1"));
        assert_eq!(value("Seccomp").as_deref(), Some("2"));
        running.signal(Signal::SIGINT)?;
        assert_eq!(running.finish()?.code(), Some(0));
    }
    Ok(())
}

fn a_refused_socket_says_what_is_missing() -> Outcome {
    let host = Host::new("h")?;
    let args = [
        "--bounding-set",
        "-net_raw",
        "--inh-caps",
        "-net_raw",
        RAWSOCK,
        "sniff",
    ];
    let run = crate::program::run(&host, "setpriv", &args)?;
    assert_eq!(run.code(), Some(2), "{run}");
    let told = "rawsock: cannot capture on any: Operation not permitted (os error 1)\n\nhint: ";
    assert!(run.stderr.starts_with(told), "{run}");
    Ok(())
}
