//! A capture on a host's link, kept in memory: what really was on the wire.
//!
//! Bounded: 60 seconds, 300,000 frames, and it ends with the test that started it.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::frames::Request;
use crate::harness::{now, wait_for};
use crate::link::{FrameSocket, wait_readable};

/// A frame and who sent it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Sent by the host that captures.
    pub outgoing: bool,
    /// From the Ethernet header on.
    pub bytes: Vec<u8>,
}

/// A running capture. Dropping it ends it.
pub struct Tap {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<io::Result<()>>>>,
}

impl Tap {
    /// Captures from now on.
    pub fn start(host: &Host, link: &str) -> Result<Self, Failed> {
        let socket = FrameSocket::open(host, link)?;
        let (stop, stopped) = UnixStream::pair()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let thread = host.thread(move || capture(&socket, &kept, &stopped))?;
        Ok(Self {
            seen,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// All frames so far.
    pub fn frames(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The echo requests that came in so far.
    pub fn requests(&self) -> Vec<Request> {
        let frames = self.frames();
        let incoming = frames.iter().filter(|frame| !frame.outgoing);
        incoming.filter_map(|f| Request::read(&f.bytes)).collect()
    }

    /// Waits until `count` echo requests came in.
    pub fn wait_requests(&self, count: usize) -> Result<Vec<Request>, Failed> {
        wait_for(
            "echo requests at the far end",
            Duration::from_secs(5),
            || Some(self.requests()).filter(|requests| requests.len() >= count),
        )
    }

    /// Waits for the first incoming frame that `wanted` likes.
    pub fn wait_frame(&self, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, Failed> {
        wait_for("a frame at the far end", Duration::from_secs(5), || {
            let frames = self.frames();
            let mut incoming = frames.into_iter().filter(|frame| !frame.outgoing);
            incoming.find(|frame| wanted(&frame.bytes)).map(|f| f.bytes)
        })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap().unwrap().unwrap();
        }
    }
}

fn capture(socket: &FrameSocket, seen: &Mutex<Vec<Seen>>, stopped: &UnixStream) -> io::Result<()> {
    let end = now() + Duration::from_mins(1);
    let mut buf = vec![0; 65_600];
    let mut count = 0;
    while count < 300_000 && now() < end {
        wait_readable(&[socket.as_fd(), stopped.as_fd()], Duration::from_secs(1))?;
        while let Some((bytes, outgoing)) = socket.receive(&mut buf)? {
            let bytes = bytes.to_vec();
            seen.lock().unwrap().push(Seen { outgoing, bytes });
            count += 1;
        }
        if closed(stopped)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the other end, which never writes, was dropped.
pub fn closed(stream: &UnixStream) -> io::Result<bool> {
    use std::io::Read;
    stream.set_nonblocking(true)?;
    let mut stream = stream;
    match stream.read(&mut [0]) {
        Ok(0) => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(false),
    }
}
