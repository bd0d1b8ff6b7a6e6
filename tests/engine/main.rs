//! The ping engine against a simulated link in virtual time: no socket, no clock, no privileges.

mod ends;
mod fates;
mod hostile;
mod link;
mod random;
mod sequences;
mod time;
