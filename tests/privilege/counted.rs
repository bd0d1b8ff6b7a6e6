//! Where a call that the row does not list is refused and counted: a capture goes on, and what
//! nobody needs still kills.

use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use libtest_mimic::{Failed, Trial};
use rawsock::privilege::{self, Options, table};

use crate::child;
use crate::parent::{Who, command};

/// Makes a debug build count, as a release does.
const COUNTING: &str = "RAWSOCK_TEST_COUNTING";

const FATAL: [&str; 9] = [
    "exec",
    "ptrace",
    "socket",
    "create",
    "append",
    "truncate",
    "mmapx",
    "mprotectx",
    "mapfilex",
];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_refused_call_is_eperm_and_counted", counted),
        Trial::test("what_nobody_needs_kills", fatal),
        Trial::test("in_tests_every_call_kills", || {
            everything_kills();
            Ok(())
        }),
        Trial::test("a_sent_sigsys_changes_nothing", sent),
    ]
}

fn run(role: &str, counting: bool) -> Output {
    let mut command = command(Who::Same, role);
    if counting {
        command.env(COUNTING, "1");
    }
    command.output().unwrap()
}

fn counted() -> Result<(), Failed> {
    let output = run("count refused", true);
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout)?;
    let mut list: Vec<&str> = told.trim().split(", ").collect();
    list.sort_unstable();
    let unshare = format!("call {} 2", libc::SYS_unshare);
    assert_eq!(list, [&*unshare, "getcwd 1", "mmap 1", "openat 3"]);
    Ok(())
}

fn fatal() -> Result<(), Failed> {
    for how in FATAL {
        let output = run(&format!("count {how}"), true);
        let signal = output.status.signal();
        assert_eq!(signal, Some(libc::SIGSYS), "{how}: {output:?}");
        let told = String::from_utf8(output.stdout)?;
        assert!(!told.contains("escaped"), "{how}: {told}");
    }
    Ok(())
}

fn everything_kills() {
    let output = run("count refused", false);
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{output:?}");
}

fn sent() -> Result<(), Failed> {
    let output = run("count sent", true);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout)?, "None\n");
    Ok(())
}

/// The child's side.
pub fn role(how: &str) {
    let file = "/tmp/rawsock-test-must-not-exist";
    privilege::drop(&table::READ, &Options::default()).unwrap();
    match how {
        "refused" => {
            assert_eq!(privilege::refused_calls(), None);
            for _ in 0..3 {
                denied(File::open("/etc/hostname").map(drop));
            }
            for _ in 0..2 {
                let new = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
                denied(new.map_err(Into::into));
            }
            denied(child::map(libc::PROT_READ, libc::MAP_PRIVATE, 0).map(drop));
            denied(std::env::current_dir().map(drop));
            println!("{}", privilege::refused_calls().unwrap());
            return;
        }
        "sent" => {
            // Raised by tgkill(2), which is allowed: no call was refused.
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGSYS).unwrap();
            println!("{:?}", privilege::refused_calls());
            return;
        }
        _ => {}
    }
    let outcome = match how {
        "create" => File::create(file).map(drop),
        "append" => File::options().append(true).open(file).map(drop),
        "truncate" => File::options()
            .write(true)
            .truncate(true)
            .open(file)
            .map(drop),
        "mapfilex" => child::map(libc::PROT_EXEC, libc::MAP_PRIVATE, 0).map(drop),
        other => child::attempt(other),
    };
    println!("escaped: {outcome:?}");
}

fn denied(result: io::Result<()>) {
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPERM));
}
