//! Tokens to the syntax tree: how conditions are joined and grouped, and which primitive begins.
//! What a name after qualifiers means is in `qualify`, numbers and comparisons in `arith`.

use std::ops::Range;

use super::ast::{ByteOp, Dir, Expr, Join, Llc, Prim, Protocol, Term};
use super::error::FilterError;
use super::lex::{Kind, Token, tokens};
use super::names::Names;

/// Brackets within brackets that are followed.
const MAX_DEPTH: u32 = 64;

/// What a name or number is compared with: the words before it. Kept for the names that follow
/// after `and` and `or`: `tcp dst port 80 or 443`.
#[derive(Clone, Debug)]
pub(super) struct Quals {
    pub(super) proto: Option<Protocol>,
    /// The keyword of `proto`, for messages.
    pub(super) proto_word: &'static str,
    pub(super) dir: Dir,
    pub(super) what: What,
}

/// Kind of thing that a name or number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Host,
    Net,
    Port,
    Portrange,
    Proto,
    Protochain,
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) names: &'a dyn Names,
    pub(super) compat: bool,
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    depth: u32,
}

pub(super) type Parsed<T> = Result<T, FilterError>;

/// Parses an expression; None if it is empty, which every packet matches. With `compat`, only what
/// libpcap 1.10 knows.
pub fn parse(text: &str, names: &dyn Names, compat: bool) -> Parsed<Option<Expr>> {
    let mut parser = Parser {
        text,
        names,
        compat,
        tokens: tokens(text, compat)?,
        at: 0,
        depth: 0,
    };
    if parser.kind() == &Kind::End {
        return Ok(None);
    }
    let expr = parser.expr(&mut None)?;
    if parser.kind() == &Kind::End {
        return Ok(Some(expr));
    }
    Err(parser.after_condition())
}

