//! Open, drop, run: what each command needs, and how it gives up everything else.
//!
//! A command opens its sockets and files first, then calls [`drop`], and only then reads its
//! first byte from outside. Nothing here opens a socket.

mod env;
mod filter;
mod identity;
pub mod panic;
mod sandbox;
pub mod table;
mod tries;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};

pub use env::env;
pub use sandbox::{Landlock, Reach};
pub use table::{COMMANDS, Need};
pub use tries::Right;

use crate::error::Error;
use crate::sys::{cred, refused};

/// How strictly to drop, and what stays open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Fail with [`Error::Sandbox`] rather than go on with less (`--require-sandbox`).
    pub require_sandbox: bool,
    /// Every descriptor that is used later, besides 0, 1 and 2. All others are closed.
    pub keep: &'a [BorrowedFd<'a>],
}

/// What [`drop`] achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// User that the process now runs as.
    pub uid: u32,
    /// Group that the process now runs as.
    pub gid: u32,
    /// How much of the Landlock rules the kernel enforces.
    pub landlock: Landlock,
    /// The system call filter is on.
    pub seccomp: bool,
    /// What should be there and is not: one line each, for every run.
    pub missing: Vec<String>,
    /// What is less than the best but no loss here: one line each, for `-v`.
    pub notes: Vec<String>,
}

impl Report {
    /// True when both Landlock and the system call filter are on.
    pub fn sandboxed(&self) -> bool {
        self.seccomp && self.landlock != Landlock::None
    }
}

/// Opens /dev/null on those of the descriptors 0 to 2 that are closed.
///
/// Otherwise the first socket would become "standard output" and text would go into it. std does
/// the same before `main`, without promising it.
pub fn close_gaps() -> Result<(), Error> {
    let standard = [
        fcntl(io::stdin(), FcntlArg::F_GETFD),
        fcntl(io::stdout(), FcntlArg::F_GETFD),
        fcntl(io::stderr(), FcntlArg::F_GETFD),
    ];
    for _ in standard.iter().filter(|flags| flags.is_err()) {
        let null = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(|source| Error::Io {
                operation: "open",
                object: "/dev/null".into(),
                source,
            })?;
        // open(2) gives the lowest free number, which is the gap; it stays open for good.
        let _ = null.into_raw_fd();
    }
    Ok(())
}

/// Gives up every right that `need` does not list, for good.
///
/// Afterwards: no capability in any set (the bounding set only with CAP_SETPCAP, as root has it),
/// no root user, no supplementary group of root's, no_new_privs, not dumpable, Landlock, and a
/// system call filter that kills the process. Call it with one thread, after the last open.
///
/// Descriptors that are neither 0 to 2 nor in `options.keep` are closed: whoever still owns one
/// must not use it again.
pub fn drop(need: &Need, options: &Options<'_>) -> Result<Report, Error> {
    type Nothing = fn() -> Result<(), Error>;
    drop_and_create(need, options, None::<Creates<'_, Nothing>>).map(|(report, _)| report)
}

/// The files that a command makes as the user that it has become.
#[derive(Debug)]
pub struct Creates<'a, F> {
    /// Makes the files. What it opens stays open.
    pub open: F,
    /// More files will be made in this directory afterwards, and removed; nowhere else.
    pub beneath: Option<&'a Path>,
}

/// [`drop`], and on the way files are made by the user that the process has become: `sudo` does
/// not give the right to write elsewhere, and they belong to who asked for them.
///
/// With them, root without sudo stays uid 0, without any capability: nobody could not write where
/// root is.
pub fn drop_and_create<T>(
    need: &Need,
    options: &Options<'_>,
    creates: Option<Creates<'_, impl FnOnce() -> Result<T, Error>>>,
) -> Result<(Report, Option<T>), Error> {
    drop_local(need, options, Reach::Nothing, creates)
}

