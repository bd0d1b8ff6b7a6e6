//! The resolver process: answers, silence, hostile names, its rights, and its end.
//!
//! Each case runs in a child with its own network and /etc files, so no question leaves it.

use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rawsock::error::{Env, Error};
use rawsock::lab::Netlink;
use rawsock::net::resolve::{Address, Family, Names, Resolver};
use rawsock::sys::clock::Clock;

use crate::parent::{Who, is_root, possible, run};

/// Name and role of each case.
const CASES: [(&str, fn()); 9] = [
    ("hosts_file_gives_both_families", both_families),
    ("names_are_bytes", names_are_bytes),
    ("hopeless_names_are_refused", hopeless_names),
    (
        "server_is_asked_and_more_than_32_addresses_are_cut",
        many_addresses,
    ),
    ("silent_server_ends_at_the_deadline", silent_server),
    ("a_signal_ends_the_wait", stop_ends_the_wait),
    ("reverse_names_come_later", reverse_names),
    ("resolver_holds_no_right", no_right),
    ("resolver_ends_with_its_owner", ends_with_owner),
];

pub fn trials() -> Vec<Trial> {
    let who: &[Who] = if is_root() {
        &[Who::Same, Who::OneUser]
    } else {
        &[Who::OneUser]
    };
    let trial = |who: Who, name: &'static str| {
        let can = possible(who, "names ");
        Trial::test(format!("{name}::{who:?}"), move || {
            let output = run(who, &format!("names {name}"));
            let text = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                Ok(())
            } else {
                Err(format!("{}\n{text}", output.status).into())
            }
        })
        .with_ignored_flag(!can)
    };
    let each = who
        .iter()
        .flat_map(|who| CASES.map(|(name, _)| trial(*who, name)));
    each.collect()
}

/// The child's side; without a case it only tries whether there can be one.
pub fn role(case: &str) -> ExitCode {
    own_network_and_files();
    if case.is_empty() {
        return ExitCode::SUCCESS;
    }
    let (_, test) = CASES.iter().find(|(name, _)| *name == case).unwrap();
    test();
    ExitCode::SUCCESS
}

/// A new network with `lo` up, and /etc files that ask a server there.
fn own_network_and_files() {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    Netlink::open().unwrap().set_up("lo", true).unwrap();
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
    mount(
        Some("none"),
        "/tmp",
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .unwrap();
    let mut hosts = b"127.0.0.7 two.test other.test\n::7 two.test\n\
        127.0.0.7 two.test\n127.0.0.8 caf\xe9\x1b[31m\n127.0.0.9 nine.test\n::9 six.test\n"
        .to_vec();
    for last in 1..=40 {
        hosts.extend(format!("127.3.0.{last} crowd.test\n").bytes());
    }
    let files: [(&str, &[u8]); 3] = [
        ("hosts", &hosts),
        (
            "resolv.conf",
            b"nameserver 127.0.0.1\noptions timeout:3 attempts:3\n",
        ),
        ("nsswitch.conf", b"hosts: files dns\n"),
    ];
    for (name, text) in files {
        let (from, to) = (format!("/tmp/{name}"), format!("/etc/{name}"));
        fs::write(&from, text).unwrap();
        let bind = MsFlags::MS_BIND;
        mount(Some(&*from), &*to, None::<&str>, bind, None::<&str>).unwrap();
    }
}

fn ask(resolver: &mut Resolver, name: &[u8], family: Family) -> Result<Vec<String>, Error> {
    let limit = Duration::from_secs(5);
    let found = resolver.addresses(OsStr::from_bytes(name), family, limit, None)?;
    let addresses = found.unwrap().addresses;
    Ok(addresses.iter().map(|a| a.ip.to_string()).collect())
}

fn both_families() {
    let mut resolver = Resolver::start().unwrap();
    let mut both = ask(&mut resolver, b"two.test", Family::Any).unwrap();
    both.sort();
    assert_eq!(both, ["127.0.0.7", "::7"]);
    assert_eq!(
        ask(&mut resolver, b"two.test", Family::V4).unwrap(),
        ["127.0.0.7"]
    );
    assert_eq!(
        ask(&mut resolver, b"two.test", Family::V6).unwrap(),
        ["::7"]
    );
    let limit = Duration::from_secs(5);
    let found = resolver.addresses("other.test".as_ref(), Family::V4, limit, None);
    let canonical = found.unwrap().unwrap().canonical;
    assert_eq!(canonical.as_deref(), Some(&b"two.test"[..]));
}

fn names_are_bytes() {
    let mut resolver = Resolver::start().unwrap();
    let odd = b"caf\xe9\x1b[31m";
    assert_eq!(ask(&mut resolver, odd, Family::Any).unwrap(), ["127.0.0.8"]);
    let unknown = ask(&mut resolver, b"no\xe9\x1b", Family::Any).unwrap_err();
    let text = unknown.render(Env::default);
    assert!(
        text.starts_with("rawsock: cannot resolve no\\xe9\\x1b: "),
        "{text}"
    );
    // And in reverse.
    let mut names = Names::new(resolver);
    assert_eq!(eventually(&mut names, "127.0.0.8"), odd);
}

fn hopeless_names() {
    let mut resolver = Resolver::start().unwrap();
    let cases: [(&[u8], &str); 4] = [
        (b"", "cannot resolve : the name is empty"),
        (b"a\0b", "cannot resolve a\\x00b: this name is not known"),
        (
            &[b'x'; 256],
            "a name of 256 bytes is longer than the 255 that a host name can have",
        ),
        // Within the limit of a name, but a label has at most 63 bytes (RFC 1035 2.3.4).
        (&[b'x'; 255], "cannot resolve xxxx"),
    ];
    for (name, expected) in cases {
        let error = ask(&mut resolver, name, Family::Any)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    // It still works.
    assert_eq!(
        ask(&mut resolver, b"nine.test", Family::Any).unwrap(),
        ["127.0.0.9"]
    );
    let error = ask(&mut resolver, b"six.test", Family::V4).unwrap_err();
    assert!(!error.to_string().is_empty());
}

/// Answers `count` addresses to each A question and none to the others, on a thread of its own.
/// Call it after the resolver was started.
fn serve(count: u8) {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        for _ in 0..100 {
            let (len, from) = socket.recv_from(&mut question).unwrap();
            // The name ends with a zero byte, then come type and class (RFC 1035 4.1.2).
            let end = 12 + question[12..len].iter().position(|b| *b == 0).unwrap() + 5;
            let is_a = question[end - 4..end - 2] == [0, 1];
            let count = if is_a { count } else { 0 };
            let mut answer = question[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]);
            answer.extend(&question[12..end]);
            for last in 1..=count {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 9, 9, last]);
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
}

fn many_addresses() {
    let mut resolver = Resolver::start().unwrap();
    // 30 answers of 16 bytes fit a datagram of 512.
    serve(30);
    let found = ask(&mut resolver, b"many.test", Family::Any).unwrap();
    assert_eq!(found.len(), 30);
    let crowd = ask(&mut resolver, b"crowd.test", Family::Any).unwrap();
    assert_eq!(crowd.len(), 32);
    let error = ask(&mut resolver, b"many.test", Family::V6).unwrap_err();
    assert!(error.to_string().contains("has no IPv6 address"), "{error}");
}

fn silent_server() {
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let mut resolver = Resolver::start().unwrap();
    let clock = Clock::start();
    let limit = Duration::from_millis(200);
    let error = resolver
        .addresses("slow.test".as_ref(), Family::Any, limit, None)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot resolve slow.test: no name server answered")
    );
    let waited = clock.mono().0;
    assert!(
        waited >= limit && waited < Duration::from_secs(1),
        "{waited:?}"
    );
    // It is inside the library call for 9 s more and ends at once all the same.
    drop(resolver);
    let closed = clock.mono().0.saturating_sub(waited);
    assert!(closed < Duration::from_millis(100), "{closed:?}");
    let status = nix::sys::wait::waitpid(None, None);
    assert_eq!(status, Err(nix::errno::Errno::ECHILD));
}

