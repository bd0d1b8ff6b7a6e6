//! Gathers the facts of [`Env`]. Reads files, so never after the drop.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use caps::{CapSet, Capability};
use nix::sys::prctl;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::sys::utsname::uname;
use nix::unistd::Uid;

use crate::error::Env;

/// Looks at the process and the machine. What cannot be read is `None` or false.
pub fn env() -> Env {
    let exe = std::env::current_exe().ok();
    let has = |set| caps::has_cap(None, set, Capability::CAP_NET_RAW).unwrap_or(false);
    Env {
        uid: Uid::effective().as_raw(),
        net_raw: has(CapSet::Permitted),
        net_raw_bound: has(CapSet::Bounding),
        no_new_privs: prctl::get_no_new_privs().unwrap_or(false),
        user_namespace: numbers::<u32>("/proc/self/uid_map")
            .is_some_and(|map| map != [0, 0, u32::MAX]),
        nosuid: exe
            .as_deref()
            .and_then(mount_flags)
            .is_some_and(|flags| flags.contains(FsFlags::ST_NOSUID)),
        exe,
        ping_group_range: match numbers("/proc/sys/net/ipv4/ping_group_range").as_deref() {
            Some(&[first, last]) => Some((first, last)),
            _ => None,
        },
        sysctl_fixed: mount_flags("/proc/sys").is_some_and(|f| f.contains(FsFlags::ST_RDONLY)),
        port_start: number("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
        max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
        userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone").map(is_on),
        apparmor_userns: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
            .map(is_on),
        container: container(),
        kernel: uname()
            .map(|name| name.release().to_string_lossy().into_owned())
            .unwrap_or_default(),
        distro: fs::read_to_string("/etc/os-release")
            .ok()
            .and_then(|text| pretty_name(&text)),
    }
}

/// How the file system that holds `path` is mounted.
fn mount_flags(path: impl AsRef<Path>) -> Option<FsFlags> {
    statvfs(path.as_ref()).ok().map(|fs| fs.flags())
}

fn is_on(value: u8) -> bool {
    value != 0
}

/// The numbers of a small file under /proc, if it holds nothing else.
fn numbers<T: FromStr>(path: &str) -> Option<Vec<T>> {
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace()
        .map(|word| word.parse().ok())
        .collect()
}

/// The one number of a file.
fn number<T: FromStr + Copy>(path: &str) -> Option<T> {
    match numbers(path)?.as_slice() {
        &[value] => Some(value),
        _ => None,
    }
}

/// The kind of container, by the marks that docker, podman and systemd leave
/// (<https://systemd.io/CONTAINER_INTERFACE>).
fn container() -> Option<String> {
    if let Ok(kind) = fs::read_to_string("/run/systemd/container") {
        return Some(kind.trim().to_owned());
    }
    let marks = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];
    marks
        .iter()
        .find(|(path, _)| Path::new(path).exists())
        .map(|(_, kind)| (*kind).to_owned())
}

/// `PRETTY_NAME` of os-release(5), without its quotes.
fn pretty_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_agree_with_proc() {
        let env = env();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let field = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        let has_net_raw = |key: &str| {
            let set = u64::from_str_radix(&field(key), 16).unwrap();
            set >> 13 & 1 == 1 // CAP_NET_RAW of linux/capability.h
        };
        assert_eq!(env.net_raw, has_net_raw("CapPrm:"));
        assert_eq!(env.net_raw_bound, has_net_raw("CapBnd:"));
        assert_eq!(env.no_new_privs, field("NoNewPrivs:") == "1");
        assert!(env.exe.unwrap().is_absolute());
        assert!(env.ping_group_range.is_some());
        assert!(!env.kernel.is_empty());
    }

    #[test]
    fn distribution_is_named_as_it_names_itself() {
        let text = "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(
            pretty_name(text).as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert_eq!(pretty_name("PRETTY_NAME=Void\n").as_deref(), Some("Void"));
        assert_eq!(pretty_name("ID=x\n"), None);
    }
}
