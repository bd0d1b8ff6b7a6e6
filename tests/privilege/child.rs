//! The child's side: becomes somebody, drops, and then does what its role says.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, ExitCode};
use std::time::Duration;

use caps::{CapSet, Capability};
use nix::sched::{CloneFlags, unshare};
use rawsock::net::route::{Kind, Query, Routes};
use rawsock::privilege::table::{Call, OnOther};
use rawsock::privilege::{self, Landlock, Need, Options, Report, table};
use rawsock::sys::clock::wall;
use rawsock::sys::{sockopt, stamp};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Names the role of a child.
pub const ROLE: &str = "RAWSOCK_TEST_ROLE";
/// Set: enter a user namespace with one mapped user first.
pub const USERNS: &str = "RAWSOCK_TEST_USERNS";
/// Set: a container that refuses Landlock and seccomp.
pub const REFUSED: &str = "RAWSOCK_TEST_REFUSED";

/// Runs the role that the environment names, if any.
pub fn role() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    if std::env::var_os(USERNS).is_some() {
        enter_one_user_namespace();
    }
    if std::env::var_os(REFUSED).is_some() {
        refuse_sandbox();
    }
    let code = privilege::panic::catch(|| match role.split_once(' ').unwrap_or((&role, "")) {
        ("hold", _) => hold(),
        ("escape", how) => escape(how),
        ("work", _) => work(),
        ("files", _) => files(),
        ("require", _) => require(),
        ("panic", _) => panic_inside(),
        ("gaps", _) => gaps(),
        ("matrix", column) => crate::matrix::role(column),
        ("ping", who) => crate::ping::role(who),
        ("count", how) => {
            crate::counted::role(how);
            ExitCode::SUCCESS
        }
        ("names", case) => crate::names::role(case),
        other => panic!("no such role: {other:?}"),
    });
    Some(code.unwrap_or(ExitCode::from(privilege::panic::EXIT_CODE)))
}

/// `unshare -r`: we are uid 0 inside and nobody else is mapped.
pub fn enter_one_user_namespace() {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER).expect("user namespaces");
    fs::write("/proc/self/setgroups", "deny").unwrap();
    fs::write("/proc/self/uid_map", format!("0 {uid} 1")).unwrap();
    fs::write("/proc/self/gid_map", format!("0 {gid} 1")).unwrap();
}

/// What some container runtimes do: EPERM for landlock_* and seccomp.
fn refuse_sandbox() {
    let refused = [
        libc::SYS_landlock_create_ruleset,
        libc::SYS_landlock_restrict_self,
        libc::SYS_seccomp,
    ];
    let rules: BTreeMap<_, _> = refused.map(|number| (number, Vec::new())).into();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap();
    seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
}

fn drop_as_ping() -> Report {
    privilege::drop(&table::PING, &Options::default()).unwrap()
}

/// Drops with one descriptor to keep and two to lose, says so, and waits to be looked at.
fn hold() -> ExitCode {
    let had_raw = caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap();
    let keep = UdpSocket::bind("127.0.0.1:0").unwrap();
    let lose = [File::open("/").unwrap(), File::open("/proc").unwrap()];
    // Their numbers are closed by the drop; Rust must not close them again.
    lose.into_iter().for_each(std::mem::forget);
    let options = Options {
        require_sandbox: false,
        keep: &[keep.as_fd()],
    };
    let report = privilege::drop(&table::PING, &options).unwrap();
    println!("{} had_raw={had_raw} {report:?}", keep.as_raw_fd());
    let _ = io::stdin().read(&mut [0]);
    ExitCode::SUCCESS
}

/// Tries what the sandbox must kill; coming back is the failure.
fn escape(how: &str) -> ExitCode {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let options = Options {
        require_sandbox: false,
        keep: &[socket.as_fd()],
    };
    privilege::drop(&table::PING, &options).unwrap();
    let outcome = match how {
        "sockopt" => sockopt::set_int(io::stdin(), libc::SOL_SOCKET, libc::SO_MARK, 1),
        "connect" => socket.connect("127.0.0.1:9"),
        "setsockopt" => socket.set_ttl(3),
        other => attempt(other),
    };
    println!("escaped: {outcome:?}");
    ExitCode::SUCCESS
}

/// Does what a program that was taken over may try.
pub fn attempt(how: &str) -> io::Result<()> {
    match how {
        "open" => File::open("/etc/hostname").map(drop),
        "socket" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "exec" => nix::unistd::execv(c"/bin/true", &[c"/bin/true"])
            .map(drop)
            .map_err(Into::into),
        "fork" => Command::new("/bin/true").spawn().map(drop),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(drop),
        "kill" => nix::sys::signal::kill(nix::unistd::getppid(), None).map_err(Into::into),
        "ptrace" => trace_me(),
        "unshare" => unshare(CloneFlags::CLONE_NEWUSER).map_err(Into::into),
        "mmapx" => map(libc::PROT_READ | libc::PROT_EXEC, ANONYMOUS, -1).map(drop),
        "mprotectx" => protect_as_code(),
        "mapfile" => map(libc::PROT_READ, libc::MAP_PRIVATE, 0).map(drop),
        _ => panic!("no such escape: {how}"),
    }
}

/// One page.
const LENGTH: usize = 4096;

#[expect(unsafe_code, reason = "the escape is an unsafe call")]
pub fn map(protection: i32, flags: i32, fd: i32) -> io::Result<*mut libc::c_void> {
    // SAFETY: a new private mapping where the kernel likes it; nobody reads or writes it.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), LENGTH, protection, flags, fd, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(page)
}

const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

