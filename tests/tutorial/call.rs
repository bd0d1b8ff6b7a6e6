//! `rawsock call` itself: what is shown, what is refused, exit codes, sides, bounds, signals.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use rawsock::lab::Host;

use crate::harness::Outcome;
use crate::lines::{good, lines};
use crate::program::{RAWSOCK, run, start};

crate::tests![
    the_first_socket_is_descriptor_3_and_the_kernels_choice_is_shown,
    everything_is_a_file,
    both_ends_make_the_four_numbers,
    a_mismatch_says_what_came_and_where_and_exits_1,
    keep_going_counts_every_mismatch,
    a_mistake_is_found_before_anything_is_called,
    drop_next_needs_a_lab,
    a_lab_has_its_hosts_and_no_others,
    a_waiting_call_is_bounded_and_says_so,
    a_blocked_side_does_not_hold_the_other_up,
    names_of_one_side_are_not_sockets_of_the_other,
    statements_come_from_a_pipe,
    ctrl_c_ends_what_waits,
    binds_that_fail_are_named,
    unix_kinds_do_not_mix_and_stale_files_refuse,
    it_keeps_net_raw_and_nothing_else,
    hostile_bytes_are_only_text,
    a_thousand_sockets_are_too_many,
];

fn the_first_socket_is_descriptor_3_and_the_kernels_choice_is_shown() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(&host, "s = socket inet stream => _")?;
    let statement = lines.of("s = socket inet stream");
    assert_eq!(statement["value"], "fd 3");
    assert_eq!(statement["calls"][0]["args"], "AF_INET, SOCK_STREAM, 0");
    assert_eq!(
        statement["lines"][0],
        "the kernel chose: domain 2 AF_INET, type 1 SOCK_STREAM, protocol 6 IPPROTO_TCP"
    );
    Ok(())
}

fn everything_is_a_file() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "s = socket ; s.bind :9000 ; s.listen ; s.fileno => 3 ; s.ls",
    )?;
    let told = &lines.of("s.ls")["lines"];
    let link = told[0].as_str().unwrap();
    let inode = link.strip_prefix("/proc/self/fd/3 -> socket:[").unwrap();
    let inode = inode.strip_suffix(']').unwrap();
    let row = told[1].as_str().unwrap();
    assert!(row.starts_with("/proc/net/tcp: "), "{row}");
    assert!(
        row.contains("0100007F:2328") && row.contains(inode),
        "{row}"
    );
    Ok(())
}

fn both_ends_make_the_four_numbers() -> Outcome {
    let host = Host::new("h1")?;
    let script = "s = socket ; s.bind :9000 ; s.listen ; c = socket ; c.connect :9000
        d, who = s.accept ; c.name => who ; d.peer => who ; c.peer => 127.0.0.1:9000";
    good(&host, script)?;
    Ok(())
}

fn a_mismatch_says_what_came_and_where_and_exits_1() -> Outcome {
    let host = Host::new("h1")?;
    let folder = tempfolder("mismatch")?;
    let file = folder.join("x.call");
    fs::write(
        &file,
        "# a comment\ns = socket\ns.connect :9 => 0\ns.close\n",
    )?;
    let file = file.display().to_string();
    let run = run(&host, RAWSOCK, &["call", &file])?;
    assert_eq!(run.code(), Some(1), "{run}");
    let told = format!("rawsock: {file}:3: s.connect :9: expected 0, came ECONNREFUSED (111)\n");
    assert_eq!(run.stderr, told, "{run}");
    // It stops there.
    assert!(!run.stdout.contains("close("), "{run}");
    Ok(())
}

fn keep_going_counts_every_mismatch() -> Outcome {
    let host = Host::new("h1")?;
    let script = "s = socket ; s.fileno => 99 ; s.peer => 0 ; s.name => 0.0.0.0:0";
    let run = run(&host, RAWSOCK, &["call", "-k", "--json", "-c", script])?;
    assert_eq!(run.code(), Some(1), "{run}");
    assert_eq!(run.summary()?["failed"], 2, "{run}");
    assert_eq!(run.summary()?["statements"], 4, "{run}");
    Ok(())
}

fn a_mistake_is_found_before_anything_is_called() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(
        &host,
        RAWSOCK,
        &["call", "-c", "s = socket", "-c", "s.conect :9"],
    )?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert_eq!(run.stdout, "", "{run}");
    let wanted = "rawsock: -c:2:3: `conect` is no verb\n  s.conect :9\n    ^^^^^^\n\n\
        hint: did you mean `connect`? `help` lists the verbs\n";
    assert_eq!(run.stderr, wanted, "{run}");
    Ok(())
}

