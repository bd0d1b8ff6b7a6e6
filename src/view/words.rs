//! The words for what can go wrong, used by the text and the JSON view alike. ICMP errors are in
//! iputils' words where iputils has any, so that scripts find them; the rest is the IANA registry's.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use crate::decode::{Decoder, Frame, LinkType, Packet};
use crate::event::{Stamp, Timestamp};
use crate::ping::{IcmpError, NotSent, StateChange};
use crate::view::numbers::millis_short;

/// Operation not permitted, errno(3).
const EPERM: i32 = 1;

/// An ICMP error in words, with the number that it carries (MTU, gateway, pointer).
pub fn error(error: &IcmpError) -> String {
    if error.from.is_ipv4() {
        error_v4(error)
    } else {
        error_v6(error)
    }
}

/// The MTU, gateway or pointer that an ICMP error carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Next-hop MTU (RFC 1191 4, RFC 4443 3.2).
    Mtu(u32),
    /// Gateway of a redirect (RFC 792).
    Gateway(Ipv4Addr),
    /// Byte that the error points at (RFC 792, RFC 4443 3.4).
    Pointer(u32),
}

/// What the second word of the message means, by its type.
pub fn carried(error: &IcmpError) -> Option<Carried> {
    match (error.from, error.icmp_type, error.code) {
        (IpAddr::V4(_), 3, 4) => Some(Carried::Mtu(error.rest & 0xffff)),
        (IpAddr::V4(_), 5, _) => Some(Carried::Gateway(error.rest.into())),
        (IpAddr::V4(_), 12, _) => Some(Carried::Pointer(error.rest >> 24)),
        (IpAddr::V6(_), 2, _) => Some(Carried::Mtu(error.rest)),
        (IpAddr::V6(_), 4, _) => Some(Carried::Pointer(error.rest)),
        _ => None,
    }
}

fn error_v4(error: &IcmpError) -> String {
    let fixed = match (error.icmp_type, error.code) {
        (3, 0) => "Destination Net Unreachable",
        (3, 1) => "Destination Host Unreachable",
        (3, 2) => "Destination Protocol Unreachable",
        (3, 3) => "Destination Port Unreachable",
        (3, 4) => return format!("Frag needed and DF set (mtu = {})", error.rest & 0xffff),
        (3, 5) => "Source Route Failed",
        (3, 6) => "Destination Net Unknown",
        (3, 7) => "Destination Host Unknown",
        (3, 8) => "Source Host Isolated",
        (3, 9) => "Destination Net Prohibited",
        (3, 10) => "Destination Host Prohibited",
        (3, 11) => "Destination Net Unreachable for Type of Service",
        (3, 12) => "Destination Host Unreachable for Type of Service",
        (3, 13) => "Packet filtered",
        (3, 14) => "Precedence Violation",
        (3, 15) => "Precedence Cutoff",
        (3, code) => return format!("Dest Unreachable, Bad Code: {code}"),
        (4, 0) => "Source Quench",
        (5, code) => return redirect(code, error.rest.into()),
        (11, 0) => "Time to live exceeded",
        (11, 1) => "Frag reassembly time exceeded",
        (11, code) => return format!("Time exceeded, Bad Code: {code}"),
        (12, 0) => return format!("Parameter problem: pointer = {}", error.rest >> 24),
        (kind, code) => return crate::decode::icmp::describe(kind, code),
    };
    fixed.to_owned()
}

fn redirect(code: u8, gateway: Ipv4Addr) -> String {
    let what = match code {
        0 => "Redirect Network".to_owned(),
        1 => "Redirect Host".to_owned(),
        2 => "Redirect Type of Service and Network".to_owned(),
        3 => "Redirect Type of Service and Host".to_owned(),
        code => format!("Redirect, Bad Code: {code}"),
    };
    format!("{what}(New nexthop: {gateway})")
}