#[expect(unsafe_code, reason = "the escape is an unsafe call")]
fn protect_as_code() -> io::Result<()> {
    let page = map(libc::PROT_READ | libc::PROT_WRITE, ANONYMOUS, -1)?;
    println!("data may be mapped");
    // SAFETY: the page is ours and nobody uses it.
    let result = unsafe { libc::mprotect(page, LENGTH, libc::PROT_READ | libc::PROT_EXEC) };
    nix::errno::Errno::result(result)
        .map(drop)
        .map_err(Into::into)
}

#[expect(unsafe_code, reason = "the escape is an unsafe call")]
fn trace_me() -> io::Result<()> {
    // SAFETY: PTRACE_TRACEME takes no pointer.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME) };
    nix::errno::Errno::result(result)
        .map(drop)
        .map_err(Into::into)
}

/// Everything that a ping run does after the drop goes on working.
fn work() -> ExitCode {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let route = UdpSocket::bind("127.0.0.1:0").unwrap();
    let routes = Routes::open().unwrap();
    let tcp = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let options = Options {
        require_sandbox: true,
        keep: &[socket.as_fd(), route.as_fd(), routes.as_fd(), tcp.as_fd()],
    };
    let report = privilege::drop(&table::PING, &options);
    println!("{report:?}");
    socket.send_to(b"ping", address).unwrap();
    let mut fds = [nix::poll::PollFd::new(
        socket.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    let soon = Some(nix::sys::time::TimeSpec::from(Duration::from_secs(1)));
    assert_eq!(nix::poll::ppoll(&mut fds, soon, None), Ok(1));
    let mut buf = [0; 16];
    assert_eq!(socket.recv_from(&mut buf).unwrap(), (4, address));
    stamp::restart_count(&socket).unwrap();
    let local = routes.lookup(&Query::to("127.0.0.2".parse().unwrap()));
    assert_eq!(local.unwrap().kind, Kind::Local);
    // Memory comes and goes in all sizes.
    let mut grown: Vec<u8> = Vec::new();
    for size in [10, 100_000, 40_000_000] {
        grown.resize(size, 7);
    }
    drop(grown);
    let map: std::collections::HashMap<_, _> = (0..1000).map(|n| (n, n)).collect();
    assert_eq!(map[&999], 999);
    let before = wall();
    std::thread::sleep(Duration::from_millis(1));
    assert!(wall() != before);
    println!("worked");
    ExitCode::SUCCESS
}

/// A row that may open files and sockets by its filter: Landlock alone must refuse them.
fn files() -> ExitCode {
    static OPENING: &[Call] = &[
        Call {
            name: "openat",
            number: libc::SYS_openat,
            only: &[],
        },
        Call {
            name: "socket",
            number: libc::SYS_socket,
            only: &[],
        },
        Call {
            name: "connect",
            number: libc::SYS_connect,
            only: &[],
        },
        Call {
            name: "kill",
            number: libc::SYS_kill,
            only: &[],
        },
        Call {
            name: "getppid",
            number: libc::SYS_getppid,
            only: &[],
        },
        Call {
            name: "setsockopt",
            number: libc::SYS_setsockopt,
            only: &[],
        },
        Call {
            name: "mkdirat",
            number: libc::SYS_mkdirat,
            only: &[],
        },
        Call {
            name: "mkdir",
            number: libc::SYS_mkdir,
            only: &[],
        },
    ];
    static ROW: Need = Need {
        command: "test",
        needs: "",
        without: "",
        files: &["/proc/sys"],
        tcp_ports: &[],
        groups: &[
            OPENING,
            table::PING.groups[0],
            table::PING.groups[1],
            table::PING.groups[2],
            table::PING.groups[3],
            table::PING.groups[4],
            table::PING.groups[5],
            table::PING.groups[6],
            table::PING.groups[7],
        ],
        on_other_call: OnOther::Refuse,
    };
    let report = privilege::drop(&ROW, &Options::default()).unwrap();
    let refused = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    };
    refused(File::open("/etc/hostname").map(drop));
    refused(File::open("/proc/self/status").map(drop));
    assert!(File::open("/proc/sys/kernel/ostype").is_ok());
    refused(File::create("/tmp/rawsock-test-must-not-exist").map(drop));
    if report.landlock == Landlock::Full {
        refused(TcpStream::connect("127.0.0.1:9").map(drop));
        let parent = nix::unistd::getppid();
        assert_eq!(
            nix::sys::signal::kill(parent, None),
            Err(nix::errno::Errno::EPERM)
        );
    }
    // The filter itself refuses what the row does not list.
    assert_eq!(
        unshare(CloneFlags::CLONE_NEWNET),
        Err(nix::errno::Errno::EPERM)
    );
    ExitCode::SUCCESS
}

/// `--require-sandbox`.
fn require() -> ExitCode {
    let options = Options {
        require_sandbox: true,
        keep: &[],
    };
    match privilege::drop(&table::PING, &options) {
        Ok(report) => {
            println!("{report:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn panic_inside() -> ExitCode {
    drop_as_ping();
    let nothing: Option<u8> = std::hint::black_box(None);
    nothing.expect("a value with \x1b[31m colour");
    ExitCode::SUCCESS
}

/// Closes 0 to 2, fills the gaps, and tells through descriptor 3 what they are now.
fn gaps() -> ExitCode {
    let out = io::stdout().as_fd().try_clone_to_owned().unwrap();
    for fd in 0..3 {
        nix::unistd::close(fd).unwrap();
    }
    privilege::close_gaps().unwrap();
    let names: Vec<_> = (0..3)
        .map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap())
        .collect();
    writeln!(File::from(out), "{names:?}").unwrap();
    ExitCode::SUCCESS
}
