//! Frames to the bytes of pcap and pcapng files. Buffers and files are `output`'s.

use crate::capture::{Interface, MAX_PACKET};
use crate::decode::{Direction, Frame};
use crate::event::Timestamp;

/// Longest option value that we write (`u16`, padded).
const MAX_OPTION: usize = 65_532;

/// Appends a pcap file header (draft-ietf-opsawg-pcap 4), little-endian.
pub(super) fn pcap_header(out: &mut Vec<u8>, nanos: bool, snaplen: u32, link: u16) {
    let magic: u32 = if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    out.extend(magic.to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(4_u16.to_le_bytes());
    // Time zone and accuracy: always 0.
    out.extend([0; 8]);
    out.extend(snaplen.to_le_bytes());
    out.extend(u32::from(link).to_le_bytes());
}

/// Appends a pcap record.
pub(super) fn pcap_record(out: &mut Vec<u8>, nanos: bool, frame: &Frame<'_>) {
    let bytes = captured(frame);
    // Unsigned 32 bits of seconds: 1970 to 2106, the ends stand for what lies outside.
    let at = frame.at.0.max(0).unsigned_abs();
    let seconds = u32::try_from(at / 1_000_000_000).unwrap_or(u32::MAX);
    let fraction = u32::try_from(at % 1_000_000_000).unwrap_or(0);
    let fraction = if nanos { fraction } else { fraction / 1000 };
    for number in [seconds, fraction, size(bytes), frame.wire_len] {
        out.extend(number.to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

/// Bytes that [`pcap_record`] appends.
pub(super) fn pcap_size(frame: &Frame<'_>) -> u64 {
    u64::from(size(captured(frame))).saturating_add(16)
}

/// Bytes that [`enhanced`] appends.
pub(super) fn enhanced_size(frame: &Frame<'_>, comments: &[&[u8]]) -> u64 {
    let padded = |len: usize| len.saturating_add(3) as u64 & !3;
    let comments = comments
        .iter()
        .map(|comment| padded(comment.len().min(MAX_OPTION)).saturating_add(4))
        .fold(0, u64::saturating_add);
    let flags = if frame.dir == Direction::Unknown {
        0
    } else {
        8
    };
    let end = if flags > 0 || comments > 0 { 4 } else { 0 };
    let data = padded(captured(frame).len());
    [data, comments, flags, end]
        .into_iter()
        .fold(32, u64::saturating_add)
}

/// Appends a pcapng section header block.
pub(super) fn section(out: &mut Vec<u8>) {
    block(out, 0x0a0d_0d0a, |out| {
        out.extend(0x1a2b_3c4d_u32.to_le_bytes());
        out.extend(1_u16.to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        // Section length: not known.
        out.extend(u64::MAX.to_le_bytes());
        // shb_userappl
        option(
            out,
            4,
            concat!("rawsock ", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
        end_options(out);
    });
}

/// Appends an interface description block. Times of its packets are nanoseconds.
pub(super) fn interface(out: &mut Vec<u8>, interface: &Interface, link: u16) {
    block(out, 1, |out| {
        out.extend(link.to_le_bytes());
        out.extend([0; 2]);
        out.extend(interface.snaplen.to_le_bytes());
        // if_name, if_description
        for (code, text) in [(2, &interface.name), (3, &interface.description)] {
            if !text.is_empty() {
                option(out, code, text.as_bytes());
            }
        }
        // if_tsresol
        option(out, 9, &[9]);
        if !interface.filter.is_empty() {
            // if_filter; 0 says that it is text.
            let text = [&[0], interface.filter.as_bytes()].concat();
            option(out, 11, &text);
        }
        end_options(out);
    });
}

/// Appends an enhanced packet block.
pub(super) fn enhanced(out: &mut Vec<u8>, id: u32, frame: &Frame<'_>, comments: &[&[u8]]) {
    let bytes = captured(frame);
    block(out, 6, |out| {
        let at = frame.at.0.max(0).unsigned_abs();
        let high = u32::try_from(at >> 32).unwrap_or(u32::MAX);
        let low = u32::try_from(at & u64::from(u32::MAX)).unwrap_or(0);
        for number in [id, high, low, size(bytes), frame.wire_len] {
            out.extend(number.to_le_bytes());
        }
        out.extend_from_slice(bytes);
        pad(out, bytes.len());
        // epb_flags, bits 0 and 1
        let flags: u32 = match frame.dir {
            Direction::Unknown => 0,
            Direction::In => 1,
            Direction::Out => 2,
        };
        for comment in comments {
            option(out, 1, comment);
        }
        if flags != 0 {
            option(out, 2, &flags.to_le_bytes());
        }
        if flags != 0 || !comments.is_empty() {
            end_options(out);
        }
    });
}

/// Appends an interface statistics block: what the kernel let through the filter and what it
/// dropped, up to `at`.
pub(super) fn statistics(out: &mut Vec<u8>, id: u32, at: Timestamp, accepted: u64, dropped: u64) {
    block(out, 5, |out| {
        let at = at.0.max(0).unsigned_abs();
        let high = u32::try_from(at >> 32).unwrap_or(u32::MAX);
        let low = u32::try_from(at & u64::from(u32::MAX)).unwrap_or(0);
        for number in [id, high, low] {
            out.extend(number.to_le_bytes());
        }
        // isb_ifdrop is what capinfos and Wireshark show as dropped; isb_filteraccept.
        option(out, 5, &dropped.to_le_bytes());
        option(out, 6, &accepted.to_le_bytes());
        end_options(out);
    });
}

/// A packet's bytes, never more than a reader accepts.
fn captured<'a>(frame: &Frame<'a>) -> &'a [u8] {
    let most = usize::try_from(MAX_PACKET).unwrap_or(usize::MAX);
    frame.bytes.get(..most).unwrap_or(frame.bytes)
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Type, length, what `fill` appends (a multiple of 4), length again.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    fill(out);
    let len = out.len().saturating_sub(start).saturating_add(4);
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(len);
    let claim = start.saturating_add(4);
    if let Some(claim) = out.get_mut(claim..claim.saturating_add(4)) {
        claim.copy_from_slice(&len);
    }
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..MAX_OPTION).unwrap_or(value);
    out.extend(code.to_le_bytes());
    out.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value);
    pad(out, value.len());
}

fn end_options(out: &mut Vec<u8>) {
    out.extend([0; 4]);
}

fn pad(out: &mut Vec<u8>, len: usize) {
    let zeros = len.wrapping_neg() & 3;
    out.extend(std::iter::repeat_n(0, zeros));
}
