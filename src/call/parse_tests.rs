//! The language by examples: what is read, what is refused and where, what fits an expectation.

use std::time::Duration;

use super::*;

/// Reads lines; the last one's statements.
fn read(lines: &[&str]) -> Vec<Statement> {
    let mut parser = Parser::new();
    let mut last = Vec::new();
    for line in lines {
        last = parser
            .line_of(line)
            .unwrap_or_else(|fault| panic!("{}\n{}", fault.message, fault.caret(line)));
    }
    last
}

/// The one call of a line, where `s`, `f` and `d` stand for something.
fn call(line: &str) -> Call {
    let statements = read(&["s = socket ; d = s.recv ; f = s.makefile", line]);
    let [statement] = statements.as_slice() else {
        panic!("{line}: {} statements", statements.len());
    };
    match &statement.action {
        Action::Call(call) => call.clone(),
        other => panic!("{line}: {other:?}"),
    }
}

fn fault(line: &str) -> (Fault, String) {
    let mut parser = Parser::new();
    parser
        .line_of("s = socket ; d = s.recv ; f = s.makefile")
        .unwrap();
    let fault = parser.line_of(line).expect_err(line);
    let marked = line.get(fault.span.clone()).unwrap_or("?").to_owned();
    (fault, marked)
}

fn kind(family: i32, kind: i32, protocol: i32) -> Arg {
    Arg::Kind(Kind {
        family,
        kind,
        protocol,
    })
}

fn address(text: &str) -> Arg {
    Arg::Address(Address::Text(text.into()))
}

fn bytes(text: &str) -> Arg {
    Arg::Data(Data::Bytes(text.into()))
}

#[test]
fn the_sample_of_the_classroom() {
    let lines = [
        "@h2 s = socket ; s.bind :9000 ; s.listen 5",
        "@h1 c = socket ; c.connect h2:9000      => 0",
        "@h2 d = s.accept",
        "@h1 c.send 'one' ; c.send 'two!' ; c.send 'three'",
        "@h2 d.recv 1024                          => 'onetwo!three'",
        "drop next tcp.flags.syn",
        "@h2 d.recv 1024 &",
    ];
    let mut parser = Parser::new();
    let all: Vec<Statement> = lines
        .iter()
        .flat_map(|line| parser.line_of(line).unwrap())
        .collect();
    let sides: Vec<&str> = all
        .iter()
        .map(|statement| statement.side.as_str())
        .collect();
    assert_eq!(
        sides,
        [
            "h2", "h2", "h2", "h1", "h1", "h2", "h1", "h1", "h1", "h2", "h2", "h2"
        ]
    );
    assert_eq!(all[1].text, "s.bind :9000");
    assert_eq!(all[4].expect.as_ref().map(|e| e.text.as_str()), Some("0"));
    assert!(
        matches!(&all[10].action, Action::DropNext { expression, .. } if expression == "tcp.flags.syn")
    );
    assert!(all[11].background && all[11].line == 7);
    assert_eq!(parser.sides().collect::<Vec<_>>(), ["h1", "h2"]);
}

#[test]
fn lines_of_a_python_program_are_understood() {
    let lines = [
        "socket_instance = socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket_instance.bind(('127.0.0.1', 9000))",
        "socket_instance.listen(5)",
        "new_socket, client_addr = socket_instance.accept() # blocks",
        "data = new_socket.recv(1024).decode()",
        "new_socket.sendall('你好'.encode())",
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "u.sendto('hi'.encode(), ('127.0.0.1', 9000))",
        "data, server_addr = u.recvfrom(1024)",
        "u.sendto(data, server_addr)",
        "u.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)",
        "socket_instance.connect_ex(('www.example.com', 80))",
        "new_socket.recv(4, socket.MSG_PEEK | socket.MSG_DONTWAIT)",
        "new_socket.settimeout(1.5) ; new_socket.setblocking(False)",
    ];
    let mut parser = Parser::new();
    for line in lines {
        let read = parser.line_of(line);
        let read = read.unwrap_or_else(|fault| panic!("{}\n{}", fault.message, fault.caret(line)));
        assert!(!read.is_empty(), "{line}");
    }
}