fn error_v6(error: &IcmpError) -> String {
    let rest = error.rest;
    match (error.icmp_type, error.code) {
        (1, code) => {
            let why = match code {
                0 => "No route",
                1 => "Administratively prohibited",
                2 => "Beyond scope of source address",
                3 => "Address unreachable",
                4 => "Port unreachable",
                5 => "Source address failed policy",
                6 => "Reject route",
                7 => "Error in source routing header",
                8 => "Headers too long",
                code => return format!("Destination unreachable: Unknown code {code}"),
            };
            format!("Destination unreachable: {why}")
        }
        (2, 0) => format!("Packet too big: mtu={rest}"),
        (2, code) => format!("Packet too big: mtu={rest}, code={code}"),
        (3, 0) => "Time exceeded: Hop limit".to_owned(),
        (3, 1) => "Time exceeded: Defragmentation failure".to_owned(),
        (3, code) => format!("Time exceeded: code {code}"),
        (4, code) => {
            let why = match code {
                0 => "Wrong header field ".to_owned(),
                1 => "Unknown header ".to_owned(),
                2 => "Unknown option ".to_owned(),
                code => format!("code {code} "),
            };
            format!("Parameter problem: {why}at {rest}")
        }
        (kind, code) => crate::decode::icmpv6::describe(kind, code),
    }
}

/// The RFC 4884 objects of an ICMP error, one line each; empty where the message has none or the
/// socket did not deliver it.
pub fn objects(error: &IcmpError) -> Vec<String> {
    let Some(message) = &error.message else {
        return Vec::new();
    };
    let frame = Frame {
        at: Timestamp::default(),
        stamp: Stamp::User,
        iface: 0,
        link: match error.from {
            IpAddr::V4(_) => LinkType::IcmpMessage,
            IpAddr::V6(_) => LinkType::Icmpv6Message,
        },
        dir: crate::decode::Direction::In,
        flags: crate::decode::Flags::default(),
        wire_len: u32::try_from(message.len()).unwrap_or(u32::MAX),
        bytes: message,
    };
    let mut packet = Packet::new();
    Decoder::new().decode(&frame, &mut packet);
    super::objects::lines(&frame, &packet)
}

/// Why a probe did not leave.
pub fn not_sent(reason: &NotSent) -> String {
    let words = io::Error::from_raw_os_error(reason.errno);
    match (reason.mtu, reason.errno) {
        (Some(mtu), _) => format!("{words}, mtu={mtu}"),
        // Nothing else refuses a socket that is open already (nf_hook_slow in net/netfilter/core.c).
        (None, EPERM) => format!("{words}: a firewall of this host refuses it"),
        (None, _) => words.to_string(),
    }
}

/// A stable name for programs, and one line for people.
pub fn state(change: &StateChange) -> (&'static str, String) {
    match change {
        StateChange::SendsFail(reason) => {
            ("sends_fail", format!("sends fail: {}", not_sent(reason)))
        }
        StateChange::SendsWork { not_sent } => (
            "sends_work",
            format!("sends work again, {} not sent", probes(*not_sent)),
        ),
        StateChange::SendsWaited { errno, waited } => (
            "sends_waited",
            format!(
                "a probe waited {} ms to leave: {}",
                millis_short(*waited),
                io::Error::from_raw_os_error(*errno)
            ),
        ),
        StateChange::HeldBack { seq, held } => (
            "held_back",
            format!(
                "icmp_seq={seq} left this host only {} ms after we sent it (neighbour unknown or \
                 queue full); its time counts from there",
                millis_short(*held)
            ),
        ),
        StateChange::OutageBegan => ("outage_began", "no answers: an outage began".to_owned()),
        StateChange::OutageEnded { lasted } => (
            "outage_ended",
            format!(
                "answers again, the outage lasted {:.3} s",
                lasted.as_secs_f64()
            ),
        ),
        StateChange::LostByUs { count } => (
            "lost_by_us",
            format!("{count} lost by us: the receive queue was full (IPv6: or a checksum bad)"),
        ),
        StateChange::ClockStep => (
            "clock_step",
            "the wall clock was stepped: our own clock timed this probe".to_owned(),
        ),
        StateChange::TableFull => (
            "table_full",
            "too many probes outstanding for one identifier: the oldest count as timed out"
                .to_owned(),
        ),
        StateChange::IdClash { id } => (
            "id_clash",
            format!("another program pings with ICMP id {id} too: its answers are not counted"),
        ),
    }
}

/// `1 probe`, `2 probes`.
pub fn probes(count: u64) -> String {
    match count {
        1 => "1 probe".to_owned(),
        _ => format!("{count} probes"),
    }
}
