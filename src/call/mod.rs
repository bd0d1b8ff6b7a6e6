//! The language of `rawsock call`: one socket method a line, in Python's names and shorter ones, with
//! expectations and sides. Lines to values and back; calls nothing.
//!
//! ```text
//! @b s = socket ; s.bind :9000 ; s.listen 5
//! @a c = socket ; c.connect :9000            => 0
//! @b d = s.accept
//! @a c.send 'one' ; c.send 'two!'            => 4
//! @b d.recv 1024                             => 'onetwo!'
//! ```

pub mod address;
mod arg;
mod ast;
mod expect;
mod fault;
mod lex;
mod parse;
#[cfg(test)]
mod parse_tests;
mod value;
mod verb;

pub use arg::{MAX_BYTES, MAX_WAIT, flag_words, kind_words};
pub use ast::{Action, Address, Arg, Call, Data, Kind, Statement, Word};
pub use expect::{Expect, Mismatch};
pub use fault::Fault;
pub use lex::MAX_LINE;
pub use parse::{MAX_NAMES, MAX_SIDES, MAX_STATEMENTS, Parser};
pub use value::{Failure, Name, Outcome, Value, quoted};
pub use verb::{Do, On, Take, VERBS, Verb};
