//! The figures of several runs side by side: 80 columns for three of them.

use std::fmt::Write as _;
use std::time::Duration;

use crate::compare::{Figures, OnWire, Quantiles};
use crate::view::calls::time;

/// Width of the first column, and of the others.
const HEAD: usize = 26;
const COLUMN: usize = 18;

/// A row's head, and what it shows of a run.
type Row<Of, Shown> = (&'static str, fn(&Of) -> Shown);

/// How a table speaks of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What each kind costs, on a wire that loses nothing.
    Costs,
    /// What arrives over a wire that does.
    Losses,
}

/// Appends a table of `runs`.
pub fn render(part: Part, runs: &[Figures], out: &mut String) {
    let mut table = Table { out };
    table.row("", &cells(runs, |run| run.over.title()));
    match part {
        Part::Costs => costs(&mut table, runs),
        Part::Losses => losses(&mut table, runs),
    }
}

fn costs(table: &mut Table<'_>, runs: &[Figures]) {
    table.row(
        "calls of the client",
        &cells(runs, |run| run.client_calls.join(" ")),
    );
    table.row(
        "calls of the server",
        &cells(runs, |run| run.server_calls.join(" ")),
    );
    let before = |wire: &OnWire| match wire.before {
        Some(before) if before.packets == 0 => "nothing".to_owned(),
        Some(before) => format!("{} pkts, {}", before.packets, time(before.time)),
        None => "no data was sent".to_owned(),
    };
    table.row("before the first byte", &on_wire(runs, before));
    table.row(
        "packets on the wire",
        &on_wire(runs, |wire| wire.packets.total().to_string()),
    );
    let roles: [Row<OnWire, u32>; 8] = [
        ("  handshake", |wire| wire.packets.handshake),
        ("  data", |wire| wire.packets.data),
        ("  data again", |wire| wire.packets.again),
        ("  acknowledgement alone", |wire| wire.packets.ack),
        ("  end (FIN)", |wire| wire.packets.end),
        ("  reset (RST)", |wire| wire.packets.reset),
        ("  ICMP", |wire| wire.packets.icmp),
        ("  other", |wire| wire.packets.other),
    ];
    for (name, count) in roles {
        let any = |run: &Figures| run.wire.as_ref().is_some_and(|wire| count(wire) > 0);
        if runs.iter().any(any) {
            table.row(name, &on_wire(runs, |wire| dash(count(wire).into())));
        }
    }
    table.row(
        "bytes on the wire",
        &on_wire(runs, |wire| wire.bytes.to_string()),
    );
    table.row(
        "  payload",
        &on_wire(runs, |wire| share(wire.payload, wire.bytes)),
    );
    let headers = |wire: &OnWire| share(wire.bytes.saturating_sub(wire.payload), wire.bytes);
    table.row("  headers", &on_wire(runs, headers));
    let one = |wire: &OnWire| match wire.header {
        Some(header) => {
            let mut text = format!("{} B = {}", header.total(), header.link);
            for part in [header.network, header.transport] {
                if part > 0 {
                    let _ = write!(text, "+{part}");
                }
            }
            text
        }
        None => "-".to_owned(),
    };
    table.row("headers of a message", &on_wire(runs, one));
    receipts(table, runs);
    if runs.iter().any(|run| run.burst_receives.is_some()) {
        let burst = |run: &Figures| match run.burst_receives {
            Some(count) => format!("3 -> {count}"),
            None => "-".to_owned(),
        };
        table.row("3 sends at once -> recvs", &cells(runs, burst));
    }
    times(table, runs);
    not_logged(table, runs);
}

fn losses(table: &mut Table<'_>, runs: &[Figures]) {
    let of = |count: u32, run: &Figures| format!("{count} of {}", run.sends);
    table.row(
        "complete at the server",
        &cells(runs, |run| of(run.at_server.complete, run)),
    );
    table.row(
        "complete, echoed back",
        &cells(runs, |run| of(run.at_client.complete, run)),
    );
    let rows: [Row<Figures, u32>; 3] = [
        ("duplicates seen", |run| {
            run.at_server.duplicates + run.at_client.duplicates
        }),
        ("out of order", |run| {
            run.at_server.out_of_order + run.at_client.out_of_order
        }),
        ("damaged", |run| {
            run.at_server.damaged + run.at_client.damaged
        }),
    ];
    for (name, count) in rows {
        table.row(name, &cells(runs, |run| count(run).to_string()));
    }
    receipts(table, runs);
    table.row(
        "lost on the wire",
        &on_wire(runs, |wire| wire.fates.dropped.to_string()),
    );
    table.row("who repaired it", &cells(runs, repaired));
    times(table, runs);
    not_logged(table, runs);
}

