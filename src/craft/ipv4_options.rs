//! IPv4 options: record route, time stamp, router alert, and any bytes. At most 40 bytes in all.

use std::net::Ipv4Addr;

use pnet::packet::ipv4::{Ipv4OptionNumber, Ipv4OptionNumbers};

use super::TooLong;

/// Most that fit: the header length field counts to 15 words, 5 of them fixed (RFC 791 3.1).
pub const MAX: usize = 40;

/// A list of options as it stands in the header, padded with zeros to whole words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Options {
    bytes: [u8; MAX],
    len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes: [0; MAX],
            len: 0,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Options").field(&self.as_bytes()).finish()
    }
}

/// What routers shall write into a time stamp option (RFC 791 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeStamps<'a> {
    /// Nine times.
    Only,
    /// Four pairs of address and time.
    AndAddress,
    /// A time at each of these hosts, one to four.
    Prespecified(&'a [Ipv4Addr]),
}

impl Options {
    /// The padded bytes: 0 to 40, a multiple of 4. Zero is End of Option List.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len.next_multiple_of(4)]
    }

    /// No option at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends bytes as they are, whatever they mean.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let len = self.len + bytes.len();
        let Some(room) = self.bytes.get_mut(self.len..len) else {
            return Err(TooLong {
                what: "list of IPv4 options",
                len,
                max: MAX,
            });
        };
        room.copy_from_slice(bytes);
        self.len = len;
        Ok(())
    }

    /// A no-operation byte, to align what follows.
    pub fn nop(&mut self) -> Result<(), TooLong> {
        self.raw(&[kind(0, 0, Ipv4OptionNumbers::NOP)])
    }

    /// Record route with room for nine addresses.
    pub fn record_route(&mut self) -> Result<(), TooLong> {
        let mut option = [0; 3 + 9 * 4];
        option[0] = kind(0, 0, Ipv4OptionNumbers::RR);
        option[1] = 3 + 9 * 4;
        option[2] = 4; // the first free byte, counted from 1
        self.raw(&option)
    }

    /// Time stamps.
    pub fn time_stamps(&mut self, which: TimeStamps<'_>) -> Result<(), TooLong> {
        let mut option = [0; MAX];
        let (flag, len): (u8, usize) = match which {
            TimeStamps::Only => (0, 40),
            TimeStamps::AndAddress => (1, 36),
            TimeStamps::Prespecified(hosts) => {
                let len = 4 + hosts.len() * 8;
                let room = option[4..].chunks_exact_mut(8);
                if hosts.len() > room.len() {
                    return Err(TooLong {
                        what: "time stamp option",
                        len,
                        max: 36,
                    });
                }
                for (slot, host) in room.zip(hosts) {
                    slot[..4].copy_from_slice(&host.octets());
                }
                (3, len)
            }
        };
        option[0] = kind(0, 2, Ipv4OptionNumbers::TS);
        option[1] = u8::try_from(len).unwrap_or(u8::MAX);
        option[2] = 5;
        option[3] = flag;
        self.raw(&option[..len])
    }

    /// Router alert; 0 asks every router to look at the packet (RFC 2113 2.1).
    pub fn router_alert(&mut self, value: u16) -> Result<(), TooLong> {
        let [high, low] = value.to_be_bytes();
        self.raw(&[kind(1, 0, Ipv4OptionNumbers::RTRALT), 4, high, low])
    }
}

/// The option's first byte: copied flag, class, number (RFC 791 3.1).
fn kind(copied: u8, class: u8, number: Ipv4OptionNumber) -> u8 {
    copied << 7 | class << 5 | number.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_route_fills_the_header() {
        let mut options = Options::default();
        options.record_route().unwrap();
        assert_eq!(options.as_bytes().len(), 40);
        assert_eq!(options.as_bytes()[..4], [7, 39, 4, 0]);
        options.nop().unwrap();
        let error = options.nop().unwrap_err();
        assert_eq!(
            error.to_string(),
            "list of IPv4 options is 41 bytes long, at most 40 fit"
        );
    }

    #[test]
    fn time_stamps_are_byte_exact() {
        let mut options = Options::default();
        options.time_stamps(TimeStamps::Only).unwrap();
        assert_eq!(options.as_bytes()[..4], [68, 40, 5, 0]);
        let mut options = Options::default();
        options.time_stamps(TimeStamps::AndAddress).unwrap();
        assert_eq!(options.as_bytes()[..4], [68, 36, 5, 1]);
        assert_eq!(options.as_bytes().len(), 36);
        let mut options = Options::default();
        let hosts = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
        options
            .time_stamps(TimeStamps::Prespecified(&hosts))
            .unwrap();
        assert_eq!(
            options.as_bytes(),
            [
                68, 20, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0
            ]
        );
        let five = [Ipv4Addr::LOCALHOST; 5];
        let mut options = Options::default();
        assert!(
            options
                .time_stamps(TimeStamps::Prespecified(&five))
                .is_err()
        );
        assert!(options.is_empty());
    }

    #[test]
    fn padding_is_end_of_list() {
        let mut options = Options::default();
        options.raw(&[1, 1, 1]).unwrap();
        assert_eq!(options.as_bytes(), [1, 1, 1, 0]);
        assert!(Options::default().as_bytes().is_empty());
    }
}
