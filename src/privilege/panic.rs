//! A panic in one line. std's own hook would open files for a backtrace, which the sandbox kills.

use std::io::Write;
use std::panic::{PanicHookInfo, UnwindSafe, catch_unwind, set_hook};

use crate::view::escape::escape;

/// Exit code after a panic: EX_SOFTWARE of sysexits.h.
pub const EXIT_CODE: u8 = 70;

/// Runs the program; a panic becomes one line on stderr and `None`.
pub fn catch<T>(run: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    set_hook(Box::new(|info| {
        // Nothing is left to tell an error of stderr to.
        let _ = writeln!(std::io::stderr(), "{}", render(info));
    }));
    catch_unwind(run).ok()
}

/// Message and place on one line, with nothing that a terminal would obey.
fn render(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("panic without a message");
    let message = escape(message);
    let place = info
        .location()
        .map(|place| format!(" at {}:{}", place.file(), place.line()))
        .unwrap_or_default();
    format!("rawsock: internal error: {message}{place} (please report it)")
}
