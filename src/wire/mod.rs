//! The wire: what becomes of each frame between two hosts. Sans-IO: frames and times go in,
//! frames that are due and an event for each fate come out. Sockets and clocks are `lab::relay`'s.
//!
//! One [`Engine`] carries all cables of a lab, so that they share one log. What happens to a frame
//! by chance is a pure function of (seed, cable, direction, kind of impairment, n): the same seed
//! gives the same fates, and one more impairment does not move those of another. n counts the IP
//! frames of a direction that are neither neighbour discovery nor multicast listener discovery,
//! which come at moments of their own; such frames and ARP are delayed, never impaired.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod chance;
mod config;
mod engine;
mod log;
mod message;
mod rules;
mod step;
mod story;

pub use config::{Act, Config, Hold, Impairment, Rule, Share, What};
pub use engine::{Cable, Counts, Due, Engine, is_counted};
pub use log::{Entry, Log};
pub use message::{Reader, Reply, Request, Status, decode_entries, encode_entries};
pub use step::Key;
pub use story::{Stories, Story};

/// A direction on a cable.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From the cable's first end to its second: h1 to h2, a host to the switch.
    Up,
    /// Back.
    Down,
}

impl Way {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// 0 for up, 1 for down.
    pub fn index(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
        }
    }
}

/// One value for each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ways<T> {
    /// For [`Way::Up`].
    pub up: T,
    /// For [`Way::Down`].
    pub down: T,
}

impl<T> Ways<T> {
    /// That of one direction.
    pub fn get(&self, way: Way) -> &T {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// That of one direction, to change.
    pub fn get_mut(&mut self, way: Way) -> &mut T {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

#[cfg(test)]
mod tests;
