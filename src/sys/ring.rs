//! The receive ring of a packet socket, TPACKET_V3 (packet(7), Documentation/networking/
//! packet_mmap.rst): memory shared with the kernel, handed to and fro in blocks. What is in a
//! block is read by `capture::block`, without unsafe.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sockopt;

/// Where `block_status` lies in `struct tpacket_block_desc` (linux/if_packet.h).
const STATUS: usize = 8;

/// Size of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a block: a power of two from the page size on.
    pub block: u32,
    /// Number of blocks.
    pub blocks: u32,
    /// Milliseconds after which the kernel hands over a block that has packets and is not full.
    pub retire: u32,
}

/// A mapped ring. Unmapped when dropped; the socket must be set up by then and outlives it.
#[derive(Debug)]
pub struct Ring {
    start: NonNull<u8>,
    block: usize,
    blocks: usize,
    /// The block that the kernel hands over next.
    next: usize,
}

// SAFETY: the mapping belongs to this value alone and to the process, not to a thread; the kernel
// writes it whichever thread reads.
unsafe impl Send for Ring {}

impl Ring {
    /// Asks the kernel for a ring on a packet socket, and maps it.
    pub fn new(fd: impl AsFd, shape: Shape) -> io::Result<Self> {
        let version = libc::tpacket_versions::TPACKET_V3 as i32;
        sockopt::set_int(&fd, libc::SOL_PACKET, libc::PACKET_VERSION, version)?;
        // Only the number of frames is checked in V3: they have no fixed size.
        let frame = 2048;
        let request = [
            shape.block,
            shape.blocks,
            frame,
            (shape.block / frame).saturating_mul(shape.blocks),
            shape.retire,
            // No private area, no features.
            0,
            0,
        ];
        let request: Vec<u8> = request.iter().flat_map(|word| word.to_ne_bytes()).collect();
        sockopt::set_bytes(&fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let size = |number: u32| usize::try_from(number).map_err(io::Error::other);
        let (block, blocks) = (size(shape.block)?, size(shape.blocks)?);
        let len = block
            .checked_mul(blocks)
            .ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a new mapping, at an address that the kernel chooses, of a socket that has a
        // ring of this length. The result is checked.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_fd().as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            start,
            block,
            blocks,
            next: 0,
        })
    }

    /// The next block, if the kernel has handed it over; it stays ours until [`Ring::release`].
    pub fn ready(&self) -> Option<&[u8]> {
        // The block's packets were written before its status (prb_close_block stores the status
        // behind a write barrier).
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: `next < blocks`, so the block lies inside the mapping, which lives as long as
        // `self`. While TP_STATUS_USER is set the kernel writes nothing in it, and only
        // `release`, which takes `&mut self`, clears it: no such slice is alive then.
        Some(unsafe {
            std::slice::from_raw_parts(self.start.add(self.next * self.block).as_ptr(), self.block)
        })
    }

    /// Gives the block of [`Ring::ready`] back to the kernel and goes on to the next one.
    pub fn release(&mut self) {
        // What we read of the block was read before.
        self.status()
            .store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.blocks;
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: inside the mapping (`next < blocks`, a block is a page at least), aligned (a
        // block begins on a page, STATUS is a multiple of 4), alive as long as `self`. The kernel
        // uses the word atomically as well.
        unsafe {
            let status = self.start.add(self.next * self.block + STATUS);
            AtomicU32::from_ptr(status.cast().as_ptr())
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, once; no slice of it outlives `self`.
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.block * self.blocks);
        }
    }
}
