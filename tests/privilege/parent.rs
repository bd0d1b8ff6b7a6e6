//! The parent's side: starts children as different users and reads what /proc says of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex};

use crate::child::{REFUSED, ROLE, USERNS};

/// Who a child is before it drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// As the tests were started.
    Same,
    /// Root through sudo by user 4321.
    Sudo,
    /// An ordinary user without any right; only where the tests run as root.
    Plain,
    /// Root of a user namespace with one mapped user.
    OneUser,
    /// In a container that refuses Landlock and seccomp.
    Refused,
}

/// True where the tests themselves are root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A copy of this program that every user can execute, wherever the target directory lies.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let copy = std::env::temp_dir().join(format!("rawsock-test-{}", std::process::id()));
    fs::copy("/proc/self/exe", &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
});

/// Removes the copy again.
pub fn clean_up() {
    if let Some(copy) = LazyLock::get(&PROGRAM) {
        let _ = fs::remove_file(copy);
    }
}

pub fn command(who: Who, role: &str) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command
        .env_clear()
        .env(ROLE, role)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match who {
        Who::Same => {}
        Who::Sudo => {
            command.env("SUDO_UID", "4321").env("SUDO_GID", "4322");
        }
        Who::Plain => {
            command.uid(12345).gid(12346);
        }
        Who::OneUser => {
            command.env(USERNS, "1");
        }
        Who::Refused => {
            command.env(REFUSED, "1");
        }
    }
    command
}

/// Whether the kernel lets such a child be. If not, its tests are reported as ignored under a
/// banner; with RAWSOCK_REQUIRE_NETNS=1 they run and fail.
pub fn possible(who: Who, role: &'static str) -> bool {
    static KNOWN: Mutex<BTreeMap<(Who, &str), bool>> = Mutex::new(BTreeMap::new());
    let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some();
    let mut known = KNOWN.lock().unwrap();
    *known.entry((who, role)).or_insert_with(|| {
        let possible = (is_root() || !matches!(who, Who::Sudo | Who::Plain))
            && (required || run(who, role).status.success());
        if !possible {
            println!(
                "SKIPPED: {who:?} {role}: needs root or namespaces that the kernel refuses here"
            );
        }
        possible
    })
}

pub fn run(who: Who, role: &str) -> Output {
    command(who, role).output().unwrap()
}

/// A child that has dropped and waits; killed at the end.
pub struct Held {
    child: Child,
    /// What it said when it was ready.
    pub said: String,
}

impl Held {
    pub fn start(who: Who) -> Self {
        let mut child = command(who, "hold").spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert!(
            !said.is_empty(),
            "the child died: {:?}",
            child.wait_with_output()
        );
        Self { child, said }
    }

    pub fn proc_path(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }

    /// The lines of /proc/PID/status.
    pub fn status(&self) -> BTreeMap<String, String> {
        fs::read_to_string(self.proc_path("status"))
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
            .collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
