//! Whether a right is really there: each is tried for real, in a child that ends right after.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{getegid, geteuid};
use serde::Serialize;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Options, drop, table};
use crate::error::{Env, Error, Hint, datagram_fix, low_port_fix, raw_fix, userns_fix};
use crate::lab::Netlink;
use crate::sys::netns;
use crate::sys::process::fork_with;

/// A right that commands may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// ICMP datagram sockets: ping without root
    Dgram,
    /// raw sockets: an IP header built by hand
    Raw,
    /// packet sockets: seeing frames of an interface
    Packet,
    /// user namespaces: networks of our own without root
    Userns,
    /// servers on ports below 1024
    Ports,
    /// Landlock and the system call filter
    Sandbox,
}

impl Right {
    /// All, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::Dgram,
        Self::Raw,
        Self::Packet,
        Self::Userns,
        Self::Ports,
        Self::Sandbox,
    ];

    /// In words, at most 20 columns.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dgram => "ping without root",
            Self::Raw => "raw sockets",
            Self::Packet => "packet sockets",
            Self::Userns => "user namespaces",
            Self::Ports => "ports below 1024",
            Self::Sandbox => "sandbox",
        }
    }

    /// Uses the right in a child and tells what the kernel said. Call it with one thread.
    pub fn attempt(self) -> io::Result<()> {
        let child = fork_with(|| match self.used() {
            Ok(()) => 0,
            // Every errno of Linux is below 134 (asm-generic/errno.h).
            Err(error) => error
                .raw_os_error()
                .and_then(|errno| u8::try_from(errno).ok())
                .unwrap_or(u8::MAX),
        })?;
        match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, errno) => Err(io::Error::from_raw_os_error(errno)),
            other => Err(io::Error::other(format!("the attempt ended by {other:?}"))),
        }
    }

    fn used(self) -> io::Result<()> {
        let icmp = Some(Protocol::ICMPV4);
        match self {
            Self::Dgram => Socket::new(Domain::IPV4, Type::DGRAM, icmp).map(|_| ()),
            Self::Raw => Socket::new(Domain::IPV4, Type::RAW, icmp).map(|_| ()),
            // Protocol 0: it hears nothing (packet(7)).
            Self::Packet => Socket::new(Domain::PACKET, Type::RAW, None).map(|_| ()),
            Self::Userns => use_namespaces(),
            Self::Ports => use_low_port(),
            Self::Sandbox => {
                let options = Options {
                    require_sandbox: true,
                    keep: &[],
                };
                drop(&table::PING, &options)
                    .map(|_| ())
                    .map_err(|_| io::Error::from_raw_os_error(libc::EOPNOTSUPP))
            }
        }
    }

    /// Why it is refused here and what grants it.
    pub fn fix(self, error: &io::Error, env: &Env) -> Hint {
        let by_rule = matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES));
        let hints = match self {
            Self::Dgram if by_rule => datagram_fix(env),
            Self::Raw | Self::Packet if by_rule => raw_fix(env),
            // ENOSPC is the limit user.max_user_namespaces (user_namespaces(7)).
            Self::Userns if by_rule || error.raw_os_error() == Some(libc::ENOSPC) => {
                userns_fix(env)
            }
            Self::Ports if by_rule => low_port_fix(env),
            Self::Sandbox => vec![Hint::because(
                "this kernel or container lacks Landlock or seccomp filters",
            )],
            _ => Vec::new(),
        };
        let unknown = || Hint::because(error.to_string());
        hints.into_iter().next().unwrap_or_else(unknown)
    }
}

/// New user and network namespaces, and one change to the new network: AppArmor lets the
/// namespace be made and takes its rights away.
fn use_namespaces() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    netns::unshare_user_and_net()?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Netlink::open()
        .and_then(|netlink| netlink.set_up("lo", true))
        .map_err(|error| match error {
            Error::Io { source, .. } => source,
            other => io::Error::other(other),
        })
}

/// Port 7 (echo), on loopback only. A port that is taken is one that may be used.
fn use_low_port() -> io::Result<()> {
    match UdpSocket::bind((Ipv4Addr::LOCALHOST, 7)) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => Err(error),
        _ => Ok(()),
    }
}
