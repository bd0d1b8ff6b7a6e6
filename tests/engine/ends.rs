//! How a run ends, what its exit code says, and what becomes of probes that are still open.

use rawsock::ping::{Config, Ended, Verdict};

use crate::link::{Link, Packet, Rng, Send, at, config, flood, ms, us};

/// A far end that answers after 10 ms the probes that `answers` picks.
fn link<'a>(config: Config, answers: impl Fn(u64) -> bool + 'a) -> Link<'a> {
    Link::new(config, move |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if answers(probe.n) {
            vec![(ms(10), reply)]
        } else {
            vec![]
        }
    })
}

#[test]
fn a_counted_run_ends_with_its_last_answer() {
    let mut link = link(config(3), |_| true);
    let summary = link.run();
    assert_eq!(summary.elapsed, ms(2010));
    assert_eq!(link.pinger.ended(), Some(Ended::Count));
    assert_eq!(link.pinger.poll(at(99_999)), rawsock::ping::Step::Done);
    assert_eq!(link.pinger.summary(at(99_999)).elapsed, ms(2010));
}

#[test]
fn the_last_probe_is_waited_for_as_iputils_does() {
    // One interval, since twice the round trip is shorter.
    let summary = link(config(3), |n| n != 3).run();
    assert_eq!((summary.elapsed, summary.lost), (ms(3000), 1));
    // All of the timeout, since nothing was answered.
    let mut quiet = config(3);
    quiet.timeout = Some(ms(4000));
    assert_eq!(link(quiet.clone(), |_| false).run().elapsed, ms(6000));
    // Never longer than the timeout.
    quiet.timeout = Some(ms(300));
    assert_eq!(link(quiet, |n| n != 3).run().elapsed, ms(2300));
    // A flood does not give up on a slow wake-up.
    let summary = link(flood(3), |n| n != 3).run();
    assert_eq!(summary.elapsed, ms(20 + 200));
}

#[test]
fn with_a_deadline_the_count_is_of_answers() {
    let mut config = config(3);
    config.deadline = Some(ms(20_000));
    let mut some = link(config.clone(), |n| n % 2 == 0);
    let summary = some.run();
    assert_eq!(
        (summary.sent, summary.received, summary.elapsed),
        (6, 3, ms(5010))
    );
    assert!(some.pinger.success());
    config.deadline = Some(ms(4500));
    let mut few = link(config, |n| n % 2 == 0);
    let summary = few.run();
    assert_eq!(
        (summary.sent, summary.received, summary.elapsed),
        (5, 2, ms(4500))
    );
    assert_eq!(few.pinger.ended(), Some(Ended::Deadline));
    assert!(!few.pinger.success(), "iputils: fewer than asked for");
}

#[test]
fn errors_leave_the_deadline_alone() {
    let mut config = config(1);
    config.deadline = Some(ms(5000));
    let mut link = Link::new(config, |probe, payload| {
        vec![(ms(1), Packet::error(probe, payload, 3, 1))]
    });
    let summary = link.run();
    assert_eq!((summary.elapsed, summary.errors), (ms(5000), 5));
    assert!(!link.pinger.success());
}

#[test]
fn a_dead_host_is_all_loss_at_the_deadline_and_at_an_interrupt() {
    let mut config = config(0);
    config.deadline = Some(ms(4500));
    let summary = link(config.clone(), |_| false).run();
    assert_eq!((summary.sent, summary.lost, summary.open), (5, 5, 0));
    config.deadline = None;
    let mut link = link(config, |_| false);
    link.run_until(at(2500));
    link.pinger.interrupt(link.now);
    let summary = link.run();
    assert_eq!((summary.sent, summary.lost, summary.open), (3, 3, 0));
    assert!((summary.loss_percent() - 100.0).abs() < f64::EPSILON);
    assert_eq!(link.pinger.ended(), Some(Ended::Interrupted));
}

#[test]
fn an_interrupt_spares_what_is_too_young_to_be_lost() {
    let mut link = link(config(0), |n| n != 2);
    link.run_until(at(3005));
    link.pinger.interrupt(link.now);
    let summary = link.run();
    assert_eq!(summary.elapsed, ms(3005));
    assert_eq!((summary.sent, summary.received), (4, 2));
    // The second is lost by now, nobody knows about the fourth.
    assert_eq!((summary.lost, summary.open), (1, 1));
    assert!((summary.loss_percent() - 25.0).abs() < 1e-9);
    assert!((summary.unanswered_percent() - 50.0).abs() < 1e-9);
    assert!(link.pinger.success());
}

#[test]
fn an_interrupt_needs_no_further_poll() {
    let mut link = link(config(0), |n| n != 2);
    link.run_until(at(3005));
    link.pinger.interrupt(link.now);
    let summary = link.pinger.summary(at(9000));
    assert_eq!(
        (summary.lost, summary.open, summary.elapsed),
        (1, 1, ms(3005))
    );
    assert_eq!(link.pinger.ended(), Some(Ended::Interrupted));
    let last: Vec<_> = link.pinger.drain_events().map(|(_, v)| v).collect();
    assert!(matches!(
        last[..],
        [Verdict::Timeout {
            n: 2,
            closed_early: true,
            ..
        }]
    ));
    // A run that is over stays as it was.
    link.pinger.interrupt(at(9000));
    assert_eq!(link.pinger.summary(at(9000)), summary);
}

