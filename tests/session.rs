//! A whole session over a wire that fails on order: every errno that a send may meet, and what the
//! numbers say afterwards.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rawsock::decode::LinkType;
use rawsock::net::build::Builder;
use rawsock::net::session::{Next, Session};
use rawsock::net::{Outgoing, Queued, Received, Wire};
use rawsock::ping::{Config, Pinger, StateChange, Summary, Verdict};
use rawsock::sys::clock::Clock;

const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Answers each request at once; fails the sends that it was told to fail.
struct Faulty {
    fd: std::fs::File,
    /// One entry a send: the errno to fail with.
    script: VecDeque<Option<i32>>,
    answers: VecDeque<Vec<u8>>,
    queued: VecDeque<Queued>,
}

impl Faulty {
    fn new(script: &[Option<i32>]) -> Self {
        Self {
            fd: std::fs::File::open("/dev/null").expect("/dev/null is there"),
            script: script.iter().copied().collect(),
            answers: VecDeque::new(),
            queued: VecDeque::new(),
        }
    }
}

impl Wire for Faulty {
    fn send(&mut self, outgoing: Outgoing<'_>) -> io::Result<u32> {
        if let Some(Some(errno)) = self.script.pop_front() {
            if errno == libc::EMSGSIZE {
                self.queued.push_back(Queued::Local { errno, info: 1300 });
            }
            return Err(io::Error::from_raw_os_error(errno));
        }
        // The request turned into its reply: type 8 to 0 changes the sum by 0x0800 (RFC 1624).
        let mut reply = outgoing.bytes.to_vec();
        reply[0] = 0;
        let sum = u32::from(u16::from_be_bytes([reply[2], reply[3]])) + 0x0800;
        let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).expect("folded to 16 bits");
        reply[2..4].copy_from_slice(&sum.to_be_bytes());
        self.answers.push_back(reply);
        Ok(0)
    }

    fn recv<'b>(&mut self, buf: &'b mut [u8]) -> io::Result<Option<Received<'b>>> {
        let Some(answer) = self.answers.pop_front() else {
            return Ok(None);
        };
        buf[..answer.len()].copy_from_slice(&answer);
        Ok(Some(Received {
            link: LinkType::IcmpMessage,
            bytes: &buf[..answer.len()],
            full_len: answer.len(),
            from: TARGET,
            ttl: Some(64),
            stamp: None,
            overflow: None,
            iface: 0,
        }))
    }

    fn recv_queued(&mut self) -> io::Result<Option<Queued>> {
        Ok(self.queued.pop_front())
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn run(script: &[Option<i32>], count: u64) -> (Summary, Vec<Verdict>) {
    let mut config = Config::new(TARGET, vec![7, 8, 9, 10], 0x0102_0304_0506_0708);
    config.count = Some(count);
    config.interval = Duration::from_millis(1);
    config.tx_stamps = false;
    let clock = Clock::start();
    let mut session = Session::new(
        Pinger::new(config),
        Faulty::new(script),
        Builder::Icmp,
        TARGET,
    );
    let mut verdicts = Vec::new();
    // The engine asks to wait by the millisecond; two seconds are far more than any case takes.
    while clock.mono().0 < Duration::from_secs(2) {
        let next = session
            .turn(&clock, clock.mono())
            .expect("this wire never fails to receive");
        verdicts.extend(session.pinger().drain_events().map(|(_, verdict)| verdict));
        if next == Next::Done {
            let now = clock.mono();
            return (session.pinger().summary(now), verdicts);
        }
    }
    panic!("the run did not end");
}

#[test]
fn a_faultless_wire_answers_everything() {
    let (summary, verdicts) = run(&[], 5);
    assert_eq!(
        (summary.sent, summary.received, summary.not_sent),
        (5, 5, 0)
    );
    assert_eq!(verdicts.len(), 5);
}

#[test]
fn every_errno_is_not_sent_and_never_loss() {
    let errnos = [
        libc::EPERM,
        libc::EACCES,
        libc::EINVAL,
        libc::ENETUNREACH,
        libc::EHOSTUNREACH,
        libc::ENETDOWN,
        libc::EADDRNOTAVAIL,
        libc::EMSGSIZE,
        libc::ENOMEM,
        libc::EIO,
    ];
    for errno in errnos {
        let (summary, verdicts) = run(&[None, Some(errno), Some(errno), None, None], 5);
        assert_eq!((summary.sent, summary.not_sent), (3, 2), "errno {errno}");
        assert_eq!((summary.received, summary.lost), (3, 0), "errno {errno}");
        let said = |wanted: fn(&StateChange) -> bool| {
            let states = verdicts.iter().filter_map(|verdict| match verdict {
                Verdict::State(change) => Some(change),
                _ => None,
            });
            states.filter(|change| wanted(change)).count()
        };
        assert_eq!(
            said(|change| matches!(change, StateChange::SendsFail(_))),
            1,
            "errno {errno}"
        );
        assert_eq!(
            said(|change| matches!(change, StateChange::SendsWork { not_sent: 2 })),
            1,
            "errno {errno}"
        );
    }
}

#[test]
fn a_full_queue_is_tried_again_and_nothing_is_missing() {
    for errno in [libc::ENOBUFS, libc::EAGAIN, libc::EINTR] {
        let (summary, _) = run(&[None, Some(errno), Some(errno), None], 4);
        assert_eq!((summary.sent, summary.received), (4, 4), "errno {errno}");
        assert_eq!((summary.not_sent, summary.retries), (0, 2), "errno {errno}");
    }
}

#[test]
fn a_packet_that_is_too_long_names_the_mtu() {
    let (_, verdicts) = run(&[Some(libc::EMSGSIZE)], 2);
    let mtu = verdicts.iter().find_map(|verdict| match verdict {
        Verdict::NotSent { reason, .. } => reason.mtu,
        _ => None,
    });
    assert_eq!(mtu, Some(1300));
}

#[test]
fn an_error_from_the_queue_is_matched_to_its_probe() {
    let mut wire = Faulty::new(&[]);
    let quoted = vec![8, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
    wire.queued.push_back(Queued::Icmp {
        from: Some(Ipv4Addr::new(192, 0, 2, 254).into()),
        icmp_type: 12,
        code: 0,
        info: 20,
        quoted,
    });
    let mut config = Config::new(TARGET, vec![7], 0x0102_0304_0506_0708);
    config.tx_stamps = false;
    let clock = Clock::start();
    let mut session = Session::new(Pinger::new(config), wire, Builder::Icmp, TARGET);
    assert!(matches!(
        session.turn(&clock, clock.mono()).unwrap(),
        Next::Sent(..)
    ));
    session.take(&clock, false, true).unwrap();
    let errors: Vec<_> = session.pinger().drain_events().collect();
    let error = errors.iter().find_map(|(_, verdict)| match verdict {
        Verdict::Error { seq, error } => Some((*seq, error.icmp_type, error.rest)),
        _ => None,
    });
    assert_eq!(
        error,
        Some((Some(1), 12, 20 << 24)),
        "the pointer stands in the first byte"
    );
}
