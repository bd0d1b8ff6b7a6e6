//! `rawsock ping` itself while it runs: rights, descriptors, system calls, environment.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libtest_mimic::{Failed, Trial};
use nix::sched::{CloneFlags, unshare};
use rawsock::lab::Netlink;

use crate::parent::{Held, PLAIN, Who, command, is_root, rawsock, rawsock_setcap};

/// Program and arguments for the child, separated by newlines.
const PROGRAM: &str = "RAWSOCK_TEST_PROGRAM";

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("ping_by_root_runs_as_nobody", || {
            running(Who::Same, 65534, "hdrincl")
        }),
        Trial::test("ping_by_sudo_runs_as_its_user", || {
            running(Who::Sudo, 4321, "hdrincl")
        }),
        Trial::test("ping_by_setcap_keeps_no_right", || {
            running(Who::Setcap, PLAIN.0, "hdrincl")
        }),
        Trial::test("ping_by_group_range_keeps_no_right", || {
            running(Who::Plain, PLAIN.0, "dgram")
        }),
    ];
    let can = Command::new("strace").arg("--version").output().is_ok()
        || std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some();
    let traced = [
        Trial::test("ping_opens_drops_runs", opens_drops_runs),
        Trial::test("ping_opens_nothing_that_the_environment_names", || {
            environment();
            Ok(())
        }),
    ];
    trials.extend(traced.map(|trial| trial.with_ignored_flag(!can)));
    trials
        .into_iter()
        .map(|trial| {
            let ignored = trial.has_ignored_flag();
            trial.with_ignored_flag(ignored || !is_root())
        })
        .collect()
}

/// The child's side: a network of its own, then the program.
pub fn role(who: &str) -> ExitCode {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    Netlink::open().unwrap().set_up("lo", true).unwrap();
    if who == "Plain" {
        let range = "/proc/sys/net/ipv4/ping_group_range";
        fs::write(range, "0 2147483647").unwrap();
    }
    let words = std::env::var(PROGRAM).unwrap();
    let mut words = words.lines();
    let mut program = Command::new(words.next().unwrap());
    program.args(words).env_remove(PROGRAM);
    if matches!(who, "Plain" | "Setcap") {
        program.uid(PLAIN.0).gid(PLAIN.1);
    }
    panic!("{program:?}: {}", program.exec());
}

fn in_own_network(who: Who, program: &[&str]) -> Command {
    // The child becomes somebody only after it has made its network.
    let starter = if who == Who::Sudo {
        Who::Sudo
    } else {
        Who::Same
    };
    let mut command = command(starter, &format!("ping {who:?}"));
    command
        .env(PROGRAM, program.join("\n"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn running(who: Who, uid: u32, socket: &str) -> Result<(), Failed> {
    let program = if who == Who::Setcap {
        rawsock_setcap()
    } else {
        rawsock()
    };
    let program = program.to_str().unwrap();
    let arguments = ["ping", "--json", "-i", "0.01", "127.0.0.1"];
    let held = Held::after_first_line(&mut in_own_network(
        who,
        &[&[program], &arguments[..]].concat(),
    ));
    let start: serde_json::Value = serde_json::from_str(&held.said)?;
    assert_eq!(start["sandbox"], true, "{start}");
    assert_eq!(start["socket"], socket, "{start}");
    let status = held.status();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    if matches!(who, Who::Same | Who::Sudo) {
        assert_eq!(status["CapBnd"], "0000000000000000");
        assert_eq!(status["Groups"], "");
    }
    assert_eq!(status["Uid"], [uid; 4].map(|id| id.to_string()).join("\t"));
    assert_eq!(status["NoNewPrivs"], "1");
    assert_eq!(status["Seccomp"], "2");
    assert_eq!(status["Threads"], "1");
    let open = fs::read_dir(held.proc_path("fd"))?.count();
    assert!(open <= 8, "{open} descriptors");
    let output = held.interrupt();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout)?.contains("\"type\":\"summary\""));
    assert!(output.stderr.is_empty());
    Ok(())
}

/// All system calls of a run under strace, one a line.
fn trace(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Vec<String> {
    let binary = rawsock().to_str().unwrap();
    let strace = [
        "strace", "-f", "-q", binary, "ping", "-c", "2", "-i", "0.01",
    ];
    let mut command = in_own_network(Who::Same, &[&strace[..], arguments].concat());
    prepare(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text.lines().map(str::to_owned).collect()
}

/// SAFETY rule 1: nothing from the network is read before the drop, nothing opened after it.
fn opens_drops_runs() -> Result<(), Failed> {
    let calls = trace(&["127.0.0.1"], |_| {});
    let find = |text: &str| {
        let place = calls.iter().position(|call| call.contains(text));
        place.ok_or_else(|| Failed::from(format!("no {text} in {calls:#?}")))
    };
    let (start, drop) = (find("fcntl(0, F_GETFD)")?, find("PR_CAPBSET_DROP")?);
    let sealed = find("seccomp(SECCOMP_SET_MODE_FILTER")?;
    assert!(drop - start <= 60, "{} calls with rights", drop - start);
    // A raw socket hears everything at once: what came before the filter is thrown away unread.
    let read = calls[start..sealed]
        .iter()
        .filter(|call| call.starts_with("recvmsg("));
    for call in read {
        assert!(call.contains("EAGAIN"), "{call}");
    }
    let name = |call: &String| call.split('(').next().unwrap_or_default().to_owned();
    for call in &calls[sealed + 1..] {
        let opening = [
            "openat", "open", "socket", "execve", "clone", "clone3", "dup",
        ];
        assert!(!opening.contains(&&*name(call)), "{call}");
        assert!(!call.contains("EBADF"), "{call}");
    }
    Ok(())
}

fn environment() {
    let names = [
        "HOME",
        "TMPDIR",
        "HOSTALIASES",
        "RES_OPTIONS",
        "LOCALDOMAIN",
        "LOCPATH",
        "NLSPATH",
        "GCONV_PATH",
        "MALLOC_TRACE",
        "RESOLV_HOST_CONF",
        "TZDIR",
        "TZ",
        "TERMINFO",
        "RUST_BACKTRACE",
        "XDG_CONFIG_HOME",
        "SSLKEYLOGFILE",
        "NIS_PATH",
        "LANGUAGE",
        "LC_ALL",
        "RAWSOCK_CONFIG",
        "PAGER",
        "EDITOR",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
    ];
    // A name as target, so that the resolver process runs too.
    let calls = trace(&["localhost"], |command| {
        for name in names {
            command.env(name, "/evil/place");
        }
    });
    assert!(
        calls.iter().any(|call| call.contains("/etc/hosts")),
        "{calls:#?}"
    );
    for call in calls.iter().filter(|call| !call.starts_with("execve(")) {
        assert!(!call.contains("/evil"), "{call}");
    }
}