#[test]
fn an_end_with_much_outstanding_comes_in_small_bites() {
    let mut config = config(0);
    config.ids = vec![1, 2, 3, 4];
    config.preload = 100_000;
    let mut link = link(config, |_| false);
    link.keep = false;
    link.run_until(at(500));
    link.pinger.interrupt(link.now);
    let summary = link.pinger.summary(link.now);
    assert_eq!((summary.lost, summary.open), (100_000, 0), "known at once");
    let mut polls = 0;
    while link.pinger.poll(link.now) != rawsock::ping::Step::Done {
        let events = link.pinger.drain_events().len();
        assert!(events <= 2100, "{events}");
        polls += 1;
        assert!(polls < 1000);
    }
    let summary = link.pinger.summary(link.now);
    assert_eq!((summary.sent, summary.lost), (100_000, 100_000));
}

#[test]
fn run_for_stops_sending_and_waits() {
    let mut config = config(0);
    config.run_for = Some(ms(3005));
    let mut run = link(config.clone(), |_| true);
    let summary = run.run();
    assert_eq!((summary.sent, summary.received), (4, 4));
    assert_eq!(
        (summary.elapsed, run.pinger.ended()),
        (ms(3010), Some(Ended::RunFor))
    );
}

#[test]
fn until_counts_answers() {
    let mut config = config(0);
    config.until = Some(2);
    let mut run = link(config.clone(), |n| n > 3);
    let summary = run.run();
    assert_eq!((summary.sent, summary.received), (5, 2));
    assert_eq!(run.pinger.ended(), Some(Ended::Until));
    assert!(run.pinger.success());
    config.count = Some(4);
    let mut run = link(config, |n| n > 3);
    run.run();
    assert_eq!(run.pinger.ended(), Some(Ended::Count));
    assert!(!run.pinger.success(), "one answer of two");
}

#[test]
fn fail_after_counts_failures_in_a_row() {
    let mut config = config(0);
    config.timeout = Some(ms(900));
    config.fail_after = Some(3);
    let mut run = link(config.clone(), |n| n == 1 || n == 4);
    let summary = run.run();
    assert_eq!((summary.sent, summary.received), (7, 2));
    assert_eq!(run.pinger.ended(), Some(Ended::FailAfter));
    assert!(!run.pinger.success());
    // Errors and sends that fail count as well.
    let mut run = Link::new(config, |probe, payload| {
        vec![(ms(1), Packet::error(probe, payload, 3, 1))]
    });
    run.send = Box::new(|_, probe| {
        if probe.n == 2 {
            Send::Fails(101)
        } else {
            Send::Works
        }
    });
    let summary = run.run();
    assert_eq!(
        (summary.errors, summary.not_sent, summary.elapsed),
        (2, 1, ms(2001))
    );
}

#[test]
fn an_interface_that_is_gone_ends_the_run() {
    let mut run = link(config(0), |_| true);
    run.send = Box::new(|_, probe| {
        if probe.n > 2 {
            Send::Fails(19)
        } else {
            Send::Works
        }
    });
    let summary = run.run();
    assert_eq!((summary.sent, summary.not_sent), (2, 3));
    assert_eq!(run.pinger.ended(), Some(Ended::DeviceGone));
}

#[test]
fn without_a_size_without_an_interval_and_with_loss_it_still_ends() {
    let mut config = flood(2000);
    config.sizes = rawsock::ping::Sizes::Fixed(0);
    config.timeout = Some(ms(1000));
    let mut rng = Rng(3);
    let mut run = Link::new(config, |probe, payload| {
        let reply = Packet::reply(probe, payload);
        if rng.below(4) == 0 {
            vec![]
        } else {
            vec![(us(50), reply)]
        }
    });
    let summary = run.run();
    assert_eq!(summary.received + summary.lost, 2000);
    assert!(summary.elapsed < ms(7000), "{:?}", summary.elapsed);
}

#[test]
fn what_has_no_answer_yet_is_known() {
    let mut run = link(config(0), |n| n != 2);
    run.run_until(at(500));
    assert_eq!(run.pinger.unanswered(), None);
    run.run_until(at(1500));
    assert_eq!(run.pinger.unanswered(), Some(2));
    assert_eq!(run.count(|v| matches!(v, Verdict::Reply { .. })), 1);
}

#[test]
fn a_probe_that_is_not_reported_is_handed_out_again() {
    let mut run = link(config(0), |_| true);
    let first = run.pinger.poll(at(0));
    assert_eq!(run.pinger.poll(at(5000)), first);
    assert!(matches!(first, rawsock::ping::Step::Send(probe) if probe.n == 1));
}
