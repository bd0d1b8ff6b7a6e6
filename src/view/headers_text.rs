//! The comparison of headers as a table of 80 columns.

use std::fmt::Write;

use super::headers::{By, Headers, Row, Shown};
use super::headers_notes::Note;

/// Columns of the two values.
const VALUE: usize = 21;
/// Columns of the label.
const LABEL: usize = 17;
/// Columns of the whole table.
const WIDTH: usize = 80;

impl Headers {
    /// The table for probe `seq`, with its legend and notes.
    pub fn text(&self, seq: u16, color: bool) -> String {
        self.text_of(&format!("probe {seq}"), "ICMP message", color)
    }

    /// The table for the packet that `whose` names, with `behind` following the header.
    pub fn text_of(&self, whose: &str, behind: &str, color: bool) -> String {
        let mut out = String::new();
        let (option, version) = match self.ip_version {
            6 => ("IPV6_HDRINCL", 6),
            _ => ("IP_HDRINCL", 4),
        };
        let _ = writeln!(
            out,
            "{option}: the IPv{version} header of {whose}, as you asked for it and as it went out\n"
        );
        let _ = writeln!(
            out,
            " {:<7}{:<LABEL$} {:<VALUE$}  on the wire",
            "bytes", "field", "you asked for"
        );
        let mut notes: Vec<&Note> = Vec::new();
        for row in &self.fields {
            let number = row.note.as_ref().map(|note| {
                notes.push(note);
                notes.len()
            });
            push_row(row, number, color, &mut out);
        }
        self.push_legend(&notes, &mut out);
        self.push_bytes(behind, color, &mut out);
        out.push('\n');
        out
    }

    fn push_legend(&self, notes: &[&Note], out: &mut String) {
        out.push('\n');
        let has = |by| self.fields.iter().any(|row| row.by == by);
        let mut legend = vec!["= as you asked"];
        if has(By::Kernel) {
            legend.push("K written by the kernel");
        }
        if has(By::Unknown) {
            legend.push("! changed, by no rule that we know");
        }
        let _ = writeln!(out, " {}", legend.join("   "));
        for (index, note) in notes.iter().enumerate() {
            push_wrapped(&format!("[{}] ", index.saturating_add(1)), note.text, out);
        }
        if self.ip_version == 6 && self.asked == self.wire {
            let text = "With IPV6_HDRINCL the kernel changes nothing: every byte of the header, \
                        and the ICMPv6 checksum behind it, is yours.";
            push_wrapped("", text, out);
        }
    }

    /// The same as bytes, in rows of 32 bits as the RFCs draw headers.
    fn push_bytes(&self, behind: &str, color: bool, out: &mut String) {
        let _ = writeln!(out, "\n {:<8}{:<14}  on the wire", "bytes", "as asked");
        let words = self.asked.len().max(self.wire.len()).div_ceil(4);
        for word in 0..words {
            let start = word.saturating_mul(4);
            let (asked, wire) = (quad(&self.asked, start), quad(&self.wire, start));
            let by = if asked == wire {
                By::You
            } else {
                self.by(start)
            };
            let last = start.saturating_add(3);
            let place = format!("{start:>2}-{last}");
            let line = format!(" {place:<8}{asked:<12} {} {wire}", mark(by));
            push_line(&line, by, color, out);
        }
        let message = match self.message_changed_at {
            None => format!(
                "then {} bytes of {behind}, as you asked",
                self.message_bytes
            ),
            Some(at) => format!(
                "then {} bytes of {behind}, changed from byte {at} on",
                self.message_bytes
            ),
        };
        let _ = writeln!(out, " {message}");
        if let Some(sum) = self.checksum() {
            push_wrapped("checksum: ", &sum, out);
        }
    }

    /// Who changed the word at `start`: the kernel if every changed field of it is the kernel's.
    fn by(&self, start: usize) -> By {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = start.saturating_add(4);
        let mut changed = self
            .fields
            .iter()
            .filter(|row| row.by != By::You && row.bytes.start < end && row.bytes.end > start);
        if changed.all(|row| row.by == By::Kernel) {
            By::Kernel
        } else {
            By::Unknown
        }
    }

