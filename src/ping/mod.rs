//! The ping engine: schedule, send table, matching, statistics. Sans-IO: no socket, no clock.
//!
//! The shell asks [`Pinger::poll`] what to do, sends what it is told to send, and feeds back what
//! happened. Time is always an argument, so a day of pinging is a millisecond test.

mod arrival;
mod config;
mod engine;
mod input;
mod outage;
mod schedule;
mod stats;
mod table;
mod verdict;

pub use arrival::{Arrival, Echo, Message, Quoted, read_message};
pub use config::{COOKIE_LEN, Config, MAX_SIZE, Payload, Sizes};
pub use engine::{Ended, Pinger, Probe, Step};
pub use verdict::{IcmpError, NotSent, Outage, RttStats, StateChange, Summary, Verdict};
