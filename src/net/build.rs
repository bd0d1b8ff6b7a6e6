//! What a wire is given for a probe: the whole packet for HDRINCL, else the ICMP message.

use crate::craft::TooLong;
use crate::craft::icmp::Echo;
use crate::craft::{ipv4, ipv6};
use crate::ping::Probe;

/// The template of every packet of a run.
#[derive(Clone, Debug)]
pub enum Builder {
    /// An IPv4 header by hand (IP_HDRINCL), then the message.
    Ipv4(ipv4::Header),
    /// An IPv6 header by hand (IPV6_HDRINCL), extension headers, then the message.
    Ipv6(ipv6::Header),
    /// An ICMP message; the kernel adds its header.
    Icmp,
    /// An ICMPv6 message; the kernel adds its header and the checksum (RFC 3542 3.1).
    Icmpv6,
}

impl Builder {
    /// Replaces `out` by the packet of `probe`.
    pub fn build(&self, probe: &Probe, payload: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
        out.clear();
        let mut echo = Echo {
            ident: probe.id,
            seq: probe.seq,
            ..Echo::default()
        };
        let message_len = crate::craft::icmp::HEADER + payload.len();
        match self {
            Self::Ipv4(header) => {
                header.craft(message_len, out);
                echo.craft_v4(payload, out)
            }
            Self::Ipv6(header) => {
                header.craft(message_len, out);
                echo.craft_v6(payload, header.source, header.destination, out)
            }
            Self::Icmp => echo.craft_v4(payload, out),
            Self::Icmpv6 => {
                echo.checksum = Some(0);
                let any = std::net::Ipv6Addr::UNSPECIFIED;
                echo.craft_v6(payload, any, any, out)
            }
        }
    }
}
