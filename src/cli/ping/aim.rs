//! A plan pointed at one address: what the family, the kind of address and the path allow.
//! Pure; the shell finds the facts about the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::plan::{Plan, usage};
use super::values::{MtuDiscovery, SocketChoice};
use crate::craft::ipv6_ext::Extension;
use crate::craft::{TooLong, ipv4, ipv6};
use crate::error::Error;
use crate::ping::{Config, Sizes};

/// Bytes of the ICMP header in front of the payload.
const ICMP: usize = 8;
/// Largest value of a 16-bit length field.
const LENGTH: usize = 65_535;
/// Users other than root ask a group at most once in this time, as in iputils.
const GROUP_INTERVAL: Duration = Duration::from_secs(1);

/// Who listens at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One host.
    Unicast,
    /// Every host of a network.
    Broadcast,
    /// Every member of a group.
    Multicast,
}

/// What the shell knows of the address to ping.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Whom we ask.
    pub address: IpAddr,
    /// Who listens there.
    pub kind: Kind,
    /// One of our own addresses.
    pub local: bool,
    /// On a network that we are attached to (our own addresses and a lab's too).
    pub attached: bool,
    /// MTU of the interface that leads there, where known.
    pub mtu: Option<u32>,
    /// The address that the routing table sends from; IPv6 needs it, for its kernel fills in none.
    pub route_source: Option<IpAddr>,
    /// The `--source` is one of our addresses (or there is none).
    pub source_is_ours: bool,
    /// A random number, for `-F 0`.
    pub random: u32,
}

/// A header to build by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// IPv4; length, checksum and an unspecified source are left to the kernel.
    V4(ipv4::Header),
    /// IPv6; its kernel changes nothing.
    V6(ipv6::Header),
}

impl Header {
    /// Bytes in front of the ICMP message.
    pub fn len(&self) -> usize {
        match self {
            Self::V4(header) => header.len(),
            Self::V6(header) => header.len(),
        }
    }

    /// A header is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the header for a message of `payload_len` bytes.
    pub fn craft(&self, payload_len: usize, out: &mut Vec<u8>) {
        match self {
            Self::V4(header) => header.craft(payload_len, out),
            Self::V6(header) => header.craft(payload_len, out),
        }
    }
}

/// How to ping one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Where `Auto` is left, dgram may stand in for hdrincl.
    pub socket: SocketChoice,
    /// The IP header as asked for; other sockets than hdrincl take TTL, TOS and options from it.
    pub header: Header,
    /// Answers from any address are answers (broadcast and multicast).
    pub any_address: bool,
    /// Our own requests come back as copies.
    pub local_target: bool,
    /// Lines for stderr (JSON: notes) before the first probe.
    pub notes: Vec<String>,
}

impl Plan {
    /// Checks the plan against one address.
    pub fn aim(&self, target: &Target) -> Result<Aim, Error> {
        self.check_family(target.address)?;
        self.check_group(target)?;
        self.check_source(target)?;
        let header = self.header(target)?;
        let header_len = header.len();
        self.check_size(target.address, header_len)?;
        let mut notes = Vec::new();
        if target.kind == Kind::Broadcast {
            notes.push("pinging a broadcast address: every host may answer".to_owned());
        }
        let socket = self.fit(target, header_len, &mut notes)?;
        Ok(Aim {
            socket,
            header,
            any_address: target.kind != Kind::Unicast,
            local_target: target.local,
            notes,
        })
    }

    /// The engine's configuration for one address. `ids` as [`Config::ids`] wants them.
    pub fn config(&self, target: &Target, aim: &Aim, ids: Vec<u16>, nonce: u64) -> Config {
        Config {
            target: target.address,
            ids,
            nonce,
            any_address: aim.any_address,
            local_target: aim.local_target,
            ..self.schedule.clone()
        }
    }

