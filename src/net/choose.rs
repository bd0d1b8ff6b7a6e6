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
    /// The kernel's header where raw sockets are allowed, else dgram: for packets that it must cut
    /// up.
    AutoRaw,
    /// This kind or an error.
    Only(Kind),
}

/// What a dgram socket takes away, for one line to the user.
pub const DGRAM_NOTE: &str = "no right to raw sockets: the kernel writes the IP header and the id, \
                              and hides bad checksums";

/// Opens a wire; the note is there when it is less than what raw sockets can do.
pub fn open(
    choice: Choice,
    family: Family,
    options: &Options,
) -> Result<(IcmpWire, Option<&'static str>), Error> {
    let (mut raw, mut dgram) = (None, None);
    if choice != Choice::Only(Kind::Dgram) {
        let kind = match choice {
            Choice::Auto => Kind::Hdrincl,
            Choice::AutoRaw => Kind::Raw,
            Choice::Only(kind) => kind,
        };
        match IcmpWire::socket(kind, family) {
            Ok(socket) => {
                let wire = IcmpWire::from_socket(socket, kind, family, options)?;
                return Ok((wire, None));
            }
            Err(error) => raw = Some(error),
        }
    }
    if !matches!(choice, Choice::Only(Kind::Hdrincl | Kind::Raw)) {
        match IcmpWire::socket(Kind::Dgram, family) {
            Ok(socket) => {
                let wire = IcmpWire::from_socket(socket, Kind::Dgram, family, options)?;
                let asked = choice == Choice::Only(Kind::Dgram);
                let note = (!asked).then_some(DGRAM_NOTE);
                return Ok((wire, note));
            }
            Err(error) => dgram = Some(error),
        }
    }
    Err(Error::NoIcmpSocket { raw, dgram })
}