impl Parser<'_> {
    /// Conditions joined by `and` and `or`. `quals` are the qualifiers in force, updated on the
    /// way.
    fn expr(&mut self, quals: &mut Option<Quals>) -> Parsed<Expr> {
        let first = self.term(quals)?;
        let mut rest = Vec::new();
        loop {
            let join = match self.kind() {
                Kind::Key("and") => Join::And,
                Kind::Key("or") => Join::Or,
                _ => return Ok(Expr { first, rest }),
            };
            self.step();
            rest.push((join, self.term(quals)?));
        }
    }

    /// One condition, or a name that takes the qualifiers of what stands before it.
    fn term(&mut self, quals: &mut Option<Quals>) -> Parsed<Term> {
        let mut negated = false;
        while self.take_key("not") {
            negated = !negated;
        }
        let term = if self.at_bare_name() {
            let Some(inherited) = quals.clone() else {
                return Err(self.bare_name());
            };
            self.name_list(&inherited)?
        } else if self.kind() == &Kind::Op("(") && !self.group_is_arithmetic() {
            self.deeper(|p| {
                p.step();
                let mut inside = quals.clone();
                let expr = p.expr(&mut inside)?;
                p.close_bracket()?;
                Ok(Term::Group(Box::new(expr)))
            })?
        } else {
            self.primitive(quals)?
        };
        Ok(if negated {
            Term::Not(Box::new(term))
        } else {
            term
        })
    }

    /// A name, or names in brackets, all with the same qualifiers: `port (80 or 443)`.
    fn name_list(&mut self, quals: &Quals) -> Parsed<Term> {
        let mut negated = false;
        while self.take_key("not") {
            negated = !negated;
        }
        let term = if self.kind() == &Kind::Op("(") {
            self.deeper(|p| {
                p.step();
                let first = p.name_list(quals)?;
                let mut rest = Vec::new();
                while matches!(p.kind(), Kind::Key("and" | "or")) {
                    let join = match p.step().kind {
                        Kind::Key("and") => Join::And,
                        _ => Join::Or,
                    };
                    rest.push((join, p.name_list(quals)?));
                }
                p.close_bracket()?;
                Ok(Term::Group(Box::new(Expr { first, rest })))
            })?
        } else {
            let from = self.here();
            let prim = self.qualified(quals)?;
            Term::Prim(prim, self.since(&from))
        };
        Ok(if negated {
            Term::Not(Box::new(term))
        } else {
            term
        })
    }

    /// A primitive: everything that begins with a keyword or a number.
    fn primitive(&mut self, quals: &mut Option<Quals>) -> Parsed<Term> {
        let from = self.here();
        *quals = None;
        if self.at_arithmetic() {
            let prim = self.relation()?;
            return Ok(Term::Prim(prim, self.since(&from)));
        }
        let Kind::Key(key) = *self.kind() else {
            return Err(self.expected("a condition"));
        };
        let proto = Protocol::of_key(key);
        let proto_word = if proto.is_some() {
            self.step();
            key
        } else {
            ""
        };
        if let Some((dir, what)) = self.head()? {
            let head = Quals {
                proto,
                proto_word,
                dir,
                what,
            };
            let term = self.name_list(&head)?;
            *quals = Some(head);
            return Ok(widen(term, &from));
        }
        let prim = match (proto, self.kind()) {
            (_, Kind::Key("broadcast")) => self.broadcast(proto, proto_word)?,
            (_, Kind::Key("multicast")) => self.multicast(proto, proto_word)?,
            (Some(Protocol::Ether), _) => {
                return Err(self.expected("`host`, `proto`, `broadcast`, `multicast` or `[`"));
            }
            (Some(proto), _) => Prim::Is(proto),
            (None, _) => self.keyword(key)?,
        };
        Ok(Term::Prim(prim, self.since(&from)))
    }

    /// Direction and kind words before a name: `src or dst port`. None if there are none here.
    fn head(&mut self) -> Parsed<Option<(Dir, What)>> {
        let dir = match *self.kind() {
            Kind::Key(first @ ("src" | "dst")) => {
                self.step();
                let other = if first == "src" { "dst" } else { "src" };
                let single = if first == "src" { Dir::Src } else { Dir::Dst };
                match (self.kind().clone(), self.kind_after(1)) {
                    (Kind::Key(join @ ("or" | "and")), Kind::Key(second)) if *second == other => {
                        self.step();
                        self.step();
                        Some(if join == "or" { Dir::Either } else { Dir::Both })
                    }
                    _ => Some(single),
                }
            }
            _ => None,
        };
        let what = match *self.kind() {
            Kind::Key("host") => What::Host,
            Kind::Key("net") => What::Net,
            Kind::Key("port") => What::Port,
            Kind::Key("portrange") => What::Portrange,
            Kind::Key("proto") if dir.is_none() => What::Proto,
            Kind::Key("protochain") if dir.is_none() => What::Protochain,
            Kind::Key("proto" | "protochain") => {
                let message = "a protocol has no direction";
                return Err(FilterError::new(self.here(), message));
            }
            Kind::Key("gateway") => {
                let message = "`gateway` is not supported: it needs one name that is both a host \
                               and a MAC address, which libpcap with IPv6 refuses too";
                let hint = "write `ether host MAC and not host ADDRESS`";
                return Err(FilterError::new(self.here(), message).hint(hint));
            }
            _ => return Ok(dir.map(|dir| (dir, What::Host))),
        };
        self.step();
        Ok(Some((dir.unwrap_or_default(), what)))
    }

    fn broadcast(&mut self, proto: Option<Protocol>, word: &str) -> Parsed<Prim> {
        let at = self.step().at;
        match proto {
            None | Some(Protocol::Ether) => Ok(Prim::EtherBroadcast),
            Some(Protocol::Ip) => Ok(Prim::IpBroadcast),
            Some(_) => {
                let message = format!("`{word} broadcast` does not exist");
                Err(FilterError::new(at, message).hint("there are `ether` and `ip broadcast`"))
            }
        }
    }

    fn multicast(&mut self, proto: Option<Protocol>, word: &str) -> Parsed<Prim> {
        let at = self.step().at;
        match proto {
            None | Some(Protocol::Ether) => Ok(Prim::EtherMulticast),
            Some(Protocol::Ip) => Ok(Prim::IpMulticast),
            Some(Protocol::Ip6) => Ok(Prim::Ip6Multicast),
            Some(_) => {
                let message = format!("`{word} multicast` does not exist");
                let hint = "there are `ether`, `ip` and `ip6 multicast`";
                Err(FilterError::new(at, message).hint(hint))
            }
        }
    }

    /// The primitives that are a keyword, some with a number after it.
    fn keyword(&mut self, key: &'static str) -> Parsed<Prim> {
        if matches!(key, "and" | "or" | "mask" | "rnr") {
            return Err(self.expected("a condition"));
        }
        self.step();
        Ok(match key {
            "less" => Prim::Less(self.number("a length")?),
            "greater" => Prim::Greater(self.number("a length")?),
            "ifindex" => Prim::Ifindex(self.number("an interface index")?),
            "byte" => {
                let at = self.number("an offset")?;
                let op = match self.kind() {
                    Kind::Op("=") => ByteOp::Eq,
                    Kind::Op("<") => ByteOp::Lt,
                    Kind::Op(">") => ByteOp::Gt,
                    Kind::Op("&") => ByteOp::And,
                    Kind::Op("|") => ByteOp::Or,
                    _ => return Err(self.expected("`=`, `<`, `>`, `&` or `|`")),
                };
                self.step();
                Prim::Byte(at, op, self.number("a value")?)
            }
            "inbound" => Prim::Inbound,
            "outbound" => Prim::Outbound,
            "vlan" => Prim::Vlan(self.tag(0xfff, "a VLAN ID")?.map(low16)),
            "mpls" => Prim::Mpls(self.tag(0xf_ffff, "an MPLS label")?),
            "pppoed" => Prim::Pppoed,
            "pppoes" => Prim::Pppoes(self.tag(0xffff, "a PPPoE session")?.map(low16)),
            "geneve" => Prim::Geneve(self.tag(0xff_ffff, "a Geneve VNI")?),
            "vxlan" => Prim::Vxlan(self.tag(0xff_ffff, "a VXLAN VNI")?),
            "llc" => Prim::Llc(self.llc_kind()?),
            _ => return Err(self.expected("a condition")),
        })
    }

    /// The optional number after `vlan` and its kin, also in brackets.
    fn tag(&mut self, most: u32, what: &str) -> Parsed<Option<u32>> {
        let mut brackets = 0_usize;
        while self.kind_after(brackets) == &Kind::Op("(") {
            brackets = brackets.saturating_add(1);
        }
        if !matches!(self.kind_after(brackets), Kind::Num(_)) {
            return Ok(None);
        }
        for _ in 0..brackets {
            self.step();
        }
        let at = self.here();
        let number = self.number(what)?;
        for _ in 0..brackets {
            self.close_bracket()?;
        }
        if number > most {
            let message = format!("{number} is too large for {what}: the most is {most}");
            return Err(FilterError::new(at, message));
        }
        Ok(Some(number))
    }

    fn llc_kind(&mut self) -> Parsed<Llc> {
        let name = match self.kind() {
            Kind::Id(name) => name.to_ascii_lowercase(),
            Kind::Key("rnr") => "rnr".to_owned(),
            _ => return Ok(Llc::Any),
        };
        // IEEE 802.2: the two low bits of the control byte tell I, S and U frames apart.
        let kind = match name.as_str() {
            "i" => Llc::Information,
            "s" => Llc::Control(0x03, 0x01),
            "u" => Llc::Control(0x03, 0x03),
            "rr" => Llc::Control(0x0f, 0x01),
            "rnr" => Llc::Control(0x0f, 0x05),
            "rej" => Llc::Control(0x0f, 0x09),
            "ui" => Llc::Control(0xef, 0x03),
            "ua" => Llc::Control(0xef, 0x63),
            "disc" => Llc::Control(0xef, 0x43),
            "dm" => Llc::Control(0xef, 0x0f),
            "sabme" => Llc::Control(0xef, 0x6f),
            "test" => Llc::Control(0xef, 0xe3),
            "xid" => Llc::Control(0xef, 0xaf),
            "frmr" => Llc::Control(0xef, 0x87),
            _ => {
                let hint = "i, s, u, rr, rnr, rej, ui, ua, disc, dm, sabme, test, xid or frmr";
                return Err(self.expected("a kind of LLC frame").hint(hint));
            }
        };
        self.step();
        Ok(kind)
    }

    /// Runs `f` one bracket deeper.
    pub(super) fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let message = "more than 64 brackets within each other";
            return Err(FilterError::new(self.here(), message));
        }
        self.depth = self.depth.saturating_add(1);
        let done = f(self);
        self.depth = self.depth.saturating_sub(1);
        done
    }
}

/// A condition's range, from the first of its qualifiers on.
fn widen(term: Term, from: &Range<usize>) -> Term {
    match term {
        Term::Prim(prim, at) => Term::Prim(prim, from.start..at.end),
        other => other,
    }
}

/// A number that was checked against a limit of 16 bits or less.
fn low16(number: u32) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or_default()
}
