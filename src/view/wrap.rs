//! Paragraphs for terminals of 80 columns: words, hanging indents. Widths as terminals count them.

use unicode_width::UnicodeWidthStr;

/// Columns of a terminal that everybody has.
pub const WIDTH: usize = 80;

/// Appends `text` in lines of at most [`WIDTH`] columns, the first after `head`, the others behind
/// `indent` blanks. A word that is too long gets a line of its own.
pub fn push_wrapped(head: &str, text: &str, indent: usize, out: &mut String) {
    out.push_str(head);
    let mut column = head.width();
    let mut fresh = true;
    for word in text.split_whitespace() {
        if !fresh && column + 1 + word.width() > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.width();
        fresh = false;
    }
    out.push('\n');
}

/// The text cut or filled up to exactly `columns`; what is cut ends with an ellipsis, or with a `~`
/// where only ASCII may stand.
pub fn fit(text: &str, columns: usize, ascii: bool) -> String {
    let mut out = String::new();
    let mut used = 0;
    let whole = text.width() <= columns;
    let room = if whole {
        columns
    } else {
        columns.saturating_sub(1)
    };
    for c in text.chars() {
        let wide = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used + wide > room {
            break;
        }
        out.push(c);
        used += wide;
    }
    if !whole && columns > 0 {
        out.push(if ascii { '~' } else { '…' });
        used += 1;
    }
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_and_stay_inside() {
        let mut out = String::new();
        push_wrapped("head: ", &"word ".repeat(40), 4, &mut out);
        assert!(out.lines().all(|line| line.width() <= 80));
        assert!(out.lines().skip(1).all(|line| line.starts_with("    word")));
        assert_eq!(out.matches("word").count(), 40);
    }

    #[test]
    fn chinese_counts_two_columns() {
        assert_eq!(fit("你好", 5, false), "你好 ");
        assert_eq!(fit("你好吗", 5, false), "你好…");
        // No half character: a blank instead.
        assert_eq!(fit("你好吗", 4, true), "你~ ");
        assert_eq!(fit("abc", 2, true), "a~");
        assert_eq!(fit("", 2, true), "  ");
    }
}
