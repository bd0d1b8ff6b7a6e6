//! Neighbour discovery inside ICMPv6: router and neighbour messages, redirect, and their options.
//! SEND, mobile IPv6 and 6LoWPAN options stay bytes.
//!
//! ```text
//! +---------------+---------------+---------------+
//! |     type      |  length / 8   |  data ...     |   options
//! +---------------+---------------+---------------+
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use super::dns_name::{Message, name};
use super::spec::specs;
use super::text::{push_ipv6, push_mac};
use super::{Cx, Layer, Mac, Next, Packet, Show, Spec, Value, ndp_rules};

specs! {
    HOP_LIMIT = "icmpv6.nd.ra.cur_hop_limit", "Hop limit for hosts", Show::Dec, "RFC 4861 4.2",
        "Hop limit that hosts should put into their packets; 0 is no advice.";
    RA_FLAGS = "icmpv6.nd.ra.flag", "Flags", Show::Hex(2), "RFC 4861 4.2",
        "What hosts should do besides.";
    MANAGED = "icmpv6.nd.ra.flag.m", "Managed addresses", Show::Plain, "RFC 4861 4.2",
        "Addresses are to be had by DHCPv6.";
    OTHER = "icmpv6.nd.ra.flag.o", "Other configuration", Show::Plain, "RFC 4861 4.2",
        "Other facts, DNS servers for instance, are to be had by DHCPv6.";
    HOME_AGENT = "icmpv6.nd.ra.flag.h", "Home agent", Show::Plain, "RFC 6275 7.1",
        "The router is a mobile IPv6 home agent too.";
    PREFERENCE = "icmpv6.nd.ra.flag.prf", "Preference", Show::Named(preference), "RFC 4191 2.2",
        "How much the router wants to be the default router.";
    PROXY = "icmpv6.nd.ra.flag.p", "Proxy", Show::Plain, "RFC 4389 4.1.3.3",
        "The advertisement was passed on by a proxy.";
    ROUTER_LIFETIME = "icmpv6.nd.ra.router_lifetime", "Router lifetime", Show::Unit("s"),
        "RFC 4861 4.2", "How long it may be a default router; 0 is not at all.";
    REACHABLE = "icmpv6.nd.ra.reachable_time", "Reachable time", Show::Unit("ms"),
        "RFC 4861 4.2", "How long a neighbour counts as reachable after a sign of life; 0 is no advice.";
    RETRANS = "icmpv6.nd.ra.retrans_timer", "Retransmission timer", Show::Unit("ms"),
        "RFC 4861 4.2", "Pause between neighbour solicitations; 0 is no advice.";
    NS_TARGET = "icmpv6.nd.ns.target_address", "Target", Show::Plain, "RFC 4861 4.3",
        "The address whose owner is looked for.";
    NA_FLAGS = "icmpv6.nd.na.flag", "Flags", Show::Hex(8), "RFC 4861 4.4",
        "Router, solicited and override.";
    NA_ROUTER = "icmpv6.nd.na.flag.r", "Router", Show::Plain, "RFC 4861 4.4",
        "The sender is a router.";
    NA_SOLICITED = "icmpv6.nd.na.flag.s", "Solicited", Show::Plain, "RFC 4861 4.4",
        "This answers a solicitation.";
    NA_OVERRIDE = "icmpv6.nd.na.flag.o", "Override", Show::Plain, "RFC 4861 4.4",
        "The link-layer address replaces one that is known already.";
    NA_TARGET = "icmpv6.nd.na.target_address", "Target", Show::Plain, "RFC 4861 4.4",
        "The address that the sender owns.";
    RD_TARGET = "icmpv6.nd.rd.target_address", "Better next hop", Show::Plain, "RFC 4861 4.5",
        "Where packets to the destination should go; equal to it if it is a neighbour.";
    RD_DESTINATION = "icmpv6.rd.na.destination_address", "Destination", Show::Plain,
        "RFC 4861 4.5", "The destination that is redirected.";
    OPTION = "icmpv6.opt", "Option", Show::Plain, "RFC 4861 4.6",
        "One option of the message.";
    TYPE = "icmpv6.opt.type", "Type", Show::Named(option_name), "RFC 4861 4.6",
        "What kind of option this is.";
    LENGTH = "icmpv6.opt.length", "Length", Show::Unit("units of 8 bytes"), "RFC 4861 4.6",
        "Length of the option with its type and length bytes; 0 is an error.";
    LINK_ADDRESS = "icmpv6.opt.linkaddr", "Link-layer address", Show::Plain, "RFC 4861 4.6.1",
        "Hardware address of the sender or of the target.";
    PREFIX_LENGTH = "icmpv6.opt.prefix.length", "Prefix length", Show::Unit("bits"),
        "RFC 4861 4.6.2", "How many bits of the prefix count.";
    ON_LINK = "icmpv6.opt.prefix.flag.l", "On link", Show::Plain, "RFC 4861 4.6.2",
        "Addresses with this prefix are neighbours.";
    AUTONOMOUS = "icmpv6.opt.prefix.flag.a", "Autonomous", Show::Plain, "RFC 4861 4.6.2",
        "Hosts may make their own addresses with this prefix (SLAAC).";
    VALID = "icmpv6.opt.prefix.valid_lifetime", "Valid lifetime", Show::Words(lifetime),
        "RFC 4861 4.6.2", "How long addresses with the prefix work.";
    PREFERRED = "icmpv6.opt.prefix.preferred_lifetime", "Preferred lifetime",
        Show::Words(lifetime), "RFC 4861 4.6.2",
        "How long addresses with the prefix are used for new connections.";
    PREFIX = "icmpv6.opt.prefix", "Prefix", Show::Plain, "RFC 4861 4.6.2",
        "The prefix, filled up with zeros.";
    REDIRECTED = "icmpv6.opt.redirected_packet", "Redirected packet", Show::Plain,
        "RFC 4861 4.6.3", "As much of the packet that caused the redirect as fits.";
    MTU = "icmpv6.opt.mtu", "MTU", Show::Unit("bytes"), "RFC 4861 4.6.4",
        "MTU that all hosts on the link should use.";
    NONCE = "icmpv6.opt.nonce", "Nonce", Show::Plain, "RFC 3971 5.3.2",
        "Random bytes that tell a looped-back solicitation from another host's.";
    ROUTE_PREFERENCE = "icmpv6.opt.route_info.flag.route_preference", "Route preference",
        Show::Named(preference), "RFC 4191 2.3", "How much the router wants to carry this prefix.";
    ROUTE_LIFETIME = "icmpv6.opt.route_lifetime", "Route lifetime", Show::Words(lifetime),
        "RFC 4191 2.3", "How long the route may be used.";
    DNS_LIFETIME = "icmpv6.opt.rdnss.lifetime", "Lifetime", Show::Words(lifetime),
        "RFC 8106 5.1", "How long the DNS servers may be used.";
    DNS_SERVER = "icmpv6.opt.rdnss", "DNS server", Show::Plain, "RFC 8106 5.1",
        "Address of a recursive DNS server.";
    SEARCH_LIFETIME = "icmpv6.opt.dnssl.lifetime", "Lifetime", Show::Words(lifetime),
        "RFC 8106 5.2", "How long the search list may be used.";
    CAPTIVE_PORTAL = "icmpv6.opt.captive_portal", "Captive portal", Show::Plain, "RFC 8910 2.3",
        "Where a guest must sign in, as a URI.";
    PREF64_LIFETIME = "icmpv6.opt.pref64.scaled_lifetime", "Scaled lifetime",
        Show::Unit("units of 8 s"), "RFC 8781 4", "How long the prefix may be used.";
    PREF64_LENGTH = "icmpv6.opt.pref64.plc", "Prefix length code", Show::Named(pref64_length),
        "RFC 8781 4", "Stands for the prefix length.";
    PREF64 = "icmpv6.opt.pref64.prefix", "NAT64 prefix", Show::Plain, "RFC 8781 4",
        "Prefix by which IPv4 addresses are reached.";
    DAD = "icmpv6.nd.ns.dad", "Duplicate address detection", Show::Plain, "RFC 4862 5.4.2",
        "The sender has no address yet: it asks whether somebody has the one it wants.";
    SEARCH_DOMAIN = "icmpv6.opt.dnssl", "Search domain", Show::Plain, "RFC 8106 5.2",
        "A domain that names are looked up in.";
    MORE_FLAGS = "icmpv6.opt.efo", "More flags", Show::Hex(4), "RFC 5175 4",
        "The flags of the advertisement, and room for more.";
    INTERVAL = "icmpv6.opt.advertisement_interval", "Advertisement interval", Show::Unit("ms"),
        "RFC 6275 7.3", "Longest pause between two advertisements.";
    AGENT_PREFERENCE = "icmpv6.opt.home_agent_preference", "Home agent preference", Show::Dec,
        "RFC 6275 7.4", "How much this home agent is preferred; higher is more.";
    AGENT_LIFETIME = "icmpv6.opt.home_agent_lifetime", "Home agent lifetime", Show::Unit("s"),
        "RFC 6275 7.4", "How long it will be one.";
    REGISTRATION_STATUS = "icmpv6.opt.aro.status", "Status", Show::Dec, "RFC 6775 4.1",
        "0 is fine, 1 a duplicate address, 2 a full table.";
    REGISTRATION_LIFETIME = "icmpv6.opt.aro.registration_lifetime", "Registration lifetime",
        Show::Unit("minutes"), "RFC 6775 4.1", "How long the address stays registered.";
    REGISTRATION_EUI64 = "icmpv6.opt.aro.eui64", "EUI-64", Show::Plain, "RFC 6775 4.1",
        "Hardware address of who registers.";
    OPTION_DATA = "icmpv6.opt.data", "Data", Show::Plain, "RFC 4861 4.6",
        "Bytes of an option that we cannot read further.";
}

