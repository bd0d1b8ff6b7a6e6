//! The program: parse, call, print the error once, choose the exit code. Everything else is in the
//! library.

use std::io::{self, ErrorKind, Write};
use std::panic;
use std::process::ExitCode;

use clap::Parser;
use rawsock::cli::{self, Cli};
use rawsock::error::Error;
use rawsock::view::escape::escape;

/// EX_SOFTWARE of sysexits.h: a bug of ours.
const BUG: u8 = 70;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let bug = info.to_string();
        complain(&format!("a bug of rawsock, please report it: {bug}"), &[]);
    }));
    match panic::catch_unwind(run) {
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(BUG),
    }
}

fn run() -> u8 {
    let result = match Cli::try_parse() {
        Ok(cli) => cli::run(cli),
        // Help, version, and errors of use, which clap words.
        Err(told) => {
            return told.print().map_or_else(
                |e| report(&cli::lost_output(e)),
                |()| u8::try_from(told.exit_code()).unwrap_or(2),
            );
        }
    };
    result.unwrap_or_else(|error| report(&error))
}

/// Prints an error and gives its exit code. A reader that went away (`| head -1`) is no error.
fn report(error: &Error) -> u8 {
    if matches!(error, Error::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe) {
        return 0;
    }
    let hint = match error {
        Error::Usage { fix, .. } => fix.clone(),
        _ => None,
    };
    complain(&error.to_string(), hint.as_slice());
    error.exit_code()
}

/// One line, then the hints. Nothing can be done if stderr is gone too.
fn complain(message: &str, hints: &[String]) {
    let mut text = format!("error: {}\n", escape(message));
    if !hints.is_empty() {
        text.push('\n');
    }
    for hint in hints {
        text.extend(["hint: ", &escape(hint), "\n"]);
    }
    let _ = io::stderr().write_all(text.as_bytes());
}
