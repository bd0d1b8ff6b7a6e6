//! Display filters: expressions over the field tree, for `--where`. The keys are those of tree and
//! JSON; the language is Wireshark's, without functions and regular expressions.
//!
//! Where the meaning differs from Wireshark's: a boolean field alone is true where it is set, not
//! where it exists (`tcp.flags.syn`), and `outer.` before a key looks only at the outermost layer.
//! A key without it means every occurrence, also in the datagram that an ICMP error quotes.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic
)]

mod eval;
mod frame;
mod keys;
mod lex;
mod literal;
mod parse;

pub use eval::Item;

use crate::decode::{Decoder, Frame, Packet};
pub use crate::filter::FilterError as WhereError;

/// Longest expression, in bytes.
pub const MAX_EXPRESSION: usize = 64 * 1024;
/// Deepest nesting of parentheses and `not`.
pub const MAX_NESTING: usize = 64;

/// A decoded packet with what its bytes do not tell.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The frame that was decoded.
    pub frame: &'a Frame<'a>,
    /// What the decoder made of it.
    pub packet: &'a Packet,
    /// `frame.number`, from 1; 0 if it has none.
    pub number: u64,
    /// `frame.interface_name`; empty if not known.
    pub interface: &'a str,
}

impl<'a> Seen<'a> {
    /// A packet without a number or an interface's name.
    pub fn new(frame: &'a Frame<'a>, packet: &'a Packet) -> Self {
        Self {
            frame,
            packet,
            number: 0,
            interface: "",
        }
    }
}

/// A compiled display filter.
#[derive(Clone, Debug)]
pub struct Where {
    root: eval::Node,
}

impl Where {
    /// Parses an expression. Every key must be one of the decoder's protocols.
    pub fn compile(text: &str, decoder: &Decoder) -> Result<Self, WhereError> {
        if text.len() > MAX_EXPRESSION {
            let message = format!("the expression is longer than {MAX_EXPRESSION} bytes");
            return Err(WhereError::new(0..0, message));
        }
        let root = parse::parse(text, &keys::Keys::of(decoder))?;
        Ok(Self { root })
    }

    /// Does the packet meet it?
    pub fn matches(&self, seen: &Seen<'_>) -> bool {
        self.root.holds(seen)
    }
}

/// One key whose values are wanted, for `--fields`.
#[derive(Clone, Debug)]
pub struct Column {
    key: String,
    source: keys::Source,
}

impl Column {
    /// A key of the decoder's protocols, `outer.` before it or not.
    pub fn compile(key: &str, decoder: &Decoder) -> Result<Self, WhereError> {
        let keys = keys::Keys::of(decoder);
        let at = 0..key.len();
        let source = match key {
            "" => return Err(WhereError::new(at, "a key is missing")),
            _ => keys.find(key).ok_or_else(|| keys.unknown(key, at))?,
        };
        Ok(Self {
            key: key.to_owned(),
            source,
        })
    }

    /// The key as it was written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Hands over each value in the packet; [`Item::Group`] for a layer.
    pub fn each(&self, seen: &Seen<'_>, take: &mut dyn FnMut(Item<'_>)) {
        let layer = matches!(self.source.what, keys::What::Layer(_) | keys::What::Frame);
        self.source.any(seen, &mut |item, _| {
            take(if layer { Item::Group } else { item });
            false
        });
    }
}

#[cfg(test)]
mod tests;
