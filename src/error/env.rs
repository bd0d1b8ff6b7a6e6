//! The facts about machine and process that hints depend on. Gathered by `privilege::env`.

use std::path::PathBuf;

use serde::Serialize;

/// What the shell found out about where it runs. Every field is a fact, none a conclusion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub struct Env {
    /// Effective user.
    pub uid: u32,
    /// CAP_NET_RAW is in the permitted set.
    pub net_raw: bool,
    /// CAP_NET_RAW is in the bounding set: executing a file may grant it.
    pub net_raw_bound: bool,
    /// no_new_privs is set: executing a file grants nothing.
    pub no_new_privs: bool,
    /// We are in a user namespace that is not the first one.
    pub user_namespace: bool,
    /// Path of this program.
    pub exe: Option<PathBuf>,
    /// Its file system ignores file capabilities (mount option nosuid).
    pub nosuid: bool,
    /// net.ipv4.ping_group_range: first and last group of those that may open ping sockets.
    pub ping_group_range: Option<(u32, u32)>,
    /// /proc/sys is mounted read-only, as container programs do: sysctl(8) changes nothing.
    pub sysctl_fixed: bool,
    /// net.ipv4.ip_unprivileged_port_start.
    pub port_start: Option<u16>,
    /// user.max_user_namespaces.
    pub max_user_namespaces: Option<u64>,
    /// kernel.unprivileged_userns_clone of Debian's kernels.
    pub userns_clone: Option<bool>,
    /// kernel.apparmor_restrict_unprivileged_userns of Ubuntu's kernels.
    pub apparmor_userns: Option<bool>,
    /// What kind of container we are in: `docker`, `podman`, `lxc`, ...
    pub container: Option<String>,
    /// Kernel release, as uname(2) gives it.
    pub kernel: String,
    /// PRETTY_NAME of os-release(5).
    pub distro: Option<String>,
}

impl Env {
    /// Path of this program as it is typed into a shell.
    pub fn exe_word(&self) -> String {
        let path = self.exe.as_ref().map(|path| path.to_string_lossy());
        path.map_or("rawsock".into(), |path| quote(&path))
    }
}

/// One shell word: quoted only where it has to be.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_quoted_for_the_shell() {
        let cases = [
            ("/usr/local/bin/rawsock", "/usr/local/bin/rawsock"),
            ("/home/a b/rawsock", "'/home/a b/rawsock'"),
            ("/x/$(reboot)", "'/x/$(reboot)'"),
            ("/it's", r"'/it'\''s'"),
        ];
        for (path, word) in cases {
            let env = Env {
                exe: Some(path.into()),
                ..Env::default()
            };
            assert_eq!(env.exe_word(), word);
        }
        assert_eq!(Env::default().exe_word(), "rawsock");
    }
}
