//! The one function that writes text from outside: nothing in it can steer a terminal or hide.
//!
//! Used before every terminal, stderr and text file. JSON has its own escapes on top (a JSON string
//! may hold these characters as `\u....`, so it takes the text as it is, see `view::json`).

use std::borrow::Cow;

/// Replaces control characters, direction marks, invisible characters and bytes that are not
/// UTF-8 by `\xNN` or `\u{...}`. A backslash itself stays: the result is for eyes, not for parsing
/// back.
pub fn escape(outside: &(impl AsRef<[u8]> + ?Sized)) -> Cow<'_, str> {
    let bytes = outside.as_ref();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_hostile) => Cow::Borrowed(text),
        _ => {
            let mut out = String::new();
            escape_into(bytes, &mut out);
            Cow::Owned(out)
        }
    }
}

/// Appends the escaped form to `out`.
pub fn escape_into(outside: &(impl AsRef<[u8]> + ?Sized), out: &mut String) {
    for chunk in outside.as_ref().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                _ if !is_hostile(c) => out.push(c),
                '\0'..='\x7f' => push_byte(c as u8, out),
                _ => out.extend(c.escape_unicode()),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|&byte| push_byte(byte, out));
    }
}

fn push_byte(byte: u8, out: &mut String) {
    out.push_str("\\x");
    for nibble in [byte >> 4, byte & 15] {
        out.extend(char::from_digit(nibble.into(), 16));
    }
}

/// Characters that a terminal obeys, that reorder the text around them, or that cannot be seen.
pub(super) fn is_hostile(c: char) -> bool {
    match c {
        ' '..='~' => false,
        // C0, DEL and C1 (a C1 CSI starts an escape sequence on some terminals).
        _ if c.is_control() => true,
        // Bidirectional overrides, embeddings, isolates and marks (Unicode TR36 3.2).
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Line breaks that are not control characters.
        | '\u{2028}' | '\u{2029}'
        // Zero width, invisible operators, fillers, annotations, tags, variation selectors.
        | '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(
            escape("größe 100 % \\x1b"),
            Cow::Borrowed("größe 100 % \\x1b")
        ));
    }

    #[test]
    fn controls_become_hex() {
        assert_eq!(
            escape("a\x1b[31mb\r\n\t\x7f"),
            "a\\x1b[31mb\\x0d\\x0a\\x09\\x7f"
        );
        assert_eq!(escape("\u{9b}2J"), "\\u{9b}2J");
    }

    #[test]
    fn direction_and_invisible_characters_are_named() {
        assert_eq!(escape("a\u{202e}b\u{2066}c"), "a\\u{202e}b\\u{2066}c");
        assert_eq!(escape("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        assert_eq!(escape("\u{e0041}"), "\\u{e0041}");
    }

    #[test]
    fn bytes_that_are_not_utf8_become_hex() {
        assert_eq!(
            escape(b"ok\xff\xc3(\xf0\x9f".as_slice()),
            "ok\\xff\\xc3(\\xf0\\x9f"
        );
    }

    #[test]
    fn what_comes_out_is_harmless_for_every_character() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let mut out = String::new();
            escape_into(c.encode_utf8(&mut [0; 4]), &mut out);
            assert!(!out.chars().any(is_hostile), "{c:?}");
        }
    }
}