/// IANA "IPv6 Neighbor Discovery Option Formats".
pub fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "source link-layer address",
        2 => "target link-layer address",
        3 => "prefix information",
        4 => "redirected header",
        5 => "MTU",
        6 => "NBMA shortcut limit",
        7 => "advertisement interval",
        8 => "home agent information",
        9 => "source address list",
        10 => "target address list",
        11 => "CGA",
        12 => "RSA signature",
        13 => "timestamp",
        14 => "nonce",
        15 => "trust anchor",
        16 => "certificate",
        17 => "IP address and prefix",
        18 => "new router prefix information",
        19 => "link-layer address",
        20 => "neighbor advertisement acknowledgment",
        23 => "MAP",
        24 => "route information",
        25 => "recursive DNS servers",
        26 => "router advertisement flags",
        27 => "handover key request",
        28 => "handover key reply",
        29 => "handover assist information",
        30 => "mobile node identifier",
        31 => "DNS search list",
        32 => "proxy signature",
        33 => "address registration",
        34 => "6LoWPAN context",
        35 => "authoritative border router",
        36 => "6LoWPAN capability indication",
        37 => "captive portal",
        38 => "NAT64 prefix (PREF64)",
        138 => "CARD request",
        139 => "CARD reply",
        253 | 254 => "experiment",
        _ => return None,
    })
}

