//! Programs that see other files in /etc: bind mounts in a mount namespace of their own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::harness::find;

/// Files that stand in for those in /etc, removed when dropped.
pub struct Etc {
    folder: PathBuf,
    names: Vec<&'static str>,
}

impl Etc {
    /// `hosts`, `resolv.conf`, with their contents. What /etc does not have cannot be covered.
    pub fn new(files: &[(&'static str, &[u8])]) -> Result<Self, Failed> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("rawsock-etc-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir(&folder)?;
        for (name, content) in files {
            fs::write(folder.join(name), content)?;
        }
        let names = files.iter().map(|(name, _)| *name).collect();
        Ok(Self { folder, names })
    }

    /// A command that will run `program` in `host` with these files. Its pid is the program's.
    pub fn command(&self, host: &Host, program: &str, args: &[&str]) -> Result<Command, Failed> {
        let mut command = host.command("unshare")?;
        let mounts = self.names.iter().map(|name| {
            let file = self.folder.join(name);
            format!("mount --bind '{}' /etc/{name} && ", file.display())
        });
        let script = format!("{}exec \"$@\"", mounts.collect::<String>());
        command.args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            &script,
            "sh",
        ]);
        command.arg(find(program).unwrap_or_else(|| program.into()));
        command.args(args);
        Ok(command)
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
