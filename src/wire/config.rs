//! What a wire does to frames, as plain values that travel between processes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Way, Ways};

/// A share of all frames, in millionths: 0 to 1,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share(pub u32);

impl Share {
    /// All.
    pub const ALL: u32 = 1_000_000;
}

/// What happens in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Impairment {
    /// Time from one end to the other.
    pub delay: Duration,
    /// Largest deviation from `delay`, either way, evenly spread. The order of frames is kept.
    pub jitter: Duration,
    /// Frames that vanish.
    pub loss: Share,
    /// Frames that arrive twice.
    pub dup: Share,
    /// Frames that the next one overtakes.
    pub reorder: Share,
    /// Frames in which one bit flips, behind the Ethernet header.
    pub corrupt: Share,
    /// Bits a second; Ethernet headers count.
    pub rate: Option<u64>,
    /// Most bytes that may wait for `rate`.
    pub queue: Option<u32>,
    /// Longest IP packet in bytes; longer ones vanish.
    pub mtu: Option<u32>,
}

/// What a rule does to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// It vanishes.
    Drop,
    /// It arrives twice.
    Dup,
    /// The next one overtakes it.
    Swap,
    /// One bit flips.
    Corrupt,
}

/// Which frames a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The n-th counted frame of the direction, from 1.
    Number(u64),
    /// Frames that a display filter matches: all, or only the n-th of its direction. With a
    /// number the rule acts once, whichever direction gets there first.
    Match(String, Option<u64>),
}

/// An exact fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What is done.
    pub act: Act,
    /// In which direction; `None`: both, each counted for itself.
    pub way: Option<Way>,
    /// To which frames.
    pub what: What,
}

/// Which frames wait for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// None.
    #[default]
    None,
    /// Those that are counted.
    Counted,
    /// ARP, neighbour and listener discovery too.
    All,
}

/// All that a wire does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Chance follows from it.
    pub seed: u64,
    /// By chance, in each direction.
    pub ways: Ways<Impairment>,
    /// Exact fates.
    pub rules: Vec<Rule>,
    /// Names of the hosts whose TCP resets are swallowed.
    pub mute_resets: Vec<String>,
    /// Step mode.
    pub hold: Hold,
}
