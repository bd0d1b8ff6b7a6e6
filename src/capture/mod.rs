//! Where frames come from: capture files, pipes, the live ring. Decoding is not done here.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod feed;
mod file;
mod link;
pub mod live;
mod pcap;
mod pcapng;
mod save;
mod walk;
pub mod witness;
mod zone;

pub use file::FileSource;
pub use link::{link_type, link_type_name, link_type_number};
pub use save::{Format, Room, Rotation, Saved, Saver, Series, Target, create_file};
pub use zone::Zone;

use crate::decode::{Frame, LinkType};
use crate::error::Error;

/// Most bytes of one packet: libpcap's MAXIMUM_SNAPLEN, and what tcpdump keeps at most.
pub const MAX_PACKET: u32 = 262_144;
/// Most bytes of one pcapng block.
pub const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Most different interfaces that one source may describe.
pub const MAX_INTERFACES: usize = 4096;

/// What a [`Source`] has to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame: [`Source::frame`].
    Frame,
    /// Nothing before [`Source::fill`], which may block.
    Wait,
    /// No frame will ever come again.
    End,
}

/// A source of frames: one file, or the interfaces of a live capture.
pub trait Source {
    /// Goes on to the next frame of those that are here already. Never blocks. An error is a
    /// damaged file or a dead device; all frames before it have been handed out, and the next call
    /// says `End`.
    fn next(&mut self) -> Result<Next, Error>;
    /// The frame that [`Source::next`] went to. Without one: an empty frame.
    fn frame(&self) -> Frame<'_>;
    /// Gets more, after [`Next::Wait`].
    fn fill(&mut self) -> Result<(), Error>;
    /// The interface that a frame's `iface` means.
    fn interface(&self, number: u32) -> Option<&Interface>;
    /// Comments of the frame, as bytes from outside.
    fn comments(&self) -> Vec<&[u8]> {
        Vec::new()
    }
}

/// What is known of an interface. Text comes from outside: a view escapes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// `eth0`; empty if not known.
    pub name: String,
    /// What a user wrote about it.
    pub description: String,
    /// The capture filter in words, empty if none is known.
    pub filter: String,
    /// What its frames begin with.
    pub link: LinkType,
    /// Most bytes captured of a frame; 0 for no limit.
    pub snaplen: u32,
    /// Its times have more digits than microseconds.
    pub nanos: bool,
}
