//! Moving bytes: `recv`, `recvfrom`, `send`, `sendto`, `sendall`.

use std::fmt::Write as _;
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv, send};

use super::{Address, PollFlags, Traced};
use crate::sys::cmsg;
use crate::view::escape::escape;

/// Most bytes of a message that a trace shows.
const SHOWN: usize = 24;

/// What `recvfrom` got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes that are in the buffer.
    pub len: usize,
    /// True length of the message; more than `len` if the buffer was too small and the rest is
    /// gone (MSG_TRUNC). Of a stream the same as `len`.
    pub full: usize,
    /// Who sent it; `None` on a stream.
    pub from: Option<Address>,
    /// Messages that this socket's full receive queue has thrown away so far, if `SO_RXQ_OVFL` is
    /// on and some were.
    pub overflow: Option<u32>,
}

/// How often a non-blocking call was refused before it succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpinCount(pub u64);

impl Traced {
    /// `recv(2)`. 0 on a stream: the peer has closed its side.
    pub fn recv(&self, buffer: &mut [u8], flags: i32) -> io::Result<usize> {
        let at = self.tracer.begin();
        let fd = self.socket.as_raw_fd();
        let asked = MsgFlags::from_bits_retain(flags);
        let once = asked.contains(MsgFlags::MSG_DONTWAIT);
        let room = buffer.len();
        let mut attempt = || Ok(recv(fd, buffer, asked)?);
        let result = if once {
            attempt()
        } else {
            self.patiently(PollFlags::POLLIN, true, attempt)
        };
        let got = *result.as_ref().unwrap_or(&0);
        // MSG_TRUNC gives the true length, which may be more than there is (recv(2)).
        let shown = buffer.get(..got.min(room)).unwrap_or_default();
        let value = |len: &usize| with_preview(*len, shown);
        let args = || size_and_flags(room, flags);
        self.report(at, "recv", args, &result, value, got);
        result
    }

    /// [`Traced::recv`] that never waits, again and again until something comes: what a program
    /// does on a non-blocking socket without poll(2). The first EAGAIN is reported, the others are
    /// counted. It ends with EINTR when `stop` says so, asked now and then.
    pub fn recv_spinning(
        &self,
        buffer: &mut [u8],
        mut stop: impl FnMut() -> bool,
    ) -> (io::Result<usize>, SpinCount) {
        let fd = self.socket.as_raw_fd();
        let mut refused = 0;
        loop {
            let at = self.tracer.begin();
            let result = recv(fd, buffer, MsgFlags::MSG_DONTWAIT).map_err(io::Error::from);
            let waits = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
            let again = result.as_ref().is_err_and(waits);
            if !again || refused == 0 {
                let got = *result.as_ref().unwrap_or(&0);
                let shown = buffer.get(..got).unwrap_or_default();
                let value = |len: &usize| with_preview(*len, shown);
                let args = || size_and_flags(buffer.len(), 0);
                self.report(at, "recv", args, &result, value, got);
            }
            if !again {
                return (result, SpinCount(refused));
            }
            refused += 1;
            if refused % 1024 == 0 && stop() {
                return (
                    Err(io::Error::from_raw_os_error(libc::EINTR)),
                    SpinCount(refused),
                );
            }
            std::hint::spin_loop();
        }
    }

    /// `recvfrom(2)`, by recvmsg(2), which also tells how much was cut off and lost.
    pub fn recvfrom(&mut self, buffer: &mut [u8], flags: i32) -> io::Result<Received> {
        let at = self.tracer.begin();
        let mut scratch = std::mem::take(&mut self.scratch);
        let room = buffer.len();
        // With MSG_TRUNC the kernel returns the true length of a message (recv(2)); on a TCP
        // stream it would throw the bytes away (tcp(7)).
        let ask = if self.kind == socket2::Type::STREAM {
            flags
        } else {
            flags | libc::MSG_TRUNC
        };
        let mut attempt = || cmsg::recvmsg(&self.socket, buffer, &mut scratch, ask);
        let result = if flags & libc::MSG_DONTWAIT != 0 {
            attempt()
        } else {
            self.patiently(PollFlags::POLLIN, true, attempt)
        };
        let result = result.map(|got| Received {
            len: got.len.min(room),
            full: got.len,
            from: Address::from_bytes(scratch.name()),
            overflow: overflow(&scratch),
        });
        self.scratch = scratch;
        let got = result.as_ref().map_or(0, |got| got.len);
        let shown = buffer.get(..got).unwrap_or_default();
        let value = |got: &Received| {
            let mut text = with_preview(got.len, shown);
            if got.full > got.len {
                let _ = write!(text, ", {} cut off", got.full - got.len);
            }
            if let Some(from) = &got.from {
                let _ = write!(text, " from {}", self.show(from));
            }
            text
        };
        let args = || size_and_flags(room, flags);
        self.report(at, "recvfrom", args, &result, value, got);
        result
    }

