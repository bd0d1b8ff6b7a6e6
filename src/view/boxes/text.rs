//! A header box for terminals: 32 bits in a row of 65 columns, plain ASCII, with the bytes beside it
//! where there are any.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::Cell;
use super::rows::{BITS, Row, Segment, label, rows, value};
use crate::decode::{Frame, Layer, Packet};

/// Columns of the box.
const WIDTH: usize = 2 * BITS as usize + 1;
/// Columns left of the box.
const MARGIN: usize = 4;
/// Most lines of words in a row.
const HEIGHT: usize = 3;

/// What a box shows.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The frame.
    pub frame: &'a Frame<'a>,
    /// The frame decoded.
    pub packet: &'a Packet,
    /// Whose header.
    pub layer: &'a Layer,
    /// The header's cells.
    pub cells: &'a [Cell],
    /// With values, offsets into the frame and bytes.
    pub values: bool,
}

/// Appends the box, every line with its line feed.
pub fn render_box(content: &Content<'_>, out: &mut String) {
    let margin = if content.values { MARGIN } else { 1 };
    let mut tens = String::new();
    let mut ones = String::new();
    for bit in 0..BITS {
        let ten = if bit % 10 == 0 { digit(bit / 10) } else { ' ' };
        tens.extend([' ', ten]);
        ones.extend([' ', digit(bit % 10)]);
    }
    for ruler in [tens, ones] {
        let _ = writeln!(out, "{:margin$}{}", "", ruler.trim_end());
    }
    let rows = rows(content.cells);
    let mut above: Option<&Row> = None;
    for row in &rows {
        border(above, Some(row), margin, out);
        if row.hidden > 0 {
            let text = format!("... {} more bytes ...", row.hidden);
            let _ = writeln!(out, "{:margin$}:{text:^width$}:", "", width = WIDTH - 2);
            border(None, None, margin, out);
        }
        draw(content, row, margin, out);
        above = Some(row);
    }
    border(above, None, margin, out);
}

fn digit(number: u32) -> char {
    char::from_digit(number, 10).unwrap_or(' ')
}

/// The line between two rows: a corner where a field begins or ends above or below, open where one
/// field goes on.
fn border(above: Option<&Row>, below: Option<&Row>, margin: usize, out: &mut String) {
    if above.is_none() && below.is_none() {
        return;
    }
    let mut line = [' '; WIDTH];
    for row in [above, below].into_iter().flatten() {
        for segment in &row.segments {
            let (from, to) = (column(segment.from), column(segment.to));
            for place in line.iter_mut().take(to).skip(from) {
                if *place == ' ' {
                    *place = '-';
                }
            }
            for at in [from, to] {
                if let Some(place) = line.get_mut(at) {
                    *place = '+';
                }
            }
        }
    }
    if let (Some(above), Some(below)) = (above, below) {
        for (up, down) in above
            .segments
            .iter()
            .flat_map(|up| below.segments.iter().map(move |down| (up, down)))
        {
            if up.cell != down.cell {
                continue;
            }
            let (from, to) = (column(up.from.max(down.from)), column(up.to.min(down.to)));
            for place in line.iter_mut().take(to).skip(from.saturating_add(1)) {
                if *place == '-' {
                    *place = ' ';
                }
            }
        }
    }
    let line: String = line.iter().collect();
    let _ = writeln!(out, "{:margin$}{}", "", line.trim_end());
}

fn column(bit: u32) -> usize {
    (bit as usize).saturating_mul(2)
}

fn draw(content: &Content<'_>, row: &Row, margin: usize, out: &mut String) {
    let words: Vec<Vec<String>> = row
        .segments
        .iter()
        .map(|segment| words(content, segment))
        .collect();
    let height = words.iter().map(Vec::len).max().unwrap_or(0).max(1);
    for line in 0..height {
        let start = out.len();
        let middle = line == height.saturating_sub(1) / 2;
        let at = content.layer.at.saturating_add(row.at);
        if content.values && middle {
            let _ = write!(out, "{at:>3} ");
        } else {
            let _ = write!(out, "{:margin$}", "");
        }
        for (segment, words) in row.segments.iter().zip(&words) {
            out.push('|');
            let width = cell_width(segment);
            // In the middle of the row.
            let above = height.saturating_sub(words.len()) / 2;
            let text = line
                .checked_sub(above)
                .and_then(|line| words.get(line))
                .map_or("", String::as_str);
            center(text, width, out);
        }
        out.push('|');
        if content.values && middle {
            bytes(content, row, start, margin, out);
        }
        let kept = out.trim_end_matches(' ').len();
        out.truncate(kept);
        out.push('\n');
    }
}

