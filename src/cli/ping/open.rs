//! Everything that a ping opens while it still has its rights: sockets, filter, routes, the tap of
//! `--show-headers`. Nothing is received or decoded here.

use std::cell::OnceCell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::IpAddr;

use super::aim::{Aim, Header, Kind as TargetKind, Target};
use super::plan::Plan;
use super::source::SourceWatch;
use super::values::{MtuDiscovery, SocketChoice};
use crate::error::{Error, NameError};
use crate::net::build::Builder;
use crate::net::choose::{self, Choice};
use crate::net::filter::Want;
use crate::net::icmp::{Family, IcmpWire, Kind};
use crate::net::ifaces::Interfaces;
use crate::net::options::{Device, MtuDiscover, Options};
use crate::net::resolve::Address;
use crate::net::route::{self, Query, Routes};
use crate::net::session::Session;
use crate::net::tap::Tap;
use crate::ping::{Config, Pinger};

/// Identifiers of one run: with four of them 262,144 probes may be outstanding.
const IDS: usize = 4;

/// One address of the target, ready to be pinged.
pub struct Opened {
    /// Engine, wire and builder.
    pub session: Session<IcmpWire>,
    /// Where it goes.
    pub target: Target,
    /// How packets are built.
    pub kind: Kind,
    /// The plan for this address.
    pub aim: Aim,
    /// The question to the routing table that led there.
    pub query: Query,
    /// Asks it again during the run, where our header must name the source.
    pub source: Option<SourceWatch>,
    /// Sees the first probe leave (`--show-headers`).
    pub tap: Option<Tap>,
    /// Answers carry what routers wrote into IP options.
    pub shows_options: bool,
    /// Name of the interface of a link-local address.
    pub zone: Option<String>,
    /// Identifiers in use.
    pub ids: Vec<u16>,
    /// Lines for the user.
    pub notes: Vec<String>,
}

/// What the addresses of one run share.
pub struct Opener<'a> {
    plan: &'a Plan,
    interfaces: OnceCell<Interfaces>,
    device: Option<Device>,
    routes: Routes,
}

impl<'a> Opener<'a> {
    /// Finds the interface that `-I` names.
    pub fn new(plan: &'a Plan) -> Result<Self, Error> {
        let interfaces = OnceCell::new();
        let device = match &plan.wire.device {
            None => None,
            Some(name) => {
                let interfaces = interfaces.get_or_init(Interfaces::list);
                Some(interfaces.find(name).ok_or_else(|| Error::Usage {
                    message: format!("no interface {name}; there is {}", interfaces.names()),
                    fix: None,
                })?)
            }
        };
        let routes = Routes::open().map_err(|source| Error::Io {
            operation: "open",
            object: "a routing socket".into(),
            source,
        })?;
        Ok(Self {
            plan,
            interfaces,
            device,
            routes,
        })
    }

    /// Opens the first address that can be reached, or with `--all` each of them.
    pub fn open_all(&self, addresses: &[Address]) -> Result<Vec<Opened>, Error> {
        let mut opened: Vec<Opened> = Vec::new();
        let mut skipped: Vec<(Address, Error)> = Vec::new();
        for address in addresses {
            match self.target(address.ip, address.scope) {
                Ok((target, query)) => {
                    opened.push(self.open(target, query)?);
                    if !self.plan.all {
                        break;
                    }
                }
                Err(error) => skipped.push((*address, error)),
            }
        }
        let Some(first) = opened.first_mut() else {
            return Err(match skipped.into_iter().next() {
                Some((_, error)) => error,
                None => Error::Resolve {
                    name: self.plan.host.clone(),
                    cause: NameError::NotKnown,
                },
            });
        };
        let using = first.target.address;
        for (_, error) in skipped {
            first.notes.push(if self.plan.all {
                format!("{error}: left out")
            } else {
                format!("{error}: pinging {using} instead")
            });
        }
        Ok(opened)
    }

