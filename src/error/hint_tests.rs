//! Every hint in its place: a table of machines and the lines that help there.

use std::io;

use super::hint::*;
use super::{Env, Error};

/// An ordinary user of an ordinary machine.
fn user() -> Env {
    Env {
        uid: 1000,
        net_raw_bound: true,
        exe: Some("/usr/local/bin/rawsock".into()),
        ping_group_range: Some((1, 0)),
        port_start: Some(1024),
        ..Env::default()
    }
}

fn lines(hints: &[Hint]) -> Vec<String> {
    hints.iter().map(Hint::to_string).collect()
}

#[test]
fn raw_hint_fits_the_place() {
    let container = |kind: &str| Env {
        uid: 0,
        net_raw_bound: false,
        container: Some(kind.into()),
        ..user()
    };
    let cases: [(Env, &[&str]); 9] = [
        (
            user(),
            &[
                "CAP_NET_RAW is missing; allow this program raw sockets: sudo setcap cap_net_raw+ep /usr/local/bin/rawsock",
                "or run it as root: sudo /usr/local/bin/rawsock ...",
            ],
        ),
        (
            Env {
                nosuid: true,
                exe: Some("/mnt/my usb/rawsock".into()),
                ..user()
            },
            &[
                "CAP_NET_RAW is missing, and this file system is mounted nosuid; install and allow: sudo install '/mnt/my usb/rawsock' /usr/local/bin/rawsock && sudo setcap cap_net_raw+ep /usr/local/bin/rawsock",
                "or run it as root: sudo '/mnt/my usb/rawsock' ...",
            ],
        ),
        (
            Env {
                no_new_privs: true,
                ..user()
            },
            &[
                "CAP_NET_RAW is missing, and no_new_privs keeps it so; start it from another session: neither setcap nor sudo work in this one",
            ],
        ),
        (
            Env {
                net_raw_bound: false,
                ..user()
            },
            &[
                "CAP_NET_RAW is missing from the bounding set of this session; start it from another session",
            ],
        ),
        (
            Env {
                uid: 0,
                net_raw: true,
                user_namespace: true,
                ..user()
            },
            &[
                "CAP_NET_RAW counts only in a network of its own user namespace; start a shell in such a network: unshare --map-root-user --net",
            ],
        ),
        (
            Env { uid: 0, ..user() },
            &[
                "CAP_NET_RAW is missing although this is root; give it back where this was started: see CapBnd in /proc/self/status",
            ],
        ),
        (
            container("docker"),
            &[
                "CAP_NET_RAW is missing in this docker container; start it with: docker run --cap-add NET_RAW ...",
            ],
        ),
        (
            container("podman"),
            &[
                "CAP_NET_RAW is missing in this podman container; start it with: podman run --cap-add NET_RAW ...",
            ],
        ),
        (
            Env {
                container: Some("docker".into()),
                ..user()
            },
            &[
                "CAP_NET_RAW is missing; allow this program raw sockets: sudo setcap cap_net_raw+ep /usr/local/bin/rawsock",
                "or run it as root: sudo /usr/local/bin/rawsock ...",
            ],
        ),
    ];
    for (env, expected) in cases {
        assert_eq!(lines(&raw_fix(&env)), expected, "{env:?}");
    }
}

#[test]
fn datagram_hint_fits_the_place() {
    let cases = [
        (
            user(),
            "net.ipv4.ping_group_range is \"1 0\" (no group may); allow ping sockets: sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
        ),
        (
            Env {
                ping_group_range: Some((5, 9)),
                ..user()
            },
            "net.ipv4.ping_group_range is \"5 9\" (not our groups); allow ping sockets: sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
        ),
        (
            Env { uid: 0, ..user() },
            "net.ipv4.ping_group_range is \"1 0\" (no group may); allow ping sockets: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
        ),
        (
            Env {
                uid: 0,
                user_namespace: true,
                ..user()
            },
            "net.ipv4.ping_group_range is \"1 0\" (no group may); allow ping sockets: sysctl -w net.ipv4.ping_group_range=\"0 0\"",
        ),
        (
            Env {
                container: Some("docker".into()),
                sysctl_fixed: true,
                ..user()
            },
            "net.ipv4.ping_group_range is \"1 0\" (no group may); start the container with: docker run --sysctl net.ipv4.ping_group_range=\"0 2147483647\" ...",
        ),
        (
            Env {
                ping_group_range: None,
                ..user()
            },
            "this kernel has no ping sockets",
        ),
    ];
    for (env, expected) in cases {
        assert_eq!(lines(&datagram_fix(&env)), [expected], "{env:?}");
    }
}

