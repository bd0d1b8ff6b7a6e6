//! Cells laid out in rows of 32 bits, as the RFCs draw headers, and the words that stand in them.
//! Text and SVG share this.

use unicode_width::UnicodeWidthStr;

use super::Cell;
use crate::decode::{Frame, Layer, Packet, Show, Value};
use crate::view::escape::escape;
use crate::view::value::{field_bytes, push_hex, render_value};

/// Bits in a row.
pub const BITS: u32 = 32;
/// Rows of one field that are all drawn; of more only the ends.
const WHOLE_ROWS: u32 = 4;

/// The part of a cell that lies in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which cell.
    pub cell: usize,
    /// First bit in the row.
    pub from: u32,
    /// The bit behind the last.
    pub to: u32,
    /// The words stand here: the cell's first widest part.
    pub words: bool,
}

/// A row of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// First byte, counted from the header's first.
    pub at: u32,
    /// From left to right.
    pub segments: Vec<Segment>,
    /// Bytes left out above this row, all of the cell above and below.
    pub hidden: u32,
}

/// The cells in rows.
pub fn rows(cells: &[Cell]) -> Vec<Row> {
    let end = cells.last().map_or(0, |cell| cell.to);
    let mut rows: Vec<Row> = Vec::new();
    let mut hidden = 0;
    for number in 0..end.div_ceil(BITS) {
        let (from, to) = (
            number.saturating_mul(BITS),
            number.saturating_add(1).saturating_mul(BITS).min(end),
        );
        let lone = cells
            .iter()
            .find(|cell| cell.from <= from && cell.to >= to && cell.bits() > WHOLE_ROWS * BITS);
        // Neither the first nor the last rows of a long field.
        let inner = lone.is_some_and(|cell| {
            from >= cell.from.saturating_add(2 * BITS) && to.saturating_add(2 * BITS) <= cell.to
        });
        if inner {
            hidden += BITS / 8;
            continue;
        }
        let segments = cells.iter().enumerate().filter_map(|(index, cell)| {
            let (start, stop) = (cell.from.max(from), cell.to.min(to));
            (start < stop).then(|| Segment {
                cell: index,
                from: start.saturating_sub(from),
                to: stop.saturating_sub(from),
                words: false,
            })
        });
        rows.push(Row {
            at: from / 8,
            segments: segments.collect(),
            hidden: std::mem::take(&mut hidden),
        });
    }
    for cell in 0..cells.len() {
        let mine = rows
            .iter_mut()
            .flat_map(|row| row.segments.iter_mut())
            .filter(|segment| segment.cell == cell);
        let mut best: Option<&mut Segment> = None;
        for segment in mine {
            let width = |s: &Segment| s.to.saturating_sub(s.from);
            if best
                .as_deref()
                .is_none_or(|best| width(segment) > width(best))
            {
                best = Some(segment);
            }
        }
        if let Some(best) = best {
            best.words = true;
        }
    }
    rows
}

/// The label of a cell in at most `height` lines of `width` columns: whole if it fits, else the
/// key's last word, else initials or what fits of it. Empty for bits that nobody reads.
pub fn label(label: &str, key: &str, width: usize, height: usize) -> Vec<String> {
    let tail = key.rsplit('.').next().unwrap_or(key).replace('_', " ");
    for text in [label, &tail] {
        if let Some(lines) = wrapped(text, width, height) {
            return lines;
        }
    }
    let words: Vec<&str> = label.split([' ', '\'']).collect();
    let initials: String = if words.len() > 1 {
        let firsts = words.iter().filter(|word| word.len() > 1);
        firsts.filter_map(|word| word.chars().next()).collect()
    } else {
        label.to_owned()
    };
    let short = if width > 3 {
        tail
    } else {
        initials.to_uppercase()
    };
    // Down the cell, as the RFCs write the flags.
    let letters: Vec<char> = short.chars().filter(|c| *c != ' ').collect();
    let lines = letters.chunks(width.max(1)).take(height);
    lines.map(|line| line.iter().collect()).collect()
}

/// The text broken at spaces, if it fits.
fn wrapped(text: &str, width: usize, height: usize) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        if word.width() > width {
            return None;
        }
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    (lines.len() <= height).then_some(lines)
}

/// The value of a field in at most `width` columns: as every view shows it, else shorter, else
/// nothing. Text from outside is escaped.
pub fn value(
    frame: &Frame<'_>,
    packet: &Packet,
    layer: &Layer,
    index: usize,
    width: usize,
) -> Option<String> {
    let field = packet.fields_of(layer).get(index)?;
    let mut full = String::new();
    render_value(frame, packet, layer, index, &mut full);
    let mut forms = Vec::new();
    match (field.value, field.spec.show) {
        (Value::Bool(set), _) => forms.push(u8::from(set).to_string()),
        (Value::Uint(number), Show::Hex(digits)) => {
            forms.push(full);
            forms.push(format!("{number:0width$x}", width = digits.into()));
        }
        (Value::Uint(number), _) => {
            forms.push(full);
            forms.push(number.to_string());
            forms.push(format!("{number:x}h"));
        }
        (Value::Bytes, _) => {
            let mut hex = String::new();
            push_hex(field_bytes(frame, field), &mut hex);
            forms.push(hex);
            forms.push(format!("{} bytes", field.len));
        }
        _ => forms.push(full),
    }
    forms.into_iter().find(|form| form.width() <= width)
}

/// The whole value, for a list.
pub fn whole_value(frame: &Frame<'_>, packet: &Packet, layer: &Layer, index: usize) -> String {
    let mut text = String::new();
    render_value(frame, packet, layer, index, &mut text);
    escape(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_get_shorter_as_cells_do() {
        let of = |width, height| label("Don't fragment", "ip.flags.df", width, height).join("/");
        assert_eq!(of(14, 1), "Don't fragment");
        assert_eq!(of(8, 2), "Don't/fragment");
        assert_eq!(of(7, 2), "df");
        assert_eq!(of(1, 2), "D/F");
        let of = |width| label("Header length", "ip.hdr_len", width, 2).join("/");
        assert_eq!(of(7), "Header/length");
        assert_eq!(of(5), "hdr/len");
        assert_eq!(label("SYN", "tcp.flags.syn", 1, 3), ["S", "Y", "N"]);
        assert_eq!(label("Solicited", "x.s", 1, 3), ["s"]);
    }

    #[test]
    fn long_fields_lose_their_middle_and_say_so() {
        let cells = [
            Cell {
                field: Some(0),
                from: 0,
                to: 16,
            },
            Cell {
                field: Some(1),
                from: 16,
                to: 3200,
            },
        ];
        let rows = rows(&cells);
        let shown: Vec<(u32, u32)> = rows.iter().map(|row| (row.at, row.hidden)).collect();
        let total: u32 = rows.iter().map(|row| row.hidden + 4).sum();
        assert_eq!(total, 400);
        assert!(shown.len() < 8, "{shown:?}");
        let words = rows.iter().flat_map(|row| &row.segments);
        assert_eq!(words.filter(|segment| segment.words).count(), 2);
    }
}
