//! What a receiver must check in messages of neighbour discovery, each named and with its RFC. No
//! decoding.

use std::net::{IpAddr, Ipv6Addr};

use super::Cx;

/// Checks a message of type 133 to 137, whose options begin at `options`, against its IPv6 header.
pub(super) fn check(cx: &mut Cx<'_>, kind: u8, options: u32) {
    let Some(net) = cx.net else { return };
    if net.hops != 255 {
        let text = format!(
            "hop limit is {}, must be 255: it came through a router",
            net.hops
        );
        cx.rule(0, 1, "ndp.hop_limit", "RFC 4861 7.1", text);
    }
    if let Some(code @ 1..) = cx.u8(1) {
        let text = format!("code is {code}, must be 0");
        cx.rule(1, 1, "ndp.code", "RFC 4861 6.1", text);
    }
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (net.source, net.destination) else {
        return;
    };
    match kind {
        133 => nobody(cx, source, options, "RFC 4861 6.1.1"),
        134 => {
            router(cx, source, "RFC 4861 6.1.2");
            prefixes(cx, options);
        }
        135 => {
            let target = target(cx, "RFC 4861 7.1.1");
            nobody(cx, source, options, "RFC 4861 7.1.1");
            if let Some(target) = target.filter(|_| source.is_unspecified())
                && destination != solicited(target)
            {
                let expected = solicited(target);
                let text = format!("sent to {destination}, must go to {expected}");
                cx.rule(0, 1, "ndp.dst", "RFC 4861 7.1.1", text);
            }
        }
        136 => {
            let _ = target(cx, "RFC 4861 7.1.2");
            let answers = cx.u8(4).is_some_and(|flags| flags & 0x40 != 0);
            if answers && destination.is_multicast() {
                let text = format!("a solicited answer is sent to {destination}, a group");
                cx.rule(4, 1, "ndp.solicited", "RFC 4861 7.1.2", text);
            }
        }
        _ => {
            router(cx, source, "RFC 4861 8.1");
            redirect(cx);
        }
    }
}

/// A router speaks with its link-local address.
fn router(cx: &mut Cx<'_>, source: Ipv6Addr, rfc: &'static str) {
    if !source.is_unicast_link_local() {
        let text = format!("source {source} of a router's message is not link-local");
        cx.rule(0, 1, "ndp.source", rfc, text);
    }
}

/// Who has no address yet does not tell a link-layer address.
fn nobody(cx: &mut Cx<'_>, source: Ipv6Addr, options: u32, rfc: &'static str) {
    if !source.is_unspecified() {
        return;
    }
    if let Some(at) = find(cx, options, 1) {
        let text = "a source link-layer address, but the source is ::".to_owned();
        cx.rule(at, 2, "ndp.source_address", rfc, text);
    }
}

fn target(cx: &mut Cx<'_>, rfc: &'static str) -> Option<Ipv6Addr> {
    let target = cx.array::<16>(8).map(Ipv6Addr::from)?;
    if target.is_multicast() {
        let text = format!("target {target} is a multicast address");
        cx.rule(8, 16, "ndp.target", rfc, text);
    }
    Some(target)
}

/// RFC 4291 2.7.1: ff02::1:ff and the last three bytes.
fn solicited(target: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = target.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | high & 0xff, low)
}

/// RFC 4862 5.5.3 c: an address is not preferred for longer than it is valid.
fn prefixes(cx: &mut Cx<'_>, options: u32) {
    let mut from = options;
    while let Some(at) = find(cx, from, 3) {
        let place = |offset: u32| at.saturating_add(offset);
        if let (Some(valid), Some(preferred)) = (cx.u32(place(4)), cx.u32(place(8)))
            && preferred > valid
        {
            let text = format!("preferred for {preferred} s, but valid for only {valid} s");
            cx.rule(
                place(8),
                4,
                "ndp.preferred_lifetime",
                "RFC 4862 5.5.3",
                text,
            );
        }
        from = place(32);
    }
}