#[test]
fn short_and_long_names_are_the_same() {
    for (short, long) in [
        ("s.peer", "s.getpeername()"),
        ("s.name", "s.getsockname()"),
        ("s.timeout", "s.gettimeout()"),
        ("s.timeout 1.5", "s.settimeout(1.5)"),
        ("s.timeout none", "s.settimeout(None)"),
        ("s.blocking off", "s.setblocking(False)"),
        ("s.get SO_ERROR", "s.getsockopt(SOL_SOCKET, SO_ERROR)"),
        (
            "s.set TCP_NODELAY 1",
            "s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)",
        ),
        ("s.shutdown wr", "s.shutdown(SHUT_WR)"),
        ("s.recv 9 peek", "s.recv(9, MSG_PEEK)"),
        ("s.sendto 1.2.3.4:5 'x'", "s.sendto('x', 1.2.3.4:5)"),
    ] {
        let (short, long) = (call(short), call(long));
        assert_eq!(short.verb.does, long.verb.does);
        assert_eq!(short.args, long.args);
    }
}

#[test]
fn a_socket_has_defaults_and_many_spellings() {
    use libc::{AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};
    for (line, wanted) in [
        ("socket", kind(AF_INET, SOCK_STREAM, 0)),
        ("x = socket()", kind(AF_INET, SOCK_STREAM, 0)),
        ("socket inet6", kind(AF_INET6, SOCK_STREAM, 0)),
        ("socket udp", kind(AF_INET, SOCK_DGRAM, 0)),
        ("socket inet6 tcp", kind(AF_INET6, SOCK_STREAM, 0)),
        ("socket unix seqpacket", kind(AF_UNIX, SOCK_SEQPACKET, 0)),
        ("socket inet raw icmp", kind(AF_INET, SOCK_RAW, 1)),
        ("socket inet raw igmp", kind(AF_INET, SOCK_RAW, 2)),
        ("socket inet dgram icmp", kind(AF_INET, SOCK_DGRAM, 1)),
        ("socket raw udp", kind(AF_INET, SOCK_RAW, 17)),
        ("socket inet raw 253", kind(AF_INET, SOCK_RAW, 253)),
        ("socket inet raw raw", kind(AF_INET, SOCK_RAW, 255)),
        ("socket(2, 1, 6)", kind(AF_INET, SOCK_STREAM, 6)),
        (
            "socket AF_INET6 SOCK_RAW IPPROTO_ICMPV6",
            kind(AF_INET6, SOCK_RAW, 58),
        ),
        ("socket seqpacket", kind(AF_INET, SOCK_SEQPACKET, 0)),
    ] {
        assert_eq!(call(line).args, [wanted], "{line}");
    }
}

#[test]
fn data_is_text_hexadecimal_a_size_or_a_name() {
    for (line, wanted) in [
        ("s.send 'a b'", bytes("a b")),
        ("s.send 'ab' * 3", bytes("ababab")),
        ("s.send('ab'*3)", bytes("ababab")),
        ("s.send ''", bytes("")),
        ("s.send 0x6869", bytes("hi")),
        ("s.sendall @20M", Arg::Data(Data::Fill(20_000_000))),
    ] {
        assert_eq!(call(line).args, [wanted], "{line}");
    }
    assert!(matches!(call("s.send d").args.as_slice(), [Arg::Name(word)] if word.text == "d"));
}

#[test]
fn sendto_takes_its_two_in_any_order() {
    let wanted = vec![address("127.0.0.1:9"), bytes("x")];
    assert_eq!(call("s.sendto 127.0.0.1:9 'x'").args, wanted);
    assert_eq!(call("s.sendto 'x' 127.0.0.1:9").args, wanted);
    let pair = Arg::Address(Address::Pair(b"127.0.0.1".to_vec(), 9));
    assert_eq!(call("s.sendto d ('127.0.0.1', 9)").args[0], pair);
    // A unix address in quotes stands first.
    assert_eq!(
        call("s.sendto '/tmp/x' 'y'").args,
        [address("/tmp/x"), bytes("y")]
    );
}

#[test]
fn options_keep_their_words() {
    let args = |line| call(line).args;
    let word = |text: &str| Arg::Word(text.into());
    assert_eq!(
        args("s.set SO_LINGER 1 0"),
        [word("SO_LINGER"), word("1 0")]
    );
    assert_eq!(
        args("s.set SO_BINDTODEVICE 'lo'"),
        [word("SO_BINDTODEVICE"), word("lo")]
    );
    assert_eq!(args("s.tcpinfo rtt"), [word("rtt")]);
    assert_eq!(args("s.tcpinfo"), []);
}

