//! Verdicts to the objects of the JSON view.

use std::net::IpAddr;

use super::json_line::{Answer, Change, Failure, Line, Wrong};
use super::numbers::json_millis;
use super::words::{self, Carried};
use crate::event::Timestamp;
use crate::ping::{IcmpError, StateChange, Verdict};

/// The object of a verdict. `name` knows names of addresses.
pub(super) fn verdict_line<'a>(
    time: Timestamp,
    verdict: &Verdict,
    name: &dyn Fn(IpAddr) -> Option<&'a str>,
) -> Option<Line<'a>> {
    answer(time, verdict, name)
        .or_else(|| wrong(time, verdict))
        .or_else(|| other(time, verdict, name))
}

fn answer<'a>(
    time: Timestamp,
    verdict: &Verdict,
    name: &dyn Fn(IpAddr) -> Option<&'a str>,
) -> Option<Line<'a>> {
    let (Verdict::Reply {
        seq,
        from,
        bytes,
        ttl,
        rtt,
        stamp,
        ..
    }
    | Verdict::Late {
        seq,
        from,
        bytes,
        ttl,
        rtt,
        stamp,
        ..
    }
    | Verdict::Duplicate {
        seq,
        from,
        bytes,
        ttl,
        rtt,
        stamp,
        ..
    }
    | Verdict::OtherAddress {
        seq,
        from,
        bytes,
        ttl,
        rtt,
        stamp,
        ..
    }) = *verdict
    else {
        return None;
    };
    let answer = Answer {
        seq,
        n: None,
        from,
        name: name(from),
        bytes,
        ttl,
        rtt_ms: json_millis(rtt),
        stamp,
        reordered: None,
        time,
    };
    Some(match *verdict {
        Verdict::Reply { n, reordered, .. } => Line::Reply(Answer {
            n: Some(n),
            reordered: Some(reordered),
            ..answer
        }),
        Verdict::Late { n, .. } => Line::Late(Answer {
            n: Some(n),
            ..answer
        }),
        Verdict::Duplicate { .. } => Line::Duplicate(answer),
        _ => Line::OtherAddress(answer),
    })
}

fn wrong<'a>(time: Timestamp, verdict: &Verdict) -> Option<Line<'a>> {
    let (Verdict::Corrupt {
        seq, from, bytes, ..
    }
    | Verdict::Truncated {
        seq, from, bytes, ..
    }
    | Verdict::Longer {
        seq, from, bytes, ..
    }
    | Verdict::BadChecksum {
        seq, from, bytes, ..
    }
    | Verdict::UnknownSeq { seq, from, bytes }
    | Verdict::Request { seq, from, bytes }) = *verdict
    else {
        return None;
    };
    let wrong = Wrong {
        seq,
        from,
        bytes,
        expected: None,
        at: None,
        sent: None,
        got: None,
        computed: None,
        time,
    };
    Some(match *verdict {
        Verdict::Corrupt { at, sent, got, .. } => Line::Corrupt(Wrong {
            at: Some(at),
            sent: Some(sent),
            got: Some(got.into()),
            ..wrong
        }),
        Verdict::Truncated { expected, .. } => Line::Truncated(Wrong {
            expected: Some(expected),
            ..wrong
        }),
        Verdict::Longer { expected, .. } => Line::Longer(Wrong {
            expected: Some(expected),
            ..wrong
        }),
        Verdict::BadChecksum { got, computed, .. } => Line::BadChecksum(Wrong {
            got: Some(got),
            computed: Some(computed),
            ..wrong
        }),
        Verdict::UnknownSeq { .. } => Line::UnknownSeq(wrong),
        _ => Line::Request(wrong),
    })
}

fn other<'a>(
    time: Timestamp,
    verdict: &Verdict,
    name: &dyn Fn(IpAddr) -> Option<&'a str>,
) -> Option<Line<'a>> {
    match *verdict {
        Verdict::Error { seq, ref error } => {
            Some(Line::Error(failure(time, seq, error, name(error.from))))
        }
        Verdict::NotSent { seq, n, ref reason } => Some(Line::NotSent {
            seq,
            n,
            reason: words::not_sent(reason),
            errno: reason.errno,
            mtu: reason.mtu,
            time,
        }),
        Verdict::Timeout {
            seq,
            n,
            closed_early,
        } => Some(Line::Timeout {
            seq,
            n,
            closed_early,
            time,
        }),
        Verdict::State(ref change) => Some(Line::State(state(time, change))),
        _ => None,
    }
}

fn failure<'a>(
    time: Timestamp,
    seq: Option<u16>,
    error: &IcmpError,
    name: Option<&'a str>,
) -> Failure<'a> {
    let carried = words::carried(error);
    Failure {
        seq,
        from: error.from,
        name,
        icmp_type: error.icmp_type,
        icmp_code: error.code,
        message: words::error(error),
        mtu: match carried {
            Some(Carried::Mtu(mtu)) => Some(mtu),
            _ => None,
        },
        gateway: match carried {
            Some(Carried::Gateway(gateway)) => Some(gateway),
            _ => None,
        },
        pointer: match carried {
            Some(Carried::Pointer(pointer)) => Some(pointer),
            _ => None,
        },
        objects: words::objects(error),
        matched: !error.unmatched,
        time,
    }
}

fn state(time: Timestamp, change: &StateChange) -> Change {
    let (state, message) = words::state(change);
    let plain = Change {
        state,
        message,
        errno: None,
        mtu: None,
        count: None,
        lasted_ms: None,
        id: None,
        time,
    };
    match *change {
        StateChange::SendsFail(ref reason) => Change {
            errno: Some(reason.errno),
            mtu: reason.mtu,
            ..plain
        },
        StateChange::SendsWork { not_sent: count } | StateChange::LostByUs { count } => Change {
            count: Some(count),
            ..plain
        },
        StateChange::SendsWaited { errno, waited } => Change {
            errno: Some(errno),
            lasted_ms: Some(json_millis(waited)),
            ..plain
        },
        StateChange::HeldBack { held, .. } => Change {
            lasted_ms: Some(json_millis(held)),
            ..plain
        },
        StateChange::OutageEnded { lasted } => Change {
            lasted_ms: Some(json_millis(lasted)),
            ..plain
        },
        StateChange::IdClash { id } => Change {
            id: Some(id),
            ..plain
        },
        StateChange::OutageBegan | StateChange::ClockStep | StateChange::TableFull => plain,
    }
}
