//! Keys of a packet as a whole, which no layer holds: `frame.len` and its kin.

use crate::decode::{Show, Spec};

use super::Seen;
use super::eval::Item;

/// A key of the packet as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Number,
    Epoch,
    Date,
    WireLen,
    CapLen,
    Interface,
}

static NUMBER: Spec = Spec {
    key: "frame.number",
    label: "Number",
    explain: "Number of the packet in its file or capture, from 1.",
    rfc: "pcap-savefile(5)",
    show: Show::Dec,
};
static DATE: Spec = Spec {
    key: "frame.time",
    label: "Date",
    explain: "When it was captured, in UTC.",
    rfc: "pcap-savefile(5)",
    show: Show::Plain,
};
static EPOCH: Spec = Spec {
    key: "frame.time_epoch",
    label: "Time",
    explain: "When it was captured, in seconds since 1970.",
    rfc: "pcap-savefile(5)",
    show: Show::Plain,
};
static WIRE_LEN: Spec = Spec {
    key: "frame.len",
    label: "Length",
    explain: "How many bytes it had on the wire.",
    rfc: "pcap-savefile(5)",
    show: Show::Unit("bytes"),
};
static CAP_LEN: Spec = Spec {
    key: "frame.cap_len",
    label: "Captured length",
    explain: "How many of its bytes were captured.",
    rfc: "pcap-savefile(5)",
    show: Show::Unit("bytes"),
};
static INTERFACE: Spec = Spec {
    key: "frame.interface_name",
    label: "Interface",
    explain: "Where it was captured.",
    rfc: "pcapng if_name",
    show: Show::Plain,
};

/// Every such key.
pub(super) static ALL: &[(Whole, &Spec)] = &[
    (Whole::Number, &NUMBER),
    (Whole::Epoch, &EPOCH),
    (Whole::Date, &DATE),
    (Whole::WireLen, &WIRE_LEN),
    (Whole::CapLen, &CAP_LEN),
    (Whole::Interface, &INTERFACE),
];

impl Whole {
    /// Its value; `None` if it is not known.
    pub fn item<'a>(self, seen: &Seen<'a>) -> Option<Item<'a>> {
        let captured = u32::try_from(seen.frame.bytes.len()).unwrap_or(u32::MAX);
        Some(match self {
            Self::Number if seen.number == 0 => return None,
            Self::Number => Item::Uint(seen.number, None),
            Self::Epoch => Item::Epoch(seen.frame.at.0),
            Self::Date => Item::Date(seen.frame.at.0),
            Self::WireLen => Item::Uint(seen.frame.wire_len.max(captured).into(), None),
            Self::CapLen => Item::Uint(captured.into(), None),
            Self::Interface if seen.interface.is_empty() => return None,
            Self::Interface => Item::Text(seen.interface),
        })
    }
}
