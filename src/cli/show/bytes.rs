//! Bytes below a line: `-x` and `-A`. `-X` is `view::hex`'s.

use std::fmt::Write as _;

use crate::view::hex::render_hex;

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
