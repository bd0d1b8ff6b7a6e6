//! Names as libpcap finds them, and libpcap's programs by tcpdump.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::process::Command;

use rawsock::filter::{Insn, Link, Table};

/// The built-in names and those of this machine's files, which libpcap reads.
pub fn names() -> Table {
    let mut table = Table::builtin();
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    table.add_services(&read("/etc/services"));
    table.add_protocols(&read("/etc/protocols"));
    table
}

/// Is this CI, where nothing may be skipped and time does not matter?
pub fn thorough() -> bool {
    std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|v| v == "1")
}

/// Is tcpdump here? If not, says so loudly, and fails where tests must not be skipped.
pub fn have_tcpdump() -> bool {
    let found = Command::new("tcpdump").arg("--version").output().is_ok();
    if !found {
        assert!(
            !thorough(),
            "tcpdump is missing: cannot compare with libpcap"
        );
        skipped("tcpdump is missing, nothing was compared with libpcap");
    }
    found
}

/// libpcap's program for an expression, optimised or not, or its message.
pub fn tcpdump(link: Link, expression: &str, optimised: bool) -> Result<Vec<Insn>, String> {
    let output = Command::new("tcpdump")
        .args(if optimised { &[][..] } else { &["-O"] })
        .args(["-n", "-ddd", "-y", link.dlt_name(), "--", expression])
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let insns = text.lines().skip(1).map(|line| {
        let numbers: Vec<u32> = line.split(' ').map(|n| n.parse().unwrap()).collect();
        let [code, jt, jf, k] = numbers[..] else {
            panic!("tcpdump printed {line}");
        };
        Insn {
            code: code.try_into().unwrap(),
            jt: jt.try_into().unwrap(),
            jf: jf.try_into().unwrap(),
            k,
        }
    });
    Ok(insns.collect())
}

/// What tcpdump prints for an expression.
pub fn dump(link: Link, expression: &str, option: &str) -> String {
    let output = Command::new("tcpdump")
        .args(["-n", option, "-y", link.dlt_name(), "--", expression])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skipped(why: &str) {
    eprintln!("\n==== SKIPPED: {why} ====\n");
}
