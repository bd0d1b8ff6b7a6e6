//! Which ICMP socket a ping gets: the one asked for, or the best that may be opened.

use super::icmp::{Family, IcmpWire, Kind};
use super::options::Options;
use crate::error::Error;

/// `--socket`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// HDRINCL where raw sockets are allowed, else dgram.
    #[default]
    Auto,
    /// This kind or an error.
    Only(Kind),
}

impl Choice {
    /// From the word after `--socket`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "auto" => Self::Auto,
            "hdrincl" => Self::Only(Kind::Hdrincl),
            "raw" => Self::Only(Kind::Raw),
            "dgram" => Self::Only(Kind::Dgram),
            _ => return None,
        })
    }
}

/// What a dgram socket takes away, for one line to the user.
pub const DGRAM_NOTE: &str = "no raw socket: the kernel writes the IP header, chooses the ICMP id \
                              and drops bad checksums; header options and ICMP errors in full need \
                              CAP_NET_RAW";

/// Opens a wire; the note is there when it is less than what raw sockets can do.
pub fn open(
    choice: Choice,
    family: Family,
    options: &Options,
) -> Result<(IcmpWire, Option<&'static str>), Error> {
    let kind = match choice {
        Choice::Only(kind) => return Ok((IcmpWire::open(kind, family, options)?, None)),
        Choice::Auto => Kind::Hdrincl,
    };
    let raw = match IcmpWire::socket(kind, family) {
        Ok(socket) => return Ok((IcmpWire::from_socket(socket, kind, family, options)?, None)),
        Err(raw) => raw,
    };
    match IcmpWire::socket(Kind::Dgram, family) {
        Ok(socket) => {
            let wire = IcmpWire::from_socket(socket, Kind::Dgram, family, options)?;
            Ok((wire, Some(DGRAM_NOTE)))
        }
        Err(dgram) => Err(Error::NoIcmpSocket { raw, dgram }),
    }
}
