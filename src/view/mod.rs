//! Values to text. Views read the field tree and the verdicts, and never decide anything.

pub mod escape;
