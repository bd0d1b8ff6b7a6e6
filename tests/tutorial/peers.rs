//! `call` against Python: as client, as server, and the same calls side by side with the same outcome.

use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::Host;
use serde_json::Value;

use crate::harness::{Outcome, wait_for};
use crate::lines::{good, lines};
use crate::program::{RAWSOCK, Running, run, start};

crate::tests![
    a_python_tcp_server_is_served_by_call_lines: "python3",
    a_python_udp_server_is_served_by_call_lines: "python3",
    a_python_client_is_answered_by_a_script: "python3",
    errors_are_those_of_python: "python3",
    a_prompt_completes_remembers_and_survives_ctrl_c: "python3",
];

/// A Python server of the tutorial's kind (of our own making), bound and listening.
fn server(host: &Host, program: &str) -> Result<Running, Failed> {
    let server = start(host, "python3", &["-u", "-c", program])?;
    server.wait_stdout("the server is ready", |text| text.contains("ready"))?;
    Ok(server)
}

const TCP_SERVER: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(('127.0.0.1', 9000))
s.listen(5)
print('ready')
conn, addr = s.accept()
while True:
    data = conn.recv(1024)
    if not data:
        break
    print(repr(data.decode()))
    print(addr)
    conn.sendall('服务器端已经拿到你的消息'.encode())
";

const UDP_SERVER: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 9000))
print('ready')
data, addr = s.recvfrom(1024)
print(data.decode())
s.sendto('Server has receive your data'.encode(), addr)
";

fn a_python_tcp_server_is_served_by_call_lines() -> Outcome {
    let host = Host::new("h1")?;
    let server = server(&host, TCP_SERVER)?;
    // The sample of the tutorial: omitted arguments are inet and stream.
    good(
        &host,
        "socket ; connect ('127.0.0.1', 9000) => 0
         send '你好' => 6
         recv 1024 => '服务器端已经拿到你的消息'
         name => 127.0.0.1:* ; peer => 127.0.0.1:9000
         close",
    )?;
    let run = server.finish()?;
    assert!(run.stdout.contains("'你好'"), "{run}");
    assert!(run.stdout.contains("('127.0.0.1', "), "{run}");
    Ok(())
}

fn a_python_udp_server_is_served_by_call_lines() -> Outcome {
    let host = Host::new("h1")?;
    let server = server(&host, UDP_SERVER)?;
    good(
        &host,
        "u = socket(AF_INET, SOCK_DGRAM)
         u.sendto('hello'.encode(), ('127.0.0.1', 9000)) => 5
         data, server_addr = u.recvfrom(1024) => 'Server has receive your data' from 127.0.0.1:9000",
    )?;
    assert!(server.finish()?.stdout.contains("hello"));
    Ok(())
}

fn a_python_client_is_answered_by_a_script() -> Outcome {
    let host = Host::new("h1")?;
    let script = "s = socket ; s.bind :9000 ; s.listen 5
         conn, addr = s.accept => 127.0.0.1:*
         conn.recv 1024 => '你好'
         conn.sendall 'got it' ; conn.recv => eof";
    let server = start(&host, RAWSOCK, &["call", "-c", script])?;
    wait_for("the server listens", Duration::from_secs(10), || {
        let table = host
            .run(|| std::fs::read_to_string("/proc/thread-self/net/tcp"))
            .ok()?
            .ok()?;
        table.contains(":2328 00000000:0000 0A").then_some(())
    })?;
    let client = "
import socket
c = socket.socket()
c.connect(('127.0.0.1', 9000))
c.send('你好'.encode())
print(c.recv(1024).decode())
c.close()
";
    let client = run(&host, "python3", &["-c", client])?;
    assert_eq!(client.stdout, "got it\n", "{client}");
    let server = server.finish()?;
    assert_eq!(server.code(), Some(0), "{server}");
    Ok(())
}

