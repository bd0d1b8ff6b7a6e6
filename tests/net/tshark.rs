//! Frames through tshark, the second opinion on what is on the wire.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;

/// Fields of each frame by their display-filter names, as tshark prints them.
pub fn fields(frames: &[Vec<u8>], names: &[&str]) -> Result<Vec<Vec<String>>, Failed> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = format!("rawsock-net-{}-{count}.pcap", std::process::id());
    let file = std::env::temp_dir().join(file);
    fs::write(&file, pcap(frames))?;
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file);
    // No settings of the user's.
    command
        .env("HOME", "/nonexistent")
        .env_remove("XDG_CONFIG_HOME");
    // tshark leaves checksums unchecked by default.
    command.args(["-n", "-o", "ip.check_checksum:TRUE", "-T", "fields"]);
    command.args(names.iter().flat_map(|name| ["-e", name]));
    let output = command.output();
    fs::remove_file(&file)?;
    let output = output?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    Ok(text.lines().map(row).collect())
}

/// A capture file of Ethernet frames, all at time 0 (draft-ietf-opsawg-pcap).
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 0x4_0000, 1_u32] {
        bytes.extend(word.to_ne_bytes());
    }
    for frame in frames {
        let len = u32::try_from(frame.len()).unwrap();
        for word in [0, 0, len, len] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}
