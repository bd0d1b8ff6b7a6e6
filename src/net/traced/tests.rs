//! The twenty methods on real sockets of the loopback, and what they report.

use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Type};

use super::*;
use crate::sys::clock::Clock;

#[derive(Default)]
struct Log(Vec<Call>);

impl Calls for Log {
    fn call(&mut self, _at: Mono, call: Call) {
        self.0.push(call);
    }
}

fn tracer() -> (Tracer, Arc<Mutex<Log>>) {
    let log = Arc::new(Mutex::new(Log::default()));
    (Tracer::to(Clock::start(), log.clone()), log)
}

fn local() -> Address {
    Address::Inet("127.0.0.1:0".parse().unwrap())
}

/// Methods and outcomes of all calls so far.
fn told(log: &Mutex<Log>) -> Vec<(&'static str, Outcome)> {
    let log = log.lock().unwrap();
    log.0
        .iter()
        .map(|c| (c.method, c.outcome.clone()))
        .collect()
}

fn listener(tracer: &Tracer) -> (Traced, Address) {
    let server = Traced::socket(Domain::IPV4, Type::STREAM, 0, tracer).unwrap();
    server.bind(&local()).unwrap();
    server.listen(5).unwrap();
    let address = server.getsockname().unwrap();
    (server, address)
}

#[test]
fn a_stream_reports_every_step() {
    let (tracer, log) = tracer();
    let (server, address) = listener(&tracer);
    let client = Traced::socket(Domain::IPV4, Type::STREAM, 0, &tracer).unwrap();
    client.connect(&address).unwrap();
    let (child, peer) = server.accept().unwrap();
    assert_eq!(client.getsockname().unwrap(), peer);
    assert_eq!(client.getpeername().unwrap(), address);
    assert_eq!(client.send("你好".as_bytes()).unwrap(), 6);
    let mut buffer = [0; 1024];
    assert_eq!(child.recv(&mut buffer, 0).unwrap(), 6);
    client.sendall(b"more").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(child.recv(&mut buffer, 0).unwrap(), 4);
    assert_eq!(child.recv(&mut buffer, 0).unwrap(), 0);
    child.close();
    let names: Vec<_> = told(&log).iter().map(|(name, _)| *name).collect();
    let expected = [
        "socket",
        "bind",
        "listen",
        "getsockname",
        "socket",
        "connect",
        "accept",
        "getsockname",
        "getpeername",
        "send",
        "recv",
        "sendall",
        "shutdown",
        "recv",
        "recv",
        "close",
    ];
    assert_eq!(names, expected);
    let log = log.lock().unwrap();
    assert_eq!(log.0[0].args, "AF_INET, SOCK_STREAM, 0");
    assert_eq!(log.0[9].args, "6 bytes \"你好\"");
    assert_eq!(log.0[10].outcome, Outcome::Value("6 \"你好\"".into()));
    assert_eq!((log.0[9].bytes, log.0[10].bytes), (6, 6));
}

#[test]
fn errors_keep_their_number() {
    let (tracer, log) = tracer();
    let (server, address) = listener(&tracer);
    let client = Traced::socket(Domain::IPV4, Type::STREAM, 0, &tracer).unwrap();
    assert!(client.send(b"x").is_err());
    assert!(client.getpeername().is_err());
    assert_eq!(client.connect_ex(&address), 0);
    assert_eq!(client.connect_ex(&address), libc::EISCONN);
    drop(server);
    let late = Traced::socket(Domain::IPV4, Type::STREAM, 0, &tracer).unwrap();
    let error = late.connect(&address).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    assert!(late.accept().is_err());
    let errors: Vec<_> = told(&log)
        .into_iter()
        .filter_map(|(name, outcome)| match outcome {
            Outcome::Errno(number) => Some((name, number)),
            Outcome::Value(_) => None,
        })
        .collect();
    let expected = [
        ("send", libc::EPIPE),
        ("getpeername", libc::ENOTCONN),
        ("connect", libc::ECONNREFUSED),
        ("accept", libc::EINVAL),
    ];
    assert_eq!(errors, expected);
}

#[test]
fn timeouts_are_pythons() {
    let (tracer, log) = tracer();
    let (server, _) = listener(&tracer);
    let mut server = server;
    assert_eq!(server.gettimeout(), None);
    server.settimeout(Some(Duration::from_millis(20)));
    assert_eq!(server.gettimeout(), Some(Duration::from_millis(20)));
    let error = server.accept().err().unwrap();
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
    server.setblocking(false);
    assert!(server.accept().is_err());
    server.setblocking(true);
    assert_eq!(server.gettimeout(), None);
    let waited = |at: usize| log.lock().unwrap().0[at].blocked;
    assert!(waited(7) >= Duration::from_millis(20), "{:?}", waited(7));
    assert_eq!(log.lock().unwrap().0[5].args, "0.02");
    assert_eq!(
        log.lock().unwrap().0[4].outcome,
        Outcome::Value("None".into())
    );
}