fn drop_next_needs_a_lab() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(
        &host,
        RAWSOCK,
        &["call", "-c", "s = socket ; drop next tcp.flags.syn"],
    )?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(
        run.stderr
            .contains("-c:1:24: `drop next` needs the wire of a lab"),
        "{run}"
    );
    Ok(())
}

fn a_lab_has_its_hosts_and_no_others() -> Outcome {
    let host = Host::new("h1")?;
    for (script, at, words) in [
        ("@h3 s = socket", "-c:1:5: ", "no host h3"),
        ("drop next tcp.nonsense", "-c:1:11: ", "tcp.nonsense"),
    ] {
        let run = run(&host, RAWSOCK, &["call", "--lab", "-c", script])?;
        assert_eq!(run.code(), Some(2), "{run}");
        assert!(
            run.stderr.contains(at) && run.stderr.contains(words),
            "{run}"
        );
    }
    // Outside there is nothing to delay.
    let run = run(&host, RAWSOCK, &["call", "--delay", "10ms", "-c", "socket"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    Ok(())
}

fn a_waiting_call_is_bounded_and_says_so() -> Outcome {
    let host = Host::new("h1")?;
    let script = "u = socket udp ; u.bind :9000 ; u.recv => timeout in 0.2..2";
    let run = run(&host, RAWSOCK, &["call", "--limit", "200ms", "-c", script])?;
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(
        run.stdout
            .contains("our own limit of 0.2 s ended it (--limit"),
        "{run}"
    );
    Ok(())
}

fn a_blocked_side_does_not_hold_the_other_up() -> Outcome {
    let host = Host::new("h1")?;
    let script = "@b s = socket ; s.bind :9000 ; s.listen ; d = s.accept & => 127.0.0.1:*
        @a c = socket ; c.connect :9000 => 0 ; c.send 'there you are'
        @b d.recv => 'there you are' ; d.recv & => 'at last'
        @a sleep 0.1 ; c.send 'at last'
        @b wait";
    let lines = good(&host, script)?;
    let blocked: Vec<f64> = lines
        .statements
        .iter()
        .filter(|statement| statement["text"] == "d.recv")
        .filter_map(|statement| statement["blocked_s"].as_f64())
        .collect();
    assert!(
        blocked.last().is_some_and(|span| *span > 0.09),
        "{blocked:?}"
    );
    Ok(())
}

fn names_of_one_side_are_not_sockets_of_the_other() -> Outcome {
    let host = Host::new("h1")?;
    // Values cross: the port that the kernel chose.
    good(
        &host,
        "@b u = socket udp ; u.bind :0 ; at = u.name\n@a v = socket udp ; v.sendto at 'x' => 1",
    )?;
    let run = run(&host, RAWSOCK, &["call", "-c", "@b s = socket\n@a s.peer"])?;
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(
        run.stderr
            .contains("-c:2: @a s.peer: not done: `s` is no socket of side a"),
        "{run}"
    );
    Ok(())
}

fn statements_come_from_a_pipe() -> Outcome {
    let host = Host::new("h1")?;
    let mut command: Command = host.command(RAWSOCK)?;
    command.args(["call", "--trace", "calls"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"s = socket udp\ns.sendto :9 'x' => 1\ns.sendto :9 'y' => 2\nnever")?;
    drop(input);
    let output = child.wait_with_output()?;
    let stderr = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(
        stderr,
        "rawsock: stdin:3: s.sendto :9 'y': expected 2, came 1\n"
    );
    Ok(())
}

fn ctrl_c_ends_what_waits() -> Outcome {
    let host = Host::new("h1")?;
    let script = "u = socket udp ; u.bind :9000 ; u.recv ; u.close";
    for (signal, code) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let call = start(&host, RAWSOCK, &["call", "--limit", "20s", "-c", script])?;
        call.wait_stdout("the socket is bound", |text| text.contains("bind("))?;
        call.signal(signal)?;
        let run = call.finish()?;
        assert_eq!(run.code(), Some(code), "{run}");
        assert!(run.took < Duration::from_secs(10), "{run}");
        assert!(!run.stdout.contains("close("), "{run}");
    }
    Ok(())
}

fn binds_that_fail_are_named() -> Outcome {
    let host = Host::new("h1")?;
    let script = "s = socket ; s.bind :9000 ; t = socket ; t.bind :9000 => EADDRINUSE
        t.bind 192.0.2.1:9000 => EADDRNOTAVAIL ; t.bind :80 => EACCES ; t.bind ::1 => error|_";
    let lines = lines(&host, script)?;
    assert_eq!(lines.of("t.bind :9000")["errno"], 98);
    assert_eq!(lines.of("t.bind 192.0.2.1:9000")["errno"], 99);
    // It has given up the right to low ports, also as root.
    assert_eq!(lines.of("t.bind :80")["errno"], 13);
    assert!(lines.of("t.bind ::1")["refused"].as_str().is_some());
    Ok(())
}

fn unix_kinds_do_not_mix_and_stale_files_refuse() -> Outcome {
    let host = Host::new("h1")?;
    let folder = tempfolder("unix")?;
    let at = folder.display();
    let script = format!(
        "s = socket unix stream ; s.bind {at}/s ; s.listen
         d = socket unix dgram ; d.bind {at}/d
         q = socket unix seqpacket ; q.bind {at}/q ; q.listen
         x = socket unix stream ; x.connect {at}/d => EPROTOTYPE ; x.connect {at}/q => EPROTOTYPE
         y = socket unix dgram ; y.connect {at}/s => EPROTOTYPE ; y.connect {at}/q => EPROTOTYPE
         z = socket unix seqpacket ; z.connect {at}/s => EPROTOTYPE ; z.connect {at}/d => EPROTOTYPE
         z.connect {at}/q => 0
         s.close ; x.connect {at}/s => ECONNREFUSED ; x.connect {at}/none => ENOENT
         n = socket unix stream ; n.bind {at}/s => EADDRINUSE"
    );
    good(&host, &script)?;
    Ok(())
}

fn it_keeps_net_raw_and_nothing_else() -> Outcome {
    let host = Host::new("h1")?;
    let call = start(
        &host,
        RAWSOCK,
        &[
            "call",
            "--limit",
            "20s",
            "-c",
            "u = socket udp ; u.bind :9000 ; u.recv",
        ],
    )?;
    call.wait_stdout("the socket is bound", |text| text.contains("bind("))?;
    let status = fs::read_to_string(format!("/proc/{}/status", call.pid()))?;
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim().to_owned()
    };
    assert_eq!(field("CapEff:"), "0000000000002000", "CAP_NET_RAW alone");
    assert_eq!(field("CapPrm:"), "0000000000002000");
    assert_eq!(field("CapInh:"), "0000000000000000");
    assert_eq!(field("CapAmb:"), "0000000000000000");
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2");
    // The thread that makes the calls too.
    for task in fs::read_dir(format!("/proc/{}/task", call.pid()))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        assert!(
            status.contains("CapEff:\t0000000000002000") && status.contains("Seccomp:\t2"),
            "{status}"
        );
    }
    // The child that reads packets has nothing at all.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", call.pid()))?;
    let mut seen = 0;
    for child in children.split_ascii_whitespace() {
        let status = fs::read_to_string(format!("/proc/{child}/status"))?;
        assert!(
            status.contains("CapEff:\t0000000000000000") && status.contains("Seccomp:\t2"),
            "{status}"
        );
        seen += 1;
    }
    assert_eq!(seen, 1);
    call.signal(Signal::SIGINT)?;
    call.finish()?;
    Ok(())
}