#[test]
fn words_without_a_socket() {
    let action = |line| read(&[line]).remove(0).action;
    assert!(matches!(action("sleep 500ms"), Action::Sleep(t) if t == Duration::from_millis(500)));
    assert!(matches!(action("sleep(0.5)"), Action::Sleep(t) if t == Duration::from_millis(500)));
    assert!(matches!(action("wait"), Action::Wait));
    assert!(matches!(action("help"), Action::Help(None)));
    assert!(matches!(action("help recv"), Action::Help(Some(verb)) if verb.does == Do::Recv));
    assert!(matches!(
        action("drop next tcp.flags.syn == 1 && ip.ttl < 5"),
        Action::DropNext { expression, .. } if expression == "tcp.flags.syn == 1 && ip.ttl < 5"
    ));
    // They are names too.
    assert!(matches!(action("wait = socket"), Action::Call(_)));
}

#[test]
fn repetition_and_background() {
    assert_eq!(call("repeat 1000 s.send 'x'").times, 1000);
    for line in ["s.recv & => 'x'", "s.recv => 'x' &"] {
        let statement = read(&["s = socket", line]).remove(0);
        assert!(statement.background && statement.expect.is_some(), "{line}");
    }
}

#[test]
fn faults_are_pointed_at_and_helped() {
    for (line, marked, words) in [
        ("s.conect :9", "conect", "is no verb"),
        ("t.connect :9", "t", "stands for nothing"),
        ("s.connect", "", "needs more"),
        ("s.connect :9 :10", ":10", "takes no more"),
        ("s.send hello", "hello", "stands for nothing"),
        ("s.send 'hello", "'", "never closed"),
        ("s.recv 1g", "1g", "a size"),
        ("s.recv 1 peak", "peak", "no flag"),
        ("s.timeout soon", "soon", "seconds"),
        ("s.blocking maybe", "maybe", "on or off"),
        ("s.shutdown up", "up", "rd, wr or rdwr"),
        ("socket inet stream tcp nonsense", "nonsense", "family"),
        ("s.socket", "socket", "makes a new socket"),
        ("readline", "readline", "used on a file"),
        ("a, b = s.recv", "recv", "one value"),
        ("a = socketpair", "socketpair", "two values"),
        ("1a = socket", "1a", "is no name"),
        ("= socket", "=", "a name is missing"),
        ("s.recv(1024", "(", "never closed"),
        ("s.connect ((((1", "(", "too many"),
        ("s.recv 1 => ", "", "what is expected"),
        ("s.recv 1 => ECONNREFUSD", "ECONNREFUSD", "no errno"),
        ("s.recv 1 => 'a' 'b'", "'b'", "is expected"),
        ("s.recv 1 => 'a' in soon", "soon", "how long"),
        ("s.recv 1 => 'a' from", "from", "which address"),
        ("s.recv 1 => 'a' |", "", "what is expected"),
        ("sleep", "", "seconds"),
        ("sleep 1 => 0", "sleep 1", "only a verb"),
        ("drop it", "it", "`next`"),
        ("drop next", "", "missing"),
        ("repeat 0 s.recv", "0", "how often"),
        ("@ s.recv", "@", "a side"),
        ("s.connect ('127.0.0.1', 65536)", "65536", "no port"),
        (
            "s.connect ('127.0.0.1')",
            "('127.0.0.1')",
            "host and a port",
        ),
        ("s.sendall @65G", "@65G", "size"),
        ("s.send 'x' * 9999999999", "*", "how often"),
        ("help fly", "fly", "no verb"),
        ("s.set", "", "needs more"),
        ("s.recv 1 )", ")", "expected"),
    ] {
        let (fault, at) = fault(line);
        assert_eq!(at, marked, "{line}: {}", fault.message);
        assert!(fault.message.contains(words), "{line}: {}", fault.message);
    }
    let (near, _) = fault("s.conect :9");
    assert!(near.hint.unwrap().contains("`connect`"));
}

/// Whether an expectation is met by an outcome.
fn met(expect: &str, outcome: &Outcome) -> bool {
    let statement = read(&["who = socket", &format!("recv => {expect}")]).remove(0);
    let named = |_: &str| Some(Value::Name(Name::Abstract(b"me".to_vec())));
    let expect = statement.expect.unwrap();
    expect
        .check(outcome, Duration::from_secs(1), &named)
        .is_ok()
}

