//! What a line says, parsed: sides, assignments, calls with typed arguments, expectations.

use std::ops::Range;
use std::time::Duration;

use super::expect::Expect;
use super::verb::Verb;

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Number of its line, from 1.
    pub line: u32,
    /// Which bytes of the line it is, without prefix and expectation.
    pub span: Range<usize>,
    /// As it was written, without prefix and expectation.
    pub text: String,
    /// Whose it is: the name behind `@`; empty before the first prefix.
    pub side: String,
    /// What to do.
    pub action: Action,
    /// `&`: do not wait for it.
    pub background: bool,
    /// What must come of it.
    pub expect: Option<Expect>,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum Action {
    /// A verb.
    Call(Call),
    /// `sleep 0.5`.
    Sleep(Duration),
    /// `wait`: for everything in the background.
    Wait,
    /// `drop next EXPR`: the wire of a lab loses the next frame that matches.
    DropNext {
        /// A display filter expression.
        expression: String,
        /// Where it stands in the line.
        span: Range<usize>,
    },
    /// `help`, `help VERB`.
    Help(Option<&'static Verb>),
    /// `vars`: what the names stand for.
    Names,
    /// `quit`.
    Quit,
}

/// A verb with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which verb.
    pub verb: &'static Verb,
    /// The name before the dot; without one, the socket that was made or named last.
    pub on: Option<Word>,
    /// Names for what it gives.
    pub targets: Vec<String>,
    /// How often; 1 without `repeat`.
    pub times: u32,
    /// The arguments, as many as the verb takes or fewer.
    pub args: Vec<Arg>,
}

/// A name and where it stands in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The name.
    pub text: String,
    /// Where.
    pub span: Range<usize>,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Family, type and protocol of a new socket.
    Kind(Kind),
    /// An address.
    Address(Address),
    /// Bytes.
    Data(Data),
    /// A number.
    Number(i64),
    /// Flags of `recv` and `send`, by `MSG_` bits and by their words.
    Flags(i32),
    /// `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR` (shutdown(2)).
    How(i32),
    /// A limit; `None` for none.
    Seconds(Option<Duration>),
    /// On or off.
    Switch(bool),
    /// The name of an option or field.
    Word(String),
    /// A name that stands for a value.
    Name(Word),
}

/// What kind of socket: numbers of socket(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `AF_INET`, ..
    pub family: i32,
    /// `SOCK_STREAM`, ..
    pub kind: i32,
    /// `IPPROTO_TCP`, ..; 0 lets the kernel choose.
    pub protocol: i32,
}

/// An address as it was written. What it means depends on the socket's family: `address::read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A word or text: `127.0.0.1:9000`, `/tmp/x.sock`.
    Text(Vec<u8>),
    /// `('127.0.0.1', 9000)`.
    Pair(Vec<u8>, u16),
}

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// These.
    Bytes(Vec<u8>),
    /// So many `x`.
    Fill(usize),
}