    /// `send(2)`: how many bytes the kernel took, which may be fewer.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.tracer.begin();
        let result = self.patiently(PollFlags::POLLOUT, false, || self.send_now(bytes));
        let sent = *result.as_ref().unwrap_or(&0);
        let args = || with_preview_bytes(bytes);
        self.report(at, "send", args, &result, ToString::to_string, sent);
        result
    }

    /// `sendall()`: sends until all is taken; each inner send is reported, then the whole.
    ///
    /// An error in the middle tells nothing of how much went out, as in Python; the trace does.
    pub fn sendall(&self, bytes: &[u8]) -> io::Result<()> {
        let at = self.tracer.begin();
        let mut rest = bytes;
        let mut sends = 0_u64;
        let result = loop {
            if rest.is_empty() && sends > 0 {
                break Ok(());
            }
            // The first one alone needs no line of its own when it takes all.
            let began = self.tracer.begin();
            let sent = self.patiently(PollFlags::POLLOUT, false, || self.send_now(rest));
            sends += 1;
            let whole = sends == 1 && sent.as_ref().is_ok_and(|sent| *sent == rest.len());
            if !whole {
                let asked = rest;
                let count = *sent.as_ref().unwrap_or(&0);
                let args = || with_preview_bytes(asked);
                self.report(began, "send", args, &sent, ToString::to_string, count);
            }
            match sent {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => break Err(error),
            }
        };
        let sent = bytes.len() - rest.len();
        let args = || with_preview_bytes(bytes);
        self.report(at, "sendall", args, &result, |()| "None".into(), sent);
        result
    }

    /// `sendto(2)`.
    pub fn sendto(&self, bytes: &[u8], to: &Address) -> io::Result<usize> {
        let at = self.tracer.begin();
        let result = to.to_sock_addr().and_then(|raw| {
            self.patiently(PollFlags::POLLOUT, false, || {
                self.socket
                    .send_to_with_flags(bytes, &raw, libc::MSG_NOSIGNAL)
            })
        });
        let sent = *result.as_ref().unwrap_or(&0);
        let args = || format!("{}, {}", with_preview_bytes(bytes), self.show(to));
        self.report(at, "sendto", args, &result, ToString::to_string, sent);
        result
    }

    fn send_now(&self, bytes: &[u8]) -> io::Result<usize> {
        // Without MSG_NOSIGNAL a broken pipe would raise SIGPIPE (send(2)).
        Ok(send(
            self.socket.as_raw_fd(),
            bytes,
            MsgFlags::MSG_NOSIGNAL,
        )?)
    }
}

/// The count of messages thrown away, which comes along with a message (`SO_RXQ_OVFL`, socket(7)).
fn overflow(scratch: &cmsg::Scratch) -> Option<u32> {
    let is_count =
        |item: &cmsg::Item<'_>| (item.level, item.kind) == (libc::SOL_SOCKET, libc::SO_RXQ_OVFL);
    let item = scratch.items().find(is_count)?;
    item.int().map(i32::cast_unsigned)
}

/// `5 "hello"`.
fn with_preview(len: usize, bytes: &[u8]) -> String {
    if len == 0 {
        return "0".to_owned();
    }
    format!("{len} {}", preview(bytes))
}

/// `5 bytes "hello"`.
fn with_preview_bytes(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => "0 bytes".to_owned(),
        1 => format!("1 byte {}", preview(bytes)),
        len => format!("{len} bytes {}", preview(bytes)),
    }
}

/// The first bytes, as text.
fn preview(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    // Not in the middle of a character.
    let shown = match std::str::from_utf8(shown) {
        Err(error) if error.error_len().is_none() && shown.len() < bytes.len() => {
            shown.get(..error.valid_up_to()).unwrap_or(shown)
        }
        _ => shown,
    };
    let dots = if shown.len() < bytes.len() { "..." } else { "" };
    format!("\"{}\"{dots}", escape(shown))
}

fn size_and_flags(size: usize, flags: i32) -> String {
    const NAMES: [(i32, &str); 4] = [
        (libc::MSG_PEEK, "MSG_PEEK"),
        (libc::MSG_WAITALL, "MSG_WAITALL"),
        (libc::MSG_DONTWAIT, "MSG_DONTWAIT"),
        (libc::MSG_TRUNC, "MSG_TRUNC"),
    ];
    let names = NAMES.iter().filter(|(flag, _)| flags & flag != 0);
    let names: Vec<&str> = names.map(|(_, name)| *name).collect();
    if names.is_empty() {
        size.to_string()
    } else {
        format!("{size}, {}", names.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_short_and_harmless() {
        assert_eq!(preview(b"a\x1b"), "\"a\\x1b\"");
        let long = "你好".repeat(9);
        assert_eq!(preview(long.as_bytes()), "\"你好你好你好你好\"...");
        // A character that the message itself cuts is shown as the bytes that are there.
        assert_eq!(preview(&"你".as_bytes()[..2]), "\"\\xe4\\xbd\"");
        assert_eq!(with_preview_bytes(b""), "0 bytes");
        assert_eq!(with_preview_bytes(b"x"), "1 byte \"x\"");
    }

    #[test]
    fn flags_have_names() {
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        assert_eq!(size_and_flags(10, flags), "10, MSG_PEEK|MSG_DONTWAIT");
        assert_eq!(size_and_flags(1024, 0), "1024");
    }
}
