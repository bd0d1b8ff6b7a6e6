//! Ports and protocols by number or name: `tcp dst port http`, `portrange 20-21`, `ip proto \\igmp`.

use std::ops::Range;

use super::ast::{Layer, Prim, Protocol};
use super::error::{FilterError, quoted};
use super::lex::Kind;
use super::names::Service;
use super::parse::{Parsed, Parser, Quals, What};

impl Parser<'_> {
    pub(super) fn port(&mut self, quals: &Quals) -> Parsed<Prim> {
        let range = quals.what == What::Portrange;
        if !matches!(
            quals.proto,
            None | Some(Protocol::Tcp | Protocol::Udp | Protocol::Sctp)
        ) {
            let word = quals.proto_word;
            let message = format!("`{word}` has no ports: only tcp, udp and sctp have");
            return Err(FilterError::new(self.here(), message));
        }
        let at = self.here();
        let (proto, low, high) = match self.kind().clone() {
            Kind::Num(number) => {
                let port = port_number(number, &at)?;
                (quals.proto, port, port)
            }
            Kind::Id(name) if range => self.port_range(quals, &name, &at)?,
            Kind::Id(name) => {
                let (proto, port) = self.port_name(quals, &name, &at)?;
                (proto, port, port)
            }
            _ if range => return Err(self.not_a_name("a range of ports such as `6000-6008`")),
            _ => return Err(self.not_a_name("a port")),
        };
        self.step();
        Ok(Prim::Port(proto, quals.dir, low.min(high), high.max(low)))
    }

    /// `a-b`, numbers or names. A name may hold a `-` itself, so every one is tried.
    fn port_range(
        &self,
        quals: &Quals,
        name: &str,
        at: &Range<usize>,
    ) -> Parsed<(Option<Protocol>, u16, u16)> {
        let end = |text: &str| -> Parsed<(Option<Protocol>, u16)> {
            match text.parse() {
                Ok(number) => Ok((quals.proto, port_number(number, at)?)),
                Err(_) => self.port_name(quals, text, at),
            }
        };
        let mut fault = None;
        for (dash, _) in name.match_indices('-') {
            let Some((low, high)) = name.split_at_checked(dash) else {
                continue;
            };
            match (end(low), end(high.trim_start_matches('-'))) {
                (Ok((p, low)), Ok((q, high))) => {
                    return Ok((if p == q { p } else { quals.proto }, low, high));
                }
                (Err(err), _) | (_, Err(err)) => fault = Some(err),
            }
        }
        Err(fault.unwrap_or_else(|| {
            FilterError::new(at.clone(), format!("{} is no range of ports", quoted(name)))
                .hint("write `portrange 6000-6008`")
        }))
    }

    /// A service's transport and port. Named for one transport only, the transport is checked too.
    fn port_name(
        &self,
        quals: &Quals,
        name: &str,
        at: &Range<usize>,
    ) -> Parsed<(Option<Protocol>, u16)> {
        let Some(Service { tcp, udp, sctp }) = self.names.service(name) else {
            let message = format!("unknown port {}", quoted(name));
            let err = FilterError::new(at.clone(), message);
            return Err(if name.contains('-') {
                err.hint("a range of ports goes with `portrange`")
            } else {
                err
            });
        };
        let found = match quals.proto {
            Some(Protocol::Tcp) => tcp.map(|p| (quals.proto, p)),
            Some(Protocol::Udp) => udp.map(|p| (quals.proto, p)),
            Some(Protocol::Sctp) => sctp
                .or(tcp.filter(|t| Some(*t) == udp))
                .map(|p| (quals.proto, p)),
            _ => match (tcp, udp, sctp) {
                (Some(t), Some(u), _) if t == u => Some((None, t)),
                (Some(t), ..) => Some((Some(Protocol::Tcp), t)),
                (None, Some(u), _) => Some((Some(Protocol::Udp), u)),
                (None, None, s) => s.map(|s| (Some(Protocol::Sctp), s)),
            },
        };
        found.ok_or_else(|| {
            let word = quals.proto_word;
            let message = format!("{} is no port of {word}", quoted(name));
            FilterError::new(at.clone(), message)
        })
    }

    pub(super) fn protocol(&mut self, quals: &Quals) -> Parsed<Prim> {
        let layer = match quals.proto {
            None => Layer::AnyIp,
            Some(Protocol::Ip) => Layer::Ip,
            Some(Protocol::Ip6) => Layer::Ip6,
            Some(Protocol::Ether) => Layer::Ether,
            Some(Protocol::Iso) => Layer::Iso,
            Some(Protocol::Isis) => Layer::Isis,
            Some(_) => {
                let message = format!("`{} proto` does not exist", quals.proto_word);
                let hint = "there are `ether`, `ip`, `ip6`, `iso` and `isis proto`";
                return Err(FilterError::new(self.here(), message).hint(hint));
            }
        };
        Ok(Prim::Proto(layer, self.protocol_number(layer)?))
    }

    pub(super) fn protochain(&mut self, quals: &Quals) -> Parsed<Prim> {
        let layer = match quals.proto {
            None => Layer::AnyIp,
            Some(Protocol::Ip) => Layer::Ip,
            Some(Protocol::Ip6) => Layer::Ip6,
            Some(_) => {
                let message = format!("`{} protochain` does not exist", quals.proto_word);
                let hint = "there are `ip` and `ip6 protochain`";
                return Err(FilterError::new(self.here(), message).hint(hint));
            }
        };
        Ok(Prim::Protochain(layer, self.protocol_number(layer)?))
    }

    /// A number or a name. A keyword is taken as a name here, with or without its backslash.
    fn protocol_number(&mut self, layer: Layer) -> Parsed<u32> {
        let number = match self.kind() {
            Kind::Num(number) => Some(*number),
            Kind::Id(name) => self.protocol_of(layer, name),
            Kind::Key(key) => self.protocol_of(layer, key),
            _ => None,
        };
        let Some(number) = number else {
            return Err(self.expected(match layer {
                Layer::Ether => "an EtherType: a number, or `\\ip`, `\\arp` and so on",
                Layer::Iso => "`\\esis`, `\\isis`, `\\clnp` or a number",
                Layer::Isis => "the number of a PDU type",
                _ => "an IP protocol: a number or a name of /etc/protocols",
            }));
        };
        self.step();
        Ok(number)
    }

    fn protocol_of(&self, layer: Layer, name: &str) -> Option<u32> {
        match layer {
            Layer::Ether if name == "loopback" => Some(0x9000),
            Layer::Ether => Protocol::of_key(name)?.link_number(),
            // ISO/IEC TR 9577.
            Layer::Iso => match name {
                "clnp" => Some(0x81),
                "esis" => Some(0x82),
                "isis" => Some(0x83),
                _ => None,
            },
            Layer::Isis => None,
            Layer::Ip | Layer::Ip6 | Layer::AnyIp => self.names.protocol(name).map(u32::from),
        }
    }
}

fn port_number(number: u32, at: &Range<usize>) -> Parsed<u16> {
    u16::try_from(number).map_err(|_| {
        let message = format!("{number} is no port: the most is 65535");
        FilterError::new(at.clone(), message)
    })
}
