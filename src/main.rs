//! The program: parse, call, print the error once, choose the exit code. Everything else is in the
//! library.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use rawsock::cli::{self, Cli};
use rawsock::error::Error;
use rawsock::privilege::{self, panic};

fn main() -> ExitCode {
    ExitCode::from(panic::catch(run).unwrap_or(panic::EXIT_CODE))
}

fn run() -> u8 {
    let result = match Cli::try_parse() {
        Ok(cli) => cli::run(cli),
        // Help, version, and errors of use, which clap words.
        Err(told) => told
            .print()
            .map(|()| u8::try_from(told.exit_code()).unwrap_or(2))
            .map_err(cli::lost_output),
    };
    result.unwrap_or_else(|error| report(&error))
}

/// Prints an error and gives its exit code. A reader that went away (`| head -1`) is no error.
fn report(error: &Error) -> u8 {
    if matches!(error, Error::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe) {
        return 0;
    }
    // Nothing is left to tell an error of stderr to.
    let _ = writeln!(io::stderr(), "{}", error.render(privilege::env));
    error.exit_code()
}
