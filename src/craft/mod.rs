//! Values to bytes. The only place that names pnet's packets, whose setters accept wrong values on
//! purpose: a header that lies is sometimes the lesson.
//!
//! Everything appends to a buffer that the caller reuses, so a packet costs no allocation.

pub mod icmp;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod membership;

/// Something does not fit into the field that must hold its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {len} bytes long, at most {max} fit")]
pub struct TooLong {
    /// What is too long: `IPv4 options`.
    pub what: &'static str,
    /// Its length in bytes.
    pub len: usize,
    /// The most that would fit, in bytes.
    pub max: usize,
}

/// Appends `len` zero bytes and returns them for filling in.
fn grow(out: &mut Vec<u8>, len: usize) -> &mut [u8] {
    let start = out.len();
    out.resize(start + len, 0);
    &mut out[start..]
}
