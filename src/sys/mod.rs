//! The only unsafe: one function is one system call, takes `impl AsFd`, returns `io::Result`.

pub mod card_clock;
pub mod clock;
pub mod cmsg;
pub mod cred;
pub mod dns;
pub mod ethtool;
pub mod fds;
pub mod iface;
pub mod mmsg;
pub mod netns;
pub mod packet;
pub mod poll;
pub mod process;
pub mod refused;
pub mod ring;
pub mod signal;
pub mod sockopt;
pub mod stamp;
