//! The ping engine: schedule, send table, matching, statistics. Sans-IO: no socket, no clock.
//!
//! The shell asks [`Pinger::poll`] what to do, sends what it is told to send, and feeds back what
//! happened. Time is always an argument, so a day of pinging is a millisecond test.
//!
//! `config` what to do, `schedule` when, `payload` with which bytes; `table` what was sent; `sending`
//! and `input` the two sides, `errors` for ICMP errors, `measure` for round trips, `stats` and
//! `outage` for what they add up to, `ending` for timeouts and the end. `arrival` and `plain` read
//! datagrams, `verdict` names what can be said about them.

mod arrival;
mod config;
mod ending;
mod engine;
mod errors;
mod input;
mod measure;
mod outage;
mod payload;
mod plain;
mod schedule;
mod sending;
mod stats;
mod table;
mod verdict;

pub use arrival::{Arrival, Echo, Message, Quoted, read_message};
pub use config::Config;
pub use engine::{Ended, Pinger, Probe, Step};
pub use payload::{COOKIE_LEN, MAX_SIZE, Payload, Sizes};
pub use plain::plain_reply;
pub use verdict::{IcmpError, NotSent, Outage, RttStats, StateChange, Summary, Verdict};
