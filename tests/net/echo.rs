//! `rawsock echo`: every kind of socket, what is cut, lost and refused, and a server that nothing
//! ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use rawsock::lab::{Host, Lab};
use socket2::{Domain, Socket, Type};

use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, Run, Running, run, start};

crate::tests![
    every_kind_answers,
    the_kernel_can_wait_for_the_client,
    a_cut_character_is_shown_by_its_bytes,
    empty_messages_are_packets_on_udp_only,
    a_small_buffer_cuts_a_datagram_and_not_a_stream,
    messages_stick_without_borders,
    six_fit_into_a_backlog_of_five,
    what_a_full_queue_loses_is_counted_exactly,
    tcp_and_udp_do_not_meet,
    unix_kinds_do_not_meet,
    a_protocol_without_a_listener_is_unreachable,
    a_thousand_connections_and_64_slow_ones_do_no_harm,
    a_client_that_leaves_ends_nothing,
    two_servers_do_not_answer_each_other_for_ever,
    a_trace_puts_packets_below_their_call,
    steps_are_the_tutorials,
    no_right_is_left_after_the_start,
    a_killed_server_leaves_no_file,
    options_are_read_back,
];

const LIMIT: Duration = Duration::from_secs(10);
const HERE: &str = "127.0.0.1:9000";

fn here() -> SocketAddr {
    HERE.parse().unwrap()
}

fn serve(host: &Host, words: &[&str]) -> Result<Running, Failed> {
    let server = start(host, RAWSOCK, &[&["echo", "server"], words].concat())?;
    let seen = || server.stderr().contains("ing on ").then_some(());
    wait_for(format!("{words:?}"), LIMIT, seen)?;
    Ok(server)
}

fn echo(host: &Host, words: &[&str]) -> Result<Run, Failed> {
    run(host, RAWSOCK, &[&["echo"], words].concat())
}

fn stop(server: Running) -> Result<Run, Failed> {
    server.signal(Signal::SIGINT)?;
    let run = server.finish()?;
    assert_eq!(run.code(), Some(0), "{run}");
    Ok(run)
}

fn every_kind_answers() -> Outcome {
    for (kind, family) in [
        ("tcp", "-4"),
        ("tcp", "-6"),
        ("udp", "-4"),
        ("udp", "-6"),
        ("raw", "-4"),
        ("raw", "-6"),
        ("icmp", "-4"),
        ("icmp", "-6"),
        ("unix-stream", "-4"),
        ("unix-dgram", "-4"),
        ("unix-seqpacket", "-4"),
    ] {
        let host = Host::new("h1")?;
        for more in [&[][..], &["--spin"], &["--connect"]] {
            if more == ["--connect"] && !matches!(kind, "udp" | "raw" | "unix-dgram") {
                continue;
            }
            let words = [
                &["both", kind, family, "--text", "-m", "hi", "-m", "hi"][..],
                more,
            ];
            let run = echo(&host, &words.concat())?;
            assert_eq!(run.stdout, "hi\nhi\n", "{kind} {family} {more:?}: {run}");
            assert_eq!(run.code(), Some(0), "{run}");
        }
    }
    let host = Host::new("h1")?;
    let words = [
        "both",
        "raw",
        "--hdrincl",
        "--ip-id",
        "0x1234",
        "--ttl",
        "9",
        "--trace",
    ];
    let run = echo(&host, &[&words[..], &["--json", "-m", "hi"]].concat())?;
    let header = |key: &str, value: u64| {
        let packets = run.of_type("packet")?;
        let fits = packets.iter().any(|p| {
            p["layers"]
                .to_string()
                .contains(&format!("\"{key}\":{value}"))
        });
        assert!(fits, "{key}: {run}");
        Ok::<(), Failed>(())
    };
    header("ip.id", 0x1234)?;
    header("ip.ttl", 9)
}

fn the_kernel_can_wait_for_the_client() -> Outcome {
    let host = Host::new("h1")?;
    let server = serve(&host, &["udp"])?;
    let words = ["client", "udp", "-m", "hi", "--kernel-timeout"];
    let run = echo(&host, &[&words[..], &["2s", "--trace=calls"]].concat())?;
    assert!(run.stdout.contains("setsockopt(SO_RCVTIMEO, 2.0)"), "{run}");
    assert_eq!(run.code(), Some(0), "{run}");
    stop(server)?;
    let run = echo(&host, &[&words[..], &["100ms"]].concat())?;
    assert!(run.stderr.contains("no answer within 1"), "{run}");
    assert_eq!(
        echo(&host, &["both", "udp", "--kernel-timeout", "1s"])?.code(),
        Some(2)
    );
    Ok(())
}

