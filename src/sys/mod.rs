//! The only unsafe: one function is one system call, takes `impl AsFd`, returns `io::Result`.

pub mod clock;
pub mod ethtool;
pub mod netns;
pub mod poll;
pub mod signal;