fn hostile_bytes_are_only_text() -> Outcome {
    let host = Host::new("h1")?;
    let script = r"@b u = socket udp ; u.bind :9000
        @a v = socket udp ; v.bind :0 ; v.sendto :9000 '\x1b[2J\x1b]0;owned\x07\xff\u{202e}'
        @b d = u.recvfrom ; vars";
    for extra in [&["--json"][..], &[]] {
        let args = [&["call"], extra, &["-c", script]].concat();
        let run = run(&host, RAWSOCK, &args)?;
        assert_eq!(run.code(), Some(0), "{run}");
        let bad = |c: char| c == '\x1b' || c == '\x07' || c == '\u{202e}';
        assert!(
            !run.stdout.contains(bad) && !run.stderr.contains(bad),
            "{run}"
        );
    }
    Ok(())
}

fn a_thousand_sockets_are_too_many() -> Outcome {
    let host = Host::new("h1")?;
    let run = run(
        &host,
        RAWSOCK,
        &["call", "-q", "-c", "repeat 1000 socket udp"],
    )?;
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.contains("256 sockets"), "{run}");
    Ok(())
}

/// A folder of this test, empty.
fn tempfolder(name: &str) -> std::io::Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("rawsock-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    // The program may run as another user.
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    Ok(folder)
}