#[test]
fn expectations_fit_what_they_say_and_nothing_else() {
    let name = Name::Inet("127.0.0.1:9000".parse().unwrap());
    let data = |text: &str| Ok(Value::Bytes(text.into()));
    let from = Ok(Value::From {
        bytes: b"hi".to_vec(),
        whole: None,
        sender: name.clone(),
    });
    let errno = |number| Err(Failure::Errno(number));
    let yes: &[(&str, Outcome)] = &[
        ("0", Ok(Value::Done)),
        ("None", Ok(Value::Done)),
        ("None", Ok(Value::None)),
        ("111", Ok(Value::Int(111))),
        ("ECONNREFUSED", Ok(Value::Int(111))),
        ("ECONNREFUSED", errno(111)),
        ("errno 111", errno(111)),
        ("0|EINPROGRESS", errno(115)),
        ("0 | EINPROGRESS", Ok(Value::Done)),
        ("error", errno(1)),
        ("timeout", Err(Failure::Timeout)),
        ("1..4", Ok(Value::Int(4))),
        ("1..", Ok(Value::Int(4_000_000))),
        ("'hi'", data("hi")),
        ("'a'|'b'", data("b")),
        ("eof", data("")),
        ("2 bytes", data("hi")),
        ("1..2 bytes", from.clone()),
        ("'hi'", from.clone()),
        ("'hi' from 127.0.0.1:*", from.clone()),
        ("_ from *:9000", from.clone()),
        ("_", data("anything")),
        ("127.0.0.1:9000", Ok(Value::Name(name.clone()))),
        (
            "127.0.0.1:*",
            Ok(Value::Socket {
                fd: 3,
                peer: Some(name.clone()),
            }),
        ),
        ("1.5", Ok(Value::Seconds(Duration::from_millis(1500)))),
        ("2", Ok(Value::Seconds(Duration::from_secs(2)))),
        ("off", Ok(Value::Switch(false))),
        ("ESTABLISHED", Ok(Value::Text("ESTABLISHED".into()))),
        ("who", Ok(Value::Name(Name::Abstract(b"me".to_vec())))),
        ("'hi' in 0.9..1.1", data("hi")),
    ];
    for (expect, outcome) in yes {
        assert!(met(expect, outcome), "{expect} for {outcome:?}");
    }
    let no: &[(&str, Outcome)] = &[
        ("0", errno(111)),
        // A number is a value, never an errno: 11 bytes are not EAGAIN.
        ("11", errno(11)),
        ("_", errno(11)),
        ("EAGAIN", errno(111)),
        ("EAGAIN", Err(Failure::Timeout)),
        ("timeout", errno(11)),
        ("error", Err(Failure::Refused("closed".into()))),
        ("1..4", Ok(Value::Int(5))),
        ("'hi'", data("ho")),
        ("'hi' from 127.0.0.1:1", from.clone()),
        ("eof", data("x")),
        ("3 bytes", data("hi")),
        ("127.0.0.1:9001", Ok(Value::Name(name))),
        ("who", data("me")),
        ("'hi' in 1.1..2", data("hi")),
        ("on", Ok(Value::Switch(false))),
    ];
    for (expect, outcome) in no {
        assert!(!met(expect, outcome), "{expect} for {outcome:?}");
    }
}

#[test]
fn a_mismatch_says_both_sides() {
    let statement = read(&["recv => 'one'|ECONNRESET"]).remove(0);
    let outcome = Ok(Value::Bytes(b"two\n".to_vec()));
    let told = statement
        .expect
        .unwrap()
        .check(&outcome, Duration::ZERO, &|_| None)
        .unwrap_err();
    assert_eq!(told.to_string(), r"expected 'one'|ECONNRESET, came 'two\n'");
}

proptest::proptest! {
    /// Nothing that is typed can do more than be refused.
    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,60}", more in "[a-z@.;=>&()',\"*|# 0-9:\\\\x{}]{0,60}") {
        for line in [&line, &more] {
            let mut parser = Parser::new();
            parser.line_of("s = socket ; f = s.makefile").unwrap();
            if let Err(fault) = parser.line_of(line) {
                let shown = fault.caret(line);
                proptest::prop_assert!(shown.contains('^'));
                proptest::prop_assert!(fault.column(line) >= 1);
            }
        }
    }
}