/// Lines of ours, and the same in Python: what comes of the last one must be equal.
const PAIRS: &[(&str, &str)] = &[
    (
        "s = socket ; s.connect_ex :9",
        "s = socket.socket(); r = s.connect_ex(('127.0.0.1', 9))",
    ),
    (
        "s = socket ; s.peer",
        "s = socket.socket(); r = s.getpeername()",
    ),
    (
        "s = socket ; s.accept",
        "s = socket.socket(); r = s.accept()[1]",
    ),
    (
        "s = socket ; s.send 'x'",
        "s = socket.socket(); r = s.send(b'x')",
    ),
    (
        "s = socket ; s.recv",
        "s = socket.socket(); r = s.recv(1024)",
    ),
    (
        "s = socket ; s.timeout",
        "s = socket.socket(); r = s.gettimeout()",
    ),
    (
        "s = socket ; s.timeout 1.5 ; s.timeout",
        "s = socket.socket(); s.settimeout(1.5); r = s.gettimeout()",
    ),
    (
        "s = socket udp ; s.send 'x'",
        "s = socket.socket(type=socket.SOCK_DGRAM); r = s.send(b'x')",
    ),
    (
        "s = socket udp ; s.sendto :9 @65508",
        "s = socket.socket(type=socket.SOCK_DGRAM); r = s.sendto(b'x' * 65508, ('127.0.0.1', 9))",
    ),
    (
        "s = socket udp ; s.sendto :9 @65507",
        "s = socket.socket(type=socket.SOCK_DGRAM); r = s.sendto(b'x' * 65507, ('127.0.0.1', 9))",
    ),
    (
        "s = socket udp ; s.sendto 127.255.255.255:9 'x'",
        "s = socket.socket(type=socket.SOCK_DGRAM); r = s.sendto(b'x', ('127.255.255.255', 9))",
    ),
    (
        "s = socket ; s.bind 192.0.2.1:9000",
        "s = socket.socket(); r = s.bind(('192.0.2.1', 9000))",
    ),
    (
        "s = socket ; s.bind :9000 ; t = socket ; t.bind :9000",
        "s = socket.socket(); s.bind(('127.0.0.1', 9000)); t = socket.socket(); r = t.bind(('127.0.0.1', 9000))",
    ),
    (
        "s = socket ; s.connect_ex 192.0.2.1:9",
        "s = socket.socket(); r = s.connect_ex(('192.0.2.1', 9))",
    ),
    (
        "s = socket inet seqpacket",
        "s = socket.socket(type=socket.SOCK_SEQPACKET); r = 0",
    ),
    (
        "s = socket inet dgram icmp",
        "s = socket.socket(type=socket.SOCK_DGRAM, proto=1); r = 0",
    ),
    (
        "s = socket inet stream udp",
        "s = socket.socket(proto=17); r = 0",
    ),
    (
        "s = socket ; s.get SO_RCVBUF",
        "s = socket.socket(); r = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)",
    ),
    (
        "s = socket ; s.set SO_RCVBUF 10000 ; s.get SO_RCVBUF",
        "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10000); r = s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)",
    ),
    (
        "s = socket ; s.get TCP_MAXSEG",
        "s = socket.socket(); r = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)",
    ),
    (
        "s = socket ; s.get SO_PROTOCOL",
        "s = socket.socket(); r = s.getsockopt(socket.SOL_SOCKET, 38)",
    ),
    (
        "s = socket ; s.blocking off ; s.bind :0 ; s.listen ; s.accept",
        "s = socket.socket(); s.setblocking(False); s.bind(('127.0.0.1', 0)); s.listen(5); r = s.accept()",
    ),
    (
        "s = socket unix stream ; s.connect /nowhere/at/all",
        "s = socket.socket(socket.AF_UNIX); r = s.connect('/nowhere/at/all')",
    ),
    (
        "s = socket unix stream ; s.connect @nobody",
        "s = socket.socket(socket.AF_UNIX); r = s.connect('\\0nobody')",
    ),
    (
        "s = socket ; s.shutdown wr",
        "s = socket.socket(); r = s.shutdown(socket.SHUT_WR)",
    ),
    (
        "s = socket ; s.bind :9000 ; s.listen ; c = socket ; c.connect :9000 ; c.connect_ex :9000",
        "s = socket.socket(); s.bind(('127.0.0.1', 9000)); s.listen(5); c = socket.socket(); c.connect(('127.0.0.1', 9000)); r = c.connect_ex(('127.0.0.1', 9000))",
    ),
    (
        "s = socket ; s.bind :9000 ; s.listen ; c = socket ; c.connect :9000 ; c.blocking off ; c.send @20M",
        "s = socket.socket(); s.bind(('127.0.0.1', 9000)); s.listen(5); c = socket.socket(); c.connect(('127.0.0.1', 9000)); c.setblocking(False); r = 0 < c.send(b'x' * 20000000) < 20000000",
    ),
];

