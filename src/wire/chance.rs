//! Chance without a state: a number for each (seed, cable, direction, kind, n).

use super::Way;

/// What is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Loss,
    Corrupt,
    /// Which bit.
    Bit,
    Dup,
    Reorder,
    Jitter,
}

/// A draw in one direction of a cable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    pub seed: u64,
    pub cable: u8,
    pub way: Way,
}

impl Dice {
    /// 64 bits that look random: the finalizer of SplitMix64 (Steele, Lea, Flood 2014) over the
    /// parts, one after the other.
    pub fn draw(self, kind: Kind, n: u64) -> u64 {
        let place = u64::from(self.cable) << 16 | (self.way.index() as u64) << 8 | kind as u64;
        [place, n]
            .into_iter()
            .fold(mix(self.seed), |state, part| mix(state ^ mix(part)))
    }

    /// A number from 0 to `below - 1`; 0 if `below` is 0.
    pub fn below(self, kind: Kind, n: u64, below: u64) -> u64 {
        // Multiply and shift: no bias that could be seen with bounds this small.
        let wide = u128::from(self.draw(kind, n)).wrapping_mul(u128::from(below));
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
