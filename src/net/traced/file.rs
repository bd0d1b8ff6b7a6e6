//! `makefile()`: a buffered file over a socket. One `recv` may feed several lines.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::Traced;

/// Longest line that [`File::readline`] gathers.
const LONGEST: u64 = 64 * 1024;

/// A socket as a file, read and written through buffers.
pub struct File<'s> {
    reader: BufReader<Receiving<'s>>,
    written: Vec<u8>,
}

/// The receiving side of a socket as std wants it.
struct Receiving<'s>(&'s Traced);

impl Read for Receiving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer, 0)
    }
}

impl Traced {
    /// A file over this socket; `buffer` bytes are asked for at once.
    pub fn makefile(&self, buffer: usize) -> File<'_> {
        let args = || format!("buffering={buffer}");
        let _ = self.trace("makefile", args, || Ok(()), |()| "file".into());
        File {
            reader: BufReader::with_capacity(buffer.clamp(1, 1 << 20), Receiving(self)),
            written: Vec::new(),
        }
    }
}

impl File<'_> {
    /// A line with its line feed; empty at the end of the stream. A line longer than 64 KiB comes
    /// in pieces.
    pub fn readline(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut piece = (&mut self.reader).take(LONGEST);
        piece.read_until(b'\n', &mut line)?;
        Ok(line)
    }

    /// What was received and not read yet.
    pub fn buffered(&self) -> usize {
        self.reader.buffer().len()
    }

    /// Keeps bytes until [`File::flush`].
    pub fn write(&mut self, bytes: &[u8]) {
        self.written.extend(bytes);
    }

    /// Sends what was written, with one `sendall`.
    pub fn flush(&mut self) -> io::Result<()> {
        let written = std::mem::take(&mut self.written);
        self.reader.get_ref().0.sendall(&written)
    }
}

impl Write for File<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        File::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        File::flush(self)
    }
}
