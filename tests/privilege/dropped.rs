//! After the drop: no right in /proc, no way out, and work, panics and errors as before.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;

use libtest_mimic::{Failed, Trial};

use crate::parent::{Held, PLAIN, Who, is_root, possible, run};

const EVERYBODY: [Who; 6] = [
    Who::Same,
    Who::Sudo,
    Who::Plain,
    Who::Setcap,
    Who::Setuid,
    Who::OneUser,
];

const ESCAPES: [&str; 12] = [
    "open",
    "socket",
    "sockopt",
    "exec",
    "fork",
    "thread",
    "kill",
    "ptrace",
    "unshare",
    "mmapx",
    "mprotectx",
    "mapfile",
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for who in EVERYBODY {
        let mut add = |name: &str, test: fn(Who) -> Result<(), Failed>| {
            let can = possible(who, "gaps");
            trials.push(
                Trial::test(format!("{name}::{who:?}"), move || test(who)).with_ignored_flag(!can),
            );
        };
        add("no_right_is_left", no_right_is_left);
        add("every_escape_dies_with_sigsys", |who| {
            every_escape_dies(who);
            Ok(())
        });
        add("a_run_goes_on_working", |who| {
            a_run_goes_on_working(who);
            Ok(())
        });
        add("landlock_alone_refuses_files_and_tcp", |who| {
            landlock_alone(who);
            Ok(())
        });
        add("panic_is_one_line_and_exit_70", panic_is_one_line);
    }
    trials.push(Trial::test("missing_sandbox_is_one_line_each", || {
        missing_sandbox();
        Ok(())
    }));
    trials.push(Trial::test("required_sandbox_is_fatal", required_sandbox));
    trials.push(Trial::test("closed_standard_descriptors_are_filled", gaps));
    trials
}

fn no_right_is_left(who: Who) -> Result<(), Failed> {
    let held = Held::start(who);
    let status = held.status();
    let get = |key: &str| status.get(key).map_or("missing", String::as_str);
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(get(set), "0000000000000000", "{set}");
    }
    // Taking the bounding set away needs CAP_SETPCAP, which only root has (here or there).
    let had_it = match who {
        Who::Same => is_root(),
        Who::Sudo | Who::Setuid | Who::OneUser => true,
        Who::Plain | Who::Setcap | Who::Refused => false,
    };
    if had_it {
        assert_eq!(get("CapBnd"), "0000000000000000");
    }
    assert_eq!(get("NoNewPrivs"), "1");
    assert_eq!(get("Seccomp"), "2");
    let own = nix::unistd::geteuid().as_raw();
    let (uid, gid) = match who {
        Who::Sudo => (4321, 4322),
        Who::Plain | Who::Setcap | Who::Setuid => PLAIN,
        Who::Same if is_root() => (65534, 65534),
        _ => (own, nix::unistd::getegid().as_raw()),
    };
    assert_eq!(get("Uid"), [uid; 4].map(|id| id.to_string()).join("\t"));
    assert_eq!(get("Gid"), [gid; 4].map(|id| id.to_string()).join("\t"));
    if is_root() && matches!(who, Who::Same | Who::Sudo) {
        assert_eq!(get("Groups"), "");
    }
    // proc(5): what is not dumpable belongs to root, so its owner cannot look inside.
    if uid != own {
        assert_eq!(fs::metadata(held.proc_path("stat"))?.uid(), 0);
    }
    if is_root() {
        let mut open: Vec<String> = fs::read_dir(held.proc_path("fd"))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_, std::io::Error>>()?;
        open.sort();
        let kept = held.said.split(' ').next().unwrap_or_default();
        assert_eq!(open, ["0", "1", "2", kept]);
    }
    if landlock_is_whole() {
        assert!(held.said.contains("landlock: Full"), "{}", held.said);
    }
    // There was something to lose.
    let had_raw = held.said.contains("had_raw=true");
    assert_eq!(had_raw, had_it || who == Who::Setcap, "{}", held.said);
    assert!(held.said.contains("seccomp: true"), "{}", held.said);
    assert!(held.said.contains("missing: []"), "{}", held.said);
    let stays = held.said.contains("stays uid 0 of its user namespace");
    assert_eq!(stays, who == Who::OneUser, "{}", held.said);
    Ok(())
}

/// Scopes came with Linux 6.12, the last of what we ask for.
fn landlock_is_whole() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(12))
}

fn every_escape_dies(who: Who) {
    for how in ESCAPES {
        let output = run(who, &format!("escape {how}"));
        assert_eq!(
            output.status.signal(),
            Some(libc::SIGSYS),
            "{how}: {output:?}"
        );
        assert!(
            !String::from_utf8_lossy(&output.stdout).contains("escaped"),
            "{how}"
        );
    }
}

fn a_run_goes_on_working(who: Who) {
    let output = run(who, "work");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.ends_with(b"worked\n"), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

fn landlock_alone(who: Who) {
    let output = run(who, "files");
    assert!(output.status.success(), "{output:?}");
}

fn panic_is_one_line(who: Who) -> Result<(), Failed> {
    let output = run(who, "panic");
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    let text = String::from_utf8(output.stderr)?;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with("rawsock: internal error: a value with \\x1b[31m colour at "),
        "{text}"
    );
    Ok(())
}

fn missing_sandbox() {
    let held = Held::start(Who::Refused);
    assert!(
        held.said.contains("landlock: None, seccomp: false"),
        "{}",
        held.said
    );
    let status = held.status();
    assert_eq!(status["CapEff"], "0000000000000000");
    assert_eq!(status["NoNewPrivs"], "1");
    for line in ["no Landlock", "no system call filter"] {
        assert!(held.said.contains(line), "{}", held.said);
    }
}

fn required_sandbox() -> Result<(), Failed> {
    let output = run(Who::Refused, "require");
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    let text = String::from_utf8(output.stdout)?;
    assert!(
        text.starts_with("cannot enter the sandbox: no Landlock"),
        "{text}"
    );
    if landlock_is_whole() {
        assert!(run(Who::Same, "require").status.success());
    }
    Ok(())
}

fn gaps() -> Result<(), Failed> {
    let output = run(Who::Same, "gaps");
    assert_eq!(
        String::from_utf8(output.stdout)?,
        "[\"/dev/null\", \"/dev/null\", \"/dev/null\"]\n"
    );
    Ok(())
}
