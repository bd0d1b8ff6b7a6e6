//! The figures of a capture as tables, or as JSON lines: `protocol`, `conversation`, `talker`, and
//! `stats` at the end.

use std::fmt::Write as _;

use serde::Serialize;

use crate::decode::text::push_dec;
use crate::event::Timestamp;
use crate::flow::stats::{Amount, Conversation, Stats};
use crate::flow::{End, Kind};

/// Rows of a table that are shown as text. JSON has all.
pub const SHOWN: usize = 20;

const KINDS: [(Kind, &str); 4] = [
    (Kind::Ethernet, "Ethernet conversations"),
    (Kind::Ip, "IP conversations"),
    (Kind::Tcp, "TCP conversations"),
    (Kind::Udp, "UDP conversations"),
];

/// Appends the tables.
pub fn render_text(stats: &Stats, out: &mut String) {
    let Some((from, to)) = stats.times else {
        out.push_str("no packets\n");
        return;
    };
    let _ = writeln!(
        out,
        "{} packets, {} bytes in {} s from {from} on",
        stats.all.packets,
        stats.all.bytes,
        seconds(from, to),
    );
    hierarchy(stats, out);
    for (kind, title) in KINDS {
        let (all, let_go) = stats.conversations(kind);
        conversations(title, &all, let_go, from, out);
    }
    talkers(stats, out);
}

fn hierarchy(stats: &Stats, out: &mut String) {
    out.push_str("\nProtocols                               packets           bytes\n");
    for node in stats.hierarchy.rows() {
        let start = out.len();
        for _ in 0..=node.depth {
            out.push_str("  ");
        }
        out.push_str(node.proto.key);
        pad(out, start, 32);
        numbers(
            Amount {
                packets: node.packets,
                bytes: node.bytes,
            },
            out,
        );
        out.push('\n');
    }
    if stats.hierarchy.left_out() > 0 {
        let count = stats.hierarchy.left_out();
        let _ = writeln!(
            out,
            "  {count} packets not counted to their end: too many kinds of nesting"
        );
    }
}

fn conversations(
    title: &str,
    all: &[Conversation],
    let_go: u64,
    from: Timestamp,
    out: &mut String,
) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}: {}{}", all.len(), gone(let_go));
    let shown = all.get(..SHOWN).unwrap_or(all);
    let ends: Vec<String> = shown
        .iter()
        .map(|one| format!("  {} > {}", one.opener, one.other))
        .collect();
    let width = ends.iter().map(String::len).max().unwrap_or(0).max(24);
    let start = out.len();
    pad(out, start, width);
    out.push_str("       sent packets, bytes   received packets, bytes       start   duration\n");
    for (one, ends) in shown.iter().zip(&ends) {
        let start = out.len();
        out.push_str(ends);
        pad(out, start, width);
        numbers(one.sent, out);
        out.push_str("  ");
        numbers(one.received, out);
        let _ = writeln!(
            out,
            "{:>12} {:>10}",
            seconds(from, one.first),
            seconds(one.first, one.last)
        );
    }
    more(all.len(), out);
}

fn talkers(stats: &Stats, out: &mut String) {
    let (all, let_go) = stats.talkers();
    if all.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\nTop talkers: {} addresses{}",
        all.len(),
        gone(let_go)
    );
    let shown = all.get(..SHOWN).unwrap_or(&all);
    let names = shown.iter().map(|(address, _)| address.to_string().len());
    let width = names.max().unwrap_or(0).saturating_add(2).max(24);
    let start = out.len();
    pad(out, start, width);
    out.push_str("       sent packets, bytes   received packets, bytes\n");
    for (address, one) in shown {
        let start = out.len();
        let _ = write!(out, "  {address}");
        pad(out, start, width);
        numbers(one.sent, out);
        out.push_str("  ");
        numbers(one.received, out);
        out.push('\n');
    }
    more(all.len(), out);
}

fn gone(let_go: u64) -> String {
    match let_go {
        0 => String::new(),
        count => format!(" kept, {count} let go to make room"),
    }
}

