//! The end of a ping run as text: our own lines, then iputils' block, whole and last, so that
//! programs that read ping's output find it where it always was.

use std::io::{self, Write};

use super::escape::escape;
use super::numbers::{millis, percent, whole_millis};
use super::ping::Text;
use crate::event::Timestamp;
use crate::ping::{Outage, RttStats, Summary};

/// Outages listed one by one; the rest are counted.
const OUTAGES: usize = 20;

impl Text {
    /// An empty line, our lines, and the statistics.
    pub fn finish(&self, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        writeln!(out)?;
        if let Some(rtt) = &summary.rtt {
            writeln!(out, "{}", spread(rtt, summary))?;
        }
        for (count, meaning) in counters(summary) {
            if count > 0 {
                writeln!(out, "{count} {meaning}")?;
            }
        }
        self.unsent(summary, out)?;
        outages(summary, out)?;
        self.block(summary, out)
    }

    fn unsent(&self, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        let mut left = summary.not_sent;
        for (errno, count) in &self.unsent {
            let reason = io::Error::from_raw_os_error(*errno);
            writeln!(out, "{count} not sent: {reason}")?;
            left = left.saturating_sub(*count);
        }
        if left > 0 {
            writeln!(out, "{left} not sent")?;
        }
        Ok(())
    }

    /// iputils' block, from `---` to the line of times, which is empty if there are none.
    fn block(&self, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        let target = escape(&self.start.target);
        if self.options.several {
            let address = self.start.show(self.start.address);
            writeln!(out, "--- {target} ({address}) ping statistics ---")?;
        } else {
            writeln!(out, "--- {target} ping statistics ---")?;
        }
        write!(
            out,
            "{} packets transmitted, {} received",
            summary.sent, summary.received
        )?;
        let corrupted = summary.corrupt.saturating_add(summary.bad_checksum);
        for (count, name) in [
            (summary.duplicates, "duplicates"),
            (corrupted, "corrupted"),
            (summary.errors, "errors"),
        ] {
            if count > 0 {
                write!(out, ", +{count} {name}")?;
            }
        }
        // A share of nothing is no number; the time stays, for jc knows the block by it.
        if summary.sent > 0 {
            write!(out, ", {}% packet loss", percent(summary.loss_percent()))?;
        }
        write!(out, ", time {}ms", whole_millis(summary.sending))?;
        writeln!(out)?;
        writeln!(out, "{}", self.times(summary).join(", "))
    }

    fn times(&self, summary: &Summary) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(rtt) = &summary.rtt {
            let times = [rtt.min, rtt.avg, rtt.max, rtt.mdev].map(millis).join("/");
            parts.push(format!("rtt min/avg/max/mdev = {times} ms"));
        }
        if summary.pipe > 1 {
            parts.push(format!("pipe {}", summary.pipe));
        }
        let gaps = u32::try_from(summary.sent.saturating_sub(1)).unwrap_or(u32::MAX);
        if let Some(ewma) = summary
            .ewma
            .filter(|_| self.options.paced_by_answers && gaps > 0)
        {
            let gap = summary.sending / gaps;
            parts.push(format!("ipg/ewma {}/{} ms", millis(gap), millis(ewma)));
        }
        parts
    }
}

/// `p50/p90/p99 = 0.030/0.041/0.059 ms, jitter 0.004 ms, 9 of 10 by kernel stamps`
fn spread(rtt: &RttStats, summary: &Summary) -> String {
    let times = [rtt.p50, rtt.p90, rtt.p99].map(millis).join("/");
    format!(
        "p50/p90/p99 = {times} ms, jitter {} ms, {} of {} by {} stamps",
        millis(rtt.jitter),
        rtt.count,
        summary.answered().max(rtt.count),
        rtt.stamp
    )
}

/// What iputils has no line for, with what it means.
fn counters(summary: &Summary) -> [(u64, &'static str); 14] {
    [
        (
            summary.late,
            "late: answered after the timeout, neither received nor lost",
        ),
        (
            summary.open,
            "open: sent too shortly before the end to be called lost",
        ),
        (
            summary.reordered,
            "reordered: answered after a probe that was sent later",
        ),
        (
            summary.duplicates,
            "duplicate: further answers to an answered probe",
        ),
        (summary.corrupt, "corrupt: the payload came back changed"),
        (
            summary.truncated,
            "truncated: the answer is shorter than the request",
        ),
        (
            summary.longer,
            "longer: the answer is longer than the request",
        ),
        (
            summary.bad_checksum,
            "bad checksum: the ICMP checksum does not fit",
        ),
        (
            summary.other_address,
            "other address: answered by a host that was not asked",
        ),
        (
            summary.unknown_seq,
            "never sent: answers to a sequence that was not sent",
        ),
        (
            summary.requests,
            "bounced: our own requests came back as requests",
        ),
        (
            summary.notices,
            "notice: redirects and source quenches, which end no probe",
        ),
        (
            summary.lost_by_us,
            "lost by us: the receive queue was full (IPv6: or a checksum bad)",
        ),
        (
            summary.retries,
            "retried: a queue of this host was full, so sent again",
        ),
    ]
}

fn outages(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    for outage in summary.outages.iter().take(OUTAGES) {
        writeln!(out, "{}", outage_line(outage))?;
    }
    let shown = u64::try_from(summary.outages.len().min(OUTAGES)).unwrap_or(0);
    match summary.outage_count.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more outages"),
    }
}

/// As exact as a person reads: `2026-11-22T18:30:00.123Z`.
fn to_millis(at: Timestamp) -> String {
    let mut text = at.to_string();
    text.truncate(text.len().saturating_sub("456789Z".len()));
    text.push('Z');
    text
}

fn outage_line(outage: &Outage) -> String {
    match outage.until {
        Some(until) => {
            let lasted = until.since(outage.from).unwrap_or_default();
            format!(
                "outage of {:.3} s from {} to {}",
                lasted.as_secs_f64(),
                to_millis(outage.from),
                to_millis(until)
            )
        }
        None => format!("outage from {} to the end", to_millis(outage.from)),
    }
}