/// RFC 4191 2.1: two's complement in two bits.
fn preference(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "medium",
        1 => "high",
        3 => "low",
        _ => return None,
    })
}

/// RFC 8781 4.
fn pref64_length(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "/96",
        1 => "/64",
        2 => "/56",
        3 => "/48",
        4 => "/40",
        5 => "/32",
        _ => return None,
    })
}

fn lifetime(value: u64, out: &mut String) {
    let _ = match value {
        0xffff_ffff => write!(out, "infinite ({value})"),
        _ => write!(out, "{value} s"),
    };
}

/// Reads a message of type 133 to 137, the first four bytes of which are done.
pub(super) fn decode(cx: &mut Cx<'_>, kind: u8) -> Next {
    let header = match kind {
        133 => {
            cx.raw(&super::icmpv6::RESERVED, 4, 4);
            8
        }
        134 => router_advertisement(cx),
        135 => {
            cx.raw(&super::icmpv6::RESERVED, 4, 4);
            address(cx, &NS_TARGET, 8);
            // RFC 4862 5.4.2: who asks without an address is about to take the one it asks for.
            if cx
                .net
                .is_some_and(|net| net.source == IpAddr::V6(Ipv6Addr::UNSPECIFIED))
            {
                cx.add(&DAD, 8.min(cx.have()), 0, Value::Bool(true));
            }
            24
        }
        136 => {
            neighbor_advertisement(cx);
            24
        }
        _ => {
            cx.raw(&super::icmpv6::RESERVED, 4, 4);
            address(cx, &RD_TARGET, 8);
            address(cx, &RD_DESTINATION, 24);
            40
        }
    };
    cx.set_header(cx.len());
    if cx.need(header) {
        let quote = options(cx, header);
        ndp_rules::check(cx, kind, header);
        if let Some(quote) = quote {
            return Next::Quoted(quote);
        }
    }
    Next::Done
}

