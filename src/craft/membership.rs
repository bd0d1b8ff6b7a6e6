//! Membership queries: IGMP for IPv4, MLD for IPv6. Reports are the kernel's.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pnet::packet::util;

use super::TooLong;

/// Most sources of a query: RFC 9776 4.1.8 counts what fits a packet; this fits one of 1,280 bytes.
pub const MAX_SOURCES: usize = 75;

/// A question for members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<A> {
    /// IGMP 1 to 3, MLD 1 or 2.
    pub version: u8,
    /// The group asked about; unspecified in a general query.
    pub group: A,
    /// The senders asked about; only the newest version has them.
    pub sources: Vec<A>,
    /// Within this time members answer.
    pub max_response: Duration,
    /// Losses in a row that the querier wants to survive, 0 to 7.
    pub robustness: u8,
    /// How often it asks.
    pub interval: Duration,
}

impl Query<Ipv4Addr> {
    /// Appends the IGMP message (RFC 1112, RFC 2236 2, RFC 9776 4.1).
    pub fn craft(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let start = out.len();
        let tenths = self.max_response.as_millis() / 100;
        let code = match self.version {
            1 => 0,
            2 => u8::try_from(tenths).unwrap_or(u8::MAX),
            _ => float8(tenths),
        };
        out.extend([0x11, code, 0, 0]);
        out.extend(self.group.octets());
        if self.version > 2 {
            self.tail(out)?;
            out.extend(self.sources.iter().flat_map(Ipv4Addr::octets));
        }
        let message = out.get(start..).unwrap_or(&[]);
        let sum = util::checksum(message, 1).to_be_bytes();
        if let Some(place) = out.get_mut(start.saturating_add(2)..start.saturating_add(4)) {
            place.copy_from_slice(&sum);
        }
        Ok(())
    }
}

impl Query<Ipv6Addr> {
    /// Appends the MLD message with a checksum of 0, which the kernel fills in (RFC 2710 3,
    /// RFC 9777 5.1).
    pub fn craft(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let millis = self.max_response.as_millis();
        let code = match self.version {
            1 => u16::try_from(millis).unwrap_or(u16::MAX),
            _ => float16(millis),
        };
        out.extend([130, 0, 0, 0]);
        out.extend(code.to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.group.octets());
        if self.version > 1 {
            self.tail(out)?;
            out.extend(self.sources.iter().flat_map(Ipv6Addr::octets));
        }
        Ok(())
    }
}

impl<A> Query<A> {
    /// Robustness, interval, and how many sources follow.
    fn tail(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let len = self.sources.len();
        let count = u16::try_from(len).ok();
        let count = count.filter(|_| len <= MAX_SOURCES).ok_or(TooLong {
            what: "the list of sources",
            len,
            max: MAX_SOURCES,
        })?;
        out.push(self.robustness.min(7));
        out.push(float8(u128::from(self.interval.as_secs())));
        out.extend(count.to_be_bytes());
        Ok(())
    }
}

/// RFC 9776 4.1.1: below 128 the number itself, else a mantissa of four bits and an exponent.
/// Rounds down, and up to the largest.
fn float8(value: u128) -> u8 {
    if let Some(small) = u8::try_from(value).ok().filter(|small| *small < 128) {
        return small;
    }
    // (16 + mantissa) << (exponent + 3)
    (0..8u8)
        .rev()
        .find_map(|exponent| {
            let unit = 1_u128 << (exponent + 3);
            let mantissa = (value / unit).checked_sub(16)?;
            let mantissa = u8::try_from(mantissa).unwrap_or(u8::MAX).min(15);
            Some(0x80 | exponent << 4 | mantissa)
        })
        .unwrap_or(127)
}

/// RFC 9777 5.1.3: the same with twelve bits of mantissa, from 32,768 on.
fn float16(value: u128) -> u16 {
    if let Some(small) = u16::try_from(value).ok().filter(|small| *small < 32_768) {
        return small;
    }
    (0..8u16)
        .rev()
        .find_map(|exponent| {
            let unit = 1_u128 << (exponent + 3);
            let mantissa = (value / unit).checked_sub(4096)?;
            let mantissa = u16::try_from(mantissa).unwrap_or(u16::MAX).min(4095);
            Some(0x8000 | exponent << 12 | mantissa)
        })
        .unwrap_or(32_767)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        assert_eq!(
            [0, 100, 127, 128, 129].map(float8),
            [0, 100, 127, 0x80, 0x80]
        );
        // RFC 9776 4.1.1: the largest is (16 + 15) << 10.
        assert_eq!([136, 31_744, 99_999].map(float8), [0x81, 0xff, 0xff]);
        assert_eq!(
            [10_000, 32_767, 32_768].map(float16),
            [10_000, 32_767, 0x8000]
        );
        assert_eq!(float16(u128::MAX), 0xffff);
    }

    #[test]
    fn too_many_sources_are_refused() {
        let query = |count| Query {
            version: 3,
            group: Ipv4Addr::UNSPECIFIED,
            sources: vec![Ipv4Addr::LOCALHOST; count],
            max_response: Duration::from_secs(10),
            robustness: 2,
            interval: Duration::from_secs(125),
        };
        assert!(query(MAX_SOURCES + 1).craft(&mut Vec::new()).is_err());
        let mut out = Vec::new();
        query(MAX_SOURCES).craft(&mut out).unwrap();
        assert_eq!(out.len(), 12 + 4 * MAX_SOURCES);
    }
}
