//! Bytes to a field tree. The only place that names etherparse. Never fails, never panics.

mod packet;

pub use packet::{
    Direction, Field, Flags, Frame, Layer, LinkType, Packet, Problem, Severity, Show, Spec, Value,
};

/// A protocol: one file, one of these, one line in the table.
#[derive(Debug)]
pub struct Proto {
    /// Wireshark's protocol abbreviation: `icmp`.
    pub key: &'static str,
    /// Full name: `Internet Control Message Protocol`.
    pub name: &'static str,
    /// Where it is defined.
    pub rfc: &'static str,
    /// Every field that it can add.
    pub specs: &'static [&'static Spec],
}