/// RFC 4861 8.1: the better hop is a router's link-local address, or the destination itself.
fn redirect(cx: &mut Cx<'_>) {
    let address = |at| cx.array::<16>(at).map(Ipv6Addr::from);
    let (Some(hop), Some(destination)) = (address(8), address(24)) else {
        return;
    };
    if hop != destination && !hop.is_unicast_link_local() {
        let text = format!("next hop {hop} is neither link-local nor the destination");
        cx.rule(8, 16, "ndp.next_hop", "RFC 4861 8.1", text);
    }
    if destination.is_multicast() {
        let text = format!("destination {destination} is a multicast address");
        cx.rule(24, 16, "ndp.destination", "RFC 4861 8.1", text);
    }
}

/// Where the first option of this kind lies.
fn find(cx: &Cx<'_>, mut at: u32, kind: u8) -> Option<u32> {
    loop {
        let [found, units] = cx.array(at)?;
        if found == kind {
            return Some(at);
        }
        if units == 0 {
            return None;
        }
        at = at.saturating_add(u32::from(units).saturating_mul(8));
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::LinkType;
    use crate::decode::testing::{decoded, problems};

    const LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const GLOBAL: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const GROUP: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const NOBODY: [u8; 16] = [0; 16];

    /// The rules that a message with this body breaks; its checksum is not looked at.
    fn broken(source: [u8; 16], destination: [u8; 16], body: &[&[u8]]) -> Vec<&'static str> {
        let body = body.concat();
        let mut bytes = vec![0x60, 0, 0, 0, 0, u8::try_from(body.len()).unwrap(), 58, 255];
        bytes.extend(source);
        bytes.extend(destination);
        bytes.extend(body);
        let packet = decoded(LinkType::Raw, &bytes, bytes.len());
        let mut keys = problems(&packet);
        keys.retain(|key| key.starts_with("ndp."));
        keys
    }

    #[test]
    fn each_rule_is_named() {
        let own_mac = [1, 1, 2, 0, 0, 0, 0, 1];
        let solicited = {
            let mut address = GROUP;
            address[11..].copy_from_slice(&[1, 0xff, 0, 0, 1]);
            address
        };
        let lives = [
            3, 4, 64, 0xc0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0,
        ];
        let asks: &[u8] = &[135, 0, 0, 0, 0, 0, 0, 0];
        let answers: &[u8] = &[136, 0, 0, 0, 0x40, 0, 0, 0];
        let redirects: &[u8] = &[137, 0, 0, 0, 0, 0, 0, 0];
        let routes: &[u8] = &[134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let good: [&str; 0] = [];
        assert_eq!(broken(NOBODY, solicited, &[asks, &GLOBAL]), good);
        assert_eq!(broken(NOBODY, GROUP, &[asks, &GLOBAL]), ["ndp.dst"]);
        assert_eq!(
            broken(NOBODY, solicited, &[asks, &GLOBAL, &own_mac]),
            ["ndp.source_address"]
        );
        assert_eq!(broken(LOCAL, GROUP, &[asks, &GROUP]), ["ndp.target"]);
        assert_eq!(broken(LOCAL, LOCAL, &[answers, &GLOBAL]), good);
        assert_eq!(broken(LOCAL, GROUP, &[answers, &GLOBAL]), ["ndp.solicited"]);
        assert_eq!(
            broken(NOBODY, GROUP, &[&[133, 0, 0, 0, 0, 0, 0, 0], &own_mac]),
            ["ndp.source_address"]
        );
        assert_eq!(
            broken(LOCAL, GROUP, &[&[133, 1, 0, 0, 0, 0, 0, 0]]),
            ["ndp.code"]
        );
        assert_eq!(broken(GLOBAL, GROUP, &[routes]), ["ndp.source"]);
        assert_eq!(
            broken(LOCAL, GROUP, &[routes, &lives]),
            ["ndp.preferred_lifetime"]
        );
        assert_eq!(broken(LOCAL, LOCAL, &[redirects, &LOCAL, &GLOBAL]), good);
        assert_eq!(broken(LOCAL, LOCAL, &[redirects, &GLOBAL, &GLOBAL]), good);
        assert_eq!(
            broken(LOCAL, LOCAL, &[redirects, &GLOBAL, &GROUP]),
            ["ndp.next_hop", "ndp.destination"]
        );
    }
}