#[test]
fn the_kernel_can_wait_itself() {
    let (tracer, _) = tracer();
    let (server, _) = listener(&tracer);
    let mut server = server;
    server
        .kernel_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let before = tracer.clock().mono();
    assert_eq!(
        server.accept().err().unwrap().raw_os_error(),
        Some(libc::EAGAIN)
    );
    assert!(tracer.clock().mono().since(before) >= Duration::from_millis(15));
    let time = server
        .getsockopt(find_option("SO_RCVTIMEO").unwrap())
        .unwrap();
    assert_eq!(time.to_string(), "0.020000 s");
}

#[test]
fn datagrams_tell_sender_truncation_and_loss() {
    let (tracer, log) = tracer();
    let mut server = Traced::socket(Domain::IPV4, Type::DGRAM, 0, &tracer).unwrap();
    server.bind(&local()).unwrap();
    let to = server.getsockname().unwrap();
    let client = Traced::socket(Domain::IPV4, Type::DGRAM, 0, &tracer).unwrap();
    client.sendto(b"0123456789", &to).unwrap();
    client.sendto(b"", &to).unwrap();
    let mut buffer = [0; 4];
    let got = server.recvfrom(&mut buffer, 0).unwrap();
    assert_eq!((got.len, got.full, got.overflow), (4, 10, None));
    let from = got.from.unwrap();
    assert_eq!(from.port(), client.getsockname().unwrap().port());
    let got = server.recvfrom(&mut buffer, libc::MSG_DONTWAIT).unwrap();
    assert_eq!((got.len, got.full), (0, 0));
    assert!(client.sendto(&vec![0; 65_508], &to).is_err());
    let last = told(&log).pop().unwrap();
    assert_eq!(last, ("sendto", Outcome::Errno(libc::EMSGSIZE)));
    assert!(matches!(&told(&log)[6].1, Outcome::Value(text)
        if text.starts_with("4 \"0123\", 6 cut off from 127.0.0.1:")));
}

#[test]
fn a_full_queue_is_counted_exactly() {
    let (tracer, _) = tracer();
    let server = Traced::socket(Domain::IPV4, Type::DGRAM, 0, &tracer).unwrap();
    server
        .setsockopt(find_option("SO_RCVBUF").unwrap(), "4096")
        .unwrap();
    server.bind(&local()).unwrap();
    let to = server.getsockname().unwrap();
    let client = Traced::socket(Domain::IPV4, Type::DGRAM, 0, &tracer).unwrap();
    for _ in 0..1000 {
        client.sendto(&[b'x'; 100], &to).unwrap();
    }
    let mut got = 0;
    let mut buffer = [0; 200];
    while server.recv(&mut buffer, libc::MSG_DONTWAIT).is_ok() {
        got += 1;
    }
    assert!(got > 0 && got < 1000);
    assert_eq!(got + server.dropped().unwrap(), 1000);
}

#[test]
fn options_are_read_back_as_the_kernel_has_them() {
    let (tracer, log) = tracer();
    let socket = Traced::socket(Domain::IPV4, Type::STREAM, 0, &tracer).unwrap();
    let text = |name: &str| {
        let option = find_option(name).unwrap();
        socket.getsockopt(option).unwrap().to_string()
    };
    socket
        .setsockopt(find_option("SO_RCVBUF").unwrap(), "10000")
        .unwrap();
    assert_eq!(text("SO_RCVBUF"), "20000");
    socket
        .setsockopt(find_option("SO_LINGER").unwrap(), "0")
        .unwrap();
    assert_eq!(text("SO_LINGER"), "0 s");
    socket
        .setsockopt(find_option("TCP_NODELAY").unwrap(), "on")
        .unwrap();
    assert_eq!(text("TCP_NODELAY"), "1");
    assert_eq!(text("SO_DOMAIN"), "2 AF_INET");
    assert_eq!(text("SO_TYPE"), "1 SOCK_STREAM");
    assert_eq!(text("SO_PROTOCOL"), "6 IPPROTO_TCP");
    assert_eq!(text("SO_ERROR"), "0");
    assert_eq!(text("TCP_INFO"), "CLOSED");
    assert_eq!(text("TCP_MAXSEG"), "536");
    let all = socket.options();
    assert!(all.len() > 30, "{}", all.len());
    assert!(
        all.iter()
            .any(|(option, _)| option.name == "TCP_CONGESTION")
    );
    for (name, value) in [("SO_RCVBUF", "many"), ("SO_TYPE", "1"), ("UDP_CORK", "1")] {
        assert!(
            socket
                .setsockopt(find_option(name).unwrap(), value)
                .is_err(),
            "{name}"
        );
    }
    let calls = told(&log);
    assert_eq!(calls[1], ("setsockopt", Outcome::Value("0".into())));
    assert_eq!(calls[2], ("getsockopt", Outcome::Value("20000".into())));
}

