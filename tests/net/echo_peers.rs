//! `rawsock echo` and Python programs talk to each other, in both directions: the tutorial's kind
//! of program, whose output ours equals byte for byte, and plain ones of every family.

use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, Run, Running, run, start, start_command};

crate::tests![
    the_tutorials_tcp_programs_mix_with_ours: "python3",
    the_tutorials_udp_programs_mix_with_ours: "python3",
    python_clients_of_every_kind_are_served: "python3",
    python_servers_of_every_kind_are_asked: "python3",
];

/// A server in the tutorial's manner, which ends with its client, and where the original would
/// crash on what cannot be decoded, too.
const TCP_SERVER: &str = r"
import socket, sys
from pprint import pprint
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(('127.0.0.1', 9000))
s.listen(5)
print('listening on', file=sys.stderr, flush=True)
peer, address = s.accept()
while True:
    data = peer.recv(1024).decode()
    if not data:
        break
    pprint(data)
    pprint(address)
    peer.sendall('服务器端已经拿到你的消息'.encode())
";

const TCP_CLIENT: &str = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect(('127.0.0.1', 9000))
while True:
    try:
        text = input("请输入您想说的话:")
    except EOFError:
        break
    s.send(text.encode())
    print(s.recv(1024).decode())
"#;

const UDP_SERVER: &str = r"
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 9000))
print('receiving on', file=sys.stderr, flush=True)
for _ in range(4):
    data, peer = s.recvfrom(1024)
    print(data.decode())
    s.sendto('Server has receive your data'.encode(), peer)
";

const UDP_CLIENT: &str = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        text = input("请输入您想说的话:")
    except EOFError:
        break
    s.sendto(text.encode(), ('127.0.0.1', 9000))
    data, _ = s.recvfrom(1024)
    print(data.decode())
"#;

/// What is typed: quotes of both kinds, and a line that pprint breaks.
const TYPED: &str = "你好\nit's\nit's \"both\" \\ \nthe quick brown fox jumps over the lazy dog and \
                     then it runs away from the angry hound as fast as it can\n";

const LIMIT: Duration = Duration::from_secs(10);

fn ready(server: &Running) -> Outcome {
    let seen = || server.stderr().contains("ing on").then_some(());
    wait_for("the server", LIMIT, seen)
}

/// A program with something to read on its standard input.
fn typed(host: &Host, input: &str, program: &[&str]) -> Result<Run, Failed> {
    let mut command = host.command("sh")?;
    command.args([
        "-c",
        r#"input=$1; shift; printf %s "$input" | "$@""#,
        "sh",
        input,
    ]);
    command.args(program).env("PYTHONIOENCODING", "utf-8");
    start_command(command)?.finish()
}

/// Output of both ends, with the client's port taken out.
fn talk(server: &[&str], client: &[&str]) -> Result<(String, String), Failed> {
    let host = Host::new("h1")?;
    let mut command = host.command(server[0])?;
    command.args(&server[1..]).env("PYTHONIOENCODING", "utf-8");
    let running = start_command(command)?;
    ready(&running)?;
    let client = typed(&host, TYPED, client)?;
    assert_eq!(client.code(), Some(0), "{client}");
    let server = running.finish()?;
    let lines = server
        .stdout
        .lines()
        .map(|line| match line.strip_prefix("('127.0.0.1', ") {
            Some(port) if port.ends_with(')') => "('127.0.0.1', PORT)",
            _ => line,
        });
    Ok((lines.collect::<Vec<_>>().join("\n"), client.stdout))
}

fn all_mixes(servers: [&[&str]; 2], clients: [&[&str]; 2]) -> Outcome {
    let theirs = talk(servers[0], clients[0])?;
    assert!(
        theirs.0.contains("你好") && theirs.1.contains("您想说的话"),
        "{theirs:?}"
    );
    assert_eq!(talk(servers[1], clients[0])?, theirs);
    assert_eq!(talk(servers[0], clients[1])?, theirs);
    assert_eq!(talk(servers[1], clients[1])?, theirs);
    Ok(())
}

fn the_tutorials_tcp_programs_mix_with_ours() -> Outcome {
    let ours: &[&str] = &[RAWSOCK, "echo", "server", "tcp", "--tutorial", "-c", "4"];
    all_mixes(
        [&["python3", "-c", TCP_SERVER], ours],
        [
            &["python3", "-c", TCP_CLIENT],
            &[RAWSOCK, "echo", "client", "tcp", "--tutorial"],
        ],
    )
}

