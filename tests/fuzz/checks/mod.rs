//! What must hold for any bytes, one function a fuzz target. `tests/fuzz_corpora.rs` runs them over
//! the checked-in corpora on stable Rust; the targets in `fuzz_targets/` look for more.

pub mod capture_file;
pub mod craft_roundtrip;
pub mod decode;
pub mod display_filter;
pub mod filter;
mod frame;
pub mod ping_engine;
pub mod ring_block;
pub mod views;

/// Panics where something does not hold for these bytes.
pub type Check = fn(&[u8]);

/// Every target and its check.
pub const ALL: &[(&str, Check)] = &[
    ("capture_file", capture_file::check),
    ("craft_roundtrip", craft_roundtrip::check),
    ("decode_cooked", decode::cooked),
    ("decode_ethernet", decode::ethernet),
    ("decode_ip", decode::ip),
    ("decode_message", decode::message),
    ("decode_other", decode::other),
    ("display_filter", display_filter::check),
    ("filter", filter::check),
    ("ping_engine", ping_engine::check),
    ("ring_block", ring_block::check),
    ("views", views::check),
];