    /// The sum that the kernel made (RFC 1071), where it fits a line or two.
    fn checksum(&self) -> Option<String> {
        if self.ip_version != 4 || self.wire.len() != 20 {
            return None;
        }
        let mut words: Vec<u16> = Vec::new();
        for pair in self.wire.chunks_exact(2) {
            words.push(
                pair.iter()
                    .fold(0, |word, byte| word << 8 | u16::from(*byte)),
            );
        }
        let sent = words.remove(5);
        let sum: u32 = words.iter().map(|word| u32::from(*word)).sum();
        let (carry, low) = (sum >> 16, sum & 0xffff);
        let folded = low.saturating_add(carry);
        let folded = (folded & 0xffff).saturating_add(folded >> 16);
        let right = !u16::try_from(folded).ok()?;
        let words: Vec<String> = words.iter().map(|word| format!("{word:04x}")).collect();
        let verdict = if right == sent {
            ""
        } else {
            ", but that is not what went out"
        };
        Some(format!(
            "{} = {sum:x}, carry {carry:x} added: {folded:04x}, inverted: {right:04x}{verdict}",
            words.join("+")
        ))
    }
}

fn quad(bytes: &[u8], start: usize) -> String {
    let quad: Vec<String> = bytes
        .iter()
        .skip(start)
        .take(4)
        .map(|b| format!("{b:02x}"))
        .collect();
    quad.join(" ")
}

fn mark(by: By) -> char {
    match by {
        By::You => '=',
        By::Kernel => 'K',
        By::Unknown => '!',
    }
}

fn push_row(row: &Row, note: Option<usize>, color: bool, out: &mut String) {
    let last = row.bytes.end.saturating_sub(1);
    let place = if row.bytes.start == last {
        format!("{last}")
    } else {
        format!("{}-{last}", row.bytes.start)
    };
    let text = |shown: &Option<Shown>| shown.as_ref().map_or("-", |s| s.text.as_str()).to_owned();
    let (asked, wire) = (text(&row.asked), text(&row.wire));
    let number = note
        .map(|number| format!(" [{number}]"))
        .unwrap_or_default();
    let note = match &row.note {
        Some(note) => format!("{number} {}", note.short),
        None => String::new(),
    };
    let head = format!(" {place:<7}{:<LABEL$} ", row.label);
    let mark = mark(row.by);
    if asked.chars().count().max(wire.chars().count()) <= VALUE {
        let short = format!("{head}{asked:<VALUE$}{mark} {wire}");
        let line = format!("{short}{note}");
        // Where the line is full the note stands in the legend alone.
        let full = line.chars().count() > WIDTH;
        let line = if full { short + &number } else { line };
        push_line(&line, row.by, color, out);
    } else if row.by == By::You {
        push_line(&format!("{head}{asked} = the same"), row.by, color, out);
    } else {
        let indent = " ".repeat(head.chars().count().saturating_sub(2));
        push_line(&format!("{head}{asked}"), row.by, color, out);
        let second = format!("{indent}{mark} {wire}{number}");
        push_line(&second, row.by, color, out);
    }
}

fn push_line(line: &str, by: By, color: bool, out: &mut String) {
    let line = line.trim_end();
    let _ = match by {
        By::Kernel if color => writeln!(out, "\x1b[33m{line}\x1b[0m"),
        By::Unknown if color => writeln!(out, "\x1b[31m{line}\x1b[0m"),
        _ => writeln!(out, "{line}"),
    };
}

/// Words in lines of at most [`WIDTH`] columns, the later ones indented to the first.
fn push_wrapped(head: &str, text: &str, out: &mut String) {
    let indent = head.chars().count().saturating_add(1);
    let mut line = format!(" {head}");
    let mut empty = true;
    for word in text.split(' ') {
        let long = line.chars().count().saturating_add(word.chars().count()) >= WIDTH;
        if long && !empty {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(indent);
        }
        line.push_str(word);
        line.push(' ');
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