/// [`drop_and_create`], with more left within reach.
pub fn drop_local<T>(
    need: &Need,
    options: &Options<'_>,
    reach: Reach,
    creates: Option<Creates<'_, impl FnOnce() -> Result<T, Error>>>,
) -> Result<(Report, Option<T>), Error> {
    let mut report = Report::default();
    close_others(options.keep).map_err(failed("close", "inherited descriptors"))?;
    identity::drop(creates.is_some(), false, &mut report)?;
    let beneath = creates.as_ref().and_then(|creates| creates.beneath);
    let created = creates.map(|creates| (creates.open)()).transpose()?;
    sandbox::restrict(need, beneath, reach, &mut report);
    whole(options, report).map(|report| (report, created))
}

/// [`drop`] for a command that opens sockets on the user's order while it runs: CAP_NET_RAW stays
/// (where it was there) and nothing else, and Landlock leaves TCP and unix sockets alone.
pub fn drop_but_sockets(need: &Need, options: &Options<'_>) -> Result<Report, Error> {
    let mut report = Report::default();
    close_others(options.keep).map_err(failed("close", "inherited descriptors"))?;
    identity::drop(false, true, &mut report)?;
    sandbox::restrict(need, None, Reach::Sockets, &mut report);
    whole(options, report)
}

/// Closes every descriptor that whoever started us left open, besides 0, 1 and 2. Call it before the
/// first descriptor of our own.
pub fn close_inherited() -> Result<(), Error> {
    close_others(&[]).map_err(failed("close", "inherited descriptors"))
}

/// [`drop_but_sockets`] for a process whose threads are in several networks: nothing is closed (see
/// [`close_inherited`]), and each thread gives up the rest by [`drop_thread`].
pub fn drop_but_threads(need: &Need, require_sandbox: bool) -> Result<Report, Error> {
    let mut report = Report::default();
    identity::drop(false, true, &mut report)?;
    sandbox::restrict(need, None, Reach::Sockets, &mut report);
    let options = Options {
        require_sandbox,
        keep: &[],
    };
    whole(&options, report)
}

/// First step of a thread that calls [`drop_thread`] later: a change of the user, which
/// [`drop_but_threads`] makes for all threads, leaves it CAP_NET_RAW (prctl(2), PR_SET_KEEPCAPS).
pub fn prepare_thread() -> Result<(), Error> {
    identity::keep_over_change()
}

/// Capabilities, no_new_privs, Landlock and the filter belong to a thread, not to the process.
pub fn drop_thread(need: &Need) -> Result<Report, Error> {
    let mut report = Report::default();
    identity::drop_thread()?;
    sandbox::restrict(need, None, Reach::Sockets, &mut report);
    Ok(report)
}

/// Refuses a sandbox with holes, if that was asked for.
fn whole(options: &Options<'_>, report: Report) -> Result<Report, Error> {
    if options.require_sandbox && !report.missing.is_empty() {
        return Err(Error::Sandbox {
            missing: report.missing,
        });
    }
    Ok(report)
}

/// The system calls that the filter has refused so far, in one line: `openat 3, call 334 1`; `None`
/// if there were none.
pub fn refused_calls() -> Option<String> {
    let name = |number: i64| {
        let rows = COMMANDS.iter().flat_map(|need| need.calls());
        let known = rows.chain(table::FATAL).find(|call| call.number == number);
        match (known, number) {
            (Some(call), _) => call.name.to_owned(),
            (None, -1) => "unknown calls".to_owned(),
            (None, number) => format!("call {number}"),
        }
    };
    let counts = refused::counts().into_iter();
    let list: Vec<String> = counts
        .map(|(number, count)| format!("{} {count}", name(number)))
        .collect();
    (!list.is_empty()).then(|| list.join(", "))
}

/// Closes everything from 3 up that is not in `keep`.
fn close_others(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut numbers: Vec<i32> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    numbers.sort_unstable();
    let mut first = 3;
    for number in numbers {
        if number > first {
            close_span(first, number - 1)?;
        }
        first = first.max(number.saturating_add(1));
    }
    close_span(first, i32::MAX)
}

/// Closes one span; kernels before 5.9 keep what was inherited.
fn close_span(first: i32, last: i32) -> io::Result<()> {
    match cred::close_range(first, last) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        other => other,
    }
}

/// Names the step in which a system call failed.
fn failed(operation: &'static str, object: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        operation,
        object: object.into(),
        source,
    }
}
