//! A directory of a test, and the program run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;

/// The binary under test.
pub const RAWSOCK: &str = env!("CARGO_BIN_EXE_rawsock");

/// An empty directory that anybody may write, removed at the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rawsock-read-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// A command in this directory, in UTC.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.0).env("TZ", "UTC");
        command.stdin(Stdio::null());
        command
    }

    /// `rawsock read ARGS` to the end.
    pub fn read(&self, args: &[&str]) -> Result<Ran, Failed> {
        Ran::of(
            self.command(RAWSOCK, &[&["read"], args].concat())
                .output()?,
        )
    }

    /// A shell line to the end; `$RAWSOCK` is the binary.
    pub fn shell(&self, line: &str) -> Result<Ran, Failed> {
        let mut command = self.command("bash", &["-c", line]);
        Ran::of(command.env("RAWSOCK", RAWSOCK).output()?)
    }

    /// Another program, which must succeed; its output.
    pub fn must(&self, program: &str, args: &[&str]) -> Result<String, Failed> {
        let ran = Ran::of(self.command(program, args).output()?)?;
        if ran.code != 0 {
            return Err(format!("{program} {args:?}: {}", ran.stderr).into());
        }
        Ok(ran.stdout)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a program said.
#[derive(Debug)]
pub struct Ran {
    /// Exit code, or 128 and the signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn of(output: Output) -> Result<Self, Failed> {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map(|signal| signal + 128);
        Ok(Self {
            code: output.status.code().or(signal).ok_or("no exit code")?,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }
}