fn cell_width(segment: &Segment) -> usize {
    column(segment.to.saturating_sub(segment.from)).saturating_sub(1)
}

fn words(content: &Content<'_>, segment: &Segment) -> Vec<String> {
    let cell = content.cells.get(segment.cell);
    let Some(index) = cell.and_then(|cell| cell.field).filter(|_| segment.words) else {
        return Vec::new();
    };
    let fields = content.packet.fields_of(content.layer);
    let Some(spec) = fields.get(index).map(|field| field.spec) else {
        return Vec::new();
    };
    let width = cell_width(segment);
    let height = if width > 7 { 2 } else { HEIGHT };
    let mut lines = label(spec.label, spec.key, width, height);
    if !content.values {
        return lines;
    }
    let Some(value) = value(content.frame, content.packet, content.layer, index, width) else {
        return lines;
    };
    match lines.as_mut_slice() {
        [only] if width > 7 && only.width() + 1 + value.width() <= width => {
            only.push(' ');
            only.push_str(&value);
        }
        _ => lines.push(value),
    }
    lines
}

fn center(text: &str, width: usize, out: &mut String) {
    let free = width.saturating_sub(text.width());
    let left = free / 2;
    let _ = write!(out, "{:left$}{text}{:right$}", "", "", right = free - left);
}

/// The row's bytes in the columns behind the box.
fn bytes(content: &Content<'_>, row: &Row, start: usize, margin: usize, out: &mut String) {
    let used = out.get(start..).map_or(0, UnicodeWidthStr::width);
    let column = margin + WIDTH;
    let _ = write!(out, "{:gap$}", "", gap = column.saturating_sub(used));
    let at = content.layer.at.saturating_add(row.at) as usize;
    let end = content.layer.at.saturating_add(content.layer.len) as usize;
    let bytes = content.frame.bytes.get(at..end.min(at.saturating_add(4)));
    for byte in bytes.unwrap_or(&[]) {
        let _ = write!(out, " {byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Measure, sample};
    use super::*;
    use crate::decode::{Decoder, PROTOS, ethernet, ipv4, ipv6_fragment};

    fn drawn(proto: &'static crate::decode::Proto, values: bool) -> String {
        let mut packet = Packet::new();
        let frame = sample(proto, proto.samples[0].bytes, &mut packet);
        if values {
            Decoder::new().decode(&frame, &mut packet);
        }
        let cells = Measure::default().cells(&frame, &packet, 0);
        let mut out = String::new();
        let layer = packet.layers()[0];
        let content = Content {
            frame: &frame,
            packet: &packet,
            layer: &layer,
            cells: &cells,
            values,
        };
        render_box(&content, &mut out);
        out
    }

    #[test]
    fn ipv4_looks_as_in_the_rfc() {
        assert_eq!(
            drawn(&ipv4::PROTO, false),
            "  0                   1                   2                   3
  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 +-------+-------+-----------+---+-------------------------------+
 |Version|Header |   DSCP    |ECN|         Total length          |
 |       |length |           |   |                               |
 +-------+-------+-----------+---+-+-+-+-------------------------+
 |        Identification         |R|D|M|     Fragment offset     |
 |                               |B|F|F|                         |
 +---------------+---------------+-+-+-+-------------------------+
 | Time to live  |   Protocol    |        Header checksum        |
 +---------------+---------------+-------------------------------+
 |                            Source                             |
 +---------------------------------------------------------------+
 |                          Destination                          |
 +---------------------------------------------------------------+
"
        );
    }

    #[test]
    fn what_nobody_reads_stays_empty_and_ends_where_the_header_ends() {
        let text = drawn(&ipv6_fragment::PROTO, false);
        assert!(text.contains("|   |M|"), "{text}");
        let text = drawn(&ethernet::PROTO, false);
        assert!(
            text.ends_with(" +-------------------------------+\n"),
            "{text}"
        );
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for proto in PROTOS {
            for values in [false, true] {
                let text = drawn(proto, values);
                assert!(
                    text.lines().all(|line| line.width() <= 81),
                    "{}\n{text}",
                    proto.key
                );
            }
        }
    }
}
