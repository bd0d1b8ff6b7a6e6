//! What the user asks for, as plain fields: header, socket, output, guards. Checked in `plan` and
//! `aim`.

use std::net::IpAddr;

use super::values::{ColorChoice, MtuDiscovery};
use crate::craft::ipv4_options::Options;

/// Which address family the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `-4`
    V4,
    /// `-6`
    V6,
}

/// IP header fields as asked for; `None` leaves the field at its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderWish {
    /// Time to live or hop limit.
    pub ttl: Option<u8>,
    /// Type of service or traffic class.
    pub tos: Option<u8>,
    /// 16 bits in IPv4, 32 in the fragment header of IPv6.
    pub ip_id: Option<u32>,
    /// Don't fragment.
    pub df: Option<bool>,
    /// More fragments.
    pub mf: Option<bool>,
    /// The bit beside them.
    pub reserved: Option<bool>,
    /// In units of 8 bytes.
    pub frag_offset: Option<u16>,
    /// Protocol or next header.
    pub proto: Option<u8>,
    /// Version, right or wrong.
    pub version: Option<u8>,
    /// Header length in words, right or wrong.
    pub ihl: Option<u8>,
    /// Total length in IPv4, payload length in IPv6.
    pub length: Option<u16>,
    /// Header checksum.
    pub checksum: Option<u16>,
    /// Source address.
    pub source: Option<IpAddr>,
    /// IPv4 options in order.
    pub ip_options: Options,
    /// 0: choose one at random.
    pub flow_label: Option<u32>,
    /// Hop-by-hop options, not padded.
    pub hop_by_hop: Option<Vec<u8>>,
    /// Destination options, not padded.
    pub dest_options: Option<Vec<u8>>,
}

impl HeaderWish {
    /// The first option that only a header built by hand can give.
    pub fn by_hand_only(&self) -> Option<&'static str> {
        first(&[
            (self.ip_id.is_some(), "--ip-id"),
            (self.df.is_some(), "--df"),
            (self.mf.is_some(), "--mf"),
            (self.reserved.is_some(), "--reserved-bit"),
            (self.frag_offset.is_some(), "--frag-offset"),
            (self.proto.is_some(), "--proto"),
            (self.version.is_some(), "--ip-version"),
            (self.ihl.is_some(), "--ihl"),
            (self.length.is_some(), "--ip-length"),
            (self.checksum.is_some(), "--ip-checksum"),
            (self.source.is_some(), "--source"),
            (self.hop_by_hop.is_some(), "--hop-by-hop"),
            (self.dest_options.is_some(), "--dest-options"),
        ])
    }

    /// The first option that exists in IPv4 only.
    pub fn ipv4_only(&self) -> Option<&'static str> {
        first(&[
            (self.df.is_some(), "--df"),
            (self.reserved.is_some(), "--reserved-bit"),
            (self.ihl.is_some(), "--ihl"),
            (self.checksum.is_some(), "--ip-checksum"),
            (
                !self.ip_options.is_empty(),
                "an IPv4 option (--ip-option, -R, -T)",
            ),
        ])
    }

    /// The first option that exists in IPv6 only.
    pub fn ipv6_only(&self) -> Option<&'static str> {
        first(&[
            (self.flow_label.is_some(), "-F (--flow-label)"),
            (self.hop_by_hop.is_some(), "--hop-by-hop"),
            (self.dest_options.is_some(), "--dest-options"),
        ])
    }

    /// IPv6 needs a fragment header for what is asked.
    pub fn fragment(&self) -> bool {
        self.ip_id.is_some() || self.mf.is_some() || self.frag_offset.is_some()
    }
}

fn first(wishes: &[(bool, &'static str)]) -> Option<&'static str> {
    wishes
        .iter()
        .find(|(asked, _)| *asked)
        .map(|(_, name)| *name)
}

/// Socket options that are no header fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketWish {
    /// `-I NAME`
    pub device: Option<String>,
    /// `-I ADDRESS`, one of ours.
    pub bind: Option<IpAddr>,
    /// `-m`: SO_MARK.
    pub mark: Option<u32>,
    /// `-L`: IP_MULTICAST_LOOP off.
    pub no_loopback: bool,
    /// `-r`: SO_DONTROUTE.
    pub bypass_routing: bool,
    /// `-S`: SO_SNDBUF in bytes.
    pub send_buffer: Option<u32>,
    /// `-M`
    pub mtu_discovery: Option<MtuDiscovery>,
}

/// What to show.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the output"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputWish {
    /// `--json`
    pub json: bool,
    /// `--show-headers`
    pub show_headers: bool,
    /// `-q`
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// `-D`
    pub timestamps: bool,
    /// `-O`
    pub outstanding: bool,
    /// `-a`
    pub audible: bool,
    /// `-f`: dots and backspaces.
    pub flood: bool,
    /// `-H` without `-n`
    pub names: bool,
    /// `-n`
    pub numeric: bool,
    /// `-3`
    pub precise: bool,
    /// `--color`
    pub color: ColorChoice,
}

/// Guards that the user lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifted {
    /// `-b`
    pub broadcast: bool,
    /// `--spoof`
    pub spoof: bool,
    /// `--yes`
    pub yes: bool,
}
