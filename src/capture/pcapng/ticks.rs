//! How a pcapng file's ticks become nanoseconds: `if_tsresol` and `if_tsoffset`.

use crate::event::Timestamp;

/// How a file's ticks become nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) unit: Unit,
    /// Seconds to add (`if_tsoffset`).
    pub(super) offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The default, microseconds.
    Micro,
    /// 10^-n seconds as its divisor; `None` where a whole u64 of ticks is less than a nanosecond.
    Decimal(Option<u128>),
    /// 2^-n seconds.
    Binary(u32),
}

impl Unit {
    /// From `if_tsresol`: the most significant bit says whether the rest is a power of 2 or of 10.
    pub(super) fn from_resolution(byte: u8) -> Self {
        let exponent = u32::from(byte & 0x7f);
        match byte {
            6 => Self::Micro,
            0x80.. => Self::Binary(exponent),
            _ => Self::Decimal(10_u128.checked_pow(exponent)),
        }
    }
}

impl Clock {
    /// The time of a count of ticks; saturates at the ends of [`Timestamp`].
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let ticks = u128::from(ticks);
        // 2^64 * 10^9 fits in 94 bits.
        let nanos = ticks.saturating_mul(1_000_000_000);
        let nanos = match self.unit {
            Unit::Micro => ticks.saturating_mul(1000),
            Unit::Decimal(divisor) => divisor.and_then(|d| nanos.checked_div(d)).unwrap_or(0),
            Unit::Binary(bits) => nanos.checked_shr(bits).unwrap_or(0),
        };
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        Timestamp::from_parts(self.offset, nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_of_both_kinds() {
        let time = |resolution, ticks| {
            let unit = Unit::from_resolution(resolution);
            Clock { unit, offset: 0 }.time(ticks).0
        };
        assert_eq!(time(6, 1_500_000), 1_500_000_000);
        assert_eq!(time(9, 1_500_000_001), 1_500_000_001);
        assert_eq!(time(3, 1500), 1_500_000_000);
        assert_eq!(time(0, 2), 2_000_000_000);
        assert_eq!(time(12, 1_500_000_000_999), 1_500_000_000);
        assert_eq!(time(0x8a, 1536), 1_500_000_000);
        assert_eq!(time(0x80, 3), 3_000_000_000);
        // The hostile ends: no overflow, no division by zero.
        assert_eq!(time(0x7f, u64::MAX), 0);
        assert_eq!(time(0xff, u64::MAX), 0);
        assert_eq!(time(0, u64::MAX), i64::MAX);
        let unit = Unit::Micro;
        let offset = i64::MIN;
        assert_eq!(Clock { unit, offset }.time(0).0, i64::MIN);
        let offset = -1;
        assert_eq!(Clock { unit, offset }.time(3_000_000).0, 2_000_000_000);
    }
}
