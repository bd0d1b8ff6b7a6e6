//! The parent's side: starts children as different users and reads what /proc says of them.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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
    /// The same user, but the file has CAP_NET_RAW (setcap).
    Setcap,
    /// The same user, but the file is root's and setuid, and sudo's variables are forged.
    Setuid,
    /// Root of a user namespace with one mapped user.
    OneUser,
    /// In a container that refuses Landlock and seccomp.
    Refused,
}

/// True where the tests themselves are root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

impl Who {
    /// Only root can start a child that is somebody else.
    fn needs_root(self) -> bool {
        matches!(self, Self::Sudo | Self::Plain | Self::Setcap | Self::Setuid)
    }
}

/// The user of [`Who::Plain`].
pub const PLAIN: (u32, u32) = (12345, 12346);

/// Copies of programs that every user can execute, wherever the target directory lies.
struct Programs {
    tests: PathBuf,
    setcap: PathBuf,
    setuid: PathBuf,
    rawsock: PathBuf,
    rawsock_setcap: PathBuf,
}

static PROGRAMS: LazyLock<Programs> = LazyLock::new(|| {
    let copy = |from: &str, name: &str, mode: u32| {
        let id = std::process::id();
        let to = std::env::temp_dir().join(format!("rawsock-test-{id}-{name}"));
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
        to
    };
    let own = "/proc/self/exe";
    let programs = Programs {
        tests: copy(own, "tests", 0o755),
        setcap: copy(own, "setcap", 0o755),
        setuid: copy(own, "setuid", 0o4755),
        rawsock: copy(env!("CARGO_BIN_EXE_rawsock"), "rawsock", 0o755),
        rawsock_setcap: copy(env!("CARGO_BIN_EXE_rawsock"), "rawsock-setcap", 0o755),
    };
    if is_root() {
        allow_raw_sockets(&programs.setcap);
        allow_raw_sockets(&programs.rawsock_setcap);
    }
    programs
});

/// `setcap cap_net_raw+ep`: the attribute of capabilities(7), VFS_CAP_REVISION_2.
#[expect(unsafe_code, reason = "neither std nor nix sets attributes")]
fn allow_raw_sockets(program: &Path) {
    let effective_revision_2 = 0x0200_0001_u32;
    let net_raw = 1_u32 << 13;
    let words = [effective_revision_2, net_raw, 0, 0, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let path = CString::new(program.as_os_str().as_bytes()).unwrap();
    let name = c"security.capability";
    // SAFETY: both strings end with NUL, and the value is readable for its length.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// The copy of rawsock.
pub fn rawsock() -> &'static Path {
    &PROGRAMS.rawsock
}

/// The copy of rawsock that has CAP_NET_RAW.
pub fn rawsock_setcap() -> &'static Path {
    &PROGRAMS.rawsock_setcap
}

/// Removes the copies again.
pub fn clean_up() {
    if let Some(programs) = LazyLock::get(&PROGRAMS) {
        let Programs {
            tests,
            setcap,
            setuid,
            rawsock,
            rawsock_setcap,
        } = programs;
        for copy in [tests, setcap, setuid, rawsock, rawsock_setcap] {
            let _ = fs::remove_file(copy);
        }
    }
}

pub fn command(who: Who, role: &str) -> Command {
    let mut command = Command::new(match who {
        Who::Setcap => &PROGRAMS.setcap,
        Who::Setuid => &PROGRAMS.setuid,
        _ => &PROGRAMS.tests,
    });
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
        Who::Plain | Who::Setcap => {
            command.uid(PLAIN.0).gid(PLAIN.1);
        }
        Who::Setuid => {
            command.env("SUDO_UID", "4321").env("SUDO_GID", "4322");
            command.uid(PLAIN.0).gid(PLAIN.1);
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
        let possible =
            (is_root() || !who.needs_root()) && (required || run(who, role).status.success());
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
        Self::after_first_line(&mut command(who, "hold"))
    }

    /// Starts a child and waits for its first line.
    pub fn after_first_line(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
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

    /// Ends it as Ctrl-C does; what it wrote since its first line.
    pub fn interrupt(mut self) -> Output {
        let id = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(id, Signal::SIGINT).unwrap();
        let mut stdout = Vec::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut stdout)
            .unwrap();
        let mut stderr = Vec::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_end(&mut stderr)
            .unwrap();
        Output {
            status: self.child.wait().unwrap(),
            stdout,
            stderr,
        }
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
