//! Hints: why a right is missing here, and the one command that grants it. Pure functions of
//! [`Env`], best way first.

use std::fmt;
use std::io;

use super::{Env, NameError};

/// A way out: why it is needed, what it does, and the command to paste; each may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Why it does not work here.
    pub why: String,
    /// What to do, in words.
    pub way: String,
    /// To paste into a shell.
    pub command: Option<String>,
}

impl Hint {
    /// What to do, in words only.
    pub fn text(way: impl Into<String>) -> Self {
        Self {
            way: way.into(),
            ..Self::default()
        }
    }

    /// Why, where nothing can be done from here.
    pub fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            ..Self::default()
        }
    }

    /// A command that needs no words.
    pub fn command(command: impl Into<String>) -> Self {
        Self {
            command: Some(command.into()),
            ..Self::default()
        }
    }

    fn run(why: impl Into<String>, way: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            way: way.into(),
            command: Some(command.into()),
        }
    }
}

/// Why the routing table knows no way to an address.
pub fn no_way(address: &str, error: &io::Error) -> Vec<Hint> {
    let loopback = address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.is_loopback());
    let why = match error.raw_os_error() {
        Some(libc::ENETUNREACH) if loopback => {
            let why = "the loopback interface is down";
            return vec![Hint::run(why, "as root", "ip link set lo up")];
        }
        Some(libc::ENETUNREACH) => "no route leads there",
        Some(libc::EACCES) => "a prohibit route or rule forbids it",
        Some(libc::EINVAL) => "a blackhole route swallows it",
        Some(libc::EHOSTUNREACH) => "an unreachable route refuses it",
        _ => return Vec::new(),
    };
    vec![Hint::run(why, "see the routes of this host", "ip route")]
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if !self.why.is_empty() && !self.way.is_empty() {
            f.write_str("; ")?;
        }
        f.write_str(&self.way)?;
        match &self.command {
            Some(command) if self.why.is_empty() && self.way.is_empty() => f.write_str(command),
            Some(command) => write!(f, ": {command}"),
            None => Ok(()),
        }
    }
}

/// Every group may open ping sockets. One sysctl governs IPv4 and IPv6.
const OPEN_RANGE: &str = r#"net.ipv4.ping_group_range="0 2147483647""#;

/// Why raw sockets are refused here, and what grants them.
pub fn raw_fix(env: &Env) -> Vec<Hint> {
    let exe = env.exe_word();
    if env.net_raw {
        // user_namespaces(7): a capability counts for what its user namespace owns.
        return vec![Hint::run(
            "CAP_NET_RAW counts only in a network of its own user namespace",
            "start a shell in such a network",
            "unshare --map-root-user --net",
        )];
    }
    if let Some(kind) = &env.container
        && !env.net_raw_bound
    {
        return vec![Hint::run(
            format!("CAP_NET_RAW is missing in this {kind} container"),
            "start it with",
            container_run(kind, "--cap-add NET_RAW"),
        )];
    }
    if env.uid == 0 {
        return vec![Hint {
            why: "CAP_NET_RAW is missing although this is root".into(),
            way: "give it back where this was started: see CapBnd in /proc/self/status".into(),
            command: None,
        }];
    }
    let mut hints = Vec::new();
    if env.no_new_privs {
        return vec![Hint {
            why: "CAP_NET_RAW is missing, and no_new_privs keeps it so".into(),
            way: "start it from another session: neither setcap nor sudo work in this one".into(),
            command: None,
        }];
    }
    if !env.net_raw_bound {
        return vec![Hint {
            why: "CAP_NET_RAW is missing from the bounding set of this session".into(),
            way: "start it from another session".into(),
            command: None,
        }];
    }
    if env.nosuid {
        hints.push(Hint::run(
            "CAP_NET_RAW is missing, and this file system is mounted nosuid",
            "install and allow",
            format!(
                "sudo install {exe} /usr/local/bin/rawsock && \
                 sudo setcap cap_net_raw+ep /usr/local/bin/rawsock"
            ),
        ));
    } else {
        hints.push(Hint::run(
            "CAP_NET_RAW is missing",
            "allow this program raw sockets",
            format!("sudo setcap cap_net_raw+ep {exe}"),
        ));
    }
    hints.push(Hint::run(
        "",
        "or run it as root",
        format!("sudo {exe} ..."),
    ));
    hints
}

