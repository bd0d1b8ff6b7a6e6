//! The ping engine: schedule, send table, matching, statistics. Sans-IO: no socket, no clock.
//!
//! The shell asks [`Pinger::poll`] what to do, sends what it is told to send, and feeds back what
//! happened. Time is always an argument, so a day of pinging is a millisecond test.

mod verdict;

pub use verdict::{IcmpError, NotSent, Outage, RttStats, StateChange, Summary, Verdict};
