//! One pcapng block: its numbers, its packet bytes, its options.

use std::ops::Range;

use crate::capture::MAX_PACKET;
use crate::capture::walk::{Fault, Order, size};

/// Characters kept of a name.
const MAX_NAME: usize = 255;

/// A whole block, without its trailing length.
pub(super) struct Block<'a> {
    pub(super) order: Order,
    pub(super) bytes: &'a [u8],
    /// With the trailing length.
    pub(super) len: usize,
}

impl Block<'_> {
    pub(super) fn u16(&self, at: usize) -> u16 {
        self.order.u16(self.bytes, at)
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        self.order.u32(self.bytes, at)
    }

    pub(super) fn at_least(&self, len: usize) -> Result<(), Fault> {
        if self.bytes.len() >= len {
            return Ok(());
        }
        let (kind, have) = (self.u32(0), self.len);
        let least = len.saturating_add(4);
        let reason = format!("a block of type {kind} has {have} bytes, it needs {least}");
        Err(Fault::new(4, reason))
    }

    /// The range of a packet's bytes.
    pub(super) fn packet(&self, from: usize, captured: u32) -> Result<Range<usize>, Fault> {
        if captured > MAX_PACKET {
            let reason = format!(
                "a packet claims {captured} captured bytes, more than the {MAX_PACKET} that one may have"
            );
            return Err(Fault::new(from, reason));
        }
        let to = from.saturating_add(size(captured));
        if to > self.bytes.len() {
            let room = self.bytes.len().saturating_sub(from);
            let reason =
                format!("a packet claims {captured} captured bytes, its block has room for {room}");
            return Err(Fault::new(from, reason));
        }
        Ok(from..to)
    }

    /// Options from `from` on: code and value. A list that is cut ends early; what it is about
    /// stays whole.
    pub(super) fn options(&self, from: usize) -> impl Iterator<Item = (u16, Range<usize>)> {
        let mut at = from;
        std::iter::from_fn(move || {
            let value = at.saturating_add(4);
            if value > self.bytes.len() {
                return None;
            }
            let (code, len) = (self.u16(at), usize::from(self.u16(at.saturating_add(2))));
            let end = value.saturating_add(len);
            if code == 0 || end > self.bytes.len() {
                return None;
            }
            at = end.saturating_add(3) & !3;
            Some((code, value..end))
        })
    }
}

/// A name or remark, cut to [`MAX_NAME`] characters.
pub(super) fn text(bytes: &[u8]) -> String {
    // "MUST NOT be NUL-terminated", yet some writers do.
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or(&[]);
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(MAX_NAME).collect()
}
