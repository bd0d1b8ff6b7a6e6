//! Text into HTML and SVG: nothing from outside becomes markup, and nothing that XML 1.0 forbids or
//! that hides on a page gets in.

use std::fmt::Write as _;

use super::escape::is_hostile;

/// Appends text so that it stays text, in element content and in quoted attributes.
pub fn push_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not characters in XML 1.0 (2.2), besides what no view lets pass.
            '\u{fffe}' | '\u{ffff}' => push_code(c, out),
            _ if is_hostile(c) => push_code(c, out),
            _ => out.push(c),
        }
    }
}

fn push_code(c: char, out: &mut String) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// JSON for a data block in a page: what could end the block or begin a comment is written as an
/// escape, which JSON reads as the same text.
pub fn push_json(json: &str, out: &mut String) {
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        let mut out = String::new();
        push_text(
            "<img src=x onerror=\"a('&')\">\u{202e}\u{0}\u{ffff}",
            &mut out,
        );
        assert_eq!(
            out,
            "&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;\\u{202e}\\u{0}\\u{ffff}"
        );
    }

    #[test]
    fn a_data_block_cannot_be_left() {
        let mut out = String::new();
        let text = "</script><!-- \u{2028}";
        push_json(&serde_json::to_string(text).unwrap(), &mut out);
        assert!(!out.contains('<') && !out.contains('\u{2028}'), "{out}");
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
