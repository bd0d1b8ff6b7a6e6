//! Nothing is parsed with rights, and files belong to who asked for them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::build::{Order, Pcap};
use crate::dir::Dir;
use crate::harness::Outcome;

crate::tests![
    no_byte_is_read_before_the_sandbox_is_on: "strace",
    files_belong_to_who_asked,
];

fn pcap() -> Vec<u8> {
    Pcap::new(Order::Little, 0xa1b2_c3d4).packets()
}

fn no_byte_is_read_before_the_sandbox_is_on() -> Outcome {
    let dir = Dir::new("strace");
    dir.write("a.pcap", &pcap());
    for args in ["a.pcap", "a.pcap --json", "a.pcap -w out.pcap", "- <a.pcap"] {
        let ran = dir.shell(&format!(
            "strace -o trace -e trace=read,pread64,mmap,openat,seccomp,write $RAWSOCK read {args} >/dev/null"
        ))?;
        assert_eq!(ran.code, 0, "{args}: {}", ran.stderr);
        let trace = fs::read_to_string(dir.path("trace"))?;
        let of = |what: &str| trace.lines().position(|line| line.contains(what));
        let sandbox = of("seccomp(SECCOMP_SET_MODE_FILTER").ok_or("no sandbox")?;
        // The magic number, as strace quotes it.
        let first = of("\"\\324\\303\\262\\241").ok_or("the file is not read")?;
        assert!(sandbox < first, "{args}: {trace}");
        let mut after = trace.lines().skip(sandbox);
        assert!(
            !after.any(|line| line.starts_with("openat")),
            "{args}: {trace}"
        );
    }
    Ok(())
}

/// As root: the file of `sudo` is the user's, in places where the user may write. As a user: one's
/// own.
fn files_belong_to_who_asked() -> Outcome {
    let dir = Dir::new("owner");
    dir.write("a.pcap", &pcap());
    fs::create_dir(dir.path("ours"))?;
    if !nix::unistd::geteuid().is_root() {
        let ran = dir.read(&["a.pcap", "-w", "ours/x.pcap"])?;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let facts = fs::metadata(dir.path("ours/x.pcap"))?;
        assert_eq!(facts.uid(), nix::unistd::geteuid().as_raw());
        return Ok(());
    }
    let sudo = "SUDO_UID=4321 SUDO_GID=4322 $RAWSOCK read a.pcap -w ";
    // root's directory is none of the user's.
    let ran = dir.shell(&format!("{sudo} ours/x.pcap"))?;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr
            .contains("cannot create ours/x.pcap: Permission denied"),
        "{}",
        ran.stderr
    );
    fs::create_dir(dir.path("theirs"))?;
    nix::unistd::chown(&dir.path("theirs"), Some(4321.into()), Some(4322.into()))?;
    let ran = dir.shell(&format!("{sudo} theirs/x.pcap"))?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // So are those that are made after the drop.
    let ran = dir.shell(&format!(
        "{sudo} theirs/n.pcap -C 1k -W 9 -r a.pcap; ls theirs/n*"
    ))?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for name in ran.stdout.lines() {
        assert_eq!(fs::metadata(dir.path(name))?.uid(), 4321, "{name}");
    }
    let facts = fs::metadata(dir.path("theirs/x.pcap"))?;
    assert_eq!((facts.uid(), facts.gid()), (4321, 4322));
    assert_eq!(facts.permissions().mode() & 0o7777, 0o600);
    // Root without sudo writes root's files, without a capability.
    let ran = dir.read(&["a.pcap", "-w", "ours/x.pcap"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(fs::metadata(dir.path("ours/x.pcap"))?.uid(), 0);
    let ran = dir.read(&["a.pcap", "-w", "theirs/y.pcap"])?;
    assert_eq!(ran.code, 2, "root writes where only the user may: {ran:?}");
    Ok(())
}
