//! What a ping run begins with: the facts of the first line and of the JSON `start` object.

use std::net::IpAddr;

use super::escape::escape;

/// How probes leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Socket {
    /// Raw socket with an IP header built by hand.
    Hdrincl,
    /// Raw socket, the kernel builds the IP header.
    Raw,
    /// ICMP datagram socket.
    Dgram,
}

/// The facts of one run against one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The host as typed.
    pub target: String,
    /// Its address.
    pub address: IpAddr,
    /// Interface name or number after `%` of a link-local address.
    pub zone: Option<String>,
    /// Source address, where the user asked for one or for an interface.
    pub source: Option<IpAddr>,
    /// Interface that the user asked for.
    pub interface: Option<String>,
    /// How probes leave.
    pub socket: Socket,
    /// Payload bytes of the first probe.
    pub size: usize,
    /// IP header bytes, options and extension headers included.
    pub header_len: usize,
    /// IPv6 flow label, where the user asked for one.
    pub flow_label: Option<u32>,
    /// `-p`
    pub pattern: Option<Vec<u8>>,
    /// ICMP identifiers in the order of their use.
    pub ids: Vec<u16>,
    /// The sandbox is whole.
    pub sandbox: bool,
}

impl Start {
    /// The host as typed, if it is a name and no address.
    pub fn name(&self) -> Option<&str> {
        let bare = self.target.split('%').next().unwrap_or_default();
        let numeric = bare.parse::<IpAddr>().is_ok();
        (!numeric).then_some(self.target.as_str())
    }

    /// An address for the eye: link-local ones with their zone.
    pub fn show(&self, address: IpAddr) -> String {
        match (address, &self.zone) {
            (IpAddr::V6(v6), Some(zone)) if v6.is_unicast_link_local() => {
                format!("{address}%{}", escape(zone))
            }
            _ => address.to_string(),
        }
    }

    /// The identifier of probe `n`: the next of the list whenever the sequence comes to 0.
    pub fn id(&self, n: u64) -> Option<u16> {
        let ids = u64::try_from(self.ids.len()).ok()?;
        let turn = (n / 65_536).checked_rem(ids)?;
        self.ids.get(usize::try_from(turn).ok()?).copied()
    }
}
