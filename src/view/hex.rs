//! Bytes as tcpdump's `-X` shows them: offset, hexadecimal, ASCII; 16 bytes a line.

use std::fmt::Write as _;

/// Appends the dump, each line with its line feed.
pub fn render_hex(bytes: &[u8], out: &mut String) {
    for (index, line) in bytes.chunks(16).enumerate() {
        push_line((index as u64).saturating_mul(16), line, out);
    }
}

/// Appends one line of at most 16 bytes.
pub fn push_line(at: u64, line: &[u8], out: &mut String) {
    let _ = write!(out, "0x{at:04x}:  ");
    let start = out.len();
    for pair in line.chunks(2) {
        for byte in pair {
            let _ = write!(out, "{byte:02x}");
        }
        out.push(' ');
    }
    while out.len() < start + 40 {
        out.push(' ');
    }
    out.push(' ');
    out.extend(line.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_ascii_only() {
        let mut out = String::new();
        render_hex(b"0123456789abcdef\x1b\xffx", &mut out);
        assert_eq!(
            out,
            "0x0000:  3031 3233 3435 3637 3839 6162 6364 6566  0123456789abcdef\n\
             0x0010:  1bff 78                                  ..x\n"
        );
        out.clear();
        render_hex(b"", &mut out);
        assert_eq!(out, "");
    }
}
