//! The tests' own tools against iputils ping and tshark: a responder that errs must err as meant.

use rawsock::lab::Lab;

use crate::harness::Outcome;
use crate::program::{must, run};
use crate::responder::{Fault, Mode, Quote, Responder};
use crate::tap::Tap;

crate::tests![
    ping_likes_the_normal_answer: "ping",
    ping_sees_each_misbehaviour: "ping",
    tshark_agrees_on_what_is_wrong: "ping" "tshark",
];

fn ping_likes_the_normal_answer() -> Outcome {
    let lab = Lab::pair()?;
    let _responder = Responder::start(lab.h2(), Mode::Normal)?;
    for target in ["10.5.0.2", "fd00:5::2"] {
        let args = ["-c3", "-i0.01", "-W1", target];
        let run = must(lab.h1(), "ping", &args)?;
        assert!(run.stdout.contains("3 received, 0% packet loss"), "{run}");
    }
    Ok(())
}

fn ping_sees_each_misbehaviour() -> Outcome {
    let lab = Lab::pair()?;
    let other = "10.5.0.7".parse()?;
    let gateway = [10, 5, 0, 9];
    for (mode, text) in [
        (Mode::Times(2), "(DUP!)"),
        (Mode::From(other), "(DIFFERENT ADDRESS!)"),
        (Mode::Truncated(8), "(truncated)"),
        (
            Mode::Flip(30),
            "wrong data byte #30 should be 0x1e but was 0xe1",
        ),
        (Mode::error(3, 13, [0; 4]), "Packet filtered"),
        (
            Mode::error(3, 4, [0, 0, 5, 20]),
            "Frag needed and DF set (mtu = 1300)",
        ),
        (Mode::error(4, 0, [0; 4]), "Source Quench"),
        (
            Mode::error(5, 1, gateway),
            "Redirect Host(New nexthop: 10.5.0.9)",
        ),
        (Mode::error(12, 0, [0; 4]), "Parameter problem: pointer = 0"),
    ] {
        let _responder = Responder::start(lab.h2(), mode.clone())?;
        let run = run(lab.h1(), "ping", &["-c2", "-i0.01", "-W0.2", "10.5.0.2"])?;
        let output = format!("{}{}", run.stdout, run.stderr);
        assert!(output.contains(text), "{mode:?}: {run}");
    }
    Ok(())
}

fn tshark_agrees_on_what_is_wrong() -> Outcome {
    let lab = Lab::pair()?;
    let mpls = Mode::Error(Fault {
        icmp_type: 11,
        code: 0,
        rest: [0; 4],
        quote: Quote::Mpls,
        from: Some("10.5.0.254".parse()?),
    });
    let tap = Tap::start(lab.h1(), "eth0")?;
    let responder = Responder::start(lab.h2(), [(1, mpls), (2, Mode::BadChecksum)])?;
    let _ = run(lab.h1(), "ping", &["-c3", "-i0.01", "-W0.1", "10.5.0.2"])?;
    let icmp = |kind| move |frame: &[u8]| frame.get(23) == Some(&1) && frame.get(34) == Some(&kind);
    let error = tap.wait_frame(icmp(11))?;
    let bad = tap.wait_frame(icmp(0))?;
    let good = tap.wait_frame(|frame| icmp(0)(frame) && *frame != bad)?;
    drop(responder);
    let fields = crate::tshark::fields(
        &[error, bad, good],
        &[
            "ip.src",
            "icmp.checksum.status",
            "icmp.ext.checksum.status",
            "icmp.mpls.label",
            "icmp.mpls.ttl",
        ],
    )?;
    // Status 0 is bad, 1 good, 2 not checked (the quoted message).
    let error = ["10.5.0.254,10.5.0.1", "1,2", "1", "16004", "1"];
    let bad = ["10.5.0.2", "0", "", "", ""];
    let good = ["10.5.0.2", "1", "", "", ""];
    assert_eq!(fields, [error, bad, good]);
    Ok(())
}
