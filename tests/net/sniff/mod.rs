//! `rawsock sniff` on a veth pair: what its tests share.

pub mod counts;
pub mod disks;
pub mod links;
pub mod raw;
pub mod rights;
pub mod series;
pub mod shows;
pub mod streams;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::capture::{FileSource, Next, Source};
use rawsock::decode::Direction;
use rawsock::lab::{Host, Lab};
use serde_json::Value;

use crate::harness::{Outcome, wait_for};
use crate::link::FrameSocket as Link;
use crate::program::{RAWSOCK, Run, Running, start};

pub const MS: Duration = Duration::from_millis(1);

/// EtherType for local experiments (IEEE 802 9.2.3): nobody else sends it.
pub const OURS: u16 = 0x88b5;

pub const FILTER: &str = "ether proto 0x88b5";

/// A frame of `len` bytes with a number in it.
pub fn frame(number: u32, len: usize) -> Vec<u8> {
    let mut frame = [Lab::mac(2), Lab::mac(1)].concat();
    frame.extend(OURS.to_be_bytes());
    frame.extend(number.to_be_bytes());
    frame.resize(len, 0x5a);
    frame
}

/// Sends frames numbered from 0 out of h1, with a pause between two.
pub fn send(lab: &Lab, count: u32, pause: Duration) -> Outcome {
    let link = Link::open(lab.h1(), "eth0")?;
    for number in 0..count {
        link.send(&frame(number, 60))?;
        if !pause.is_zero() {
            sleep(pause);
        }
    }
    Ok(())
}

/// A directory of this test, removed at the end.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new(name: &str) -> Result<Self, Failed> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rawsock-sniff-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a capture, and waits until it listens.
pub fn sniff(host: &Host, args: &[&str]) -> Result<Running, Failed> {
    listening(start(host, RAWSOCK, &[&["sniff"], args].concat())?)
}

pub fn listening(running: Running) -> Result<Running, Failed> {
    wait_for("it listens", 10_000 * MS, || {
        running.stderr().contains("listening on ").then_some(())
    })
    .map_err(|_| running.stderr())?;
    Ok(running)
}

/// Starts a shell line in a host.
pub fn shell(host: &Host, line: &str) -> Result<Running, Failed> {
    start(host, "sh", &["-c", line])
}

/// The three counts of the end: captured, received by filter, dropped by kernel.
pub fn counts(run: &Run) -> Result<[u64; 3], Failed> {
    let find = |what: &str| -> Result<u64, Failed> {
        let line = run.stderr.lines().find(|line| line.ends_with(what));
        let line = line.ok_or_else(|| format!("no line `{what}`: {run}"))?;
        Ok(line.split(' ').next().unwrap_or_default().parse()?)
    };
    Ok([
        find(" captured")?,
        find(" received by filter")?,
        find(" dropped by kernel")?,
    ])
}

pub struct Saved {
    /// Numbers of our frames.
    pub numbers: Vec<u32>,
    pub frames: Vec<Vec<u8>>,
    pub interfaces: Vec<String>,
    pub directions: Vec<Direction>,
    pub drops: Option<u64>,
}

/// Everything of a file, which must be whole.
pub fn read(path: &str) -> Result<Saved, Failed> {
    let mut source = FileSource::new(Box::new(fs::File::open(Path::new(path))?), path);
    let mut saved = Saved {
        numbers: Vec::new(),
        frames: Vec::new(),
        interfaces: Vec::new(),
        directions: Vec::new(),
        drops: None,
    };
    loop {
        match source.next()? {
            Next::Wait => source.fill()?,
            Next::End => {
                saved.drops = source.drops();
                return Ok(saved);
            }
            Next::Frame => {
                let frame = source.frame();
                let number = frame.bytes.get(14..).and_then(|rest| rest.first_chunk());
                saved.numbers.extend(number.map(|n| u32::from_be_bytes(*n)));
                saved.frames.push(frame.bytes.to_vec());
                saved.directions.push(frame.dir);
                let interface = source.interface(frame.iface);
                saved
                    .interfaces
                    .extend(interface.map(|face| face.name.clone()));
            }
        }
    }
}

pub fn objects(run: &Run) -> Result<Vec<Value>, Failed> {
    run.of_type("packet")
}
