//! What a new user and a reviewer stumbled on, so that it stays mended: one case each.

use libtest_mimic::Failed;
use rawsock::lab::{Lab, Route};

use crate::harness::Outcome;
use crate::program::{RAWSOCK, Run, ping, ping_json, run};

crate::tests![
    bypass_routing_needs_an_attached_target,
    a_script_ends_its_background_job: "bash",
    an_ending_signal_ends_a_run_that_nobody_reads: "bash",
    headers_are_never_left_out_without_a_word: "setpriv",
    a_large_packet_needs_no_raw_socket: "setpriv",
    a_spoofed_source_stays_on_attached_networks,
    a_wrong_version_is_still_an_ipv4_header,
    zero_is_no_deadline_for_a_flood,
];

fn bash(lab: &Lab, script: &str) -> Result<Run, Failed> {
    run(
        lab.h1(),
        "bash",
        &["-c", &script.replace("RAWSOCK", RAWSOCK)],
    )
}

fn bypass_routing_needs_an_attached_target() -> Outcome {
    let lab = Lab::pair()?;
    let far = "192.0.2.1";
    lab.h1()
        .netlink()
        .set_route(&Route::default_via(Lab::v4(2).into()))?;
    lab.h2().netlink().add_address("lo", far.parse()?, 32)?;
    let routed = ping_json(lab.h1(), &["-c1", "-W1", far])?;
    assert_eq!(routed.summary()?["received"], 1, "{routed}");
    let straight = ping_json(lab.h1(), &["-c1", "-W0.5", "-r", far])?;
    let summary = straight.summary()?;
    assert_eq!(
        (&summary["received"], &summary["not_sent"]),
        (&0.into(), &1.into()),
        "{straight}"
    );
    let near = ping_json(lab.h1(), &["-c1", "-W1", "-r", "10.5.0.2"])?;
    assert_eq!(near.summary()?["received"], 1, "{near}");
    Ok(())
}

/// bash starts background jobs of a script with SIGINT and SIGQUIT ignored.
fn a_script_ends_its_background_job() -> Outcome {
    let lab = Lab::pair()?;
    let script = "coproc RAWSOCK ping -i0.05 10.5.0.2; \
        read -r -u ${COPROC[0]} a; read -r -u ${COPROC[0]} b; \
        kill -INT $COPROC_PID; cat <&${COPROC[0]}; wait $COPROC_PID";
    let ended = bash(&lab, script)?;
    assert!(ended.stdout.contains("ping statistics ---"), "{ended}");
    Ok(())
}

/// The reader sleeps and the pipe fills, which must not make the process deaf. (The half second only
/// lets it fill: the outcome is the same before.)
fn an_ending_signal_ends_a_run_that_nobody_reads() -> Outcome {
    let lab = Lab::pair()?;
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let script = format!(
            "RAWSOCK ping -i0 -c 100000 --json 10.5.0.2 > >(exec sleep 4 >/dev/null 2>&1) & \
             sleep 0.5; kill -{signal} $!; wait $!"
        );
        let ended = bash(&lab, &script)?;
        assert_eq!(ended.code(), Some(code), "{ended}");
    }
    Ok(())
}

/// A user whose group may open ping sockets, and nothing else.
fn as_user(lab: &Lab, args: &[&str]) -> Result<Run, Failed> {
    lab.h1().set_sysctl("net/ipv4/ping_group_range", "0 0")?;
    let drop = ["--bounding-set=-all", "--inh-caps=-all", RAWSOCK, "ping"];
    run(lab.h1(), "setpriv", &[&drop[..], args].concat())
}

fn headers_are_never_left_out_without_a_word() -> Outcome {
    let lab = Lab::pair()?;
    let told = as_user(&lab, &["-c1", "-W1", "--show-headers", "10.5.0.2"])?;
    assert_eq!(told.code(), Some(2), "{told}");
    assert!(told.stderr.contains("CAP_NET_RAW"), "{told}");
    Ok(())
}

fn a_large_packet_needs_no_raw_socket() -> Outcome {
    let lab = Lab::pair()?;
    let large = as_user(&lab, &["-c1", "-W1", "--json", "-s", "3000", "10.5.0.2"])?;
    assert_eq!(large.summary()?["received"], 1, "{large}");
    assert_eq!(large.of_type("start")?[0]["socket"], "dgram", "{large}");
    Ok(())
}

fn a_spoofed_source_stays_on_attached_networks() -> Outcome {
    let lab = Lab::pair()?;
    // A default route without a gateway, as on tun and ppp, attaches nobody.
    let mut everywhere = Route::default_via(Lab::v4(2).into());
    everywhere.via = None;
    everywhere.link = Some("eth0");
    lab.h1().netlink().set_route(&everywhere)?;
    for (args, fix) in [
        (
            ["--source", "192.0.2.9", "--spoof", "198.51.100.1"],
            "--yes",
        ),
        (["--source", "127.0.0.9", "-c1", "10.5.0.2"], "--spoof"),
    ] {
        let refused = ping(lab.h1(), &args)?;
        assert_eq!(refused.code(), Some(2), "{refused}");
        assert!(refused.stderr.contains(fix), "{refused}");
    }
    Ok(())
}

fn a_wrong_version_is_still_an_ipv4_header() -> Outcome {
    let lab = Lab::pair()?;
    let args = [
        "-c1",
        "-W0.2",
        "--ip-version",
        "6",
        "--show-headers",
        "10.5.0.2",
    ];
    let table = ping(lab.h1(), &args)?;
    assert!(
        table.stdout.contains("the IPv4 header of probe 1"),
        "{table}"
    );
    assert!(table.stdout.contains("Header checksum"), "{table}");
    Ok(())
}

fn zero_is_no_deadline_for_a_flood() -> Outcome {
    let lab = Lab::pair()?;
    let run = ping_json(lab.h1(), &["-f", "-w0", "-q", "--until", "50", "10.5.0.2"])?;
    let notes = run.of_type("note")?;
    let told = |note: &serde_json::Value| note.to_string().contains("ends after 10 s");
    assert!(notes.iter().any(told), "{run}");
    Ok(())
}
