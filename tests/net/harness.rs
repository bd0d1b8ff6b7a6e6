//! How a network test is registered, skipped loudly, and waits. No test here.

use std::cell::Cell;
use std::env;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rawsock::lab::{Isolation, enter_userns_if_needed};

/// `Err` says why the kernel refused namespaces.
pub type Entered = Result<(), String>;

/// A test, by name, and the oracle programs that it needs.
#[derive(Clone, Copy)]
pub struct Test {
    pub name: &'static str,
    pub needs: &'static [&'static str],
    pub run: fn() -> Outcome,
}

/// Stands among the needs of a test that changes to another user.
const ROOT: &str = "root";

/// What a test returns; `?` works on any error.
pub type Outcome = Result<(), Failed>;

/// Registers the functions of a module, with what each needs: `tests![plain, crossed: "tshark"]`.
#[macro_export]
macro_rules! tests {
    ($($name:ident $(: $($need:literal)+)?),* $(,)?) => {
        pub const TESTS: &[$crate::harness::Test] = &[$($crate::harness::Test {
            name: concat!(module_path!(), "::", stringify!($name)),
            needs: &[$($($need),+)?],
            run: $name,
        }),*];
    };
}

static ISOLATION: OnceLock<Isolation> = OnceLock::new();

/// Tests that could not run, for the banner.
static SKIPPED: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// Where and why the test of this thread panicked.
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Keeps a panic for the report of its test instead of printing it among the other tests' lines.
pub fn keep_panics() {
    panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        if std::thread::current().name().is_some() {
            eprintln!("{text}");
        }
        PANIC.set(Some(text));
    }));
}

fn required() -> bool {
    env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|value| value == "1")
}

/// Leaves the machine's network. Call before any thread exists.
pub fn enter(arguments: &Arguments) -> Entered {
    if arguments.list {
        return Ok(());
    }
    let isolation = enter_userns_if_needed().map_err(|error| error.to_string())?;
    let _ = ISOLATION.set(isolation);
    Ok(())
}

/// How the network was left: as root, or in a user namespace.
pub fn isolation() -> Option<Isolation> {
    ISOLATION.get().copied()
}

/// Prints what was skipped, after the results, where it is seen.
pub fn banner(entered: &Entered) {
    let skipped = SKIPPED.lock().unwrap();
    if skipped.is_empty() {
        return;
    }
    eprintln!("\n==================== SKIPPED ====================");
    if let Err(reason) = entered {
        eprintln!("no network test ran: {reason}");
    }
    for line in skipped.iter() {
        eprintln!("SKIPPED {line}");
    }
    eprintln!(
        "{} tests did NOT run. RAWSOCK_REQUIRE_NETNS=1 makes this a failure.",
        skipped.len()
    );
    eprintln!("=================================================");
}

impl Test {
    pub fn trial(self, entered: &Entered) -> Trial {
        // `net::lab::name` reads better without the crate's name.
        let name = self
            .name
            .split_once("::")
            .map_or(self.name, |(_, rest)| rest);
        let refused = entered.clone().err();
        Trial::ignorable_test(name, move || {
            let user = isolation() == Some(Isolation::UserAndNet);
            if user && self.needs.contains(&ROOT) && refused.is_none() {
                // No oracle that could be installed: not a failure, but not silent either.
                let reason = "needs root: here is one user only";
                SKIPPED.lock().unwrap().push(format!("{name}: {reason}"));
                return Ok(Completion::ignored_with(reason));
            }
            let mut missing = self.needs.iter().filter(|need| **need != ROOT);
            let missing = missing.find(|program| find(program).is_none());
            let missing = missing.map(|program| format!("{program} is not installed"));
            if let Some(reason) = refused.or(missing) {
                return skip(name, &reason);
            }
            let outcome = panic::catch_unwind(AssertUnwindSafe(self.run));
            let panicked = |_| Err(PANIC.take().unwrap_or_default().into());
            let outcome = outcome.unwrap_or_else(panicked);
            outcome.map(|()| Completion::Completed)
        })
    }
}

fn skip(name: &str, reason: &str) -> Result<Completion, Failed> {
    if required() {
        return Err(format!("{reason}, and RAWSOCK_REQUIRE_NETNS=1").into());
    }
    SKIPPED.lock().unwrap().push(format!("{name}: {reason}"));
    Ok(Completion::ignored_with(reason))
}

/// A program on PATH, or where Debian keeps those of the administrator.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Polls a fact until it holds, for at most `limit`: the only way to wait in these tests.
pub fn wait_for<T>(
    what: impl Display,
    limit: Duration,
    mut fact: impl FnMut() -> Option<T>,
) -> Result<T, Failed> {
    let end = now() + limit;
    loop {
        if let Some(value) = fact() {
            return Ok(value);
        }
        if now() > end {
            return Err(format!("{what}: not within {limit:?}").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "tests have deadlines")]
pub fn now() -> Instant {
    Instant::now()
}
