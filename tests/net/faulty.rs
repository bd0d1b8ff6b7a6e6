//! Faults put between a session and a real wire: sends that fail on order, over a real cable.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use libtest_mimic::Failed;
use rawsock::craft::ipv4;
use rawsock::lab::Lab;
use rawsock::net::build::Builder;
use rawsock::net::icmp::{Family, Kind};
use rawsock::net::session::{Next, Session};
use rawsock::net::{Outgoing, Queued, Received, Wire};
use rawsock::ping::{Config, Pinger, StateChange, Summary, Verdict};
use rawsock::sys::clock::Clock;
use rawsock::sys::poll::{PollFd, PollFlags, ppoll};

use crate::end::{End, ID, addresses};
use crate::harness::Outcome;

crate::tests![
    sends_that_fail_are_not_lost_and_the_rest_is_answered,
    a_send_that_is_tried_again_is_answered_under_its_number,
];

/// A wire whose sends fail as `errno` says for each one, counted from 1.
pub struct FaultyWire<W> {
    inner: W,
    sends: u32,
    errno: fn(u32) -> Option<i32>,
}

impl<W> FaultyWire<W> {
    pub fn new(inner: W, errno: fn(u32) -> Option<i32>) -> Self {
        Self {
            inner,
            sends: 0,
            errno,
        }
    }
}

impl<W: Wire> Wire for FaultyWire<W> {
    fn send(&mut self, outgoing: Outgoing<'_>) -> io::Result<u32> {
        self.sends += 1;
        match (self.errno)(self.sends) {
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => self.inner.send(outgoing),
        }
    }

    fn recv<'b>(&mut self, buf: &'b mut [u8]) -> io::Result<Option<Received<'b>>> {
        self.inner.recv(buf)
    }

    fn recv_queued(&mut self) -> io::Result<Option<Queued>> {
        self.inner.recv_queued()
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Ten probes to h2 with header by hand, 2 ms apart, over a wire with these faults.
fn run(errno: fn(u32) -> Option<i32>) -> Result<(Summary, Vec<Verdict>), Failed> {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let to = addresses(Family::V4);
    let end = End::open(lab.h1(), Kind::Hdrincl, to, ID)?;
    let mut config = Config::new(to.1, vec![ID], 0x5eed_5eed_5eed_5eed);
    config.count = Some(10);
    config.interval = Duration::from_millis(2);
    let header = ipv4::Header {
        destination: Lab::v4(2),
        df: true,
        ..Default::default()
    };
    let (clock, wire) = (Clock::start(), FaultyWire::new(end.wire, errno));
    let mut session = Session::new(Pinger::new(config), wire, Builder::Ipv4(header), to.1);
    let mut verdicts = Vec::new();
    while clock.mono().0 < Duration::from_secs(10) {
        let next = session.turn(&clock, clock.mono())?;
        verdicts.extend(session.pinger().drain_events().map(|(_, verdict)| verdict));
        match next {
            Next::Done => return Ok((session.pinger().summary(clock.mono()), verdicts)),
            Next::Sent(..) | Next::Again => {}
            Next::Wait(until) => {
                let rest = until.since(clock.mono());
                let mut fds = [PollFd::new(session.wire().as_fd(), PollFlags::POLLIN)];
                ppoll(&mut fds, Some(rest), None)?;
                let revents = fds[0].revents().unwrap_or(PollFlags::empty());
                let error = revents.contains(PollFlags::POLLERR);
                session.take(&clock, revents.contains(PollFlags::POLLIN), error)?;
            }
        }
    }
    Err("the run did not end".into())
}

fn sends_that_fail_are_not_lost_and_the_rest_is_answered() -> Outcome {
    for errno in [
        |n| (4..=6).contains(&n).then_some(libc::EPERM),
        |n| (4..=6).contains(&n).then_some(libc::ENETUNREACH),
        |n| (4..=6).contains(&n).then_some(libc::ENETDOWN),
    ] as [fn(u32) -> Option<i32>; 3]
    {
        let (summary, verdicts) = run(errno)?;
        assert_eq!((summary.sent, summary.received, summary.lost), (7, 7, 0));
        assert_eq!((summary.not_sent, summary.duplicates), (3, 0));
        let works = Verdict::State(StateChange::SendsWork { not_sent: 3 });
        assert!(verdicts.contains(&works), "{verdicts:?}");
        let fails = |v: &&Verdict| matches!(v, Verdict::State(StateChange::SendsFail(_)));
        assert_eq!(verdicts.iter().filter(fails).count(), 1);
    }
    Ok(())
}

fn a_send_that_is_tried_again_is_answered_under_its_number() -> Outcome {
    let (summary, verdicts) = run(|n| (n % 3 == 0).then_some(libc::ENOBUFS))?;
    assert_eq!((summary.sent, summary.received), (10, 10));
    assert_eq!((summary.not_sent, summary.lost), (0, 0));
    let numbers = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Reply { n, .. } => Some(*n),
        _ => None,
    });
    let numbers: Vec<u64> = numbers.collect();
    let first = numbers[0];
    assert_eq!(numbers, (first..first + 10).collect::<Vec<u64>>());
    Ok(())
}
