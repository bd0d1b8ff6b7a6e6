//! Step mode: frames wait in a row, and a key decides about the first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What to do with the first frame that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// Let it arrive.
    Deliver,
    /// It vanishes.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// The next frame of its direction goes first.
    Swap,
    /// Flip one bit and let it arrive.
    Flip,
    /// It arrives after this time.
    After(Duration),
    /// Let all arrive and hold no more.
    Run,
}