fn router_advertisement(cx: &mut Cx<'_>) -> u32 {
    let h = cx.head::<16>();
    let flags = h[5];
    cx.uint(&HOP_LIMIT, 4, 1, h[4]);
    let group = cx.open(&RA_FLAGS, 5, 1, Value::Uint(flags.into()));
    cx.add(&MANAGED, 5, 1, Value::Bool(flags & 0x80 != 0));
    cx.add(&OTHER, 5, 1, Value::Bool(flags & 0x40 != 0));
    cx.add(&HOME_AGENT, 5, 1, Value::Bool(flags & 0x20 != 0));
    cx.uint(&PREFERENCE, 5, 1, flags >> 3 & 3);
    cx.add(&PROXY, 5, 1, Value::Bool(flags & 4 != 0));
    cx.close(group);
    cx.uint(&ROUTER_LIFETIME, 6, 2, u16::from_be_bytes([h[6], h[7]]));
    let reachable = u32::from_be_bytes([h[8], h[9], h[10], h[11]]);
    cx.uint(&REACHABLE, 8, 4, reachable);
    let retrans = u32::from_be_bytes([h[12], h[13], h[14], h[15]]);
    cx.uint(&RETRANS, 12, 4, retrans);
    16
}

fn neighbor_advertisement(cx: &mut Cx<'_>) {
    let flags = cx.u32(4).unwrap_or(0);
    let group = cx.open(&NA_FLAGS, 4, 4, Value::Uint(flags.into()));
    for (spec, bit) in [(&NA_ROUTER, 31), (&NA_SOLICITED, 30), (&NA_OVERRIDE, 29)] {
        cx.add(spec, 4, 1, Value::Bool(flags >> bit & 1 != 0));
    }
    cx.close(group);
    address(cx, &NA_TARGET, 8);
}

/// Returns where a redirect's packet lies.
pub(super) fn options(cx: &mut Cx<'_>, mut at: u32) -> Option<Range<u32>> {
    const RFC: &str = "RFC 4861 4.6";
    let mut quote = None;
    while at < cx.len() {
        let Some([kind, units]) = cx.array(at) else {
            let _ = cx.need(at.saturating_add(2));
            break;
        };
        let len = u32::from(units).saturating_mul(8);
        let end = at.saturating_add(len);
        let group = cx.open(&OPTION, at, len.max(2), Value::None);
        cx.uint(&TYPE, at, 1, kind);
        cx.uint(&LENGTH, at.saturating_add(1), 1, units);
        let good = len > 0 && end <= cx.len();
        if good {
            option(cx, kind, at.saturating_add(2), end);
            let _ = cx.need(end);
        } else {
            let room = cx.len().saturating_sub(at);
            let text = format!("option {kind} claims {len} bytes, there are {room}");
            cx.invalid(at, 2, "icmpv6.opt.length", RFC, text);
        }
        cx.close(group);
        if !good {
            break;
        }
        if kind == 4 {
            quote = Some(at.saturating_add(8)..end);
        }
        at = end;
    }
    quote
}