    fn check_family(&self, address: IpAddr) -> Result<(), Error> {
        let (wrong, family, other) = match address {
            IpAddr::V4(_) => (self.header.ipv6_only(), "IPv4", "-6"),
            IpAddr::V6(_) => (self.header.ipv4_only(), "IPv6", "-4"),
        };
        if let Some(option) = wrong {
            return Err(usage(
                format!("cannot ping {address} with {option}: {family} has no such field"),
                format!("leave the option out, or use `{other}`"),
            ));
        }
        let sources = [("--source", self.header.source), ("-I", self.wire.bind)];
        for (option, source) in sources {
            if let Some(source) = source.filter(|source| source.is_ipv4() != address.is_ipv4()) {
                return Err(usage(
                    format!("cannot ping {address} from {source}: {option} is of the other family"),
                    format!("use an {family} address"),
                ));
            }
        }
        Ok(())
    }

    fn check_group(&self, target: &Target) -> Result<(), Error> {
        let address = target.address;
        if target.kind == Kind::Unicast {
            return Ok(());
        }
        let fast = self.schedule.interval < GROUP_INTERVAL || self.schedule.adaptive;
        if !self.root && fast {
            return Err(usage(
                format!(
                    "cannot ping the group {address} so fast: once a second is the limit for a user"
                ),
                "use `-i 1`, or `sudo rawsock ping ...`",
            ));
        }
        if self.lifted.broadcast {
            return Ok(());
        }
        match target.kind {
            Kind::Broadcast => Err(usage(
                format!("{address} is a broadcast address: every host of the network would answer"),
                format!("rawsock ping -b {address}"),
            )),
            Kind::Multicast if fast => Err(usage(
                format!(
                    "{address} is a multicast group: more than one probe a second makes every member answer each"
                ),
                format!("rawsock ping -b {address}, or `-i 1`"),
            )),
            Kind::Multicast | Kind::Unicast => Ok(()),
        }
    }

    fn check_source(&self, target: &Target) -> Result<(), Error> {
        let Some(source) = self.header.source.filter(|_| !target.source_is_ours) else {
            return Ok(());
        };
        if !self.lifted.spoof {
            return Err(usage(
                format!(
                    "{source} is not an address of this host: answers would go to somebody else"
                ),
                "add `--spoof` if you mean it",
            ));
        }
        if !target.attached && !self.lifted.yes {
            return Err(usage(
                format!(
                    "{} is beyond the networks that this host is attached to: \
                     a spoofed source would leave the lab",
                    target.address
                ),
                "add `--yes` if the network is yours",
            ));
        }
        Ok(())
    }

    fn header(&self, target: &Target) -> Result<Header, Error> {
        let wish = &self.header;
        // A group is asked on the own network only, as the kernel's defaults are (RFC 1112 6.1).
        let ttl = if target.kind == Kind::Multicast {
            1
        } else {
            64
        };
        let source = wish.source.or(self.wire.bind);
        let too_long = |error: TooLong| usage(error.to_string(), "shorten the option");
        match target.address {
            IpAddr::V4(destination) => Ok(Header::V4(ipv4::Header {
                version: wish.version.unwrap_or(4),
                ihl: wish.ihl,
                tos: wish.tos.unwrap_or(0),
                total_length: Some(wish.length.unwrap_or(0)),
                id: self.id16()?,
                reserved: wish.reserved.unwrap_or(false),
                // Clear by default: routers may cut the probe up, and the kernel numbers it.
                df: wish.df.unwrap_or(matches!(
                    self.wire.mtu_discovery,
                    Some(MtuDiscovery::Do | MtuDiscovery::Want | MtuDiscovery::Probe)
                )),
                mf: wish.mf.unwrap_or(false),
                fragment_offset: wish.frag_offset.unwrap_or(0),
                ttl: wish.ttl.unwrap_or(ttl),
                protocol: wish.proto.unwrap_or(1),
                checksum: Some(wish.checksum.unwrap_or(0)),
                source: match source {
                    Some(IpAddr::V4(source)) => source,
                    _ => Ipv4Addr::UNSPECIFIED,
                },
                destination,
                options: wish.ip_options,
            })),
            IpAddr::V6(destination) => Ok(Header::V6(ipv6::Header {
                version: wish.version.unwrap_or(6),
                traffic_class: wish.tos.unwrap_or(0),
                flow_label: match wish.flow_label {
                    Some(0) => (target.random & 0xf_ffff).max(1),
                    label => label.unwrap_or(0),
                },
                payload_length: wish.length,
                next_header: wish.proto.unwrap_or(58),
                hop_limit: wish.ttl.unwrap_or(ttl),
                source: match source.or(target.route_source) {
                    Some(IpAddr::V6(source)) => source,
                    _ => Ipv6Addr::UNSPECIFIED,
                },
                destination,
                extensions: self.extensions().map_err(too_long)?,
            })),
        }
    }

