//! Times and percentages as iputils writes them.

use std::time::Duration;

/// Nearest whole microsecond; all times of the text view are this coarse, as iputils' are.
fn micros(time: Duration) -> u128 {
    time.as_nanos().saturating_add(500) / 1000
}

/// Milliseconds with three decimals: `0.041`.
pub fn millis(time: Duration) -> String {
    let us = micros(time);
    format!("{}.{:03}", us / 1000, us % 1000)
}

/// Milliseconds with fewer decimals the longer they are: `0.041 1.23 12.3 123`.
pub fn millis_short(time: Duration) -> String {
    let us = micros(time);
    match us {
        // Each step begins where rounding would carry into it.
        99_950.. => format!("{}", (us + 500) / 1000),
        9_995.. => format!("{}.{}", (us + 50) / 1000, (us + 50) % 1000 / 100),
        1_000.. => format!("{}.{:02}", (us + 5) / 1000, (us + 5) % 1000 / 10),
        _ => millis(time),
    }
}

/// Whole milliseconds, rounded: the `time` of the statistics.
pub fn whole_millis(time: Duration) -> u128 {
    time.as_nanos().saturating_add(500_000) / 1_000_000
}

/// A percentage with six significant digits and no trailing zeros, as C's `%g`, but never with an
/// exponent: `0 33.3333 0.00001 100`.
pub fn percent(value: f64) -> String {
    // `{:e}` gives the exponent of the value already rounded to six digits.
    let scientific = format!("{value:.5e}");
    let exponent = scientific
        .split('e')
        .nth(1)
        .and_then(|e| e.parse::<i32>().ok());
    let decimals = 5_i32.saturating_sub(exponent.unwrap_or(0)).clamp(0, 12);
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(0));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Milliseconds as a JSON number.
#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of a day need 47 bits"
)]
pub fn json_millis(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_shrink_as_in_iputils() {
        for (nanos, text) in [
            (0, "0.000"),
            (41_000, "0.041"),
            (41_499, "0.041"),
            (41_500, "0.042"),
            (999_000, "0.999"),
            (1_000_000, "1.00"),
            (1_234_000, "1.23"),
            (1_235_000, "1.24"),
            (9_994_000, "9.99"),
            (9_995_000, "10.0"),
            (12_340_000, "12.3"),
            (99_949_000, "99.9"),
            (99_950_000, "100"),
            (123_400_000, "123"),
            (1_234_567_000, "1235"),
        ] {
            assert_eq!(millis_short(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(millis(Duration::from_millis(1234)), "1234.000");
        assert_eq!(whole_millis(Duration::from_micros(1499)), 1);
        assert_eq!(whole_millis(Duration::from_micros(1500)), 2);
    }

    #[test]
    fn percentages_have_six_digits() {
        for (value, text) in [
            (0.0, "0"),
            (100.0, "100"),
            (50.0, "50"),
            (100.0 / 3.0, "33.3333"),
            (100.0 / 7.0, "14.2857"),
            (200.0 / 3.0, "66.6667"),
            (99.999_99, "100"),
            (0.001, "0.001"),
            (1e-5, "0.00001"),
            (1.0 / 3.0, "0.333333"),
        ] {
            assert_eq!(percent(value), text);
        }
    }

    #[test]
    fn nothing_overflows() {
        assert!(millis_short(Duration::MAX).parse::<f64>().is_ok());
        assert!(json_millis(Duration::MAX).is_finite());
    }
}