    /// What the machine knows about an address; an error if there is no way to it.
    pub fn target(&self, address: IpAddr, scope: u32) -> Result<(Target, Query), Error> {
        let plan = self.plan;
        if let Some(bind) = plan.wire.bind.filter(|bind| !self.interfaces().owns(*bind)) {
            return Err(Error::Usage {
                message: format!("cannot send from {bind}: it is no address of this host"),
                fix: Some(format!(
                    "`--source {bind} --spoof` pretends, if you mean it"
                )),
            });
        }
        let device = match (scope, &self.device) {
            (0, Some(device)) => device.index,
            (scope, _) => scope,
        };
        let query = Query {
            to: address,
            device,
            source: plan
                .wire
                .bind
                .filter(|bind| bind.is_ipv4() == address.is_ipv4()),
            mark: plan.wire.mark.unwrap_or(0),
            tos: plan.header.tos.unwrap_or(0),
        };
        let route = self.routes.lookup(&query).map_err(|source| Error::Io {
            operation: "reach",
            object: address.to_string(),
            source,
        })?;
        let source = plan.header.source;
        let local = route.kind == route::Kind::Local;
        // 127.0.0.1 is ours at home only.
        let ours =
            |source: IpAddr| self.interfaces().owns(source) && (local || !source.is_loopback());
        let source_is_ours = source.is_none_or(ours);
        let target = Target {
            address,
            kind: match route.kind {
                route::Kind::Broadcast => TargetKind::Broadcast,
                route::Kind::Multicast => TargetKind::Multicast,
                _ if is_multicast(address) => TargetKind::Multicast,
                _ => TargetKind::Unicast,
            },
            local,
            // A default route without a gateway (tun, ppp) leads everywhere.
            attached: local
                || route.is_attached() && (source_is_ours || self.interfaces().on_link(address)),
            mtu: route
                .mtu
                .or_else(|| self.routes.link_mtu(route.device).ok()),
            route_source: route.source,
            source_is_ours,
            random: u32::try_from(random() >> 32).unwrap_or_default(),
        };
        Ok((target, query))
    }

    /// Opens the socket and everything around it.
    pub fn open(&self, target: Target, query: Query) -> Result<Opened, Error> {
        let plan = self.plan;
        let aim = plan.aim(&target)?;
        let family = Family::of(target.address);
        let mut notes = aim.notes.clone();
        let options = self.options(&aim, &target);
        let (mut wire, note) = choose::open(choice(plan.socket, aim.socket), family, &options)?;
        notes.extend(note.map(str::to_owned));
        if wire.kind() == Kind::Dgram && !options.ip_options.is_empty() {
            notes.push(
                "IP options are sent, but this socket does not show what comes back in them".into(),
            );
        }
        let kind = wire.kind();
        let ids = match wire
            .kernel_id()
            .map_err(asked("the identifier of the socket"))?
        {
            Some(id) => vec![id],
            None => self.ids(),
        };
        wire.set_target(target.address, query.device);
        let proto = match &aim.header {
            Header::V4(header) => header.protocol,
            Header::V6(header) => header.next_header,
        };
        wire.listen(&Want {
            ids: &ids,
            // A lying ihl comes back in quotes too.
            header_len: match &aim.header {
                Header::V4(header) if header.ihl.is_some() => u8::try_from(header.len()).ok(),
                Header::V4(_) | Header::V6(_) => None,
            },
            own_requests: !target.local,
            proto,
            target: match target.address {
                IpAddr::V4(_) => None,
                IpAddr::V6(v6) => Some(v6),
            },
        })?;
        let config: Config = plan.config(&target, &aim, ids.clone(), random());
        let builder = match (kind, &aim.header) {
            (Kind::Hdrincl, Header::V4(header)) => Builder::Ipv4(*header),
            (Kind::Hdrincl, Header::V6(header)) => Builder::Ipv6(header.clone()),
            (_, Header::V4(_)) => Builder::Icmp,
            (_, Header::V6(_)) => Builder::Icmpv6,
        };
        let by_hand = kind == Kind::Hdrincl;
        let source = match &aim.header {
            Header::V6(_)
                if by_hand && plan.header.source.is_none() && plan.wire.bind.is_none() =>
            {
                Some(SourceWatch::open(query).map_err(asked("the routes"))?)
            }
            _ => None,
        };
        let tap = if by_hand && plan.output.show_headers {
            let mut tap = Tap::open()?;
            tap.watch(target.address, aim.header.len(), &ids)?;
            Some(tap)
        } else {
            None
        };
        let shows_options = match &aim.header {
            Header::V4(header) => !header.options.is_empty(),
            Header::V6(_) => false,
        };
        let zone = match query.device {
            0 => None,
            index => self.interfaces().by_index(index).map(|device| device.name),
        };
        let session = Session::new(Pinger::new(config), wire, builder, target.address);
        Ok(Opened {
            session,
            target,
            kind,
            aim,
            query,
            source,
            tap,
            shows_options,
            zone,
            ids,
            notes,
        })
    }

