//! Two captures of one exchange, put together: which packet of the one is which of the other, and by
//! how much the second clock must be moved. The move is an estimate: half of what is left when the
//! fastest ways of both directions are compared, so it holds where both ways are equally fast.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::{Clock, addresses, ports};
use crate::decode::{Decoder, Direction, Packet, Value, icmp, icmpv6, ipv4, ipv6, tcp, udp};
use crate::event::{self, Fate, Host, Kind, List, Timestamp};

/// What a packet is known by at both ends. Routers change TTL and checksum, so they are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mark {
    from: IpAddr,
    to: IpAddr,
    ports: Option<(u16, u16)>,
    protocol: Option<u64>,
    id: Option<u64>,
    fragment: Option<u64>,
    /// Sequence, acknowledgment and flags of TCP; identifier and sequence of ICMP.
    numbers: [Option<u64>; 3],
    len: u32,
}

/// The two captures as one run.
#[derive(Debug)]
pub struct Joined {
    /// The run: host 0 is where the first capture was made, host 1 the second.
    pub list: List,
    /// How the clocks were made one.
    pub clock: Clock,
    /// Packets that both captures have.
    pub matched: usize,
    /// Nothing tells that the two belong together: too few packets in both, or in one direction.
    pub warning: Option<&'static str>,
}

/// Puts two captures together. `names` are those of the places.
pub fn join(
    decoder: &Decoder,
    names: &[String; 2],
    first: &[event::Packet],
    second: &[event::Packet],
    max_bytes: usize,
) -> Joined {
    let mut arena = Packet::new();
    let marks = |packets: &[event::Packet], arena: &mut Packet| -> Vec<Option<Mark>> {
        packets
            .iter()
            .map(|packet| {
                decoder.decode(&packet.frame(), arena);
                mark(arena)
            })
            .collect()
    };
    let (a, b) = (marks(first, &mut arena), marks(second, &mut arena));
    let pairs = pairs(&a, &b);
    let there: HashSet<IpAddr> = sources(first, second, &a, &b, &pairs);
    let sent_by_first =
        |mark: &Option<Mark>| mark.as_ref().is_none_or(|m| !there.contains(&m.from));
    // The fastest way of each direction, in the two captures' own clocks.
    let (mut forth, mut back): (Option<i64>, Option<i64>) = (None, None);
    for &(i, j) in &pairs {
        let (Some(x), Some(y)) = (first.get(i), second.get(j)) else {
            continue;
        };
        let way = y.wall.0.saturating_sub(x.wall.0);
        if a.get(i).is_some_and(sent_by_first) {
            forth = Some(forth.map_or(way, |best| best.min(way)));
        } else {
            back = Some(back.map_or(-way, |best| best.min(-way)));
        }
    }
    let (offset, error, warning) = match (forth, back) {
        (Some(forth), Some(back)) => {
            // Both ways are taken as equally fast: then the clocks differ by half the difference.
            let offset = (back.saturating_sub(forth)) / 2;
            let round = forth.saturating_add(back).max(0);
            (offset, Duration::from_nanos(round.unsigned_abs() / 2), None)
        }
        (Some(way), None) => (
            way.saturating_neg(),
            Duration::ZERO,
            Some("packets of one direction only are in both: their fastest way counts as no time"),
        ),
        (None, Some(way)) => (
            way,
            Duration::ZERO,
            Some("packets of one direction only are in both: their fastest way counts as no time"),
        ),
        (None, None) => (0, Duration::ZERO, Some("no packet is in both captures")),
    };
    let moved = |wall: Timestamp| Timestamp(wall.0.saturating_add(offset));
    let starts = first.iter().map(|packet| packet.wall);
    let starts = starts.chain(second.iter().map(|packet| moved(packet.wall)));
    let start = starts.min().unwrap_or_default();
    let mut list = List::new(names.to_vec(), start, 1 << 20, max_bytes);
    let partner: HashMap<usize, usize> = pairs.iter().copied().collect();
    let taken: HashSet<usize> = pairs.iter().map(|(_, j)| *j).collect();
    for (i, packet) in first.iter().enumerate() {
        let here = (list.mono(packet.wall), Host(0));
        let other = partner.get(&i).and_then(|j| second.get(*j));
        let far = other.map(|other| (list.mono(moved(other.wall)), Host(1)));
        let leaves = a.get(i).is_some_and(sent_by_first);
        put(&mut list, packet, here, far, leaves);
    }
    for (j, packet) in second.iter().enumerate() {
        if !taken.contains(&j) {
            let leaves = !b.get(j).is_some_and(sent_by_first);
            let here = (list.mono(moved(packet.wall)), Host(1));
            put(&mut list, packet, here, None, leaves);
        }
    }
    Joined {
        list,
        clock: Clock::Estimated { offset, error },
        matched: pairs.len(),
        warning,
    }
}

type Place = (event::Mono, Host);