/// From what was counted: packets that were sent again, and what is still missing.
fn repaired(run: &Figures) -> String {
    let Some(wire) = &run.wire else {
        return "nothing to repair".to_owned();
    };
    let again = wire.packets.again;
    let whole = run.at_client.complete as usize == run.sends;
    match (wire.fates.dropped, again) {
        (0, 0) => "nothing was lost".to_owned(),
        (_, 0) => "nobody".to_owned(),
        (_, again) if whole => format!("kernel: {again} again"),
        (_, again) => format!("kernel: {again} so far"),
    }
}

fn receipts(table: &mut Table<'_>, runs: &[Figures]) {
    let receives = |run: &Figures| format!("{} -> {}", run.sends, run.server_receives);
    table.row("sends -> recvs, server", &cells(runs, receives));
    table.row(
        "recvs, client",
        &cells(runs, |run| run.client_receives.to_string()),
    );
}

fn times(table: &mut Table<'_>, runs: &[Figures]) {
    let rows: [Row<Figures, Option<Quantiles>>; 2] = [
        ("one way, p50 p95 max", |run| run.one_way),
        ("echo, p50 p95 max", |run| run.echo),
    ];
    for (name, times) in rows {
        let text = |run: &Figures| match times(run) {
            Some(q) => format!("{} ms", [q.p50, q.p95, q.max].map(millis).join(" ")),
            None => "-".to_owned(),
        };
        table.row(name, &cells(runs, text));
    }
}

fn not_logged(table: &mut Table<'_>, runs: &[Figures]) {
    let missing = |wire: &OnWire| wire.not_logged;
    if runs
        .iter()
        .filter_map(|run| run.wire.as_ref())
        .any(|wire| missing(wire) > 0)
    {
        table.row(
            "not counted: log full",
            &on_wire(runs, |wire| missing(wire).to_string()),
        );
    }
}

fn millis(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    let decimals = match ms {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{ms:.decimals$}")
}

fn share(part: u64, whole: u64) -> String {
    match part
        .saturating_mul(200)
        .saturating_add(whole)
        .checked_div(whole.saturating_mul(2))
    {
        Some(percent) => format!("{part} ({percent}%)"),
        None => part.to_string(),
    }
}

fn dash(count: u64) -> String {
    if count == 0 {
        "-".to_owned()
    } else {
        count.to_string()
    }
}

fn cells(runs: &[Figures], cell: impl Fn(&Figures) -> String) -> Vec<String> {
    runs.iter().map(cell).collect()
}

fn on_wire(runs: &[Figures], cell: impl Fn(&OnWire) -> String) -> Vec<String> {
    let text = |run: &Figures| {
        run.wire
            .as_ref()
            .map_or_else(|| "no wire".to_owned(), &cell)
    };
    runs.iter().map(text).collect()
}

struct Table<'o> {
    out: &'o mut String,
}

impl Table<'_> {
    /// One row; a cell that is too long goes on in the line below.
    fn row(&mut self, head: &str, cells: &[String]) {
        let room = COLUMN - 1;
        let wrapped: Vec<Vec<String>> = cells.iter().map(|cell| wrap(cell, room)).collect();
        let lines = wrapped.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for number in 0..lines {
            let head = if number == 0 { head } else { "" };
            let mut line = format!("{head:HEAD$}");
            for cell in &wrapped {
                let text = cell.get(number).map_or("", String::as_str);
                let _ = write!(line, "{text:COLUMN$}");
            }
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }
}

/// Breaks at blanks; a word that is too long stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_are_broken_at_blanks() {
        assert_eq!(wrap("socket connect send", 14), ["socket connect", "send"]);
        assert_eq!(wrap("", 14), [""]);
        assert_eq!(wrap("averyverylongword x", 5), ["averyverylongword", "x"]);
    }

    #[test]
    fn shares_are_rounded() {
        assert_eq!(share(1, 3), "1 (33%)");
        assert_eq!(share(2, 3), "2 (67%)");
        assert_eq!(share(0, 0), "0");
    }
}
