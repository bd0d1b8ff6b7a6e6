//! Text as a socket carries it: code points and the bytes of each in UTF-8, and what a recv that cuts
//! a character gets.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use crate::view::escape::escape;
use crate::view::wrap::fit;

/// Appends a table of the characters of `text`.
pub fn render(text: &str, out: &mut String) {
    let count = text.chars().count();
    let _ = writeln!(
        out,
        "{count} character{}, {} bytes in UTF-8 (RFC 3629)\n",
        if count == 1 { "" } else { "s" },
        text.len()
    );
    let _ = writeln!(
        out,
        "  {:<8}{:<12}{:<10}{:<16}bits",
        "offset", "character", "code", "bytes"
    );
    for (at, c) in text.char_indices().take(256) {
        let mut room = [0; 4];
        let bytes = c.encode_utf8(&mut room).as_bytes();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let bits: Vec<String> = bytes.iter().map(|byte| bits(*byte)).collect();
        let shown = match c.width() {
            Some(1..) => escape(c.encode_utf8(&mut [0; 4])).into_owned(),
            _ => escape(&c.escape_unicode().to_string()).into_owned(),
        };
        let code = format!("U+{:04X}", u32::from(c));
        let _ = writeln!(
            out,
            "  {at:<8}{}{code:<10}{:<16}{}",
            fit(&shown, 12, true),
            hex.join(" "),
            bits.join(" ")
        );
    }
    if count > 256 {
        let _ = writeln!(out, "  ... {} more", count - 256);
    }
    let wide = text.char_indices().find(|(_, c)| c.len_utf8() > 1);
    if let Some((at, c)) = wide {
        let cut = at + 1;
        let _ = writeln!(
            out,
            "\nA socket carries bytes. recv({cut}) would end inside the character at {at}: decoding\n\
             fails there, until its other {} come{}.",
            match c.len_utf8() {
                2 => "byte".to_owned(),
                bytes => format!("{} bytes", bytes - 1),
            },
            if c.len_utf8() == 2 { "s" } else { "" }
        );
    }
}

/// The bits that mark the byte's place, a bar, the bits of the character.
fn bits(byte: u8) -> String {
    let mark = match byte.leading_ones() {
        0 => 1,
        ones => ones + 1,
    };
    let all = format!("{byte:08b}");
    let (head, tail) = all.split_at(mark as usize);
    format!("{head}|{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_and_hostile_characters() {
        let mut out = String::new();
        render("你a\u{1b}\u{202e}é", &mut out);
        for part in [
            "5 characters, 10 bytes",
            "你          U+4F60    e4 bd a0        1110|0100 10|111101 10|100000",
            "U+0061    61              0|1100001",
            "recv(1) would end inside the character at 0",
            "its other 2 bytes come.",
        ] {
            assert!(out.contains(part), "{part}\n{out}");
        }
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{out}");
    }
}