fn a_cut_character_is_shown_by_its_bytes() -> Outcome {
    let host = Host::new("h1")?;
    let run = echo(&host, &["both", "tcp", "-m", &"你".repeat(400)])?;
    // 1024 = 341 * 3 + 1.
    let first = run.stdout.lines().next().unwrap_or_default();
    assert!(first.starts_with("server: 1024 bytes from"), "{run}");
    assert!(first.ends_with("你\\xe4"), "{run}");
    assert!(run.stdout.contains(": \\xbd\\xa0你"), "{run}");
    Ok(())
}

fn empty_messages_are_packets_on_udp_only() -> Outcome {
    let host = Host::new("h1")?;
    let tcp = echo(&host, &["both", "tcp", "-m", "", "-m", "x"])?;
    assert!(tcp.stderr.contains("no packet at all"), "{tcp}");
    assert_eq!(tcp.stdout.matches(" bytes from").count(), 0, "{tcp}");
    assert_eq!(tcp.stdout.matches("1 byte from").count(), 2, "{tcp}");
    for kind in ["udp", "unix-dgram", "unix-seqpacket"] {
        let run = echo(&host, &["both", kind, "-m", "", "-m", "x"])?;
        assert_eq!(
            run.stdout.matches(": 0 bytes from").count(),
            2,
            "{kind}: {run}"
        );
        assert_eq!(run.code(), Some(0), "{run}");
    }
    Ok(())
}

fn a_small_buffer_cuts_a_datagram_and_not_a_stream() -> Outcome {
    let host = Host::new("h1")?;
    let words = |kind| ["both", kind, "-m", "0123456789", "--read-size", "4"];
    let udp = echo(&host, &words("udp"))?;
    assert!(
        udp.stdout
            .contains("(6 more were cut off: --read-size): 0123\n"),
        "{udp}"
    );
    let tcp = echo(&host, &words("tcp"))?;
    for part in [": 0123", ": 4567", ": 89"] {
        assert_eq!(tcp.stdout.matches(part).count(), 2, "{tcp}");
    }
    Ok(())
}

fn messages_stick_without_borders() -> Outcome {
    let host = Host::new("h1")?;
    let words = [
        "-m", "one", "-m", "two!", "-m", "three", "--burst", "--text",
    ];
    let got = |more: &[&str]| echo(&host, &[more, &words].concat());
    for kind in ["tcp", "unix-stream"] {
        assert_eq!(got(&["both", kind])?.stdout, "onetwo!three\n");
        for frame in ["line", "len"] {
            let run = got(&["both", kind, "--frame", frame])?;
            assert_eq!(run.stdout, "one\ntwo!\nthree\n", "{frame}: {run}");
        }
    }
    for kind in ["udp", "unix-dgram", "unix-seqpacket"] {
        assert_eq!(got(&["both", kind])?.stdout, "one\ntwo!\nthree\n", "{kind}");
    }
    Ok(())
}

fn six_fit_into_a_backlog_of_five() -> Outcome {
    let host = Host::new("h1")?;
    let server = serve(&host, &["tcp", "--no-accept", "--backlog", "5"])?;
    let connected = host.run(|| {
        let mut sockets = Vec::new();
        for _ in 0..7 {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            let limit = Duration::from_millis(300);
            let result = socket.connect_timeout(&here().into(), limit);
            sockets.push((socket, result.map_err(|error| error.kind())));
        }
        Ok::<_, std::io::Error>(sockets)
    })??;
    let results: Vec<_> = connected.iter().map(|(_, result)| *result).collect();
    assert_eq!(results[..6], [Ok(()); 6]);
    // Not refused: its SYN is dropped.
    assert_eq!(results[6], Err(std::io::ErrorKind::TimedOut));
    stop(server).map(drop)
}

