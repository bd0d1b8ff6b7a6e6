//! What holds for every run of ping, whatever came back: the counts fit the events and each other.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::program::Run;

/// Event types and the counters of the summary that count them.
const COUNTED: [(&str, &str); 11] = [
    ("reply", "received"),
    ("duplicate", "duplicates"),
    ("late", "late"),
    ("corrupt", "corrupt"),
    ("truncated", "truncated"),
    ("longer", "longer"),
    ("bad_checksum", "bad_checksum"),
    ("other_address", "other_address"),
    ("unknown_seq", "unknown_seq"),
    ("not_sent", "not_sent"),
    ("request", "requests"),
];

/// Checks a `--json` run and returns its summary.
pub fn sane(run: &Run) -> Result<Value, Failed> {
    let fail = |why: String| Err(Failed::from(format!("{why}\n{run}")));
    let events = run.events()?;
    let summary = run.summary()?;
    let of_type = |kind: &str| events.iter().filter(|e| e["type"] == kind).count() as u64;
    if events.first().is_none_or(|first| first["type"] != "start") {
        return fail("the first event is no start".into());
    }
    if of_type("summary") != 1 {
        return fail("not one summary".into());
    }
    for (kind, counter) in COUNTED {
        if summary[counter] != of_type(kind) {
            return fail(format!(
                "{} events {kind}, counted {}",
                of_type(kind),
                summary[counter]
            ));
        }
    }
    let count = |key: &str| summary[key].as_u64();
    let parts = ["received", "late", "lost"].map(|key| count(key).unwrap_or(u64::MAX / 8));
    let closed: u64 = parts.iter().sum();
    let sent = count("sent").unwrap_or(u64::MAX);
    // What is open at an interrupt is neither received nor lost.
    if closed + count("open").unwrap_or(0) != sent {
        return fail(format!(
            "sent {sent} is not received + late + lost (+ open)"
        ));
    }
    let loss = summary["loss_percent"].as_f64();
    if !loss.is_some_and(|loss| (0.0..=100.0).contains(&loss)) {
        return fail(format!("loss {loss:?}"));
    }
    for event in &events {
        if let Some(rtt) = event.get("rtt_ms").filter(|_| event["type"] != "summary")
            && !rtt.as_f64().is_some_and(|rtt| (0.0..1e6).contains(&rtt))
        {
            return fail(format!("rtt {rtt}"));
        }
    }
    let rtt = &summary["rtt_ms"];
    if parts[0] == 0 {
        if !rtt.is_null() {
            return fail("RTT figures without a reply".into());
        }
        return Ok(summary);
    }
    let figures = ["min", "p50", "p90", "p99", "max"].map(|key| rtt[key].as_f64());
    if figures.contains(&None) || !figures.is_sorted() {
        return fail(format!("RTT figures {rtt}"));
    }
    let [min, .., max] = figures;
    if rtt["avg"].as_f64() < min || rtt["avg"].as_f64() > max {
        return fail(format!("min <= avg <= max does not hold: {rtt}"));
    }
    for key in ["mdev", "jitter"] {
        if rtt[key].as_f64().is_none_or(|value| value < 0.0) {
            return fail(format!("{key}: {rtt}"));
        }
    }
    Ok(summary)
}

/// Fails unless the summary has these counts, and 0 for every other kind of odd answer.
pub fn counts(run: &Run, expected: &[(&str, u64)]) -> Result<Value, Failed> {
    let summary = sane(run)?;
    let given = |key: &str| expected.iter().find(|(name, _)| *name == key);
    for (key, value) in expected {
        // As a float, which `loss_percent` is.
        if summary[*key].as_f64() != value.to_string().parse().ok() {
            return Err(format!("{key} is {}, not {value}\n{run}", summary[*key]).into());
        }
    }
    let odd = COUNTED.map(|(_, counter)| counter);
    let odd = odd.iter().filter(|key| **key != "received");
    for key in odd.chain(&["reordered", "errors", "lost_by_us"]) {
        if given(key).is_none() && summary[*key] != 0 {
            return Err(format!("{key} is {}, not 0\n{run}", summary[*key]).into());
        }
    }
    Ok(summary)
}