#[test]
fn a_large_sendall_shows_its_inner_sends() {
    let (tracer, log) = tracer();
    let (one, other) = Traced::pair(Type::STREAM, &tracer).unwrap();
    let mut one = one;
    one.settimeout(Some(Duration::from_millis(50)));
    let error = one.sendall(&vec![b'x'; 5_000_000]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
    let log = log.lock().unwrap();
    let sends = log.0.iter().filter(|call| call.method == "send");
    let taken: usize = sends.map(|call| call.bytes).sum();
    let whole = log.0.last().unwrap();
    assert_eq!(whole.method, "sendall");
    assert_eq!(whole.bytes, taken);
    assert!(taken > 0 && taken < 5_000_000);
    drop(other);
}

#[test]
fn a_file_feeds_several_lines_from_one_receive() {
    let (tracer, log) = tracer();
    let (one, other) = Traced::pair(Type::STREAM, &tracer).unwrap();
    one.sendall(b"one\ntwo\nthr").unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    let mut file = other.makefile(8192);
    assert_eq!(file.readline().unwrap(), b"one\n");
    assert_eq!(file.buffered(), 7);
    assert_eq!(file.readline().unwrap(), b"two\n");
    assert_eq!(file.readline().unwrap(), b"thr");
    assert_eq!(file.readline().unwrap(), b"");
    file.write(b"a");
    file.write(b"b");
    file.flush().unwrap();
    let mut buffer = [0; 9];
    assert_eq!(one.recv(&mut buffer, 0).unwrap(), 2);
    let calls = told(&log);
    let receives = calls.iter().filter(|(name, _)| *name == "recv").count();
    // The lines, twice the end (once after the cut line), and ours.
    assert!(receives <= 4, "{calls:?}");
    assert!(calls.iter().any(|(name, _)| *name == "makefile"));
}

#[test]
fn a_spinning_receive_counts_its_refusals() {
    let (tracer, log) = tracer();
    let (one, other) = Traced::pair(Type::STREAM, &tracer).unwrap();
    let mut rounds = 0;
    let mut buffer = [0; 9];
    let stop = || {
        rounds += 1;
        one.send(b"now").unwrap();
        false
    };
    let (got, spins) = other.recv_spinning(&mut buffer, stop);
    assert_eq!(got.unwrap(), 3);
    assert_eq!((rounds, spins), (1, SpinCount(1024)));
    let receives = told(&log)
        .iter()
        .filter(|(name, _)| *name == "recv")
        .count();
    assert_eq!(receives, 2);
}

#[test]
fn without_a_sink_everything_works_the_same() {
    let poll = Arc::new(Mutex::new(Poll::new(Clock::start(), None)));
    let tracer = Tracer::new(Clock::start(), None, poll);
    let (one, other) = Traced::pair(Type::SEQPACKET, &tracer.clone().spinning(true)).unwrap();
    one.send(b"x").unwrap();
    let mut buffer = [0; 9];
    assert_eq!(other.recv(&mut buffer, 0).unwrap(), 1);
    let mut other = other;
    other.settimeout(Some(Duration::from_millis(5)));
    assert_eq!(
        other.recv(&mut buffer, 0).unwrap_err().raw_os_error(),
        Some(libc::EAGAIN)
    );
    assert!(!tracer.is_on());
}

#[test]
fn every_method_reports_itself() {
    let (tracer, log) = tracer();
    let (server, address) = listener(&tracer);
    let mut client = Traced::socket(Domain::IPV4, Type::STREAM, 0, &tracer).unwrap();
    client.settimeout(Some(Duration::from_secs(1)));
    client.gettimeout();
    client.setblocking(true);
    assert!(client.fileno() > 2);
    assert_eq!(client.connect_ex(&address), 0);
    client.getpeername().unwrap();
    let (mut peer, _) = server.accept().unwrap();
    client.send(b"a\n").unwrap();
    client.sendall(b"b").unwrap();
    assert_eq!(peer.makefile(64).readline().unwrap(), b"a\n");
    client.sendto(b"c", &address).unwrap_or_default();
    peer.recvfrom(&mut [0; 9], libc::MSG_DONTWAIT)
        .unwrap_or(Received {
            len: 0,
            full: 0,
            from: None,
            overflow: None,
        });
    let option = find_option("SO_KEEPALIVE").unwrap();
    client.setsockopt(option, "on").unwrap();
    client.getsockopt(option).unwrap();
    assert!(client.connect(&address).is_err());
    client.shutdown(Shutdown::Both).unwrap();
    client.close();
    let names: std::collections::BTreeSet<_> = told(&log).iter().map(|(name, _)| *name).collect();
    for method in [
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
        "shutdown",
        "socket",
    ] {
        assert!(names.contains(method), "{method}: {names:?}");
    }
}
