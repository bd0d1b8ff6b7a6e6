//! What the filter tests share: packets, names, and libpcap's programs by tcpdump.

pub mod build;
pub mod corpus;
pub mod support;
mod tunnels;
