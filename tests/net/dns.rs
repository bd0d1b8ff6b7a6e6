//! A name server that answers late, or with bytes that no name should have. A, AAAA and PTR.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::frames::be16;
use crate::harness::now;

/// What it answers and when.
#[derive(Clone, Default)]
pub struct Zone {
    /// Every answer waits so long.
    pub delay: Duration,
    /// Addresses of every name.
    pub addresses: Vec<IpAddr>,
    /// The one label of every address's name, raw.
    pub label: Vec<u8>,
}

/// A running server on port 53. Dropping it ends it.
pub struct Server {
    stop: Arc<AtomicBool>,
    questions: Arc<AtomicUsize>,
    thread: Option<JoinHandle<io::Result<io::Result<()>>>>,
}

impl Server {
    pub fn start(host: &Host, address: IpAddr, zone: Zone) -> Result<Self, Failed> {
        let socket = host.run(|| UdpSocket::bind((address, 53)))??;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let questions = Arc::new(AtomicUsize::new(0));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&questions));
        let thread = host.thread(move || serve(&socket, &zone, &stopped, &count))?;
        Ok(Self {
            stop,
            questions,
            thread: Some(thread),
        })
    }

    /// How many questions came so far.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap().unwrap().unwrap();
        }
    }
}

/// At most a minute and 1,000 questions.
fn serve(
    socket: &UdpSocket,
    zone: &Zone,
    stopped: &AtomicBool,
    count: &AtomicUsize,
) -> io::Result<()> {
    let end = now() + Duration::from_mins(1);
    let mut waiting = Vec::new();
    let mut buf = [0; 1500];
    while now() < end && !stopped.load(Ordering::Relaxed) && count.load(Ordering::Relaxed) < 1000 {
        match socket.recv_from(&mut buf) {
            Ok((len, peer)) => {
                count.fetch_add(1, Ordering::Relaxed);
                let answer = answer(&buf[..len], zone);
                waiting.extend(answer.map(|answer| (now() + zone.delay, answer, peer)));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        for (_, answer, peer) in waiting.extract_if(.., |(due, ..)| *due <= now()) {
            socket.send_to(&answer, peer)?;
        }
    }
    Ok(())
}

/// RFC 1035 4.1. `None` for what is no question.
fn answer(question: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let mut end = 12;
    loop {
        let len = usize::from(*question.get(end)?);
        end += 1 + len;
        if len == 0 {
            break;
        }
    }
    let kind = be16(question, end)?;
    let asked = question.get(12..end + 4)?;
    let records: Vec<Vec<u8>> = match kind {
        1 | 28 => {
            let fits = |address: &&IpAddr| address.is_ipv4() == (kind == 1);
            let octets = |address: &IpAddr| match address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            zone.addresses.iter().filter(fits).map(octets).collect()
        }
        12 if !zone.label.is_empty() => {
            let len = u8::try_from(zone.label.len()).ok()?;
            vec![[&[len], &zone.label[..], &[0]].concat()]
        }
        _ => Vec::new(),
    };
    // Response, recursion available; no error.
    let mut answer = [&question[..2], &[0x81, 0x80, 0, 1]].concat();
    answer.extend(u16::try_from(records.len()).ok()?.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(asked);
    for record in records {
        // The name is the question's (a pointer to byte 12), class IN, 60 seconds.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(record.len()).ok()?.to_be_bytes());
        answer.extend(record);
    }
    Some(answer)
}