fn more(count: usize, out: &mut String) {
    let rest = count.saturating_sub(SHOWN);
    if rest > 0 {
        let _ = writeln!(out, "  and {rest} more, which --json lists");
    }
}

fn pad(out: &mut String, start: usize, width: usize) {
    while out.len().saturating_sub(start) < width {
        out.push(' ');
    }
}

/// Two right-aligned columns of together 24 places.
fn numbers(amount: Amount, out: &mut String) {
    for (number, width) in [(amount.packets, 10), (amount.bytes, 14)] {
        let mut digits = String::new();
        push_dec(number, &mut digits);
        let _ = write!(out, "{digits:>width$}");
    }
}

/// A span with six decimals, as the times of the lines have them.
fn seconds(from: Timestamp, to: Timestamp) -> String {
    let nanos = to.0.saturating_sub(from.0).max(0);
    format!(
        "{}.{:06}",
        nanos / 1_000_000_000,
        nanos % 1_000_000_000 / 1000
    )
}

/// One line of JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Protocol {
        path: &'a [&'static str],
        #[serde(flatten)]
        amount: Figures,
    },
    Conversation {
        kind: &'static str,
        opener: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        opener_port: Option<u16>,
        other: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        other_port: Option<u16>,
        sent: Figures,
        received: Figures,
        first: Timestamp,
        last: Timestamp,
    },
    Talker {
        address: String,
        sent: Figures,
        received: Figures,
    },
    Stats {
        #[serde(flatten)]
        amount: Figures,
        #[serde(skip_serializing_if = "Option::is_none")]
        first: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        last: Option<Timestamp>,
        let_go: LetGo,
    },
}

#[derive(Serialize)]
struct Figures {
    packets: u64,
    bytes: u64,
}

/// What gave way to the limits of the tables.
#[derive(Serialize)]
struct LetGo {
    protocols: u64,
    eth: u64,
    ip: u64,
    tcp: u64,
    udp: u64,
    talkers: u64,
}

impl From<Amount> for Figures {
    fn from(amount: Amount) -> Self {
        Self {
            packets: amount.packets,
            bytes: amount.bytes,
        }
    }
}

/// Appends the lines of JSON.
pub fn render_json(stats: &Stats, out: &mut String) {
    let mut path = Vec::new();
    for node in stats.hierarchy.rows() {
        path.truncate(node.depth);
        path.push(node.proto.key);
        let amount = Figures {
            packets: node.packets,
            bytes: node.bytes,
        };
        push(
            &Line::Protocol {
                path: &path,
                amount,
            },
            out,
        );
    }
    let address = |end: End| end.address.to_string();
    let mut gone = [0; 4];
    for ((kind, _), gone) in KINDS.iter().zip(&mut gone) {
        let (all, let_go) = stats.conversations(*kind);
        *gone = let_go;
        for one in all {
            let line = Line::Conversation {
                kind: kind.key(),
                opener: address(one.opener),
                opener_port: one.opener.port,
                other: address(one.other),
                other_port: one.other.port,
                sent: one.sent.into(),
                received: one.received.into(),
                first: one.first,
                last: one.last,
            };
            push(&line, out);
        }
    }
    let (all, talkers) = stats.talkers();
    for (address, one) in all {
        let line = Line::Talker {
            address: address.to_string(),
            sent: one.sent.into(),
            received: one.received.into(),
        };
        push(&line, out);
    }
    let [eth, ip, tcp, udp] = gone;
    let line = Line::Stats {
        amount: stats.all.into(),
        first: stats.times.map(|times| times.0),
        last: stats.times.map(|times| times.1),
        let_go: LetGo {
            protocols: stats.hierarchy.left_out(),
            eth,
            ip,
            tcp,
            udp,
            talkers,
        },
    };
    push(&line, out);
}

fn push(line: &Line<'_>, out: &mut String) {
    // Keys are ours, values numbers, addresses and times: nothing that cannot be written.
    if let Ok(text) = serde_json::to_string(line) {
        out.push_str(&text);
        out.push('\n');
    }
}
