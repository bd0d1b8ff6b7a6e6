//! Chosen fields of a packet as one line of a table: CSV, or any other separator. Values are those
//! of JSON, without its quotes; a field that occurs more than once is joined by commas, as tshark
//! does it.

use std::fmt::Write as _;

use crate::decode::Decoder;
use crate::decode::text::push_dec;
use crate::display::{Column, Item, Seen, WhereError};
use crate::event::Timestamp;
use crate::view::escape::escape_into;
use crate::view::value::push_hex;

/// Most columns of a table.
pub const MAX_COLUMNS: usize = 256;

/// Between the values of one cell.
const JOIN: char = ',';

/// The columns, and what stands between them.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    separator: char,
    /// A cell in the making.
    cell: String,
}

impl Table {
    /// A table of these keys, which stand between commas. The fault counts in the list.
    pub fn compile(list: &str, separator: char, decoder: &Decoder) -> Result<Self, WhereError> {
        let mut columns = Vec::new();
        let mut at: usize = 0;
        for key in list.split(',') {
            let shift = |fault: WhereError| WhereError {
                at: fault.at.start.saturating_add(at)..fault.at.end.saturating_add(at),
                ..fault
            };
            if columns.len() == MAX_COLUMNS {
                let message = format!("more than {MAX_COLUMNS} fields");
                return Err(shift(WhereError::new(0..key.len(), message)));
            }
            columns.push(Column::compile(key, decoder).map_err(shift)?);
            at = at.saturating_add(key.len()).saturating_add(1);
        }
        Ok(Self {
            columns,
            separator,
            cell: String::new(),
        })
    }

    /// Appends the line of the keys.
    pub fn render_header(&mut self, out: &mut String) {
        for index in 0..self.columns.len() {
            self.cell.clear();
            if let Some(column) = self.columns.get(index) {
                self.cell.push_str(column.key());
            }
            self.end_cell(index, out);
        }
        out.push('\n');
    }

    /// Appends a packet's line.
    pub fn render_row(&mut self, seen: &Seen<'_>, out: &mut String) {
        for index in 0..self.columns.len() {
            self.cell.clear();
            let cell = &mut self.cell;
            if let Some(column) = self.columns.get(index) {
                column.each(seen, &mut |item| {
                    if !cell.is_empty() {
                        cell.push(JOIN);
                    }
                    render_item(&item, cell);
                });
            }
            self.end_cell(index, out);
        }
        out.push('\n');
    }

    /// Appends the finished cell, in quotes where it needs them (RFC 4180 2).
    fn end_cell(&self, index: usize, out: &mut String) {
        if index > 0 {
            out.push(self.separator);
        }
        let special = |c: char| c == self.separator || matches!(c, '"' | '\r' | '\n');
        if self.separator == '\t' || !self.cell.contains(special) {
            // A tab inside is escaped already: a table of tabs has no quotes.
            out.push_str(&self.cell);
            return;
        }
        out.push('"');
        for c in self.cell.chars() {
            if c == '"' {
                out.push('"');
            }
            out.push(c);
        }
        out.push('"');
    }
}

/// Appends one value.
fn render_item(item: &Item<'_>, out: &mut String) {
    let _ = match *item {
        // A layer or a group of fields: it is there.
        Item::Group => write!(out, "true"),
        Item::Bool(set) => write!(out, "{set}"),
        Item::Uint(number, _) => {
            push_dec(number, out);
            Ok(())
        }
        Item::Int(number) => write!(out, "{number}"),
        Item::Epoch(nanos) => {
            let (seconds, nanos) = (
                nanos.div_euclid(1_000_000_000),
                nanos.rem_euclid(1_000_000_000),
            );
            write!(out, "{seconds}.{nanos:09}")
        }
        Item::Date(nanos) => write!(out, "{}", Timestamp(nanos)),
        Item::Mac(mac) => write!(out, "{}", crate::decode::Mac(mac)),
        Item::Ipv4(address) => write!(out, "{address}"),
        Item::Ipv6(address) => write!(out, "{address}"),
        Item::Text(text) => {
            // What a spreadsheet would run as a formula is text to it with an apostrophe.
            if out.is_empty() && text.starts_with(['=', '+', '-', '@']) {
                out.push('\'');
            }
            escape_into(text, out);
            Ok(())
        }
        Item::Bytes(bytes) => {
            push_hex(bytes, out);
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::decoded;
    use crate::decode::{Direction, Flags, Frame, LinkType};
    use crate::event::Stamp;

    fn rows(list: &str, separator: char, interface: &str) -> String {
        let bytes = [
            0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1, 0x26, 0xdf, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0xf7,
            0xfd, 0, 1, 0, 1,
        ];
        let packet = decoded(LinkType::Raw, &bytes, 28);
        let frame = Frame {
            at: Timestamp(1_500_000_000),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Raw,
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: 28,
            bytes: &bytes,
        };
        let seen = Seen {
            interface,
            number: 1,
            ..Seen::new(&frame, &packet)
        };
        let mut table = Table::compile(list, separator, &Decoder::new()).unwrap();
        let mut out = String::new();
        table.render_header(&mut out);
        table.render_row(&seen, &mut out);
        out
    }

    #[test]
    fn values_are_those_of_json_and_joined_by_commas() {
        assert_eq!(
            rows(
                "frame.number,ip.addr,ip.flags.df,icmp,tcp.port,frame.time_epoch",
                ';',
                ""
            ),
            "frame.number;ip.addr;ip.flags.df;icmp;tcp.port;frame.time_epoch\n\
             1;10.0.0.1,10.0.0.2;true;true;;1.500000000\n"
        );
        assert_eq!(
            rows("ip.addr,frame.time", ',', ""),
            "ip.addr,frame.time\n\"10.0.0.1,10.0.0.2\",1970-01-01T00:00:01.500000000Z\n"
        );
    }

    #[test]
    fn text_from_outside_breaks_no_cell_and_starts_no_formula() {
        let cell = |name, separator| {
            let rows = rows("frame.interface_name", separator, name);
            rows.lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(cell("a\"b", ','), "\"a\"\"b\"");
        assert_eq!(cell("a\tb\nc\x1b", '\t'), "a\\x09b\\x0ac\\x1b");
        assert_eq!(cell("=cmd|' /C calc'!A0", ','), "'=cmd|' /C calc'!A0");
        assert_eq!(cell("@x,y", ','), "\"'@x,y\"");
    }

    #[test]
    fn a_wrong_key_is_named_where_it_stands() {
        let fault = Table::compile("ip.src,ip.tll", ',', &Decoder::new()).unwrap_err();
        assert_eq!(fault.at, 7..13);
        let fault = Table::compile("ip.src,", ',', &Decoder::new()).unwrap_err();
        assert_eq!(fault.at, 7..7);
    }
}