fn the_tutorials_udp_programs_mix_with_ours() -> Outcome {
    let ours: &[&str] = &[RAWSOCK, "echo", "server", "udp", "--tutorial", "-c", "4"];
    all_mixes(
        [&["python3", "-c", UDP_SERVER], ours],
        [
            &["python3", "-c", UDP_CLIENT],
            &[RAWSOCK, "echo", "client", "udp", "--tutorial"],
        ],
    )
}

/// Our words for the kind, Python's for its socket, and the place for each of the two.
const KINDS: [(&str, &str, &str, &str); 8] = [
    (
        "tcp",
        "AF_INET, SOCK_STREAM",
        "127.0.0.1:9000",
        "('127.0.0.1', 9000)",
    ),
    (
        "tcp",
        "AF_INET6, SOCK_STREAM",
        "[::1]:9000",
        "('::1', 9000)",
    ),
    (
        "udp",
        "AF_INET, SOCK_DGRAM",
        "127.0.0.1:9000",
        "('127.0.0.1', 9000)",
    ),
    ("udp", "AF_INET6, SOCK_DGRAM", "[::1]:9000", "('::1', 9000)"),
    (
        "unix-stream",
        "AF_UNIX, SOCK_STREAM",
        "@echo-test",
        "'\\0echo-test'",
    ),
    (
        "unix-seqpacket",
        "AF_UNIX, SOCK_SEQPACKET",
        "@echo-test",
        "'\\0echo-test'",
    ),
    (
        "unix-dgram",
        "AF_UNIX, SOCK_DGRAM",
        "@echo-test",
        "'\\0echo-test'",
    ),
    (
        "unix-stream",
        "AF_UNIX, SOCK_STREAM",
        "/tmp/rawsock-PID",
        "'/tmp/rawsock-PID'",
    ),
];

/// A path that no other test has.
fn own(text: &str) -> String {
    text.replace("PID", &format!("echo-peers-{}", std::process::id()))
}

fn python_clients_of_every_kind_are_served() -> Outcome {
    for (kind, python, ours, theirs) in KINDS {
        let (ours, theirs) = (own(ours), own(theirs));
        let host = Host::new("h1")?;
        let server = start(&host, RAWSOCK, &["echo", "server", kind, &ours, "-c", "2"])?;
        ready(&server)?;
        // A datagram client of a unix server needs a name to be answered.
        let script = format!(
            "from socket import *\ns = socket({python})\ns.settimeout(5)\n\
             if s.family == AF_UNIX and s.type == SOCK_DGRAM: s.bind('\\0echo-client')\n\
             s.connect({theirs})\n\
             for text in ('hello', '你好'):\n s.send(text.encode())\n print(s.recv(99).decode())"
        );
        let client = run(&host, "python3", &["-c", &script])?;
        assert_eq!(client.stdout, "hello\n你好\n", "{kind} {ours}: {client}");
        let server = server.finish()?;
        assert_eq!(server.code(), Some(0), "{server}");
        assert!(server.stdout.contains(": 你好\n"), "{server}");
        if ours.starts_with('/') {
            assert!(!std::path::Path::new(&ours).exists(), "{ours} is left");
        }
    }
    Ok(())
}

fn python_servers_of_every_kind_are_asked() -> Outcome {
    for (kind, python, ours, theirs) in KINDS {
        let (ours, theirs) = (own(ours), own(theirs));
        let host = Host::new("h1")?;
        let script = format!(
            "import os, sys\nfrom socket import *\ns = socket({python})\ns.bind({theirs})\n\
             if s.type != SOCK_DGRAM: s.listen(5)\n\
             print('listening on', file=sys.stderr, flush=True)\n\
             if s.type == SOCK_DGRAM:\n\
             \x20for _ in range(2):\n  data, peer = s.recvfrom(99)\n  s.sendto(data, peer)\n\
             else:\n\
             \x20c, _ = s.accept()\n for _ in range(2): c.sendall(c.recv(99))\n\
             if isinstance({theirs}, str) and {theirs}[0] == '/': os.unlink({theirs})"
        );
        let server = start(&host, "python3", &["-c", &script])?;
        ready(&server)?;
        let words = [
            "echo", "client", kind, &ours, "-m", "hello", "-m", "你好", "--text",
        ];
        let client = run(&host, RAWSOCK, &words)?;
        assert_eq!(client.stdout, "hello\n你好\n", "{kind} {ours}: {client}");
        assert_eq!(client.code(), Some(0), "{client}");
        let server = server.finish()?;
        assert_eq!(server.code(), Some(0), "{server}");
    }
    Ok(())
}
