//! `rawsock ping` over the unprivileged ICMP socket: what it can, what it says it cannot.

use std::process::Command;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::{Isolation, Lab};

use crate::expect::{counts, sane};
use crate::harness::{Outcome, isolation};
use crate::program::{RAWSOCK, ping, ping_json, run, start_json};
use crate::responder::{Fault, Mode, Quote, Responder};
use crate::tap::Tap;

crate::tests![
    dgram_pings_both_families,
    dgram_needs_the_group_range,
    dgram_sees_errors,
    dgram_chooses_its_id,
    dgram_with_a_scope,
    an_id_bound_twice_is_refused,
    header_fields_are_refused_by_name,
    a_user_with_the_group_range: "setpriv" "root",
    a_user_without_any_right: "setpriv" "root",
    a_user_is_held_to_the_limits: "setpriv" "root",
    a_file_capability_is_dropped: "setpriv" "setcap" "root",
];

const BOTH: [&str; 2] = ["10.5.0.2", "fd00:5::2"];

fn lab() -> Result<Lab, Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    // In a namespace with one mapped gid only that one can be named (KERNEL_FACTS, lab mechanics).
    let range = match isolation() {
        Some(Isolation::Net) => "0 2147483647",
        _ => "0 0",
    };
    lab.h1().set_sysctl("net/ipv4/ping_group_range", range)?;
    Ok(lab)
}

const DGRAM: [&str; 5] = ["-c3", "-i0.02", "-W1", "--socket", "dgram"];

fn dgram_pings_both_families() -> Outcome {
    let lab = lab()?;
    for target in BOTH {
        let run = ping_json(lab.h1(), &[&DGRAM[..], &[target]].concat())?;
        counts(&run, &[("sent", 3), ("received", 3), ("lost", 0)])?;
        assert_eq!(run.of_type("start")?[0]["socket"], "dgram", "{run}");
        let reply = &run.of_type("reply")?[0];
        assert_eq!(reply["ttl"], 64, "{run}");
        assert_eq!(reply["bytes"], 64, "{run}");
        // The kernel switches receive stamps on in the background: the first may have none.
        assert_eq!(run.of_type("reply")?[2]["stamp"], "kernel", "{run}");
    }
    Ok(())
}

fn dgram_needs_the_group_range() -> Outcome {
    let lab = Lab::pair()?;
    // With the default of a new namespace even root has no ping socket.
    for target in BOTH {
        let run = ping(lab.h1(), &[&DGRAM[..], &[target]].concat())?;
        assert_eq!(run.code(), Some(2), "{run}");
        // One sysctl of IPv4 gates both families.
        assert!(run.stderr.contains("net.ipv4.ping_group_range"), "{run}");
    }
    Ok(())
}

fn dgram_sees_errors() -> Outcome {
    let lab = lab()?;
    for (target, icmp_type, router) in [
        ("10.5.0.2", 11, "10.5.0.254"),
        ("fd00:5::2", 3, "fd00:5::fe"),
    ] {
        let mode = Mode::Error(Fault {
            icmp_type,
            code: 0,
            rest: [0; 4],
            quote: Quote::Whole,
            from: Some(router.parse()?),
        });
        let _responder = Responder::start(lab.h2(), [(2, mode)])?;
        let run = ping_json(lab.h1(), &[&DGRAM[..], &[target]].concat())?;
        counts(&run, &[("received", 2), ("lost", 1), ("errors", 1)])?;
        let error = &run.of_type("error")?[0];
        assert_eq!(error["seq"], 2, "{run}");
        assert_eq!(error["from"], router, "{run}");
    }
    Ok(())
}

fn dgram_chooses_its_id() -> Outcome {
    let lab = lab()?;
    let tap = Tap::start(lab.h2(), "eth0")?;
    for target in BOTH {
        let run = ping_json(lab.h1(), &[&DGRAM[..], &["-e", "4660", target]].concat())?;
        counts(&run, &[("received", 3)])?;
    }
    let requests = tap.wait_requests(6)?;
    assert!(requests.iter().all(|request| request.id() == 4660));
    Ok(())
}

fn dgram_with_a_scope() -> Outcome {
    let lab = lab()?;
    let target = format!("{}%eth0", Lab::link_local(2));
    let run = ping_json(lab.h1(), &[&DGRAM[..], &[&target]].concat())?;
    counts(&run, &[("received", 3)])?;
    Ok(())
}

/// The kernel lets two sockets bind one id, and then one of them gets all answers.
fn an_id_bound_twice_is_refused() -> Outcome {
    let lab = lab()?;
    let args = [
        "-e", "777", "-i0.02", "-W2", "--socket", "dgram", "10.5.0.2",
    ];
    let one = start_json(lab.h1(), &args)?;
    one.wait_events("reply", 1)?;
    let two = ping(lab.h1(), &[&["-c10"], &args[..]].concat())?;
    assert_eq!(two.code(), Some(2), "{two}");
    assert!(two.stderr.contains("777"), "{two}");
    let replies = one.count("reply");
    one.wait_events("reply", replies + 2)?;
    one.signal(Signal::SIGINT)?;
    let one = one.finish()?;
    let summary = counts(&one, &[("lost", 0)])?;
    assert!(summary["received"].as_u64() > Some(2), "{one}");
    Ok(())
}

