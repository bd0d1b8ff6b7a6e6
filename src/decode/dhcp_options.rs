//! The options of DHCP, as a table: number, name, and what the value is. Options that are not in the
//! table, and vendors' own, stay bytes.
//!
//! ```text
//! +---------------+---------------+---------------+
//! |     type      |    length     |  value ...    |   0 is padding and 255 the end, both alone
//! +---------------+---------------+---------------+
//! ```

use std::net::Ipv4Addr;

use super::dhcp::{HARDWARE, MAC};
use super::dns_name::{Message, name};
use super::spec::specs;
use super::{Cx, Mac, Show, Spec, Value};

specs! {
    OPTION = "dhcp.option", "Option", Show::Plain, "RFC 2132 2",
        "One option of the message.";
    TYPE = "dhcp.option.type", "Type", Show::Named(option_name), "RFC 2132 2",
        "What kind of option this is.";
    LENGTH = "dhcp.option.length", "Length", Show::Unit("bytes"), "RFC 2132 2",
        "Length of the value.";
    VALUE = "dhcp.option.value", "Value", Show::Plain, "RFC 2132 2",
        "Value of an option that we cannot read further.";
    PADDING = "dhcp.option.padding", "Padding", Show::Plain, "RFC 2132 3.1",
        "Zero bytes, behind the end too.";
    MESSAGE_TYPE = "dhcp.option.dhcp", "Message type", Show::Named(message_name),
        "RFC 2132 9.6", "Which step of the exchange this is.";
    MASK = "dhcp.option.subnet_mask", "Subnet mask", Show::Plain, "RFC 2132 3.3",
        "Which part of the address is the network's.";
    ROUTER = "dhcp.option.router", "Router", Show::Plain, "RFC 2132 3.5",
        "A router on the client's network.";
    DNS = "dhcp.option.domain_name_server", "Name server", Show::Plain, "RFC 2132 3.8",
        "A DNS server.";
    LOG = "dhcp.option.log_server", "Log server", Show::Plain, "RFC 2132 3.9",
        "A log server.";
    HOST_NAME = "dhcp.option.hostname", "Host name", Show::Plain, "RFC 2132 3.14",
        "The client's name.";
    DOMAIN = "dhcp.option.domain_name", "Domain name", Show::Plain, "RFC 2132 3.17",
        "The domain that names are looked up in.";
    ROOT_PATH = "dhcp.option.root_path", "Root path", Show::Plain, "RFC 2132 3.19",
        "Where a diskless client's root file system is.";
    MTU = "dhcp.option.interface_mtu", "MTU", Show::Unit("bytes"), "RFC 2132 5.1",
        "MTU of the client's interface.";
    BROADCAST = "dhcp.option.broadcast_address", "Broadcast address", Show::Plain,
        "RFC 2132 5.3", "Broadcast address of the client's network.";
    NTP = "dhcp.option.ntp_server", "Time server", Show::Plain, "RFC 2132 8.3",
        "An NTP server.";
    NETBIOS = "dhcp.option.netbios_over_tcpip_name_server", "NetBIOS name server", Show::Plain,
        "RFC 2132 8.5", "A server of Windows names.";
    NODE_TYPE = "dhcp.option.netbios_over_tcpip_node_type", "NetBIOS node type", Show::Dec,
        "RFC 2132 8.7", "How Windows names are looked up.";
    REQUESTED = "dhcp.option.requested_ip_address", "Requested address", Show::Plain,
        "RFC 2132 9.1", "The address that the client wants.";
    LEASE = "dhcp.option.ip_address_lease_time", "Lease time", Show::Unit("s"), "RFC 2132 9.2",
        "How long the address may be used.";
    OVERLOAD = "dhcp.option.option_overload", "Overload", Show::Dec, "RFC 2132 9.3",
        "Options also in the boot file's field (1), the server name's (2), or both (3).";
    SERVER_ID = "dhcp.option.dhcp_server_id", "Server", Show::Plain, "RFC 2132 9.7",
        "Which server speaks, or is spoken to.";
    REQUEST = "dhcp.option.request_list_item", "Requested option", Show::Named(option_name),
        "RFC 2132 9.8", "An option that the client wants to be told.";
    MESSAGE = "dhcp.option.message", "Message", Show::Plain, "RFC 2132 9.9",
        "Why the server refuses, in words.";
    MAX_SIZE = "dhcp.option.dhcp_max_message_size", "Largest message", Show::Unit("bytes"),
        "RFC 2132 9.10", "Largest message that the client takes.";
    RENEWAL = "dhcp.option.renewal_time_value", "Renewal time", Show::Unit("s"), "RFC 2132 9.11",
        "After which time the client asks its server for longer.";
    REBINDING = "dhcp.option.rebinding_time_value", "Rebinding time", Show::Unit("s"),
        "RFC 2132 9.12", "After which time it asks any server.";
    VENDOR_CLASS = "dhcp.option.vendor_class_id", "Vendor class", Show::Plain, "RFC 2132 9.13",
        "What the client is: its software, its hardware.";
    TFTP = "dhcp.option.tftp_server_name", "TFTP server", Show::Plain, "RFC 2132 9.4",
        "Where to load the boot file from.";
    BOOT_FILE = "dhcp.option.bootfile_name", "Boot file", Show::Plain, "RFC 2132 9.5",
        "What to boot.";
    AGENT = "dhcp.option.agent", "Relay's part", Show::Plain, "RFC 3046 2.0",
        "One fact that the relay added.";
    AGENT_TYPE = "dhcp.option.agent_information_option.suboption", "Type",
        Show::Named(agent_name), "RFC 3046 2.0", "Which fact.";
    AGENT_LENGTH = "dhcp.option.suboption_length", "Length", Show::Unit("bytes"),
        "RFC 3046 2.0", "Length of the value.";
    CIRCUIT = "dhcp.option.agent_information_option.agent_circuit_id", "Circuit",
        Show::Plain, "RFC 3046 3.1", "Which port of the relay the client is behind.";
    REMOTE = "dhcp.option.agent_information_option.agent_remote_id", "Remote end", Show::Plain,
        "RFC 3046 3.2", "Who is at the other end of the line.";
    SEARCH = "dhcp.option.search", "Search domain", Show::Plain, "RFC 3397 2",
        "A domain that names are looked up in.";
    ROUTE = "dhcp.option.route", "Route", Show::Plain, "RFC 3442",
        "A network and its router.";
    ROUTE_BITS = "dhcp.option.route.length", "Prefix length", Show::Unit("bits"), "RFC 3442",
        "How many bits of the network count.";
    ROUTE_NETWORK = "dhcp.option.route.network", "Network", Show::Plain, "RFC 3442",
        "Where the route leads.";
    ROUTE_ROUTER = "dhcp.option.route.router", "Router", Show::Plain, "RFC 3442",
        "The router for it; 0.0.0.0 means neighbours.";
    PORTAL = "dhcp.option.captive", "Captive portal", Show::Plain, "RFC 8910 2.1",
        "Where a guest must sign in, as a URI.";
    V6_ONLY = "dhcp.option.v6only", "IPv6 only", Show::Unit("s"), "RFC 8925 3.1",
        "For how long a client that can do without IPv4 should.";
}

