//! Waiting on several descriptors with a nanosecond timeout. What to do then is the caller's.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
pub use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::SigSet;
use nix::sys::time::TimeSpec;

/// ppoll(2): waits until a descriptor is ready or `timeout` is over (`None`: for ever).
///
/// `mask` is the signal mask while waiting (`None`: leave it). Returns how many descriptors are
/// ready; 0 after the timeout, and also after a signal, so callers look at the clock again anyway.
pub fn ppoll(
    fds: &mut [PollFd<'_>],
    timeout: Option<Duration>,
    mask: Option<SigSet>,
) -> io::Result<usize> {
    match nix::poll::ppoll(fds, timeout.map(TimeSpec::from), mask) {
        // A negative count is an error already; this cannot fail.
        Ok(ready) => Ok(usize::try_from(ready).unwrap_or(0)),
        // Linux has written empty `revents` by then (fs/select.c do_sys_poll).
        Err(Errno::EINTR) => Ok(0),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes timeouts end within about 1 ns of the asked time, not 50 us later (PR_SET_TIMERSLACK in
/// prctl(2)): probes leave on the schedule.
pub fn sharpen_timers() -> io::Result<()> {
    nix::sys::prctl::set_timerslack(1).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn ready_descriptor_is_told_apart_from_a_timeout() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let short = Some(Duration::from_nanos(100));
        assert_eq!(ppoll(&mut fds, short, None).unwrap(), 0);
        writer.write_all(b"x").unwrap();
        assert_eq!(ppoll(&mut fds, None, None).unwrap(), 1);
        assert_eq!(fds[0].revents(), Some(PollFlags::POLLIN));
    }
}