/// Why ping sockets are refused here, and what grants them.
pub fn datagram_fix(env: &Env) -> Vec<Hint> {
    let why = match env.ping_group_range {
        Some((first, last)) if first > last => {
            format!("net.ipv4.ping_group_range is \"{first} {last}\" (no group may)")
        }
        Some((first, last)) => {
            format!("net.ipv4.ping_group_range is \"{first} {last}\" (not our groups)")
        }
        None => return vec![Hint::because("this kernel has no ping sockets")],
    };
    if let Some(kind) = &env.container
        && env.sysctl_fixed
    {
        return vec![Hint::run(
            why,
            "start the container with",
            container_run(kind, &format!("--sysctl {OPEN_RANGE}")),
        )];
    }
    let (command, range) = match (env.uid, env.user_namespace) {
        // Only mapped groups can be named there (user_namespaces(7)), and root's is.
        (0, true) => ("sysctl -w ", r#"net.ipv4.ping_group_range="0 0""#),
        (0, false) => ("sysctl -w ", OPEN_RANGE),
        _ => ("sudo sysctl -w ", OPEN_RANGE),
    };
    vec![Hint::run(
        why,
        "allow ping sockets",
        format!("{command}{range}"),
    )]
}

/// The start of a container with one more option, in the words of its own program.
fn container_run(kind: &str, option: &str) -> String {
    let program = if kind == "podman" { "podman" } else { "docker" };
    format!("{program} run {option} ...")
}

/// Why user namespaces are refused here, and what allows them.
pub fn userns_fix(env: &Env) -> Vec<Hint> {
    let sysctl = |why: &str, way: &str, setting: &str| {
        vec![Hint::run(why, way, format!("sudo sysctl -w {setting}"))]
    };
    if let Some(kind) = &env.container {
        return vec![Hint::run(
            format!("this {kind} container refuses user namespaces"),
            "start it with",
            container_run(kind, "--cap-add NET_ADMIN --cap-add SYS_ADMIN"),
        )];
    }
    if env.max_user_namespaces == Some(0) {
        return sysctl(
            "user.max_user_namespaces is 0",
            "allow them",
            "user.max_user_namespaces=15000",
        );
    }
    if env.userns_clone == Some(false) {
        return sysctl(
            "kernel.unprivileged_userns_clone is 0",
            "allow them",
            "kernel.unprivileged_userns_clone=1",
        );
    }
    if env.apparmor_userns == Some(true) {
        return sysctl(
            "AppArmor takes the rights from new user namespaces",
            "allow this program by the profile in capabilities.md, or all",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    vec![Hint::run(
        "the kernel refuses user namespaces to this user",
        "run it as root",
        format!("sudo {} ...", env.exe_word()),
    )]
}

/// For [`super::Error::Namespaces`]: the rule that refuses, what allows it, and root besides.
pub(super) fn no_namespaces(source: &io::Error, env: &Env) -> Vec<Hint> {
    // ENOSPC is the limit of a user namespace, ours or one outside (user_namespaces(7)).
    let ruled = matches!(
        source.raw_os_error(),
        Some(libc::EPERM | libc::EACCES | libc::ENOSPC | libc::EUSERS)
    );
    if !ruled {
        return Vec::new();
    }
    let mut hints = userns_fix(env);
    if env.apparmor_userns == Some(true) && env.container.is_none() {
        let text = "with that profile instead: sudo apparmor_parser -r /etc/apparmor.d/rawsock";
        hints.push(Hint::text(text));
    }
    let sudo = |hint: &Hint| {
        hint.command
            .as_deref()
            .is_some_and(|c| c.contains("rawsock"))
    };
    if env.uid != 0 && env.container.is_none() && !hints.iter().any(sudo) {
        let command = format!("sudo {} lab ...", env.exe_word());
        hints.push(Hint::run("", "or run it as root", command));
    }
    hints
}

/// Why a port below 1024 is refused here, and what to do.
pub fn low_port_fix(env: &Env) -> Vec<Hint> {
    let start = env.port_start.unwrap_or(1024);
    vec![Hint::run(
        format!("ports without a right begin at {start}"),
        "take one of those, or allow all",
        "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0",
    )]
}

/// For [`super::Error::NoIcmpSocket`]: what refused, by errno, and the ways out.
pub(super) fn no_icmp_socket(
    raw: Option<&io::Error>,
    dgram: Option<&io::Error>,
    env: &Env,
) -> Vec<Hint> {
    let errno = |error: Option<&io::Error>| error.and_then(io::Error::raw_os_error);
    if [errno(raw), errno(dgram)].contains(&Some(libc::EAFNOSUPPORT)) {
        return vec![Hint::text("this kernel has no IPv6; try -4")];
    }
    let mut hints = Vec::new();
    if matches!(errno(raw), Some(libc::EPERM | libc::EACCES)) {
        hints.extend(raw_fix(env));
    }
    if matches!(errno(dgram), Some(libc::EPERM | libc::EACCES)) {
        hints.extend(datagram_fix(env));
    }
    hints
}

/// Whether [`sockets`] knows this operation.
pub(super) fn is_of_sockets(operation: &str) -> bool {
    matches!(operation, "bind" | "connect to" | "open")
}

/// For plain sockets: what is in the way, and what to do about it. Connecting may fail inside the
/// sandbox, where `env` cannot be asked.
pub(super) fn sockets(
    operation: &str,
    object: &str,
    source: &io::Error,
    env: impl FnOnce() -> Env,
) -> Vec<Hint> {
    let is_path = object.starts_with(['/', '.']);
    match (operation, source.raw_os_error()) {
        ("bind", Some(libc::EACCES)) if !is_path => low_port_fix(&env()),
        ("bind", Some(libc::EADDRINUSE)) if is_path => vec![Hint::run(
            "the file is there already",
            "if no server uses it any more",
            format!("rm {object}"),
        )],
        ("bind", Some(libc::EADDRINUSE)) => {
            vec![Hint::run(
                "another program has it",
                "see which",
                "ss -ltnup",
            )]
        }
        ("open", Some(libc::EPERM)) if object.ends_with(" socket") => raw_fix(&env()),
        ("connect to", Some(libc::ECONNREFUSED)) => vec![Hint::run(
            "nobody listens there",
            "start a server first",
            "rawsock echo server tcp",
        )],
        ("connect to", Some(libc::EPROTOTYPE)) => {
            vec![Hint::text(
                "the server's socket is of another kind (unix-stream, ...)",
            )]
        }
        _ => Vec::new(),
    }
}

/// For [`super::Error::Resolve`].
pub(super) fn resolve(name: &str, cause: &NameError) -> Vec<Hint> {
    match cause {
        NameError::NotKnown if !name.is_ascii() => vec![Hint::text(
            "a name with letters outside ASCII is asked as it is; try its xn-- form",
        )],
        NameError::NotKnown | NameError::Failed(_) => {
            vec![Hint::text("check the spelling, or give an address")]
        }
        NameError::NoAnswer { .. } | NameError::ResolverEnded => vec![Hint::text(
            "an address needs no name server (/etc/resolv.conf names the servers)",
        )],
        NameError::NoAddress {
            family: Some("IPv6"),
        } => vec![Hint::text("try it without -6")],
        NameError::NoAddress {
            family: Some("IPv4"),
        } => vec![Hint::text("try it without -4")],
        NameError::WrongFamily { wanted, .. } => {
            let letter = if *wanted == "IPv4" { "-4" } else { "-6" };
            vec![Hint::text(format!("try it without {letter}"))]
        }
        NameError::ScopeUnused => {
            let address = name.split('%').next().unwrap_or_default();
            vec![Hint::command(address)]
        }
        NameError::NoAddress { .. } | NameError::TooLong(_) | NameError::Empty => Vec::new(),
    }
}
