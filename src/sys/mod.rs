//! The only unsafe: one function is one system call, takes `impl AsFd`, returns `io::Result`.

pub mod clock;
pub mod poll;
pub mod signal;
