//! The packets of one capture file that a ladder is to show, owned and bounded.

use crate::capture::{FileSource, Next, Source};
use crate::cli::input::Input;
use crate::cli::wanted::Wanted;
use crate::error::Error;
use crate::event::Packet;

/// Most bytes of packets that are held.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What was read.
#[derive(Debug, Default)]
pub struct Taken {
    /// In the order of the file.
    pub packets: Vec<Packet>,
    /// Chosen by the filter, and beyond the limit.
    pub left_out: u64,
    /// Where the file is damaged.
    pub damage: Option<Error>,
}

/// Reads a file to its end, or to its damage.
pub fn take(input: Input, wanted: &mut Wanted, max_packets: u32) -> Result<Taken, Error> {
    let name = input.name.clone();
    let mut source = FileSource::new(input.reader(), &name);
    let mut taken = Taken::default();
    let mut bytes: usize = 0;
    let most = usize::try_from(max_packets).unwrap_or(usize::MAX);
    loop {
        let next = match source.next() {
            Ok(Next::Wait) => source.fill().map(|()| Next::Wait),
            other => other,
        };
        match next {
            Ok(Next::Frame) => {}
            Ok(Next::Wait) => continue,
            Ok(Next::End) => return Ok(taken),
            Err(damage @ Error::Damaged { .. }) => {
                taken.damage = Some(damage);
                return Ok(taken);
            }
            Err(error) => return Err(error),
        }
        let frame = source.frame();
        if !wanted.matches(&frame)? {
            continue;
        }
        bytes = bytes.saturating_add(frame.bytes.len());
        if taken.packets.len() >= most || bytes > MAX_BYTES {
            taken.left_out = taken.left_out.saturating_add(1);
            continue;
        }
        taken.packets.push(Packet::of(&frame));
    }
}