#[test]
fn namespace_and_port_hints_fit_the_place() {
    let cases: [(Env, &str); 5] = [
        (
            Env {
                max_user_namespaces: Some(0),
                ..user()
            },
            "user.max_user_namespaces is 0; allow them: sudo sysctl -w user.max_user_namespaces=15000",
        ),
        (
            Env {
                userns_clone: Some(false),
                ..user()
            },
            "kernel.unprivileged_userns_clone is 0; allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            Env {
                apparmor_userns: Some(true),
                ..user()
            },
            "AppArmor takes the rights from new user namespaces; allow this program by the profile in capabilities.md, or all: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            Env {
                container: Some("docker".into()),
                ..user()
            },
            "this docker container refuses user namespaces; start it with: docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN ...",
        ),
        (
            user(),
            "the kernel refuses user namespaces to this user; run it as root: sudo /usr/local/bin/rawsock ...",
        ),
    ];
    for (env, expected) in cases {
        assert_eq!(lines(&userns_fix(&env)), [expected], "{env:?}");
    }
    assert_eq!(
        lines(&low_port_fix(&user())),
        [
            "ports without a right begin at 1024; take one of those, or allow all: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0"
        ]
    );
}

#[test]
fn socket_error_names_both_ways() {
    let error = Error::NoIcmpSocket {
        raw: Some(io::Error::from_raw_os_error(libc::EPERM)),
        dgram: Some(io::Error::from_raw_os_error(libc::EACCES)),
    };
    assert_eq!(
            error.render(user),
            "rawsock: cannot open an ICMP socket: raw: Operation not permitted (os error 1); datagram: Permission denied (os error 13)

hint: CAP_NET_RAW is missing; allow this program raw sockets: sudo setcap cap_net_raw+ep /usr/local/bin/rawsock
hint: or run it as root: sudo /usr/local/bin/rawsock ...
hint: net.ipv4.ping_group_range is \"1 0\" (no group may); allow ping sockets: sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
        );
    let no_v6 = Error::NoIcmpSocket {
        raw: Some(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
        dgram: None,
    };
    assert!(
        no_v6
            .render(user)
            .ends_with("hint: this kernel has no IPv6; try -4")
    );
}

#[test]
fn a_refused_lab_names_the_rule_and_root() {
    let refused = |errno| Error::Namespaces {
        step: "unshare(CLONE_NEWUSER | CLONE_NEWNET)",
        source: io::Error::from_raw_os_error(errno),
    };
    let sudo = "or run it as root: sudo /usr/local/bin/rawsock lab ...";
    let cases: [(i32, Env, Vec<&str>); 5] = [
        (
            libc::EPERM,
            Env {
                apparmor_userns: Some(true),
                ..user()
            },
            vec![
                "AppArmor takes the rights from new user namespaces; allow this program by the profile in capabilities.md, or all: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
                "with that profile instead: sudo apparmor_parser -r /etc/apparmor.d/rawsock",
                sudo,
            ],
        ),
        (
            libc::ENOSPC,
            Env {
                max_user_namespaces: Some(0),
                ..user()
            },
            vec![
                "user.max_user_namespaces is 0; allow them: sudo sysctl -w user.max_user_namespaces=15000",
                sudo,
            ],
        ),
        (
            libc::EPERM,
            Env {
                container: Some("docker".into()),
                ..user()
            },
            vec![
                "this docker container refuses user namespaces; start it with: docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN ...",
            ],
        ),
        (
            libc::EPERM,
            user(),
            vec![
                "the kernel refuses user namespaces to this user; run it as root: sudo /usr/local/bin/rawsock ...",
            ],
        ),
        (libc::ENOMEM, user(), vec![]),
    ];
    for (errno, env, expected) in cases {
        let hints = refused(errno).hints(|| env.clone());
        assert_eq!(lines(&hints), expected, "{env:?}");
    }
    assert!(refused(libc::EPERM).render(user).starts_with(
        "rawsock: cannot make a network of our own: unshare(CLONE_NEWUSER | CLONE_NEWNET): "
    ));
}