    /// The interfaces, listed when first asked for: most runs need none of them.
    fn interfaces(&self) -> &Interfaces {
        self.interfaces.get_or_init(Interfaces::list)
    }

    fn options(&self, aim: &Aim, target: &Target) -> Options {
        let wish = &self.plan.wire;
        let (ttl, tos, ip_options, flow_label) = match &aim.header {
            Header::V4(header) => (
                header.ttl,
                header.tos,
                header.options.as_bytes().to_vec(),
                None,
            ),
            Header::V6(header) => (
                header.hop_limit,
                header.traffic_class,
                Vec::new(),
                Some(header.flow_label).filter(|label| *label != 0),
            ),
        };
        Options {
            source: wish.bind,
            device: self.device.clone(),
            id: self.plan.id,
            ttl: Some(ttl),
            tos: Some(tos),
            mtu_discover: wish.mtu_discovery.map(mtu_discover),
            broadcast: target.kind == TargetKind::Broadcast,
            multicast_loop: !wish.no_loopback,
            mark: wish.mark,
            bypass_routing: wish.bypass_routing,
            send_buffer: wish.send_buffer.and_then(|size| usize::try_from(size).ok()),
            ip_options,
            flow_label,
            ..Options::default()
        }
    }

    /// `-e`, or a few numbers that nobody else is likely to use.
    fn ids(&self) -> Vec<u16> {
        if let Some(id) = self.plan.id {
            return vec![id];
        }
        let mut ids = Vec::with_capacity(IDS);
        while ids.len() < IDS {
            let id = u16::try_from(random() >> 48).unwrap_or_default();
            if id != 0 && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

/// `aimed` is what the address made of what the user asked for.
fn choice(asked: SocketChoice, aimed: SocketChoice) -> Choice {
    match aimed {
        SocketChoice::Auto => Choice::Auto,
        SocketChoice::Raw if asked == SocketChoice::Auto => Choice::AutoRaw,
        SocketChoice::Hdrincl => Choice::Only(Kind::Hdrincl),
        SocketChoice::Raw => Choice::Only(Kind::Raw),
        SocketChoice::Dgram => Choice::Only(Kind::Dgram),
    }
}

fn mtu_discover(wish: MtuDiscovery) -> MtuDiscover {
    match wish {
        MtuDiscovery::Dont => MtuDiscover::Dont,
        MtuDiscovery::Want => MtuDiscover::Want,
        MtuDiscovery::Do => MtuDiscover::Do,
        MtuDiscovery::Probe => MtuDiscover::Probe,
    }
}

fn is_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

fn asked(object: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        operation: "read",
        object: object.into(),
        source,
    }
}

/// 64 bits that nobody can guess: std seeds its hash keys from the kernel.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
