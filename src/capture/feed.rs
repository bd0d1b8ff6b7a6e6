//! Bytes of a file or pipe in one window that moves on; `.gz` is unpacked on the way.
//!
//! read(2) into one buffer, no mmap: page faults make mmap twice as slow here. The buffer grows
//! only with bytes that have come, never by a number that a file claims.

use std::fmt;
use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// First size of the buffer: fits the second-level cache.
const START_SIZE: usize = 256 * 1024;

/// Most bytes unpacked at once: what flate2 unpacked in a call that then failed is lost.
const GZIP_PIECE: usize = 16 * 1024;

/// What a gzip member begins with (RFC 1952 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

type Raw = Box<dyn Read>;
type Head = io::Chain<Cursor<Vec<u8>>, Raw>;

enum Input {
    /// Nothing was read yet.
    Fresh(Raw),
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<Head>>),
    /// After the end, and after an error.
    Closed,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh(_) => "Fresh",
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Closed => "Closed",
        })
    }
}

/// The window.
#[derive(Debug)]
pub(super) struct Feed {
    input: Input,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where the window begins in the (unpacked) file.
    offset: u64,
    gzip: bool,
}

impl Feed {
    /// Reads nothing yet.
    pub fn new(input: Raw) -> Self {
        Self {
            input: Input::Fresh(input),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            gzip: false,
        }
    }

    /// What is here and not consumed.
    pub fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Bytes that were consumed by the last [`Feed::advance`] calls: `len` of them, the first of
    /// which was `back` bytes before the window. Valid until the next [`Feed::fill`].
    pub fn consumed(&self, back: usize, len: usize) -> &[u8] {
        let from = self.start.saturating_sub(back);
        let bytes = self.buffer.get(from..from.saturating_add(len));
        bytes.unwrap_or(&[])
    }

    /// Where the window begins, in bytes from the start of the unpacked file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Nothing more will come.
    pub fn ended(&self) -> bool {
        matches!(self.input, Input::Closed)
    }

    /// The file is compressed, so that offsets count unpacked bytes.
    pub fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// Consumes `len` bytes, at most all of the window.
    pub fn advance(&mut self, len: usize) {
        let len = len.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(len);
        self.offset = self.offset.saturating_add(len as u64);
    }

    /// One read(2) (of an unpacked file: one step of unpacking). After an error nothing more comes.
    pub fn fill(&mut self) -> io::Result<()> {
        self.make_room();
        let room = self.buffer.get_mut(self.end..).unwrap_or(&mut []);
        let count = match &mut self.input {
            Input::Fresh(file) | Input::Plain(file) => read(file, room),
            Input::Gzip(unpacked) => {
                let piece = room.len().min(GZIP_PIECE);
                read(unpacked.as_mut(), room.get_mut(..piece).unwrap_or(&mut []))
            }
            Input::Closed => Ok(0),
        };
        match count {
            Ok(0) => {
                self.input = Input::Closed;
                return Ok(());
            }
            Ok(count) => self.end = self.end.saturating_add(count),
            Err(error) => {
                self.input = Input::Closed;
                return Err(error);
            }
        }
        self.recognize();
        Ok(())
    }

    /// The first read decides whether the file is compressed; one byte decides nothing.
    fn recognize(&mut self) {
        match std::mem::replace(&mut self.input, Input::Closed) {
            Input::Fresh(file) if self.window().len() < GZIP.len() => {
                self.input = Input::Fresh(file);
            }
            Input::Fresh(file) if self.window().starts_with(&GZIP) => {
                let head = Cursor::new(self.window().to_vec()).chain(file);
                self.input = Input::Gzip(Box::new(MultiGzDecoder::new(head)));
                self.end = self.start;
                self.gzip = true;
            }
            Input::Fresh(file) => self.input = Input::Plain(file),
            other => self.input = other,
        }
    }

    /// Moves what is left to the front; doubles the buffer where it is full all the same.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let size = self.buffer.len().saturating_mul(2).max(START_SIZE);
            self.buffer.resize(size, 0);
        }
    }
}

fn read(input: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_grows_only_with_bytes_that_came() {
        let mut feed = Feed::new(Box::new(io::repeat(7).take(1 << 20)));
        assert_eq!(feed.buffer.len(), 0);
        feed.fill().unwrap();
        assert_eq!(
            (feed.window().len(), feed.buffer.len()),
            (START_SIZE, START_SIZE)
        );
        feed.advance(START_SIZE - 1);
        feed.fill().unwrap();
        assert_eq!(
            (feed.window().len(), feed.buffer.len()),
            (START_SIZE, START_SIZE)
        );
        feed.fill().unwrap();
        assert_eq!(feed.buffer.len(), 2 * START_SIZE);
        assert_eq!(feed.offset(), START_SIZE as u64 - 1);
    }
}