fn what_a_full_queue_loses_is_counted_exactly() -> Outcome {
    let host = Host::new("h1")?;
    let words = [
        "udp",
        "--rcvbuf",
        "4096",
        "--slow",
        "20ms",
        "--max-rate",
        "none",
    ];
    let server = serve(&host, &words)?;
    host.run(|| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        for _ in 0..1000 {
            socket.send_to(&[b'x'; 100], here())?;
        }
        Ok::<(), std::io::Error>(())
    })??;
    // Port 9000 is 2328; the fifth word is bytes to send and bytes received and not read yet.
    let empty = || {
        let table = host.run(|| std::fs::read_to_string("/proc/thread-self/net/udp"));
        let table = table.ok()?.ok()?;
        let line = table.lines().find(|line| line.contains(":2328 "))?;
        line.contains(" 00000000:00000000 ").then_some(())
    };
    wait_for("an empty queue", LIMIT, empty)?;
    let run = stop(server)?;
    let line = run.stderr.lines().find(|line| line.contains(" lost here"));
    let line = line.ok_or_else(|| format!("{run}"))?;
    let mut numbers = line
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|w| w.parse().ok());
    let (received, lost): (u32, u32) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert_eq!(received + lost, 1000, "{run}");
    assert!(lost > 900, "{run}");
    Ok(())
}

fn tcp_and_udp_do_not_meet() -> Outcome {
    let host = Host::new("h1")?;
    let udp = serve(&host, &["udp"])?;
    let run = echo(&host, &["client", "tcp", "-m", "hi", "--trace"])?;
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(
        run.stderr
            .contains("cannot connect to 127.0.0.1:9000: Connection refused"),
        "{run}"
    );
    assert!(run.stdout.contains("= -1 ECONNREFUSED (111)"), "{run}");
    assert!(run.stdout.contains("[R.]"), "the reset is shown: {run}");
    let number = echo(&host, &["client", "tcp", "-m", "hi", "--connect-ex"])?;
    assert!(
        number
            .stderr
            .contains("connect_ex gives 111 (ECONNREFUSED)"),
        "{number}"
    );
    stop(udp)?;
    let tcp = serve(&host, &["tcp"])?;
    let words = ["client", "udp", "-m", "hi", "-W", "200ms"];
    let run = echo(&host, &words)?;
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(
        run.stderr.contains("message 1: no answer within 20"),
        "{run}"
    );
    let run = echo(&host, &[&words[..], &["--connect", "--trace"]].concat())?;
    assert!(
        run.stderr.contains("Connection refused (os error 111)"),
        "{run}"
    );
    assert!(run.stdout.contains("port unreachable (3/3)"), "{run}");
    stop(tcp).map(drop)
}

fn unix_kinds_do_not_meet() -> Outcome {
    let kinds = ["unix-stream", "unix-dgram", "unix-seqpacket"];
    for kind in kinds {
        let host = Host::new("h1")?;
        let path = format!("/tmp/rawsock-echo-{kind}-{}", std::process::id());
        let server = serve(&host, &[kind, &path])?;
        for other in kinds {
            let run = echo(&host, &["client", other, "-m", "hi", "--connect", &path])?;
            if other == kind {
                assert_eq!(run.code(), Some(0), "{run}");
            } else {
                assert!(
                    run.stderr.contains("(os error 91)"),
                    "{other} to {kind}: {run}"
                );
            }
        }
        stop(server)?;
    }
    // An abstract name of another type is no name at all to the kernel.
    let host = Host::new("h1")?;
    let server = serve(&host, &["unix-stream"])?;
    let run = echo(&host, &["client", "unix-dgram", "-m", "hi"])?;
    assert!(run.stderr.contains("(os error 111)"), "{run}");
    stop(server)?;
    let run = echo(
        &host,
        &["client", "unix-stream", "-m", "hi", "/tmp/none-such"],
    )?;
    assert!(
        run.stderr
            .contains("No such file or directory (os error 2)"),
        "{run}"
    );
    Ok(())
}

