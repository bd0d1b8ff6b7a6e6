//! rawsock: a raw-socket packet tool for Linux.
//!
//! Two halves. The core turns bytes and times into values: no socket, no clock, no stdout, no
//! unsafe. The shell owns those.

pub mod capture;
pub mod cli;
pub mod craft;
pub mod decode;
pub mod error;
pub mod event;
pub mod filter;
pub mod lab;
pub mod net;
pub mod ping;
pub mod privilege;
#[expect(unsafe_code, reason = "the one module that may hold unsafe")]
pub mod sys;
pub mod view;
