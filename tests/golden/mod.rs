//! Reads the captures of this directory: hexadecimal text with a comment at each part, so that a
//! diff can be read. Lines are `# comment`, `link NAME`, `wire LENGTH`, `not-ready`, or bytes.

use std::fs;
use std::path::{Path, PathBuf};

use rawsock::decode::{Direction, Flags, Frame, LinkType};
use rawsock::event::{Stamp, Timestamp};

/// One capture.
pub struct Golden {
    /// File name without `.hex`.
    pub name: String,
    pub link: LinkType,
    pub wire_len: Option<u32>,
    pub flags: Flags,
    pub bytes: Vec<u8>,
}

impl Golden {
    pub fn frame(&self) -> Frame<'_> {
        let captured = u32::try_from(self.bytes.len()).expect("a small packet");
        Frame {
            at: Timestamp(1_795_348_800_123_456_789),
            stamp: Stamp::Kernel,
            iface: 0,
            link: self.link,
            dir: Direction::Unknown,
            flags: self.flags,
            wire_len: self.wire_len.unwrap_or(captured),
            bytes: &self.bytes,
        }
    }
}

pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// All captures, by name.
pub fn all() -> Vec<Golden> {
    let entries = fs::read_dir(directory()).expect("tests/golden is readable");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "hex"));
    paths.sort();
    assert!(paths.len() > 50, "the captures are there");
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Golden {
    let text = fs::read_to_string(path).expect("captures are text");
    let mut golden = Golden {
        name: path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned(),
        link: LinkType::Raw,
        wire_len: None,
        flags: Flags::default(),
        bytes: Vec::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ') {
            Some(("link", name)) => golden.link = link(name),
            Some(("wire", len)) => golden.wire_len = Some(len.parse().expect("a length")),
            _ if line == "not-ready" => golden.flags.checksum_not_ready = true,
            _ => golden.bytes.extend(
                line.split_whitespace()
                    .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")),
            ),
        }
    }
    golden
}

fn link(name: &str) -> LinkType {
    match name {
        "ethernet" => LinkType::Ethernet,
        "raw" => LinkType::Raw,
        "sll" => LinkType::LinuxSll,
        "sll2" => LinkType::LinuxSll2,
        "icmp" => LinkType::IcmpMessage,
        "icmpv6" => LinkType::Icmpv6Message,
        other => LinkType::Other(other.parse().expect("a name or a number")),
    }
}
