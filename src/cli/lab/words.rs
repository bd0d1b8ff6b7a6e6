//! A line of the prompt as words: blanks part them, quotes and backslashes hold them together.

/// The words of a line; `Err` says which quote is open.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().extend(letters.next());
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            // A comment, as in shells.
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(open) = quote {
        return Err(format!("the quote {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let words = |line: &str| split(line).unwrap();
        assert_eq!(words("h1 ping  h2"), ["h1", "ping", "h2"]);
        assert_eq!(
            words("h1 sh -c 'a b' \"c 'd'\""),
            ["h1", "sh", "-c", "a b", "c 'd'"]
        );
        assert_eq!(words(r#"a\ b "c\"d" '' x"y"z"#), ["a b", "c\"d", "", "xyz"]);
        assert_eq!(
            words("set --drop 'tcp.flags.syn#1' # one"),
            ["set", "--drop", "tcp.flags.syn#1"]
        );
        assert!(words("  # nothing").is_empty());
        assert!(split("h1 'x").is_err());
    }
}