    fn id16(&self) -> Result<u16, Error> {
        u16::try_from(self.header.ip_id.unwrap_or(0)).map_err(|_| {
            usage(
                "--ip-id is too large: IPv4 has 16 bits for it",
                "use `--ip-id` 0 to 65535",
            )
        })
    }

    /// In the order that RFC 8200 4.1 asks for.
    fn extensions(&self) -> Result<Vec<Extension>, TooLong> {
        let wish = &self.header;
        let mut extensions = Vec::new();
        if let Some(options) = &wish.hop_by_hop {
            extensions.push(Extension::hop_by_hop(options)?);
        }
        if wish.fragment() {
            extensions.push(Extension::fragment(
                wish.frag_offset.unwrap_or(0),
                wish.mf.unwrap_or(false),
                wish.ip_id.unwrap_or(0),
            ));
        }
        if let Some(options) = &wish.dest_options {
            extensions.push(Extension::destination(options)?);
        }
        Ok(extensions)
    }

    fn check_size(&self, address: IpAddr, header_len: usize) -> Result<(), Error> {
        let (counted, name) = match address {
            IpAddr::V4(_) => (header_len, "IPv4"),
            // The payload length of IPv6 leaves the fixed header out (RFC 8200 3).
            IpAddr::V6(_) => (header_len.saturating_sub(40), "IPv6"),
        };
        let limit = LENGTH.saturating_sub(counted).saturating_sub(ICMP);
        let size = match self.schedule.sizes {
            Sizes::Fixed(size) => size,
            Sizes::Sweep { max, .. } => max,
        };
        if size <= limit {
            return Ok(());
        }
        let sum = if counted == 0 {
            format!("{LENGTH} - {ICMP} ICMP header")
        } else {
            format!("{LENGTH} - {counted} IP header - {ICMP} ICMP header")
        };
        let fix = match self.schedule.sizes {
            Sizes::Fixed(_) => format!("use `-s {limit}` or less"),
            Sizes::Sweep { min, step, .. } => {
                format!("use `--sweep {}:{limit}:{step}`", min.min(limit))
            }
        };
        Err(usage(
            format!("a payload of {size} bytes is too large: {name} has room for {limit} ({sum})"),
            fix,
        ))
    }

    /// The socket for the packet's size: with a header of its own a packet is not cut up.
    fn fit(
        &self,
        target: &Target,
        header_len: usize,
        notes: &mut Vec<String>,
    ) -> Result<SocketChoice, Error> {
        let Sizes::Fixed(size) = self.schedule.sizes else {
            return Ok(self.socket); // a sweep shows what does not fit as not sent
        };
        let whole = header_len.saturating_add(ICMP).saturating_add(size);
        let Some(mtu) = target.mtu.and_then(|mtu| usize::try_from(mtu).ok()) else {
            return Ok(self.socket);
        };
        let asked = self.wire.mtu_discovery;
        let whole_or_nothing = matches!(asked, Some(MtuDiscovery::Do | MtuDiscovery::Probe));
        if whole <= mtu || whole_or_nothing {
            return Ok(self.socket);
        }
        let by_hand = self
            .header
            .by_hand_only()
            .or(self.output.show_headers.then_some("--show-headers"));
        match (self.socket, by_hand) {
            (SocketChoice::Raw | SocketChoice::Dgram, _) => Ok(self.socket),
            (SocketChoice::Auto, None) => {
                notes.push(format!(
                    "{whole} bytes are more than the MTU of {mtu}: the kernel builds the header \
                     and sends fragments (--socket raw)"
                ));
                Ok(SocketChoice::Raw)
            }
            (_, by_hand) => Err(usage(
                format!(
                    "{whole} bytes do not fit the MTU of {mtu}, and the kernel does not cut up a \
                     packet with a header built by hand{}",
                    by_hand.map(|name| format!(" ({name})")).unwrap_or_default()
                ),
                format!(
                    "use `-s {}` or less, or `--socket raw`",
                    mtu.saturating_sub(header_len + ICMP)
                ),
            )),
        }
    }
}
