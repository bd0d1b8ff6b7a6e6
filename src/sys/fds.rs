//! Descriptors that come over a unix socket (SCM_RIGHTS in unix(7)).

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// Receives bytes and up to four descriptors, which are closed on exec.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [IoSliceMut<'_>]) -> io::Result<Vec<OwnedFd>> {
    let mut space = cmsg_space!([i32; 4]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), bytes, Some(&mut space), flags)?;
    let mut received = Vec::new();
    for item in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = item {
            for number in numbers {
                // SAFETY: the kernel has just put this descriptor into our table and told nobody
                // else its number, so it is ours alone.
                received.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{IoSlice, Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{ControlMessage, sendmsg};

    use super::*;

    #[test]
    fn a_descriptor_arrives_and_works() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = io::pipe().unwrap();
        let numbers = [writer.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&numbers)];
        let parts = [IoSlice::new(b"x")];
        sendmsg::<()>(near.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None).unwrap();
        let mut byte = [0];
        let got = receive(far.as_fd(), &mut [IoSliceMut::new(&mut byte)]).unwrap();
        assert_eq!((byte, got.len()), (*b"x", 1));
        writer.write_all(b"1").unwrap();
        drop(writer);
        let mut file = File::from(got.into_iter().next().unwrap());
        file.write_all(b"2").unwrap();
        drop(file);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "12");
    }
}