/// What an option's value is.
#[derive(Clone, Copy)]
enum Kind {
    /// Addresses up to the end.
    Addresses(&'static Spec),
    /// A number of as many bytes as there are, one, two or four.
    Number(&'static Spec),
    /// Numbers of one byte each.
    Numbers(&'static Spec),
    Text(&'static Spec),
    Bytes,
    /// A hardware type and an address, or free bytes.
    Client,
    /// What relays add.
    Agent,
    /// Names with compression pointers.
    Names,
    /// Classless routes.
    Routes,
}

struct Row(u8, &'static str, Kind);

/// IANA "BOOTP Vendor Extensions and DHCP Options", those in use.
static TABLE: &[Row] = &[
    Row(1, "subnet mask", Kind::Addresses(&MASK)),
    Row(2, "time offset", Kind::Bytes),
    Row(3, "router", Kind::Addresses(&ROUTER)),
    Row(4, "time server", Kind::Bytes),
    Row(6, "DNS server", Kind::Addresses(&DNS)),
    Row(7, "log server", Kind::Addresses(&LOG)),
    Row(12, "host name", Kind::Text(&HOST_NAME)),
    Row(13, "boot file size", Kind::Bytes),
    Row(15, "domain name", Kind::Text(&DOMAIN)),
    Row(17, "root path", Kind::Text(&ROOT_PATH)),
    Row(26, "MTU", Kind::Number(&MTU)),
    Row(28, "broadcast address", Kind::Addresses(&BROADCAST)),
    Row(31, "router discovery", Kind::Bytes),
    Row(33, "static routes", Kind::Bytes),
    Row(42, "NTP server", Kind::Addresses(&NTP)),
    Row(43, "vendor's own", Kind::Bytes),
    Row(44, "NetBIOS name server", Kind::Addresses(&NETBIOS)),
    Row(46, "NetBIOS node type", Kind::Number(&NODE_TYPE)),
    Row(47, "NetBIOS scope", Kind::Bytes),
    Row(50, "requested address", Kind::Addresses(&REQUESTED)),
    Row(51, "lease time", Kind::Number(&LEASE)),
    Row(52, "overload", Kind::Number(&OVERLOAD)),
    Row(53, "message type", Kind::Number(&MESSAGE_TYPE)),
    Row(54, "server", Kind::Addresses(&SERVER_ID)),
    Row(55, "requested options", Kind::Numbers(&REQUEST)),
    Row(56, "message", Kind::Text(&MESSAGE)),
    Row(57, "largest message", Kind::Number(&MAX_SIZE)),
    Row(58, "renewal time", Kind::Number(&RENEWAL)),
    Row(59, "rebinding time", Kind::Number(&REBINDING)),
    Row(60, "vendor class", Kind::Text(&VENDOR_CLASS)),
    Row(61, "client identifier", Kind::Client),
    Row(66, "TFTP server", Kind::Text(&TFTP)),
    Row(67, "boot file", Kind::Text(&BOOT_FILE)),
    Row(77, "user class", Kind::Bytes),
    Row(80, "rapid commit", Kind::Bytes),
    Row(81, "client's full name", Kind::Bytes),
    Row(82, "relay agent", Kind::Agent),
    Row(90, "authentication", Kind::Bytes),
    Row(93, "client architecture", Kind::Bytes),
    Row(94, "network interface", Kind::Bytes),
    Row(97, "machine identifier", Kind::Bytes),
    Row(100, "time zone, POSIX", Kind::Bytes),
    Row(101, "time zone, name", Kind::Bytes),
    Row(108, "IPv6 only", Kind::Number(&V6_ONLY)),
    Row(114, "captive portal", Kind::Text(&PORTAL)),
    Row(116, "auto-configuration", Kind::Bytes),
    Row(118, "subnet selection", Kind::Bytes),
    Row(119, "search domains", Kind::Names),
    Row(120, "SIP servers", Kind::Bytes),
    Row(121, "classless routes", Kind::Routes),
    Row(124, "vendors' classes", Kind::Bytes),
    Row(125, "vendors' own", Kind::Bytes),
    Row(150, "TFTP server address", Kind::Bytes),
    Row(249, "classless routes (Microsoft)", Kind::Routes),
    Row(252, "proxy configuration", Kind::Bytes),
    Row(255, "end", Kind::Bytes),
];

fn row(kind: u8) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.0 == kind)
}

/// Name of an option.
pub fn option_name(value: u64) -> Option<&'static str> {
    let kind = u8::try_from(value).ok()?;
    row(kind).map(|row| row.1)
}

/// Name of a message type.
pub fn message_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "discover",
        2 => "offer",
        3 => "request",
        4 => "decline",
        5 => "acknowledgment",
        6 => "refusal (NAK)",
        7 => "release",
        8 => "inform",
        9 => "force renew",
        10 => "lease query",
        11 => "lease unassigned",
        12 => "lease unknown",
        13 => "lease active",
        _ => return None,
    })
}

