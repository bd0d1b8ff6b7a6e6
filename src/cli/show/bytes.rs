//! Bytes below a line: `-x` and `-A`. `-X` is `view::hex`'s.

use std::fmt::Write as _;

use super::ShowArgs;
use super::args::Color;
use crate::decode::{Claim, Frame, Layer, LinkType, Packet};
use crate::view::hex::render_hex;

/// Appends what `-x`, `-X` or `-A` ask for: the frame's bytes, then those of datagrams that were put
/// together for it.
pub fn dump(args: &ShowArgs, frame: &Frame<'_>, packet: &Packet, out: &mut String) {
    let (show, link): (fn(&[u8], &mut String), bool) = match (args.hex_ascii, args.hex, args.ascii)
    {
        (1.., _, _) => (hex_ascii, args.hex_ascii > 1),
        (0, 1.., _) => (hex, args.hex > 1),
        (0, 0, true) => (ascii, args.link),
        (0, 0, false) => return,
    };
    let coloured = args.color == Color::Always && (args.hex > 0 || args.hex_ascii > 0);
    let start = if link { 0 } else { behind_link(packet) };
    for buf in 0..=packet.reassembled() {
        let bytes = packet.buffer(frame, buf);
        if buf > 0 {
            let _ = writeln!(out, "\treassembled: {} bytes", bytes.len());
        }
        let start = if buf > 0 { 0 } else { start };
        let from = out.len();
        show(bytes.get(start..).unwrap_or(&[]), out);
        if coloured {
            let plain = out.split_off(from);
            let paints = paints(packet, buf, bytes.len());
            paint(&plain, paints.get(start..).unwrap_or(&[]), out);
        }
    }
}

/// Colours of layers, one after the other: cyan, yellow, green, magenta, blue, red (ECMA-48 8.3.117).
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// For each byte which layer and field it belongs to: 0 for none, else a number that changes where
/// the field changes, odd and even by turns.
fn paints(packet: &Packet, buf: u8, len: usize) -> Vec<u8> {
    let mut paints = vec![0; len];
    let layers = packet.layers().iter().filter(|layer| layer.buf == buf);
    for (index, layer) in layers.enumerate() {
        let base = u8::try_from(index % COLOURS.len() * 2 + 1).unwrap_or(1);
        let mut fill = |at: u32, len: u32, paint: u8| {
            let from = at as usize;
            let to = from.saturating_add(len as usize);
            let range = from.min(paints.len())..to.min(paints.len());
            paints
                .get_mut(range)
                .into_iter()
                .flatten()
                .for_each(|one| *one = paint);
        };
        fill(layer.at, layer.len, base);
        let mut turn = 0;
        // A field that begins with its parent takes the parent's place.
        for field in packet.fields_of(layer).iter().filter(|field| field.len > 0) {
            fill(field.at, field.len, base.saturating_add(turn));
            turn ^= 1;
        }
    }
    paints
}

/// Writes a dump again with colours: every second field is bold. The layout is that of [`hex`] and
/// [`hex_ascii`]: a tab, the offset with its colon, groups of two bytes, for -X two blanks and text.
fn paint(plain: &str, paints: &[u8], out: &mut String) {
    for (line, paints) in plain.lines().zip(paints.chunks(16)) {
        let (offset, rest) = line.split_at_checked(9).unwrap_or((line, ""));
        out.push_str(offset);
        // Two digits a byte and a blank after each pair; the text stands behind 41 columns.
        let mut now = 0;
        for (column, c) in rest.chars().enumerate() {
            let byte = match column.checked_sub(42) {
                Some(place) => Some(place),
                None if c.is_ascii_hexdigit() => {
                    let place = column.saturating_sub(1);
                    Some(place / 5 * 2 + (place % 5) / 2)
                }
                None => None,
            };
            let wanted = byte.and_then(|byte| paints.get(byte)).copied().unwrap_or(0);
            if c != ' ' || column > 41 {
                turn(&mut now, wanted, out);
            }
            out.push(c);
        }
        turn(&mut now, 0, out);
        out.push('\n');
    }
}

fn turn(now: &mut u8, wanted: u8, out: &mut String) {
    if *now == wanted {
        return;
    }
    *now = wanted;
    let Some(number) = wanted.checked_sub(1) else {
        out.push_str("\x1b[0m");
        return;
    };
    let colour = COLOURS.get(usize::from(number / 2)).copied().unwrap_or(0);
    let bold = if number % 2 == 1 { ";1" } else { "" };
    let _ = write!(out, "\x1b[0;{colour}{bold}m");
}

/// Appends `-X`'s dump, each line behind a tab.
pub fn hex_ascii(bytes: &[u8], out: &mut String) {
    let mut dump = String::new();
    render_hex(bytes, &mut dump);
    for line in dump.lines() {
        out.push('\t');
        out.push_str(line);
        out.push('\n');
    }
}

/// Appends `-x`'s dump, each line behind a tab.
pub fn hex(bytes: &[u8], out: &mut String) {
    for (index, line) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "\t0x{:04x}: ", index.saturating_mul(16));
        for pair in line.chunks(2) {
            out.push(' ');
            for byte in pair {
                let _ = write!(out, "{byte:02x}");
            }
        }
        out.push('\n');
    }
}

/// Appends `-A`'s text: line feeds and tabs as they are, other control bytes as dots.
pub fn ascii(bytes: &[u8], out: &mut String) {
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            // tcpdump leaves out the CR of a CR LF.
            b'\r' if rest.peek() == Some(&&b'\n') => {}
            b'\n' | b'\t' | b' '..=b'~' => out.push(char::from(*byte)),
            _ => out.push('.'),
        }
    }
    out.push('\n');
}

/// Where the network layer begins, which is where tcpdump's `-x` begins.
fn behind_link(packet: &Packet) -> usize {
    let is_link = |layer: &&Layer| {
        let claims = layer.proto.claims.iter();
        claims.clone().any(|claim| match claim {
            Claim::Link(link) => !matches!(link, LinkType::IcmpMessage | LinkType::Icmpv6Message),
            Claim::EtherType(tag) => matches!(tag, 0x8100 | 0x88a8 | 0x9100),
            _ => false,
        })
    };
    let layer = packet.layers().iter().find(|layer| !is_link(layer));
    layer.map_or(0, |layer| usize::try_from(layer.at).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_tcpdump_shows_them() {
        let mut out = String::new();
        hex(b"0123456789abcdef\x1b", &mut out);
        assert_eq!(
            out,
            "\t0x0000:  3031 3233 3435 3637 3839 6162 6364 6566\n\t0x0010:  1b\n"
        );
        out.clear();
        ascii(b"GET /\r\n\x1b[2J\ta\rb\xff", &mut out);
        assert_eq!(out, "GET /\n.[2J\ta.b.\n");
        out.clear();
        hex_ascii(b"ab", &mut out);
        assert!(out.starts_with("\t0x0000:  6162 "), "{out}");
    }
}
