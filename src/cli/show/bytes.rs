//! Bytes below a line: `-x` and `-A`. `-X` is `view::hex`'s.

use std::fmt::Write as _;

use super::ShowArgs;
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
    let start = if link { 0 } else { behind_link(packet) };
    show(frame.bytes.get(start..).unwrap_or(&[]), out);
    for buf in 1..=packet.reassembled() {
        let bytes = packet.buffer(frame, buf);
        let _ = writeln!(out, "\treassembled: {} bytes", bytes.len());
        show(bytes, out);
    }
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