fn agent_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "circuit",
        2 => "remote end",
        5 => "link selection",
        6 => "subscriber",
        11 => "server override",
        12 => "relay identifier",
        _ => return None,
    })
}

/// The overload option's value among the options at `at`, 0 without one: the fields that it is about
/// stand before it.
pub(super) fn overload(cx: &Cx<'_>, mut at: u32) -> u8 {
    while let Some(kind) = cx.u8(at) {
        let next = at.saturating_add(1);
        match (kind, cx.u8(next)) {
            (0, _) => at = next,
            (255, _) | (_, None) => break,
            (52, Some(1)) => return cx.u8(at.saturating_add(2)).unwrap_or(0),
            (_, Some(length)) => at = next.saturating_add(1).saturating_add(length.into()),
        }
    }
    0
}

/// Reads the options from `at` to `end`.
pub(super) fn decode(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    const RFC: &str = "RFC 2132 2";
    while at < end {
        let Some(kind) = cx.u8(at) else {
            let _ = cx.need(end);
            return;
        };
        let next = at.saturating_add(1);
        if kind == 0 {
            at = padding(cx, at, end);
            continue;
        }
        if kind == 255 {
            let group = cx.open(&OPTION, at, 1, Value::None);
            cx.uint(&TYPE, at, 1, kind);
            cx.close(group);
            at = padding(cx, next, end);
            if at < end && cx.have() > at {
                let text = format!(
                    "{} bytes follow the end of the options",
                    end.saturating_sub(at)
                );
                cx.rule(at, 1, "dhcp.option.end", RFC, text);
            }
            return;
        }
        let length = u32::from(cx.u8(next).unwrap_or(0));
        let from = next.saturating_add(1);
        let after = from.saturating_add(length);
        let group = cx.open(&OPTION, at, after.saturating_sub(at), Value::None);
        cx.uint(&TYPE, at, 1, kind);
        cx.uint(&LENGTH, next, 1, length);
        let fits = after <= end;
        if fits {
            option(cx, kind, from, after);
        } else {
            let left = end.saturating_sub(from);
            let text = format!("option {kind} claims {length} bytes, there are {left}");
            cx.invalid(at, 2, "dhcp.option.length", RFC, text);
        }
        cx.close(group);
        if !fits || !cx.need(after) {
            return;
        }
        at = after;
    }
    let text = "the options have no end".to_owned();
    cx.rule(
        end.saturating_sub(1),
        1,
        "dhcp.option.end",
        "RFC 2131 4.1",
        text,
    );
}

