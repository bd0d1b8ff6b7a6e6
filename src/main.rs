//! The program: call, print the error once, choose the exit code. Everything else is in the
//! library.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use rawsock::cli;
use rawsock::error::Error;
use rawsock::privilege::{self, panic};

fn main() -> ExitCode {
    ExitCode::from(panic::catch(run).unwrap_or(panic::EXIT_CODE))
}

fn run() -> u8 {
    let result = cli::start(&std::env::args_os().collect::<Vec<_>>());
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
