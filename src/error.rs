//! Errors in the tool's own words, the exit code of each, and hints: lines that a user can paste.

mod env;
mod hint;
#[cfg(test)]
mod hint_tests;

use std::io;
use std::time::Duration;

pub use env::Env;
pub use hint::{Hint, datagram_fix, low_port_fix, raw_fix, userns_fix};

use crate::filter::FilterError;
use crate::view::escape::escape;

/// What went wrong: operation, object, cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed on something that has a name.
    #[error("cannot {operation} {object}: {source}")]
    Io {
        /// What was tried: `open`, `bind`, `read`.
        operation: &'static str,
        /// On what.
        object: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The command line asks for something impossible.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to type instead.
        fix: Option<String>,
    },
    /// A target that is no address has none, or is no usable address.
    #[error("cannot resolve {name}: {cause}")]
    Resolve {
        /// As it was typed; bytes that are not UTF-8 are escaped.
        name: String,
        /// Why not.
        cause: NameError,
    },
    /// No socket that can carry an echo request may be opened; `None` was not tried.
    #[error("cannot open an ICMP socket: {}", both(raw.as_ref(), dgram.as_ref()))]
    NoIcmpSocket {
        /// What socket(2) said to SOCK_RAW.
        raw: Option<io::Error>,
        /// What it said to SOCK_DGRAM.
        dgram: Option<io::Error>,
    },
    /// The kernel refuses namespaces of our own.
    #[error("cannot make a network of our own: {step}: {source}")]
    Namespaces {
        /// What was refused.
        step: &'static str,
        /// How.
        #[source]
        source: io::Error,
    },
    /// `--require-sandbox` was asked for and the sandbox is not whole.
    #[error("cannot enter the sandbox: {}", missing.join("; "))]
    Sandbox {
        /// One line for each part that is missing.
        missing: Vec<String>,
    },
    /// A capture file is wrong at a place; what stood before it was read.
    #[error(
        "cannot read {object}: at byte {offset}{}: {reason}",
        if *unpacked { " (unpacked)" } else { "" }
    )]
    Damaged {
        /// The file, escaped.
        object: String,
        /// Bytes from the start of the file.
        offset: u64,
        /// The file is compressed: `offset` counts unpacked bytes.
        unpacked: bool,
        /// What is wrong there.
        reason: String,
    },
    /// A packet socket may not be opened, or not on this interface.
    #[error("cannot capture on {interface}: {source}")]
    Capture {
        /// Its name.
        interface: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file to save into is there already.
    #[error("cannot create {object}: it exists")]
    Exists {
        /// The file, escaped.
        object: String,
    },
    /// A filter expression is wrong at a place.
    #[error("{message}")]
    Filter {
        /// What is wrong and what was expected.
        message: String,
        /// The expression and a line of carets under the fault: printable ASCII.
        caret: String,
        /// What to write instead.
        fix: Option<String>,
    },
    /// A line of a script is wrong at a place.
    #[error("{place}: {message}")]
    Script {
        /// File, line and column.
        place: String,
        /// What is wrong and what was expected.
        message: String,
        /// The line and carets under the fault, without control characters.
        caret: String,
        /// What to write instead.
        fix: Option<String>,
    },
    /// Writing what the user asked for failed (a full disk).
    #[error("cannot write {object}: {source}")]
    Output {
        /// `standard output` or a file's name.
        object: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why a target has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// EAI_NONAME: the name service knows it not.
    #[error("this name is not known")]
    NotKnown,
    /// EAI_NODATA: known, but without an address of this family (`IPv4`, `IPv6` or any).
    #[error("the name is known, but has no {0}address", family.map(|f| format!("{f} ")).unwrap_or_default())]
    NoAddress {
        /// The family that was asked for.
        family: Option<&'static str>,
    },
    /// EAI_AGAIN, or our own deadline.
    #[error("no name server answered{0}", within.map(|t| format!(" within {} s", t.as_secs())).unwrap_or_default())]
    NoAnswer {
        /// Our deadline, if that is what ended the wait.
        within: Option<Duration>,
    },
    /// Another EAI code, in words.
    #[error("{0}")]
    Failed(String),
    /// The resolver process ended.
    #[error("the resolver process ended")]
    ResolverEnded,
    /// Longer than any host name.
    #[error("a name of {0} bytes is longer than the 255 that a host name can have")]
    TooLong(usize),
    /// No character at all.
    #[error("the name is empty")]
    Empty,
    /// An address of the family that `-4` or `-6` excludes.
    #[error("it is an {is} address and only {wanted} is allowed")]
    WrongFamily {
        /// Its family.
        is: &'static str,
        /// The family that was asked for.
        wanted: &'static str,
    },
    /// A `%` after an address that has no scope.
    #[error("only a link-local IPv6 address has an interface after %")]
    ScopeUnused,
}

fn both(raw: Option<&io::Error>, dgram: Option<&io::Error>) -> String {
    let raw = raw.map(|error| format!("raw: {error}"));
    let dgram = dgram.map(|error| format!("datagram: {error}"));
    let tried: Vec<String> = raw.into_iter().chain(dgram).collect();
    tried.join("; ")
}

impl Error {
    /// The error of a filter expression.
    pub fn filter(fault: &FilterError, expression: &str) -> Self {
        Self::Filter {
            message: fault.message.clone(),
            caret: fault.caret(expression),
            fix: fault.hint.clone(),
        }
    }

    /// Exit code: 2 for errors of use and environment, 1 for damaged input, 74 (EX_IOERR) for
    /// lost output, 77 (EX_NOPERM) for a sandbox that was required. A panic is 70, see
    /// `privilege::panic`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged { .. } => 1,
            Self::Output { .. } => 74,
            Self::Sandbox { .. } => 77,
            _ => 2,
        }
    }

    /// What the user can do about it, best first. `env` is asked only where the answer depends on
    /// it, and never for an error that can happen inside the sandbox.
    pub fn hints(&self, env: impl FnOnce() -> Env) -> Vec<Hint> {
        match self {
            Self::NoIcmpSocket { raw, dgram } => {
                hint::no_icmp_socket(raw.as_ref(), dgram.as_ref(), &env())
            }
            Self::Capture { source, .. } if source.raw_os_error() == Some(libc::EPERM) => {
                raw_fix(&env())
            }
            Self::Namespaces { source, .. } => hint::no_namespaces(source, &env()),
            Self::Usage { fix, .. } => fix.iter().map(Hint::command).collect(),
            Self::Filter { fix, .. } | Self::Script { fix, .. } => {
                fix.iter().map(Hint::text).collect()
            }
            Self::Resolve { name, cause } => hint::resolve(name, cause),
            Self::Exists { .. } => {
                vec![Hint::text(
                    "--force empties and uses it, if it is a regular file of yours",
                )]
            }
            Self::Sandbox { .. } => {
                vec![Hint::text("without --require-sandbox it goes on with less")]
            }
            Self::Io {
                operation: "reach",
                object,
                source,
            } => hint::no_way(object, source),
            Self::Io {
                operation,
                object,
                source,
            } if hint::is_of_sockets(operation) => hint::sockets(operation, object, source, env),
            Self::Io { .. } | Self::Capture { .. } | Self::Damaged { .. } | Self::Output { .. } => {
                Vec::new()
            }
        }
    }

    /// The whole text for stderr: the message, then, after an empty line, the hints. Safe for a
    /// terminal; ends without a newline.
    pub fn render(&self, env: impl FnOnce() -> Env) -> String {
        let mut text = format!("rawsock: {}", escape(&self.to_string()));
        if let Self::Filter { caret, .. } | Self::Script { caret, .. } = self {
            for line in caret.lines() {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        let hints = self.hints(env);
        if !hints.is_empty() {
            text.push('\n');
        }
        for hint in hints {
            text.push_str("\nhint: ");
            text.push_str(&escape(&hint.to_string()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let error = Error::Resolve {
            name: "a\x1b[2J\nb".into(),
            cause: NameError::NotKnown,
        };
        let text = error.render(Env::default);
        assert_eq!(
            text.lines().next(),
            Some("rawsock: cannot resolve a\\x1b[2J\\x0ab: this name is not known")
        );
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn exit_codes_are_those_of_the_manual() {
        let io = || io::Error::from_raw_os_error(libc::ENOSPC);
        let output = Error::Output {
            object: "standard output".into(),
            source: io(),
        };
        let sandbox = Error::Sandbox {
            missing: vec!["no Landlock".into()],
        };
        let open = Error::Io {
            operation: "open",
            object: "x".into(),
            source: io(),
        };
        assert_eq!(
            [&output, &sandbox, &open].map(Error::exit_code),
            [74, 77, 2]
        );
    }
}