fn stop_ends_the_wait() {
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let mut resolver = Resolver::start().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    // A pipe without writer is readable (POLLHUP), as a signalfd with a signal is.
    let limit = Duration::from_secs(30);
    let stopped = resolver.addresses(
        "slow.test".as_ref(),
        Family::Any,
        limit,
        Some(reader.as_fd()),
    );
    assert!(stopped.unwrap().is_none());
}

fn address(ip: &str) -> Address {
    Address {
        ip: ip.parse::<IpAddr>().unwrap(),
        scope: 0,
    }
}

/// Waits for a name as a run loop would: polling the descriptor.
fn eventually(names: &mut Names, ip: &str) -> Vec<u8> {
    use rawsock::sys::poll::{PollFd, PollFlags, ppoll};
    for _ in 0..10 {
        if let Some(name) = names.get(address(ip)) {
            return name.to_owned();
        }
        let mut fds = [PollFd::new(names.as_fd(), PollFlags::POLLIN)];
        ppoll(&mut fds, Some(Duration::from_secs(1)), None).unwrap();
    }
    panic!("no name for {ip}");
}

fn reverse_names() {
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let mut names = Names::new(Resolver::start().unwrap());
    let clock = Clock::start();
    assert_eq!(names.get(address("127.0.0.9")), None);
    assert_eq!(eventually(&mut names, "127.0.0.9"), b"nine.test");
    assert_eq!(eventually(&mut names, "::9"), b"six.test");
    // The server never answers for this one, and nobody waits for it.
    for _ in 0..1000 {
        assert_eq!(names.get(address("127.0.0.200")), None);
    }
    // More strangers than the cache holds and the socket takes.
    for n in 0..3000_u32 {
        let [.., high, low] = n.to_be_bytes();
        assert_eq!(names.get(address(&format!("127.1.{high}.{low}"))), None);
    }
    assert_eq!(names.get(address("127.0.0.9")), Some(&b"nine.test"[..]));
    assert!(!names.is_gone());
    let took = clock.mono().0;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// The only child of this process.
fn child_id() -> String {
    let own = std::process::id();
    let path = format!("/proc/{own}/task/{own}/children");
    fs::read_to_string(path).unwrap().trim().to_owned()
}

fn no_right() {
    let mut resolver = Resolver::start().unwrap();
    ask(&mut resolver, b"two.test", Family::Any).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child_id())).unwrap();
    for line in [
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.contains(line), "{line} in {status}");
    }
    if fs::read_to_string("/proc/self/uid_map")
        .unwrap()
        .contains("4294967295")
    {
        assert!(status.contains("Uid:\t65534\t65534"), "{status}");
        let open = fs::read_dir(format!("/proc/{}/fd", child_id())).unwrap();
        assert_eq!(open.count(), 4, "three standard ones and the socket");
    }
}

fn ends_with_owner() {
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let mut resolver = Resolver::start().unwrap();
    let none = Duration::from_millis(1);
    let _ = resolver.addresses("slow.test".as_ref(), Family::Any, none, None);
    let child = format!("/proc/{}", child_id());
    assert!(fs::exists(&child).unwrap());
    drop(resolver);
    assert!(!fs::exists(&child).unwrap());
}