fn a_protocol_without_a_listener_is_unreachable() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let ask = |to: String| {
        let words = ["client", "raw", "-m", "hi", "-W", "300ms", "--trace"];
        echo(lab.h1(), &[&words[..], &[&to]].concat())
    };
    let v4 = ask(Lab::v4(2).to_string())?;
    assert_eq!(v4.code(), Some(1), "{v4}");
    assert!(v4.stdout.contains("protocol unreachable (3/2)"), "{v4}");
    let v6 = ask(Lab::v6(2).to_string())?;
    assert!(v6.stdout.contains("next header"), "{v6}");
    let server = serve(lab.h2(), &["raw", "*"])?;
    let answered = ask(Lab::v4(2).to_string())?;
    assert_eq!(answered.code(), Some(0), "{answered}");
    assert!(
        server.stderr().contains("warning: 0.0.0.0"),
        "{}",
        server.stderr()
    );
    stop(server).map(drop)
}

/// Peak resident memory in KiB, without the pages of the program file: a test's program is many times
/// the size of a user's.
fn peak(server: &Running) -> Result<u64, Failed> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let number = |key: &str| -> Result<u64, Failed> {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        number.ok_or_else(|| format!("no {key}").into())
    };
    Ok(number("VmHWM:")?.saturating_sub(number("RssFile:")?))
}

fn a_thousand_connections_and_64_slow_ones_do_no_harm() -> Outcome {
    let host = Host::new("h1")?;
    let server = serve(&host, &["tcp", "-q"])?;
    host.run(|| {
        let slow: Vec<TcpStream> = (0..64)
            .map(|_| TcpStream::connect(here()))
            .collect::<Result<_, _>>()?;
        for mut one in &slow {
            one.write_all(b"x")?;
            one.read_exact(&mut [0])?;
        }
        // The next one is turned away at once, not left to wait.
        let mut next = TcpStream::connect(here())?;
        next.set_read_timeout(Some(LIMIT))?;
        let told = next.read(&mut [0]);
        assert!(
            matches!(told, Ok(0))
                || told.is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock)
        );
        // And those who are in are still served.
        for mut one in &slow {
            one.write_all(&[b'y'; 1000])?;
            one.read_exact(&mut [0; 1000])?;
        }
        Ok::<(), std::io::Error>(())
    })??;
    host.run(|| {
        for number in 0..1000_u32 {
            let mut one = TcpStream::connect(here())?;
            one.write_all(&number.to_be_bytes())?;
            let mut answer = [0; 4];
            // The 64 from before may not all be gone yet for the first ones.
            if one.read_exact(&mut answer).is_ok() {
                assert_eq!(answer, number.to_be_bytes());
            } else {
                assert!(number < 64, "{number}");
            }
        }
        Ok::<(), std::io::Error>(())
    })??;
    let peak = peak(&server)?;
    assert!(peak < 12 * 1024, "{peak} KiB");
    stop(server).map(drop)
}

fn a_client_that_leaves_ends_nothing() -> Outcome {
    let host = Host::new("h1")?;
    let server = serve(&host, &["tcp"])?;
    host.run(|| {
        for round in 0..4 {
            let mut one = TcpStream::connect(here())?;
            one.write_all(&[b'x'; 5000])?;
            if round % 2 == 0 {
                // A reset in the middle of the answer.
                Socket::from(one).set_linger(Some(Duration::ZERO))?;
            }
        }
        Ok::<(), std::io::Error>(())
    })??;
    let run = echo(&host, &["client", "tcp", "-m", "still there?", "--text"])?;
    assert_eq!(run.stdout, "still there?\n", "{run}");
    stop(server).map(drop)
}

fn two_servers_do_not_answer_each_other_for_ever() -> Outcome {
    let host = Host::new("h1")?;
    let one = serve(&host, &["udp", "9000", "-q"])?;
    let other = serve(&host, &["udp", "9001", "-q"])?;
    // One datagram that claims to come from the other server: ports 9001 and 9000, length, no sum.
    host.run(|| {
        let raw = Socket::new(Domain::IPV4, Type::RAW, Some(socket2::Protocol::UDP))?;
        let datagram = [0x23, 0x29, 0x23, 0x28, 0, 12, 0, 0, b'l', b'o', b'o', b'p'];
        raw.send_to(&datagram, &here().into())
    })??;
    let ended = || {
        [&one, &other]
            .iter()
            .any(|s| s.stderr().contains("not answered"))
            .then_some(())
    };
    wait_for("an end of the loop", LIMIT, ended)?;
    stop(one)?;
    stop(other).map(drop)
}

