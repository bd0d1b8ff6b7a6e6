//! Any bytes decode as a bare ICMP or ICMPv6 message.
#![no_main]
#![expect(dead_code, reason = "each target runs one of the checks")]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::decode::message(data));
