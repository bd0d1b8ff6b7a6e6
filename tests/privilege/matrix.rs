//! The matrix of capabilities.md, measured again: `rawsock caps` as different users in networks
//! of their own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libtest_mimic::{Failed, Trial};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use rawsock::lab::Netlink;

use crate::parent::{PLAIN, Who, command, is_root, rawsock};

/// Path of the binary for the child.
const BINARY: &str = "RAWSOCK_TEST_BINARY";

/// Heading in capabilities.md, and the role that makes it.
const COLUMNS: [(&str, &str); 8] = [
    ("nothing", "none"),
    ("open `ping_group_range`", "range"),
    ("`ip_unprivileged_port_start` 0", "ports"),
    ("`CAP_NET_BIND_SERVICE`", "+net_bind_service"),
    ("`CAP_NET_RAW`", "+net_raw"),
    ("`CAP_NET_ADMIN`", "+net_admin"),
    ("own user namespace", "userns"),
    ("root", "root"),
];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("matrix_of_capabilities_md_is_what_this_kernel_does", || {
            compare()
        })
        .with_ignored_flag(!is_root() || userns_are_restricted()),
    ]
}

/// The document describes kernels as they come; this machine forbids more.
fn userns_are_restricted() -> bool {
    let env = rawsock::privilege::env();
    env.apparmor_userns == Some(true)
        || env.userns_clone == Some(false)
        || env.max_user_namespaces == Some(0)
}

/// The child's side: a network as the column has it, then `rawsock caps`.
pub fn role(column: &str) -> ExitCode {
    let binary = std::env::var(BINARY).unwrap();
    if column == "userns" {
        crate::child::enter_one_user_namespace();
    }
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    Netlink::open().unwrap().set_up("lo", true).unwrap();
    let sysctl = |key: &str, value: &str| {
        fs::write(format!("/proc/sys/net/ipv4/{key}"), value).unwrap();
    };
    match column {
        "range" => sysctl("ping_group_range", "0 2147483647"),
        "ports" => sysctl("ip_unprivileged_port_start", "0"),
        _ => {}
    }
    let mut caps = if matches!(column, "userns" | "root") {
        Command::new(binary)
    } else {
        let mut setpriv = Command::new("setpriv");
        setpriv.arg("--clear-groups");
        setpriv.args([
            format!("--reuid={}", PLAIN.0),
            format!("--regid={}", PLAIN.1),
        ]);
        if column.starts_with('+') {
            setpriv.args([
                format!("--inh-caps={column}"),
                format!("--ambient-caps={column}"),
            ]);
        }
        setpriv.arg(binary);
        setpriv
    };
    caps.args(["caps", "--json"]);
    panic!("{caps:?}: {}", caps.exec());
}

/// What `rawsock caps` says in one column: right to `yes` or the name of the errno.
fn measure(column: &str) -> BTreeMap<String, String> {
    let who = if column == "userns" {
        Who::Plain
    } else {
        Who::Same
    };
    let output = command(who, &format!("matrix {column}"))
        .env(BINARY, rawsock())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|object| object["type"] == "right")
        .map(|object| {
            let answer = match object["errno"].as_i64() {
                None => "yes".to_owned(),
                Some(errno) => format!("{:?}", Errno::from_raw(errno.try_into().unwrap())),
            };
            assert_eq!(object["works"] == true, answer == "yes", "{object}");
            (object["right"].as_str().unwrap().to_owned(), answer)
        })
        .collect()
}

fn compare() -> Result<(), Failed> {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/capabilities.md"))?;
    let measured: Vec<_> = COLUMNS.map(|(_, role)| measure(role)).into();
    let mut lines = vec![format!(
        "| right | {} |",
        COLUMNS.map(|(heading, _)| heading).join(" | ")
    )];
    for right in ["dgram", "raw", "packet", "userns", "ports", "sandbox"] {
        let cells: Vec<&str> = measured.iter().map(|column| &*column[right]).collect();
        lines.push(format!("| `{right}` | {} |", cells.join(" | ")));
    }
    let missing: Vec<&String> = lines
        .iter()
        .filter(|line| !document.lines().any(|other| other == **line))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("capabilities.md lacks these lines:\n{missing:#?}").into())
    }
}
