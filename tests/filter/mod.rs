//! What the filter tests share: packets, names, libpcap's programs by tcpdump, and the reference.
#![expect(dead_code, reason = "each test file uses a part")]

pub mod build;
pub mod corpus;
pub mod generate;
pub mod reference;
mod reference_arith;
mod reference_ip;
pub mod support;
mod tunnels;