/// Adds a packet that one place saw, and the other too if `far` is known.
fn put(list: &mut List, packet: &event::Packet, here: Place, far: Option<Place>, leaves: bool) {
    let (from, to) = match (leaves, far) {
        (true, far) => (here, far),
        (false, Some(far)) => (far, Some(here)),
        // Received without having been seen to leave.
        (false, None) => (here, None),
    };
    let dir = if leaves || to.is_some() {
        Direction::Out
    } else {
        Direction::In
    };
    let seen = event::Packet {
        dir,
        ..packet.clone()
    };
    let id = list.push(from.0, from.1, Kind::Packet(seen), None);
    if let (Some(id), Some((at, host))) = (id, to) {
        // An arrival before the departure is the estimate's fault.
        let at = at.max(from.0);
        let fate = Kind::Fate(Fate::Delivered { at, to: host });
        list.push(at, from.1, fate, Some(id));
    }
}

/// Each packet with its partner: the first of the same mark that is still free.
fn pairs(a: &[Option<Mark>], b: &[Option<Mark>]) -> Vec<(usize, usize)> {
    let mut free: HashMap<&Mark, VecDeque<usize>> = HashMap::new();
    for (j, mark) in b.iter().enumerate() {
        if let Some(mark) = mark {
            free.entry(mark).or_default().push_back(j);
        }
    }
    let mut pairs = Vec::new();
    for (i, mark) in a.iter().enumerate() {
        let partner = mark
            .as_ref()
            .and_then(|mark| free.get_mut(mark)?.pop_front());
        if let Some(j) = partner {
            pairs.push((i, j));
        }
    }
    pairs
}

/// Addresses whose packets leave from the second place. A capture that knows directions tells; else
/// the sender of the first packet that both have is taken to be at the first place.
fn sources(
    first: &[event::Packet],
    second: &[event::Packet],
    a: &[Option<Mark>],
    b: &[Option<Mark>],
    pairs: &[(usize, usize)],
) -> HashSet<IpAddr> {
    let mut there = HashSet::new();
    for (packet, mark) in first.iter().zip(a) {
        if let (Direction::In, Some(mark)) = (packet.dir, mark) {
            there.insert(mark.from);
        }
    }
    for (packet, mark) in second.iter().zip(b) {
        if let (Direction::Out, Some(mark)) = (packet.dir, mark) {
            there.insert(mark.from);
        }
    }
    if there.is_empty() {
        let marks = a.iter().flatten();
        let paired = pairs.first().and_then(|(i, _)| a.get(*i)?.as_ref());
        if let Some(mark) = paired.or_else(|| marks.clone().next()) {
            let home = hop_home(first, second, a, pairs).unwrap_or(mark.from);
            for mark in a.iter().chain(b).flatten() {
                if mark.from != home {
                    there.insert(mark.from);
                }
            }
        }
    }
    there
}

/// A packet has its highest TTL where it was sent: the sender at the first place, if TTLs differ.
fn hop_home(
    first: &[event::Packet],
    second: &[event::Packet],
    a: &[Option<Mark>],
    pairs: &[(usize, usize)],
) -> Option<IpAddr> {
    let ttl = |packet: &event::Packet| {
        let mut arena = Packet::new();
        Decoder::new().decode(&packet.frame(), &mut arena);
        arena.number(&ipv4::TTL).or(arena.number(&ipv6::HLIM))
    };
    pairs.iter().take(64).find_map(|(i, j)| {
        let (near, far) = (ttl(first.get(*i)?)?, ttl(second.get(*j)?)?);
        let mark = a.get(*i)?.as_ref()?;
        match near.cmp(&far) {
            std::cmp::Ordering::Greater => Some(mark.from),
            std::cmp::Ordering::Less => Some(mark.to),
            std::cmp::Ordering::Equal => None,
        }
    })
}

fn mark(packet: &Packet) -> Option<Mark> {
    let (from, to) = addresses(packet)?;
    let number = |spec| packet.number(spec);
    let len = packet.layer("ip").or_else(|| packet.layer("ipv6"))?;
    let icmp = number(&icmp::IDENT).or(number(&icmpv6::IDENT));
    let icmp_seq = number(&icmp::SEQ).or(number(&icmpv6::SEQ));
    let kind = number(&icmp::TYPE).or(number(&icmpv6::TYPE));
    Some(Mark {
        from,
        to,
        ports: ports(packet),
        protocol: number(&ipv4::PROTO_FIELD).or(number(&ipv6::NXT)),
        id: number(&ipv4::ID),
        fragment: number(&ipv4::FRAG_OFFSET),
        numbers: [
            number(&tcp::SEQ).or(icmp),
            number(&tcp::ACK).or(icmp_seq),
            number(&tcp::FLAGS).or(kind).or(number(&udp::CHECKSUM)),
        ],
        len: len.end.saturating_sub(len.at),
    })
    .filter(|_| !matches!(packet.value(&ipv4::SRC), Some(Value::None)))
}