fn header_fields_are_refused_by_name() -> Outcome {
    let lab = lab()?;
    for option in [
        "--ip-id=7",
        "--df",
        "--mf",
        "--frag-offset=1",
        "--source=10.5.0.1",
    ] {
        let run = ping(lab.h1(), &[&DGRAM[..], &[option, "10.5.0.2"]].concat())?;
        assert_eq!(run.code(), Some(2), "{option}: {run}");
        let name = option.split('=').next().unwrap_or(option);
        assert!(run.stderr.contains(name), "{option}: {run}");
    }
    Ok(())
}

/// A copy that every user may execute, in a folder of its own.
struct Copy(std::path::PathBuf);

impl Copy {
    fn new(name: &str) -> Result<Self, Failed> {
        use std::os::unix::fs::PermissionsExt;
        let folder = format!("rawsock-copy-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        let copy = Self(folder);
        // By a program: a descriptor of ours that is open for writing might live on in a child of
        // another test until its exec, and then this copy could not be run (ETXTBSY).
        let copied = Command::new("cp")
            .arg(RAWSOCK)
            .arg(copy.program())
            .status()?;
        assert!(copied.success());
        std::fs::set_permissions(copy.program(), std::fs::Permissions::from_mode(0o755))?;
        Ok(copy)
    }

    fn program(&self) -> std::path::PathBuf {
        self.0.join("rawsock")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

fn as_nobody(lab: &Lab, copy: &Copy, args: &[&str]) -> Result<crate::program::Run, Failed> {
    let program = copy.program();
    let program = program.to_str().ok_or("no UTF-8 path")?;
    run(
        lab.h1(),
        "setpriv",
        &[&NOBODY[..], &[program, "ping"], args].concat(),
    )
}

fn a_user_with_the_group_range() -> Outcome {
    let (lab, copy) = (lab()?, Copy::new("dgram")?);
    for target in BOTH {
        let run = as_nobody(&lab, &copy, &["--json", "-c3", "-i0.02", "-W1", target])?;
        counts(&run, &[("received", 3)])?;
        assert_eq!(run.of_type("start")?[0]["socket"], "dgram", "{run}");
    }
    Ok(())
}

fn a_user_without_any_right() -> Outcome {
    let (lab, copy) = (lab()?, Copy::new("none")?);
    lab.h1().set_sysctl("net/ipv4/ping_group_range", "1 0")?;
    let run = as_nobody(&lab, &copy, &["-c1", "10.5.0.2"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    // Outside containers `setcap cap_net_raw+ep`, inside `--cap-add NET_RAW`.
    for remedy in ["hint:", "net_raw", "ping_group_range"] {
        assert!(
            run.stderr.to_lowercase().contains(remedy),
            "no {remedy}: {run}"
        );
    }
    Ok(())
}

fn a_user_is_held_to_the_limits() -> Outcome {
    let (lab, copy) = (lab()?, Copy::new("limits")?);
    for (args, word) in [
        (&["-i0.001", "-c1", "10.5.0.2"][..], "2 ms"),
        (&["-f", "-c1", "10.5.0.2"], "2 ms"),
        (&["-l4", "-c1", "10.5.0.2"], "-l 3"),
        (&["-c1", "10.5.0.255"], "-b"),
    ] {
        let run = as_nobody(&lab, &copy, args)?;
        assert_eq!(run.code(), Some(2), "{args:?}: {run}");
        assert!(run.stderr.contains(word), "{args:?}: {run}");
    }
    Ok(())
}

fn a_file_capability_is_dropped() -> Outcome {
    let (lab, copy) = (lab()?, Copy::new("setcap")?);
    lab.h1().set_sysctl("net/ipv4/ping_group_range", "1 0")?;
    let program = copy.program();
    let program = program.to_str().ok_or("no UTF-8 path")?;
    crate::program::must(lab.h1(), "setcap", &["cap_net_raw+ep", program])?;
    let args = [
        &NOBODY[..],
        &[program, "ping", "--json", "-i0.05", "-W1", "10.5.0.2"],
    ]
    .concat();
    let running = crate::program::start(lab.h1(), "setpriv", &args)?;
    running.wait_events("reply", 1)?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let line = status.lines().find(|line| line.starts_with(set));
        // Without CAP_SETPCAP the bounding set cannot be emptied, and no_new_privs makes it moot.
        let good = set == "CapBnd" || line.is_some_and(|line| line.ends_with("0000000000000000"));
        assert!(good, "{line:?}");
    }
    running.signal(Signal::SIGINT)?;
    let run = running.finish()?;
    sane(&run)?;
    assert_eq!(run.of_type("start")?[0]["socket"], "hdrincl", "{run}");
    Ok(())
}
