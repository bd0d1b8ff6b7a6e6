//! Errors in the tool's own words, the exit code of each, and pure hints: lines that a user can paste.

use std::io;

/// What went wrong: operation, object, cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed on something that has a name.
    #[error("cannot {operation} {object}: {source}")]
    Io {
        operation: &'static str,
        object: String,
        #[source]
        source: io::Error,
    },
    /// The command line asks for something impossible.
    #[error("{message}")]
    Usage {
        message: String,
        fix: Option<String>,
    },
    /// A name has no address.
    #[error("cannot resolve {name}: {reason}")]
    Resolve { name: String, reason: String },
    /// Neither kind of socket that can carry an echo request may be opened.
    #[error("cannot open an ICMP socket: raw: {raw}; datagram: {dgram}")]
    NoIcmpSocket { raw: io::Error, dgram: io::Error },
    /// `--require-sandbox` was asked for and the sandbox is not whole.
    #[error("cannot enter the sandbox: {}", missing.join("; "))]
    Sandbox { missing: Vec<String> },
    /// Writing what the user asked for failed (a full disk).
    #[error("cannot write {object}: {source}")]
    Output {
        object: String,
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Exit code: 2 for errors of use and environment, 74 (EX_IOERR) for lost output,
    /// 77 (EX_NOPERM) for a sandbox that was required.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Output { .. } => 74,
            Self::Sandbox { .. } => 77,
            _ => 2,
        }
    }
}
