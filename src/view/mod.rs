//! Values to text. Views read the field tree and the verdicts, and never decide anything.

pub mod calls;
pub mod columns;
pub mod errno;
pub mod escape;
pub mod fate;
pub mod headers;
mod headers_notes;
mod headers_text;
pub mod hex;
pub mod json;
mod json_line;
mod json_verdict;
pub mod line;
pub mod numbers;
pub mod objects;
pub mod packet_json;
pub mod ping;
mod ping_end;
mod ping_line;
mod routes;
pub mod start;
pub mod tree;
pub mod value;
pub mod words;
