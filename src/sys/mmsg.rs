//! Many frames in one system call: recvmmsg(2) and sendmmsg(2) on packet sockets.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Frames taken or sent at once.
pub const BATCH: usize = 32;

/// Room for one batch, each frame of at most this many bytes. Kept and reused.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    slot: usize,
    lens: [usize; BATCH],
}

impl Batch {
    /// Frames of up to `slot` bytes.
    pub fn new(slot: usize) -> Self {
        Self {
            bytes: vec![0; slot.saturating_mul(BATCH)],
            slot: slot.max(1),
            lens: [0; BATCH],
        }
    }

    /// Takes what waits, without blocking; gives how many frames that is.
    pub fn receive(&mut self, fd: impl AsFd) -> io::Result<usize> {
        // SAFETY: mmsghdr is plain data (integers and pointers), for which all-zero is valid.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let mut parts = [EMPTY; BATCH];
        let slots = self.bytes.chunks_exact_mut(self.slot);
        for ((part, header), slot) in parts.iter_mut().zip(&mut headers).zip(slots) {
            part.iov_base = slot.as_mut_ptr().cast();
            part.iov_len = slot.len();
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: `headers` and `parts` live until the call returns, each part points to a slot of
        // its own in `self.bytes`, which is borrowed mutably, and `fd` is open while borrowed.
        let taken = unsafe {
            libc::recvmmsg(
                fd.as_fd().as_raw_fd(),
                headers.as_mut_ptr(),
                libc::c_uint::try_from(BATCH).unwrap_or(0),
                libc::MSG_DONTWAIT as _, // c_int in glibc, c_uint in musl
                std::ptr::null_mut(),
            )
        };
        let taken = usize::try_from(taken).map_err(|_| io::Error::last_os_error())?;
        for (len, header) in self.lens.iter_mut().zip(&headers) {
            *len = usize::try_from(header.msg_len).unwrap_or(0).min(self.slot);
        }
        Ok(taken.min(BATCH))
    }

    /// The frame with this number in the last batch.
    pub fn frame(&self, number: usize) -> &[u8] {
        let start = number.saturating_mul(self.slot);
        let len = self.lens.get(number).copied().unwrap_or(0);
        self.bytes
            .get(start..start.saturating_add(len))
            .unwrap_or(&[])
    }
}

const EMPTY: libc::iovec = libc::iovec {
    iov_base: std::ptr::null_mut(),
    iov_len: 0,
};

/// Sends frames on a bound packet socket, at most [`BATCH`]; gives how many of the first it took. An
/// error is that of the first.
pub fn send<'a>(fd: impl AsFd, frames: impl Iterator<Item = &'a [u8]>) -> io::Result<usize> {
    // SAFETY: mmsghdr is plain data (integers and pointers), for which all-zero is valid.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let mut parts = [EMPTY; BATCH];
    let mut count: libc::c_uint = 0;
    for ((part, header), frame) in parts.iter_mut().zip(&mut headers).zip(frames) {
        part.iov_base = frame.as_ptr().cast_mut().cast();
        part.iov_len = frame.len();
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers point to parts that point to borrowed frames, all of which
    // live until the call returns; the kernel only reads the frames (sendmmsg(2)).
    let sent = unsafe {
        libc::sendmmsg(
            fd.as_fd().as_raw_fd(),
            headers.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT as _,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_batch_arrives_in_order_and_apart() {
        let (near, far) = UnixDatagram::pair().unwrap();
        let frames: [&[u8]; 3] = [b"one", b"", b"three"];
        assert_eq!(send(&near, frames.into_iter()).unwrap(), 3);
        let mut batch = Batch::new(4);
        assert_eq!(batch.receive(&far).unwrap(), 3);
        // The last one is cut, not run over.
        let got: Vec<&[u8]> = (0..4).map(|number| batch.frame(number)).collect();
        assert_eq!(got, [b"one".as_slice(), b"", b"thre", b""]);
        let none = batch.receive(&far).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
    }
}
