//! Values to text. Views read the field tree and the verdicts, and never decide anything.

pub mod escape;
pub mod hex;
pub mod line;
pub mod packet_json;
pub mod tree;
pub mod value;