/// What Python says: the errno, or the value.
fn of_python(host: &Host, program: &str) -> Result<Value, Failed> {
    let whole = format!(
        "import socket, json
try:
    {program}
    print(json.dumps({{'value': r}}))
except OSError as e:
    print(json.dumps({{'errno': e.errno}}))
"
    );
    let run = run(host, "python3", &["-c", &whole])?;
    serde_json::from_str(&run.stdout).map_err(|error| format!("{error}: {program}: {run}").into())
}

fn errors_are_those_of_python() -> Outcome {
    for (ours, python) in PAIRS {
        // A new network each: nothing is left of the connections before.
        let host = Host::new("h1")?;
        let wanted = of_python(&host, python)?;
        let lines = lines(&host, ours)?;
        let last = lines.statements.last().unwrap();
        let came = &last["errno"];
        assert_eq!(came, &wanted["errno"], "{ours}: {last}");
        let value = last["value"].as_str().unwrap_or("");
        let wanted = match &wanted["value"] {
            // Python's None of bind and connect is our 0; its None of gettimeout is None.
            Value::Null if value == "0" || value == "None" => continue,
            Value::Bool(partial) => {
                let taken: u64 = value.parse().unwrap();
                assert_eq!(*partial, taken < 20_000_000, "{last}");
                continue;
            }
            Value::Number(number) if value.ends_with(" s") => format!("{number} s"),
            Value::Number(number) if value.starts_with("fd ") => {
                assert_eq!(number.as_i64(), Some(0));
                continue;
            }
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        assert_eq!(value, wanted, "{ours}: {last}");
    }
    Ok(())
}

/// Types into a terminal: a step is sent when what it waits for has been shown.
const TYPIST: &str = "
import os, pty, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], 'call', '--limit', '20s'])
shown = b''
def wait(text):
    global shown
    end = time.monotonic() + 15
    while text not in shown:
        if time.monotonic() > end:
            sys.exit('no %r in %r' % (text, shown))
        if select.select([fd], [], [], 0.1)[0]:
            shown += os.read(fd, 65536)
    shown = shown.split(text, 1)[1]
for prompt, sent, seen in [
    (True, b's = socket udp\\n', b'= 3 '),
    (True, b's.bi\\t :9000\\n', b'bind(127.0.0.1:9000)'),
    (True, b's.conect\\n', b'did you mean `connect`'),
    (True, b's.recv\\n', b's.recv'),
    (False, b'\\x03', b'EINTR'),
    (True, b'\\x1b[A\\x1b[A', b'conect'),
    (False, b'\\x03', b'> '),
    (False, b's.get SO_RCVB\\t\\n', b'getsockopt(SO_RCVBUF)'),
    (True, b'quit\\n', b'quit'),
]:
    if prompt:
        wait(b'> ')
    if sent == b'\\x03' and seen == b'EINTR':
        # The prompt has given the terminal back: Ctrl-C is a signal from here on.
        while not termios.tcgetattr(fd)[3] & termios.ICANON:
            time.sleep(0.001)
    os.write(fd, sent)
    wait(seen)
_, status = os.waitpid(pid, 0)
print('code', os.waitstatus_to_exitcode(status))
";

fn a_prompt_completes_remembers_and_survives_ctrl_c() -> Outcome {
    let host = Host::new("h1")?;
    let typed = run(&host, "python3", &["-c", TYPIST, RAWSOCK])?;
    assert_eq!(typed.stdout, "code 0\n", "{typed}");
    Ok(())
}