fn option(cx: &mut Cx<'_>, kind: u8, at: u32, end: u32) {
    let len = end.saturating_sub(at);
    let after = |n: u32| at.saturating_add(n);
    match (kind, len) {
        (1 | 2, 6) => {
            let mac = cx.array::<6>(at).unwrap_or_default();
            cx.add(&LINK_ADDRESS, at, 6, Value::Mac(Mac(mac)));
        }
        (1 | 2, _) => cx.raw(&LINK_ADDRESS, at, len),
        (3, 30) => {
            let [bits, flags] = cx.array(at).unwrap_or([0; 2]);
            cx.uint(&PREFIX_LENGTH, at, 1, bits);
            cx.add(&ON_LINK, after(1), 1, Value::Bool(flags & 0x80 != 0));
            cx.add(&AUTONOMOUS, after(1), 1, Value::Bool(flags & 0x40 != 0));
            number(cx, &VALID, after(2));
            number(cx, &PREFERRED, after(6));
            address(cx, &PREFIX, after(14));
        }
        (4, _) => cx.add(&REDIRECTED, after(6), len.saturating_sub(6), Value::None),
        (5, 6) => number(cx, &MTU, after(2)),
        (14, _) => cx.raw(&NONCE, at, len),
        (24, 6 | 14 | 22) => {
            let [bits, flags] = cx.array(at).unwrap_or([0; 2]);
            cx.uint(&PREFIX_LENGTH, at, 1, bits);
            cx.uint(&ROUTE_PREFERENCE, after(1), 1, flags >> 3 & 3);
            number(cx, &ROUTE_LIFETIME, after(2));
            padded(cx, &PREFIX, after(6), len.saturating_sub(6));
        }
        (25, 22..) => {
            number(cx, &DNS_LIFETIME, after(2));
            let mut server = after(6);
            while server.saturating_add(16) <= end {
                address(cx, &DNS_SERVER, server);
                server = server.saturating_add(16);
            }
        }
        (31, 6..) => {
            number(cx, &SEARCH_LIFETIME, after(2));
            search_domains(cx, after(6), end);
        }
        (7, 6) => number(cx, &INTERVAL, after(2)),
        (8, 6) => {
            let word = cx.u32(after(2)).unwrap_or(0);
            cx.uint(&AGENT_PREFERENCE, after(2), 2, word >> 16);
            cx.uint(&AGENT_LIFETIME, after(4), 2, word & 0xffff);
        }
        (26, 6) => {
            let flags = cx.u16(at).unwrap_or(0);
            cx.uint(&MORE_FLAGS, at, 2, flags);
            cx.raw(&OPTION_DATA, after(2), 4);
        }
        (33, 14) => {
            let status = cx.u8(at).unwrap_or(0);
            let lifetime = cx.u16(after(4)).unwrap_or(0);
            cx.uint(&REGISTRATION_STATUS, at, 1, status);
            cx.uint(&REGISTRATION_LIFETIME, after(4), 2, lifetime);
            cx.raw(&REGISTRATION_EUI64, after(6), 8);
        }
        (37, _) => {
            let uri = cx.bytes(at, len).unwrap_or(&[]);
            let padding = uri.iter().rev().take_while(|&&byte| byte == 0).count();
            let padding = u32::try_from(padding).unwrap_or(0);
            cx.text(&CAPTIVE_PORTAL, at, len.saturating_sub(padding));
        }
        (38, 14) => {
            let word = cx.u16(at).unwrap_or(0);
            cx.uint(&PREF64_LIFETIME, at, 2, word >> 3);
            cx.uint(&PREF64_LENGTH, at, 2, word & 7);
            padded(cx, &PREF64, after(2), 12);
        }
        _ => cx.raw(&OPTION_DATA, at, len),
    }
}

/// RFC 8106 5.2: names without compression, filled up with zeros.
fn search_domains(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    let message = Message { base: at, end };
    while cx.u8(at).is_some_and(|length| length != 0) && at < end {
        match name(cx, message, &SEARCH_DOMAIN, at) {
            Some(after) => at = after,
            None => return,
        }
    }
}

fn number(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    let value = cx.u32(at).unwrap_or(0);
    cx.uint(spec, at, 4, value);
}

fn address(cx: &mut Cx<'_>, spec: &'static Spec, at: u32) {
    if let Some(bytes) = cx.array::<16>(at) {
        cx.add(spec, at, 16, Value::Ipv6(Ipv6Addr::from(bytes)));
    }
}

/// An address of which only the first `len` bytes are sent.
fn padded(cx: &mut Cx<'_>, spec: &'static Spec, at: u32, len: u32) {
    let mut whole = [0; 16];
    let sent = cx.bytes(at, len).unwrap_or(&[]);
    whole
        .iter_mut()
        .zip(sent)
        .for_each(|(to, from)| *to = *from);
    cx.add(spec, at, len, Value::Ipv6(Ipv6Addr::from(whole)));
}

/// `, who has ADDRESS`, `, ADDRESS is at MAC`, `, PREFIX/64`.
pub(super) fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    for field in packet.fields_of(layer) {
        let is = |spec: &'static Spec| std::ptr::eq(field.spec, spec);
        let mut address = |words: &str, address| {
            out.push_str(words);
            push_ipv6(address, out);
        };
        match field.value {
            Value::Ipv6(it) if is(&NS_TARGET) => address(", who has ", it),
            Value::Bool(true) if is(&DAD) => out.push_str(" (duplicate address detection)"),
            Value::Ipv6(it) if is(&NA_TARGET) => address(", target ", it),
            Value::Ipv6(it) if is(&RD_DESTINATION) => address(", for ", it),
            Value::Ipv6(it) if is(&RD_TARGET) => address(", to ", it),
            Value::Ipv6(it) if is(&PREFIX) => address(", prefix ", it),
            Value::Mac(mac) if is(&LINK_ADDRESS) => {
                out.push_str(", at ");
                push_mac(mac, out);
            }
            _ => {}
        }
    }
}