/// Returns where the zero bytes end.
fn padding(cx: &mut Cx<'_>, at: u32, end: u32) -> u32 {
    let bytes = cx.rest().get(at as usize..).unwrap_or(&[]);
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let zeros = u32::try_from(zeros)
        .unwrap_or(0)
        .min(end.saturating_sub(at));
    cx.raw(&PADDING, at, zeros);
    at.saturating_add(zeros)
}

fn option(cx: &mut Cx<'_>, kind: u8, mut at: u32, end: u32) {
    let length = end.saturating_sub(at);
    match row(kind).map_or(Kind::Bytes, |row| row.2) {
        Kind::Addresses(spec) => {
            while at.saturating_add(4) <= end {
                let address = cx.array::<4>(at).map_or(Ipv4Addr::UNSPECIFIED, Into::into);
                cx.add(spec, at, 4, Value::Ipv4(address));
                at = at.saturating_add(4);
            }
            cx.raw(&VALUE, at, end.saturating_sub(at));
        }
        Kind::Number(spec) => match length {
            1 => {
                let value = cx.u8(at).unwrap_or(0);
                cx.uint(spec, at, 1, value);
            }
            2 => {
                let value = cx.u16(at).unwrap_or(0);
                cx.uint(spec, at, 2, value);
            }
            4 => {
                let value = cx.u32(at).unwrap_or(0);
                cx.uint(spec, at, 4, value);
            }
            _ => cx.raw(&VALUE, at, length),
        },
        Kind::Numbers(spec) => {
            while at < end {
                let value = cx.u8(at).unwrap_or(0);
                cx.uint(spec, at, 1, value);
                at = at.saturating_add(1);
            }
        }
        Kind::Text(spec) => {
            // Some senders count a NUL byte at the end.
            let nul = cx.u8(end.saturating_sub(1)) == Some(0) && length > 0;
            cx.text(spec, at, length.saturating_sub(nul.into()));
        }
        Kind::Bytes => cx.raw(&VALUE, at, length),
        Kind::Client => match (cx.array::<7>(at), length) {
            (Some([1, mac @ ..]), 7) => {
                cx.uint(&HARDWARE, at, 1, 1u8);
                cx.add(&MAC, at.saturating_add(1), 6, Value::Mac(Mac(mac)));
            }
            _ => cx.raw(&VALUE, at, length),
        },
        Kind::Agent => agent(cx, at, end),
        Kind::Names => {
            let message = Message { base: at, end };
            while at < end {
                match name(cx, message, &SEARCH, at) {
                    Some(after) => at = after,
                    None => return,
                }
            }
        }
        Kind::Routes => routes(cx, at, end),
    }
}

