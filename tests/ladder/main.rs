//! The ladder: its drawings, two captures joined, the page, and the page in a real browser.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod browser;
mod command;
mod drawing;
mod joined;
mod page;
mod run;