fn a_trace_puts_packets_below_their_call() -> Outcome {
    let host = Host::new("h1")?;
    let run = echo(&host, &["both", "tcp", "-m", "hello", "--trace", "--json"])?;
    let calls = run.of_type("call")?;
    let packets = run.of_type("packet")?;
    let below = |method: &str, side: &str| {
        let call = calls
            .iter()
            .find(|c| c["method"] == method && c["side"] == side);
        let id = &call.ok_or_else(|| format!("no {method}: {run}"))?["id"];
        Ok::<usize, Failed>(packets.iter().filter(|p| &p["cause"] == id).count())
    };
    // SYN, SYN-ACK, ACK; then data and its acknowledgement.
    assert_eq!(below("connect", "client")?, 3, "{run}");
    assert!((1..=2).contains(&below("send", "client")?), "{run}");
    assert!((1..=2).contains(&below("send", "server")?), "{run}");
    let methods: Vec<_> = calls
        .iter()
        .filter(|c| c["side"] == "client")
        .map(|c| &c["method"])
        .collect();
    assert_eq!(methods.first().map(|m| *m == "socket"), Some(true), "{run}");
    assert_eq!(methods.last().map(|m| *m == "close"), Some(true), "{run}");
    Ok(())
}

fn steps_are_the_tutorials() -> Outcome {
    let host = Host::new("h1")?;
    let server = serve(&host, &["udp", "--steps", "-c", "1"])?;
    let client = echo(&host, &["client", "udp", "--steps", "-m", "hi"])?;
    let server = server.finish()?;
    let steps = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("step "));
        lines.map(|line| line[..3].to_owned()).collect()
    };
    assert_eq!(
        steps(&server.stdout),
        ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"],
        "{server}"
    );
    // Nobody types here: the fourth step, input, is not there.
    assert_eq!(
        steps(&client.stdout),
        ["1/6", "2/6", "3/6", "5/6", "6/6"],
        "{client}"
    );
    Ok(())
}

fn no_right_is_left_after_the_start() -> Outcome {
    let host = Host::new("h1")?;
    for words in [
        &["tcp"][..],
        &["raw", "--trace"],
        &["unix-stream"],
        &["udp", "--trace"],
    ] {
        let server = serve(&host, words)?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.map(str::trim).unwrap_or_default().to_owned()
        };
        for key in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            assert_eq!(value(key), "0000000000000000", "{words:?} {key}");
        }
        assert_eq!(
            (value("NoNewPrivs:"), value("Seccomp:")),
            ("1".into(), "2".into())
        );
        stop(server)?;
    }
    Ok(())
}

fn a_killed_server_leaves_no_file() -> Outcome {
    let host = Host::new("h1")?;
    let path = format!("/tmp/rawsock-echo-kill-{}", std::process::id());
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let server = serve(&host, &["unix-stream", "--path", &path])?;
        assert!(std::path::Path::new(&path).exists());
        let again = echo(&host, &["server", "unix-stream", "--path", &path])?;
        assert!(
            again
                .stderr
                .contains("Address already in use (os error 98)"),
            "{again}"
        );
        server.signal(signal)?;
        let gone = || (!std::path::Path::new(&path).exists()).then_some(());
        wait_for("no file", LIMIT, gone)?;
        server.finish()?;
    }
    Ok(())
}

fn options_are_read_back() -> Outcome {
    let host = Host::new("h1")?;
    let words = [
        "both",
        "tcp",
        "-m",
        "hi",
        "--opt",
        "SO_RCVBUF=10000",
        "--opt",
        "nodelay=on",
    ];
    let run = echo(&host, &words)?;
    assert!(
        run.stderr
            .contains("client: SO_RCVBUF: set to 10000, reads back 20000"),
        "{run}"
    );
    assert!(
        run.stderr.contains("TCP_NODELAY: set to on, reads back 1"),
        "{run}"
    );
    let table = echo(&host, &["server", "udp", "--show-opts", "--for", "0"])?;
    assert!(
        table.stdout.contains("SO_TYPE              2 SOCK_DGRAM"),
        "{table}"
    );
    let info = echo(&host, &["both", "tcp", "-m", "hi", "--tcpinfo"])?;
    assert!(info.stdout.contains("ESTABLISHED, cwnd"), "{info}");
    let wrong = echo(&host, &["both", "tcp", "--opt", "SO_NONSENSE=1"])?;
    assert_eq!(wrong.code(), Some(2), "{wrong}");
    Ok(())
}