/// RFC 3046 2.0.
fn agent(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    while let (true, Some([kind, length])) = (at.saturating_add(2) <= end, cx.array(at)) {
        let from = at.saturating_add(2);
        let after = from.saturating_add(length.into());
        if after > end {
            break;
        }
        let group = cx.open(&AGENT, at, after.saturating_sub(at), Value::None);
        cx.uint(&AGENT_TYPE, at, 1, kind);
        cx.uint(&AGENT_LENGTH, at.saturating_add(1), 1, length);
        let spec = match kind {
            1 => &CIRCUIT,
            2 => &REMOTE,
            _ => &VALUE,
        };
        cx.raw(spec, from, length.into());
        cx.close(group);
        at = after;
    }
    cx.raw(&VALUE, at, end.saturating_sub(at));
}

/// RFC 3442: a prefix length, as many bytes of the network as count, and the router.
fn routes(cx: &mut Cx<'_>, mut at: u32, end: u32) {
    while let Some(bits) = cx.u8(at).filter(|_| at < end) {
        let bytes = u32::from(bits).div_ceil(8);
        let network_at = at.saturating_add(1);
        let router_at = network_at.saturating_add(bytes);
        let after = router_at.saturating_add(4);
        if bits > 32 || after > end {
            break;
        }
        let mut network = [0; 4];
        let sent = cx.bytes(network_at, bytes).unwrap_or(&[]);
        network
            .iter_mut()
            .zip(sent)
            .for_each(|(to, from)| *to = *from);
        let group = cx.open(&ROUTE, at, after.saturating_sub(at), Value::None);
        cx.uint(&ROUTE_BITS, at, 1, bits);
        cx.add(
            &ROUTE_NETWORK,
            network_at,
            bytes,
            Value::Ipv4(network.into()),
        );
        let router = cx
            .array::<4>(router_at)
            .map_or(Ipv4Addr::UNSPECIFIED, Into::into);
        cx.add(&ROUTE_ROUTER, router_at, 4, Value::Ipv4(router));
        cx.close(group);
        at = after;
    }
    cx.raw(&VALUE, at, end.saturating_sub(at));
}
