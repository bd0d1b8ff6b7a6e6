//! `call` typed by hand: a line with history and completion of verbs, names, options and flags. The
//! history lives as long as the program: a file would need a right that was given up.

use std::io::{self, Write};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::read_line;
use super::run::Run;
use crate::call::{Action, Parser, Verb, flag_words, kind_words};
use crate::error::{Env, Error};
use crate::net::traced::OPTIONS;

/// Lines that are remembered.
const HISTORY: usize = 1000;

/// What may stand at the start of a statement.
const STARTS: &[&str] = &[
    "sleep",
    "wait",
    "help",
    "vars",
    "quit",
    "repeat",
    "socket",
    "socketpair",
];

/// Talks until the end of the input or `quit`.
pub fn talk(mut run: Run, mut parser: Parser, lab: bool) -> Result<u8, Error> {
    let failed = |error: ReadlineError| Error::Io {
        operation: "read from",
        object: "the terminal".into(),
        source: match error {
            ReadlineError::Io(source) => source,
            other => io::Error::other(other.to_string()),
        },
    };
    let config = Config::builder()
        .max_history_size(HISTORY)
        .map_err(failed)?
        .auto_add_history(true)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor: Editor<Words, MemHistory> =
        Editor::with_history(config, history).map_err(failed)?;
    editor.set_helper(Some(Words::default()));
    Run::tell("one socket method a line; `help` lists them, `quit` ends");
    loop {
        if let Some(words) = editor.helper_mut() {
            words.names = parser.names().map(str::to_owned).collect();
        }
        let side = parser.side();
        let prompt = if side.is_empty() {
            "> ".to_owned()
        } else {
            format!("{side}> ")
        };
        let line = match editor.readline(&prompt) {
            Ok(line) => line,
            // Ctrl-C clears the line.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return run.end(),
            Err(error) => return Err(failed(error)),
        };
        let statements = match read_line(&mut parser, "line", &line, lab) {
            Ok(statements) => statements,
            Err(error) => {
                // Nothing is left to tell an error of stderr to.
                let _ = writeln!(io::stderr(), "{}", error.render(Env::default));
                continue;
            }
        };
        for statement in statements {
            if matches!(statement.action, Action::Quit) {
                return run.end();
            }
            run.statement(statement)?;
            if run.is_over(false) {
                return run.end();
            }
        }
        run.forget_interrupt();
    }
}

/// Completes words.
#[derive(Default)]
struct Words {
    names: Vec<String>,
}

impl Words {
    /// The start of the word before the cursor, and what it may become.
    fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '(' | ',' | '|' | '=');
        let start = line.rfind(ends).map_or(0, |at| at + 1);
        let word = line.get(start..).unwrap_or("");
        let before = line.get(..start).unwrap_or("");
        let statement = before.rsplit([';', '=']).next().unwrap_or("").trim();
        let verb = statement.split_whitespace().next().unwrap_or("");
        let verb = verb.rsplit('.').next().unwrap_or("").trim_end_matches('(');
        if let (true, Some((on, part))) = (statement.is_empty(), word.split_once('.')) {
            let found = Verb::words().filter(|verb| verb.starts_with(part));
            let found = found.filter(|verb| !STARTS.contains(verb));
            return (start, sorted(found.map(|verb| format!("{on}.{verb}"))));
        }
        let known = |list: &mut dyn Iterator<Item = String>| {
            (start, sorted(list.filter(|known| known.starts_with(word))))
        };
        let names = self.names.iter().cloned();
        match verb {
            "" => {
                let starts = STARTS.iter().map(|word| (*word).to_owned());
                let verbs = Verb::words().map(str::to_owned);
                known(
                    &mut names
                        .map(|name| format!("{name}."))
                        .chain(starts)
                        .chain(verbs),
                )
            }
            "set" | "get" | "setsockopt" | "getsockopt" => {
                let upper = word.to_ascii_uppercase();
                let options = OPTIONS.iter().map(|option| option.name.to_owned());
                (
                    start,
                    sorted(options.filter(|name| name.starts_with(&upper))),
                )
            }
            "socket" | "socketpair" => known(&mut kind_words().map(str::to_owned)),
            "recv" | "recvfrom" => known(&mut flag_words().map(str::to_owned).chain(names)),
            "help" => known(&mut Verb::words().map(str::to_owned)),
            _ => known(&mut names.into_iter()),
        }
    }
}

fn sorted(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = found.collect();
    found.sort();
    found.dedup();
    found
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_completed_by_where_they_stand() {
        let words = Words {
            names: vec!["s".into(), "client".into()],
        };
        for (line, start, found) in [
            ("s.getp", 0, vec!["s.getpeername"]),
            ("c", 0, vec!["client.", "close", "connect", "connect_ex"]),
            ("s.set SO_RCVB", 6, vec!["SO_RCVBUF"]),
            ("s.set so_rcvb", 6, vec!["SO_RCVBUF"]),
            ("x = socket unix s", 16, vec!["seqpacket", "stream"]),
            ("s.recv 10 pe", 10, vec!["peek"]),
            ("a = 1 ; client.sendt", 8, vec!["client.sendto"]),
            ("s.send cl", 7, vec!["client"]),
            ("help conn", 5, vec!["connect", "connect_ex"]),
            ("s.nothing", 0, vec![]),
        ] {
            assert_eq!(
                words.candidates(line),
                (start, found.iter().map(|w| (*w).to_owned()).collect()),
                "{line}"
            );
        }
    }
}
